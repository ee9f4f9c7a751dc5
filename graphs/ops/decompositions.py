"""From matrices through their factors: triangles with pivots, pseudo-inverse, logarithm of the determinant, exponential.

Matrices stand in the last two axes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec
from graphs.ops.joining import concat, split
from graphs.ops.linalg import matmul
from graphs.ops.matrices import inverse, solve, tril, triu
from graphs.ops.shape import expand_dims, matrix_transpose, zeros_like


def _floats(dtype: Any, **_: Any) -> Any:
    if dtype.kind != "f" or dtype.itemsize < 4:
        raise DtypeError(f"{dtype} is not a floating dtype that LAPACK takes")
    return dtype


def _matrix(x: Spec) -> Shape:
    if x.ndim < 2:
        raise ShapeError("a matrix has at least two dimensions")
    return x.shape


def _square(x: Spec) -> Shape:
    rows, columns = _matrix(x)[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise ShapeError(f"a matrix of {rows} by {columns} is not square")
    side = columns if rows is None else rows
    return (*x.shape[:-2], side, side)


@op(lambda x: (_square(x)[:-2],) * 2, dtype=lambda x: (_floats(x),) * 2)
def slogdet(xp: Any, x: Any) -> tuple[Any, Any]:
    """The sign of each matrix's determinant (0 for a singular one), and the logarithm of its size."""
    sign, logarithm = xp.linalg.slogdet(x)
    return xp.where(xp.isnan(logarithm), logarithm, sign), xp.asarray(logarithm)


@slogdet.joint_vjp
def _slogdet_vjp(needs: Any, gs: Any, _outs: Any, args: Any) -> Any:
    if gs[1] is None:
        return (None,)
    return (expand_dims(gs[1], axis=(-2, -1)) * matrix_transpose(inverse(args[0])),)


def _triangles(x: Spec) -> tuple[Shape, Shape, Shape]:
    *before, rows, columns = _matrix(x)
    side = 0 if 0 in (rows, columns) else None if rows is None or columns is None else min(rows, columns)
    return (*before, rows, rows), (*before, rows, side), (*before, side, columns)


