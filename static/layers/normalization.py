"""Batch normalisation as a layer, with averages of what it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import identity
from static.branches import cond
from static.layers.arguments import ONES, ZEROS, InputSpec, known_bool
from static.layers.base import Layer
from static.math import rsqrt
from static.normalization import corrected
from static.shapes import TensorShape
from static.tensor import apply, constant, convert_to_tensor


class BatchNormalization(Layer):
    """``inputs`` with mean 0 and variance 1 in each channel, times ``gamma`` plus ``beta`` (Ioffe and Szegedy 2015).

    In training by the mean and variance of the inputs, which ``moving_mean`` and ``moving_variance`` follow where the
    operations in the collection ``UPDATE_OPS`` are run; else by what these two hold.

    Args:
        axis: the axis of the channels.
        momentum: how much of a moving average is kept at an update.
        epsilon: added to the variance.
        center, scale: whether there is a ``beta``, a ``gamma``.
        beta_initializer, ..., gamma_constraint: as for ``Dense``.
        trainable, name: as for ``Layer``.
        fused: None or True do with images, ``[batch, height, width, channels]``, as TensorFlow's fused kernel does:
            ``moving_variance`` follows the corrected variance, which is divided by the count less 1.
        renorm, renorm_clipping, renorm_momentum, virtual_batch_size, adjustment: not taken.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = ZEROS,
        gamma_initializer: Any = ONES,
        moving_mean_initializer: Any = ZEROS,
        moving_variance_initializer: Any = ONES,
        beta_regularizer: Callable[[Any], Any] | None = None,
        gamma_regularizer: Callable[[Any], Any] | None = None,
        beta_constraint: Callable[[Any], Any] | None = None,
        gamma_constraint: Callable[[Any], Any] | None = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Any = None,
        name: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        if renorm or virtual_batch_size is not None or adjustment is not None:
            raise NotImplementedError(f"batch normalisation takes no renorm, virtual_batch_size or adjustment{at_line()}")
        several = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        if len(several) != 1:
            raise NotImplementedError(f"batch normalisation over several axes {several} is not taken{at_line()}")
        self.axis = several[0]
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.fused = fused
        self.beta: Any = None
        self.gamma: Any = None
        self.moving_mean: Any = None
        self.moving_variance: Any = None

    def build(self, input_shape: Any) -> None:
        """Make the variables. Raises ValueError where the rank or the number of channels is not known."""
        shape = TensorShape(input_shape)
        if not shape.ndims:
            raise ValueError(f"Input has undefined rank: {shape}{at_line()}")
        if not -shape.ndims <= self.axis < shape.ndims:
            raise ValueError(f"Invalid axis: {self.axis}{at_line()}")
        self.axis %= shape.ndims
        channels = shape[self.axis].value
        if channels is None:
            raise ValueError(f"Input has undefined `axis` dimension. Input shape: {shape}{at_line()}")
        self.fused = self.fused is not False and shape.ndims == 4 and self.axis in (1, 3) and self.dtype.name != "float64"
        self.input_spec = InputSpec(ndim=shape.ndims, axes={self.axis: channels})
        dtype = "float32" if self.dtype.itemsize < 4 else self.dtype
        if self.scale:
            self.gamma = self.add_weight(
                "gamma",
                (channels,),
                dtype,
                self.gamma_initializer,
                self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                "beta",
                (channels,),
                dtype,
                self.beta_initializer,
                self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        averages = ("moving_mean", self.moving_mean_initializer), ("moving_variance", self.moving_variance_initializer)
        self.moving_mean, self.moving_variance = (
            self.add_weight(name, (channels,), dtype, initializer, trainable=False) for name, initializer in averages
        )
        self.built = True

    def call(self, inputs: Any, training: Any = False) -> Any:
        """``inputs`` normalised, by their own mean and variance where ``training`` (a bool or a scalar bool tensor) is."""
        x = self._last(inputs)
        ones = constant(1.0, x.dtype, [x.shape[-1].value])
        gamma = ones if self.gamma is None else convert_to_tensor(self.gamma)
        beta = ones * 0.0 if self.beta is None else convert_to_tensor(self.beta)
        averages = convert_to_tensor(self.moving_mean), convert_to_tensor(self.moving_variance)
        epsilon = max(float(self.epsilon), 1.001e-5) if self.fused else float(self.epsilon)

        def by_inputs() -> tuple[Any, Any, Any]:
            out, mean, variance = apply(ops.batch_norm, x, gamma, beta, node="FusedBatchNorm", epsilon=epsilon)
            return out, mean, corrected(variance, x) if self.fused else variance

        def by_averages() -> tuple[Any, Any, Any]:
            mean, variance = averages
            factor = rsqrt(variance + epsilon) * gamma
            out = apply(ops.add, x * factor, beta - mean * factor, node="FusedBatchNorm")
            return out, identity(mean), identity(variance)

        known = known_bool(False if training is None else training)
        if known is None:
            out, mean, variance = cond(training, by_inputs, by_averages)
        else:
            out, mean, variance = by_inputs() if known else by_averages()
        if known is not False:
            # Where it turns out not to train, an average is the value that it is moved to, and stays to the last bit.
            self.add_update([self._moved(self.moving_mean, mean), self._moved(self.moving_variance, variance)])
        return self._restored(out)

    def _moved(self, average: Any, value: Any) -> Any:
        """The operation that moves ``average`` towards ``value``."""
        return average.assign_sub((convert_to_tensor(average) - ops.stop_gradient(value)) * (1.0 - self.momentum))

    def _last(self, x: Any) -> Any:
        rank = len(x.shape)
        if self.axis == rank - 1:
            return x
        return apply(ops.transpose, x, axes=(*(i for i in range(rank) if i != self.axis), self.axis))

    def _restored(self, x: Any) -> Any:
        rank = len(x.shape)
        if self.axis == rank - 1:
            return x
        return apply(ops.transpose, x, axes=(*range(self.axis), rank - 1, *range(self.axis, rank - 1)))


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = ZEROS,
    gamma_initializer: Any = ONES,
    moving_mean_initializer: Any = ZEROS,
    moving_variance_initializer: Any = ONES,
    beta_regularizer: Callable[[Any], Any] | None = None,
    gamma_regularizer: Callable[[Any], Any] | None = None,
    beta_constraint: Callable[[Any], Any] | None = None,
    gamma_constraint: Callable[[Any], Any] | None = None,
    training: Any = False,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Any = None,
) -> Any:
    """``inputs`` through a ``BatchNormalization`` made with these arguments.

    ``training`` is a bool or a scalar bool tensor. The operations in the collection ``UPDATE_OPS`` have to be run with each
    step of training, for instance by ``tf.control_dependencies``.
    """
    layer = BatchNormalization(
        axis,
        momentum,
        epsilon,
        center,
        scale,
        beta_initializer,
        gamma_initializer,
        moving_mean_initializer,
        moving_variance_initializer,
        beta_regularizer,
        gamma_regularizer,
        beta_constraint,
        gamma_constraint,
        renorm,
        renorm_clipping,
        renorm_momentum,
        fused,
        trainable,
        virtual_batch_size,
        adjustment,
        name,
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs, training=training)
