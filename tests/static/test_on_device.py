"""Plans whose variables and feeds are arrays of a GPU: the same numbers, captured from the second run on, or why not."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import static as tf
from graphs.core.random import Draws
from static.on_device import OnDevice
from static.passes import PIPELINE
from static.placement import HOST
from static.plan import Plan
from tests.graphs import fake_driver


def draw(*shape: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


class Run:
    """A plan, with what a session holds for its variables here and on the device."""

    def __init__(self, cp: Any, fetches: Any, feeds: dict[Any, Any], **settings: Any) -> None:
        self.cp = cp
        self.session = tf.Session(**settings)
        self.session.run(tf.global_variables_initializer())
        self.plan: Plan = self.session.plan(fetches, feeds)
        self.here = {key: value.copy() for key, value in self.session._state.items()}
        self.there = {key: cp.asarray(value) for key, value in self.here.items()}

    def both(self, *feeds: numpy.ndarray, given: Any = None) -> tuple[Any, Any]:
        """What a run fetches here and there; ``given`` is fed there instead."""
        with numpy.errstate(all="ignore"):
            here, written = self.plan(self.here, list(feeds))
        self.here |= written
        there, written = self.plan(self.there, [self.cp.asarray(x) for x in feeds] if given is None else given)
        self.there |= written
        assert all(isinstance(x, self.cp.ndarray) for x in (*there, *written.values()))
        for variable, value in self.here.items():
            assert self.there[variable].shape == value.shape
            numpy.testing.assert_allclose(self.there[variable].get(), value, rtol=2e-5, atol=1e-6)
        return here, there


def network(solver: Any) -> tuple[Any, Any, Any, Any]:
    """Two layers: what is fed, the loss and the step."""
    x, y = tf.placeholder(tf.float32, (8, 4)), tf.placeholder(tf.float32, (8, 2))
    hidden = tf.nn.relu(tf.matmul(x, tf.Variable(draw(4, 16))) + tf.Variable(numpy.zeros(16, "float32")))
    loss = tf.reduce_mean(tf.square(tf.matmul(hidden, tf.Variable(draw(16, 2))) - y))
    return x, y, loss, solver.minimize(loss)


@pytest.mark.parametrize("passes", [(), PIPELINE], ids=["no passes", "all passes"])
@pytest.mark.parametrize("solver", ["Adam", "GradientDescent", "Adagrad"])
def test_training_is_replayed(cp: Any, passes: Any, solver: str) -> None:
    x, y, loss, step = network(getattr(tf.train, f"{solver}Optimizer")(0.01))
    run = Run(cp, [loss, step], {x: draw(8, 4), y: draw(8, 2)}, passes=passes)
    reasons = []
    for seed in range(5):
        here, there = run.both(draw(8, 4, seed=seed), draw(8, 2, seed=seed))
        assert there[0].shape == ()
        numpy.testing.assert_allclose(there[0].get(), here[0], rtol=1e-5)
        assert run.plan.device is not None
        reasons.append(run.plan.device.reason)
    assert reasons == ["it is the first run", "", "", "", ""]


def test_feeds_may_come_from_the_host(cp: Any) -> None:
    x = tf.placeholder(tf.float32, (3,))
    run = Run(cp, [tf.Variable(draw(3)) * x], {x: draw(3)})
    for seed in range(3):
        value = draw(3, seed=seed)
        here, there = run.both(value, given=[value])
        numpy.testing.assert_array_equal(there[0].get(), here[0])
    assert run.plan.device is not None
    assert run.plan.device.reason == ""


def test_fetched_variables_and_constants_are_copies(cp: Any) -> None:
    weight = tf.Variable(draw(3))
    number = tf.Variable(2.0)
    run = Run(cp, [weight, number, tf.constant([1.0, 2.0]), weight.assign_add(tf.ones(3))], {})
    for _ in range(3):
        _, there = run.both()
        for each in there:
            each[...] = -1.0
    assert float(run.there[number.op].get()) == 2.0


def test_shapes_that_differ_from_run_to_run(cp: Any) -> None:
    x = tf.placeholder(tf.float32, (None, 3))
    fetches = [tf.matmul(x, tf.Variable(draw(3, 2))) + 1.0]
    run = Run(cp, fetches, {x: draw(4, 3)})
    run.plan = run.session.plan(fetches, [x])
    for rows in (4, 4, 7, 4, 7, 1):
        here, there = run.both(draw(rows, 3))
        numpy.testing.assert_allclose(there[0].get(), here[0], rtol=1e-5, atol=1e-6)
    assert run.plan.device is not None
    assert run.plan.device.graphs == 3


def test_numpy_is_left_alone(cp: Any) -> None:
    x = tf.placeholder(tf.float32, (3,))
    run = Run(cp, [tf.Variable(draw(3)) * x], {x: draw(3)})
    run.plan(run.here, [draw(3)])
    assert run.plan.device is None


# Why a plan is not replayed


def reason(run: Run, *feeds: numpy.ndarray) -> str:
    for _ in range(2):
        run.both(*feeds)
    assert run.plan.device is not None
    return run.plan.device.reason


def test_random_numbers_are_replayed(cp: Any) -> None:
    tf.set_random_seed(5)
    run = Run(cp, [tf.Variable(draw(3)) * tf.random_normal((3,)), tf.random_uniform((4,))], {})
    reasons = []
    for _ in range(4):
        step = run.session._draws()
        here, _ = run.plan(run.here, [], step)
        with run.session.stream.at(run.session.stream.step):
            there, _ = run.plan(run.there, [], Draws(run.session.stream))
        for x, y in zip(here, there, strict=True):
            numpy.testing.assert_array_equal(y.get(), x)
        assert run.plan.device is not None
        reasons.append(run.plan.device.reason)
    assert reasons == ["it is the first run", "", "", ""]


def test_effects_are_the_hosts(cp: Any) -> None:
    x = tf.Variable(draw(3))
    run = Run(cp, [tf.py_func(lambda x: x + 1.0, [x * 2.0], tf.float32) * x], {})
    for _ in range(3):
        here, there = run.both()
        numpy.testing.assert_array_equal(there[0].get(), here[0])
    assert run.plan.device is not None
    assert [piece.place for piece in run.plan.device.division.pieces] == [0, HOST, 0]
    assert run.plan.device.reason == ""


def test_variables_that_may_have_no_value(cp: Any) -> None:
    run = Run(cp, [tf.is_variable_initialized(tf.Variable(draw(3)))], {})
    for state, answer in ((run.there, True), ({}, False)):
        made = OnDevice(cp, run.plan.schedule, run.plan.specs, run.plan._compiled)
        (found,), _ = made(state, [], None)
        assert bool(found) is answer


def test_modules_without_graphs(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake.cuda.runtime, "is_hip", True)
    assert reason(Run(fake, [tf.Variable(draw(3)) * 2.0], {})) == "cupy has no CUDA graphs"


def test_conditions_that_are_read(cp: Any) -> None:
    x = tf.Variable(draw(3))
    total = tf.while_loop(lambda i, x: tf.reduce_sum(x) < 100.0, lambda i, x: (i + 1, x * x + 1.0), [tf.constant(0), x])[1]
    run = Run(cp, [total], {})
    assert "numbers that only the device knows" in reason(run)


def test_libraries_that_fail(fake: Any) -> None:
    fake.cublas.fails = "cublasSgemm_v2"
    run = Run(fake, [tf.matmul(tf.Variable(draw(3, 4)), tf.Variable(draw(4, 2)))], {})
    assert "cublasSgemm_v2" in reason(run)


# Errors


def test_uninitialized_variables(cp: Any) -> None:
    x = tf.Variable(draw(3), name="missing")
    y = tf.Variable(draw(3))
    run = Run(cp, [x * y], {})
    del run.there[x.op]
    for _ in range(3):
        with pytest.raises(tf.errors.FailedPreconditionError, match="missing"):
            run.plan(run.there, [])


def test_errors_name_the_node(fake: Any) -> None:
    x = tf.placeholder(tf.float32, (None,))
    weight = tf.Variable(draw(3))
    fetches = [tf.add(weight, x, name="total")]
    run = Run(fake, fetches, {x: draw(3)})
    run.plan = run.session.plan(fetches, [x])
    for _ in range(3):
        run.both(draw(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="total"):
        run.plan(run.there, [fake.asarray(draw(4))])
    assert fake_driver.state().stack == [fake_driver.Stream.null]
    run.both(draw(3))
