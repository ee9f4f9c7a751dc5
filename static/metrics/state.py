"""What the metrics share: their variables, and arguments of one shape."""

from __future__ import annotations

from typing import Any

from static.array import zeros
from static.graph import GraphKeys, add_to_collections
from static.tensor import Tensor
from static.variables import Variable
from static.weights import matched, matched_weights


def metric_variable(shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None) -> Variable:
    """A variable of zeros that belongs to a metric."""
    return Variable(
        lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        name=name,
    )


def kept(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    """The two, which go to the collections."""
    if metrics_collections:
        add_to_collections(metrics_collections, value)
    if updates_collections:
        add_to_collections(updates_collections, update)
    return value, update


def squeezed(labels: Any, predictions: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Labels and predictions of one rank, and weights of that rank or scalar. Raises ValueError where shapes differ."""
    labels, predictions = matched(labels, predictions)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return labels, predictions, None if weights is None else matched_weights(weights, predictions, expand=True)


def tensors(*values: Any) -> list[Any]:
    """Those of ``values`` that say which graph the metric belongs to."""
    return [value for value in values if isinstance(value, Tensor)]
