"""Checks of Python, the packages and the optional ones."""

from __future__ import annotations

import platform
import shlex
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wann.doctor.finding import CheckResult
from wann.doctor.probe import probe


def python() -> CheckResult:
    """Whether the version of Python is supported."""
    version, wanted = platform.python_version(), metadata.metadata("wann")["Requires-Python"]
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return CheckResult("ok", f"{version}, {wanted} is needed")
    return CheckResult("problem", f"{version}, but {wanted} is needed", "install another Python")


def packages() -> CheckResult:
    """Whether the required packages are installed and new enough."""
    needed = _requirements()
    wrong = {str(each).split(";")[0].strip(): why for each in needed if (why := _unmet(each))}
    if wrong:
        return CheckResult("problem", "; ".join(wrong.values()), f"pip install --upgrade {shlex.join(wrong)}")
    return CheckResult("ok", f"{len(needed)} packages, all as new as needed")


def _requirements(extra: str = "") -> list[Requirement]:
    """Packages required on this system, those of an extra included."""
    needed = [Requirement(text) for text in metadata.requires("wann") or ()]
    return [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]


def _unmet(needed: Requirement) -> str | None:
    """What is wrong with an installed package; None if nothing is."""
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return None if needed.name.startswith("pygame") else f"{needed.name} is missing"
    fits = needed.specifier.contains(version, prereleases=True)
    return None if fits else f"{needed.name} is {version}, but {needed.specifier} is needed"


def pygame() -> CheckResult:
    """Whether exactly one of the two packages of the module `pygame` is installed.

    Either works; both together overwrite each other's files.
    """
    found = []
    for name in ("pygame", "pygame-ce"):
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    wanted = next(each.name for each in _requirements() if each.name.startswith("pygame"))
    if len(found) == 2:
        fix = f"pip uninstall -y pygame pygame-ce && pip install {wanted}"
        return CheckResult("note", f"{' and '.join(found)} share a folder, their files are mixed", fix)
    if not found:
        return CheckResult("problem", "neither pygame nor pygame-ce is installed", f"pip install {wanted}")
    return CheckResult("ok", found[0])


def ray() -> CheckResult:
    """Whether Ray, which searches with `--workers` start, can be imported."""
    if complaint := probe("import ray"):
        return CheckResult("problem", complaint, "pip install --force-reinstall ray")
    return CheckResult("ok", f"{metadata.version('ray')}, can be imported")


def extra(name: str, module: str, code: str, success: str) -> CheckResult:
    """Whether an optional package is installed, new enough, and works in a process of its own.

    Args:
        name: the extra of `wann` that installs it.
        module: its module.
        code: Python code that uses it.
        success: what is found if the code succeeds.
    """
    if find_spec(module) is None:
        return CheckResult("note", "not installed, an extra", f'pip install "wann[{name}]"')
    required = _requirements()
    wrong = [why for each in _requirements(name) if each not in required and (why := _unmet(each))]
    if wrong:
        return CheckResult("problem", "; ".join(wrong), f'pip install --upgrade "wann[{name}]"')
    if complaint := probe(f"import {module}; {code}"):
        return CheckResult("problem", complaint, f'pip install --force-reinstall "wann[{name}]"')
    with suppress(metadata.PackageNotFoundError):  # an extra is not always called as its package
        success = f"{metadata.version(name)}, {success}"
    return CheckResult("ok", success)
