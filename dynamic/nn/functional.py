"""Activations, losses, dropout, linear maps, convolutions and pools as functions: PyTorch's ``torch.nn.functional``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from dynamic.apply import apply, unary
from dynamic.functions.creation import next_key
from dynamic.functions.reductions import log_softmax as _log_softmax, softmax as _softmax
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
from dynamic.nn.folding import (
    fold as fold,
    unfold as unfold,
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
from graphs.core.op import OPS
from graphs.ops import (
    binary_cross_entropy as bce_op,
    dropout_mask,
    relu as relu_op,
    sigmoid as sigmoid_op,
    sigmoid_cross_entropy_with_logits,
    tanh as tanh_op,
)
from graphs.ops.linalg import matmul
from graphs.ops.shape import matrix_transpose


def relu(input: Any, inplace: bool = False) -> Any:
    """The positive part."""
    return _in_place(input, inplace, unary(relu_op, input))


def sigmoid(input: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return unary(sigmoid_op, input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return unary(tanh_op, input)


def _in_place(input: Any, inplace: bool, result: Any) -> Any:
    return input._become(result) if inplace else result


def _activation(name: str, **renamed: str) -> Callable[..., Any]:
    op = OPS[name]
    order = [renamed.get(attribute, attribute) for attribute in op.attributes]
    back = {new: old for old, new in renamed.items()}

    def function(input: Any, *settings: Any, inplace: bool = False, **named: Any) -> Any:
        params = {back.get(key, key): value for key, value in {**dict(zip(order, settings, strict=False)), **named}.items()}
        return _in_place(input, inplace, apply(op, (input,), params))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return function


leaky_relu = _activation("leaky_relu")
relu6 = _activation("relu6")
elu = _activation("elu")
selu = _activation("selu")
celu = _activation("celu")
silu = _activation("silu")
mish = _activation("mish")
softsign = _activation("softsign")
hardtanh = _activation("hard_tanh", min="min_val", max="max_val")
hardsigmoid = _activation("hard_sigmoid")
hardswish = _activation("hard_swish")
logsigmoid = _activation("log_sigmoid")


def gelu(input: Any, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function of ``x``; ``approximate="tanh"`` for the tanh form."""
    return apply(OPS["gelu"], (input,), {"approximate": approximate == "tanh"})


def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Any:
    """``log(1 + exp(beta * x)) / beta``."""
    return apply(OPS["softplus"], (input,)) if beta == 1 else apply(OPS["softplus"], (input * beta,)) / beta


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Exponentials over their sum along ``dim``; without ``dim`` PyTorch's old choice is taken, with a warning."""
    return _softmax(input, _implicit("softmax", input, dim), dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The logarithm of ``softmax``, computed without leaving the range of numbers."""
    return _log_softmax(input, _implicit("log_softmax", input, dim), dtype)


def _implicit(name: str, input: Any, dim: int | None) -> int:
    if dim is not None:
        return dim
    chosen = 0 if input._array.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name} without dim takes dim={chosen} here; say which you mean", UserWarning, stacklevel=3)
    return chosen


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """``input @ weight.T + bias``."""
    product = apply(matmul, (input, apply(matrix_transpose, (weight,))))
    return product if bias is None else product + bias


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """The input with each element dropped with probability ``p`` and the others scaled by ``1 / (1 - p)`` (in training)."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    mask = apply(dropout_mask, (input.detach(),), {"rate": p, "key": next_key()})
    return _in_place(input, inplace, input * mask)


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
