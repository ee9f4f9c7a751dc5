"""Changes of tensors in place, and what the tape has to know of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy
from numpy import ndarray

from dynamic import tape
from dynamic.apply import Carried, apply, counter_of, wrap
from dynamic.devices import moved, where_is
from dynamic.dtypes import type_name
from dynamic.elsewhere import may_share, to_numpy, writeable
from dynamic.inplace import assigned, follow
from dynamic.tape import Record, leaf, own_files, recording
from graphs.core.arrays import is_array, xp_of
from graphs.core.errors import DtypeError, GradientError, ShapeError, at_line
from graphs.core.node import next_serial
from graphs.core.op import Op
from graphs.ops import add, divide, floor_divide, identity, multiply, power, remainder, subtract


_NUMBERS = frozenset([float, int, bool])
_DIRECT = _NUMBERS | {ndarray}
_IN_PLACE: Mapping[Op, Callable[..., Any]] = {
    add: numpy.add,
    subtract: numpy.subtract,
    multiply: numpy.multiply,
    divide: numpy.divide,
}
"""Ops that one ufunc does, which can write where it reads."""
_LENT = frozenset(
    [
        "divide",
        "gru",
        "hard_sigmoid",
        "hard_tanh",
        "logaddexp",
        "logaddexp2",
        "lstm",
        "max_pool",
        "relu6",
        "rnn",
        "soft_shrink",
    ]
)
"""Ops whose rules read the result where PyTorch's do not, so that its programs may change what they got."""


