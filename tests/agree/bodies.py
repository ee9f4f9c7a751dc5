"""Loops and branches of programs: what they read from outside, what goes round, what comes out.

A value from outside is handed to a loop by an ``identity`` that nothing else reads, and read once a round by another: a tape
adds up the gradients of each reading, a graph's loop those of each round, so that only then both add in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import indent
from typing import Any

import numpy

from tests.agree.scope import Picks, Scope, Val


MOST_ROUNDS = 4

Steps = Sequence[Any]
Follow = Callable[[Scope, Steps], None]
"""Adds steps to a scope."""


class _Body:
    """A body in the making: ``def name(params): …``."""

    def __init__(self, scope: Scope, params: Sequence[Val], captured: Sequence[Val], picks: Picks) -> None:
        self.scope = scope
        self.picks = picks
        self.inner = scope.inner([*captured, *params], [])
        self.inner.values.clear()
        self.params = params
        self.name = scope.fresh("body")
        for v in (*captured, *params):
            self.inner.keep(f"m.identity({v.name})")
        self.states = self.inner.values[len(captured) :]

    def like(self, state: Val) -> str:
        """The text of something computed inside that has the shapes and the dtype of ``state``."""
        inner, picks = self.inner, self.picks
        shapes = [x.shape for x in state.arrays]
        found = [v for v in inner.values if [x.shape for x in v.arrays] == shapes]
        chosen = found[-1 - picks.number() % len(found)] if found else None
        if (chosen is None or chosen in self.states) and len(set(shapes)) == 1:
            text = inner.fitted(inner.values[-1], shapes[0], state.dtype)
            if text is not None and inner.keep(text):
                chosen = inner.values[-1]
        text = inner.as_dtype(chosen or state, state.dtype)
        if state.kind == "f":
            way = picks.number() % 4
            if way < 3:
                text = (f"m.tanh({text})", f"m.multiply({text}, 0.5)", f"m.add(m.multiply({text}, 0.25), 0.5)")[way]
        elif state.kind == "i":
            text = f"m.turn(m.add({text}, 1), 7)"
        inner.keep(text)
        return inner.values[-1].name

    def text(self, results: Sequence[str]) -> str:
        """The definition. One result is returned bare where ``results`` is a list of one.

        The first depends on every draw: a graph's body leaves out those that nothing needs, and Python's would make them.
        """
        results = type(results)([self._drawing(results[0]), *results[1:]])
        lines = [*self.inner.lines, f"return {', '.join(results)}{',' if isinstance(results, tuple) else ''}"]
        params = ", ".join(v.name for v in self.params)
        return f"def {self.name}({params}):\n" + indent("\n".join(lines), "    ")

    def _drawing(self, result: str) -> str:
        inner = self.inner
        by_name = {v.name: v for v in inner.values}
        state = by_name[result]
        for name in sorted(inner.drawn):
            mean = f"m.mean({inner.as_dtype(by_name[name], inner.dtype)})"
            mean = mean if state.dtype == inner.dtype else f"m.whole({mean}, 'int64')"
            if state.kind not in "fi" or not inner.keep(f"m.add({result}, m.cast({mean}, dtype={state.dtype.name!r}))"):
                raise UnfitError
            result = inner.values[-1].name
        return result


class UnfitError(Exception):
    """A body that cannot be used as it was made."""


def _renamed(scope: Scope, v: Val, letter: str, arrays: Any = None) -> Val:
    return Val(scope.fresh(letter), v.arrays if arrays is None else arrays)


def _captured(scope: Scope, picks: Picks) -> tuple[list[str], list[Val]]:
    """Lines that set apart what a body reads from outside, and the values."""
    lines, captured = [], []
    for _ in range(picks.number() % 3):
        v = scope.value(picks)
        if v is not None:
            mine = _renamed(scope, v, "k")
            lines.append(f"{mine.name} = m.identity({v.name})")
            captured.append(mine)
    return lines, captured


def _done(scope: Scope, bodies: Sequence[_Body], lines: list[str], names: list[str]) -> bool:
    """Keep the lines, of which the last makes the loop or branch; the names can be read afterwards."""
    for env, inner in zip(scope.envs, bodies[-1].inner.envs, strict=True):
        env.update({name: inner[name] for name in inner if name[0] == "k" and name not in env})
    chains = dict.fromkeys(chain for body in bodies for chain in body.inner.effects)
    if chains:
        lines = [*lines[:-1], f"{lines[-1][:-1]}, effects={tuple(chains)})"]
    if not scope.keep_lines(lines, names):
        return False
    if any(body.inner.drawn for body in bodies):
        scope.drawn.add(names[0])
    if chains:
        scope.effects = dict.fromkeys([*scope.effects, *chains], names[0])
    return True


def rows(scope: Scope, name: str, picks: Picks, steps: Steps, follow: Follow) -> bool:
    """``scan``, ``foldl`` or ``map`` over the rows of a value."""
    found = [v for v in scope.values if v.kind in "fi" and v.ndim and max(len(x) for x in v.arrays) <= 6]
    if name in ("foldl", "map") or not all(min(len(x) for x in v.arrays) for v in found):
        found = [v for v in found if min(len(x) for x in v.arrays)]
    if not found or scope.depth > 1:
        return False
    elems = found[-1 - picks.number() % len(found)]
    lines, captured = _captured(scope, picks)
    row = _renamed(scope, elems, "e", tuple(x[0] for x in elems.arrays))
    firsts = [] if name == "map" else [scope.value(picks, "f") or scope.value(picks) for _ in range(1 + picks.number() % 2)]
    if any(v is None or v.kind not in "fi" for v in firsts):
        return False
    states = [_renamed(scope, v, "s") for v in firsts if v is not None]
    body = _Body(scope, [*states, row], captured, picks)
    follow(body.inner, steps)
    if name == "map":
        last = body.inner.values[-1]
        if last.kind not in "fi" or (last.kind == "f" and last.dtype != scope.dtype):
            return False
        lines += [body.text([last.name])]
        made = [scope.fresh()]
        lines += [f"{made[0]} = m.map({body.name}, {elems.name}, {_zeros(last)})"]
        return len({x.shape for x in last.arrays}) == 1 and _done(scope, [body], lines, made)
    results = tuple(body.like(state) for state in body.states[: len(states)])
    lines.append(body.text(results))
    given = ", ".join(v.name for v in firsts if v is not None)
    if name == "scan":
        made = [scope.fresh()]
        reverse = ", reverse=True" if picks.number() % 3 == 2 else ""
        lines.append(f"{made[0]} = m.scan({body.name}, {elems.name}, {given}{reverse})")
    else:
        made = [scope.fresh() for _ in states]
        lines.append(f"{', '.join(made)}, = m.foldl({body.name}, {elems.name}, {given})")
    return _done(scope, [body], lines, made)


def _zeros(v: Val) -> str:
    return f"m.array(numpy.zeros({v.shape}, {v.dtype.name!r}))"


def whiles(scope: Scope, name: str, picks: Picks, steps: Steps, follow: Follow) -> bool:
    """A loop as long as a condition holds."""
    if scope.depth > 1:
        return False
    lines, captured = _captured(scope, picks)
    first = scope.value(picks, "f")
    if first is None:
        return False
    count, state = Val(scope.fresh("i"), (numpy.array(0),) * len(first.arrays)), _renamed(scope, first, "s")
    body = _Body(scope, [count, state], captured, picks)
    follow(body.inner, steps)
    if not body.inner.keep(f"m.add({body.states[0].name}, 1)"):
        return False
    results = (body.inner.values[-1].name, body.like(body.states[1]))
    limit = picks.number() % MOST_ROUNDS
    test = scope.fresh("test")
    way = picks.number() % 3
    condition = f"m.less({count.name}, {limit})"
    if way == 1:
        condition = f"m.logical_and({condition}, m.less(m.sum(m.absolute({state.name})), {picks.of([3.0, 100.0, 0.0])}))"
    lines += [f"def {test}({count.name}, {state.name}):\n    return {condition}", body.text(results)]
    made = [scope.fresh(), scope.fresh()]
    most = picks.of([MOST_ROUNDS, 2])
    begin = "m.array(numpy.array(0))"
    lines.append(f"{', '.join(made)} = m.while_loop({test}, {body.name}, {most}, {begin}, {first.name})")
    return _done(scope, [body], lines, made)


def branches(scope: Scope, name: str, picks: Picks, steps: Steps, follow: Follow) -> bool:
    """One of two bodies."""
    if scope.depth > 1:
        return False
    lines, captured = _captured(scope, picks)
    state = scope.value(picks, "f")
    if state is None:
        return False
    given = _renamed(scope, state, "k")
    lines.append(f"{given.name} = m.identity({state.name})")
    half = len(steps) // 2
    texts = []
    bodies = []
    for part in (steps[:half], steps[half:]):
        body = _Body(scope, [], [*captured, given], picks)
        body.states = [body.inner.values[-1]]
        follow(body.inner, part)
        texts.append(body.text([body.like(body.states[0])]))
        bodies.append(body)
    chosen = scope.value(picks, "b")
    test = f"m.greater(m.sum({state.name}), {picks.of([0.0, 1.0, -1.0])})"
    if chosen is not None and chosen.ndim == 0:
        test = chosen.name
    made = [scope.fresh()]
    lines += [*texts, f"{made[0]} = m.cond({test}, {bodies[0].name}, {bodies[1].name})"]
    return _done(scope, bodies, lines, made)


CONTROL: dict[str, Callable[[Scope, str, Picks, Steps, Follow], bool]] = {
    "scan": rows,
    "foldl": rows,
    "map": rows,
    "while_loop": whiles,
    "cond": branches,
}
