"""Losses that reduce what they compute at once, so that a tape has one record of each (PyTorch's names and forms).

``reduction`` is "mean" or "sum" over all elements, or "none".
"""

from __future__ import annotations

import math
from typing import Any

from graphs.core.errors import DtypeError, PositionError, ShapeError, UnknownRank
from graphs.core.op import op
from graphs.core.portable import looks
from graphs.core.spec import Shape, Spec, axis_of, check_shape, show
from graphs.ops.dtypes import floats
from graphs.ops.elementwise import cast_like, clip
from graphs.ops.shape import size_of


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return losses.sum() / losses.size if losses.size else losses.dtype.type(math.nan)
    return losses.sum() if reduction == "sum" else losses


def _each(g: Any, x: Any, reduction: str) -> Any:
    """What flows into the loss of each element of ``x``: without dimensions, where there was a reduction."""
    return g / cast_like(size_of(x), g) if reduction == "mean" else g


def _agreed(one: Shape, other: Shape) -> Shape:
    if len(one) != len(other) or any(None not in (n, m) and n != m for n, m in zip(one, other, strict=True)):
        raise ShapeError(f"the target has the shape {show(other)}, not {show(one)}")
    return tuple(m if n is None else n for n, m in zip(one, other, strict=True))


def _paired(x: Spec, target: Spec, *, reduction: str = "mean", **_: Any) -> Shape | None:
    if x.dims is not None and target.dims is not None:
        shape = _agreed(x.dims, target.dims)
        return shape if reduction == "none" else ()
    return x.shape if reduction == "none" else ()


# Of two arrays of one shape


@op(_paired, dtype=floats)
def mse_loss(xp: Any, x: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Squared differences."""
    return _reduce(xp.square(x - target), reduction)


mse_loss.vjp(
    lambda g, _out, x, target, *, reduction: _each(g, x, reduction) * 2.0 * (x - target),
    lambda g, _out, x, target, *, reduction: _each(g, x, reduction) * 2.0 * (target - x),
)


@op(_paired, dtype=floats)
def smooth_l1_loss(xp: Any, x: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """``d² / (2 beta)`` of differences ``d`` below ``beta``, and ``|d| - beta / 2`` of others (Girshick 2015)."""
    distance = xp.absolute(x - target)
    near = xp.minimum(distance, beta)
    return _reduce(near * (distance - 0.5 * near) / beta, reduction)


smooth_l1_loss.vjp(
    lambda g, _out, x, target, *, reduction, beta: _each(g, x, reduction) * clip((x - target) / beta, min=-1.0, max=1.0),
    lambda g, _out, x, target, *, reduction, beta: _each(g, x, reduction) * clip((target - x) / beta, min=-1.0, max=1.0),
)


@op(_paired, dtype=floats)
def huber_loss(xp: Any, x: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0) -> Any:
    """``d² / 2`` of differences ``d`` below ``delta``, and ``delta (|d| - delta / 2)`` of others (Huber 1964)."""
    distance = xp.absolute(x - target)
    near = xp.minimum(distance, delta)
    return _reduce(near * (distance - 0.5 * near), reduction)


huber_loss.vjp(
    lambda g, _out, x, target, *, reduction, delta: _each(g, x, reduction) * clip(x - target, min=-delta, max=delta),
    lambda g, _out, x, target, *, reduction, delta: _each(g, x, reduction) * clip(target - x, min=-delta, max=delta),
)


# Of log-probabilities and the numbers of classes


def _chosen(logs: Spec, target: Spec, *, axis: int = 1, reduction: str = "mean", **_: Any) -> Shape | None:
    if logs.dims is not None:
        axis = axis_of(axis, len(logs.dims))
        shape = logs.dims[:axis] + logs.dims[axis + 1 :]
        if target.dims is not None:
            shape = _agreed(shape, target.dims)
        return shape if reduction == "none" else ()
    return target.shape if reduction == "none" else ()


def _classes(logs: Any, target: Any, **_: Any) -> Any:
    if target.kind not in "iu":
        raise DtypeError(f"targets are class numbers, not {target}")
    return floats(logs)


def _indices(xp: Any, target: Any, count: int, ignored: int) -> tuple[Any, Any]:
    """``target`` with 0 for what is ignored, and what is not (None where that is everything).

    Raises PositionError for numbers that are no classes, where they are looked at.
    """
    if not target.size:
        return target, None
    if not looks(xp):
        kept = target != ignored
        return xp.where(kept, target, 0), kept
    # Read as unsigned, what is negative is beyond every class: one reduction sees both.
    if target.view(f"u{target.dtype.itemsize}").max() >= count or 0 <= ignored < count:
        kept = target != ignored
        target = xp.where(kept, target, 0)
        if (target < 0).any() or (target >= count).any():
            wrong = target[(target < 0) | (target >= count)].reshape(-1)[0]
            raise PositionError(f"there is no class {wrong} among {count}")
        return target, kept
    return target, None


@op(_chosen, dtype=_classes)
def nll_loss(xp: Any, logs: Any, target: Any, *, axis: int = 1, reduction: str = "mean", ignore_index: int = -100) -> Any:
    """Minus the log-probability in ``logs`` of the class that ``target`` names, along ``axis``.

    Where it names ``ignore_index`` the loss is 0 and does not count in the mean.
    """
    target, kept = _indices(xp, target, logs.shape[axis], ignore_index)
    if logs.ndim == 2 and axis == 1:
        losses = -logs[xp.arange(len(target)), target]
    else:
        losses = -xp.take_along_axis(logs, xp.expand_dims(target, axis), axis).squeeze(axis)
    if kept is None:
        return _reduce(losses, reduction)
    losses = xp.where(kept, losses, 0)
    if reduction == "mean":
        return losses.sum() / xp.asarray(kept.sum(), losses.dtype)
    return _reduce(losses, reduction)


def _like_logs(g: Spec, target: Spec, like: Spec, **how: Any) -> Shape | None:
    try:
        wanted = _chosen(like, target, **how)
    except UnknownRank:
        return like.dims
    check_shape(g, wanted)
    return like.dims


@op(_like_logs, dtype=lambda g, target, like, **_: _classes(g, target))
def nll_loss_adjoint(
    xp: Any, g: Any, target: Any, _like: Any, *, axis: int = 1, reduction: str = "mean", ignore_index: int = -100
) -> Any:
    """The adjoint of ``nll_loss``, which is linear: ``-g`` at the classes that ``target`` names in the shape of ``like``."""
    target, kept = _indices(xp, target, _like.shape[axis], ignore_index)
    share = -g
    if reduction == "mean" and target.size:
        share = share / (target.size if kept is None else xp.maximum(kept.sum(), 1).astype(g.dtype))
    out = xp.zeros(_like.shape, g.dtype)
    if kept is not None:
        share = xp.where(kept, share, 0)
    if len(_like.shape) == 2 and axis == 1:
        out[xp.arange(len(target)), target] = share
    else:
        share = xp.broadcast_to(share, target.shape)
        xp.put_along_axis(out, xp.expand_dims(target, axis), xp.expand_dims(share, axis), axis)
    return out


nll_loss.vjp(
    lambda g, _out, _logs, target, *, axis, reduction, ignore_index: nll_loss_adjoint(
        g, target, _logs, axis=axis, reduction=reduction, ignore_index=ignore_index
    ),
    None,
)
nll_loss_adjoint.vjp(
    lambda g, _out, _g, target, _like, *, axis, reduction, ignore_index: nll_loss(
        g, target, axis=axis, reduction=reduction, ignore_index=ignore_index
    ),
    None,
    None,
)
