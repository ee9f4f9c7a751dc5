"""How arrays lie in memory. Sums depend on it to the last bit, for numpy adds up in the order of memory."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray


Order = tuple[int, ...]
"""Axes, from that along which an array's elements lie furthest apart to that along which they are neighbours."""


def order_of(x: Any) -> Order | None:
    """The order in which ``x``, an array or a scalar, lies dense in memory: () for C's; None where it does not."""
    if type(x) is not ndarray or x.flags.c_contiguous:
        return ()
    order = tuple(sorted(range(x.ndim), key=lambda i: (x.shape[i] != 1, -x.strides[i])))
    return order if x.transpose(order).flags.c_contiguous else None


def laid(x: ndarray, order: Order) -> ndarray:
    """``x`` dense in that order: itself if it can be."""
    out: ndarray = numpy.ascontiguousarray(x.transpose(order)).transpose(numpy.argsort(order))
    return out


def ordered(x: Any) -> Any:
    """``x`` as an array in C's order, itself if it can be."""
    return numpy.asarray(x, None, "C")
