"""The passes that a plan's nodes go through before they are ordered: one tuple, each alone.

A pass is a function ``(program, log, choice) -> program``. Ten lines are enough for one of your own: like ``simplify``, a
set of rules, swept over the program.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from graphs import rewrite as rewriting
from graphs.codegen.fuse import fuse, fuse_exactly
from graphs.core.node import Node, Value
from graphs.rewrite import (
    Choice,
    Cost,
    Log,
    Program,
    Record,
    Rewritten,
    Shapes,
    confirm,
    cost,
    cse,
    fold,
    rewrite,
)
from graphs.rewrite.counting import count
from graphs.rewrite.hoist import hoist, hoist_exactly
from graphs.rewrite.merge import merge
from graphs.rewrite.narrow import narrow
from graphs.rewrite.waiting import hold
from static.names import type_name
from static.passes.accumulate import accumulate
from static.passes.arrays import unpack_arrays
from static.state import constant_op


Pass = Callable[[Program, Log, Choice], Program]
"""What a pass is; its name is the function's."""


def simplify(program: Program, log: Log, choice: Choice) -> Program:
    """The program with the rules of ``graphs.rewrite.library`` applied, those that keep every bit."""
    return rewrite(program, rewriting.SIMPLIFY, log, choice)


def stabilise(program: Program, log: Log, choice: Choice) -> Program:
    """As ``simplify``, with the rules that come nearer to the true value too: the logarithm of a softmax stays finite."""
    return rewrite(program, rewriting.SIMPLIFY, log, choice, "stable")


def fast_math(program: Program, log: Log, choice: Choice) -> Program:
    """As ``stabilise``, with the rules too that hold for ordinary numbers only: NaNs, infinities and -0.0 may get lost."""
    return rewrite(program, rewriting.SIMPLIFY, log, choice, "fast")


def reuse(program: Program, log: Log, choice: Choice) -> Program:
    """The program, its results on the way to share memory that is planned once (``Plan.memory``).

    A plan of it that proves hot is compiled to native code over that memory (``static.native``); the bits stay the same.
    """
    return replace(program, reuse=True)


PIPELINE: tuple[Pass, ...] = (
    fold, cse, simplify, count, unpack_arrays, cse, merge, hoist, narrow, cse, accumulate, fuse, reuse,
)  # fmt: skip
"""The passes in order. ``cse`` comes again after each that may make equal nodes of nodes that were not."""

EXACT: tuple[Pass, ...] = (fold, cse, simplify, count, unpack_arrays, cse, merge, narrow, cse, fuse_exactly, reuse)
"""The passes that keep every bit: sums stay in the order that was written, exponentials and the like numpy's."""


class Optimised(Rewritten):
    """A node that a pass made of a graph's operations. It is in no graph; what it stands for is in ``origins``."""

    __slots__ = ()

    @property
    def type(self) -> str:
        """TensorFlow's name of the op."""
        return type_name(self.op.name)

    @property
    def control_inputs(self) -> list[Node]:
        """The operations that run before this one although no value flows."""
        return list(self.after)

    @property
    def graph(self) -> Any:
        """The graph of the operations that it stands for."""
        return self._origin.graph

    @property
    def body(self) -> Any:
        """The inside of the loop or branch that they were made in, None for the graph itself."""
        return self._origin.body

    @property
    def device(self) -> str:
        """The name of the device that was asked for."""
        return str(self._origin.device)

    @property
    def writes(self) -> tuple[tuple[Any, int], ...]:
        """The variables that it changes beside yielding values, each with the output that is the new value.

        They are those of the loop or branch that it stands for; another one that a pass has taken out of that has none.
        """
        origin = self._origin
        made: tuple[tuple[Any, int], ...] = origin.writes if origin.op is self.op and origin.name == self.name else ()
        return made

    @property
    def _origin(self) -> Any:
        return self.origins[-1]

    def __repr__(self) -> str:
        return f"<optimised '{self.name}' type={self.type}>"


