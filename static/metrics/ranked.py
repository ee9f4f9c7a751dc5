"""Metrics of the ``k`` classes that are predicted first. Labels are one class, or several, for each prediction."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import expand_dims, ones_like, shape, size
from static.calls import cast
from static.graph import get_default_graph, name_scope
from static.indexing import top_k, where
from static.math import (
    add,
    cumsum,
    div_no_nan,
    divide,
    equal,
    greater_equal,
    logical_and,
    logical_not,
    minimum,
    multiply,
    reduce_any,
    reduce_sum,
)
from static.metrics.state import kept, metric_variable
from static.tensor import convert_to_tensor
from static.weights import broadcast_weights, check_broadcastable


def recall_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of the labels that are among the ``k`` classes predicted highest; of ``class_id`` alone if given."""
    with name_scope(name, _named("recall", k, class_id)) as scope:
        places = top_k(predictions, k)[1]
        return recall_at_top_k(labels, places, k, class_id, weights, metrics_collections, updates_collections, scope)


def recall_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """As ``recall_at_k``, of predictions that are class numbers."""
    with name_scope(name, _named("recall", k, class_id)) as scope:
        labels, ids = _classes(labels, predictions_idx)
        hit, new_hit = _counted("true_positive", _hits(ids, labels, class_id), weights, k, class_id)
        missed = _hits(labels, ids, class_id, among=False)
        miss, new_miss = _counted("false_negative", missed, weights, k, class_id)
        value = divide(hit, add(hit, miss), name=scope)
        update = divide(new_hit, add(new_hit, new_miss), name="update")
        return kept(value, update, metrics_collections, updates_collections)


def precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted part of the ``k`` classes predicted highest that are among the labels; of ``class_id`` alone if given."""
    with name_scope(name, _named("precision", k, class_id)) as scope:
        places = top_k(predictions, k)[1]
        return precision_at_top_k(labels, places, k, class_id, weights, metrics_collections, updates_collections, scope)


def precision_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """As ``precision_at_k``, of predictions that are class numbers."""
    with name_scope(name, _named("precision", k, class_id)) as scope:
        labels, ids = _classes(labels, predictions_idx)
        hit, new_hit = _counted("true_positive", _hits(ids, labels, class_id), weights, k, class_id)
        wrong = _hits(ids, labels, class_id, among=False)
        miss, new_miss = _counted("false_positive", wrong, weights, k, class_id)
        value = divide(hit, add(hit, miss), name=scope)
        update = divide(new_hit, add(new_hit, new_miss), name="update")
        return kept(value, update, metrics_collections, updates_collections)


def average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean, over the predictions, of the average precision of the ``k`` classes predicted highest.

    Raises ValueError where ``k`` is less than 1.
    """
    if k < 1:
        raise ValueError(f"Invalid k={k}. `k` should be >= 1.{at_line()}")
    with (
        name_scope(name, _named("average_precision", k, None)) as outer,
        name_scope(outer, "average_precision_at_top_k") as scope,
    ):
        labels, ids = _classes(labels, top_k(predictions, k)[1])
        classes = cast(shape(predictions)[-1], "int64")
        labels = where(greater_equal(labels, classes), -ones_like(labels), labels)
        average = _average_precision(labels, ids, k)
        if weights is None:
            number = cast(size(average), "float64")
        else:
            weights = broadcast_weights(cast(weights, "float64"), average)
            average, number = multiply(average, weights), reduce_sum(weights)
        get_default_graph().unique_name(
            "Max"
        )  # TensorFlow has an operation of that name here, so that the variable is max_1
        most, total = (metric_variable([], "float64", name=name) for name in ("max", "total"))
        new_most, new_total = most.assign_add(number), total.assign_add(reduce_sum(average))
        value, update = div_no_nan(total, most, name="mean"), div_no_nan(new_total, new_most, name=scope)
        return kept(value, update, metrics_collections, updates_collections)


sparse_average_precision_at_k = average_precision_at_k
sparse_precision_at_k = precision_at_k


def _average_precision(labels: Any, ids: Any, k: int) -> Any:
    """For each prediction the mean, over the labels that can be found, of the precision down to where each is found."""
    found = cast(_in(ids, labels), "float64")
    precision = divide(cumsum(found, axis=-1), cumsum(ones_like(found), axis=-1))
    findable = minimum(reduce_sum(cast(greater_equal(labels, 0), "int64"), axis=-1), k)
    return divide(reduce_sum(multiply(precision, found), axis=-1), cast(findable, "float64"))


def _named(name: str, k: int | None, class_id: int | None) -> str:
    base = f"{name}_at_{'k' if k is None else k}"
    return base if class_id is None else f"{base}_class{class_id}"


def _classes(labels: Any, ids: Any) -> tuple[Any, Any]:
    """Both as int64, the labels with an axis for several. Raises ValueError where their ranks do not fit."""
    labels, ids = cast(labels, "int64"), cast(convert_to_tensor(ids), "int64")
    excess = ids.shape.ndims - labels.shape.ndims
    if excess not in (0, 1):
        raise ValueError(
            f"Unexpected labels shape {labels.shape} for predictions shape {ids.shape}. Predictions rank should be the same "
            f"rank as labels rank or labels rank plus one.{at_line()}"
        )
    return expand_dims(labels, -1) if excess else labels, ids


def _in(ids: Any, others: Any) -> Any:
    """Which of ``ids``, along the last axis, occur among ``others``."""
    return reduce_any(equal(expand_dims(ids, -1), expand_dims(others, -2)), axis=-1)


def _hits(ids: Any, others: Any, class_id: int | None, *, among: bool = True) -> Any:
    """How many different ``ids``, along the last axis, occur among ``others`` or do not; of ``class_id`` alone if given."""
    pairs = equal(expand_dims(ids, -1), expand_dims(ids, -2))
    repeated = reduce_any(ops.tril(pairs, offset=-1), axis=-1)
    inside = _in(ids, others)
    counted = logical_and(logical_not(repeated), inside if among else logical_not(inside))
    if class_id is not None:
        counted = logical_and(counted, equal(ids, class_id))
    return reduce_sum(cast(counted, "float64"), axis=-1)


def _counted(name: str, counts: Any, weights: Any, k: int | None, class_id: int | None) -> tuple[Any, Any]:
    """The weighted sum of ``counts`` so far, and after this run's."""
    with name_scope(None, _named(name, k, class_id)) as scope:
        if weights is not None:
            weights = cast(weights, "float64")
            check_broadcastable(weights, counts)
            counts = multiply(counts, weights)
        total = metric_variable([], "float64", name=scope)
        return total.value(), total.assign_add(reduce_sum(counts), name="update")
