import linecache
import traceback

import numpy as np
import pytest

import static as tf
import static.plan
from graphs.codegen.instructions import Region
from graphs.codegen.machine import available
from static.lowering import Lowering
from static.passes import EXACT


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
        ("    f0 = dense(f0)", "", ""),
        (f"    v0 = state[s{w.op.serial}]", "  # ", "w float32(3, 2)"),
        ("    t1 = k_matmul(xp, f0, v0)", "  # ", "matmul float32(?, 2)"),
        ("    t2 = u_maximum(t1, p0); del t1", "  # ", "y float32(?, 2)"),
        ("    t3 = u_add(v0, c0)", "  # ", "AssignAdd float32(3, 2)"),
        (f"    return (t2, copy(t3), ), {{s{w.op.serial}: ordered(t3)}}", "", ""),
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


def test_long_plans_and_short_ones_agree(session, monkeypatch):
    x, _, fetches = net()
    batch = np.ones((5, 6))
    session.run(tf.global_variables_initializer())
    with session.stream.at(7):
        compiled = session.interpret(fetches, {x: batch}, commit=False)
    monkeypatch.setattr("static.plan._MOST_LINES", 0)
    with session.stream.at(7):
        long = session.run(fetches, {x: batch})
    monkeypatch.undo()
    monkeypatch.setattr("static.plan._MOST_LINES", 1)
    assert "def run(" in session.plan([*fetches, tf.negative(fetches[0])], {x: batch}).source  # of what is not compiled
    monkeypatch.setattr("static.plan._MOST_LINES", 0)
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


# Memory that is not in C's order


@pytest.fixture
def hot(monkeypatch):
    """Let every plan be compiled when it has run twice."""
    monkeypatch.setattr(static.plan, "HOT_SECONDS", -1.0)
    monkeypatch.setattr(static.plan, "SECONDS_A_CALL", 0.0)


def runs(fetches, feeds=None, passes=EXACT, initial=None):
    """What four runs fetch, the last ones compiled, and the plan."""
    with tf.Session(passes=passes) as session:
        if initial is not None:
            session.run(initial)
        found = [session.run(fetches, feeds) for _ in range(4)]
        return found, session.plan(fetches, feeds or {})


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("f")


def test_what_is_fed_in_another_order_gives_the_same_bits(hot):
    x = tf.placeholder(tf.float32, [None, 37])
    total = tf.reduce_sum(x * 3.0)
    array = numbers(53, 37)
    for passes in ((), EXACT):
        for fed in (array, np.asfortranarray(array), np.repeat(array, 2, axis=1)[:, ::2]):
            found, _ = runs(total, {x: fed}, passes)
            assert {value.tobytes() for value in found} == {np.sum(array * np.float32(3.0)).tobytes()}


def test_results_and_constants_in_another_order_keep_it(hot):
    turned = tf.py_func(lambda a: np.asfortranarray(a), [tf.constant(numbers(53, 37))], tf.float32, stateful=False)
    turned.set_shape([53, 37])
    fixed = tf.transpose(tf.constant(numbers(37, 53)))
    fetches = [tf.reduce_sum(turned * 2.0), tf.abs(turned), tf.reduce_sum(fixed), fixed + turned]
    plain, _ = runs(fetches, passes=())
    found, plan = runs(fetches)
    assert plan.native
    for values in found:
        for value, wanted in zip(values, plain[0], strict=True):
            np.testing.assert_array_equal(value, wanted)


def test_a_variable_is_held_in_order(hot):
    w = tf.Variable(numbers(53, 37))
    train = w.assign(tf.transpose(tf.transpose(w) * 0.5))
    total = tf.reduce_sum(w)
    with tf.Session(passes=()) as session:
        session.run(w.initializer)
        for _ in range(4):
            session.run(train)
            assert session._state[w.op].flags.c_contiguous
            assert session.run(total) == np.sum(session.run(w))


