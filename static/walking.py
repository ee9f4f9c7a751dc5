"""A run of the graph as it is written, node by node and into loops: what watches and the stepper stand on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from graphs.control.program import Draw
from graphs.core.node import Value
from graphs.inspection.walk import Walk, Walking
from static.emit import handed_out
from static.layouts import ordered
from static.passes import Optimised
from static.passes.specialise import standins
from static.plan import uninitialized
from static.rows import changed_rows, kept
from static.schedule import Schedule, Step, optimised, schedule


State = Mapping[Any, Any]


class Written:
    """The steps of a run without passes.

    Attributes:
        schedule: the steps.
        specs: those of the fetches.
    """

    def __init__(self, fetches: Sequence[Any], fed: Sequence[Any], given: Sequence[Any], passes: Sequence[Any] = ()) -> None:
        values = standins(fed, given, Optimised)
        program = optimised(fetches, fed, values, passes).program
        self.schedule: Schedule = schedule(program.nodes, program.roots, values)
        self.specs = [fetch.spec for fetch in fetches if isinstance(fetch, Value)]

    def begin(self, state: State, feeds: Sequence[Any], lenient: bool = False) -> dict[str, Any]:
        """The registers before the first step. Raises OpError for a variable without a value, unless ``lenient``."""
        made = self.schedule
        values: dict[str, Any] = dict(made.constants)
        values.update(zip(made.feeds, map(ordered, feeds), strict=True))
        for register, variable in made.reads.items():
            if variable in state:
                values[register] = state[variable]
            elif not lenient:
                raise uninitialized(variable)
        values.update({register: state.get(variable) for register, variable in made.peeks.items()})
        return values

    def walking(
        self,
        values: dict[str, Any],
        draw: Draw | None,
        walk: Walk,
        steps: Collection[int] | None = None,
        told: Callable[[Step, tuple[Any, ...]], None] | None = None,
    ) -> Walking:
        """The steps, or those at the positions ``steps``, on registers that a run begins with.

        Of steps left out that draw by themselves only the key is taken, so that all draw the same numbers as without.
        """
        for position, step in enumerate(self.schedule.steps):
            if steps is not None and position not in steps:
                if step.draws and draw is not None:
                    step.key(draw)
                continue
            operands = tuple([values[arg] for arg in step.args])
            kernel = step.node.op.kernel if step.kernel is changed_rows else step.kernel  # the variable, not its new rows
            outs = yield walk.node(step.node, operands, (), draw if step.draws else None, kernel, step.params)
            values.update(zip(step.outs, outs, strict=True))
            if told is not None:
                told(step, outs)
            for register in step.dead:
                values.pop(register, None)

    def results(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[Any, Any]]:
        """What is fetched, and the new values of the variables that the run changes."""
        made = self.schedule
        pairs = zip(made.fetches, self.specs, strict=True)
        fetched = tuple([handed_out(values[register], own, spec) for (register, own), spec in pairs])
        return fetched, {variable: kept(values[register]) for variable, (register, _) in made.writes.items()}
