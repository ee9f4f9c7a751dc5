"""What images are made of: dtypes, brightness, contrast, colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import at_line
from static.calls import FLOATS, both, cast, taken
from static.dtypes import as_dtype
from static.extras import saturate_cast
from static.image.geometry import batched
from static.math import tensordot
from static.random import random_uniform
from static.reductions import reduce_mean, reduce_sum
from static.tensor import apply, constant, convert_to_tensor


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """``image`` in another dtype, scaled: the whole range of an integer dtype is [0, 1] of a floating one."""
    x, to = convert_to_tensor(image), as_dtype(dtype)
    if x.dtype == to:
        return apply(ops.identity, x, name=name, node="convert_image")
    put: Callable[[Any, Any], Any] = saturate_cast if saturate else cast
    with x.graph.name_scope(name or "convert_image"):
        if x.dtype.is_floating:
            return cast(x, to) if to.is_floating else put(x * (_most(to) + 0.5), to)
        if to.is_floating:
            return cast(x, to) * (1.0 / _most(x.dtype))
        if _most(x.dtype) > _most(to):
            return put(x // ((_most(x.dtype) + 1) // (_most(to) + 1)), to)
        return cast(x, to) * ((_most(to) + 1) // (_most(x.dtype) + 1))


def _most(dtype: Any) -> int:
    return int(numpy.iinfo(dtype.dtype).max)


def _as_floats(image: Any, change: Callable[[Any], Any]) -> Any:
    """``change`` of the image in float32 (of a floating image as it is), in the image's own dtype again."""
    x = convert_to_tensor(image)
    if x.dtype.is_floating:
        return change(x)
    return convert_image_dtype(change(convert_image_dtype(x, "float32")), x.dtype, saturate=True)


