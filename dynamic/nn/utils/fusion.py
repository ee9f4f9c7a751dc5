"""Batch normalisation, once trained, taken into the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from dynamic.names import lacking
from dynamic.nn.parameter import Parameter


def _factors(mean: Any, variance: Any, eps: float, scale: Any, offset: Any, bias: Any) -> tuple[Any, Any]:
    """By what each output is multiplied, and its new bias."""
    factor = (variance + eps).rsqrt() if scale is None else scale * (variance + eps).rsqrt()
    moved = -mean * factor if bias is None else (bias - mean) * factor
    return factor, moved if offset is None else moved + offset


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Any, Any]:
    """Weight and bias of the convolution that does what this one and the normalisation after it do.

    Args:
        conv_w, conv_b: weight and bias (or None).
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: means, variances and what is added to them, weight and bias (or None).
        transpose: whether the convolution is a transposed one.
    """
    factor, bias = _factors(bn_rm, bn_rv, bn_eps, bn_w, bn_b, conv_b)
    shape = [1, -1] if transpose else [-1, 1]
    weight = conv_w * factor.reshape(*shape, *(1,) * (conv_w._array.ndim - 2))
    dtype = conv_w._array.dtype
    return _parameter(weight.to(dtype), conv_w), _parameter(bias.to(dtype), conv_w)


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Any, Any]:
    """Weight and bias of the linear map that does what this one and the normalisation after it do."""
    factor, bias = _factors(bn_rm, bn_rv, bn_eps, bn_w, bn_b, linear_b)
    dtype = linear_w._array.dtype
    return _parameter((linear_w * factor.unsqueeze(-1)).to(dtype), linear_w), _parameter(bias.to(dtype), linear_w)


def _parameter(values: Any, like: Any) -> Any:
    return Parameter(values.detach(), like.requires_grad)


def _in_evaluation(*modules: Any) -> None:
    if any(module.training for module in modules):
        raise AssertionError("Fusion only for eval!")


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of ``conv`` that does what it and ``bn`` do. Raises AssertionError where one of them is in training."""
    _in_evaluation(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of ``linear`` that does what it and ``bn`` do.

    Raises AssertionError where one of them is in training, or where their sizes differ.
    """
    _in_evaluation(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


__getattr__ = lacking(__name__)
