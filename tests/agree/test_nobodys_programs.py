"""Programs that nobody wrote give the same bits in both modes, and with the passes that keep every bit as without.

Each law is over a share of all programs; a failing one is shown as text that can be pasted (see ``programs.Program``).
"""

from __future__ import annotations

from tests.agree.laws import law
from tests.agree.pipelines import EXACT
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.runs import as_a_graph, in_a_session, on_the_tape, same, same_in_both_modes


ALONE = [name for name in EXACT if name != "EXACT"]


def agree(program: Program, order: int) -> None:
    """Both modes, run by run, with gradients of one or two orders."""
    runs = range(program.variants)
    tape = on_the_tape(program, runs, order)
    built = as_a_graph(program, order)
    graph = in_a_session(built, (), runs, built.fetches())
    for found, wanted in zip(graph, tape, strict=True):
        same_in_both_modes(program, found, wanted)


def kept(program: Program) -> None:
    """The session's exact passes and one or two other pipelines against no passes, in several ways of running.

    Several runs with inputs of other sizes in between; all that can be fetched, or some of it; compiled, or node by node.
    """
    built = as_a_graph(program)
    runs = [*range(program.variants), 0]
    plain = in_a_session(built, (), runs, built.fetches())
    some, first, second, interpret, *_ = program.picks
    names = dict.fromkeys(["EXACT", ALONE[first % len(ALONE)], ALONE[second % len(ALONE)]])
    for name in names:
        fetches = built.fetches(some if name != ALONE[second % len(ALONE)] and some % 2 else 0)
        found = in_a_session(built, EXACT[name], runs, fetches, interpret=interpret % 3 == 1)
        for x, y in zip(found, plain, strict=True):
            same(x, y, f"{name}, {'all' if len(fetches) == len(built.fetches()) else list(fetches)} fetched")


@law(programs("straight"), share=0.15)
def test_both_modes_give_the_same_bits(program: Program) -> None:
    agree(program, 1)


@law(programs("straight", dtypes=("float64", "float32"), most=16), share=0.05)
def test_both_modes_give_the_same_second_gradients(program: Program) -> None:
    agree(program, 2)


@law(programs("looping"), share=0.1)
def test_both_modes_give_the_same_bits_in_loops_and_branches(program: Program) -> None:
    agree(program, 1)


@law(programs("stateful"), share=0.05)
def test_both_modes_change_variables_alike(program: Program) -> None:
    agree(program, 1)


@law(programs("mixed"), share=0.1)
def test_both_modes_have_the_same_effects_everywhere(program: Program) -> None:
    agree(program, 1)


@law(programs("straight"), share=0.1)
def test_exact_passes_keep_every_bit(program: Program) -> None:
    kept(program)


@law(programs("dense"), share=0.05)
def test_exact_passes_keep_every_bit_in_regions_of_several_shapes(program: Program) -> None:
    kept(program)


@law(programs("looping"), share=0.1, parts=2)
def test_exact_passes_keep_every_bit_in_loops_and_branches(program: Program) -> None:
    kept(program)


@law(programs("stateful"), share=0.05)
def test_exact_passes_keep_what_variables_become(program: Program) -> None:
    kept(program)


@law(programs("mixed"), share=0.1, parts=2)
def test_exact_passes_keep_every_effect(program: Program) -> None:
    kept(program)
