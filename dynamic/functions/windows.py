"""Windows that taper a stretch of a signal: Hann, Hamming, Blackman, Bartlett, Kaiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from dynamic.functions.making import finished, kind_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS


def _window(name: str, length: Any, periodic: bool, shape: Callable[[Any], Any], more: dict[str, Any]) -> Any:
    """``shape`` of the positions, from 0 to 1; a periodic window leaves out the last, where the next one begins."""
    dtype, device, requires_grad = more.pop("dtype", None), more.pop("device", None), more.pop("requires_grad", False)
    if unknown := more.keys() - {"layout", "pin_memory", "out"}:
        raise TypeError(f"{name} has no argument {', '.join(sorted(unknown))}")
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        raise TypeError(f"{name}: the length is an integer, not {length!r}")
    count, kind = length.__index__(), kind_of(dtype)
    if kind.kind not in "fc":
        raise DtypeError(f"{name} gives floating-point numbers, not {kind.name}{at_line()}")
    if count < 0:
        raise ShapeError(f"{name} requires non-negative window_length, not {count}{at_line()}")
    if count < 2:
        return finished(numpy.ones(count, kind), requires_grad, device)
    positions = numpy.arange(count) / (count if periodic else count - 1)
    return finished(numpy.asarray(shape(positions), kind), requires_grad, device)


def _cosines(*terms: float) -> Callable[[Any], Any]:
    """A sum of cosines with these weights, whose signs alternate."""

    def shape(t: Any) -> Any:
        return sum((-1) ** k * weight * numpy.cos(2 * numpy.pi * k * t) for k, weight in enumerate(terms))

    return shape


def hann_window(window_length: int, periodic: bool = True, **more: Any) -> Any:
    """``0.5 - 0.5 cos(2 pi n / N)``; N is the length if ``periodic``, else one less, so that it ends as it begins.

    Keywords are those of all functions that make tensors: ``dtype``, ``device``, ``requires_grad``.
    """
    return _window("hann_window", window_length, periodic, _cosines(0.5, 0.5), more)


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **more: Any) -> Any:
    """``alpha - beta cos(2 pi n / N)``; see ``hann_window``."""
    return _window("hamming_window", window_length, periodic, _cosines(alpha, beta), more)


def blackman_window(window_length: int, periodic: bool = True, **more: Any) -> Any:
    """``0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)``; see ``hann_window``."""
    return _window("blackman_window", window_length, periodic, _cosines(0.42, 0.5, 0.08), more)


def bartlett_window(window_length: int, periodic: bool = True, **more: Any) -> Any:
    """A triangle from 0 to 1 and back; see ``hann_window``."""
    return _window("bartlett_window", window_length, periodic, lambda t: 1 - abs(2 * t - 1), more)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **more: Any) -> Any:
    """Kaiser's window (1966): Bessel functions ``i0(beta sqrt(1 - x²)) / i0(beta)``, x from -1 to 1; see ``hann_window``."""
    i0 = OPS["i0"].kernel

    def shape(t: Any) -> Any:
        inside = numpy.sqrt(numpy.maximum(1 - (2 * t - 1) ** 2, 0))
        return i0(numpy, beta * inside) / i0(numpy, numpy.float64(beta))

    return _window("kaiser_window", window_length, periodic, shape, more)


FUNCTIONS = {
    function.__name__: function
    for function in (hann_window, hamming_window, blackman_window, bartlett_window, kaiser_window)
}
"""Functions of the package."""
