"""Cells of tf.contrib.rnn, wrappers, raw_rnn and sequences to sequences: values, gradients, names of variables."""


def uniform(tf, np, seed):
    """An initializer whose numbers come from numpy."""
    rng = np.random.RandomState(seed)
    return lambda shape, dtype=None, partition_info=None: tf.constant(
        rng.uniform(-0.6, 0.6, [int(n) for n in shape]), dtype or tf.float32
    )


def leaves(structure):
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in leaves(part)]
    return [structure]


def measured(tf, name, values, xs):
    """What is fetched for ``values``: themselves, the variables under ``name``, the gradients of a sum over them."""
    values = leaves(values)
    loss = tf.add_n([tf.reduce_sum(tf.sin(value) * (i + 1.0)) for i, value in enumerate(values)])
    wanted = tf.trainable_variables(name + "/") + xs
    return {"values": values, "gradients": dict(zip([x.name for x in wanted], tf.gradients(loss, wanted)))}


def flat(tf, fetches):
    """All of ``fetches`` after initialisation; a gradient that there is not is left out."""
    found = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for name, fetch in fetches.items():
            present = {key: g for key, g in fetch["gradients"].items() if g is not None}
            values, gradients = sess.run([fetch["values"], {key: tf.convert_to_tensor(g) for key, g in present.items()}])
            found.update({"%s %d" % (name, i): value for i, value in enumerate(values)})
            found.update({"%s gradient %s" % (name, key): g for key, g in gradients.items()})
    return found


def contrib(tf, np):
    rnn, rng = tf.contrib.rnn, np.random.RandomState(40)
    xs = tf.constant(rng.standard_normal([3, 3, 4]), tf.float32)
    sizes = tf.constant([3, 1, 2])
    makers = {
        "lstm_block": lambda: rnn.LSTMBlockCell(4),
        "lstm_block_peephole": lambda: rnn.LSTMBlockCell(4, forget_bias=0.3, cell_clip=0.4, use_peephole=True),
        "gru_block": lambda: rnn.GRUBlockCell(cell_size=4),
        "gru_block_2": lambda: rnn.GRUBlockCellV2(4),
        "layer_norm": lambda: rnn.LayerNormBasicLSTMCell(4, norm_gain=0.7, norm_shift=0.2),
        "layer_norm_not": lambda: rnn.LayerNormBasicLSTMCell(4, layer_norm=False),
        "coupled": lambda: rnn.CoupledInputForgetGateLSTMCell(4, use_peepholes=True, num_proj=3, proj_clip=0.5),
        "coupled_norm": lambda: rnn.CoupledInputForgetGateLSTMCell(4, layer_norm=True),
        "input_projection": lambda: rnn.InputProjectionWrapper(rnn.GRUCell(3), 2, activation=tf.tanh),
        "output_projection": lambda: rnn.OutputProjectionWrapper(rnn.BasicRNNCell(3), 2),
        "highway": lambda: rnn.HighwayWrapper(rnn.GRUCell(4)),
        "highway_gates": lambda: rnn.HighwayWrapper(rnn.GRUCell(4), False, 0.5),
        "residual_fn": lambda: rnn.ResidualWrapper(rnn.GRUCell(4), lambda x, y: x * y),
        "in_one_tensor": lambda: rnn.MultiRNNCell(
            [rnn.BasicLSTMCell(3, state_is_tuple=False), rnn.LSTMCell(4, num_proj=2, state_is_tuple=False)], False
        ),
        "kept": lambda: rnn.DropoutWrapper(rnn.GRUCell(4), 1.0, 1.0, 1.0),
    }
    fetches = {}
    for name, make in sorted(makers.items()):
        with tf.variable_scope(name, initializer=uniform(tf, np, 41)):
            whole = tf.nn.dynamic_rnn(make(), xs, sequence_length=sizes, dtype=tf.float32)
            steps = rnn.static_rnn(make(), tf.unstack(xs, axis=1), dtype=tf.float32, scope="steps")
        fetches[name] = measured(tf, name, [whole, steps], [xs])
    return flat(tf, fetches)


def embedded(tf, np):
    rnn, rng = tf.contrib.rnn, np.random.RandomState(42)
    codes = tf.constant(rng.randint(0, 5, [3, 4, 1]))
    with tf.variable_scope("net", initializer=uniform(tf, np, 43)):
        cell = rnn.EmbeddingWrapper(rnn.BasicLSTMCell(3), embedding_classes=5, embedding_size=2)
        whole = tf.nn.dynamic_rnn(cell, codes, dtype=tf.float32)
    return flat(tf, {"net": measured(tf, "net", whole, [])})


def both_ways(tf, np):
    rnn, rng = tf.contrib.rnn, np.random.RandomState(44)
    xs = tf.constant(rng.standard_normal([3, 5, 4]), tf.float64)
    sizes = tf.constant([5, 2, 0], tf.int64)
    with tf.variable_scope("net", initializer=uniform(tf, np, 45)):
        cells = [[rnn.GRUCell(3), rnn.BasicRNNCell(2)] for _ in range(2)]
        stacked = rnn.stack_bidirectional_dynamic_rnn(cells[0], cells[1], xs, dtype=tf.float64, sequence_length=sizes)
        swapped = tf.transpose(xs, [1, 0, 2])
        time_major = tf.nn.bidirectional_dynamic_rnn(
            rnn.GRUCell(3), rnn.GRUCell(3), swapped, sizes, dtype=tf.float64, time_major=True, scope="time_major"
        )
        steps = rnn.static_bidirectional_rnn(
            rnn.GRUCell(3), rnn.GRUCell(2), tf.unstack(xs, axis=1), dtype=tf.float64, sequence_length=sizes, scope="steps"
        )
    return flat(tf, {"net": measured(tf, "net", [stacked, time_major, steps], [xs])})


