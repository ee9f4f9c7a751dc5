"""Shapes: reshapes, transposes and broadcasts that come to nothing, or to one."""

from __future__ import annotations

from typing import Any

from graphs.core.spec import axes_of
from graphs.ops import (
    broadcast_like,
    broadcast_to,
    concat,
    expand_dims,
    matmul,
    matrix_transpose,
    multiply,
    ones_like,
    reshape,
    reshape_like,
    squeeze,
    transpose,
)
from graphs.rewrite.rules import Rules, alone, made_by, same_shape, spec_of


shapes = Rules("shapes")

_SCATTERED = ("transpose", "swapaxes", "matrix_transpose", "getitem", "flip", "diagonal", "broadcast_to", "broadcast_like")
"""Views whose elements lie apart: a reshape copies them into order, which sums further on depend on."""


def _rank(x: Any) -> int | None:
    dims = spec_of(x).dims
    return None if dims is None else len(dims)


# Reshapes


@shapes.rule("reshape(x, shape=shape)")
def reshape_to_own(x: Any, shape: Any) -> Any:
    """reshape(x, its own shape) -> x"""
    return x if spec_of(x).known and spec_of(x).dims == shape and not made_by(x, *_SCATTERED) else None


@shapes.rule("reshape(reshape(x, shape=_s), shape=shape)", "reshape(reshape_like(x, _y), shape=shape)")
def reshape_of_reshape(x: Any, shape: Any) -> Any:
    """reshape(reshape(x, a), b) -> reshape(x, b)"""
    return None if made_by(x, *_SCATTERED) else reshape(x, shape=shape)


@shapes.rule("reshape(expand_dims(x, axis=_a), shape=shape)", "reshape(squeeze(x, axis=_a), shape=shape)")
def reshape_of_axes_of_one(x: Any, shape: Any) -> Any:
    """reshape(expand_dims(x), shape) -> reshape(x, shape), and of squeeze"""
    return reshape(x, shape=shape)


@shapes.rule("reshape_like(x, y)")
def reshape_like_own(x: Any, y: Any) -> Any:
    """reshape_like(x, y) -> x where the shapes agree"""
    return x if same_shape(x, y) and not made_by(x, *_SCATTERED) else None


@shapes.rule("reshape_like(reshape_like(x, _y), z)", "reshape_like(reshape(x, shape=_s), z)")
def reshape_like_of_reshape(x: Any, z: Any) -> Any:
    """reshape_like(reshape(x), z) -> reshape_like(x, z)"""
    return None if made_by(x, *_SCATTERED) else reshape_like(x, z)


@shapes.rule("reshape_like(x, y)")
def reshape_like_known(x: Any, y: Any) -> Any:
    """reshape_like(x, y) -> reshape(x, the shape of y), which no longer waits for y"""
    given = spec_of(y)
    return reshape(x, shape=given.dims) if given.known and spec_of(x).known else None


@shapes.rule("squeeze(expand_dims(x, axis=put), axis=taken)")
def squeeze_of_expand(x: Any, put: Any, taken: Any) -> Any:
    """squeeze(expand_dims(x, axis), axis) -> x"""
    rank = _rank(x)
    if rank is None or taken is None:
        return None
    rank += 1 if isinstance(put, int) else len(put)
    return x if axes_of(put, rank) == axes_of(taken, rank) else None


@shapes.rule("expand_dims(squeeze(x, axis=taken), axis=put)")
def expand_of_squeeze(x: Any, taken: Any, put: Any) -> Any:
    """expand_dims(squeeze(x, axis), axis) -> x"""
    rank = _rank(x)
    return x if rank is not None and taken is not None and axes_of(put, rank) == axes_of(taken, rank) else None


@shapes.rule("squeeze(x, axis=axis)")
def squeeze_of_nothing(x: Any, axis: Any) -> Any:
    """squeeze(x) -> x where no axis has size 1"""
    dims = spec_of(x).dims
    nothing = axis == () or (axis is None and dims is not None and None not in dims and 1 not in dims)
    return x if nothing else None


# Transposes


@shapes.rule("matrix_transpose(matrix_transpose(x))")
def transposed_twice(x: Any) -> Any:
    """matrix_transpose(matrix_transpose(x)) -> x"""
    return x


@shapes.rule("transpose(transpose(x, axes=first), axes=second)")
def transpose_of_transpose(x: Any, first: Any, second: Any) -> Any:
    """transpose(transpose(x, a), b) -> transpose(x, a after b), or x"""
    rank = _rank(x)
    if rank is None:
        return x if first is None and second is None else None
    inner, outer = _order(first, rank), _order(second, rank)
    return transpose(x, axes=tuple(inner[i] for i in outer))


