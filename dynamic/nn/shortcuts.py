"""Functions of ``nn.functional`` that are functions of the package too, some of them with arguments in another order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.nn import functional


def batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> Any:
    """``nn.functional.batch_norm``, the weights first."""
    return functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> Any:
    """``nn.functional.instance_norm``, the weights first."""
    return functional.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-05,
    cudnn_enable: bool = True,
) -> Any:
    """``nn.functional.layer_norm``."""
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05, cudnn_enabled: bool = True
) -> Any:
    """``nn.functional.group_norm``."""
    return functional.group_norm(input, num_groups, weight, bias, eps)


def embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    """The rows of ``weight`` at ``indices``."""
    given = None if padding_idx < 0 else padding_idx
    return functional.embedding(indices, weight, given, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def dropout(input: Any, p: float, train: bool) -> Any:
    """``nn.functional.dropout``, which must be told whether to."""
    return functional.dropout(input, p, train)


def alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """``nn.functional.alpha_dropout``, which must be told whether to."""
    return functional.alpha_dropout(input, p, train)


def feature_alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """``nn.functional.feature_alpha_dropout``, which must be told whether to."""
    return functional.feature_alpha_dropout(input, p, train)


_SAME = ("bilinear", "celu", "cosine_similarity", "hardshrink", "pairwise_distance", "prelu", "rms_norm", "rrelu")
_CHANGING = ("celu_", "rrelu_", "selu_", "threshold_")

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(functional, name) for name in (*_SAME, *_CHANGING)},
    **{function.__name__: function for function in (batch_norm, instance_norm, layer_norm, group_norm, embedding)},
    **{function.__name__: function for function in (dropout, alpha_dropout, feature_alpha_dropout)},
}
"""Functions of the package."""
