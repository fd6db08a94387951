"""The rows of the comparison that PyTorch computes. It is imported when a row is measured, not before."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wann.random_weights.bench.method import Anchor, Measurement, Method, Problem, classifier
from wann.utils.arrays import IntArray

_SMALL = 16  # pixels a side below which filters and pooling are smaller
_ROWS = 60_000  # of MNIST; a smaller set is passed through more often, so that the steps are as many
_MOST_PASSES = 10  # but at most so many times as often


def _made(
    module: str, name: str, passes: Mapping[str, int] | None = None, **parameters: Any
) -> Callable[[Problem, int], Any]:
    """A function that makes an estimator of this package for a problem and a seed.

    Args:
        module: its module.
        name: its class.
        passes: its parameters that count passes over MNIST; a smaller set is passed through more often.
        parameters: its other parameters; the shape of the images is given where it takes one.
    """

    def make(problem: Problem, seed: int) -> Any:
        kind = getattr(import_module(f"wann.random_weights.{module}"), name)
        often = min(_MOST_PASSES, max(1.0, _ROWS / len(problem.x)))
        given = parameters | {name: round(count * often) for name, count in (passes or {}).items()}
        names = kind().get_params()
        if "shape" in names:
            given["shape"] = problem.shape
        if "pool" in names and problem.shape and min(problem.shape) < _SMALL:
            given |= {"size": 3, "pool": 2}
        return kind(random_state=seed, **given)

    return make


def _target_rows(labels: IntArray, classes: int) -> NDArray[np.bool_]:
    from wann.random_weights.transfer import target_rows

    return target_rows(labels, classes)


def _subnetwork(epochs: int, **parameters: Any) -> Callable[[Problem, int], Measurement]:
    return classifier(_made("edge_popup", "HiddenSubnetwork", {"epochs": epochs}, **parameters))


def _criterion(**parameters: Any) -> Callable[[Problem, int], Measurement]:
    return classifier(_made("supermask", "CriterionMask", {"epochs": 5}, **parameters))


def _transfer(**parameters: Any) -> Callable[[Problem, int], Measurement]:
    return classifier(
        _made("transfer", "Transfer", {"source_epochs": 2, "epochs": 5}, **parameters), _target_rows
    )


def _few_shot(layers: str, count: int) -> Callable[[Problem, int], Measurement]:
    make = _made(
        "transfer",
        "Transfer",
        {"source_epochs": 2},
        layers=layers,
        hidden=(),
        per_class=count,
        epochs=_FEW_SHOT_EPOCHS,
    )
    return classifier(make, _target_rows)


_FEW_SHOT_EPOCHS = 100
_CONVOLUTIONAL: dict[str, Any] = {"channels": (32, 64), "hidden": (128,), "weight_decay": 5e-4}
_POPUP = Anchor("73.3 % on ImageNet, wide ResNet-50", "repository of Ramanujan et al. 2019")
_SECOND_HALF = "of the second half of the classes only"

METHODS: tuple[Method, ...] = (
    Method(
        "edge-popup",
        "Hidden subnetwork by edge-popup, 300-100",
        _subnetwork(10),
        seconds=35.0,
        needs="torch",
        anchor=_POPUP,
        gate=0.974,
    ),
    Method(
        "edge-popup-trained",
        "The same network without a mask, its weights trained",
        _subnetwork(10, learn="weights", kept=1.0),
        seconds=35.0,
        needs="torch",
        ablation_of="edge-popup",
    ),
    Method(
        "random-subnetwork",
        "The same network, half of it by random scores",
        _subnetwork(0, learn="nothing"),
        seconds=1.0,
        needs="torch",
        ablation_of="edge-popup",
    ),
    Method(
        "untrained-dense",
        "The same network without a mask, untrained",
        _subnetwork(0, learn="nothing", kept=1.0),
        seconds=1.0,
        needs="torch",
        ablation_of="edge-popup",
    ),
    Method(
        "edge-popup-conv",
        "Hidden subnetwork by edge-popup, convolutions 32-64",
        _subnetwork(3, **_CONVOLUTIONAL),
        seconds=260.0,
        needs="torch",
        images=True,
        anchor=_POPUP,
        gate=0.984,
    ),
    Method(
        "edge-popup-conv-trained",
        "The same network without a mask, its weights trained",
        # Weights do not bear the learning rate of scores: at 0.1 every unit dies.
        _subnetwork(3, **_CONVOLUTIONAL, learn="weights", kept=1.0, learning_rate=0.01),
        seconds=240.0,
        needs="torch",
        images=True,
        ablation_of="edge-popup-conv",
    ),
    Method(
        "random-subnetwork-conv",
        "The same network, half of it by random scores",
        _subnetwork(0, **_CONVOLUTIONAL, learn="nothing"),
        seconds=1.0,
        needs="torch",
        images=True,
        ablation_of="edge-popup-conv",
    ),
    Method(
        "supermask",
        "Supermask by criterion on the initial weights",
        _criterion(),
        seconds=15.0,
        needs="torch",
        gate=0.80,
        remark="the mask is read off a trained copy",
    ),
    Method(
        "supermask-signed",
        "Supermask by criterion on signed constants",
        _criterion(weights="signed"),
        seconds=15.0,
        needs="torch",
        anchor=Anchor("86 % on MNIST", "Zhou et al. 2019, abstract"),
        gate=0.88,
        remark="the mask is read off a trained copy",
    ),
    Method(
        "random-mask",
        "Random mask, its density chosen",
        _criterion(criterion="random"),
        seconds=2.0,
        needs="torch",
        ablation_of="supermask",
    ),
    Method(
        "learned-mask",
        "Learned Bernoulli mask on signed constants",
        classifier(_made("supermask", "LearnedMask", {"epochs": 20})),
        seconds=55.0,
        needs="torch",
        gate=0.963,
    ),
    Method(
        "trained-dense",
        "Dense network, trained, 300-100",
        classifier(_made("dense", "DenseNetwork", {"epochs": 5})),
        seconds=15.0,
        needs="torch",
        ablation_of="learned-mask",
    ),
    Method(
        "random-convolution",
        "Random filters, mean pooling, ridge readout",
        classifier(_made("random_convolution", "RandomConvolution")),
        seconds=35.0,
        needs="torch",
        images=True,
        gate=0.98,
    ),
    Method(
        "trained-convolution",
        "The same, the filters trained first",
        classifier(_made("random_convolution", "RandomConvolution", {"epochs": 3}, learn="all")),
        seconds=150.0,
        needs="torch",
        images=True,
        ablation_of="random-convolution",
    ),
    Method(
        "transfer",
        "Convolutions imported from the first half of the classes",
        _transfer(),
        seconds=50.0,
        needs="torch",
        images=True,
        least_classes=4,
        anchor=Anchor("99.2 % on digits 5 to 9", "Keras example mnist_transfer_cnn"),
        gate=0.986,
        remark=_SECOND_HALF,
    ),
    Method(
        "transfer-random",
        "The same convolutions at random",
        _transfer(layers="random"),
        seconds=12.0,
        needs="torch",
        images=True,
        least_classes=4,
        ablation_of="transfer",
        remark=_SECOND_HALF,
    ),
    Method(
        "transfer-trained",
        "The same convolutions, trained on these classes",
        _transfer(layers="trained"),
        seconds=100.0,
        needs="torch",
        images=True,
        least_classes=4,
        ablation_of="transfer",
        remark=_SECOND_HALF,
    ),
    *(
        Method(
            f"few-shot-{count}{ending}",
            f"{title}, linear head on {count} rows of each class",
            _few_shot(layers, count),
            seconds=seconds,
            needs="torch",
            images=True,
            least_classes=4,
            ablation_of=f"few-shot-{count}" if ending else None,
            remark=_SECOND_HALF,
        )
        for count in (10, 100)
        for ending, title, layers, seconds in (
            ("", "Imported convolutions", "imported", 45.0),
            ("-random", "The same at random", "random", 5.0),
        )
    ),
)
"""Rows for a data set."""


def _prior(learn: str) -> Callable[[Path | None, int], Measurement]:
    """The measurement of the image prior: mean gain over the noisy images, in decibels."""

    def measure(folder: Path | None, seed: int) -> Measurement:
        from wann.random_weights.image_prior import draw_samples, noisy_samples, restore

        samples = noisy_samples(seed)
        begun = time.perf_counter()
        restored = [restore(sample.noisy, learn=learn, random_state=seed) for sample in samples]
        seconds = time.perf_counter() - begun
        if folder is not None:
            draw_samples(samples, restored, folder / f"image-prior-{learn}-{seed}.png")
        gains = [sample.gain(own.image) for sample, own in zip(samples, restored, strict=True)]
        return Measurement(float(np.mean(gains)), restored[0].trained, restored[0].stored, seconds)

    return measure


def _filter(_: Path | None, seed: int) -> Measurement:
    """The mean gain of the Gaussian filter."""
    from wann.random_weights.image_prior import noisy_samples

    begun = time.perf_counter()
    gains = [sample.gain(sample.filtered) for sample in noisy_samples(seed)]
    return Measurement(float(np.mean(gains)), 0, 9, time.perf_counter() - begun)


IMAGE_PRIOR: tuple[Method, ...] = (
    Method(
        "image-prior",
        "Untrained image prior, fitted to the noisy image",
        _prior("all"),
        seconds=110.0,
        needs="torch",
        gate=5.5,
    ),
    Method(
        "image-prior-last",
        "The same network, its output layer fitted and the rest random",
        _prior("last"),
        seconds=70.0,
        needs="torch",
        ablation_of="image-prior",
    ),
    Method(
        "gaussian-filter",
        "Gaussian filter of 3 x 3 pixels",
        _filter,
        seconds=0.1,
        needs="torch",
    ),
)
"""Rows of the task `image-prior`: measured with a folder for pictures before and after, or None, and a seed.

The score is the mean gain over the noisy images in decibels.
"""
