"""``tf.losses``: what a model is trained to make small. Each is weighted, reduced, and added to a collection."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from graphs.core.errors import at_line
from static.array import ones_like, shape, size, stop_gradient, zeros_like
from static.calls import cast
from static.graph import GraphKeys, add_to_collection, get_collection, name_scope
from static.indexing import where
from static.math import (
    abs,
    add_n,
    div_no_nan,
    equal,
    log,
    maximum,
    minimum,
    multiply,
    reduce_sum,
    square,
    squared_difference,
    subtract,
)
from static.nn import (
    relu,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from static.tensor import constant, convert_to_tensor
from static.weights import broadcast_weights, check_broadcastable, matched, matched_weights


class Reduction:
    """What becomes of the weighted losses of the elements."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Every reduction."""
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: str) -> None:
        """Raise ValueError where ``key`` is none of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.{at_line()}")


MEAN_OF_WEIGHTED = Reduction.SUM_BY_NONZERO_WEIGHTS


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """``losses`` times ``weights``, reduced, in the dtype of ``losses``. It is computed in float32.

    Args:
        losses: the losses of the elements.
        weights: a scalar, or a tensor of the rank of ``losses`` with 1 or the same size in each axis.
        scope: the name scope.
        loss_collection: the collection the result goes to; None for none.
        reduction: one of ``Reduction``: by default the sum divided by the number of weights that are not 0.

    Raises ValueError for another reduction and for weights that do not fit.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss"):
        check_broadcastable(weights, losses)
        losses = convert_to_tensor(losses)
        single = cast(losses, "float32")
        factors = cast(weights, "float32")
        weighted = multiply(single, factors)
        if reduction == Reduction.NONE:
            loss = weighted
        else:
            loss = reduce_sum(weighted)
            if reduction == Reduction.MEAN:
                loss = _mean(loss, reduce_sum(ones_like(single) * factors))
            elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
                loss = _mean(loss, _present(single, weights))
            elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
                loss = _mean(loss, _count(single))
        loss = cast(loss, losses.dtype)
        add_loss(loss, loss_collection)
        return loss


def _mean(total: Any, count: Any) -> Any:
    return div_no_nan(reduce_sum(total), count, name="value")


def _count(losses: Any) -> Any:
    with name_scope(None, "num_elements") as scope:
        return cast(size(losses, name=scope), losses.dtype)


def _present(losses: Any, weights: Any) -> Any:
    """How many elements have a weight other than 0."""
    if isinstance(weights, float) and weights != 0.0:
        return _count(losses)
    with name_scope(None, "num_present") as scope:
        return reduce_sum(broadcast_weights(_indicator(weights), losses), name=scope)


def _indicator(weights: Any) -> Any:
    weights = cast(weights, "float32")
    return where(equal(weights, 0.0), zeros_like(weights), ones_like(weights))


def _present_per_batch(losses: Any, weights: Any) -> Any:
    with name_scope(None, "num_present") as scope:
        present = broadcast_weights(_indicator(weights), losses)
        return reduce_sum(present, axis=list(range(1, losses.shape.ndims)), keepdims=True, name=scope)


def _opened(scope: str | None, default: str, **given: Any) -> AbstractContextManager[str]:
    """The name scope of a loss. Raises ValueError where one of the arguments ``given`` is None."""
    for name, value in given.items():
        if value is None:
            raise ValueError(f"Argument `{name}` must not be None.{at_line()}")
    return name_scope(scope, default)


