"""``tf.linalg``: matrices, which are what the last two axes hold."""

from __future__ import annotations

from typing import Any

from graphs import ops
from static.array import eye, matrix_transpose
from static.calls import FLOATS, NUMBERS, call, taken, unary
from static.math import einsum, matmul, tensordot
from static.reductions import norm
from static.tensor import apply


inv = unary("inv", ops.inverse, FLOATS)
det = unary("det", ops.det, FLOATS)
trace = unary("trace", ops.trace, NUMBERS)
diag_part = unary("diag_part", ops.diagonal, NUMBERS)
diag = unary("diag", ops.diag, NUMBERS)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` such that ``matrix @ x`` is ``rhs``; with ``adjoint`` such that ``matrix.T @ x`` is."""
    a = taken(matrix, FLOATS, "solve")
    return call(ops.solve, ops.matrix_transpose(a) if adjoint else a, taken(rhs, FLOATS, "solve"), name=name)


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    """The diagonal band of ``input`` with that many lines below and above the main one, a negative number for all."""
    x = taken(input, NUMBERS, "band_part")
    x = ops.triu(x, offset=-num_lower) if num_lower >= 0 else x
    x = ops.tril(x, offset=num_upper) if num_upper >= 0 else x
    return apply(ops.identity, x, name=name, node="MatrixBandPart")


__all__ = [
    "band_part", "det", "diag", "diag_part", "einsum", "eye", "inv", "matmul", "matrix_transpose", "norm",
    "solve", "tensordot", "trace",
]  # fmt: skip
