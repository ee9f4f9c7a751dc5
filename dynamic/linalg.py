"""Linear algebra, under the names of ``torch.linalg``. Matrices stand in the last two dimensions, batches in front."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.functions import factors, norms, products, reflections, shapes, solving
from dynamic.functions.calling import public, results
from dynamic.functions.factors import LinAlgError as LinAlgError
from dynamic.functions.joining import powers
from dynamic.names import lacking


cholesky, eigh, eigvalsh, eig, eigvals, svdvals, lu_factor = (
    public(getattr(factors, name)) for name in ("cholesky", "eigh", "eigvalsh", "eig", "eigvals", "svdvals", "lu_factor")
)
qr, svd, lu = (public(each) for each in (factors.linalg_qr, factors.linalg_svd, factors.linalg_lu))
det, inv, slogdet, pinv = (public(each) for each in (solving.det, solving.inverse, solving.linalg_slogdet, solving.pinv))
solve, lstsq, lu_solve = (public(each) for each in (solving.linalg_solve, solving.linalg_lstsq, solving.linalg_lu_solve))
solve_triangular, matrix_power, matrix_exp, tensorinv, tensorsolve = (
    public(getattr(solving, name)) for name in ("solve_triangular", "matrix_power", "matrix_exp", "tensorinv", "tensorsolve")
)
cond, matrix_norm, matrix_rank = (public(getattr(norms, name)) for name in ("cond", "matrix_norm", "matrix_rank"))
vector_norm, norm = public(norms.vector_norm), public(norms.linalg_norm)
matmul = products.FUNCTIONS["matmul"]
householder_product = public(reflections.householder_product)


@public
def multi_dot(tensors: Any) -> Any:
    """The product of matrices in the order that takes the fewest multiplications; vectors may stand at the ends."""
    given = list(tensors)
    if len(given) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(given)}")
    first, last = given[0]._array.ndim == 1, given[-1]._array.ndim == 1
    given[0] = given[0].unsqueeze(0) if first else given[0]
    given[-1] = given[-1].unsqueeze(1) if last else given[-1]
    result = products.chain_matmul(*given)
    result = result.squeeze(-1) if last else result
    return result.squeeze(0) if first else result


@public
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The cross product of vectors of three along ``dim``, the other dimensions broadcast."""
    return products.cross_along(input, other, dim)


@public
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along ``dim``, of the first the conjugates."""
    return (x.conj() * y).sum(dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:  # noqa: N803
    """The diagonal of matrices, as a view."""
    return shapes.diagonal(A, offset, dim1, dim2)


def vander(x: Any, N: int | None = None) -> Any:  # noqa: N803
    """The powers of each element from 0 on, along a new last dimension."""
    return powers(x, x._array.shape[-1] if N is None else N, True)


# The variants that say whether they worked rather than raise

_CHOLESKY, _INV, _SOLVE, _LU = (
    results("linalg_cholesky_ex", "L info"),
    results("linalg_inv_ex", "inverse info"),
    results("linalg_solve_ex", "result info"),
    results("linalg_lu_factor_ex", "LU pivots info"),
)


def _info(x: Any, failed: bool = False) -> Any:
    return x.new_full(x._array.shape[:-2], int(failed), dtype=numpy.int32)


def _tried(kind: Any, x: Any, check_errors: bool, function: Any, *args: Any, **settings: Any) -> Any:
    """The result and zeros; where it failed NaN and ones, unless errors are asked for."""
    try:
        result = function(*args, **settings)
    except LinAlgError:
        if check_errors:
            raise
        return kind(x * float("nan"), _info(x, True))
    return kind(*result, _info(x)) if isinstance(result, tuple) else kind(result, _info(x))


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:  # noqa: N803
    """``cholesky``, and zeros for success."""
    return _tried(_CHOLESKY, A, check_errors, factors.cholesky, A, upper)


def inv_ex(A: Any, *, check_errors: bool = False) -> Any:  # noqa: N803
    """``inv``, and zeros for success."""
    return _tried(_INV, A, check_errors, solving.inverse, A)


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:  # noqa: N803
    """``solve``, and zeros for success."""
    return _tried(_SOLVE, A, check_errors, solving.linalg_solve, A, B, left=left)


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:  # noqa: N803
    """``lu_factor``, and zeros for success."""
    return _tried(_LU, A, check_errors, factors.lu_factor, A, pivot=pivot)


__getattr__ = lacking(__name__)
