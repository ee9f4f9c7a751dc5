"""Layers with weights: fully connected ones and convolutions."""

from __future__ import annotations

import functools
from typing import Any

from graphs.core.errors import at_line
from static import nn
from static.contrib.framework.arguments import add_arg_scope
from static.contrib.framework.variables import model_variable
from static.contrib.layers.parts import collect, collections_of, finished, getter
from static.initializers import Zeros
from static.layers.convolutional import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    SeparableConv2D,
)
from static.layers.core import Dense
from static.regularizers import xavier_initializer
from static.scopes import variable_scope
from static.tensor import convert_to_tensor


XAVIER, ZEROS = xavier_initializer(), Zeros()
RENAMED = {"bias": "biases", "kernel": "weights"}


def _made(kind: Any, inputs: Any, scope: Any, reuse: Any, settings: dict[str, Any]) -> Any:
    """A layer of ``tf.layers`` in a scope that is open already, applied to ``inputs``."""
    layer = kind(**settings, activation=None, name=scope.name, dtype=inputs.dtype, _scope=scope, _reuse=reuse)
    return layer, layer.apply(inputs)


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Any = nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """``inputs`` times ``weights`` plus ``biases`` (or through ``normalizer_fn``), then through ``activation_fn``."""
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be int, got {type(num_outputs)}{at_line()}")
    with variable_scope(scope, "fully_connected", [inputs], reuse=reuse, custom_getter=getter(RENAMED)) as opened:
        settings = {
            "units": num_outputs,
            "use_bias": bool(not normalizer_fn and biases_initializer),
            "kernel_initializer": weights_initializer,
            "bias_initializer": biases_initializer,
            "kernel_regularizer": weights_regularizer,
            "bias_regularizer": biases_regularizer,
            "trainable": trainable,
        }
        layer, outputs = _made(Dense, convert_to_tensor(inputs), opened, reuse, settings)
        collect(layer.kernel, variables_collections, "weights")
        if layer.bias is not None:
            collect(layer.bias, variables_collections, "biases")
        return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections)


linear = functools.partial(fully_connected, activation_fn=None)
relu = functools.partial(fully_connected, activation_fn=nn.relu)
relu6 = functools.partial(fully_connected, activation_fn=nn.relu6)


def _format(data_format: Any) -> str:
    if data_format is not None and data_format not in ("NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"):
        raise ValueError(f"Invalid data_format: {data_format!r}{at_line()}")
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def _convolved(kind: Any, default: str, names: dict[str, str], args: dict[str, Any], more: dict[str, Any]) -> Any:
    """A convolution with the arguments that all of them have; ``more`` are those of this one's layer."""
    normalizer_fn = args["normalizer_fn"]
    reuse, collections = args["reuse"], args["variables_collections"]
    with variable_scope(args["scope"], default, [args["inputs"]], reuse=reuse, custom_getter=getter(names)) as opened:
        inputs = convert_to_tensor(args["inputs"])
        settings = {
            "filters": args["num_outputs"],
            "kernel_size": args["kernel_size"],
            "strides": args["stride"],
            "padding": args["padding"],
            "data_format": _format(args["data_format"]),
            "use_bias": bool(not normalizer_fn and args["biases_initializer"]),
            "bias_initializer": args["biases_initializer"],
            "bias_regularizer": args["biases_regularizer"],
            "trainable": args["trainable"],
            **more,
        }
        layer, outputs = _made(kind(inputs) if kind is _by_rank else kind, inputs, opened, reuse, settings)
        for name in names:
            variable = getattr(layer, name, None)
            if variable is not None:
                collect(variable, collections, "biases" if name == "bias" else "weights")
        return finished(
            outputs, normalizer_fn, args["normalizer_params"], args["activation_fn"], args["outputs_collections"]
        )


def _by_rank(inputs: Any) -> Any:
    kinds = {3: Conv1D, 4: Conv2D, 5: Conv3D}
    rank = inputs.shape.ndims
    if rank not in kinds:
        raise ValueError(f"Convolution not supported for input with rank {rank}{at_line()}")
    return kinds[rank]


@add_arg_scope
def convolution(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Any = nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    conv_dims: int | None = None,
) -> Any:
    """``inputs`` of one to three spatial dimensions convolved with ``weights``; the rest as in ``fully_connected``."""
    args = dict(locals())
    rank = convert_to_tensor(inputs).shape.ndims
    if conv_dims is not None and rank != conv_dims + 2:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}{at_line()}")
    more = {
        "dilation_rate": rate,
        "kernel_initializer": weights_initializer,
        "kernel_regularizer": weights_regularizer,
    }
    return _convolved(_by_rank, "Conv", RENAMED, args, more)


