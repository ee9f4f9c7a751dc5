"""Replicas in threads of one process: what a run splits, averages, joins and draws, and what it refuses."""

import threading

import numpy as np
import pytest

import static as tf
from static.distributed.replicas_batch import shared
from static.distributed.replicas_cut import divide
from static.distributed.replicas_reduce import Kind, joined
from tests.static.distributed.replica_threads import ThreadGroup, session


OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: tf.train.AdamOptimizer(0.05),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.01),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1),
}


class Net:
    """Two layers, a mean of squares, and batches for it."""

    def __init__(self, optimizer=OPTIMIZERS["descent"], dtype="float64", clip=None):
        tf.set_random_seed(3)
        self.x = tf.placeholder(dtype, (None, 6), name="x")
        self.y = tf.placeholder(dtype, (None, 2), name="y")
        self.w = tf.Variable(tf.random_normal((6, 5), dtype=dtype), name="w")
        self.v = tf.Variable(tf.random_normal((5, 2), dtype=dtype), name="v")
        self.b = tf.Variable(tf.zeros((2,), dtype), name="b")
        self.out = tf.matmul(tf.nn.relu(tf.matmul(self.x, self.w)), self.v) + self.b
        self.loss = tf.reduce_mean((self.out - self.y) ** 2.0)
        solver = optimizer()
        pairs = solver.compute_gradients(self.loss)
        self.gradients = [g for g, _ in pairs]
        if clip is not None:
            clipped, _ = tf.clip_by_global_norm(self.gradients, clip)
            pairs = list(zip(clipped, [v for _, v in pairs], strict=True))
        self.train = solver.apply_gradients(pairs, tf.train.get_or_create_global_step())
        self.init = tf.global_variables_initializer()
        self.dtype = dtype

    def feeds(self, steps, rows=13):
        random = np.random.default_rng(0)
        for _ in range(steps):
            yield {
                self.x: random.standard_normal((rows, 6)).astype(self.dtype),
                self.y: random.standard_normal((rows, 2)).astype(self.dtype),
            }


