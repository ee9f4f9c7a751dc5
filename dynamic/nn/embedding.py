"""Rows of a table by their numbers, and sums, means and maxima of bags of them, as functions."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.elsewhere import beside, to_numpy
from dynamic.names import lacking
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import embedding as embedding_op, one_hot as one_hot_op, segment_max, segment_sum


def _check(name: str, input: Any, sparse: bool) -> None:
    if input._array.dtype.name not in ("int64", "int32"):
        raise DtypeError(f"{name}: indices are int64 or int32, not {input.dtype}{at_line()}")
    if sparse:
        raise NotImplementedError(f"{name}: gradients are dense here; leave out sparse=True{at_line()}")


def _padding(padding_idx: int | None, rows: int) -> int | None:
    """The row without a gradient, counted from the front."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _renormed(weight: Any, ids: Any, max_norm: float, norm_type: float) -> None:
    """Shorten the rows in use that are longer than ``max_norm``, in place and off the tape."""
    table = weight._array
    xp: Any = xp_of((table,))
    rows = xp.unique(ids)
    rows = rows[(rows >= 0) & (rows < len(table))]
    norms = xp.linalg.norm(table[rows], norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        table[rows[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(table.dtype)
        weight._touch()


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of ``weight`` that ``input`` numbers.

    Args:
        input: int64 or int32, of any shape.
        weight: a table, a row for each number.
        padding_idx: a row into which no gradient flows.
        max_norm: rows in use that are longer are shortened to it, in place.
        norm_type: the p of the norm that ``max_norm`` limits.
        scale_grad_by_freq: divide a row's gradient by how often ``input`` has it.
        sparse: not to be had: gradients are dense.

    Raises IndexError for a number without a row, NotImplementedError for ``sparse``.
    """
    _check("embedding", input, sparse)
    padding = _padding(padding_idx, len(weight._array)) if padding_idx is not None else None
    if max_norm is not None:
        _renormed(weight, input._array, max_norm, norm_type)
    return apply(embedding_op, (weight, input), {"padding": padding, "by_frequency": bool(scale_grad_by_freq)})


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of each bag of rows of ``weight``; zeros for an empty bag.

    Args:
        input: row numbers: a matrix, with a bag in each row, or a vector that ``offsets`` cuts into bags.
        weight: a table, a row for each number.
        offsets: where in ``input`` each bag begins.
        max_norm: rows in use that are longer are shortened to it, in place.
        norm_type: the p of the norm that ``max_norm`` limits.
        scale_grad_by_freq: divide a row's gradient by how often ``input`` has it; not for "max".
        mode: "sum", "mean" or "max".
        sparse: not to be had: gradients are dense.
        per_sample_weights: a factor for each row of the sum.
        include_last_offset: the last of ``offsets`` is where the last bag ends.
        padding_idx: a row that counts for nothing.
    """
    _check("embedding_bag", input, sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, not {mode!r}")
    if scale_grad_by_freq and mode == "max":
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(f"embedding_bag: per_sample_weights go with mode='sum' only, not {mode!r}")
        if per_sample_weights._array.shape != input._array.shape:
            raise ValueError(
                f"embedding_bag: per_sample_weights of shape {per_sample_weights._array.shape} "
                f"for an input of shape {input._array.shape}"
            )
        per_sample_weights = per_sample_weights.reshape(-1)
    ids, bags, count = _bags(input._array, offsets, include_last_offset)
    xp: Any = xp_of((ids,))
    bags = beside(bags, ids)
    if padding_idx is not None:
        bags = xp.where(ids == _padding(padding_idx, len(weight._array)), -1, bags)
    rows = embedding(wrap(ids), weight, None, max_norm, norm_type, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    like = xp.zeros((count, rows._array.shape[1]), rows._array.dtype)
    if mode == "max":
        return _maxima(rows, bags, like)
    total = apply(segment_sum, (rows, like, bags))
    if mode == "sum":
        return total
    sizes = xp.bincount(bags[bags >= 0], minlength=count)
    return total / wrap(xp.maximum(sizes, 1).astype(like.dtype)[:, None])


def _bags(ids: Any, offsets: Any, include_last: bool) -> tuple[Any, Any, int]:
    """The row numbers as a vector, which bag each belongs to, and how many bags there are."""
    if ids.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: offsets are for an input of one dimension; a matrix has its bags in its rows")
        return ids.reshape(-1), numpy.repeat(numpy.arange(len(ids)), ids.shape[1]), len(ids)
    if ids.ndim != 1:
        raise ValueError(f"embedding_bag: input has to be 1D or 2D, not of {ids.ndim} dimensions")
    if offsets is None:
        raise ValueError("embedding_bag: an input of one dimension needs offsets")
    starts = to_numpy(offsets._array)
    if starts.ndim != 1:
        raise ValueError("embedding_bag: offsets have one dimension")
    if len(starts) and (starts[0] != 0 or starts[-1] > len(ids)):
        raise ShapeError(f"embedding_bag: offsets begin with 0 and end by {len(ids)}: {starts.tolist()}{at_line()}")
    count = len(starts) - include_last
    ends = [*starts[1:], len(ids)] if not include_last else starts[1:]
    sizes = numpy.asarray(ends, numpy.int64) - starts[:count]
    bags = numpy.repeat(numpy.arange(count), sizes)
    return ids[: len(bags)], bags, count


def _maxima(rows: Any, bags: Any, like: Any) -> Any:
    """The maximum of each bag, column by column; where several rows have it, the first one gets the gradient."""
    peaks = segment_max(rows._array, like, bags, empty=0.0)
    held = (bags >= 0)[:, None] & (rows._array == peaks[bags])
    xp: Any = xp_of((bags,))
    order = xp.arange(len(bags))[:, None]
    first = xp.full(like.shape, len(bags), numpy.int64)
    xp.minimum.at(first, bags[bags >= 0], xp.where(held, order, len(bags))[bags >= 0])
    chosen = held & (order == first[bags])
    return apply(segment_sum, (rows * wrap(chosen.astype(like.dtype)), like, bags))


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """A vector for each class number, int64: 1 at its place and 0 elsewhere; as many classes as the largest number wants.

    Raises RuntimeError for a negative number and for one that is not below ``num_classes``.
    """
    array = tensor._array
    if array.dtype != numpy.int64:
        raise DtypeError(f"one_hot is only applicable to index tensor of type LongTensor, not {tensor.type()}{at_line()}")
    if not array.size:
        if num_classes <= 0:
            raise ShapeError(f"one_hot of no numbers needs num_classes{at_line()}")
    elif array.min() < 0:
        raise ShapeError(f"Class values must be non-negative.{at_line()}")
    if num_classes == -1:
        num_classes = int(array.max()) + 1
    elif num_classes < 1:
        raise ShapeError(f"num_classes should be positive{at_line()}")
    elif array.size and array.max() >= num_classes:
        raise ShapeError(f"Class values must be smaller than num_classes.{at_line()}")
    return apply(one_hot_op, (tensor,), {"depth": num_classes, "dtype": "int64"})


__getattr__ = lacking(__name__)
