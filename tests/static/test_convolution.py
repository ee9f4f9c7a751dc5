"""Convolutions, pools and normalisations give TensorFlow's values and gradients."""

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow


def normal(*shape, seed=0, dtype="float64"):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


LINE, LINE_W = normal(2, 7, 3), normal(3, 3, 4)
IMAGE, IMAGE_W = normal(2, 6, 5, 3), normal(3, 2, 3, 4)
CUBE, CUBE_W = normal(2, 4, 5, 4, 2), normal(2, 3, 2, 2, 3)
DEPTH_W, POINT_W = normal(3, 2, 3, 2), normal(1, 1, 6, 4)
BACK = normal(2, 3, 3, 4)


def first(tf, x):
    """TensorFlow's kernels for CPUs have no channels-first form: the same through transposes."""
    return tf.transpose(x, [0, x.shape.ndims - 1, *range(1, x.shape.ndims - 1)])


def last(tf, x):
    return tf.transpose(x, [0, *range(2, x.shape.ndims), 1])


def still(tf, convolve, x, w, *args, **settings):
    """A dilated convolution without gradients, which TensorFlow's kernels for CPUs do not have."""
    return convolve(tf.stop_gradient(x), tf.stop_gradient(w), *args, **settings)


CASES = {
    # Convolutions
    "conv1d": (lambda tf, x, w: tf.nn.conv1d(x, w, 1, "VALID"), LINE, LINE_W),
    "conv1d stride": (lambda tf, x, w: tf.nn.conv1d(x, w, stride=2, padding="SAME"), LINE, LINE_W),
    "conv1d dilated": (lambda tf, x, w: still(tf, tf.nn.conv1d, x, w, 1, "SAME", dilations=2), LINE, LINE_W),
    "conv2d": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), IMAGE, IMAGE_W),
    "conv2d valid": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "VALID"), IMAGE, IMAGE_W),
    "conv2d strides": (lambda tf, x, w: tf.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME"), IMAGE, IMAGE_W),
    "conv2d uneven": (lambda tf, x, w: tf.nn.conv2d(x, w, strides=[1, 3, 1, 1], padding="VALID"), IMAGE, IMAGE_W),
    "conv2d one stride": (lambda tf, x, w: tf.nn.conv2d(x, filters=w, strides=2, padding="SAME"), IMAGE, IMAGE_W),
    "conv2d explicit": (
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]),
        IMAGE,
        IMAGE_W,
    ),
    "conv2d dilations": (
        lambda tf, x, w: still(tf, tf.nn.conv2d, x, w, [1, 1, 1, 1], "SAME", dilations=[1, 2, 2, 1]),
        normal(2, 8, 8, 3),
        IMAGE_W,
    ),
    "conv2d 1x1": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), IMAGE, normal(1, 1, 3, 4)),
    "conv3d": (lambda tf, x, w: tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "SAME"), CUBE, CUBE_W),
    "conv3d strides": (lambda tf, x, w: tf.nn.conv3d(x, w, [1, 2, 1, 2, 1], "VALID"), CUBE, CUBE_W),
    "convolution": (lambda tf, x, w: tf.nn.convolution(x, w, "SAME"), IMAGE, IMAGE_W),
    "convolution 1": (lambda tf, x, w: tf.nn.convolution(x, w, "VALID", dilation_rate=[2]), LINE, LINE_W),
    "convolution 3": (lambda tf, x, w: tf.nn.convolution(x, w, "VALID", strides=[1, 2, 1]), CUBE, CUBE_W),
    "atrous_conv2d": (lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"), IMAGE, IMAGE_W),
    "atrous_conv2d valid": (lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "VALID"), IMAGE, IMAGE_W),
    "depthwise": (lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), IMAGE, DEPTH_W),
    "depthwise rate": (lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "VALID", [2, 2]), IMAGE, DEPTH_W),
    "depthwise native": (
        lambda tf, x, w: tf.nn.depthwise_conv2d_native(x, w, [1, 2, 2, 1], "VALID"),
        IMAGE,
        DEPTH_W,
    ),
    "separable": (
        lambda tf, x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], "SAME"),
        IMAGE,
        DEPTH_W,
        POINT_W,
    ),
    # Transposes
    "conv1d_transpose": (
        lambda tf, x, w: tf.nn.conv1d_transpose(x, w, [2, 14, 3], 2),
        normal(2, 7, 4),
        LINE_W,
    ),
    "conv2d_transpose": (lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 6, 5, 3], [1, 2, 2, 1]), BACK, IMAGE_W),
    "conv2d_transpose batch": (
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [tf.shape(x)[0], 5, 6, 3], [1, 2, 2, 1], "SAME"),
        BACK,
        IMAGE_W,
    ),
    "conv2d_transpose sizes": (
        lambda tf, x, w: tf.reshape(
            tf.nn.conv2d_transpose(
                x, w, tf.stack([tf.shape(x)[0], 2 * tf.shape(x)[1], 2 * tf.shape(x)[2], 3]), [1, 2, 2, 1]
            ),
            [2, 6, 6, 3],
        ),
        BACK,
        IMAGE_W,
    ),
    "conv2d_transpose valid": (
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 5, 4, 3], [1, 1, 1, 1], "VALID"),
        BACK,
        IMAGE_W,
    ),
    "conv3d_transpose": (
        lambda tf, x, w: tf.nn.conv3d_transpose(x, w, [1, 4, 6, 4, 2], [1, 2, 2, 2, 1]),
        normal(1, 2, 3, 2, 3),
        CUBE_W,
    ),
    "atrous_conv2d_transpose": (
        lambda tf, x, w: tf.nn.atrous_conv2d_transpose(x, w, [2, 8, 6, 3], 2, "VALID"),
        normal(2, 4, 4, 4),
        IMAGE_W,
    ),
    "backprop_input": (
        lambda tf, w, g: tf.nn.conv2d_backprop_input([2, 6, 5, 3], w, g, [1, 2, 2, 1], "SAME"),
        IMAGE_W,
        BACK,
    ),
    "backprop_filter": (
        lambda tf, x, g: tf.nn.conv2d_backprop_filter(x, [3, 2, 3, 4], g, [1, 2, 2, 1], "SAME"),
        IMAGE,
        BACK,
    ),
    "backprop_filter 3d": (
        lambda tf, x, g: tf.nn.conv3d_backprop_filter(x, [2, 3, 2, 2, 3], g, [1, 2, 2, 2, 1], "SAME"),
        CUBE,
        normal(2, 2, 3, 2, 3),
    ),
    "depthwise backprops": (
        lambda tf, x, w, g: [
            tf.nn.depthwise_conv2d_native_backprop_input([2, 6, 5, 3], w, g, [1, 1, 1, 1], "SAME"),
            tf.nn.depthwise_conv2d_native_backprop_filter(x, [3, 2, 3, 2], g, [1, 1, 1, 1], "SAME"),
        ],
        IMAGE,
        DEPTH_W,
        normal(2, 6, 5, 6),
    ),
    "conv_transpose": (
        lambda tf, x, w: tf.nn.conv_transpose(x, w, [2, 6, 5, 3], [1, 2, 2, 1]),
        BACK,
        IMAGE_W,
    ),
    # Pools
    "max_pool": (lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), IMAGE),
    "max_pool valid": (lambda tf, x: tf.nn.max_pool(x, ksize=[1, 3, 2, 1], strides=[1, 1, 2, 1], padding="VALID"), IMAGE),
    "max_pool ties": (lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 1, 1, 1], "SAME"), np.round(IMAGE)),
    "max_pool 2": (lambda tf, x: tf.nn.max_pool(x, 2, 2, "VALID"), IMAGE),
    "avg_pool": (lambda tf, x: tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), IMAGE),
    "avg_pool overlap": (lambda tf, x: tf.nn.avg_pool(x, [1, 3, 3, 1], [1, 1, 2, 1], "SAME"), IMAGE),
    "avg_pool valid": (lambda tf, x: tf.nn.avg_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "VALID"), IMAGE),
    "pools 1d": (
        lambda tf, x: [tf.nn.max_pool1d(x, 2, 2, "SAME"), tf.nn.avg_pool1d(x, 3, 2, "SAME")],
        LINE,
    ),
    "pools 2d": (lambda tf, x: [tf.nn.max_pool2d(x, 2, 2, "SAME"), tf.nn.avg_pool2d(x, 3, 2, "SAME")], IMAGE),
    "pools 3d": (
        lambda tf, x: [
            tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME"),
            tf.nn.avg_pool3d(x, [1, 2, 3, 2, 1], [1, 1, 2, 2, 1], "VALID"),
        ],
        CUBE.astype("float32"),
    ),
    "pools of any rank": (
        lambda tf, x: [tf.nn.max_pool_v2(x, 2, 2, "SAME"), tf.nn.avg_pool_v2(x, [2, 1], 1, "VALID")],
        IMAGE,
    ),
    "pool": (lambda tf, x: [tf.nn.pool(x, [2, 2], "MAX", "VALID"), tf.nn.pool(x, [2, 2], "AVG", "SAME")], IMAGE),
    "pool strides": (lambda tf, x: tf.nn.pool(x, [3], "AVG", "SAME", strides=[2]), LINE),
    "pool dilated": (
        lambda tf, x: [tf.nn.pool(x, [2, 2], kind, "VALID", dilation_rate=[2, 2]) for kind in ("MAX", "AVG")],
        IMAGE,
    ),
    "max_pool_with_argmax": (
        lambda tf, x: tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        IMAGE.astype("float32"),
    ),
    "max_pool_with_argmax batch": (
        lambda tf, x: tf.nn.max_pool_with_argmax(x, [1, 2, 3, 1], [1, 2, 1, 1], "VALID", include_batch_in_index=True)[1],
        IMAGE.astype("float32"),
    ),
    "patches": (
        lambda tf, x: [
            tf.extract_image_patches(x, [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "VALID"),
            tf.extract_image_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 2, 2, 1], "SAME"),
        ],
        IMAGE,
    ),
    # Normalisation
    "lrn": (
        lambda tf, x: [
            tf.nn.lrn(x, 2, 1.0, 0.1, 0.75),
            tf.nn.local_response_normalization(x, depth_radius=1, bias=2.0),
            tf.nn.lrn(x),
        ],
        normal(2, 3, 2, 7, dtype="float32"),
    ),
    "moments": (lambda tf, x: [*tf.nn.moments(x, [0, 1, 2]), *tf.nn.moments(x, [1], keep_dims=True)], IMAGE),
    "weighted_moments": (
        lambda tf, x, w: [
            *tf.nn.weighted_moments(x, [0, 1], w),
            *tf.nn.weighted_moments(x, [0, 1], w, keep_dims=True),
        ],
        IMAGE,
        np.abs(normal(2, 6, 1, 1)),
    ),
    "normalize_moments": (
        lambda tf, x: [
            *tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0, 2])),
            *tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0], shift=tf.constant(0.5, tf.float64))),
        ],
        LINE,
    ),
    "batch_normalization": (
        lambda tf, x, v: tf.nn.batch_normalization(x, *tf.nn.moments(x, [0, 1, 2]), v, v, 1e-3),
        IMAGE,
        normal(3),
    ),
    "global normalization": (
        lambda tf, x, v: [
            tf.nn.batch_norm_with_global_normalization(x, v, v * v, v, v, 1e-3, scale) for scale in (True, False)
        ],
        IMAGE.astype("float32"),
        normal(3, dtype="float32"),
    ),
    "fused_batch_norm": (
        lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o, epsilon=0.01),
        IMAGE.astype("float32"),
        normal(3, dtype="float32"),
        normal(3, seed=1, dtype="float32"),
    ),
    "fused_batch_norm given": (
        lambda tf, x, s, v: tf.nn.fused_batch_norm(x, s, s, mean=s, variance=v, is_training=False)[0],
        IMAGE.astype("float32"),
        normal(3, dtype="float32"),
        np.abs(normal(3, seed=1, dtype="float32")),
    ),
    "l2_normalize": (lambda tf, x: [tf.nn.l2_normalize(x, 1), tf.nn.l2_normalize(x, [0, 2], 1e-3)], LINE),
}