def trained(sess, net, steps=4, rows=13):
    """The losses of some steps, and all variables after them."""
    sess.run(net.init)
    losses = [sess.run([net.loss, net.train], feed)[0] for feed in net.feeds(steps, rows)]
    return losses, {v.name: sess.run(v) for v in tf.global_variables()}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# Against one process


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_replica_gives_the_bits_of_a_plain_session(optimizer):
    net = Net(OPTIMIZERS[optimizer], "float32")
    losses, values = trained(session(1), net)
    plain, wanted = trained(tf.Session(), net)
    assert losses == plain
    assert all(same(values[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_agree_with_one_process(optimizer, replicas):
    net = Net(OPTIMIZERS[optimizer])
    sess = session(replicas)
    losses, values = trained(sess, net)
    plain, wanted = trained(tf.Session(), net)
    np.testing.assert_allclose(losses, plain, rtol=1e-12)
    for name, value in wanted.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    assert set(sess.check_replicas()) == {v.op.name for v in tf.global_variables()}


@pytest.mark.parametrize("replicas", [2, 3, 4])
@pytest.mark.parametrize("rows", [64, 13, 2])
def test_gradients_are_within_the_rounding_of_their_sum(replicas, rows):
    """|ours - exact| <= (rows + 4) u sum(|x| |residual|) / rows for each entry, in float32, whatever the shares are."""
    x = tf.placeholder("float32", (None, 8))
    r = tf.placeholder("float32", (None, 3))
    w = tf.Variable(np.zeros((8, 3), "float32"))
    loss = tf.reduce_mean(tf.reduce_sum(tf.matmul(x, w) * r, 1))
    (gradient,) = tf.gradients(loss, [w])
    step = w.assign(gradient)
    sess = session(replicas)
    sess.run(w.initializer)
    random = np.random.default_rng(rows)
    a, b = (random.standard_normal((rows, n)).astype("float32") for n in (8, 3))
    sess.run(step, {x: a, r: b})
    exact = a.T.astype("float64") @ b / rows
    bound = (rows + 4) * 2.0**-24 * (abs(a.T).astype("float64") @ abs(b)) / rows
    assert (abs(sess.run(w) - exact) <= bound).all()
    sess.check_replicas()


def test_the_mean_of_replicas_is_rounded_once():
    """Added up in float64: the mean of three float32 numbers is the nearest float32."""
    random = np.random.default_rng(0)
    values = random.standard_normal((3, 40000)).astype("float32")  # large enough to go in chunks
    group = ThreadGroup(3)
    made = {}

    def work(rank):
        group.swaps[rank].begin(1)
        made[rank] = joined([Kind("g", False, False)], [values[rank]], [5, 4, 4], group.swaps[rank])[0]

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exact = (np.array([5.0, 4.0, 4.0])[:, None] * values.astype("float64")).sum(0) / 13
    for rank in range(3):
        np.testing.assert_array_equal(made[rank], exact.astype("float32"))
    sizes = {swap.sent for swap in group.swaps}
    assert max(sizes) <= 2 * values[0].nbytes * 2 / 3 + 100, "each sends twice its own size less what it keeps, however many"


def test_clipping_by_the_norm_is_by_that_of_the_whole_batch():
    net = Net(clip=0.1)
    _, values = trained(session(3), net)
    _, wanted = trained(tf.Session(), net)
    for name, value in wanted.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("solver", ["descent", "adam", "adagrad"])
def test_rows_of_a_table(solver):
    ids = tf.placeholder("int64", (None, 3))
    table = tf.Variable(np.random.default_rng(1).standard_normal((20, 4)), name="table")
    loss = tf.reduce_mean(tf.reduce_sum(tf.nn.embedding_lookup(table, ids) ** 2.0, [1, 2]))
    train = OPTIMIZERS[solver]().minimize(loss)
    sess, plain = session(3), tf.Session()
    for each in (sess, plain):
        each.run(tf.global_variables_initializer())
        for seed in range(3):
            each.run(train, {ids: np.random.default_rng(seed).integers(0, 20, (8, 3))})
    np.testing.assert_allclose(sess.run(table), plain.run(table), rtol=1e-12)
    sess.check_replicas()


def test_a_batch_smaller_than_the_replicas():
    net = Net()
    sess, plain = session(4), tf.Session()
    losses, values = trained(sess, net, rows=3)
    assert sess.split == {"x:0": "1 + 1 + 1 + 0", "y:0": "1 + 1 + 1 + 0"}
    wanted_losses, wanted = trained(plain, net, rows=3)
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-12)
    for name, value in wanted.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-10, err_msg=name)
    feed = next(net.feeds(1, 3))
    assert sess.run(net.out, feed).shape == (3, 2)


def test_losses_that_are_sums():
    x = tf.placeholder("float64", (None, 4))
    w = tf.Variable(np.ones((4, 1)))
    loss = tf.reduce_sum(tf.matmul(x, w) ** 2.0)
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    feed = {x: np.arange(20.0).reshape(5, 4) / 20}
    sess, plain = session(2, reduction="sum"), tf.Session()
    for each in (sess, plain):
        each.run(w.initializer)
    np.testing.assert_allclose(sess.run([loss, train], feed)[0], plain.run([loss, train], feed)[0])
    np.testing.assert_allclose(sess.run(w), plain.run(w), rtol=1e-13)
    with pytest.raises(ValueError, match="reduction is 'mean' or 'sum', not 'max'"):
        session(2, reduction="max")


def test_an_optimizer_of_ones_own():
    class Signs(tf.train.Optimizer):
        def __init__(self):
            super().__init__(False, "Signs")

        def _apply_dense(self, grad, var):
            return var.assign_sub(0.1 * tf.sign(grad)).op

    net = Net(Signs)
    _, values = trained(session(3), net)
    _, wanted = trained(tf.Session(), net)
    for name, value in wanted.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-12, err_msg=name)


