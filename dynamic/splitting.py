"""Where the time of a dynamic step goes: split into feed and fetch, kernels, dispatch and the tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy
from numpy import ndarray

import dynamic
from dynamic import apply as applying, autograd
from dynamic.apply import apply, binary, unary
from dynamic.tape import recording
from dynamic.tensor import Tensor
from graphs.codegen.fused import fused
from graphs.compare import Listener
from graphs.compare.clock import Clock, patched, replayed, rounds
from graphs.core.op import Op


FEEDING = ("from_numpy", "tensor", "as_tensor", "asarray", "frombuffer")
FETCHING = ("item", "numpy", "tolist", "__array__", "__float__", "__int__", "__bool__")
"""What turns arrays into tensors, and tensors into what Python can look at."""


Made = tuple[Op, tuple[Any, ...], Mapping[str, Any]]
"""An operation on tensors: op, operands and attributes."""


class Replay(Listener):
    """Keeps the calls of a step, so that they can be made again, alone.

    Attributes:
        forward, back, update: kernels on the way forward, on the way back, and optimisers'.
        changed: arrays that optimisers' kernels write into.
    """

    def __init__(self) -> None:
        self.forward: list[Callable[[], Any]] = []
        self.back: list[Callable[[], Any]] = []
        self.update: list[Callable[[], Any]] = []
        self.changed: list[ndarray] = []
        self._run: Any = None

    def run(self, run: Callable[[], Any]) -> Any:
        """Run a kernel and remember it."""
        self._run = run
        return run()

    def add(
        self,
        op: Op,
        operands: Any,
        results: Any,
        params: Mapping[str, Any],
        name: str = "",
        where: Any = None,
        serial: int | None = None,
    ) -> None:
        """Say which part of the step the kernel was."""
        if op is fused and "body" not in params:
            self.update.append(self._run)
            self.changed += [x for x in operands if isinstance(x, ndarray)]
        else:
            (self.forward if self.behind is None else self.back).append(self._run)

    def before(self, args: Sequence[Any]) -> Any:
        """The arguments themselves."""
        return args

    def kernels(self) -> dict[str, float]:
        """Seconds that the kernels take alone, one after the other; what they have written is put back."""
        held = [array.copy() for array in self.changed]
        with numpy.errstate(all="ignore"):
            found = {"forward": replayed(self.forward), "back": replayed(self.back), "update": replayed(self.update)}
        for array, before in zip(self.changed, held, strict=True):
            array[...] = before
        return found


def split(
    step: Callable[[Any], None],
    listen: Callable[[Any, Listener], Any],
    optimizers: Sequence[Any],
    batch: Any,
    seconds: float,
) -> dict[str, float]:
    """The parts of ``step`` on ``batch``, in seconds: first quartiles of runs for about ``seconds``.

    Several kinds of runs take turns: steps as they are; steps with clocks around what feeds, backward passes and optimisers;
    the step's kernels alone, called again on the same arrays; its operations again without kernels, recorded and not.

    - ``feed``: arrays made tensors, and tensors numbers: ``from_numpy``, ``tensor``, ``item``, ...;
    - ``kernels``: the kernels alone, those of the way back and of the optimiser's update among them;
    - ``dispatch``: the operations, not recorded, with kernels that only hand out what is known already; and optimisers, less
      their kernels;
    - ``tape``: what recording adds to such operations, and backward passes, less their kernels;
    - ``step``: the whole, without clocks.
    """
    replay = Replay()
    listen(batch, replay)
    calls, ops = _calls(step, batch)
    again = [_again(*call) for call in calls]
    results = _results(again, ops)
    feed, back, update = Clock(), Clock(), Clock()
    places = [*_feeding(feed), *_optimising(update, optimizers)]
    places += [(Tensor, "backward", back.timed(Tensor.backward))]
    places += [(autograd, name, back.timed(getattr(autograd, name))) for name in ("backward", "grad")]

    def one() -> dict[str, float]:
        begin = perf_counter()
        step(batch)
        whole = perf_counter() - begin
        for clock in (feed, back, update):
            clock.reset()
        with patched(*places):
            step(batch)
        kernels = replay.kernels()
        taped, untaped = (_without_kernels(again, results, ops, on) for on in (True, False))
        return {
            "step": whole,
            "feed": feed.net,
            "kernels": sum(kernels.values()),
            "dispatch": untaped + max(update.net - kernels["update"], 0.0),
            "tape": max(taped - untaped, 0.0) + max(back.net - kernels["back"], 0.0),
        }

    return rounds(one, seconds)


def _without_kernels(again: Sequence[Callable[[], Any]], results: Sequence[Any], ops: Sequence[Op], on: bool) -> float:
    """Seconds that operations take, recorded or not, whose kernels hand out in turn what they gave before."""
    following = iter(results)

    def kernel(*_: Any, **__: Any) -> Any:
        return next(following)

    before = recording.get()
    try:
        recording.set(on)
        with patched(*((op, "kernel", kernel) for op in ops)):
            return replayed(again)
    finally:
        recording.set(before)


def _calls(step: Callable[[Any], None], batch: Any) -> tuple[list[Made], list[Op]]:
    """The operations on tensors in a step, with their operands; and every op, those that operations call themselves too."""
    found: list[Made] = []
    ops: dict[Op, None] = {}
    before, inside = applying.around, False

    def around(op: Op, args: tuple[Any, ...], params: Any) -> Any:
        nonlocal inside
        ops[op] = None
        outer, inside = inside, True
        try:
            out = apply(op, args, params, plainly=True) if before is None else before(op, args, params)
        finally:
            inside = outer
        if not inside:
            found.append((op, args, params))
        return out

    applying.around = around
    try:
        step(batch)
    finally:
        applying.around = before
    return found, list(ops)


def _results(again: Sequence[Callable[[], Any]], ops: Sequence[Op]) -> list[Any]:
    """What the kernels of operations give, in order; of kernels that call others only what the outer ones give."""
    found: list[Any] = []
    inside = False

    def kept(kernel: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **params: Any) -> Any:
            nonlocal inside
            if inside:
                return kernel(*args, **params)
            inside = True
            try:
                out = kernel(*args, **params)
            finally:
                inside = False
            found.append(out)
            return out

        return call

    with patched(*((op, "kernel", kept(op.kernel)) for op in ops)), numpy.errstate(all="ignore"):
        for run in again:
            run()
    return found


def _again(op: Op, args: tuple[Any, ...], params: Any) -> Callable[[], Any]:
    """The operation, to be called again the way it went."""
    if not params and op.elementwise and len(args) == 2:
        return lambda: binary(op, *args)
    if not params and op.elementwise and len(args) == 1:
        return lambda: unary(op, *args)
    return lambda: apply(op, args, params)


def _feeding(clock: Clock) -> list[tuple[Any, str, Any]]:
    """Clocks around what turns arrays into tensors and back."""
    places: list[tuple[Any, str, Any]] = []
    for name in FEEDING:
        function = vars(dynamic).get(name)
        if function is not None:
            places.append((dynamic, name, clock.timed(function)))
    for name in FETCHING:
        method = getattr(Tensor, name, None)
        if callable(method):
            places.append((Tensor, name, clock.timed(method)))
    return places


def _optimising(clock: Clock, optimizers: Sequence[Any]) -> list[tuple[Any, str, Any]]:
    kinds = dict.fromkeys(type(optimizer) for optimizer in optimizers)
    return [(kind, name, clock.timed(getattr(kind, name))) for kind in kinds for name in ("step", "zero_grad")]
