"""Metrics of predictions from 0 to 1 that are taken as positive above each of several thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.errors import at_line
from static.array import expand_dims, identity, ones_like, reshape
from static.calls import cast
from static.debugging import assert_greater_equal, assert_less_equal
from static.graph import control_dependencies
from static.indexing import where
from static.math import (
    abs,
    argmax,
    argmin,
    cumsum,
    div_no_nan,
    divide,
    equal,
    greater,
    log,
    logical_and,
    logical_not,
    maximum,
    minimum,
    multiply,
    reduce_min,
    reduce_sum,
)
from static.metrics.state import kept, metric_variable, squeezed, tensors
from static.scopes import variable_scope
from static.tensor import constant
from static.weights import broadcast_weights


_EDGE = 1e-7
"""How far below 0 and above 1 the outer thresholds lie."""

_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _confusion(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any, kinds: Sequence[str] = tuple(_NAMES)
) -> tuple[dict[str, Any], dict[str, Any]]:
    """For each kind (a key of ``_NAMES``) the count at each threshold so far, and after this run's predictions.

    A run with predictions that are not from 0 to 1 raises InvalidArgumentError.
    """
    predictions = cast(predictions, "float32")
    message = "predictions must be in [0, 1]"
    inside = [assert_greater_equal(predictions, 0.0, message=message), assert_less_equal(predictions, 1.0, message=message)]
    with control_dependencies(inside):
        labels, predictions, weights = squeezed(cast(labels, "bool"), identity(predictions, name="predictions"), weights)
    levels = expand_dims(constant(list(thresholds), "float32"), 1)
    predicted = greater(reshape(predictions, [1, -1]), levels)
    positive = reshape(labels, [1, -1])
    chosen = {"p": predicted, "n": logical_not(predicted)}
    is_right = {"tp": positive, "fn": positive, "tn": logical_not(positive), "fp": logical_not(positive)}
    factors = None
    if weights is not None:
        factors = reshape(broadcast_weights(cast(weights, "float32"), predictions), [1, -1])
    values, updates = {}, {}
    for kind in kinds:
        variable = metric_variable([len(thresholds)], "float32", name=_NAMES[kind])
        hits = cast(logical_and(is_right[kind], chosen[kind[1]]), "float32")
        updates[kind] = variable.assign_add(reduce_sum(hits if factors is None else multiply(hits, factors), 1))
        values[kind] = variable.value()
    return values, updates


def _levels(count: int) -> list[float]:
    """``count`` thresholds, evenly spaced, the outer ones just outside of 0 and 1."""
    inner = [(i + 1) * 1.0 / (count - 1) for i in range(count - 2)]
    return [0.0 - _EDGE, *inner, 1.0 + _EDGE]


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    """The area under the curve of recall over false-positive rate (``ROC``) or precision over recall (``PR``).

    Args:
        num_thresholds: at how many thresholds the curve is known.
        summation_method: ``trapezoidal``, ``minoring``, ``majoring``, or for ``PR`` ``careful_interpolation`` (Davis and
            Goadrich 2006).
        thresholds: the inner thresholds, in place of evenly spaced ones.

    Raises ValueError for another curve or method.
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"Curve must be either ROC or PR. Curve {curve} is unknown.{at_line()}")
    if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
        raise ValueError(f"Invalid summation_method: {summation_method}{at_line()}")
    with variable_scope(name, "auc", tensors(labels, predictions, weights)):
        levels = _levels(num_thresholds) if thresholds is None else [0.0 - _EDGE, *sorted(thresholds), 1.0 + _EDGE]
        values, updates = _confusion(labels, predictions, levels, weights)
        value = _area(**values, curve=curve, method=summation_method, name="value")
        update = _area(**updates, curve=curve, method=summation_method, name="update_op")
        return kept(value, update, metrics_collections, updates_collections)


def _area(tp: Any, fn: Any, tn: Any, fp: Any, *, curve: str, method: str, name: str) -> Any:
    if curve == "PR" and method == "careful_interpolation":
        return _interpolated(tp, fn, fp)
    tiny = 1e-6
    recall = divide(tp + tiny, tp + fn + tiny)
    if curve == "ROC":
        x, y = divide(fp, fp + tn + tiny), recall
    else:
        x, y = recall, divide(tp + tiny, tp + fp + tiny)
    heights = {
        "minoring": lambda: minimum(y[:-1], y[1:]),
        "majoring": lambda: maximum(y[:-1], y[1:]),
    }.get(method, lambda: (y[:-1] + y[1:]) / 2.0)
    return reduce_sum(multiply(x[:-1] - x[1:], heights()), name=name)


