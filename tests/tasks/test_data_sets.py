"""Data sets: what is read, how it is dealt out, and what is refused in one line."""

import gzip
import math
import os
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA

from wann.tasks import data_sets, mnist
from wann.tasks.data_sets import image_shape, load_named, pixel_names
from wann.tasks.mnist import deskew

MNIST = DATA / "mnist"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(mnist.FOLDER_VARIABLE, raising=False)


def rows_of(part) -> set[bytes]:
    return {row.tobytes() + bytes([label]) for row, label in zip(part.values, part.labels, strict=True)}


@pytest.mark.slow
def test_the_digits_are_all_there_dealt_out_class_by_class_and_always_alike():
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    data, again = load_named("digits"), load_named("digits")
    values, labels = load_digits(return_X_y=True)
    parts = (data.train, data.validation, data.test)
    assert sum(part.labels.size for part in parts) == 1797
    assert data.test.labels.size == pytest.approx(1797 / 3, abs=10)
    found = np.concatenate([np.column_stack([part.inputs() * 16.0, part.labels]) for part in parts])
    wanted = np.column_stack([values, labels])
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, wanted.tolist()))
    assert not rows_of(data.train) & rows_of(data.test)
    for part, same in zip(parts, (again.train, again.validation, again.test), strict=True):
        assert part.values.tobytes() == same.values.tobytes()
        shares = np.bincount(part.labels, minlength=10) / part.labels.size
        np.testing.assert_allclose(shares, np.bincount(labels) / 1797, atol=0.01)
    assert data.train.inputs().max() == 1.0
    assert len(data.inputs) == 64


# MNIST, in a small copy with SHA-256 sums of its own


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch) -> Path:
    """Folder with an MNIST of 60 and 10 images, of which 10 are for validation."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "mirror"
    folder.mkdir()
    sums = {}
    for name in mnist.MNIST_FILES:
        count = 60 if name.startswith("train") else 10
        shape = (count, 28, 28) if "images" in name else (count,)
        content = idx(rng.integers(256 if "images" in name else 10, size=shape))
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        sums[name] = sha256(content).hexdigest()
    monkeypatch.setattr(mnist, "MNIST_FILES", sums)
    monkeypatch.setattr(data_sets, "_VALIDATION_IMAGES", 10)
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))
    return folder


def test_mnist_comes_from_the_folder_the_user_names_packed_or_not(small_mnist, monkeypatch):
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(small_mnist))
    packed = load_named("mnist28")
    assert [part.labels.size for part in (packed.train, packed.validation, packed.test)] == [50, 10, 10]
    assert packed.train.values.shape == (50, 784)
    for path in small_mnist.iterdir():
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert load_named("mnist28").test.values.tobytes() == packed.test.values.tobytes()


def test_mnist_is_downloaded_once_from_the_first_mirror_that_has_the_right_files(small_mnist, monkeypatch):
    broken = small_mnist.parent / "broken"
    broken.mkdir()
    for path in small_mnist.iterdir():
        (broken / path.name).write_bytes(gzip.compress(b"another file"))
    mirrors = ("http://127.0.0.1:9/", f"{broken.as_uri()}/", f"{small_mnist.as_uri()}/")
    monkeypatch.setattr(mnist, "MIRRORS", mirrors)
    first = load_named("mnist28")
    for path in small_mnist.iterdir():
        path.unlink()
    assert load_named("mnist28").train.values.tobytes() == first.train.values.tobytes()


def test_without_a_network_the_message_says_which_files_to_put_where(small_mnist, tmp_path):
    with pytest.raises(ValueError, match="cannot download train-images") as caught:
        load_named("mnist")
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "cache" / "wann" / "mnist") in message
    assert all(f"{name}.gz" in message for name in mnist.MNIST_FILES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip at all", "damaged"),
        (gzip.compress(bytes(5000))[:-200], "damaged"),
        (gzip.compress(idx(np.zeros((60, 14, 14)))), "SHA-256"),
        (b"", "SHA-256|damaged"),
        (None, "holds no train-images"),
    ],
    # Named, as the bytes of gzip hold the time: workers that collect a second apart would not agree.
    ids=["no gzip", "cut off", "other images", "empty", "missing"],
)
def test_a_damaged_or_missing_file_is_named(small_mnist, monkeypatch, content, message):
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(small_mnist))
    path = small_mnist / "train-images-idx3-ubyte.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_named("mnist28")
    assert "\n" not in str(caught.value)
    assert "train-images-idx3-ubyte.gz" in str(caught.value)


def test_the_deskewed_set_is_cached_and_a_damaged_cache_is_made_again(small_mnist, monkeypatch):
    pytest.importorskip("scipy")
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(small_mnist))
    first = load_named("mnist")
    assert first.train.values.shape == (50, 256)
    monkeypatch.delenv(mnist.FOLDER_VARIABLE)
    monkeypatch.setattr(mnist, "deskew", lambda images: pytest.fail("processed a second time"))
    assert load_named("mnist").train.values.tobytes() == first.train.values.tobytes()
    (cached,) = mnist.cache_folder().glob("*.npz")
    damaged = bytearray(cached.read_bytes())
    damaged[5000] ^= 1
    cached.write_bytes(damaged)
    monkeypatch.undo()
    monkeypatch.setattr(mnist, "MNIST_FILES", {})  # so that reading on would fail
    assert mnist._read_processed(cached) is None


@pytest.mark.parametrize("damage", ["shape", "type", "member", "missing", "packing", "bytes", "pipe"])
def test_a_cache_that_is_damaged_in_any_way_is_made_again(small_mnist, monkeypatch, damage):
    pytest.importorskip("scipy")
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(small_mnist))
    first = load_named("mnist")
    (cached,) = mnist.cache_folder().glob("*.npz")
    with np.load(cached) as file:
        arrays = {name: file[name] for name in file.files}
    if damage == "shape":
        np.savez(cached, **arrays | {"images": arrays["images"].reshape(-1, 64)})
    elif damage == "type":
        np.savez(cached, **arrays | {"labels": arrays["labels"].view(float)})
    elif damage == "member":
        with zipfile.ZipFile(cached, "w") as archive:
            archive.writestr("images.npy", b"no array")
    elif damage == "missing":
        np.savez(cached, images=arrays["images"])
    elif damage == "packing":
        with zipfile.ZipFile(cached, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("images.npy", bytes(5000))
    else:
        cached.unlink()
        cached.write_bytes(b"PK") if damage == "bytes" else os.mkfifo(cached)
    again = load_named("mnist")
    assert again.train.values.tobytes() == first.train.values.tobytes()
    assert mnist._read_processed(cached) is not None


def deskew_slowly(image: np.ndarray) -> np.ndarray:
    """The same in plain loops, in [0, 1]."""

    def at(values, y, x, outside=True):
        """Value between four pixels; beyond the edge 0, or the edge's own."""
        total = 0.0
        for row in (math.floor(y), math.floor(y) + 1):
            for column in (math.floor(x), math.floor(x) + 1):
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                if not outside:
                    row_in, column_in = (min(max(k, 0), len(values) - 1) for k in (row, column))
                    total += share * values[row_in][column_in]
                elif 0 <= row < len(values) and 0 <= column < len(values):
                    total += share * values[row][column]
        return total

    pixels = (image / 255.0).tolist()
    small = [[at(pixels, 1.75 * y + 0.375, 1.75 * x + 0.375, False) for x in range(16)] for y in range(16)]
    mass = sum(map(sum, small))
    if not mass:
        return np.array(small)
    middle_x = sum(x * small[y][x] for y in range(16) for x in range(16)) / mass
    middle_y = sum(y * small[y][x] for y in range(16) for x in range(16)) / mass
    both = sum((x - middle_x) * (y - middle_y) * small[y][x] for y in range(16) for x in range(16))
    down = sum((y - middle_y) ** 2 * small[y][x] for y in range(16) for x in range(16))
    if abs(down) < 0.01:
        return np.array(small)
    slant = both / down
    return np.array([[at(small, y, x + slant * (y - 8)) for x in range(16)] for y in range(16)])


