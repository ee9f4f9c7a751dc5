"""Metrics that are weighted means."""

from __future__ import annotations

from typing import Any

from static.array import ones_like, size, zeros_like
from static.calls import cast
from static.indexing import where
from static.math import (
    abs,
    div_no_nan,
    divide,
    equal,
    less,
    maximum,
    multiply,
    reduce_sum,
    sqrt,
    squared_difference,
    subtract,
)
from static.metrics.state import kept, metric_variable, squeezed, tensors
from static.scopes import variable_scope
from static.weights import broadcast_weights, matched, matched_weights


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None
) -> tuple[Any, Any]:
    """The weighted mean of ``values``, float32; 0 before there are any."""
    with variable_scope(name, "mean", tensors(values, weights)):
        values = cast(values, "float32")
        total, count = metric_variable([], "float32", name="total"), metric_variable([], "float32", name="count")
        if weights is None:
            number = cast(size(values), "float32")
        else:
            weights = cast(matched_weights(weights, values, expand=True), "float32")
            weights = broadcast_weights(weights, values)
            values, number = multiply(values, weights), reduce_sum(weights)
        new_total, new_count = total.assign_add(reduce_sum(values)), count.assign_add(number)
        return kept(
            div_no_nan(total, maximum(count, 0.0), name="value"),
            div_no_nan(new_total, maximum(new_count, 0.0), name="update_op"),
            metrics_collections,
            updates_collections,
        )


def mean_tensor(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None
) -> tuple[Any, Any]:
    """The weighted mean of ``values`` element by element, float32. Their shape has to be known."""
    with variable_scope(name, "mean", tensors(values, weights)):
        values = cast(values, "float32")
        total = metric_variable(values.shape, "float32", name="total_tensor")
        count = metric_variable(values.shape, "float32", name="count_tensor")
        number = ones_like(values)
        if weights is not None:
            weights = cast(matched_weights(weights, values, expand=True), "float32")
            weights = broadcast_weights(weights, values)
            values, number = multiply(values, weights), multiply(number, weights)
        new_total, new_count = total.assign_add(values), count.assign_add(number)
        return kept(
            div_no_nan(total, maximum(count, 0.0), name="value"),
            div_no_nan(new_total, maximum(new_count, 0.0), name="update_op"),
            metrics_collections,
            updates_collections,
        )


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of the predictions that equal their labels."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    right = cast(equal(cast(predictions, labels.dtype), labels), "float32")
    return mean(right, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean of ``|predictions - labels|``."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    errors = abs(predictions - labels)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean of ``(predictions - labels)²``."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    errors = squared_difference(labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The root of ``mean_squared_error``."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return kept(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean of ``|labels - predictions| / normalizer``, 0 where the normalizer is."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    predictions, normalizer = matched(predictions, normalizer)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    errors = where(equal(normalizer, 0.0), zeros_like(labels), divide(abs(labels - predictions), normalizer))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """1 less the weighted mean of the sums of ``predictions * labels`` along ``dim``, of vectors whose length is 1."""
    labels, predictions, weights = squeezed(labels, predictions, weights)
    products = reduce_sum(multiply(predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
    return kept(subtract(1.0, value), subtract(1.0, update), metrics_collections, updates_collections)


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of ``values`` that is less than ``threshold``."""
    below = cast(less(values, threshold), "float32")
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")
