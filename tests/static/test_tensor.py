import numpy as np
import pytest

import static as tf


LINE = r"(?s).*test_tensor.py:\d+"


def test_shapes_are_what_is_known():
    x = tf.placeholder(tf.float32, [None, 3])
    assert x.shape.as_list() == [None, 3]
    assert x.get_shape().ndims == 2
    assert x.shape[1] == 3
    assert x.shape[1].value == 3
    assert int(x.shape[1]) == 3
    assert x.shape[0].value is None
    assert str(x.shape) == "(?, 3)"
    assert x.shape[1:] == [3]
    assert (x @ tf.ones([3, 5])).shape.as_list() == [None, 5]
    unknown = tf.placeholder(tf.float32)
    assert unknown.shape.ndims is None
    assert unknown.shape == tf.TensorShape(None)
    with pytest.raises(ValueError, match="unknown TensorShape"):
        unknown.shape.as_list()


def test_set_shape_adds_and_contradicts():
    x = tf.placeholder(tf.float32, [None, 3])
    x.set_shape([2, None])
    assert x.shape == [2, 3]
    with pytest.raises(ValueError, match="incompatible"):
        x.set_shape([2, 4])


@pytest.mark.parametrize(
    ("shape", "other", "merged"),
    [([None, 3], [2, None], [2, 3]), (None, [1], [1]), ([2], None, [2]), ([], [], [])],
)
def test_shapes_merge(shape, other, merged):
    assert tf.TensorShape(shape).merge_with(other) == merged
    assert tf.TensorShape(shape).is_compatible_with(other)


def test_unknown_dimensions_stay_unknown_in_arithmetic():
    known, unknown = tf.Dimension(3), tf.Dimension(None)
    assert (known * 2).value == 6
    assert (7 - known).value == 4
    assert (unknown + 1).value is None
    assert (unknown == 3) is None
    with pytest.raises(TypeError, match="not known while"):
        int(unknown)


def test_shapes_known_to_the_run_only():
    x = tf.placeholder(tf.float32, [None, 4])
    flat = tf.reshape(x, [tf.shape(x)[0] * 2, 2])
    zeros = tf.zeros([tf.shape(x)[0], 7])
    square = tf.zeros(tf.shape(x), tf.float64)
    assert flat.shape.as_list() == [None, 2]
    assert zeros.shape.as_list() == [None, 7]
    assert square.shape.as_list() == [None, 4]
    with tf.Session() as session:
        values = session.run([flat, zeros, square, tf.tile(x, [1, 2])], {x: np.ones((3, 4))})
    assert [v.shape for v in values] == [(6, 2), (3, 7), (3, 4), (3, 8)]
    assert values[2].dtype == np.float64


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x, k: x + k, "x:0 is float32 and k:0 is int32"),
        (lambda x, k: tf.matmul(x, tf.cast(x, tf.float64)), "float32 and Cast:0 is float64"),
        (lambda x, k: k * 0.5, "Expected int32, got 0.5 of type 'float' instead"),
        (lambda x, k: k + np.array([0.5, 1.5]), "Expected int32, got float64 values"),
        (lambda x, k: x + True, "Expected float32, got True of type 'bool'"),
        (lambda x, k: tf.exp(k), "exp: value passed to parameter 'x' has DataType int32"),
        (lambda x, k: tf.matmul(x, x), "MatMul: matmul: inner dimensions 3 and 2 differ"),
        (lambda x, k: tf.reshape(x, [4]), "Reshape: reshape: 6 elements do not fit"),
        (lambda x, k: tf.concat([x, tf.zeros([3, 4])], 0), "concat: concat"),
        (lambda x, k: tf.add(x, tf.zeros([5]), name="sum"), "sum: add: shapes .* do not broadcast"),
        (lambda x, k: tf.reduce_sum(x, 2), "Sum: sum: axis 2"),
        (lambda x, k: x[2], "index 2 is outside axis 0 of size 2"),
        (lambda x, k: tf.constant([[1], [2, 3]]), "differ in length"),
        (lambda x, k: tf.matmul(x, tf.zeros([3])), "at least rank 2"),
    ],
)
def test_what_does_not_fit_is_refused_while_building_with_the_users_line(build, message):
    x, k = tf.placeholder(tf.float32, [2, 3], name="x"), tf.placeholder(tf.int32, [2], name="k")
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        build(x, k)
    if "differ in length" not in message:
        assert "test_tensor.py" in str(caught.value)


def test_a_tensor_is_no_python_value():
    x = tf.placeholder(tf.float32, [2], name="x")
    for use in (bool, list, len, np.asarray, lambda t: t if t > 1 else 0):
        with pytest.raises(TypeError, match=r"x:0|Greater:0|x "):
            use(x)


def test_tensors_are_keys_and_compare_by_identity():
    x, y = tf.constant(1.0), tf.constant(1.0)
    assert x == x
    assert x != y
    assert len({x, y}) == 2


def test_constants_do_not_follow_the_array_they_were_made_of():
    array = np.ones(3)
    x = tf.constant(array)
    array[:] = 7
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x), [1, 1, 1])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, tf.int32),
        (1.0, tf.float32),
        (True, tf.bool),
        ([1, 2**40], tf.int64),
        (np.float64(1), tf.float64),
        ([], tf.float32),
    ],
)
def test_python_values_get_tensorflows_dtypes(value, dtype):
    assert tf.constant(value).dtype == dtype


def test_dtypes_are_numpys_too():
    assert tf.float32 == np.float32 == tf.as_dtype("float32")
    assert np.zeros(2, tf.int64).dtype == np.int64
    assert tf.float32.as_numpy_dtype is np.float32
    assert (tf.int32.max, tf.float32.is_floating, tf.bool.is_bool) == (2**31 - 1, True, True)
    assert {tf.float32: 1}[tf.as_dtype(np.float32)] == 1
    with pytest.raises(TypeError, match="Cannot convert value 'float33'"):
        tf.as_dtype("float33")


def test_lists_of_tensors_are_stacked():
    x = tf.constant(1.0)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(tf.convert_to_tensor([x, [2.0][0], x * 3.0])), [1, 2, 3])


def test_a_placeholder_with_default_may_be_fed():
    x = tf.placeholder_with_default(tf.constant([1.0, 2.0]), [None])
    assert x.shape.as_list() == [None]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x * 2.0), [2, 4])
        np.testing.assert_array_equal(session.run(x * 2.0, {x: [5.0]}), [10])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("float", "float32"),
        (float, "float32"),
        ("double", "float64"),
        ("half", "float16"),
        (1, "float32"),
        (9, "int64"),
        (10, "bool"),
        (bool, "bool"),
        (np.int16, "int16"),
        (np.dtype("uint8"), "uint8"),
        ("string", "string"),
        (object, "string"),
    ],
)
def test_dtypes_under_all_their_names(given, name):
    dtype = tf.as_dtype(given)
    assert dtype.name == name
    assert dtype == given
    assert tf.as_dtype(dtype.as_datatype_enum) is dtype


def test_what_is_no_dtype():
    for wrong in ("floating", 0, 11, None, [1], True):
        with pytest.raises(TypeError, match="Cannot convert value"):
            tf.as_dtype(wrong)
    assert tf.float64 != "float"
    assert tf.float32 != "nothing"
    assert (tf.complex64.real_dtype, tf.float64.real_dtype) == (tf.float32, tf.float64)
