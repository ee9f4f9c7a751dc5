"""Random tensors. Each draw takes the next key of a generator's stream."""

from __future__ import annotations

from operator import index as as_int
from typing import Any

import numpy

from dynamic.apply import Carried, apply
from dynamic.dtypes import dtype_of
from dynamic.functions.making import finished, kind_of, module_at, number
from dynamic.random import Generator, next_key
from dynamic.size import sizes_of
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS


def _sized(name: str, size: tuple[Any, ...], more: dict[str, Any]) -> tuple[int, ...]:
    if "size" in more:
        size = (more.pop("size"),)
    elif not size:
        raise TypeError(f"{name} needs a size")
    if more:
        raise TypeError(f"{name} has no argument {', '.join(more)}")
    return sizes_of(size)


def _floats(name: str, kind: Any) -> Any:
    if kind.kind not in "fc":
        raise DtypeError(f"{name} draws floating-point numbers, not {kind.name}{at_line()}")
    return kind


def _drawn(name: str, shape: tuple[int, ...], kind: Any, generator: Generator | None, xp: Any = numpy) -> Any:
    """Numbers by an array module: the same for each of them."""
    if kind.kind != "c":
        return OPS[name].kernel(xp, shape=shape, dtype=kind, key=next_key(generator))
    part = numpy.empty(0, kind).real.dtype
    scale = part.type(
        0.5**0.5 if name == "random_normal" else 1
    )  # the variance of a complex number is 1, not that of its parts
    return (_drawn(name, shape, part, generator, xp) + 1j * _drawn(name, shape, part, generator, xp)).astype(kind) * scale


def randn(
    *size: Any,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **more: Any,
) -> Any:
    """Standard normal numbers."""
    shape, kind = _sized("randn", size, more), _floats("randn", kind_of(dtype))
    return finished(
        _drawn("random_normal", shape, kind, generator, module_at(device, out)), requires_grad, device, out, pin_memory
    )


def rand(
    *size: Any,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **more: Any,
) -> Any:
    """Uniform numbers in [0, 1)."""
    shape, kind = _sized("rand", size, more), _floats("rand", kind_of(dtype))
    return finished(
        _drawn("random_uniform", shape, kind, generator, module_at(device, out)), requires_grad, device, out, pin_memory
    )


def _kind_like(input: Any, dtype: Any) -> Any:
    if not isinstance(input, Carried):
        raise TypeError(f"a tensor is needed, not a {type(input).__name__}")
    return input._array.dtype if dtype is None else dtype_of(dtype).numpy


def randn_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Standard normal numbers in the shape and dtype of ``input``."""
    kind = _floats("randn_like", _kind_like(input, dtype))
    where = input.device if device is None else device
    array = _drawn("random_normal", tuple(input._array.shape), kind, generator, module_at(where))
    return finished(array, requires_grad, where)


def rand_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Uniform numbers in [0, 1) in the shape and dtype of ``input``."""
    kind = _floats("rand_like", _kind_like(input, dtype))
    where = input.device if device is None else device
    array = _drawn("random_uniform", tuple(input._array.shape), kind, generator, module_at(where))
    return finished(array, requires_grad, where)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """Uniform integers from ``low`` (0 where only ``high`` is given) up to but without ``high``, int64 by default."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    kind = numpy.dtype(numpy.int64) if dtype is None else dtype_of(dtype).numpy
    array = _integers(int(number(low)), int(number(high)), sizes_of((size,)), kind, generator, module_at(device, out))
    return finished(array, requires_grad, device, out, pin_memory)


def _integers(low: int, high: int, shape: tuple[int, ...], kind: Any, generator: Generator | None, xp: Any = numpy) -> Any:
    if low >= high:
        raise ShapeError(f"randint: there is no integer from {low} up to, but without, {high}{at_line()}")
    if kind.kind in "iu" and not numpy.iinfo(kind).min <= low < high - 1 <= numpy.iinfo(kind).max and high - 1 != low:
        raise ShapeError(f"randint: {kind.name} does not hold all integers from {low} to {high - 1}{at_line()}")
    wide = kind if kind.kind == "i" else numpy.dtype(numpy.int64)
    drawn = OPS["random_uniform"].kernel(xp, shape=shape, low=low, high=high, dtype=wide, key=next_key(generator))
    return drawn.astype(kind)


def randint_like(
    input: Any,
    low: Any = 0,
    high: Any = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Uniform integers in the shape and dtype of ``input``: ``randint_like(x, high)`` or ``randint_like(x, low, high)``."""
    if high is None:
        low, high = 0, low
    where = input.device if device is None else device
    kind, shape = _kind_like(input, dtype), tuple(input._array.shape)
    array = _integers(int(number(low)), int(number(high)), shape, kind, None, module_at(where))
    return finished(array, requires_grad, where)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """The integers below ``n`` in random order."""
    (count,) = sizes_of((as_int(n),))
    kind = numpy.dtype(numpy.int64) if dtype is None else dtype_of(dtype).numpy
    array = OPS["permutation"].kernel(module_at(device, out), n=count, key=next_key(generator)).astype(kind)
    return finished(array, requires_grad, device, out, pin_memory)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, out: Any = None, **more: Any
) -> Any:
    """Normal numbers of the given means and standard deviations: tensors, or numbers with a ``size``.

    Raises RuntimeError for a negative standard deviation.
    """
    mean, std = (x.detach() if isinstance(x, Carried) else x for x in (mean, std))  # type: ignore[attr-defined]
    low = std._array.min() if isinstance(std, Carried) and std._array.size else 0 if isinstance(std, Carried) else std
    if low < 0:
        raise ShapeError(f"normal: a standard deviation is not negative, as {low} is{at_line()}")
    if size is not None:
        made = randn(size, generator=generator, **more) * std + mean
    else:
        shape = numpy.broadcast_shapes(*(x._array.shape for x in (mean, std) if isinstance(x, Carried)))
        kind = next(x._array.dtype for x in (mean, std) if isinstance(x, Carried))
        made = randn(shape, generator=generator, dtype=kind) * std + mean
    return made if out is None else out.resize_(*made.shape).copy_(made)


