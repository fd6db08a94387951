"""Whether what a file names may be used: code is run, and paths are handed on, only where the user said so.

A champion or run may come from anyone. Its task may be `module:Name-v0`, which imports the module, and the
arguments of its environment may be texts, which the environment may take for paths or modules. Both are used
only where the user named the same task, imported the module, or trusts the file. A table is opened only by
its checksum.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wann.tasks.tables import is_table

_WORD = re.compile(r"[\w +-]*")  # neither a path nor the name of a module that lies in a package
_ANY = "any"

_granted: set[str] = set()  # tasks that the user named in this process, with their arguments; or `_ANY`


class UntrustedError(ValueError):
    """A file names what would run code or open a file, and the user did not."""


def grant(task: str, env_kwargs: Mapping[str, Any]) -> None:
    """Let files name this task with these arguments, as the user did, for as long as the process lives."""
    _granted.add(_key(task, env_kwargs))


@contextmanager
def trusting() -> Iterator[None]:
    """Let files name any task, in all threads, while the block lasts."""
    already = _ANY in _granted
    _granted.add(_ANY)
    try:
        yield
    finally:
        if not already:
            _granted.discard(_ANY)


def refuse_untrusted(task: str, env_kwargs: Mapping[str, Any]) -> None:
    """Refuse a task that a file names, where it could do harm and the user has not allowed it.

    Raises:
        UntrustedError: in one line that says what it would do and how to allow it.
    """
    if is_table(task) and not isinstance(env_kwargs.get("sha256"), str):
        raise UntrustedError(f"the file names {task!r} without its SHA-256, and such a table is not opened")
    harm = possible_harm(task, env_kwargs, imported=sys.modules)
    if harm is not None and not {_ANY, _key(task, env_kwargs)} & _granted:
        raise UntrustedError(
            f"task {task!r}, named by a file, would {harm}: allow it with --trust, or name it yourself (as "
            "TASK or --task on the command line; in Python, import the module or give trust=True)"
        )


def possible_harm(task: str, env_kwargs: Mapping[str, Any], imported: Container[str] = ()) -> str | None:
    """What a task would do that no file may ask for by itself; None where there is nothing of that kind.

    Args:
        task: its name.
        env_kwargs: arguments of its environment.
        imported: modules that run no code when they are imported, as they have been already.
    """
    if is_table(task):  # which is opened by its checksum alone
        distant = task.removeprefix("csv:").startswith(("\\\\", "//"))
        return "look for a table on another machine" if distant else None
    module, colon, _ = task.rpartition(":")
    if colon and module not in imported:
        return f"import the module {module!r}"
    text = next((text for text in _texts(env_kwargs) if not _WORD.fullmatch(text)), None)
    return None if text is None else f"hand {text!r} to its environment, maybe as a path or a module"


def trust_word(task: str, env_kwargs: Mapping[str, Any]) -> str:
    """End of a command on a champion or run of this task, after a space; empty where none is needed."""
    return "" if possible_harm(task, env_kwargs) is None else " --trust"


def _texts(value: Any) -> Iterator[str]:
    """All texts within plain lists and tables."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            left += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            left += part


def _key(task: str, env_kwargs: Mapping[str, Any]) -> str:
    return json.dumps([task, dict(env_kwargs)], sort_keys=True, default=str)
