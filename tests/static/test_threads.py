"""Many threads on one session and one graph, and sessions that are closed meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import static as tf
from static.plan import Plan


WAIT = 600
CLOSED = "Attempted to use a closed Session."


@pytest.fixture(autouse=True)
def _turns() -> Iterator[None]:
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*works: Callable[[], Any]) -> list[Any]:
    """What these give, each in a thread of its own, begun at once. Raises what one raises."""
    results: list[Any] = [None] * len(works)
    errors: list[BaseException] = []
    begin = threading.Barrier(len(works))

    def run(place: int) -> None:
        try:
            begin.wait(WAIT)
            results[place] = works[place]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]
    return results


def test_a_hundred_threads_run_one_session() -> None:
    x = tf.placeholder(tf.float64, [None])
    w = tf.Variable(3.0, dtype=tf.float64)
    y = tf.reduce_sum(tf.square(x) * w)
    slope = tf.gradients(y, x)[0]
    with tf.Session() as session:
        session.run(w.initializer)

        def work(number: int) -> None:
            for turn in range(5):
                given = np.full(1 + number % 3, float(number + turn))
                value, slopes = session.run([y, slope], {x: given})
                assert value == 3.0 * given[0] ** 2 * given.size
                assert (slopes == 6.0 * given).all()

        together(*(lambda number=number: work(number) for number in range(100)))
        assert len({id(session.plan([y, slope], {x: np.zeros(size)})) for size in (1, 2, 3)}) == 3


def test_threads_that_want_the_same_plan_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    plan = tf.Session._made
    monkeypatch.setattr(tf.Session, "_made", lambda *args: made.append(args) or plan(*args))
    x = tf.placeholder(tf.float64, [None])
    y = tf.reduce_sum(tf.tanh(x))
    with tf.Session() as session:
        together(*[lambda: session.run(y, {x: np.zeros(4)})] * 20)
    assert len(made) == 1


def test_a_plan_that_proves_hot_in_many_threads_changes_no_bit() -> None:
    x = tf.placeholder(tf.float64, [8])
    y = x
    for _ in range(6):
        y = tf.sqrt(y * 0.75 + 1.0)
    total = [tf.reduce_sum(y), y]
    given = [np.linspace(0, number, 8) for number in range(10)]
    with tf.Session() as session:
        wanted = [session.interpret(total, {x: each}) for each in given]
        plan = session.plan(total, {x: given[0]})

        def work(number: int) -> None:
            for turn in range(60):
                if turn == 20 and number < 3:
                    plan.compile()
                value, rows = session.run(total, {x: given[number]})
                assert value == wanted[number][0]
                np.testing.assert_array_equal(rows, wanted[number][1])

        together(*(lambda number=number: work(number) for number in range(10)))


def built(number: int, turn: int, graph: tf.Graph) -> tuple[Any, float]:
    """A loop, its gradient, a branch, control dependencies and scopes, and the value of it all."""
    with graph.as_default(), tf.name_scope(f"by_{number}") as scope, tf.device(f"/job:worker/task:{number}"):
        x = tf.constant(float(number + 1), tf.float64, name="x")
        y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * x), [0, x])[1]
        (slope,) = tf.gradients(y, x)
        z = tf.cond(slope > 5.0, lambda: slope + y, lambda: slope - y)
        with tf.control_dependencies([z.op]):
            last = tf.identity(z, name="last")
        with tf.variable_scope(f"scope_{number}_{turn}"):
            tf.get_variable("v", [2])
        assert last.op.name == f"{scope}last"
        assert last.op.control_inputs in ([z.op], [])
        assert last.op.device == f"/job:worker/task:{number}"
        assert all(made.op.body is None for made in (x, y, slope, z, last))
    base = float(number + 1)
    return last, 4 * base**3 + (base**4 if 4 * base**3 > 5 else -(base**4))


@pytest.mark.filterwarnings("ignore:The graph of this session grows")
def test_ten_threads_build_with_loops_and_gradients_while_ten_run(many: Callable[[int], int]) -> None:
    graph = tf.Graph()
    with graph.as_default():
        fed = tf.placeholder(tf.float64, [])
        steady = tf.reduce_sum(tf.square(fed) + 1.0)
        session = tf.Session()

    def build(number: int) -> None:
        for turn in range(many(20)):
            last, wanted = built(number, turn, graph)
            assert session.run(last) == wanted

    def run(number: int) -> None:
        for _ in range(many(100)):
            for _ in range(20):
                assert session.run(steady, {fed: float(number)}) == number**2 + 1.0
            assert graph.as_graph_def().node

    works = [lambda number=number, work=work: work(number) for number in range(10) for work in (build, run)]
    together(*works)
    operations = graph.get_operations()
    assert len({op.name.lower() for op in operations}) == len(operations)
    assert len(graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)) == 10 * many(20)


def test_each_thread_has_a_default_graph_of_its_own() -> None:
    def work(number: int) -> list[str]:
        with tf.Graph().as_default() as graph, tf.Session() as session:
            assert session.run(tf.constant(number) + 1) == number + 1
            assert tf.get_default_session() is session
            return [op.name for op in graph.get_operations()]

    assert len({tuple(names) for names in together(*(lambda number=number: work(number) for number in range(10)))}) == 1


@pytest.mark.parametrize("native", [False, True])
def test_locked_additions_of_twenty_threads_are_all_there(native: bool, many: Callable[[int], int]) -> None:
    times = many(1_000)
    v = tf.Variable(np.zeros(3, np.int64))
    add = v.assign_add(np.ones(3, np.int64), use_locking=True)
    with tf.Session() as session:
        session.run(v.initializer)
        if native:
            session.plan(add.op, {}).compile()

        def work() -> None:
            for _ in range(times):
                session.run(add.op)

        together(*[work] * 20)
        assert session.run(v).tolist() == [20 * times] * 3


def test_closing_while_running_gives_a_result_or_closed(many: Callable[[int], int]) -> None:
    x = tf.placeholder(tf.float64, [None])
    w, n = tf.Variable(np.ones(2)), tf.Variable(0)
    y = tf.reduce_sum(x) + tf.reduce_sum(w)
    step = n.assign_add(1)
    there = tf.is_variable_initialized(w)

    def round_of(turn: int) -> None:
        session = tf.Session()
        session.run([w.initializer, n.initializer])
        if turn % 2:
            session.run(y, {x: np.ones(1)})
        told: list[str] = []
        done: list[int] = []

        def close() -> None:
            while len(done) < turn % 8:
                time.sleep(0)
            session.close()

        def work(number: int) -> None:
            for count in range(1, 10_000):
                try:
                    assert session.run(y, {x: np.ones(number + 1)}) == number + 3.0
                    assert session.run(there)
                    if number == 0:
                        assert session.run(step) == count
                    done.append(number)
                except RuntimeError as error:
                    told.append(str(error))
                    return

        together(*(lambda number=number: work(number) for number in range(3)), close)
        assert [each.partition("\n")[0] for each in told] == [CLOSED] * 3
        with pytest.raises(RuntimeError, match="closed Session"):
            session.run(step)

    for turn in range(many(1_000)):
        round_of(turn)


def test_what_fails_while_values_change_is_done_again(monkeypatch) -> None:
    """A run takes no lock where it changes nothing: it may meet a variable of which some is old and some new."""
    v = tf.Variable([1.0, 2.0])
    total = tf.reduce_sum(v)
    called = Plan.__call__
    with tf.Session() as session:
        session.run(v.initializer)

        def torn(plan, *args):
            if not failures:
                failures.append(plan)
                session._changes += changes
                raise ValueError("half of it is new")
            return called(plan, *args)

        monkeypatch.setattr(Plan, "__call__", torn)
        failures, changes = [], 2
        assert session.run(total) == 3.0
        failures, changes = [], 0
        with pytest.raises(ValueError, match="half of it"):
            session.run(total)
