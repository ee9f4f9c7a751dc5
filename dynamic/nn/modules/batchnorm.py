"""Batch normalisation as modules, with its running statistics."""

from __future__ import annotations

from typing import Any

from dynamic.functions.creation import empty, ones, tensor, zeros
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.modules.module import Module
from dynamic.nn.normalizing import batch_norm
from dynamic.nn.parameter import Parameter


class Normed(Module):
    """What batch and instance normalisation have in common: weight, bias and running statistics, where wanted."""

    _version = 2

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            parameter = Parameter(empty(num_features, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, parameter)
        if track_running_stats:
            self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", tensor(0, device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Begin again with mean 0 and variance 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set weights to 1, biases to 0, and begin again with the statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Any) -> None:
        """Raise ValueError for an input with another number of dimensions."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """All settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any], *lists: Any) -> None:
        version = local_metadata.get("version")
        counted = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.num_batches_tracked is not None and counted not in state_dict:
            state_dict[counted] = self.num_batches_tracked  # PyTorch before 0.4.1 did not count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)


class _BatchNorm(Normed):
    """Batch normalisation (Ioffe and Szegedy 2015); ``BatchNorm1d`` says what its arguments are."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        """``input`` normalised: in training by its own mean and variance, else by the running ones."""
        self._check_input_dim(input)
        mean, variance = self.running_mean, self.running_var
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            count = self.num_batches_tracked
            count._array += 1
            count._touch()
            if self.momentum is None:
                momentum = 1.0 / float(count._array)
        own = self.training or (mean is None and variance is None)
        if self.training and not self.track_running_stats:
            mean = variance = None
        return batch_norm(input, mean, variance, self.weight, self.bias, own, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L) (Ioffe and Szegedy 2015).

    Args:
        num_features: the number of channels.
        eps: what is added to the variance.
        momentum: how far running statistics move towards a batch's; None for their plain average.
        affine: whether there is a weight and a bias for each channel.
        track_running_stats: keep running statistics, for use out of training; without them each batch has its own always.
        device, dtype: of parameters and buffers.
        bias: whether there is a bias, where ``affine``.
    """

    def _check_input_dim(self, input: Any) -> None:
        if input._array.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input._array.ndim}D input)")


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W), with the arguments of ``BatchNorm1d``."""

    def _check_input_dim(self, input: Any) -> None:
        if input._array.ndim != 4:
            raise ValueError(f"expected 4D input (got {input._array.ndim}D input)")


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W), with the arguments of ``BatchNorm1d``."""

    def _check_input_dim(self, input: Any) -> None:
        if input._array.ndim != 5:
            raise ValueError(f"expected 5D input (got {input._array.ndim}D input)")


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (N, C, ...) over all processes of a group; here there is one, so by its batch alone.

    The arguments are those of ``BatchNorm1d``, and ``process_group``, which is kept and not used.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Any) -> None:
        if input._array.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input._array.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Any:
        """``module`` with the batch normalisations in it replaced, which keep their parameters and statistics."""
        made: Any = module
        if isinstance(module, _BatchNorm):
            old: Any = module
            settings = (old.num_features, old.eps, old.momentum, old.affine, old.track_running_stats, process_group)
            made = cls(*settings)
            if old.affine:
                made.weight, made.bias = old.weight, old.bias
            made.running_mean, made.running_var = old.running_mean, old.running_var
            made.num_batches_tracked = old.num_batches_tracked
            made.training = old.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made


__getattr__ = lacking(__name__)
