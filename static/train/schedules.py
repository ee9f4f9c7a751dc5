"""Learning rates that fall with the number of the step: tensors, computed anew in each run.

``global_step`` is the number of the step, a variable or tensor; the result has the dtype of ``learning_rate``. Each function
names its node after itself, or ``name``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.calls import cast
from static.random import random_normal
from static.tensor import Tensor, apply, constant_value, convert_to_tensor
from static.variables import Variable


def _like(x: Any, dtype: Any) -> Any:
    """``x`` in ``dtype``; a number stays one."""
    return cast(x, dtype) if isinstance(x, (Tensor, Variable)) else float(x)


def _scheduled(name: str, learning_rate: Any, factor: Callable[[Any], Any]) -> Any:
    """``learning_rate`` times ``factor(dtype)``, in a scope called ``name``."""
    rate = convert_to_tensor(learning_rate)
    with rate.graph.as_default(), rate.graph.name_scope(name) as scope:
        return apply(ops.multiply, rate, factor(rate.dtype), name=scope)


def _part(global_step: Any, decay_steps: Any, dtype: Any, staircase: bool = False) -> Any:
    part = cast(global_step, dtype) / _like(decay_steps, dtype)
    return ops.floor(part) if staircase else part


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """``learning_rate * decay_rate ** (global_step / decay_steps)``; with ``staircase`` the exponent is rounded down."""

    def factor(dtype: Any) -> Any:
        return _like(decay_rate, dtype) ** _part(global_step, decay_steps, dtype, staircase)

    return _scheduled(name or "ExponentialDecay", learning_rate, factor)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """``learning_rate * exp(-decay_rate * global_step / decay_steps)``; with ``staircase`` the quotient is rounded down."""

    def factor(dtype: Any) -> Any:
        return ops.exp(_part(global_step, decay_steps, dtype, staircase) * -_like(decay_rate, dtype))

    return _scheduled(name or "ExponentialDecay", learning_rate, factor)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """``learning_rate / (1 + decay_rate * global_step / decay_steps)``; with ``staircase`` the quotient is rounded down."""
    rate = convert_to_tensor(learning_rate)
    with rate.graph.as_default(), rate.graph.name_scope(name or "InverseTimeDecay") as scope:
        part = _part(global_step, decay_steps, rate.dtype, staircase)
        return apply(ops.divide, rate, part * _like(decay_rate, rate.dtype) + 1.0, name=scope)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """``values[0]`` up to and at ``x == boundaries[0]``, ``values[1]`` up to ``boundaries[1]``, and so on.

    Raises ValueError unless there is one more of ``values``, all are of one dtype, and boundaries are of that of ``x``.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError(f"{len(boundaries)} boundaries for {len(values)} values: there should be 1 less{at_line()}")
    step = convert_to_tensor(x)
    chosen = [convert_to_tensor(value) for value in values]
    for value in chosen[1:]:
        if value.dtype != chosen[0].dtype:
            raise ValueError(
                "Values must have elements all with the same dtype "
                f"({chosen[0].dtype.name} vs {value.dtype.name}).{at_line()}"
            )
    ends = [convert_to_tensor(boundary) for boundary in boundaries]
    for end in ends:
        if end.dtype != step.dtype and (end.dtype.name, step.dtype.name) != ("int32", "int64"):
            raise ValueError(f"Boundaries ({end.dtype.name}) must have the same dtype as x ({step.dtype.name}).{at_line()}")
    with step.graph.as_default(), step.graph.name_scope(name or "PiecewiseConstant"):
        found = chosen[-1]
        for end, value in reversed(list(zip(ends, chosen, strict=False))):
            found = ops.where(ops.less_equal(step, cast(end, step.dtype)), value, found)
        return found


