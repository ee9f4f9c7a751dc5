"""Memory for time: what a part of a program saves for its gradient is forgotten, and computed anew when it is needed."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dynamic.apply import Carried
from dynamic.autograd.grad_mode import enable_grad, no_grad
from dynamic.names import lacking
from dynamic.random import default_generator
from dynamic.tape import Record, leaf, recording
from graphs.core.errors import GraphsError, at_line
from graphs.core.node import ancestors, next_serial
from graphs.core.op import Ghost, Op


class CheckpointError(GraphsError, RuntimeError):
    """A part of a program that did something else when it was run again."""


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Two contexts that do nothing: for the first run and for those that follow."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, keeping nothing of what it saves for its gradient: that runs ``function`` once more.

    Args:
        function: a part of the program, which does the same again when it is called again.
        args, kwargs: its arguments.
        use_reentrant: with True, the default, of which PyTorch warns, no keyword arguments are taken, and gradients flow
            only where an argument requires one. In both cases ``autograd.grad``, second derivatives and hooks work as
            without a checkpoint.
        preserve_rng_state: draw the same random numbers again.
        context_fn: gives the contexts in which the first run and those that follow take place.
        determinism_check: "default", or "none" to accept other shapes from the second run.
        debug, early_stop: PyTorch's settings of how to find differences and when to stop, which change nothing here.

    Raises CheckpointError, in the backward pass, where the second run does not do what the first did.
    """
    if use_reentrant is None:
        warnings.warn("checkpoint: say use_reentrant=False, or True, which is the default", UserWarning, stacklevel=2)
        use_reentrant = True
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check is 'default' or 'none', not {determinism_check!r}{at_line()}")
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}: use_reentrant=True takes none{at_line()}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError(f"context_fn and debug are for use_reentrant=False only{at_line()}")
        if not any(isinstance(x, Carried) and x._edge is not None for x in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=2)
            with no_grad():
                return function(*args)
    first, again = context_fn()
    if not recording.get():
        with first:
            return function(*args, **kwargs)
    draws = _Draws() if preserve_rng_state else None
    start = next_serial()
    with first:
        result = function(*args, **kwargs)
    forgotten = _records(result, start)
    if forgotten:
        _Segment(function, args, kwargs, again, draws, determinism_check == "default").forget(forgotten)
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """``functions`` one after the other, as so many checkpoints; the last segment is run as it is.

    ``functions`` are an ``nn.Sequential`` or a sequence of callables. The only further argument is ``preserve_rng_state``.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}{at_line()}")
    if use_reentrant is None:
        warnings.warn("checkpoint_sequential: say use_reentrant=False, or True, the default", UserWarning, stacklevel=2)
        use_reentrant = True
    parts = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(parts) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(_chain(parts[start:end]), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _chain(parts[end:])(input)


def _chain(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


class _Draws:
    """Where the default stream of random numbers stands."""

    def __init__(self) -> None:
        stream = default_generator.stream
        self._state = (stream.seed, stream.step, stream.ordinal, stream.pinned)

    def put(self) -> None:
        """Have the stream stand there again."""
        stream = default_generator.stream
        stream.seed, stream.step, stream.ordinal, stream.pinned = self._state


class _Segment:
    """A part of a program that can be run again to fill the records that its first run left."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        context: AbstractContextManager[Any],
        draws: _Draws | None,
        check: bool,
    ) -> None:
        self._function = function
        self._args, self._kwargs = args, kwargs
        self._context = context
        self._draws = draws
        self._check = check
        self._records: list[weakref.ref[Record]] = []
        self._made: list[tuple[str, tuple[Any, ...]]] = []

    def forget(self, records: list[Record]) -> None:
        """Take from the records what they have saved; each will ask for it."""
        self._records = list(map(weakref.ref, records))
        self._made = [(record.op.name, record.specs) for record in records]
        for record in records:
            function = "function" in record.op.traits
            if not (record.held or function):
                continue  # it has saved nothing
            if function:
                record.op = _deferred(record)
            if record.shape is None:
                record.outs = tuple(Ghost((out.shape, out.dtype)) for out in record.outs)
            record.saved = None
            record.held = ()
            record.refill = self.fill

    def fill(self) -> None:
        """Run the function again and give the records what this run saves."""
        now = _Draws()
        if self._draws is not None:
            self._draws.put()
        args = [_detached(x) for x in self._args]
        kwargs = {name: _detached(x) for name, x in self._kwargs.items()}
        start = next_serial()
        try:
            with enable_grad(), self._context:
                result = self._function(*args, **kwargs)
        finally:
            if self._draws is not None:
                now.put()
        again = _records(result, start)
        made = [(record.op.name, record.specs) for record in again]
        if len(made) != len(self._made) or (self._check and made != self._made):
            raise CheckpointError(
                f"a checkpointed function did something else when it was run again: at first {_told(self._made)}, "
                f"then {_told(made)}{at_line()}"
            )
        for reference, new in zip(self._records, again, strict=True):
            record = reference()
            if record is None or record.refill is None:
                continue
            for holder in new.held:
                counter = holder if isinstance(holder, list) else holder._counter
                if counter is not None and counter[0] > new.serial:
                    raise CheckpointError(f"a value that {new.label} saved was changed in place afterwards{at_line()}")
            record.refill = None
            record.op = new.op if "function" in new.op.traits else record.op
            record.saved, record.outs = new.saved, new.outs
            record.held = ([0, 0],)  # what was held is of this run, and as it was when saved: nothing changes it later


def _records(result: Any, start: int) -> list[Record]:
    """The records made since ``start`` that the tensors in ``result`` come from, in order of creation."""
    roots = {x._edge.node for x in _tensors(result) if x._edge is not None and x._edge.node.serial >= start}
    found = ancestors(roots, stop=lambda record: record.serial < start)
    return [record for record in found if record.serial >= start and record.op is not leaf]


def _tensors(x: Any) -> Iterator[Any]:
    """The tensors in nested tuples, lists and dictionaries."""
    if isinstance(x, Carried):
        yield x
    elif isinstance(x, (tuple, list)):
        for item in x:
            yield from _tensors(item)
    elif isinstance(x, Mapping):
        for item in x.values():
            yield from _tensors(item)


def _detached(x: Any) -> Any:
    """An argument for the second run: where it required a gradient, a leaf over the same memory."""
    if isinstance(x, Carried):
        tensor: Any = x
        return tensor.detach().requires_grad_(tensor.requires_grad)
    return x


def _deferred(record: Record) -> Op:
    """In place of a user's Function, whose context has saved what it needs: that of the second run."""
    reference = weakref.ref(record)

    def rule(needs: Any, gs: Any, outs: Any, args: Any, **params: Any) -> Any:
        filled = reference()
        assert filled is not None
        assert filled.op.joint is not None
        return filled.op.joint(needs, gs, outs, args, **params)

    op = Op(record.op.kernel, name=record.op.name, shape=_nothing, dtype=_nothing, traits=record.op.traits)
    op.joint = rule
    return op


def _nothing(*_: Any, **__: Any) -> Any:
    return None


def _told(made: Sequence[tuple[str, Any]]) -> str:
    return f"{len(made)} operations ({', '.join(name for name, _ in made[:8])}{', ...' if len(made) > 8 else ''})"


__getattr__ = lacking(__name__)
