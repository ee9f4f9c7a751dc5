"""Functions that reduce dimensions: sums, means, spreads, norms, extremes, truth; running sums; softmax."""

from __future__ import annotations

import builtins
from operator import index as as_int
from typing import Any

import numpy

from dynamic.apply import Carried, apply, unary, wrap
from dynamic.dtypes import dtype_of, type_name
from dynamic.functions.calling import named, on_host, results
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, PositionError, at_line
from graphs.core.op import OPS, Op
from graphs.ops.reduction import mean as mean_op, sum as sum_op


RESULTS: dict[str, Any] = {name: results(name, "values indices") for name in ("max", "min", "cummax", "cummin")}
RESULTS["aminmax"] = results("aminmax", "min max")
"""What the functions of these names return."""

Dims = int | tuple[int, ...] | list[int] | None


def axes_of(input: Any, dim: Dims) -> Any:
    """``dim`` as the ops take it, None for all, as an empty tuple is too; of a scalar 0 and -1 are dimensions."""
    if dim is None:
        return None
    dims = tuple(map(as_int, dim)) if isinstance(dim, (tuple, list)) else as_int(dim)
    if not input._array.ndim:
        if any_of(not -1 <= d <= 0 for d in (dims if isinstance(dims, tuple) else (dims,))):
            raise PositionError(f"dimension {dim} of a tensor without dimensions{at_line()}")
        return None
    return None if dims == () else dims


any_of = builtins.any


def reduce(op: Op, input: Any, dim: Dims, keepdim: bool, dtype: Any = None, **more: Any) -> Any:
    """``op`` over ``dim``, after a cast to ``dtype`` where one is given."""
    if dtype is not None:
        input = input.to(dtype_of(dtype))
    return apply(op, (input,), {"axis": axes_of(input, dim), "keepdims": keepdim, **more})


def _counted(input: Any, dtype: Any) -> Any:
    """What is added up or multiplied: in ``dtype``, or in int64 where bytes are."""
    if dtype is not None:
        return input.to(dtype_of(dtype))
    return input.to("int64") if input._array.dtype.kind == "u" else input


def _in(dtype: Any, result: Any) -> Any:
    """A result in ``dtype``, where one is given: numpy counts in 64 bits whatever it is told."""
    return result if dtype is None else result.to(dtype_of(dtype))


def needs_floats(name: str, input: Any) -> None:
    """Raise DtypeError (a RuntimeError) for integers and bools."""
    if input._array.dtype.kind not in "fc":
        raise DtypeError(
            f"{name} takes floating-point tensors, not {type_name(input._array.dtype)}: cast with .float(){at_line()}"
        )