def by_loop_function(tf, np):
    """raw_rnn: a decoder that is fed what it said, and a loop over given inputs that emits something else."""
    rng = np.random.RandomState(46)
    xs = tf.constant(rng.standard_normal([5, 3, 4]), tf.float32)
    sizes = tf.constant([5, 2, 4])
    inputs = tf.TensorArray(tf.float32, 5).unstack(xs)
    with tf.variable_scope("net", initializer=uniform(tf, np, 47)):
        cell = tf.nn.rnn_cell.LSTMCell(4)

        def fed(time, output, state, loop_state):
            emit = output
            next_state = cell.zero_state(3, tf.float32) if output is None else state
            done = time >= sizes
            following = tf.cond(tf.reduce_all(done), lambda: tf.zeros([3, 4]), lambda: inputs.read(time))
            return done, following, next_state, emit, None

        outputs, last, _ = tf.nn.raw_rnn(cell, fed)

        def said(time, output, state, loop_state):
            if output is None:
                return tf.zeros([3], tf.bool), xs[0], cell.zero_state(3, tf.float32), tf.zeros([2]), tf.constant(0.0)
            total = loop_state + tf.reduce_sum(output)
            return time >= [2, 4, 3], tf.tanh(output), state, output[:, :2] * 2.0, total

        emitted, ended, total = tf.nn.raw_rnn(cell, said, scope="again")
    return flat(tf, {"net": measured(tf, "net", [outputs.stack(), last, emitted.stack(), ended, total], [xs])})


def decoders(tf, np):
    legacy, rng = tf.contrib.legacy_seq2seq, np.random.RandomState(48)
    ins = [tf.constant(rng.standard_normal([2, 3]), tf.float32) for _ in range(3)]
    outs = [tf.constant(rng.standard_normal([2, 3]), tf.float32) for _ in range(2)]
    codes = [tf.constant(rng.randint(0, 5, [2])) for _ in range(3)]
    fed = tf.placeholder(tf.bool, [])
    lstm, gru = tf.nn.rnn_cell.BasicLSTMCell, tf.nn.rnn_cell.GRUCell
    projection = [tf.constant(rng.standard_normal(s), tf.float32) for s in ([3, 6], [6])]
    builders = {
        "basic": lambda: legacy.basic_rnn_seq2seq(ins, outs, tf.nn.rnn_cell.MultiRNNCell([lstm(3), gru(2)])),
        "tied": lambda: legacy.tied_rnn_seq2seq(ins, outs, gru(3)),
        "tied_fed": lambda: legacy.tied_rnn_seq2seq(ins, outs, gru(3), lambda prev, i: tf.sin(prev) * float(i)),
        "codes": lambda: legacy.embedding_rnn_seq2seq(codes, codes[:2], lstm(3), 5, 6, 4),
        "codes_fed": lambda: legacy.embedding_rnn_seq2seq(codes, codes, gru(3), 5, 6, 4, feed_previous=True),
        "codes_projected": lambda: legacy.embedding_rnn_seq2seq(codes, codes, gru(3), 5, 6, 4, projection, True),
        "decoder": lambda: legacy.embedding_rnn_decoder(codes, tf.zeros([2, 4]), gru(4), 5, 2),
    }
    fetches = {}
    for name, build in sorted(builders.items()):
        with tf.variable_scope(name, initializer=uniform(tf, np, 49)):
            fetches[name] = measured(tf, name, build(), [])
    with tf.variable_scope("either", initializer=uniform(tf, np, 50)):
        either = legacy.embedding_rnn_seq2seq(codes, codes, lstm(3), 5, 6, 4, feed_previous=fed)
    found = flat(tf, fetches)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for answer in (False, True):
            for i, value in enumerate(sess.run(leaves(either), {fed: answer})):
                found["either %s %d" % (answer, i)] = value
    found["names"] = np.array([v.name for v in tf.global_variables()])
    return found


def losses_over_steps(tf, np):
    legacy, rng = tf.contrib.legacy_seq2seq, np.random.RandomState(51)
    logits = tf.constant(rng.standard_normal([3, 4, 5]), tf.float32)
    targets = tf.constant(rng.randint(0, 5, [3, 4]))
    weights = tf.constant([[1, 1, 0, 0], [0.5, 2, 1, 0], [0, 0, 0, 0]], tf.float32)
    lists = [tf.unstack(x, axis=1) for x in (logits, targets, weights)]

    def other(labels, logits):
        return tf.reduce_sum(logits, -1) * tf.cast(labels, tf.float32)

    found = {}
    for function in (None, other):
        for across in (True, False):
            options = {"average_across_timesteps": across, "softmax_loss_function": function}
            key = "%s %s" % (across, function is None)
            found["by example " + key] = legacy.sequence_loss_by_example(*lists, **options)
            found["sum " + key] = legacy.sequence_loss(*lists, average_across_batch=across, **options)
    for times in ("average_across_timesteps", "sum_over_timesteps", None):
        for batch in ("average_across_batch", "sum_over_batch", None):
            options = {"average_across_timesteps": False, "average_across_batch": False}
            options.update({key: True for key in (times, batch) if key})
            found["%s %s" % (times, batch)] = tf.contrib.seq2seq.sequence_loss(logits, targets, weights, **options)
    grads = {key + " gradient": tf.gradients(value, logits)[0] for key, value in found.items()}
    with tf.Session() as sess:
        return sess.run(dict(found, **grads))


CASES = {f.__name__: f for f in (contrib, embedded, both_ways, by_loop_function, decoders, losses_over_steps)}