@op(_triangles, dtype=lambda x: (_floats(x),) * 3)
def lu(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """A permutation ``p``, a lower triangle ``l`` with ones on its diagonal and an upper one ``u``: ``x = p @ l @ u``.

    Rows are exchanged so that the largest of a column stands on the diagonal. The gradient holds for square matrices.
    """
    *before, rows, columns = x.shape
    side = min(rows, columns)
    work = x.reshape(math.prod(before), rows, columns).copy()
    batch = xp.arange(len(work))
    order = xp.tile(xp.arange(rows), (len(work), 1))
    for k in range(min(side, max(rows - 1, 0))):
        best = xp.abs(work[:, k:, k]).argmax(1) + k
        for table in (work, order):
            chosen = table[batch, best].copy()
            table[batch, best] = table[:, k]
            table[:, k] = chosen
        pivot = work[:, k, k, None]
        factors = work[:, k + 1 :, k] / xp.where(pivot == 0, 1, pivot)
        work[:, k + 1 :, k] = factors
        work[:, k + 1 :, k + 1 :] -= factors[:, :, None] * work[:, k, None, k + 1 :]
    lower = xp.tril(work[:, :, :side], -1) + xp.eye(rows, side, dtype=x.dtype)
    upper = xp.triu(work[:, :side])
    p = xp.zeros((len(work), rows, rows), x.dtype)
    p[batch[:, None], order, xp.arange(rows)] = 1
    return (
        p.reshape(*before, rows, rows),
        lower.reshape(*before, rows, side),
        upper.reshape(*before, side, columns),
    )


@lu.joint_vjp
def _lu_vjp(needs: Any, gs: Any, outs: Any, _args: Any) -> Any:
    p, lower, upper = outs
    inner = None
    if gs[1] is not None:
        inner = tril(matmul(matrix_transpose(lower), gs[1]), offset=-1)
    if gs[2] is not None:
        part = triu(matmul(gs[2], matrix_transpose(upper)))
        inner = part if inner is None else inner + part
    if inner is None:
        return (None,)
    left = solve(matrix_transpose(lower), inner)
    return (matmul(p, matrix_transpose(solve(upper, matrix_transpose(left)))),)


@op(lambda x, **_: (*_matrix(x)[:-2], x.shape[-1], x.shape[-2]), dtype=_floats)
def pinv(xp: Any, x: Any, *, rtol: float | None = None, atol: float = 0.0) -> Any:
    """The pseudo-inverse (Moore and Penrose), in which singular values up to ``max(atol, rtol · largest)`` count as 0.

    By default ``rtol`` is the dtype's epsilon times the larger side, where there is no ``atol``. Its gradient is that of
    Golub and Pereyra (1973), which holds where the rank does not change.
    """
    if rtol is None:
        rtol = 0.0 if atol else max(x.shape[-2:]) * float(numpy.finfo(x.dtype).eps)
    if not x.size:
        return xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    holes = xp.isnan(x).any((-2, -1), keepdims=True)
    u, s, vh = xp.linalg.svd(xp.where(holes, xp.asarray(0, x.dtype), x), full_matrices=False)
    kept = s > xp.maximum(atol, rtol * s.max(-1, keepdims=True))
    inverted = xp.where(kept, 1 / xp.where(kept, s, 1), 0).astype(x.dtype)
    out = xp.matmul(vh.swapaxes(-1, -2) * inverted[..., None, :], u.swapaxes(-1, -2))
    return xp.where(holes, xp.asarray(xp.nan, x.dtype), out)


def _pinv_slope(g: Any, out: Any, x: Any) -> Any:
    across, gt = matrix_transpose(out), matrix_transpose(g)
    slope = -matmul(matmul(across, g), across)
    right = matmul(gt, matmul(out, across))  # where x has more rows than its rank
    left = matmul(matmul(across, out), gt)  # and where it has more columns
    return slope + (right - matmul(x, matmul(out, right))) + (left - matmul(matmul(left, out), x))


pinv.vjp(_pinv_slope)


# N. J. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005): the approximant of degree 13.
_PADE = (
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
)
_REACH = 5.371920351148152
"""The norm up to which the approximant has every digit of float64."""


@op(_square, dtype=_floats)
def matrix_exp(xp: Any, x: Any) -> Any:
    """The matrix exponential ``Σ x^k / k!``."""
    if not x.size:
        return x.copy()
    given = x.astype(xp.float64)
    size = xp.abs(given).sum(-2).max(-1)
    size = xp.where(xp.isfinite(size), size, 0)
    halvings = xp.ceil(xp.log2(xp.maximum(size / _REACH, 1))).astype(int)
    a = given / xp.exp2(halvings)[..., None, None]
    one = xp.eye(x.shape[-1])
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    b = _PADE
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    odd = a @ odd
    out = xp.linalg.solve(even - odd, even + odd)
    for k in range(int(halvings.max())):
        out = xp.where((halvings > k)[..., None, None], out @ out, out)
    holes = xp.isnan(x).any((-2, -1), keepdims=True)
    return xp.where(holes, xp.nan, out).astype(x.dtype)


def _matrix_exp_slope(g: Any, _out: Any, x: Any) -> Any:
    """What the exponential of ``[[xᵀ, g], [0, xᵀ]]`` has in its upper right corner."""
    across = matrix_transpose(x)
    blocks = concat(concat(across, g, axis=-1), concat(zeros_like(across), across, axis=-1), axis=-2)
    upper, _ = split(matrix_exp(blocks), sections=2, axis=-2)
    _, corner = split(upper, sections=2, axis=-1)
    return corner


matrix_exp.vjp(_matrix_exp_slope)
