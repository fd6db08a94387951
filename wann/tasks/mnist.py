"""MNIST: found, downloaded, checked, and brought into the form of the paper.

The files come from a folder that the user names, else from the local cache, else from a mirror into the
cache; only files with the right SHA-256 are used. Without a network the error says which files to put where.
"""

from __future__ import annotations

import os
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from wann.utils.arrays import IntArray
from wann.utils.files import atomic_path
from wann.utils.reading import gunzip, in_file, read_arrays, read_bytes, take

FOLDER_VARIABLE = "WANN_DATA"
"""Environment variable that names the folder with the MNIST files."""

MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""The files of MNIST and the SHA-256 of each, unpacked."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
"""Where MNIST is downloaded from, in this order."""

SIDE = 16
"""Pixels along each side of a deskewed image."""

UNIT_DESKEWED = 65280.0
"""What counts as 1 in a deskewed image: white, 255 grey levels of 256 parts each."""

_TIMEOUT = 20.0  # s, for a mirror to answer
_LARGEST_DOWNLOAD = 20_000_000  # bytes; the largest file has half of that
_LEVELS = 255.0  # grey levels of a pixel
_PARTS_OF_LEVEL = 256


def cache_folder() -> Path:
    """Where downloaded and processed data sets are kept: wann in $XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "wann"


def mnist_images(deskewed: bool) -> tuple[NDArray[Any], IntArray]:
    """All images (N, pixels), the test images last, and their labels (N,).

    Deskewed ones are 16 x 16 pixels in 256ths of a grey level, others 28 x 28 in grey levels.

    Raises:
        ValueError: a file is missing or damaged, there is no network, or an extra is not installed.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    processed = cache_folder() / "mnist-16x16.npz"
    if deskewed and not folder and (cached := _read_processed(processed)):
        return cached
    images, labels = _read_mnist(Path(folder) if folder else None)
    if not deskewed:
        return images.reshape(len(images), -1), labels
    if cached := _read_processed(processed):
        return cached
    small = deskew(images)
    _write_processed(processed, small, labels)
    return small, labels


def _read_mnist(folder: Path | None) -> tuple[NDArray[np.uint8], IntArray]:
    """All images (N, 28, 28), the test images last, and their labels."""
    contents = {}
    for name, digest in MNIST_FILES.items():
        path = _find(folder or cache_folder() / "mnist", name)
        if path is None and folder:
            raise ValueError(f"{folder} holds no {name}.gz: it must hold {_all_files()}")
        contents[name] = _unpack(path, digest) if path else _download(name, digest)
    train_images, train_labels, test_images, test_labels = (_parse(content) for content in contents.values())
    images = np.concatenate([train_images, test_images])
    return images, np.concatenate([train_labels, test_labels]).astype(np.int64)


def _all_files() -> str:
    *names, last = (f"{name}.gz" for name in MNIST_FILES)
    return f"{', '.join(names)} and {last}"


def _find(folder: Path, name: str) -> Path | None:
    """A file in a folder, packed or not."""
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _unpack(path: Path, digest: str) -> bytes:
    """Content of a file, packed or not.

    Raises:
        ValueError: it cannot be read, or is not the one with this SHA-256.
    """
    content = read_bytes(path)
    with in_file(path):
        if path.suffix == ".gz":
            content = gunzip(content)
        found = sha256(content).hexdigest()
        if found != digest:
            raise ValueError(
                f"is damaged or another file: unpacked it has the SHA-256 {found[:12]}..., not "
                f"{digest[:12]}...; get it again"
            )
    return content


def _download(name: str, digest: str) -> bytes:
    """Content of an MNIST file from the first mirror that has it, kept in the cache.

    Raises:
        ValueError: no mirror has it, with the files to put where by hand.
    """
    folder = cache_folder() / "mnist"
    reasons = []
    for mirror in MIRRORS:
        try:
            with urlopen(f"{mirror}{name}.gz", timeout=_TIMEOUT) as answer:  # noqa: S310  our own addresses
                packed = answer.read(_LARGEST_DOWNLOAD)
            content = gunzip(packed)
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(str(getattr(error, "reason", error)))
            continue
        if sha256(content).hexdigest() != digest:
            reasons.append("wrong SHA-256")
            continue
        _keep(folder / f"{name}.gz", packed)
        return content
    raise ValueError(
        f"cannot download {name}.gz ({reasons[0]}): put {_all_files()} into {folder}, or into a folder that "
        f"--data or {FOLDER_VARIABLE} names"
    )


def _keep(path: Path, content: bytes) -> None:
    """Write a file into the cache; where nothing can be written there, go on without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError:
        return


def _parse(content: bytes) -> NDArray[np.uint8]:
    """Array of an IDX file; its SHA-256 has been checked."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, offset=4).tolist()
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def deskew(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """MNIST images at 16 x 16 pixels, their slant undone.

    Each is resized bilinearly and then sheared by mu11 / mu02 of its central moments about the middle row;
    one whose |mu02| is below 0.01, pixels in [0, 1], stays as it is.

    Args:
        images: (N, 28, 28) grey levels.

    Returns:
        (N, 256) in 256ths of a grey level. A resized pixel is a whole number of them, so rounding hides
        what processors may differ in.

    Raises:
        ValueError: SciPy is not installed.

    Source: Gaier and Ha (2019), section 4.2, and its reference implementation.
    """
    try:
        from scipy import ndimage
    except ImportError:
        raise ValueError("MNIST is resized by SciPy: pip install 'wann[data]'") from None
    result = np.empty((len(images), SIDE * SIDE), np.uint16)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    factor = SIDE / images.shape[1]
    for row, image in zip(result, images, strict=True):
        small = ndimage.zoom(image.astype(np.float64), factor, order=1, mode="nearest", grid_mode=True)
        mass = small.sum()
        if mass:
            dx, dy = x - (x * small).sum() / mass, y - (y * small).sum() / mass
            mu11, mu02 = (dx * dy * small).sum(), (dy * dy * small).sum()
            if abs(mu02) >= 0.01 * _LEVELS:
                slant = mu11 / mu02
                small = ndimage.affine_transform(
                    small,
                    [[1.0, 0.0], [slant, 1.0]],
                    (0.0, -0.5 * SIDE * slant),
                    order=1,
                    mode="grid-constant",
                )
        row[:] = np.rint(small * _PARTS_OF_LEVEL).ravel()
    return result


def _digest(images: NDArray[Any], labels: IntArray) -> str:
    return sha256(images.tobytes() + labels.tobytes()).hexdigest()


def _read_processed(path: Path) -> tuple[NDArray[Any], IntArray] | None:
    """Images and labels from the cache; None where they are not there, or not as they were written."""
    try:
        arrays = read_arrays(path)
        images = take(arrays, "images", "u", (None, SIDE * SIDE))
        labels = take(arrays, "labels", "i", (len(images),))
        digest = str(take(arrays, "digest", "U", ()))
    except ValueError:
        return None
    whole = images.dtype == np.uint16 and labels.dtype == np.int64 and digest == _digest(images, labels)
    return (images, labels) if whole else None


def _write_processed(path: Path, images: NDArray[Any], labels: IntArray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            np.savez(temporary, images=images, labels=labels, digest=_digest(images, labels))
    except OSError:
        return
