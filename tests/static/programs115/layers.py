"""``tf.layers``: names of variables and tensors, shapes, collections, values, gradients, and nets that are trained."""


def _given(tf, np, session, scale=0.3):
    """Give every variable numbers that do not depend on how it was initialised, the same for the same name."""
    for variable in tf.global_variables():
        seed = sum(map(ord, variable.name))
        shape = variable.shape.as_list()
        value = np.random.RandomState(seed).standard_normal(shape) * scale
        if "variance" in variable.name:
            value = np.abs(value) + 0.5
        variable.load(value.astype(variable.dtype.as_numpy_dtype), session)


def _run(tf, np, outputs, feeds=None, inputs=()):
    """The outputs, the gradients of their sum of squares in inputs and variables, and what the graph then holds."""
    floating = [y for y in outputs if y.dtype.is_floating]
    loss = tf.add_n([tf.reduce_sum(tf.square(y)) for y in floating])
    chosen = list(inputs) + tf.trainable_variables()
    slopes = [g for g in tf.gradients(loss, chosen) if g is not None]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        _given(tf, np, session)
        found = session.run([list(outputs), slopes], feeds)
    result = {"output %d" % i: y for i, y in enumerate(found[0])}
    result.update({"slope %d" % i: y for i, y in enumerate(found[1])})
    result.update(_names(tf, np, outputs))
    return result


def _names(tf, np, outputs=()):
    keys = (tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.TRAINABLE_VARIABLES, tf.GraphKeys.REGULARIZATION_LOSSES)
    result = {key: np.array([x.name for x in tf.get_collection(key)]) for key in keys}
    result["shapes"] = np.array(["%s %s" % (v.name, v.shape.as_list()) for v in tf.global_variables()])
    result["scopes"] = np.array([y.name.split("/")[0] for y in outputs])
    result["output shapes"] = np.array([str(y.shape.as_list()) for y in outputs])
    return result


def _normal(np, *shape):
    return np.random.RandomState(7).standard_normal(shape)


def dense(tf, np):
    x = tf.placeholder(tf.float64, [None, 4])
    cube = tf.constant(_normal(np, 2, 3, 4))
    outputs = [
        tf.layers.dense(x, 3),
        tf.layers.dense(x, 3, tf.nn.relu),
        tf.layers.dense(x, 2, activation=tf.nn.tanh, use_bias=False, name="named"),
        tf.layers.dense(cube, 5, kernel_regularizer=lambda w: 0.1 * tf.reduce_sum(tf.square(w)), name="cube"),
        tf.layers.dense(x, 2, activity_regularizer=lambda y: tf.reduce_sum(y), bias_initializer=tf.ones_initializer()),
    ]
    with tf.variable_scope("outer"):
        outputs.append(tf.layers.dense(x, 2))
        outputs.append(tf.layers.dense(x, 2, trainable=False))
        outputs.append(tf.layers.dense(x, 2, name="named"))
    penalties = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    return _run(tf, np, outputs + penalties, {x: _normal(np, 5, 4)}, [x])


def sharing(tf, np):
    x = tf.constant(_normal(np, 5, 4))
    first = tf.layers.dense(x, 3, name="shared")
    second = tf.layers.dense(x * 2, 3, name="shared", reuse=True)
    layer = tf.layers.Dense(2)
    third, fourth = layer(x), layer.apply(x + 1)
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        fifth = tf.layers.dense(x, 2, name="d")
        sixth = tf.layers.conv1d(tf.reshape(x, [5, 4, 1]), 2, 3, name="c")
    with tf.variable_scope("net", reuse=True):
        seventh = tf.layers.dense(x - 1, 2, name="d")
        eighth = tf.layers.conv1d(tf.reshape(x, [5, 4, 1]), 2, 3, name="c")
    result = _run(tf, np, [first, second, third, fourth, fifth, sixth, seventh, eighth], None, [x])
    result["layer"] = np.array([layer.name, layer.scope_name, str(layer.built), str(layer.count_params())])
    result["weights"] = np.array([v.name for v in layer.variables + layer.trainable_weights])
    return result


def refusals(tf, np):
    x = tf.placeholder(tf.float32, [None, 4])
    image = tf.placeholder(tf.float32, [None, 5, 5, 3])
    tf.layers.dense(x, 3, name="taken")
    layer = tf.layers.Dense(2)
    layer(x)
    calls = [
        lambda: tf.layers.dense(x, 3, name="taken"),
        lambda: tf.layers.dense(tf.placeholder(tf.float32, [None]), 3),
        lambda: tf.layers.dense(tf.placeholder(tf.float32, [2, None]), 3),
        lambda: tf.layers.dense(tf.placeholder(tf.int32, [2, 2]), 3),
        lambda: layer(tf.placeholder(tf.float32, [None, 5])),
        lambda: tf.layers.conv2d(x, 2, 3),
        lambda: tf.layers.conv2d(image, 2, (3, 3, 3)),
        lambda: tf.layers.conv2d(image, 2, 3, padding="full"),
        lambda: tf.layers.conv2d(image, 2, 7),
        lambda: tf.layers.conv2d(image, 2, 3, data_format="NHWC"),
        lambda: tf.layers.max_pooling2d(x, 2, 2),
        lambda: tf.layers.batch_normalization(tf.placeholder(tf.float32, [2, None])),
        lambda: tf.layers.Dense(2).scope_name,
        lambda: tf.layers.Dense(2).count_params(),
    ]
    found = []
    for call in calls:
        try:
            call()
            found.append("nothing")
        except (ValueError, TypeError) as error:
            found.append("ValueError" if isinstance(error, ValueError) else "TypeError")
    return {"found": np.array(found)}


