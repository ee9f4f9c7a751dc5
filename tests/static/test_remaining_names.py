"""Names that no other test speaks of give TensorFlow's values, dtypes, gradients, numbers and effects."""

import os

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow


pytestmark = pytest.mark.oracle


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


A, B, CUBE, V = normal(3, 4), normal(3, 4, seed=1), normal(2, 4, 6), normal(5)
IMAGES, LINES, BLOCKS = normal(2, 6, 5, 3), normal(2, 7, 3), normal(1, 4, 5, 4, 2)
MATRIX = normal(3, 3)
SYMMETRIC = MATRIX + MATRIX.T
WHOLE = np.array([7, -7, 3, -2, 0], "int32")
LABELS, SCORES = np.array([1, 0, 1, 1, 0], "bool"), np.array([0.9, 0.6, 0.2, 0.6, 0.1], "float32")
RANKED, CLASSES = normal(4, 5, seed=3), np.array([[1], [0], [4], [2]], "int64")
CUTS = [0.15, 0.5, 0.8]


def after(tf, ref, change):
    """The value that ``change`` leaves in a variable which starts from ``ref``."""
    variable = tf.Variable(ref, use_resource=False)
    with tf.control_dependencies([variable.initializer]):
        return tf.identity(change(variable))


def sparse(tf, values):
    return tf.SparseTensor([[2, 1], [0, 2], [0, 0]], values[:3], [3, 3])


def parts(x):
    return [x.indices, x.values, x.dense_shape]


CASES = {
    "accumulate_n": (lambda tf, x, y: tf.accumulate_n([x, y, x]), A, B),
    "arg_max": (lambda tf, x: [tf.arg_max(x, 1), tf.arg_max(x, 0, output_type=tf.int32)], A),
    "arg_min": (lambda tf, x: [tf.arg_min(x, 1), tf.arg_min(x, dimension=0)], A),
    "floor_div": (lambda tf, x: [tf.floor_div(x, 2), tf.floor_div(x, [-2, -2, 2, 3, 5])], WHOLE),
    "floor_div of floats": (lambda tf, x, y: tf.floor_div(x, y), A, B, False),
    "lin_space": (lambda tf, x: [tf.lin_space(x[0], x[1], 6), tf.lin_space(0.5, 2.0, 1)], V, False),
    "reduce_std": (lambda tf, x: [tf.math.reduce_std(x), tf.math.reduce_std(x, 1, keepdims=True)], A),
    "reduce_variance": (lambda tf, x: [tf.math.reduce_variance(x), tf.math.reduce_variance(x, axis=[0, 2])], CUBE),
    "relu_layer": (lambda tf, x, w, b: tf.nn.relu_layer(x, w, b), A, normal(4, 5), V),
    "reverse_v2": (lambda tf, x: tf.reverse_v2(x, [0, -1]), CUBE),
    "to_double": (lambda tf, x: tf.to_double(x), A),
    "to_int32": (lambda tf, x: tf.to_int32(4 * x), A),
    "to_int64": (lambda tf, x: tf.to_int64(4 * x), A),
    "to_complex128": (lambda tf, x: tf.to_complex128(x), A),
    "uint32": (lambda tf, x: [tf.cast(tf.abs(x), tf.uint32), tf.constant([2**32 - 1], tf.uint32)], WHOLE),
    "shape_n": (lambda tf, x, y: [*tf.shape_n([x, y]), *tf.shape_n([y], tf.int64)], A, CUBE),
    "eigvalsh": (lambda tf, x: tf.linalg.eigvalsh(x), SYMMETRIC, False),
    "rfft3d": (lambda tf, x: [tf.real(tf.signal.rfft3d(x)), tf.imag(tf.signal.rfft3d(x, [2, 4, 4]))], CUBE, False),
    "irfft3d": (lambda tf, x, y: tf.signal.irfft3d(tf.complex(x, y)), CUBE, normal(2, 4, 6, seed=1), False),
    "tensor_diag": (lambda tf, x: [tf.linalg.tensor_diag(x), tf.linalg.tensor_diag(x[:4] * x[1:])], V),
    "tensor_diag of a matrix": (lambda tf, x: tf.linalg.tensor_diag(x), A),
    "tensor_diag_part": (lambda tf, x: tf.linalg.tensor_diag_part(x), SYMMETRIC),
    "tensor_scatter_nd_add": (lambda tf, x, y: tf.tensor_scatter_nd_add(x, [[2], [0], [2]], y), A, B),
    "tensor_scatter_nd_sub": (lambda tf, x, y: tf.tensor_scatter_nd_sub(x, [[2, 1], [0, 3]], y[0, :2]), A, B),
    "tensor_scatter_nd_update": (lambda tf, x, y: tf.tensor_scatter_nd_update(x, [[2], [0]], y[:2]), A, B),
    "scatter_max": (lambda tf, x, y: after(tf, A, lambda v: tf.scatter_max(v, [2, 0], y[:2])), A, B, False),
    "scatter_min": (lambda tf, x, y: after(tf, A, lambda v: tf.scatter_min(v, [2, 2, 0], y)), A, B, False),
    "scatter_nd_sub": (lambda tf, x: after(tf, A, lambda v: tf.scatter_nd_sub(v, [[2], [2]], x[:2])), B, False),
    "reorder": (lambda tf, x: parts(tf.sparse.reorder(sparse(tf, x))), V),
    "retain": (lambda tf, x: parts(tf.sparse.retain(sparse(tf, x), [True, False, True])), V),
    "numpy_function": (lambda tf, x, y: tf.numpy_function(lambda a, b: a @ b.T, [x, y], tf.float32), A, B, False),
    "extract_patches": (
        lambda tf, x: tf.image.extract_patches(x, [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 2, 1], "SAME"),
        IMAGES,
    ),
    "resize_with_crop_or_pad": (
        lambda tf, x: [tf.image.resize_with_crop_or_pad(x, 4, 8), tf.image.resize_with_crop_or_pad(x[0], 9, 2)],
        IMAGES,
    ),
    "conv3d_backprop_filter_v2": (
        lambda tf, x, y: tf.nn.conv3d_backprop_filter_v2(x, [2, 2, 3, 2, 3], y, [1, 1, 1, 1, 1], "SAME"),
        BLOCKS,
        normal(1, 4, 5, 4, 3),
    ),
    "depthwise_conv2d_backprop_filter": (
        lambda tf, x, y: tf.nn.depthwise_conv2d_backprop_filter(x, [2, 3, 3, 2], y, [1, 1, 1, 1], "SAME"),
        IMAGES,
        normal(2, 6, 5, 6),
    ),
    "depthwise_conv2d_backprop_input": (
        lambda tf, k, y: tf.nn.depthwise_conv2d_backprop_input([2, 6, 5, 3], k, y, [1, 1, 1, 1], "SAME"),
        normal(2, 3, 3, 2),
        normal(2, 6, 5, 6),
    ),
    "convert_to_tensor_or_indexed_slices": (lambda tf, x: tf.convert_to_tensor_or_indexed_slices(x), A),
    "convert_to_tensor_or_sparse_tensor": (
        lambda tf, x: parts(tf.convert_to_tensor_or_sparse_tensor(sparse(tf, x))),
        V,
    ),
    "categorical of one likely class": (lambda tf, x: tf.random.categorical(x[:, :2] * 0 + [-90.0, 90.0], 5), A),
    "random_hue of no width": (lambda tf, x: tf.image.random_hue(tf.abs(x), 1e-7), IMAGES, False),
    "random_saturation of one": (lambda tf, x: tf.image.random_saturation(tf.abs(x), 1.0, 1.0000001), IMAGES, False),
}


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


