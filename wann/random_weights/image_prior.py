"""An image prior without training data: a network with random weights, fitted to one noisy image."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from wann.random_weights.training import check_choice, functional, one_thread, torch, torch_generator
from wann.utils.arrays import RealArray
from wann.utils.seeding import Purpose, stream
from wann.visualization.theme import LIGHT, Theme, figure_style, save_figure

STEPS = 1000
"""Steps after which the fit is stopped: a fit that goes on learns the noise as well."""

NOISE = 25.0 / 255.0
"""Standard deviation of the noise that is added to the sample images."""

_NETWORK, _INPUT, _JITTER, _NOISE = range(4)  # addresses of the streams of random numbers
_CHANNELS = (16, 32, 64)  # of each scale, the finest first
_SKIP = 4  # channels that pass each scale by
_INPUTS = 16  # channels of the noise that the network is fed with
_RANGE = 0.1  # that noise is uniform from 0 to this
_JITTERED = 1.0 / 30.0  # standard deviation of the change of the input in each step
_LEARNING_RATE = 0.01  # of Adam
_MEMORY = 0.99  # of the moving average of the outputs
_LOOK_BACK = 100  # steps from one check to the next
_FALL = 5.0  # dB by which the fit may worsen from one check to the next
_SLOPE = 0.2  # of the leaky ReLU below 0
_SIDE = 128  # pixels of the sample images
# Parts with detail and smooth ground; where detail fills the image, the Gaussian filter gains 2 to 4 dB only.
_CORNERS = {"china": (150, 300), "flower": (90, 300)}  # row and column of their first pixel


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """A network's answer to one noisy image."""

    image: RealArray  # (height, width, colours), values from 0 to 1
    trained: int  # parameters that were fitted
    stored: int  # parameters and numbers of the input


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sample image, made noisy. All (height, width, colours), values from 0 to 1."""

    name: str
    clean: RealArray
    noisy: RealArray
    filtered: RealArray  # the noisy one under a Gaussian filter of 3 x 3 pixels

    def gain(self, image: RealArray) -> float:
        """By how many decibels an image is nearer to the clean one than the noisy one is."""
        return decibels(image, self.clean) - decibels(self.noisy, self.clean)


def restore(
    noisy: RealArray,
    *,
    steps: int = STEPS,
    learn: str = "all",
    random_state: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Restored:
    """Restore an image by a network that has seen no other one.

    An encoder and decoder with random weights is fed with noise that stays the same but for a small change
    in each step, and is fitted to the noisy image by Adam. Its form makes the image appear before the noise,
    so the fit is stopped early; the answer is the moving average of the outputs. Where the fit suddenly
    worsens, it goes back to the last check.

    Args:
        noisy: (height, width, colours) values around 0 to 1; height and width are multiples of 8.
        steps: steps of Adam.
        learn: "all" weights; for comparison "last", the output layer's only, so the rest stays random.
        random_state: seed.
        progress: told the number of steps done after each.

    Raises:
        ValueError: the image has another shape, or a parameter is wrong.

    Source: Ulyanov et al. 2018, Deep image prior, arXiv 1711.10925.
    """
    check_choice("learn", learn, ("all", "last"))
    if noisy.ndim != 3 or any(side < 8 or side % 2 ** len(_CHANNELS) for side in noisy.shape[:2]):
        raise ValueError(
            "the image must have the shape (height, width, colours) with sides that are multiples of 8, "
            f"not {noisy.shape}"
        )
    if not np.isfinite(noisy).all():
        raise ValueError("the image holds a value that is not a finite number")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")

    def rng(address: int) -> np.random.Generator:
        return stream(random_state, Purpose.RANDOM_WEIGHTS, address)

    with one_thread():
        network = _network(noisy.shape[2], rng(_NETWORK))
        wanted = torch.from_numpy(noisy.astype(np.float32).transpose(2, 0, 1).copy())[None]
        fed = torch.from_numpy(
            rng(_INPUT).uniform(0.0, _RANGE, (1, _INPUTS, *noisy.shape[:2])).astype(np.float32)
        )
        draws = torch_generator(rng(_JITTER))
        learned = list(network.parameters() if learn == "all" else network[-2].parameters())
        optimiser = torch.optim.Adam(learned, lr=_LEARNING_RATE)
        mean, kept, level = wanted, network.state_dict(), -np.inf
        for step in range(steps):
            optimiser.zero_grad()
            out = network(fed + _JITTERED * torch.randn(fed.shape, generator=draws))
            loss = functional.mse_loss(out, wanted)
            loss.backward()
            optimiser.step()
            mean = out.detach() if step == 0 else _MEMORY * mean + (1.0 - _MEMORY) * out.detach()
            if step % _LOOK_BACK == 0:
                now = -10.0 * np.log10(loss.item())
                if now < level - _FALL:
                    network.load_state_dict(kept)
                else:
                    kept, level = {name: part.clone() for name, part in network.state_dict().items()}, now
            if progress:
                progress(step + 1)
    image = mean[0].numpy().transpose(1, 2, 0).astype(np.float64)
    stored = sum(part.numel() for part in network.parameters()) + fed.numel()
    return Restored(image, sum(part.numel() for part in learned), stored)


class _Scale(torch.nn.Module):
    """One scale of the network: halve the image, apply coarser scales, double it, join the skipped part."""

    def __init__(self, inputs: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        own = channels[0]
        below = channels[1] if len(channels) > 1 else own
        self.skip = _block(inputs, _SKIP, 1)
        self.down = torch.nn.Sequential(_block(inputs, own, 3, stride=2), _block(own, own, 3))
        self.inner = _Scale(own, channels[1:]) if len(channels) > 1 else torch.nn.Identity()
        self.joined = torch.nn.BatchNorm2d(_SKIP + below)
        self.up = torch.nn.Sequential(_block(_SKIP + below, own, 3), _block(own, own, 1))

    def forward(self, x: Any) -> Any:
        coarse = self.inner(self.down(x))
        fine = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        return self.up(self.joined(torch.cat([self.skip(x), fine], dim=1)))


def _block(inputs: int, outputs: int, size: int, stride: int = 1) -> Any:
    return torch.nn.Sequential(
        torch.nn.Conv2d(inputs, outputs, size, stride, size // 2, padding_mode="reflect"),
        torch.nn.BatchNorm2d(outputs),
        torch.nn.LeakyReLU(_SLOPE),
    )


def _network(colours: int, rng: np.random.Generator) -> Any:
    with torch.random.fork_rng(devices=[]):  # PyTorch draws a layer's first weights from its global state
        torch.manual_seed(int(rng.integers(2**63 - 1)))
        return torch.nn.Sequential(
            _Scale(_INPUTS, _CHANNELS), torch.nn.Conv2d(_CHANNELS[0], colours, 1), torch.nn.Sigmoid()
        )


def decibels(image: RealArray, clean: RealArray) -> float:
    """Peak signal-to-noise ratio in dB of an image with values from 0 to 1."""
    return float(-10.0 * np.log10(np.mean((image - clean) ** 2)))


def gaussian_filtered(image: RealArray) -> RealArray:
    """An image (height, width, colours) under the 3 x 3 filter 1 2 1, 2 4 2, 1 2 1 over 16."""
    for axis in (0, 1):
        wide = np.pad(image, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
        first, middle, last = (
            np.take(wide, range(start, start + image.shape[axis]), axis) for start in range(3)
        )
        image = (first + 2.0 * middle + last) / 4.0
    return image


def sample_images() -> dict[str, RealArray]:
    """Parts of 128 x 128 pixels of the two photographs that come with scikit-learn, values from 0 to 1."""
    from sklearn.datasets import load_sample_image

    return {
        name: load_sample_image(f"{name}.jpg")[row : row + _SIDE, column : column + _SIDE] / 255.0
        for name, (row, column) in _CORNERS.items()
    }


def noisy_samples(seed: int) -> list[Sample]:
    """The sample images, each with noise of standard deviation `NOISE` added and cut to 0 to 1."""
    samples = []
    for place, (name, clean) in enumerate(sample_images().items()):
        rng = stream(seed, Purpose.RANDOM_WEIGHTS, _NOISE, place)
        noisy = np.clip(clean + rng.normal(0.0, NOISE, clean.shape), 0.0, 1.0)
        samples.append(Sample(name, clean, noisy, gaussian_filtered(noisy)))
    return samples


def draw_samples(
    samples: Sequence[Sample],
    restored: Sequence[Restored],
    path: str | os.PathLike[str],
    theme: Theme = LIGHT,
) -> None:
    """Draw samples before and after: clean, noisy, filtered, restored; with the decibels of each.

    Raises:
        ValueError: the path has an unknown suffix, or nothing can be written there.
    """
    titles = ("photograph", "with noise", "3 x 3 Gaussian filter", "untrained network")
    with figure_style():
        figure = Figure(figsize=(10.0, 2.8 * len(samples)), facecolor=theme.paper)
        figure.set_layout_engine("constrained", h_pad=0.08)
        panels = figure.subplots(len(samples), len(titles), squeeze=False)
        for row, (sample, own) in enumerate(zip(samples, restored, strict=True)):
            images = (sample.clean, sample.noisy, sample.filtered, own.image)
            for axes, title, image in zip(panels[row], titles, images, strict=True):
                axes.imshow(np.clip(image, 0.0, 1.0), interpolation="nearest")
                axes.axis("off")
                level = "" if image is sample.clean else f"\n{decibels(image, sample.clean):.1f} dB"
                axes.set_title(title + level if row == 0 else level.strip(), color=theme.ink, fontsize=10.0)
        save_figure(figure, path)
