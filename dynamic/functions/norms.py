"""Norms of vectors and of matrices, and distances."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import apply, unary, wrap
from dynamic.dtypes import dtype_of, type_name
from dynamic.elsewhere import beside
from dynamic.functions.calling import named, on_host
from dynamic.functions.factors import svdvals
from dynamic.functions.reductions import Dims, needs_floats, reduce
from dynamic.functions.solving import inverse
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS


def _cast(input: Any, dtype: Any) -> Any:
    if dtype is None:
        return input
    kind = dtype_of(dtype).numpy
    if not numpy.can_cast(input._array.dtype, kind):
        raise DtypeError(f"norm: {type_name(input._array.dtype)} does not fit into dtype={dtype}{at_line()}")
    return input.to(kind)


def _size(input: Any) -> Any:
    return unary(OPS["absolute"], input) if input._array.dtype.kind == "c" else input


def vector_norm(x: Any, ord: Any = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The norm of the elements over ``dim`` or over all: ``(Σ |x|^ord)^(1/ord)``, the largest or smallest for infinities."""
    needs_floats("vector_norm", x)
    return reduce(OPS["norm"], _size(_cast(x, dtype)), dim, keepdim, ord=float(ord))


def norm(input: Any, p: Any = "fro", dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The p-norm of the elements, over ``dim`` or over everything; for ``p="nuc"`` the sum of a matrix's singular values."""
    needs_floats("norm", input)
    x = _size(_cast(input, dtype))
    if p == "nuc":
        dims = tuple(range(x._array.ndim)) if dim is None else dim
        return matrix_norm(x, "nuc", dims, keepdim)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: p is a number, 'fro' or 'nuc', not {p!r}{at_line()}")
    return reduce(OPS["norm"], x, dim, keepdim, ord=2 if p in ("fro", None) else p)


def frobenius_norm(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """The square root of the sum of squares."""
    return norm(input, 2, dim, keepdim)


def nuclear_norm(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """The sum of a matrix's singular values."""
    return norm(input, "nuc", dim, keepdim)


def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:  # noqa: N803
    """The norm of matrices: "fro", "nuc", 2 and -2 (of singular values), 1 and -1 (of columns), infinities (of rows)."""
    needs_floats("matrix_norm", A)
    x = _cast(A, dtype)
    if len(dim) != 2 or x._array.ndim < 2:
        raise ShapeError(f"matrix_norm: dim has two dimensions, not {dim}{at_line()}")
    rows, columns = (d % x._array.ndim for d in dim)
    if rows == columns:
        raise ShapeError(f"matrix_norm: dims must be different: {dim}{at_line()}")
    if ord == "fro":
        return vector_norm(x, 2, (rows, columns), keepdim)
    if ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2):
        values = svdvals(x.movedim((rows, columns), (-2, -1)))
        out = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord > 0 else values.amin(-1)
        for d in sorted((rows, columns)) if keepdim else ():
            out = out.unsqueeze(d)
        return out
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise RuntimeError(f"matrix_norm: no norm of order {ord!r}{at_line()}")
    first, second = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = x.abs().sum(first, True)
    out = sums.amax(second, True) if ord > 0 else sums.amin(second, True)
    return out if keepdim else out.squeeze((first, second))


def linalg_norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:  # noqa: N803
    """The norm of a vector or matrix: of all elements without ``ord`` and ``dim``; two dimensions make a matrix."""
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if A._array.ndim > 2:
            raise ShapeError(f"norm: of order {ord} are vectors and matrices, not {A._array.ndim} dimensions{at_line()}")
        dim = tuple(range(A._array.ndim))
    if isinstance(dim, (tuple, list)) and len(dim) == 2:
        return matrix_norm(A, ord, dim, keepdim, dtype=dtype)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


def cond(A: Any, p: Any = None) -> Any:  # noqa: N803
    """The condition number: the norm of a matrix times that of its inverse; by default of the norm 2."""
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        values = svdvals(A)
        top, low = values[..., 0], values[..., -1]
        return low / top if p == -2 else top / low
    return matrix_norm(A, p) * matrix_norm(inverse(A), p)


@on_host
def matrix_rank(
    A: Any,  # noqa: N803
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Any:
    """How many singular values are above ``max(atol, rtol * largest)``; no gradient flows through it."""
    array = A._array
    if array.ndim < 2:
        raise ShapeError(f"matrix_rank takes matrices{at_line()}")
    values = numpy.linalg.svd(array, compute_uv=False)
    absolute = atol if tol is None else tol
    if rtol is None:
        rtol = 0.0 if absolute is not None else max(array.shape[-2:]) * float(numpy.finfo(values.dtype).eps)
    floor, share = (0.0 if t is None else numpy.asarray(getattr(t, "_array", t))[..., None] for t in (absolute, rtol))
    limit = numpy.maximum(floor, share * values.max(-1, keepdims=True, initial=0))
    return wrap(numpy.asarray((values > limit).sum(-1)))


# Distances


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of the difference."""
    return norm(input - other, p)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The p-norm distance of each row of ``x1`` from each of ``x2``, batches in front broadcast."""
    if x1._array.ndim < 2 or x2._array.ndim < 2 or x1._array.shape[-1] != x2._array.shape[-1]:
        raise ShapeError(f"cdist: rows of {tuple(x1._array.shape)} and {tuple(x2._array.shape)}{at_line()}")
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values{at_line()}")
    if x1._array.dtype.kind != "f":
        raise DtypeError(f"cdist takes floating-point tensors, not {type_name(x1._array.dtype)}{at_line()}")
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norm distances between the rows of a matrix: of the first from each later one, then of the second, and so on."""
    if input._array.ndim != 2:
        raise ShapeError(f"pdist takes a matrix, not shape {tuple(input._array.shape)}{at_line()}")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values{at_line()}")
    first, second = (wrap(beside(each, input._array)) for each in numpy.triu_indices(len(input._array), 1))
    rows = [apply(OPS["take"], (input, each), {"axis": 0}) for each in (first, second)]
    return norm(rows[0] - rows[1], p, -1)


def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """With each position of ``dim`` scaled down to the p-norm ``maxnorm`` where it has a greater one."""
    if input._array.ndim < 2:
        raise ShapeError(f"renorm takes 2 dimensions and more{at_line()}")
    if p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: p is positive and maxnorm not negative: {p}, {maxnorm}{at_line()}")
    at = dim % input._array.ndim
    size = norm(input, p, tuple(d for d in range(input._array.ndim) if d != at), True)
    scale = apply(OPS["where"], (size > maxnorm, maxnorm / (size + 1e-7), 1.0))
    return input * scale


METHODS = named(norm, dist, renorm)
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(frobenius_norm, nuclear_norm, cdist, pdist, matrix_rank)}
"""Functions of the package."""

IN_PLACE = ("renorm",)
"""Functions that have a variant in place, named with an underscore."""
