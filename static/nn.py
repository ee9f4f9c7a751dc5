"""``tf.nn``: activations, losses, dropout; and the names of other modules that belong to it."""

from __future__ import annotations

from typing import Any

from graphs import ops
from static.blocks import space_to_batch
from static.calls import FLOATS, REALS, both, call, taken, unary
from static.convolution import (
    atrous_conv2d,
    conv1d,
    conv2d,
    conv3d,
    convolution,
    depthwise_conv2d,
    depthwise_conv2d_native,
    separable_conv2d,
)
from static.dropout import dropout
from static.embedding import embedding_lookup, embedding_lookup_sparse
from static.indexing import in_top_k, top_k
from static.math import _axis, log_sigmoid, log_softmax, sigmoid, softmax, softplus, softsign, square, tanh
from static.normalization import (
    batch_norm_with_global_normalization,
    batch_normalization,
    fused_batch_norm,
    l2_normalize,
    moments,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
)
from static.pooling import (
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    avg_pool_v2,
    depth_to_space,
    local_response_normalization,
    lrn,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_pool_v2,
    max_pool_with_argmax,
    pool,
    space_to_depth,
)
from static.reductions import reduce_sum, zero_fraction
from static.rnn import cell as rnn_cell, seq2seq
from static.rnn.running import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    raw_rnn,
    static_bidirectional_rnn,
    static_rnn,
)
from static.sampling import (
    all_candidate_sampler,
    compute_accidental_hits,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    nce_loss,
    sampled_softmax_loss,
    uniform_candidate_sampler,
)
from static.tensor import apply, convert_to_tensor
from static.transposed import (
    atrous_conv2d_transpose,
    conv1d_transpose,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    conv3d_backprop_filter,
    conv3d_transpose,
    conv_transpose,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
)


relu = unary("relu", ops.relu, REALS)
relu6 = unary("relu6", ops.relu6, REALS)
elu = unary("elu", ops.elu, FLOATS)
selu = unary("selu", ops.selu, FLOATS)
swish = unary("swish", ops.silu, FLOATS)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """``features``, those below 0 times ``alpha`` (Maas, Hannun and Ng 2013)."""
    return call(ops.leaky_relu, taken(features, FLOATS, "leaky_relu"), name=name, negative_slope=float(alpha))


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Any:
    """``relu(features)`` and ``relu(-features)`` one after the other along ``axis`` (Shang et al. 2016)."""
    x = taken(features, FLOATS, "crelu")
    return apply(ops.concat, ops.relu(x), ops.relu(-x), name=name, node="CRelu", axis=axis)


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """``value`` plus the vector ``bias`` along the last axis, or along the second for the format ``NCHW``."""
    value, bias = both(value, bias)
    if bias.dims is not None and len(bias.dims) != 1:
        raise ValueError(f"BiasAdd: a bias is a vector; {bias.name} has shape {bias.shape}")
    if data_format is not None and data_format.startswith("NC"):
        bias = ops.expand_dims(bias, axis=tuple(range(1, len(value.shape) - 1)))
    return apply(ops.add, value, bias, name=name, node="BiasAdd")


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """``x @ weights + biases``."""
    return bias_add(apply(ops.matmul, x, weights, node="MatMul"), biases, name=name or "xw_plus_b")


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """``relu(x @ weights + biases)``."""
    return relu(xw_plus_b(x, weights, biases), name=name or "relu_layer")


