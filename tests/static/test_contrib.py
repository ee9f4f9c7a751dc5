"""What ``tf.contrib.layers`` and ``tf.contrib.framework`` refuse, and their use in training.

Their values, gradients and names are held to TensorFlow 1.15 by ``programs115/contrib_layers.py``.
"""

import numpy as np
import pytest

import static as tf


layers, framework = tf.contrib.layers, tf.contrib.framework


def images():
    return tf.placeholder(tf.float32, [None, 8, 8, 3])


def optimize(**settings):
    given = {"global_step": None, "learning_rate": 0.1, "optimizer": "SGD", **settings}
    return layers.optimize_loss(tf.reduce_sum(tf.Variable([1.0]) ** 2.0), **given)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.fully_connected(images(), 2.5), ValueError, "num_outputs type should be int"),
        (lambda: layers.conv2d(tf.ones([2, 3]), 2, 3), ValueError, "expects input with rank 4, got 2"),
        (lambda: layers.convolution(tf.ones([2, 3]), 2, 3), ValueError, "not supported for input with rank 2"),
        (lambda: layers.conv2d(images(), 2, 3, data_format="HWCN"), ValueError, "Invalid data_format"),
        (lambda: layers.max_pool2d(images(), 2, data_format="HWCN"), ValueError, "data_format has to be"),
        (lambda: layers.batch_norm(tf.placeholder(tf.float32)), ValueError, "undefined rank"),
        (lambda: layers.batch_norm(images(), data_format="HWCN"), ValueError, "data_format has to be"),
        (lambda: layers.batch_norm(tf.placeholder(tf.float32, [2, None])), ValueError, "undefined channels"),
        (lambda: layers.batch_norm(images(), renorm=True), NotImplementedError, "no renorm"),
        (lambda: layers.layer_norm(tf.placeholder(tf.float32, [2, None])), ValueError, "not fully defined"),
        (lambda: layers.embed_sequence([[1]]), ValueError, "Must specify vocab size"),
        (lambda: layers.maxout(tf.ones([2, 3]), 2), ValueError, "not a multiple of num_units"),
        (lambda: layers.unit_norm(tf.ones([2, 3]), 2), ValueError, "smaller than the input rank"),
        (lambda: layers.stack(tf.ones([2, 3]), layers.fully_connected, 3), ValueError, "stack_args need"),
        (lambda: optimize(optimizer="LBFGS"), ValueError, "Optimizer name should be one of"),
        (lambda: optimize(optimizer=3), ValueError, "Unrecognized optimizer"),
        (lambda: optimize(optimizer=lambda rate: None), ValueError, "should return subclass"),
        (lambda: optimize(learning_rate=1), ValueError, "0d Tensor or float"),
        (lambda: optimize(learning_rate=-0.5), ValueError, "Invalid learning_rate"),
        (lambda: optimize(learning_rate=None), ValueError, "Learning rate is None"),
        (lambda: optimize(clip_gradients="norm"), ValueError, "Unknown type"),
        (lambda: optimize(summaries=["everything"]), ValueError, "Summaries should be one of"),
        (lambda: optimize(learning_rate_decay_fn=lambda rate, step: rate), ValueError, "global_step is required"),
        (lambda: framework.get_unique_variable("w"), ValueError, "Couldn't find variable w"),
        (lambda: framework.assign_from_values({"w": 1.0}), ValueError, "Variable w wasn't found"),
        (lambda: framework.get_variables_to_restore(include="w"), TypeError, "not a list or a tuple"),
        (lambda: framework.assign_from_checkpoint_fn("x", []), ValueError, "cannot be empty"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("given", "settings", "error", "message"),
    [
        ([len], {}, ValueError, "not decorated with @add_arg_scope"),
        (layers.conv2d, {}, TypeError, "must either be a list/tuple or reused scope"),
        ({}, {"stride": 2}, ValueError, "kwargs must be empty"),
    ],
)
def test_scopes_of_arguments_that_are_refused(given, settings, error, message):
    with pytest.raises(error, match=message), framework.arg_scope(given, **settings):
        pass


def test_a_scope_of_arguments_ends_with_its_block_whatever_happens():
    with pytest.raises(RuntimeError), framework.arg_scope([layers.conv2d], stride=2):
        raise RuntimeError
    assert framework.current_arg_scope() == {}
    assert framework.has_arg_scope(layers.conv2d)
    assert "stride" in framework.arg_scoped_arguments(layers.conv2d_transpose)


def test_a_net_of_contrib_layers_learns_and_its_averages_follow():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    data = rng.standard_normal((64, 8, 8, 3)).astype("float32") + labels[:, None, None, None]
    x, y = images(), tf.placeholder(tf.int64, [None])
    tf.set_random_seed(1)
    with framework.arg_scope([layers.conv2d], normalizer_fn=layers.batch_norm, normalizer_params={"decay": 0.5}):
        net = layers.max_pool2d(layers.conv2d(x, 4, 3), 2)
    logits = layers.fully_connected(layers.dropout(layers.flatten(net), 0.9), 2, activation_fn=None)
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    train = layers.optimize_loss(loss, step, 0.05, "Adam", clip_gradients=5.0, summaries=layers.OPTIMIZER_SUMMARIES)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run(train, {x: data, y: labels}) for _ in range(60)]
        mean = session.run(framework.get_unique_variable("Conv/BatchNorm/moving_mean"))
        assert session.run(step) == 60
    assert losses[-1] < 0.2 < losses[0]
    assert abs(mean).max() > 0.01
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) > 5


def test_a_checkpoint_is_assigned_by_a_function_of_the_session(tmp_path):
    w = tf.get_variable("w", initializer=[1.0, 2.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
        w.load([0.0, 0.0], session)
        framework.assign_from_checkpoint_fn(path, framework.get_variables_to_restore())(session)
        assert session.run(w).tolist() == [1.0, 2.0]
    assert framework.list_variables(path) == [("w", [2])]