def test_a_graph_from_a_file_is_cut_at_the_gradients_too(tmp_path):
    net = Net(OPTIMIZERS["adam"])
    saver = tf.train.Saver()
    plain = tf.Session()
    losses, wanted = trained(plain, net)
    saver.export_meta_graph(str(tmp_path / "net.meta"))
    feeds = [{key.name: value for key, value in feed.items()} for feed in net.feeds(4)]
    names = net.init.name, net.loss.name, net.train.name
    with tf.Graph().as_default():
        tf.train.import_meta_graph(str(tmp_path / "net.meta"))
        sess = session(3)
        sess.run(names[0])
        found = [sess.run([*names[1:]], feed)[0] for feed in feeds]
        np.testing.assert_allclose(found, losses, rtol=1e-12)
        for name, value in wanted.items():
            np.testing.assert_allclose(sess.run(name), value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_nothing_is_worked_out_twice():
    """The programs before and after the cut have the matrix products of the whole between them, no more."""
    net = Net()
    sess, plain = session(2), tf.Session()
    trained(sess, net, 1)
    feed = next(net.feeds(1))
    replica = sess.group.replicas[0]
    (way,) = [way for way in replica._ways.values() if way.before is not None]

    def products(plan):
        return sum(step.node.op.name in ("matmul", "matmul_bias") for step in plan.schedule.steps)

    (before,), (after,) = way.before.plans.values(), way.after.plans.values()
    plain.run(net.init)
    assert products(before) == products(plain.plan([net.loss, *net.gradients], feed))
    assert products(after) == 0


# What is fed and fetched


def test_what_is_fetched():
    x = tf.placeholder("float64", (None, 3), name="x")
    scale = tf.placeholder("float64", (), name="scale")
    table = tf.placeholder("float64", (3, 2), name="table")
    rows = tf.matmul(x * scale, table)
    fetches = {
        "rows": rows,
        "turned": tf.transpose(rows),
        "chosen": tf.boolean_mask(rows, rows[:, 0] > 0.0),
        "classes": tf.argmax(rows, 1),
        "mean": tf.reduce_mean(rows),
        "of columns": tf.reduce_mean(rows, 0),
        "scale": scale,
        "same": tf.shape(table),
        "text": tf.strings.as_string(tf.argmax(rows, 1)),
    }
    feed = {x: np.random.default_rng(0).standard_normal((7, 3)), scale: 2.0, table: np.arange(6.0).reshape(3, 2)}
    sess = session(3)
    found, wanted = sess.run(fetches, feed), tf.Session().run(fetches, feed)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, name
        if value.dtype.kind == "f":
            np.testing.assert_allclose(found[name], value, rtol=1e-14, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert sess.split == {"x:0": "3 + 2 + 2", "scale:0": "whole", "table:0": "whole"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: tf.reduce_sum(tf.cast(x > 0, tf.int32)), "int32 have no mean. Cast it to a float"),
        (lambda x: tf.reduce_max(tf.cast(x > 0, tf.int64)), "int64 have no mean"),
        (lambda x: tf.matmul(x, x, transpose_b=True), "2 of its dimensions hang on the batch"),
    ],
)
def test_what_cannot_be_put_together(make, message):
    x = tf.placeholder("float64", (None, 3), name="x")
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session(2).run(make(x), {x: np.ones((4, 3))})


def test_a_batch_that_is_not_clear_is_refused():
    x = tf.placeholder("float64", (None, 3), name="x")
    z = tf.placeholder("float64", (None,), name="z")
    mean = tf.reduce_mean(x) + tf.reduce_sum(z)
    feed = {x: np.ones((4, 3)), z: np.ones(5)}
    with pytest.raises(ValueError, match=r"it is not clear what the batch is.*\(x:0 \(4, 3\), z:0 \(5,?\)\)"):
        session(2).run(mean, feed)
    sess = session(2, split=[x])
    assert sess.run(mean, feed) == 6.0
    assert sess.split == {"x:0": "2 + 2", "z:0": "whole"}


