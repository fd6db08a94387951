"""Innovation numbers: the same structure that arises twice in a generation has one number."""

from __future__ import annotations

from typing import NamedTuple


class Split(NamedTuple):
    """Numbers of the structure that splitting one connection creates."""

    node_id: int
    mark_in: int
    mark_out: int


class Innovations:
    """Numbers of new structure: two counters, and the structure of the current generation.

    Numbers only grow. Within a generation the same new connection (same ends), the same split connection and
    the copy of the same node get the same numbers in every child; `begin_generation` forgets them, also
    between two mutations of one child, as a structure that arises again later is a different innovation
    (Stanley and Miikkulainen 2002, section 3.2).
    """

    def __init__(self, next_node: int, next_mark: int) -> None:
        self.next_node = next_node
        self.next_mark = next_mark
        self._connections: dict[tuple[int, int], int] = {}
        self._splits: dict[int, Split] = {}
        self._duplicates: dict[int, int] = {}

    def begin_generation(self) -> None:
        """Forget the structures of the generation before."""
        self._connections.clear()
        self._splits.clear()
        self._duplicates.clear()

    def connection(self, source: int, target: int) -> int:
        """Innovation number of a new connection between two node ids."""
        ends = (source, target)
        if ends not in self._connections:
            self._connections[ends] = self.next_mark
            self.next_mark += 1
        return self._connections[ends]

    def split(self, mark: int) -> Split:
        """Numbers of the node and the two connections that replace the connection `mark`."""
        if mark not in self._splits:
            self._splits[mark] = Split(self.next_node, self.next_mark, self.next_mark + 1)
            self.next_node += 1
            self.next_mark += 2
        return self._splits[mark]

    def duplicate(self, node: int) -> int:
        """Id of the node that is a copy of another."""
        if node not in self._duplicates:
            self._duplicates[node] = self.next_node
            self.next_node += 1
        return self._duplicates[node]

    def feature(self) -> int:
        """Id of a node with connections of its own, which no other child has."""
        self.next_node += 1
        return self.next_node - 1
