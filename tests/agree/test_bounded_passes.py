"""Random programs under passes whose results may differ within a bound: no further than rounding moves them anyway."""

from __future__ import annotations

from tests.agree.laws import law
from tests.agree.pipelines import WITHIN
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.rounding import Truth, within
from tests.agree.runs import as_a_graph, in_a_session


NEARER = frozenset(["stabilise", "fast_math", "stabilise alone", "fast_math alone"])
"""Pipelines that give numbers where the program as written overflows."""


def near(program: Program) -> None:
    """The session's own pipeline and one of the others, everything or some of it fetched."""
    built = as_a_graph(program)
    (plain,) = in_a_session(built, (), [0], built.fetches())
    truth = Truth(program, built, 0, plain)
    some, other, *_ = program.picks
    names = list(WITHIN)
    for name in dict.fromkeys([names[0], names[other % len(names)]]):
        (found,) = in_a_session(built, WITHIN[name], [0], built.fetches(some if name == names[0] else 0))
        within(truth, found, name, nearer=name in NEARER)


@law(programs("straight", smooth=True, special=False, batches=False, dtypes=("float32",)), share=0.05)
def test_passes_with_a_bound_keep_to_it(program: Program) -> None:
    near(program)


@law(programs("looping", smooth=True, special=False, batches=False, dtypes=("float32",)), share=0.04)
def test_passes_with_a_bound_keep_to_it_in_loops_and_branches(program: Program) -> None:
    near(program)


@law(programs("mixed", smooth=True, special=False, batches=False, dtypes=("float32",)), share=0.04)
def test_passes_with_a_bound_keep_to_it_among_effects(program: Program) -> None:
    near(program)
