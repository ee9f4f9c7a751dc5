"""Large arrays: native code in place of kernels gives their values, whatever the layout, and the same bits in both modes."""

import numpy as np
import pytest

import dynamic
import static as tf
from graphs.codegen import compiled, wide
from graphs.codegen.machine import available
from graphs.core.function import trace
from graphs.core.large import LARGE
from graphs.core.op import OPS
from graphs.updates import Adam
from tests.helpers import load_samples


pytestmark = pytest.mark.skipif(not available(), reason="no native code here")

TABLE = load_samples()
OWN = sorted(name for name, op in OPS.items() if op.large)


def spread(dtype="float32", size=LARGE + 77, low=-9.0, high=9.0):
    return np.random.default_rng(3).uniform(low, high, size).astype(dtype)


def calls(name):
    """Calls of an op by its samples' numbers, repeated until they are large."""
    for case in TABLE[name].cases:
        arrays = case.args
        if all(isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.shape == arrays[0].shape and x.size for x in arrays):
            repeats = -(-LARGE // arrays[0].size) + 1
            yield [np.tile(x.reshape(-1), repeats) for x in arrays], case.params


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OWN)
def test_values_of_kernels(name, dtype):
    op = OPS[name]
    tried = 0
    for arrays, params in calls(name):
        large = [x.astype(dtype) for x in arrays]
        with np.errstate(all="ignore"):
            found, wanted = op(*large, **params), op.kernel.__wrapped__(np, *large, **params)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)
        tried += 1
    if not tried:
        pytest.skip("no sample of floats of one shape")


def test_which_ops():
    assert {"exp", "log", "tanh", "sigmoid", "softplus", "log1p", "expm1", "binary_cross_entropy"} <= set(OWN)
    assert not OPS["add"].large
    assert not OPS["sin"].large


def test_native_code_is_called():
    x = spread()
    assert wide.native(OPS["exp"], (x,), {}) is not None
    assert wide.native(OPS["exp"], (x.astype("float16"),), {}) is None
    assert wide.native(OPS["exp"], (np.ones(LARGE, complex),), {}) is None


LAYOUTS = {
    "transposed": lambda x: x.reshape(256, -1).T,
    "columns": lambda x: np.asfortranarray(x.reshape(256, -1)),
    "a step": lambda x: np.repeat(x, 2)[::2],
    "backwards": lambda x: x[::-1],
    "a part": lambda x: np.concatenate([x.reshape(256, -1)] * 2, 1)[:, : x.size // 256],
    "broadcast": lambda x: np.broadcast_to(x[:256], (300, 256)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    """Each element has the bits that it has elsewhere, and results lie as numpy's would."""
    x = LAYOUTS[layout](spread(size=2 * LARGE))
    found = OPS["sigmoid"](x)
    np.testing.assert_array_equal(found, OPS["sigmoid"](np.ascontiguousarray(x)))
    assert found.flags.f_contiguous == np.exp(x).flags.f_contiguous


def test_two_layouts_at_once():
    p, t = spread(size=LARGE, low=0.1, high=0.9).reshape(256, -1), spread(size=LARGE, low=0.1, high=0.9).reshape(256, -1)
    op = OPS["binary_cross_entropy"]
    np.testing.assert_array_equal(op(p, np.asfortranarray(t)), op(p, t))


def test_special_values():
    x = np.tile(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 200.0, -200.0], "float32"), LARGE // 8)
    for name in ("exp", "tanh", "sigmoid", "log1p"):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(OPS[name](x), OPS[name].kernel.__wrapped__(np, x), rtol=1e-6)


@pytest.mark.parametrize("hot", [False, True], ids=["interpreted", "native"])
def test_both_modes_have_the_same_bits(hot):
    a = spread()

    def chain(m, x, y):
        return m.sigmoid(2 * x + 1) * m.tanh(y) - m.exp(-(x * x))

    x, y = (dynamic.from_numpy(v.copy()).requires_grad_() for v in (a, a[::-1]))
    out = chain(dynamic, x, y)
    out.backward(dynamic.ones_like(out))
    with tf.Graph().as_default():
        nodes = [tf.placeholder(tf.float32, a.shape) for _ in range(2)]
        result = chain(tf, *nodes)
        fetched = [result, *tf.gradients(result, nodes)]
        with tf.Session(passes=tf.passes.EXACT) as sess:
            feed = dict(zip(nodes, (a, a[::-1]), strict=True))
            if hot:
                assert sess.plan(fetched, feed).compile()
            found = sess.run(fetched, feed)
    for mine, theirs in zip(found, (out.detach(), x.grad, y.grad), strict=True):
        np.testing.assert_array_equal(mine, theirs.numpy())


def test_loops_have_the_same_bits():
    a = spread()
    x = dynamic.from_numpy(a)
    for _ in range(3):
        x = dynamic.tanh(x * 1.5)
    with tf.Graph().as_default(), tf.Session(passes=()) as sess:
        loop = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.tanh(x * 1.5)), [0, tf.constant(a)])[1]
        np.testing.assert_array_equal(sess.run(loop), x.numpy())


def test_an_update_that_is_called_often_becomes_native_with_the_same_bits(monkeypatch):
    monkeypatch.setattr(wide, "_HOT", 3 * LARGE)
    rule = Adam(weight_decay=True)
    rates = rule.step("float32", 3, learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.01)
    function, _ = trace(lambda *args: rule.function("float32")(*args), *[v.spec for v in rule.function("float32").inputs])
    kernel = compiled(function, (0, 2, 3))
    p, g, m, v = spread(), spread(), spread() * 0.1, np.abs(spread())
    wanted = function(p, g, m, v, *rates)
    arrays = [p, m, v]
    hot = kernel.__globals__["natively"]
    for _ in range(5):
        held = [x.copy() for x in arrays]
        kernel((held[0], g, *held[1:], *rates), tuple(held))
        for x, y in zip(held, wanted, strict=True):
            np.testing.assert_array_equal(x, y)
    assert hot._wide is not None
