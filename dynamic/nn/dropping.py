"""Dropout as functions: of elements, of whole channels, and with the negative saturation value of SELU in place of 0."""

from __future__ import annotations

import math
import warnings
from typing import Any

from dynamic.apply import apply
from dynamic.functions.creation import next_key
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line
from graphs.ops import dropout_mask


_SATURATION = -1.7580993408473766
"""The value that SELU tends to for large negative numbers."""


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _mask(input: Any, p: float, features: bool) -> Any:
    """``1 / (1 - p)`` where something is kept and 0 where it is dropped: elements, or (with ``features``) channels."""
    like = input.detach()
    if features:
        if like._array.ndim < 2:
            raise ShapeError(f"dropout of channels takes 2 dimensions or more, not {like._array.ndim}{at_line()}")
        like = like[(slice(None), slice(None), *(slice(0, 1),) * (like._array.ndim - 2))]
    return apply(dropout_mask, (like,), {"rate": p, "key": next_key()})


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """In training each element is 0 with probability ``p``, the others over ``1 - p`` (Srivastava et al. 2014)."""
    _check(p)
    if not training or p == 0:
        return input
    out = input * _mask(input, p, False)
    return input._become(out) if inplace else out


def _drop_channels(input: Any, p: float, training: bool, inplace: bool) -> Any:
    if not training or p == 0 or not input._array.size:
        return input
    out = input * (0.0 if p == 1 else _mask(input, p, True))
    return input._become(out) if inplace else out


def _of_batch(input: Any, p: float, training: bool, inplace: bool, batched: bool) -> Any:
    if batched:
        return _drop_channels(input, p, training, inplace)
    out = _drop_channels(input.unsqueeze(0), p, training, False).squeeze(0)
    return input._become(out) if inplace else out


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """``dropout`` of whole channels of (N, C, L) or (C, L) (Tompson et al. 2015)."""
    _check(p)
    if input._array.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: Expected 2D or 3D input, but received a {input._array.ndim}D input{at_line()}")
    return _of_batch(input, p, training, inplace, input._array.ndim == 3)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """``dropout`` of whole channels of (N, C, H, W); three dimensions are (N, C, L), with a warning."""
    _check(p)
    if input._array.ndim not in (3, 4):
        _warn(f"dropout2d: a {input._array.ndim}-D input, where 4 dimensions are meant")
    elif input._array.ndim == 3:
        _warn("dropout2d: a 3-D input is taken for (N, C, L), as dropout1d takes it")
    return _drop_channels(input, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """``dropout`` of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check(p)
    if input._array.ndim not in (4, 5):
        _warn(f"dropout3d: a {input._array.ndim}-D input, where 5 dimensions are meant, or 4 without a batch")
    return _of_batch(input, p, training, inplace, input._array.ndim == 5)


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance of what SELU gives (Klambauer et al. 2017)."""
    return _alpha(input, p, training, inplace, False)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """``alpha_dropout`` of whole channels."""
    return _alpha(input, p, training, inplace, True)


def _alpha(input: Any, p: float, training: bool, inplace: bool, features: bool) -> Any:
    _check(p)
    if not training or p == 0 or not input._array.size:
        return input
    if p == 1:
        out = input * 0.0
    else:
        kept = _mask(input, p, features) * (1 - p)
        scale = 1 / math.sqrt((_SATURATION**2 * p + 1) * (1 - p))
        out = input * (kept * scale) + ((kept - 1) * (_SATURATION * scale) + _SATURATION * scale * p)
    return input._become(out) if inplace else out


__getattr__ = lacking(__name__)
