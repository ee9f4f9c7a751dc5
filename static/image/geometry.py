"""Images turned, mirrored, cut out and framed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import expand_dims, shape, squeeze
from static.random import random_uniform
from static.tensor import apply, constant_value, convert_to_tensor


def batched(image: Any) -> tuple[Any, Callable[[Any], Any]]:
    """One image or a batch as a batch, and the function that undoes that. Raises ValueError for another rank."""
    x = convert_to_tensor(image)
    if x.spec.dims is None:
        x = apply(ops.identity, x)
        x.set_shape([None] * 4)
    if len(x.shape) == 4:
        return x, lambda y: y
    if len(x.shape) == 3:
        return expand_dims(x, 0), lambda y: squeeze(y, [0])
    raise ValueError(f"'images' must have either 3 or 4 dimensions; {x.name} has shape {x.shape}{at_line()}")


def extent(x: Any, axis: int) -> int:
    """The size of an axis. Raises ValueError where it is not known."""
    size = x.shape[axis].value
    if size is None:
        raise ValueError(f"the height and width of images have to be known: {x.name} has shape {x.shape}{at_line()}")
    return size


def flip_left_right(image: Any) -> Any:
    """One image or a batch, mirrored about its vertical axis."""
    return _flipped(image, 2)


def flip_up_down(image: Any) -> Any:
    """One image or a batch, upside down."""
    return _flipped(image, 1)


def _flipped(image: Any, axis: int) -> Any:
    x, restored = batched(image)
    return restored(apply(ops.flip, x, axis=axis))


def random_flip_left_right(image: Any, seed: int | None = None) -> Any:
    """One image or each of a batch mirrored about its vertical axis, with a chance of one half."""
    return _perhaps_flipped(image, 2, seed)


def random_flip_up_down(image: Any, seed: int | None = None) -> Any:
    """One image or each of a batch upside down, with a chance of one half."""
    return _perhaps_flipped(image, 1, seed)


def _perhaps_flipped(image: Any, axis: int, seed: int | None) -> Any:
    x, restored = batched(image)
    batch = x.shape[0].value
    draws = random_uniform([shape(x)[0] if batch is None else batch, 1, 1, 1], seed=seed)
    return restored(ops.where(ops.less(draws, 0.5), apply(ops.flip, x, axis=axis), x))


def rot90(image: Any, k: int = 1, name: str | None = None) -> Any:
    """One image or a batch, turned anticlockwise ``k`` times by 90 degrees."""
    turns = constant_value(k)
    if turns is None:
        raise ValueError(f"rot90: the number of turns has to be known while the graph is being built{at_line()}")
    x, restored = batched(image)
    with x.graph.name_scope(name or "rot90"):
        times = int(turns) % 4
        if times == 2:
            x = apply(ops.flip, x, axis=(1, 2))
        elif times:
            x = apply(ops.flip, apply(ops.transpose, x, axes=(0, 2, 1, 3)), axis=1 if times == 1 else 2)
        return restored(x)


def transpose_image(image: Any, name: str | None = None) -> Any:
    """One image or a batch, with height and width exchanged."""
    x, restored = batched(image)
    return restored(apply(ops.transpose, x, name=name, node="transpose_image", axes=(0, 2, 1, 3)))


def crop_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int) -> Any:
    """The part of one image or a batch that begins at the offsets and has the target's size.

    Raises ValueError where it reaches beyond the image.
    """
    x, restored = batched(image)
    _within(offset_height, target_height, x, 1)
    _within(offset_width, target_width, x, 2)
    rows = slice(offset_height, offset_height + target_height)
    return restored(x[:, rows, offset_width : offset_width + target_width])


def _within(offset: int, target: int, x: Any, axis: int) -> None:
    size = x.shape[axis].value
    if offset < 0 or target <= 0 or (size is not None and offset + target > size):
        raise ValueError(f"a box of {target} from {offset} on is not within axis {axis} of {x.name} {x.shape}{at_line()}")


def pad_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int) -> Any:
    """One image or a batch in a frame of zeros of the target's size, in which it begins at the offsets.

    Raises ValueError where it does not fit.
    """
    x, restored = batched(image)
    borders = []
    for axis, offset, target in ((1, offset_height, target_height), (2, offset_width, target_width)):
        after = target - offset - extent(x, axis)
        if offset < 0 or after < 0:
            raise ValueError(f"{x.name} {x.shape} from {offset} on does not fit into a frame of {target}{at_line()}")
        borders.append((offset, after))
    return restored(apply(ops.pad, x, node="Pad", paddings=((0, 0), *borders, (0, 0))))


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of one image or a batch, that share of its height and width. Raises ValueError outside (0, 1]."""
    if not 0.0 < central_fraction <= 1.0:
        raise ValueError(f"central_fraction must be within (0, 1], not {central_fraction}{at_line()}")
    x, restored = batched(image)
    if central_fraction == 1.0:
        return restored(x)
    height, width = extent(x, 1), extent(x, 2)
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return restored(crop_to_bounding_box(x, top, left, height - 2 * top, width - 2 * left))


def resize_image_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Any:
    """One image or a batch brought to the target's size by cutting its border off or by a border of zeros."""
    x, restored = batched(image)
    height, width = extent(x, 1), extent(x, 2)
    above, left = max(height - target_height, 0) // 2, max(width - target_width, 0) // 2
    x = crop_to_bounding_box(x, above, left, min(target_height, height), min(target_width, width))
    above, left = max(target_height - height, 0) // 2, max(target_width - width, 0) // 2
    return restored(pad_to_bounding_box(x, above, left, target_height, target_width))
