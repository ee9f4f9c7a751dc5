"""Skip-grams: embeddings learned with noise-contrastive estimation, then neighbours by cosine similarity."""


def graph(tf, np, sampled_values=None):
    rng = np.random.RandomState(3)
    vocabulary, size = 30, 8
    inputs = tf.placeholder(tf.int32, shape=[16])
    labels = tf.placeholder(tf.int32, shape=[16, 1])
    valid = tf.constant([1, 5, 7], dtype=tf.int32)
    with tf.device("/cpu:0"):
        embeddings = tf.Variable(rng.uniform(-1, 1, [vocabulary, size]).astype(np.float32))
        embed = tf.nn.embedding_lookup(embeddings, inputs)
        nce_weights = tf.Variable((rng.standard_normal([vocabulary, size]) / np.sqrt(size)).astype(np.float32))
        nce_biases = tf.Variable(tf.zeros([vocabulary]))
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=nce_weights,
            biases=nce_biases,
            labels=labels,
            inputs=embed,
            num_sampled=6,
            num_classes=vocabulary,
            sampled_values=sampled_values,
        )
    )
    optimizer = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
    normalized = embeddings / norm
    similarity = tf.matmul(tf.nn.embedding_lookup(normalized, valid), normalized, transpose_b=True)
    losses = []
    words = rng.randint(0, vocabulary, 400)
    with tf.Session() as session:
        tf.global_variables_initializer().run()
        for step in range(60):
            centre = step * 6 % 380 + np.arange(16) + 1
            feed = {inputs: words[centre], labels: words[centre + 1 - 2 * (step % 2)][:, None]}
            losses.append(session.run([optimizer, loss], feed)[1])
        return losses, similarity.eval(), session.run(normalized)


def fixed_noise(tf, np):
    noise = (
        tf.constant([0, 3, 9, 14, 22, 29], tf.int64),
        tf.constant(np.linspace(0.1, 0.4, 16).astype(np.float32)[:, None]),
        tf.constant(np.linspace(0.5, 0.05, 6).astype(np.float32)),
    )
    losses, similarity, normalized = graph(tf, np, noise)
    nearest = (-similarity).argsort(1)[:, 1:4]
    return {"losses": np.array(losses), "similarity": similarity, "normalized": normalized, "nearest": nearest}


def own_noise(tf, np):
    tf.set_random_seed(1)
    losses, _, normalized = graph(tf, np)
    return {"learned": np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10]), "norms": np.square(normalized).sum(1)}


def sampled_softmax(tf, np):
    rng = np.random.RandomState(4)
    weights, biases = tf.Variable(rng.standard_normal([20, 5])), tf.Variable(rng.standard_normal(20))
    inputs, labels = tf.constant(rng.standard_normal([7, 5])), tf.constant(rng.randint(0, 20, [7, 1]), tf.int64)
    noise = (tf.constant([2, 4, 11], tf.int64), tf.constant(rng.rand(7, 1)), tf.constant(rng.rand(3)))
    loss = tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, 3, 20, sampled_values=noise)
    grads = [tf.convert_to_tensor(g) for g in tf.gradients(loss, [weights, biases, inputs])]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([loss] + grads)
    return dict(zip(("loss", "weights", "biases", "inputs"), values))


CASES = {"fixed_noise": fixed_noise, "own_noise": own_noise, "sampled_softmax": sampled_softmax}
