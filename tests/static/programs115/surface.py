"""What a user sees of graphs: texts, static shapes, kinds of errors, what functions and properties answer."""


def texts(tf, np):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    unknown = tf.placeholder(tf.int64)
    v = tf.Variable(np.zeros([2, 3]), name="v")
    c = tf.constant([1, 2])
    y = tf.matmul(x, tf.ones([3, 4]))
    shape = tf.TensorShape([None, 3])
    found = {
        "tensor": str(x),
        "tensor repr": repr(x),
        "unknown": str(unknown),
        "unknown repr": repr(unknown),
        "scalar": str(tf.constant(1.0)),
        "matmul": str(y),
        "constant": repr(c),
        "variable": str(v).replace("_ref", ""),  # there are no references here
        "variable repr": repr(v).replace("_ref", ""),
        "operation repr": repr(y.op),
        "shape": str(x.shape),
        "shape repr": repr(x.get_shape()),
        "no shape": str(unknown.shape),
        "no shape repr": repr(unknown.get_shape()),
        "dimension": str(x.shape[0]),
        "dimension repr": repr(x.shape[1]),
        "dimensions": str(x.shape.dims),
        "partial": str(shape.concatenate([5])),
        "as list": str(y.shape.as_list()),
        "dtype": str(x.dtype),
        "dtype repr": repr(c.dtype),
        "dtype name": x.dtype.name,
        "types": " ".join(op.type for op in (x.op, v.op, c.op, y.op, tf.add(x, 1.0).op, (-x).op, tf.no_op(), v.initializer)),
        "names": " ".join(
            [v.name, v.op.name, v.initializer.name, v.value().name, v.initial_value.name, y.op.inputs[0].name]
        ),
        "inputs": " ".join(t.name for t in y.op.inputs),
        "consumers": " ".join(op.name for op in x.consumers()),
        "value index": str(tf.split(x, 3, 1)[2].value_index),
        "num outputs": str(len(tf.split(x, 3, 1)[0].op.outputs)),
        "device": str(x.device) + str(y.op.device),
        "control inputs": str(len(y.op.control_inputs)),
        "keys": " ".join([tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.UPDATE_OPS, tf.GraphKeys.TRAINABLE_VARIABLES]),
        "newaxis": str(tf.newaxis),
        "pi": "%.3f" % np.pi,
    }
    return {name: np.array(text) for name, text in found.items()}


