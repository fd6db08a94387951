"""The layers of the design: a module imports only from lower ones."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    {
        "activations",
        "config",
        "files",
        "graph",
        "lanes",
        "mnist",
        "nearest",
        "ordering",
        "seeding",
        "stopping",
    },
    {"datasets", "genome", "innovation", "layout", "optimisers", "ranking", "spaces", "weights"},
    {"network", "selection", "variation"},
    {"classify", "evolution", "pool", "rollout", "stepping", "tasks"},
    {"champion", "evaluator", "film", "front", "gradient", "published", "storage", "theme", "work"},
    {
        "accuracy",
        "achievement",
        "development",
        "diagram",
        "distributed",
        "draw",
        "export",
        "living",
        "neat_python",
    }
    | {"offspring", "placement", "plot", "replay", "server", "studio", "trials", "tuning"},
    {"clips", "doctor", "entrants", "exhibit", "play", "player", "prune", "race", "report", "run"}
    | {"scorecard", "sensitivity", "sensitivity_plot", "table", "tune", "watch"},
    {"random_weights"},
    {"cli", "commands", "live", "sklearn"},
)
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}

# Within a layer, who may use whom; everything else there is independent.
WITHIN = {
    "activations": {"lanes"},
    "config": {"nearest"},
    "graph": {"lanes"},
    "ordering": {"lanes"},
    "mnist": {"files"},
    "pool": {"rollout"},
    "stepping": {"rollout"},
    "tasks": {"classify", "pool", "rollout", "stepping"},
    "ranking": {"genome"},
    "evaluator": {"work"},
    "draw": {"diagram"},
    "development": {"diagram", "draw"},
    "living": {"diagram", "draw"},
    "replay": {"diagram", "living"},
    "front": {"champion", "storage"},
    "placement": {"distributed"},
    "plot": {"accuracy"},
    "play": {"player"},
    "published": {"champion", "evaluator"},
    "entrants": {"run"},
    "race": {"entrants", "tune"},
    "report": {"clips", "exhibit", "run"},
    "sensitivity_plot": {"sensitivity"},
    "storage": {"champion"},
    "table": {"scorecard", "tune"},
    "watch": {"report"},
    "cli": {"commands"},
    "commands": {"live"},
    "sklearn": {"live"},
}


def imports_of(path: Path) -> set[str]:
    """Modules of wann that a file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("wann.") and name.split(".")[1] in LEVEL}


MODULES = sorted(
    path
    for path in (ROOT / "wann").rglob("*.py")
    if path not in (ROOT / "wann/__init__.py", ROOT / "wann/__main__.py")
)


def module_of(path: Path) -> str:
    """The module of wann that a file is, or the package that it is part of."""
    return path.relative_to(ROOT / "wann").with_suffix("").parts[0]


def test_every_module_has_a_layer():
    assert {module_of(path) for path in MODULES} == set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(path.relative_to(ROOT / "wann").parts))
def test_a_module_imports_only_from_lower_layers(path):
    mine = module_of(path)
    for other in imports_of(path) - {mine}:  # a class that is sent to workers finds its module by its name
        allowed = LEVEL[other] < LEVEL[mine] or other in WITHIN.get(mine, set())
        assert allowed, f"wann.{mine} imports wann.{other}"


@pytest.mark.parametrize("path", sorted((ROOT / "envs/wann_envs").glob("*.py")), ids=lambda path: path.stem)
def test_environments_import_nothing_above_the_task_protocol(path):
    assert all(LEVEL[module] <= LEVEL["tasks"] for module in imports_of(path))


def test_only_the_command_line_prints():
    for path in MODULES:
        if module_of(path) in ("cli", "commands", "live"):
            continue
        names = [node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)]
        assert "print" not in names, path


def test_no_module_uses_pickle_eval_or_global_randomness():
    for path in [*MODULES, *(ROOT / "envs").rglob("*.py")]:
        text = path.read_text()
        for word in ("pickle.", "eval(", "exec(", "np.random.seed", "allow_pickle=True", "import random\n"):
            assert word not in text.replace("literal_eval(", ""), (path, word)


def test_only_one_module_imports_ray():
    found = {path.stem for path in MODULES if "import ray" in path.read_text()}
    assert found == {"distributed"}
