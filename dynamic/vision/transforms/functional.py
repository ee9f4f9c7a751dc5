"""Transforms of one image: a picture of Pillow's, or a tensor whose last dimensions are channels, height and width."""

from __future__ import annotations

import enum
import numbers
from collections.abc import Sequence
from typing import Any

import numpy
from PIL import Image, ImageOps

import dynamic
from dynamic.apply import Carried, default_dtype
from dynamic.names import lacking
from dynamic.nn.padding import pad as pad_tensor
from dynamic.nn.resizing import interpolate


class InterpolationMode(enum.Enum):
    """How pixels between pixels are found."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_PILLOW = {
    InterpolationMode.NEAREST: Image.Resampling.NEAREST,
    InterpolationMode.BILINEAR: Image.Resampling.BILINEAR,
    InterpolationMode.BICUBIC: Image.Resampling.BICUBIC,
    InterpolationMode.BOX: Image.Resampling.BOX,
    InterpolationMode.HAMMING: Image.Resampling.HAMMING,
    InterpolationMode.LANCZOS: Image.Resampling.LANCZOS,
}


def _resampling(interpolation: Any) -> Any:
    """Pillow's constant for one of ours, or for Pillow's own number, as programs gave until 0.8."""
    return _PILLOW[interpolation] if isinstance(interpolation, InterpolationMode) else Image.Resampling(interpolation)


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    return [img.shape[-1], img.shape[-2]] if isinstance(img, Carried) else list(img.size)  # type: ignore[attr-defined]


def get_image_num_channels(img: Any) -> int:
    """The number of channels."""
    if isinstance(img, Carried):
        return int(img._array.shape[-3]) if img._array.ndim > 2 else 1
    return len(img.getbands())


def pil_to_tensor(pic: Any) -> Any:
    """The pixels of a picture as they are: a tensor ``(channels, height, width)``."""
    if not isinstance(pic, Image.Image):
        raise TypeError(f"a picture is expected, not {type(pic).__name__}")
    pixels = numpy.array(pic, copy=True)
    if pixels.dtype == bool:
        pixels = pixels.astype(numpy.uint8)
    elif pixels.dtype == numpy.uint16:
        pixels = pixels.astype(numpy.int16)
    return dynamic.from_numpy(pixels.reshape(pic.height, pic.width, -1)).permute(2, 0, 1)


def to_tensor(pic: Any) -> Any:
    """A picture, or an array ``(height, width, channels)``, as a tensor ``(channels, height, width)``; bytes become 0 to 1.

    Raises TypeError for anything else, ValueError for an array of another number of dimensions.
    """
    if isinstance(pic, numpy.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"an image has 2 or 3 dimensions, not {pic.ndim}")
        pixels = pic if pic.ndim == 3 else pic[:, :, None]
        whole = dynamic.from_numpy(numpy.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return whole.to(default_dtype.get()) / 255 if pic.dtype == numpy.uint8 else whole
    if not isinstance(pic, Image.Image):
        raise TypeError(f"a picture or an array is expected, not {type(pic).__name__}")
    whole = pil_to_tensor(pic).contiguous()
    if pic.mode == "1":
        whole = whole * 255
    return whole.to(default_dtype.get()) / 255 if whole.dtype == dynamic.uint8 else whole


def to_pil_image(pic: Any, mode: str | None = None) -> Image.Image:
    """A tensor ``(channels, height, width)``, floats being 0 to 1, or an array ``(height, width, channels)`` as a picture.

    Raises TypeError or ValueError for what is no image, and for a mode that its channels do not have.
    """
    if isinstance(pic, Carried):
        if pic._array.ndim not in (2, 3):
            raise ValueError(f"an image has 2 or 3 dimensions, not {pic._array.ndim}")
        pixels = pic._array if pic._array.ndim == 3 else pic._array[None]
        if pixels.dtype.kind == "f" and mode != "F":
            pixels = (pixels * 255).astype(numpy.uint8)
        pixels = pixels.transpose(1, 2, 0)
    elif isinstance(pic, numpy.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"an image has 2 or 3 dimensions, not {pic.ndim}")
        pixels = pic if pic.ndim == 3 else pic[:, :, None]
    else:
        raise TypeError(f"a tensor or an array is expected, not {type(pic).__name__}")
    channels = pixels.shape[2]
    if channels > 4:
        raise ValueError(f"a picture has at most 4 channels, not {channels}")
    expected: Any = {1: (_GREY.get(pixels.dtype.name),), 2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
    if expected[channels][0] is None or (channels > 1 and pixels.dtype != numpy.uint8):
        raise TypeError(f"there are no pictures of {channels} channels of {pixels.dtype}")
    if mode is not None and mode not in expected[channels]:
        raise ValueError(f"{channels} channels of {pixels.dtype} have the modes {expected[channels]}, not {mode}")
    contiguous = numpy.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels)
    made = Image.fromarray(contiguous)
    wanted = mode or expected[channels][0]
    if made.mode != wanted:
        made = Image.frombytes(wanted, made.size, contiguous.tobytes())
    return made


_GREY = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
"""Pillow's modes of one channel."""


