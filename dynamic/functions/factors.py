"""Factorisations of matrices, batches of which stand in front: Cholesky, QR, LU, eigenvalues, singular values.

Signs that are free are those of LAPACK for QR; eigenvectors and singular vectors have their largest component positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import beside, to_numpy
from dynamic.functions.calling import named, on_host, results
from dynamic.tape import recording
from graphs.core.errors import DtypeError, GradientError, GraphsError, ShapeError, at_line
from graphs.core.op import OPS


class LinAlgError(GraphsError, RuntimeError):
    """A matrix for which there is no answer: singular, or not positive definite."""


EIGH = results("linalg_eigh", "eigenvalues eigenvectors")
EIG = results("linalg_eig", "eigenvalues eigenvectors")
SYMEIG = results("symeig", "eigenvalues eigenvectors")
SVD = results("svd", "U S V")
LINALG_SVD = results("linalg_svd", "U S Vh")
QR = results("qr", "Q R")
LINALG_QR = results("linalg_qr", "Q R")
LU = results("linalg_lu", "P L U")
LU_UNPACK = results("lu_unpack", "P L U")
LU_FACTOR = results("linalg_lu_factor", "LU pivots")


def lapack(name: str, *args: Any, **params: Any) -> Any:
    """Apply an op that LAPACK does. Raises LinAlgError where it has no answer."""
    given: Mapping[str, Any] = params
    for x in args:
        if x._array.dtype.kind not in "fc":
            raise DtypeError(f"{name} takes floating-point tensors, not {type_name(x._array.dtype)}{at_line()}")
    try:
        return apply(OPS[name], args, given)
    except ShapeError as error:
        if isinstance(error.__cause__, numpy.linalg.LinAlgError):
            raise LinAlgError(str(error)) from error
        raise


def cholesky(input: Any, upper: bool = False) -> Any:
    """The lower triangle ``l`` with ``l @ l.mH = input``, or its adjoint (``upper``).

    Raises LinAlgError (a RuntimeError) for what is not positive definite.
    """
    lower = lapack("cholesky", input)
    return lower.mH if upper else lower


def qr(input: Any, some: bool = True) -> Any:
    """``q`` with orthonormal columns and an upper triangle ``r``: ``input = q @ r``; ``q`` square unless ``some``."""
    return QR(*_qr(input, "reduced" if some else "complete"))


def linalg_qr(A: Any, mode: str = "reduced") -> Any:  # noqa: N803
    """``q`` with orthonormal columns and an upper triangle ``r``: ``A = q @ r``.

    ``mode`` is "reduced", "complete" (a square ``q``) or "r" (an empty ``q``).
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr: mode is 'reduced', 'complete' or 'r', not {mode!r}{at_line()}")
    return LINALG_QR(*_qr(A, mode))


def _qr(x: Any, mode: str) -> tuple[Any, Any]:
    if x._array.ndim < 2:
        raise ShapeError(f"qr takes matrices, not shape {tuple(x._array.shape)}{at_line()}")
    rows, columns = x._array.shape[-2:]
    if columns > rows:
        q, r = lapack("qr", x.narrow(-1, 0, rows))
        r = _joined(r, q.mT @ x.narrow(-1, rows, columns - rows), -1)
    else:
        q, r = lapack("qr", x)
        if mode == "complete" and rows > columns:
            if _recorded(x):
                raise GradientError(f"qr: no gradient flows through mode='complete' of tall matrices{at_line()}")
            q = _completed(q)
            r = _joined(r, r.new_zeros((*r._array.shape[:-2], rows - columns, columns)), -2)
    if mode == "r":
        q = x.new_zeros(0)
    return q, r


def _recorded(x: Any) -> bool:
    return x._edge is not None and recording.get()


def _joined(x: Any, y: Any, dim: int) -> Any:
    return apply(OPS["concat"], (x, y), {"axis": dim})