@add_arg_scope
def convolution1d(inputs: Any, num_outputs: int, kernel_size: Any, *args: Any, **settings: Any) -> Any:
    """``convolution`` of sequences, ``[batch, steps, channels]``."""
    return convolution(inputs, num_outputs, kernel_size, *args, **{**settings, "conv_dims": 1})


@add_arg_scope
def convolution2d(inputs: Any, num_outputs: int, kernel_size: Any, *args: Any, **settings: Any) -> Any:
    """``convolution`` of images, ``[batch, height, width, channels]``."""
    return convolution(inputs, num_outputs, kernel_size, *args, **{**settings, "conv_dims": 2})


@add_arg_scope
def convolution3d(inputs: Any, num_outputs: int, kernel_size: Any, *args: Any, **settings: Any) -> Any:
    """``convolution`` of volumes, ``[batch, depth, height, width, channels]``."""
    return convolution(inputs, num_outputs, kernel_size, *args, **{**settings, "conv_dims": 3})


@add_arg_scope
def convolution2d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Any = nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """The transposed convolution of images: the gradient of a convolution with regard to its input."""
    args = dict(locals())
    more = {"kernel_initializer": weights_initializer, "kernel_regularizer": weights_regularizer}
    return _convolved(Conv2DTranspose, "Conv2d_transpose", RENAMED, args, more)


@add_arg_scope
def convolution3d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    activation_fn: Any = nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """The transposed convolution of volumes."""
    args = dict(locals())
    more = {"kernel_initializer": weights_initializer, "kernel_regularizer": weights_regularizer}
    return _convolved(Conv3DTranspose, "Conv3d_transpose", RENAMED, args, more)


@add_arg_scope
def separable_convolution2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Any = nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = XAVIER,
    pointwise_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = ZEROS,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """A convolution of each channel by itself, then (given ``num_outputs``) one of single elements over all."""
    args = dict(locals())
    if num_outputs is None:
        return _depthwise(args)
    names = {"bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"}
    more = {
        "dilation_rate": rate,
        "depth_multiplier": depth_multiplier,
        "depthwise_initializer": weights_initializer,
        "pointwise_initializer": weights_initializer if pointwise_initializer is None else pointwise_initializer,
        "depthwise_regularizer": weights_regularizer,
        "pointwise_regularizer": weights_regularizer,
    }
    return _convolved(SeparableConv2D, "SeparableConv2d", names, args, more)


def _two(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _depthwise(args: dict[str, Any]) -> Any:
    """Each channel convolved by itself, in the variables ``depthwise_weights`` and ``biases``."""
    first = _format(args["data_format"]) == "channels_first"
    collections = args["variables_collections"]
    with variable_scope(args["scope"], "SeparableConv2d", [args["inputs"]], reuse=args["reuse"], custom_getter=getter()):
        inputs = convert_to_tensor(args["inputs"])
        channels = inputs.shape[1 if first else -1].value
        settings = {"dtype": inputs.dtype, "trainable": args["trainable"]}
        weights = model_variable(
            "depthwise_weights",
            [*_two(args["kernel_size"]), channels, args["depth_multiplier"]],
            initializer=args["weights_initializer"],
            regularizer=args["weights_regularizer"],
            collections=collections_of(collections, "weights"),
            **settings,
        )
        stride = _two(args["stride"])
        strides = [1, 1, *stride] if first else [1, *stride, 1]
        how = {"rate": _two(args["rate"]), "data_format": args["data_format"]}
        outputs = nn.depthwise_conv2d(inputs, weights, strides, args["padding"], **how)
        if args["normalizer_fn"] is None and args["biases_initializer"] is not None:
            biases = model_variable(
                "biases",
                [channels * args["depth_multiplier"]],
                initializer=args["biases_initializer"],
                regularizer=args["biases_regularizer"],
                collections=collections_of(collections, "biases"),
                **settings,
            )
            outputs = nn.bias_add(outputs, biases, data_format=args["data_format"])
        rest = (args["normalizer_fn"], args["normalizer_params"], args["activation_fn"], args["outputs_collections"])
        return finished(outputs, *rest)


conv1d = convolution1d
conv2d = convolution2d
conv3d = convolution3d
conv2d_transpose = convolution2d_transpose
conv3d_transpose = convolution3d_transpose
separable_conv2d = separable_convolution2d
