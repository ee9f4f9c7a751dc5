"""The ops behind ``tf.summary``: each yields a serialised ``Summary`` message, as bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.op import Op
from graphs.core.spec import show
from static.errors import InvalidArgumentError
from static.protos import message
from static.registry import registered


_OBJECT = numpy.dtype(object)
_LARGEST = float(numpy.finfo(numpy.float64).max)


def _summary_op(name: str) -> Callable[[Callable[..., Any]], Op]:
    return lambda kernel: registered(Op(kernel, name=name, shape=lambda *_, **__: (), dtype=lambda *_, **__: _OBJECT))


def _text(x: Any) -> str:
    found = x.item() if isinstance(x, ndarray) else x
    return found.decode() if isinstance(found, bytes) else str(found)


def _bytes(summary: Any) -> ndarray:
    return numpy.array(summary.SerializeToString(), dtype=object)


@_summary_op("scalar_summary")
def scalar_summary_op(xp: Any, tags: Any, values: Any) -> Any:
    """One value for each tag."""
    if numpy.shape(tags) != numpy.shape(values):
        single = f" (tag '{_text(tags)}')" if numpy.ndim(tags) == 0 else ""
        raise InvalidArgumentError(
            None, f"tags and values are not the same shape: {show(numpy.shape(tags))} != {show(numpy.shape(values))}{single}"
        )
    summary = message("Summary")()
    for tag, value in zip(numpy.asarray(tags, dtype=object).flat, numpy.asarray(values).flat, strict=True):
        summary.value.add(tag=_text(tag), simple_value=float(value))
    return _bytes(summary)


# Histograms


@cache
def _limits() -> ndarray:
    """The upper ends of TensorFlow's buckets: 10 % apart between 1e-12 and 1e20, likewise below zero."""
    ends = []
    end = 1e-12
    while end < 1e20:
        ends.append(end)
        end *= 1.1
    positive = numpy.array([*ends, _LARGEST])
    return numpy.concatenate([-positive[::-1], [0.0], positive])


def histogram(values: ndarray) -> Any:
    """The ``HistogramProto`` of finite ``values``; runs of empty buckets are joined."""
    flat = numpy.asarray(values, dtype=numpy.float64).reshape(-1)
    limits = _limits()
    places = numpy.minimum(numpy.searchsorted(limits, flat, side="right"), len(limits) - 1)
    counts = numpy.bincount(places, minlength=len(limits))
    last_of_run = numpy.append((counts[:-1] > 0) | (counts[1:] > 0), True)
    return message("HistogramProto")(
        min=flat.min(initial=_LARGEST),
        max=flat.max(initial=-_LARGEST),
        num=flat.size,
        sum=_sum(flat),
        sum_squares=_sum(flat * flat),
        bucket_limit=limits[last_of_run],
        bucket=counts[last_of_run],
    )


def _sum(values: ndarray) -> float:
    """One after the other, as TensorFlow adds them up; numpy's own order gives other last bits."""
    return float(numpy.add.accumulate(values)[-1]) if values.size else 0.0


@_summary_op("histogram_summary")
def histogram_summary_op(xp: Any, tag: Any, values: Any) -> Any:
    """How the values are distributed. Raises InvalidArgumentError where one is not finite."""
    values = numpy.asarray(values)
    if values.dtype.kind == "f" and not numpy.isfinite(values).all():
        what = "Nan in summary histogram" if numpy.isnan(values).any() else "Infinity in summary histogram"
        raise InvalidArgumentError(None, f"{what} for: {_text(tag)}")
    summary = message("Summary")()
    summary.value.add(tag=_text(tag), histo=histogram(values))
    return _bytes(summary)


# Images


@_summary_op("image_summary")
def image_summary_op(
    xp: Any, tag: Any, tensor: Any, *, max_outputs: int, bad_color: tuple[int, ...] = (255, 0, 0, 255)
) -> Any:
    """The first ``max_outputs`` images of a batch (height, width and 1, 3 or 4 channels last), as PNG.

    Floats are scaled, each image by itself: to 0..255 where none is negative, else so that zero becomes 128. Pixels that are
    not finite become ``bad_color``.
    """
    if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(None, f"Tensor must be 4-D with last dim 1, 3, or 4, not {show(tensor.shape)}")
    summary = message("Summary")()
    for number, pixels in enumerate(tensor[:max_outputs]):
        height, width, channels = pixels.shape
        value = summary.value.add(tag=f"{_text(tag)}/image" + (f"/{number}" if max_outputs > 1 else ""))
        value.image.height, value.image.width, value.image.colorspace = height, width, channels
        value.image.encoded_image_string = png(pixels if pixels.dtype == numpy.uint8 else _scaled(pixels, bad_color))
    return _bytes(summary)


def _scaled(pixels: ndarray, bad_color: tuple[int, ...]) -> ndarray:
    finite = numpy.isfinite(pixels).all(axis=-1)
    seen = pixels[finite].astype(numpy.float32)
    least, most = seen.min(initial=numpy.inf), seen.max(initial=-numpy.inf)
    kind = pixels.dtype.type
    top, offset = (kind(127), kind(128)) if least < 0 else (kind(255), kind(0))
    largest = kind(max(abs(least), abs(most)) if least < 0 else most)
    scale = kind(0) if largest < 1e-6 else top / largest
    out = numpy.empty(pixels.shape, numpy.uint8)
    out[...] = bad_color[: pixels.shape[-1]]
    out[finite] = (pixels[finite] * scale + offset).astype(numpy.uint8)
    return out


def png(pixels: ndarray) -> bytes:
    """``pixels`` (height, width and 1, 3 or 4 channels of uint8) as a PNG file."""
    height, width, channels = pixels.shape
    rows = numpy.zeros((height, 1 + width * channels), numpy.uint8)  # each row begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, width * channels)
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


# Any tensor, and text


@_summary_op("tensor_summary_v2")
def tensor_summary_op(xp: Any, tag: Any, tensor: Any, *, metadata: bytes = b"") -> Any:
    """The tensor itself; ``metadata``, a serialised ``SummaryMetadata``, says what is to show it."""
    summary = message("Summary")()
    value = summary.value.add(tag=_text(tag))
    value.metadata.ParseFromString(metadata)
    value.metadata.SetInParent()
    array = numpy.asarray(tensor)
    name = {"object": "STRING", "float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}.get(array.dtype.name)
    value.tensor.dtype = message("DataType").Value(f"DT_{name or array.dtype.name.upper()}")
    value.tensor.tensor_shape.SetInParent()
    for size in array.shape:
        value.tensor.tensor_shape.dim.add(size=size)
    if array.dtype.kind == "O":
        value.tensor.string_val.extend(array.flat)
    else:
        value.tensor.tensor_content = array.tobytes()
    return _bytes(summary)


@_summary_op("merge_summary")
def merge_summary_op(xp: Any, *inputs: Any) -> Any:
    """All the values of several summaries. Raises InvalidArgumentError where two have one tag."""
    merged = message("Summary")()
    seen: set[str] = set()
    for value in _values(inputs):
        if value.tag in seen:
            raise InvalidArgumentError(None, f"Duplicate tag {value.tag} found in summary inputs")
        seen.add(value.tag)
        merged.value.append(value)
    return _bytes(merged)


def _values(inputs: tuple[Any, ...]) -> Iterator[Any]:
    for array in inputs:
        for data in numpy.asarray(array, dtype=object).flat:
            yield from message("Summary").FromString(data).value


for _op in (scalar_summary_op, histogram_summary_op, image_summary_op, tensor_summary_op):
    _op.vjp(None, None)
