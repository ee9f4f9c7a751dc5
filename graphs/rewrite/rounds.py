"""One operation of a loop's body for all rounds at once: on arrays that have the rounds as one more axis, the first.

A plan says how, before anything is made; it is None where an operation cannot be had in this way. What comes out are the
rounds' own results to the last bit, except where ``reordered`` says that sums are added in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.node import Value
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec, axes_of, axis_of
from graphs.ops import concat, expand_dims, matmul, matrix_transpose, reshape, split, sum as total
from graphs.ops.slicing import Slice
from graphs.rewrite.bounds import Bound
from graphs.rewrite.program import spec_of


Make = Callable[..., Any]
"""``make(op, *inputs, **params)`` makes a node and gives its outputs, the only one where there is one."""

Plan = Callable[[Make, Sequence[Any]], tuple[Any, ...]]
"""What makes the outputs, of ``make`` and of what the inputs are for all rounds (where they are sliced) or in each."""

REORDERED = Bound("close", 64, "largest")
"""How far a matrix product of more rows, or a sum along more axes, differs: BLAS and numpy add up in blocks, by size."""

OVER_ROUNDS = Bound("close", 256, "largest")
"""How far a sum over the rounds and something else, added at once, differs from one round by round."""

HEAVY = frozenset({"matmul", "convolution", "tensordot", "einsum"})
"""Ops of which one call on much is faster than many on little."""

_SUMS = frozenset({"sum", "mean", "prod", "var", "std", "logsumexp", "norm"})
_REDUCTIONS = _SUMS | {"max", "min", "any", "all", "count_nonzero", "argmax", "argmin"}
_ALONG = frozenset({"softmax", "log_softmax", "cumsum", "cumprod", "sort", "argsort", "repeat"})
_LIKES = frozenset({"broadcast_like", "reshape_like", "cast_like"})

# fmt: off
FAILING = frozenset([
    "take", "take_along_axis", "take_adjoint", "take_along_axis_adjoint", "scatter", "scatter_add", "index", "index_adjoint",
    "index_put", "one_hot", "one_hot_like", "sparse_softmax_cross_entropy_with_logits", "segment_sum", "segment_take",
    "segment_max", "segment_min", "segment_prod", "reverse_sequence", "bincount", "getitem_at", "put_at_like", "reshape_to",
    "tile_to", "pad_to", "arange_to", "fill", "from_front", "ensure_shape", "inverse", "det", "solve", "cholesky", "eigh",
    "qr", "svd", "searchsorted",
])
_WHOLE_DIVISIONS = frozenset(["floor_divide", "remainder", "fmod", "power", "divide", "reciprocal", "left_shift"])
# fmt: on


def may_fail(node: Any) -> bool:
    """Whether a node may raise for the values it is given, their shapes being right: then it waits for its round."""
    if "control" in node.op.traits or node.op.name in FAILING:
        return True
    return node.op.name in _WHOLE_DIVISIONS and node.outputs[0].spec.dtype.kind in "biu"


def reordered(node: Any) -> bool:
    """Whether at once a node's sums are added up in another order than round by round."""
    if node.op.name in HEAVY:
        return True
    spec = node.outputs[0].spec
    sums = node.op.name in _SUMS or (node.op.name == "unbroadcast" and spec_of(node.inputs[0]).dims != spec.dims)
    return sums and spec.dtype.kind in "fc"


def plan(node: Any, sliced: Sequence[bool]) -> Plan | None:
    """How to have the outputs of ``node`` for all rounds; ``sliced`` says which of its inputs differ from round to round."""
    if OPS.get(node.op.name) != node.op or any(out.spec.dims is None for out in node.outputs):
        return None
    specs = [spec_of(x) for x in node.inputs]
    if any(spec.dims is None for spec in specs):
        return None
    op: Op = node.op
    name = op.name
    if op.elementwise:
        return _elementwise(node, sliced, specs)
    if name in _REDUCTIONS:
        return _shifted(node, sliced, specs, all_axes=name not in ("argmax", "argmin"))
    if name in _ALONG:
        return _shifted(node, sliced, specs, all_axes=False)
    if name in _LIKES:
        same = all(sliced) and specs[0].ndim == specs[1].ndim
        return _same(node) if same else None
    maker = _PLANS.get(name)
    return None if maker is None else maker(node, sliced, specs)


# Plans


def _params(node: Any) -> dict[str, Any]:
    return {**node.op.attributes, **node.params}


def _same(node: Any) -> Plan:
    return lambda make, inputs: _all(make(node.op, *inputs, **node.params))


