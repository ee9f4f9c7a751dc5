"""Losses of ``torch.nn.functional`` between log-probabilities and classes."""

from __future__ import annotations

from typing import Any

from dynamic.apply import apply, wrap
from dynamic.dtypes import type_name
from dynamic.functions.reductions import log_softmax
from dynamic.names import lacking
from dynamic.nn.reducing import reduced, reduction_of
from dynamic.tape import recording
from graphs.core.errors import DtypeError, GradientError, ShapeError, at_line
from graphs.ops import nll_loss as nll_op


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of each target class.

    Args:
        input: (N, C), (N, C, d1, ...) or (C) log-probabilities.
        target: (N), (N, d1, ...) or () classes, int64 or uint8.
        weight: a number for each class, by which losses are multiplied and the mean is one.
        ignore_index: a class whose losses are 0 and do not count in the mean.

    Raises ValueError for batches of different sizes, RuntimeError for other shapes and dtypes that do not fit, IndexError
    for a target that is no class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    target = _classes("nll_loss", input, target, weight)
    return _nll(input, target, weight, ignore_index, reduction)[0]


def _classes(name: str, input: Any, target: Any, weight: Any) -> Any:
    """``target``, looked at, in the shape of the losses."""
    shape, given = input._array.shape, target._array.shape
    dtype = target._array.dtype
    if dtype.kind not in "iu" or dtype.itemsize not in (1, 8):
        raise DtypeError(f"{name}: a target of classes is a LongTensor, not a {type_name(dtype)}{at_line()}")
    if not shape:
        raise ShapeError(f"{name}: an input without dimensions has no classes{at_line()}")
    if len(shape) == 1 and given in ((), (1,)):
        target = target.reshape(())
    elif len(shape) == 1 or given != (shape[0], *shape[2:]):
        wanted = () if len(shape) == 1 else (shape[0], *shape[2:])
        raise ShapeError(f"{name}: a target of shape {given} for an input of shape {shape}, not {wanted}{at_line()}")
    if weight is not None:
        classes = shape[0] if len(shape) == 1 else shape[1]
        if weight._array.shape != (classes,):
            raise ShapeError(f"{name}: weights are a number for each of {classes} classes{at_line()}")
        if weight._array.dtype != input._array.dtype:
            types = f"{type_name(input._array.dtype)} and {type_name(weight._array.dtype)}"
            raise DtypeError(f"{name}: input and weights of one dtype are wanted, not {types}{at_line()}")
        if weight._edge is not None and recording.get():
            raise GradientError(f"{name} has no gradient for weights{at_line()}")
    return target


def _nll(logs: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> tuple[Any, Any]:
    """The loss, and what a mean divides by (None where that is the number of targets)."""
    axis = 0 if logs._array.ndim == 1 else 1
    how = {"axis": axis, "reduction": reduction, "ignore_index": ignore_index}
    if weight is None:
        return apply(nll_op, (logs, target), how), None
    losses = apply(nll_op, (logs, target), {**how, "reduction": "none"})
    classes = target._array
    kept = classes != ignore_index
    scale = wrap(weight._array[classes * kept] * kept)
    losses = losses * scale
    total = scale.sum()
    return (losses.sum() / total if reduction == "mean" else reduced(losses, reduction)), total


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """``nll_loss`` of the ``log_softmax`` of ``input``; a target in the input's shape holds a probability for each class.

    ``label_smoothing`` is how much of the target is spread over all classes (Szegedy et al. 2016). Raises as ``nll_loss``,
    and RuntimeError where that is not between 0 and 1, and where probabilities are integers or some are to be ignored.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise ShapeError(f"cross_entropy: label_smoothing is between 0 and 1, not {label_smoothing}{at_line()}")
    axis = 0 if input._array.ndim <= 1 else 1
    if input._array.shape == target._array.shape:
        return _soft(input, target, weight, axis, ignore_index, reduction, label_smoothing)
    target = _classes("cross_entropy", input, target, weight)
    logs = log_softmax(input, axis)
    loss, total = _nll(logs, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return loss
    ignored = target == ignore_index
    spread = -(logs if weight is None else logs * _along(weight, input, axis)).sum(axis).masked_fill(ignored, 0)
    if reduction == "mean":
        spread = spread.sum() / (ignored.logical_not().sum() if total is None else total)
    else:
        spread = reduced(spread, reduction)
    return (1 - label_smoothing) * loss + (label_smoothing / input._array.shape[axis]) * spread


def _along(weight: Any, input: Any, axis: int) -> Any:
    return weight.view(-1, *(1,) * (input._array.ndim - 1 - axis))


def _soft(input: Any, target: Any, weight: Any, axis: int, ignored: int, reduction: str, smoothing: float) -> Any:
    """The cross-entropy with probabilities."""
    if target._array.dtype.kind != "f":
        types = type_name(target._array.dtype)
        raise DtypeError(f"cross_entropy: a target in the input's shape holds probabilities, not {types}{at_line()}")
    if ignored >= 0:
        raise ShapeError(f"cross_entropy: ignore_index is for targets of classes, not of probabilities{at_line()}")
    classes = input._array.shape[axis] if input._array.ndim else 1
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    logs = log_softmax(input, axis)
    if weight is not None:
        if weight._array.shape != (classes,):
            raise ShapeError(f"cross_entropy: weights are a number for each of {classes} classes{at_line()}")
        logs = logs * _along(weight, input, axis)
    return reduced(-(logs * target).sum(axis), reduction)


__getattr__ = lacking(__name__)
