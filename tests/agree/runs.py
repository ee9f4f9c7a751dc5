"""Programs run: on the tape, and as a graph in sessions with some passes or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy

import dynamic as torch
import static as tf
from static.passes import Pass
from tests.agree.building import Static
from tests.agree.machines import SEED, Taped, Told
from tests.agree.program import Program


Values = dict[str, Any]
"""Arrays by name; None for a gradient that there is not. Under ``TOLD`` what the run has told."""

TOLD = "! told"


def on_the_tape(program: Program, runs: Sequence[int], order: int = 1) -> list[Values]:
    """What ``program`` gives in dynamic mode for its sets of inputs, one run after the other: all its values, and gradients.

    Gradients are taken for what is on the tape, and the program's ``wrt`` is cut down to that: a graph has gradients for any
    value. They are called ``d <name>``, those of the sum of their squares ``dd <name>``, variables after the run
    ``= <name>``.
    """
    machine = Taped()
    out: list[Values] = []
    held = {leaf.name: leaf.arrays[0] for leaf in program.leaves if leaf.variable}
    for i in runs:
        given = {
            leaf.name: torch.from_numpy((held[leaf.name] if leaf.variable else leaf.arrays[i]).copy())
            for leaf in program.leaves
        }
        for x in given.values():
            if x._array.dtype.kind == "f":
                x.requires_grad_()
        if program.drawn_at_all:
            machine.begin()
        machine.state = {name: given[name] for name in held}
        machine.told = []
        with numpy.errstate(all="ignore"):
            found = program.function(machine, *given.values())
            named = {**given, **found}
            program.wrt = [name for name in program.wrt if named[name].requires_grad]
            gradients = _slopes(machine, program, named, order)
        values = {name: machine.plain(x) for name, x in found.items()}
        values.update({name: None if g is None else machine.plain(g) for name, g in gradients.items()})
        held = {name: machine.plain(x) for name, x in machine.state.items()}
        values.update({f"= {name}": x for name, x in held.items()})
        values[TOLD] = machine.told
        out.append(values)
    return out


def _slopes(machine: Any, program: Program, named: Values, order: int) -> Values:
    """The gradients by name, of one or two orders."""
    if program.total is None or not order:
        return {}
    xs = [named[name] for name in program.wrt]
    first = machine.gradients(named[program.total], xs)
    out = {f"d {name}": g for name, g in zip(program.wrt, first, strict=True)}
    dtype = program.values[program.total].name
    squares = [machine.cast(machine.sum(machine.multiply(g, g)), dtype=dtype) for g in first if g is not None and _real(g)]
    if order > 1 and squares:
        total = squares[0]
        for each in squares[1:]:
            total = machine.add(total, each)
        second = machine.gradients(total, xs)
        out.update({f"dd {name}": g for name, g in zip(program.wrt, second, strict=True)})
    return out


def _real(g: Any) -> bool:
    return "complex" not in str(g.dtype)


@dataclass
class Built:
    """A program as a graph.

    Attributes:
        tensors: what can be fetched, by name; None for a gradient that there is not.
        told: what runs tell, until somebody takes it.
    """

    program: Program
    graph: Any
    placeholders: Values
    variables: Values
    tensors: Values
    told: Told = field(default_factory=list)

    def session(self, passes: Sequence[Pass]) -> Any:
        """A session in which the variables are as the program is given them."""
        session = tf.Session(graph=self.graph, passes=passes)
        self.load(session)
        return session

    def load(self, session: Any) -> None:
        """Give the session's variables what the program is given for them."""
        leaves = {leaf.name: leaf for leaf in self.program.leaves}
        session.load({variable: leaves[name].arrays[0] for name, variable in self.variables.items()})

    def fetches(self, some: int = 0) -> Values:
        """What to fetch: all, or with ``some`` only a part, always with what draws at random or assigns."""
        there = {name: tensor for name, tensor in self.tensors.items() if tensor is not None}
        if not some:
            return there
        kept = [name for i, name in enumerate(there) if (some * 2654435761 >> (i * 7 % 29)) % 4 == 0]
        kept = kept or [list(there)[-1]]
        return {name: tensor for name, tensor in there.items() if name in kept or name in self.program.drawn}

    def feed(self, run: int) -> dict[Any, numpy.ndarray]:
        """What the placeholders are given in a run."""
        leaves = {leaf.name: leaf for leaf in self.program.leaves}
        return {tensor: leaves[name].arrays[run] for name, tensor in self.placeholders.items()}


