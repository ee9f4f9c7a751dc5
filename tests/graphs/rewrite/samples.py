"""For each rule of the library expressions on which it fires: a function over ops and the specs of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs import ops
from graphs.core.spec import Spec
from graphs.ops.slicing import frozen


Sample = tuple[Callable[..., Any], tuple[Spec, ...]]

SAMPLES: dict[str, list[Sample]] = {}


def f(*dims: int | None) -> Spec:
    return Spec(dims, numpy.float32)


def i(*dims: int | None) -> Spec:
    return Spec(dims, numpy.int64)


def b(*dims: int | None) -> Spec:
    return Spec(dims, numpy.bool_)


M = f(3, 4)
U = f(None, 4)


def fires(name: str, expression: Callable[..., Any], *specs: Spec) -> None:
    """One expression for the rule ``name``. Expressions over float32 are tried in float64 too."""
    SAMPLES.setdefault(name, []).append((expression, specs))


def both(name: str, expression: Callable[..., Any], count: int = 1) -> None:
    """An expression over ``count`` values of one shape, known and not."""
    for spec in (M, U, f()):
        fires(name, expression, *[spec] * count)


# Algebra

both("minus_zero", lambda x: x - 0)
both("minus_zero", lambda x: x - 0.0)
fires("minus_zero", lambda x: x - numpy.zeros((1, 1), numpy.float32), U)
fires("plus_zero", lambda x: x + 0, i(3))
both("plus_zero", lambda x: ops.exp(x) + 0.0)
both("plus_negative_zero", lambda x: -0.0 + x)
both("plus_any_zero", lambda x: x + 0.0)
both("plus_zeros", lambda x: ops.zeros_like(x) + ops.tanh(x))
both("times_one", lambda x: 1.0 * x)
fires("times_one", lambda x: x * 1, i(None))
both("times_ones", lambda x: ops.ones_like(x) * ops.exp(x))
both("divided_by_one", lambda x: x / 1)
fires("times_zero", lambda x: x * 0, i(3))
both("times_any_zero", lambda x: x * 0.0)
fires("difference_with_itself", lambda x: x - x, i(3))
both("any_difference_with_itself", lambda x: x - x)
both("quotient_with_itself", lambda x: x / x)
both("negated_twice", lambda x: ops.negative(ops.negative(x)))
both("plus_negative", lambda x, y: x + -y, 2)
both("plus_negative", lambda x, y: -x + y, 2)
fires("plus_negative", lambda x, y: x + -y, i(3), i(1))
both("minus_negative", lambda x, y: x - -y, 2)
both("product_of_negatives", lambda x, y: -x * -y, 2)
both("negative_out_of_product", lambda x: -x * ops.exp(x))
both("quotient_of_negatives", lambda x, y: -x / -y, 2)
both("times_minus_one", lambda x: x * -1)
both("times_minus_one", lambda x: x / -1.0)
fires("times_minus_one", lambda x: x * -1, i(3))
both("zero_minus", lambda x: 0.0 - x)
both("negated_difference", lambda x, y: -(x - y), 2)
both("absolute_twice", lambda x: ops.absolute(ops.absolute(x)))
both("absolute_of_negative", lambda x: ops.absolute(-x))
fires("absolute_of_negative", lambda x: ops.absolute(-x), i(3))
both("absolute_of_positive", lambda x: ops.absolute(ops.sigmoid(x)))
both("power_of_one", lambda x: x**1)
for _spec in (M, U):
    fires("power_of_two", lambda x: x**2, _spec)
    fires("power_of_two", lambda x: x**2.0, _spec)
    fires("power_of_half", lambda x: x**0.5, _spec)
    fires("power_of_minus_one", lambda x: x**-1.0, _spec)
both("power_of_three", lambda x: x**3)
both("product_with_itself", lambda x: x * x)
fires("product_with_itself", lambda x: x * x, i(3))
both("square_without_sign", lambda x: ops.square(-x))
both("square_without_sign", lambda x: ops.square(ops.absolute(x)))
both("root_of_square", lambda x: ops.sqrt(ops.square(x)))
both("square_of_root", lambda x: ops.square(ops.sqrt(x)))
both("reciprocal_root", lambda x: ops.reciprocal(ops.sqrt(x)))
both("reciprocal_root", lambda x: 1.0 / ops.sqrt(x))
both("times_reciprocal", lambda x, y: x * ops.reciprocal(y), 2)
both("divided_by_reciprocal", lambda x, y: x / ops.reciprocal(y), 2)
both("divided_by_power_of_two", lambda x: x / 4.0)
both("divided_by_power_of_two", lambda x: x / -2)
fires("divided_by_power_of_two", lambda x: x / numpy.array(8.0, x.dtype), M)
both("divided_by_constant", lambda x: x / 3.0)
both("constants_multiplied", lambda x: x * 3.0 * 0.7)
both("constants_added", lambda x: x + 3.0 + 0.7)
both("quotient_of_quotient", lambda x, y: x / y / (y + 1), 2)
both("logarithm_of_exponential", lambda x: ops.log(ops.exp(x)))
both("logarithm_of_exponential", lambda x: ops.log1p(ops.expm1(x)))
both("exponential_of_logarithm", lambda x: ops.exp(ops.log(x)))
both("exponential_of_logarithm", lambda x: ops.expm1(ops.log1p(x)))
both("gated_by_itself", lambda x: x * ops.sigmoid(x))
both("copy", lambda x: ops.identity(x))
both("copy", lambda x: ops.stop_gradient(x))
fires("cast_to_own", lambda x: ops.cast(x, dtype="float64"), Spec((3,), numpy.float64))
fires("cast_to_own", lambda x: ops.cast(x, dtype=numpy.int64), i(None))
both("cast_to_known", lambda x, y: ops.cast_like(x, y), 2)
fires("cast_to_known", lambda x, y: ops.cast_like(x, y), i(3), M)
both("cast_twice", lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="float32"))
fires("cast_twice", lambda x: ops.cast(ops.cast(x, dtype="int64"), dtype="float32"), b(3))
fires("cast_twice", lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="float32"), Spec((3,), numpy.int32))

# Stability

both("logarithm_of_one_plus", lambda x: ops.log(1.0 + x))
both("logarithm_of_one_minus", lambda x: ops.log(1.0 - x))
both("exponential_minus_one", lambda x: ops.exp(x) - 1.0)
both("softplus_written_out", lambda x: ops.log1p(ops.exp(x)))
both("logarithm_of_two_exponentials", lambda x, y: ops.log(ops.exp(x) + ops.exp(y)), 2)
for _spec in (M, U):
    fires("logarithm_of_sum_of_exponentials", lambda x: ops.log(ops.sum(ops.exp(x), axis=1)), _spec)
    fires("logarithm_of_softmax", lambda x: ops.log(ops.softmax(x)), _spec)
    fires("exponential_of_log_softmax", lambda x: ops.exp(ops.log_softmax(x, axis=0)), _spec)
    fires("softmax_written_out", lambda x: ops.exp(x) / ops.sum(ops.exp(x), axis=(1,), keepdims=True), _spec)
    fires("cross_entropy_written_out", lambda x, y: -ops.sum(y * ops.log_softmax(x), axis=1), _spec, M)
    fires("norm_written_out", lambda x: ops.sqrt(ops.sum(ops.square(x), axis=1)), _spec)
    fires(
        "variance_written_out",
        lambda x: ops.mean(ops.square(x - ops.mean(x, axis=0, keepdims=True)), axis=0),
        _spec,
    )
SAMPLES["cross_entropy_written_out"].pop()  # labels of a known batch and logits of an unknown one are not known to agree
fires("cross_entropy_written_out", lambda x: -ops.sum(ops.exp(x) * ops.log_softmax(x), axis=(-1,)), U)
both("sigmoid_written_out", lambda x: 1.0 / (1.0 + ops.exp(-x)))
both("sigmoid_written_out", lambda x: ops.reciprocal(ops.exp(-x) + 1.0))
both("one_minus_sigmoid", lambda x: 1.0 - ops.sigmoid(x))
both("logarithm_of_sigmoid", lambda x: ops.log(ops.sigmoid(x)))
both("logarithm_of_one_minus_sigmoid", lambda x: ops.log1p(-ops.sigmoid(x)))
both("exponential_of_log_sigmoid", lambda x: ops.exp(ops.log_sigmoid(x)))
both("negated_log_sigmoid", lambda x: -ops.log_sigmoid(-x))
fires(
    "binary_cross_entropy_written_out",
    lambda x, y: y * ops.log_sigmoid(x) + (1.0 - y) * ops.log_sigmoid(-x),
    M,
    M,
)
fires(
    "negated_binary_cross_entropy_written_out",
    lambda x, y: -(y * ops.log_sigmoid(x)) - (1.0 - y) * ops.log_sigmoid(-x),
    M,
    M,
)

# Logic


def conditions(name: str, expression: Callable[..., Any], count: int = 1) -> None:
    for spec in (b(3, 4), b(None, 4)):
        fires(name, expression, *[spec] * count)


conditions("not_not", lambda x: ~~x)
conditions("neutral_in_logic", lambda x: ops.logical_and(x, True))
conditions("neutral_in_logic", lambda x: ops.logical_or(False, x))
conditions("neutral_in_logic", lambda x: ops.logical_xor(x, False))
fires("and_false", lambda x: ops.logical_and(x, False), b(3, 4))
fires("or_true", lambda x: ops.logical_or(x, True), b(3, 4))
conditions("same_in_logic", lambda x: ops.logical_and(x, x))
conditions("absorbed_in_logic", lambda x: ops.logical_and(x, ops.logical_or(x, ~x)))
fires("absorbed_in_logic", lambda x, y: ops.logical_or(ops.logical_and(y, x), x), b(3, 4), b(4))
both("not_of_equal", lambda x, y: ~ops.equal(x, y), 2)
both("not_of_not_equal", lambda x, y: ~ops.not_equal(x, y), 2)
fires("not_of_less", lambda x, y: ~(x < y), i(3), i(3))
fires("not_of_greater_equal", lambda x: ~(x >= 1), i(None))
fires("not_of_greater", lambda x, y: ~(x > y), i(3), i(3))
fires("not_of_less_equal", lambda x, y: ~(x <= y), i(3), i(3))
both("where_true", lambda x: ops.where(numpy.True_, x, 0.0))
both("where_false", lambda x: ops.where(numpy.False_, 0.0, x))
fires("where_same", lambda c, x: ops.where(c, x, x), b(3, 4), M)
both("where_same", lambda x: ops.where(x > 0, x, x))
both("where_not", lambda x, y: ops.where(~(x > 0), x, y), 2)
fires("where_within_where", lambda c, x, y, z: ops.where(c, ops.where(c, x, y), z), b(3, 4), M, M, M)
fires("where_within_where", lambda c, x, y, z: ops.where(c, x, ops.where(c, y, z)), b(3, 4), M, f(4), M)
both("extreme_with_itself", lambda x: ops.maximum(x, x))
both("extreme_with_itself", lambda x: ops.minimum(x, x, tie="both"))
both("maximum_with_zero", lambda x: ops.maximum(x, 0.0))
both("relu_twice", lambda x: ops.relu(ops.relu(x)))
both("relu_up_to_six", lambda x: ops.minimum(ops.relu(x), 6.0))
both("maximum_of_maximum", lambda x: ops.maximum(ops.maximum(x, 1.0), 2.0))
both("minimum_of_minimum", lambda x: ops.minimum(ops.minimum(x, 1.0), -2.0))
both("clip_written_out", lambda x: ops.minimum(ops.maximum(x, -1.0), 2.0))
both("clip_of_clip", lambda x: ops.clip(ops.clip(x, min=-1.0, max=2.0), min=0.0, max=5.0))
fires("clip_of_clip", lambda x: ops.clip(ops.clip(x, min=-1, max=2), min=0, max=5), i(3))

# Shapes

fires("reshape_to_own", lambda x: ops.reshape(x, shape=(3, 4)), M)
both("reshape_of_reshape", lambda x: ops.reshape(ops.reshape(x, shape=(-1,)), shape=(-1, 1)))
fires("reshape_of_axes_of_one", lambda x: ops.reshape(ops.expand_dims(x, axis=1), shape=(4, 3)), M)
both("reshape_like_own", lambda x: ops.reshape_like(x, ops.exp(x)))
fires("reshape_like_of_reshape", lambda x, z: ops.reshape_like(ops.reshape(x, shape=(12,)), z), M, f(4, 3))
fires("reshape_like_known", lambda x, y: ops.reshape_like(x, y), M, f(12))
for _spec in (M, U):
    fires("squeeze_of_expand", lambda x: ops.squeeze(ops.expand_dims(x, axis=(0, -1)), axis=(0, 3)), _spec)
    fires("transposed_twice", lambda x: x.T.T, _spec)
    fires("transpose_of_transpose", lambda x: ops.transpose(ops.transpose(x), axes=(1, 0)), _spec)
    fires("transpose_in_order", lambda x: ops.transpose(x, axes=(0, -1)), _spec)
    fires("transpose_of_matrix", lambda x: ops.transpose(x), _spec)
    fires("swap_of_matrix_axes", lambda x: ops.swapaxes(x, axis1=0, axis2=-1), _spec)
    fires("swap_of_matrix_axes", lambda x: ops.swapaxes(x, axis1=0, axis2=-2), _spec)
    fires("transpose_into_product", lambda x, y: (x.T @ y).T, _spec, f(3, 2))
    fires("product_out_of_transpose", lambda x, y: (x @ y.T).T, _spec, f(2, 4))
    fires("tile_once", lambda x: ops.tile(x, reps=(1,)), _spec)
    fires("moved_by_nothing", lambda x: ops.repeat(x, repeats=1, axis=0), _spec)
    fires("moved_by_nothing", lambda x: ops.roll(x, shift=0, axis=1), _spec)
    fires("moved_by_nothing", lambda x: ops.shift(x, by=0, axis=1), _spec)
    fires("padded_by_nothing", lambda x: ops.pad(x, paddings=((0, 0), (0, 0))), _spec)
    fires(
        "padding_taken_off",
        lambda x: ops.pad_adjoint(ops.pad(x, paddings=((1, 2), (0, 1)), value=5.0), paddings=((1, 2), (0, 1))),
        _spec,
    )
    fires("flipped_twice", lambda x: ops.flip(ops.flip(x, axis=1), axis=1), _spec)
    fires("concat_of_one", lambda x: ops.concat(x, axis=1), _spec)
    fires("stack_of_one", lambda x: ops.stack(x, axis=1), _spec)
    fires("concat_of_concat", lambda x: ops.concat(ops.concat(x, x, axis=1), x, axis=1), _spec)
fires("transpose_of_transpose", lambda x: ops.transpose(ops.transpose(x, axes=(1, 2, 0)), axes=(1, 0, 2)), f(2, None, 4))
fires("squeeze_of_nothing", lambda x: ops.squeeze(x), M)
fires("squeeze_all_of_expand", lambda x: ops.squeeze(ops.expand_dims(x, axis=0)), f(3, 1))
fires("expand_of_squeeze", lambda x: ops.expand_dims(ops.squeeze(x, axis=1), axis=-1), f(3, 1))
fires("swapped_twice", lambda x: ops.swapaxes(ops.swapaxes(x, axis1=0, axis2=1), axis1=1, axis2=0), f(2, 3, None))
both("broadcast_to_own", lambda x: ops.unbroadcast(x, ops.tanh(x)))
both("broadcast_to_own", lambda x: ops.broadcast_like(ops.exp(x), x * 2))
fires("broadcast_to_own", lambda x, bias: ops.unbroadcast(ops.exp(x + bias), x), U, f(4))
fires("broadcast_to_own_shape", lambda x: ops.broadcast_to(x, shape=(3, 4)), M)
fires("broadcast_of_broadcast", lambda x: ops.broadcast_to(ops.broadcast_to(x, shape=(3, 4)), shape=(2, 3, 4)), f(4))
fires("broadcast_like_of_broadcast", lambda x, y, z: ops.broadcast_like(ops.broadcast_like(x, y), z), f(4), M, f(2, 3, 4))
both("ones_expanded", lambda x, y: ops.expand_like(ops.ones_like(ops.sum(x)), y), 2)
fires("product_of_column_and_row", lambda x, y: x @ y, f(3, 1), f(1, 4))
fires("product_of_column_and_row", lambda x, y: x @ y, f(None, 2, 1), f(1, 1, None))

for _spec in (M, U):
    fires("expanded_in_product", lambda g, x: ops.expand_like(g, x) * ops.exp(x), f(), _spec)
    fires("expanded_in_sum", lambda g, x: x + ops.expand_like(g, x, axis=1, keepdims=True), f(None, 1), _spec)
    fires("expanded_in_quotient", lambda g, x: ops.expand_like(g, x) / x, f(), _spec)
fires("broadcast_in_product", lambda x, y: ops.broadcast_to(x, shape=(3, 4)) * y, f(4), M)
fires("broadcast_in_sum", lambda x, y: y + ops.broadcast_to(x, shape=(3, 4)), f(3, 1), M)

# Indexing


def at(text: str) -> Any:
    return frozen(eval(f"numpy.s_[{text}]"))


for _index in map(at, ("::", "..., 0:4", "0:3, :9")):
    fires("slice_of_everything", lambda x, index=_index: ops.getitem(x, index=index), M)
fires("slice_of_everything", lambda x: ops.getitem(x, index=at(":, :4")), U)
for _first, _second in (
    (at("1:"), at("0")),
    (at("1:5:2"), at("1:")),
    (at("::-1"), at("1:3")),
    (at("1:4, 2"), at("::-2")),
    (at("..., 1:"), at(":, ::2")),
    (at("4:0:-2"), at("::-1")),
    (at("1:3"), at("5:")),
    (at("0"), at("1:")),
    (at("1:, ::2"), at("-1, 1")),
):
    fires(
        "slice_of_slice",
        lambda x, a=_first, b=_second: ops.getitem(ops.getitem(x, index=a), index=b),
        f(6, 4),
    )
fires("slice_of_slice", lambda x: ops.getitem(ops.getitem(x, index=at(":, 1:")), index=at("1:, 0")), U)
for _index in map(at, ("1:3", "3:7:2", "-1", "2, 1:")):
    fires("slice_of_concat", lambda x, y, index=_index: ops.getitem(ops.concat(x, y), index=index), M, f(5, 4))
fires("slice_of_concat", lambda x, y: ops.getitem(ops.concat(x, y, axis=1), index=at("..., 5")), M, f(3, 5))
fires("item_of_stack", lambda x, y: ops.getitem(ops.stack(x, y), index=(-1,)), U, U)
fires("taken_where_put", lambda x, y: ops.getitem(ops.put_like(x, y, index=at("1:")), index=at("1:")), f(2, 4), M)
fires("take_of_range", lambda x: ops.take(x, numpy.array([1, 2, 3]), axis=1), f(None, 4))
fires("diagonal_of_diag", lambda x: ops.diagonal(ops.diag(x, offset=1), offset=1), f(3))
fires("lower_triangle_twice", lambda x: ops.tril(ops.tril(x, offset=1), offset=1), U)
fires("upper_triangle_twice", lambda x: ops.triu(ops.triu(x)), U)
fires("concat_of_split", lambda x: ops.concat(*ops.split(x, sections=2, axis=1), axis=-1), U)
fires("split_of_concat", lambda x, y: ops.add(*map(ops.sum, ops.split_like(ops.concat(x, y), x, y))), M, f(5, 4))
fires("split_where_joined", lambda x: ops.split(ops.concat(x, x * 2, axis=1), sections=2, axis=1)[1], U)

# Reductions

for _axis, _keepdims in ((0, False), ((0, 2), False), (2, True)):
    for _name, _op in (
        ("sum_of_one", ops.sum),
        ("mean_of_one", ops.mean),
        ("extreme_of_one", ops.max),
        ("extreme_of_one", ops.min),
        ("product_of_one", ops.prod),
    ):
        fires(_name, lambda x, op=_op, a=_axis, k=_keepdims: op(x, axis=a, keepdims=k), f(1, 3, 1))
for _name, _op in (
    ("sum_of_sum", ops.sum),
    ("max_of_max", ops.max),
    ("min_of_min", ops.min),
    ("any_of_any", ops.any),
    ("all_of_all", ops.all),
):
    fires(_name, lambda x, op=_op: op(op(x, axis=1), axis=0), M)
    fires(_name, lambda x, op=_op: op(op(x, axis=(0, 2)), axis=1), f(2, None, 3, 4))
fires("mean_of_mean", lambda x: ops.mean(ops.mean(x, axis=1), axis=0), M)
for _turned in (ops.transpose, ops.matrix_transpose, ops.flip, lambda x: ops.reshape(x, shape=(-1,))):
    fires("sum_in_any_order", lambda x, op=_turned: ops.sum(op(x)), M)
    fires("max_in_any_order", lambda x, op=_turned: ops.max(op(x)), M)
for _spec in (M, U):
    fires("negative_out_of_sum", lambda x: ops.sum(-x, axis=0), _spec)
    fires("negative_out_of_mean", lambda x: ops.mean(-x), _spec)
    fires("negative_out_of_max", lambda x: ops.max(-x, axis=1), _spec)
    fires("negative_out_of_min", lambda x: ops.min(-x, axis=1, keepdims=True), _spec)
    fires("argmax_of_negative", lambda x: ops.argmax(-x, axis=1), _spec)
    fires("argmin_of_negative", lambda x: ops.argmin(-x, axis=1), _spec)
    fires("argmax_of_softmax", lambda x: ops.argmax(ops.softmax(x), axis=1), _spec)
    fires("factor_out_of_sum", lambda x: ops.sum(x * 3.0, axis=1), _spec)
    fires("factor_out_of_mean", lambda x: ops.mean(0.3 * x), _spec)
    fires("sum_of_product", lambda x: ops.sum(x * ops.exp(x)), _spec)
fires("sum_of_product", lambda x, y: ops.sum(x * y), f(5), f(5))
fires("sum_of_expanded", lambda g, x: ops.sum(ops.expand_like(g, x, axis=1), axis=1), f(3), M)
fires("mean_of_expanded", lambda g, x: ops.mean(ops.expand_like(g, x, axis=1), axis=1), f(3), M)
conditions("any_of_not", lambda x: ops.any(~x, axis=0))
conditions("all_of_not", lambda x: ops.all(~x))
