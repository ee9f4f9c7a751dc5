"""Laws over random programs: how many there are to be, and which."""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, reject, seed, settings, strategies as st


USUAL, LONG = 500, 2000
"""Programs in all, over all laws, unless ``pytest --examples`` says otherwise; the second is for ``--long``."""

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]


def law(strategy: st.SearchStrategy[Any], share: float, parts: int = 4) -> Callable[[Callable[[Any], None]], Any]:
    """Make the decorated function of a program a test over ``share`` of all programs, in ``parts`` that run side by side.

    Without ``--examples`` each part has programs of its own that are the same each time; with it, others each time.
    """

    def make(check: Callable[[Any], None]) -> Any:
        @pytest.mark.parametrize("part", range(parts))
        def test(part: int, pytestconfig: pytest.Config) -> None:
            asked = os.environ.get("DIPTYCH_EXAMPLES")
            usual = LONG if pytestconfig.getoption("--long") else USUAL
            count = max(1, round(float(asked or usual) * share / parts))
            each = settings(max_examples=count, deadline=None, suppress_health_check=_SLOW, database=None)(
                given(strategy)(functools.wraps(check, assigned=("__name__", "__qualname__", "__doc__"))(_quiet(check)))
            )
            if asked is None:
                each = seed(part)(each)
            each()

        test.__doc__ = check.__doc__
        return test

    return make


def _quiet(check: Callable[[Any], None]) -> Callable[[Any], None]:
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
