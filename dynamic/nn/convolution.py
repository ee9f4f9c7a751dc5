"""Convolutions of ``torch.nn.functional`` and their transposes, in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

from dynamic.apply import apply
from dynamic.nn.layout import channels_first, channels_last, check, check_rank, numbers
from graphs import ops
from graphs.core.errors import DtypeError, ShapeError, at_line


Pairs = tuple[tuple[int, int], ...]


def _check(what: str, count: int, input: Any, weight: Any, bias: Any, channels: int, outputs: int) -> None:
    """Raise ShapeError or DtypeError where the tensors of a convolution do not fit."""
    check_rank(input, count, what)
    shape, kernel = tuple(input._array.shape), tuple(weight._array.shape)
    if len(kernel) != count + 2:
        raise ShapeError(f"{what}: weight of {count + 2} dimensions is wanted, not of shape {kernel}{at_line()}")
    if shape[-count - 1] != channels:
        raise ShapeError(
            f"{what}: weight of shape {kernel} is for {channels} channels, and the input of shape {shape} "
            f"has {shape[-count - 1]}{at_line()}"
        )
    if bias is not None and tuple(bias._array.shape) != (outputs,):
        raise ShapeError(f"{what}: bias of shape {tuple(bias._array.shape)} for {outputs} outputs{at_line()}")
    given = [x._array.dtype for x in (input, weight, bias) if x is not None]
    if len(set(given)) > 1:
        raise DtypeError(f"{what} takes tensors of one dtype, not {' and '.join(x.name for x in given)}{at_line()}")


def _groups(what: str, groups: Any, outputs: int) -> int:
    if groups < 1 or outputs % groups:
        raise ShapeError(f"{what}: {outputs} channels of the weight do not come in {groups} groups{at_line()}")
    return int(groups)


def _padding(what: str, padding: Any, extents: list[int], stride: tuple[int, ...]) -> Pairs:
    """The padding before and after each dimension; ``"same"`` keeps sizes, the odd one after."""
    if padding == "same":
        if max(stride) > 1:
            raise ShapeError(f"{what}: padding='same' goes with strides of 1, not {stride}{at_line()}")
        return tuple(((n - 1) // 2, n // 2) for n in extents)
    if isinstance(padding, str) and padding != "valid":
        raise ShapeError(f"{what}: padding is 'valid', 'same' or integers, not {padding!r}{at_line()}")
    each = numbers(0 if padding == "valid" else padding, len(extents), f"{what}: padding")
    check(each, 0, f"{what}: padding")
    return tuple((n, n) for n in each)


def _finish(out: Any, bias: Any, count: int, input: Any) -> Any:
    return channels_first(out if bias is None else out + bias, count, input._array.ndim == count + 2)


def _convolve(count: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    what = f"conv{count}d"
    outputs, each, *window = weight._array.shape if weight._array.ndim == count + 2 else (0, 0)
    _check(what, count, input, weight, bias, each * groups, outputs)
    strides, spread = numbers(stride, count, f"{what}: stride"), numbers(dilation, count, f"{what}: dilation")
    check(strides, 1, f"{what}: stride")
    check(spread, 1, f"{what}: dilation")
    extents = [(n - 1) * d + 1 for n, d in zip(window, spread, strict=True)]
    how = {
        "strides": strides,
        "padding": _padding(what, padding, extents, strides),
        "dilation": spread,
        "groups": _groups(what, groups, outputs),
    }
    taps = apply(ops.transpose, (weight,), {"axes": (*range(2, count + 2), 1, 0)})
    return _finish(apply(ops.convolution, (channels_last(input, count), taps), how), bias, count, input)


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of ``input``, (N, C, L) or (C, L), with ``weight``, (O, C / groups, k); see ``conv2d``."""
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of ``input``, (N, C, H, W) or (C, H, W), with ``weight``, (O, C / groups, kH, kW): (N, O, H', W').

    Args:
        bias: one number for each of the O outputs.
        stride, dilation: one integer, or one for each dimension.
        padding: as many zeros on either side, or ``"valid"`` for none, or ``"same"`` for as many as keep the size.
        groups: in how many groups channels and outputs come, each convolved by itself.

    Raises ShapeError where sizes do not fit, DtypeError where dtypes differ.
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of ``input``, (N, C, D, H, W) or (C, D, H, W), with ``weight``, (O, C / groups, kD, kH, kW)."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


# Transposed


def _transpose(
    count: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    what = f"conv_transpose{count}d"
    channels, each, *window = weight._array.shape if weight._array.ndim == count + 2 else (0, 0)
    _check(what, count, input, weight, bias, channels, each * groups)
    strides, spread = numbers(stride, count, f"{what}: stride"), numbers(dilation, count, f"{what}: dilation")
    before = numbers(padding, count, f"{what}: padding")
    added = numbers(output_padding, count, f"{what}: output_padding")
    for value, least, name in ((strides, 1, "stride"), (spread, 1, "dilation"), (before, 0, "padding")):
        check(value, least, f"{what}: {name}")
    check(added, 0, f"{what}: output_padding")
    if any(n >= max(s, d) for n, s, d in zip(added, strides, spread, strict=True)):
        raise ShapeError(
            f"{what}: output_padding {added} is to be smaller than stride {strides} or dilation {spread}{at_line()}"
        )
    sizes, pads, rest = [], [], []
    for size, k, s, d, p, more in zip(input._array.shape[-count:], window, strides, spread, before, added, strict=True):
        # A stride leaves up to s - 1 elements that no window reaches; beyond those, less padding after, and then zeros.
        left = max(0, more - (s - 1))
        pads.append((p, max(0, p - left)))
        rest.append((0, max(0, left - p)))
        sizes.append((size - 1) * s + (k - 1) * d + 1 - 2 * p + more - rest[-1][1])
    if min(sizes) < 1:
        raise ShapeError(
            f"{what}: padding {before} is too much for an input of shape {tuple(input._array.shape)}{at_line()}"
        )
    how = {
        "sizes": tuple(sizes),
        "strides": strides,
        "padding": tuple(pads),
        "dilation": spread,
        "groups": _groups(what, groups, channels),
    }
    taps = apply(ops.transpose, (weight,), {"axes": (*range(2, count + 2), 1, 0)})
    out = apply(ops.convolution_transpose, (channels_last(input, count), taps), how)
    if any(after for _, after in rest):
        out = apply(ops.pad, (out,), {"paddings": ((0, 0), *rest, (0, 0))})
    return _finish(out, bias, count, input)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transposed convolution of ``input``, (N, C, L) or (C, L); arguments as for ``conv_transpose2d``."""
    return _transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The gradient of a convolution of (N, O, H', W') as an operation of its own (Zeiler et al. 2010): (N, O, H', W').

    Args:
        input: (N, C, H, W) or (C, H, W), what that convolution gave.
        weight: (C, O / groups, kH, kW).
        bias: one number for each of the O outputs.
        stride, padding, dilation, groups: those of that convolution.
        output_padding: how much larger than the least the output is, after each dimension.

    Raises ShapeError where sizes do not fit, DtypeError where dtypes differ.
    """
    return _transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transposed convolution of ``input``, (N, C, D, H, W) or (C, D, H, W); arguments as for ``conv_transpose2d``."""
    return _transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