def test_a_batch_whose_size_the_graph_knows():
    x = tf.placeholder("float64", (6, 4), name="x")
    y = tf.placeholder("float64", (6, 1), name="y")
    w = tf.Variable(np.zeros((4, 1)))
    out = tf.matmul(x, w)
    loss = tf.losses.mean_squared_error(y, out)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    random = np.random.default_rng(0)
    feed = {x: random.standard_normal((6, 4)), y: random.standard_normal((6, 1))}
    sess, plain = session(3), tf.Session()
    for each in (sess, plain):
        each.run(w.initializer)
        for _ in range(3):
            each.run([loss, train], feed)
    assert sess.split == {"x:0": "2 + 2 + 2", "y:0": "2 + 2 + 2"}
    np.testing.assert_allclose(sess.run(w), plain.run(w), rtol=1e-6)  # the loss is of float32
    assert sess.run(out, feed).shape == (6, 1)


def test_shares():
    x, y = tf.placeholder("float64", (None, 2)), tf.placeholder("float64", (5,))
    batch = shared([x, y], [np.ones((5, 2)), np.ones(5)], 3)
    assert (batch.split, batch.shares) == (frozenset({0, 1}), (2, 2, 1))
    assert [len(batch.part([np.arange(5), np.arange(5)], r)[0]) for r in range(3)] == [2, 2, 1]
    assert shared([x, y], [np.ones((4, 2)), np.ones(5)], 3).split == {0}
    assert shared([x], [np.ones((0, 2))], 3).split == frozenset()


# What is written


def test_metrics_add_up_and_moving_averages_are_averaged():
    x = tf.placeholder("float64", (None, 3))
    labels = tf.placeholder("int64", (None,))
    normal = tf.layers.batch_normalization(x, training=True, momentum=0.5)
    mean, update = tf.metrics.mean(tf.abs(x))
    right, count = tf.metrics.accuracy(labels, tf.argmax(x, 1))
    moving = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    random = np.random.default_rng(0)
    data, wanted = random.standard_normal((9, 3)), random.integers(0, 3, 9)
    sess, plain = session(2), tf.Session()
    for each in (sess, plain):
        each.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(2):
            each.run([update, count, normal, *moving], {x: data, labels: wanted})
    np.testing.assert_allclose(sess.run([mean, right]), plain.run([mean, right]), rtol=1e-6)  # of float32
    (average,) = [v for v in tf.global_variables() if "moving_mean" in v.name]
    np.testing.assert_allclose(sess.run(average), plain.run(average), rtol=1e-12)
    sess.check_replicas()


def test_what_has_no_mean_is_not_written():
    x = tf.placeholder("int64", (None,), name="x")
    largest = tf.Variable(np.int64(0), name="largest")
    step = largest.assign(tf.reduce_max(x), name="step")
    sess = session(2)
    sess.run(largest.initializer)
    with pytest.raises(tf.errors.UnimplementedError, match="cannot be put together: values of int64 have no mean"):
        sess.run(step, {x: [1, 2]})
    rows = tf.Variable(np.zeros((4, 2)))
    with pytest.raises(tf.errors.UnimplementedError, match="what it changes in Variable has no mean"):
        sess.run(tf.scatter_update(rows, x, np.ones(2)), {x: [1, 2]})
    assert sess.run(largest) == 0


def test_a_run_that_fails_on_one_replica_changes_nothing_on_any():
    net = Net()
    checked = tf.Assert(tf.reduce_all(net.x < 100.0), [net.x])
    with tf.control_dependencies([checked]):
        loss = tf.identity(net.loss)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    sess = session(3)
    sess.run(net.init)
    feed = next(net.feeds(1))
    sess.run(train, feed)
    before = sess.check_replicas()
    bad = {net.x: feed[net.x].copy(), net.y: feed[net.y]}
    bad[net.x][5, 0] = 1000.0  # in replica 1's part
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"on replica 1 of 3"):
        sess.run(train, bad)
    assert sess.check_replicas() == before
    sess.run(train, feed)
    assert sess.check_replicas() != before


