"""Batch normalisation, under Theano's names."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.theano.variable import as_tensor_variable


def batch_normalization(inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem") -> Any:
    """``(inputs - mean) * gamma / std + beta``."""
    if mode == "low_mem":
        return (as_tensor_variable(inputs) - mean) * (as_tensor_variable(gamma) / std) + beta
    if mode == "high_mem":
        return (as_tensor_variable(inputs) - mean) * gamma / std + beta
    raise ValueError(f'mode must be either "low_mem", "high_mem"{at_line()}')


def batch_normalization_train(
    inputs: Any,
    gamma: Any,
    beta: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
    running_average_factor: float = 0.1,
    running_mean: Any = None,
    running_var: Any = None,
) -> tuple[Any, ...]:
    """The inputs normalised over ``axes``, their mean and the inverse of their standard deviation.

    ``axes`` is ``"per-activation"`` (the first), ``"spatial"`` (all but the second) or axes. With running averages these
    come too, as they are after this batch.
    """
    x = as_tensor_variable(inputs)
    over = _axes(axes, x.ndim)
    flat = as_tensor_variable(gamma).ndim < x.ndim
    gamma, beta = _fitted(gamma, x, over), _fitted(beta, x, over)
    mean, var = x.mean(over, keepdims=True), x.var(over, keepdims=True)
    invstd = 1.0 / ops.sqrt(var + epsilon)
    out: tuple[Any, ...] = ((x - mean) * (gamma * invstd) + beta, mean, invstd)
    if running_mean is not None:
        old = _fitted(running_mean, x, over)
        out += (old * (1.0 - running_average_factor) + mean * running_average_factor,)
    if running_var is not None:
        count = (x.size / mean.size).astype(x.dtype)
        old = _fitted(running_var, x, over)
        out += (old * (1.0 - running_average_factor) + (count / (count - 1.0)) * var * running_average_factor,)
    if flat:  # statistics have the dimensions of the parameters
        return out[0], *(each.sum(over) for each in out[1:])
    return out


def batch_normalization_test(
    inputs: Any, gamma: Any, beta: Any, mean: Any, var: Any, axes: Any = "per-activation", epsilon: float = 1e-4
) -> Any:
    """The inputs normalised by a given mean and variance."""
    x = as_tensor_variable(inputs)
    over = _axes(axes, x.ndim)
    gamma, beta, mean, var = (_fitted(each, x, over) for each in (gamma, beta, mean, var))
    return (x - mean) * (gamma / ops.sqrt(var + epsilon)) + beta


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes == "per-activation":
        return (0,)
    if axes == "spatial":
        return (0, *range(2, ndim))
    return tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)


def _fitted(x: Any, inputs: Any, over: tuple[int, ...]) -> Any:
    """A parameter with an axis of size 1 for each that is normalised over."""
    x = as_tensor_variable(x)
    if x.ndim == inputs.ndim:
        return x
    rest = iter(range(x.ndim))
    return x.dimshuffle(*("x" if i in over else next(rest) for i in range(inputs.ndim)))
