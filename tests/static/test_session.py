import threading
from collections import namedtuple

import numpy as np
import pytest

import static as tf


Pair = namedtuple("Pair", "left right")


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def test_fetches_come_back_in_the_structure_they_were_asked_in(session):
    a, b = tf.constant(1.0, name="a"), tf.constant([2.0, 3.0], name="b")
    op = tf.no_op()
    assert session.run(a) == 1.0
    assert isinstance(session.run(a), np.float32)
    assert session.run([]) == []
    assert session.run([a, a]) == [1.0, 1.0]
    assert session.run((a, op)) == (1.0, None)
    assert session.run("a:0") == 1.0
    assert session.run("a") is None
    nested = session.run({"x": [a, (a, op)], "y": Pair(a, [a])})
    assert nested == {"x": [1.0, (1.0, None)], "y": Pair(1.0, [1.0])}
    assert session.run([{"b": a}]) == [{"b": 1.0}]
    np.testing.assert_array_equal(session.run(Pair(b, a)).left, [2, 3])


@pytest.mark.parametrize(
    ("fetch", "error", "message"),
    [
        (3, TypeError, "Fetch argument 3 has invalid type int, must be a string or Tensor"),
        (None, TypeError, "Fetch argument None has invalid type"),
        ([1.5], TypeError, "Fetch argument 1.5 has invalid type float"),
        (np.ones(2), TypeError, "has invalid type ndarray"),
        ("nowhere:0", ValueError, "Fetch argument 'nowhere:0' cannot be interpreted as a Tensor.*not in the graph"),
    ],
)
def test_what_is_no_tensor_cannot_be_fetched(session, fetch, error, message):
    for _ in range(2):
        with pytest.raises(error, match=message + r"[\s\S]*at .*test_session.py:\d+  session.run"):
            session.run(fetch)


def test_a_named_tuple_is_not_taken_for_a_fetch_with_a_feed(session):
    a = tf.constant(1.0)
    b = a + 1.0
    assert session.run(Pair(b, a)) == (2.0, 1.0)
    assert session.run(b, {a: 5.0}) == 6.0
    assert session.run((b, a)) == (2.0, 1.0)
    assert isinstance(session.run(Pair(b, a)), Pair)


def test_feeds_are_converted(session):
    x = tf.placeholder(tf.float32, [None, 2])
    k = tf.placeholder(tf.int32, [])
    y = x * 2.0
    for value in ([[1, 2]], np.ones((3, 2)), np.ones((1, 2), bool), np.ones((2, 2), np.float32).T, [[0.5, 1]]):
        result = session.run(y, {x: value})
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, np.asarray(value) * 2.0)
    assert session.run(k, {k: np.int64(3)}) == 3
    assert session.run(y, {"Placeholder:0": [[1, 1]]}).shape == (1, 2)


PLACE = r"[\s\S]*node 'x' \(op: Placeholder\), made at .*test_session.py:\d+  x = "


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            np.ones((2, 3)),
            ValueError,
            r"Cannot feed value of shape \(2, 3\) for Tensor 'x:0', which has shape '\(\?, 4\)'" + PLACE,
        ),
        (1.0, ValueError, r"shape \(\) for Tensor 'x:0'" + PLACE),
        (np.ones((2, 4), complex), TypeError, "Cannot feed values of dtype complex128 for Tensor 'x:0'.*float32" + PLACE),
        (["a"], TypeError, "dtype str" + PLACE),
        ([[1], [2, 3]], ValueError, "Cannot feed 'x:0'" + PLACE),
    ],
)
def test_wrong_feeds_name_the_tensor_and_its_line(session, value, error, message):
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = x + 1.0
    with pytest.raises(error, match=message):
        session.run(y, {x: value})


def test_integer_feeds_must_be_whole_and_fit(session):
    k = tf.placeholder(tf.int32, name="k")
    with pytest.raises(TypeError, match="dtype float64 for Tensor 'k:0', which has dtype int32"):
        session.run(k, {k: 1.5})
    with pytest.raises(TypeError, match="does not fit in int32"):
        session.run(k, {k: 2**40})


def test_tensors_and_operations_are_no_feeds(session):
    x, y = tf.placeholder(tf.float32), tf.constant(1.0)
    with pytest.raises(TypeError, match="feed cannot be a Tensor"):
        session.run(x, {x: y})
    with pytest.raises(TypeError, match=r"feed_dict key 0 as Tensor.*int"):
        session.run(y, {3: 1.0})
    with pytest.raises(TypeError, match="feed_dict key 0"):
        session.run(y, {y.op: 1.0})
    with tf.Graph().as_default():
        other = tf.placeholder(tf.float32)
    with pytest.raises(TypeError, match=r"feed_dict key 0.*not an element of this graph"):
        session.run(y, {other: 1.0})


def test_an_unfed_placeholder_is_named_with_its_line(session):
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"You must feed a value for placeholder tensor 'x:0'" + PLACE
    ) as error:
        session.run(x + 1.0)
    assert error.value.op is x.op


