"""Names of operations, tensors and variables under name scopes, variable scopes and repeats."""


def scopes(tf, np):
    names = []
    with tf.name_scope("a"):
        names.append(tf.constant(1.0).name)
        with tf.name_scope("b"):
            names.append(tf.constant(1.0, name="c").name)
            names.append(tf.Variable(1.0, name="v").name)
        with tf.name_scope("b") as again:
            names.append(tf.add(1.0, 2.0).name)
        with tf.name_scope(again):
            names.append(tf.add(1.0, 2.0).name)
        with tf.name_scope(None):
            names.append(tf.no_op().name)
    names += [tf.identity([1.0], name="A").name, tf.identity([1.0], name="a").name]
    return {"names": np.array(names)}


def variable_scopes(tf, np):
    names = []
    with tf.variable_scope("outer"):
        names.append(tf.get_variable("v", [2]).name)
        names.append(tf.Variable(1.0, name="v").name)
        with tf.variable_scope("inner", reuse=False) as inner:
            names.append(tf.get_variable("w", [2, 3]).name)
            names.append(tf.add(1.0, 1.0, name="sum").name)
    with tf.variable_scope("outer", reuse=True):
        names.append(tf.get_variable("v").name)
        names.append(tf.add(1.0, 1.0, name="sum").name)
        names.append(tf.Variable(1.0, name="v").name)
    with tf.variable_scope(inner, reuse=True):
        names.append(tf.get_variable("w", [2, 3]).name)
        names.append(tf.add(1.0, 1.0, name="sum").name)
        names.append(tf.get_variable_scope().name)
    with tf.variable_scope(None, default_name="dense"):
        names.append(tf.get_variable("kernel", [1]).name)
    with tf.variable_scope(None, default_name="dense"):
        names.append(tf.get_variable("kernel", [1]).name)
    with tf.variable_scope("auto", reuse=tf.AUTO_REUSE):
        names.append(tf.get_variable("x", [1]).name)
        names.append(tf.get_variable("x", [1]).name)
    with tf.name_scope("only"), tf.variable_scope("scope"):
        names.append(tf.get_variable("y", [1]).name)
        names.append(tf.add(1.0, 1.0, name="sum").name)
    names += [v.name for v in tf.global_variables()]
    names += [v.name for v in tf.trainable_variables("outer")]
    return {"names": np.array(names)}


def optimizers(tf, np):
    with tf.variable_scope("net"):
        w = tf.get_variable("w", initializer=np.ones((2, 2)))
    loss = tf.reduce_sum(tf.square(w))
    tf.train.get_or_create_global_step()
    adam = tf.train.AdamOptimizer(0.1).minimize(loss)
    momentum = tf.train.MomentumOptimizer(0.1, 0.9, name="M").minimize(loss, name="train")
    return {
        "variables": np.array(sorted(v.name for v in tf.global_variables())),
        "operations": np.array([adam.name, momentum.name]),
    }


CASES = {"scopes": scopes, "variable_scopes": variable_scopes, "optimizers": optimizers}