@shapes.rule("transpose(x, axes=axes)")
def transpose_in_order(x: Any, axes: Any) -> Any:
    """transpose(x, (0, 1, ...)) -> x"""
    rank = _rank(x)
    return x if rank is not None and _order(axes, rank) == tuple(range(rank)) else None


@shapes.rule("transpose(x, axes=axes)")
def transpose_of_matrix(x: Any, axes: Any) -> Any:
    """transpose(x, (1, 0)) -> matrix_transpose(x)"""
    rank = _rank(x)
    if rank is None or rank < 2:
        return None
    return matrix_transpose(x) if _order(axes, rank) == (*range(rank - 2), rank - 1, rank - 2) else None


@shapes.rule("swapaxes(x, axis1=a, axis2=b)")
def swap_of_matrix_axes(x: Any, a: int, b: int) -> Any:
    """swapaxes(x, -1, -2) -> matrix_transpose(x), and swapaxes(x, a, a) -> x"""
    rank = _rank(x)
    if rank is None:
        return None
    if a % rank == b % rank:
        return x
    return matrix_transpose(x) if {a % rank, b % rank} == {rank - 1, rank - 2} else None


@shapes.rule("swapaxes(swapaxes(x, axis1=a, axis2=b), axis1=c, axis2=d)")
def swapped_twice(x: Any, a: int, b: int, c: int, d: int) -> Any:
    """swapaxes(swapaxes(x, a, b), a, b) -> x"""
    rank = _rank(x)
    return x if rank is not None and {a % rank, b % rank} == {c % rank, d % rank} else None


def _order(axes: Any, rank: int) -> tuple[int, ...]:
    return tuple(range(rank))[::-1] if axes is None else tuple(axis % rank for axis in axes)


@shapes.rule("matrix_transpose(matmul(matrix_transpose(x), y))", level="close", ulps=64, scale="largest")
def transpose_into_product(x: Any, y: Any) -> Any:
    """(xᵀ @ y)ᵀ -> yᵀ @ x"""
    return matmul(matrix_transpose(y), x) if _rank(x) == 2 and _rank(y) == 2 else None


@shapes.rule("matrix_transpose(matmul(x, matrix_transpose(y)))", level="close", ulps=64, scale="largest")
def product_out_of_transpose(x: Any, y: Any) -> Any:
    """(x @ yᵀ)ᵀ -> y @ xᵀ"""
    return matmul(y, matrix_transpose(x)) if _rank(x) == 2 and _rank(y) == 2 else None


@shapes.rule("matmul(x, y)")
def product_of_column_and_row(x: Any, y: Any) -> Any:
    """x @ y -> x * y + 0 where x has one column and y one row"""
    left, right = spec_of(x).dims or (), spec_of(y).dims or ()
    if len(left) < 2 or len(left) != len(right) or left[-1] != 1 or right[-2] != 1 or spec_of(x).dtype.kind != "f":
        return None
    return multiply(x, y) + 0.0


# Broadcasts


@shapes.rule("unbroadcast(x, y)", "broadcast_like(x, y)")
def broadcast_to_own(x: Any, y: Any) -> Any:
    """unbroadcast(x, y) -> x, and broadcast_like(x, y) -> x, where the shapes agree"""
    return x if same_shape(x, y) else None


@shapes.rule("broadcast_to(x, shape=shape)")
def broadcast_to_own_shape(x: Any, shape: Any) -> Any:
    """broadcast_to(x, its own shape) -> x"""
    return x if spec_of(x).known and spec_of(x).dims == shape else None


@shapes.rule("broadcast_to(broadcast_to(x, shape=_s), shape=shape)")
def broadcast_of_broadcast(x: Any, shape: Any) -> Any:
    """broadcast_to(broadcast_to(x, a), b) -> broadcast_to(x, b)"""
    return broadcast_to(x, shape=shape)


@shapes.rule("broadcast_like(broadcast_like(x, _y), z)")
def broadcast_like_of_broadcast(x: Any, z: Any) -> Any:
    """broadcast_like(broadcast_like(x, y), z) -> broadcast_like(x, z)"""
    return broadcast_like(x, z)


@shapes.rule("expand_like(ones_like(_x), y, axis=_a, keepdims=_k)", "broadcast_like(ones_like(_x), y)")
def ones_expanded(y: Any) -> Any:
    """expand_like(ones_like(x), y) -> ones_like(y) for values of one dtype"""
    return ones_like(y)


