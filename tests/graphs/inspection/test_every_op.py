"""Every op of the registry, at numbers where ops go wrong: whatever is not finite has a reason or an operand to blame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy
import pytest

from graphs.core.op import OPS
from graphs.inspection.causes import finding
from graphs.inspection.elements import behind, choose, reason_of
from graphs.inspection.history import Cell, Event
from tests import helpers


CALLS = [(name, case) for name, case in helpers.calls() if helpers.floats(case)]
EXTREMES = (0.0, -1.0, math.inf, math.nan)
LEFT_OUT = {name for name, op in OPS.items() if {"random", "control"} & op.traits} | {"matrix_exp", "svd", "eigh", "pinv"}
"""What draws, what goes round as often as an operand says, and what searches until numbers converge."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


def spoiled(case: Any, position: int, value: float) -> Any:
    array = case.args[position].copy()
    array.reshape(-1)[: max(1, array.size // 2)] = value
    return helpers.replaced(case, {position: array})


@pytest.mark.parametrize("name", sorted({name for name, _ in CALLS} - LEFT_OUT))
def test_what_is_not_finite_is_explained(name: str) -> None:
    op = OPS[name]
    for _, case in [each for each in CALLS if each[0] == name][:2]:
        for position in helpers.floats(case):
            for value in EXTREMES if case.args[position].size else ():
                each = spoiled(case, position, value)
                try:
                    outs = helpers.run(op, each)
                except (ValueError, RuntimeError, TypeError, IndexError, ZeroDivisionError, numpy.linalg.LinAlgError):
                    continue
                for place, out in enumerate(map(numpy.asarray, outs)):
                    explained(op, each, out, place)


def explained(op: Any, case: Any, out: Any, place: int) -> None:
    if out.dtype.kind != "f" or numpy.isfinite(out).all():
        return
    index = tuple(int(k) for k in numpy.argwhere(~numpy.isfinite(out))[0])
    params = {**{k: v for k, v in op.attributes.items() if k not in case.params}, **case.params}
    parts = behind(op, case.args, out, place, index, params)
    reason = reason_of(op, case.args, out, index, params, parts)
    chosen = choose(op, case.args, out, place, index, params, parts, reason, ["computed"] * len(case.args))
    values = [numpy.asarray(case.args[part.operand]).ravel()[part.places] for part in parts]
    given = [row for row in values if row.dtype.kind in "fc"]
    if any(numpy.isnan(row).any() for row in given) and chosen is not None:
        blamed = numpy.asarray(case.args[chosen.operand]).ravel()[chosen.place]
        assert numpy.isnan(out[index]) <= numpy.isnan(blamed)
    elif any(row.dtype.kind == "c" for row in given):
        assert chosen is not None
    else:
        moved = reason is None and chosen is not None
        if moved:
            blamed = numpy.asarray(case.args[chosen.operand]).ravel()[chosen.place]
            assert not numpy.isfinite(blamed), f"{op.name}: {out[index]} at {index} has no reason"
        assert reason is not None or chosen is not None


@pytest.mark.parametrize("name", sorted({name for name, _ in CALLS} - LEFT_OUT))
def test_a_nan_among_the_operands_is_followed(name: str) -> None:
    op = OPS[name]
    case = next(case for each, case in CALLS if each == name)
    position = helpers.floats(case)[0]
    if not case.args[position].size:
        return
    each = spoiled(case, position, math.nan)
    try:
        outs = helpers.run(op, each)
    except (ValueError, RuntimeError, TypeError, IndexError, ZeroDivisionError, numpy.linalg.LinAlgError):
        return
    cells = tuple(Cell(x, name=f"x{i}") for i, x in enumerate(each.args))
    event = Event(op, cells, {**each.params}, name)
    for place, out in enumerate(map(numpy.asarray, outs)):
        if out.dtype.kind == "f" and numpy.isnan(out).any():
            found = finding(Cell(out, event, place))
            assert found.link.op or found.chain[-1].name
            assert math.isnan(found.link.value)
            if len(found.chain) > 1:
                assert numpy.isnan(found.chain[-1].value), str(found)