def sum(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum, over ``dim`` or over everything; integers and bools are summed as int64."""
    if isinstance(input, Carried) and (dtype is not None or input._array.dtype.kind == "u"):
        input = _counted(input, dtype)
    result = unary(sum_op, input) if dim is None and not keepdim else reduce(sum_op, input, dim, keepdim)
    return result if dtype is None else _in(dtype, result)


def nansum(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum without NaN. Their gradient is 0."""
    return sum(_without_nan(input), dim, keepdim, dtype=dtype)


def _without_nan(input: Any) -> Any:
    return apply(OPS["where"], (input == input, input, 0)) if input._array.dtype.kind == "f" else input


def mean(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean, over ``dim`` or over everything. Raises DtypeError for integers and bools where no ``dtype`` is given."""
    if dtype is None:
        needs_floats("mean", input)
        if dim is None and not keepdim:
            return unary(mean_op, input)
    return reduce(mean_op, input, dim, keepdim, dtype)


def nanmean(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what is no NaN."""
    needs_floats("nanmean", input)
    count = sum(input == input, dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def prod(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product, over ``dim`` or over everything."""
    return _in(dtype, reduce(OPS["prod"], _counted(input, dtype), dim, keepdim))


def count_nonzero(input: Any, dim: Dims = None) -> Any:
    """How many elements are not zero."""
    return reduce(OPS["count_nonzero"], input, dim, False)


# Spread


def _correction(unbiased: bool | None, correction: float | None) -> float:
    return correction if correction is not None else (1 if unbiased is None or unbiased else 0)


def _spread(name: str, input: Any, dim: Any, unbiased: Any, keepdim: bool, correction: float | None) -> Any:
    needs_floats(name, input)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return reduce(OPS[name], input, dim, keepdim, correction=_correction(unbiased, correction))


def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The variance; divided by n - 1 unless ``unbiased=False`` or another ``correction`` says otherwise."""
    return _spread("var", input, dim, unbiased, keepdim, correction)


def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The standard deviation; see ``var``."""
    return _spread("std", input, dim, unbiased, keepdim, correction)


def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The variance and the mean; see ``var``."""
    center = mean(input, None if isinstance(dim, bool) else dim, keepdim)
    return var(input, dim, unbiased, keepdim, correction=correction), center


def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The standard deviation and the mean; see ``var``."""
    center = mean(input, None if isinstance(dim, bool) else dim, keepdim)
    return std(input, dim, unbiased, keepdim, correction=correction), center


def logsumexp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    """The logarithm of the sum of exponentials over ``dim``."""
    x = input.float() if input._array.dtype.kind in "biu" else input
    return reduce(OPS["logsumexp"], x, dim, keepdim)


# Extremes


def extreme_along(name: str, input: Any, dim: int, keepdim: bool) -> Any:
    """The extremes along ``dim`` and their indices. Raises IndexError for an empty dimension."""
    if input._array.ndim == 0:
        axes_of(input, dim)
        return RESULTS[name](input + 0, input.new_zeros((), dtype=numpy.int64))
    if -input._array.ndim <= dim < input._array.ndim and not input._array.shape[dim]:
        raise PositionError(f"{name}: dimension {dim} is empty{at_line()}")
    indices = apply(OPS[f"arg{name}"], (input,), {"axis": dim, "keepdims": True})
    values = apply(OPS["take_along_axis"], (input, indices), {"axis": dim})
    return RESULTS[name](values, indices) if keepdim else RESULTS[name](values.squeeze(dim), indices.squeeze(dim))


def _extreme(name: str, input: Any, dim: Any, keepdim: bool, other: Any) -> Any:
    if other is not None:
        dim = other
    if dim is None:
        return apply(OPS[name], (input,))
    if isinstance(dim, Carried):
        return apply(OPS[f"{name}imum"], (input, dim), {"tie": "both"})
    return extreme_along(name, input, as_int(dim), keepdim)


def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The greatest element; with ``dim``, the greatest along it and their indices; with a tensor, the greater of two."""
    return _extreme("max", input, dim, keepdim, other)


def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with ``dim``, the smallest along it and their indices; with a tensor, the smaller of two."""
    return _extreme("min", input, dim, keepdim, other)


def amax(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The greatest element over ``dim``; the gradient is shared among equals."""
    return reduce(OPS["max"], input, dim, keepdim)


def amin(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest element over ``dim``; the gradient is shared among equals."""
    return reduce(OPS["min"], input, dim, keepdim)


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the greatest element, over ``dim`` or over everything."""
    return RESULTS["aminmax"](amin(input, dim, keepdim), amax(input, dim, keepdim))


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Where the greatest element stands, in the flattened tensor or along ``dim``."""
    return reduce(OPS["argmax"], input, dim, keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Where the smallest element stands, in the flattened tensor or along ``dim``."""
    return reduce(OPS["argmin"], input, dim, keepdim)


def _truth(name: str, input: Any, dim: Dims, keepdim: bool) -> Any:
    out = reduce(OPS[name], input, dim, keepdim)
    return out.to("uint8") if input._array.dtype == numpy.uint8 else out


def all(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether every element is true."""
    return _truth("all", input, dim, keepdim)


def any(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether some element is true."""
    return _truth("any", input, dim, keepdim)


# Running sums and products


def _running(name: str, input: Any, dim: int) -> Any:
    if not input._array.ndim:
        axes_of(input, dim)
        return apply(OPS[name], (input.reshape(1),), {"axis": 0}).reshape(())
    return apply(OPS[name], (input,), {"axis": as_int(dim)})


def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running sums along ``dim``."""
    return _in(dtype, _running("cumsum", _counted(input, dtype), dim))


def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running products along ``dim``."""
    return _in(dtype, _running("cumprod", _counted(input, dtype), dim))


def logcumsumexp(input: Any, dim: int) -> Any:
    """Logarithms of running sums of exponentials along ``dim``."""
    return _running("logcumsumexp", input, dim)


def _running_extreme(name: str, ufunc: Any, input: Any, dim: int) -> Any:
    array = input._array
    if not array.ndim:
        axes_of(input, dim)
        return RESULTS[name](input + 0, wrap(numpy.zeros((), numpy.int64)))
    best = ufunc.accumulate(array, dim)
    places = numpy.arange(array.shape[dim]).reshape([-1 if i == dim % array.ndim else 1 for i in range(array.ndim)])
    hit = (array == best) | (array != array)  # of equal ones the last, and every NaN after a NaN
    where = wrap(numpy.maximum.accumulate(numpy.where(hit, places, 0), dim))
    return RESULTS[name](apply(OPS["take_along_axis"], (input, where), {"axis": dim}), where)


@on_host
def cummax(input: Any, dim: int) -> Any:
    """Running maxima along ``dim`` and their indices, of equal ones the last."""
    return _running_extreme("cummax", numpy.maximum, input, dim)


@on_host
def cummin(input: Any, dim: int) -> Any:
    """Running minima along ``dim`` and their indices, of equal ones the last."""
    return _running_extreme("cummin", numpy.minimum, input, dim)


# Softmax, and comparison as a whole


def _softmax(name: str, input: Any, dim: int | None, dtype: Any) -> Any:
    x = input if dtype is None else input.to(dtype)
    if x._array.dtype.kind != "f":
        raise NotImplementedError(f"{name} is not for {type_name(x._array.dtype)}{at_line()}")
    if not x._array.ndim:
        axes_of(x, dim)
        return apply(OPS[name], (x.reshape(1),), {"axis": 0}).reshape(())
    return apply(OPS[name], (x,), {"axis": -1 if dim is None else dim})


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """Exponentials over their sum along ``dim``."""
    return _softmax("softmax", input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """The logarithm of ``softmax``, computed without leaving the range of numbers."""
    return _softmax("log_softmax", input, dim, dtype)


def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and elements."""
    a, b = input._array, other._array
    return builtins.bool(a.shape == b.shape and (a == b).all())


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether ``|input - other| <= atol + rtol * |other|`` everywhere."""
    if input._array.dtype != other._array.dtype:
        raise DtypeError(f"allclose takes tensors of one dtype{at_line()}")
    xp: Any = xp_of((input._array, other._array))
    return builtins.bool(xp.allclose(input._array, other._array, rtol, atol, equal_nan))


FUNCTIONS = {
    **named(sum, nansum, mean, nanmean, prod, count_nonzero, var, std, var_mean, std_mean, logsumexp, max, min, amax, amin),
    **named(aminmax, argmax, argmin, all, any, cumsum, cumprod, logcumsumexp, cummax, cummin, softmax, log_softmax),
    **named(equal, allclose),
}
"""Functions of the package."""

METHODS = {name: FUNCTIONS[name] for name in FUNCTIONS if name not in ("var_mean", "std_mean")}
"""Functions that are methods too."""

IN_PLACE = ("cumsum", "cumprod")
"""Functions that have a variant in place, named with an underscore."""
