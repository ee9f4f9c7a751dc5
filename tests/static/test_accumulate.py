"""The pass ``accumulate``: which updates by a matrix product become one call of BLAS, and which must not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy
import pytest

import static as tf
from graphs.rewrite import Choice
from static.passes import PIPELINE
from static.plan import Plan


RANDOM = numpy.random.default_rng(0)
X, G = RANDOM.standard_normal((6, 4)), RANDOM.standard_normal((6, 3))
START = RANDOM.standard_normal((4, 3))
PRODUCT = X.T @ G


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def operands(dtype: str = "float64") -> tuple[Any, Any, Any]:
    """A variable, and the operands of a product of its shape."""
    w = tf.Variable(START.astype(dtype), name="w")
    return w, tf.placeholder(dtype, (6, 4), name="x"), tf.placeholder(dtype, (6, 3), name="g")


def product(x: Any, g: Any) -> Any:
    return tf.matmul(x, g, transpose_a=True)


def step(rate: Any, gradient: Any, w: Any, kind: Any = tf.train.GradientDescentOptimizer, **settings: Any) -> Any:
    return kind(rate, **settings).apply_gradients([(gradient, w)])


def ran(fetches: list[Any], fed: dict[Any, Any]) -> tuple[int, list[Any], dict[str, Any]]:
    """How often the pass fired, what was fetched and what the variables became; values are held to those without passes."""
    found = [tf.get_default_graph().as_graph_element(x) for x in fetches]
    feeds = [numpy.asarray(value, tensor.dtype.as_numpy_dtype) for tensor, value in fed.items()]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        state = dict(session._state)
    plain, expected = Plan(found, list(fed), ())(state, feeds)
    plan = Plan(found, list(fed), PIPELINE)
    values, written = plan(state, feeds)
    assert {each.name for each in written} == {each.name for each in expected}
    for variable, value in expected.items():
        numpy.testing.assert_allclose(written[variable], value, rtol=1e-6 if value.dtype.itemsize == 4 else 1e-12)
    for value, other in zip(values, plain, strict=True):
        numpy.testing.assert_allclose(value, other, rtol=1e-6)
    return plan.outcome.log.counts["accumulate"], values, {each.name: value for each, value in written.items()}


UPDATES: dict[str, tuple[Callable[[Any, Any, Any], Any], float]] = {
    "added": (lambda w, x, g: tf.assign_add(w, product(x, g)).op, 1.0),
    "subtracted": (lambda w, x, g: tf.assign_sub(w, product(x, g)).op, -1.0),
    "times before": (lambda w, x, g: tf.assign_add(w, 0.5 * product(x, g)).op, 0.5),
    "times behind": (lambda w, x, g: tf.assign_sub(w, product(x, g) * 0.25).op, -0.25),
    "times a tensor": (lambda w, x, g: tf.assign_sub(w, product(x, g) * (tf.reduce_sum(x) * 0 + 2)).op, -2.0),
    "a step": (lambda w, x, g: step(0.125, product(x, g), w), -0.125),
    "a step of a size that is computed": (lambda w, x, g: step(tf.reduce_sum(x) * 0 + 3, product(x, g), w), -3.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("update", UPDATES)
def test_a_product_that_a_weight_is_changed_by_is_accumulated(update: str, dtype: str) -> None:
    w, x, g = operands(dtype)
    make, scale = UPDATES[update]
    fired, _, written = ran([make(w, x, g)], {x: X, g: G})
    assert fired == 1
    assert written["w"].dtype == dtype
    numpy.testing.assert_allclose(written["w"], START + scale * PRODUCT, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_an_optimisers_step_is_accumulated_for_each_layer() -> None:
    x = tf.placeholder("float32", (6, 4))
    first, second = (tf.Variable(RANDOM.standard_normal(shape).astype("f4")) for shape in ((4, 5), (5, 3)))
    loss = tf.reduce_sum(tf.matmul(tf.nn.relu(tf.matmul(x, first)), second) ** 2)
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    fired, (found,), written = ran([step, loss], {x: X})
    assert fired == len(written) == 2
    assert found > 0


NOT: dict[str, Callable[[Any, Any, Any], list[Any]]] = {
    "the product is fetched": lambda w, x, g: [p := product(x, g), tf.assign_add(w, p).op],
    "the product is read twice": lambda w, x, g: [tf.assign_add(w, p := product(x, g)).op, tf.reduce_sum(p)],
    "what is added is read twice": lambda w, x, g: [tf.assign_add(w, p := 2 * product(x, g)).op, tf.reduce_sum(p)],
    "another step": lambda w, x, g: [tf.assign(w, w + 2.0 * product(x, g)).op],
    "a step that is written out": lambda w, x, g: [tf.assign(w, w - 2.0 * product(x, g)).op],
    "a step with momentum": lambda w, x, g: [step(0.5, product(x, g), w, tf.train.MomentumOptimizer, momentum=0.5)],
    "a step by no product": lambda w, x, g: [step(0.5, tf.exp(w), w)],
    "a step by a product that is fetched": lambda w, x, g: [p := product(x, g), step(0.5, p, w)],
    "no number": lambda w, x, g: [tf.assign_add(w, product(x, g) * tf.reduce_sum(x * x, 0)[:, None]).op],
    "no product": lambda w, x, g: [tf.assign_add(w, x[:4, :3] * 2.0).op],
    "assigned alone": lambda w, x, g: [tf.assign(w, product(x, g)).op],
    "a product for every row": lambda w, x, g: [tf.assign_add(w, product(x[:, :1], g) + w * 0).op],
}


@pytest.mark.parametrize("case", NOT)
def test_other_updates_stay_as_they_are(case: str) -> None:
    w, x, g = operands()
    fired, *_ = ran(NOT[case](w, x, g), {x: X, g: G})
    assert fired == 0


def test_two_updates_of_one_weight_stay_apart() -> None:
    w, x, g = operands()
    first = tf.assign_add(w, product(x, g))
    with tf.control_dependencies([first]):
        second = tf.assign_add(w, 2 * product(x, g))
    fired, _, written = ran([second.op], {x: X, g: G})
    assert fired == 0
    numpy.testing.assert_allclose(written["w"], START + 3 * PRODUCT, rtol=1e-12)


def test_a_step_from_what_is_read_after_another_update_stays() -> None:
    w, x, g = operands()
    v = tf.Variable(0.0, name="v")
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        later = w.read_value()
    fired, _, written = ran([tf.assign(w, later - 0.5 * product(x, g)).op], {x: X, g: G})
    assert fired == 0
    assert written["v"] == 1


def test_a_product_of_another_variable_is_of_what_that_was_before_it_changed() -> None:
    w, _, g = operands()
    u = tf.Variable(X.T, name="u")
    change = tf.matmul(u, g)
    with tf.control_dependencies([change]):
        changed = tf.assign(u, u * 0)
    with tf.control_dependencies([changed]):
        update = tf.assign_add(w, change)
    fired, _, written = ran([update.op], {g: G})
    assert fired == 1
    assert not written["u"].any()
    numpy.testing.assert_allclose(written["w"], START + PRODUCT, rtol=1e-12)


def test_a_product_that_is_fed_is_not_computed() -> None:
    w, x, g = operands()
    p = product(x, g)
    fired, _, written = ran([tf.assign_add(w, p).op], {p: numpy.ones((4, 3))})
    assert fired == 0
    numpy.testing.assert_array_equal(written["w"], START + 1)


@pytest.mark.parametrize("dtype", ["int32", "complex128"])
def test_numbers_that_blas_does_not_take_stay(dtype: str) -> None:
    w = tf.Variable(numpy.ones((4, 3), dtype))
    x, g = (tf.placeholder(dtype, shape) for shape in ((6, 4), (6, 3)))
    fired, *_ = ran([tf.assign_add(w, product(x, g)).op], {x: numpy.full((6, 4), 2), g: numpy.full((6, 3), 3)})
    assert fired == 0


def test_products_of_many_matrices_at_once_stay() -> None:
    w = tf.Variable(numpy.zeros((2, 4, 3)), name="w")
    x, g = (tf.placeholder("float64", shape) for shape in ((2, 6, 4), (2, 6, 3)))
    fired, _, written = ran([tf.assign_add(w, product(x, g)).op], {x: [X, 2 * X], g: [G, G]})
    assert fired == 0
    numpy.testing.assert_allclose(written["w"], [PRODUCT, 2 * PRODUCT], rtol=1e-12)


def test_shapes_that_are_not_known_stay() -> None:
    w, _, g = operands()
    x = tf.placeholder("float64", (None, 4))
    plan = Plan([tf.get_default_graph().as_graph_element(tf.assign_add(w, product(x, g)).op)], [x, g], PIPELINE)
    assert plan.outcome.log.counts["accumulate"] == 0


def test_it_can_be_refused() -> None:
    w, x, g = operands()
    update = tf.get_default_graph().as_graph_element(tf.assign_add(w, product(x, g)).op)
    plan = Plan([update], [x, g], PIPELINE, Choice(refuse=frozenset(["accumulate"])))
    assert plan.outcome.log.counts["accumulate"] == 0