# What is drawn


def test_each_replica_draws_numbers_of_its_own():
    tf.set_random_seed(5)
    x = tf.placeholder("float32", (None, 2))
    noise = tf.random_normal(tf.shape(x))
    sample = tf.random_uniform((4,))
    w = tf.Variable(tf.random_normal((3, 3)))
    feed = {x: np.zeros((6, 2), "float32")}

    def drawn(sess):
        return [sess.run(w.initializer), *(sess.run(noise, feed) for _ in range(2)), sess.run(sample), sess.run(w)]

    first, again, plain = drawn(session(3)), drawn(session(3)), drawn(tf.Session())
    assert all(a is b is None or same(a, b) for a, b in zip(first, again, strict=True))
    parts = [first[1][i : i + 2].tobytes() for i in (0, 2, 4)]
    assert len({*parts, first[2][:2].tobytes()}) == 4
    np.testing.assert_array_equal(first[3], plain[3])
    np.testing.assert_array_equal(first[4], plain[4])
    np.testing.assert_array_equal(first[1][:2], tf_rows(x, noise, 2))


def tf_rows(x, noise, rows):
    """What a plain session draws in its second run, for so many rows."""
    plain = tf.Session()
    plain.stream.step = 1
    return plain.run(noise, {x: np.zeros((rows, 2), "float32")})


def test_gradients_of_random_batches_without_any_feed():
    tf.set_random_seed(1)
    w = tf.Variable(np.zeros(3))
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w * tf.random_normal((3,), dtype="float64")))
    sess = session(2)
    sess.run(w.initializer)
    sess.run(train)
    sess.check_replicas()
    plain = tf.Session()
    plain.run(w.initializer)
    plain.run(train)
    assert not np.array_equal(sess.run(w), plain.run(w)), "the second replica has drawn other numbers"


# The session


def test_growing_saving_and_comparing(tmp_path):
    net = Net()
    saver = tf.train.Saver()
    sess = session(2)
    _, values = trained(sess, net)
    path = saver.save(sess, str(tmp_path / "net"))
    with pytest.raises(tf.errors.UnimplementedError, match="does not run node by node"):
        sess.interpret(net.w)
    later = tf.Variable(1.5, name="later")
    sess.run(later.initializer)
    assert sess.run(later * 2.0) == 3.0
    other = session(3)
    saver.restore(other, path)
    assert all(same(other.run(v), values[v.name]) for v in (net.w, net.v, net.b))
    assert other.bisect(net.w) is None
    sess.group.replicas[1].load({"w": values["w:0"] + 1.0})
    with pytest.raises(tf.errors.InternalError, match=r"variables differ from those of replica 0: w \(on 1\)"):
        sess.check_replicas()
    sess.close()
    assert sess.group.asked[-1][0] == "close"
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(net.w)


def test_only_who_has_to_runs():
    net = Net()
    sess = session(3)
    trained(sess, net, 1)
    del sess.group.asked[:]
    sess.run(net.w)
    sess.run(net.w)
    runs = [ranks for method, ranks in sess.group.asked if method == "run"]
    assert runs == [[0], [0]]


