"""``tf.contrib.layers`` and ``tf.contrib.framework``: values, gradients, and the names and collections of variables."""


def _inputs(tf, np, *shape):
    return tf.constant(np.cos(np.arange(np.prod(shape)) * 0.7).reshape(shape).astype("float32"))


def _run(tf, np, outputs, steps=0, train=None):
    """Values of ``outputs`` and their gradients with regard to every variable, all of which start at known numbers."""
    outputs = list(outputs)
    trained = tf.trainable_variables()
    slopes = tf.gradients([tf.reduce_sum(y * y) for y in outputs], trained)
    found = {}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i, v in enumerate(tf.global_variables()):
            if "step" not in v.name and "learning_rate" not in v.name:
                size = int(np.prod(v.shape.as_list()))
                base = 1.0 if "variance" in v.name or "gamma" in v.name else 0.0
                v.load((base + 0.3 * np.sin(np.arange(size) + i)).reshape(v.shape.as_list()).astype("float32"), session)
        for i, value in enumerate(session.run(outputs)):
            found["output %d" % i] = value
        for v, g in zip(trained, slopes):
            if g is not None:
                found["slope of " + v.name] = session.run(tf.convert_to_tensor(g))
        for i in range(steps):
            found["step %d" % i] = session.run(train)
        for v in tf.global_variables():
            found["value of " + v.name] = session.run(v)
    found["variables"] = np.array([v.name for v in tf.global_variables()])
    found["trainable"] = np.array([v.name for v in trained])
    found["model"] = np.array([v.name for v in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)])
    found["scopes"] = np.array([y.name.split("/")[0] for y in outputs])
    return found


def fully_connected(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 3)
    h = layers.fully_connected(x, 5)
    h = layers.fully_connected(h, 4, activation_fn=tf.nn.tanh, scope="second")
    y = layers.linear(h, 2, biases_initializer=None)
    z = layers.relu(x, 2, variables_collections=["mine"], outputs_collections="outs")
    return dict(
        _run(tf, np, [h, y, z]),
        mine=np.array([v.name for v in tf.get_collection("mine")]),
        outs=np.array([t.name for t in tf.get_collection("outs")]),
    )


def fully_connected_shared(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 2, 3, 4)
    y = layers.fully_connected(x, 2, scope="fc", activation_fn=None)
    z = layers.fully_connected(x * 2.0, 2, scope="fc", reuse=True, activation_fn=None)
    return _run(tf, np, [y, z])


def penalties(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 3)
    layers.fully_connected(
        x, 2, weights_regularizer=layers.l2_regularizer(0.1), biases_regularizer=layers.l1_regularizer(0.2)
    )
    layers.conv2d(_inputs(tf, np, 1, 4, 4, 2), 2, 3, weights_regularizer=layers.l1_l2_regularizer(0.1, 0.3))
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    return _run(tf, np, losses + [tf.losses.get_regularization_loss()])


def convolutions(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 2, 6, 5, 3)
    outs = [
        layers.conv2d(x, 4, 3),
        layers.convolution2d(x, 2, [3, 2], stride=2, padding="VALID", activation_fn=None),
        layers.conv2d(x, 2, 3, rate=2, scope="dilated"),
        layers.conv2d_transpose(x, 2, 3, stride=2),
        layers.separable_conv2d(x, 4, 3, 2),
        layers.separable_conv2d(x, None, 3, 2, stride=2, scope="depthwise"),
        layers.convolution(_inputs(tf, np, 2, 7, 3), 2, 3, scope="line"),
    ]
    return _run(tf, np, outs)


def pools_and_shapes(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 2, 6, 5, 3)
    outs = [
        layers.max_pool2d(x, 2),
        layers.avg_pool2d(x, [3, 3], stride=1, padding="SAME"),
        layers.flatten(x),
        layers.one_hot_encoding(tf.constant([1, 0]), 3),
        layers.softmax(x),
        layers.maxout(x, 1),
        layers.unit_norm(x, 3),
        layers.bias_add(x, activation_fn=tf.nn.relu),
        layers.dropout(x, is_training=False),
    ]
    return _run(tf, np, outs)


def embeddings(tf, np):
    layers = tf.contrib.layers
    ids = tf.constant([[1, 4, 1], [0, 2, 2]])
    outs = [
        layers.embed_sequence(ids, 5, 3),
        layers.embed_sequence(ids, 5, 3, unique=True, scope="once"),
        layers.embed_sequence(ids, 5, 3, scope="once", reuse=True),
    ]
    return _run(tf, np, outs)


def stacks(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 2, 6)
    outs = [
        layers.stack(x, layers.fully_connected, [4, 3], scope="fc"),
        layers.stack(x, layers.fully_connected, [(4,), (3, tf.nn.tanh)]),
        layers.repeat(_inputs(tf, np, 1, 4, 4, 2), 2, layers.conv2d, 2, 3, scope="conv"),
    ]
    return _run(tf, np, outs)


def batch_norm(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 3)
    images = _inputs(tf, np, 2, 3, 4, 2)
    outs = [
        layers.batch_norm(x, decay=0.9),
        layers.batch_norm(images, scale=True, is_training=False),
        layers.batch_norm(images, decay=0.8, scale=True, center=False, scope="images"),
        layers.fully_connected(x, 2, normalizer_fn=layers.batch_norm, normalizer_params={"scale": True, "decay": 0.5}),
        layers.conv2d(images, 2, 3, normalizer_fn=layers.batch_norm),
    ]
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.identity(outs[0])
    return _run(tf, np, outs, 2, train)


