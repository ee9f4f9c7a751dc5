"""``tf.signal``: discrete Fourier transforms along the last axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import DtypeError, at_line
from static.array import concat, pad
from static.indexing import gather
from static.tensor import Tensor, apply, constant_value, convert_to_tensor


def _transform(name: str, rank: int, inverse: bool) -> Callable[..., Any]:
    axes = tuple(range(-rank, 0))

    def function(input: Any, name: str | None = None) -> Any:
        return apply(ops.fft, _complex(input, node), name=name, node=node, axes=axes, inverse=inverse)

    node = name.upper() if rank == 1 else f"{name[:-2].upper()}{rank}D"
    function.__name__ = function.__qualname__ = name
    what = "inverse of the discrete Fourier transform" if inverse else "discrete Fourier transform"
    function.__doc__ = f"The {what} along the last {'axis' if rank == 1 else f'{rank} axes'}, of complex numbers."
    return function


def _complex(x: Any, what: str) -> Any:
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_complex:
        raise DtypeError(f"{what}: complex numbers are wanted, not {tensor.dtype.name} ({tensor.name}){at_line()}")
    return tensor


fft = _transform("fft", 1, False)
fft2d = _transform("fft2d", 2, False)
fft3d = _transform("fft3d", 3, False)
ifft = _transform("ifft", 1, True)
ifft2d = _transform("ifft2d", 2, True)
ifft3d = _transform("ifft3d", 3, True)


# Of real numbers, whose transform is symmetric


def _lengths(x: Tensor, fft_length: Any, rank: int, what: str) -> list[int]:
    """The sizes of the last axes after cutting or filling them."""
    if fft_length is not None:
        found = constant_value(fft_length)
        if found is None or found.size != rank:
            raise ValueError(f"{what}: fft_length has to be {rank} numbers that are known while building{at_line()}")
        return [int(n) for n in numpy.ravel(found)]
    sizes = [n for n in x.shape.as_list()[-rank:] if n is not None]
    if len(sizes) < rank:
        raise ValueError(f"{what}: the last {rank} sizes of {x.name} have to be known while building{at_line()}")
    return sizes


def _sized(x: Any, sizes: list[int]) -> Any:
    """``x`` with its last axes cut to ``sizes``, or filled up with zeros."""
    now = x.shape.as_list()[-len(sizes) :]
    x = x[(Ellipsis, *(slice(0, n) for n in sizes))]
    if any(m is None for m in now):
        return x
    missing = [[0, max(n - m, 0)] for m, n in zip(now, sizes, strict=True)]
    before = [[0, 0]] * (len(x.shape) - len(sizes))
    return pad(x, [*before, *missing]) if any(after for _, after in missing) else x


def _real_transform(name: str, rank: int) -> Callable[..., Any]:
    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        x = convert_to_tensor(input_tensor)
        sizes = _lengths(x, fft_length, rank, node)
        x = _sized(x, sizes)
        whole = ops.fft(ops.complex_(x, ops.zeros_like(x)), axes=tuple(range(-rank, 0)))
        return apply(ops.identity, whole[..., : sizes[-1] // 2 + 1], name=name, node=node)

    node = "RFFT" if rank == 1 else f"RFFT{rank}D"
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The first half of the Fourier transform of real numbers along the last {rank} axes."
    return function


def _real_inverse(name: str, rank: int) -> Callable[..., Any]:
    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        x = _complex(input_tensor, node)
        if fft_length is None:
            sizes = _lengths(x, None, rank, node)
            sizes[-1] = 2 * (sizes[-1] - 1)
        else:
            sizes = _lengths(x, fft_length, rank, node)
        n = sizes[-1]
        half = _sized(x, [*sizes[:-1], n // 2 + 1])
        if rank > 1:
            half = ops.fft(half, axes=tuple(range(-rank, -1)), inverse=True)
        mirror = numpy.arange((n - 1) // 2, 0, -1)
        rest = ops.conj(gather(half, mirror, axis=len(half.shape) - 1))
        whole = concat([half, rest], -1)
        return apply(ops.real, ops.fft(whole, axes=(-1,), inverse=True), name=name, node=node)

    node = "IRFFT" if rank == 1 else f"IRFFT{rank}D"
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"What real numbers the Fourier transform, whose first half is given, is of; {rank} axes."
    return function


rfft = _real_transform("rfft", 1)
rfft2d = _real_transform("rfft2d", 2)
rfft3d = _real_transform("rfft3d", 3)
irfft = _real_inverse("irfft", 1)
irfft2d = _real_inverse("irfft2d", 2)
irfft3d = _real_inverse("irfft3d", 3)


def hann_window(window_length: int, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Any:
    """The window ``0.5 - 0.5 cos(2πn / N)``, one period of it or (not ``periodic``) symmetric."""
    return _raised_cosine(window_length, periodic, dtype, name or "hann_window", 0.5, 0.5)


def hamming_window(window_length: int, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Any:
    """The window ``0.54 - 0.46 cos(2πn / N)``, one period of it or (not ``periodic``) symmetric."""
    return _raised_cosine(window_length, periodic, dtype, name or "hamming_window", 0.54, 0.46)


def _raised_cosine(length: int, periodic: bool, dtype: Any, name: str, a: float, b: float) -> Any:
    count = int(length)
    over = count + (1 if periodic and count % 2 == 0 else 0) - 1
    values = a - b * numpy.cos(2 * math.pi * numpy.arange(count) / max(over, 1)) if count > 1 else numpy.ones(count)
    return convert_to_tensor(values.astype(convert_to_tensor(0, dtype).dtype.dtype), name=name)


__all__ = [
    "fft", "fft2d", "fft3d", "hamming_window", "hann_window", "ifft", "ifft2d", "ifft3d", "irfft", "irfft2d", "irfft3d",
    "rfft", "rfft2d", "rfft3d",
]  # fmt: skip
