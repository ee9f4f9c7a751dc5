"""Random programs compiled to native code give the bits that their text in Python gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import pytest

import static.native
import static.plan
from tests.agree.laws import law
from tests.agree.pipelines import EXACT, WITHIN
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.rounding import Truth, within
from tests.agree.runs import as_a_graph, in_a_session, same


@contextmanager
def hot_at_once() -> Iterator[None]:
    """Let a plan be compiled after its first run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static.plan, "HOT_SECONDS", 0.0)
        patch.setattr(static.plan, "SECONDS_A_CALL", 0.0)
        patch.setattr(static.native, "empty", unused)
        yield


def unused(shape: Any, dtype: Any) -> numpy.ndarray:
    """New memory, full of what no program computes: NaNs, or large odd numbers."""
    count = math.prod(numpy.atleast_1d(shape)) * numpy.dtype(dtype).itemsize
    return numpy.full(count, 0xFF, numpy.uint8).view(dtype).reshape(shape)


def natively(program: Program) -> None:
    """Each set of inputs twice: by Python, then natively. And once more when others have been by."""
    runs = [i for i in range(program.variants) for _ in range(2)] + [0]
    built = as_a_graph(program)
    plain = in_a_session(built, (), runs, built.fetches())
    some, loops, *_ = program.picks
    name = "loops" if loops % 2 else "EXACT"
    with hot_at_once():
        found = in_a_session(built, EXACT[name], runs, built.fetches(some))
    for x, y in zip(found, plain, strict=True):
        same(x, y, f"{name}, natively")


def nearly(program: Program) -> None:
    """A run by Python and a native one under the session's own passes, from the same variables and draws."""
    built = as_a_graph(program)
    (plain,) = in_a_session(built, (), [0], built.fetches())
    with hot_at_once():
        found = in_a_session(built, WITHIN["PIPELINE"], [0, 0], built.fetches(program.picks[0]), afresh=True)
    truth = Truth(program, built, 0, plain)
    for each, way in zip(found, ("by Python", "natively"), strict=True):
        within(truth, each, f"PIPELINE, {way}", nearer=False)


@law(programs("straight"), share=0.04, parts=2)
def test_native_code_keeps_every_bit(program: Program) -> None:
    natively(program)


@law(programs("looping"), share=0.02)
def test_native_code_keeps_every_bit_in_loops_and_branches(program: Program) -> None:
    natively(program)


@law(programs("stateful"), share=0.02)
def test_native_code_keeps_what_variables_become(program: Program) -> None:
    natively(program)


@law(programs("mixed"), share=0.02)
def test_native_code_keeps_every_effect(program: Program) -> None:
    natively(program)


@law(programs("mixed", smooth=True, special=False, batches=False, dtypes=("float32",)), share=0.02)
def test_native_code_keeps_to_the_bound_of_the_passes(program: Program) -> None:
    nearly(program)
