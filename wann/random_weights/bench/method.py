"""A row of the comparison: a method, its measurement, and the figure it has to reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A data set as the methods see it: training rows to learn and choose from, test rows to be judged by."""

    name: str
    x: NDArray[np.float32]  # (N, I) training and validation part
    y: IntArray  # (N,) places in the classes
    test_x: NDArray[np.float32]  # (T, I)
    test_y: IntArray  # (T,)
    classes: int
    shape: tuple[int, int] | None  # height and width, where the inputs are pixels from 0 to 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """One seed's measurement."""

    score: float  # test accuracy from 0 to 1, or what the problem's measure says
    trained: int  # parameters
    stored: int
    seconds: float  # to fit, by the clock


@dataclass(frozen=True, slots=True)
class Anchor:
    """A published figure of the same method, read in its source."""

    figure: str  # "73.3 % on ImageNet"
    source: str  # "Ramanujan et al. 2019"


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the comparison."""

    name: str  # for --methods: letters, digits and hyphens
    title: str  # in the table
    measure: Callable[[Any, int], Measurement]  # of a Problem (or a task of its own) and a seed
    seconds: float  # roughly, for one seed on MNIST at 28 x 28 pixels, two cores; for another task, there
    needs: Literal["sklearn", "torch", "cmaes"] = "sklearn"
    drawn: bool = True  # whether a seed changes anything; without, one is measured
    images: bool = False  # only for inputs that are pixels
    least_classes: int = 2
    anchor: Anchor | None = None
    ablation_of: str | None = None  # name of the row that it differs from in one thing
    gate: float | None = (
        None  # mean score that it has to reach on MNIST at 28 x 28 pixels, or on its own task
    )
    ceiling: float | None = None  # mean score that it must stay below there
    remark: str = ""  # what the number is of, where it is not what the others' is


def classifier(
    make: Callable[[Problem, int], Any],
    tested: Callable[[IntArray, int], NDArray[np.bool_]] | None = None,
) -> Callable[[Problem, int], Measurement]:
    """The measurement of an estimator: fitted to all training rows, scored on the test rows.

    Args:
        make: the estimator for a problem and a seed.
        tested: whether each test row counts, from the test labels and the number of classes; by default all.
    """

    def measure(problem: Problem, seed: int) -> Measurement:
        estimator = make(problem, seed)
        begun = time.perf_counter()
        estimator.fit(problem.x, problem.y)
        seconds = time.perf_counter() - begun
        rows = slice(None) if tested is None else tested(problem.test_y, problem.classes)
        score = float(estimator.score(problem.test_x[rows], problem.test_y[rows]))
        return Measurement(score, estimator.trained_parameters, estimator.stored_parameters, seconds)

    return measure
