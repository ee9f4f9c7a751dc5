"""The values of a cluster session's variables, wherever they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from static.calling import Feed
from static.distributed.failing import Failing
from static.distributed.tensors import packed, unpacked
from static.distributed.worker import HOME
from static.export.forms import spec_to
from static.graph import Operation


class Holding(Failing):
    """The part of ``ClusterSession`` that gives variables values, and gathers them."""

    _ops: dict[str, Operation]
    _inside: bool

    def _held(self) -> dict[Any, Any]:
        """The values of all variables, wherever they are."""
        with self._lock:
            self._usable()
            calls = {place: {"decided": self._pending.pop(place, [])} for place in range(len(self.tasks))}
            answers = self._ask("held", calls)
            self._checked(answers, None)
            values = dict(self._home.state)
            for answer in answers.values():
                values.update({self._ops[name]: unpacked(message) for name, message in answer["values"]})
            return values

    @property
    def _state(self) -> Any:
        return {} if self._connection is None or self._closed else self._held()

    @_state.setter
    def _state(self, values: Mapping[Any, Any]) -> None:
        if values:
            self._hand_over(values)

    def _commit(self, written: Mapping[Any, Any]) -> None:
        self._hand_over(written)

    def load(self, values: Mapping[Any, Any]) -> None:
        """Give variables values, all at once. Raises ValueError or TypeError where one does not fit."""
        self._hand_over({variable.op: Feed(variable._as_graph_element()).array(value) for variable, value in values.items()})

    def _hand_over(self, values: Mapping[Any, Any]) -> None:
        """Let variables have values where they are."""
        with self._lock:
            self._usable()
            groups: dict[int, list[Any]] = {}
            at_home: dict[Any, Any] = {}
            for variable, value in values.items():
                home = self._homes.get(variable)
                if home is None:
                    wish = self._where.wish(variable)
                    home = HOME if variable.params.get("optional") else wish or 0
                    self._homes[variable] = home
                self._ops[variable.name] = variable
                if home == HOME:
                    at_home[variable] = value
                else:
                    spec = variable.specs[0]
                    groups.setdefault(home, []).append([variable.name, json.dumps(spec_to(spec)), packed(value)[0]])
            calls = {
                place: {"values": entries, "decided": self._pending.pop(place, [])} for place, entries in groups.items()
            }
            self._checked(self._ask("load", calls), None)
            self._home.load(at_home)

    def _move(self, moved: Mapping[Any, int]) -> None:
        """Let variables be elsewhere, with their values; plans that were cut before are cut again.

        A run asks for it before it begins: what it calls is no run inside another.
        """
        inside, self._inside = self._inside, False
        try:
            self._moved(moved)
        finally:
            self._inside = inside

    def _moved(self, moved: Mapping[Any, int]) -> None:
        held = self._held()
        values = {variable: held[variable] for variable in moved if variable in held}
        gone: dict[int, list[str]] = {}
        for variable in values:
            gone.setdefault(self._homes[variable], []).append(variable.name)
        if HOME in gone:
            self._home.forget(gone.pop(HOME))
        self._checked(self._ask("forget", {place: {"names": names} for place, names in gone.items()}), None)
        self._homes.update(moved)
        self._version += 1
        self._hand_over(values)


__all__ = ["Holding"]
