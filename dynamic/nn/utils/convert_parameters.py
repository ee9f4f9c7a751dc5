"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dynamic.apply import Carried, apply
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line
from graphs.ops import concat


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All elements of ``parameters`` in one vector, through which gradients flow."""
    flat = tuple(parameter.reshape(-1) for parameter in parameters)
    if not flat:
        raise ShapeError(f"there are no parameters{at_line()}")
    return apply(concat, flat, {"axis": 0})


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Let ``parameters`` have the elements of a vector as their data: memory is shared. Raises TypeError for no tensor."""
    if not isinstance(vec, Carried):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    begin = 0
    for parameter in parameters:
        array = parameter._array
        end = begin + array.size
        parameter.data = vec.detach()[begin:end].view(tuple(array.shape))  # type: ignore[attr-defined]
        begin = end


__getattr__ = lacking(__name__)