@dataclass(frozen=True, slots=True)
class Stage:
    """What one pass did.

    Attributes:
        name: the pass.
        was: the program before it.
        now: the program after it.
        records: its rewrites.
        seconds: how long it took.
        refused: whether it was refused, and so did nothing.
    """

    name: str
    was: Program
    now: Program
    records: Sequence[Record]
    seconds: float
    refused: bool = False

    def costs(self, shapes: Shapes | None = None) -> tuple[Cost, Cost]:
        """What a run costs before the pass and after it, in a run with these shapes."""
        return cost(self.was, shapes), cost(self.now, shapes)

    def as_dict(self, shapes: Shapes | None = None) -> dict[str, Any]:
        """Costs, seconds and the number of rewrites, as JSON takes them."""
        before, after = self.costs(shapes)
        return {
            "name": self.name,
            "refused": self.refused,
            "seconds": self.seconds,
            "rewrites": len(self.records),
            "before": before.as_dict(),
            "after": after.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the passes made of a run.

    Attributes:
        program: the nodes in order, and in its roots what each fetch has become.
        log: a record for each rewrite.
        stages: what each pass did; ``programs`` the program before the first pass and after each.
    """

    program: Program
    log: Log
    stages: list[Stage] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Stages and records, as JSON takes them."""
        return {
            "stages": [stage.as_dict() for stage in self.stages],
            "rewrites": [record.as_dict() for record in self.log],
        }

    def __str__(self) -> str:
        """A table of the stages, then the rules that fired, by how often."""
        lines = [f"{'pass':<12}{'nodes':>8}{'after':>8}{'rewrites':>10}{'ms':>8}"]
        lines += [
            f"{stage.name:<12}{len(stage.was.nodes):>8}{len(stage.now.nodes):>8}{len(stage.records):>10}"
            f"{stage.seconds * 1e3:>8.1f}"
            for stage in self.stages
        ]
        lines += [f"  {rule} x{count}" for rule, count in self.log.counts.most_common()]
        return "\n".join(lines)


def optimise(
    nodes: Sequence[Any],
    fetches: Sequence[Any],
    fed: Sequence[Value],
    passes: Sequence[Pass] = PIPELINE,
    choice: Choice | None = None,
) -> Outcome:
    """What ``passes`` make of the nodes (in order) that ``fetches`` need where the tensors ``fed`` are given.

    A fetched value may have become another node's; fetched operations keep their places. Under a ``choice`` of its own a run
    is done again with a rule refused, or only so far.
    """
    with _uncollected():
        return _optimised(nodes, fetches, fed, passes, choice or Choice())


def _optimised(
    nodes: Sequence[Any], fetches: Sequence[Any], fed: Sequence[Value], passes: Sequence[Pass], choice: Choice
) -> Outcome:
    program = hold(Program(tuple(nodes), tuple(fetches), frozenset((x.node, x.index) for x in fed), constant_op, Optimised))
    outcome = Outcome(program, Log(), programs=[program])
    for each in passes:
        name = each.__name__
        start, logged, refused = perf_counter(), len(outcome.log), name in choice.refuse
        after = program if refused else each(program, outcome.log, choice)
        seconds, records = perf_counter() - start, outcome.log.records[logged:]
        stage = Stage(name, program, after, records, seconds, refused)
        if choice.check:
            confirm(records)
        outcome.stages.append(stage)
        outcome.programs.append(after)
        program = after
    return Outcome(program, outcome.log, outcome.stages, outcome.programs)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic garbage collector, which finds nothing, as nodes are kept, and doubles the time of large graphs."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


__all__ = [
    "EXACT",
    "accumulate",
    "PIPELINE",
    "Optimised",
    "Outcome",
    "Pass",
    "Stage",
    "count",
    "cse",
    "fast_math",
    "fold",
    "fuse",
    "fuse_exactly",
    "hoist",
    "hoist_exactly",
    "merge",
    "narrow",
    "optimise",
    "reuse",
    "simplify",
    "stabilise",
    "unpack_arrays",
]