class Changes(Carried):
    """The part of a tensor that changes it in place."""

    def __iadd__(self, other: Any) -> Self:
        return self._change(add, other)

    def __isub__(self, other: Any) -> Self:
        return self._change(subtract, other)

    def __imul__(self, other: Any) -> Self:
        return self._change(multiply, other)

    def __itruediv__(self, other: Any) -> Self:
        return self._change(divide, other)

    def __ifloordiv__(self, other: Any) -> Self:
        return self._change(floor_divide, other)

    def __imod__(self, other: Any) -> Self:
        return self._change(remainder, other)

    def __ipow__(self, other: Any) -> Self:
        return self._change(power, other)

    def _change(self, op: Op, other: Any) -> Self:
        """``self`` becomes ``op(self, other)``, in the same memory."""
        if isinstance(other, Carried):
            operand, edge = other._array, other._edge
        else:
            operand, edge = other, None
        function = _IN_PLACE.get(op)
        array = self._array
        recorded = (self._edge is not None or edge is not None) and recording.get()
        if function is None or recorded or tape.watched:
            return self._become(apply(op, (self, other)))
        if array.__class__ is not ndarray:
            alike = operand.__class__ is array.__class__ or operand.__class__ in _NUMBERS
            if alike and self._at_once(function.__name__, array, operand):
                self._touch()
                return self
        elif operand.__class__ in _DIRECT:
            try:
                function(array, operand, array)
            except (TypeError, ValueError):
                pass  # nothing was written; told in our own words below
            except (RuntimeWarning, FloatingPointError):
                # Somebody has made errors of these. numpy looks for overflow when all is written, unless it wrote elsewhere.
                if operand.__class__ is ndarray and numpy.may_share_memory(array, operand) and not _same(array, operand):
                    with numpy.errstate(all="ignore"):
                        function(array, operand, array)
                self._touch()
                return self
            else:
                self._touch()
                return self
        return self._become(apply(op, (self, other)))

    def _at_once(self, name: str, array: Any, operand: Any) -> bool:
        """Whether an array of a GPU was changed by one launch; where it cannot be, nothing was written."""
        xp: Any = xp_of((array,))
        if array.data.device_id != xp.cuda.get_device_id() or not writeable(array):
            return False
        if operand.__class__ is array.__class__ and operand.data.device_id != array.data.device_id:
            return False
        try:
            getattr(xp, name)(array, operand, array)
        except (TypeError, ValueError):
            return False
        return True

    def _become(self, value: Any) -> Self:
        """Take over the values of ``value``, in the same memory, and its history."""
        self._before_change(value)
        if tape.followed is not None:
            tape.followed.changed(self, value)
        array, new = self._array, value._array
        if new.dtype != array.dtype and not numpy.can_cast(new.dtype, array.dtype, "same_kind"):
            raise DtypeError(f"result type {type_name(new.dtype)} can't be cast to {type_name(array.dtype)}{at_line()}")
        if new.shape != array.shape:
            if not _fits(new.shape, array.shape):
                raise ShapeError(f"a result of shape {new.shape} does not fit in place into {array.shape}{at_line()}")
            value = value.expand(*array.shape)
        if value._edge is not None:
            if new.dtype != array.dtype:
                value = value.to(array.dtype)
            self._rescue(value._edge.node)
        self._take_back()
        array[...] = new
        self._touch()
        if recording.get():
            root, chain = self._source or (self, ())
            if not chain:
                self._edge = value._edge
            elif value._edge is not None or root._edge is not None:
                root._edge = assigned(root, value, chain)
            for reference in tuple(root._views or ()):
                view = reference()
                if view is not None and view._source is not None:
                    view._edge = None if root._edge is None else follow(root, view._source[1])._edge
        return self

    def _before_change(self, value: Any) -> None:
        """Refuse to change a leaf that collects gradients, and memory that several elements share."""
        if not writeable(self._array):
            raise ShapeError(f"elements of an expanded tensor share their memory: clone() it before changing it{at_line()}")
        if recording.get():
            root = self if self._source is None else self._source[0]
            if root._edge is not None and root._edge.node.op is leaf:
                kind = "a leaf" if root is self else "a view of a leaf"
                raise GradientError(
                    f"{kind} Variable that requires grad is being used in an in-place operation; change its .data, "
                    f"or do it under no_grad(){at_line()}"
                )

    def _rescue(self, record: Record) -> None:
        """Give the record of a change in place a copy of what it kept of the memory that is about to change."""
        array = self._array
        if record.saved is not None:
            record.saved = [x.copy() if is_array(x) and may_share(x, array) else x for x in record.saved]
            record.held = tuple(held for held in record.held if not self._counts_with(held))

    def _take_back(self) -> None:
        """Give the record of this tensor a copy of the result, if it keeps that for convenience only."""
        edge = (self if self._source is None else self._source[0])._edge
        while edge is not None and edge.node.op.view:
            edge = edge.node.edges[0]
        if edge is None or edge.node.op.name not in _LENT:
            return
        record, array = edge.node, self._array
        record.outs = tuple([x.copy() if is_array(x) and may_share(x, array) else x for x in record.outs or ()])
        record.held = tuple([[0] if self._counts_with(held) else held for held in record.held])

    def _counts_with(self, held: Any) -> bool:
        """Whether a tensor or counter that a record holds tells of changes to this tensor's memory."""
        return held is self or (held if isinstance(held, list) else held._counter) is counter_of(self)

    def _touch(self) -> None:
        counter = self._counter
        frame: Any = sys._getframe(2)
        code = frame.f_code
        if own_files.get(code.co_filename) is not False:
            frame = tape.user_frame(frame)
            code = frame.f_code
        if counter is None:
            self._counter = [next_serial(), 1, code, frame.f_lasti]
        else:
            counter[:] = next_serial(), counter[1] + 1, code, frame.f_lasti

    def zero_(self) -> Self:
        """Fill with zeros, in place."""
        if self._edge is None and self._source is None and not tape.watched:
            self._array.fill(0)
            self._touch()
            return self
        return self.fill_(0)

    def fill_(self, value: Any) -> Self:
        """Fill with one value, in place."""
        number = to_numpy(value._array).item() if isinstance(value, Carried) else value
        if self._edge is None and self._source is None and not tape.watched:
            self._array.fill(number)
            self._touch()
            return self
        return self._become(wrap(xp_of((self._array,)).full(self._array.shape, number, self._array.dtype)))

    def copy_(self, source: Any, non_blocking: bool = False) -> Self:
        """Take over the values of ``source``, broadcast and cast, in place."""
        value: Any = source if isinstance(source, Carried) else wrap(numpy.asarray(source))
        if value._array.__class__ is not ndarray or self._array.__class__ is not ndarray:
            value = moved(value, where_is(self._array), not non_blocking)
        if value._array.dtype != self._array.dtype:
            value = value.to(self._array.dtype)
        if value._edge is not None:
            value = apply(identity, (value,))
        return self._become(value)


def _same(x: ndarray, y: ndarray) -> bool:
    """Whether two arrays are the same elements of the same memory."""
    return x.ctypes.data == y.ctypes.data and x.shape == y.shape and x.strides == y.strides


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Whether ``shape`` broadcasts to ``into``."""
    return len(shape) <= len(into) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(into), strict=False))
