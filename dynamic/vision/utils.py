"""Several images as one, and images as files."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

import dynamic
from dynamic.apply import Carried
from dynamic.names import lacking


def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
    range: tuple[float, float] | None = None,
) -> Any:
    """Images, ``(n, c, h, w)`` or a list of them, side by side in rows of ``nrow`` with ``padding`` between: ``(c, H, W)``.

    Grey images get three channels. One image alone is returned without a border.

    Args:
        tensor: the images.
        nrow: how many stand in a row.
        padding: pixels around each.
        normalize: shift and scale to 0 to 1.
        value_range: what becomes 0 and 1; by default the least and greatest value.
        scale_each: find these for each image.
        pad_value: the border's value.
        range: ``value_range``, as it was called until 0.10.

    Raises TypeError for what is no tensor or list of tensors.
    """
    if not (isinstance(tensor, Carried) or (isinstance(tensor, list) and all(isinstance(t, Carried) for t in tensor))):
        raise TypeError(f"a tensor or a list of tensors is expected, not {type(tensor).__name__}")
    with dynamic.no_grad():
        images = _as_batch(tensor)
        if normalize:
            images = _normalised(images, value_range or range, scale_each)
        if images.size(0) == 1:
            return images.squeeze(0)
        count, channels, height, width = images.shape
        columns = min(nrow, count)
        rows = math.ceil(count / columns)
        high, wide = height + padding, width + padding
        grid = dynamic.full((channels, high * rows + padding, wide * columns + padding), pad_value, dtype=images.dtype)
        for i, image in enumerate(images):
            top, left = (i // columns) * high + padding, (i % columns) * wide + padding
            grid[:, top : top + height, left : left + width] = image
        return grid


def _as_batch(tensor: Any) -> Any:
    images = dynamic.stack(tensor, dim=0) if isinstance(tensor, list) else tensor.detach()
    if images.dim() == 2:
        images = images.unsqueeze(0)
    if images.dim() == 3:
        images = images.unsqueeze(0)
    return dynamic.cat([images] * 3, 1) if images.dim() == 4 and images.size(1) == 1 else images


def _normalised(images: Any, value_range: tuple[float, float] | None, scale_each: bool) -> Any:
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range is a tuple of two numbers")

    def scaled(x: Any) -> Any:
        low, high = value_range or (float(x.min()), float(x.max()))
        return (x.clamp(min=low, max=high) - low) / max(high - low, 1e-5)

    return dynamic.stack([scaled(image) for image in images]) if scale_each else scaled(images)


def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write images, values from 0 to 1, as one picture; further arguments are ``make_grid``'s.

    ``fp`` is a path or an open file, for which ``format`` says which kind of file it is.
    """
    grid = make_grid(tensor, **kwargs)
    pixels = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to(dynamic.uint8).numpy()
    Image.fromarray(pixels).save(fp, format=format)


__getattr__ = lacking(__name__)
