"""``embedding_lookup`` over one table or several, and over sparse ids: TensorFlow's values and gradients."""

import numpy as np
import pytest

import static as tf
from tests.static.oracle import run_in, tensorflow


TABLES = [np.random.default_rng(i).standard_normal((n, 3)).astype("float32") for i, n in enumerate((3, 3, 2))]
WHOLE = np.random.default_rng(9).standard_normal((8, 3)).astype("float32")
IDS = [[5, 0, 2], [7, 5, 1]]


def lookup(tf, *tables, **settings):
    return tf.nn.embedding_lookup(list(tables) if len(tables) > 1 else tables[0], IDS, **settings)


def sparse(tf, values, last=3):
    return tf.SparseTensor([[0, 0], [0, 1], [1, 0], [last, 0], [last, 1]], values, [4, 2])


def sparse_lookup(tf, table, weights=None, **settings):
    """With weights no row is empty: it would be NaN in TensorFlow 1.15 and here, and is 0 in later ones."""
    last = 3 if weights is None else 2
    ids = sparse(tf, np.array([1, 3, 1, 0, 0]), last)
    given = None if weights is None else sparse(tf, weights, last)
    return tf.nn.embedding_lookup_sparse(table, ids, given, **settings)


WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5, -0.5], "float32")
CASES = {
    "one": (lookup, {}, [WHOLE]),
    "mod": (lookup, {"partition_strategy": "mod"}, TABLES),
    "div": (lookup, {"partition_strategy": "div"}, TABLES),
    "max_norm": (lookup, {"max_norm": 1.0}, [WHOLE]),
    "max_norm of parts": (lookup, {"max_norm": 0.7}, TABLES),
    "sparse mean": (sparse_lookup, {"combiner": "mean"}, [WHOLE]),
    "sparse sum": (sparse_lookup, {"combiner": "sum"}, [WHOLE]),
    "sparse sqrtn": (sparse_lookup, {"combiner": "sqrtn"}, [WHOLE]),
    "weighted mean": (sparse_lookup, {"combiner": "mean"}, [WHOLE, WEIGHTS]),
    "weighted sum": (sparse_lookup, {"combiner": "sum"}, [WHOLE, WEIGHTS]),
    "weighted sqrtn": (sparse_lookup, {"combiner": "sqrtn"}, [WHOLE, WEIGHTS]),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_tensorflow(name):
    function, settings, arrays = CASES[name]
    found, slopes = run_in(tf, lambda tf, *xs: function(tf, *xs, **settings), arrays)
    wanted, wanted_slopes = run_in(tensorflow(), lambda tf, *xs: function(tf, *xs, **settings), arrays)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5, atol=1e-6)
    for slope, want in zip(slopes, wanted_slopes, strict=True):
        np.testing.assert_allclose(slope, want, rtol=1e-4, atol=1e-5)


def test_the_shape_is_known():
    tables = [tf.constant(table) for table in TABLES]
    assert lookup(tf, *tables).shape.as_list() == [2, 3, 3]
    assert tf.nn.embedding_lookup(tables, tf.placeholder(tf.int32, [None])).shape.as_list() == [None, 3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lookup(tf, *TABLES, partition_strategy="hash"), ValueError, "partition strategy: hash"),
        (lambda: tf.nn.embedding_lookup([], [1]), ValueError, "at least one param"),
        (lambda: sparse_lookup(tf, WHOLE, combiner="max"), ValueError, "combiner must be one of"),
        (lambda: tf.nn.embedding_lookup_sparse(WHOLE, [1], None), TypeError, "sp_ids must be SparseTensor"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_sparse_tensor_is_fetched_whole_and_fed_by_its_parts():
    x = tf.sparse_placeholder(tf.float32, [None, 3])
    with tf.Session() as session:
        feeds = {x.indices: [[0, 1]], x.values: [2.0], x.dense_shape: [2, 3]}
        value = session.run(tf.sparse_reorder(x), feeds)
        assert isinstance(value, tf.SparseTensorValue)
        assert value.values.tolist() == [2.0]
        assert session.run(tf.sparse_tensor_to_dense(x), feeds).tolist() == [[0, 2, 0], [0, 0, 0]]
