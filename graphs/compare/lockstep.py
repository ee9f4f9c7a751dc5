"""Two forms of a program on the same batches, every bit of their states compared after every update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphs.compare.calls import Log, digest, same_bits, ulps
from graphs.compare.certificate import Seal, Station
from graphs.compare.locate import Node, locate
from graphs.compare.program import Batch, Program, ProgramError, State, Twins


class Difference(NamedTuple):
    """Where two runs part.

    Attributes:
        step: from 1.
        station: which update of the step, from 1.
        what: the first value that differs: ``"gradient of w1"``.
        ulps: its distance in units in the last place, None where there is none (other dtype or shape, NaN against a number).
        others: further values that differ at the same station.
        node: the first node that differs, found by running the step once more node by node; None where no op made the value
            or the second run did not differ.
        note: what the node-by-node run showed, in words.
    """

    step: int
    station: int
    what: str
    ulps: int | None
    others: tuple[str, ...]
    node: Node | None
    note: str


class Agreement(NamedTuple):
    """What a run in lock-step showed.

    Attributes:
        steps: steps run; fewer than asked for where the runs parted.
        compared: arrays compared.
        elements: numbers compared.
        losses: by name and mode, the loss at each step.
        difference: None where every bit was equal.
        certificate: what was compared after each update, in order.
    """

    steps: int
    compared: int
    elements: int
    losses: dict[str, dict[str, list[float]]]
    difference: Difference | None
    certificate: tuple[Station, ...] = ()


def lockstep(twins: Twins, modes: tuple[str, str], batches: Sequence[Batch], dtype: str) -> Agreement:
    """Run the two modes of a program on ``batches`` and compare losses, gradients, optimiser slots and parameters.

    Stops at the first difference and finds the node that it begins at. Raises ProgramError where the two show different
    things.
    """
    programs = _pair(twins, modes, dtype)
    losses: dict[str, dict[str, list[float]]] = {}
    compared = elements = 0
    seal = Seal()
    stations: list[Station] = []
    for step, batch in enumerate(batches, 1):
        for station, (first, second) in enumerate(_states(twins, programs, batch), 1):
            _same_names(twins, modes, first, second, station)
            for mode, state in zip(modes, (first, second), strict=True):
                for name, loss in state.losses.items():
                    if loss.size != 1:
                        raise ProgramError(
                            f"{twins.path}: the loss {name} has shape {loss.shape} in the {mode} form, not one element"
                        )
                    losses.setdefault(name, {mode: [] for mode in modes})[mode].append(loss.item())
            apart = []
            shown = dict(second.items())
            digests = []
            for name, array in first.items():
                compared += 1
                elements += array.size
                mine = theirs = digest(array)
                if not same_bits(array, shown[name]):
                    apart.append((name, ulps(array, shown[name])))
                    theirs = digest(shown[name])
                digests.append((mine, theirs))
            stations.append(seal.station(step, station, first.items(), digests, dict(apart)))
            if apart:
                (name, distance), *others = apart
                node, note = _look_closer(twins, modes, batches[:step], dtype, station, name)
                found = Difference(step, station, name, distance, tuple(other for other, _ in others), node, note)
                return Agreement(step, compared, elements, losses, found, tuple(stations))
    return Agreement(len(batches), compared, elements, losses, None, tuple(stations))


def _pair(twins: Twins, modes: tuple[str, str], dtype: str) -> tuple[Program, Program]:
    setup = twins.begin(dtype)
    first, second = (twins.build(mode, setup) for mode in modes)
    return first, second


def _states(twins: Twins, programs: tuple[Program, Program], batch: Batch) -> list[tuple[State, State]]:
    runs = [twins.run(program.states, _own(batch)) for program in programs]
    if len(runs[0]) != len(runs[1]):
        raise ProgramError(
            f"{twins.path}: one form of the program has {len(runs[0])} updates a step, the other {len(runs[1])}"
        )
    return list(zip(*runs, strict=True))


def _own(batch: Batch) -> Batch:
    """A copy: a program that writes into what it is fed must not change what the other one sees."""
    return {name: array.copy() for name, array in batch.items()}


def _same_names(twins: Twins, modes: tuple[str, str], first: State, second: State, station: int) -> None:
    names = [{name for name, _ in state.items()} for state in (first, second)]
    for mode, own, other in zip(modes, names, reversed(names), strict=True):
        if own - other:
            raise ProgramError(
                f"{twins.path}: at update {station} only the {mode} form shows the {', the '.join(sorted(own - other))}"
            )


def _look_closer(
    twins: Twins, modes: tuple[str, str], batches: Sequence[Batch], dtype: str, station: int, what: str
) -> tuple[Node | None, str]:
    """Run both from the start again, the last of ``batches`` node by node, and find the first node that differs."""
    programs = _pair(twins, modes, dtype)
    for batch in batches[:-1]:
        for program in programs:
            twins.run(program.states, _own(batch))
    logs: list[Log] = []
    ends: list[str] = []
    for program in programs:
        log = Log()
        states = twins.run(program.watch, _own(batches[-1]), log)
        logs.append(log)
        ends.append(log.digest(dict(states[station - 1].items())[what]))
    return locate(logs[0], logs[1], ends[0], ends[1], modes)
