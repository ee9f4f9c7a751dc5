"""Methods that fill a tensor with random numbers, in place. Each draw takes the next key of a generator's stream."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import Carried, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import current
from dynamic.random import Generator, next_key
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS


def _needs_floats(name: str, input: Any) -> None:
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{name} fills floating-point tensors, not {type_name(input._array.dtype)}{at_line()}")


def _uniform(input: Any, generator: Generator | None, low: float = 0.0, high: float = 1.0) -> Any:
    params = {"shape": input._array.shape, "dtype": input._array.dtype, "low": low, "high": high}
    return _draws(input, "random_uniform", params, generator)


def _normal(input: Any, generator: Generator | None, mean: float, std: float) -> Any:
    params = {"shape": input._array.shape, "dtype": input._array.dtype, "mean": mean, "stddev": std}
    return _draws(input, "random_normal", params, generator)


def _draws(input: Any, name: str, params: dict[str, Any], generator: Generator | None) -> Any:
    """Numbers where ``input`` is."""
    with current(input._array):
        return OPS[name].kernel(xp_of((input._array,)), **params, key=next_key(generator))


def _xp(input: Any) -> Any:
    return xp_of((input._array,))


def _fill(input: Any, array: Any) -> Any:
    return input._become(wrap(array.astype(input._array.dtype, copy=False)))


def _bounds(name: str, given: tuple[Any, ...], named: dict[str, Any], low: Any, high: Any) -> tuple[Any, Any]:
    """``f(low, high)``, which may be named ``from`` and ``to``."""
    if len(given) > 2 or named.keys() - {"from", "to"}:
        raise TypeError(f"{name} takes from, to and generator")
    values = [*given, *(low, high)[len(given) :]]
    return named.get("from", values[0]), named.get("to", values[1])


def uniform_(self: Any, *bounds: float, generator: Generator | None = None, **named: float) -> Any:
    """Fill with uniform numbers in [from, to), by default in [0, 1)."""
    _needs_floats("uniform_", self)
    low, high = _bounds("uniform_", bounds, named, 0.0, 1.0)
    if low > high:
        raise ShapeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}{at_line()}")
    return _fill(self, _uniform(self, generator, float(low), float(high)))


def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Fill with normal numbers."""
    _needs_floats("normal_", self)
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}{at_line()}")
    return _fill(self, _normal(self, generator, float(mean), float(std)))


def log_normal_(self: Any, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Any:
    """Fill with numbers whose logarithms are normal."""
    _needs_floats("log_normal_", self)
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}{at_line()}")
    return _fill(self, _xp(self).exp(_normal(self, generator, float(mean), float(std))))


def bernoulli_(self: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
    """Fill with ones with probability ``p`` (a number, or a tensor of them), else zeros."""
    odds = p._array if isinstance(p, Carried) else numpy.asarray(p)
    if not ((odds >= 0) & (odds <= 1)).all():
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}{at_line()}")
    draws = _draws(self, "random_uniform", {"shape": self._array.shape, "dtype": "float64"}, generator)
    return _fill(self, draws < (odds if isinstance(p, Carried) else odds.item()))


def exponential_(self: Any, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Fill with exponentially distributed numbers of the rate ``lambd``."""
    _needs_floats("exponential_", self)
    if lambd <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}{at_line()}")
    return _fill(self, -_xp(self).log1p(-_uniform(self, generator)) / lambd)


def geometric_(self: Any, p: float, *, generator: Generator | None = None) -> Any:
    """Fill with the number of tries up to the first success, which has the probability ``p``."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}{at_line()}")
    draws = _draws(self, "random_uniform", {"shape": self._array.shape, "dtype": "float64"}, generator)
    return _fill(self, _xp(self).floor(_xp(self).log1p(-draws) / math.log1p(-p)) + 1)


def cauchy_(self: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Fill with numbers of Cauchy's distribution."""
    _needs_floats("cauchy_", self)
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}{at_line()}")
    return _fill(self, median + sigma * _xp(self).tan(math.pi * (_uniform(self, generator) - 0.5)))


def random_(self: Any, *bounds: int, generator: Generator | None = None, **named: int) -> Any:
    """Fill with whole numbers in [from, to); by default from 0 up to what the dtype holds exactly."""
    kind = self._array.dtype
    if kind.kind == "f":
        limit = 2 ** (numpy.finfo(kind).nmant + 1) + 1
    else:
        limit = 2 if kind.kind == "b" else int(numpy.iinfo(kind).max)
    if len(bounds) == 1 and not named:
        bounds = (0, bounds[0])
    low, high = _bounds("random_", bounds, named, 0, limit)
    if low >= high:
        raise ShapeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}{at_line()}")
    params = {"shape": self._array.shape, "dtype": numpy.dtype(numpy.int64), "low": int(low), "high": int(high)}
    return _fill(self, _draws(self, "random_uniform", params, generator))


METHODS = {
    function.__name__: function
    for function in (uniform_, normal_, log_normal_, bernoulli_, exponential_, geometric_, cauchy_, random_)
}
"""Methods that fill a tensor."""
