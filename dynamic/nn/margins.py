"""Losses of ``torch.nn.functional`` that ask for a margin between numbers, classes or embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import apply, wrap
from dynamic.functions.pointwise import where
from dynamic.names import lacking
from dynamic.nn.reducing import reduced, reduction_of
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import log_sigmoid, minimum, norm, relu, softplus


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor._array.shape)


# Two sides


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """``max(0, margin - target (input1 - input2))``, where ``target`` is 1 or -1: which of both is to be greater.

    Raises RuntimeError where the three differ in their number of dimensions.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    shapes = [_shape(each) for each in (input1, input2, target)]
    if len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"margin_ranking_loss takes three tensors of as many dimensions, not {shapes}{at_line()}")
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The input (a distance) where ``target`` is 1, and ``max(0, margin - input)`` where it is -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    near = where(target != -1, input, 0)
    far = where(target != 1, (margin - input).clamp(min=0), 0)
    return reduced(near + far, reduction)


def soft_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """``log(1 + exp(-target * input))``, computed without overflow; ``target`` is 1 or -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    if input._array.dtype.kind != "f":
        raise DtypeError(f"soft_margin_loss takes floating-point tensors{at_line()}")
    product = -target.to(input._array.dtype) * input
    if _shape(product) != _shape(input):
        raise ShapeError(
            f"soft_margin_loss: a target of shape {_shape(target)} for an input of shape {_shape(input)}{at_line()}"
        )
    return reduced(apply(softplus, (product,)), reduction)


# Several classes


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The mean over the last dimension of the cross-entropies of each class with targets in [0, 1]."""
    reduction = reduction_of(reduction, size_average, reduce)
    losses = -(target * apply(log_sigmoid, (input,)) + (1 - target) * apply(log_sigmoid, (-input,)))
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(-1) / input._array.shape[-1], reduction)


def _rows(name: str, input: Any) -> Any:
    shape = _shape(input)
    if len(shape) not in (1, 2) or shape[-1] == 0:
        raise ShapeError(f"{name}: an input of shape (N, C) or (C) is wanted, not {shape}{at_line()}")
    return input if len(shape) == 2 else input.unsqueeze(0)


def _long(name: str, target: Any) -> Any:
    if target._array.dtype != numpy.int64:
        raise DtypeError(f"{name}: a target of classes is a LongTensor, not of {target._array.dtype}{at_line()}")
    return target._array


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """``Σ max(0, margin - input[target] + input[i])^p / C`` over the other classes (Crammer and Singer 2001).

    Args:
        input: (N, C) or (C).
        target: (N) or (), the classes.
        p: 1 or 2.
        weight: a number for each class, by which its margins are multiplied before the power.

    Raises ValueError for another ``p``, RuntimeError for shapes that do not fit and a target that is no class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    rows, classes = _rows("multi_margin_loss", input), _long("multi_margin_loss", target).reshape(-1)
    count, width = _shape(rows)
    if len(classes) != count or target._array.ndim > 1:
        raise ShapeError(f"multi_margin_loss: targets of shape {_shape(target)} for an input of {_shape(input)}{at_line()}")
    if ((classes < 0) | (classes >= width)).any():
        raise ShapeError(f"multi_margin_loss: a target is none of {width} classes{at_line()}")
    excess = apply(relu, (margin - rows.gather(1, wrap(classes[:, None])) + rows,))
    if p == 2:
        excess = excess * excess
    others = (xp_of((classes,)).arange(width) != classes[:, None]).astype(rows._array.dtype)
    if weight is not None:
        if _shape(weight) != (width,):
            raise ShapeError(f"multi_margin_loss: weights are a number for each of {width} classes{at_line()}")
        others *= weight._array[classes][:, None]
    losses = (excess * wrap(others)).sum(1) / width
    return reduced(losses if target._array.ndim else losses.squeeze(0), reduction)


def multilabel_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """``Σ max(0, 1 - input[i] + input[j]) / C`` over the classes ``i`` among the targets and ``j`` not among them.

    ``input`` is (N, C) or (C) and so is ``target``, in which -1 comes after the last class of a row. Raises RuntimeError for
    shapes that do not fit and targets that are no classes.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    rows, classes = _rows("multilabel_margin_loss", input), _long("multilabel_margin_loss", target)
    if _shape(target) != _shape(input):
        raise ShapeError(
            f"multilabel_margin_loss: targets of shape {_shape(target)} for an input of {_shape(input)}{at_line()}"
        )
    width = rows._array.shape[1]
    if ((classes < -1) | (classes >= width)).any():
        raise ShapeError(f"multilabel_margin_loss: a target is none of {width} classes{at_line()}")
    classes = classes.reshape(rows._array.shape)
    xp: Any = xp_of((classes,))
    counts = xp.cumsum(classes < 0, axis=1) == 0
    classes = classes * counts
    among = ((classes[:, :, None] == xp.arange(width)) & counts[:, :, None]).any(1)
    pairs = (counts[:, :, None] & ~among[:, None, :]).astype(rows._array.dtype)
    excess = apply(relu, (1 - rows.gather(1, wrap(classes)).unsqueeze(2) + rows.unsqueeze(1),))
    losses = (excess * wrap(pairs)).sum((1, 2)) / width
    return reduced(losses if input._array.ndim == 2 else losses.squeeze(0), reduction)


