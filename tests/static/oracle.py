"""TensorFlow in version 1's manner, as the reference for what ``static`` computes."""

import warnings
from functools import cache

import pytest


@cache
def tensorflow():
    """``tf.compat.v1`` with TensorFlow 2's behaviour switched off; skips the test where TensorFlow is not installed."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf = pytest.importorskip("tensorflow").compat.v1
        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.FATAL)
    return tf


def run_in(tf, build, arrays, *, gradients=True):
    """The values that ``build(tf, *tensors)`` gives for ``arrays``, and the gradients of the sum of its floating outputs."""
    with warnings.catch_warnings(), tf.Graph().as_default():
        warnings.simplefilter("ignore")
        inputs = [tf.placeholder(tf.as_dtype(a.dtype.name), a.shape) for a in arrays]
        built = build(tf, *inputs)
        outputs = list(built) if isinstance(built, (list, tuple)) else [built]
        floating = [y for y in outputs if y.dtype.is_floating]
        floats = [x for x in inputs if x.dtype.is_floating]
        weights = [tf.cos(tf.cast(_numbered(tf, y), y.dtype)) for y in floating] if gradients else []
        slopes = tf.gradients(floating, floats, weights) if gradients and floating and floats else []
        with tf.Session() as session:
            feeds = dict(zip(inputs, arrays, strict=True))
            return session.run(outputs, feeds), [
                None if g is None else session.run(tf.convert_to_tensor(g), feeds) for g in slopes
            ]


def _numbered(tf, tensor):
    """0, 1, 2, ... in the shape of ``tensor``, whether that is known while building or not."""
    count = tensor.shape.num_elements()
    if count is None:
        return tf.reshape(tf.range(tf.size(tensor)), tf.shape(tensor))
    return tf.reshape(tf.range(0, count), tensor.shape)
