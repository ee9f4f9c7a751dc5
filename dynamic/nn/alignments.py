"""The loss of labellings that are aligned with longer sequences: ``torch.nn.functional.ctc_loss``."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.functions.calling import on_host
from dynamic.names import lacking
from dynamic.nn.reducing import reduction_of
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line
from graphs.ops import ctc_loss as ctc_op


@on_host
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Minus the log-probability of labellings, summed over alignments (Graves et al. 2006).

    Args:
        log_probs: (T, N, C) or (T, C): what ``log_softmax`` gives. The gradient is that of its argument.
        targets: (N, S), padded with anything, or all labellings one after the other.
        input_lengths, target_lengths: (N) or (): how many steps and labels count.
        blank: the class that stands for no label.
        reduction: "mean" divides each loss by its number of labels first.
        zero_infinity: give 0, and no gradient, for a labelling that the steps do not suffice for.

    Raises RuntimeError for lengths that do not fit, IndexError for a label that is no class. There is no second gradient.
    """
    reduction = reduction_of(reduction)
    batched = log_probs._array.ndim == 3
    logs = log_probs if batched else log_probs.unsqueeze(1)
    if logs._array.ndim != 3:
        raise ShapeError(f"ctc_loss: log_probs are (T, N, C) or (T, C), not {tuple(log_probs._array.shape)}{at_line()}")
    most, count, classes = logs._array.shape
    if not 0 <= blank < classes:
        raise ShapeError(f"ctc_loss: the blank is one of {classes} classes, not {blank}{at_line()}")
    steps, lengths = _lengths("input_lengths", input_lengths, count), _lengths("target_lengths", target_lengths, count)
    if (steps > most).any():
        raise ShapeError(f"ctc_loss: there are {most} steps, fewer than an input length of {steps.max()}{at_line()}")
    padded = _padded(targets._array if isinstance(targets, Carried) else numpy.asarray(targets), lengths, batched)
    counted = numpy.arange(padded.shape[1]) < lengths[:, None]
    if (((padded < 0) | (padded >= classes)) & counted).any():
        raise PositionError(f"ctc_loss: a label is none of the {classes} classes{at_line()}")
    arrays = (wrap(each) for each in (padded, steps, lengths))
    how = {"blank": blank, "zero_infinity": zero_infinity, "of_logits": True}
    losses = apply(ctc_op, (logs, *arrays), how)
    if reduction == "mean":
        return (losses / wrap(numpy.maximum(lengths, 1).astype(losses._array.dtype))).mean()
    return losses.sum() if reduction == "sum" else losses if batched else losses.squeeze(0)


def _lengths(name: str, given: Any, count: int) -> Any:
    array = numpy.asarray(given._array if isinstance(given, Carried) else given).reshape(-1)
    if array.dtype.kind not in "iu":
        raise DtypeError(f"ctc_loss: {name} are whole numbers, not {array.dtype}{at_line()}")
    if len(array) != count or (array < 0).any():
        raise ShapeError(f"ctc_loss: {name} are {count} numbers that are not negative, not {array.tolist()}{at_line()}")
    return array.astype(numpy.int64)


def _padded(targets: Any, lengths: Any, batched: bool) -> Any:
    """The labellings in rows, (N, S)."""
    targets = targets.astype(numpy.int64)
    if targets.ndim == 1 and not batched:
        targets = targets[None]
    if targets.ndim == 1:
        ends = lengths.cumsum()
        if targets.size != lengths.sum():
            raise ShapeError(f"ctc_loss: {targets.size} labels in all, of which lengths count {lengths.sum()}{at_line()}")
        rows = numpy.zeros((len(lengths), lengths.max(initial=0)), numpy.int64)
        for row, end, length in zip(rows, ends, lengths, strict=True):
            row[:length] = targets[end - length : end]
        return rows
    if targets.ndim != 2 or len(targets) != len(lengths) or (lengths > targets.shape[1]).any():
        raise ShapeError(f"ctc_loss: labellings of shape {targets.shape} for lengths of {lengths.tolist()}{at_line()}")
    return targets


__getattr__ = lacking(__name__)
