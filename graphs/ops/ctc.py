"""The loss of connectionist temporal classification (Graves et al. 2006), which sums over alignments.

A labelling of ``S`` labels is read as ``2S + 1`` states, with a blank before, between and after the labels. In one step an
alignment stays in its state, goes on to the next, or leaves out a blank between two different labels.
"""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError, GradientError, ShapeError
from graphs.core.op import op
from graphs.core.portable import combine_at
from graphs.core.spec import Shape, Spec, show
from graphs.ops.dtypes import floats
from graphs.ops.shape import expand_dims


def _states(xp: Any, targets: Any, lengths: Any, blank: int) -> tuple[Any, Any]:
    """The label of each state, (N, 2S + 1), and whether it may follow the state before the last."""
    count, width = targets.shape
    labels = xp.full((count, 2 * width + 1), blank, targets.dtype)
    labels[:, 1::2] = xp.where(xp.arange(width) < lengths[:, None], targets, blank)
    skips = xp.zeros(labels.shape, bool)
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return labels, skips


def _log_sum(xp: Any, parts: list[Any]) -> Any:
    """The logarithm of a sum of exponentials, of which all may be zero."""
    top = parts[0]
    for part in parts[1:]:
        top = xp.maximum(top, part)
    safe = xp.where(xp.isneginf(top), 0, top)
    total = sum(xp.exp(part - safe) for part in parts)
    return xp.where(xp.isneginf(top), top, safe + xp.log(xp.where(xp.isneginf(top), 1, total)))


def _forward(xp: Any, emitted: Any, lengths: Any, skips: Any) -> Any:
    """The logarithm of how probable it is to have begun as the labelling does and to be in each state: (T, N, 2S + 1)."""
    reached = xp.full(emitted.shape, -xp.inf, emitted.dtype)
    if not len(emitted):
        return reached
    reached[0, :, 0] = emitted[0, :, 0]
    if emitted.shape[2] > 1:
        reached[0, :, 1] = xp.where(lengths > 0, emitted[0, :, 1], -xp.inf)
    for now, before in zip(range(1, len(emitted)), reached, strict=False):
        stepped, skipped = xp.full_like(before, -xp.inf), xp.full_like(before, -xp.inf)
        stepped[:, 1:] = before[:, :-1]
        skipped[:, 2:] = xp.where(skips[:, 2:], before[:, :-2], -xp.inf)
        reached[now] = _log_sum(xp, [before, stepped, skipped]) + emitted[now]
    return reached


def _backward(xp: Any, emitted: Any, steps: Any, lengths: Any, skips: Any) -> Any:
    """The logarithm of how probable it is to end as the labelling does from each state on: (T, N, 2S + 1)."""
    ahead = xp.full(emitted.shape, -xp.inf, emitted.dtype)
    states = xp.arange(emitted.shape[2])
    last = (states == 2 * lengths[:, None]) | (states == 2 * lengths[:, None] - 1)
    for now in range(len(emitted) - 1, -1, -1):
        here = xp.full(last.shape, -xp.inf, emitted.dtype)
        if now + 1 < len(emitted):
            after = ahead[now + 1] + emitted[now + 1]
            stepped, skipped = xp.full_like(after, -xp.inf), xp.full_like(after, -xp.inf)
            stepped[:, :-1] = after[:, 1:]
            skipped[:, :-2] = xp.where(skips[:, 2:], after[:, 2:], -xp.inf)
            here = _log_sum(xp, [after, stepped, skipped])
        ends = (steps == now + 1)[:, None]
        ahead[now] = xp.where(ends, xp.where(last, 0, -xp.inf), here)
    return ahead


def _totals(xp: Any, reached: Any, steps: Any, lengths: Any) -> Any:
    """The logarithm of the probability of each labelling."""
    rows = xp.arange(len(steps))
    none = xp.where(lengths > 0, -xp.inf, 0.0).astype(reached.dtype)  # in no steps there is no labelling but the empty one
    if not len(reached):
        return none
    at = xp.maximum(steps - 1, 0)
    end = reached[at, rows, 2 * lengths]
    label = xp.where(lengths > 0, reached[at, rows, xp.maximum(2 * lengths - 1, 0)], -xp.inf)
    return xp.where(steps > 0, _log_sum(xp, [end, label]), none)


