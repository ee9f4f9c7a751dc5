"""cupy's module as kernels are handed it while what they do is captured."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy

from graphs.codegen import contract
from graphs.codegen.products import Products


class UncapturableError(RuntimeError):
    """A step does what cannot be part of a graph."""


class _Active(threading.local):
    """What a capture in this thread computes products with."""

    products: Lazily | None = None


active = _Active()


class Lazily:
    """Products for one capture, made when a step first asks for one."""

    def __init__(self, xp: Any, stream: Any) -> None:
        self._xp = xp
        self._stream = stream
        self.made: Products | None = None

    def matmul(self, x: Any, y: Any, out: Any = None) -> Any:
        """``x @ y``, written to ``out`` where given. Raises UncapturableError where cuBLAS cannot be called."""
        try:
            if self.made is None:
                self.made = Products(self._xp, self._stream)
            return self.made.matmul(x, y, out)
        except (OSError, AttributeError, RuntimeError) as error:
            raise UncapturableError(f"cuBLAS cannot be called: {error}") from error


class Capturable:
    """cupy's module as kernels are handed it, so that what they do can be captured.

    Matrix products are cuBLAS's own while a step is captured. A copy of an array from the host is refused then: replayed, it
    would read memory that has gone.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._xp, name)
        setattr(self, name, value)
        return value

    def matmul(self, x: Any, y: Any, out: Any = None) -> Any:
        """``x @ y``, written to ``out`` where given."""
        products = active.products
        return self._xp.matmul(x, y, out=out) if products is None else products.matmul(x, y, out)

    def dot(self, x: Any, y: Any, out: Any = None) -> Any:
        """``numpy.dot`` of matrices and vectors, written to ``out`` where given."""
        ours = active.products is not None and 0 < x.ndim < 3 > y.ndim > 0
        return self.matmul(x, y, out) if ours else self._xp.dot(x, y, out)

    def einsum(self, equation: str, *operands: Any, optimize: Any = False) -> Any:
        """``numpy.einsum``."""
        if active.products is None:
            return self._xp.einsum(equation, *operands, optimize=optimize)
        return contract.einsum(self, equation, *operands)

    def tensordot(self, x: Any, y: Any, axes: Any = 2) -> Any:
        """``numpy.tensordot``."""
        if active.products is None:
            return self._xp.tensordot(x, y, axes)
        if isinstance(axes, int):
            axes = (range(x.ndim - axes, x.ndim), range(axes))
        left, right = ([axis % each.ndim for axis in _listed(own)] for own, each in zip(axes, (x, y), strict=True))
        rows = [axis for axis in range(x.ndim) if axis not in left]
        columns = [axis for axis in range(y.ndim) if axis not in right]
        inner = math.prod(x.shape[axis] for axis in left)
        shape = (*(x.shape[axis] for axis in rows), *(y.shape[axis] for axis in columns))
        first = x.transpose(*rows, *left).reshape(-1, inner) if inner else x.reshape(-1, 0)
        second = y.transpose(*right, *columns).reshape(inner, -1) if inner else y.reshape(0, -1)
        return self.matmul(first, second).reshape(shape)

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """``x`` as an array of the device."""
        return self._xp.asarray(self._from_device(x), dtype)

    def array(self, x: Any, dtype: Any = None) -> Any:
        """A new array of the device."""
        return self._xp.array(self._from_device(x), dtype)

    def _from_device(self, x: Any) -> Any:
        # What is copied in warming up may be kept for the capture (``graphs.core.portable.constant``).
        of_host = isinstance(x, (list, tuple)) or (isinstance(x, numpy.ndarray) and x.ndim)
        if of_host and active.products is not None and self._xp.cuda.get_current_stream().is_capturing():
            raise UncapturableError("an array of the host is copied to the device within the step")
        return x


def _listed(axes: Any) -> Sequence[int]:
    return (axes,) if isinstance(axes, int) else axes


__all__ = ["Capturable", "Lazily", "UncapturableError", "active"]