def convolutions(tf, np):
    line = tf.constant(_normal(np, 2, 7, 3))
    image = tf.constant(_normal(np, 2, 6, 5, 3))
    cube = tf.constant(_normal(np, 2, 4, 5, 4, 2))
    outputs = [
        tf.layers.conv1d(line, 4, 3),
        tf.layers.conv1d(line, 4, 3, strides=2, padding="same", activation=tf.nn.relu),
        tf.layers.conv2d(image, 4, [3, 2]),
        tf.layers.conv2d(image, 4, 3, (2, 1), "SAME", activation=tf.nn.relu, name="second"),
        tf.layers.conv2d(image, filters=2, kernel_size=2, dilation_rate=2, use_bias=False),
        tf.layers.conv3d(cube, 3, 2),
        tf.layers.conv3d(cube, 3, (2, 3, 2), strides=(1, 2, 1), padding="same"),
        tf.layers.separable_conv1d(line, 4, 3),
        tf.layers.separable_conv1d(line, 4, 3, 2, "same"),
        tf.layers.separable_conv2d(image, 4, 3, depth_multiplier=2, padding="same"),
        tf.layers.conv2d_transpose(image, 4, 3, strides=2, padding="same"),
        tf.layers.conv2d_transpose(image, 4, (3, 2), strides=(1, 2)),
        tf.layers.conv3d_transpose(cube, 2, 2, strides=2),
        tf.layers.conv3d_transpose(cube, 2, 3, strides=(1, 2, 2), padding="same"),
    ]
    return _run(tf, np, outputs, None, [line, image, cube])


def unknown_sizes(tf, np):
    image = tf.placeholder(tf.float64, [None, None, None, 3])
    batch = tf.placeholder(tf.float64, [None, 6, 5, 3])
    outputs = [
        tf.layers.conv2d(image, 4, 3, strides=2, padding="same"),
        tf.layers.conv2d_transpose(image, 4, 3, strides=2, padding="same"),
        tf.layers.conv2d_transpose(batch, 4, 3, strides=2, padding="same"),
        tf.layers.max_pooling2d(image, 2, 2),
        tf.layers.average_pooling2d(batch, 2, 2, "same"),
        tf.layers.flatten(batch),
        tf.layers.flatten(image),
        tf.layers.batch_normalization(image, training=True, fused=False),
    ]
    return _run(tf, np, outputs, {image: _normal(np, 2, 7, 4, 3), batch: _normal(np, 3, 6, 5, 3)}, [image, batch])


def pools(tf, np):
    line = tf.constant(_normal(np, 2, 7, 3))
    image = tf.constant(_normal(np, 2, 6, 5, 3))
    cube = tf.constant(_normal(np, 2, 4, 5, 4, 2).astype("float32"))
    outputs = [
        tf.layers.max_pooling1d(line, 2, 2),
        tf.layers.average_pooling1d(line, 3, 2, padding="same"),
        tf.layers.max_pooling2d(image, (2, 2), (2, 2)),
        tf.layers.max_pooling2d(image, 3, 1, "same", name="pool"),
        tf.layers.average_pooling2d(image, pool_size=[2, 3], strides=2),
        tf.layers.max_pooling3d(cube, 2, 2),
        tf.layers.average_pooling3d(cube, 2, 2, padding="same"),
        tf.layers.flatten(image),
        tf.layers.flatten(line, name="flat"),
        tf.layers.dropout(image, 0.4),
        tf.layers.dropout(image, 0.4, training=tf.constant(False), name="drop"),
    ]
    result = _run(tf, np, [tf.cast(y, tf.float64) for y in outputs], None, [line, image])
    result["scopes"] = np.array([y.name.split("/")[0] for y in outputs])
    return result


def _averages(tf, np, x, training, feeds=None, steps=3, updated=True, **settings):
    """Outputs and moving averages over some steps, with the updates run beside them where ``updated``."""
    out = tf.layers.batch_normalization(x, training=training, momentum=0.8, **settings)
    slopes = [g for g in tf.gradients(tf.reduce_sum(out * tf.cos(out)), [x] + tf.trainable_variables()) if g is not None]
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    result = {"count": np.array(len(updates))}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        _given(tf, np, session)
        for step in range(steps):
            values = session.run([out, slopes, updates if updated else []], feeds)
            result["output %d" % step] = values[0]
        result.update({"slope %d" % i: y for i, y in enumerate(values[1])})
        result.update({v.name: session.run(v) for v in tf.global_variables()})
    result.update(_names(tf, np, [out]))
    return result


