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


MOST = 400
"""Programs among which a fault is to be found."""


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
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hunted(name, monkeypatch) is not None


def hunted(name: str, patch: pytest.MonkeyPatch, number: int = 0, most: int = MOST) -> Any:
    """The first program in which a fault is seen, of the seed ``number``; None where none of ``most`` shows it."""
    fault = FAULTS[name]
    law = quiet(fault.law)
    broke: list[Any] = []

    def once(program: Any) -> None:
        try:
            law(program)
        except AssertionError:
            broke.append(program)
            raise

    fault.plant(patch)
    tried = settings(max_examples=most, deadline=None, suppress_health_check=SLOW, database=None, phases=[Phase.generate])(
        given(fault.strategy)(once)
    )
    with numpy.errstate(all="ignore"):
        try:
            seed(number)(tried)()
        except AssertionError:
            return broke[0]
    return None
