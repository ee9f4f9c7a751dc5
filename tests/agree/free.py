"""Calls of the ops that work on shapes, with attributes made for the shape of the value at hand: any rank, sizes 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphs.core.op import OPS
from tests.agree.scope import SMOOTH, TABLE, Picks, Scope, Val
from tests.agree.words import call


Maker = Callable[[Scope, Val, Picks], "str | None"]


def free(scope: Scope, name: str, picks: Picks) -> bool:
    """The op on a value as it is."""
    if scope.smooth and name not in SMOOTH:
        return False
    kinds = TABLE[name].kinds
    v = scope.value(picks, kinds if "f" not in kinds or picks.likely(4) else "f")
    if v is None:
        return False
    text = FREE[name](scope, v, picks)
    return text is not None and scope.keep(text, _outs(name, text), [name])


def _outs(name: str, text: str) -> int:
    if name == "split":
        return int(text.rpartition("sections=")[2].split(",")[0].rstrip(")"))
    return {"sort": 2, "topk": 2}.get(name, 1)


def _axis(v: Val, picks: Picks, none: bool = False) -> Any:
    options: list[Any] = [None] if none else []
    options += [*range(v.ndim), *range(-v.ndim, 0)]
    return picks.of(options) if options else None


def _axes(v: Val, picks: Picks) -> Any:
    """An axis, several, or None for all."""
    way = picks.number() % 4
    if way == 3 and v.ndim > 1:
        mask = 1 + picks.number() % (2**v.ndim - 1)
        return tuple(a for a in range(v.ndim) if mask >> a & 1)
    return _axis(v, picks, none=True) if way else None


def _float(scope: Scope, v: Val) -> str:
    """The value's text, in the program's floating dtype where it is none."""
    return v.name if v.kind == "f" else scope.as_dtype(v, scope.dtype)


def reduction(name: str) -> Maker:
    settings = [name_ for name_ in OPS[name].attributes if name_ in ("axis", "keepdims")]

    def make(scope: Scope, v: Val, picks: Picks) -> str:
        single = name in ("argmax", "argmin")
        params: dict[str, Any] = {}
        if "axis" in settings:
            params["axis"] = _axis(v, picks, none=True) if single else _axes(v, picks)
        if "keepdims" in settings and picks.number() % 2:
            params["keepdims"] = True
        if "correction" in OPS[name].attributes and picks.number() % 3 == 1:
            params["correction"] = 1
        text = v.name
        if v.kind != "f" and name in ("mean", "var", "std", "logsumexp", "norm", "sum", "prod"):
            text = _float(scope, v)
        return call(name, text, **params)

    return make


def along(name: str) -> Maker:
    """Ops with one axis."""

    def make(scope: Scope, v: Val, picks: Picks) -> str | None:
        if not v.ndim:
            return None
        text = _float(scope, v) if TABLE[name].kinds == "f" or name in ("cumsum", "cumprod") else v.name
        params: dict[str, Any] = {"axis": _axis(v, picks)}
        if "descending" in OPS[name].attributes and picks.number() % 2:
            params["descending"] = True
        return call(name, text, **params)

    return make


def plain(name: str, rank: int = 0) -> Maker:
    """Ops without attributes that need to be set."""

    def make(scope: Scope, v: Val, picks: Picks) -> str | None:
        if v.ndim < rank:
            return None
        params = {"offset": picks.of([0, 1, -1])} if "offset" in OPS[name].attributes else {}
        return call(name, _float(scope, v) if TABLE[name].kinds in ("f", "if") else v.name, **params)

    return make


def like(name: str) -> Maker:
    """Ops of a value and another whose shape they take."""

    def make(scope: Scope, v: Val, picks: Picks) -> str | None:
        other = scope.value(picks)
        if other is None or (name == "unbroadcast" and other.ndim > v.ndim):
            return None
        return call(name, _float(scope, v) if name == "unbroadcast" else v.name, other.name)

    return make


def expand_like(scope: Scope, v: Val, picks: Picks) -> str | None:
    for other in reversed(scope.values):
        for axis in range(other.ndim):
            if all(x.shape[:axis] + x.shape[axis + 1 :] == y.shape for x, y in zip(other.arrays, v.arrays, strict=True)):
                return call("expand_like", v.name, other.name, axis=axis)
    other = scope.value(picks)
    return call("expand_like", v.name, other.name) if v.ndim == 0 and other is not None else None


def reshape(scope: Scope, v: Val, picks: Picks) -> str | None:
    shape = list(v.shape)
    fixed = len({x.shape for x in v.arrays}) == 1
    options: list[Any] = [(-1,), (-1, 1), (1, -1)]
    if fixed:
        options += [v.shape, v.shape[::-1], (*shape, 1), (math.prod(shape),)]
    if v.ndim > 1 and v.same_size(-1):
        options += [(-1, v.shape[-1])]
    return call("reshape", v.name, shape=picks.of(options))


def transpose(scope: Scope, v: Val, picks: Picks) -> str:
    axes = list(range(v.ndim))
    order = [axes.pop(picks.number() % len(axes)) for _ in range(v.ndim)]
    if picks.number() % 3 == 0:
        return call("transpose", v.name)
    order = [a - v.ndim if picks.number() % 4 == 3 else a for a in order]
    return call("transpose", v.name, axes=tuple(order))


def swapaxes(scope: Scope, v: Val, picks: Picks) -> str | None:
    return call("swapaxes", v.name, axis1=_axis(v, picks), axis2=_axis(v, picks)) if v.ndim else None


def expand_dims(scope: Scope, v: Val, picks: Picks) -> str:
    options = [*range(v.ndim + 1), *range(-v.ndim - 1, 0), (0, 1), (0, -1)]
    return call("expand_dims", v.name, axis=picks.of(options))


def squeeze(scope: Scope, v: Val, picks: Picks) -> str | None:
    ones = [a for a in range(v.ndim) if all(x.shape[a] == 1 for x in v.arrays)]
    if not ones:
        return None
    return call("squeeze", v.name, axis=picks.of([ones[0], ones[-1] - v.ndim, tuple(ones)]))


def broadcast_to(scope: Scope, v: Val, picks: Picks) -> str | None:
    if len({x.shape for x in v.arrays}) > 1:
        return None
    shape = tuple(picks.of([2, 3, 1, 0]) if n == 1 else n for n in v.shape)
    return call("broadcast_to", v.name, shape=(2, *shape) if picks.number() % 2 else shape)


def flip(scope: Scope, v: Val, picks: Picks) -> str:
    return call("flip", v.name, axis=_axes(v, picks))


def roll(scope: Scope, v: Val, picks: Picks) -> str | None:
    axis = _axis(v, picks)
    return None if axis is None else call("roll", v.name, shift=picks.of([1, -1, 0, 7]), axis=axis)


def shift(scope: Scope, v: Val, picks: Picks) -> str | None:
    axis = _axis(v, picks)
    return None if axis is None else call("shift", v.name, by=picks.of([1, -1, 0, 7]), axis=axis)


def getitem(scope: Scope, v: Val, picks: Picks) -> str | None:
    index: list[str] = []
    for axis in range(v.ndim):
        least = min(x.shape[axis] for x in v.arrays)
        options = [
            "Slice()",
            "Slice(1, None)",
            "Slice(None, -1)",
            "Slice(None, None, -1)",
            "Slice(0, 1)",
            "Slice(0, None, 2)",
        ]
        options += ["0", "-1"] if least else []
        options += [str(least - 1)] if least else []
        index.append(picks.of(options))
        if picks.number() % 6 == 5:
            index.append(picks.of(["None", "..."]))
            if index[-1] == "...":
                break
    return f"m.getitem({v.name}, index=({''.join(item + ', ' for item in index)}))" if index else None


def joined(name: str) -> Maker:
    def make(scope: Scope, v: Val, picks: Picks) -> str | None:
        if name == "stack":
            axis = picks.of([*range(v.ndim + 1), *range(-v.ndim - 1, 0)])
        elif v.ndim:
            axis = _axis(v, picks)
        else:
            return None

        def rest(x: Any) -> Any:
            return x.shape if name == "stack" else (*x.shape[: axis % x.ndim], *x.shape[axis % x.ndim + 1 :])

        fitting = [
            y
            for y in scope.values
            if y.ndim == v.ndim and all(rest(a) == rest(b) for a, b in zip(y.arrays, v.arrays, strict=True))
        ]
        parts = [scope.as_dtype(picks.of(fitting), v.dtype) for _ in range(picks.number() % 3)]
        return call(name, v.name, *parts, axis=axis)

    return make


def split(scope: Scope, v: Val, picks: Picks) -> str | None:
    axes = [a for a in range(v.ndim) if v.same_size(a) and v.shape[a] > 1]
    if not axes:
        return None
    axis = picks.of(axes)
    sections = next(n for n in range(2, v.shape[axis] + 1) if v.shape[axis] % n == 0)
    return call("split", v.name, axis=axis, sections=sections) if sections <= 4 else None


def tile(scope: Scope, v: Val, picks: Picks) -> str | None:
    return call("tile", v.name, reps=tuple(picks.of([1, 2, 0, 3]) for _ in range(v.ndim))) if v.ndim else None


def repeat(scope: Scope, v: Val, picks: Picks) -> str | None:
    return call("repeat", v.name, repeats=picks.of([2, 1, 3]), axis=_axis(v, picks)) if v.ndim else None


def pad(scope: Scope, v: Val, picks: Picks) -> str | None:
    widths = tuple((picks.number() % 2, picks.number() % 2) for _ in range(v.ndim))
    mode = picks.of(["constant", "edge", "reflect", "symmetric", "constant"])
    return call("pad", v.name, paddings=widths, mode=mode) if v.ndim else None


def topk(scope: Scope, v: Val, picks: Picks) -> str | None:
    if not v.ndim:
        return None
    axis = _axis(v, picks)
    least = min(x.shape[axis] for x in v.arrays)
    return call("topk", v.name, k=picks.number() % (least + 1), axis=axis, largest=picks.number() % 2 == 0)


def take(scope: Scope, v: Val, picks: Picks) -> str | None:
    if not v.ndim:
        return None
    axis = _axis(v, picks)
    least = min(x.shape[axis] for x in v.arrays)
    if not least:
        return None
    places = scope.value(picks, "i")
    if places is None or places.ndim > 2:
        return call("take", v.name, f"m.array(numpy.array([0, {least - 1}, 0]))", axis=axis)
    return call("take", v.name, f"m.turn({places.name}, {least})", axis=axis)


def matmul(scope: Scope, v: Val, picks: Picks) -> str | None:
    """A product of matrices: what has no known rank is taken for one by gradients."""
    if v.kind != "f" or v.ndim < 2:
        return None

    def fits(y: Val) -> bool:
        return (
            y.kind == "f" and y.ndim > 1 and all(a.shape[-1] == b.shape[-2] for a, b in zip(v.arrays, y.arrays, strict=True))
        )

    fitting = [y for y in scope.values if fits(y)]
    way = picks.number()
    if fitting and way % 3:
        return call("matmul", v.name, scope.as_dtype(picks.of(fitting), v.dtype))
    if way % 2:
        return call("matmul", v.name, f"m.matrix_transpose({v.name})")
    return call("matmul", f"m.matrix_transpose({v.name})", v.name)


def one_hot(scope: Scope, v: Val, picks: Picks) -> str:
    return call("one_hot", v.name, depth=picks.of([3, 1, 2]), axis=picks.of([-1, 0]), dtype=scope.dtype.name)


def full_like(scope: Scope, v: Val, picks: Picks) -> str:
    return call("full_like", v.name, value=picks.of([0.0, 1.0, -0.0, 2.5]), dtype=scope.dtype.name)


FREE: dict[str, Maker] = {
    **{name: reduction(name) for name in ("sum", "mean", "max", "min", "prod", "argmax", "argmin", "any", "all")},
    **{name: reduction(name) for name in ("count_nonzero", "var", "std", "logsumexp", "norm")},
    **{name: along(name) for name in ("softmax", "log_softmax", "cumsum", "cumprod", "sort", "argsort")},
    **{name: plain(name, 2) for name in ("matrix_transpose", "tril", "triu", "diagonal", "trace")},
    **{name: plain(name) for name in ("zeros_like", "ones_like", "shape_of", "size_of", "nonzero")},
    **{name: like(name) for name in ("broadcast_like", "unbroadcast", "reshape_like", "cast_like")},
    "concat": joined("concat"),
    "stack": joined("stack"),
    "expand_like": expand_like,
    "reshape": reshape,
    "transpose": transpose,
    "swapaxes": swapaxes,
    "expand_dims": expand_dims,
    "squeeze": squeeze,
    "broadcast_to": broadcast_to,
    "flip": flip,
    "roll": roll,
    "shift": shift,
    "getitem": getitem,
    "split": split,
    "tile": tile,
    "repeat": repeat,
    "pad": pad,
    "topk": topk,
    "take": take,
    "matmul": matmul,
    "one_hot": one_hot,
    "full_like": full_like,
}
"""For an op the text of a call on a value; None where the value does not suit."""
