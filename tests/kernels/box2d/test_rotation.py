"""Sine and cosine in single precision against the C library's, which Box2D calls."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform

import numpy as np
import pytest

from wann.kernels.box2d.rotation import cosine, sine
from wann.kernels.lanes import WIDTH32, kernel
from wann.kernels.lanes32 import load_row, store_row

GOLDEN = (
    # angle, bits of its sine and of its cosine
    (0.0, 0x00000000, 0x3F800000),
    (-0.0, 0x80000000, 0x3F800000),
    (1e-05, 0x3727C5AC, 0x3F800000),
    (0.05, 0x3D4CB6F5, 0x3F7FAE19),
    (-0.8, 0xBF37A4A6, 0x3F325B5F),
    (0.78539816, 0x3F3504F3, 0x3F3504F3),
    (1.1, 0x3F64262B, 0x3EE83DBF),
    (1.5707964, 0x3F800000, 0xB33BBD2E),
    (-2.5, 0xBF193578, 0xBF4D17BF),
    (3.1415927, 0xB3BBBD2E, 0xBF800000),
    (10.0, 0xBF0B44F8, 0xBF56CD64),
    (-47.3, 0x3E3367C4, 0xBF7C0A57),
    (118.0, 0xBF7B6138, 0x3E41AB25),
)


@kernel
def of_each(x, sines, cosines):
    for i in range(x.shape[0]):
        for lane in range(x.shape[1]):
            sines[i, lane], cosines[i, lane] = sine(x[i, lane]), cosine(x[i, lane])


@kernel
def of_lanes(x, sines, cosines):
    for i in range(x.shape[0]):
        angles = load_row(x, i)
        store_row(sines, i, sine(angles))
        store_row(cosines, i, cosine(angles))


def bits(computed, x):
    """Bits of sines and cosines (2, n) of float32 arguments."""
    x = np.resize(x, (-(-x.size // WIDTH32), WIDTH32))
    found = np.empty((2, *x.shape), np.float32)
    computed(x, *found)
    return found.view(np.uint32).reshape(2, -1)


def arguments():
    """A million, most of them of a size that angles have, and all around the ends of each quarter turn."""
    rng = np.random.default_rng(0)
    ends = np.float32(np.arange(-150, 151) * np.pi / 4).view(np.int32)
    nearby = (ends[:, None] + np.arange(-20, 21, dtype=np.int32)).view(np.float32).ravel()
    return np.concatenate(
        [
            rng.uniform(-4, 4, 400_000).astype(np.float32),
            rng.uniform(-30, 30, 200_000).astype(np.float32),
            rng.uniform(-119, 119, 200_000).astype(np.float32),
            rng.normal(0, 0.01, 200_000).astype(np.float32),
            rng.uniform(-2000, 2000, 200_000).astype(np.float32),
            nearby[np.isfinite(nearby)],
            np.float32([0.0, -0.0, 1e-40, -1e-40, 2.0**-12, np.nan]),
        ]
    )


def c_library():
    """The C library's sine and cosine of single precision, if it has the routines whose bits are ours."""
    name = ctypes.util.find_library("m")
    library = ctypes.CDLL(name) if name else None
    if library is None or platform.libc_ver()[0] != "glibc":
        pytest.skip("no glibc here")
    for function in (library.sinf, library.cosf):
        function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return library.sinf, library.cosf


@pytest.mark.parametrize("computed", [of_each, of_lanes], ids=["alone", "lanes"])
def test_the_bits_are_those_of_the_c_library(computed):
    functions, x = c_library(), arguments()
    found = bits(computed, x)
    for row, function in zip(found, functions, strict=True):
        expected = np.fromiter(map(function, x.tolist()), np.float32, x.size).view(np.uint32)
        assert np.array_equal(row[: x.size], expected)


@pytest.mark.parametrize("computed", [of_each, of_lanes], ids=["alone", "lanes"])
def test_the_bits_are_the_same_on_every_machine(computed):
    x = np.float32([angle for angle, _, _ in GOLDEN])
    assert bits(computed, x)[:, : x.size].T.tolist() == [[sine, cosine] for _, sine, cosine in GOLDEN]
