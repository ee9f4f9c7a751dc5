"""What changes all parameters and buffers of a module at once: dtypes, devices, modes, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from dynamic.dtypes import dtype as Dtype, dtype_of
from dynamic.names import lacking
from dynamic.nn.parameter import Parameter
from dynamic.tensor import Tensor


class Convertible:
    """The part of a module that converts what it holds, in place."""

    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    children: Callable[[], Iterator[Any]]
    parameters: Callable[[], Iterator[Parameter]]

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace the memory of every parameter and its gradient, and every buffer, by what ``fn`` makes of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad.detach())
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Cast floating-point parameters and buffers to a dtype, or move all to a device: as ``Tensor.to``, in place.

        Raises TypeError for a dtype that is neither floating-point nor complex.
        """
        wanted = [arg for arg in (*args, *kwargs.values()) if isinstance(arg, (Dtype, Tensor))]
        for arg in wanted:
            dtype = arg if isinstance(arg, Dtype) else arg.dtype
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        others = [arg for arg in args if not isinstance(arg, (Dtype, Tensor))]
        places = {name: value for name, value in kwargs.items() if not isinstance(value, (Dtype, Tensor))}
        return self._apply(lambda t: t.to(*args, **kwargs) if _inexact(t) else t.to(*others, **places))

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to a dtype or type of tensors."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self._cast("float32")

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self._cast("float64")

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16."""
        return self._cast("float16")

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to bfloat16. Raises DtypeError, since numpy has no such dtype."""
        return self._cast("bfloat16")

    def _cast(self, name: str) -> Self:
        dtype = dtype_of(name)
        return self._apply(lambda t: t.to(dtype) if t._array.dtype.kind == "f" else t)

    def cpu(self) -> Self:
        """Move all parameters and buffers to the processor's memory."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to a GPU."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without copying values."""
        return self._apply(lambda t: t.to(device), recurse)

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    def train(self, mode: bool = True) -> Self:
        """Set the mode, of the module and all inside it, that dropout and batch normalisation ask for."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters collect gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or (without ``set_to_none``) fill them with zeros."""
        for parameter in self.parameters():
            g = parameter.grad
            if g is not None:
                parameter.grad = None if set_to_none else g.detach().zero_()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: a tape has nothing to compile, and the module runs as it is."""


def _inexact(tensor: Any) -> bool:
    return tensor._array.dtype.kind in "fc"


__getattr__ = lacking(__name__)