def test_the_cut_is_at_what_the_optimizer_applies_where_more_than_gradients_goes_in():
    net = Net()
    w = tf.Variable(np.zeros((6, 5)))
    (g,) = tf.gradients(net.loss, [net.w])
    mixed = g + tf.reduce_mean(net.x)
    train = tf.train.AdamOptimizer().apply_gradients([(mixed, w)])
    division = divide([train], [net.x, net.y], [net.x, net.y])
    assert [joint.tensor.name for joint in division.joint] == [mixed.name]
    plain = tf.train.AdamOptimizer().apply_gradients([(g * 2.0, w)])
    division = divide([plain], [net.x, net.y], [net.x, net.y])
    assert [joint.tensor.op.name for joint in division.joint] == [g.op.name]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays: arrays[:1], "1 arrays in place of 2"),
        (lambda arrays: [arrays[0], arrays[1].astype("float64")], "float64 .* in place of float32"),
        (lambda arrays: [arrays[0], arrays[1][:-1]], r"shape \(9,?\) in place of \(10,?\)"),
        (lambda arrays: [arrays[0].astype("float32"), arrays[1]], "float32 .* in place of int64"),
    ],
)
def test_what_is_garbled_on_the_way_is_an_error(spoil, message):
    class Spoiling:
        rank, size = 0, 2

        def __call__(self, phase, out):
            return {1: spoil(list(out[1]))}

    with pytest.raises(tf.errors.DataLossError, match=message):
        joined([Kind("g", False, False)], [np.ones(10, "float32")], [1, 1], Spoiling())


# TensorFlow's own spelling


def test_sync_replicas_is_the_optimizer_that_it_holds():
    values = []
    for wrap in (lambda solver: solver, lambda solver: tf.train.SyncReplicasOptimizer(solver, 3, 3)):
        tf.reset_default_graph()
        net = Net(lambda wrap=wrap: wrap(tf.train.MomentumOptimizer(0.1, 0.9)))
        values.append(trained(session(3), net)[1])
    assert values[0].keys() == values[1].keys()
    assert all(same(values[0][name], values[1][name]) for name in values[0])


def test_sync_replicas_keeps_averages_and_sees_to_the_number():
    net = Net()
    averages = tf.train.ExponentialMovingAverage(0.5)
    solver = tf.train.SyncReplicasOptimizer(
        tf.train.MomentumOptimizer(0.1, 0.9), 2, variable_averages=averages, variables_to_average=[net.w]
    )
    step = tf.train.get_global_step()
    train = solver.minimize(net.loss, step)
    assert solver.get_slot_names() == ["momentum"]
    assert solver.get_slot(net.w, "momentum") in solver.variables()
    sess = session(2)
    sess.run(tf.global_variables_initializer())
    sess.run(solver.get_init_tokens_op())
    before = sess.run(net.w)
    sess.run(train, next(net.feeds(1)))
    np.testing.assert_allclose(sess.run(averages.average(net.w)), (before + sess.run(net.w)) / 2)
    solver.make_session_run_hook(True).after_create_session(sess, None)
    with pytest.raises(ValueError, match="is to aggregate 2 replicas, and the session has 1"):
        solver.make_session_run_hook(True).after_create_session(tf.Session(), None)
    with pytest.raises(ValueError, match="Global step is required"):
        solver.minimize(net.loss)
    with pytest.raises(ValueError, match="3 of 4 replicas are to be aggregated"):
        tf.train.SyncReplicasOptimizer(solver, 3, 4)


def test_replica_device_setter():
    spec = tf.train.ClusterSpec({"ps": ["a", "b"], "worker": ["c"]})
    with tf.device(tf.train.replica_device_setter(cluster=spec, worker_device="/job:worker/task:0")):
        first, second, third = (tf.Variable(np.zeros(2)) for _ in range(3))
        total = first + second
        with tf.device("/cpu:0"):
            here = third * 2.0
    assert [v.device for v in (first, second, third)] == [f"/job:ps/task:{i}" for i in (0, 1, 0)]
    assert total.op.device == "/job:worker/task:0"
    assert here.op.device == "/job:worker/task:0/device:CPU:0"
    assert tf.train.replica_device_setter() is None
    with tf.device(tf.train.replica_device_setter(2, ps_strategy=lambda op: 1)):
        assert tf.Variable(0.0).device == "/job:ps/task:1"
