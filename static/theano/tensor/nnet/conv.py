"""Convolutions, with Theano's layouts: examples, channels, rows, columns."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.theano.variable import as_tensor_variable


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: tuple[int, int] = (1, 1),
    filter_flip: bool = True,
    image_shape: Any = None,
    filter_dilation: tuple[int, int] = (1, 1),
) -> Any:
    """The convolution of ``input`` with ``filters``: (outputs, channels, rows, columns).

    Args:
        border_mode: ``"valid"``, ``"full"``, ``"half"``, or the number of zeros before and after rows and columns.
        subsample: how far windows are apart.
        filter_flip: whether the filters are turned by 180 degrees first, which is what a convolution does.
        filter_dilation: how far apart a window's elements are.
        input_shape, filter_shape: not needed.
    """
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.ndim != 4 or w.ndim != 4:
        raise TypeError(f"conv2d takes four dimensions, not {x.ndim} and {w.ndim}{at_line()}")
    sizes = [
        given if known is None else known
        for known, given in zip(w.tensor.spec.shape, filter_shape or [None] * 4, strict=True)
    ]
    x, w = x.dimshuffle(0, 2, 3, 1), w.dimshuffle(2, 3, 1, 0)
    if filter_flip:
        w = ops.flip(w, axis=(0, 1))
    pads = _pads(border_mode, sizes[2:], [w.shape[0], w.shape[1]], filter_dilation)
    fixed: Any = tuple((n, n) for n in pads)
    if not all(isinstance(n, int) for n in pads):
        widths = ops.stack(*[as_tensor_variable(n).astype("int64") for n in (0, *pads, 0)])
        x, fixed = ops.pad_to(x, ops.stack(widths, widths, axis=1)), ((0, 0), (0, 0))
    how = {"strides": tuple(subsample), "dilation": tuple(filter_dilation)}
    return ops.convolution(x, w, padding=fixed, **how).dimshuffle(0, 3, 1, 2)


def _pads(border_mode: Any, known: Any, symbolic: Any, dilation: Any) -> list[Any]:
    """How many zeros stand before and after rows and columns: ints where the filters' sizes are known."""
    if isinstance(border_mode, int):
        return [border_mode, border_mode]
    if isinstance(border_mode, (list, tuple)):
        return [int(n) for n in border_mode]
    extents = [
        (n - 1) * d + 1
        for n, d in zip([s if k is None else k for k, s in zip(known, symbolic, strict=True)], dilation, strict=True)
    ]
    if border_mode == "valid":
        return [0, 0]
    if border_mode == "full":
        return [n - 1 for n in extents]
    if border_mode in ("half", "same"):
        return [n // 2 for n in extents]
    raise ValueError(f"invalid border_mode {border_mode!r}: 'valid', 'full', 'half', an int or two{at_line()}")
