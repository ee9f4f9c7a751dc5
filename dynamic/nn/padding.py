"""Borders: ``torch.nn.functional.pad`` in its four modes."""

from __future__ import annotations

from typing import Any

from dynamic.apply import apply
from dynamic.names import lacking
from dynamic.nn.layout import numbers
from graphs import ops
from graphs.core.errors import ShapeError, at_line
from graphs.ops.slicing import Slice


MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The kernel's names of PyTorch's modes."""


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """``input`` with a border around its last dimensions.

    Args:
        pad: how much before and after the last dimension, then the one before it, and so on; a negative number crops.
        mode: ``"constant"`` fills with ``value`` (0), in any number of dimensions. ``"reflect"`` mirrors without the edge,
            ``"replicate"`` repeats the edge and ``"circular"`` wraps around, in one to three spatial dimensions that have
            channels, and perhaps a batch, before them.

    Raises ShapeError where sizes do not fit, NotImplementedError for other modes and numbers of dimensions.
    """
    given = tuple(numbers(pad, len(pad), "pad: pad") if pad else ())
    rank = input._array.ndim
    if len(given) % 2 or len(given) > 2 * rank:
        raise ShapeError(f"pad: {given} does not give two numbers for each of at most {rank} dimensions{at_line()}")
    if mode not in MODES:
        raise NotImplementedError(f"pad: no mode {mode!r}; there are {', '.join(MODES)}{at_line()}")
    if mode != "constant":
        _check(input, given, mode, value)
    pairs = ((0, 0),) * (rank - len(given) // 2) + tuple(zip(given[-2::-2], given[::-2], strict=True))
    if min(given, default=0) < 0:
        input = _cropped(input, pairs)
        pairs = tuple((max(before, 0), max(after, 0)) for before, after in pairs)
    how = {"paddings": pairs, "mode": MODES[mode], "value": _fill(input, value)}
    return apply(ops.pad, (input,), how)


def _check(input: Any, given: tuple[int, ...], mode: str, value: Any) -> None:
    shape = tuple(input._array.shape)
    count = len(given) // 2
    if not (1 <= count <= 3 and len(shape) in (count + 1, count + 2)):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads one to three dimensions behind channels (and a batch), "
            f"not {count} of the shape {shape}{at_line()}"
        )
    if value:
        raise ShapeError(f"pad: mode {mode!r} takes no value{at_line()}")
    if mode == "circular" and any(n > shape[-1 - i // 2] for i, n in enumerate(given)):
        raise ShapeError(f"pad: {given} wraps around {shape} more than once{at_line()}")
    if mode == "reflect" and any(n >= shape[-1 - i // 2] for i, n in enumerate(given)):
        raise ShapeError(f"pad: {given} reflects more of {shape} than there is beside the edge{at_line()}")
    if mode != "circular" and min(shape[-count - 1 :]) == 0:
        raise ShapeError(f"pad: an input of shape {shape} has nothing to pad with{at_line()}")


def _cropped(input: Any, pairs: tuple[tuple[int, int], ...]) -> Any:
    sizes = tuple(input._array.shape)
    for n, (before, after) in zip(sizes, pairs, strict=True):
        if n + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(f"pad: {before} and {after} crop more than a dimension of size {n} has{at_line()}")
    index = tuple(Slice(max(-before, 0), n + min(after, 0)) for n, (before, after) in zip(sizes, pairs, strict=True))
    return apply(ops.getitem, (input,), {"index": index})


def _fill(input: Any, value: float | None) -> Any:
    return 0 if value is None else value if input._array.dtype.kind in "fc" else int(value)


__getattr__ = lacking(__name__)
