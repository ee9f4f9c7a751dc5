"""Random tensors: each run draws anew, and the same seed draws the same numbers in every session."""

from __future__ import annotations

from typing import Any

import numpy

from graphs import ops
from graphs.core.op import Op
from static.array import broadcast_to, concat, fill, shape, sizes, slice_, vector
from static.calls import cast
from static.dtypes import as_dtype
from static.graph import get_default_graph, set_random_seed
from static.indexing import gather
from static.tensor import apply, constant, constant_value, convert_to_tensor


_WORD = (1 << 64) - 1
_UNSEEDED = 87654321
"""What TensorFlow takes for the graph's seed where only the operation has one."""


def _key(seed: int | None) -> dict[str, Any]:
    """The attribute that ties an operation to its own seed; the session puts the step in the second place."""
    if seed is None:
        return {}
    own = get_default_graph().seed
    mixed = ((_UNSEEDED if own is None else own) * 0x9E3779B97F4A7C15 + int(seed)) & _WORD
    return {"key": (mixed, 0, 0)}


def drawn(op: Op, like: Op | None, shape: Any, dtype: Any, seed: int | None, name: str, **settings: Any) -> Any:
    """The node of ``op`` for a shape known while building, of its twin ``like`` for one that only the run knows."""
    dtype = as_dtype(dtype)
    known = sizes(shape)
    if known is not None:
        return apply(op, name=name, shape=known, dtype=dtype.name, **settings, **_key(seed))
    if like is None:
        raise ValueError(f"{name}: the shape has to be known while the graph is being built")
    return apply(like, fill(shape, constant(0, dtype)), name=name, **settings, **_key(seed))


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: int | None = None, name: str | None = None
) -> Any:
    """Normal numbers."""
    given = _numbers(mean=mean, stddev=stddev)
    if given is not None:
        return drawn(ops.random_normal, ops.random_normal_like, shape, dtype, seed, name or "random_normal", **given)
    standard = random_normal(shape, dtype=dtype, seed=seed)
    return apply(ops.add, standard * stddev, mean, name=name, node="random_normal")


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: int | None = None, name: str | None = None
) -> Any:
    """Uniform numbers from ``minval`` up to but without ``maxval`` (1 for floats, which must be given for integers)."""
    if maxval is None:
        if as_dtype(dtype).is_integer:
            raise ValueError("Must specify maxval for integer dtype " + as_dtype(dtype).name)
        maxval = 1.0
    given = _numbers(low=minval, high=maxval)
    if given is not None:
        return drawn(ops.random_uniform, ops.random_uniform_like, shape, dtype, seed, name or "random_uniform", **given)
    standard = random_uniform(shape, dtype=dtype, seed=seed)
    return apply(ops.add, standard * (maxval - minval), minval, name=name, node="random_uniform")


def truncated_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Normal numbers, those beyond two standard deviations drawn again."""
    given = _numbers(mean=mean, stddev=stddev)
    if given is not None:
        return drawn(ops.truncated_normal, None, shape, dtype, seed, name or "truncated_normal", **given)
    standard = truncated_normal(shape, dtype=dtype, seed=seed)
    return apply(ops.add, standard * stddev, mean, name=name, node="truncated_normal")


def _numbers(**settings: Any) -> dict[str, Any] | None:
    """The settings as Python numbers, None where one is a tensor that only the run knows."""
    values = {name: constant_value(x) for name, x in settings.items()}
    if any(value is None for value in values.values()):
        return None
    return {name: value.item() for name, value in values.items()}  # type: ignore[union-attr]


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Any:
    """``value`` with its slices along the first axis in random order."""
    x = convert_to_tensor(value)
    count = None if x.dims is None else x.dims[0]
    if count is None:
        keys = apply(ops.random_uniform_like, fill(shape(x)[0:1], constant(0.0)), **_key(seed))
        return gather(x, ops.argsort(keys), name=name)
    order = apply(ops.permutation, n=count, node="RandomShuffle", **_key(seed))
    return gather(x, order, name=name)


def multinomial(
    logits: Any, num_samples: int, seed: int | None = None, name: str | None = None, output_dtype: Any = "int64"
) -> Any:
    """``num_samples`` class indices for each row of unnormalised log-probabilities."""
    settings = {"num_samples": int(num_samples), "logits": True, **_key(seed)}
    out = apply(ops.multinomial, convert_to_tensor(logits), name=name, node="Multinomial", **settings)
    return out if as_dtype(output_dtype) == out.dtype else apply(ops.cast, out, dtype=as_dtype(output_dtype).name)


def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = "float32", seed: int | None = None, name: str | None = None
) -> Any:
    """Gamma numbers of shape ``alpha`` and rate ``beta`` (1): ``shape`` of them for each of the parameters.

    The gradient flows into ``beta``, not into ``alpha``.
    """
    a = convert_to_tensor(alpha, dtype)
    b = ops.ones_like(a) if beta is None else convert_to_tensor(beta, dtype)
    like = _repeated(a + ops.zeros_like(b), shape)
    drawn = apply(ops.random_gamma, like, node="RandomGamma", **_key(seed))
    least = float(numpy.finfo(as_dtype(dtype).dtype).tiny)
    return apply(ops.maximum, drawn / b, least, name=name, node="random_gamma")


def random_poisson(lam: Any, shape: Any, dtype: Any = "float32", seed: int | None = None, name: str | None = None) -> Any:
    """Poisson counts of mean ``lam``: ``shape`` of them for each of the means."""
    rate = convert_to_tensor(lam)
    rate = rate if rate.dtype.is_floating else cast(rate, "float32")
    drawn = apply(ops.random_poisson, _repeated(rate, shape), name=name, node="random_poisson", **_key(seed))
    return cast(drawn, dtype)


def _repeated(x: Any, shape_before: Any) -> Any:
    """``x`` as often as the shape says, which comes before its own dimensions."""
    known = sizes(shape_before)
    if known is not None and x.shape.is_fully_defined():
        return broadcast_to(x, [*known, *x.shape.as_list()])
    return broadcast_to(x, concat([vector(shape_before), shape(x)], 0))


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Any:
    """A part of ``value`` of ``size``, at a place drawn uniformly."""
    x = convert_to_tensor(value)
    lengths = cast(vector(size), "int32")
    room = shape(x) - lengths + 1
    draws = random_uniform([len(x.shape)], 0.0, 1.0, dtype="float64", seed=seed)
    begin = cast(ops.floor(draws * cast(room, "float64")), "int32")
    return slice_(x, begin, size, name or "random_crop")


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The graph's seed and that of an operation, as TensorFlow combines them; both None where nobody set one."""
    own = get_default_graph().seed
    if own is None:
        return (None, None) if op_seed is None else (_UNSEEDED, op_seed)
    return own, len(get_default_graph().get_operations()) if op_seed is None else op_seed


gamma = random_gamma
poisson = random_poisson
categorical = multinomial
normal = random_normal
uniform = random_uniform
shuffle = random_shuffle

__all__ = [
    "categorical",
    "gamma",
    "get_seed",
    "multinomial",
    "normal",
    "poisson",
    "random_crop",
    "random_gamma",
    "random_normal",
    "random_poisson",
    "random_shuffle",
    "random_uniform",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