def _batch(logs: Spec, targets: Spec, steps: Spec, lengths: Spec, **_: Any) -> Shape | None:
    ranks = ((logs, 3, "log-probabilities (T, N, C)"), (targets, 2, "targets (N, S)"))
    for spec, rank, what in (*ranks, (steps, 1, "lengths (N,)"), (lengths, 1, "lengths (N,)")):
        if spec.dims is not None and len(spec.dims) != rank:
            raise ShapeError(f"{what} are wanted, not {show(spec.dims)}")
    counts = {each.dims[axis] for each, axis in ((logs, 1), (targets, 0), (steps, 0), (lengths, 0)) if each.dims is not None}
    if len(counts - {None}) > 1:
        raise ShapeError(f"a batch is of one size, not of {sorted(n for n in counts if n is not None)}")
    return (next(iter(counts - {None}), None),)


def _occupied(logs: Spec, *others: Spec, **_: Any) -> Shape | None:
    _batch(logs, *others)
    return logs.dims


def _dtype(logs: Any, *others: Any, **_: Any) -> Any:
    for other in others:
        if other.kind not in "iu":
            raise DtypeError(f"targets and lengths are whole numbers, not {other}")
    return floats(logs)


@op(_batch, dtype=_dtype)
def ctc_loss(
    xp: Any,
    logs: Any,
    targets: Any,
    steps: Any,
    lengths: Any,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    of_logits: bool = False,
) -> Any:
    """Minus the log-probability of each labelling, (N,).

    Args:
        logs: the log-probability of each class, C, in each step, T.
        targets: the labels, each row filled up with anything.
        steps, lengths: how many of the T steps, and of the labels, count.
        blank: the class that stands for no label.
        zero_infinity: give 0 for a labelling that the steps do not suffice for.
        of_logits: have the gradient be that of the logits whose ``log_softmax`` is given, as PyTorch's is. It is the
            same for everything before that ``log_softmax``.
    """
    labels, skips = _states(xp, targets, lengths, blank)
    emitted = xp.take_along_axis(logs, labels[None], 2)
    losses = -_totals(xp, _forward(xp, emitted, lengths, skips), steps, lengths)
    return xp.where(xp.isposinf(losses), 0, losses) if zero_infinity else losses


@op(_occupied, dtype=_dtype)
def ctc_occupancy(
    xp: Any,
    logs: Any,
    targets: Any,
    steps: Any,
    lengths: Any,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    of_logits: bool = False,
) -> Any:
    """How probable each class is in each step, (T, N, C), given the labelling: minus the gradient of ``ctc_loss``."""
    labels, skips = _states(xp, targets, lengths, blank)
    emitted = xp.take_along_axis(logs, labels[None], 2)
    reached = _forward(xp, emitted, lengths, skips)
    totals = _totals(xp, reached, steps, lengths)
    counts = (xp.arange(len(logs))[:, None] < steps)[:, :, None]
    shares = reached + _backward(xp, emitted, steps, lengths, skips) - totals[:, None]
    out = xp.zeros(logs.shape, logs.dtype)
    rounds, rows = xp.arange(logs.shape[0])[:, None, None], xp.arange(logs.shape[1])[:, None]
    combine_at(xp, "add", out, (rounds, rows, labels), xp.where(counts, xp.exp(shares), 0))
    if of_logits:
        out -= xp.where(counts, xp.exp(logs), 0)
    return xp.where(xp.isneginf(totals)[:, None], 0, out) if zero_infinity else out


ctc_loss.vjp(
    lambda g, _out, logs, targets, steps, lengths, *, blank, zero_infinity, of_logits: (
        -expand_dims(g, axis=1)
        * ctc_occupancy(logs, targets, steps, lengths, blank=blank, zero_infinity=zero_infinity, of_logits=of_logits)
    ),
    None,
    None,
    None,
)


@ctc_occupancy.joint_vjp
def _no_second(_needs: Any, _gs: Any, _outs: Any, _args: Any, **_: Any) -> Any:
    raise GradientError("ctc_loss has no second gradient")