def batch_norm_updates_in_place(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 3)
    images = _inputs(tf, np, 2, 3, 4, 2)
    outs = [
        layers.batch_norm(x, 0.9, updates_collections=None),
        layers.batch_norm(images, 0.9, updates_collections=None),
        layers.batch_norm(images, 0.9, updates_collections=None, fused=False),
        layers.batch_norm(x, 0.9, updates_collections="mine"),
        layers.batch_norm(_inputs(tf, np, 4, 3, 2), 0.9, updates_collections=None, scale=True),
    ]
    assert len(tf.get_collection("mine")) == 2
    assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    return _run(tf, np, outs, 2, outs[0])


def batch_norm_by_tensor(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 3)
    training = tf.placeholder_with_default(False, [])
    y = layers.batch_norm(x, 0.9, updates_collections=None, is_training=training)
    found = {}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i, flag in enumerate([False, True, False, True]):
            found["output %d" % i] = session.run(y, {training: flag})
            for v in tf.global_variables():
                found["%s after %d" % (v.name, i)] = session.run(v)
    return found


def other_norms(tf, np):
    layers = tf.contrib.layers
    x = _inputs(tf, np, 4, 6)
    images = _inputs(tf, np, 2, 3, 4, 2)
    outs = [
        layers.layer_norm(x),
        layers.layer_norm(images, begin_norm_axis=2, begin_params_axis=1, activation_fn=tf.nn.relu),
        layers.instance_norm(images),
        layers.instance_norm(images, center=False, data_format="NCHW"),
    ]
    return _run(tf, np, outs)


def scoped_arguments(tf, np):
    layers, framework = tf.contrib.layers, tf.contrib.framework
    x = _inputs(tf, np, 2, 4, 4, 2)
    with framework.arg_scope([layers.conv2d, layers.fully_connected], activation_fn=tf.nn.tanh, biases_initializer=None):
        with framework.arg_scope([layers.conv2d], padding="VALID") as scope:
            a = layers.conv2d(x, 2, 3)
        b = layers.conv2d(x, 2, 3, activation_fn=None)
        c = layers.fully_connected(x, 2)
    with framework.arg_scope(scope):
        d = layers.conv2d(x, 3, 2)

    @framework.add_arg_scope
    def scaled(y, by=1.0):
        return y * by

    with framework.arg_scope([scaled], by=3.0):
        e = scaled(x)
    f = scaled(x)
    return _run(tf, np, [a, b, c, d, e, f])


def model_variables(tf, np):
    framework = tf.contrib.framework
    with tf.variable_scope("net"):
        framework.model_variable("w", [2, 2], regularizer=tf.contrib.layers.l2_regularizer(0.5))
        framework.variable("v", [2], trainable=False)
    with tf.variable_scope("other"):
        framework.model_variable("w", [3])
    framework.local_variable(np.zeros(2, "float32"), name="kept")
    assign, feeds = framework.assign_from_values({"net/w": np.eye(2), "net/v": np.ones(2)})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(assign, feeds)
        values = session.run(framework.get_variables("net"))

    def names(found):
        return np.array([v.name for v in found])

    return {
        "values": np.concatenate([v.ravel() for v in values]),
        "model": names(framework.get_model_variables()),
        "in net": names(framework.get_variables("net")),
        "suffix": names(framework.get_variables_by_suffix("w")),
        "by name": names(framework.get_variables_by_name("w", "net")),
        "local": names(framework.get_local_variables()),
        "trainable": names(framework.get_trainable_variables()),
        "to restore": names(framework.get_variables_to_restore(exclude=["other"])),
        "filtered": names(framework.filter_variables(framework.get_variables(), ["w"], ["other"])),
        "unique": np.array(framework.get_unique_variable("net/v").name),
    }


def optimized(tf, np):
    layers = tf.contrib.layers
    found = {}
    cases = {
        "SGD": {"optimizer": "SGD"},
        "Momentum": {"optimizer": "Momentum", "clip_gradients": 0.5},
        "decayed": {
            "optimizer": tf.train.AdamOptimizer,
            "learning_rate_decay_fn": lambda rate, step: tf.train.exponential_decay(rate, step, 1, 0.5),
        },
        "multiplied": {
            "optimizer": lambda rate: tf.train.GradientDescentOptimizer(rate),
            "gradient_multipliers": {"w:0": 0.1},
        },
        "made": {"optimizer": tf.train.GradientDescentOptimizer(0.2), "learning_rate": None},
    }
    for name in sorted(cases):
        with tf.Graph().as_default(), tf.Session() as session:
            w = tf.get_variable("w", initializer=np.array([1.0, -2.0], "float32"))
            loss = tf.reduce_sum(w * w * [1.0, 2.0])
            step = tf.train.get_or_create_global_step()
            settings = dict({"learning_rate": 0.1}, **cases[name])
            train = layers.optimize_loss(loss, step, **settings)
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(train)
            found[name] = session.run(w)
            found[name + " step"] = session.run(step)
            found[name + " variables"] = np.array(sorted(v.name for v in tf.global_variables()))
            found[name + " summaries"] = np.array([s.name for s in tf.get_collection(tf.GraphKeys.SUMMARIES)])
    return found


CASES = {
    f.__name__: f
    for f in [
        fully_connected,
        fully_connected_shared,
        penalties,
        convolutions,
        pools_and_shapes,
        embeddings,
        stacks,
        batch_norm,
        batch_norm_updates_in_place,
        batch_norm_by_tensor,
        other_norms,
        scoped_arguments,
        model_variables,
        optimized,
    ]
}