METRICS = {
    "true_positives_at_thresholds": lambda m: m.true_positives_at_thresholds(LABELS, SCORES, CUTS),
    "true_negatives_at_thresholds": lambda m: m.true_negatives_at_thresholds(LABELS, SCORES, CUTS),
    "false_positives_at_thresholds": lambda m: m.false_positives_at_thresholds(LABELS, SCORES, CUTS),
    "false_negatives_at_thresholds": lambda m: m.false_negatives_at_thresholds(LABELS, SCORES, CUTS, weights=SCORES),
    "sparse_precision_at_k": lambda m: m.sparse_precision_at_k(CLASSES, RANKED, 2),
    "sparse_average_precision_at_k": lambda m: m.sparse_average_precision_at_k(CLASSES, RANKED, 3),
}


def measured(tf, build):
    with tf.Graph().as_default(), tf.Session() as session:
        value, update = build(tf.metrics)
        session.run(tf.initialize_local_variables())
        return [session.run(update), session.run(update), session.run(value)]


@pytest.mark.parametrize("name", METRICS)
def test_metrics_are_those_of_tensorflow(name):
    for value, want in zip(measured(static, METRICS[name]), measured(tensorflow(), METRICS[name]), strict=True):
        assert np.asarray(value).dtype == np.asarray(want).dtype
        np.testing.assert_allclose(value, want, rtol=1e-5)


def kernel(*shape):
    return {"kernel_initializer": static.constant_initializer(normal(*shape)), "use_bias": False}


def separable(*shape):
    *window, inputs, outputs = shape
    return {
        "depthwise_initializer": static.constant_initializer(normal(*window, inputs, 1)),
        "pointwise_initializer": static.constant_initializer(normal(*[1] * len(window), inputs, outputs)),
        "use_bias": False,
    }