piecewise_constant_decay = piecewise_constant


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """From ``learning_rate`` to ``end_learning_rate``, as ``(1 - global_step / decay_steps) ** power``.

    After ``decay_steps`` it stays there, or with ``cycle`` begins anew with as many times the ``decay_steps`` as it takes.
    """
    rate = convert_to_tensor(learning_rate)
    dtype = rate.dtype
    with rate.graph.as_default(), rate.graph.name_scope(name or "PolynomialDecay") as scope:
        step, steps, end = cast(global_step, dtype), _like(decay_steps, dtype), _like(end_learning_rate, dtype)
        if cycle:
            steps = ops.where(ops.equal(step, 0.0), 1.0, ops.ceil(step / steps)) * steps
        else:
            step = ops.minimum(step, steps)
        fallen = (rate - end) * (1.0 - step / steps) ** _like(power, dtype)
        return apply(ops.add, fallen, end, name=scope)


def _cosine(part: Any) -> Any:
    return (ops.cos(part * math.pi) + 1.0) * 0.5


def _stopped(global_step: Any, decay_steps: Any, dtype: Any) -> Any:
    """The share of ``decay_steps`` that is over, at most 1."""
    steps = _like(decay_steps, dtype)
    return ops.minimum(cast(global_step, dtype), steps) / steps


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: str | None = None) -> Any:
    """Half a cosine from ``learning_rate`` to ``alpha`` times that (Loshchilov and Hutter 2016)."""

    def factor(dtype: Any) -> Any:
        least = _like(alpha, dtype)
        return _cosine(_stopped(global_step, decay_steps, dtype)) * (1.0 - least) + least

    return _scheduled(name or "CosineDecay", learning_rate, factor)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: Any = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Any:
    """Half a cosine over and over, each ``t_mul`` times as long and beginning ``m_mul`` times as high as the last."""

    def factor(dtype: Any) -> Any:
        part = cast(global_step, dtype) / _like(first_decay_steps, dtype)
        longer, higher, least = (_like(x, dtype) for x in (t_mul, m_mul, alpha))
        evenly, grown = _even(part), _geometric(part, longer)
        known = constant_value(longer) if isinstance(longer, Tensor) else longer
        if known is None:
            even = ops.equal(longer, 1.0)
            restarts, part = (ops.where(even, x, y) for x, y in zip(evenly, grown, strict=True))
        else:
            restarts, part = evenly if known == 1.0 else grown
        return _cosine(part) * higher**restarts * (1.0 - least) + least

    return _scheduled(name or "SGDRDecay", learning_rate, factor)


def _even(part: Any) -> tuple[Any, Any]:
    """How many periods of one length are over, and how much of the present one is."""
    restarts = ops.floor(part)
    return restarts, part - restarts


def _geometric(part: Any, longer: Any) -> tuple[Any, Any]:
    """The same where each period is ``longer`` times the one before."""
    if isinstance(longer, float) and longer == 1.0:
        return part, part
    restarts = ops.floor(ops.log(1.0 - part * (1.0 - longer)) / ops.log(longer))
    length = longer**restarts
    return restarts, (part - (1.0 - length) / (1.0 - longer)) / length


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Any:
    """A straight line to zero, plus ``alpha``, times ``num_periods`` of a cosine, plus ``beta`` (Bello et al. 2017)."""

    def factor(dtype: Any) -> Any:
        part = _stopped(global_step, decay_steps, dtype)
        return _wave(1.0 - part, part, num_periods, alpha, beta, dtype)

    return _scheduled(name or "LinearCosineDecay", learning_rate, factor)


def _wave(line: Any, part: Any, num_periods: Any, alpha: Any, beta: Any, dtype: Any) -> Any:
    cosine = _cosine(part * (_like(num_periods, dtype) * 2.0))
    return (line + _like(alpha, dtype)) * cosine + _like(beta, dtype)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Any:
    """``linear_cosine_decay`` with noise on the line, of variance ``initial_variance / (1 + step) ** variance_decay``."""

    def factor(dtype: Any) -> Any:
        steps = _like(decay_steps, dtype)
        step = ops.minimum(cast(global_step, dtype), steps)
        variance = _like(initial_variance, dtype) / (step + 1.0) ** _like(variance_decay, dtype)
        line = 1.0 - step / steps + random_normal([], dtype=dtype) * ops.sqrt(variance)
        return _wave(line, step / steps, num_periods, alpha, beta, dtype)

    return _scheduled(name or "NoisyLinearCosineDecay", learning_rate, factor)
