"""Images in other sizes. Along each axis every new pixel is a weighted sum of a few old ones."""

from __future__ import annotations

from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import at_line
from static.calls import REALS, cast, taken
from static.image.geometry import batched, extent, pad_to_bounding_box
from static.tensor import apply, constant_value


class ResizeMethod:
    """How ``resize_images`` makes pixels."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


Taps = list[tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any] | None]]
"""What is added up along an axis: positions, one for each new pixel, and their weights (None for ones)."""

_FLOAT = numpy.float32


def _places(new: int, old: int, align: bool, half: bool) -> tuple[Any, Any]:
    """Where new pixels stand among the old ones, and how many old ones there are to a new one, in float32 as TensorFlow."""
    scale = _FLOAT((old - 1) / (new - 1)) if align and new > 1 else _FLOAT(old / new)
    at = numpy.arange(new, dtype=_FLOAT)
    return ((at + _FLOAT(0.5)) * scale - _FLOAT(0.5) if half else at * scale), scale


def _nearest(new: int, old: int, align: bool, half: bool) -> Taps:
    places, scale = _places(new, old, align, False)
    if half:
        found = numpy.floor((numpy.arange(new, dtype=_FLOAT) + _FLOAT(0.5)) * scale)
    else:
        found = numpy.floor(places + _FLOAT(0.5)) if align else numpy.floor(places)
    return [(numpy.clip(found, 0, old - 1).astype(int), None)]


def _bilinear(new: int, old: int, align: bool, half: bool) -> Taps:
    places, _ = _places(new, old, align, half)
    low = numpy.floor(places)
    share = places - low
    first, second = (numpy.clip(n, 0, old - 1).astype(int) for n in (low, numpy.ceil(places)))
    return [(first, 1 - share), (second, share)]


_STEPS = 1024
"""TensorFlow looks the bicubic weights up at so many places between two pixels."""


def _bicubic(new: int, old: int, align: bool, half: bool) -> Taps:
    """Keys's convolution (1981), of sharpness -0.75 as in OpenCV, or -0.5 where pixels have their centres at halves."""
    places, _ = _places(new, old, align, half)
    sharp = -0.5 if half else -0.75
    low = numpy.floor(places)
    share = numpy.rint((places - low) * _STEPS) / _STEPS

    def near(x: Any) -> Any:
        return ((sharp + 2) * x - (sharp + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((sharp * (x + 1) - 5 * sharp) * (x + 1) + 8 * sharp) * (x + 1) - 4 * sharp

    weights = numpy.stack([far(share), near(share), near(1 - share), far(1 - share)])
    at = numpy.stack([low - 1, low, low + 1, low + 2])
    if half:
        weights = numpy.where((at >= 0) & (at < old), weights, 0)
        weights /= weights.sum(0)
    return list(zip(numpy.clip(at, 0, old - 1).astype(int), weights.astype(_FLOAT), strict=True))


def _area(new: int, old: int, align: bool, half: bool) -> Taps:
    low, scale = _places(new, old, align, False)
    high = low + scale
    taps: Taps = []
    for offset in range(int(numpy.ceil(scale)) + 1):
        at = numpy.floor(low) + offset
        share = numpy.clip(numpy.minimum(at + 1, high) - numpy.maximum(at, low), 0, None) / scale
        if share.any():
            taps.append((numpy.clip(at, 0, old - 1).astype(int), share.astype(_FLOAT)))
    return taps


_METHODS = {
    ResizeMethod.BILINEAR: _bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: _nearest,
    ResizeMethod.BICUBIC: _bicubic,
    ResizeMethod.AREA: _area,
}
_NODES = {
    ResizeMethod.BILINEAR: "ResizeBilinear",
    ResizeMethod.NEAREST_NEIGHBOR: "ResizeNearestNeighbor",
    ResizeMethod.BICUBIC: "ResizeBicubic",
    ResizeMethod.AREA: "ResizeArea",
}


def _resized(images: Any, size: Any, method: int, align: bool, half: bool, name: str | None) -> Any:
    x = taken(images, REALS, _NODES[method])
    wanted = _two(size)
    x = x if method == ResizeMethod.NEAREST_NEIGHBOR else cast(x, "float32")
    with x.graph.name_scope(name or _NODES[method]):
        for axis, new in zip((1, 2), wanted, strict=True):
            x = _along(x, axis, _METHODS[method](new, extent(x, axis), align, half))
        return x


def _along(x: Any, axis: int, taps: Taps) -> Any:
    total: Any = None
    for at, weights in taps:
        part = apply(ops.take, x, at, axis=axis)
        if weights is not None:
            part = part * weights.reshape([-1] + [1] * (3 - axis))
        total = part if total is None else total + part
    return total


def _two(size: Any) -> tuple[int, int]:
    value = constant_value(size)
    if value is None:
        raise ValueError(f"the size of a resized image has to be known while the graph is being built{at_line()}")
    if value.shape != (2,):
        raise ValueError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width{at_line()}")
    return int(value[0]), int(value[1])


def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """``images``, ``[batch, height, width, channels]``, in ``size`` (height, width): each pixel the nearest old one.

    With ``align_corners`` the corners' centres stay in place; with ``half_pixel_centers`` those of all pixels are at halves.
    """
    return _resized(images, size, ResizeMethod.NEAREST_NEIGHBOR, align_corners, half_pixel_centers, name)


def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """``images`` in ``size``, float32: each pixel interpolated between four. Arguments as ``resize_nearest_neighbor``."""
    return _resized(images, size, ResizeMethod.BILINEAR, align_corners, half_pixel_centers, name)


def resize_bicubic(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Any:
    """``images`` in ``size``, float32: each pixel made of sixteen. Arguments as ``resize_nearest_neighbor``."""
    return _resized(images, size, ResizeMethod.BICUBIC, align_corners, half_pixel_centers, name)


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Any:
    """``images`` in ``size``, float32: each pixel the mean of the area that it covers."""
    return _resized(images, size, ResizeMethod.AREA, align_corners, False, name)


def resize_images(
    images: Any,
    size: Any,
    method: int = ResizeMethod.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Any:
    """One image or a batch in ``size`` (height, width), by a method of ``ResizeMethod``; itself where it has that size.

    With ``preserve_aspect_ratio`` as large as fits into ``size``.
    """
    if method not in _METHODS:
        raise ValueError(f"Resize method is not implemented: {method}{at_line()}")
    x, restored = batched(images)
    height, width = _two(size)
    old = extent(x, 1), extent(x, 2)
    if preserve_aspect_ratio:
        scale = min(_FLOAT(height) / _FLOAT(old[0]), _FLOAT(width) / _FLOAT(old[1]))
        height, width = (int(numpy.rint(scale * _FLOAT(n))) for n in old)
    if (height, width) == old:
        return restored(x)
    return restored(_resized(x, (height, width), method, align_corners, False, name))


def resize_image_with_pad(
    image: Any, target_height: int, target_width: int, method: int = ResizeMethod.BILINEAR, align_corners: bool = False
) -> Any:
    """One image or a batch, as large as fits into the target, with a border of zeros around it."""
    x, restored = batched(image)
    height, width = extent(x, 1), extent(x, 2)
    ratio = max(width / target_width, height / target_height)
    new_height, new_width = int(numpy.floor(height / ratio)), int(numpy.floor(width / ratio))
    above, left = (max(0, int((t - n) / 2)) for t, n in ((target_height, new_height), (target_width, new_width)))
    resized = resize_images(x, (new_height, new_width), method, align_corners)
    return restored(pad_to_bounding_box(resized, above, left, target_height, target_width))
