"""Linear and bilinear maps as functions."""

from __future__ import annotations

from typing import Any

from dynamic.apply import apply
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line
from graphs.ops import einsum, linear as linear_op, matmul, matrix_transpose


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """``input @ weight.T + bias``, along the last dimension of ``input``."""
    if weight._array.ndim > 2:
        raise ShapeError(f"linear: the weight is a matrix or a vector, not of shape {weight._array.shape}{at_line()}")
    if bias is not None and weight._array.ndim == 2 and bias._array.ndim == 1 and len(bias._array) == len(weight._array):
        return apply(linear_op, (input, weight, bias))
    product = apply(matmul, (input, apply(matrix_transpose, (weight,)) if weight._array.ndim > 1 else weight))
    return product if bias is None else product + bias


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """``x1 @ weight[k] @ x2 + bias[k]`` for each output ``k``, along the last dimension of both inputs.

    Raises RuntimeError where the other dimensions of the inputs differ.
    """
    first, second = input1._array.shape, input2._array.shape
    if first[:-1] != second[:-1]:
        raise ShapeError(f"bilinear: batch dimensions differ: inputs of shape {first} and {second}{at_line()}")
    half = apply(einsum, (input1, weight), {"equation": "...i,kij->...kj"})
    product = apply(einsum, (half, input2), {"equation": "...kj,...j->...k"})
    return product if bias is None else product + bias


__getattr__ = lacking(__name__)
