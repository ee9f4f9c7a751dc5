"""Dense layers, dropout, flattening."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static import nn
from static.array import identity, reshape, shape
from static.branches import cond
from static.layers.arguments import ZEROS, InputSpec, activation_of, known_bool
from static.layers.base import Layer, functional
from static.math import tensordot
from static.shapes import TensorShape
from static.tensor import apply


class Dense(Layer):
    """``activation(inputs @ kernel + bias)`` along the last axis.

    Args:
        units: the size of the last axis of what comes out.
        activation: a function of a tensor, or its name in ``tf.nn``; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: initialisers; None for that of the scope, by default Glorot's.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions whose values are penalties.
        kernel_constraint, bias_constraint: functions that optimizers apply to the variables after a step.
        trainable, name: as for ``Layer``.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = ZEROS,
        kernel_regularizer: Callable[[Any], Any] | None = None,
        bias_regularizer: Callable[[Any], Any] | None = None,
        activity_regularizer: Callable[[Any], Any] | None = None,
        kernel_constraint: Callable[[Any], Any] | None = None,
        bias_constraint: Callable[[Any], Any] | None = None,
        trainable: bool = True,
        name: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        self.activation = activation_of(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.kernel: Any = None
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Make ``kernel`` and ``bias``. Raises ValueError where the size of the last axis is not known."""
        if not (self.dtype.is_floating or self.dtype.is_complex):
            raise TypeError(f"Unable to build `Dense` layer with non-floating point dtype {self.dtype.name}{at_line()}")
        last = TensorShape(input_shape)[-1].value
        if last is None:
            raise ValueError(f"The last dimension of the inputs to `Dense` should be defined. Found `None`.{at_line()}")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self.add_weight(
            "kernel",
            [last, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                [self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        if len(inputs.shape) > 2:
            out = tensordot(inputs, self.kernel, [[len(inputs.shape) - 1], [0]])
        else:
            out = apply(ops.matmul, inputs, self.kernel, node="MatMul")
        if self.bias is not None:
            out = nn.bias_add(out, self.bias)
        return out if self.activation is None else self.activation(out)


class Dropout(Layer):
    """``inputs`` with elements dropped at ``rate`` and the others scaled up, in training only.

    Args:
        rate: the share that is dropped, in [0, 1).
        noise_shape: the shape of the mask, which broadcasts to the inputs; by default theirs.
        seed: as for random operations.
        name: as for ``Layer``.
    """

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, name: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Any, training: Any = False) -> Any:
        """``inputs``, with dropout where ``training`` (a bool, or a scalar bool tensor) is true."""

        def dropped() -> Any:
            return nn.dropout(inputs, noise_shape=self.noise_shape, seed=self.seed, rate=self.rate)

        known = known_bool(False if training is None else training)
        if known is None:
            return cond(training, dropped, lambda: identity(inputs))
        return dropped() if known else identity(inputs)


class Flatten(Layer):
    """Each example of ``inputs`` as a vector.

    Args:
        data_format: ``channels_first`` moves the channels to the end first.
    """

    def __init__(self, data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """``inputs`` as ``[batch, the rest]``."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = apply(ops.transpose, inputs, axes=(0, *range(2, rank), 1))
        batch, *rest = inputs.shape.as_list()
        if None not in rest:
            return apply(ops.reshape, inputs, node="Reshape", shape=(-1 if batch is None else batch, math.prod(rest)))
        if batch is not None:
            return apply(ops.reshape, inputs, node="Reshape", shape=(batch, -1))
        return reshape(inputs, [shape(inputs)[0], -1])


dense = functional(Dense, "dense")


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: Any = None,
) -> Any:
    """``inputs`` with elements dropped at ``rate`` and the others scaled up, where ``training`` (also a tensor) is true."""
    return Dropout(rate, noise_shape, seed, name).apply(inputs, training=training)


def flatten(inputs: Any, name: Any = None, data_format: str = "channels_last") -> Any:
    """Each example of ``inputs`` as a vector; for ``channels_first`` with its channels moved to the end."""
    return Flatten(data_format, name=name).apply(inputs)
