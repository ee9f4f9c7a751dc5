"""Layers that normalise: over the batch, over each example, over each channel of an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static import nn
from static.array import reshape, transpose
from static.branches import cond
from static.contrib.framework.arguments import add_arg_scope
from static.contrib.framework.variables import model_variable
from static.contrib.layers.parts import collect, collected, collections_of, getter
from static.graph import GraphKeys, get_default_graph
from static.initializers import Ones, Zeros
from static.layers.arguments import known_bool
from static.layers.normalization import BatchNormalization
from static.normalization import corrected
from static.scopes import variable_scope
from static.tensor import convert_to_tensor
from static.train.averages import assign_moving_average


_START: dict[str, Any] = {"beta": Zeros(), "gamma": Ones(), "moving_mean": Zeros(), "moving_variance": Ones()}


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: Any = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Any = None,
    param_initializers: Mapping[str, Any] | None = None,
    param_regularizers: Mapping[str, Any] | None = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: float = 0.99,
    adjustment: Any = None,
) -> Any:
    """``inputs`` with mean 0 and variance 1 in each channel over the batch, times ``gamma`` plus ``beta``.

    The moving averages follow where the operations in ``updates_collections`` are run; with None they follow at each use.
    ``is_training`` is a bool or a scalar bool tensor.
    """
    if renorm or adjustment is not None:
        raise NotImplementedError(f"batch_norm takes no renorm and no adjustment{at_line()}")
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError(f"data_format has to be either NCHW or NHWC.{at_line()}")
    start = {**_START, **(param_initializers or {})}
    penalties = dict(param_regularizers or {})
    x = convert_to_tensor(inputs)
    rank = x.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {x.name} has undefined rank.{at_line()}")
    fusible = fused is not False and batch_weights is None and rank in (2, 4)
    plain = batch_weights is None and updates_collections == GraphKeys.UPDATE_OPS and not zero_debias_moving_mean
    with variable_scope(scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=getter()) as opened:
        if plain and not (fusible and rank == 2):
            layer = BatchNormalization(
                axis=1 if data_format == "NCHW" else -1,
                momentum=decay,
                epsilon=epsilon,
                center=center,
                scale=scale,
                **{f"{name}_initializer": made for name, made in start.items()},
                beta_regularizer=penalties.get("beta"),
                gamma_regularizer=penalties.get("gamma"),
                trainable=trainable,
                name=opened.name,
                fused=fused,
                _scope=opened,
                _reuse=reuse,
            )
            outputs = layer.apply(x, training=is_training)
            for name in start:
                if getattr(layer, name) is not None:
                    collect(getattr(layer, name), variables_collections, name)
        else:
            last = transpose(x, [0, *range(2, rank), 1]) if data_format == "NCHW" and rank > 2 else x
            made = _variables(last, center, scale, start, penalties, variables_collections, trainable)
            outputs = _normalized(
                last, made, batch_weights, fusible, decay, epsilon, is_training, updates_collections, zero_debias_moving_mean
            )
            if last is not x:
                outputs = transpose(outputs, [0, rank - 1, *range(1, rank - 1)])
        return collected(outputs_collections, outputs if activation_fn is None else activation_fn(outputs))


def _variables(
    x: Any, center: bool, scale: bool, start: dict[str, Any], penalties: dict[str, Any], collections: Any, trainable: bool
) -> dict[str, Any]:
    """The variables of a batch normalisation whose channels are the last axis."""
    channels = x.shape[-1].value
    if channels is None:
        raise ValueError(f"Inputs {x.name} has undefined channels dimension.{at_line()}")
    wanted = {"beta": center, "gamma": scale, "moving_mean": True, "moving_variance": True}
    return {
        name: model_variable(
            name,
            [channels],
            dtype=x.dtype,
            initializer=start[name],
            regularizer=penalties.get(name),
            collections=collections_of(collections, name),
            trainable=trainable and not name.startswith("moving"),
        )
        for name, needed in wanted.items()
        if needed
    }


def _normalized(
    x: Any,
    made: dict[str, Any],
    weights: Any,
    fused: bool,
    decay: Any,
    epsilon: float,
    training: Any,
    collections: Any,
    debias: bool,
) -> Any:
    averages = convert_to_tensor(made["moving_mean"]), convert_to_tensor(made["moving_variance"])
    known = known_bool(training)
    epsilon = max(epsilon, 1.001e-5) if fused else epsilon
    if known is False:
        return nn.batch_normalization(x, *averages, made.get("beta"), made.get("gamma"), epsilon)
    axes = list(range(len(x.shape) - 1))
    if weights is None:
        mean, variance = nn.moments(x, axes)
    else:
        each = reshape(weights, [-1, *(1 for _ in axes)])
        mean, variance = nn.weighted_moments(x, axes, each)
    followed = seen = [mean, corrected(variance, x) if fused else variance]
    used = mean, variance
    if known is None:
        # Where it turns out not to train, an average is the value that it is moved to, and stays.
        mean, variance, *followed = cond(training, lambda: (*used, *seen), lambda: (*averages, *averages))
    updates = [
        assign_moving_average(made["moving_mean"], followed[0], decay, zero_debias=debias),
        assign_moving_average(made["moving_variance"], followed[1], decay, zero_debias=False),
    ]
    graph = get_default_graph()
    if collections is not None:
        for collection in [collections] if isinstance(collections, str) else collections:
            for update in updates:
                graph.add_to_collection(collection, update)
        updates = []
    with graph.control_dependencies(updates):
        mean, variance = (ops.identity(value) for value in (mean, variance)) if updates else (mean, variance)
        return nn.batch_normalization(x, mean, variance, made.get("beta"), made.get("gamma"), epsilon)


def _scaled(
    x: Any,
    axes: list[int],
    params: list[int],
    shape_of_params: list[int],
    settings: dict[str, Any],
    epsilon: float,
) -> Any:
    """``x`` with mean 0 and variance 1 over ``axes``, times ``gamma`` plus ``beta`` along ``params``."""
    made: dict[str, Any] = {}
    for name, wanted in (("beta", settings["center"]), ("gamma", settings["scale"])):
        if wanted:
            variable = model_variable(
                name,
                shape_of_params,
                dtype=x.dtype,
                initializer=settings.get("initializers", {}).get(name, _START[name]),
                regularizer=settings.get("regularizers", {}).get(name),
                collections=collections_of(settings["variables_collections"], name),
                trainable=settings["trainable"],
            )
            wide = [x.shape[i].value if i in params else 1 for i in range(len(x.shape))]
            made[name] = convert_to_tensor(variable) if params[-1] == len(x.shape) - 1 else reshape(variable, wide)
    mean, variance = nn.moments(x, axes, keep_dims=True)
    return nn.batch_normalization(x, mean, variance, made.get("beta"), made.get("gamma"), epsilon)


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Any:
    """Each example with mean 0 and variance 1 over its axes from ``begin_norm_axis`` on (Ba, Kiros and Hinton 2016)."""
    settings = dict(locals())
    with variable_scope(scope, "LayerNorm", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        rank = x.shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {x.name} has undefined rank.{at_line()}")
        first, params = begin_norm_axis % rank, begin_params_axis % rank
        sizes = x.shape.as_list()[params:]
        if None in sizes:
            raise ValueError(
                f"Inputs {x.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {x.shape}{at_line()}"
            )
        epsilon = 1e-3 if x.dtype.name == "float16" else 1e-12
        outputs = _scaled(x, list(range(first, rank)), list(range(params, rank)), sizes, settings, epsilon)
        return collected(outputs_collections, outputs if activation_fn is None else activation_fn(outputs))


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Any = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Any:
    """Each channel of each example with mean 0 and variance 1 over its space (Ulyanov, Vedaldi and Lempitsky 2016)."""
    settings = {**locals(), "initializers": param_initializers or {}}
    with variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        rank = x.shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {x.name} has undefined rank.{at_line()}")
        if data_format not in ("NCHW", "NHWC"):
            raise ValueError(f"data_format has to be either NCHW or NHWC.{at_line()}")
        axis = 1 if data_format == "NCHW" else rank - 1
        channels = x.shape[axis].value
        if channels is None:
            raise ValueError(f"Inputs {x.name} has undefined channels dimension.{at_line()}")
        over = [i for i in range(1, rank) if i != axis]
        outputs = _scaled(x, over, [axis], [channels], settings, epsilon)
        return collected(outputs_collections, outputs if activation_fn is None else activation_fn(outputs))


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """``inputs`` by their length along ``dim``, to the square of which ``epsilon`` is added."""
    with variable_scope(scope, "UnitNorm", [inputs]):
        x = convert_to_tensor(inputs)
        if not 0 <= dim < len(x.shape):
            raise ValueError(f"dim must be positive but smaller than the input rank.{at_line()}")
        return x / ops.sqrt(ops.sum(ops.square(x), axis=dim, keepdims=True) + epsilon)
