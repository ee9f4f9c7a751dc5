"""Initial values for parameters, written in place: PyTorch's ``torch.nn.init``.

Every function gives back the tensor it was given, draws from the default stream unless it is given a ``generator``, and is
never recorded. The names without an underscore are those of PyTorch until 0.4.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.random import next_key
from graphs import initial
from graphs.core.errors import ShapeError, at_line


_FLAT = ("linear", "sigmoid", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)))
_GAINS = {**dict.fromkeys(_FLAT, 1), "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By how much weights before ``nonlinearity`` should be larger; ``param`` is the slope of ``leaky_relu``.

    Raises ValueError for a function that is not among PyTorch's, and for a slope that is no number.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"the slope of leaky_relu is a number, not {slope!r}")
        return math.sqrt(2.0 / (1.0 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"there is no gain for {nonlinearity!r}; there is one for {', '.join((*_GAINS, 'leaky_relu'))}")
    return _GAINS[nonlinearity]


def _written(tensor: Any, values: Any) -> Any:
    with no_grad():
        tensor.copy_(wrap(numpy.asarray(values)))
    return tensor


def _filled(tensor: Any, value: float) -> Any:
    with no_grad():
        return tensor.fill_(value)


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Uniform numbers in [a, b). Raises RuntimeError where ``a`` is above ``b``."""
    if a > b:
        raise ShapeError(f"uniform_ draws from [a, b), and {a} is above {b}{at_line()}")
    array = tensor._array
    return _written(tensor, initial.uniform(array.shape, array.dtype, key=next_key(generator), low=a, high=b))


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Normal numbers. Raises RuntimeError where ``std`` is negative."""
    if std < 0:
        raise ShapeError(f"a standard deviation is not negative: {std}{at_line()}")
    array = tensor._array
    return _written(tensor, initial.normal(array.shape, array.dtype, key=next_key(generator), mean=mean, stddev=std))


def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Any:
    """Normal numbers, of those in [a, b] (bounds that are not multiples of ``std``)."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(f"trunc_normal_: the mean {mean} is far outside of [{a}, {b}]", stacklevel=2)
    array = tensor._array
    low, high = (a - mean) / std, (b - mean) / std
    values = initial.normal_between(array.shape, numpy.float64, key=next_key(generator), low=low, high=high)
    return _written(tensor, numpy.clip(values * std + mean, a, b))


def constant_(tensor: Any, val: float) -> Any:
    """``val`` everywhere."""
    return _filled(tensor, val)


def ones_(tensor: Any) -> Any:
    """Ones."""
    return _filled(tensor, 1.0)


def zeros_(tensor: Any) -> Any:
    """Zeros."""
    return _filled(tensor, 0.0)


def eye_(tensor: Any) -> Any:
    """The identity, as far as the matrix goes. Raises ValueError for anything but a matrix."""
    _need("eye_", tensor, 2)
    return _written(tensor, numpy.eye(*tensor._array.shape))


def dirac_(tensor: Any, groups: int = 1) -> Any:
    """A convolution's weight that hands on as many channels as it can, in each of its ``groups``.

    Raises ValueError for anything but a weight of three to five dimensions, and where the groups do not divide its outputs.
    """
    _need("dirac_", tensor, 3, 4, 5)
    outputs, inputs, *window = tensor._array.shape
    if outputs % groups:
        raise ShapeError(f"dirac_: {outputs} outputs are not divisible by {groups} groups{at_line()}")
    values = numpy.zeros(tensor._array.shape)
    each = outputs // groups
    middle = tuple(size // 2 for size in window)
    for output in range(outputs):
        if output % each < inputs:
            values[(output, output % each, *middle)] = 1.0
    return _written(tensor, values)


def _need(name: str, tensor: Any, *ranks: int) -> None:
    shape = tuple(tensor._array.shape)
    if len(shape) not in ranks:
        raise ShapeError(
            f"{name} is for tensors of {' or '.join(map(str, ranks))} dimensions, not of shape {shape}{at_line()}"
        )


def _calculate_fan_in_and_fan_out(tensor: Any) -> tuple[int, int]:
    """How many inputs reach an output of the layer that ``tensor`` weighs, and how many outputs an input."""
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ShapeError(f"a weight has outputs and inputs, so two dimensions or more, not shape {tuple(shape)}{at_line()}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _calculate_correct_fan(tensor: Any, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _glorot(tensor: Any, gain: float) -> float:
    return gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform numbers of variance ``gain² · 2 / (inputs + outputs)`` (Glorot and Bengio 2010)."""
    bound = math.sqrt(3.0) * _glorot(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal numbers of variance ``gain² · 2 / (inputs + outputs)`` (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, _glorot(tensor, gain), generator)


def _he(tensor: Any, a: float, mode: str, nonlinearity: str) -> float | None:
    """The standard deviation; None, with a warning, for a tensor without elements."""
    if 0 in tensor._array.shape:
        warnings.warn("a tensor without elements has no initial values", stacklevel=3)
        return None
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Uniform numbers of variance ``gain² / fan`` (He et al. 2015); ``a`` is the slope of a leaky ReLU."""
    std = _he(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Normal numbers of variance ``gain² / fan`` (He et al. 2015); ``a`` is the slope of a leaky ReLU."""
    std = _he(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Any:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al. 2014).

    Dimensions after the first are taken as one. Raises ValueError where there are fewer than two.
    """
    array = tensor._array
    if array.ndim < 2:
        raise ShapeError(
            f"orthogonal_ is for tensors of two dimensions or more, not of shape {tuple(array.shape)}{at_line()}"
        )
    if not array.size:
        return tensor
    matrix = (array.shape[0], array.size // array.shape[0])
    values = initial.orthogonal(matrix, numpy.float64, key=next_key(generator), gain=gain)
    return _written(tensor, values.reshape(array.shape))


def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Normal numbers, of which the share ``sparsity`` of each column is zero (Martens 2010).

    Raises ValueError for anything but a matrix.
    """
    _need("sparse_", tensor, 2)
    shape = rows, columns = tensor._array.shape
    values = initial.normal(shape, tensor._array.dtype, key=next_key(generator), stddev=std)
    order = initial.uniform(shape, numpy.float64, key=next_key(generator)).argsort(axis=0)
    values[order[: math.ceil(sparsity * rows)], numpy.arange(columns)] = 0.0
    return _written(tensor, values)


def _old(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` under its name of PyTorch 0.1 to 0.3, with a warning."""
    new = function.__name__

    def deprecated(*args: Any, **settings: Any) -> Any:
        warnings.warn(f"nn.init.{new[:-1]} is called nn.init.{new} now", FutureWarning, stacklevel=2)
        return function(*args, **settings)

    deprecated.__name__ = deprecated.__qualname__ = new[:-1]
    deprecated.__doc__ = f"``{new}`` by its old name."
    return deprecated


uniform = _old(uniform_)
normal = _old(normal_)
constant = _old(constant_)
eye = _old(eye_)
dirac = _old(dirac_)
xavier_uniform = _old(xavier_uniform_)
xavier_normal = _old(xavier_normal_)
kaiming_uniform = _old(kaiming_uniform_)
kaiming_normal = _old(kaiming_normal_)
orthogonal = _old(orthogonal_)
sparse = _old(sparse_)

__getattr__ = lacking(__name__)