# Embeddings


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """``1 - cos`` of the angle between two vectors where ``target`` is 1, and ``max(0, cos - margin)`` where it is -1.

    Vectors are (N, D) with a target (N), or (D) with a target (). Raises RuntimeError for other shapes.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    shapes = [_shape(each) for each in (input1, input2, target)]
    rank = len(shapes[2])
    if rank > 1 or any(len(shape) != rank + 1 for shape in shapes[:2]):
        raise ShapeError(f"cosine_embedding_loss takes (N, D), (N, D) and (N), or (D), (D) and (), not {shapes}{at_line()}")
    tiny = 1e-12
    sizes = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / sizes.sqrt()
    near = where(target == 1, 1 - cosine, 0)
    far = where(target == -1, (cosine - margin).clamp(min=0), 0)
    return reduced(near + far, reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """``max(0, margin + |anchor - positive| - |anchor - negative|)``, of p-norms along the last dimension.

    With ``swap`` the negative counts as being as near as it is to the anchor or to the positive (Balntas et al. 2016). To
    differences ``eps`` is added. Raises ValueError where the margin is not positive, RuntimeError where the three differ in
    their number of dimensions.
    """
    reduction = reduction_of(reduction, size_average, reduce)

    def distance(x: Any, y: Any) -> Any:
        return apply(norm, (x - y + eps,), {"ord": p, "axis": -1})

    return _triplets("triplet_margin_loss", distance, anchor, positive, negative, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """``triplet_margin_loss`` by any distance, Euclid's by default."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction!r} is not a valid reduction")

    def euclidean(x: Any, y: Any) -> Any:
        return apply(norm, (x - y + 1e-6,), {"ord": 2.0, "axis": -1})

    distance = euclidean if distance_function is None else distance_function
    return _triplets("triplet_margin_with_distance_loss", distance, anchor, positive, negative, margin, swap, reduction)


def _triplets(
    name: str,
    distance: Callable[[Any, Any], Any],
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float,
    swap: bool,
    reduction: str,
) -> Any:
    if margin <= 0:
        raise ValueError(f"{name}: the margin is positive, not {margin}")
    shapes = [_shape(each) for each in (anchor, positive, negative)]
    if len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"{name} takes three tensors of as many dimensions, not {shapes}{at_line()}")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = apply(minimum, (far, distance(positive, negative)), {"tie": "both"})
    return reduced((margin + near - far).clamp(min=0), reduction)


__getattr__ = lacking(__name__)
