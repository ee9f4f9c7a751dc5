"""Layers as a user meets them; that they do what TensorFlow's do is held by ``programs115/layers.py``."""

import inspect

import numpy as np
import pytest

import static as tf
from tests.static.oracle import tensorflow


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def values(*fetches, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(fetches), feed)


FIRST = {
    "conv1d": (lambda x, form: tf.layers.conv1d(x, 2, 3, 2, "same", form), (2, 7, 3)),
    "conv2d": (lambda x, form: tf.layers.conv2d(x, 2, (3, 2), (2, 1), data_format=form), (2, 6, 5, 3)),
    "conv3d": (lambda x, form: tf.layers.conv3d(x, 2, 2, padding="same", data_format=form), (1, 3, 4, 3, 2)),
    "conv2d_transpose": (lambda x, form: tf.layers.conv2d_transpose(x, 2, 3, 2, "same", form), (2, 3, 4, 3)),
    "conv3d_transpose": (lambda x, form: tf.layers.conv3d_transpose(x, 2, 2, 2, data_format=form), (1, 2, 3, 2, 2)),
    "separable_conv1d": (lambda x, form: tf.layers.separable_conv1d(x, 4, 3, data_format=form), (2, 7, 3)),
    "separable_conv2d": (lambda x, form: tf.layers.separable_conv2d(x, 4, 3, data_format=form), (2, 6, 5, 3)),
    "max_pooling1d": (lambda x, form: tf.layers.max_pooling1d(x, 2, 2, data_format=form), (2, 7, 3)),
    "average_pooling2d": (lambda x, form: tf.layers.average_pooling2d(x, 2, 2, "same", form), (2, 5, 5, 3)),
    "max_pooling3d": (lambda x, form: tf.layers.max_pooling3d(x, 2, 1, data_format=form), (1, 3, 4, 3, 2)),
}


@pytest.mark.parametrize("name", FIRST)
def test_channels_first_is_channels_last_through_transposes(name):
    build, shape = FIRST[name]
    x = numbers(*shape)
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        last = build(tf.constant(x), "channels_last")
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        first = build(tf.constant(np.moveaxis(x, -1, 1)), "channels_first")
    found, other = values(last, first)
    assert found.any()
    assert first.shape.as_list() == list(other.shape)
    np.testing.assert_array_equal(np.moveaxis(other, 1, -1), found)


def test_the_functions_take_the_arguments_of_their_layers():
    names = list(inspect.signature(tf.layers.conv2d).parameters)
    assert names[:6] == ["inputs", "filters", "kernel_size", "strides", "padding", "data_format"]
    assert names[-3:] == ["trainable", "name", "reuse"]
    assert "``tf.layers.Dense``" in tf.layers.dense.__doc__
    with pytest.raises(TypeError, match="unexpected keyword argument 'width'"):
        tf.layers.dense(tf.zeros([2, 3]), 4, width=3)
    with pytest.raises(TypeError, match="Dense does not take width"):
        tf.layers.Dense(4, width=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: tf.layers.dense(x[0], 3), "expected min_ndim=2, found ndim=1"),
        (lambda x: tf.layers.dense(x, 3, activation="swosh"), "Unknown activation function: swosh"),
        (lambda x: tf.layers.conv2d(x, 2, 3), "expected ndim=4, found ndim=2"),
        (lambda x: tf.layers.conv1d(x[None], 2, (3, 3)), "`kernel_size` argument must be a tuple of 1 integers"),
        (lambda x: tf.layers.conv1d(x[None], 2, 3, padding="full"), "must be one of"),
        (lambda x: tf.layers.conv1d(x[None], 2, 3, data_format="NWC"), "`data_format` argument must be one of"),
        (lambda x: tf.layers.batch_normalization(x, axis=2), "Invalid axis: 2"),
        (lambda x: tf.layers.batch_normalization(x, renorm=True), "takes no renorm"),
    ],
)
def test_refusals_say_what_is_wrong_and_where(call, message):
    with pytest.raises((ValueError, NotImplementedError), match=message) as caught:
        call(tf.zeros([4, 6]))
    assert "test_tf_layers.py" in str(caught.value)


def test_a_layer_refuses_inputs_of_another_size():
    layer = tf.layers.Dense(2)
    layer(tf.zeros([4, 3]))
    with pytest.raises(ValueError, match=r"expected axis -1 of input shape to have value 3 but got shape \(4, 5\)"):
        layer(tf.zeros([4, 5]))


