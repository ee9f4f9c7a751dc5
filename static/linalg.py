"""``tf.linalg``: matrices, which are what the last two axes hold."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy

from graphs import ops
from static.array import concat, expand_dims, eye, matrix_transpose, reshape, shape
from static.calls import FLOATS, NUMBERS, both, call, taken, unary
from static.clipping import global_norm
from static.math import einsum, matmul, tensordot
from static.normalization import l2_normalize
from static.reductions import norm, reduce_max, reduce_sum
from static.tensor import apply, convert_to_tensor


SelfAdjointEig = namedtuple("SelfAdjointEig", ["e", "v"])
"""What ``eigh`` gives."""

Qr = namedtuple("Qr", ["q", "r"])
"""What ``qr`` gives."""

Svd = namedtuple("Svd", ["s", "u", "v"])
"""What ``svd`` gives."""

LogMatrixDeterminant = namedtuple("LogMatrixDeterminant", ["sign", "log_abs_determinant"])
"""What ``slogdet`` gives."""

inv = unary("inv", ops.inverse, FLOATS)
det = unary("det", ops.det, FLOATS)
trace = unary("trace", ops.trace, NUMBERS)
diag_part = unary("diag_part", ops.diagonal, NUMBERS + "b")
diag = unary("diag", ops.diag, NUMBERS + "b")
cholesky = unary("cholesky", ops.cholesky, FLOATS)


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """``matrix`` with its last two axes exchanged (and conjugated, where it is complex)."""
    return matrix_transpose(matrix, name)


transpose = matrix_transpose


# Parts


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    """The diagonal band of ``input`` with that many lines below and above the main one, a negative number for all."""
    x = taken(input, NUMBERS, "band_part")
    x = ops.triu(x, offset=-num_lower) if num_lower >= 0 else x
    x = ops.tril(x, offset=num_upper) if num_upper >= 0 else x
    return apply(ops.identity, x, name=name, node="MatrixBandPart")


def set_diag(input: Any, diagonal: Any, name: str | None = None) -> Any:
    """``input`` with ``diagonal`` on the main diagonals of its matrices."""
    x = taken(input, NUMBERS, "set_diag")
    old = ops.diagonal_adjoint(ops.diagonal(x), x)
    return apply(ops.add, x - old, ops.diagonal_adjoint(convert_to_tensor(diagonal), x), name=name, node="MatrixSetDiag")


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """Zeros of twice the shape of ``diagonal`` with its elements where both halves of the position agree."""
    x = taken(diagonal, NUMBERS, "diag")
    if len(x.shape) == 1:
        return call(ops.diag, x, name=name)
    dims = shape(x)
    return reshape(ops.diag(reshape(x, [-1])), _twice(x, dims), name or "Diag")


def _twice(x: Any, dims: Any) -> Any:
    known = x.shape.as_list()
    return known * 2 if None not in known else concat([dims, dims], 0)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """The elements of ``input`` where the first half of the position is the second."""
    x = taken(input, NUMBERS, "diag_part")
    half = len(x.shape) // 2
    if half == 1:
        return call(ops.diagonal, x, name=name)
    dims = x.shape.as_list()[:half]
    side = int(numpy.prod(dims))
    return reshape(ops.diagonal(reshape(x, [side, side])), dims, name or "DiagPart")


# Products and norms


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, name: str | None = None) -> Any:
    """The products of the matrices ``a`` and the vectors ``b``."""
    a, b = both(a, b)
    out = matmul(a, expand_dims(b, -1), transpose_a=transpose_a or adjoint_a)
    return apply(ops.squeeze, out, name=name, node="matvec", axis=-1)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross products of the vectors of three along the last axis."""
    a, b = both(a, b)
    ahead, behind = ({"shift": n, "axis": -1} for n in (-1, 1))
    left = ops.roll(a, **ahead) * ops.roll(b, **behind)
    return apply(ops.subtract, left, ops.roll(a, **behind) * ops.roll(b, **ahead), name=name, node="Cross")


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Any, Any]:
    """``tensor`` by its norm over ``axis``, and that norm with the axes kept."""
    x = taken(tensor, FLOATS, "normalize")
    length = norm(x, ord, axis, keepdims=True)
    return apply(ops.divide, x, length, name=name, node="normalize"), length