def _interpolated(tp: Any, fn: Any, fp: Any) -> Any:
    """The area under precision over recall, with the true positives between two thresholds linear in the positives."""
    step = tp[:-1] - tp[1:]
    p = tp + fp
    slope = div_no_nan(step, maximum(p[:-1] - p[1:], 0.0), name="prec_slope")
    intercept = tp[1:] - multiply(slope, p[1:])
    ratio = div_no_nan(p[:-1], maximum(p[1:], 0.0), name="recall_relative_ratio")
    safe = where(logical_and(p[:-1] > 0.0, p[1:] > 0.0), ratio, ones_like(p[1:]))
    gain = slope * (step + intercept * log(safe))
    return reduce_sum(div_no_nan(gain, maximum(tp[1:] + fn[1:], 0.0), name="pr_auc_increment"), name="interpolate_pr_auc")


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """At each threshold the weighted part of the predicted positives that are positive."""
    with variable_scope(name, "precision_at_thresholds", tensors(predictions, labels, weights)):
        values, updates = _confusion(labels, predictions, thresholds, weights, ("tp", "fp"))
        value, update = (
            divide(at["tp"], 1e-7 + at["tp"] + at["fp"], name=f"precision_{which}")
            for at, which in ((values, "value"), (updates, "update_op"))
        )
        return kept(value, update, metrics_collections, updates_collections)


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """At each threshold the weighted part of the positives that are predicted as such."""
    with variable_scope(name, "recall_at_thresholds", tensors(predictions, labels, weights)):
        values, updates = _confusion(labels, predictions, thresholds, weights, ("tp", "fn"))
        value, update = (
            divide(at["tp"], at["tp"] + at["fn"] + 1e-7, name=f"recall_{which}")
            for at, which in ((values, "value"), (updates, "update_op"))
        )
        return kept(value, update, metrics_collections, updates_collections)


def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The recall at the threshold where the part of the negatives predicted as such is nearest to ``specificity``.

    Raises ValueError for a specificity that is not from 0 to 1.
    """
    _check_part("specificity", specificity)

    def at(tp: Any, fn: Any, tn: Any, fp: Any, name: str) -> Any:
        best = argmin(abs(divide(tn, tn + fp + _EDGE) - specificity), 0)
        return divide(tp[best], tp[best] + fn[best] + _EDGE, name=name)

    with variable_scope(name, "sensitivity_at_specificity", tensors(predictions, labels, weights)):
        values, updates = _confusion(labels, predictions, _levels(num_thresholds), weights)
        return kept(at(**values, name="value"), at(**updates, name="update_op"), metrics_collections, updates_collections)


def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The part of the negatives predicted as such at the highest threshold where the recall is nearest to ``sensitivity``.

    Raises ValueError for a sensitivity that is not from 0 to 1.
    """
    _check_part("sensitivity", sensitivity)

    def at(tp: Any, fn: Any, tn: Any, fp: Any, name: str) -> Any:
        far = abs(divide(tp, tp + fn + _EDGE) - sensitivity)
        near = cast(equal(far, reduce_min(far)), "int64")
        best = argmax(cumsum(near), 0)
        return divide(tn[best], tn[best] + fp[best] + _EDGE, name=name)

    with variable_scope(name, "specificity_at_sensitivity", tensors(predictions, labels, weights)):
        levels = [*_levels(num_thresholds)[:-1], 1.0 - _EDGE]
        values, updates = _confusion(labels, predictions, levels, weights)
        return kept(at(**values, name="value"), at(**updates, name="update_op"), metrics_collections, updates_collections)


def _check_part(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in the range [0, 1]. Currently, `{name}` got {value}.{at_line()}")


def _counted(kind: str) -> Callable[..., tuple[Any, Any]]:
    """The metric that counts this kind at each threshold."""
    default = _NAMES[kind]

    def count(
        labels: Any,
        predictions: Any,
        thresholds: Sequence[float],
        weights: Any = None,
        metrics_collections: Any = None,
        updates_collections: Any = None,
        name: str | None = None,
    ) -> tuple[Any, Any]:
        with variable_scope(name, default, tensors(predictions, labels, weights)):
            values, updates = _confusion(labels, predictions, thresholds, weights, (kind,))
            return kept(identity(values[kind]), updates[kind], metrics_collections, updates_collections)

    count.__name__ = count.__qualname__ = f"{default}_at_thresholds"
    count.__doc__ = f"At each threshold the weighted number of {default.replace('_', ' ')}, float32."
    return count


true_positives_at_thresholds = _counted("tp")
false_negatives_at_thresholds = _counted("fn")
true_negatives_at_thresholds = _counted("tn")
false_positives_at_thresholds = _counted("fp")