def test_dropout_acts_in_training_only():
    x = tf.ones([200, 10])
    training = tf.placeholder(tf.bool, [])
    both = tf.layers.dropout(x, 0.5, training=training, seed=3)
    (slope,) = tf.gradients(tf.reduce_sum(both), x)
    kept, back = values(both, slope, feed={training: True})
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert 0.4 < kept.mean() / 2 < 0.6
    np.testing.assert_array_equal(back, kept)
    kept, back = values(both, slope, feed={training: False})
    np.testing.assert_array_equal([kept, back], np.ones((2, 200, 10)))
    np.testing.assert_array_equal(*values(x, tf.layers.dropout(x, 0.5)))


def test_dropout_shares_its_mask_along_a_noise_shape():
    (out,) = values(tf.layers.dropout(tf.ones([50, 4, 3]), 0.5, noise_shape=[50, 1, 3], training=True))
    assert set(np.unique(out)) == {0.0, 2.0}
    np.testing.assert_array_equal(out, np.repeat(out[:, :1], 4, axis=1))


def test_batch_normalization_runs_only_the_branch_that_it_needs():
    training = tf.placeholder_with_default(False, [])
    x = tf.constant(numbers(6, 3))
    out = tf.layers.batch_normalization(x, training=training, momentum=0.5)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    mean, variance = tf.global_variables()[-2:]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        plain = session.run(out)
        session.run(updates)
        np.testing.assert_array_equal(session.run(mean), np.zeros(3))
        np.testing.assert_array_equal(session.run(variance), np.ones(3))
        session.run(updates, {training: True})
        np.testing.assert_allclose(session.run(mean), numbers(6, 3).mean(0) / 2)
        np.testing.assert_allclose(session.run(variance), numbers(6, 3).var(0) / 2 + 0.5)
        moved = session.run(out)
        np.testing.assert_allclose(session.run(out, {training: True}).mean(0), np.zeros(3), atol=1e-12)
    assert not np.allclose(plain, moved)


def test_updates_and_losses_know_what_they_depend_on():
    x, y = tf.placeholder(tf.float32, [4, 3]), tf.placeholder(tf.float32, [4, 3])
    layer = tf.layers.BatchNormalization(gamma_regularizer=lambda w: tf.reduce_sum(w))
    layer(x, training=True)
    layer(y, training=True)
    assert len(layer.updates) == 4
    assert layer.get_updates_for(x) == layer.updates[:2]
    assert layer.get_updates_for(y) == layer.updates[2:]
    assert layer.get_updates_for(None) == []
    assert layer.get_losses_for(None) == layer.losses
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == layer.updates
    assert tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES) == layer.losses
    layer.trainable = False
    assert (layer.updates, layer.trainable_variables, len(layer.non_trainable_variables)) == ([], [], 4)


def test_a_constraint_holds_after_a_step():
    x = tf.ones([2, 3])
    out = tf.layers.dense(x, 2, kernel_constraint=lambda w: tf.clip_by_value(w, -0.1, 0.1), activation="tanh")
    step = tf.train.GradientDescentOptimizer(10.0).minimize(tf.reduce_sum(out))
    kernel = tf.trainable_variables()[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert np.abs(session.run(kernel)).max() <= np.float32(0.1)


# A convolutional net of tf.nn, as programs of 2016 are written


def lenet(tf, images, labels):
    """Losses, weights and outputs over ten steps of a small LeNet in float64."""

    def weights(*shape):
        return tf.Variable(numbers(*shape, seed=len(shape)) * 0.3)

    x = tf.placeholder(tf.float64, [None, 12, 12, 1])
    target = tf.placeholder(tf.float64, [None, 10])
    one, two = weights(5, 5, 1, 6), weights(3, 3, 6, 8)
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, one, strides=[1, 1, 1, 1], padding="SAME"), weights(6)))
    h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    h = tf.nn.relu(tf.nn.conv2d(h, two, strides=[1, 1, 1, 1], padding="VALID") + weights(8))
    h = tf.nn.avg_pool(h, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
    h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 2 * 2 * 8]), weights(32, 16)) + weights(16))
    logits = tf.matmul(h, weights(16, 10))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=logits))
    step = tf.train.GradientDescentOptimizer(0.0625).minimize(loss)  # TensorFlow rounds rates to float32
    feed = {x: images, target: labels}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run([loss, step], feed)[0] for _ in range(10)]
        return [np.array(losses), session.run(logits, feed), *session.run([one, two])]


@pytest.mark.oracle
def test_a_lenet_trains_as_in_tensorflow():
    images, labels = numbers(8, 12, 12, 1), np.eye(10)[np.arange(8)]
    found = lenet(tf, images, labels)
    reference = tensorflow()
    with reference.Graph().as_default():
        wanted = lenet(reference, images, labels)
    assert found[0][-1] < found[0][0]
    for value, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, want, rtol=0, atol=1e-9)
