"""Metrics of predictions that are numbers of classes."""

from __future__ import annotations

from typing import Any

from static.array import ones_like, reshape, stack, zeros_like
from static.calls import cast
from static.indexing import scatter_nd, where
from static.linalg import diag_part
from static.math import div_no_nan, divide, equal, greater, maximum, multiply, not_equal, reduce_mean, reduce_sum
from static.metrics.state import kept, metric_variable, tensors
from static.scopes import variable_scope
from static.tensor import convert_to_tensor


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The mean over the classes that occur of intersection over union of label and prediction.

    The update gives the confusion matrix, with labels down and predictions across, float64.
    """
    with variable_scope(name, "mean_iou", tensors(predictions, labels, weights)):
        labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
        matrix = metric_variable([num_classes, num_classes], "float64", name="total_confusion_matrix")
        flat = [reshape(cast(x, "int64"), [-1]) for x in (labels, predictions)]
        ones = ones_like(flat[0], dtype="float64") if weights is None else cast(reshape(weights, [-1]), "float64")
        update = matrix.assign_add(scatter_nd(stack(flat, 1), ones, [num_classes, num_classes]))
        rows, columns = (cast(reduce_sum(matrix, axis), "float32") for axis in (0, 1))
        both = cast(diag_part(matrix.value()), "float32")
        either = rows + columns - both
        found = reduce_sum(cast(not_equal(either, 0.0), "float32"))
        each = divide(both, where(greater(either, 0.0), either, ones_like(either)))
        value = where(greater(found, 0.0), reduce_sum(each, name="mean_iou") / found, zeros_like(found))
        return kept(value, update, metrics_collections, updates_collections)


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The mean over all classes of the part of each that is predicted right; the update gives that part for each class."""
    with variable_scope(name, "mean_accuracy", tensors(predictions, labels, weights)):
        labels = reshape(cast(labels, "int64"), [-1])
        predictions = reshape(predictions, [-1])
        predictions.shape.assert_is_compatible_with(labels.shape)
        total, count = (metric_variable([num_classes], "float32", name=name) for name in ("total", "count"))
        right = cast(equal(cast(predictions, "int64"), labels), "float32")
        ones = ones_like(right)
        if weights is not None:
            weights = cast(reshape(weights, [-1]), "float32")
            right, ones = multiply(right, weights), multiply(ones, weights)
        new_total, new_count = total.scatter_add(labels, ones), count.scatter_add(labels, right)
        each = div_no_nan(count, maximum(total, 0.0))
        update = div_no_nan(new_count, maximum(new_total, 0.0), name="update_op")
        return kept(reduce_mean(each, name="mean_accuracy"), update, metrics_collections, updates_collections)
