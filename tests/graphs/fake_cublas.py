"""cuBLAS's functions as ``graphs.codegen.products`` calls them, in column-major order over this machine's memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy

from tests.graphs import fake_driver


class FakeCublas:
    """The library. ``log`` has the names of what is called; ``fails`` names a function that gives an error."""

    def __init__(self, fails: str = "") -> None:
        self.log: list[str] = []
        self.fails = fails
        self.handles: dict[int, dict[str, int]] = {}

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("cublas"):
            raise AttributeError(name)

        def call(*args: Any) -> int:
            self.log.append(name)
            if name == self.fails:
                return 7
            letter, _, kind = name.removeprefix("cublas").partition("gemm")
            if kind in ("_v2", "StridedBatched"):
                self._gemm({"S": "f4", "D": "f8"}[letter], bool(kind != "_v2"), args)
            else:
                getattr(self, f"_{name.removeprefix('cublas').removesuffix('_v2').lower()}")(*args)
            return 0

        return call

    def _create(self, handle: Any) -> None:
        handle._obj.value = 4000 + len(self.handles)
        self.handles[handle._obj.value] = {}

    def _destroy(self, handle: Any) -> None:
        del self.handles[handle.value]

    def _setstream(self, handle: Any, stream: Any) -> None:
        assert fake_driver.current().ptr == (stream.value or 0)
        self.handles[handle.value] = {"stream": stream.value or 0}

    def _setworkspace(self, handle: Any, at: Any, size: Any) -> None:
        assert at.value
        assert size.value
        self.handles[handle.value]["workspace"] = at.value

    def _gemm(self, dtype: str, batched: bool, args: tuple[Any, ...]) -> None:
        """``C = op(A) op(B)``, A of m rows and B of n columns."""
        handle, turn_a, turn_b, m, n, k, alpha, *rest = args
        assert set(self.handles[handle.value]) == {"stream", "workspace"}
        turn_a, turn_b, m, n, k = (each.value for each in (turn_a, turn_b, m, n, k))
        if batched:
            a, lda, step_a, b, ldb, step_b, beta, c, ldc, step_c, count = rest
        else:
            (a, lda, b, ldb, beta, c, ldc), step_a, step_b, step_c, count = (
                rest,
                *[ctypes.c_longlong(0)] * 3,
                ctypes.c_int(1),
            )
        assert (alpha._obj.value, beta._obj.value) == (1, 0)
        size = numpy.dtype(dtype).itemsize

        def matrix(at: Any, leading: Any, rows: int, columns: int, by: int) -> numpy.ndarray:
            assert leading.value >= max(1, rows)
            length = (columns - 1) * leading.value + rows
            memory = (ctypes.c_char * (length * size)).from_address(at.value + by * size)
            flat = numpy.frombuffer(memory, dtype)
            return numpy.lib.stride_tricks.as_strided(flat, (rows, columns), (size, leading.value * size))

        def compute() -> None:
            for i in range(count.value):
                left = matrix(a, lda, *((k, m) if turn_a else (m, k)), i * step_a.value)
                right = matrix(b, ldb, *((n, k) if turn_b else (k, n)), i * step_b.value)
                matrix(c, ldc, m, n, i * step_c.value)[...] = (left.T if turn_a else left) @ (right.T if turn_b else right)

        fake_driver.enqueue(compute)