def test_any_tensor_can_be_fed_and_hides_what_is_behind_it(session):
    x = tf.placeholder(tf.float32)
    y = x * 2.0
    z = y + 1.0
    w = tf.Variable(1.0)
    assert session.run(z, {y: 10.0}) == 11.0
    assert session.run([y, z], {y: 10.0}) == [10.0, 11.0]
    assert session.run(w * 2.0, {w: 4.0}) == 8.0
    values, places = tf.nn.top_k(tf.placeholder(tf.float32, [3]), 2)
    np.testing.assert_array_equal(session.run(values * 2.0, {values: [1.0, 2.0]}), [2, 4])
    assert places.shape == [2]


def test_fetched_arrays_are_in_the_order_of_c(session):
    w = tf.Variable(np.arange(6.0).reshape(2, 3))
    session.run(tf.global_variables_initializer())
    for turned in (tf.transpose(w), tf.transpose(w + 1.0)):
        assert session.run(turned).flags.c_contiguous
        assert session.run([w, turned])[1].flags.c_contiguous


def test_fetched_arrays_are_the_callers_own(session):
    w = tf.Variable(np.ones((2, 2), np.float32))
    x = tf.placeholder(tf.float32, [2, 2])
    c = tf.constant(np.ones((2, 2), np.float32))
    new = w.assign(w + 1.0)
    fed, unknown = w.assign(x), tf.placeholder(tf.float32)
    fed_unknown = w.assign(unknown)
    session.run(w.initializer)
    given = np.ones((2, 2), np.float32)
    for fetch in (w, tf.identity(w), tf.transpose(w), x, tf.reshape(x, [4]), c, tf.identity(c), new, fed):
        value = session.run(fetch, {x: given})
        assert value.flags.writeable
        value[...] = -99
        given_now, held, constant = session.run([x, w, c], {x: given})
        assert given_now.min() > 0
        assert held.min() > 0
        assert constant.min() > 0
    for change in (fed, fed_unknown, [fed_unknown, tf.identity(unknown)]):
        given = np.ones((2, 2), np.float32)
        session.run(change, {x: given, unknown: given})
        given[...] = -99
        assert session.run(w).min() > 0


def test_a_failing_run_changes_nothing(session):
    w, v = tf.Variable([1.0, 2.0]), tf.Variable(1.0)
    x = tf.placeholder(tf.float32)
    session.run(tf.global_variables_initializer())
    change = tf.group(v.assign_add(1.0), w.assign_add([1.0, 1.0]))
    with tf.control_dependencies([change]):
        bad = tf.reshape(tf.identity(x), [3])
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run([change, bad], {x: [1.0, 2.0]})
    np.testing.assert_array_equal(session.run(w), [1, 2])
    assert session.run(v) == 1.0


def test_an_interrupted_run_changes_nothing(session):
    v = tf.Variable(1.0)
    session.run(v.initializer)
    change = v.assign_add(1.0)

    def interrupt(node, operands, outputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.interpret(change, observe=interrupt)
    assert session.run(v) == 1.0


def test_runs_of_several_threads_neither_lose_nor_tear_updates(session):
    a, b = tf.Variable(0), tf.Variable(0)
    add = tf.group(a.assign_add(1), b.assign_add(1))
    session.run(tf.global_variables_initializer())
    torn = []

    def work():
        for _ in range(200):
            session.run(add)
            x, y = session.run([a, b])
            if x != y:
                torn.append((x, y))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
    assert session.run([a, b]) == [800, 800]


def test_a_closed_session_does_not_run():
    x = tf.constant(1.0)
    with tf.Session() as session:
        assert session.run(x) == 1.0
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(x)


def test_default_sessions(session):
    x = tf.constant(2.0)
    assert tf.get_default_session() is session
    assert x.eval() == 2.0
    assert x.op.run() is None
    other = tf.Session()
    with other.as_default():
        assert tf.get_default_session() is other
    assert tf.get_default_session() is session
    with tf.Graph().as_default():
        y = tf.constant(1.0)
        with pytest.raises(ValueError, match="another graph"):
            y.eval()


def test_without_a_session_eval_says_what_to_do():
    with pytest.raises(ValueError, match=r"Cannot use Tensor.eval: no default session is registered"):
        tf.constant(1.0).eval()


def test_an_interactive_session_is_the_default_until_closed():
    session = tf.InteractiveSession(config=tf.ConfigProto(allow_soft_placement=True))
    v = tf.Variable(3.0)
    tf.global_variables_initializer().run()
    assert v.eval() == 3.0
    assert (v * 2.0).eval(feed_dict={v: 5.0}) == 10.0
    session.close()
    assert tf.get_default_session() is None


def test_rewrites_are_checked_in_the_tests_of_this_module(session):
    assert session.check
    assert not tf.Session(check=False).check
