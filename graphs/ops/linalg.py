"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from graphs.core.errors import ShapeError
from graphs.core.op import numeric, op
from graphs.core.spec import Dim, Shape, Spec, broadcast
from graphs.ops.shape import expand_dims, fit, matrix_transpose, squeeze


def _matmul_shape(x: Spec, y: Spec) -> Shape:
    a, b = x.shape, y.shape
    if not a or not b:
        raise ShapeError("a matrix product takes no scalars")
    inner, other = a[-1], b[-2] if len(b) > 1 else b[0]
    if inner is not None and other is not None and inner != other:
        raise ShapeError(f"inner dimensions {inner} and {other} differ")
    rows, columns = a[-2:-1] if len(a) > 1 else (), b[-1:] if len(b) > 1 else ()
    return (*broadcast(a[:-2], b[:-2]), *rows, *columns)


@op(_matmul_shape, traits={"strict"})
def matmul(xp: Any, x: Any, y: Any) -> Any:
    """Matrix product over the last two axes, the axes before them broadcast; vectors as in numpy."""
    return product(x, y) if x.__class__ is ndarray else xp.matmul(x, y)


def product(x: Any, y: Any) -> Any:
    """``x @ y``. For matrices without gaps numpy has a shorter way to the same bits, which saves 1.8 µs."""
    if (
        x.__class__ is ndarray
        and y.__class__ is ndarray
        and x.ndim == 2 == y.ndim
        and x.shape[1] == y.shape[0]
        and x.dtype is y.dtype
        and x.dtype.char in "fdFD"
        and x.flags.forc
        and y.flags.forc
        and 1 not in x.shape
        and 1 not in y.shape
    ):
        return x.dot(y)
    return x @ y


def _matmul_left(g: Any, _out: Any, _x: Any, y: Any) -> Any:
    rows, columns = _x.ndim, y.ndim
    if rows == 2 and columns == 2:
        return product(g, y.T)
    if columns == 1:
        if rows == 1:
            return g * y
        return fit(expand_dims(g, axis=-1) * y, _x)
    if rows == 1:
        g = expand_dims(g, axis=-2)
    return fit(matmul(g, matrix_transpose(y)), _x)


def _matmul_right(g: Any, _out: Any, x: Any, _y: Any) -> Any:
    rows, columns = x.ndim, _y.ndim
    if rows == 2 and columns == 2:
        return product(x.T, g)
    if rows == 1:
        if columns == 1:
            return g * x
        return fit(expand_dims(x, axis=-1) * expand_dims(g, axis=-2), _y)
    if columns == 1:
        return fit(squeeze(matmul(matrix_transpose(x), expand_dims(g, axis=-1)), axis=-1), _y)
    return fit(matmul(matrix_transpose(x), g), _y)


matmul.vjp(_matmul_left, _matmul_right)


def _vectors(x: Spec, y: Spec) -> tuple[Dim, Dim]:
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError("two vectors are wanted")
    return x.shape[0], y.shape[0]


def _dotted(x: Spec, y: Spec) -> Shape:
    if x.dims is not None and y.dims is not None:
        left, right = _vectors(x, y)
        if left is not None and right is not None and left != right:
            raise ShapeError(f"vectors of {left} and of {right} elements")
    return ()


@op(_dotted, dtype=numeric, traits={"commutative"})
def dot(xp: Any, x: Any, y: Any) -> Any:
    """Inner product of two vectors."""
    return xp.dot(x, y)


@op(_vectors, dtype=numeric)
def outer(xp: Any, x: Any, y: Any) -> Any:
    """Outer product of two vectors: a matrix of every product."""
    return xp.outer(x, y)


dot.vjp(lambda g, _out, _x, y: g * y, lambda g, _out, x, _y: g * x)
outer.vjp(lambda g, _out, _x, y: matmul(g, y), lambda g, _out, x, _y: matmul(matrix_transpose(g), x))
