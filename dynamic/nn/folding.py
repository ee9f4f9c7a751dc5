"""Windows of images as columns, and columns added back: ``unfold`` and ``fold`` of ``torch.nn.functional``."""

from __future__ import annotations

import math
from typing import Any

from dynamic.apply import apply
from dynamic.names import lacking
from dynamic.nn.layout import channels_first, channels_last, check, numbers
from graphs import ops
from graphs.core.errors import PositionError, ShapeError, at_line


def _settings(what: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> dict[str, Any]:
    given = (("kernel_size", kernel_size, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1))
    found = {}
    for name, value, least in given:
        found[name] = numbers(value, 2, f"{what}: {name}")
        check(found[name], least, f"{what}: {name}")
    return {
        "window": found["kernel_size"],
        "strides": found["stride"],
        "padding": tuple((n, n) for n in found["padding"]),
        "dilation": found["dilation"],
    }


def _counts(what: str, sizes: Any, how: dict[str, Any]) -> tuple[int, ...]:
    """How many windows there are in each dimension."""
    every = zip(sizes, how["window"], how["strides"], how["padding"], how["dilation"], strict=True)
    counts = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, (p, _), d in every)
    if min(counts) < 1:
        raise ShapeError(f"{what}: no window of {how['window']} fits into an image of {tuple(sizes)}{at_line()}")
    return counts


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of the images ``input``, (N, C, H, W) or (C, H, W), as columns: (N, C kH kW, L).

    Settings as for ``conv2d``. Raises ShapeError where sizes do not fit.
    """
    how = _settings("unfold", kernel_size, dilation, padding, stride)
    shape = tuple(input._array.shape)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        kind = PositionError if len(shape) < 3 else ShapeError
        raise kind(f"unfold: images with channels are wanted, not an input of shape {shape}{at_line()}")
    counts = _counts("unfold", shape[-2:], how)
    windows = apply(ops.unfold, (channels_last(input, 2),), how)
    columns = apply(ops.transpose, (windows,), {"axes": (0, 5, 3, 4, 1, 2)})
    out = columns.reshape(len(windows._array), shape[-3] * math.prod(how["window"]), math.prod(counts))
    return out if len(shape) == 4 else out.squeeze(0)


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The columns ``input``, (N, C kH kW, L) or (C kH kW, L), added up as windows of images of ``output_size``.

    Settings as for ``unfold``, whose gradient this is; (N, C, H, W) comes back. Raises ShapeError where sizes do not fit.
    """
    how = _settings("fold", kernel_size, dilation, padding, stride)
    sizes = numbers(output_size, 2, "fold: output_size")
    check(sizes, 1, "fold: output_size")
    shape = tuple(input._array.shape)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise ShapeError(f"fold: columns are wanted, not an input of shape {shape}{at_line()}")
    counts, elements = _counts("fold", sizes, how), math.prod(how["window"])
    if shape[-2] % elements or shape[-1] != math.prod(counts):
        raise ShapeError(
            f"fold: {shape[-1]} columns of {shape[-2]} are no {math.prod(counts)} windows of {how['window']}{at_line()}"
        )
    apart = input.reshape(shape[0] if len(shape) == 3 else 1, shape[-2] // elements, *how["window"], *counts)
    windows = apply(ops.transpose, (apart,), {"axes": (0, 4, 5, 2, 3, 1)})
    return channels_first(apply(ops.fold, (windows,), {"sizes": sizes, **how}), 2, len(shape) == 3)


__getattr__ = lacking(__name__)
