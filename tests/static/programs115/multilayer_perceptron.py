"""A net with name scopes, summaries of its variables, dropout with a fed keep probability, and Adam."""

import os
import tempfile


def main(tf, np):
    rng = np.random.RandomState(2)
    data = rng.rand(120, 20).astype(np.float32)
    target = (data.dot(rng.randn(20, 3)) > 0).astype(np.float32).argmax(1)

    def weight_variable(shape):
        initial = (rng.standard_normal(shape) * 0.1).astype(np.float32)
        return tf.Variable(initial)

    def bias_variable(shape):
        return tf.Variable(tf.constant(0.1, shape=shape))

    def variable_summaries(var):
        with tf.name_scope("summaries"):
            mean = tf.reduce_mean(var)
            tf.summary.scalar("mean", mean)
            with tf.name_scope("stddev"):
                stddev = tf.sqrt(tf.reduce_mean(tf.square(var - mean)))
            tf.summary.scalar("stddev", stddev)
            tf.summary.scalar("max", tf.reduce_max(var))
            tf.summary.histogram("histogram", var)

    def nn_layer(input_tensor, input_dim, output_dim, layer_name, act=tf.nn.relu):
        with tf.name_scope(layer_name):
            with tf.name_scope("weights"):
                weights = weight_variable([input_dim, output_dim])
                variable_summaries(weights)
            with tf.name_scope("biases"):
                biases = bias_variable([output_dim])
                variable_summaries(biases)
            with tf.name_scope("Wx_plus_b"):
                preactivate = tf.matmul(input_tensor, weights) + biases
                tf.summary.histogram("pre_activations", preactivate)
            return act(preactivate, name="activation")

    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 20], name="x-input")
        y_ = tf.placeholder(tf.int64, [None], name="y-input")
    hidden1 = nn_layer(x, 20, 16, "layer1")
    with tf.name_scope("dropout"):
        keep_prob = tf.placeholder(tf.float32)
        tf.summary.scalar("dropout_keep_probability", keep_prob)
        dropped = tf.nn.dropout(hidden1, keep_prob)
    y = nn_layer(dropped, 16, 3, "layer2", act=tf.identity)
    with tf.name_scope("cross_entropy"):
        cross_entropy = tf.losses.sparse_softmax_cross_entropy(labels=y_, logits=y)
    tf.summary.scalar("cross_entropy", cross_entropy)
    with tf.name_scope("train"):
        train_step = tf.train.AdamOptimizer(0.01).minimize(cross_entropy)
    with tf.name_scope("accuracy"):
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), y_), tf.float32))
    merged = tf.summary.merge_all()

    losses = []
    with tf.Session() as sess:
        writer = tf.summary.FileWriter(tempfile.mkdtemp(), sess.graph)
        sess.run(tf.global_variables_initializer())
        for i in range(25):
            summary, loss, _ = sess.run([merged, cross_entropy, train_step], {x: data, y_: target, keep_prob: 1.0})
            writer.add_summary(summary, i)
            losses.append(loss)
        noisy = [sess.run(cross_entropy, {x: data, y_: target, keep_prob: 0.5}) for _ in range(2)]
        writer.close()
        found = {"losses": np.array(losses), "accuracy": sess.run(accuracy, {x: data, y_: target, keep_prob: 1.0})}
    found["noisy differ"] = noisy[0] != noisy[1] and min(noisy) > losses[-1]
    found["variables"] = np.array([v.name for v in tf.trainable_variables()])
    found["outputs"] = np.array([hidden1.name, y.name, x.op.name, train_step.name])
    found["files"] = len(os.listdir(writer.get_logdir()))
    return found