def shapes(tf, np):
    """The static shapes of results, from known, partly known and unknown shapes."""
    kinds = [[4, 6, 2], [None, 6, 2], [None, None, 2]]
    builds = {
        "add": lambda x: x + tf.ones([6, 1]),
        "sum": lambda x: tf.reduce_sum(x, 1),
        "sum all": lambda x: tf.reduce_sum(x),
        "sum keep": lambda x: tf.reduce_mean(x, [0, 2], keepdims=True),
        "argmax": lambda x: tf.argmax(x, 2),
        "reshape": lambda x: tf.reshape(x, [-1, 12]),
        "reshape rest": lambda x: tf.reshape(x, [4, 6, -1]),
        "reshape by shape": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], 12])),
        "transpose": lambda x: tf.transpose(x, [2, 0, 1]),
        "transpose all": lambda x: tf.transpose(x),
        "expand": lambda x: tf.expand_dims(x, -1),
        "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 0), [0]),
        "squeeze any": lambda x: tf.squeeze(x),
        "concat": lambda x: tf.concat([x, x], 1),
        "concat first": lambda x: tf.concat([x, tf.ones([1, 6, 2])], 0),
        "stack": lambda x: tf.stack([x, x], 1),
        "unstack": lambda x: tf.unstack(x, axis=2)[0],
        "split": lambda x: tf.split(x, 2, 1)[1],
        "split sizes": lambda x: tf.split(x, [1, 5], 1)[1],
        "slice": lambda x: tf.slice(x, [0, 1, 0], [2, -1, 1]),
        "slice rest": lambda x: tf.slice(x, [1, 0, 0], [-1, -1, -1]),
        "getitem": lambda x: x[:, 0],
        "getitem range": lambda x: x[1:3, ::2, -1],
        "getitem new": lambda x: x[..., tf.newaxis],
        "getitem tensor": lambda x: x[tf.constant(1)],
        "strided": lambda x: tf.strided_slice(x, [0, 0, 0], [2, 6, 2], [1, 3, 1]),
        "gather": lambda x: tf.gather(x, [[0, 1]]),
        "gather axis": lambda x: tf.gather(x, [0, 1, 0], axis=1),
        "gather nd": lambda x: tf.gather_nd(x, [[0, 1], [1, 1]]),
        "tile": lambda x: tf.tile(x, [2, 1, 3]),
        "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 0]]),
        "one hot": lambda x: tf.one_hot(tf.cast(x, tf.int32), 5),
        "matmul": lambda x: tf.matmul(x, x, transpose_b=True),
        "tensordot": lambda x: tf.tensordot(x, tf.ones([2, 7]), 1),
        "where": lambda x: tf.where(x > 0, x, -x),
        "where places": lambda x: tf.where(x > 0),
        "boolean mask": lambda x: tf.boolean_mask(x, [True, False, True, True]),
        "shape": lambda x: tf.shape(x),
        "size": lambda x: tf.size(x),
        "zeros like": lambda x: tf.zeros_like(x),
        "fill": lambda x: tf.fill([3, tf.shape(x)[0]], 1.0),
        "zeros": lambda x: tf.zeros([tf.shape(x)[0], 2]),
        "random": lambda x: tf.random_normal([tf.shape(x)[0], 5]),
        "range": lambda x: tf.range(tf.shape(x)[0]),
        "cumsum": lambda x: tf.cumsum(x, 1),
        "softmax": lambda x: tf.nn.softmax(x),
        "top k": lambda x: tf.nn.top_k(x, 1)[0],
        "moments": lambda x: tf.nn.moments(x, [0])[0],
        "unit": lambda x: tf.nn.l2_normalize(x, 2),
        "cross entropy": lambda x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=x, logits=x),
        "dropout": lambda x: tf.nn.dropout(x, 0.5),
        "embedding": lambda x: tf.nn.embedding_lookup(tf.ones([9, 3]), tf.cast(x, tf.int32)),
        "map": lambda x: tf.map_fn(lambda row: tf.reduce_sum(row), x),
        "scan": lambda x: tf.scan(lambda a, row: a + row, x),
        "cond": lambda x: tf.cond(tf.constant(True), lambda: x, lambda: x * 2.0),
        "gradient": lambda x: tf.gradients(tf.reduce_sum(x * x), x)[0],
        "identity": lambda x: tf.identity(x),
        "reverse": lambda x: tf.reverse(x, [0]),
        "broadcast": lambda x: tf.broadcast_to(tf.ones([2]), tf.shape(x)),
        "set shape": lambda x: next(y for y in [tf.identity(x)] if y.set_shape([4, None, None]) is None),
        "with default": lambda x: tf.placeholder_with_default(tf.ones([4, 6, 2]), x.shape),
        "meshgrid": lambda x: tf.meshgrid(tf.range(3), tf.range(4))[0],
        "sequence mask": lambda x: tf.sequence_mask(tf.cast(tf.reshape(x, [-1]), tf.int32), 7),
        "segment": lambda x: tf.unsorted_segment_sum(x, tf.constant([0, 1, 0, 1]), 3),
    }
    found = {}
    for name, build in builds.items():
        for i, dims in enumerate(kinds):
            shape = build(tf.placeholder(tf.float32, dims)).get_shape()
            found["%s %d" % (name, i)] = np.array("unknown" if shape.ndims is None else str(shape.as_list()))
    return found


def attempts(tf, np, calls, kinds):
    """What the calls raise, which is to be of the kind that TensorFlow raises there."""
    errors = {
        "value": ValueError,
        "type": TypeError,
        "key": KeyError,
        "runtime": RuntimeError,
        "argument": tf.errors.InvalidArgumentError,
        "precondition": tf.errors.FailedPreconditionError,
        "range": tf.errors.OutOfRangeError,
        "unknown": tf.errors.UnknownError,
    }
    found = {}
    for name, call in sorted(calls.items()):
        kind = next(kind for kind, names in kinds.items() if name in names)
        tf.reset_default_graph()
        try:
            call()
        except errors[kind]:
            found[name] = kind
        except Exception as error:
            found[name] = "%s: %s" % (type(error).__name__, error)
        else:
            found[name] = "no error"
    return {name: np.array(text) for name, text in found.items()}


