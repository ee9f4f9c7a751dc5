"""Images in another size: ``torch.nn.functional.interpolate``, its old names, and pixels made of channels."""

from __future__ import annotations

import warnings
from operator import index as as_int
from typing import Any

from dynamic.apply import apply
from dynamic.names import lacking
from dynamic.nn.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from graphs import ops
from graphs.core.errors import ShapeError, at_line


_KINDS = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_MODES = ("nearest", "nearest-exact", "area", *_RANKS)
_AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)


def _each(value: Any, count: int, what: str) -> tuple[Any, ...]:
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(given) != count:
        raise ValueError(f"interpolate: {what} {given} for {count} spatial dimensions{at_line()}")
    return given


def _grid(input: Any, count: int, size: Any, scale: Any, recompute: bool | None) -> tuple[tuple[int, ...], Any]:
    """The sizes wanted, and how far apart new elements lie among the old ones where that is not what sizes say."""
    if (size is None) == (scale is None):
        raise ValueError(f"interpolate: either size or scale_factor is to be given{at_line()}")
    if size is not None:
        if recompute:
            raise ValueError(f"interpolate: recompute_scale_factor goes with scale_factor, not with size{at_line()}")
        return tuple(map(as_int, _each(size, count, "size"))), None
    scales = [float(n) for n in _each(scale, count, "scale_factor")]
    sizes = tuple(int(n * by) for n, by in zip(input._array.shape[2:], scales, strict=True))
    return sizes, None if recompute else tuple(1 / by for by in scales)


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """``input``, (N, C, L), (N, C, H, W) or (N, C, D, H, W), in another size.

    Args:
        size: the size wanted, one integer or one for each spatial dimension; or
        scale_factor: how many times the input's size that is, likewise.
        mode: ``"nearest"`` or ``"nearest-exact"`` (the first rounds positions down), ``"linear"`` for lines,
            ``"bilinear"`` and ``"bicubic"`` for images, ``"trilinear"`` for volumes, ``"area"`` for means of regions.
        align_corners: whether the outermost elements stay in place, in the linear and cubic modes.
        recompute_scale_factor: take the scale from the sizes in place of ``scale_factor``, which sizes are rounded from.
        antialias: widen the kernel where the new image is smaller (``"bilinear"`` and ``"bicubic"``).

    Raises ValueError where settings contradict each other, NotImplementedError for a mode that the number of dimensions
    does not have.
    """
    count = input._array.ndim - 2
    if mode not in _MODES or not 1 <= count <= 3 or _RANKS.get(mode, count + 2) != count + 2:
        raise NotImplementedError(f"interpolate: mode {mode!r} for an input of {count + 2} dimensions{at_line()}")
    if mode in _KINDS:
        align_corners = bool(align_corners)
    elif align_corners is not None:
        raise ValueError(f"interpolate: align_corners goes with the linear and cubic modes, not {mode!r}{at_line()}")
    sizes, steps = _grid(input, count, size, scale_factor, recompute_scale_factor)
    if steps is not None and (antialias or _KINDS.get(mode) == "linear" or (mode == "nearest" and count == 2)):
        # Where a size stays as it is PyTorch forgets the scale in these modes, and nothing moves.
        steps = tuple(None if n == m else step for n, m, step in zip(input._array.shape[2:], sizes, steps, strict=True))
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias goes with 'bilinear' and 'bicubic', not {mode!r}{at_line()}")
    if mode == "area":
        return _AREA[count - 1](input, sizes)
    how = {
        "axes": tuple(range(2, count + 2)),
        "sizes": sizes,
        "kind": _KINDS.get(mode, mode),
        "aligned": bool(align_corners),
        "smooth": antialias,
        "steps": steps,
    }
    if input._array.dtype.kind == "u" and mode.startswith("nearest"):  # images of bytes, which single precision has exactly
        return apply(ops.resample, (input.float(),), how).to(input.dtype)
    return apply(ops.resample, (input,), how)


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """``interpolate`` by its name until 0.4; warns as PyTorch does."""
    warnings.warn("nn.functional.upsample is deprecated: use interpolate", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """``interpolate`` with the nearest elements, by its old name; warns as PyTorch does."""
    warnings.warn("nn.functional.upsample_nearest is deprecated: use interpolate", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """``interpolate`` of images between four pixels, corners staying in place; warns as PyTorch does."""
    warnings.warn("nn.functional.upsample_bilinear is deprecated: use interpolate", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# Pixels and channels


def _image(what: str, input: Any) -> tuple[tuple[int, ...], int, int, int]:
    shape = tuple(input._array.shape)
    if len(shape) < 3:
        raise ShapeError(f"{what}: channels, height and width are wanted, not an input of shape {shape}{at_line()}")
    return shape[:-3], *shape[-3:]


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(..., C r², H, W) with the channels made into pixels, r by r each: (..., C, H r, W r) (Shi et al. 2016)."""
    lead, channels, height, width = _image("pixel_shuffle", input)
    r = as_int(upscale_factor)
    if r < 1 or channels % (r * r):
        raise ShapeError(f"pixel_shuffle: {channels} channels do not make {r} by {r} pixels{at_line()}")
    n, c = len(lead), channels // (r * r)
    apart = input.reshape(*lead, c, r, r, height, width)
    return apart.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2).reshape(*lead, c, height * r, width * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(..., C, H r, W r) with each r by r pixels made into channels: (..., C r², H, W); takes ``pixel_shuffle`` back."""
    lead, channels, height, width = _image("pixel_unshuffle", input)
    r = as_int(downscale_factor)
    if r < 1 or height % r or width % r:
        raise ShapeError(f"pixel_unshuffle: {height} by {width} pixels do not come in {r} by {r}{at_line()}")
    n = len(lead)
    apart = input.reshape(*lead, channels, height // r, r, width // r, r)
    together = apart.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return together.reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Any, groups: int) -> Any:
    """(N, C, ...) with the channels of ``groups`` groups taken in turn (Zhang et al. 2018)."""
    shape = tuple(input._array.shape)
    if len(shape) < 3:
        raise ShapeError(f"channel_shuffle: channels and a spatial dimension are wanted, not the shape {shape}{at_line()}")
    if groups < 1 or shape[1] % groups:
        raise ShapeError(f"channel_shuffle: {shape[1]} channels do not come in {groups} groups{at_line()}")
    return input.reshape(shape[0], groups, shape[1] // groups, *shape[2:]).transpose(1, 2).reshape(*shape)


native_channel_shuffle = channel_shuffle


__getattr__ = lacking(__name__)