def test_images_are_deskewed_as_in_plain_loops():
    pytest.importorskip("scipy")
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:28, :28]
    strokes = [np.exp(-(((x - 13 - slant * (y - 14)) / 2.0) ** 2)) * 255 for slant in (-0.5, 0.0, 0.8)]
    images = [rng.integers(256, size=(28, 28)), np.zeros((28, 28)), np.eye(28) * 255, *strokes]
    if (MNIST / "t10k-images-idx3-ubyte.gz").exists():
        content = gzip.decompress((MNIST / "t10k-images-idx3-ubyte.gz").read_bytes())
        images += list(np.frombuffer(content, np.uint8, 20 * 784, offset=16).reshape(20, 28, 28))
    images = np.array(images).astype(np.uint8)
    found = deskew(images) / (255.0 * 256.0)
    for image, flat in zip(images, found, strict=True):
        np.testing.assert_allclose(flat.reshape(16, 16), deskew_slowly(image), atol=0.51 / (255 * 256))


def test_a_slanted_stroke_stands_upright_afterwards():
    pytest.importorskip("scipy")
    y, x = np.mgrid[:28, :28]
    stroke = np.exp(-(((x - 13 - 0.5 * (y - 14)) / 1.5) ** 2)) * 255 * (abs(y - 14) < 9)
    upright = deskew(stroke[None].astype(np.uint8)).reshape(16, 16).astype(float)
    columns = [(row * np.arange(16)).sum() / row.sum() for row in upright if row.sum() > 3e4]
    assert len(columns) > 6
    assert np.ptp(columns) < 0.8
    before = [(row * np.arange(28)).sum() / row.sum() for row in stroke if row.sum() > 3e2]
    assert np.ptp(before) > 5


def test_the_real_mnist_has_the_sums_that_are_asked_for(monkeypatch):
    if not (MNIST / "t10k-labels-idx1-ubyte.gz").exists():
        pytest.skip(f"MNIST is not at {MNIST}")
    for name in ("t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"):
        content = mnist._unpack(MNIST / f"{name}.gz", mnist.MNIST_FILES[name])
        assert len(mnist._parse(content)) == 10_000


@pytest.mark.parametrize("shape", [(8, 8), (3, 11), (28, 28)])
def test_the_shape_of_an_image_is_read_off_the_names_of_its_pixels(shape):
    names = pixel_names(shape)
    assert image_shape(names) == shape
    for others in ((), names[1:], names[:-1], (*names, names[-1]), ("x", *names[1:]), (*names, "x")):
        assert image_shape(others) is None
    assert image_shape(("row 99999 column 99999",)) is None
