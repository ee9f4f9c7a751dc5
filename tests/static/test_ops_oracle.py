"""The ops under TensorFlow 1's names give TensorFlow's values, dtypes and gradients."""

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow


pytestmark = pytest.mark.oracle


def normal(*shape, dtype="float32"):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(dtype)


def positive(*shape):
    return np.abs(normal(*shape)) + 0.5


def unit(*shape):
    return np.tanh(normal(*shape)) * 0.9


def whole(*shape, low=-9, high=10, dtype="int32"):
    return np.random.default_rng(7).integers(low, high, shape).astype(dtype)


A, B, ROW = normal(3, 4), normal(3, 4)[::-1].copy(), normal(4)
P, U, K = positive(3, 4), unit(3, 4), whole(3, 4)
CUBE = normal(2, 3, 4)
MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, True, False]])


def holes(value):
    return np.where(MASK, A, value).astype("float32")


CASES = {
    # Operators
    "+": (lambda tf, x, y: x + y, A, ROW),
    "-": (lambda tf, x, y: x - y, A, ROW),
    "*": (lambda tf, x, y: x * y, A, ROW),
    "/": (lambda tf, x, y: x / y, A, P),
    "** 2.0": (lambda tf, x: x**2.0, A),
    "** 3": (lambda tf, x: x**3, A),
    "**": (lambda tf, x, y: x**y, P, A),
    "2 **": (lambda tf, x: 2**x, A),
    "scalars": (lambda tf, x: 1 - 2 * x / 3 + 4.5, A),
    "//": (lambda tf, x, y: x // y, A, P),
    "%": (lambda tf, x, y: x % y, A, P),
    "neg abs": (lambda tf, x: abs(-x), A),
    "@": (lambda tf, x, y: x @ y, A, B.T.copy()),
    "compare": (lambda tf, x, y: [x < y, x <= y, x > y, x >= y], A, B),
    "logic": (lambda tf, x, y: [x & y, x | y, ~x], MASK, MASK[::-1].copy()),
    "int /": (lambda tf, x: x / (x * x + 1), K),
    "int8 /": (lambda tf, x: x / (x * x + 1), K.astype("int8") // 2),
    "int //": (lambda tf, x: [x // 4, x % 4, x * 2 - 1], K),
    "tf.div int": (lambda tf, x: tf.div(x, 4), K),
    "tf.div": (lambda tf, x: tf.div(x, 4.0), A),
    "array operand": (lambda tf, x: x * np.arange(4.0) + [1, 2, 3, 4], A),
    "array first": (lambda tf, x: np.arange(4.0) - x, A),
    # Functions of two
    "add": (lambda tf, x, y: tf.add(x, y), A, ROW),
    "subtract": (lambda tf, x, y: tf.subtract(x, y), A, ROW),
    "multiply": (lambda tf, x, y: tf.multiply(x, y), A, ROW),
    "truediv": (lambda tf, x, y: tf.truediv(x, y), K, K * 0 + 3),
    "floordiv": (lambda tf, x, y: tf.floordiv(x, y), K, K * 0 + 3),
    "floormod": (lambda tf, x, y: tf.floormod(x, y), K, K * 0 - 4),
    "truncatemod": (lambda tf, x, y: tf.truncatemod(x, y), K, K * 0 - 4),
    "div_no_nan": (lambda tf, x, y: tf.div_no_nan(x, y), A, np.where(B > 0, B, 0)),
    "pow": (lambda tf, x: tf.pow(x, 2.5), P),
    "maximum zero": (lambda tf, x: tf.maximum(x, tf.zeros(1)), A),
    "maximum": (lambda tf, x, y: tf.maximum(x, y), A, B),
    "minimum ties": (lambda tf, x, y: tf.minimum(x, y), A, np.where(B > 0, A, B)),
    "squared_difference": (lambda tf, x, y: tf.squared_difference(x, y), A, ROW),
    "atan2": (lambda tf, x, y: tf.atan2(x, y), A, B),
    "equal": (lambda tf, x, y: [tf.equal(x, y), tf.not_equal(x, y)], A, np.where(MASK, A, B)),
    "less": (lambda tf, x, y: [tf.less(x, y), tf.less_equal(x, y), tf.greater(x, y), tf.greater_equal(x, y)], A, B),
    "logical": (lambda tf, x, y: [tf.logical_and(x, y), tf.logical_or(x, y), tf.logical_xor(x, y)], MASK, MASK[:1]),
    "clip_by_value": (lambda tf, x: tf.clip_by_value(x, -0.5, 0.5), A),
    "clip_by_norm": (lambda tf, x: tf.clip_by_norm(x, 1.0), A),
    "clip_by_norm axes": (lambda tf, x: tf.clip_by_norm(x, 1.0, axes=[1]), A),
    "clip_by_global_norm": (lambda tf, x, y: tf.clip_by_global_norm([x, y], 1.5)[0], A, ROW),
    "add_n": (lambda tf, x, y: tf.add_n([x, y, x]), A, B),
    # Products
    "matmul": (lambda tf, x, y: tf.matmul(x, y), A, B.T.copy()),
    "matmul transposed": (lambda tf, x, y: tf.matmul(x, y, transpose_b=True), A, B),
    "matmul transpose_a": (lambda tf, x, y: tf.matmul(x, y, transpose_a=True), A, B),
    "matmul batched": (lambda tf, x, y: tf.matmul(x, y), CUBE, np.swapaxes(CUBE, 1, 2).copy()),
    "tensordot": (lambda tf, x, y: tf.tensordot(x, y, [[1, 2], [0, 1]]), CUBE, A),
    "tensordot 1": (lambda tf, x, y: tf.tensordot(x, y, 1), A, B.T.copy()),
    "einsum": (lambda tf, x, y: tf.einsum("bij,jk->bik", x, y), CUBE, B.T.copy()),
    # Reductions
    "reduce_sum": (lambda tf, x: tf.reduce_sum(x), A),
    "reduce_sum axis": (lambda tf, x: tf.reduce_sum(x, axis=1), A),
    "reduce_sum axes": (lambda tf, x: tf.reduce_sum(x, [0, 2], keepdims=True), CUBE),
    "reduction_indices": (lambda tf, x: tf.reduce_sum(x, reduction_indices=[1]), A),
    "keep_dims": (lambda tf, x: tf.reduce_mean(x, 0, keep_dims=True), A),
    "reduce_mean": (lambda tf, x: tf.reduce_mean(x), A),
    "int sums": (lambda tf, x: [tf.reduce_sum(x, 0), tf.reduce_mean(x), tf.reduce_prod(x, 1), tf.reduce_max(x)], K),
    "reduce_prod": (lambda tf, x: tf.reduce_prod(x, 1), np.where(MASK, A, 0)),
    "reduce_max ties": (lambda tf, x: tf.reduce_max(x, 1), np.round(A)),
    "reduce_min": (lambda tf, x: tf.reduce_min(x, 0), A),
    "reduce_any all": (lambda tf, x: [tf.reduce_any(x, 1), tf.reduce_all(x)], MASK),
    "reduce_logsumexp": (lambda tf, x: tf.reduce_logsumexp(x, 1), A),
    "argmax": (lambda tf, x: [tf.argmax(x, 1), tf.argmax(x), tf.argmin(x, axis=1, output_type=tf.int32)], A),
    "argmax dimension": (lambda tf, x: tf.argmax(x, dimension=1), A),
    "count_nonzero": (lambda tf, x: tf.count_nonzero(x, 1), K),
    "cumsum": (lambda tf, x: [tf.cumsum(x, 1), tf.cumsum(x, reverse=True), tf.cumsum(x, 1, exclusive=True)], A),
    "cumprod": (lambda tf, x: [tf.cumprod(x, 1), tf.cumprod(x, 1, exclusive=True, reverse=True)], P),
    "norm": (lambda tf, x: [tf.norm(x), tf.norm(x, axis=1), tf.norm(x, 1, axis=1), tf.norm(x, np.inf, axis=0)], A),
    "global_norm": (lambda tf, x, y: tf.global_norm([x, y]), A, ROW),
    # Making
    "zeros ones": (lambda tf: [tf.zeros((2, 3)), tf.ones([4], tf.int32), tf.zeros([]), tf.fill([2, 2], 7.0)],),
    "like": (lambda tf, x: [tf.zeros_like(x), tf.ones_like(x), tf.ones_like(x, dtype=tf.int32)], A),
    "constant": (lambda tf: [tf.constant(3), tf.constant([1.5, 2]), tf.constant(2, tf.float64, [2, 2])],),
    "constant numpy": (lambda tf: [tf.constant(np.arange(3.0)), tf.constant(np.arange(3)), tf.constant(True)],),
    "constant shape": (lambda tf: tf.constant([1, 2, 3], shape=[2, 3]),),
    "range": (lambda tf: [tf.range(5), tf.range(2, 9, 3), tf.range(0.0, 1.0, 0.25)],),
    "linspace": (lambda tf: tf.linspace(0.0, 1.0, 5),),
    "eye": (lambda tf: [tf.eye(3), tf.eye(2, 3), tf.eye(2, batch_shape=[2])],),
    "one_hot": (lambda tf, x: [tf.one_hot(x, 4), tf.one_hot(x, 3, 5.0, -1.0, axis=0)], whole(5, low=0, high=4)),
    "shape": (lambda tf, x: [tf.shape(x), tf.size(x), tf.rank(x), tf.shape(x, out_type=tf.int64)], CUBE),
    # Rearranging
    "reshape": (lambda tf, x: [tf.reshape(x, [4, 3]), tf.reshape(x, [-1]), tf.reshape(x, (2, -1))], A),
    "reshape dynamic": (lambda tf, x, y: tf.reshape(x, tf.shape(y)), A, normal(4, 3)),
    "reshape mixed": (lambda tf, x: tf.reshape(x, [tf.shape(x)[1], 3]), A),
    "expand squeeze": (lambda tf, x: [tf.expand_dims(x, 1), tf.squeeze(tf.expand_dims(x, -1), [-1])], A),
    "transpose": (lambda tf, x: [tf.transpose(x), tf.transpose(x, [1, 0, 2])], CUBE),
    "tile": (lambda tf, x: tf.tile(x, [2, 1]), A),
    "pad": (lambda tf, x: [tf.pad(x, [[1, 0], [0, 2]]), tf.pad(x, [[1, 1], [0, 2]], "REFLECT")], A),
    "pad value": (lambda tf, x: tf.pad(x, [[1, 0], [0, 2]], constant_values=3.0), A),
    "reverse": (lambda tf, x: tf.reverse(x, [1]), A),
    "broadcast_to": (lambda tf, x: tf.broadcast_to(x, [3, 4]), ROW),
    "concat": (lambda tf, x, y: [tf.concat([x, y], 0), tf.concat([x, y], axis=1)], A, B),
    "stack": (lambda tf, x, y: [tf.stack([x, y]), tf.stack([x, y], axis=1)], A, B),
    "unstack": (lambda tf, x: tf.unstack(x) + tf.unstack(x, axis=1) + tf.unstack(x, axis=-1), A),
    "split": (lambda tf, x: tf.split(x, 2, 1) + tf.split(x, [1, 2], 0) + tf.split(x, [1, -1], 1), A),
    "slice": (lambda tf, x: tf.slice(x, [1, 0], [2, -1]), A),
    "getitem": (lambda tf, x: [x[0], x[:, 1:3], x[-1, ::2], x[..., None, 1], x[::-1], x[1:, -1]], CUBE),
    "getitem tensor": (lambda tf, x: [x[tf.constant(1)], x[0, tf.constant(2)]], CUBE),
    # Choosing
    "gather": (lambda tf, x: [tf.gather(x, [2, 0, 2]), tf.gather(x, [[1], [3]], axis=1)], A),
    "gather_nd": (lambda tf, x: [tf.gather_nd(x, [[0, 1], [2, 3]]), tf.gather_nd(x, [[1], [1]])], A),
    "scatter_nd": (lambda tf, x: tf.scatter_nd([[4], [1], [1]], x, [6, 4]), A),
    "where": (lambda tf, c, x, y: tf.where(c, x, y), MASK, A, B),
    "where rows": (lambda tf, c, x, y: tf.where(c, x, y), MASK[:, 0].copy(), A, B),
    "top_k": (lambda tf, x: tf.nn.top_k(x, 2), A),
    "in_top_k": (lambda tf, x, t: tf.nn.in_top_k(x, t, 2), A, whole(3, low=0, high=4)),
    "sort": (lambda tf, x: [tf.sort(x), tf.sort(x, axis=0, direction="DESCENDING"), tf.argsort(x)], A),
    "cast": (lambda tf, x: [tf.cast(x, tf.int32), tf.cast(x, tf.float64), tf.to_float(tf.cast(x, tf.int64))], A * 5),
    "stop_gradient": (lambda tf, x: tf.stop_gradient(x) * x, A),
    "identity": (lambda tf, x: tf.identity(x), A),
    # tf.linalg
    "matrices": (lambda tf, x: [tf.matrix_inverse(x), tf.matrix_determinant(x), tf.trace(x), tf.diag_part(x)], normal(3, 3)),
    "solve": (lambda tf, x, y: [tf.matrix_solve(x, y), tf.linalg.solve(x, y, adjoint=True)], normal(3, 3), A),
    "bands": (lambda tf, x: [tf.matrix_band_part(x, -1, 0), tf.linalg.band_part(x, 1, 1), tf.diag(x[0])], normal(4, 4)),
    # tf.nn
    "losses": (lambda tf, x, z: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x), A * 20, np.abs(U)),
    "weighted": (lambda tf, x, z: tf.nn.weighted_cross_entropy_with_logits(z, x, 2.5), A, np.abs(U)),
    "softmax loss": (lambda tf, x, z: tf.nn.softmax_cross_entropy_with_logits(labels=z, logits=x), A, P / P.sum(1)[:, None]),
    "softmax loss 2": (lambda tf, x, z: tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.nn.softmax(z), logits=x), A, B),
    "sparse loss": (
        lambda tf, x, z: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=z, logits=x),
        A,
        whole(3, low=0, high=4),
    ),
    "softmax": (lambda tf, x: [tf.nn.softmax(x), tf.nn.softmax(x, 0), tf.nn.log_softmax(x)], A),
    "bias_add": (lambda tf, x, b: tf.nn.bias_add(x, b), A, ROW),
    "leaky_relu": (lambda tf, x: [tf.nn.leaky_relu(x), tf.nn.leaky_relu(x, 0.1)], A),
    "crelu": (lambda tf, x: tf.nn.crelu(x), A),
    "l2_loss": (lambda tf, x: tf.nn.l2_loss(x), A),
    "l2_normalize": (lambda tf, x: tf.nn.l2_normalize(x, 1), A),
    "moments": (lambda tf, x: [*tf.nn.moments(x, [0]), *tf.nn.moments(x, [0, 1], keep_dims=True)], A),
    "batch_normalization": (lambda tf, x, m: tf.nn.batch_normalization(x, m, m * m, m, m, 1e-3), A, ROW),
    "xw_plus_b": (lambda tf, x, w, b: tf.nn.xw_plus_b(x, w, b), A, B.T.copy(), normal(3)),
    "embedding_lookup": (lambda tf, x: tf.nn.embedding_lookup(x, [0, 2, 0]), A),
    "zero_fraction": (lambda tf, x: tf.nn.zero_fraction(tf.nn.relu(x)), A),
}  # fmt: skip

for _name, _input in {
    "negative": A, "abs": A, "sign": A, "square": A, "reciprocal": P, "sqrt": P, "rsqrt": P, "exp": A, "expm1": A,
    "log": P, "log1p": P, "sin": A, "cos": A, "tan": U, "asin": U, "acos": U, "atan": A, "sinh": A, "cosh": A, "tanh": A,
    "asinh": A, "acosh": P + 1, "atanh": U, "sigmoid": A * 20, "log_sigmoid": A * 20, "erf": A, "floor": A, "ceil": A,
    "round": A * 3, "rint": A * 3, "is_nan": holes(np.nan), "is_inf": holes(np.inf), "is_finite": holes(-np.inf),
    "logical_not": MASK,
    "nn.relu": A, "nn.relu6": A * 5, "nn.elu": A, "nn.selu": A, "nn.softplus": A * 20, "nn.softsign": A, "nn.swish": A,
}.items():  # fmt: skip
    CASES[_name] = (lambda tf, x, name=_name: _named(tf, name)(x), _input)


def _named(tf, name):
    module, _, last = name.rpartition(".")
    home = getattr(tf, module) if module else tf
    return getattr(home, last, None) or getattr(tf.math, last)


@pytest.mark.parametrize("name", CASES)
def test_values_dtypes_and_gradients_are_those_of_tensorflow(name):
    build, *arrays = CASES[name]
    values, slopes = run_in(static, build, arrays)
    wanted, wanted_slopes = run_in(tensorflow(), build, arrays)
    assert [np.asarray(v).dtype for v in values] == [np.asarray(w).dtype for w in wanted]
    for value, want in zip(values, wanted, strict=True):
        assert np.shape(value) == np.shape(want)
        np.testing.assert_allclose(value, want, rtol=2e-5, atol=2e-6)
    assert [g is None for g in slopes] == [g is None for g in wanted_slopes]
    for slope, want in zip(slopes, wanted_slopes, strict=True):
        if want is not None:
            np.testing.assert_allclose(slope, want, rtol=2e-4, atol=2e-5)
