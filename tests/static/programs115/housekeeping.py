"""What programs do around a net: checkpoints, averages for evaluation, metrics, data sets, batch normalisation by hand."""

import os
import tempfile


def checkpoints(tf, np):
    folder = tempfile.mkdtemp()
    w = tf.Variable(np.array([1.0, -2.0], np.float32), name="w")
    step = tf.Variable(0, trainable=False, name="global_step")
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.square(w)), global_step=step)
    saver = tf.train.Saver(max_to_keep=2)
    paths = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(4):
            sess.run(train)
            paths.append(os.path.basename(saver.save(sess, os.path.join(folder, "model.ckpt"), global_step=step)))
        for _ in range(3):
            sess.run(train)
        after = sess.run(w)
    latest = tf.train.latest_checkpoint(folder)
    with tf.Session() as sess:
        saver.restore(sess, latest)
        count = sess.run(step)
        for _ in range(3):
            sess.run(train)
        again = sess.run(w)
    state = tf.train.get_checkpoint_state(folder)
    kept = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
    return {
        "paths": np.array(paths),
        "latest": np.array(os.path.basename(latest)),
        "kept": np.array(kept),
        "count": count,
        "after": after,
        "equal": (after == again).all(),
    }


def averages_for_evaluation(tf, np):
    folder = tempfile.mkdtemp()
    w = tf.Variable(np.array([1.0, -2.0], np.float32), name="w")
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(w)))
    ema = tf.train.ExponentialMovingAverage(0.8)
    with tf.control_dependencies([train]):
        training_op = ema.apply(tf.trainable_variables())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(5):
            sess.run(training_op)
        path = tf.train.Saver().save(sess, os.path.join(folder, "m"))
        trained = sess.run(w)
    with tf.Session() as sess:
        tf.train.Saver(ema.variables_to_restore()).restore(sess, path)
        return {"trained": trained, "averaged": sess.run(w)}


def metrics(tf, np):
    labels, predictions = tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int64, [None])
    accuracy, update = tf.metrics.accuracy(labels, predictions)
    precision, update_precision = tf.metrics.precision(labels, predictions)
    mean, update_mean = tf.metrics.mean(tf.cast(predictions, tf.float32))
    rng = np.random.RandomState(40)
    found = []
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(4):
            feed = {labels: rng.randint(0, 2, 9), predictions: rng.randint(0, 2, 9)}
            found.append(sess.run([update, update_precision, update_mean], feed))
        final = sess.run([accuracy, precision, mean])
    return {"updates": np.array(found), "final": np.array(final), "names": np.array([v.name for v in tf.local_variables()])}


def datasets(tf, np):
    rng = np.random.RandomState(41)
    features, labels = rng.rand(10, 3), np.arange(10)
    x, y = tf.placeholder(features.dtype, features.shape), tf.placeholder(labels.dtype, labels.shape)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2.0, b + 1)).repeat(2).batch(4)
    iterator = dataset.make_initializable_iterator()
    batch, numbers = iterator.get_next()
    w = tf.Variable(np.zeros([3, 1]))
    error = tf.reduce_mean(tf.square(tf.matmul(batch, w)[:, 0] - tf.cast(numbers, tf.float64)))
    step = tf.train.GradientDescentOptimizer(np.float64(0.01)).minimize(error)
    losses, seen = [], []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            sess.run(iterator.initializer, {x: features, y: labels})
            while True:
                try:
                    loss, number, _ = sess.run([error, numbers, step])
                except tf.errors.OutOfRangeError:
                    break
                losses.append(loss)
                seen.extend(number)
        return {"losses": np.array(losses), "seen": np.array(seen), "w": sess.run(w)}


def batch_norm_by_hand(tf, np):
    """Batch normalisation as programs wrote it before there were layers: an average that only one branch of a cond moves."""
    rng = np.random.RandomState(42)
    images = rng.rand(6, 4, 4, 3).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 4, 4, 3])
    phase_train = tf.placeholder(tf.bool, name="phase_train")
    with tf.variable_scope("bn"):
        beta = tf.Variable(tf.constant(0.0, shape=[3]), name="beta", trainable=True)
        gamma = tf.Variable(tf.constant(1.0, shape=[3]), name="gamma", trainable=True)
        batch_mean, batch_var = tf.nn.moments(x, [0, 1, 2], name="moments")
        ema = tf.train.ExponentialMovingAverage(decay=0.5)

        def mean_var_with_update():
            ema_apply_op = ema.apply([batch_mean, batch_var])
            with tf.control_dependencies([ema_apply_op]):
                return tf.identity(batch_mean), tf.identity(batch_var)

        mean, var = tf.cond(phase_train, mean_var_with_update, lambda: (ema.average(batch_mean), ema.average(batch_var)))
        normed = tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-3)
    loss = tf.reduce_mean(tf.square(normed - tf.reverse(x, [1])))
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for turn in range(6):
            sess.run(step, {x: images * (turn + 1), phase_train: True})
            found.append(sess.run([loss, tf.reduce_sum(mean)], {x: images, phase_train: False}))
        return {"found": np.array(found), "normed": sess.run(normed, {x: images, phase_train: False})}


def regularized(tf, np):
    """Penalties gathered through variable scopes, a schedule on a global step, and losses from the collection."""
    rng = np.random.RandomState(43)
    data, target = rng.rand(30, 4).astype(np.float32), rng.rand(30, 1).astype(np.float32)
    x = tf.constant(data)
    with tf.variable_scope("net", regularizer=tf.contrib.layers.l2_regularizer(0.1)):
        for i, size in enumerate((5, 1)):
            with tf.variable_scope("layer%d" % i):
                shape = [int(x.get_shape()[-1]), size]
                w = tf.get_variable("w", initializer=rng.normal(0, 0.5, shape).astype(np.float32))
                b = tf.get_variable("b", [size], initializer=tf.zeros_initializer(), regularizer=tf.no_regularizer)
                x = tf.nn.xw_plus_b(x, w, b)
                x = tf.nn.relu(x) if i == 0 else x
    tf.losses.mean_squared_error(target, x)
    loss = tf.losses.get_total_loss()
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 5, 0.9, staircase=True)
    train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        found = []
        for _ in range(12):
            found.append(sess.run([loss, rate]))
            sess.run(train)
    penalties = [t.name for t in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)]
    return {"found": np.array(found), "penalties": np.array(penalties)}


CASES = {f.__name__: f for f in (checkpoints, averages_for_evaluation, metrics, datasets, batch_norm_by_hand, regularized)}
