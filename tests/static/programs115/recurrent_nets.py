"""Recurrent nets: characters with a state that is carried over, rows of pictures, sequences of different lengths."""


def uniform(tf, np, seed):
    """An initializer whose numbers come from numpy."""
    rng = np.random.RandomState(seed)
    return lambda shape, dtype=None, partition_info=None: tf.constant(
        rng.uniform(-0.4, 0.4, [int(n) for n in shape]), dtype or tf.float32
    )


def characters(tf, np):
    """Truncated backpropagation through a stack of LSTMs; the state goes from run to run, and gradients are clipped."""
    text = "the cat sat on the mat and the rat sat on the cat " * 3
    vocabulary = sorted(set(text))
    codes = np.array([vocabulary.index(c) for c in text])
    batch, steps, size = 2, 6, 8
    with tf.variable_scope("rnn", initializer=uniform(tf, np, 30)):
        cells = [tf.nn.rnn_cell.BasicLSTMCell(size, state_is_tuple=True) for _ in range(2)]
        cells = [tf.nn.rnn_cell.DropoutWrapper(cell, output_keep_prob=1.0) for cell in cells]
        cell = tf.nn.rnn_cell.MultiRNNCell(cells, state_is_tuple=True)
        x = tf.placeholder(tf.int32, [batch, steps])
        y = tf.placeholder(tf.int32, [batch, steps])
        initial_state = cell.zero_state(batch, tf.float32)
        embedding = tf.get_variable("embedding", [len(vocabulary), size])
        inputs = tf.nn.embedding_lookup(embedding, x)
        outputs, last_state = tf.nn.dynamic_rnn(cell, inputs, initial_state=initial_state)
        softmax_w = tf.get_variable("softmax_w", [size, len(vocabulary)])
        softmax_b = tf.get_variable("softmax_b", [len(vocabulary)])
    logits = tf.matmul(tf.reshape(outputs, [-1, size]), softmax_w) + softmax_b
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=tf.reshape(y, [-1]))
    cost = tf.reduce_sum(loss) / batch / steps
    lr = tf.Variable(0.0, trainable=False)
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(cost, tvars), 5.0)
    train_op = tf.train.AdamOptimizer(lr).apply_gradients(zip(grads, tvars))
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(3):
            sess.run(tf.assign(lr, 0.05 * 0.9**epoch))
            state = sess.run(initial_state)
            for start in range(0, 60, steps):
                rows = [codes[start + r * 60 : start + r * 60 + steps + 1] for r in range(batch)]
                feed = {x: [row[:-1] for row in rows], y: [row[1:] for row in rows]}
                for i, (c, h) in enumerate(initial_state):
                    feed[c], feed[h] = state[i].c, state[i].h
                loss_value, state, _ = sess.run([cost, last_state, train_op], feed)
                losses.append(loss_value)
    return {
        "losses": np.array(losses),
        "state": np.array(state),
        "names": np.array([v.name for v in tvars]),
    }


def rows_of_pictures(tf, np):
    rng = np.random.RandomState(31)
    images, labels = rng.rand(10, 7, 5).astype(np.float32), rng.randint(0, 3, 10)
    x, y = tf.placeholder("float", [None, 7, 5]), tf.placeholder(tf.int64, [None])
    sequence = tf.unstack(x, 7, 1)
    with tf.variable_scope("net", initializer=uniform(tf, np, 32)):
        cell = tf.nn.rnn_cell.BasicLSTMCell(6, forget_bias=1.0)
        outputs, state = tf.nn.static_rnn(cell, sequence, dtype=tf.float32)
        logits = tf.matmul(outputs[-1], tf.get_variable("w", [6, 3])) + tf.get_variable("b", [3])
    cost = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))
    step = tf.train.AdamOptimizer(0.01).minimize(cost)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([cost, step], {x: images, y: labels})[0] for _ in range(8)]
        return {"losses": np.array(losses), "c": sess.run(state.c, {x: images})}


