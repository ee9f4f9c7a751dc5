"""Layers without weights of their own, or with one table: pooling, dropout, shapes, embeddings, stacks of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static import nn
from static.array import reshape, shape
from static.calls import cast
from static.contrib.framework.arguments import add_arg_scope
from static.contrib.framework.variables import model_variable
from static.contrib.layers.parts import collected, collections_of
from static.counting import unique as unique_of
from static.graph import get_default_graph
from static.indexing import gather, one_hot
from static.initializers import Zeros
from static.layers import core, pooling
from static.reductions import reduce_max
from static.scopes import variable_scope
from static.tensor import convert_to_tensor


_ZEROS = Zeros()


def _pooled(
    layer: Any, default: str, inputs: Any, kernel_size: Any, stride: Any, padding: str, data_format: str, scope: Any
) -> Any:
    if data_format not in ("NCHW", "NHWC", "NCDHW", "NDHWC"):
        raise ValueError(f"data_format has to be either NCHW or NHWC.{at_line()}")
    with get_default_graph().name_scope(scope or default):
        axis = "channels_first" if data_format.startswith("NC") else "channels_last"
        return layer(convert_to_tensor(inputs), kernel_size, stride, padding, axis)


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """The maximum of each window of images."""
    made = _pooled(pooling.max_pooling2d, "MaxPool2D", inputs, kernel_size, stride, padding, data_format, scope)
    return collected(outputs_collections, made)


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """The mean of each window of images."""
    made = _pooled(pooling.average_pooling2d, "AvgPool2D", inputs, kernel_size, stride, padding, data_format, scope)
    return collected(outputs_collections, made)


@add_arg_scope
def max_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """The maximum of each window of volumes."""
    made = _pooled(pooling.max_pooling3d, "MaxPool3D", inputs, kernel_size, stride, padding, data_format, scope)
    return collected(outputs_collections, made)


@add_arg_scope
def avg_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """The mean of each window of volumes."""
    made = _pooled(pooling.average_pooling3d, "AvgPool3D", inputs, kernel_size, stride, padding, data_format, scope)
    return collected(outputs_collections, made)


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Any:
    """``inputs`` with elements kept with ``keep_prob`` and scaled by its reciprocal, where ``is_training`` is."""
    with variable_scope(scope, "Dropout", [inputs]) as opened:
        layer = core.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=opened.name, _scope=opened)
        return collected(outputs_collections, layer.apply(convert_to_tensor(inputs), training=is_training))


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """Each example as a vector."""
    with get_default_graph().name_scope(scope or "Flatten"):
        return collected(outputs_collections, core.flatten(convert_to_tensor(inputs)))


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: Any,
    on_value: Any = 1.0,
    off_value: Any = 0.0,
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """``labels`` as vectors with ``on_value`` at the label's place."""
    with get_default_graph().name_scope(scope or "OneHotEncoding"):
        x = convert_to_tensor(labels)
        x = cast(x, "int64") if x.dtype.name == "int32" else x
        return collected(outputs_collections, one_hot(x, num_classes, on_value, off_value))


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Any = None,
    initializer: Any = _ZEROS,
    regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Any:
    """``inputs`` plus the variable ``biases``, one for each channel."""
    with variable_scope(scope, "BiasAdd", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        channels = x.shape[1 if data_format == "NCHW" else -1].value
        biases = model_variable(
            "biases",
            [channels],
            dtype=x.dtype,
            initializer=initializer,
            regularizer=regularizer,
            collections=collections_of(variables_collections, "biases"),
            trainable=trainable,
        )
        outputs = nn.bias_add(x, biases, data_format=data_format)
        return collected(outputs_collections, outputs if activation_fn is None else activation_fn(outputs))


@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Any:
    """The softmax along the last axis."""
    with variable_scope(scope, "softmax", [logits]):
        return nn.softmax(logits)


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Any:
    """The maximum of each of ``num_units`` groups of channels (Goodfellow et al. 2013)."""
    with variable_scope(scope, "MaxOut", [inputs]):
        x = convert_to_tensor(inputs)
        sizes: list[Any] = x.shape.as_list()
        channels = sizes[axis]
        if channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units}){at_line()}")
        sizes[axis] = num_units
        dims = [shape(x)[i] if n is None else n for i, n in enumerate(sizes)]
        return reduce_max(reshape(x, [*dims, channels // num_units]), -1)


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Any:
    """The rows of the variable ``embeddings``, ``[vocab_size, embed_dim]``, at ``ids``; with ``unique`` each read once."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. "
            f"Got vocab_size={vocab_size} and embed_dim={embed_dim}{at_line()}"
        )
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        size = None if (reuse and vocab_size is None) or embed_dim is None else [vocab_size, embed_dim]
        table = model_variable("embeddings", size, initializer=initializer, regularizer=regularizer, trainable=trainable)
        return embedding_lookup_unique(table, ids) if unique else nn.embedding_lookup(table, ids)


def embedding_lookup_unique(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None) -> Any:
    """``tf.nn.embedding_lookup`` that reads each row once, however often it is asked for."""
    places = convert_to_tensor(ids)
    rows, which = unique_of(reshape(places, [-1]))
    found = gather(nn.embedding_lookup(params, rows, partition_strategy), which)
    out = reshape(found, ops.concat(shape(places), shape(found)[1:], axis=0), name or "EmbeddingLookupUnique")
    out.set_shape(places.shape.concatenate(found.shape[1:]))
    return out


# Layers several times


def _name_of(layer: Any, default: str) -> str:
    return str(getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", default))


def repeat(inputs: Any, repetitions: int, layer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``inputs`` through ``layer`` so many times, in the scopes ``<scope>/<scope>_1`` and so on."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs = convert_to_tensor(inputs)
        for i in range(repetitions):
            name = f"{scope or _name_of(layer, 'repeat')}_{i + 1}"
            outputs = layer(outputs, *args, **{**kwargs, "scope": name})
        return outputs


def stack(inputs: Any, layer: Callable[..., Any], stack_args: Sequence[Any], **kwargs: Any) -> Any:
    """``inputs`` through ``layer`` once for each of ``stack_args``, in the scopes ``<scope>/<scope>_1`` and so on."""
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with variable_scope(scope, "Stack", [inputs]):
        outputs = convert_to_tensor(inputs)
        for i, given in enumerate(stack_args):
            name = f"{scope or _name_of(layer, 'stack')}_{i + 1}"
            each = given if isinstance(given, (list, tuple)) else [given]
            outputs = layer(outputs, *each, **{**kwargs, "scope": name})
        return outputs
