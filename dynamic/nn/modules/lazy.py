"""Modules that learn the sizes of their parameters from the first batch: PyTorch's lazy modules."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamic.functions.creation import tensor
from dynamic.names import lacking
from dynamic.nn.modules import batchnorm, conv, instancenorm, linear
from dynamic.nn.uninitialized import Uninitialized, UninitializedBuffer, UninitializedParameter, is_lazy
from graphs.core.errors import ShapeError, at_line


class LazyModuleMixin:
    """Goes before ``Module`` among the bases of a module with parameters that have no shape yet.

    The first call hands its arguments to ``initialize_parameters``, which gives them one; a subclass defines it. From then
    on the module is of the class ``cls_to_become``, where that is not None.
    """

    cls_to_become: ClassVar[Any] = None

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter and buffer its shape, from the arguments of the first call (to be overridden)."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether there are parameters or buffers without a shape."""
        return any(map(is_lazy, (*self._parameters.values(), *self._buffers.values())))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Have the parameters take their shapes, then what calling any module does."""
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized{at_line()}")
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become
            return self(*args, **kwargs)
        return super().__call__(*args, **kwargs)  # type: ignore[misc]

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        waiting = {name: buffer for name, buffer in self._buffers.items() if is_lazy(buffer)}
        for name, buffer in waiting.items():
            buffer.data = fn(buffer.data)
            self._buffers[name] = None
        super()._apply(fn, recurse)  # type: ignore[misc]
        self._buffers.update(waiting)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, held in (*self._parameters.items(), *self._buffers.items()):
            if held is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = held if keep_vars or is_lazy(held) else held.detach()

    def _take(self, name: str, tensor: Any, value: Any, key: str, assign: bool) -> str | None:
        if isinstance(tensor, Uninitialized):
            if is_lazy(value):
                return None
            if not assign:
                tensor.materialize(value.shape)
        return super()._take(name, tensor, value, key, assign)  # type: ignore[misc]


class _Lazy(LazyModuleMixin):
    """What is common to the layers: weight and bias wait for the size that ``_size`` names."""

    _size: ClassVar[str]

    def _wait(self, names: Any, kind: Any, device: Any, dtype: Any) -> None:
        for name in names:
            setattr(self, name, kind(device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Draw the initial values, once there is something to draw them for."""
        if not self.has_uninitialized_params() and getattr(self, self._size) != 0:
            super().reset_parameters()  # type: ignore[misc]


class LazyLinear(_Lazy, linear.Linear):
    """A ``Linear`` whose ``in_features`` is the last dimension of the first batch; the other arguments are the same."""

    cls_to_become = linear.Linear
    _size = "in_features"

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self._wait(("weight", "bias") if bias else ("weight",), UninitializedParameter, device, dtype)
        self.out_features = out_features

    def initialize_parameters(self, input: Any) -> None:
        """Take over the size of the last dimension."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]


class _LazyConv(_Lazy):
    _size = "in_channels"
    _count: ClassVar[int]

    in_channels: int
    out_channels: int
    groups: int
    transposed: bool
    kernel_size: tuple[int, ...]
    weight: Any
    bias: Any

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)  # type: ignore[call-arg]
        self._wait(("weight", "bias") if bias else ("weight",), UninitializedParameter, device, dtype)
        self.out_channels = out_channels

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take over the number of channels."""
        if self.has_uninitialized_params():
            self.in_channels = self._channels(input)
            if self.in_channels % self.groups:
                raise ValueError(f"in_channels must be divisible by groups {self.groups}, not {self.in_channels}{at_line()}")
            pair = (self.in_channels, self.out_channels)
            rows, columns = pair if self.transposed else pair[::-1]
            self.weight.materialize((rows, columns // self.groups, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()
        if self.in_channels == 0:
            self.in_channels = self._channels(input)

    def _channels(self, input: Any) -> int:
        if input.dim() not in (self._count + 1, self._count + 2):
            raise ShapeError(
                f"Expected {self._count + 1}D (unbatched) or {self._count + 2}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {tuple(input.shape)}{at_line()}"
            )
        return int(input.shape[-self._count - 1])


class LazyConv1d(_LazyConv, conv.Conv1d):
    """A ``Conv1d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.Conv1d


class LazyConv2d(_LazyConv, conv.Conv2d):
    """A ``Conv2d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.Conv2d


class LazyConv3d(_LazyConv, conv.Conv3d):
    """A ``Conv3d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.Conv3d


class _LazyConvTranspose(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        settings = (0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
        super(_LazyConv, self).__init__(*settings)  # type: ignore[call-arg]
        self._wait(("weight", "bias") if bias else ("weight",), UninitializedParameter, device, dtype)
        self.out_channels = out_channels


class LazyConvTranspose1d(_LazyConvTranspose, conv.ConvTranspose1d):
    """A ``ConvTranspose1d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, conv.ConvTranspose2d):
    """A ``ConvTranspose2d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, conv.ConvTranspose3d):
    """A ``ConvTranspose3d`` whose ``in_channels`` the first batch tells; the other arguments are the same."""

    cls_to_become = conv.ConvTranspose3d


class _LazyNorm(_Lazy):
    _size = "num_features"

    num_features: int
    affine: bool
    track_running_stats: bool

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)  # type: ignore[call-arg]
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self._wait(("weight", "bias") if bias else ("weight",), UninitializedParameter, device, dtype)
        if track_running_stats:
            self._wait(("running_mean", "running_var"), UninitializedBuffer, device, dtype)
            self.num_batches_tracked = tensor(0, device=device)

    def initialize_parameters(self, input: Any) -> None:
        """Take over the size of dimension 1."""
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            for held in (*self._parameters.values(), *self._buffers.values()):
                if isinstance(held, Uninitialized):
                    held.materialize((self.num_features,))
            self.reset_parameters()
        if self.num_features == 0 and (self.affine or self.track_running_stats):
            self.num_features = input.shape[1]


class LazyBatchNorm1d(_LazyNorm, batchnorm.BatchNorm1d):
    """A ``BatchNorm1d`` whose ``num_features`` the first batch tells; the other arguments are the same."""

    cls_to_become = batchnorm.BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, batchnorm.BatchNorm2d):
    """A ``BatchNorm2d`` whose ``num_features`` the first batch tells; the other arguments are the same."""

    cls_to_become = batchnorm.BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, batchnorm.BatchNorm3d):
    """A ``BatchNorm3d`` whose ``num_features`` the first batch tells; the other arguments are the same."""

    cls_to_become = batchnorm.BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, instancenorm.InstanceNorm1d):
    """An ``InstanceNorm1d`` whose ``num_features`` the first batch tells; weights and statistics are kept by default."""

    cls_to_become = instancenorm.InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, instancenorm.InstanceNorm2d):
    """An ``InstanceNorm2d`` whose ``num_features`` the first batch tells; weights and statistics are kept by default."""

    cls_to_become = instancenorm.InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, instancenorm.InstanceNorm3d):
    """An ``InstanceNorm3d`` whose ``num_features`` the first batch tells; weights and statistics are kept by default."""

    cls_to_become = instancenorm.InstanceNorm3d


__getattr__ = lacking(__name__)