# A layer's class, and what it computes in TensorFlow's functions.
LAYERS = {
    "AveragePooling1D": (
        lambda layers: layers.AveragePooling1D(3, 2),
        lambda tf, x: tf.nn.avg_pool1d(x, 3, 2, "VALID"),
        LINES,
    ),
    "AveragePooling2D": (
        lambda layers: layers.AveragePooling2D(2, 2, padding="same"),
        lambda tf, x: tf.nn.avg_pool2d(x, 2, 2, "SAME"),
        IMAGES,
    ),
    "AveragePooling3D": (
        lambda layers: layers.AveragePooling3D(2, 1),
        lambda tf, x: tf.nn.avg_pool3d(x, [1, 2, 2, 2, 1], [1] * 5, "VALID"),
        BLOCKS,
    ),
    "MaxPooling1D": (
        lambda layers: layers.MaxPooling1D(3, 2),
        lambda tf, x: tf.nn.max_pool1d(x, 3, 2, "VALID"),
        LINES,
    ),
    "MaxPooling2D": (
        lambda layers: layers.MaxPooling2D(2, 2, padding="same"),
        lambda tf, x: tf.nn.max_pool2d(x, 2, 2, "SAME"),
        IMAGES,
    ),
    "MaxPooling3D": (
        lambda layers: layers.MaxPooling3D(2, 1),
        lambda tf, x: tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1] * 5, "VALID"),
        BLOCKS,
    ),
    "Conv1D": (
        lambda layers: layers.Conv1D(4, 3, strides=2, **kernel(3, 3, 4)),
        lambda tf, x: tf.nn.conv1d(x, normal(3, 3, 4), 2, "VALID"),
        LINES,
    ),
    "Conv2D": (
        lambda layers: layers.Conv2D(4, [2, 3], padding="same", **kernel(2, 3, 3, 4)),
        lambda tf, x: tf.nn.conv2d(x, normal(2, 3, 3, 4), 1, "SAME"),
        IMAGES,
    ),
    "Conv3D": (
        lambda layers: layers.Conv3D(3, 2, **kernel(2, 2, 2, 2, 3)),
        lambda tf, x: tf.nn.conv3d(x, normal(2, 2, 2, 2, 3), [1] * 5, "VALID"),
        BLOCKS,
    ),
    "Conv2DTranspose": (
        lambda layers: layers.Conv2DTranspose(4, 2, strides=2, padding="same", **kernel(2, 2, 4, 3)),
        lambda tf, x: tf.nn.conv2d_transpose(x, normal(2, 2, 4, 3), [2, 12, 10, 4], 2, "SAME"),
        IMAGES,
    ),
    "Conv3DTranspose": (
        lambda layers: layers.Conv3DTranspose(3, 2, strides=2, padding="same", **kernel(2, 2, 2, 3, 2)),
        lambda tf, x: tf.nn.conv3d_transpose(x, normal(2, 2, 2, 3, 2), [1, 8, 10, 8, 3], 2, "SAME"),
        BLOCKS,
    ),
    "SeparableConv1D": (
        lambda layers: layers.SeparableConv1D(4, 2, **separable(2, 3, 4)),
        lambda tf, x: tf.nn.separable_conv2d(x[:, None], normal(2, 3, 1)[None], normal(1, 3, 4)[None], [1] * 4, "VALID")[
            :, 0
        ],
        LINES,
    ),
    "SeparableConv2D": (
        lambda layers: layers.SeparableConv2D(4, 2, **separable(2, 2, 3, 4)),
        lambda tf, x: tf.nn.separable_conv2d(x, normal(2, 2, 3, 1), normal(1, 1, 3, 4), [1] * 4, "VALID"),
        IMAGES,
    ),
    "Flatten": (lambda layers: layers.Flatten(), lambda tf, x: tf.reshape(x, [2, -1]), IMAGES),
    "Dropout outside of training": (lambda layers: layers.Dropout(0.7), lambda tf, x: tf.identity(x), IMAGES),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_classes_compute_what_the_functions_of_tensorflow_do(name):
    make, reference, x = LAYERS[name]
    with static.Graph().as_default(), static.Session() as session:
        y = make(static.layers)(static.constant(x))
        session.run(static.variables_initializer(static.global_variables()))
        value = session.run(y)
    [want], _ = run_in(tensorflow(), lambda tf, x: reference(tf, x), [x], gradients=False)
    assert tuple(y.shape.as_list()) == want.shape
    np.testing.assert_allclose(value, want, rtol=2e-4, atol=2e-5)


CODES = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]
ERRORS = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DeadlineExceededError",
    "InternalError",
    "PermissionDeniedError",
    "UnauthenticatedError",
    "UnavailableError",
]


