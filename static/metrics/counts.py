"""Metrics that count right and wrong predictions of two classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.array import identity, zeros_like
from static.calls import cast
from static.indexing import where
from static.math import divide, equal, greater, logical_and, multiply, reduce_sum
from static.metrics.state import kept, metric_variable, squeezed, tensors
from static.scopes import variable_scope
from static.weights import broadcast_weights


def _counted(label: bool, prediction: bool, default: str, what: str) -> Callable[..., tuple[Any, Any]]:
    """The metric that counts the elements with this label and this prediction."""

    def count(
        labels: Any,
        predictions: Any,
        weights: Any = None,
        metrics_collections: Any = None,
        updates_collections: Any = None,
        name: str | None = None,
    ) -> tuple[Any, Any]:
        with variable_scope(name, default, tensors(predictions, labels, weights)):
            labels, predictions, weights = squeezed(cast(labels, "bool"), cast(predictions, "bool"), weights)
            hits = logical_and(equal(labels, label), equal(predictions, prediction))
            return _count_condition(hits, weights, metrics_collections, updates_collections)

    count.__name__ = count.__qualname__ = default
    count.__doc__ = f"The weighted number of {what}, float32. Labels and predictions are taken as bool."
    return count


def _count_condition(hits: Any, weights: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    count = metric_variable([], "float32", name="count")
    values = cast(hits, "float32")
    if weights is not None:
        values = multiply(values, broadcast_weights(cast(weights, "float32"), values))
    return kept(identity(count), count.assign_add(reduce_sum(values)), metrics_collections, updates_collections)


true_positives = _counted(True, True, "true_positives", "positives predicted as such")
true_negatives = _counted(False, False, "true_negatives", "negatives predicted as such")
false_positives = _counted(False, True, "false_positives", "negatives predicted as positive")
false_negatives = _counted(True, False, "false_negatives", "positives predicted as negative")


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of the predicted positives that are positive; 0 where there are none."""
    with variable_scope(name, "precision", tensors(predictions, labels, weights)):
        labels, predictions, weights = squeezed(cast(labels, "bool"), cast(predictions, "bool"), weights)
        right, new_right = true_positives(labels, predictions, weights)
        wrong, new_wrong = false_positives(labels, predictions, weights)
        value, update = _part(right, wrong, "value"), _part(new_right, new_wrong, "update_op")
        return kept(value, update, metrics_collections, updates_collections)


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of the positives that are predicted as such; 0 where there are none."""
    with variable_scope(name, "recall", tensors(predictions, labels, weights)):
        labels, predictions, weights = squeezed(cast(labels, "bool"), cast(predictions, "bool"), weights)
        right, new_right = true_positives(labels, predictions, weights)
        missed, new_missed = false_negatives(labels, predictions, weights)
        value, update = _part(right, missed, "value"), _part(new_right, new_missed, "update_op")
        return kept(value, update, metrics_collections, updates_collections)


def _part(some: Any, others: Any, name: str) -> Any:
    return where(greater(some + others, 0.0), divide(some, some + others), zeros_like(some), name=name)
