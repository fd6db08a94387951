"""Networks to draw, and the words of a drawing."""

from pathlib import Path
from xml.etree import ElementTree

from wann.networks.genome import Genome, genome_from_dict

INPUTS = ("x", "cos θ", "sin θ", "ẋ", "θ̇")
OUTPUTS = ("force",)


def named(genome: Genome) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        tuple(f"sensor {k}" for k in range(genome.inputs)),
        tuple(f"joint {k}" for k in range(genome.outputs)),
    )


def small_genome() -> Genome:
    """Node 4 is a sin between input 1 and the output; node 5 leads nowhere, node 6 is a constant."""
    return genome_from_dict(
        {
            "inputs": 2,
            "outputs": 1,
            "nodes": [
                [0, "linear"],
                [1, "linear"],
                [2, "linear"],
                [3, "tanh"],
                [4, "sin"],
                [5, "abs"],
                [6, "cos"],
            ],
            "connections": [
                [0, 1, 3, False],
                [1, 1, 4, True],
                [2, 4, 3, True],
                [3, 2, 5, True],
                [4, 6, 3, True],
                [5, 5, 3, False],
            ],
        }
    )


def words_of(path: Path) -> set[str]:
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return {element.text.strip() for element in root.iter() if element.text}
