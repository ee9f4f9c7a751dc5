"""``static.watch``: what is shown, in which rounds, and that the run stays the run that it was."""

import re

import numpy
import pytest

import static as tf
from graphs.inspection.watch import WatchError
from static.watching import watch


def _net():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (None, 3), name="x")
        w = tf.Variable(numpy.arange(6, dtype="float32").reshape(3, 2) / 10, name="w")
        with tf.name_scope("hidden"):
            h = tf.nn.relu(tf.tanh(tf.matmul(x, w)) * 2.0 - 0.5, name="act")
        loss = tf.reduce_sum(tf.exp(h) * h, name="loss")
        (g,) = tf.gradients(loss, [w])
        update = w.assign(w - 0.1 * g, name="update")
    return graph, x, h, loss, update


def _session(graph):
    session = tf.Session(graph=graph)
    with graph.as_default():
        session.run(tf.global_variables_initializer())
    return session


X = numpy.array([[1, 2, 3], [-1, 0.5, 2]], "float32")


def test_values_come_by_tensor_name_pattern_and_scope():
    graph, x, h, loss, _update = _net()
    session = _session(graph)
    expected = session.run([h, loss], {x: X})
    for what in (h, "hidden/act", "hidden/a*", "hidden/act:0"):
        seen = []
        with watch(what, to=seen.append, graph=graph):
            session.run(loss, {x: X})
        assert [each.name for each in seen] == ["hidden/act"]
        numpy.testing.assert_allclose(seen[0].value, expected[0], rtol=1e-6)
        assert seen[0].where.text.startswith("h = tf.nn.relu")
    seen = []
    with watch("hidden", to=seen.append, graph=graph):
        session.run(loss, {x: X})
    assert [each.name for each in seen] == ["hidden/MatMul", "hidden/Tanh", "hidden/mul", "hidden/sub", "hidden/act"]
    session.run(loss, {x: X})
    assert len(seen) == 5, "it has been stopped"


def test_a_run_that_is_watched_has_the_same_plan_and_bits():
    plain, watched = [], []
    for states, what in ((plain, None), (watched, "hidden/*")):
        graph, x, _h, loss, update = _net()
        session = _session(graph)
        made = watch(what, to=lambda seen: None, graph=graph) if what else None
        for _ in range(5):
            states.append(session.run([loss, update], {x: X}))
        plan = session.plan([loss, update], {x: X})
        plan.compile()
        source = re.sub(r"\bs\d+\b", "s", plan.source)
        states.append((source, [step.node.name for step in plan.schedule.steps], len(plan.outcome.log)))
        if made:
            assert made.seen == 25
            made.stop()
        states.append(session.run(loss, {x: X}))
    assert plain[5] == watched[5]
    for (a, b), (c, d) in zip(plain[:5], watched[:5], strict=True):
        assert (a.tobytes(), b.tobytes()) == (c.tobytes(), d.tobytes())
    assert plain[6].tobytes() == watched[6].tobytes()


def test_nothing_is_left_of_a_watch():
    before = tf.Session.run
    graph, *_ = _net()
    one, two = watch("loss", graph=graph), watch("x", graph=graph)
    assert tf.Session.run is not before
    one.stop()
    two.stop()
    two.stop()
    assert tf.Session.run is before


def test_who_looks_may_begin_and_end_in_any_order():
    plain = tf.Session.run
    graph, x, _h, loss, update = _net()
    session = _session(graph)
    seen = []
    with tf.lint() as found:
        watching = watch("loss", to=seen.append, graph=graph)
        session.run(loss, {x: X})
    session.run(loss, {x: X})
    watching.stop()
    with watch("loss", to=seen.append, graph=graph):
        session.run(update, {x: X})
    session.run(loss, {x: X})
    assert [each.name for each in seen] == ["loss"] * 3
    assert not found
    assert tf.Session.run is plain


def test_rounds_of_loops_and_of_loops_in_loops():
    graph = tf.Graph()
    with graph.as_default():

        def inner(j, y):
            return j + 1, tf.add(y, 1.0, name="up")

        def outer(i, y):
            twice = tf.multiply(y, 2.0, name="twice")
            return i + 1, tf.while_loop(lambda j, _y: j < 2, inner, [0, twice])[1]

        result = tf.while_loop(lambda i, _y: i < 3, outer, [0, tf.constant(1.0)])[1]
        scanned = tf.scan(lambda a, e: tf.multiply(a, e, name="product"), tf.constant([1.0, 2.0, 3.0]))
    session = tf.Session(graph=graph)
    expected = session.run([result, scanned])
    seen = []
    with watch(["*twice", "*up"], to=seen.append, graph=graph):
        session.run(result)
    shown = [(each.name.rpartition("/")[2], each.rounds, float(each.value)) for each in seen]
    assert shown[:4] == [("twice", (0,), 2.0), ("up", (0, 0), 3.0), ("up", (0, 1), 4.0), ("twice", (1,), 8.0)]
    assert shown[-1] == ("up", (2, 1), float(expected[0]))
    seen.clear()
    with watch("*up", to=seen.append, graph=graph, at=(1, 0)):
        session.run(result)
    assert [each.rounds for each in seen] == [(1, 0)]
    seen.clear()
    with watch("*product*", to=seen.append, graph=graph, at=1):
        session.run([result, scanned])
    assert [float(each.value) for each in seen] == [6.0]


