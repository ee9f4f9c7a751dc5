"""What functions take beside their own arguments: ``out=``, and numpy's names of arguments; and named tuples of results."""

from __future__ import annotations

import functools
import sys
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

import numpy

from dynamic.apply import Carried
from dynamic.devices import CPU, default_device, moved, where_is
from dynamic.dtypes import type_name
from dynamic.tape import recording
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, GradientError, at_line


_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "A": "input", "x1": "input", "x2": "other"}
"""numpy's names of arguments, and those of ``torch.linalg``, which PyTorch takes too."""

_RANKS = "biufc"


def into(out: Any, result: Any) -> Any:
    """``result``, written into ``out`` where one was given, which takes the result's shape.

    Several results take as many tensors. Raises RuntimeError where a gradient may be wanted, or ``out`` is of a lower kind.
    """
    if out is None:
        return result
    if isinstance(result, tuple):
        if len(out) != len(result):
            raise TypeError(f"out= takes {len(result)} tensors here, not {len(out)}")
        written = tuple(map(into, out, result))
        return type(result)(*written) if hasattr(result, "_fields") else written
    if not isinstance(out, Carried):
        raise TypeError(f"out= takes a tensor, not a {type(out).__name__}")
    if recording.get() and (out._edge is not None or result._edge is not None):
        raise GradientError(
            f"a function with out= is not recorded: leave out= away, or detach its arguments (they don't support "
            f"automatic differentiation){at_line()}"
        )
    new, old = result._array, out._array
    if _RANKS.index(new.dtype.kind.replace("u", "i")) > _RANKS.index(old.dtype.kind.replace("u", "i")):
        raise DtypeError(f"result type {type_name(new.dtype)} can't be cast to {type_name(old.dtype)}{at_line()}")
    if new.shape != old.shape:
        if old.size:
            warnings.warn(
                f"out= has shape {tuple(old.shape)} and the result {tuple(new.shape)}: it is resized. Give an empty tensor",
                UserWarning,
                stacklevel=3,
            )
        xp: Any = xp_of((old,))
        out._array = xp.empty(new.shape, old.dtype)
    target: Any = out
    return target.copy_(result)


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, taking ``out=`` and numpy's names too."""
    code = getattr(function, "__wrapped__", function).__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    renamed = {name: new for name, new in _NAMES.items() if new in own and name not in own}

    @functools.wraps(function)
    def called(*args: Any, **settings: Any) -> Any:
        if not settings:
            return function(*args)
        out = settings.pop("out", None)
        for name in renamed.keys() & settings.keys():
            settings.setdefault(renamed[name], settings.pop(name))
        result = function(*args, **settings)
        return result if out is None else into(out, result)

    return called


def on_host(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, which computes with numpy: of tensors on a GPU those are fetched, and its results are sent there."""

    @functools.wraps(function)
    def called(*args: Any, **settings: Any) -> Any:
        place = _gpu((*args, *settings.values()))
        if place is None:
            return function(*args, **settings)
        before = default_device.get()
        try:
            default_device.set(CPU)
            args = tuple([_at(x, CPU) for x in args])
            result = function(*args, **{name: _at(x, CPU) for name, x in settings.items()})
        finally:
            default_device.set(before)
        return _at(result, place)

    return called


def _gpu(values: Iterable[Any]) -> Any:
    """The device of the first tensor among ``values``, or in a list among them, that is on a GPU."""
    for x in values:
        if isinstance(x, Carried):
            if not isinstance(x._array, numpy.ndarray):
                return where_is(x._array)
        elif isinstance(x, (tuple, list)) and (found := _gpu(x)) is not None:
            return found
    return None


def _at(x: Any, place: Any) -> Any:
    if isinstance(x, Carried):
        return moved(x, place)
    if isinstance(x, (tuple, list)):
        found = [_at(each, place) for each in x]
        return type(x)(*found) if hasattr(x, "_fields") else type(x)(found)
    return x


def named(*functions: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Functions by their names, each taking ``out=`` and numpy's names too."""
    return {function.__name__: public(function) for function in functions}


def reachable(module: ModuleType) -> None:
    """Say of functions that they are a module's, where they are not found under their own names: pickle looks there.

    So a model that has ``torch.tanh`` among its attributes can be saved, and ``pool.map(torch.sum, ...)`` be sent.
    """
    for name, function in vars(module).items():
        if function.__class__ is FunctionType and name[0] != "_":
            home = sys.modules.get(function.__module__)
            if vars(home).get(function.__qualname__) is not function:
                function.__module__, function.__qualname__ = module.__name__, name


def results(name: str, fields: str) -> Any:
    """The class of what a function of that name returns: one of PyTorch's ``torch.return_types``."""

    def __repr__(self: Any) -> str:  # noqa: N807
        shown = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{shown})"

    base = namedtuple(name, fields)  # type: ignore[misc]
    return type(name, (base,), {"__slots__": (), "__repr__": __repr__, "__module__": "torch.return_types"})


def old_scale(args: tuple[Any, ...], count: int) -> tuple[tuple[Any, ...], list[Any]]:
    """The tensors and the numbers of a call in the form of 2017, ``addmm(beta, input, alpha, mat1, mat2)``.

    Raises TypeError where there are not ``count`` tensors.
    """
    tensors = tuple(x for x in args if isinstance(x, Carried))
    numbers = [x for x in args if not isinstance(x, Carried)]
    if len(tensors) != count or len(numbers) > 2 or not all(isinstance(x, (int, float)) for x in numbers):
        raise TypeError(f"{count} tensors and up to two numbers are wanted, not {len(tensors)} and {len(numbers)}")
    return tensors, numbers
