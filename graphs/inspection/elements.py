"""Which elements of an op's operands an element of its result comes from, and which of them matters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from graphs.core.op import Op
from graphs.inspection.numbers import Moment, Reason, element_reason, shown
from graphs.inspection.statistics import broken


# fmt: off
_MOVES = frozenset([
    "broadcast_like", "broadcast_to", "clone", "concat", "diag", "diagonal", "expand_dims", "expand_like", "flip",
    "frames", "getitem", "getitem_at", "identity", "index", "index_put", "matrix_transpose", "pad",
    "pad_to", "put_like", "repeat", "reshape", "reshape_like", "reshape_to", "reverse_sequence", "roll", "round_slice",
    "scatter", "segment_take", "shift", "split", "split_like", "squeeze", "stack", "swapaxes", "take",
    "take_along_axis", "tile", "tile_to", "transpose", "tril", "triu", "unfold", "as_strided", "read",
    "placeholder_with_default", "stop_gradient", "assign_view",
])
# fmt: on
"""Ops whose results are copies of elements of their operands."""

# fmt: off
_ALONG = frozenset([
    "softmax", "log_softmax", "softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits", "sort",
    "topk", "cumsum", "cumprod", "logcumsumexp",
])
# fmt: on
"""Ops in which an element comes from those beside it along ``axis``."""

_PICKS = frozenset({"max", "min", "median", "sort", "topk"})
"""Ops that give one of the elements as it is."""

_GOLDEN = 0.6180339887498949


class Part(NamedTuple):
    """Elements of one operand: its position and their places in the flattened array."""

    operand: int
    places: numpy.ndarray


def behind(
    op: Op, args: Sequence[Any], out: Any, place: int, index: tuple[int, ...], params: Mapping[str, Any]
) -> list[Part]:
    """The operands' elements from which the element at ``index`` of output ``place`` (the array ``out``) comes."""
    arrays = [numpy.asarray(x) for x in args]
    try:
        if op.elementwise:
            return [Part(i, numpy.array([_broadcast(x.shape, index)])) for i, x in enumerate(arrays)]
        if op.name in _MOVES:
            return _moved(op, arrays, place, index, params)
        if "reduction" in op.traits and ("axis" in op.attributes or op.name == "median") and len(arrays) == 1:
            return [_narrowed(op, arrays[0], out[index], Part(0, _reduced(arrays[0].shape, index, params)))]
        if op.name in _ALONG:
            return [_narrowed(op, arrays[0], out[index], Part(0, _along(op, arrays[0].shape, index, params)))]
        parts = _structure(op, arrays, place, index, params)
        if numpy.isfinite(out[index]) or any(broken(arrays[part.operand].ravel()[part.places]) for part in parts):
            return parts
        return _all(arrays) if any(map(broken, arrays)) else parts  # what is picked depends on the values
    except (ValueError, TypeError, IndexError, KeyError, RuntimeError, AttributeError):
        return _all(arrays)


def _all(arrays: Sequence[Any]) -> list[Part]:
    return [Part(i, numpy.arange(x.size)) for i, x in enumerate(arrays) if x.dtype.kind in "fc"]


def _broadcast(shape: tuple[int, ...], index: tuple[int, ...]) -> int:
    own = [0 if n == 1 else k for n, k in zip(shape, index[len(index) - len(shape) :], strict=True)]
    return int(numpy.ravel_multi_index(own, shape)) if own else 0


def _moved(op: Op, arrays: list[Any], place: int, index: tuple[int, ...], params: Mapping[str, Any]) -> list[Part]:
    """By having the op move numbers that say where they come from."""
    names = [*op.names, *[""] * (len(arrays) - len(op.names))]
    given: list[Any] = []
    starts: dict[int, int] = {}
    count = 1
    for i, (x, name) in enumerate(zip(arrays, names, strict=True)):
        if name.startswith("_") or name in ("indices", "at") or (i and x.dtype.kind not in "fcO" and not op.variadic):
            given.append(x)
            continue
        starts[i] = count
        given.append(numpy.arange(count, count + x.size, dtype=numpy.float64).reshape(x.shape))
        count += x.size
    out = op.kernel(numpy, *given, **params)
    out = out[place] if isinstance(out, tuple) else out
    found = int(out[index])
    for i, start in starts.items():
        if start <= found < start + arrays[i].size:
            return [Part(i, numpy.array([found - start]))]
    return []


