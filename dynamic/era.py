"""Programs of 2017 as they ran then: ``era("0.3")`` brings back what PyTorch 0.1 to 0.3 did otherwise.

What the switch changes, for the whole process:

- A tensor without dimensions shows as one of size 1, as full reductions were: ``loss.size()`` is ``torch.Size([1])``.
- Indexing a vector gives a Python number (``loss.data[0]``), and so does reducing a whole tensor (``x.data.mean()``); of a
  Variable, both give a Variable of size 1. In 0.1 a dimension that is reduced stays, with size 1, unless told otherwise.
- Tensors print their rows and ``[torch.FloatTensor of size 2x2]``, Variables after ``Variable containing:``.
- In 0.1 and 0.2 what was drawn learns from rewards (``probs.multinomial()``, ``action.reinforce(reward)``).
- In 0.1 there is no broadcasting: sizes have to agree, or at least the numbers of elements, and ``X @ W + b`` needs
  ``b.repeat(X.size(0), 1)``. 0.2 brought broadcasting, so 0.2 and 0.3 have it.

What today's PyTorch merely added is there in every era, and old argument forms (``size_average``, ``volatile``,
``retain_variables``) need no switch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from types import FrameType
from typing import Any, Self

from dynamic import apply as applying, reductions_2017, stochastic_2017, volatile
from dynamic.apply import Carried
from dynamic.autograd import engine
from dynamic.indexing import get
from dynamic.printing_2017 import show
from dynamic.size import Size
from dynamic.tensor import Tensor
from graphs.core.errors import ShapeError, at_line, own
from graphs.core.op import OPS, Op


OLD = ("0.1", "0.2", "0.3")
"""The eras that differ from today's PyTorch; any later version stands for today's."""

_TODAY = "2"
_now = _TODAY
_HERE = os.path.dirname(os.path.abspath(__file__))
_LAYERS = ("apply.py", "arithmetic.py", "changes.py", "era.py", "lint.py", "methods.py", "volatile.py")
_OPERATORS = tuple(os.path.join(_HERE, name) for name in _LAYERS)
_FUNCTIONS = os.path.join(_HERE, "functions") + os.sep
_SIZED = frozenset(["concat", "stack", "expand_dims"])
"""Ops that tell a vector of one element from a tensor without dimensions."""


class era:  # noqa: N801 (a switch, as PyTorch's are)
    """Run as in a version of PyTorch, ``"0.1"`` to ``"0.3"``; ``"0.4"`` and later are today.

    The switch is made at once; as a context manager it is undone after the block, as a decorator it holds in the function.
    ``broadcasting`` says whether sizes need not agree, where the version is not to decide.

    Raises ValueError for what is no version.
    """

    def __init__(self, version: Any, broadcasting: bool | None = None) -> None:
        self._before = _now, _strict
        self._wanted = _known(version)
        self._exact = self._wanted == "0.1" if broadcasting is None else not broadcasting
        _switch(self._wanted, self._exact)

    def __enter__(self) -> Self:
        _switch(self._wanted, self._exact)
        return self

    def __exit__(self, *_: object) -> None:
        _switch(*self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, run in this era."""
        _switch(*self._before)

        @wraps(function)
        def inside(*args: Any, **settings: Any) -> Any:
            with era(self._wanted, not self._exact):
                return function(*args, **settings)

        return inside


def get_era() -> str:
    """The era that holds now: "0.1" to "0.3", or "2" for today's PyTorch."""
    return _now


_strict = False


def _known(version: Any) -> str:
    parts = str(version).split(".")
    if not all(part.isdecimal() for part in parts):
        raise ValueError(f"an era is a version of PyTorch, such as {', '.join(map(repr, OLD))} or '2', not {version!r}")
    short = ".".join(parts[:2])
    return short if short in OLD else _TODAY


