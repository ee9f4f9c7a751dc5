"""Functions that reduce dimensions."""

from __future__ import annotations

import builtins
from operator import index as as_int
from typing import Any, NamedTuple

import numpy

from dynamic.apply import apply, unary, wrap
from dynamic.dtypes import dtype_of, type_name
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS, Op
from graphs.ops.reduction import mean as mean_op, sum as sum_op


class Result(NamedTuple):
    """Values and where they stood; its subclasses are PyTorch's ``torch.return_types``."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


RESULTS: dict[str, Any] = {name: type(name, (Result,), {"__slots__": ()}) for name in ("max", "min", "sort", "topk")}
"""What the functions of these names return."""


Dims = int | tuple[int, ...] | list[int] | None


def _axis(dim: Dims) -> Any:
    if dim is None:
        return None
    return tuple(map(as_int, dim)) if isinstance(dim, (tuple, list)) else as_int(dim)


def _reduce(op: Op, input: Any, dim: Dims, keepdim: bool, dtype: Any = None, **more: Any) -> Any:
    if dtype is not None:
        input = input.to(dtype_of(dtype))
    return apply(op, (input,), {"axis": _axis(dim), "keepdims": keepdim, **more})


def _needs_floats(name: str, input: Any) -> None:
    if input._array.dtype.kind not in "fc":
        raise DtypeError(
            f"{name} takes floating-point tensors, not {type_name(input._array.dtype)}: cast with .float(){at_line()}"
        )


def sum(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum, over ``dim`` or over everything; integers and bools are summed as int64."""
    if dim is None and not keepdim and dtype is None:
        return unary(sum_op, input)
    return _reduce(sum_op, input, dim, keepdim, dtype)


def mean(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean, over ``dim`` or over everything. Raises DtypeError for integers and bools where no ``dtype`` is given."""
    if dtype is None:
        _needs_floats("mean", input)
        if dim is None and not keepdim:
            return unary(mean_op, input)
    return _reduce(mean_op, input, dim, keepdim, dtype)


def prod(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product, over ``dim`` or over everything."""
    return _reduce(OPS["prod"], input, dim, keepdim, dtype)


def _correction(unbiased: bool | None, correction: float | None) -> float:
    return correction if correction is not None else (1 if unbiased is None or unbiased else 0)


def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The variance; divided by n - 1 unless ``unbiased=False`` or another ``correction`` says otherwise."""
    _needs_floats("var", input)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return _reduce(OPS["var"], input, dim, keepdim, correction=_correction(unbiased, correction))


def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The standard deviation; see ``var``."""
    _needs_floats("std", input)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return _reduce(OPS["std"], input, dim, keepdim, correction=_correction(unbiased, correction))


def norm(input: Any, p: Any = 2, dim: Dims = None, keepdim: bool = False) -> Any:
    """The p-norm of the elements, over ``dim`` or over everything."""
    _needs_floats("norm", input)
    order = 2 if p == "fro" else p
    return _reduce(OPS["norm"], input, dim, keepdim, ord=order)


def logsumexp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    """The logarithm of the sum of exponentials over ``dim``."""
    return _reduce(OPS["logsumexp"], input, dim, keepdim)


def _extreme(name: str, input: Any, dim: Any, keepdim: bool, other: Any) -> Any:
    if other is not None:
        dim = other
    if dim is None:
        return apply(OPS[name], (input,))
    if not isinstance(dim, int):
        return apply(OPS[f"{name}imum"], (input, dim), {"tie": "both"})
    if input._array.ndim == 0:
        return RESULTS[name](input + 0, wrap(input._array.argmax()))
    indices = apply(OPS[f"arg{name}"], (input,), {"axis": dim, "keepdims": True})
    values = apply(OPS["take_along_axis"], (input, indices), {"axis": dim})
    return RESULTS[name](values, indices) if keepdim else RESULTS[name](values.squeeze(dim), indices.squeeze(dim))


def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The greatest element; with ``dim``, the greatest along it and their indices; with a tensor, the greater of two."""
    return _extreme("max", input, dim, keepdim, other)


def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with ``dim``, the smallest along it and their indices; with a tensor, the smaller of two."""
    return _extreme("min", input, dim, keepdim, other)


def amax(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The greatest element over ``dim``; the gradient is shared among equals."""
    return _reduce(OPS["max"], input, None if dim == () else dim, keepdim)


def amin(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest element over ``dim``; the gradient is shared among equals."""
    return _reduce(OPS["min"], input, None if dim == () else dim, keepdim)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Where the greatest element stands, in the flattened tensor or along ``dim``."""
    return _reduce(OPS["argmax"], input, dim, keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Where the smallest element stands, in the flattened tensor or along ``dim``."""
    return _reduce(OPS["argmin"], input, dim, keepdim)


def all(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether every element is true."""
    return _reduce(OPS["all"], input, dim, keepdim)


def any(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether some element is true."""
    return _reduce(OPS["any"], input, dim, keepdim)


def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running sums along ``dim``."""
    return apply(OPS["cumsum"], (input if dtype is None else input.to(dtype),), {"axis": dim})


def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running products along ``dim``."""
    return apply(OPS["cumprod"], (input if dtype is None else input.to(dtype),), {"axis": dim})


def sort(input: Any, dim: int = -1, descending: bool = False) -> Result:
    """The elements in order along ``dim``, and where they stood."""
    return RESULTS["sort"](*apply(OPS["sort"], (input,), {"axis": dim, "descending": descending}))


def argsort(input: Any, dim: int = -1, descending: bool = False) -> Any:
    """Where the elements in order stood."""
    return apply(OPS["argsort"], (input,), {"axis": dim, "descending": descending})


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Result:
    """The ``k`` greatest (or smallest) elements along ``dim``, and where they stood."""
    size = input._array.shape[dim] if input._array.ndim else 1
    if not 0 <= k <= size:
        raise ShapeError(f"topk: {k} of {size} elements")
    return RESULTS["topk"](*apply(OPS["topk"], (input,), {"k": k, "axis": dim, "largest": largest}))


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """Exponentials over their sum along ``dim``."""
    return apply(OPS["softmax"], (input if dtype is None else input.to(dtype),), {"axis": -1 if dim is None else dim})


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """The logarithm of ``softmax``, computed without leaving the range of numbers."""
    return apply(OPS["log_softmax"], (input if dtype is None else input.to(dtype),), {"axis": -1 if dim is None else dim})


def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and elements."""
    a, b = input._array, other._array
    return builtins.bool(a.shape == b.shape and (a == b).all())


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether ``|input - other| <= atol + rtol * |other|`` everywhere."""
    return builtins.bool(numpy.allclose(input._array, other._array, rtol, atol, equal_nan))


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(sum, mean, prod, var, std, norm, logsumexp, max, min, amax, amin, argmax, argmin, all, any, cumsum, cumprod),
        *(sort, argsort, topk, softmax, log_softmax, equal, allclose),
    )
}
"""Functions of this module; all are methods too."""
