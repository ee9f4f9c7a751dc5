"""Gives the functions over tensors to the Tensor class as methods, and their variants in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import apply, wrap as wrap_array
from dynamic.changes import Changes
from dynamic.dtypes import dtype_of
from dynamic.elsewhere import beside
from dynamic.functions import IN_PLACE as CHANGING, METHODS, drawing, noise, pointwise, shapes
from dynamic.shared_memory import is_shared, share_memory_
from dynamic.tape import recording
from graphs.core.errors import GradientError, ShapeError, at_line
from graphs.core.op import OPS


CASTS = ("float", "double", "half", "long", "int", "short", "char", "byte", "bool", "cfloat", "cdouble")
"""Methods that cast to the dtype of that name."""


def attach(tensor_class: type[Any]) -> None:
    """Make methods of everything that PyTorch has as a method."""
    for name, function in (METHODS | noise.METHODS | IN_PLACE | TURNED).items():
        setattr(tensor_class, name, function)
    for name in CASTS:
        setattr(tensor_class, name, _cast(name))
    tensor_class.where = lambda self, condition, other: pointwise.where(condition, self, other)
    tensor_class.multinomial = drawing.multinomial
    tensor_class.bernoulli = drawing.bernoulli
    tensor_class.fill_diagonal_ = fill_diagonal_
    tensor_class.hardshrink = lambda self, lambd=0.5: apply(OPS["hard_shrink"], (self,), {"width": lambd})
    tensor_class.share_memory_, tensor_class.is_shared = share_memory_, is_shared


def _cast(name: str) -> Callable[..., Any]:
    def method(self: Any) -> Any:
        return self.to(dtype=name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor cast to {dtype_of(name).name}."
    return method


_ONE_OP = frozenset(
    f"{name}_" for name in (*pointwise._UNARY, *pointwise._BINARY, "add", "sub", "subtract", "div", "divide")
)
"""Changes that one op makes: ``_become`` gives its record a copy of what is about to change."""


def _in_place(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if name in _ONE_OP:

        def method(self: Any, *args: Any, **settings: Any) -> Any:
            return self._become(function(self, *args, **settings))
    else:

        def method(self: Any, *args: Any, **settings: Any) -> Any:
            # What several records may have kept of the tensor has to be a copy.
            before = self.clone() if self._edge is not None and recording.get() else self
            return self._become(function(before, *args, **settings))

    return _described(method, name, function)


def _turned(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        self._before_change(self)
        shown = function(self, *args, **settings)
        if shown is self:
            return self
        if self._source is None:
            if recording.get() and self._edge is not None and any(view() is not shown for view in self._views or ()):
                raise GradientError(f"{name}: other tensors are views of this one, whose gradient it would turn{at_line()}")
            self._views = None
        else:
            self._source = shown._source
        self._array, self._edge = shown._array, shown._edge
        return self

    return _described(method, name, function)


def _described(method: Callable[..., Any], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"{(function.__doc__ or '').rstrip('.')}, in place."
    return method


def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
    """Fill the main diagonal of a matrix, or of a cube of equal sides, in place.

    With ``wrap`` it goes on, after a row, below a square where there are more rows than columns.
    """
    shape = self._array.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(f"fill_diagonal_ takes matrices and cubes of equal sides, not shape {tuple(shape)}{at_line()}")
    mask = numpy.zeros(shape, bool)
    numpy.fill_diagonal(mask, True, wrap)
    return self._become(self.masked_fill(wrap_array(beside(mask, self._array)), fill_value))


IN_PLACE = {name: _in_place(name, function) for name, function in CHANGING.items()}
"""Methods that change a tensor's elements, by name."""

TURNED = {f"{name}_": _turned(f"{name}_", shapes.METHODS[name]) for name in shapes.TURNED}
"""Methods that make a tensor a view of what it was, by name."""

_ALSO = (
    *("clamp", "clamp_min", "clamp_max", "clip", "nan_to_num", "logit", "xlogy", "gcd", "lcm", "ldexp", "round"),
    *("deg2rad", "rad2deg", "conj_physical", "addmv", "index_put"),
)
_ONLY_METHODS = frozenset(("absolute", "bitwise_not", "erfinv", "lgamma", "logical_not", "sign"))
FUNCTIONS = {
    f"{name}_": IN_PLACE[f"{name}_"]
    for name in (*pointwise._UNARY, *_ALSO)
    if f"{name}_" in IN_PLACE and name not in _ONLY_METHODS
}
FUNCTIONS |= {name: getattr(Changes, name) for name in ("zero_", "fill_")}
"""Changes in place that are functions of the package too."""
