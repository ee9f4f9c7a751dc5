"""Factorisations of matrices, in the last two axes: Cholesky, QR, eigenvalues of symmetric ones, singular values.

Vectors whose sign is free are given the sign that makes their largest component positive, so that the same matrix has the
same factors everywhere. The gradients are those of Giles (2008) and Townsend (2016).
"""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import op
from graphs.core.spec import Dim, Shape, Spec
from graphs.ops.elementwise import reciprocal
from graphs.ops.linalg import matmul
from graphs.ops.logic import equal, where
from graphs.ops.matrices import diag, diagonal, solve, tril
from graphs.ops.shape import expand_dims, matrix_transpose, zeros_like


def _floats(dtype: Any) -> Any:
    if dtype.kind != "f" or dtype.itemsize < 4:
        raise DtypeError(f"{dtype} is not a floating dtype that LAPACK takes")
    return dtype


def _matrix(x: Spec) -> tuple[Shape, Dim, Dim]:
    """The dimensions before the matrices, their rows and columns."""
    if x.ndim < 2:
        raise ShapeError("a matrix has at least two dimensions")
    return x.shape[:-2], x.shape[-2], x.shape[-1]


def _square(x: Spec) -> tuple[Shape, Dim]:
    before, rows, columns = _matrix(x)
    if rows is not None and columns is not None and rows != columns:
        raise ShapeError(f"a matrix of {rows} by {columns} is not square")
    return before, columns if rows is None else rows


def _symmetric(xp: Any, x: Any) -> Any:
    return 0.5 * (x + x.swapaxes(-1, -2))


def _halves(x: Any) -> Any:
    """The symmetric part."""
    return 0.5 * (x + matrix_transpose(x))


@op(lambda x: (*_square(x)[0], *(_square(x)[1],) * 2), dtype=_floats)
def cholesky(xp: Any, x: Any) -> Any:
    """The lower triangles ``l`` with ``l @ l.T`` the symmetric part of ``x``, all NaN for one with a NaN in it.

    Raises numpy's LinAlgError for a matrix that is not positive definite.
    """
    given = _symmetric(xp, x)
    holes = xp.isnan(given).any((-2, -1), keepdims=True)
    safe = xp.where(holes, xp.eye(x.shape[-1], dtype=x.dtype), given)
    return xp.where(holes, xp.asarray(xp.nan, x.dtype), xp.linalg.cholesky(safe))


def _cholesky_slope(g: Any, out: Any, _x: Any) -> Any:
    across = matrix_transpose(out)
    inner = matmul(across, tril(g))
    inner = tril(inner) - 0.5 * diag(diagonal(inner))
    return _halves(matrix_transpose(solve(across, matrix_transpose(solve(across, inner)))))


cholesky.vjp(_cholesky_slope)


def _signs(xp: Any, vectors: Any) -> Any:
    """For each column the sign of its component that is largest in size."""
    if not vectors.size:
        return xp.ones((*vectors.shape[:-2], 1, vectors.shape[-1]), vectors.dtype)
    largest = xp.take_along_axis(vectors, xp.abs(vectors).argmax(-2, keepdims=True), -2)
    return xp.where(largest < 0, xp.asarray(-1, vectors.dtype), xp.asarray(1, vectors.dtype))


def _eigen(x: Spec) -> tuple[Shape, Shape]:
    before, side = _square(x)
    return ((*before, side), (*before, side, side))


@op(_eigen, dtype=lambda x: (_floats(x),) * 2)
def eigh(xp: Any, x: Any) -> tuple[Any, Any]:
    """The eigenvalues of the symmetric part of each matrix in ascending order, and its eigenvectors as columns."""
    given = _symmetric(xp, x)
    holes = xp.isnan(given).any((-2, -1), keepdims=True)
    values, vectors = xp.linalg.eigh(xp.where(holes, xp.asarray(0, x.dtype), given))
    nan = xp.asarray(xp.nan, x.dtype)
    return xp.where(holes[..., 0], nan, values), xp.where(holes, nan, vectors * _signs(xp, vectors))