def building_errors(tf, np):
    def scope_twice():
        tf.get_variable("v", [1])
        tf.get_variable("v", [1])

    def reuse_missing():
        with tf.variable_scope("s", reuse=True):
            tf.get_variable("missing", [1])

    def reuse_other_shape():
        with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
            tf.get_variable("v", [1])
            tf.get_variable("v", [2])

    def other_graph():
        x = tf.constant(1.0)
        with tf.Graph().as_default():
            tf.add(x, tf.constant(2.0))

    def finalized():
        tf.get_default_graph().finalize()
        tf.constant(1.0)

    calls = {
        "matmul": lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])),
        "matmul rank": lambda: tf.matmul(tf.ones([3]), tf.ones([3])),
        "add": lambda: tf.add(tf.ones([2, 3]), tf.ones([4])),
        "add dtypes": lambda: tf.constant(1.0) + tf.constant(1),
        "add string": lambda: tf.constant(1.0) + "a",
        "concat": lambda: tf.concat([tf.ones([2, 3]), tf.ones([3, 2])], 0),
        "reshape": lambda: tf.reshape(tf.ones([5]), [2, 3]),
        "axis": lambda: tf.reduce_sum(tf.ones([2, 3]), 2),
        "squeeze": lambda: tf.squeeze(tf.ones([2, 3]), [0]),
        "stack": lambda: tf.stack([tf.ones([2]), tf.ones([3])]),
        "unstack": lambda: tf.unstack(tf.placeholder(tf.float32, [None])),
        "split": lambda: tf.split(tf.ones([5]), 2),
        "bool": lambda: bool(tf.constant(True)),
        "iterate": lambda: list(tf.placeholder(tf.float32)),
        "int shape": lambda: int(tf.placeholder(tf.float32, [None]).shape[0]),
        "len": lambda: len(tf.constant([1])),
        "set shape": lambda: tf.ones([2]).set_shape([3]),
        "as list": lambda: tf.TensorShape(None).as_list(),
        "merge": lambda: tf.TensorShape([1, 2]).merge_with([1, 3]),
        "compatible": lambda: tf.TensorShape([1, 2]).assert_is_compatible_with([1, 3]),
        "cast": lambda: tf.cast(tf.constant(1), "nothing"),
        "constant shape": lambda: tf.constant([1, 2, 3], shape=[2]),
        "constant dtype": lambda: tf.constant("a", tf.float32),
        "constant float": lambda: tf.constant(1.5, tf.int32),
        "ragged": lambda: tf.constant([[1], [2, 3]]),
        "convert": lambda: tf.convert_to_tensor(tf.constant(1), tf.float32),
        "variable none": lambda: tf.Variable(None),
        "variable shape": lambda: tf.get_variable("v"),
        "initializer shape": lambda: tf.get_variable("v", [2], initializer=tf.constant([1.0])),
        "scope twice": scope_twice,
        "reuse missing": reuse_missing,
        "reuse other shape": reuse_other_shape,
        "assign": lambda: tf.Variable([1.0]).assign([1.0, 2.0]),
        "other graph": other_graph,
        "finalized": finalized,
        "name": lambda: tf.constant(1.0, name="a b"),
        "scope name": lambda: tf.name_scope("-a").__enter__(),
        "lookup": lambda: tf.get_default_graph().get_tensor_by_name("nothing:0"),
        "lookup name": lambda: tf.get_default_graph().get_tensor_by_name("nothing"),
        "lookup operation": lambda: tf.get_default_graph().get_operation_by_name("nothing"),
        "cond value": lambda: tf.cond(True, lambda: 1, lambda: 2),
        "cond dtypes": lambda: tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(1.0)),
        "cond structure": lambda: tf.cond(tf.constant(True), lambda: [tf.ones([])] * 2, lambda: [tf.ones([])]),
        "while shape": lambda: tf.while_loop(lambda x: True, lambda x: tf.concat([x, x], 0), [tf.ones([1])]),
        "while structure": lambda: tf.while_loop(lambda x: True, lambda x: [x, x], [tf.ones([1])]),
        "while empty": lambda: tf.while_loop(lambda: True, lambda: None, []),
        "no gradients": lambda: tf.train.AdamOptimizer().minimize(tf.constant(1.0), var_list=[tf.Variable(1.0)]),
        "no variables": lambda: tf.train.AdamOptimizer().minimize(tf.constant(1.0)),
        "eval": lambda: tf.constant(1.0).eval(),
        "one hot": lambda: tf.one_hot([1.5], 3),
        "conv": lambda: tf.nn.conv2d(tf.ones([1, 5, 5, 2]), tf.ones([3, 3, 3, 1]), [1, 1, 1, 1], "SAME"),
        "padding": lambda: tf.nn.conv2d(tf.ones([1, 5, 5, 1]), tf.ones([3, 3, 1, 1]), [1, 1, 1, 1], "BOTH"),
        "dense": lambda: tf.layers.dense(tf.placeholder(tf.float32, [None, None]), 3),
        "labels": lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.ones([2]), logits=tf.ones([2, 3])),
        "positional": lambda: tf.nn.softmax_cross_entropy_with_logits(tf.ones([2, 3]), tf.ones([2, 3])),
        "keep": lambda: tf.nn.dropout(tf.ones([2]), 1.5),
        "placeholder": lambda: tf.placeholder("nothing"),
    }
    kinds = {
        "key": ["lookup", "lookup operation"],
        "runtime": ["finalized"],
        "type": [
            "add dtypes", "add string", "bool", "cast", "cond value", "constant dtype", "constant float", "int shape",
            "iterate", "labels", "len", "one hot", "placeholder",
        ],
        "value": calls,
    }  # fmt: skip
    return attempts(tf, np, calls, kinds)


