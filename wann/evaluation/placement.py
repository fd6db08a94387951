"""Where a user wants evaluations to run; importing this costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where evaluations run; by default the program decides. Results do not depend on it.

    Raises:
        ValueError: threads are asked for together with workers or a cluster.
    """

    threads: int | None = None  # in this process
    workers: int | None = None  # Ray evaluators, one CPU each
    address: str | None = None  # of a Ray cluster to join: "auto" or HOST:PORT

    def __post_init__(self) -> None:
        if self.threads is not None and (self.workers is not None or self.address is not None):
            raise ValueError(
                "--threads compute in this process, --workers and --address elsewhere: choose one"
            )


DEFAULT_PLACEMENT = Placement()
"""The default: the program decides."""