def _switch(version: str, strict: bool) -> None:
    global _now, _strict
    _now, _strict = version, strict
    old = version in OLD or strict
    applying.around = _around if old else volatile.spreading if volatile.begun else None
    for name, value in _PATCHES.items():
        if version in OLD:
            setattr(Tensor, name, value)
        elif name in _OWN:
            setattr(Tensor, name, _OWN[name])
        elif name in vars(Tensor):
            delattr(Tensor, name)
    engine._accumulate = _accumulated if version in OLD else _accumulate
    reductions_2017.switch(version in OLD, version == "0.1", is_variable)
    stochastic_2017.switch(version in ("0.1", "0.2"))


def is_variable(tensor: Any) -> bool:
    """Whether a tensor would have been a Variable: made by one, or what came of one."""
    return bool(tensor._variable or tensor._edge is not None)


# What is other in old eras


def _shape(self: Any) -> Size:
    return Size(self._array.shape or (1,))


def _getitem(self: Any, index: Any) -> Any:
    if not self._array.ndim:
        if index.__class__ is not int or index not in (0, -1):
            raise ShapeError(f"a tensor of size 1 has no position {index}{at_line()}")
        return self if is_variable(self) else self.item()
    found = get(self, index)
    return found.item() if not found._array.ndim and not is_variable(self) else found


_PATCHES: Mapping[str, Any] = {
    "shape": property(_shape, doc="The sizes of the dimensions: a single one of 1 where there are none."),
    "__getitem__": _getitem,
    "__repr__": lambda self: show(self, is_variable(self)),
}
_OWN = {name: vars(Tensor)[name] for name in _PATCHES if name in vars(Tensor)}
_accumulate = engine._accumulate


def _accumulated(tensor: Any, g: Any) -> None:
    _accumulate(tensor, g)
    tensor.grad._variable = True


def _around(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """Call an op as in an old era: sizes have to agree where nothing is broadcast, and what comes of Variables is one."""
    if op.name in _SIZED:
        args = tuple(_sized(arg) for arg in args)
    elif _strict and op.elementwise:
        args = _agreeing(op, args)
    out = volatile.spreading(op, args, params)
    if any(isinstance(arg, Carried) and is_variable(arg) for arg in args):
        for tensor in out if isinstance(out, tuple) else (out,):
            tensor._variable = True
    return out


def _sized(arg: Any) -> Any:
    """A tensor without dimensions as a vector."""
    if isinstance(arg, Carried) and not arg._array.ndim:
        return applying.apply(OPS["reshape"], (arg,), {"shape": (1,)})
    return arg


def _agreeing(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands in one size. Raises ShapeError where a program asks for an operation of other numbers of elements."""
    tensors = [arg for arg in args if isinstance(arg, Carried)]
    if len({tensor._array.shape or (1,) for tensor in tensors}) < 2 or not _asked(sys._getframe(3)):
        return args
    shape, size = tensors[0]._array.shape, tensors[0]._array.size
    for other in tensors[1:]:
        if other._array.size != size:
            sizes = [" x ".join(map(str, tensor._array.shape or (1,))) for tensor in (tensors[0], other)]
            raise ShapeError(
                f"{op.name}: inconsistent tensor size, expected tensor [{sizes[0]}] and src [{sizes[1]}] to have the same "
                f"number of elements, but got {size} and {other._array.size} elements respectively: PyTorch {_now} does not "
                f"broadcast, repeat or expand does it{at_line()}"
            )
    to = {"shape": shape}
    return tuple(applying.apply(OPS["reshape"], (arg,), to) if isinstance(arg, Carried) else arg for arg in args)


def _asked(frame: FrameType | None) -> bool:
    """Whether a program called the operation, and not another function of ours, which may broadcast."""
    while frame is not None:
        file = frame.f_code.co_filename
        if not (file in _OPERATORS or file.startswith(_FUNCTIONS)):
            return not own(file)
        frame = frame.f_back
    return False