def _reduced(shape: tuple[int, ...], index: tuple[int, ...], params: Mapping[str, Any]) -> numpy.ndarray:
    axis = params.get("axis")
    axes = range(len(shape)) if axis is None else [k % len(shape) for k in ((axis,) if isinstance(axis, int) else axis)]
    left = iter(index)
    chosen: list[Any] = []
    for k in range(len(shape)):
        if k in axes:
            chosen.append(slice(None))
            if params.get("keepdims"):
                next(left)
        else:
            chosen.append(next(left))
    return numpy.arange(math.prod(shape)).reshape(shape)[tuple(chosen)].ravel()


def _along(op: Op, shape: tuple[int, ...], index: tuple[int, ...], params: Mapping[str, Any]) -> numpy.ndarray:
    axis = params.get("axis", -1) % len(shape)
    end = index[axis] + 1 if op.name.startswith(("cum", "logcum")) else None
    row = list(index)
    if len(row) < len(shape):  # a loss for each row
        row.insert(axis, 0)
    where: list[Any] = list(row)
    where[axis] = slice(None, end)
    return numpy.arange(math.prod(shape)).reshape(shape)[tuple(where)].ravel()


def _narrowed(op: Op, x: Any, out: Any, part: Part) -> Part:
    """Of what an op picks from, the one that it has picked."""
    if op.name not in _PICKS:
        return part
    values = x.ravel()[part.places]
    same = numpy.flatnonzero(numpy.isnan(values) if numpy.isnan(out) else values == out)
    return Part(part.operand, part.places[same[:1]] if len(same) else part.places)


def _structure(op: Op, arrays: list[Any], place: int, index: tuple[int, ...], params: Mapping[str, Any]) -> list[Part]:
    """By the op's gradient rules, at harmless numbers: what they send back from one element alone is what it comes from."""
    tame = [_tame(x) if x.dtype.kind in "fc" else x for x in arrays]
    found = pulled(op, tame, place, index, params)
    parts = [Part(i, numpy.flatnonzero(g)) for i, g in enumerate(found) if g is not None and numpy.any(g)]
    if not parts:
        raise ValueError("nothing is sent back")
    return parts


def _tame(x: Any) -> Any:
    values = 0.5 + (numpy.arange(x.size) * _GOLDEN) % 1.0
    return values.reshape(x.shape).astype(x.dtype)


def pulled(op: Op, args: Sequence[Any], place: int, index: tuple[int, ...], params: Mapping[str, Any]) -> list[Any]:
    """The derivatives of one element of a result by every floating operand, None for the others."""
    with numpy.errstate(all="ignore"):
        result = op.kernel(numpy, *args, **params)
        outs = list(result) if isinstance(result, tuple) else [result]
        g = numpy.zeros_like(outs[place])
        g[index] = 1
        gs = [g if i == place else None for i in range(len(outs))]
        needs = tuple(numpy.asarray(x).dtype.kind in "fc" for x in args)
        return pull(op, needs, gs, outs, args, params)


def pull(
    op: Op, needs: Sequence[bool], gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any], params: Mapping[str, Any]
) -> list[Any]:
    """What an op's rules send back to each of the arguments marked in ``needs``, None where nothing."""
    from_rule: list[Any] = []
    if op.joint is not None:
        return list(op.joint(tuple(needs), list(gs), outs, args, **params))
    for need, rule, arg in zip(needs, op.rules or (None,) * len(args), args, strict=True):
        each = rule(gs[0], outs[0], *args, **params) if need and rule is not None and gs[0] is not None else None
        if each is not None and op.elementwise and numpy.shape(each) != numpy.shape(arg):
            each = fitted(each, arg)
        from_rule.append(each)
    return from_rule