def lengths(tf, np):
    """Cells over sequences of different lengths, forward and in both directions."""
    rng = np.random.RandomState(33)
    xs = tf.constant(rng.standard_normal([4, 6, 3]))
    sizes = tf.constant([6, 1, 0, 4])
    makers = {
        "peepholes": lambda: tf.nn.rnn_cell.LSTMCell(4, use_peepholes=True, cell_clip=0.5, num_proj=3, forget_bias=0.5),
        "stack": lambda: tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(4), tf.nn.rnn_cell.BasicRNNCell(2)]),
    }
    fetches = {}
    for name, make in sorted(makers.items()):
        with tf.variable_scope(name, initializer=uniform(tf, np, 34)):
            outputs, state = tf.nn.dynamic_rnn(make(), xs, sequence_length=sizes, dtype=tf.float64)
            pair, states = tf.nn.bidirectional_dynamic_rnn(make(), make(), xs, sizes, dtype=tf.float64, scope="both")
        loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(tf.tanh(pair[0])) + tf.reduce_sum(tf.sin(pair[1]))
        variables = tf.trainable_variables(name)
        fetches[name] = [outputs, pair, state, states, tf.gradients(loss, variables + [xs]), variables]
    found = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for name, fetch in fetches.items():
            outputs, pair, state, states, grads, _ = sess.run(fetch)
            found[name + " outputs"], found[name + " forward"], found[name + " backward"] = outputs, pair[0], pair[1]
            for i, leaf in enumerate(leaves([state, states])):
                found["%s state %d" % (name, i)] = leaf
            for variable, g in zip(fetch[-1] + [xs], grads):
                found["%s gradient %s" % (name, variable.name)] = g
    return found


def leaves(structure):
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in leaves(part)]
    return [structure]


def by_hand(tf, np):
    """A recurrent net from scratch, first unrolled in Python, then with scan over the same variables."""
    rng = np.random.RandomState(35)
    steps, size, classes = 5, 4, 2
    x, y = tf.placeholder(tf.int32, [None, steps]), tf.placeholder(tf.int32, [None, steps])
    start = tf.zeros([3, size])
    one_hot = tf.one_hot(x, classes)
    with tf.variable_scope("cell"):
        W = tf.get_variable("W", initializer=rng.normal(0, 0.5, [classes + size, size]).astype(np.float32))
        b = tf.get_variable("b", [size], initializer=tf.constant_initializer(0.0))

    def cell(rnn_input, state):
        with tf.variable_scope("cell", reuse=True):
            W, b = tf.get_variable("W", [classes + size, size]), tf.get_variable("b", [size])
        return tf.tanh(tf.matmul(tf.concat([rnn_input, state], 1), W) + b)

    state, unrolled = start, []
    for rnn_input in tf.unstack(one_hot, axis=1):
        state = cell(rnn_input, state)
        unrolled.append(state)
    scanned = tf.scan(lambda state, rnn_input: cell(rnn_input, state), tf.transpose(one_hot, [1, 0, 2]), start)
    V = tf.Variable(rng.normal(0, 0.5, [size, classes]).astype(np.float32))
    losses = []
    for states in (unrolled, tf.unstack(scanned)):
        logits = [tf.matmul(state, V) for state in states]
        labels = tf.unstack(y, num=steps, axis=1)
        each = [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=a, logits=o) for o, a in zip(logits, labels)]
        losses.append(tf.reduce_mean(each))
    step = tf.train.AdagradOptimizer(0.3).minimize(losses[1])
    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(10):
            bits = rng.randint(0, 2, [3, steps])
            feed = {x: bits, y: np.roll(bits, 1, 1)}
            found.append(sess.run(losses, feed))
            sess.run(step, feed)
        return {"losses": np.array(found), "W": sess.run(W), "b": sess.run(b)}


CASES = {f.__name__: f for f in (characters, rows_of_pictures, lengths, by_hand)}