def _all(made: Any) -> tuple[Any, ...]:
    """The outputs of a node, of which there may be one."""
    return made if isinstance(made, tuple) else (made,)


def _elementwise(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan:
    rank = node.outputs[0].spec.ndim
    gaps = [rank - spec.ndim if each else 0 for each, spec in zip(sliced, specs, strict=True)]

    def build(make: Make, inputs: Sequence[Any]) -> tuple[Any, ...]:
        raised = [
            make(expand_dims, x, axis=tuple(range(1, 1 + gap))) if gap else x for x, gap in zip(inputs, gaps, strict=True)
        ]
        return (make(node.op, *raised, **node.params),)

    return build


def _shifted(node: Any, sliced: Sequence[bool], specs: Sequence[Spec], all_axes: bool = True) -> Plan | None:
    """The same along axes one further on. With no axis all of a round's are meant, unless the op counts through them."""
    params = _params(node)
    axis = params["axis"]
    if not sliced[0] or (axis is None and not all_axes):
        return None
    rank = specs[0].ndim
    moved: Any = axis_of(axis, rank) + 1 if isinstance(axis, int) else tuple(i + 1 for i in axes_of(axis, rank))
    params["axis"] = moved
    if moved == () or (params.get("ord") is not None and node.op.name == "norm" and not isinstance(axis, int)):
        return None  # of a scalar, and of what has a meaning for matrices only
    return lambda make, inputs: _all(make(node.op, *inputs, **params))


def _like_axis(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    """``expand_like`` and ``spread_like``: the axis is one of the second operand's."""
    if not all(sliced):
        return None
    params = _params(node)
    params["axis"] = tuple(i + 1 for i in axes_of(params["axis"], specs[1].ndim))
    return (lambda make, inputs: (make(node.op, *inputs, **params),)) if params["axis"] else None


def _unbroadcast(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    x, like = specs
    if not sliced[0]:
        return None
    if x.ndim == like.ndim and sliced[1]:
        return _same(node)
    if not (x.known and like.known):
        return None
    extra = x.ndim - like.ndim
    axes = tuple(range(1, 1 + extra))
    ones = tuple(i + 1 for i, n in enumerate(like.shape) if n == 1 and x.shape[i + extra] != 1)

    def build(make: Make, inputs: Sequence[Any]) -> tuple[Any, ...]:
        out = make(total, inputs[0], axis=axes) if axes else inputs[0]
        return (make(total, out, axis=ones, keepdims=True) if ones else out,)

    return build


def _put_like(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    index = (Slice(), *_params(node)["index"])
    return (lambda make, inputs: (make(node.op, *inputs, index=index),)) if all(sliced) else None


def _reshape(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    spec = node.outputs[0].spec
    if not spec.known or not spec.size:
        return None
    return lambda make, inputs: (make(reshape, inputs[0], shape=(-1, *spec.shape)),)


def _transpose(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan:
    rank = specs[0].ndim
    given = _params(node)["axes"]
    order = range(rank)[::-1] if given is None else [axis_of(i, rank) for i in given]
    axes = (0, *(i + 1 for i in order))
    return lambda make, inputs: (make(node.op, *inputs, axes=axes),)


def _swapaxes(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan:
    params = {name: axis_of(axis, specs[0].ndim) + 1 for name, axis in _params(node).items()}
    return lambda make, inputs: (make(node.op, *inputs, **params),)


def _expand_dims(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan:
    axes = tuple(i + 1 for i in axes_of(_params(node)["axis"], node.outputs[0].spec.ndim))
    return lambda make, inputs: (make(node.op, *inputs, axis=axes),)


def _squeeze(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    axis, dims = _params(node)["axis"], specs[0].shape
    if axis is None and None in dims:
        return None
    taken = [i for i, n in enumerate(dims) if n == 1] if axis is None else axes_of(axis, len(dims))
    axes = tuple(i + 1 for i in taken)
    return lambda make, inputs: (make(node.op, *inputs, axis=axes) if axes else inputs[0],)


def _flip(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    axes = tuple(i + 1 for i in axes_of(_params(node)["axis"], specs[0].ndim))
    return (lambda make, inputs: (make(node.op, *inputs, axis=axes),)) if axes else None


def _getitem(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan:
    index = (Slice(), *_params(node)["index"])
    return lambda make, inputs: (make(node.op, *inputs, index=index),)


def _joined(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    """``concat`` and ``stack``, of what differs from round to round only."""
    if not all(sliced):
        return None
    axis = axis_of(_params(node)["axis"], node.outputs[0].spec.ndim) + 1
    return lambda make, inputs: (make(node.op, *inputs, axis=axis),)


def _cut(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    """``split`` and ``split_like``, whose parts' sizes have to be known where they are not those of other slices."""
    params = _params(node)
    axis = axis_of(params["axis"], specs[0].ndim)
    sizes: Any = params.get("sections")
    if sizes is None:
        sizes = tuple(spec.shape[axis] for spec in specs[1:])
        if None in sizes:
            return None

    def build(make: Make, inputs: Sequence[Any]) -> tuple[Any, ...]:
        return _all(make(split, inputs[0], sections=sizes, axis=axis + 1))

    return build if sliced[0] else None


def _take(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    """Rows of a table at each round's positions, or at the same positions rows of each round's table."""
    axis = axis_of(_params(node)["axis"], specs[0].ndim)
    if tuple(sliced) == (False, True):
        return None if axis else _same(node)
    return None if sliced[1] else lambda make, inputs: (make(node.op, *inputs, axis=axis + 1),)


def _matmul(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    left, right = specs[0].ndim, specs[1].ndim
    if all(sliced):
        turned = node.inputs[0].node.op.name == "matrix_transpose"  # a weight's gradient, to be summed over the rounds
        return _same(node) if left == right and left >= 2 and not turned else None
    if sliced[0]:
        if right != 2:
            return _same(node) if left == 2 and right == 1 else None
        spec, width = node.outputs[0].spec, specs[1].shape[0]
        if left == 1 or width is None or not spec.known or not spec.size or not width:
            return _same(node)
        return lambda make, inputs: (
            make(reshape, make(matmul, make(reshape, inputs[0], shape=(-1, width)), inputs[1]), shape=(-1, *spec.shape)),
        )
    if left == 2 and right == 1:
        return lambda make, inputs: (make(matmul, inputs[1], make(matrix_transpose, inputs[0])),)
    return _same(node) if left == 2 and right == 2 else None


def _convolution(node: Any, sliced: Sequence[bool], specs: Sequence[Spec]) -> Plan | None:
    """Rounds are examples like others."""
    spec, x = node.outputs[0].spec, specs[0]
    if tuple(sliced) != (True, False) or not (spec.known and x.known and spec.size and x.size):
        return None

    def build(make: Make, inputs: Sequence[Any]) -> tuple[Any, ...]:
        flat = make(reshape, inputs[0], shape=(-1, *x.shape[1:]))
        return (make(reshape, make(node.op, flat, inputs[1], **node.params), shape=(-1, *spec.shape)),)

    return build


_PLANS: dict[str, Callable[[Any, Sequence[bool], Sequence[Spec]], Plan | None]] = {
    "from_front": lambda node, sliced, specs: _same(node),
    "matrix_transpose": lambda node, sliced, specs: _same(node),
    "reshape": _reshape,
    "unbroadcast": _unbroadcast,
    "put_like": _put_like,
    "transpose": _transpose,
    "swapaxes": _swapaxes,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "flip": _flip,
    "getitem": _getitem,
    "concat": _joined,
    "stack": _joined,
    "split": _cut,
    "split_like": _cut,
    "expand_like": _like_axis,
    "spread_like": _like_axis,
    "take": _take,
    "matmul": _matmul,
    "convolution": _convolution,
}


# Sums over the rounds


def rows(make: Make, x: Any, width: int | None) -> Any:
    """The last axis of ``x``, of size ``width``, against all others."""
    return make(reshape, x, shape=(-1, width))


def product_of_rows(make: Make, left: Any, right: Any) -> Any:
    """The sum over all axes but the last of the products of ``left``'s last axis with ``right``'s: ``leftᵀ @ right``.

    Where ``left`` is made of parts side by side, so is the sum, one part upon another: they need not be put together.
    """
    parts = _parts(left)
    if parts is not None:
        return make(concat, *(product_of_rows(make, part, right) for part in parts), axis=0)
    flat = [rows(make, x, spec_of(x).shape[-1]) for x in (left, right)]
    return make(matmul, make(matrix_transpose, flat[0]), flat[1])


def _parts(x: Any) -> Sequence[Any] | None:
    if not isinstance(x, Value) or x.node.op is not concat:
        return None
    axis, rank = x.node.params.get("axis", 0), x.spec.ndim
    wide = all(n is not None and spec_of(part).dims is not None for part in x.node.inputs for n in spec_of(part).shape[-1:])
    return x.node.inputs if axis % rank == rank - 1 and wide else None


def sum_of_rounds(make: Make, x: Any) -> Any:
    """``x`` summed over its first axis."""
    return make(total, x, axis=0)