def _completed(q: Any) -> Any:
    """``q`` with the columns that make it square, which no gradient flows through."""
    array = q._array
    full = beside(numpy.linalg.qr(to_numpy(array), mode="complete")[0], array)
    rest = wrap(full[..., array.shape[-1] :])
    return _joined(q, rest, -1)


# Eigenvalues


def _symmetric(x: Any, upper: bool) -> Any:
    """The symmetric matrix of which one triangle is read."""
    half = apply(OPS["triu" if upper else "tril"], (x,), {"offset": 0})
    strict = apply(OPS["triu" if upper else "tril"], (x,), {"offset": 1 if upper else -1})
    return half + strict.mT


def eigh(A: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of symmetric matrices in ascending order, and the eigenvectors as columns; one triangle is read."""
    return EIGH(*lapack("eigh", _symmetric(A, _upper(UPLO))))


def eigvalsh(A: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of symmetric matrices in ascending order; one triangle is read."""
    return lapack("eigh", _symmetric(A, _upper(UPLO)))[0]


def _upper(triangle: str) -> bool:
    if triangle.upper() not in ("L", "U"):
        raise RuntimeError(f"UPLO is 'L' or 'U', not {triangle!r}{at_line()}")
    return triangle.upper() == "U"


def symeig(input: Any, eigenvectors: bool = False, upper: bool = True) -> Any:
    """PyTorch's name until 1.9 for ``linalg.eigh``: the vectors are empty unless asked for."""
    values, vectors = lapack("eigh", _symmetric(input, upper))
    return SYMEIG(values, vectors if eigenvectors else input.new_zeros(0))


@on_host
def eig(A: Any) -> Any:  # noqa: N803
    """The eigenvalues of square matrices and the eigenvectors as columns, both complex. No gradient flows through them."""
    values, vectors = numpy.linalg.eig(_constant("eig", A))
    kind = numpy.result_type(A._array.dtype, numpy.complex64)
    return EIG(wrap(values.astype(kind)), wrap(vectors.astype(kind)))


@on_host
def eigvals(A: Any) -> Any:  # noqa: N803
    """The eigenvalues of square matrices, complex. No gradient flows through them."""
    kind = numpy.result_type(A._array.dtype, numpy.complex64)
    return wrap(numpy.linalg.eigvals(_constant("eigvals", A)).astype(kind))


def _constant(name: str, x: Any) -> Any:
    array = x._array
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ShapeError(f"{name} takes square matrices, not shape {tuple(array.shape)}{at_line()}")
    if array.dtype.kind not in "fc":
        raise DtypeError(f"{name} takes floating-point tensors, not {type_name(array.dtype)}{at_line()}")
    if _recorded(x):
        raise GradientError(f"{name}: no gradient flows through it; detach() its argument{at_line()}")
    return array


# Singular values


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """``u``, singular values ``s`` in descending order and ``v``: ``input = u @ diag(s) @ v.mH``; square unless ``some``."""
    u, s, v = _svd(input, not some)
    if not compute_uv:
        rows, columns = input._array.shape[-2:]
        before = input._array.shape[:-2]
        u, v = (input.new_zeros((*before, n, n)) for n in (rows, columns))
    return SVD(u, s, v)


def linalg_svd(A: Any, full_matrices: bool = True, *, driver: Any = None) -> Any:  # noqa: N803
    """``u``, singular values ``s`` in descending order, and ``vh``: ``A = u @ diag(s) @ vh``.

    With ``full_matrices`` ``u`` and ``vh`` are square; no gradient flows through the columns that make them so.
    """
    u, s, v = _svd(A, full_matrices)
    return LINALG_SVD(u, s, v.mH)


def svdvals(A: Any, *, driver: Any = None) -> Any:  # noqa: N803
    """The singular values in descending order."""
    return lapack("svd", A)[0]


def _svd(x: Any, full: bool) -> tuple[Any, Any, Any]:
    s, u, v = lapack("svd", x)
    rows, columns = x._array.shape[-2:]
    if full and rows > columns:
        u = _completed(u)
    if full and columns > rows:
        v = _completed(v)
    return u, s, v


# Triangles with pivots


@on_host
def linalg_lu(A: Any, *, pivot: bool = True) -> Any:  # noqa: N803
    """A permutation ``p``, a lower triangle ``l`` with ones on its diagonal and an upper one ``u``: ``A = p @ l @ u``."""
    _check_lu(A, pivot)
    p, lower, upper = lapack("lu", A)
    return LU(p.detach(), lower, upper)


def _check_lu(x: Any, pivot: bool) -> None:
    if not pivot:
        raise RuntimeError(f"lu: LU without pivoting is not implemented on the CPU{at_line()}")
    if _recorded(x) and x._array.shape[-1] != x._array.shape[-2]:
        raise GradientError(f"lu: a gradient flows through square matrices only{at_line()}")


@on_host
def lu_factor(A: Any, *, pivot: bool = True) -> Any:  # noqa: N803
    """Both triangles in one matrix, and with which row each was exchanged, counted from 1, as int32."""
    _check_lu(A, pivot)
    p, lower, upper = lapack("lu", A)
    rows, columns = A._array.shape[-2:]
    side = min(rows, columns)
    below = apply(OPS["tril"], (lower,), {"offset": -1})
    if columns > side:
        packed = upper + _joined(below, wrap(numpy.zeros((*A._array.shape[:-1], columns - side), A._array.dtype)), -1)
    elif rows > side:
        packed = below + _joined(upper, wrap(numpy.zeros((*A._array.shape[:-2], rows - side, side), A._array.dtype)), -2)
    else:
        packed = below + upper
    order = p._array.argmax(-2)
    return LU_FACTOR(packed, wrap(_pivots(order, side)))


@on_host
def lu(A: Any, pivot: bool = True, get_infos: bool = False) -> Any:  # noqa: N803
    """``linalg.lu_factor`` as a pair; with ``get_infos`` zeros for success as well."""
    packed, pivots = lu_factor(A, pivot=pivot)
    infos = wrap(numpy.zeros(A._array.shape[:-2], numpy.int32))
    return (packed, pivots, infos) if get_infos else (packed, pivots)


def _pivots(order: Any, side: int) -> Any:
    out = numpy.empty((*order.shape[:-1], side), numpy.int32)
    for at in numpy.ndindex(*order.shape[:-1]):
        now = list(range(order.shape[-1]))
        for i in range(side):
            j = now.index(order[at][i])
            now[i], now[j] = now[j], now[i]
            out[at][i] = j + 1
    return out


def permutation(pivots: Any, rows: int, dtype: Any) -> Any:
    """The permutation that exchanges of rows amount to, as an array."""
    out = numpy.zeros((*pivots.shape[:-1], rows, rows), dtype)
    for at in numpy.ndindex(*pivots.shape[:-1]):
        order = list(range(rows))
        for i, j in enumerate(pivots[at]):
            order[i], order[j - 1] = order[j - 1], order[i]
        out[at][order, range(rows)] = 1
    return out


@on_host
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:  # noqa: N803
    """The permutation and the two triangles from what ``lu`` returned."""
    rows, columns = LU_data._array.shape[-2:]
    side = min(rows, columns)
    empty = wrap(numpy.zeros(0, LU_data._array.dtype))
    p, lower, upper = empty, empty, empty
    if unpack_pivots:
        p = wrap(permutation(LU_pivots._array, rows, LU_data._array.dtype))
    if unpack_data:
        below = apply(OPS["tril"], (LU_data.narrow(-1, 0, side),), {"offset": -1})
        lower = below + wrap(numpy.eye(rows, side, dtype=LU_data._array.dtype))
        upper = apply(OPS["triu"], (LU_data.narrow(-2, 0, side),), {"offset": 0})
    return LU_UNPACK(p, lower, upper)


METHODS = named(cholesky, qr, symeig, svd, lu)
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(lu_unpack)}
"""Functions of the package."""
