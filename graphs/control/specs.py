"""What comes out of loops and branches: shapes and dtypes, from those of the bodies."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.control.adjoint import computed
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.function import Function, trace
from graphs.core.spec import Spec, check_shape


_COUNT = Spec((), numpy.int64)
_BOXES = Spec((None,), object)


def check_number(x: Spec, what: str) -> None:
    """Raise DtypeError or ShapeError where ``x`` is not a single whole number."""
    if x.dtype.kind not in "biuf":  # a Python number takes the dtype beside it
        raise DtypeError(f"{what} is a whole number, not {x}")
    check_shape(x, (), what)


def merged(x: Spec, y: Spec) -> Spec:
    """The narrowest spec that admits what either does. Raises DtypeError where their dtypes differ."""
    if x.dtype != y.dtype:
        raise DtypeError(f"{x} and {y} differ in dtype")
    if x.dims is None or y.dims is None or len(x.dims) != len(y.dims):
        return Spec(None, x.dtype)
    return Spec((a if a == b else None for a, b in zip(x.dims, y.dims, strict=True)), x.dtype)


def narrower(x: Spec, y: Spec) -> bool:
    """Whether everything that ``x`` admits is admitted by ``y``."""
    if x.dtype != y.dtype or y.dims is None:
        return x.dtype == y.dtype
    return (
        x.dims is not None
        and len(x.dims) == len(y.dims)
        and all(b in (None, a) for a, b in zip(x.dims, y.dims, strict=True))
    )


def _slice(spec: Spec) -> Spec:
    """One round's part of a sequence of ``spec``."""
    if spec.dims is None:
        return Spec(None, spec.dtype)
    if not spec.dims:
        raise ShapeError("a sequence has at least one dimension")
    return Spec(spec.dims[1:], spec.dtype)


def outcome(body: Function, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """The outputs' specs of ``body`` for inputs of ``specs``."""
    if all(narrower(spec, x.spec) for spec, x in zip(specs, body.inputs, strict=True)):
        return body.specs
    key = ("outcome", specs)
    made: tuple[Spec, ...] | None = body.cache.get(key)
    if made is None:
        made = body.cache[key] = trace(body, *specs, name=body.name)[0].specs
    return made


def loop_specs(
    *specs: Spec,
    body: Function,
    cond: Function | None,
    states: int,
    sums: int,
    sequences: int,
    boxes: tuple[int, ...],
    boxed: tuple[int, ...],
    record: bool,
    **_: Any,
) -> tuple[Spec, ...]:
    """The specs of a loop's outputs. Raises DtypeError where a state changes its dtype."""
    check_number(specs[0], "the number of rounds")
    first, likes = specs[1 : 1 + states], specs[1 + states : 1 + states + sums]
    whole, constants = specs[1 + states + sums :][:sequences], specs[1 + states + sums + sequences :]
    # A slice of a sequence of kept values is whatever the body takes it for.
    kept = [x.spec for x in body.inputs[states : states + sequences]]
    slices = [kept[i] if i in boxes else _slice(spec) for i, spec in enumerate(whole)]
    now = tuple(
        merged(spec, x.spec) if narrower(spec, x.spec) else spec for spec, x in zip(first, body.inputs, strict=False)
    )
    while True:
        outs = outcome(body, (*now, *slices, *constants))
        for before, after in zip(now, outs, strict=False):
            if before.dtype != after.dtype:
                raise DtypeError(f"a state of {before} is {after} after a round of {body.name}")
        wider = tuple(merged(before, after) for before, after in zip(now, outs, strict=False))
        if wider == now:
            break
        now = wider
    sizes = {spec.dims[0] for i, spec in enumerate(whole) if spec.dims and i not in boxes} - {None}
    size = sizes.pop() if len(sizes) == 1 and cond is None else None
    stacked = outs[states : len(outs) - sums]
    results = [
        _BOXES if i in boxed else Spec(None if spec.dims is None else (size, *spec.dims), spec.dtype)
        for i, spec in enumerate(stacked)
    ]
    hidden = [_BOXES] * (states + len(computed(body))) if record else []
    return (_COUNT, *now, *results, *likes, *hidden)


def loop_shapes(*specs: Spec, **params: Any) -> tuple[Any, ...]:
    """The shapes of a loop's outputs."""
    return tuple(spec.dims for spec in loop_specs(*specs, **params))


def loop_dtypes(*dtypes: Any, **params: Any) -> tuple[Any, ...]:
    """The dtypes of a loop's outputs."""
    body, states, sums, sequences = params["body"], params["states"], params["sums"], params["sequences"]
    if len(dtypes) != 1 + len(body.inputs) + sums:
        raise ShapeError(f"{body.name} takes {len(body.inputs)} values and is given {len(dtypes) - 1 - sums}")
    inputs = [x.dims for x in body.inputs]
    sliced = [None if dims is None else (None, *dims) for dims in inputs[states : states + sequences]]
    dims = [(), *inputs[:states], *[None] * sums, *sliced, *inputs[states + sequences :]]
    specs = [Spec(d, dtype) for d, dtype in zip(dims, dtypes, strict=True)]
    return tuple(spec.dtype for spec in loop_specs(*specs, **params))


def branch_specs(
    index: Spec,
    *specs: Spec,
    branches: tuple[Function, ...],
    owners: tuple[int, ...],
    emits: tuple[int, ...],
    record: bool,
    **_: Any,
) -> tuple[Spec, ...]:
    """The specs of a branch's outputs. Raises DtypeError or ShapeError where the branches do not go together."""
    check_number(index, "the number of a branch")
    shared = specs[: len(specs) - len(owners)]
    results: list[Spec] | None = None
    for i, (body, extra) in enumerate(zip(branches, emits, strict=True)):
        own = [x.spec for x in body.inputs[len(shared) :]]
        if len(own) != owners.count(i):
            raise ShapeError(f"{body.name} takes {len(body.inputs)} values and is given {len(shared) + owners.count(i)}")
        outs = outcome(body, (*shared, *own))
        mine = list(outs[: len(outs) - extra])
        if results is not None and len(results) != len(mine):
            raise ShapeError(f"the branches yield {len(results)} and {len(mine)} values")
        results = mine if results is None else [merged(x, y) for x, y in zip(results, mine, strict=True)]
    hidden = sum(emits) + (sum(len(computed(body)) for body in branches) if record else 0)
    return (*(results or ()), *[_BOXES] * hidden)


def branch_shapes(*specs: Spec, **params: Any) -> tuple[Any, ...]:
    """The shapes of a branch's outputs."""
    return tuple(spec.dims for spec in branch_specs(*specs, **params))


def branch_dtypes(index: Any, *dtypes: Any, **params: Any) -> tuple[Any, ...]:
    """The dtypes of a branch's outputs."""
    owners = params["owners"]
    shared = len(dtypes) - len(owners)
    dims = [x.dims for x in params["branches"][0].inputs[:shared]]
    specs = [Spec(d, dtype) for d, dtype in zip(dims, dtypes[:shared], strict=True)]
    boxed = [Spec((None,), dtype) for dtype in dtypes[shared:]]
    return tuple(spec.dtype for spec in branch_specs(Spec((), index), *specs, *boxed, **params))