# Losses, one value an example


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross entropy of independent labels in [0, 1], element by element: stable for logits of any size."""
    _named(_sentinel, labels, logits, "sigmoid_cross_entropy_with_logits")
    logits, labels = both(logits, labels)
    logits.shape.merge_with(labels.shape)
    return apply(ops.sigmoid_cross_entropy_with_logits, logits, labels, name=name, node="logistic_loss")


def weighted_cross_entropy_with_logits(targets: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """``sigmoid_cross_entropy_with_logits`` with the positive part of the loss times ``pos_weight``."""
    logits, targets = both(logits, targets)
    weight = 1 + (pos_weight - 1) * targets
    stable = ops.log1p(ops.exp(-ops.absolute(logits))) + ops.relu(-logits)
    return apply(ops.add, (1 - targets) * logits, weight * stable, name=name, node="logistic_loss")


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Any:
    """The cross entropy of class probabilities along the last axis; no gradient flows into ``labels``."""
    _named(_sentinel, labels, logits, "softmax_cross_entropy_with_logits")
    logits, labels = both(logits, labels)
    return _softmax_loss(logits, ops.stop_gradient(labels), _axis(axis, dim), name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Any:
    """The cross entropy of class probabilities along ``axis``, by default the last."""
    logits, labels = both(logits, labels)
    return _softmax_loss(logits, labels, _axis(axis, dim), name)


def _softmax_loss(logits: Any, labels: Any, axis: int, name: str | None) -> Any:
    op = ops.softmax_cross_entropy_with_logits
    return apply(op, logits, labels, name=name, node="softmax_cross_entropy_with_logits", axis=axis)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross entropy of integer class labels along the last axis."""
    _named(_sentinel, labels, logits, "sparse_softmax_cross_entropy_with_logits")
    op = ops.sparse_softmax_cross_entropy_with_logits
    return call(op, convert_to_tensor(logits), convert_to_tensor(labels), name=name)


def _named(sentinel: Any, labels: Any, logits: Any, function: str) -> None:
    if sentinel is not None or labels is None or logits is None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of the squares."""
    return apply(ops.multiply, reduce_sum(square(taken(t, FLOATS, "l2_loss"))), 0.5, name=name, node="L2Loss")


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Any:
    """``exp(log_input) - log_input * targets``; in full with Stirling's ``log(targets!)`` for targets over 1."""
    log_input, targets = both(log_input, targets)
    out = ops.exp(log_input) - log_input * targets
    if compute_full_loss:
        safe = ops.where(ops.greater(targets, 0), targets, ops.ones_like(targets))
        rest = targets * ops.log(safe) - targets + 0.5 * ops.log(6.283185307179586 * safe)
        inside = ops.logical_and(ops.greater_equal(targets, 0), ops.less_equal(targets, 1))
        out = out + ops.where(inside, ops.zeros_like(targets), rest)
    return apply(ops.identity, out, name=name, node="log_poisson_loss")


# Second names

conv3d_backprop_filter_v2 = conv3d_backprop_filter
depthwise_conv2d_backprop_filter = depthwise_conv2d_native_backprop_filter
depthwise_conv2d_backprop_input = depthwise_conv2d_native_backprop_input

bidirectional_rnn = static_bidirectional_rnn
rnn = static_rnn

__all__ = [
    "all_candidate_sampler", "atrous_conv2d", "atrous_conv2d_transpose", "avg_pool", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "avg_pool_v2", "batch_norm_with_global_normalization", "batch_normalization", "bias_add",
    "bidirectional_dynamic_rnn", "bidirectional_rnn", "compute_accidental_hits", "conv1d", "conv1d_transpose", "conv2d",
    "conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose", "conv3d", "conv3d_backprop_filter",
    "conv3d_backprop_filter_v2", "conv3d_transpose", "conv_transpose", "convolution", "crelu", "depth_to_space",
    "depthwise_conv2d", "depthwise_conv2d_backprop_filter", "depthwise_conv2d_backprop_input",
    "depthwise_conv2d_native", "depthwise_conv2d_native_backprop_filter", "depthwise_conv2d_native_backprop_input",
    "dropout", "dynamic_rnn", "elu", "embedding_lookup", "embedding_lookup_sparse", "fixed_unigram_candidate_sampler",
    "fused_batch_norm", "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "learned_unigram_candidate_sampler",
    "local_response_normalization", "log_poisson_loss", "log_sigmoid", "log_softmax", "log_uniform_candidate_sampler",
    "lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "max_pool_v2", "max_pool_with_argmax", "moments",
    "nce_loss", "normalize_moments", "pool", "raw_rnn", "relu", "relu6", "relu_layer", "rnn", "rnn_cell",
    "sampled_softmax_loss", "selu", "separable_conv2d", "seq2seq", "sigmoid", "sigmoid_cross_entropy_with_logits", "softmax",
    "softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2", "softplus", "softsign",
    "space_to_batch", "space_to_depth", "sparse_softmax_cross_entropy_with_logits", "static_bidirectional_rnn",
    "static_rnn", "sufficient_statistics", "swish", "tanh", "top_k", "uniform_candidate_sampler",
    "weighted_cross_entropy_with_logits", "weighted_moments", "xw_plus_b", "zero_fraction",
]  # fmt: skip