def as_a_graph(program: Program, order: int = 1) -> Built:
    """``program`` built in a graph of its own."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(SEED)
        machine = Static()
        given, placeholders = {}, {}
        for leaf in program.leaves:
            if leaf.variable:
                variable = machine.variables[leaf.name] = tf.Variable(leaf.arrays[0], name=leaf.name)
                given[leaf.name] = variable.value()
            else:
                given[leaf.name] = placeholders[leaf.name] = tf.placeholder(leaf.dtype.name, leaf.dims, leaf.name)
        found = program.function(machine, *given.values())
        named = {**given, **found}
        tensors = {**found, **_slopes(machine, program, named, order)}
    return Built(program, graph, placeholders, machine.variables, tensors, machine.told)


def in_a_session(
    built: Built,
    passes: Sequence[Pass],
    runs: Sequence[int],
    fetches: Values,
    interpret: bool = False,
    afresh: bool = False,
) -> list[Values]:
    """What a session with ``passes`` gives for the sets of inputs ``runs``, one run after the other.

    Each run begins with what variables hold after the last, or ``afresh``, with the draws of the first run, too.
    Results of earlier runs are looked at when all runs are over: they are the caller's own, and nothing may change them.
    """
    session = built.session(passes)
    run = session.interpret if interpret else session.run
    found, variables = [], []
    for i in runs:
        if afresh:
            built.load(session)
        built.told.clear()
        with session.stream.at(1) if afresh else nullcontext():
            found.append(run(fetches, built.feed(i)))
        found[-1][TOLD] = list(built.told)
        variables.append(session.run(built.variables) if built.variables else {})
    return [
        {**values, **{f"= {name}": x for name, x in held.items()}} for values, held in zip(found, variables, strict=True)
    ]


def apart(x: Any, y: Any, signs: bool = True) -> str:
    """In what two results differ: dtype, shape or bits (any NaN is as good as another); empty where they do not.

    Without ``signs`` a zero is a zero.
    """
    x, y = numpy.asarray(x), numpy.asarray(y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return f"{x.dtype}{x.shape} is not {y.dtype}{y.shape}"
    if x.dtype.kind not in "fc":
        return "" if numpy.array_equal(x, y) else "the values differ"
    for a, b in ((x, y),) if x.dtype.kind == "f" else ((x.real, y.real), (x.imag, y.imag)):
        if not numpy.array_equal(numpy.isnan(a), numpy.isnan(b)):
            return f"NaNs are elsewhere:\n{a}\n{b}"
        there = ~numpy.isnan(a)
        a, b = a[there], b[there]
        if not numpy.array_equal(a, b):
            return f"the bits differ:\n{a[a != b]}\n{b[a != b]}"
        if signs and not numpy.array_equal(numpy.signbit(a), numpy.signbit(b)):
            return "a zero has another sign"
    return ""


def same(found: Values, wanted: Values, what: str) -> None:
    """Assert that ``found`` has the bits that ``wanted`` has under the same names."""
    for name, x in found.items():
        if name == TOLD:
            assert x == wanted[name], f"{what}: what was told differs:\n{x}\n{wanted[name]}"
        elif name in wanted and wanted[name] is not None:
            why = apart(wanted[name], x)
            assert not why, f"{what}: {name}: {why}"


def same_in_both_modes(program: Program, graph: Values, tape: Values) -> None:
    """Assert that a graph without passes and a tape give the same bits, and gradients of the same values.

    Where a program has loops or branches, a graph's gradient adds zeros for what a body did not use, and a tape nothing:
    then the sign of a zero is not looked at, zeros are as good as no gradient, and where there are infinities or NaNs, whose
    products with zeros are NaNs, gradients are not compared.
    """
    assert graph[TOLD] == tape[TOLD], f"graph and tape tell differently:\n{graph[TOLD]}\n{tape[TOLD]}"
    for name in {**graph, **tape}:
        x, y = graph.get(name), tape.get(name)
        if name == TOLD:
            continue
        loose = name[0] == "d" and program.controlled
        if loose:
            if program.special or (x is not None and not numpy.isfinite(x).all()):
                continue
            x, y = (numpy.zeros_like(b) if a is None and b is not None and not b.any() else a for a, b in ((x, y), (y, x)))
        assert (x is None) == (y is None), f"only one mode has {name}: {x} in the graph, {y} on the tape"
        why = "" if x is None else apart(y, x, signs=not loose)
        assert not why, f"graph and tape: {name}: {why}"
