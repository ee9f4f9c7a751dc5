"""Dropout."""

from __future__ import annotations

from typing import Any

from graphs import ops
from static.array import fill, partial_sizes
from static.calls import FLOATS, cast, taken
from static.random import _key
from static.tensor import Tensor, apply, constant, constant_value, convert_to_tensor


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Any:
    """``x`` with elements dropped at ``rate`` (1 - ``keep_prob``) and the others scaled by ``1 / (1 - rate)``."""
    x = taken(x, FLOATS, "dropout")
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout takes either keep_prob or rate")
    like = x if noise_shape is None else _noise_like(x, noise_shape)
    drop = constant_value(1 - keep_prob if rate is None else rate)
    if drop is not None:
        if not 0 <= float(drop) < 1:
            raise ValueError(f"dropout drops at a rate in [0, 1), not {float(drop)}")
        mask = apply(ops.dropout_mask, like, node="dropout_mask", rate=float(drop), **_key(seed))
    else:
        share = cast(convert_to_tensor(1 - keep_prob if rate is None else rate), x.dtype)
        draws = apply(ops.random_uniform_like, like, node="random_uniform", **_key(seed))
        mask = cast(ops.greater_equal(draws, share), x.dtype) / (1 - share)
    return apply(ops.multiply, x, mask, name=name, node="dropout")


def _noise_like(x: Any, noise_shape: Any) -> Any:
    """Zeros of the shape of the mask: ``noise_shape``, in which None stands for the size in ``x``."""
    if isinstance(noise_shape, (list, tuple)):
        parts = tuple(None if n is None else partial_sizes([n])[0] for n in noise_shape)  # type: ignore[index]
        tensors = any(isinstance(n, Tensor) and part is None for n, part in zip(noise_shape, parts, strict=True))
    else:
        parts = partial_sizes(noise_shape)  # type: ignore[assignment]
        tensors = parts is None or None in parts
    if tensors:
        return fill(noise_shape, constant(0, x.dtype))
    dims = x.shape.as_list()
    fits = len(parts) == len(dims) and all(n in (None, 1) or dim in (None, n) for n, dim in zip(parts, dims, strict=True))
    if not fits:
        raise ValueError(f"dropout: the noise_shape {parts} does not broadcast to {x.shape}")
    return ops.zeros_like(x[tuple(slice(0, 1) if n == 1 else slice(None) for n in parts)])
