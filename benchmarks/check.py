"""Do all systems run the same programs? ``python -m benchmarks.check`` compares losses at small sizes, and times nothing."""

from __future__ import annotations

import json
from typing import Annotated

import numpy
import typer

from benchmarks.contenders import CONTENDERS, HAND
from benchmarks.contenders.base import AbsentError
from benchmarks.workloads import SMALL


STEPS = 20
TOLERANCE = 1e-4
"""How far losses may lie apart, relatively; Adam's powers of its decays are float32 in TensorFlow, which costs 5e-5."""


def losses(who: str, name: str) -> list[float]:
    """The first losses of a contender on a small workload. Raises ``AbsentError`` where it cannot run it."""
    with numpy.errstate(all="ignore"):
        step = CONTENDERS[who].step(CONTENDERS[who].load(), SMALL[name])
        return [step() for _ in range(STEPS)]


def main(
    only: Annotated[list[str] | None, typer.Option(help="A contender to check; may be repeated.")] = None,
    work: Annotated[list[str] | None, typer.Option(help="A workload; may be repeated.")] = None,
) -> None:
    """Print a line of JSON for each contender and workload: its losses, or why there are none; fail where they differ."""
    differs = False
    for name in work or SMALL:
        expected = losses(HAND, name)
        for who in only or CONTENDERS:
            try:
                found = losses(who, name)
            except AbsentError as why:
                print(json.dumps({"work": name, "who": who, "absent": str(why)}), flush=True)
                continue
            same = bool(numpy.allclose(found, expected, rtol=TOLERANCE, atol=0))
            differs |= not same
            print(json.dumps({"work": name, "who": who, "same": same, "losses": found}), flush=True)
    if differs:
        raise typer.Exit(1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
