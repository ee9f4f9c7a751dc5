import numpy as np
import pytest

import static
import static as tf
from graphs.core.op import OPS
from tests.static.oracle import tensorflow


X = np.array([-1.5, -0.2, 0.4, 2.0], "float32")


def guided(tf):
    name = f"Guided{len(tf.get_default_graph().get_operations())}{id(tf.get_default_graph())}"

    @tf.RegisterGradient(name)
    def gradient(op, grad):
        return tf.where(grad > 0, tf.where(op.outputs[0] > 0, grad, tf.zeros_like(grad)), tf.zeros_like(grad))

    return name


def overridden(types, build):
    def make(tf, x):
        with tf.get_default_graph().gradient_override_map(types):
            y = build(tf, x)
        return [y, tf.gradients(y, x, tf.constant([1.0, -1, 2, -2]))[0]]

    return make


def guided_relu(tf, x):
    with tf.get_default_graph().gradient_override_map({"Relu": guided(tf)}):
        y = tf.nn.relu(x)
    return [y, tf.gradients(y * y, x, tf.constant([1.0, -1, 2, 3]))[0], tf.gradients(tf.nn.relu(x), x)[0]]


def python_with_gradient(tf, x):
    name = f"Cube{id(tf.get_default_graph())}"
    tf.RegisterGradient(name)(lambda op, grad: grad * 3 * op.inputs[0] ** 2)
    with tf.get_default_graph().gradient_override_map({"PyFunc": name}):
        y = tf.py_func(lambda x: x**3, [x], tf.float32)
    (slope,) = tf.gradients(y, x)
    return [y, slope, tf.gradients(slope, x)[0]]


def two_inputs(tf, x):
    name = f"Half{id(tf.get_default_graph())}"
    tf.RegisterGradient(name)(lambda op, grad: (grad * 0.5, None))
    with tf.get_default_graph().gradient_override_map({"Mul": name}):
        y = x * tf.sin(x)
    return [tf.gradients(y, x)[0]]


def not_differentiable(tf, x):
    name = f"Nothing{id(tf.get_default_graph())}"
    tf.NotDifferentiable(name)
    with tf.get_default_graph().gradient_override_map({"Exp": name}):
        y = tf.exp(x)
    return [tf.gradients(y + x, x)[0]]


def log1pexp(tf, x):
    @tf.custom_gradient
    def f(x):
        e = tf.exp(x)
        return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    y = f(x * 50)
    (slope,) = tf.gradients(y, x)
    return [y, slope, tf.gradients(slope, x)[0]]


def two_results(tf, x):
    @tf.custom_gradient
    def f(x, y):
        return [x * y, x + y], lambda da, db: (da * 2 + db, db * 5)

    a, b = f(x, tf.sin(x))
    return [a, b, *tf.gradients([a, b], [x]), *tf.gradients(a, [x])]


CASES = {
    "sign": overridden({"Sign": "Identity"}, lambda tf, x: tf.sign(x)),
    "round": overridden({"Round": "Identity"}, lambda tf, x: tf.round(x)),
    "floor": overridden({"Floor": "Identity"}, lambda tf, x: tf.floor(x * 3)),
    "relu as tanh": overridden({"Relu": "Tanh"}, lambda tf, x: tf.nn.relu(x)),
    "identity": overridden({"Identity": "Neg"}, lambda tf, x: tf.identity(x)),
    "guided relu": guided_relu,
    "py_func": python_with_gradient,
    "two inputs": two_inputs,
    "not differentiable": not_differentiable,
    "custom": log1pexp,
    "custom, two results": two_results,
}


def values(tf, build):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        return session.run(build(tf, x), {x: X})


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_that_the_program_gives(name):
    for ours, theirs in zip(values(static, CASES[name]), values(tensorflow(), CASES[name]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_the_ops_themselves_keep_their_gradients():
    x = tf.constant(X)
    before = OPS["sign"]
    with tf.get_default_graph().gradient_override_map({"Sign": "Identity", "VariableV2": "Identity", "Const": "Neg"}):
        with tf.get_default_graph().gradient_override_map({"Relu": "Identity"}):
            inner = [tf.sign(x), tf.nn.relu(x)]
        outer = [tf.sign(x), tf.nn.relu(x)]
        v = tf.Variable(1.0)
    assert OPS["sign"] is before
    with tf.Session() as session:
        slopes = [tf.gradients(y, x)[0] for y in (*inner, *outer)]
        found = session.run([x if g is None else g for g in slopes])
        np.testing.assert_array_equal(found[0], np.ones(4))
        np.testing.assert_array_equal(found[1], np.ones(4))
        np.testing.assert_array_equal(found[2], np.ones(4))
        np.testing.assert_array_equal(found[3], [0, 0, 1, 1])
        session.run(v.initializer)
        assert session.run(v) == 1.0


def test_mistakes_are_named():
    x = tf.constant(X)
    graph = tf.get_default_graph()
    tf.RegisterGradient("TakenOnce")(lambda op, grad: grad)
    with pytest.raises(KeyError, match="two gradient with name 'TakenOnce'"):
        tf.NoGradient("TakenOnce")
    with pytest.raises(KeyError, match="two gradient with name 'Relu'"):
        tf.RegisterGradient("Relu")(lambda op, grad: grad)
    for register in (tf.RegisterGradient, tf.NotDifferentiable):
        with pytest.raises(TypeError, match="op_type must be a string"):
            register(3)
    with pytest.raises(TypeError, match="dictionary mapping strings"), graph.gradient_override_map({"Relu": 3}):
        pass
    with graph.gradient_override_map({"Relu": "Nowhere", "Add": "TakenOnce"}):
        y, z = tf.nn.relu(x), tf.add(x, x)
    with pytest.raises(
        LookupError, match=r"No gradient called 'Nowhere' is defined for operation 'Relu', made at .*test_over"
    ):
        tf.gradients(y, x)
    with pytest.raises(ValueError, match=r"Num gradients 1 generated for op 'Add'.*num inputs 2\n  at .*test_overrides"):
        tf.gradients(z, x)


def test_a_custom_gradient_may_be_of_variables_too():
    w = tf.Variable([1.0, 2.0], name="w")

    @tf.custom_gradient
    def scaled(x):
        def gradient(dy, variables=None):
            assert variables == [w]
            return dy * 10, [dy * 100]

        return x * w, gradient

    x = tf.constant([3.0, 4.0])
    slopes = tf.gradients(scaled(x), [x, w])
    with tf.Session() as session:
        session.run(w.initializer)
        np.testing.assert_array_equal(session.run(slopes), [[10, 10], [100, 100]])
    with pytest.raises(TypeError, match="uses variables"):
        tf.custom_gradient(lambda x: (x * w, lambda dy: dy))(x)
    with pytest.raises(ValueError, match="keyword arguments"):
        scaled(x=x)
    wrong = tf.custom_gradient(lambda x: (x * 2.0, lambda dy: (dy, dy)))(x)
    with pytest.raises(ValueError, match="gave 2 gradients for 1 arguments"):
        tf.gradients(wrong, x)