def test_a_region_adds_up_what_it_writes(hot):
    x, b = tf.placeholder(tf.float32, [64, 50]), tf.Variable(numbers(50))
    h = tf.nn.relu(x * 2.0 + b)
    slope = tf.reduce_sum(h * x, axis=0)
    found, plan = runs([h, slope], {x: numbers(64, 50)}, initial=b.initializer)
    for value in found:
        np.testing.assert_array_equal(value[1], (value[0] * numbers(64, 50)).sum(0))
    segment = Lowering(plan.schedule).pieces[0]
    regions = [each for each in segment.instructions if isinstance(each, Region)]
    assert [call.name for call in regions[-1].scalars.calls][-2:] == ["multiply", "add"]
    assert len(segment.instructions) == len(regions) + 1


def test_a_view_is_made_after_all_that_it_is_of(hot):
    x = tf.placeholder(tf.float32, [12])
    sorted_, _ = tf.nn.top_k(x, 12)
    rows, columns = tf.reshape(sorted_, [3, 4]), tf.reshape(sorted_, [4, 3])
    fetches = [tf.cumsum(columns), tf.cumsum(rows), rows + 1.0]
    found, _ = runs(fetches, {x: numbers(12)})
    for values in found[1:]:
        for value, wanted in zip(values, found[0], strict=True):
            np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("asked", ["new", "assigned", "new assigned", "new total", "other", "other new", "turned"])
def test_what_is_fetched_stays_as_it_was_whatever_becomes_of_variables(hot, session, asked):
    w, v = (tf.Variable(np.array([[1.0, 2.0, 3.0]] * 2, np.float32)) for _ in range(2))
    new = w * 2.0
    assigned = tf.assign(w, new)
    fetches = {"new": new, "assigned": assigned, "total": tf.reduce_sum(new), "other": tf.assign(v, new)}
    fetches["turned"] = tf.transpose(new)
    wanted = [*(fetches[name] for name in asked.split()), assigned.op]
    session.run([w.initializer, v.initializer])
    found = [session.run(wanted)[:-1] for _ in range(6)]
    for i, values in enumerate(found):
        for name, value in zip(asked.split(), values, strict=True):
            right = np.array([[2.0, 4.0, 6.0]] * 2, np.float32) * 2**i
            np.testing.assert_array_equal(value, right.sum() if name == "total" else right.T if name == "turned" else right)
    held = session.run([w, v])
    session.run(tf.assign_add(w, np.ones((2, 3), np.float32)).op)
    np.testing.assert_array_equal(session.run(v), held[1])


def test_two_fetches_of_one_value_are_arrays_of_their_own(hot, session):
    x = tf.placeholder(tf.float32, [3])
    y = x * 2.0
    fetches = [y, tf.identity(y), tf.reshape(y, [3])]
    for _ in range(4):
        first, *others = session.run(fetches, {x: [1, 2, 3]})
        first[:] = 0
        for other in others:
            np.testing.assert_array_equal(other, [2, 4, 6])


def test_what_variables_are_changed_by_lasts_until_they_are_changed(session):
    """Native code changes variables last of all: what they are changed by may not share memory with what came since."""
    x = tf.placeholder(tf.float64, [8, 6])
    random = np.random.default_rng(0)
    variables = [tf.Variable(random.standard_normal(shape)) for shape in ((6, 5), (5, 2), (2,))]
    loss = tf.reduce_mean((tf.nn.relu(x @ variables[0]) @ variables[1] + variables[2]) ** 2.0)
    gradients = tf.gradients(loss, variables)
    changes = [v.assign_sub(0.1 * tf.sign(g)).op for v, g in zip(variables, gradients, strict=True)]
    feed = {x: random.standard_normal((8, 6))}
    found = []
    for compiled in (False, True):
        session.run([v.initializer for v in variables])
        assert not compiled or session.plan([*changes, *gradients], feed).compile()
        session.run([*changes, *gradients], feed)
        found.append(session.run(variables))
    for slow, fast in zip(*found, strict=True):
        np.testing.assert_array_equal(fast, slow)


def test_what_would_take_long_to_compile_stays_python(session):
    x = tf.placeholder(tf.float32, [4])
    few, many = (tf.stack([tf.sin(x * float(i)) for i in range(n)]) for n in (20, 300))
    feed = {x: np.ones(4, "float32")}
    expected = session.run([few, many], feed)
    assert session.plan(few, feed).compile() == available()
    assert not session.plan(many, feed).compile()
    for y, value in zip((few, many), expected, strict=True):
        np.testing.assert_array_equal(session.run(y, feed), value)
