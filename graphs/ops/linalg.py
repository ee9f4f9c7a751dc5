"""Products of matrices."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, broadcast


def _matmul_shape(x: Spec, y: Spec) -> Shape:
    a, b = x.shape, y.shape
    if not a or not b:
        raise ShapeError("a matrix product takes no scalars")
    inner, other = a[-1], b[-2] if len(b) > 1 else b[0]
    if inner is not None and other is not None and inner != other:
        raise ShapeError(f"inner dimensions {inner} and {other} differ")
    rows, columns = a[-2:-1] if len(a) > 1 else (), b[-1:] if len(b) > 1 else ()
    return (*broadcast(a[:-2], b[:-2]), *rows, *columns)


@op(_matmul_shape)
def matmul(xp: Any, x: Any, y: Any) -> Any:
    """Matrix product over the last two axes, the axes before them broadcast; vectors as in numpy."""
    return xp.matmul(x, y)


@op(lambda x: (*x.shape[:-2], x.shape[-1], x.shape[-2]), traits={"view"})
def matrix_transpose(xp: Any, x: Any) -> Any:
    """``x`` with its last two axes exchanged (a view)."""
    return x.swapaxes(-1, -2)


matrix_transpose.vjp(lambda g, _out, _x: matrix_transpose(g))
