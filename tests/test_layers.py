"""The packages from the ground up: a module imports only from its own package and from those before it."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import wann

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = (
    "version",
    "utils",
    "kernels",
    "networks",
    "settings",
    "settings_file",
    "evolution",
    "rollouts",
    "tasks",
    "wann_envs",
    "champion",
    "evaluation",
    "run",
    "analysis",
    "tuning",
    "formats",
    "visualization",
    "pages",
    "doctor",
    "random_weights",
    "progress",
    "sklearn",
    "cli",
)
"""The packages, and the modules at the top, from the ground up."""

LONGEST, MEDIAN, MOST_AT_THE_TOP = 450, 200, 8

MOST_PARAMETERS = 8
KERNEL_DECORATORS = {"kernel", "inlined_kernel", "compiled", "observe_kernel", "step_kernel"}

MODULES = {
    ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__"): path
    for base, package in ((ROOT, "wann"), (ROOT / "envs", "wann_envs"))
    for path in sorted((base / package).rglob("*.py"))
}
FACES = ("wann", "wann.__main__")  # which show what the packages offer
BY_NAME = {"wann.tasks.registry": "wann_envs"}
"""Packages that a module only names: tasks with compiled physics are found by name, loaded on first use."""


def package_of(module: str) -> str:
    """The place of a module in `PACKAGES`."""
    parts = module.split(".")
    return parts[0] if parts[0] == "wann_envs" else parts[1]


@cache
def tree_of(module: str) -> ast.Module:
    """The parsed source of a module; not to be changed."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> frozenset[str]:
    """Our modules that one imports, also inside functions, and those of others that a string names."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= inner or {node.module}
            if len(inner) < len(node.names) and node.module != "wann":
                found.add(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            # A package's own names, such as a class's home, are loaded on first use: no circle.
            if name in INNER and package_of(name) not in (package_of(module), BY_NAME.get(module)):
                found.add(name)
    return frozenset(name for name in found if name in MODULES) - {module}


def is_kernel(node: ast.AST) -> bool:
    """Whether a node is a function that numba compiles."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(part, ast.Name) and part.id in KERNEL_DECORATORS
        for each in node.decorator_list
        for part in ast.walk(each)
    )


INNER = [module for module in MODULES if module not in FACES]


def test_every_module_lies_in_a_package_of_the_list():
    assert {package_of(module) for module in INNER} == set(PACKAGES)


@pytest.mark.parametrize("module", INNER)
def test_a_module_imports_only_from_packages_before_its_own(module):
    mine = PACKAGES.index(package_of(module))
    later = [
        other
        for other in imports_of(module)
        if other not in FACES and PACKAGES.index(package_of(other)) > mine
    ]
    assert not later
    assert not {"wann"} & imports_of(module), "a module imports from where a thing is, not from the face"


def test_no_modules_import_each_other_in_a_circle():
    left = {module: imports_of(module) - set(FACES) for module in INNER}
    # A package's list of its files imports nothing; a module imports its package only in name.
    while free := [module for module, needs in left.items() if not needs & set(left)]:
        for module in free:
            del left[module]
    assert not left


def test_a_public_name_of_a_type_means_one_thing():
    """Classes and the aliases of types, which are assigned to a name such as `RowOfWeights`."""
    places = defaultdict(list)
    for module in MODULES:
        if module in FACES or package_of(module) == "wann_envs":
            continue
        for node in tree_of(module).body:
            if isinstance(node, ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            else:
                continue
            for name in names:
                if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name):
                    places[name].append(module)
    assert not {name: modules for name, modules in places.items() if len(modules) > 1}


def test_modules_are_short_and_few_lie_at_the_top():
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values())
    assert lengths[-1] <= LONGEST
    assert lengths[len(lengths) // 2] < MEDIAN
    top = [
        module
        for module in INNER
        if re.fullmatch(r"wann\.\w+", module) and MODULES[module].stem != "__init__"
    ]
    assert len(top) <= MOST_AT_THE_TOP


@pytest.mark.parametrize(
    "module",
    [
        m
        for m, path in MODULES.items()
        if path.stem == "__init__" and m not in ("wann", "wann_envs", "wann.random_weights")
    ],
)
def test_a_package_lists_its_files(module):
    folder = MODULES[module].parent
    listed = re.findall(r"^    (\w+)  ", ast.get_docstring(tree_of(module), clean=False), re.MULTILINE)
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    if module == "wann.cli":
        from wann.cli.commands import COMMANDS

        files -= {command.callback.__module__.rpartition(".")[2] for command in COMMANDS}
    assert len(listed) == len(set(listed))
    assert set(listed) == files


def test_kernels_that_other_modules_call_lie_together():
    """What the folder of compiled code is named after is the sources of `wann.kernels` alone."""

    compiled = {module: [*filter(is_kernel, ast.walk(tree_of(module)))] for module in MODULES}
    kernels = {module: {node.name for node in nodes} for module, nodes in compiled.items()}
    for module, nodes in compiled.items():
        called = {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}
        if not called:
            continue
        for node in ast.walk(tree_of(module)):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module in kernels
                and package_of(node.module) != "kernels"
            ):
                theirs = {alias.name for alias in node.names} & kernels[node.module] & called
                assert not theirs, (module, theirs)


def test_functions_have_few_parameters():
    """Besides the public interface, the commands, the constructors of estimators and compiled code."""
    found = set()
    for module in INNER:
        tree = tree_of(module)
        estimators = package_of(module) in ("random_weights", "sklearn")
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or is_kernel(node) or package_of(module) == "cli":
                continue
            public = node in tree.body and wann._HOME.get(node.name) == module.removeprefix("wann.")
            if public or (node.name == "__init__" and estimators):
                continue
            taken = node.args
            given = {each.arg for each in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)}
            count = len(given - {"self", "cls"}) + bool(taken.vararg) + bool(taken.kwarg)
            if count > MOST_PARAMETERS:
                found.add(f"{module}.{node.name}")
    assert not found


def test_only_the_command_line_prints():
    for module in INNER:
        if package_of(module) in ("cli", "progress"):
            continue
        names = [node.id for node in ast.walk(tree_of(module)) if isinstance(node, ast.Name)]
        assert "print" not in names, module


def test_no_module_uses_pickle_eval_or_global_randomness():
    for module, path in MODULES.items():
        text = path.read_text()
        for word in ("pickle.", "eval(", "exec(", "np.random.seed", "allow_pickle=True", "import random\n"):
            assert word not in text.replace("literal_eval(", ""), (module, word)


def test_only_one_module_imports_ray():
    found = {module for module, path in MODULES.items() if "import ray\n" in path.read_text()}
    assert found == {"wann.evaluation.ray_cluster"}
