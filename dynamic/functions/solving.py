"""What is solved with matrices: inverses, determinants, equations, least squares; powers and exponentials of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.elsewhere import beside
from dynamic.functions.calling import named, on_host, results
from dynamic.functions.factors import lapack, lu_factor, lu_unpack
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import OPS
from graphs.core.spec import broadcast


SLOGDET = results("slogdet", "sign logabsdet")
LINALG_SLOGDET = results("linalg_slogdet", "sign logabsdet")
SOLUTION = results("solve", "solution LU")
TRIANGULAR = results("triangular_solve", "solution cloned_coefficient")
LSTSQ = results("linalg_lstsq", "solution residuals rank singular_values")


def inverse(input: Any) -> Any:
    """The inverse of square matrices. Raises LinAlgError (a RuntimeError) for a singular one."""
    return lapack("inverse", input)


def det(input: Any) -> Any:
    """The determinant of square matrices."""
    return lapack("det", input)


def slogdet(input: Any) -> Any:
    """The sign of the determinant, and the logarithm of its size."""
    return SLOGDET(*lapack("slogdet", input))


def linalg_slogdet(A: Any) -> Any:  # noqa: N803
    """The sign of the determinant, and the logarithm of its size."""
    return LINALG_SLOGDET(*lapack("slogdet", A))


def logdet(input: Any) -> Any:
    """The logarithm of the determinant: minus infinity where that is 0, NaN where it is negative."""
    sign, size = lapack("slogdet", input)
    return apply(OPS["where"], (sign < 0, math.nan, size))


def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """The pseudo-inverse, in which singular values up to ``rcond`` times the largest count as 0."""
    return lapack("pinv", input, rtol=rcond)


def pinv(
    A: Any,  # noqa: N803
    rcond: float | None = None,
    hermitian: bool = False,
    *,
    atol: float | None = None,
    rtol: float | None = None,
) -> Any:
    """The pseudo-inverse, in which singular values up to ``max(atol, rtol * largest)`` count as 0."""
    return lapack("pinv", A, rtol=_number(rcond if rtol is None else rtol), atol=_number(atol) or 0.0)


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Carried) else value  # type: ignore[attr-defined]


# Equations


def _broadcast(a: Any, b: Any) -> tuple[Any, Any]:
    """Two batches of matrices with the same dimensions in front."""
    left, right = a._array.shape[:-2], b._array.shape[:-2]
    if left == right:
        return a, b
    before = broadcast(left, right)
    return a.expand(*before, *a._array.shape[-2:]), b.expand(*before, *b._array.shape[-2:])


def linalg_solve(A: Any, B: Any, *, left: bool = True) -> Any:  # noqa: N803
    """The ``x`` with ``A @ x = B`` (or ``x @ A = B``) for a matrix or vector ``B``. LinAlgError if ``A`` is singular."""
    _square("solve", A)
    vector = B._array.ndim == 1 or (B._array.ndim == A._array.ndim - 1 and B._array.shape == A._array.shape[:-1])
    b = B.unsqueeze(-1) if vector else B
    if not left:
        if vector:
            raise ShapeError(f"solve: a vector stands on the right of the matrix only{at_line()}")
        return lapack("solve", *_broadcast(A.mT, b.mT)).mT
    out = lapack("solve", *_broadcast(A, b))
    return out.squeeze(-1) if vector else out


def _square(name: str, x: Any) -> None:
    if x._array.ndim < 2 or x._array.shape[-1] != x._array.shape[-2]:
        raise ShapeError(f"{name} takes square matrices, not shape {tuple(x._array.shape)}{at_line()}")


def solve(input: Any, A: Any) -> Any:  # noqa: N803
    """The ``x`` with ``A @ x = input``, and the triangles of ``A``: PyTorch's function until 1.9."""
    return SOLUTION(linalg_solve(A, input), lu_factor(A.detach()).LU)


def _triangle(x: Any, upper: bool, unitriangular: bool) -> Any:
    part = apply(OPS["triu" if upper else "tril"], (x,), {"offset": (1 if upper else -1) if unitriangular else 0})
    return part + wrap(beside(numpy.eye(x._array.shape[-1], dtype=x._array.dtype), x._array)) if unitriangular else part


