"""How numbers of several ranks are combined: ``ReduceOp``, and the sum itself, always in the order of the ranks.

MPI leaves the order of a reduction to the library, the message's length and the number of ranks. Here rank 0's numbers are
combined with rank 1's, then with rank 2's, and so on: so all ranks have the same bits, and so has each run.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError, at_line


class ReduceOp:
    """Ways to combine. ``AVG`` is the sum divided by the number of ranks; those with a B work on the bits of integers."""

    SUM, AVG, PRODUCT, MIN, MAX = "SUM", "AVG", "PRODUCT", "MIN", "MAX"
    BAND, BOR, BXOR = "BAND", "BOR", "BXOR"
    RedOpType = str


_FUNCTIONS = {
    "SUM": numpy.add,
    "AVG": numpy.add,
    "PRODUCT": numpy.multiply,
    "MIN": numpy.minimum,
    "MAX": numpy.maximum,
    "BAND": numpy.bitwise_and,
    "BOR": numpy.bitwise_or,
    "BXOR": numpy.bitwise_xor,
}

REDUCTIONS = tuple(_FUNCTIONS)
"""The ways to combine, by number."""


def checked(op: Any, dtype: Any) -> str:
    """The name of a way to combine numbers of ``dtype``. Raises DtypeError for one that they cannot be combined by."""
    name = op if isinstance(op, str) else getattr(op, "name", str(op))
    if name not in _FUNCTIONS:
        raise ValueError(f"numbers are combined by one of {', '.join(REDUCTIONS)}, not by {op!r}{at_line()}")
    kind = dtype.kind
    if (
        (name in ("BAND", "BOR", "BXOR") and kind not in "iub")
        or (name in ("MIN", "MAX", "PRODUCT") and kind == "c")
        or (name == "AVG" and kind not in "fc")
    ):
        raise DtypeError(f"{name} does not combine numbers of {dtype.name}{at_line()}")
    return name


def combine(rows: Any, name: str, out: Any) -> None:
    """Combine the rows of a matrix in order, into ``out``."""
    function = _FUNCTIONS[name]
    with numpy.errstate(all="ignore"):
        if len(rows) == 1:
            out[...] = rows[0]
        else:
            function(rows[0], rows[1], out=out)
        for row in rows[2:]:
            function(out, row, out=out)
        if name == "AVG":
            out /= out.dtype.type(len(rows))
