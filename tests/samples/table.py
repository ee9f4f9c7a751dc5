"""The table behind the laws: for every op in the registry, arguments to try and an independent reference.

samples("multiply", numpy.multiply, case(normal(3, 4), normal(3, 4)), case(normal(3, 1), normal(4)))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy


@dataclass(frozen=True)
class Case:
    """One call: positional arrays (float64 where they are to be differentiated) and attributes."""

    args: tuple[Any, ...]
    params: dict[str, Any]

    def __str__(self) -> str:
        shapes = ",".join(str(getattr(a, "shape", a)).replace(" ", "") for a in self.args)
        return shapes + "".join(f" {k}={v}" for k, v in self.params.items())


@dataclass(frozen=True)
class Samples:
    """What the laws know of one op.

    Attributes:
        reference: the same result computed another way, from numpy arrays and attributes; None only for random ops, whose
            law is their distribution.
        cases: the calls to try.
        kinds: the dtype kinds that the op takes (numpy's letters: b, i, f); the laws try float32 for f and int64 for i too.
        second: whether second-order gradients exist (they are then checked).
        tolerance: relative tolerance of finite differences, where the default is too tight for the function's curvature.
        refuses: calls whose shapes or dtypes do not fit. That operands of an element-wise op must broadcast, and that dtype
            kinds outside ``kinds`` are refused, is tried without being listed.
    """

    reference: Callable[..., Any] | None
    cases: tuple[Case, ...]
    kinds: str = "f"
    second: bool = True
    tolerance: float = 1e-6
    refuses: tuple[Case, ...] = ()


SAMPLES: dict[str, Samples] = {}
"""Every op's samples by its name."""


def case(*args: Any, **params: Any) -> Case:
    """One call of an op."""
    return Case(args, params)


def samples(name: str, reference: Callable[..., Any] | None, *cases: Case, **settings: Any) -> None:
    """Enter an op's samples; ``settings`` as in ``Samples``."""
    if name in SAMPLES:
        raise ValueError(f"{name} has samples already")
    SAMPLES[name] = Samples(reference, cases, **settings)


def normal(*shape: int, seed: int = 0) -> numpy.ndarray:
    """Standard normal float64 numbers, the same for the same shape and seed."""
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape)


def uniform(low: float, high: float, *shape: int, seed: int = 0) -> numpy.ndarray:
    """Uniform float64 numbers in [low, high)."""
    return numpy.random.default_rng([seed, *shape]).uniform(low, high, shape)


def integers(low: int, high: int, *shape: int, seed: int = 0) -> numpy.ndarray:
    """int64 numbers in [low, high)."""
    return numpy.random.default_rng([seed, *shape]).integers(low, high, shape)