def test_random_numbers_are_those_of_the_run():
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(3)
        a = tf.random_normal((3,), name="a")
        b = tf.random_normal((3,), name="b")
        c = tf.add(b, 1.0, name="c")
        both = tf.stack([a, c])
    plain = [tf.Session(graph=graph).run(both) for _ in range(1)]
    session = tf.Session(graph=graph)
    seen = []
    with watch("c", to=seen.append, graph=graph):
        first = session.run(both)
    assert first.tobytes() == plain[0].tobytes()
    assert seen[0].value.tobytes() == first[1].tobytes()


def test_effects_happen_once():
    graph, calls = tf.Graph(), []
    with graph.as_default():
        x = tf.placeholder(tf.float32, ())
        y = tf.py_func(lambda v: calls.append(1) or v * 2, [x], tf.float32)
        z = tf.add(y, 1.0, name="z")
    session, seen = tf.Session(graph=graph), []
    with watch("z", to=seen.append, graph=graph):
        assert session.run(z, {x: 3.0}) == 7.0
    assert len(calls) == 1
    assert float(seen[0].value) == 7.0


def test_variables_as_each_run_leaves_them(capsys):
    graph, x, _h, _loss, update = _net()
    session = _session(graph)
    with watch("w", "values", graph=graph, at=1):
        session.run(update, {x: X})
        now = session.run(update, {x: X})
    printed = capsys.readouterr().out
    assert printed.startswith("w float32(3, 2), step 1\n[[")
    assert f"{now[0, 1]:.5f}"[:6] in printed


def test_the_first_nan_only(capsys):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (2,), name="x")
        y = tf.multiply(tf.log(x, name="log"), 2.0, name="double")
    session = tf.Session(graph=graph)
    with watch("*", "nan", graph=graph) as made:
        session.run(y, {x: [1, 2]})
        assert capsys.readouterr().out == ""
        session.run(y, {x: [1, 0]})
        session.run(y, {x: [0, 0]})
    assert made.first.name == "log"
    assert made.seen == 1
    assert capsys.readouterr().out.startswith(
        "log float32(2,), step 1: min 0  mean 0  max 0  std 0  zeros 1  nan 0  inf 1\n  at "
    )


def test_what_is_not_there_is_refused():
    graph, *_ = _net()
    with pytest.raises(WatchError, match=r"near it: .*hidden/act"):
        watch("hidden/akt", graph=graph)
    with pytest.raises(WatchError, match="one of values, statistics, nan"):
        watch("loss", "pictures", graph=graph)
    with pytest.raises(WatchError, match="not int"):
        watch(3)


def test_a_loop_with_effects_is_not_looked_into():
    graph, calls = tf.Graph(), []
    with graph.as_default():
        step = tf.py_func(lambda: calls.append(1) or numpy.float32(0), [], tf.float32)

        def body(i, s):
            noted = tf.py_func(lambda v: calls.append(1) or v, [s], tf.float32)
            noted.set_shape(())
            return i + 1, tf.add(noted, 1.0, name="up")

        _, s = tf.while_loop(lambda i, s: i < 2, body, [0, tf.constant(0.0)])
        after = tf.add(s, 1.0, name="after")
    assert step is not None
    session, seen = tf.Session(graph=graph), []
    with watch("*up", to=seen.append, graph=graph), pytest.raises(WatchError, match="effects of its own"):
        session.run(after)
    assert not calls


def test_a_watch_inside_a_program_that_is_stepped_through():
    graph, x, h, loss, _update = _net()
    session, seen = _session(graph), []

    def program():
        with watch(h, to=seen.append):
            return session.run(loss, {x: X})

    before = tf.Session.run
    stepper = tf.debug(program)
    result = stepper.finish()
    assert [each.name for each in stepper.moments if each.name == "hidden/act"] == ["hidden/act"]
    assert [each.name for each in seen] == ["hidden/act"]
    assert seen[0].value.tobytes() == stepper.value("act").tobytes()
    assert abs(result - session.run(loss, {x: X})) < 1e-5
    assert tf.Session.run is before


def test_what_depends_on_a_branch_with_effects_takes_its_results_from_the_run():
    graph, calls = tf.Graph(), []
    with graph.as_default():
        x = tf.placeholder(tf.float32, (), name="x")

        def noted():
            out = tf.py_func(lambda v: calls.append(1) or v + 1, [x], tf.float32)
            out.set_shape(())
            return out

        after = tf.add(tf.cond(x > 0, noted, lambda: x), 1.0, name="after")
    session, seen = tf.Session(graph=graph), []
    with watch("after", to=seen.append, graph=graph):
        assert session.run(after, {x: 2.0}) == 4.0
    assert [float(each.value) for each in seen] == [4.0]
    assert len(calls) == 1


def test_strings_are_shown(capsys):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.string, (2,), name="x")
        y = tf.strings.join([x, x], name="y")
    with watch("y", "values", graph=graph), watch("y", graph=graph):
        tf.Session(graph=graph).run(y, {x: ["a", "b"]})
    printed = capsys.readouterr().out
    assert "aa" in printed
    assert "no numbers" in printed


def test_a_loop_that_changes_a_variable_is_watched_round_by_round():
    graph = tf.Graph()
    with graph.as_default():
        w, x = tf.Variable([1.0]), tf.placeholder(tf.float32, [1])

        def body(i, s):
            with tf.control_dependencies([tf.assign_add(w, s)]):
                return i + 1, tf.square(s, name="squared")

        out = tf.while_loop(lambda i, s: i < 2, body, [tf.constant(0), x])[1]
    session, seen = _session(graph), []
    with watch("*squared", to=seen.append, graph=graph):
        assert session.run(out, {x: [3.0]}).tolist() == [81.0]
    assert [each.value.tolist() for each in seen] == [[9.0], [81.0]]
    assert session.run(w).tolist() == [13.0]