def normalize(tensor: Any, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Any:
    """``(tensor - mean) / std`` by channels. TypeError for integers and pictures, ValueError for a zero in ``std``."""
    if not isinstance(tensor, Carried):
        raise TypeError(f"a tensor is normalised, not {type(tensor).__name__}")
    x: Any = tensor
    if not x.is_floating_point():
        raise TypeError(f"floating-point numbers are normalised, not {x.dtype}")
    if x.dim() < 3:
        raise ValueError(f"channels, height and width are expected, not the shape {tuple(x.shape)}")
    shift, scale = (dynamic.as_tensor(list(each), dtype=x.dtype, device=x.device) for each in (mean, std))
    if (scale == 0).any():
        raise ValueError(f"a standard deviation is 0 in {x.dtype}")
    shift, scale = shift.view(-1, 1, 1), scale.view(-1, 1, 1)
    return x.sub_(shift).div_(scale) if inplace else (x - shift) / scale


def _resized(size: Any, width: int, height: int, max_size: int | None) -> tuple[int, int]:
    """The height and width after resizing: a number is for the smaller edge."""
    wanted = list(size) if isinstance(size, Sequence) else [size]
    if len(wanted) == 2:
        return int(wanted[0]), int(wanted[1])
    short, long = sorted((width, height))
    new_short, new_long = wanted[0], int(wanted[0] * long / short)
    if max_size is not None:
        if max_size <= wanted[0]:
            raise ValueError(f"max_size {max_size} is not greater than the smaller edge, {wanted[0]}")
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image in another size: ``(height, width)``, or one number for its smaller edge, the shape staying."""
    width, height = get_image_size(img)
    new = _resized(size, width, height, max_size)
    if isinstance(img, Image.Image):
        return img if new == (height, width) else img.resize((new[1], new[0]), _resampling(interpolation))
    mode = interpolation.value if isinstance(interpolation, InterpolationMode) else str(interpolation)
    smooth = mode in ("bilinear", "bicubic")
    batch = img if img.dim() == 4 else img.reshape(-1, *img.shape[-3:])
    kind = batch.dtype
    if not batch.is_floating_point():
        batch = batch.float()
    settings = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}
    out = interpolate(batch, size=list(new), mode=mode, **settings)
    if not kind.is_floating_point:
        out = out.clamp(0, 255).round() if smooth else out
    return out.to(kind).reshape(*img.shape[:-2], *new)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The part of these sizes whose corner is there; what lies outside of the image is 0."""
    if isinstance(img, Image.Image):
        return img.crop((left, top, left + width, top + height))
    w, h = get_image_size(img)
    inside = img[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if left < 0 or top < 0 or left + width > w or top + height > h:
        right, bottom = max(left + width - max(w, left), 0), max(top + height - max(h, top), 0)
        return pad_tensor(inside, [max(-left, 0), right, max(-top, 0), bottom])
    return inside


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the image; a smaller image is padded with 0."""
    height, width = pair(output_size)
    w, h = get_image_size(img)
    if width > w or height > h:
        sides = [
            (width - w) // 2 if width > w else 0,
            (height - h) // 2 if height > h else 0,
            (width - w + 1) // 2 if width > w else 0,
            (height - h + 1) // 2 if height > h else 0,
        ]
        img = pad(img, sides)
        w, h = get_image_size(img)
        if (w, h) == (width, height):
            return img
    return crop(img, round((h - height) / 2.0), round((w - width) / 2.0), height, width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of the image in another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def pair(size: Any) -> tuple[int, int]:
    """Height and width: one number is both."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    if len(size) == 1:
        return int(size[0]), int(size[0])
    if len(size) != 2:
        raise ValueError("a size is one number, or height and width")
    return int(size[0]), int(size[1])


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The image with a border: one number for all sides, two for left and right and for top and bottom, or four.

    ``padding_mode`` is "constant" (with ``fill``), "edge", "reflect" or "symmetric".
    """
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"padding_mode is constant, edge, reflect or symmetric, not {padding_mode!r}")
    sides: Any = [padding] if isinstance(padding, numbers.Number) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(f"padding is 1, 2 or 4 numbers, not {len(sides)}")
    left, top, right, bottom = {1: sides * 4, 2: sides * 2, 4: sides}[len(sides)]
    if isinstance(img, Image.Image):
        if padding_mode == "constant":
            return ImageOps.expand(img, (left, top, right, bottom), fill)
        pixels = numpy.asarray(img)
        widths = ((top, bottom), (left, right), (0, 0))[: pixels.ndim]
        padded = Image.fromarray(numpy.pad(pixels, widths, mode=padding_mode))  # type: ignore[call-overload]
        if img.mode == "P":
            palette = img.getpalette()
            if palette is not None:
                padded.putpalette(palette)
        return padded
    if padding_mode == "constant":
        return pad_tensor(img, [left, right, top, bottom], value=fill)
    outer = [(0, 0)] * (img.dim() - 2)
    where = numpy.pad(
        numpy.arange(img.shape[-1] * img.shape[-2]).reshape(img.shape[-2:]),
        [(top, bottom), (left, right)],
        mode=padding_mode,  # type: ignore[call-overload]
    )
    flat = img.reshape(*img.shape[:-2], -1)
    taken = flat.index_select(len(outer), dynamic.from_numpy(where.reshape(-1)))
    return taken.reshape(*img.shape[:-2], *where.shape)


def hflip(img: Any) -> Any:
    """The image with left and right exchanged."""
    return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if isinstance(img, Image.Image) else img.flip(-1)


def vflip(img: Any) -> Any:
    """The image with top and bottom exchanged."""
    return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if isinstance(img, Image.Image) else img.flip(-2)


def rotate(
    img: Image.Image,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Image.Image:
    """A picture turned by ``angle`` degrees, counter-clockwise."""
    return img.rotate(angle, _resampling(interpolation), expand, center, fillcolor=fill)


def to_grayscale(img: Image.Image, num_output_channels: int = 1) -> Image.Image:
    """A picture in grey, of one channel, or of three that are equal."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"a picture is expected, not {type(img).__name__}")
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels is 1 or 3, not {num_output_channels}")
    grey = img.convert("L")
    return grey if num_output_channels == 1 else Image.merge("RGB", (grey, grey, grey))


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """An image in grey: ``0.2989 r + 0.587 g + 0.114 b``."""
    if isinstance(img, Image.Image):
        return to_grayscale(img, num_output_channels)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels is 1 or 3, not {num_output_channels}")
    if img.shape[-3] == 3:
        red, green, blue = img.unbind(-3)
        grey = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    return grey.expand(*img.shape[:-3], 3, *img.shape[-2:]) if num_output_channels == 3 else grey


__getattr__ = lacking(__name__)
