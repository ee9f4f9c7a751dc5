"""Convolutions as layers, in one, two and three dimensions, depthwise separable ones, and transposes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs.core.errors import at_line
from static import nn
from static.array import expand_dims, shape, squeeze
from static.convolution import convolve
from static.layers.arguments import ZEROS, InputSpec, activation_of, format_of, padding_of, sizes
from static.layers.base import Layer, functional
from static.shapes import TensorShape


class _Convolution(Layer):
    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
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
        self.filters = int(filters)
        self.kernel_size = sizes(kernel_size, self.rank, "kernel_size")
        self.strides = sizes(strides, self.rank, "strides")
        self.padding = padding_of(padding)
        self.data_format = data_format
        self.dilation_rate = sizes(dilation_rate, self.rank, "dilation_rate")
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
        self._format = format_of(data_format, self.rank)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """Make ``kernel`` and ``bias``. Raises ValueError where the number of channels is not known."""
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            self._kernel_shape(channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias()

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.filters)

    def _channels(self, input_shape: Any) -> int:
        axis = 1 if self.data_format == "channels_first" else -1
        channels = TensorShape(input_shape)[axis].value
        if channels is None:
            raise ValueError(f"The channel dimension of the inputs should be defined. Found `None`.{at_line()}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        return self._finished(
            convolve(inputs, self.kernel, self.strides, self.padding, self._format, self.dilation_rate, None, self.rank)
        )

    def _finished(self, out: Any) -> Any:
        """``out`` with the bias, activated."""
        if self.bias is not None:
            out = nn.bias_add(out, self.bias, self._format)
        return out if self.activation is None else self.activation(out)


class Conv1D(_Convolution):
    """Convolution of sequences, ``[batch, length, channels]``.

    Arguments as for ``Conv2D``.
    """

    rank = 1


class Conv2D(_Convolution):
    """Convolution of images, ``[batch, height, width, channels]``.

    Args:
        filters: the number of channels of what comes out.
        kernel_size, strides, dilation_rate: an int, or one for each dimension.
        padding: ``valid`` or ``same``.
        data_format: ``channels_last`` or ``channels_first``.
        Others: as for ``Dense``.
    """


class Conv3D(_Convolution):
    """Convolution of volumes, ``[batch, depth, height, width, channels]``.

    Arguments as for ``Conv2D``.
    """

    rank = 3


# Transposes


class _Transpose(_Convolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            1,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            trainable,
            name,
            **kwargs,
        )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def call(self, inputs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        first = self.data_format == "channels_first"
        known = inputs.shape.as_list()
        dims = [shape(inputs)[i] if n is None else n for i, n in enumerate(known)]
        lengths = dims[2:] if first else dims[1:-1]
        longer = [self._length(*each) for each in zip(lengths, self.kernel_size, self.strides, strict=True)]
        wanted = [dims[0], self.filters, *longer] if first else [dims[0], *longer, self.filters]
        transpose = nn.conv2d_transpose if self.rank == 2 else nn.conv3d_transpose
        strides = (1, 1, *self.strides) if first else (1, *self.strides, 1)
        return self._finished(transpose(inputs, self.kernel, wanted, strides, self.padding, self._format))

    def _length(self, length: Any, window: int, stride: int) -> Any:
        """The length of what comes out along one dimension."""
        return length * stride + (max(window - stride, 0) if self.padding == "VALID" else 0)


class Conv2DTranspose(_Transpose):
    """The transpose of a convolution of images, ``[batch, height, width, channels]``.

    Arguments as for ``Conv2D``.
    """


class Conv3DTranspose(_Transpose):
    """The transpose of a convolution of volumes, ``[batch, depth, height, width, channels]``.

    Arguments as for ``Conv2D``.
    """

    rank = 3


# Each channel by itself, then all together


class _Separable(_Convolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = ZEROS,
        depthwise_regularizer: Callable[[Any], Any] | None = None,
        pointwise_regularizer: Callable[[Any], Any] | None = None,
        bias_regularizer: Callable[[Any], Any] | None = None,
        activity_regularizer: Callable[[Any], Any] | None = None,
        depthwise_constraint: Callable[[Any], Any] | None = None,
        pointwise_constraint: Callable[[Any], Any] | None = None,
        bias_constraint: Callable[[Any], Any] | None = None,
        trainable: bool = True,
        name: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def build(self, input_shape: Any) -> None:
        """Make ``depthwise_kernel``, ``pointwise_kernel`` and ``bias``."""
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self._add_bias()

    def call(self, inputs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        if self.rank == 2:
            how = (self.strides, self.padding, self.dilation_rate)
            kernels = (self.depthwise_kernel, self.pointwise_kernel)
            return self._finished(nn.separable_conv2d(inputs, *kernels, *how, data_format=self._format))
        # A sequence is an image one element high.
        at, images = (2, "NCHW") if self.data_format == "channels_first" else (1, "NHWC")
        out = nn.separable_conv2d(
            expand_dims(inputs, at),
            expand_dims(self.depthwise_kernel, 0),
            expand_dims(self.pointwise_kernel, 0),
            self.strides * 2,
            self.padding,
            (1, *self.dilation_rate),
            data_format=images,
        )
        return self._finished(squeeze(out, [at]))


class SeparableConv1D(_Separable):
    """A convolution of each channel of sequences by itself, then one of single elements over all.

    Arguments as for ``Conv2D``.
    """

    rank = 1


class SeparableConv2D(_Separable):
    """A convolution of each channel of images by itself, then one of single elements over all.

    Arguments as for ``Conv2D``.
    """


conv1d = functional(Conv1D, "conv1d")
conv2d = functional(Conv2D, "conv2d")
conv3d = functional(Conv3D, "conv3d")
conv2d_transpose = functional(Conv2DTranspose, "conv2d_transpose")
conv3d_transpose = functional(Conv3DTranspose, "conv3d_transpose")
separable_conv1d = functional(SeparableConv1D, "separable_conv1d")
separable_conv2d = functional(SeparableConv2D, "separable_conv2d")
