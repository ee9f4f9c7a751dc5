"""How the functions under TensorFlow's names make calls: dtypes they take, operands they join, axes they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.errors import DtypeError, at_line
from graphs.core.op import Op
from static.dtypes import as_dtype
from static.names import type_name
from static.tensor import Tensor, apply, constant_value, convert_to_tensor


NUMBERS, REALS, FLOATS, INEXACT, BOOLS, ANY = "iufc", "iuf", "f", "fc", "b", "biufc"
"""The kinds of dtypes that functions take, as numpy's letters."""


def taken(x: Any, kinds: str, what: str) -> Any:
    """``x`` as a tensor. Raises TypeError where its dtype is of none of ``kinds``."""
    tensor = convert_to_tensor(x)
    if tensor.dtype.kind not in kinds:
        raise DtypeError(
            f"{what}: value passed to parameter 'x' has DataType {tensor.dtype.name}, which it does not take "
            f"({tensor.name}){at_line()}"
        )
    return tensor


def call(op: Op, *args: Any, name: str | None = None, **params: Any) -> Any:
    """The node of ``op``, named by its type where the user gave no name."""
    return apply(op, *args, name=name, node=type_name(op.name).removesuffix("V2"), **params)


def unary(tf_name: str, op: Op, kinds: str) -> Callable[..., Any]:
    """The function ``(x, name=None)`` of an op that takes one tensor of ``kinds``."""

    def function(x: Any, name: str | None = None) -> Any:
        return call(op, taken(x, kinds, tf_name), name=name)

    return documented(function, tf_name, op)


def binary(tf_name: str, op: Op) -> Callable[..., Any]:
    """The function ``(x, y, name=None)`` of an op that takes two tensors of one dtype."""

    def function(x: Any, y: Any, name: str | None = None) -> Any:
        return call(op, x, y, name=name)

    return documented(function, tf_name, op)


def documented(function: Callable[..., Any], tf_name: str, op: Op) -> Callable[..., Any]:
    """``function`` under its name, with the op's description."""
    function.__name__ = function.__qualname__ = tf_name
    function.__doc__ = op.doc
    return function


def both(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands as tensors, a constant among them in the other's dtype."""
    if isinstance(x, Tensor) or not isinstance(y, Tensor):
        x = convert_to_tensor(x)
        return x, y if isinstance(y, Tensor) else convert_to_tensor(y, preferred_dtype=x.dtype)
    return convert_to_tensor(x, preferred_dtype=y.dtype), y


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """``x`` in ``dtype``; itself where it has it."""
    x, dtype = convert_to_tensor(x), as_dtype(dtype)
    return x if x.dtype == dtype else apply(ops.cast, x, name=name, node="Cast", dtype=dtype.name)


def axes(axis: Any) -> Any:
    """``axis`` as ops take it: None, an int or a tuple. Raises ValueError for a tensor whose value is not known."""
    if axis is None or isinstance(axis, int):
        return axis
    value = constant_value(axis)
    if value is None:
        raise ValueError("the axes of a reduction have to be known while the graph is being built")
    return int(value) if value.ndim == 0 else tuple(int(i) for i in value)
