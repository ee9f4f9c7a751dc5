"""A session's runs of plans of which GPUs do a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.core.random import Draws
from static.plan import Plan


def run_placed(session: Any, plan: Plan, feeds: Sequence[Any], draw: Draws | None) -> tuple[Any, ...]:
    """What a run of ``plan`` fetches; the session's variables have changed. The session's lock is held."""
    device = plan.device
    assert device is not None
    moved = device.homed(session._state)
    if moved:
        session._state = {**session._state, **moved}
        session._own.update(moved)
    own = bool(plan.inplace) and session._owns(plan.inplace)
    try:
        values, written = plan(session._state, feeds, draw, own)
    except BaseException:
        if device.committed:  # the GPU's variables have changed, so the host's do
            session._state = {**session._state, **device.pending}
        raise
    device.count(moved)
    session.traffic = device.traffic
    if not own and plan.rows:
        session._commit(written)
    elif written:
        session._state = {**session._state, **written}
        session._own.update({variable: written[variable] for variable in plan.inplace})
    return values


__all__ = ["run_placed"]