def fitted(g: Any, like: Any) -> Any:
    """A gradient summed to the shape of what was broadcast, in the order in which the reverse pass does it."""
    from_front = tuple(range(g.ndim - len(like.shape)))
    axes = from_front + tuple(k for k, n in enumerate(like.shape, len(from_front)) if n == 1 and g.shape[k] != 1)
    return g.sum(axis=axes, keepdims=True).reshape(like.shape) if axes else g


class Choice(NamedTuple):
    """The operand's element that a result's element is to be followed to, and of each operand the one with most effect."""

    operand: int
    place: int
    best: dict[int, int]


def choose(
    op: Op,
    args: Sequence[Any],
    out: Any,
    place: int,
    index: tuple[int, ...],
    params: Mapping[str, Any],
    parts: Sequence[Part],
    reason: Reason | None,
    origins: Sequence[str],
) -> Choice | None:
    """Which of ``parts`` matters: what is NaN before what is infinite before what has most effect.

    ``origins`` says of each operand whether it was ``"computed"``, or what it is; constants explain least.
    """
    arrays = [numpy.asarray(x) for x in args]
    rows = {part.operand: arrays[part.operand].ravel()[part.places] for part in parts if part.places.size}
    target = out[index]
    if not rows:
        return None
    if not numpy.isfinite(target):
        for test in (numpy.isnan, numpy.isinf) if numpy.isnan(target) else (numpy.isinf, numpy.isnan):
            hits = [(part, numpy.flatnonzero(test(rows[part.operand]))) for part in parts if _inexact(rows, part)]
            hits = sorted((hit for hit in hits if len(hit[1])), key=lambda hit: origins[hit[0].operand] != "computed")
            if hits:
                part, where = hits[0]
                return Choice(part.operand, int(part.places[where[0]]), {})
    if op.name == "where" and 0 in rows:
        taken = 1 if rows[0][0] else 2
        return Choice(taken, int(next(part for part in parts if part.operand == taken).places[0]), {})
    best: dict[int, int] = {}
    ranks: list[tuple[Any, ...]] = []
    effects = _effects(op, arrays, target, place, index, params, parts)
    for part, effect in zip(parts, effects, strict=True):
        if not part.places.size or arrays[part.operand].dtype.kind not in "fc":
            continue
        k = _largest(effect)
        best[part.operand] = int(part.places[k])
        size = float(f"{effect[k]:.6g}") * (0.001 if origins[part.operand] == "constant" else 1)
        value = float(numpy.abs(rows[part.operand][k]))
        ranks.append((size, origins[part.operand] == "computed", value, -part.operand))
    if reason is not None and reason.operand in best:
        return Choice(reason.operand, best[reason.operand], best)
    if not ranks:
        part = next(part for part in parts if part.places.size)
        return Choice(part.operand, int(part.places[0]), {})
    operand = -max(ranks)[-1]
    return Choice(operand, best[operand], best)


def _inexact(rows: Mapping[int, Any], part: Part) -> bool:
    return part.operand in rows and rows[part.operand].dtype.kind in "fc"


def _largest(values: Any) -> int:
    sizes = numpy.abs(values)
    return int(numpy.argmax(numpy.where(numpy.isnan(sizes), numpy.inf, sizes)))


