"""Helpers of the distributions: parameters of one shape, probabilities and their logarithms, what is computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

import dynamic
from dynamic.apply import Carried
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line


euler_constant = 0.57721566490153286060


def limits(x: Any) -> Any:
    """numpy's ``finfo`` of a tensor's dtype."""
    return numpy.finfo(x._array.dtype)


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors and numbers as tensors of one shape. Raises ValueError for anything else."""
    if not all(isinstance(value, (Carried, int, float)) for value in values):
        raise ValueError(f"parameters are numbers or tensors, not {', '.join(type(value).__name__ for value in values)}")
    given: Any = [value for value in values if isinstance(value, Carried)]
    kind = given[0].dtype if given else dynamic.get_default_dtype()
    tensors: Any = [value if isinstance(value, Carried) else dynamic.as_tensor(value, dtype=kind) for value in values]
    try:
        shape = numpy.broadcast_shapes(*(tensor._array.shape for tensor in tensors))
    except ValueError as error:
        raise ShapeError(f"parameters: {error}{at_line()}") from None
    return tuple(tensor if tensor._array.shape == shape else tensor.expand(shape) for tensor in tensors)


def clamp_probs(probs: Any) -> Any:
    """Probabilities, none of them 0 or 1: so near as the dtype's precision allows."""
    eps = float(limits(probs).eps)
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities of log-odds, where ``is_binary``, or of logarithms along the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log-odds of probabilities, where ``is_binary``, or their logarithms."""
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


def normal_draws(shape: Any, like: Any) -> Any:
    """Standard normal numbers of the dtype of ``like``."""
    return dynamic.randn(tuple(shape), dtype=like.dtype)


def uniform_draws(shape: Any, like: Any) -> Any:
    """Uniform numbers between, but not at, 0 and 1, of the dtype of ``like``."""
    edge = limits(like)
    return dynamic.rand(tuple(shape), dtype=like.dtype).clamp(min=float(edge.tiny), max=1 - float(edge.eps))


class lazy_property:  # noqa: N801 (PyTorch's name)
    """A method whose result becomes the attribute of its name when it is first asked for."""

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: Any, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with dynamic.enable_grad():
            value = self.method(instance)
        setattr(instance, self.name, value)
        return value


__getattr__ = lacking(__name__)