def adjust_brightness(image: Any, delta: Any) -> Any:
    """``image`` with ``delta`` added; of integers, to their share of the whole range."""
    return _as_floats(image, lambda x: x + _scalar(delta, x))


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """``image`` with a random number in [-max_delta, max_delta) added. Raises ValueError for a negative bound."""
    if max_delta < 0:
        raise ValueError(f"max_delta must be non-negative.{at_line()}")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """``images`` with the distance of each pixel to its channel's mean times ``contrast_factor``."""

    def change(x: Any) -> Any:
        x, restored = batched(x)
        mean = reduce_mean(x, [1, 2], True)
        return restored((x - mean) * _scalar(contrast_factor, x) + mean)

    return _as_floats(images, change)


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """``adjust_contrast`` by a random factor in [lower, upper)."""
    _check_bounds(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


def _check_bounds(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError(f"upper must be > lower.{at_line()}")
    if lower < 0:
        raise ValueError(f"lower must be non-negative.{at_line()}")


def _scalar(value: Any, x: Any) -> Any:
    return value if isinstance(value, (int, float)) else cast(value, x.dtype)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """``gain * image ** gamma``, of pixels in [0, 1]. Raises ValueError for a negative ``gamma``."""
    if isinstance(gamma, (int, float)) and gamma < 0:
        raise ValueError(f"Gamma should be a non-negative real number.{at_line()}")
    return _as_floats(image, lambda x: x ** _scalar(float(gamma) if isinstance(gamma, int) else gamma, x) * float(gain))


def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and standard deviation 1, float32; the deviation is taken to be at least one pixel's share."""
    x, restored = batched(cast(image, "float32"))
    mean = reduce_mean(x, [1, 2, 3], True)
    spread = ops.sqrt(reduce_mean(ops.square(x - mean), [1, 2, 3], True))
    count = math.prod(x.shape[1:].as_list()) if x.shape[1:].is_fully_defined() else None
    if count is None:
        pixels = cast(ops.size_of(x) // ops.shape_of(x)[0], "float32")
        return restored((x - mean) / ops.maximum(spread, ops.rsqrt(pixels)))
    return restored((x - mean) / ops.maximum(spread, 1.0 / math.sqrt(count)))


# Colours


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """The luminance of colours along the last axis, which is of size 1 then."""
    grey = numpy.array([[0.2989], [0.5870], [0.1140]])

    def change(x: Any) -> Any:
        return tensordot(x, constant(grey, x.dtype), [[len(x.shape) - 1], [0]])

    out = _as_floats(images, change)
    return apply(ops.identity, out, name=name, node="rgb_to_grayscale")


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Grey images, with a last axis of size 1, as colours."""
    x = convert_to_tensor(images)
    reps = (*[1] * (len(x.shape) - 1), 3)
    return apply(ops.tile, x, name=name, node="grayscale_to_rgb", reps=reps)


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Colours along the last axis as hue, saturation and value, all in [0, 1]."""
    x = taken(images, FLOATS, "RGBToHSV")
    with x.graph.name_scope(name or "RGBToHSV"):
        red, green, blue = x[..., 0], x[..., 1], x[..., 2]
        value = ops.max(x, axis=-1)
        span = value - ops.min(x, axis=-1)
        safe = ops.where(ops.greater(span, 0.0), span, ops.ones_like(span))
        sixth = 1.0 / (6.0 * safe)
        hue = ops.where(
            ops.equal(red, value),
            sixth * (green - blue),
            ops.where(ops.equal(green, value), sixth * (blue - red) + 2.0 / 6.0, sixth * (red - green) + 4.0 / 6.0),
        )
        hue = ops.where(ops.greater(span, 0.0), hue, ops.zeros_like(hue))
        hue = ops.where(ops.less(hue, 0.0), hue + 1.0, hue)
        bright = ops.where(ops.greater(value, 0.0), value, ops.ones_like(value))
        saturation = ops.where(ops.greater(value, 0.0), span / bright, ops.zeros_like(span))
        return apply(ops.stack, hue, saturation, value, axis=-1)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value along the last axis as colours."""
    x = taken(images, FLOATS, "HSVToRGB")
    with x.graph.name_scope(name or "HSVToRGB"):
        hue, saturation, value = x[..., 0] * 6.0, x[..., 1], x[..., 2]
        parts = (ops.absolute(hue - 3.0) - 1.0, 2.0 - ops.absolute(hue - 2.0), 2.0 - ops.absolute(hue - 4.0))
        colours = [((ops.clip(p, min=0.0, max=1.0) - 1.0) * saturation + 1.0) * value for p in parts]
        return apply(ops.stack, *colours, axis=-1)


def _mixed(name: str, matrix: list[list[float]], doc: str) -> Callable[[Any], Any]:
    """The function that multiplies the colours along the last axis by a matrix."""

    def mix(images: Any) -> Any:
        x = taken(images, FLOATS, name)
        return tensordot(x, constant(numpy.array(matrix), x.dtype), [[len(x.shape) - 1], [0]])

    mix.__name__ = mix.__qualname__ = name
    mix.__doc__ = doc
    return mix


rgb_to_yuv = _mixed(
    "rgb_to_yuv",
    [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]],
    "Colours along the last axis as luma and the two chroma of PAL.",
)
yuv_to_rgb = _mixed(
    "yuv_to_rgb",
    [[1.0, 1.0, 1.0], [0.0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0.0]],
    "Luma and the two chroma of PAL along the last axis as colours.",
)
rgb_to_yiq = _mixed(
    "rgb_to_yiq",
    [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]],
    "Colours along the last axis as luma and the two chroma of NTSC.",
)
yiq_to_rgb = _mixed(
    "yiq_to_rgb",
    [[1.0, 1.0, 1.0], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]],
    "Luma and the two chroma of NTSC along the last axis as colours.",
)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """``image`` with the saturation of its colours times ``saturation_factor``, at most 1."""

    def change(x: Any) -> Any:
        parts = rgb_to_hsv(x)
        saturation = ops.clip(parts[..., 1] * _scalar(saturation_factor, x), min=0.0, max=1.0)
        return hsv_to_rgb(apply(ops.stack, parts[..., 0], saturation, parts[..., 2], axis=-1))

    return apply(ops.identity, _as_floats(image, change), name=name, node="adjust_saturation")


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """``image`` with ``delta`` (a whole turn being 1) added to the hue of its colours."""

    def change(x: Any) -> Any:
        parts = rgb_to_hsv(x)
        hue = ops.remainder(parts[..., 0] + _scalar(delta, x), 1.0)
        return hsv_to_rgb(apply(ops.stack, hue, parts[..., 1], parts[..., 2], axis=-1))

    return apply(ops.identity, _as_floats(image, change), name=name, node="adjust_hue")


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """``adjust_saturation`` by a random factor in [lower, upper)."""
    _check_bounds(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """``adjust_hue`` by a random number in [-max_delta, max_delta). Raises ValueError for a bound outside [0, 0.5]."""
    if not 0 <= max_delta <= 0.5:
        raise ValueError(f"max_delta must be within [0, 0.5], not {max_delta}{at_line()}")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


# Measures


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the absolute differences of neighbouring pixels, one number an image."""
    x = convert_to_tensor(images)
    with x.graph.name_scope(name or "total_variation"):
        if len(x.shape) == 3:
            down, across, every = x[1:] - x[:-1], x[:, 1:] - x[:, :-1], None
        else:
            down, across, every = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1], [1, 2, 3]
        return reduce_sum(ops.absolute(down), every) + reduce_sum(ops.absolute(across), every)


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The ratio of the greatest possible signal to the noise between two images, in decibels, one number an image."""
    a, b = both(a, b)
    with a.graph.name_scope(name or "PSNR"):
        top = convert_image_dtype(cast(max_val, a.dtype), "float32")
        noise = ops.squared_difference(convert_image_dtype(a, "float32"), convert_image_dtype(b, "float32"))
        mean = reduce_mean(noise, [-3, -2, -1])
        ten = math.log(10)
        return 20.0 * ops.log(top) / ten - (10.0 / ten) * ops.log(mean)


def image_gradients(image: Any) -> tuple[Any, Any]:
    """The differences of each pixel to the one below and to the one on its right, zero at the edges; of a batch."""
    x = convert_to_tensor(image)
    if len(x.shape) != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch, h, w, d], not {x.shape}.{at_line()}")
    down = apply(ops.pad, x[:, 1:] - x[:, :-1], paddings=((0, 0), (0, 1), (0, 0), (0, 0)))
    across = apply(ops.pad, x[:, :, 1:] - x[:, :, :-1], paddings=((0, 0), (0, 0), (0, 1), (0, 0)))
    return down, across