def _singles(predictions: Any, labels: Any) -> tuple[Any, Any]:
    """Both in float32. Raises ValueError where their shapes differ."""
    predictions, labels = cast(predictions, "float32"), cast(labels, "float32")
    predictions.shape.assert_is_compatible_with(labels.shape)
    return predictions, labels


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The loss ``|predictions - labels|`` (see ``compute_weighted_loss`` for the rest)."""
    with _opened(scope, "absolute_difference", labels=labels, predictions=predictions) as full:
        losses = abs(subtract(*_singles(predictions, labels)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
    dim: int | None = None,
) -> Any:
    """The loss ``1 - sum(predictions * labels)`` over ``axis``, of vectors whose length is 1."""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError(f"You must specify argument `axis`.{at_line()}")
    with _opened(scope, "cosine_distance_loss", labels=labels, predictions=predictions) as full:
        losses = 1 - reduce_sum(multiply(*_singles(predictions, labels)), axis=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The loss ``max(0, 1 - (2 labels - 1) logits)``, for labels of 0 and 1."""
    with _opened(scope, "hinge_loss", labels=labels, logits=logits) as full:
        logits, labels = _singles(logits, labels)
        ones = ones_like(labels)
        losses = relu(subtract(ones, multiply(subtract(2 * labels, ones), logits)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The loss ``e² / 2`` for errors up to ``delta``, ``delta (|e| - delta / 2)`` for larger ones (Huber 1964)."""
    with _opened(scope, "huber_loss", labels=labels, predictions=predictions) as full:
        error = abs(subtract(*_singles(predictions, labels)))
        quadratic = minimum(error, delta)
        losses = 0.5 * multiply(quadratic, quadratic) + multiply(subtract(error, quadratic), delta)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The loss ``-labels log(predictions + epsilon) - (1 - labels) log(1 - predictions + epsilon)``."""
    with _opened(scope, "log_loss", labels=labels, predictions=predictions) as full:
        predictions, labels = _singles(predictions, labels)
        yes = multiply(labels, log(predictions + epsilon))
        no = multiply(1 - labels, log(1 - predictions + epsilon))
        return compute_weighted_loss(-yes - no, weights, full, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The loss ``(predictions - labels)²``."""
    with _opened(scope, "mean_squared_error", labels=labels, predictions=predictions) as full:
        losses = squared_difference(*_singles(predictions, labels))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
) -> Any:
    """The mean, over pairs of elements of a sample, of the squared difference of their errors; summed over the samples.

    ``weights`` are a scalar or have a row for each sample. Raises ValueError for weights that do not fit, and where the rank
    is not known.
    """
    with _opened(scope, "mean_pairwise_squared_error", labels=labels, predictions=predictions):
        predictions, labels = _singles(predictions, labels)
        factors = cast(weights, "float32")
        check_broadcastable(factors, labels)
        errors = subtract(predictions, labels)
        if errors.shape.ndims is None:
            raise ValueError(f"mean_pairwise_squared_error: the rank of the predictions has to be known{at_line()}")
        axes = list(range(1, errors.shape.ndims))
        squares = reduce_sum(square(errors), axis=axes, keepdims=True)
        count = _present_per_batch(errors, factors)
        term1 = 2.0 * div_no_nan(squares, maximum(count - 1, 0.0), name="value")
        total = reduce_sum(errors, axis=axes, keepdims=True)
        term2 = 2.0 * div_no_nan(square(total), maximum(multiply(count, count - 1), 0.0), name="value")
        loss = reduce_sum(multiply(term1 - term2, factors))
        loss = where(reduce_sum(count) > 0, loss, zeros_like(loss), name="value")
        add_loss(loss, loss_collection)
        return loss


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The cross entropy of ``sigmoid(logits)``, for labels that ``label_smoothing`` pulls towards a half."""
    with _opened(scope, "sigmoid_cross_entropy_loss", multi_class_labels=multi_class_labels, logits=logits) as full:
        logits = convert_to_tensor(logits)
        labels = cast(multi_class_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The cross entropy of ``softmax(logits)``, for labels that ``label_smoothing`` pulls towards equal parts.

    No gradient goes to the labels.
    """
    with _opened(scope, "softmax_cross_entropy_loss", onehot_labels=onehot_labels, logits=logits) as full:
        logits = convert_to_tensor(logits)
        labels = cast(onehot_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            classes = cast(shape(labels)[-1], logits.dtype)
            labels = labels * (1.0 - label_smoothing) + label_smoothing / classes
        labels = stop_gradient(labels, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: Any = GraphKeys.LOSSES,
    reduction: str = MEAN_OF_WEIGHTED,
) -> Any:
    """The cross entropy of ``softmax(logits)``, for labels that are numbers of classes; a last axis of size 1 is dropped."""
    with _opened(scope, "sparse_softmax_cross_entropy_loss", labels=labels, logits=logits) as full:
        labels, logits = matched(labels, logits, 1)
        weights = matched_weights(weights, labels, expand=False)
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


# Collections of losses


def add_loss(loss: Any, loss_collection: Any = GraphKeys.LOSSES) -> None:
    """Append ``loss`` to the collection; to none where that is None."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: Any = GraphKeys.LOSSES) -> list[Any]:
    """The losses of the default graph; with ``scope`` those whose names begin so."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The penalties of the default graph; with ``scope`` those whose names begin so."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Any:
    """The sum of the penalties, 0 where there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None) -> Any:
    """The sum of the losses and, unless told otherwise, of the penalties. Raises ValueError where there are none."""
    penalties = get_regularization_losses(scope) if add_regularization_losses else []
    return add_n(get_losses(scope) + penalties, name=name)
