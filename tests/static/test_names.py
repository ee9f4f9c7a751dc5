"""The less common names give TensorFlow's values, dtypes, static shapes and gradients."""

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow


pytestmark = pytest.mark.oracle


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


def whole(*shape, low=-9, high=10):
    return np.random.default_rng(7).integers(low, high, shape).astype("int32")


A, B, CUBE, V = normal(3, 4), normal(3, 4, seed=1), normal(2, 3, 4), normal(5)
P = np.abs(A) + 0.5
K, IDS, RISING = whole(6, low=0, high=4), np.array([1, 0, 3, 1, -1], "int32"), np.array([0, 0, 2, 2, 2], "int32")
ROWS = normal(5, 3)
TIED = np.array([[1, 2], [1, 0], [3, 2], [3, 2], [0, 1]], "float32")
HOLED = np.array([2.0, 0.0, 3.0, 0.0, 0.0], "float32")
MATRIX = normal(3, 3)
POSITIVE = MATRIX @ MATRIX.T + 2 * np.eye(3, dtype="float32")
STACK = np.stack([POSITIVE, POSITIVE + np.eye(3, dtype="float32")])
N, M = np.array(2, "int32"), np.array(3, "int32")

CASES = {
    # Segments
    "segment_sum": (lambda tf, x: tf.segment_sum(x, RISING), ROWS),
    "segment_mean": (lambda tf, x: tf.segment_mean(x, RISING), ROWS),
    "segment_max": (lambda tf, x: tf.segment_max(x, RISING), TIED),
    "segment_min": (lambda tf, x: tf.segment_min(x, RISING), TIED),
    "segment_prod": (lambda tf, x: tf.segment_prod(x, np.array([0, 0, 0, 1, 1])), ROWS, False),
    "unsorted_segment_sum": (
        lambda tf, x: [tf.unsorted_segment_sum(x, IDS, 5), tf.math.unsorted_segment_sum(x, K[:5], 4)],
        ROWS,
    ),
    "unsorted_segment_sum of pairs": (lambda tf, x: tf.unsorted_segment_sum(x, K.reshape(2, 3), 4), CUBE),
    "unsorted_segment_mean": (lambda tf, x: tf.unsorted_segment_mean(x, IDS, 5), ROWS),
    "unsorted_segment_sqrt_n": (lambda tf, x: tf.unsorted_segment_sqrt_n(x, IDS, 5), ROWS),
    "unsorted_segment_max": (lambda tf, x: tf.maximum(tf.unsorted_segment_max(x, IDS, 5), -9.0), TIED),
    "unsorted_segment_min": (lambda tf, x: tf.minimum(tf.unsorted_segment_min(x, IDS, 5), 9.0), TIED),
    "unsorted_segment_prod": (lambda tf, x: tf.unsorted_segment_prod(x, RISING, 3), ROWS),
    "unsorted_segment_prod of zeros": (lambda tf, x: tf.unsorted_segment_prod(x, RISING, 3), HOLED),
    "sparse_segment_sum": (lambda tf, x: tf.sparse_segment_sum(x, [4, 0, 4, 1], [0, 0, 1, 1]), ROWS),
    "sparse_segment_mean": (lambda tf, x: tf.sparse_segment_mean(x, [4, 0, 4, 1], [0, 1, 1, 1]), ROWS),
    "sparse_segment_sqrt_n": (lambda tf, x: tf.sparse_segment_sqrt_n(x, [4, 0, 4, 1], [0, 1, 1, 1]), ROWS),
    "dynamic_partition": (lambda tf, x: tf.dynamic_partition(x, [1, 0, 1, 1, 0], 3), ROWS, False),
    "dynamic_partition of pairs": (lambda tf, x: tf.dynamic_partition(x, K.reshape(2, 3), 4), CUBE, False),
    "dynamic_stitch": (lambda tf, x, y: tf.dynamic_stitch([[4, 0], [[1, 2], [3, 0]]], [x[:2], y]), ROWS, normal(2, 2, 3)),
    "reverse_sequence": (
        lambda tf, x: [tf.reverse_sequence(x, [2, 0], 1, 0), tf.reverse_sequence(x, [1, 2, 0], seq_dim=0, batch_dim=1)],
        CUBE,
    ),
    "sequence_mask": (lambda tf, n: [tf.sequence_mask(n, 5), tf.sequence_mask([[1, 3], [0, 2]], dtype=tf.float32)], K),
    "sequence_mask to the longest": (lambda tf, n: tf.sequence_mask(n), K),
    # Sets and counts
    "unique": (lambda tf, x: tf.unique(x), K),
    "unique floats": (lambda tf, x: tf.unique(x, tf.int64), HOLED, False),
    "unique_with_counts": (lambda tf, x: tf.unique_with_counts(x), K),
    "setdiff1d": (lambda tf, x: [*tf.setdiff1d(x, [1, 9]), *tf.setdiff1d([5, 1, 5], x)], K),
    "invert_permutation": (lambda tf, x: tf.invert_permutation([3, 0, 2, 1]) + x[:4] * 0, K),
    "searchsorted": (
        lambda tf, x: [tf.searchsorted(tf.sort(x), [1, 5, 0]), tf.searchsorted(tf.sort(x), [1, 5], side="right")],
        K,
    ),
    "searchsorted rows": (lambda tf, x: tf.searchsorted(tf.sort(x), [[0.0, 1.0], [2.0, -1.0], [0.5, 0.0]]), A),
    "bincount": (lambda tf, x: [tf.bincount(x), tf.bincount(x, minlength=7), tf.bincount(x, maxlength=2)], K),
    "bincount weights": (lambda tf, x, w: tf.bincount(x, w, minlength=4, maxlength=4), K, normal(6), False),
    "histogram_fixed_width": (
        lambda tf, x: [tf.histogram_fixed_width(x, [-1.0, 1.0], 5), tf.histogram_fixed_width_bins(x, [-1.0, 1.0], 5)],
        A,
    ),
    "confusion_matrix": (
        lambda tf, x, y: [
            tf.confusion_matrix(x, y, 4),
            tf.confusion_matrix(x, y, 4, tf.float32, weights=[1, 2, 3, 4, 5, 6]),
        ],
        K,
        K[::-1].copy(),
    ),
    "confusion_matrix of as many": (lambda tf, x: tf.confusion_matrix(x, x), K),
    "unravel_index": (lambda tf, x: [tf.unravel_index(x, [2, 3]), tf.unravel_index(5, [2, 3])], K),
    "meshgrid": (
        lambda tf, x, y: [*tf.meshgrid(x, y), *tf.meshgrid(x, y, indexing="ij"), *tf.meshgrid(x, y, x)],
        A[0],
        B[0, :3],
    ),
    "broadcast_dynamic_shape": (lambda tf, x: tf.broadcast_dynamic_shape(x[:2] * 0 + [1, 3], [5, 4, 1]), K),
    # Sizes that only the run knows
    "range tensor": (
        lambda tf, n: [tf.range(n), tf.range(1, n * 4, n), tf.range(0.0, 1.0, tf.cast(n, tf.float32) / 9)],
        N,
        False,
    ),
    "linspace tensor": (lambda tf, x: tf.linspace(x[0], x[1], 5), V),
    "slices": (lambda tf, x, n: [x[:n], x[n:], x[0, n - 1 : n], x[..., n], x[::n], x[n - 4]], normal(4, 3), N, False),
    "slices with sizes": (lambda tf, x, n: tf.reshape(x[:n, None, 1:], [2, 1, 2]), normal(4, 3), N),
    "slice tensor": (lambda tf, x, n: tf.reshape(tf.slice(x, [1, n - 2], [n, 3]), [2, 3]), A, N),
    "slice to the end": (lambda tf, x, n: tf.reshape(tf.slice(x, tf.stack([n - 1, 0]), [-1, 2]), [2, 2]), A, N),
    "tile tensor": (lambda tf, x, n: tf.reshape(tf.tile(x, tf.stack([n, 1])), [6, 4]), A, N),
    "pad tensor": (lambda tf, x, n: tf.reshape(tf.pad(x, [[n, 0], [0, 1]]), [5, 5]), A, N),
    "pad modes": (lambda tf, x: [tf.pad(x, [[2, 1], [0, 3]], "SYMMETRIC"), tf.pad(x, [[2, 1], [0, 3]], "REFLECT")], A),
    "one_hot tensor": (lambda tf, x, n: tf.reshape(tf.one_hot(x, n * 2, axis=0), [4, 6]), K, N),
    "eye tensor": (lambda tf, n: tf.reshape(tf.eye(n, n + 1), [2, 3]), N),
    "eye batch": (lambda tf, x: tf.eye(2, batch_shape=[3]), K),
    "split tensor": (lambda tf, x, n: [tf.reshape(y, [3, 2]) for y in tf.split(x, tf.stack([n, n]), 1)], A, N),
    "strided_slice": (
        lambda tf, x: [tf.strided_slice(x, [0, 1, 1], [2, 3, 4]), tf.strided_slice(x, [1, 3], [2, 0], [1, -2], end_mask=2)],
        CUBE,
    ),
    "strided_slice masks": (
        lambda tf, x: tf.strided_slice(x, [0, 1, 1], [0, 0, 3], begin_mask=1, end_mask=1, shrink_axis_mask=2),
        CUBE,
    ),
    "strided_slice new": (lambda tf, x: tf.strided_slice(x, [0, 0, 1], [0, 0, 3], new_axis_mask=1, ellipsis_mask=2), CUBE),
    # Moving
    "space_to_batch": (lambda tf, x: tf.space_to_batch_nd(x, [2, 2], [[1, 0], [0, 2]]), normal(1, 3, 4, 2)),
    "space_to_batch 2": (lambda tf, x: tf.space_to_batch(x, [[0, 1], [1, 1]], 2), normal(2, 3, 4, 1)),
    "batch_to_space": (
        lambda tf, x: [tf.batch_to_space_nd(x, [2, 2], [[1, 0], [0, 2]]), tf.batch_to_space(x, [[0, 0], [1, 0]], 2)],
        normal(8, 3, 4, 2),
    ),
    "required paddings": (lambda tf, x: tf.required_space_to_batch_paddings([5, 8], [2, 3]), K),
    "roll": (lambda tf, x: [tf.roll(x, 1, 0), tf.manip.roll(x, [1, -2], [0, 1])], A),
    "repeat": (lambda tf, x: [tf.repeat(x, 2, axis=1), tf.repeat(x, [1, 0, 2], axis=0)], A),
    "batch_gather": (lambda tf, x: tf.batch_gather(x, [[2, 0], [1, 1]]), CUBE),
    "tensor_scatter_update": (lambda tf, x, y: tf.tensor_scatter_update(x, [[0], [2]], y), A, B[:2]),
    "tensor_scatter_add": (lambda tf, x, y: tf.tensor_scatter_add(x, [[0, 1], [2, 3], [0, 1]], y), A, B[:, 0]),
    "tensor_scatter_sub": (lambda tf, x, y: tf.tensor_scatter_sub(x, [[0], [2]], y), A, B[:2]),
    # Arithmetic
    "gamma functions": (lambda tf, x: [tf.lgamma(x), tf.digamma(x), tf.erfc(x), tf.lbeta(x)], P),
    "lgamma below 0": (lambda tf, x: tf.lgamma(x - 3.0), A),
    "polygamma": (lambda tf, x: [tf.polygamma(1.0, x), tf.polygamma(3.0, x)], P),
    "polyval": (lambda tf, x: [tf.math.polyval([2.0, -1.0, 3.0], x), tf.math.polyval([x, x], 2.0)], A),
    "truncatediv": (lambda tf, x: [tf.truncatediv(x, 4), tf.truncatediv(x, -3)], whole(6)),
    "realdiv scalar_mul": (lambda tf, x, y: [tf.realdiv(x, y), tf.scalar_mul(2.5, x)], A, P),
    "no nan": (
        lambda tf, x, y: [tf.math.divide_no_nan(x, y), tf.math.multiply_no_nan(x, y), tf.math.reciprocal_no_nan(y)],
        V,
        HOLED,
    ),
    "xlogy": (lambda tf, x, y: [tf.math.xlogy(x, y), tf.math.xdivy(x, y)], HOLED, np.abs(V)),
    "saturate_cast": (lambda tf, x: [tf.saturate_cast(x * 300, tf.uint8), tf.saturate_cast(x * 1e10, tf.int32)], A),
    "rising": (
        lambda tf, x: [tf.is_non_decreasing([1, 1, 2]), tf.is_strictly_increasing([1, 1, 2]), tf.is_non_decreasing(x)],
        A,
    ),
    "reduce_euclidean_norm": (lambda tf, x: tf.math.reduce_euclidean_norm(x, 1), A),
    "bits": (
        lambda tf, x, y: [
            tf.bitwise.bitwise_and(x, y),
            tf.bitwise.bitwise_or(x, y),
            tf.bitwise.bitwise_xor(x, y),
            tf.bitwise.invert(x),
        ],
        K,
        K[::-1].copy(),
    ),
    "shifts": (lambda tf, x, y: [tf.bitwise.left_shift(x, y), tf.bitwise.right_shift(x, y)], whole(6), K),
    # Matrices
    "cholesky": (lambda tf, x: [tf.cholesky(x), tf.cholesky_solve(tf.cholesky(x), x)], POSITIVE),
    "cholesky batch": (lambda tf, x: [tf.linalg.cholesky(x), tf.linalg.logdet(x)], STACK),
    "qr": (lambda tf, x: [*tf.qr(x), *tf.linalg.qr(x[:, :2])], MATRIX),
    "svd": (lambda tf, x: [tf.svd(x, compute_uv=False), tf.abs(tf.svd(x)[1]), tf.abs(tf.svd(x)[2])], MATRIX),
    "svd wide": (lambda tf, x: [tf.svd(x, compute_uv=False)], A),
    "eigen": (
        lambda tf, x: [tf.self_adjoint_eig(x)[0], tf.abs(tf.self_adjoint_eig(x)[1]), tf.self_adjoint_eigvals(x)],
        POSITIVE,
    ),
    "triangular_solve": (
        lambda tf, x, y: [tf.matrix_triangular_solve(x, y), tf.linalg.triangular_solve(x, y, False, True)],
        POSITIVE,
        A,
    ),
    "lstsq": (lambda tf, x, y: [tf.matrix_solve_ls(x, y), tf.linalg.lstsq(x, y, 0.5)], normal(3, 2), A),
    "lstsq wide": (lambda tf, x, y: tf.matrix_solve_ls(x, y, l2_regularizer=0.1), A, normal(3, 2)),
    "diagonals": (
        lambda tf, x: [tf.matrix_diag(x), tf.matrix_diag_part(tf.matrix_diag(x)), tf.diag(x), tf.diag_part(tf.diag(x))],
        A,
    ),
    "set_diag": (lambda tf, x, y: tf.matrix_set_diag(x, y), CUBE, A[:2, :3]),
    "cross": (lambda tf, x, y: tf.cross(x, y), normal(2, 3), normal(2, 3, seed=1)),
    "matvec": (lambda tf, x, y: [tf.linalg.matvec(x, y), tf.linalg.matvec(x, y[:3], transpose_a=True)], A, V[:4]),
    "normalize": (lambda tf, x: tf.linalg.normalize(x, axis=1), A),
    "slogdet": (lambda tf, x: tf.linalg.slogdet(x), POSITIVE),
    "matrix_rank": (lambda tf, x: tf.linalg.matrix_rank(x), np.stack([POSITIVE, np.ones((3, 3), "float32")])),
    "pinv": (lambda tf, x: tf.linalg.pinv(x), A, False),
    "expm": (lambda tf, x: tf.linalg.expm(x), MATRIX),
    "adjoint": (lambda tf, x: [tf.linalg.adjoint(x), tf.linalg.transpose(x)], CUBE),
    # tf.nn, tf.math
    "log_poisson_loss": (lambda tf, x, y: [tf.nn.log_poisson_loss(y, x), tf.nn.log_poisson_loss(y, x, True)], A, P),
    "tf.math": (
        lambda tf, x: [
            tf.math.softmax(x),
            tf.math.log_softmax(x),
            tf.math.softplus(x),
            tf.math.softsign(x),
            tf.math.top_k(x, 2)[0],
        ],
        A,
    ),
    # Complex numbers
    "complex": (lambda tf, x, y: [tf.complex(x, y), tf.conj(tf.complex(x, y)), tf.to_complex64(x)], A, B, False),
    "parts": (lambda tf, x, y: [f(tf.complex(x, y)) for f in (tf.real, tf.imag, tf.angle, tf.abs)], A, B),
    "parts of real numbers": (lambda tf, x: [tf.real(x), tf.imag(x), tf.conj(x), tf.angle(x)], A),
    "complex arithmetic": (
        lambda tf, x, y: absolute(tf, z(tf, x, y) * z(tf, y, x) / (z(tf, x, x) + 2.0) - z(tf, y, y)),
        A,
        B,
    ),
    "complex functions": (lambda tf, x, y: absolute(tf, tf.exp(z(tf, x, y)) + tf.square(z(tf, x, y))), A, B),
    "complex products": (lambda tf, x, y: absolute(tf, tf.matmul(z(tf, x, y), z(tf, y, x), transpose_b=True)), A, B),
    "fft": (lambda tf, x, y: absolute(tf, tf.fft(z(tf, x, y)) * z(tf, y, x)), A, B),
    "ifft": (lambda tf, x, y: absolute(tf, tf.ifft2d(z(tf, x, y) * tf.spectral.fft2d(z(tf, y, x)))), A, B),
    "fft3d": (lambda tf, x: absolute(tf, tf.ifft3d(tf.signal.fft3d(z(tf, x, x)) * z(tf, x, x))), CUBE),
    "rfft": (lambda tf, x: absolute(tf, tf.signal.rfft(x)) + absolute(tf, tf.signal.rfft(x[:, :3], [5])), A),
    "rfft2d": (lambda tf, x: absolute(tf, tf.signal.rfft2d(x)), CUBE),
    "irfft": (lambda tf, x, y: tf.signal.irfft(z(tf, x, y)), A, B),
    "irfft of odd length": (lambda tf, x, y: tf.signal.irfft(z(tf, x, y), [5]), A, B, False),
    "irfft2d": (lambda tf, x, y: tf.signal.irfft2d(z(tf, x, y)), A, B),
    "convolution theorem": (lambda tf, x, y: tf.signal.irfft(tf.signal.rfft(x) * tf.signal.rfft(y)), A, B),
    "windows": (
        lambda tf: [tf.signal.hann_window(6), tf.signal.hamming_window(5), tf.signal.hann_window(5, periodic=False)],
        False,
    ),
    # What is known
    "ensure_shape": (lambda tf, x: tf.ensure_shape(x, [None, 4]) * 2.0, A),
    "identity_n": (lambda tf, x, y: tf.identity_n([x, y]), A, B),
    "where_v2": (lambda tf, c, x: tf.where_v2(c, x, 0.0), A[:, :1] > 0, A),
    "hessians": (lambda tf, x: tf.hessians(tf.reduce_sum(x**3.0) * x[0], x), V),
    # Sparse tensors
    "to_dense": (lambda tf, x: [tf.sparse_tensor_to_dense(sparse(tf, x)), tf.sparse.to_dense(sparse(tf, x), -1.0)], V[:3]),
    "sparse_to_dense": (
        lambda tf, x: [tf.sparse_to_dense([[0, 1], [2, 0]], [3, 2], x[:2]), tf.sparse_to_dense([1, 3], [5], 7.0)],
        V,
    ),
    "sparse_dense_matmul": (lambda tf, x, y: tf.sparse_tensor_dense_matmul(sparse(tf, x), y), V[:3], A),
    "sparse adjoint matmul": (
        lambda tf, x, y: tf.sparse.matmul(sparse(tf, x), y, adjoint_a=True, adjoint_b=True),
        V[:3],
        A.T.copy(),
    ),
    "sparse_reduce": (
        lambda tf, x: [tf.sparse_reduce_sum(sparse(tf, x), 1), tf.sparse_reduce_sum(sparse(tf, x))],
        V[:3],
        False,
    ),
    "sparse_reduce_max": (lambda tf, x: tf.sparse_reduce_max(sparse(tf, x), 1), V[:3], False),
    "sparse arithmetic": (
        lambda tf, x, y: [(sparse(tf, x) * y).values, (sparse(tf, x) / (y * y + 1)).values],
        V[:3],
        B[:, :3].copy(),
    ),
    "sparse_add dense": (lambda tf, x, y: tf.sparse_add(sparse(tf, x), y), V[:3], B[:, :3].copy()),
    "sparse_add": (lambda tf, x: tf.sparse_tensor_to_dense(tf.sparse_add(sparse(tf, x), sparse(tf, x))), V[:3], False),
    "from_dense": (lambda tf, x: parts(tf.sparse.from_dense(x)), HOLED.reshape(1, 5), False),
    "sparse_transpose": (lambda tf, x: parts(tf.sparse_transpose(sparse(tf, x))), V[:3], False),
    "sparse_reshape": (lambda tf, x: parts(tf.sparse_reshape(sparse(tf, x), [-1])), V[:3], False),
    "sparse_concat": (lambda tf, x: parts(tf.sparse_concat(1, [sparse(tf, x), sparse(tf, -x)])), V[:3], False),
    "sparse_retain": (lambda tf, x: parts(tf.sparse_retain(sparse(tf, x), [True, False, True])), V[:3], False),
    "sparse_softmax": (lambda tf, x: tf.sparse_softmax(sparse(tf, x)).values, V[:3], False),
}


