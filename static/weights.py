"""Weights beside values, as ``tf.losses`` and ``tf.metrics`` take them: a scalar, or 1 or the value's size in each axis."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import ShapeError, at_line
from graphs.core.spec import show
from static.array import expand_dims, ones_like, squeeze
from static.math import multiply
from static.tensor import convert_to_tensor


def check_broadcastable(weights: Any, values: Any) -> None:
    """Raise ValueError where the weights are known not to fit the values: a scalar, or 1 or the same size in each axis."""
    ours, theirs = convert_to_tensor(weights).spec.dims, convert_to_tensor(values).spec.dims
    if ours is None or theirs is None or ours == ():
        return
    known = [(a, b) for a, b in zip(ours, theirs, strict=False) if a is not None and b is not None]
    if len(ours) != len(theirs) or any(a not in (1, b) for a, b in known):
        raise ShapeError(
            f"weights can not be broadcast to values: weights have shape {show(ours)}, values {show(theirs)}{at_line()}"
        )


def broadcast_weights(weights: Any, values: Any) -> Any:
    """The weights in the shape of the values. Raises ValueError as ``check_broadcastable``, a run InvalidArgumentError."""
    check_broadcastable(weights, values)
    if weights.spec.known and weights.spec.dims == values.spec.dims:
        return weights
    return multiply(weights, ones_like(values))


def matched(labels: Any, predictions: Any, rank_difference: int = 0) -> tuple[Any, Any]:
    """The two as tensors, whichever has a last axis of size 1 too many without it.

    ``rank_difference`` says how many axes more the predictions have. Where a rank is not known both stay as they are.
    """
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    if labels.shape.ndims is None or predictions.shape.ndims is None:
        return labels, predictions
    excess = predictions.shape.ndims - labels.shape.ndims - rank_difference
    if excess == 1 and predictions.spec.dims[-1] in (1, None):
        predictions = squeeze(predictions, [-1])
    elif excess == -1 and labels.spec.dims[-1] in (1, None):
        labels = squeeze(labels, [-1])
    return labels, predictions


def matched_weights(weights: Any, values: Any, *, expand: bool) -> Any:
    """The weights as a tensor of the values' rank where they have one axis more, or with ``expand`` one less."""
    weights = convert_to_tensor(weights)
    if not weights.shape.ndims or values.shape.ndims is None:
        return weights
    excess = weights.shape.ndims - values.shape.ndims
    if excess == 1:
        return squeeze(weights, [-1])
    return expand_dims(weights, -1) if excess == -1 and expand else weights