def _spreads_by_itself(x: Any, axis: Any, keepdims: bool) -> bool:
    """Whether an operand that ``expand_like`` repeats would be broadcast as it is: it has kept its axes, or has none."""
    return keepdims or (axis is None and spec_of(x).dims == ())


@shapes.rule("expand_like(x, _like, axis=axis, keepdims=keepdims) * y")
def expanded_in_product(x: Any, _like: Any, axis: Any, keepdims: bool, y: Any) -> Any:
    """expand_like(x, y) * y -> x * y, which broadcasts x by itself"""
    return x * y if same_shape(_like, y) and _spreads_by_itself(x, axis, keepdims) else None


@shapes.rule("expand_like(x, _like, axis=axis, keepdims=keepdims) + y")
def expanded_in_sum(x: Any, _like: Any, axis: Any, keepdims: bool, y: Any) -> Any:
    """expand_like(x, y) + y -> x + y, which broadcasts x by itself"""
    return x + y if same_shape(_like, y) and _spreads_by_itself(x, axis, keepdims) else None


@shapes.rule("expand_like(x, _like, axis=axis, keepdims=keepdims) / y")
def expanded_in_quotient(x: Any, _like: Any, axis: Any, keepdims: bool, y: Any) -> Any:
    """expand_like(x, y) / y -> x / y, which broadcasts x by itself"""
    return x / y if same_shape(_like, y) and _spreads_by_itself(x, axis, keepdims) else None


@shapes.rule("broadcast_to(x, shape=shape) * y")
def broadcast_in_product(x: Any, shape: Any, y: Any) -> Any:
    """broadcast_to(x, shape) * y -> x * y where y has that shape"""
    return x * y if spec_of(y).dims == shape else None


@shapes.rule("broadcast_to(x, shape=shape) + y")
def broadcast_in_sum(x: Any, shape: Any, y: Any) -> Any:
    """broadcast_to(x, shape) + y -> x + y where y has that shape"""
    return x + y if spec_of(y).dims == shape else None


# Copies that change nothing


@shapes.rule("tile(x, reps=reps)")
def tile_once(x: Any, reps: Any) -> Any:
    """tile(x, (1, 1)) -> x"""
    rank = _rank(x)
    return x if rank is not None and len(reps) <= rank and set(reps) <= {1} else None


@shapes.rule("repeat(x, repeats=1, axis=_a)", "roll(x, shift=0, axis=_a)", "shift(x, by=0, axis=_a, fill=_f)")
def moved_by_nothing(x: Any) -> Any:
    """repeat(x, 1) -> x, roll(x, 0) -> x, shift(x, 0) -> x"""
    return x


@shapes.rule("pad(x, paddings=paddings, mode=_m, value=_v)")
def padded_by_nothing(x: Any, paddings: Any) -> Any:
    """pad(x, nothing) -> x"""
    return x if not any(n for pair in paddings for n in pair) else None


@shapes.rule("pad_adjoint(pad(x, paddings=paddings, value=_v), paddings=paddings)")
def padding_taken_off(x: Any) -> Any:
    """what pad put around x taken off again -> x"""
    return x


@shapes.rule("flip(flip(x, axis=axis), axis=axis)")
def flipped_twice(x: Any) -> Any:
    """flip(flip(x)) -> x"""
    return x


@shapes.rule("concat(x, axis=_a)")
def concat_of_one(x: Any) -> Any:
    """concat(x) -> x"""
    return x


@shapes.rule("stack(x, axis=axis)")
def stack_of_one(x: Any, axis: int) -> Any:
    """stack(x) -> expand_dims(x)"""
    return expand_dims(x, axis=axis)


@shapes.rule("concat(*xs, axis=axis)")
def concat_of_concat(xs: Any, axis: int) -> Any:
    """concat(concat(x, y), z) -> concat(x, y, z) along one axis"""
    flat: list[Any] = []
    for x in xs:
        inner = made_by(x, "concat")
        if inner is not None and inner.params["axis"] == axis and alone(x):
            flat.extend(inner.inputs)
        else:
            flat.append(x)
    return concat(*flat, axis=axis) if len(flat) > len(xs) else None


@shapes.rule("squeeze(expand_dims(x, axis=put), axis=None)")
def squeeze_all_of_expand(x: Any) -> Any:
    """squeeze(expand_dims(x)) -> squeeze(x)"""
    return squeeze(x)
