"""Faults planted in the passes are seen by the laws that random programs are held to.

Each has a program kept that shows it; with ``--long`` each is found again, among programs that nobody chose.
"""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import Phase, given, seed, settings

from tests.agree.faults import FAULTS
from tests.agree.laws import SLOW, quiet
from tests.agree.regressions import FOLDER, read


MOST, SEEDS = 400, 3
"""Programs of a seed, and seeds, among which a fault is to be found; the first seed will do for all but one."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_seen_in_the_program_kept_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    _, program = read(FOLDER / "faults" / f"{name}.json")
    law = quiet(fault.law)
    law(program)
    fault.plant(monkeypatch)
    with pytest.raises(AssertionError):
        law(program)


def test_there_are_twenty_and_more() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    assert any(hunted(name, number) is not None for number in range(SEEDS))


def hunted(name: str, number: int) -> Any:
    """The first program in which a fault is seen, of the seed ``number``; None where none of ``MOST`` shows it."""
    fault = FAULTS[name]
    law = quiet(fault.law)
    broke: list[Any] = []

    def once(program: Any) -> None:
        try:
            law(program)
        except AssertionError:
            broke.append(program)
            raise

    tried = settings(max_examples=MOST, deadline=None, suppress_health_check=SLOW, database=None, phases=[Phase.generate])(
        given(fault.strategy)(once)
    )
    with numpy.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        try:
            seed(number)(tried)()
        except AssertionError:
            return broke[0]
    return None