def _effects(op: Op, arrays: Any, out: Any, place: int, index: Any, params: Any, parts: Sequence[Part]) -> list[Any]:
    """How much each element has to say: its share of the result to first order."""
    plain = [numpy.abs(arrays[part.operand].ravel()[part.places].astype(numpy.float64)) for part in parts]
    if op.name in _MOVES or "reduction" in op.traits or not op.differentiable or len(parts) < 2:
        return plain
    if op.elementwise and op.name in ("multiply", "divide", "power"):
        return [numpy.abs(numpy.log(x + 1e-300)) for x in plain]
    if op.elementwise and op.name in ("maximum", "minimum"):
        size = abs(float(out))
        return [(x == size).astype(numpy.float64) for x in plain]
    if op.elementwise:
        return plain
    try:
        tame = [numpy.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0) if x.dtype.kind == "f" else x for x in arrays]
        found = pulled(op, tame, place, index, params)
        return [
            p if (g := found[part.operand]) is None else numpy.abs(numpy.ravel(g)[part.places]) * p
            for part, p in zip(parts, plain, strict=True)
        ]
    except (ValueError, TypeError, IndexError, RuntimeError, AttributeError):
        return plain


def reason_of(
    op: Op, args: Sequence[Any], out: Any, index: tuple[int, ...], params: Mapping[str, Any], parts: Sequence[Part]
) -> Reason | None:
    """Why the element at ``index`` is what it is, None where there is nothing to say."""
    arrays = [numpy.asarray(x) for x in args]
    target = out[index]
    if numpy.asarray(out).dtype.kind == "c" or any(x.dtype.kind not in "biuf" for x in arrays):
        return None
    if op.elementwise:
        values = tuple(float(arrays[part.operand].ravel()[part.places[0]]) for part in parts)
        return element_reason(op, Moment(values, float(target), numpy.asarray(out).dtype, params))
    if op.name in _MOVES:
        return None
    values_ = [arrays[part.operand].ravel()[part.places] for part in parts if arrays[part.operand].dtype.kind == "f"]
    return _row_reason(op, arrays, float(target), numpy.asarray(out).dtype, index, params, values_)


def _row_reason(
    op: Op, arrays: Any, target: float, dtype: Any, index: tuple[int, ...], params: Mapping[str, Any], rows: Sequence[Any]
) -> Reason | None:
    every = numpy.concatenate([row.astype(numpy.float64) for row in rows]) if rows else numpy.zeros(0)
    if numpy.isnan(every).any():
        return None
    if math.isfinite(target):
        if op.name == "softmax" and target in (0.0, 1.0):
            gap = shown(every.max() - float(arrays[0][index])) if target == 0 else "far"
            end = f"{gap} below the largest of its row" if target == 0 else "far above the rest of its row"
            return Reason(f"saturated softmax: the value is {end}, which comes to exactly {shown(target)} in {dtype}")
        return None
    name, infinite = op.name, numpy.isinf(every)
    if infinite.any():
        if name in ("softmax", "log_softmax") or name.endswith("cross_entropy_with_logits"):
            which = "inf" if (every == numpy.inf).any() else "nothing but -inf"
            return Reason(f"inf - inf: {name} of a row with {which}")
        if (every == numpy.inf).any() and (every == -numpy.inf).any() and math.isnan(target):
            return Reason("inf - inf: there are both among what is added up")
        if math.isnan(target):
            zero = len(rows) > 1 and any((row == 0).any() for row in rows)
            return Reason("0 times inf" if zero else "inf - inf: what is added up comes to both")
        return Reason(f"there is {shown(every[infinite][0])} among what it is made of")
    if not every.size:
        return Reason(f"{name} of no element: 0 divided by 0")
    if name in ("var", "std", "mean") and len(every) <= params.get("correction", 0):
        return Reason(f"{name} of {len(every)} element with a correction of {params['correction']}: 0 divided by 0")
    if name in ("batch_norm", "standardize") and not params.get("epsilon"):
        return Reason("a variance of 0 and an epsilon of 0: 0 divided by 0")
    if math.isinf(target):
        top = shown(float(numpy.finfo(dtype).max)) if dtype.kind == "f" else "its largest number"
        what = "product" if name in ("prod", "cumprod", "det") else "sum"
        return Reason(f"the {what} of {len(every)} values, up to {shown(every[_largest(every)])}, overflows {dtype} ({top})")
    return Reason(f"{name} has no finite value for these operands")
