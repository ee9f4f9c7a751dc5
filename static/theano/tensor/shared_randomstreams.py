"""``theano.tensor.shared_randomstreams``: random variables that each call of a function draws anew.

The numbers are not Theano's: they come from the session's counter-based stream, keyed by the seeds given here, so that the
same seeds give the same numbers in each new process.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import at_line
from static.random import multinomial as classes, random_normal, random_uniform
from static.theano.settings import config
from static.theano.tensor.shaping import arange, shape_padright
from static.theano.variable import as_tensor_variable, sizes_of, wrapped


class RandomStreams:
    """Random variables, each with a seed of its own drawn from ``seed``."""

    def __init__(self, seed: Any = None) -> None:
        self.seed(seed)

    def seed(self, seed: Any = None) -> None:
        """Start the seeds of variables made from now on anew."""
        self._seeds = numpy.random.RandomState(seed)

    def updates(self) -> list[Any]:
        """Nothing: no state has to be updated for the next call to draw other numbers."""
        return []

    def _next(self) -> int:
        return int(self._seeds.randint(2**30))

    def uniform(
        self, size: Any = (), low: Any = 0.0, high: Any = 1.0, ndim: int | None = None, dtype: Any = None, **_: Any
    ) -> Any:
        """Uniform numbers from ``low`` up to ``high``."""
        draws = wrapped(random_uniform(_sizes(size, low, high), dtype=dtype or config.floatX, seed=self._next()))
        return draws * (_cast(high, draws) - _cast(low, draws)) + _cast(low, draws)

    def normal(
        self, size: Any = (), avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: Any = None, **_: Any
    ) -> Any:
        """Normal numbers with mean ``avg`` and standard deviation ``std``."""
        draws = wrapped(random_normal(_sizes(size, avg, std), dtype=dtype or config.floatX, seed=self._next()))
        return draws * _cast(std, draws) + _cast(avg, draws)

    def binomial(
        self,
        size: Any = (),
        n: int = 1,
        p: Any = 0.5,
        ndim: int | None = None,
        dtype: Any = "int64",
        prob: Any = None,
        **_: Any,
    ) -> Any:
        """How many of ``n`` trials succeed, each with probability ``p``."""
        p = as_tensor_variable(p if prob is None else prob)
        shape = _sizes(size, p)
        each = wrapped(random_uniform(shape, dtype=config.floatX, seed=self._next())) < p
        if n == 1:
            return each.astype(dtype)
        more = [wrapped(random_uniform(shape, dtype=config.floatX, seed=self._next())) < p for _ in range(n - 1)]
        return ops.stack(each, *more).sum(0).astype(dtype)

    def random_integers(
        self, size: Any = (), low: int = 0, high: int = 1, ndim: int | None = None, dtype: Any = "int64", **_: Any
    ) -> Any:
        """Whole numbers from ``low`` to ``high``, both among them."""
        draws = wrapped(random_uniform(_sizes(size), dtype="float64", seed=self._next()))
        return (ops.floor(draws * (as_tensor_variable(high) - low + 1)) + low).astype(dtype)

    def permutation(self, size: Any = (), n: Any = 1, ndim: int | None = None, dtype: Any = "int64", **_: Any) -> Any:
        """For each place of ``size`` the numbers from 0 to ``n - 1`` in random order."""
        shape = [*_listed(size), *sizes_of([n])]
        return wrapped(random_uniform(shape, dtype="float64", seed=self._next())).argsort().astype(dtype)

    def multinomial(
        self, size: Any = None, n: int = 1, pvals: Any = (0.5, 0.5), ndim: int | None = None, dtype: Any = "int64", **_: Any
    ) -> Any:
        """For each row of probabilities ``pvals`` how often each class comes out of ``n`` draws."""
        p = as_tensor_variable(pvals)
        rows = p if p.ndim > 1 else p.dimshuffle("x", 0)
        if _listed(size) and p.ndim == 1:
            raise NotImplementedError(f"multinomial draws one example for each row of pvals, without a size{at_line()}")
        drawn = wrapped(classes(ops.log(rows).tensor, n, seed=self._next()))
        counts = ops.equal(shape_padright(drawn), arange(rows.shape[rows.ndim - 1])).sum(drawn.ndim - 1).astype(dtype)
        return counts if p.ndim > 1 else counts[0]

    def choice(
        self,
        size: Any = (),
        a: Any = 2,
        replace: bool = True,
        p: Any = None,
        ndim: int | None = None,
        dtype: Any = "int64",
        **_: Any,
    ) -> Any:
        """Draws with replacement, all alike, from the numbers below ``a``."""
        if not replace or p is not None:
            raise NotImplementedError(f"choice draws with replacement, all numbers alike{at_line()}")
        return self.random_integers(size, 0, as_tensor_variable(a) - 1, dtype=dtype)

    def shuffle_row_elements(self, input: Any) -> Any:
        """Each row of a matrix (or a vector) in a random order of its own."""
        x = as_tensor_variable(input)
        keys = wrapped(random_uniform(sizes_of(x.shape), dtype="float64", seed=self._next()))
        return ops.take_along_axis(x, keys.argsort(), axis=x.ndim - 1)


def _listed(size: Any) -> list[Any]:
    if size is None:
        return []
    found = sizes_of(size)
    return found if isinstance(found, list) else [found]


def _sizes(size: Any, *params: Any) -> Any:
    """The shape of draws: ``size``, or where none is given that of the parameters broadcast together."""
    shaped = [x for x in map(as_tensor_variable, params) if x.ndim]
    if (size is None or (isinstance(size, (list, tuple)) and not size)) and shaped:
        whole = shaped[0]
        for x in shaped[1:]:
            whole = whole + ops.zeros_like(x)
        return sizes_of(whole.shape)
    return [] if size is None else sizes_of(size)


def _cast(x: Any, draws: Any) -> Any:
    return x if isinstance(x, (int, float)) else as_tensor_variable(x).astype(draws.dtype)
