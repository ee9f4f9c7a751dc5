"""Random programs compiled to native code give the bits that their text in Python gives."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

import static.native
import static.plan
from tests.agree.laws import law
from tests.agree.pipelines import EXACT
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.runs import as_a_graph, in_a_session, same


@pytest.fixture(autouse=True)
def _hot_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a plan be compiled after its first run."""
    monkeypatch.setattr(static.plan, "HOT_SECONDS", 0.0)
    monkeypatch.setattr(static.plan, "SECONDS_A_CALL", 0.0)
    monkeypatch.setattr(static.native, "empty", unused)


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
    found = in_a_session(built, EXACT[name], runs, built.fetches(some))
    for x, y in zip(found, plain, strict=True):
        same(x, y, f"{name}, natively")


@law(programs("straight"), share=0.04, parts=4)
def test_native_code_keeps_every_bit(program: Program) -> None:
    natively(program)


@law(programs("looping"), share=0.01, parts=2)
def test_native_code_keeps_every_bit_in_loops_and_branches(program: Program) -> None:
    natively(program)


@law(programs("stateful"), share=0.01, parts=2)
def test_native_code_keeps_what_variables_become(program: Program) -> None:
    natively(program)