# What has no kernel for channels first in TensorFlow is compared with the same through transposes.
FIRST = {
    "conv1d": (
        lambda tf, x, w: tf.nn.conv1d(x, w, 2, "SAME", data_format="NCW"),
        lambda tf, x, w: first(tf, tf.nn.conv1d(last(tf, x), w, 2, "SAME")),
        normal(2, 3, 7),
        LINE_W,
    ),
    "conv2d": (
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 2, 2], "SAME", data_format="NCHW"),
        lambda tf, x, w: first(tf, tf.nn.conv2d(last(tf, x), w, [1, 2, 2, 1], "SAME")),
        normal(2, 3, 6, 5),
        IMAGE_W,
    ),
    "conv2d explicit": (
        lambda tf, x, w: tf.nn.conv2d(x, w, 1, [[0, 0], [0, 0], [1, 2], [0, 1]], data_format="NCHW"),
        lambda tf, x, w: first(tf, tf.nn.conv2d(last(tf, x), w, 1, [[0, 0], [1, 2], [0, 1], [0, 0]])),
        normal(2, 3, 6, 5),
        IMAGE_W,
    ),
    "conv3d": (
        lambda tf, x, w: tf.nn.conv3d(x, w, [1] * 5, "VALID", data_format="NCDHW"),
        lambda tf, x, w: first(tf, tf.nn.conv3d(last(tf, x), w, [1] * 5, "VALID")),
        normal(2, 2, 4, 5, 4),
        CUBE_W,
    ),
    "conv2d_transpose": (
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 3, 6, 5], [1, 1, 2, 2], data_format="NCHW"),
        lambda tf, x, w: first(tf, tf.nn.conv2d_transpose(last(tf, x), w, [2, 6, 5, 3], [1, 2, 2, 1])),
        normal(2, 4, 3, 3),
        IMAGE_W,
    ),
    "depthwise": (
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", data_format="NCHW"),
        lambda tf, x, w: first(tf, tf.nn.depthwise_conv2d(last(tf, x), w, [1, 1, 1, 1], "SAME")),
        normal(2, 3, 6, 5),
        DEPTH_W,
    ),
    "pools": (
        lambda tf, x: [
            tf.nn.max_pool(x, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW"),
            tf.nn.avg_pool(x, [1, 1, 3, 2], [1, 1, 1, 2], "SAME", data_format="NCHW"),
        ],
        lambda tf, x: [
            first(tf, tf.nn.max_pool(last(tf, x), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")),
            first(tf, tf.nn.avg_pool(last(tf, x), [1, 3, 2, 1], [1, 1, 2, 1], "SAME")),
        ],
        normal(2, 3, 6, 5),
    ),
    "fused_batch_norm": (
        lambda tf, x, s: tf.nn.fused_batch_norm(x, s, s, data_format="NCHW")[0],
        lambda tf, x, s: first(tf, tf.nn.fused_batch_norm(last(tf, x), s, s)[0]),
        normal(2, 3, 6, 5, dtype="float32"),
        normal(3, dtype="float32"),
    ),
    "bias_add": (
        lambda tf, x, b: tf.nn.bias_add(x, b, data_format="NCHW"),
        lambda tf, x, b: first(tf, tf.nn.bias_add(last(tf, x), b)),
        normal(2, 3, 6, 5),
        normal(3),
    ),
}


def agree(found, wanted, rtol):
    values, slopes = found
    others, wanted_slopes = wanted
    assert len(values) == len(others)
    assert [g is None for g in slopes] == [g is None for g in wanted_slopes]
    for value, want in zip(values + slopes, others + wanted_slopes, strict=True):
        if want is not None:
            assert (np.shape(value), np.asarray(value).dtype) == (np.shape(want), np.asarray(want).dtype)
            np.testing.assert_allclose(value, want, rtol=rtol, atol=rtol)


def tolerance(arrays):
    return 1e-10 if all(a.dtype == np.float64 for a in arrays) else 2e-5


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_tensorflow(name):
    build, *arrays = CASES[name]
    agree(run_in(static, build, arrays), run_in(tensorflow(), build, arrays), tolerance(arrays))


@pytest.mark.oracle
@pytest.mark.parametrize("name", FIRST)
def test_channels_first_is_the_same_through_transposes(name):
    build, through, *arrays = FIRST[name]
    agree(run_in(static, build, arrays), run_in(tensorflow(), through, arrays), tolerance(arrays))


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("shape", "build"),
    [
        ((None, 28, 28, 1), lambda tf, x: tf.nn.conv2d(x, tf.zeros([5, 5, 1, 32]), [1, 1, 1, 1], "SAME")),
        ((None, 28, 28, 1), lambda tf, x: tf.nn.conv2d(x, tf.zeros([5, 5, 1, 32]), [1, 2, 2, 1], "VALID")),
        ((None, None, None, 3), lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), [1, 2, 2, 1], "SAME")),
        (None, lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), [1, 2, 2, 1], "SAME")),
        ((None, 9, None, 3), lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")),
        ((None, 9, None, 3), lambda tf, x: tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")),
        ((4, 7, 7, 8), lambda tf, x: tf.nn.conv2d_transpose(x, tf.zeros([5, 5, 16, 8]), [4, 14, 14, 16], [1, 2, 2, 1])),
        ((None, 7, 7, 3), lambda tf, x: tf.extract_image_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")),
    ],
)
def test_static_shapes_are_those_of_tensorflow(shape, build):
    found = []
    for tf in (static, tensorflow()):
        with tf.Graph().as_default():
            out = build(tf, tf.placeholder(tf.float32, shape))
            found.append(None if out.shape.ndims is None else out.shape.as_list())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 4, 8]), [1, 1, 1, 1], "SAME"), "3 channels, and weights for"),
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([9, 9, 3, 8]), [1, 1, 1, 1], "VALID"), "longer than an axis of size 6"),
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), [1, 1, 1, 1], "same"), "no padding 'same'"),
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), [1, 1, 1, 2], "SAME"), "over the batch or the channels"),
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), [1, 1, 1], "SAME"), "strides should be of length 1, 2 or 4"),
        (
            lambda tf, x: tf.nn.conv2d(x[0], tf.zeros([3, 3, 3, 8]), [1, 1, 1, 1], "SAME"),
            "Shape must be rank 4 but is rank 3",
        ),
        (lambda tf, x: tf.nn.conv2d(x, tf.zeros([3, 3, 3, 8]), 1, "SAME", data_format="HWCN"), "no data format 'HWCN'"),
        (lambda tf, x: tf.nn.max_pool(x, [2, 1, 1, 1], [1, 1, 1, 1], "SAME"), "over the batch or the channels"),
        (lambda tf, x: tf.nn.pool(x, [2, 2], "MIN", "SAME"), "no pool of the type 'MIN'"),
        (
            lambda tf, x: tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 8, 3]), [2, 12, 10, 4], [1, 2, 2, 1]),
            "output_shape has 4 channels",
        ),
        (
            lambda tf, x: tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 8, 3]), [2, 30, 10, 8], [1, 2, 2, 1]),
            "the windows have the shape",
        ),
        (lambda tf, x: tf.nn.fused_batch_norm(x, tf.ones([3]), tf.ones([3]), is_training=False), "'mean' and 'variance'"),
    ],
)
def test_refusals_name_what_does_not_fit_and_the_line(build, message):
    x = static.placeholder(static.float32, [2, 6, 5, 3])
    with pytest.raises(ValueError, match=message) as caught:
        build(static, x)
    assert "test_convolution.py" in str(caught.value)


def test_a_convolution_takes_gradients_of_gradients():
    x, w = static.constant(IMAGE), static.constant(IMAGE_W)
    y = static.nn.max_pool(static.nn.conv2d(x, w, [1, 2, 1, 1], "SAME"), 2, 2, "SAME")
    (slope,) = static.gradients(y, w)
    (second,) = static.gradients(slope * slope, x)
    (direct,) = static.gradients(static.reduce_sum(static.gradients(y * y, w)[0]), w)
    with static.Session() as session:
        values = session.run([second, direct])
    assert [v.shape for v in values] == [IMAGE.shape, IMAGE_W.shape]
    assert all(np.isfinite(v).all() and np.abs(v).max() > 0 for v in values)
