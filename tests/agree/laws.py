"""Laws over random programs: how many there are to be, and which."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, reject, seed, settings, strategies as st

from tests.agree.regressions import keep


USUAL, LONG = 200, 10_000
"""Programs in all, over all laws, unless ``pytest --examples`` says otherwise; the second is for ``--long``."""

AT_ONCE = 50
"""Programs that hypothesis makes with one seed: of more it makes many alike."""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]

LAWS: dict[str, Callable[[Any], None]] = {}
"""The laws by name; programs that once broke one are kept under its name (``regressions``)."""


def law(strategy: st.SearchStrategy[Any], share: float, parts: int = 1) -> Callable[[Callable[[Any], None]], Any]:
    """Make the decorated function of a program a test over ``share`` of all programs, in ``parts`` that run side by side.

    The programs are the same each time: those of the seeds from ``--first-seed`` on, ``AT_ONCE`` of each. Where one fails,
    it shrinks, and what is left is kept as a file that is replayed from then on.
    """

    def make(check: Callable[[Any], None]) -> Any:
        name = check.__name__.removeprefix("test_")
        LAWS[name] = held = quiet(check)

        @pytest.mark.parametrize("part", range(parts))
        def test(part: int, pytestconfig: pytest.Config) -> None:
            asked = pytestconfig.getoption("--examples")
            total = asked or (LONG if pytestconfig.getoption("--long") else USUAL)
            first = int(pytestconfig.getoption("--first-seed"))
            left = max(1, round(total * share / parts))
            number = first * parts + part
            while left > 0:
                hold(held, strategy, min(left, AT_ONCE), number, name)
                left, number = left - AT_ONCE, number + parts

        test.__doc__ = check.__doc__
        return test

    return make


def hold(check: Callable[[Any], None], strategy: st.SearchStrategy[Any], count: int, number: int, name: str = "") -> None:
    """Hold ``count`` programs of the seed ``number`` to a law; the least that breaks it is kept, under the law's name."""
    broke: list[Any] = []

    def once(program: Any) -> None:
        try:
            check(program)
        except AssertionError:
            broke.append(program)
            raise

    tried = settings(max_examples=count, deadline=None, suppress_health_check=SLOW, database=None)(given(strategy)(once))
    try:
        seed(number)(tried)()
    except BaseException:
        if broke and name:  # hypothesis ends with the least one
            keep(name, broke[-1])
        raise


def quiet(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """``check`` without numpy's warnings; whatever it raises comes from one place.

    Plans are numbered files: hypothesis would take the same error of two plans for two.
    """

    def quietly(program: Any) -> None:
        raised = ""
        with numpy.errstate(all="ignore"):
            try:
                check(program)
            except AssertionError:
                raise
            except Exception as error:
                if "is not an invariant" in str(error):  # TensorFlow refuses such a loop, too
                    reject()
                raised = traceback.format_exc()
        if raised:
            raise AssertionError(raised)

    return quietly
