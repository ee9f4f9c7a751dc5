import linecache
import traceback

import numpy as np
import pytest

import static as tf


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def test_the_source_is_one_readable_line_a_node(session):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.Variable(tf.ones([3, 2]), name="w")
    y = tf.nn.relu(x @ w, name="y")
    change = w.assign_add(tf.ones([3, 2]))
    assert [line.partition("  # ") for line in session.plan([y, change], [x]).source.splitlines()[1:]] == [
        ("    f0, = feeds", "", ""),
        (f"    v0 = state[s{w.op.serial}]", "  # ", "w float32(3, 2)"),
        ("    t1 = k_matmul(xp, f0, v0)", "  # ", "matmul float32(?, 2)"),
        ("    t2 = u_maximum(t1, p0); del t1", "  # ", "y float32(?, 2)"),
        ("    t3 = u_add(v0, c0)", "  # ", "AssignAdd float32(3, 2)"),
        (f"    return (t2, copy(t3), ), {{s{w.op.serial}: t3}}", "", ""),
    ]


def test_a_plan_holds_what_the_fetches_need_and_no_more(session):
    x = tf.placeholder(tf.float32)
    y = x * 2.0
    tf.exp(y)
    z = y + 1.0
    assert [step.node.name for step in session.plan(z, [x]).schedule.steps] == ["mul", "add"]
    assert [step.node.name for step in session.plan(z, [y]).schedule.steps] == ["add"]


def test_plans_are_made_once(session):
    x = tf.placeholder(tf.float32)
    y = x * 2.0
    for fetches in ([y], y, (y,), {"a": y}, [[y]]):
        session.run(fetches, {x: 1.0})
        count = len(session._calls)
        session.run(fetches, {x: 2.0})
        assert len(session._calls) == count
    assert len(session._calls) == 5


def test_a_failing_kernel_names_its_node_and_the_line(session):
    x = tf.placeholder(tf.float32, name="x")
    y = tf.placeholder(tf.float32, name="y")
    h = tf.exp(x)
    bad = tf.matmul(h, y, name="product")
    later = bad + 1.0
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(later, {x: np.ones((2, 3)), y: np.ones((4, 5))})
    message = str(caught.value)
    assert caught.value.op is bad.op
    assert message.startswith("product: matmul: ")
    assert "(operands float32(2, 3), float32(4, 5))" in message
    assert f"node 'product' (op: MatMul), made at {__file__}:" in message
    assert 'bad = tf.matmul(h, y, name="product")' in message
    shown = "".join(traceback.format_exception(caught.value))
    assert "k_matmul(xp, t1, f1)" in shown, "the traceback shows the plan's own line"


def test_a_plan_leaves_nothing_behind(session):
    x = tf.constant([1.0])
    plan = session.plan(x + 1.0)
    (name,) = plan._texts
    assert name in linecache.cache
    del plan
    assert name not in linecache.cache


def net():
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 6])
    w = tf.Variable(tf.random_normal([6, 4], stddev=0.3))
    h = tf.nn.dropout(tf.tanh(x @ w), rate=0.4)
    loss = tf.reduce_mean(tf.square(h)) + tf.reduce_sum(tf.random_uniform([2]))
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    return x, w, [loss, tf.gradients(loss, w)[0], step, w, tf.shape(h)]


def test_interpreting_gives_the_same_bits_and_shows_every_node(session):
    x, _, fetches = net()
    batch = np.random.default_rng(0).standard_normal((5, 6))
    seen = []
    with tf.Session(passes=()) as session, tf.Session(passes=()) as other:
        for each in (session, other):
            each.run(tf.global_variables_initializer())
        for _ in range(4):
            ours = session.run(fetches, {x: batch})
            seen.clear()
            theirs = other.interpret(fetches, {x: batch}, lambda node, operands, outs: seen.append((node, operands, outs)))
            assert [np.asarray(a).tobytes() for a in ours if a is not None] == [
                np.asarray(a).tobytes() for a in theirs if a is not None
            ]
            assert [type(a) for a in ours] == [type(a) for a in theirs]
        assert [node for node, _, _ in seen] == [step.node for step in other.plan(fetches, {x: batch}).schedule.steps]
    assert all(len(outs) == len(node.specs) for node, _, outs in seen)


def test_interpreting_without_commit_leaves_everything_as_it_was(session):
    x, w, fetches = net()
    batch = np.ones((5, 6))
    session.run(tf.global_variables_initializer())
    before = session.run(w)
    looked = session.interpret(fetches, {x: batch}, commit=False)
    np.testing.assert_array_equal(session.run(w), before)
    assert session.run(fetches, {x: batch})[0] == looked[0]


def test_chains_of_a_hundred_thousand_operations(session):
    x = tf.placeholder(tf.float32, [2])
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    (slope,) = tf.gradients(y, x)
    value, gradient = session.run([y, slope], {x: [1.0, 2.0]})
    np.testing.assert_allclose(gradient, np.exp(1.0), rtol=1e-2)
    np.testing.assert_array_equal(value, gradient * np.array([1.0, 2.0], np.float32))


def test_long_plans_and_short_ones_agree(session, monkeypatch):
    x, _, fetches = net()
    batch = np.ones((5, 6))
    session.run(tf.global_variables_initializer())
    with session.stream.at(7):
        compiled = session.interpret(fetches, {x: batch}, commit=False)
    monkeypatch.setattr("static.plan._MOST_LINES", 0)
    with session.stream.at(7):
        long = session.run(fetches, {x: batch})
    assert long[0] == compiled[0]
    a = tf.placeholder(tf.float32)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"(?s)operands float32\(5, 7\), float32\(5, 7\).*node 'product'"
    ):
        session.run(tf.matmul(a, a, name="product"), {a: np.ones((5, 7))})


def test_regions_of_too_many_stages_stay_as_they_are(session):
    x = tf.placeholder(tf.float32, [4])
    y = x
    for _ in range(100):
        y = tf.sin(y) + 1.0
    value = np.ones(4, np.float32)
    before = session.run(y, {x: value})
    assert not session.plan(y, {x: value}).compile()
    np.testing.assert_array_equal(session.run(y, {x: value}), before)