# Solving


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` such that ``matrix @ x`` is ``rhs``; with ``adjoint`` such that ``matrix.T @ x`` is."""
    a = taken(matrix, FLOATS, "solve")
    return call(ops.solve, ops.matrix_transpose(a) if adjoint else a, taken(rhs, FLOATS, "solve"), name=name)


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """As ``solve``, of the lower or the upper triangle of ``matrix``."""
    a = taken(matrix, FLOATS, "triangular_solve")
    a = ops.tril(a) if lower else ops.triu(a)
    b = taken(rhs, FLOATS, "triangular_solve")
    return apply(ops.solve, ops.matrix_transpose(a) if adjoint else a, b, name=name, node="MatrixTriangularSolve")


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """``x`` such that ``chol @ chol.T @ x`` is ``rhs``, ``chol`` being lower triangles."""
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True, name=name or "cholesky_solve")


def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None) -> Any:
    """``x`` for which ``matrix @ x`` is nearest to ``rhs``, by the normal equations (or, not ``fast``, by QR).

    Of a matrix with more columns than rows the least such ``x``. ``l2_regularizer`` times its squared norm is added to what
    is made small.
    """
    a, b = taken(matrix, FLOATS, "lstsq"), taken(rhs, FLOATS, "lstsq")
    rows, columns = a.shape.as_list()[-2:]
    if rows is None or columns is None:
        raise ValueError(f"the rows and columns of {a.name} have to be known while the graph is being built")
    across = ops.matrix_transpose(a)
    if not fast and not l2_regularizer and rows >= columns:
        q, r = ops.qr(a)
        return triangular_solve(r, matmul(ops.matrix_transpose(q), b), lower=False, name=name or "matrix_solve_ls")
    ridge = eye(min(rows, columns), dtype=a.dtype) * l2_regularizer
    if rows >= columns:
        factor = ops.cholesky(matmul(across, a) + ridge)
        return cholesky_solve(factor, matmul(across, b), name=name or "matrix_solve_ls")
    factor = ops.cholesky(matmul(a, across) + ridge)
    return matmul(across, cholesky_solve(factor, b), name=name or "matrix_solve_ls")


# Factors


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """``q`` with orthonormal columns and upper triangular ``r`` with ``q @ r`` the input.

    Raises ValueError for ``full_matrices`` of matrices that are not square, and for matrices wider than high.
    """
    x = taken(input, FLOATS, "qr")
    rows, columns = x.shape.as_list()[-2:]
    if full_matrices and rows != columns:
        raise ValueError("tf.linalg.qr with full_matrices is for square matrices here")
    return Qr(*apply(ops.qr, x, name=name, node="Qr"))


def eigh(tensor: Any, name: str | None = None) -> SelfAdjointEig:
    """The eigenvalues, ascending, and eigenvectors (columns) of symmetric matrices, of which the lower triangle is read."""
    return SelfAdjointEig(*apply(ops.eigh, _mirrored(tensor, "self_adjoint_eig"), name=name, node="SelfAdjointEigV2"))


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues of symmetric matrices, ascending."""
    return apply(ops.eigh, _mirrored(tensor, "self_adjoint_eigvals"), name=name, node="SelfAdjointEigV2")[0]


def _mirrored(tensor: Any, what: str) -> Any:
    """The symmetric matrices that have the lower triangle of ``tensor``."""
    lower = ops.tril(taken(tensor, FLOATS, what))
    return lower + ops.matrix_transpose(ops.tril(lower, offset=-1))


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular values, descending, and ``u`` and ``v`` with ``u @ diag(s) @ v.T`` the matrices.

    Raises ValueError for ``full_matrices`` of matrices that are not square.
    """
    x = taken(tensor, FLOATS, "svd")
    rows, columns = x.shape.as_list()[-2:]
    if full_matrices and compute_uv and rows != columns:
        raise ValueError("tf.linalg.svd with full_matrices is for square matrices here")
    out = Svd(*apply(ops.svd, x, name=name, node="Svd"))
    return out if compute_uv else out.s


def slogdet(input: Any, name: str | None = None) -> LogMatrixDeterminant:
    """The sign of the determinants and the logarithms of their absolute values."""
    x = taken(input, FLOATS, "slogdet")
    found = apply(ops.det, x, name=name, node="LogMatrixDeterminant")
    return LogMatrixDeterminant(ops.sign(found), ops.log(ops.absolute(found)))


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithms of the determinants of symmetric positive definite matrices."""
    half = reduce_sum(ops.log(ops.diagonal(ops.cholesky(taken(matrix, FLOATS, "logdet")))), -1)
    return apply(ops.multiply, half, 2.0, name=name, node="logdet")


def _threshold(x: Any, s: Any) -> Any:
    """Below what a singular value of ``x`` counts as 0, by numpy's rule."""
    longest = max(n or 0 for n in x.shape.as_list()[-2:])
    return reduce_max(s, -1, keepdims=True) * float(longest * numpy.finfo(x.dtype.dtype).eps)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """How many singular values are greater than ``tol``, int32."""
    x = taken(a, FLOATS, "matrix_rank")
    s = svd(x, compute_uv=False)
    above = ops.greater(s, _threshold(x, s) if tol is None else tol)
    return reduce_sum(ops.cast(above, dtype="int32"), -1, name=name or "matrix_rank")


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The pseudo-inverses (Moore and Penrose); singular values up to ``rcond`` times the greatest count as 0."""
    x = taken(a, FLOATS, "pinv")
    s, u, v = svd(x)
    longest = max(n or 0 for n in x.shape.as_list()[-2:])
    share = 10.0 * longest * float(numpy.finfo(x.dtype.dtype).eps) if rcond is None else rcond
    kept = ops.greater(s, reduce_max(s, -1, keepdims=True) * share)
    inverse = ops.where(kept, ops.reciprocal(ops.where(kept, s, ops.ones_like(s))), ops.zeros_like(s))
    return matmul(v * expand_dims(inverse, -2), u, transpose_b=True, name=name or "pinv")


def expm(input: Any, name: str | None = None) -> Any:
    """The exponentials of square matrices, by scaling, a Taylor polynomial of degree 18, and squaring 10 times."""
    x = taken(input, FLOATS, "expm")
    scaled = x * (0.5**10)
    one = eye(x.shape.as_list()[-1], dtype=x.dtype)
    out = one + scaled * 0.0
    for k in range(18, 0, -1):
        out = one + matmul(scaled, out) * (1.0 / k)
    for _ in range(10):
        out = matmul(out, out)
    return apply(ops.identity, out, name=name, node="matrix_exponential")


__all__ = [
    "adjoint", "band_part", "cholesky", "cholesky_solve", "cross", "det", "diag", "diag_part", "eigh", "eigvalsh", "einsum",
    "expm", "eye", "global_norm", "inv", "l2_normalize", "logdet", "lstsq", "matmul", "matrix_rank", "matrix_transpose",
    "matvec", "norm", "normalize", "pinv", "qr", "set_diag", "slogdet", "solve", "svd", "tensor_diag", "tensor_diag_part",
    "tensordot", "trace", "transpose", "triangular_solve",
]  # fmt: skip
