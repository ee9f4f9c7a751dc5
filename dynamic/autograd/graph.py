"""The tape from inside: its records, what they save, and hooks on several gradients. PyTorch's ``autograd.graph``."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Self

from dynamic import apply as applying
from dynamic.apply import Carried, apply, wrap
from dynamic.autograd import edges
from dynamic.autograd.edges import GradientEdge as GradientEdge, get_gradient_edge as get_gradient_edge
from dynamic.names import lacking
from dynamic.tape import Record
from graphs.core.arrays import is_array
from graphs.core.errors import GradientError, at_line
from graphs.core.op import Ghost, Op


Node = Record
"""What ``grad_fn`` gives: an operation on the tape."""

_refused: str | None = None


class saved_tensors_hooks:  # noqa: N801 (PyTorch's name)
    """Hooks on what operations inside save for their gradients: a context manager.

    ``pack_hook(tensor)`` is called with each tensor saved, and what it gives is kept in its place; ``unpack_hook`` makes a
    tensor of that when a backward pass first needs it. What ``Function.save_for_backward`` keeps goes past them.

    Raises RuntimeError where a pack hook changes its tensor in place; TypeError where an unpack hook gives no tensor.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._outer: list[Any] = []
        self._packing = False

    def __enter__(self) -> Self:
        if _refused is not None:
            raise GradientError(f"{_refused}{at_line()}")
        self._outer.append(applying.around)
        applying.around = self._around
        return self

    def __exit__(self, *_: object) -> None:
        applying.around = self._outer.pop()

    def _around(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        result = apply(op, args, params, plainly=True)
        first = result[0] if isinstance(result, tuple) else result
        if not self._packing and isinstance(first, Carried):
            records = [y._edge.node for y in (result if isinstance(result, tuple) else (result,)) if y._edge is not None]
            if records and records[0].op.name == op.name and records[0].held and records[0].refill is None:
                self._pack(records[0])
        return result

    def _pack(self, record: Record) -> None:
        """Take from a record what it has saved, and let it ask for that."""
        self._packing = True
        try:
            saved = [self._packed(x) for x in record.saved]
            outs = None if record.shape is not None else [self._packed(x) for x in record.outs]
        finally:
            self._packing = False
        reference, unpack = weakref.ref(record), self.unpack_hook

        def fill() -> None:
            node = reference()
            assert node is not None
            node.refill = None
            node.saved = [_unpacked(x, unpack) for x in saved]
            if outs is not None:
                node.outs = tuple(_unpacked(x, unpack) for x in outs)
            node.held = ([0, 0],)  # nobody else has what was unpacked, so it is as it was

        if outs is not None:
            record.outs = tuple(Ghost((out.shape, out.dtype)) for out in record.outs)
        record.saved, record.held, record.refill = None, (), fill

    def _packed(self, x: Any) -> Any:
        if not is_array(x):
            return x
        tensor = wrap(x)
        packed = self.pack_hook(tensor)
        if tensor._version:
            raise GradientError(f"A saved tensor pack hook is modifying its input in place{at_line()}")
        return _Packed(packed)


class _Packed:
    """What a pack hook made of an array."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _unpacked(x: Any, unpack: Callable[[Any], Any]) -> Any:
    if not isinstance(x, _Packed):
        return x
    tensor = unpack(x.value)
    if not isinstance(tensor, Carried):
        raise TypeError(
            f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(tensor).__name__}"
        )
    return tensor._array


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Keep what operations inside save in the processor's memory, where the tensors are a GPU's: a context manager."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0]))


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Let ``saved_tensors_hooks`` inside be a RuntimeError with this message."""
    global _refused
    before, _refused = _refused, error_message
    try:
        yield
    finally:
        _refused = before


class _Copies:
    """What ``allow_mutation_on_saved_tensors`` gives, for programs that name it."""

    def clear(self) -> None:
        """Nothing: copies go with the tape."""


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_Copies]:
    """Let tensors that were saved for gradients be changed in place inside, and have the gradients of before.

    What is saved is copied at once, where PyTorch waits for a change.
    """
    with saved_tensors_hooks(lambda tensor: tensor.clone(), lambda tensor: tensor):
        yield _Copies()


def increment_version(tensor: Any) -> None:
    """Let a tensor, or several, count as changed in place."""
    several: Any = (tensor,) if isinstance(tensor, Carried) else tensor
    for each in several:
        each._touch()


class _Several:
    """Hooks on the gradients of several tensors that end in one call of a function in each backward pass."""

    def __init__(self, tensors: Sequence[Any], fn: Callable[[Any], None], every: bool) -> None:
        self._fn, self._every = fn, every
        self._found: list[Any] = [None] * len(tensors)
        self._waiting = False
        self._handles = [tensor.register_hook(self._hook(i)) for i, tensor in enumerate(tensors)]

    def _hook(self, i: int) -> Callable[[Any], None]:
        def hook(g: Any) -> None:
            first = not self._waiting
            if first:
                self._waiting = True
                edges.finishing.append(self._finish)
            if self._every:
                self._found[i] = g
            elif first:
                self._fn(g)

        return hook

    def _finish(self, done: bool) -> None:
        found, self._found = self._found, [None] * len(self._found)
        self._waiting = False
        if done and self._every:
            self._fn(found)

    def remove(self) -> None:
        """Take the hooks away again."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Iterable[Any], fn: Callable[[Any], None], *, mode: Literal["all", "any"] = "all"
) -> _Several:
    """Have ``fn`` called in each backward pass that computes gradients of some of ``tensors``.

    Args:
        tensors: tensors that require gradients.
        fn: in mode "all" it is given a list of gradients, None for a tensor that has none in this pass, at the end of the
            pass; in mode "any" the first gradient there is, at once.
        mode: which of both.

    Returns what takes the hook away again by ``remove()``.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"mode is one of 'all' and 'any', not {mode!r}{at_line()}")
    given = list(tensors)
    for tensor in given:
        if tensor._edge is None:
            raise AssertionError(f"a tensor that does not require a gradient takes no hook{at_line()}")
    return _Several(given, fn, mode == "all")


__getattr__ = lacking(__name__)
