"""Plans on a GPU: the same text over cupy's arrays, and from the second run on one captured CUDA graph, where that can be.

A plan comes here when its variables or feeds are arrays of another module than numpy. Feeds may come from the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.capture import Capturable, Replay
from graphs.codegen.launch import launchable
from graphs.control import bodies
from graphs.control.program import Draw
from graphs.core.arrays import xp_of
from graphs.core.spec import Spec
from static.emit import Emission
from static.schedule import Schedule, Step


Run = Callable[..., tuple[tuple[Any, ...], Mapping[Any, Any]]]

_CAPTURED_FROM = 2
"""The run that is the first to be captured: a plan that runs once, as that of initial values, is not worth two more."""


class DeviceEmission(Emission):
    """The text of a plan whose kernels are handed cupy's module ``xp`` and whose constants are on the device."""

    def __init__(self, made: Schedule, specs: list[Spec], xp: Any) -> None:
        super().__init__(made, specs)
        there = {
            name: xp.asarray(value)
            for name, value in made.constants.items()
            if type(value) is ndarray and value.dtype.kind in "biufc"
        }

        def copy(value: Any) -> Any:
            return xp.array(value)

        def unranked(value: Any, own: bool) -> Any:
            return value if own else copy(value)

        arrays = dict.fromkeys(["array", "ordered", "dense"], xp.asarray)
        self.namespace.update(there, **arrays, xp=xp, copy=copy, scalar=copy, unranked=unranked)

    def _ufunc_call(self, step: Step) -> None:
        """None: kernels are called with the module, for numpy's ufuncs are not cupy's."""


class OnDevice:
    """A plan on the arrays of cupy's module ``xp``.

    Attributes:
        xp: the module.
        reason: why the last run was not a replay of a graph; empty where it was.
    """

    def __init__(self, xp: Any, made: Schedule, specs: list[Spec], compiled: Callable[[Emission], Run]) -> None:
        self.xp = xp
        self.reason = _refusal(made) if launchable(xp) else f"{xp.__name__} has no CUDA graphs"
        self._refused = bool(self.reason)
        self._function = compiled(DeviceEmission(made, specs, Capturable(xp)))
        self._variables = tuple(made.reads.values())
        self._written = tuple(made.writes)
        self._fetched = len(specs)
        self._runs = 0
        self._replay = Replay(_step(self._function, self._variables, self._written), xp)

    def __call__(
        self, state: Mapping[Any, Any], feeds: Sequence[Any], draw: Draw | None
    ) -> tuple[tuple[Any, ...], Mapping[Any, Any]]:
        """As a plan's call; what it gives are arrays of the device, those without dimensions too."""
        self._runs += 1
        if self._refused or self._runs < _CAPTURED_FROM or not all(variable in state for variable in self._variables):
            if not self._refused:
                self.reason = "it is the first run"
            return self._function(state, [self.xp.asarray(x) for x in feeds], draw, None, False)
        results = self._replay(*[state[variable] for variable in self._variables], *feeds)
        self.reason = self._replay.reason
        return results[: self._fetched], dict(zip(self._written, results[self._fetched :], strict=True))


def _step(function: Run, variables: Sequence[Any], written: Sequence[Any]) -> Callable[..., tuple[Any, ...]]:
    """A run as a function of the variables' values and what is fed."""
    count = len(variables)

    def step(*arrays: Any) -> tuple[Any, ...]:
        state = dict(zip(variables, arrays[:count], strict=True))
        fetched, values = function(state, arrays[count:], None, None, False)
        return (*fetched, *[values[variable] for variable in written])

    return step


def device_of(state: Mapping[Any, Any], variables: Sequence[Any], feeds: Sequence[Any]) -> Any:
    """The module of the arrays that a run reads, where it is not numpy; else None.

    Raises TypeError where arrays of two such modules meet.
    """
    xp = xp_of([*[state.get(variable) for variable in variables], *feeds])
    return None if xp is numpy else xp


def _refusal(made: Schedule) -> str:
    """Why runs of a schedule cannot be replayed, as far as can be told beforehand."""
    if made.random:
        return "it draws random numbers, from keys that change with each run"
    if made.peeks:
        return "it asks whether variables have values"
    if made.rows:
        return "it changes rows of variables"
    acting = [step.node for step in made.steps if _acts(step.node)]
    return f"{acting[0].name} has effects" if acting else ""


def _acts(node: Any) -> bool:
    return "stateful" in node.op.traits or any(_acts(inner) for body in bodies(node) for inner in body.nodes)


__all__ = ["DeviceEmission", "OnDevice", "device_of"]