@pytest.mark.parametrize("name", CODES)
def test_error_codes_are_those_of_tensorflow(name):
    assert getattr(static.errors, name) == getattr(tensorflow().errors, name)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_carry_the_code_and_the_message_that_tensorflow_gives_them(name):
    error, want = (getattr(tf.errors, name)(None, None, "why") for tf in (static, tensorflow()))
    assert (error.error_code, error.message) == (want.error_code, want.message)
    assert isinstance(error, static.errors.OpError)


FACTS = {
    "AUTOTUNE": lambda tf: tf.data.experimental.AUTOTUNE,
    "DEBUG": lambda tf: tf.logging.DEBUG,
    "broadcast_static_shape": lambda tf: tf.broadcast_static_shape(
        tf.TensorShape([3, 1, 5]), tf.TensorShape([4, 1])
    ).as_list(),
    "get_static_value": lambda tf: tf.get_static_value(tf.constant([1, 2])).tolist(),
    "get_static_value of an input": lambda tf: tf.get_static_value(tf.placeholder(tf.float32)),
    "executing_eagerly": lambda tf: tf.executing_eagerly(),
    "is_nested": lambda tf: [tf.nest.is_nested(x) for x in ([1], (), {"a": 1}, 3, "abc")],
    "is_built_with_gpu_support": lambda tf: tf.test.is_built_with_gpu_support(),
    "is_built_with_rocm": lambda tf: tf.test.is_built_with_rocm(),
    "DType": lambda tf: isinstance(tf.float32, tf.DType),
    "all_variables": lambda tf: [v.name for v in [tf.Variable(1, name="v")] and tf.all_variables()],
    "op_scope": lambda tf: scoped(tf),
    "initialize_variables": lambda tf: tf.initialize_variables([tf.Variable(1)]).name,
    "tables_initializer": lambda tf: [tf.tables_initializer().name, tf.initialize_all_tables("t").name],
    "names of the messages": lambda tf: [tf.GraphOptions.__name__, tf.HistogramProto.__name__, tf.NodeDef.__name__],
    "SummaryMetadata": lambda tf: tf.SummaryMetadata(display_name="d").display_name,
}


def scoped(tf):
    with tf.op_scope([], None, "op") as scope:
        return [scope, tf.constant(1, name="c").name]


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.filterwarnings("ignore")
def test_facts_are_those_of_tensorflow(name):
    with static.Graph().as_default():
        fact = FACTS[name](static)
    with tensorflow().Graph().as_default():
        assert fact == FACTS[name](tensorflow())


def test_structures_that_differ_are_refused_as_in_tensorflow():
    for tf in (static, tensorflow()):
        tf.nest.assert_same_structure([1, (2, 3)], ["a", ("b", "c")])
        for other, error in (([1, 2], ValueError), ([1, [2, 3]], TypeError)):
            with pytest.raises(error):
                tf.nest.assert_same_structure([1, (2, 3)], other)


def test_folders_are_made_moved_and_removed_as_in_tensorflow(tmp_path):
    for number, tf in enumerate((static, tensorflow())):
        files, top = tf.io.gfile, tmp_path / str(number)
        files.makedirs(str(top / "a" / "b"))
        files.makedirs(str(top / "a" / "b"))
        (top / "a" / "x").write_text("x")
        (top / "a" / "y").write_text("y")
        assert [files.isdir(str(top / "a" / n)) for n in ("b", "x", "none")] == [True, False, False]
        with pytest.raises(tf.errors.AlreadyExistsError):
            files.rename(str(top / "a" / "x"), str(top / "a" / "y"))
        files.rename(str(top / "a" / "x"), str(top / "a" / "y"), overwrite=True)
        assert (sorted(os.listdir(top / "a")), (top / "a" / "y").read_text()) == (["b", "y"], "x")
        files.rmtree(str(top / "a"))
        assert os.listdir(top) == []
        with pytest.raises(tf.errors.NotFoundError):
            files.rmtree(str(top / "a"))


@pytest.mark.filterwarnings("ignore")
def test_checkpoints_are_listed_timed_and_removed_as_in_tensorflow(tmp_path):
    for number, tf in enumerate((static, tensorflow())):
        folder = tmp_path / str(number)
        folder.mkdir()
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.Variable(1.0, name="v").initializer)
            path = tf.train.Saver().save(session, str(folder / "m"), write_state=False)
        tf.train.update_checkpoint_state(str(folder), path)
        assert tf.train.latest_checkpoint(str(folder)) == path
        assert tf.train.get_checkpoint_mtimes([path]) == [pytest.approx(folder.stat().st_mtime, abs=60)]
        tf.train.remove_checkpoint(path)
        assert [n for n in os.listdir(folder) if n.startswith("m")] == []
