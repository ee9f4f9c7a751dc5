"""What losses have in common: how they are reduced.

``reduction`` is "mean", "sum" or "none". Until 0.4 PyTorch had ``size_average`` (whether a sum is divided by the number of
terms) and ``reduce`` (whether anything is summed) in its place: both are taken still, with a warning.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Any

from dynamic.names import lacking
from graphs.core.errors import own


REDUCTIONS = ("mean", "sum", "none")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, at the user's line."""
    frame: FrameType | None = sys._getframe(1)
    depth = 2
    while frame is not None and own(frame.f_code.co_filename):
        frame = frame.f_back
        depth += 1
    warnings.warn(message, category, stacklevel=depth)


def reduction_of(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """The reduction that the arguments ask for, of which the last two are the form until 0.4.

    Raises ValueError for a word that is none.
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        message = f"size_average and reduce are the form until 0.4: reduction={reduction!r} says the same"
        warn(message)
    elif reduction not in REDUCTIONS:
        if reduction != "elementwise_mean":  # its name in 0.4.1
            raise ValueError(f"{reduction!r} is not a valid reduction: {', '.join(map(repr, REDUCTIONS))} are")
        reduction = "mean"
    return reduction


def reduced(losses: Any, reduction: str) -> Any:
    """``losses``, reduced."""
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


__getattr__ = lacking(__name__)
