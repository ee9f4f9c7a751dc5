"""The page of the ops: which dtypes each takes, what it gives for them, and whether it has gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy

from graphs.core.errors import DtypeError
from graphs.core.op import OPS, Op
from tests import helpers
from tests.helpers import arrays, inferred, replaced
from tests.samples.table import SAMPLES, Case, Samples


PAGE = Path(__file__).parents[1] / "docs" / "ops.md"
GROUPS = {
    "bool": ("bool",),
    "int": ("int8", "int16", "int32", "int64"),
    "uint": ("uint8", "uint16", "uint32", "uint64"),
    "float": ("float16", "float32", "float64"),
    "complex": ("complex64", "complex128"),
}
DTYPES = [dtype for group in GROUPS.values() for dtype in group]
HEAD = """# The ops

What each op of the shared layer takes and gives, written from the registry by `python -m tests.ops_page`. Dtypes are those
of the arrays that are computed with, all alike; positions, sizes and conditions have their own. `int` stands for int8 to
int64, `uint` for uint8 to uint64, `float` for float16 to float64, `complex` for complex64 and complex128. Any other dtype is
a `TypeError` that names the op and the dtype. Functions may cast before they call an op: PyTorch's take float32 of integers
for what is floating, and TensorFlow's division float32 of short integers.

Gradients: `1, 2` for a first and a second one, `flat` where it is zero everywhere, `refused` where the next one is an error
that says so, `—` where there is none.

| op | takes | gives | gradients |
| --- | --- | --- | --- |
"""


def variants(name: str) -> dict[str, list[Case]]:
    """The op's cases that have arrays, in each dtype; numbers beside them are arrays too."""
    found = [
        replaced(case, {i: numpy.asarray(x) for i, x in enumerate(case.args)})
        for case in SAMPLES[name].cases
        if arrays(case)
    ]
    return {dtype: [helpers.in_dtype(case, dtype) for case in found] for dtype in DTYPES} if found else {}


def given(name: str, cases: list[Case]) -> tuple[str, ...] | None:
    """The dtypes that come out of the first of ``cases``, None where its dtype is refused."""
    try:
        return tuple(spec.dtype.name for spec in inferred(OPS[name], cases[0]))
    except DtypeError:
        return None


def _short(dtypes: list[str]) -> str:
    words = []
    for group, members in GROUPS.items():
        inside = [dtype for dtype in members if dtype in dtypes]
        words += [group] if len(inside) == len(members) else inside
    return ", ".join(words)


def _gives(table: dict[str, tuple[str, ...]]) -> str:
    """What comes out for what goes in, dtypes with the same answer together."""
    if len(every := {out for outs in table.values() for out in outs}) == 1:
        return every.pop()
    kinds: dict[Any, list[str]] = {}
    for dtype, outs in table.items():
        kinds.setdefault(tuple("the same" if out == dtype else out for out in outs), []).append(dtype)
    parts = {kind: ", ".join(dict.fromkeys(kind)) if len(set(kind)) == 1 else " and ".join(kind) for kind in kinds}
    if len(kinds) == 1:
        return parts[next(iter(kinds))]
    return "; ".join(f"{parts[kind]} for {_short(dtypes)}" for kind, dtypes in kinds.items())


REFUSED = {"ctc_occupancy"}
"""Ops whose gradient is refused."""


def _gradients(op: Op, entry: Samples) -> str:
    if op.name in REFUSED:
        return "refused"
    if not op.differentiable:
        return "—"
    if op.rules is not None and not any(op.rules):
        return "flat"
    return "1, 2" if entry.second else "1, then refused"


def page() -> str:
    """The whole page."""
    lines = []
    for name in sorted(SAMPLES):
        if name not in OPS:
            continue
        table = {dtype: outs for dtype, cases in variants(name).items() if (outs := given(name, cases)) is not None}
        takes, gives = (_short(list(table)), _gives(table)) if table else ("no arrays", "as asked")
        lines.append(f"| `{name}` | {takes} | {gives} | {_gradients(OPS[name], SAMPLES[name])} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    helpers.load_samples()
    with numpy.errstate(all="ignore"):
        PAGE.write_text(page(), encoding="utf-8")
