"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

from dynamic.apply import Carried, apply, binary
from graphs.core.errors import ShapeError, at_line
from graphs.core.node import check_carrier
from graphs.core.op import OPS
from graphs.ops.linalg import matmul as matmul_op


def _ranks(name: str, *pairs: tuple[Any, int]) -> None:
    for position, (tensor, rank) in enumerate(pairs, 1):
        if not isinstance(tensor, Carried):
            check_carrier(tensor, type(pairs[0][0]), matmul_op)
            raise TypeError(f"{name}: argument {position} is a {type(tensor).__name__}, not a tensor")
        if tensor._array.ndim != rank:
            raise ShapeError(
                f"{name}: argument {position} has shape {tuple(tensor._array.shape)}, not {rank} dimensions{at_line()}"
            )


def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices."""
    if not isinstance(mat2, Carried) or input._array.ndim != 2 or mat2._array.ndim != 2:
        _ranks("mm", (input, 2), (mat2, 2))
    return binary(matmul_op, input, mat2)


def matmul(input: Any, other: Any) -> Any:
    """The product of matrices or vectors, dimensions before the last two broadcast."""
    return binary(matmul_op, input, other)


def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices."""
    _ranks("bmm", (input, 3), (mat2, 3))
    return binary(matmul_op, input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix and a vector."""
    _ranks("mv", (input, 2), (vec, 1))
    return apply(matmul_op, (input, vec))


def dot(input: Any, other: Any) -> Any:
    """The inner product of two vectors."""
    _ranks("dot", (input, 1), (other, 1))
    return apply(OPS["dot"], (input, other))


def outer(input: Any, vec2: Any) -> Any:
    """The outer product of two vectors."""
    return apply(OPS["outer"], (input, vec2))


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """``beta * input + alpha * (mat1 @ mat2)``."""
    product = mm(mat1, mat2)
    return (input if beta == 1 else input * beta) + (product if alpha == 1 else product * alpha)


def einsum(equation: str, *operands: Any) -> Any:
    """The sum of products that ``equation`` writes down."""
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    return apply(OPS["einsum"], tuple(given), {"equation": equation})


METHODS = {f.__name__: f for f in (mm, matmul, bmm, mv, dot, outer, addmm)}
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, "ger": outer, "einsum": einsum}
"""Functions of the package."""
