"""The tape: every operation runs at once and, where a gradient may be wanted, leaves a record.

Nothing is computed at record time that a backward pass or a picture could compute later. A record holds what the op's rules
name (see ``graphs.core.op``), never a Tensor, so that memory is freed by reference counting as soon as no rule needs it.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from dynamic.contributions import checked, with_hooks
from dynamic.labels import label_of
from graphs.core.errors import GraphsError, Where, own
from graphs.core.node import OwnEdge, next_serial
from graphs.core.op import Ghost, Op
from graphs.core.spec import Spec


recording: ContextVar[bool] = ContextVar("grad mode", default=True)
"""Whether operations on tensors that require a gradient are recorded."""


own_files: dict[str, bool] = {}
"""Which files belong to this project's packages; remembered, since it is asked at every record."""


class Record(OwnEdge):
    """One operation on the tape: which op, from which records its arguments came, and what was kept of them.

    It is its own edge to its first output; further outputs have an ``Output``.

    Attributes:
        op: the op.
        edges: per argument the edge that it came from, None where no gradient is wanted.
        params: the attributes of the call.
        saved: per argument the array, a ``Ghost`` where the op's rules read no more than shape and dtype, or the Python
            scalar; None once the tape has been freed.
        held: the tensors whose arrays were kept (for an output, which would hold the record in turn, its version counter): a
            counter has the serial of the last change in place, and one greater than the record's means that the value
            is no longer what it was.
        outs: per output the array, or a ``Ghost``, or None where no rule reads anything.
        shape, dtype: those of the only output where ``outs`` does not tell.
        serial: order of creation, counted together with graph nodes.
        hooks: per output index, functions called with its gradient before it flows on; under -1, with those of all outputs.
        refill: computes anew what the record had saved and was made to forget; None where nothing was.
        after_hooks: functions called with what the rules gave and were given; of a leaf, with the tensor once its gradient
            is there.
    """

    after = ()
    hooks: dict[int, list[Callable[[Any], Any]]] | None = None
    after_hooks: list[Callable[..., Any]] | None = None
    refill: Callable[[], None] | None = None
    owner: weakref.ref[Any] | None = None

    def __init__(
        self,
        op: Op,
        edges: tuple[Any, ...],
        params: Mapping[str, Any],
        saved: Any,
        held: tuple[Any, ...],
        outs: tuple[Any, ...],
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        self.op = op
        self.edges = edges
        self.params = params
        self.saved = saved
        self.held = held
        self.outs = outs
        self.shape = shape
        self.dtype = dtype
        self.serial = next_serial()
        frame: Any = sys._getframe(3)  # this, apply's function and its caller are never the user's
        code = frame.f_code
        while (ours := own_files.get(code.co_filename)) is not False:
            if ours is None:
                own_files[code.co_filename] = own(code.co_filename)
            elif frame.f_back is None:
                break
            else:
                frame = frame.f_back
                code = frame.f_code
        self.code = code
        self.lasti = frame.f_lasti

    @property
    def width(self) -> int:
        """The number of outputs."""
        return len(self.outs)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Shapes and dtypes of the outputs."""
        if self.shape is not None:
            return (Spec(self.shape, self.dtype),)
        return tuple(Spec(out.shape, out.dtype) for out in self.outs)

    @property
    def where(self) -> Where:
        """The user's line that ran the operation."""
        return Where(self.code, self.lasti)

    @property
    def label(self) -> str:
        """PyTorch's name for the backward function: ``AddBackward0``."""
        return "AccumulateGrad" if self.op is leaf else label_of(self)

    @property
    def name(self) -> str:
        """A name for pictures and messages: a leaf's own where it has one, else the op's with the serial."""
        tensor = self.owner() if self.owner is not None else None
        return getattr(tensor, "name", None) or f"{self.op.name}_{self.serial}"

    def free(self) -> None:
        """Let go of the arrays that were kept; where there were any, a second backward pass is an error from now on."""
        if self.held:
            self.saved = None
            if self.shape is None:
                self.outs = tuple([Ghost((out.shape, out.dtype)) for out in self.outs])

    # What people ask PyTorch's grad_fn.

    @property
    def next_functions(self) -> tuple[tuple[Record | None, int], ...]:
        """The records that the arguments came from, each with the index of its output; None where no gradient flows."""
        return tuple((None, 0) if edge is None else (edge.node, edge.index) for edge in self.edges)

    @property
    def variable(self) -> Any:
        """The leaf tensor of an ``AccumulateGrad``."""
        if self.owner is None:
            raise AttributeError(f"{self.label} has no variable")
        return self.owner()

    def register_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Have ``hook(grad_inputs, grad_outputs)`` called after the gradient rules; it may return other ``grad_inputs``."""
        if self.op is leaf:

            def after(tensor: Any) -> None:
                checked(hook, (), (tensor.grad,))

            return add_after(self, after)
        if self.after_hooks is None:
            self.after_hooks = []
            self.op = with_hooks(self.op, self.after_hooks, *carrier)
        return add_after(self, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> HookHandle:
        """Have ``hook(grad_outputs)`` called before the gradient rules; it may return others."""
        return add_hook(self, -1, hook)

    def __repr__(self) -> str:
        return f"<{self.label} object at {hex(id(self))}>"


def user_frame(frame: Any) -> Any:
    """The nearest frame outside this project's packages, from ``frame`` outwards; the last where there is none."""
    while (ours := own_files.get(frame.f_code.co_filename)) is not False:
        if ours is None:
            own_files[frame.f_code.co_filename] = own(frame.f_code.co_filename)
        elif frame.f_back is None:
            break
        else:
            frame = frame.f_back
    return frame


class Output:
    """The edge to an output of a record beyond its first."""

    __slots__ = ("node", "index")

    def __init__(self, node: Record, index: int) -> None:
        self.node = node
        self.index = index


class HookHandle:
    """What registering a hook returns."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away again."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


watched = False
"""Whether changes in place and backward passes are to call ops where they would leave it to numpy's operators."""

told: Callable[[Record | None], None] | None = None
"""Who is told, in a backward pass that is watched, of each record before its rules run, and of the end by None."""

begun: Callable[[list[tuple[Any, Any]], list[Any] | None], None] | None = None
"""Who is told of a backward pass before it starts: of its roots with their gradients, and of the records it is for."""

hastened: Callable[[list[tuple[Any, Any]], list[Any] | None], None] | None = None
"""Who makes leaves take their turn early in a backward pass of these roots and records, at its beginning."""

apart = False
"""Whether a watched pass gives each leaf a gradient of its own, and adds to it in place, as one that nobody watches does."""

followed: Any = None
"""Who is told of changes in place (``followed.changed(tensor, value)``), if anybody."""

kept = False
"""Whether backward passes leave on the tape what they would free, so that it can be drawn."""

hooked = False
"""Whether any hook was ever registered: until then a backward pass does not look for them."""


def add_hook(record: Record, index: int, hook: Callable[[Any], Any], last: bool = False) -> HookHandle:
    """Add a hook on the gradient of one of a record's outputs; one that is ``last`` stays behind those added later."""
    global hooked
    hooked = True
    if record.hooks is None:
        record.hooks = {}
    hooks = record.hooks.setdefault(index, [])
    place = len(hooks)
    if last:
        vars(hook)["last"] = True
    else:
        while place and "last" in getattr(hooks[place - 1], "__dict__", ()):
            place -= 1
    hooks.insert(place, hook)
    return HookHandle(hooks, hook)


def add_after(record: Record, hook: Callable[..., Any]) -> HookHandle:
    """Add a hook that runs after a record's rules; of a leaf, after its gradient has been collected."""
    if record.after_hooks is None:
        record.after_hooks = []
    record.after_hooks.append(hook)
    return HookHandle(record.after_hooks, hook)


carrier: tuple[type[Any], Callable[[Any], Any]] = (object, lambda array: array)
"""The class of tensors, and what makes one of an array; ``dynamic.autograd`` says it."""


def set_carrier(kind: type[Any], wrap: Callable[[Any], Any]) -> None:
    """Say how hooks are shown arrays."""
    global carrier
    carrier = (kind, wrap)


def _no_value(xp: Any) -> Any:
    """A tensor that gradients are collected in: the end of every way back."""
    raise GraphsError("a leaf is not computed")


leaf = Op(_no_value, name="leaf", shape=lambda: (), dtype=lambda: None, traits={"source"})


def new_leaf(tensor: Any) -> Record:
    """The record of a leaf: it knows its tensor weakly, since nobody can read the gradient of one that is gone."""
    array = tensor._array
    record = Record(leaf, (), {}, (), (), (None,), array.shape, array.dtype)
    record.owner = weakref.ref(tensor)
    return record