def z(tf, x, y):
    return tf.complex(x, y)


def absolute(tf, x):
    return [tf.real(x), tf.imag(x), tf.abs(x)]


def sparse(tf, values):
    return tf.SparseTensor([[0, 0], [0, 2], [2, 1]], values, [3, 3])


def parts(x):
    return [x.indices, x.values, x.dense_shape]


@pytest.mark.parametrize("name", CASES)
def test_values_dtypes_and_gradients_are_those_of_tensorflow(name):
    build, *arrays = CASES[name]
    gradients = arrays[-1] is not False
    arrays = [a for a in arrays if a is not False]
    values, slopes = run_in(static, build, arrays, gradients=gradients)
    wanted, wanted_slopes = run_in(tensorflow(), build, arrays, gradients=gradients)
    assert [np.asarray(v).dtype for v in values] == [np.asarray(w).dtype for w in wanted]
    for value, want in zip(values, wanted, strict=True):
        assert np.shape(value) == np.shape(want)
        np.testing.assert_allclose(value, want, rtol=2e-4, atol=2e-5)
    assert [g is None for g in slopes] == [g is None for g in wanted_slopes]
    for slope, want in zip(slopes, wanted_slopes, strict=True):
        if want is not None:
            np.testing.assert_allclose(slope, want, rtol=2e-3, atol=2e-4)