def batch_normalization(tf, np):
    return _averages(tf, np, tf.constant(_normal(np, 6, 3)), True)


def batch_normalization_inference(tf, np):
    return _averages(tf, np, tf.constant(_normal(np, 6, 3)), False)


def batch_normalization_images(tf, np):
    return _averages(tf, np, tf.constant(_normal(np, 2, 3, 2, 3).astype("float32")), True)


def batch_normalization_unfused(tf, np):
    return _averages(tf, np, tf.constant(_normal(np, 2, 3, 2, 3)), True, fused=False, scale=False, name="bn")


def batch_normalization_axis(tf, np):
    return _averages(tf, np, tf.constant(_normal(np, 4, 3, 2)), True, axis=1, center=False)


def batch_normalization_tensor(tf, np):
    result = {}
    for kind, shape, dtype in (("rows", (6, 3), "float64"), ("images", (2, 3, 2, 3), "float32")):
        for value in (True, False):
            tf.reset_default_graph()
            training = tf.placeholder(tf.bool, [])
            x = tf.constant(_normal(np, *shape).astype(dtype))
            # Outside of training TensorFlow's fused kernel leaves the moments of the batch as memory was, and the update
            # adds 0 times that to the averages: NaN, now and then.
            found = _averages(tf, np, x, training, {training: value}, updated=value or kind == "rows")
            result.update({"%s %s %s" % (kind, value, name): y for name, y in found.items()})
    return result


def custom_layer(tf, np):
    class Scale(tf.layers.Layer):
        def build(self, input_shape):
            size = int(input_shape[-1])
            self.factor = self.add_weight("factor", [size], initializer=tf.ones_initializer())
            self.shift = self.add_variable("shift", [size], trainable=False, initializer=tf.zeros_initializer())
            self.built = True

        def call(self, inputs):
            self.add_loss(tf.reduce_sum(inputs, name="penalty"))
            return inputs * self.factor + self.shift

    x = tf.constant(_normal(np, 5, 4))
    layer = Scale()
    outputs = [layer(x), layer(x * 2), Scale(name="mine")(x)]
    result = _run(tf, np, outputs, None, [x])
    result["lists"] = np.array([v.name for v in layer.trainable_variables + layer.non_trainable_variables])
    result["dtype"] = np.array(tf.as_dtype(layer.dtype).name)
    return result


def scope_defaults(tf, np):
    x = tf.constant(_normal(np, 5, 4))
    with tf.variable_scope("a", initializer=tf.constant_initializer(0.25)):
        out = tf.layers.dense(x, 3)
        penalised = tf.layers.dense(x, 3, kernel_regularizer=lambda w: tf.reduce_sum(w))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([out, penalised] + tf.global_variables())
    result = {"value %d" % i: y for i, y in enumerate(values)}
    result.update(_names(tf, np, [out, penalised]))
    return result


def _lenet(tf, x, training):
    y = tf.layers.conv2d(x, 4, 5, padding="same", activation=tf.nn.relu)
    y = tf.layers.max_pooling2d(y, 2, 2)
    y = tf.layers.conv2d(y, 6, 3, activation=tf.nn.relu)
    y = tf.layers.batch_normalization(y, training=training, fused=False)
    y = tf.layers.max_pooling2d(y, 2, 2, padding="same")
    y = tf.layers.dense(tf.layers.flatten(y), 10, activation=tf.nn.relu)
    return tf.layers.dense(tf.layers.dropout(y, 0.5), 3)


def lenet(tf, np):
    """A small convolutional net over ten steps in float64, and what it says of other images then."""
    images, labels = _normal(np, 8, 10, 10, 1), np.arange(8) % 3
    x = tf.placeholder(tf.float64, [None, 10, 10, 1])
    t = tf.placeholder(tf.int64, [None])
    training = tf.placeholder(tf.bool)
    logits = _lenet(tf, x, training)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=logits))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
    losses = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        _given(tf, np, session)
        for _ in range(10):
            losses.append(session.run([loss, step], {x: images, t: labels, training: True})[0])
        after = session.run(logits, {x: images[::-1], training: False})
        result = {v.name: session.run(v) for v in tf.global_variables()}
    result.update({"losses": np.array(losses), "after": after})
    return result


CASES = {
    case.__name__: case
    for case in (
        dense,
        sharing,
        refusals,
        convolutions,
        unknown_sizes,
        pools,
        batch_normalization,
        batch_normalization_inference,
        batch_normalization_images,
        batch_normalization_unfused,
        batch_normalization_axis,
        batch_normalization_tensor,
        custom_layer,
        scope_defaults,
        lenet,
    )
}
