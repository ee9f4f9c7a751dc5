"""What one program text runs on: numpy's arrays, a tape, or a static graph that is being built.

A text calls ops as methods, ``m.tanh(x)``, ``m.sum(x, axis=0)``, and beside them the few words below, which each machine has
in its own way: constants, random draws, loops, branches, variables, gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy

import dynamic as torch
from dynamic.tensor import Tensor
from graphs.core.node import infer
from graphs.core.op import OPS, Op
from graphs.core.random import Stream
from graphs.ops.slicing import Slice


SEED = 11
"""The seed of every machine's random stream."""

Told = list[tuple[int, str]]
"""What a run has told, in order: who told it, and the value."""


def spelt(x: Any) -> str:
    """An array to the last bit, but for the bits of NaNs."""
    x = numpy.asarray(x)
    return f"{x.dtype.name} {x.shape} {x.tolist()}"


class Machine:
    """Ops as methods, and what is made of them the same way everywhere."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self.call, OPS[name])

    def call(self, op: Op, *args: Any, **params: Any) -> Any:
        raise NotImplementedError

    def fitted(self, x: Any, shape: tuple[int, ...], times: int) -> Any:
        """The elements of ``x``, taken ``times`` over, as many as go into ``shape``, in that shape."""
        size = int(numpy.prod(shape))
        flat = self.reshape(x, shape=(-1,))
        if times > 1:
            flat = self.tile(flat, reps=(times,))
        return self.reshape(self.getitem(flat, index=(Slice(0, size),)), shape=shape)

    def whole(self, x: Any, dtype: str, low: int = -9, high: int = 9) -> Any:
        """Integers from ``low`` to ``high`` made of floating numbers; a NaN counts as 0."""
        finite = self.where(self.isfinite(x), x, 0.0)
        return self.cast(self.clip(finite, min=float(low), max=float(high)), dtype=dtype)

    def turn(self, x: Any, size: int) -> Any:
        """Integers from 0 up to ``size`` made of any."""
        return self.remainder(x, size)


class Eager(Machine):
    """Arrays, each op computed at once."""

    def __init__(self) -> None:
        self.stream = Stream(SEED)
        self.rounds: dict[int, int] = {}
        self.state: dict[str, Any] = {}
        self.told: Told = []

    def begin(self) -> None:
        """Begin a run: the next step of the stream of random numbers."""
        self.stream.advance()
        self.rounds.clear()

    def mark(self) -> Any:
        """Where the draws and the variables stand, for ``back``."""
        return self.stream.ordinal, dict(self.rounds), dict(self.state)

    def back(self, mark: Any) -> None:
        self.stream.ordinal, self.rounds, self.state = mark[0], dict(mark[1]), dict(mark[2])

    def lift(self, array: Any) -> Any:
        return numpy.asarray(array)

    def call(self, op: Op, *args: Any, **params: Any) -> Any:
        out = op(*args, **params)
        return tuple(map(self.lift, out)) if isinstance(out, tuple) else self.lift(out)

    def array(self, value: Any) -> Any:
        return self.lift(numpy.array(value))

    def draw(self, name: str, *args: Any, seed: int | None = None, **params: Any) -> Any:
        """A random op: of the stream, or with ``seed`` of its own."""
        if seed is None:
            return self.call(OPS[name], *args, key=self.stream.key(), **params)
        rounds = self.rounds.get(seed, 0)
        self.rounds[seed] = rounds + 1
        return self.call(OPS[name], *args, key=(seed, self.stream.step, rounds), **params)

    # Loops and branches: Python's

    def rows(self, x: Any) -> Sequence[Any]:
        """The rows of ``x``, by one op, so that a gradient is put together of whole rows, signs of zeros and all."""
        count = x.shape[0]
        parts = self.split(x, sections=count, axis=0) if count > 1 else (x,) * count
        return [self.getitem(part, index=(0,)) for part in parts]

    def scan(
        self, body: Callable[..., Any], elems: Any, *first: Any, reverse: bool = False, effects: Sequence[str] = ()
    ) -> Any:
        """The first state after each of the rows of ``elems``, stacked."""
        state, kept = first, []
        rows = self.rows(elems)
        for row in reversed(rows) if reverse else rows:
            state = body(*state, row)
            kept.append(state[0])
        if not kept:
            return self.array(numpy.zeros((0, *first[0].shape), self.plain(first[0]).dtype))
        return self.stack(*(kept[::-1] if reverse else kept), axis=0)

    def foldl(self, body: Callable[..., Any], elems: Any, *first: Any, effects: Sequence[str] = ()) -> Any:
        """The last states."""
        state = first
        for row in self.rows(elems):
            state = body(*state, row)
        return tuple(map(self.identity, state))

    def map(self, body: Callable[..., Any], elems: Any, like: Any, effects: Sequence[str] = ()) -> Any:
        """What ``body`` makes of each row, which is something like ``like``, stacked."""
        kept = [body(row) for row in self.rows(elems)]
        return self.stack(*kept, axis=0) if kept else self.array(numpy.zeros((0, *like.shape), self.plain(like).dtype))

    def while_loop(
        self, cond: Callable[..., Any], body: Callable[..., Any], most: int, *first: Any, effects: Sequence[str] = ()
    ) -> Any:
        """The states once ``cond`` of them is false, after ``most`` rounds at the latest."""
        state, rounds = first, 0
        while rounds != most and bool(self.plain(cond(*state))):
            state = body(*state)
            rounds += 1
        return tuple(map(self.identity, state))

    def cond(self, chosen: Any, then: Callable[[], Any], other: Callable[[], Any], effects: Sequence[str] = ()) -> Any:
        return then() if bool(self.plain(chosen)) else other()

    def plain(self, x: Any) -> Any:
        """The array behind a value."""
        return x

    # Effects, each after those before

    def assign(self, name: str, value: Any, wait: str = "own") -> Any:
        """Let the variable have ``value`` from here on. No gradient flows through.

        ``wait`` says behind what a graph puts it by control dependencies: the last effect of its own chain, all chains',
        what is computed (``behind``) of all chains', or none.
        """
        self.state[name] = value
        return self.stop_gradient(value)

    def assign_add(self, name: str, value: Any, wait: str = "own") -> Any:
        """Let the variable have ``value`` more."""
        return self.assign(name, self.add(self.state[name], value))

    def assign_sub(self, name: str, value: Any, wait: str = "own") -> Any:
        """Let the variable have ``value`` less."""
        return self.assign(name, self.subtract(self.state[name], value))

    def scatter(self, name: str, places: Any, rows: Any, wait: str = "own") -> Any:
        """Put ``rows`` in the place of those at ``places``, which all differ."""
        table = numpy.array(self.plain(self.state[name]))
        table[self.plain(places)] = self.plain(rows)
        return self.assign(name, self.lift(table))

    def read(self, name: str, wait: str = "own") -> Any:
        """What the variable holds by now. No gradient flows into it."""
        return self.stop_gradient(self.state[name])

    def tell(self, number: int, x: Any, wait: str = "own") -> Any:
        """``x``, written down in ``told``. No gradient flows through."""
        self.told.append((number, spelt(self.plain(x))))
        return self.stop_gradient(self.identity(x))

    def after(self, x: Any, *others: Any) -> Any:
        """``x``, once there are ``others``."""
        return self.identity(x)

    def gradients(self, y: Any, xs: Sequence[Any]) -> list[Any]:
        return [None] * len(xs)


class Trial(Eager):
    """Arrays, where what a graph would refuse is refused too."""

    def call(self, op: Op, *args: Any, **params: Any) -> Any:
        infer(op, args, params)
        return super().call(op, *args, **params)


class Taped(Eager):
    """Tensors of ``dynamic``."""

    def lift(self, array: Any) -> Any:
        return array if isinstance(array, Tensor) else torch.from_numpy(numpy.asarray(array))

    def plain(self, x: Any) -> Any:
        return x.detach().numpy()

    def gradients(self, y: Any, xs: Sequence[Any]) -> list[Any]:
        """The gradients of ``y``, themselves on the tape; None where it does not depend on one of ``xs``."""
        if not y.requires_grad:
            return [None] * len(xs)
        wanted = [x for x in xs if x.requires_grad]
        found = iter(torch.autograd.grad(y, wanted, create_graph=True, allow_unused=True)) if wanted else iter(())
        return [next(found) if x.requires_grad else None for x in xs]
