"""Products of Householder's reflections, and the largest singular values by random projection."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.functions.calling import named, on_host, results
from dynamic.functions.drawing import randn
from dynamic.functions.factors import linalg_qr, linalg_svd
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import OPS


GEQRF = results("geqrf", "a tau")


@on_host
def geqrf(input: Any) -> Any:
    """A QR factorisation as LAPACK has it: R above the reflections' vectors, and the factors that go with them.

    It is not recorded; ``linalg.qr`` is.
    """
    if input.dim() < 2:
        raise ShapeError(f"geqrf: input must have at least 2 dimensions, not {input.dim()}{at_line()}")
    h, tau = numpy.linalg.qr(input._array, mode="raw")
    return GEQRF(wrap(numpy.ascontiguousarray(numpy.swapaxes(h, -1, -2))), wrap(tau))


def _vectors(name: str, input: Any, tau: Any) -> Any:
    """The reflections' vectors as columns: ones on the diagonal, zeros above."""
    if input.dim() < 2:
        raise ShapeError(f"{name}: input must have at least 2 dimensions, not {input.dim()}{at_line()}")
    rows, columns = input._array.shape[-2:]
    if rows < columns:
        raise ShapeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], "
            f"which are {rows} and {columns}{at_line()}"
        )
    if columns < tau._array.shape[-1]:
        raise ShapeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], "
            f"which are {columns} and {tau._array.shape[-1]}{at_line()}"
        )
    ones = wrap(numpy.eye(rows, columns, dtype=input._array.dtype))
    return apply(OPS["tril"], (input,), {"offset": -1}) + ones


def _reflected(vectors: Any, tau: Any, x: Any, conjugate: bool, order: Any) -> Any:
    """``x`` with the reflections in ``order`` applied from the left: each is ``x - tau v (vᴴ x)``."""
    for k in order:
        v = vectors[..., :, k : k + 1]
        factor = tau[..., k : k + 1].unsqueeze(-1)
        x = x - (factor._conjugate() if conjugate else factor) * (v @ (v.mH @ x))
    return x


@on_host
def householder_product(input: Any, tau: Any) -> Any:
    """The first columns of the product of the reflections that ``geqrf`` gives: the Q of a QR factorisation.

    Args:
        input: (..., m, n) with m >= n; the vectors are below the diagonal.
        tau: (..., k) with k <= n.
    """
    vectors = _vectors("householder_product", input, tau)
    unit = wrap(numpy.eye(*input._array.shape[-2:], dtype=input._array.dtype))
    return _reflected(vectors, tau, unit, False, reversed(range(tau._array.shape[-1])))


@on_host
def orgqr(input: Any, tau: Any) -> Any:
    """``linalg.householder_product``, under LAPACK's name."""
    return householder_product(input, tau)


@on_host
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    """``other`` times the whole product Q of the reflections that ``geqrf`` gives: ``Q @ other``, or other products.

    Args:
        input: (..., m, k) with the vectors below the diagonal.
        tau: (..., k).
        other: what is multiplied, from the left unless ``left`` is false.
        transpose: take the conjugate transpose of Q.
    """
    side = -2 if left else -1
    if other._array.shape[side] != input._array.shape[-2]:
        raise ShapeError(f"ormqr: other.shape[{side}] must be equal to input.shape[-2]{at_line()}")
    vectors = _vectors("ormqr", input, tau)
    order = range(tau._array.shape[-1])
    if left:
        return _reflected(vectors, tau, other, transpose, order if transpose else reversed(order))
    # x Q is the conjugate transpose of Qᴴ xᴴ.
    return _reflected(vectors, tau, other.mH, not transpose, reversed(order) if transpose else order).mH


def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:  # noqa: N803
    """About the ``q`` largest singular values of matrices, with U and V: ``A ~ U diag(S) Vᴴ``.

    By random projection and ``niter`` rounds of refinement (Halko, Martinsson and Tropp 2009, algorithm 5.1). ``M`` is taken
    from ``A`` first. Where ``q`` is the whole rank the factorisation is the ordinary one.
    """
    if M is not None:
        A = A - M  # noqa: N806
    rows, columns = A._array.shape[-2:]
    count = min(6 if q is None else q, rows, columns)
    x = A if rows >= columns else A.mH
    basis = linalg_qr(x @ randn(x._array.shape[-1], count, dtype=A.dtype))[0]
    for _ in range(2 if niter is None else niter):
        basis = linalg_qr(x @ linalg_qr(x.mH @ basis)[0])[0]
    u, s, vh = linalg_svd(basis.mH @ x, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (u, s, v) if rows >= columns else (v, s, u)


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:  # noqa: N803
    """``svd_lowrank`` of a matrix whose rows are samples, less (with ``center``) their mean: V has principal directions.

    ``q`` is 6 by default, or what the matrix has. Raises ValueError for one that it has not.
    """
    least = min(A._array.shape[-2:])
    count = min(6, least) if q is None else q
    if not 0 <= count <= least:
        raise ValueError(f"q(={count}) must be non-negative integer and not greater than min(m, n)={least}{at_line()}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer{at_line()}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, count, niter)


METHODS = named(geqrf, orgqr, ormqr)
"""What is a method too."""

FUNCTIONS = {**METHODS, **named(svd_lowrank, pca_lowrank)}
"""Functions of the package."""