def bernoulli(input: Any, p: Any = None, *, generator: Generator | None = None, out: Any = None) -> Any:
    """Ones with the probabilities in ``input`` (or with ``p``, in the shape of ``input``), else zeros.

    Raises RuntimeError for what is no probability.
    """
    chances = input.detach() if p is None else input.new_full(input._array.shape, number(p))
    if chances._array.dtype.kind != "f":
        raise DtypeError(f"bernoulli takes probabilities, not {chances._array.dtype.name}{at_line()}")
    if not ((chances._array >= 0) & (chances._array <= 1)).all():
        raise ShapeError(f"bernoulli: a probability lies between 0 and 1{at_line()}")
    made = apply(OPS["bernoulli"], (chances,), {"key": next_key(generator)})
    return made if out is None else out.resize_(*made.shape).copy_(made)


def poisson(input: Any, generator: Generator | None = None) -> Any:
    """Counts of the rates in ``input``. Raises RuntimeError for a negative rate."""
    if input._array.dtype.kind != "f":
        raise DtypeError(f"poisson takes floating-point rates, not {input._array.dtype.name}{at_line()}")
    if (input._array < 0).any():
        raise ShapeError(f"poisson: a rate is not negative{at_line()}")
    return apply(OPS["random_poisson"], (input.detach(),), {"key": next_key(generator)})


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Any:
    """Categories drawn by the weights in each row of ``input``.

    Raises RuntimeError for weights that are negative, not finite or all zero, and for more samples than categories where
    none is drawn twice.
    """
    weights = input._array
    if weights.dtype.kind != "f":
        raise DtypeError(f"multinomial takes floating-point weights, not {weights.dtype.name}{at_line()}")
    if not 0 < weights.ndim < 3:
        raise ShapeError(f"multinomial takes a vector or a matrix of weights, not {weights.ndim} dimensions{at_line()}")
    if num_samples <= 0:
        raise ShapeError(f"multinomial: {num_samples} samples{at_line()}")
    if not replacement and num_samples > weights.shape[-1]:
        raise ShapeError(f"multinomial: {num_samples} samples of {weights.shape[-1]} categories, none twice{at_line()}")
    if not (xp_of((weights,)).isfinite(weights) & (weights >= 0)).all() or not (weights.sum(-1) > 0).all():
        raise ShapeError(f"multinomial: weights are finite, not negative, and not all zero{at_line()}")
    settings = {"num_samples": int(num_samples), "replacement": replacement, "key": next_key(generator)}
    made = apply(OPS["multinomial"], (input.detach(),), settings)
    return made if out is None else out.resize_(*made.shape).copy_(made)


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(randn, rand, randn_like, rand_like, randint, randint_like, randperm),
        *(normal, bernoulli, poisson, multinomial),
    )
}
"""Functions of the package."""