def running_errors(tf, np):
    def run(build, feed=None):
        def call():
            x = tf.placeholder(tf.float32, name="x")
            with tf.Session() as session:
                fetches = build(x)
                session.run(fetches, None if feed is None else {x: feed})

        return call

    def closed():
        session = tf.Session()
        x = tf.constant(1.0)
        session.close()
        session.run(x)

    def fed(key, value):
        def call():
            x = tf.placeholder(tf.float32, [None, 2], name="x")
            with tf.Session() as session:
                session.run(x * 2.0, {key(x): value})

        return call

    calls = {
        "not fed": run(lambda x: x),
        "matmul": run(lambda x: tf.matmul(x, x), np.ones([2, 3])),
        "add": run(lambda x: x + tf.ones([4]), np.ones([3])),
        "reshape": run(lambda x: tf.reshape(x, [2, -1]), np.ones([3])),
        "gather": run(lambda x: tf.gather([1.0, 2.0], tf.cast(x, tf.int32)), [3.0]),
        "gather negative": run(lambda x: tf.gather([1.0, 2.0], tf.cast(x, tf.int32)), [-1.0]),
        "index": run(lambda x: x[3], [1.0]),
        "index negative": run(lambda x: x[-3], [1.0]),
        "slice": run(lambda x: tf.slice(x, [1], [3]), [1.0, 2.0]),
        "split": run(lambda x: tf.split(x, 2, 0), [1.0, 2.0, 3.0]),
        "concat": run(lambda x: tf.concat([x, tf.ones([1, 2])], 0), [[1.0]]),
        "division": run(lambda x: tf.cast(x, tf.int32) // 0, 1.0),
        "cholesky": run(lambda x: tf.cholesky(x), [[1.0, 2.0], [2.0, 1.0]]),
        "inverse": run(lambda x: tf.matrix_inverse(x), [[1.0, 1.0], [1.0, 1.0]]),
        "labels": run(
            lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(x, tf.int32), logits=tf.ones([1, 3])),
            [5.0],
        ),
        "assert": run(lambda x: tf.Assert(x > 0, [x]), -1.0),
        "assert equal": run(lambda x: tf.assert_equal(x, 1.0), 2.0),
        "numerics": run(lambda x: tf.check_numerics(tf.log(x), "bad"), -1.0),
        "uninitialized": run(lambda x: tf.Variable(1.0), 1.0),
        "fetch number": run(lambda x: 1.0),
        "fetch none": run(lambda x: None),
        "fetch name": run(lambda x: "nothing:0"),
        "fetch operation": run(lambda x: "nothing"),
        "python": run(lambda x: tf.py_func(lambda v: 1 // int(v * 0), [x], tf.float32), 1.0),
        "python value": run(lambda x: tf.py_func(lambda v: {}[v.item()], [x], tf.float32), 1.0),
        "closed": closed,
        "feed shape": fed(lambda x: x, np.ones([2, 3])),
        "feed rank": fed(lambda x: x, 1.0),
        "feed text": fed(lambda x: x, "text"),
        "feed ragged": fed(lambda x: x, [[1.0], [2.0, 3.0]]),
        "feed tensor": fed(lambda x: x, tf.constant([[1.0, 2.0]])),
        "feed none": fed(lambda x: x, None),
        "feed key": fed(lambda x: 1, 1.0),
        "feed unknown": fed(lambda x: "nothing:0", 1.0),
        "end of data": run(lambda x: tf.data.Dataset.range(0).make_one_shot_iterator().get_next(), 1.0),
        "while length": run(lambda x: tf.TensorArray(tf.float32, 2).write(3, x).stack(), 1.0),
        "segment": run(lambda x: tf.segment_sum(x, [1, 0]), [1.0, 2.0]),
        "strided": run(lambda x: tf.strided_slice(x, [0], [2], [0]), [1.0, 2.0]),
    }
    kinds = {
        "precondition": ["uninitialized"],
        "range": ["end of data"],
        "runtime": ["closed"],
        "type": ["feed key", "feed tensor", "feed unknown", "fetch none", "fetch number"],
        "unknown": ["python", "python value"],
        "value": ["feed none", "feed ragged", "feed rank", "feed shape", "feed text", "fetch name", "fetch operation"],
        "argument": calls,
    }
    return attempts(tf, np, calls, kinds)


CASES = {"texts": texts, "shapes": shapes, "building_errors": building_errors, "running_errors": running_errors}
