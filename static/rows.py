"""Changing some rows of a variable and leaving the others where they are: no copy of a large table to change a few rows.

Values of variables are never changed in place otherwise, so that runs may read them without a lock. A session that changes
rows in place takes its lock for every run from then on, and begins with a copy that no earlier run can be reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.resident import Rows
from graphs.core.arrays import xp_of
from static.state import _check_rows


def changed_rows(xp: Any, variable: Any, indices: Any, updates: Any) -> Rows:
    """The kernel of an update that replaces rows, where nothing else in the run needs the variable's new value."""
    _check_rows(xp, variable, indices, updates)
    return Rows(indices, updates)


class Commit:
    """New values for a session's variables, put in place all together or not at all.

    Args:
        state: what the session holds; ``Commit.state`` is what it is to hold.
        own: arrays that nothing but this session can be reading; those that are made here are added.
    """

    def __init__(self, state: Mapping[Any, Any], own: dict[Any, ndarray]) -> None:
        self.state = dict(state)
        self._own = own
        self._before: list[tuple[ndarray, ndarray, ndarray]] = []

    def put(self, written: Mapping[Any, Any]) -> None:
        """Enter the new values, the rows among them in place."""
        for variable, value in written.items():
            if type(value) is not Rows:
                self.state[variable] = value
                continue
            array = self.state[variable]
            if self._own.get(variable) is not array:
                array = self._own[variable] = self.state[variable] = array.copy()
            xp: Any = xp_of((array,))
            rows = value.rows if xp is numpy else xp.asarray(value.rows)
            self._before.append((array, value.indices, array[value.indices]))
            array[value.indices] = rows

    def undo(self) -> None:
        """Put the rows back that ``put`` has changed."""
        while self._before:
            array, indices, rows = self._before[-1]
            array[indices] = rows
            self._before.pop()


def kept(value: Any) -> Any:
    """``value`` as a run hands it to the session: rows as they are, else a copy."""
    return value if type(value) is Rows else numpy.array(value, order="C")
