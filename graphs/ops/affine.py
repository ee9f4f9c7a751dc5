"""The affine map of a layer, as one op."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import GradientError, ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, show
from graphs.ops.dtypes import floats
from graphs.ops.einsum import tensordot
from graphs.ops.linalg import matmul, outer
from graphs.ops.reduction import sum
from graphs.ops.shape import matrix_transpose, rank


def _mapped(x: Spec, weight: Spec, bias: Spec) -> Shape:
    if not x.ndim or weight.ndim != 2 or bias.ndim != 1:
        raise ShapeError("vectors, a matrix and a vector are wanted")
    (outs, ins), (offsets,) = weight.shape, bias.shape
    if None not in (x.shape[-1], ins) and x.shape[-1] != ins:
        raise ShapeError(f"vectors of {x.shape[-1]} elements do not meet a matrix of shape {show(weight.dims)}")
    if None not in (outs, offsets) and outs != offsets:
        raise ShapeError(f"a bias of {offsets} elements for {outs} outputs")
    return (*x.shape[:-1], offsets if outs is None else outs)


@op(_mapped, dtype=floats, traits={"strict"})
def linear(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    """``x @ weight.T + bias``: along the last axis of ``x``, with a row of ``weight`` for each output."""
    if weight.ndim != 2 or bias.ndim != 1:
        raise ShapeError("vectors, a matrix and a vector are wanted")
    out = matmul.kernel(xp, x, weight.T)
    out += bias
    return out


def _weight(g: Any, _out: Any, x: Any, _weight: Any, _bias: Any) -> Any:
    dims = rank(g)
    if dims is None:
        raise GradientError("linear: the gradient of a value with an unknown number of dimensions")
    if dims == 2:
        return matmul(matrix_transpose(g), x)
    if dims == 1:
        return outer(g, x)
    leading = tuple(range(dims - 1))
    return tensordot(g, x, axes=(leading, leading))


def _bias(g: Any, _out: Any, _x: Any, _weight: Any, _bias: Any) -> Any:
    dims = rank(g)
    if dims is None:
        raise GradientError("linear: the gradient of a value with an unknown number of dimensions")
    return sum(g, axis=tuple(range(dims - 1))) if dims > 1 else g


linear.vjp(lambda g, _out, _x, weight, _bias: matmul(g, weight), _weight, _bias)