def solve_triangular(
    A: Any,  # noqa: N803
    B: Any,  # noqa: N803
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Any:
    """The ``x`` with ``A @ x = B`` (or ``x @ A = B``), of which one triangle of ``A`` is read."""
    _square("solve_triangular", A)
    a = _triangle(A, upper, unitriangular)
    if left:
        return lapack("solve", *_broadcast(a, B))
    return lapack("solve", *_broadcast(a.mT, B.mT)).mT


def triangular_solve(
    b: Any,
    A: Any,  # noqa: N803
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> Any:
    """The ``x`` with ``A @ x = b`` (or ``A.T @ x = b``), of which one triangle of ``A`` is read; and ``A``."""
    a = _triangle(A, upper, unitriangular)
    return TRIANGULAR(lapack("solve", *_broadcast(a.mT if transpose else a, b)), A.clone())


def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:  # noqa: N803
    """The ``x`` with ``(L @ L.mT) @ x = B`` (``L.mT @ L`` with ``upper``)."""
    lower = _triangle(L, upper, False)
    lower = lower.mT if upper else lower
    first = lapack("solve", *_broadcast(lower, B))
    return lapack("solve", *_broadcast(lower.mT, first))


def cholesky_inverse(L: Any, upper: bool = False) -> Any:  # noqa: N803
    """The inverse of ``L @ L.mT`` (``L.mT @ L`` with ``upper``)."""
    lower = _triangle(L, upper, False)
    return inverse(lower.mT @ lower if upper else lower @ lower.mT)


def linalg_lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:  # noqa: N803
    """The ``x`` with ``A @ x = B`` (or ``x @ A = B``), from what ``lu_factor`` made of ``A`` (``adjoint``: ``A.mH``)."""
    p, lower, upper = lu_unpack(LU, pivots)
    a = p @ lower @ upper
    return linalg_solve(a.mH if adjoint else a, B, left=left)


def lu_solve(b: Any, LU_data: Any, LU_pivots: Any) -> Any:  # noqa: N803
    """The ``x`` with ``A @ x = b``, from what ``lu`` made of ``A``."""
    return linalg_lu_solve(LU_data, LU_pivots, b)


@on_host
def linalg_lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:  # noqa: N803
    """The ``x`` that makes ``A @ x - B`` smallest, and the squares left, the rank and the singular values.

    With ``driver`` "gels", "gelsd" or "gelss" there are the squares left, where the rank is full and there are more
    equations than unknowns; with the last two there are the singular values. What is not computed is empty.
    """
    vector = B._array.ndim == 1 or (B._array.ndim == A._array.ndim - 1 and B._array.shape == A._array.shape[:-1])
    b = B.unsqueeze(-1) if vector else B
    rows, columns = A._array.shape[-2:]
    solution = pinv(A, rcond) @ b
    values = numpy.linalg.svd(A._array, compute_uv=False)
    limit = max(rows, columns) * float(numpy.finfo(values.dtype).eps) if rcond is None else rcond
    rank = (values > limit * values.max(-1, keepdims=True, initial=0)).sum(-1)
    kind = A._array.dtype
    left = wrap(numpy.zeros(0, kind))
    if rows > columns and driver not in (None, "gelsy") and (rank == columns).all():
        left = ((A @ solution - b) ** 2).sum(-2)
        left = left.squeeze(-1) if vector else left
    no_rank = driver == "gels"
    return LSTSQ(
        solution.squeeze(-1) if vector else solution,
        left,
        wrap(numpy.zeros(0, numpy.int64) if no_rank else numpy.asarray(rank)),
        wrap(values if driver in ("gelsd", "gelss") else numpy.zeros(0, kind)),
    )


# Powers


def matrix_power(input: Any, n: int) -> Any:
    """The product of ``n`` copies of square matrices, of their inverses where ``n`` is negative."""
    _square("matrix_power", input)
    if n < 0:
        return matrix_power(inverse(input), -n)
    if n == 0:
        one = wrap(beside(numpy.eye(input._array.shape[-1], dtype=input._array.dtype), input._array))
        return apply(OPS["where"], (wrap(numpy.zeros((), bool)), input, one))  # of zero slope
    result, square = None, input
    while n:
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        square = square @ square if n else square
    return result.clone() if result is input else result


def matrix_exp(input: Any) -> Any:
    """The exponential of square matrices."""
    return lapack("matrix_exp", input)


def tensorinv(A: Any, ind: int = 2) -> Any:  # noqa: N803
    """The inverse with regard to ``tensordot`` over ``ind`` dimensions."""
    if ind < 1:
        raise RuntimeError(f"tensorinv: ind is positive, not {ind}{at_line()}")
    before, after = A._array.shape[:ind], A._array.shape[ind:]
    if math.prod(before) != math.prod(after):
        raise ShapeError(f"tensorinv: {before} and {after} do not have as many elements{at_line()}")
    side = math.prod(before)
    return inverse(A.reshape(side, side)).reshape([*after, *before])


def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:  # noqa: N803
    """The ``x`` with ``tensordot(A, x, x.ndim) = B``."""
    a = A if dims is None else A.movedim(tuple(dims), tuple(range(A._array.ndim - len(dims), A._array.ndim)))
    shape = a._array.shape[B._array.ndim :]
    if math.prod(shape) != B._array.size:
        raise ShapeError(f"tensorsolve: {B._array.size} equations for {math.prod(shape)} unknowns{at_line()}")
    return linalg_solve(a.reshape(B._array.size, -1), B.reshape(-1)).reshape(shape)


METHODS = named(inverse, det, slogdet, logdet, pinverse, solve, triangular_solve, cholesky_solve, cholesky_inverse, lu_solve)
METHODS |= named(matrix_power, matrix_exp)
"""Functions that are methods too."""

FUNCTIONS = METHODS
"""Functions of the package."""
