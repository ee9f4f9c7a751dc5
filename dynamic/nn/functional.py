"""Activations, losses, dropout, linear maps, convolutions and pools as functions: PyTorch's ``torch.nn.functional``."""

from __future__ import annotations

import warnings
from typing import Any

from dynamic.apply import apply
from dynamic.functions.reductions import log_softmax as _log_softmax
from dynamic.nn.activations import (
    celu as celu,
    celu_ as celu_,
    elu as elu,
    elu_ as elu_,
    gelu as gelu,
    glu as glu,
    gumbel_softmax as gumbel_softmax,
    hardshrink as hardshrink,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    hardtanh_ as hardtanh_,
    leaky_relu as leaky_relu,
    leaky_relu_ as leaky_relu_,
    log_softmax as log_softmax,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    relu_ as relu_,
    rrelu as rrelu,
    rrelu_ as rrelu_,
    selu as selu,
    selu_ as selu_,
    sigmoid as sigmoid,
    silu as silu,
    softmax as softmax,
    softmin as softmin,
    softplus as softplus,
    softshrink as softshrink,
    softsign as softsign,
    tanh as tanh,
    tanhshrink as tanhshrink,
    threshold as threshold,
    threshold_ as threshold_,
)
from dynamic.nn.adaptive import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    adaptive_avg_pool2d as adaptive_avg_pool2d,
    adaptive_avg_pool3d as adaptive_avg_pool3d,
    adaptive_max_pool1d as adaptive_max_pool1d,
    adaptive_max_pool2d as adaptive_max_pool2d,
    adaptive_max_pool3d as adaptive_max_pool3d,
    fractional_max_pool2d as fractional_max_pool2d,
    fractional_max_pool3d as fractional_max_pool3d,
    max_unpool1d as max_unpool1d,
    max_unpool2d as max_unpool2d,
    max_unpool3d as max_unpool3d,
)
from dynamic.nn.convolution import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from dynamic.nn.distances import (
    cosine_similarity as cosine_similarity,
    normalize as normalize,
    pairwise_distance as pairwise_distance,
    pdist as pdist,
)
from dynamic.nn.dropping import (
    alpha_dropout as alpha_dropout,
    dropout as dropout,
    dropout1d as dropout1d,
    dropout2d as dropout2d,
    dropout3d as dropout3d,
    feature_alpha_dropout as feature_alpha_dropout,
)
from dynamic.nn.embedding import (
    embedding as embedding,
    embedding_bag as embedding_bag,
    one_hot as one_hot,
)
from dynamic.nn.folding import (
    fold as fold,
    unfold as unfold,
)
from dynamic.nn.linear import (
    bilinear as bilinear,
    linear as linear,
)
from dynamic.nn.normalizing import (
    batch_norm as batch_norm,
    group_norm as group_norm,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
    local_response_norm as local_response_norm,
    rms_norm as rms_norm,
)
from dynamic.nn.padding import pad as pad
from dynamic.nn.pooling import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    lp_pool1d as lp_pool1d,
    lp_pool2d as lp_pool2d,
    lp_pool3d as lp_pool3d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from dynamic.nn.resizing import (
    channel_shuffle as channel_shuffle,
    interpolate as interpolate,
    native_channel_shuffle as native_channel_shuffle,
    pixel_shuffle as pixel_shuffle,
    pixel_unshuffle as pixel_unshuffle,
    upsample as upsample,
    upsample_bilinear as upsample_bilinear,
    upsample_nearest as upsample_nearest,
)
from dynamic.nn.sampling import (
    affine_grid as affine_grid,
    grid_sample as grid_sample,
)
from graphs.core.errors import ShapeError, at_line
from graphs.ops import (
    binary_cross_entropy as bce_op,
    sigmoid_cross_entropy_with_logits,
)


# Losses


def _reduced(loss: Any, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> Any:
    if size_average is not None or reduce is not None:  # the arguments' form until 0.4
        reduction = "none" if reduce is False else ("sum" if size_average is False else "mean")
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def _target_like(name: str, input: Any, target: Any) -> Any:
    """The target in the input's shape; PyTorch took any shape with as many elements until 0.4."""
    if target._array.shape == input._array.shape:
        return target
    if target._array.size != input._array.size:
        raise ShapeError(
            f"{name}: target of shape {tuple(target._array.shape)} for input of shape {tuple(input._array.shape)}{at_line()}"
        )
    message = f"{name}: the target's shape {tuple(target._array.shape)} is not the input's {tuple(input._array.shape)}"
    warnings.warn(message, UserWarning, stacklevel=3)
    return target.reshape(input._array.shape)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy of probabilities against targets in [0, 1]; logarithms do not go below -100."""
    loss = apply(bce_op, (input, _target_like("binary_cross_entropy", input, target)))
    return _reduced(loss if weight is None else loss * weight, reduction, size_average, reduce)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Cross-entropy of the sigmoid of ``input`` against targets in [0, 1], computed stably."""
    loss = apply(sigmoid_cross_entropy_with_logits, (input, _target_like("binary_cross_entropy_with_logits", input, target)))
    return _reduced(loss if weight is None else loss * weight, reduction, size_average, reduce)


def mse_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """Squared differences."""
    return _reduced((input - target).pow(2), reduction, size_average, reduce)


def l1_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """Absolute differences."""
    return _reduced((input - target).abs(), reduction, size_average, reduce)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of each target class; ``input`` is (N, C) or (N, C, d1, ...), ``target`` holds classes."""
    if input._array.ndim == 1:  # one sample
        loss = nll_loss(input.unsqueeze(0), target.unsqueeze(0), weight, size_average, ignore_index, reduce, reduction)
        return loss.squeeze()
    kept = target != ignore_index
    classes = target * kept
    picked = -input.gather(1, classes.unsqueeze(1)).squeeze(1)
    scale = kept.to(input) if weight is None else weight.index_select(0, classes.reshape(-1)).view_as(classes) * kept
    loss = picked * scale
    if size_average is not False and reduce is not False and reduction == "mean":
        return loss.sum() / scale.sum()
    return _reduced(loss, reduction, size_average, reduce)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """``nll_loss`` of the ``log_softmax`` of ``input``; a target of floats in the input's shape holds probabilities."""
    classes = 0 if input._array.ndim == 1 else 1
    logs = _log_softmax(input, classes)
    if target._array.dtype.kind == "f":
        if weight is not None:
            logs = logs * weight.view(-1, *(1,) * (input._array.ndim - 1 - classes))
        loss = -(logs * target).sum(classes)
        return _reduced(loss, reduction, size_average, reduce)
    return nll_loss(logs, target, weight, size_average, ignore_index, reduce, reduction)