def _gaps(values: Any) -> Any:
    """``1 / (values[j] - values[i])`` at (i, j), 0 on the diagonal."""
    away = expand_dims(values, axis=-2) - expand_dims(values, axis=-1)
    same = equal(away, 0.0)
    return where(same, 0.0, reciprocal(where(same, 1.0, away)))


def _eigh_vjp(needs: Any, gs: Any, outs: Any, _args: Any) -> Any:
    values, vectors = outs
    across = matrix_transpose(vectors)
    inner = zeros_like(vectors) if gs[0] is None else diag(gs[0])
    if gs[1] is not None:
        inner = inner + _gaps(values) * matmul(across, gs[1])
    return (_halves(matmul(vectors, matmul(inner, across))),)


eigh.joint_vjp(_eigh_vjp)


def _orthogonal(x: Spec) -> tuple[Shape, Shape]:
    before, rows, columns = _matrix(x)
    if rows is not None and columns is not None and rows < columns:
        raise ShapeError(f"a matrix of {rows} by {columns} has more columns than rows")
    return ((*before, rows, columns), (*before, columns, columns))


@op(_orthogonal, dtype=lambda x: (_floats(x),) * 2)
def qr(xp: Any, x: Any) -> tuple[Any, Any]:
    """``q`` with orthonormal columns and the upper triangle ``r`` with ``q @ r = x``, of matrices not wider than high.

    The signs are those of Householder's reflections, as in LAPACK.
    """
    return tuple(xp.linalg.qr(x))


def _qr_vjp(needs: Any, gs: Any, outs: Any, _args: Any) -> Any:
    q, r = outs
    gq = zeros_like(q) if gs[0] is None else gs[0]
    inner = -matmul(matrix_transpose(gq), q)
    if gs[1] is not None:
        inner = inner + matmul(r, matrix_transpose(gs[1]))
    lower = tril(inner, offset=-1)
    mirrored = lower + matrix_transpose(lower) + diag(diagonal(inner))
    return (matrix_transpose(solve(r, matrix_transpose(gq + matmul(q, mirrored)))),)


qr.joint_vjp(_qr_vjp)


def _singular(x: Spec) -> tuple[Shape, Shape, Shape]:
    before, rows, columns = _matrix(x)
    side = 0 if 0 in (rows, columns) else None if rows is None or columns is None else min(rows, columns)
    return ((*before, side), (*before, rows, side), (*before, columns, side))


@op(_singular, dtype=lambda x: (_floats(x),) * 3)
def svd(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """The singular values ``s`` in descending order, and ``u`` and ``v`` with ``x = u @ diag(s) @ v.T``.

    The gradient holds for singular values that differ and are not 0.
    """
    holes = xp.isnan(x).any((-2, -1), keepdims=True)
    u, s, vh = xp.linalg.svd(xp.where(holes, xp.asarray(0, x.dtype), x), full_matrices=False)
    v, sign, nan = vh.swapaxes(-1, -2), _signs(xp, u), xp.asarray(xp.nan, x.dtype)
    return xp.where(holes[..., 0], nan, s), xp.where(holes, nan, u * sign), xp.where(holes, nan, v * sign)


def _svd_vjp(needs: Any, gs: Any, outs: Any, _args: Any) -> Any:
    s, u, v = outs
    row, column = expand_dims(s, axis=-2), expand_dims(s, axis=-1)
    gaps = _gaps(s * s)
    ut, vt = matrix_transpose(u), matrix_transpose(v)
    inner = zeros_like(gaps) if gs[0] is None else diag(gs[0])
    outer = None
    if gs[1] is not None:
        turn = matmul(ut, gs[1])
        inner = inner + gaps * (turn - matrix_transpose(turn)) * row
        outer = matmul((gs[1] - matmul(u, turn)) / row, vt)
    if gs[2] is not None:
        turn = matmul(vt, gs[2])
        inner = inner + column * (gaps * (turn - matrix_transpose(turn)))
        beyond = matmul(u, matrix_transpose((gs[2] - matmul(v, turn)) / row))
        outer = beyond if outer is None else outer + beyond
    out = matmul(u, matmul(inner, vt))
    return (out if outer is None else out + outer,)


svd.joint_vjp(_svd_vjp)
