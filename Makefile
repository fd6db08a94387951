# `make search` and `make test` do everything on a machine with Python 3.11 or newer; each step is done once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TASK ?= swingup
SEED ?= 22
OUT ?= runs/$(TASK)$(if $(filter-out 22,$(SEED)),-$(SEED))
ARGS ?=

# All tests of a file in one process. Their compiled form is kept also where none is wanted: to make it again
# takes longer than to collect them.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install search test quick check format bench mutants fuzz soak kills clean

help:
	@echo "make search   install, and search $(TASK); run again to go on (TASK=, SEED=, OUT=, ARGS=)"
	@echo "make test     install, and run the whole test suite"
	@echo "make quick    the tests that are not marked slow, in two minutes on two cores"
	@echo "make check    format, lint, types and the layers, in seconds"
	@echo "make bench    measure the speed of the engine"
	@echo "make mutants  put small faults into the search's core, and list those that no quick test notices"
	@echo "make fuzz     read a million damaged files on all processors; ARGS=--help tells more"
	@echo "make soak     disturb a search for an hour, in every way we know (ARGS='--minutes 5')"
	@echo "make kills    kill commands a thousand times at random moments, and go on to the same bytes"
	@echo "make format   put the code into its format"
	@echo "make clean    remove the virtual environment, caches and compiled kernels; runs are kept"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "wann needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]'
	@touch $@

install: $(VENV)/.installed

search: $(VENV)/.installed
	@$(BIN)/wann search $(TASK) --seed $(SEED) --out $(OUT) --resume $(ARGS)

test: $(VENV)/.installed-dev
	$(PYTEST) $(ARGS)

quick: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_layers.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py $(ARGS)

mutants: $(VENV)/.installed-dev
	$(BIN)/python tests/mutants.py $(ARGS)

fuzz: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz.run $(ARGS)

soak: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python tests/soak.py $(ARGS)

kills: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python tests/killing.py $(ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +
