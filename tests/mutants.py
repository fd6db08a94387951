"""Mutation testing of the search's core: small faults, one at a time, that the quick tests should notice.

`make mutants` tries a sample of them, each in a copy of the project, and keeps the outcomes in a JSON file;
run again, it goes on, and tries anew what was tried with another source or other tests. At the end it prints
which share was noticed; `tests/equivalent_mutants.txt` lists mutants that are set aside from it.

It is our own: mutmut leaves out decorated functions, which compiled kernels are, and cosmic-ray mutates
annotations, which no test can notice, and drops no statement.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CONCERNED = {
    "wann/champion.py": ("tests/test_champion.py", "tests/cli/test_evaluate.py"),
    "wann/networks": ("tests/networks", "tests/evolution", "tests/rollouts/test_compiled.py"),
    "wann/evolution": ("tests/evolution", "tests/run"),
    "wann/run": ("tests/run", "tests/cli/test_search.py", "tests/cli/test_resume.py"),
}
"""Files and folders that are mutated, and the tests that should notice."""
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
"""Mutants that change nothing that a test could notice: set aside from the share."""
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "runs", "build", "dist", ".*_cache", ".hypothesis")

TEST_SECONDS = 90
"""A test that takes longer hangs."""

SWAPS = (
    "Lt LtE GtE|LtE Lt Gt|Gt GtE LtE|GtE Gt Lt|Eq NotEq|NotEq Eq|Is IsNot|IsNot Is|In NotIn|NotIn In|And Or|"
    "Or And|Add Sub|Sub Add|Mult Div|Div Mult|FloorDiv Mult|Mod FloorDiv|Pow Mult|BitOr BitAnd|BitAnd BitOr"
)
OPERATORS = {
    getattr(ast, old): [getattr(ast, new) for new in others]
    for old, *others in map(str.split, SWAPS.split("|"))
}
NAMES = {"min": "max", "argmin": "argmax", "minimum": "maximum", "any": "all", "floor": "ceil"}
NAMES |= {other: name for name, other in NAMES.items()}


class Mutant(NamedTuple):
    """A change of one place of a file."""

    file: str
    begin: int  # the bytes of the file that it replaces
    end: int
    after: str
    name: str


def changes(node: ast.AST) -> Iterator[str]:
    """Code that may stand in place of a node."""
    operator = node.ops[0] if isinstance(node, ast.Compare) else getattr(node, "op", None)
    others = [kind() for kind in OPERATORS.get(type(operator), ())]
    match node:
        case ast.Compare(left, [_], [right]):
            yield from (f"({ast.unparse(ast.Compare(left, [other], [right]))})" for other in others)
        case ast.BinOp(left, _, right):
            yield from (f"({ast.unparse(ast.BinOp(left, other, right))})" for other in others)
        case ast.BoolOp(_, values):
            yield from (f"({ast.unparse(ast.BoolOp(other, values))})" for other in others)
        case ast.AugAssign(target, _, value):
            yield from (ast.unparse(ast.AugAssign(target, other, value)) for other in others)
            yield "pass"
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(bool(value)):
            yield str(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (f"({value + 1})", f"({value - 1})")
        case ast.Call(ast.Name(name), arguments, keywords) if name in NAMES:
            yield ast.unparse(ast.Call(ast.Name(NAMES[name]), arguments, keywords))
        case ast.Call(ast.Attribute(value, name), arguments, keywords) if name in NAMES:
            yield ast.unparse(ast.Call(ast.Attribute(value, NAMES[name]), arguments, keywords))
        case ast.Expr(ast.Call()) | ast.Raise() | ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case ast.Continue() | ast.Break():
            yield "break" if isinstance(node, ast.Continue) else "continue"


def places(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that do something: no annotations, decorators, and words of errors."""
    yield node
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from places(child)


def mutants_of(file: str) -> Iterator[Mutant]:
    """All mutants of a file."""
    source = (ROOT / file).read_bytes()
    starts = np.cumsum([0, *map(len, source.splitlines(keepends=True))]).tolist()
    for node in places(ast.parse(source)):
        for after in changes(node):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before = " ".join(source[begin:end].decode().split())
            name = f"{file}:{node.lineno}:{node.col_offset + 1}: {before}  →  {after}"
            yield Mutant(file, begin, end, after, name)


def digest_of(file: str, tests: Sequence[str]) -> str:
    """Digest of a file and of all Python files among the tests that should notice its mutants."""
    paths = [ROOT / file]
    for place in (ROOT / test for test in tests):
        paths += [place] if place.is_file() else sorted(place.rglob("*.py"))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def equivalent_mutants() -> set[str]:
    """Names of the mutants in the list of equivalent ones; a line that begins with # gives their reason."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def nearest_first(file: str, concerned: Sequence[str]) -> tuple[str, ...]:
    """The tests that concern a file, those of its own module first: most mutants end there."""
    own = Path("tests", *Path(file).parts[1:-1], f"test_{Path(file).name}")
    return (str(own), *concerned) if (ROOT / own).exists() else tuple(concerned)


def run_tests(tree: Path, concerned: Sequence[str], limit: float | None) -> str:
    """Run the quick tests in a copy of the project: "survived", "found" or "timeout"."""
    pytest = f"{sys.executable} -m pytest -x -q -p no:cacheprovider".split()
    # A test alone takes seconds; a mutant that hangs is found by the first test that does.
    hang = f"-o faulthandler_timeout={TEST_SECONDS} -o faulthandler_exit_on_timeout=true".split()
    command = [*pytest, *hang, "-m", "not slow", *concerned]
    paths = os.pathsep.join([str(tree), str(tree / "envs")])
    # No bytecode: it is told apart by whole seconds and the file's size.
    env = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tree, env=env, start_new_session=True, **quiet) as process:
        try:
            return "found" if process.wait(limit) else "survived"
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    """Try a sample of mutants, and list those that survive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300, help="mutants in the sample (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (default: 2)")
    parser.add_argument("--only", default="", help="mutate only files whose path begins with this")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/mutants.json", help="outcomes, as JSON")
    options = parser.parse_args()

    files = {
        str(path.relative_to(ROOT)): tests
        for place, tests in CONCERNED.items()
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("*.py")))
    }
    every = [m for file in files if file.startswith(options.only) for m in mutants_of(file)]
    order = np.random.default_rng(options.seed).permutation(len(every))
    sample = [every[place] for place in order[: options.count]]
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    kept = {name: entry for name, entry in kept.items() if isinstance(entry, dict)}  # others have no digest
    digests = {file: digest_of(file, files[file]) for file in {mutant.file for mutant in sample}}
    left = [m for m in sample if kept.get(m.name, {}).get("digest") != digests[m.file]]
    print(f"{len(every)} mutants, {len(sample)} in the sample, {len(left)} to be tried")

    sources = {file: (ROOT / file).read_bytes() for file in files}
    with tempfile.TemporaryDirectory() as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for job in range(options.jobs):
            trees.put(shutil.copytree(ROOT, Path(folder, str(job)), ignore=NOT_COPIED))
        if (ROOT.parent / "shared").exists():
            Path(folder, "shared").symlink_to(ROOT.parent / "shared")

        def outcome_of(mutant: Mutant) -> str:
            tree, tests = trees.get(), files[mutant.file]
            source = sources[mutant.file]
            changed = source[: mutant.begin] + mutant.after.encode() + source[mutant.end :]
            (tree / mutant.file).write_bytes(changed)
            outcome = run_tests(tree, nearest_first(mutant.file, tests), limits[tests])
            (tree / mutant.file).write_bytes(source)
            trees.put(tree)
            return outcome

        def limit_of(tests: tuple[str, ...]) -> float:
            begun, tree = time.monotonic(), trees.get()
            assert run_tests(tree, tests, None) == "survived", f"tests fail without a mutation: {tests}"
            trees.put(tree)
            return 30.0 + 3.0 * (time.monotonic() - begun)

        pool = ThreadPoolExecutor(options.jobs)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        try:
            concerned = list({files[mutant.file] for mutant in left})
            limits = dict(zip(concerned, pool.map(limit_of, concerned), strict=True))
            begun = time.monotonic()
            for tried, (mutant, outcome) in enumerate(zip(left, pool.map(outcome_of, left), strict=True), 1):
                kept[mutant.name] = {"outcome": outcome, "digest": digests[mutant.file]}
                options.out.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
                minutes = (time.monotonic() - begun) / tried * (len(left) - tried) / 60.0
                print(f"{tried}/{len(left)}, {minutes:.0f} min left: {outcome:8} {mutant.name}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)

    equivalent = equivalent_mutants()
    counted = {m.name: kept[m.name]["outcome"] for m in sample if m.name not in equivalent}
    print(dict(Counter(counted.values())), f"and {len(sample) - len(counted)} equivalent")
    noticed = sum(outcome != "survived" for outcome in counted.values())
    print(f"noticed: {noticed} / {len(counted)} = {noticed / max(len(counted), 1):.1%}")
    print(*(name for name, outcome in counted.items() if outcome == "survived"), sep="\n")


if __name__ == "__main__":
    main()
