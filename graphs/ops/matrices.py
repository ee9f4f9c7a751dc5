"""Parts of matrices (triangles, diagonals, trace) and what is solved with them. Matrices stand in the last two axes."""

from __future__ import annotations

from typing import Any

from graphs.core.arrays import diagonal_view
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import first_dtype, numeric, op, promoted
from graphs.core.spec import Dim, Shape, Spec, adjoint, check_shape
from graphs.ops.linalg import matmul
from graphs.ops.shape import expand_dims, first_number, matrix_transpose


def _matrix(x: Spec, **_: Any) -> Shape:
    if x.ndim < 2:
        raise ShapeError("a matrix has at least two dimensions")
    return x.shape


def _square(x: Spec) -> Shape:
    rows, columns = _matrix(x)[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise ShapeError(f"a matrix of {rows} by {columns} is not square")
    side = columns if rows is None else rows
    return (*x.shape[:-2], side, side)


# Parts


@op(_matrix)
def tril(xp: Any, x: Any, *, offset: int = 0) -> Any:
    """The lower triangles of matrices, up to the diagonal ``offset`` to the right of the main one; zeros above it."""
    return xp.tril(x, offset)


@op(_matrix)
def triu(xp: Any, x: Any, *, offset: int = 0) -> Any:
    """The upper triangles of matrices, from the diagonal ``offset`` to the right of the main one; zeros below it."""
    return xp.triu(x, offset)


tril.vjp(lambda g, _out, _x, *, offset: tril(g, offset=offset))
triu.vjp(lambda g, _out, _x, *, offset: triu(g, offset=offset))


def _diagonal(x: Spec, *, offset: int) -> Shape:
    rows, columns = _matrix(x)[-2:]
    size: Dim = None
    if rows is not None and columns is not None:
        size = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    return (*x.shape[:-2], size)


@op(_diagonal, traits={"view"})
def diagonal(xp: Any, x: Any, *, offset: int = 0) -> Any:
    """The diagonals of matrices, ``offset`` to the right of the main ones (a view)."""
    return diagonal_view(xp, x, offset)


@op(adjoint(_diagonal), dtype=first_dtype)
def diagonal_adjoint(xp: Any, x: Any, _like: Any, *, offset: int = 0) -> Any:
    """Zeros of the shape of ``like`` with ``x`` on the diagonals: the gradient of ``diagonal``."""
    out = xp.zeros(_like.shape, x.dtype)
    places = xp.arange(x.shape[-1])
    out[..., places + max(-offset, 0), places + max(offset, 0)] = x
    return out


diagonal.vjp(lambda g, _out, _x, *, offset: diagonal_adjoint(g, _x, offset=offset))
diagonal_adjoint.vjp(lambda g, _out, _x, _like, *, offset: diagonal(g, offset=offset), None)


def _diagonal_matrix(x: Spec, *, offset: int) -> Shape:
    if not x.shape:
        raise ShapeError("a scalar is no diagonal")
    side = None if x.shape[-1] is None else x.shape[-1] + abs(offset)
    return (*x.shape[:-1], side, side)


@op(_diagonal_matrix)
def diag(xp: Any, x: Any, *, offset: int = 0) -> Any:
    """Square matrices with the vectors ``x`` on the diagonals ``offset`` to the right of the main ones, zeros elsewhere."""
    side = x.shape[-1] + abs(offset)
    out = xp.zeros((*x.shape[:-1], side, side), x.dtype)
    places = xp.arange(x.shape[-1])
    out[..., places + max(-offset, 0), places + max(offset, 0)] = x
    return out


diag.vjp(lambda g, _out, _x, *, offset: diagonal(g, offset=offset))


@op(lambda x: _matrix(x)[:-2], dtype=numeric)
def trace(xp: Any, x: Any) -> Any:
    """The sum of the main diagonal of each matrix."""
    return xp.diagonal(x, 0, -2, -1).sum(-1, dtype=x.dtype)


@op(adjoint(lambda like: _matrix(like)[:-2]), dtype=first_number)
def trace_adjoint(xp: Any, x: Any, _like: Any) -> Any:
    """Zeros of the shape of ``like``, each of ``x`` all along the diagonal of a matrix: the gradient of ``trace``."""
    out = xp.zeros(_like.shape, x.dtype)
    places = xp.arange(min(_like.shape[-2:]))
    out[..., places, places] = xp.expand_dims(x, -1)
    return out


trace.vjp(lambda g, _out, _x: trace_adjoint(g, _x))
trace_adjoint.vjp(lambda g, _out, _x, _like: trace(g), None)


# Solving


def _solvable(*dtypes: Any, **_: Any) -> Any:
    dtype = promoted(*dtypes)
    for each in (*dtypes, dtype):
        if each.kind not in "fc" or each.itemsize < 4:
            raise DtypeError(f"{each} is not a floating dtype that LAPACK takes")
    return dtype


def _with_nan(xp: Any, x: Any, out: Any) -> Any:
    """``out``, all NaN for matrices with a NaN in them: LAPACK's pivoting can lose one, and give finite rows."""
    return xp.where(xp.isnan(x).any((-2, -1), keepdims=True), xp.nan, out)


@op(_square, dtype=_solvable)
def inverse(xp: Any, x: Any) -> Any:
    """The inverse of each matrix. Raises numpy's LinAlgError for a singular one."""
    return _with_nan(xp, x, xp.linalg.inv(x))


def _inverse_slope(g: Any, out: Any, _x: Any) -> Any:
    across = matrix_transpose(out)
    return -matmul(matmul(across, g), across)


inverse.vjp(_inverse_slope)


@op(lambda x: _square(x)[:-2], dtype=_solvable)
def det(xp: Any, x: Any) -> Any:
    """The determinant of each matrix. Its gradient holds for matrices that have an inverse."""
    return xp.linalg.det(x)


det.vjp(lambda g, out, x: expand_dims(g * out, axis=(-2, -1)) * matrix_transpose(inverse(x)))


def _solved(a: Spec, b: Spec) -> Shape:
    side = _square(a)[-1]
    rows = _matrix(b)[-2]
    if side is not None and rows is not None and side != rows:
        raise ShapeError(f"{side} equations for right-hand sides of {rows} rows")
    if a.ndim != b.ndim:
        raise ShapeError(f"{a.ndim} and {b.ndim} dimensions")
    check_shape(a, (*b.shape[:-2], side, side), "a stack of matrices for these right-hand sides")
    return b.shape


@op(_solved, dtype=_solvable)
def solve(xp: Any, a: Any, b: Any) -> Any:
    """The ``x`` with ``a @ x = b``, matrix by matrix. Raises numpy's LinAlgError for a singular ``a``."""
    return _with_nan(xp, a, xp.linalg.solve(a, b))


solve.vjp(
    lambda g, out, a, _b: -matmul(solve(matrix_transpose(a), g), matrix_transpose(out)),
    lambda g, _out, a, _b: solve(matrix_transpose(a), g),
)
