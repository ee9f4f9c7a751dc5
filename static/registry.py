"""Ops by the names that files give them: those of ``graphs``, and after ``static.`` those that only this package has."""

from __future__ import annotations

from graphs.core.op import OPS, Op


PREFIX = "static."

_OWN: dict[str, Op] = {}


def registered(op: Op) -> Op:
    """``op``, entered under its name. Raises ValueError where this package has one of that name."""
    if op.name in _OWN:
        raise ValueError(f"there is an op {op.name} already")
    _OWN[op.name] = op
    return op


def known(name: str) -> Op | None:
    """The op that files call ``name``, None where there is none."""
    return _OWN.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else OPS.get(name)


def name_of(op: Op) -> str | None:
    """What files call ``op`` (whatever its gradient is); None where they have no name for it."""
    for name in (op.name, PREFIX + op.name):
        found = known(name)
        if found is not None and found.kernel is op.kernel:
            return name
    return None
