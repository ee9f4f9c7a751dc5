"""The functions of ``torch.special`` that are not functions of the package under another name."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy

from dynamic.apply import Carried, apply, default_dtype, unary, wrap
from dynamic.functions.calling import on_host, public
from graphs.core.op import OPS


def of_one(name: str) -> Callable[..., Any]:
    """An op of one tensor as a function, under the op's name."""
    op = OPS[name]

    def function(input: Any) -> Any:
        return unary(op, input)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return public(function)


def of_two(name: str) -> Callable[..., Any]:
    """An op of two tensors or numbers as a function, under the op's name."""
    op = OPS[name]

    def function(input: Any, other: Any) -> Any:
        if not isinstance(input, Carried) and not isinstance(other, Carried):
            raise TypeError(f"{name} takes a tensor among its arguments")
        return apply(op, (input, other))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return public(function)


@public
def ndtr(input: Any) -> Any:
    """The normal distribution function."""
    return unary(OPS["erfc"], input * -math.sqrt(0.5)) * 0.5


# Orthogonal polynomials by their recurrences, at numbers; the degree may be a tensor. No gradient flows through them.


def _polynomial(name: str, doc: str, recur: Callable[[Any, int], Any]) -> Callable[..., Any]:
    def function(input: Any, n: Any) -> Any:
        x, degrees = (each._array if isinstance(each, Carried) else each for each in (input, n))
        kinds = [each.dtype for each in (x, degrees) if isinstance(each, numpy.ndarray)]
        kind = next((k for k in kinds if k.kind == "f"), default_dtype.get())
        x, degrees = numpy.broadcast_arrays(numpy.asarray(x, kind), numpy.asarray(degrees))
        out = numpy.zeros(x.shape, kind)
        whole = degrees.astype(numpy.int64)
        with numpy.errstate(all="ignore"):
            for degree in numpy.unique(whole):
                at = whole == degree
                out[at] = recur(x[at], int(degree)) if degree >= 0 else 0
        return wrap(out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} of degree ``n``, 0 for a negative one. No gradient flows through it."
    return public(on_host(function))


def _three_terms(first: Callable[[Any], Any], step: Callable[[int, Any, Any, Any], Any]) -> Callable[[Any, int], Any]:
    """The recurrence ``p[k + 1] = step(k, x, p[k], p[k - 1])`` from 1 and ``first(x)``."""

    def recur(x: Any, degree: int) -> Any:
        before, now = numpy.ones_like(x), first(x)
        if degree == 0:
            return before
        for k in range(1, degree):
            before, now = now, step(k, x, now, before)
        return now

    return recur


def _chebyshev(k: int, x: Any, now: Any, before: Any) -> Any:
    return 2 * x * now - before


def _shifted(recur: Callable[[Any, int], Any], x: Any, degree: int) -> Any:
    return recur(2 * x - 1, degree)


_CHEBYSHEV = {
    "t": ("first", lambda x: x),
    "u": ("second", lambda x: 2 * x),
    "v": ("third", lambda x: 2 * x - 1),
    "w": ("fourth", lambda x: 2 * x + 1),
}
POLYNOMIALS = {}
for _letter, (_kind, _first) in _CHEBYSHEV.items():
    _recur = _three_terms(_first, _chebyshev)
    _name = f"chebyshev_polynomial_{_letter}"
    POLYNOMIALS[_name] = _polynomial(_name, f"Chebyshev's polynomial of the {_kind} kind", _recur)
    POLYNOMIALS[f"shifted_{_name}"] = _polynomial(
        f"shifted_{_name}",
        f"Chebyshev's polynomial of the {_kind} kind at ``2 x - 1``",
        partial(_shifted, _recur),
    )
for _name, _doc, _recur in (
    (
        "hermite_polynomial_h",
        "The physicists' Hermite polynomial",
        _three_terms(lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    ),
    (
        "hermite_polynomial_he",
        "The probabilists' Hermite polynomial",
        _three_terms(lambda x: x, lambda k, x, p, q: x * p - k * q),
    ),
    (
        "laguerre_polynomial_l",
        "Laguerre's polynomial",
        _three_terms(lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
    ),
    (
        "legendre_polynomial_p",
        "Legendre's polynomial",
        _three_terms(lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
    ),
):
    POLYNOMIALS[_name] = _polynomial(_name, _doc, _recur)
