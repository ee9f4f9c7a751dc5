"""Theano's programs and semantics, against numpy by hand, finite differences and unrolled loops."""

import json
from importlib import import_module
from pathlib import Path

import numpy
import pytest

import static
import static.theano as theano
import static.theano.tensor as T
from graphs.execute import aliased
from static.adapter import ALIASES
from static.theano.sandbox.rng_mrg import MRG_RandomStreams
from static.theano.tensor.shared_randomstreams import RandomStreams
from static.theano.tensor.signal import pool
from tests.static.theano_programs import Programs


def normal(*shape, seed=0):
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape)


def slopes(f, x, step=1e-6):
    """The gradient of a scalar function by central differences."""
    out = numpy.zeros_like(x)
    for i in numpy.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        out[i] = (f(up) - f(down)) / (2 * step)
    return out


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softmax(x):
    e = numpy.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# Programs


def test_logistic_regression_trains_on_minibatches_given_by_an_index():
    data, truth = normal(60, 4), normal(4, 3)
    classes = (data @ truth).argmax(1)
    shared_x = theano.shared(data, borrow=True)
    shared_y = T.cast(theano.shared(classes.astype("float64")), "int32")
    index, x, y = T.lscalar("index"), T.matrix("x"), T.ivector("y")
    w, b = theano.shared(numpy.zeros((4, 3)), name="w"), theano.shared(numpy.zeros(3), name="b")
    p = T.nnet.softmax(T.dot(x, w) + b)
    cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
    errors = T.mean(T.neq(T.argmax(p, axis=1), y))
    updates = [(v, v - 0.5 * g) for v, g in zip([w, b], T.grad(cost, [w, b]), strict=True)]
    part = slice(index * 20, (index + 1) * 20)
    train = theano.function([index], cost, updates=updates, givens={x: shared_x[part], y: shared_y[part]})
    test = theano.function([x, y], [cost, errors], allow_input_downcast=True)

    ours, bias = numpy.zeros((4, 3)), numpy.zeros(3)
    for step in range(12):
        rows = slice(step % 3 * 20, (step % 3 + 1) * 20)
        out = softmax(data[rows] @ ours + bias)
        numpy.testing.assert_allclose(train(step % 3), -numpy.log(out[range(20), classes[rows]]).mean(), rtol=1e-12)
        back = (out - numpy.eye(3)[classes[rows]]) / 20
        ours, bias = ours - 0.5 * data[rows].T @ back, bias - 0.5 * back.sum(0)
    numpy.testing.assert_allclose(w.get_value(), ours, rtol=1e-10)
    out = softmax(data @ ours + bias)
    numpy.testing.assert_allclose(test(data, classes)[1], (out.argmax(1) != classes).mean())


def test_contrastive_divergence_runs_a_gibbs_chain_in_scan_and_holds_it_constant():
    v = T.matrix("v")
    w = theano.shared(normal(6, 4) * 0.1)
    hidden, visible = theano.shared(numpy.zeros(4)), theano.shared(numpy.zeros(6))
    streams = RandomStreams(123)

    def gibbs(state):
        up = T.nnet.sigmoid(T.dot(state, w) + hidden)
        sample = streams.binomial(size=up.shape, n=1, p=up, dtype=theano.config.floatX)
        mean = T.nnet.sigmoid(T.dot(sample, w.T) + visible)
        return [up, streams.binomial(size=mean.shape, n=1, p=mean, dtype=theano.config.floatX)]

    def energy(state):
        return -T.dot(state, visible) - T.sum(T.nnet.softplus(T.dot(state, w) + hidden), axis=1)

    (ups, samples), updates = theano.scan(gibbs, outputs_info=[None, v], n_steps=4)
    end = samples[-1]
    cost = T.mean(energy(v)) - T.mean(energy(end))
    for parameter, gradient in zip([w, hidden], T.grad(cost, [w, hidden], consider_constant=[end]), strict=True):
        updates[parameter] = parameter - 0.1 * gradient
    train = theano.function([v], [end, ups, samples], updates=updates)

    given = (normal(8, 6) > 0).astype(float)
    before = w.get_value()
    last, up, chain = train(given)
    assert set(numpy.unique(chain)) == {0.0, 1.0}
    numpy.testing.assert_allclose(up[0], sigmoid(given @ before))
    numpy.testing.assert_allclose(up[1], sigmoid(chain[0] @ before))
    back = (last.T @ sigmoid(last @ before) - given.T @ sigmoid(given @ before)) / 8
    numpy.testing.assert_allclose(w.get_value(), before - 0.1 * back, rtol=1e-12)
    assert (train(given)[2] != chain).any(), "each call draws anew"


def test_a_recurrent_net_with_taps_is_its_unrolled_loop():
    sequence, start = T.matrix("sequence"), T.matrix("start")
    names = ["into", "one", "two", "out"]
    values = {name: normal(3, 3, seed=i) * 0.5 for i, name in enumerate(names)}
    into, one, two, out = (theano.shared(values[name], name) for name in names)

    def step(now, ahead, older, newer):
        h = T.tanh(T.dot(now + 0.5 * ahead, into) + T.dot(newer, one) + T.dot(older, two))
        return h, T.dot(h, out)

    (_, ys), _ = theano.scan(
        step,
        sequences={"input": sequence, "taps": [0, 1]},
        outputs_info=[{"initial": start, "taps": [-2, -1]}, None],
    )
    cost = T.sqr(ys).sum()
    function = theano.function([sequence, start], [cost, *T.grad(cost, [into, one, two, out, start])])

    def unrolled(sequence, start, **w):
        older, newer, total = start[0], start[1], 0.0
        for t in range(len(sequence) - 1):
            new = numpy.tanh((sequence[t] + 0.5 * sequence[t + 1]) @ w["into"] + newer @ w["one"] + older @ w["two"])
            older, newer, total = newer, new, total + ((new @ w["out"]) ** 2).sum()
        return total

    xs, first = normal(7, 3), normal(2, 3)
    found = function(xs, first)
    numpy.testing.assert_allclose(found[0], unrolled(xs, first, **values))
    for name, gradient in zip(names, found[1:-1], strict=True):
        by_steps = slopes(lambda w, name=name: unrolled(xs, first, **{**values, name: w}), values[name])
        numpy.testing.assert_allclose(gradient, by_steps, atol=1e-6)
    numpy.testing.assert_allclose(found[-1], slopes(lambda s: unrolled(xs, s, **values), first), atol=1e-6)


# scan


def test_power():
    k, a = T.iscalar("k"), T.vector("a")
    result, updates = theano.scan(lambda prior, a: prior * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k)
    power = theano.function([a, k], [result[-1], T.grad(result[-1].sum(), a)], updates=updates)
    x = numpy.arange(10.0)
    numpy.testing.assert_allclose(power(x, 3), [x**3, 3 * x**2])
    with pytest.raises(TypeError, match=r"Bad input argument 'k' .* at index 1"):
        power(x, 2.5)


def test_polynomial():
    coefficients, x = T.vector("coefficients"), T.scalar("x")
    terms, _ = theano.scan(
        lambda c, n, x: c * x**n, sequences=[coefficients, T.arange(1000)], outputs_info=None, non_sequences=x
    )
    value = terms.sum()
    function = theano.function([coefficients, x], [value, *T.grad(value, [coefficients, x])])
    found = function([1, 0, 2, -1], 3)
    assert found[0] == 1 + 18 - 27
    numpy.testing.assert_allclose(found[1], [1, 3, 9, 27])
    assert found[2] == 12 - 27


def test_fibonacci_reads_two_past_values():
    n = T.lscalar("n")
    start = T.constant(numpy.array([0, 1]))
    values, _ = theano.scan(lambda a, b: a + b, outputs_info={"initial": start, "taps": [-2, -1]}, n_steps=n)
    function = theano.function([n], values)
    assert function(8).tolist() == [1, 2, 3, 5, 8, 13, 21, 34]
    assert function(0).shape == (0,)


def test_until_yields_the_round_in_which_it_stops():
    x, limit = T.dvector("x"), T.dscalar("limit")
    values, _ = theano.scan(
        lambda row, prior, limit: (prior * 2.0 * row, theano.scan_module.until(prior * 2.0 * row > limit)),
        sequences=x,
        outputs_info=T.constant(1.0, dtype="float64"),
        non_sequences=limit,
    )
    function = theano.function([x, limit], [values, T.grad(values.sum(), x), T.grad(values[-1], x)])
    found = function(numpy.ones(9), 7.0)
    assert found[0].tolist() == [2.0, 4.0, 8.0]
    assert found[1].tolist() == [14.0, 12.0, 8.0, *[0.0] * 6]
    assert found[2].tolist() == [8.0, 8.0, 8.0, *[0.0] * 6]
    assert len(function(numpy.ones(9), 1e9)[0]) == 9


def test_shared_variables_are_carried_through_and_change_only_with_the_updates():
    count, seen = theano.shared(0), theano.shared(numpy.zeros(3))
    x = T.vector("x")
    values, updates = theano.scan(
        lambda row: (count * row, {count: count + 1, seen: seen + row}), sequences=x, outputs_info=None
    )
    look = theano.function([x], values)
    make = theano.function([x], values, updates=updates)
    assert look([1, 1, 1]).tolist() == [0, 1, 2]
    assert look([1, 1, 1]).tolist() == [0, 1, 2]
    assert make([1, 2, 3]).tolist() == [0, 2, 6]
    assert count.get_value() == 3
    assert look([1, 1, 1]).tolist() == [3, 4, 5]
    assert seen.get_value().tolist() == [6.0] * 3
    nothing, alone = theano.scan(lambda: {count: count + 1}, n_steps=5)
    assert nothing is None
    theano.function([], [], updates=alone)()
    assert count.get_value() == 8


def test_nested_scans():
    x = T.matrix("x")

    def row(each):
        sums, _ = theano.scan(lambda v, total: total + v**2, sequences=each, outputs_info=T.zeros(()))
        return sums[-1]

    rows, _ = theano.map(row, x)
    function = theano.function([x], [rows, T.grad(T.sqr(rows).sum(), x)])
    given = normal(3, 4)
    sums = (given**2).sum(1)
    numpy.testing.assert_allclose(function(given)[0], sums)
    numpy.testing.assert_allclose(function(given)[1], 4 * given * sums[:, None])


def test_directions_folds_and_taps():
    x = T.vector("x")
    backwards, _ = theano.scan(lambda v, a: a * 0.5 + v, x, T.zeros(()), go_backwards=True)
    left, _ = theano.foldl(lambda v, a: a - v, x, T.zeros(()))
    right, _ = theano.foldr(lambda v, a: v - a, x, T.zeros(()))
    both, _ = theano.reduce(lambda v, a, b: [a + v, b * v], x, [T.zeros(()), T.ones(())])
    taps, _ = theano.scan(
        lambda *around: around[0] + 10 * around[1] + 100 * around[2], {"input": x, "taps": [-1, 2, 0]}, return_list=True
    )
    late, _ = theano.scan(lambda v: v, {"input": x, "taps": [1]})
    found = theano.function([x], [backwards, left, right, *both, *taps, late])([1.0, 2.0, 3.0, 4.0])
    expected = [[4, 5, 4.5, 3.25], -10, -2, 10, 24, [241], [2, 3, 4]]
    for one, other in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(one, other)


@pytest.mark.parametrize(("rounds", "kept"), [(1, 1), (2, 2), (9, 5)])
def test_truncated_gradients_flow_through_the_last_rounds_only(rounds, kept):
    x, start = T.vector("x"), T.scalar("start")
    values, _ = theano.scan(lambda v, s: s * v, x, start, truncate_gradient=rounds)
    whole, _ = theano.scan(lambda v, s: s * v, x, start)
    given = numpy.arange(2.0, 7.0)
    function = theano.function([x, start], [values, *T.grad(values[-1], [x, start]), T.grad(whole[-1], x)])
    out, gradient, first, full = function(given, 1.5)
    numpy.testing.assert_allclose(out, 1.5 * numpy.cumprod(given))
    numpy.testing.assert_allclose(gradient, [*numpy.zeros(5 - kept), *full[5 - kept :]])
    assert first == (720.0 if kept == 5 else 0.0)


def step_of_two(v, s):
    return s, v


SCAN_ERRORS = {
    "neither sequences nor n_steps": (lambda x: theano.scan(lambda: x), ValueError, "n_steps"),
    "outputs without info": (lambda x: theano.scan(step_of_two, x, T.zeros(())), ValueError, "provide|give None"),
    "dtype": (lambda x: theano.scan(lambda v, s: s + v, x, T.zeros((), "float32")), ValueError, "upcast or downcast"),
    "rank": (lambda x: theano.scan(lambda v, s: s + x, x, T.zeros(())), ValueError, "dimension"),
    "future tap": (lambda x: theano.scan(lambda s: s, None, {"initial": x, "taps": [0]}), ValueError, "negative|n_steps"),
    "a scalar sequence": (lambda x: theano.scan(lambda v: v, x[0]), ValueError, "first axis"),
    "short": (lambda x: theano.scan(lambda v: v, T.zeros(3), n_steps=4), ValueError, "shorter"),
    "a string": (lambda x: theano.scan(lambda v: "no", x), TypeError, "outputs, updates"),
    "truncated until": (
        lambda x: theano.scan(lambda v: (v, theano.scan_module.until(v > 1)), x, truncate_gradient=2),
        NotImplementedError,
        "until",
    ),
}


@pytest.mark.parametrize("case", SCAN_ERRORS)
def test_what_scan_refuses(case):
    build, error, words = SCAN_ERRORS[case]
    with pytest.raises(error, match=words):
        build(T.vector("x"))


def test_strict_wants_shared_variables_among_the_non_sequences():
    x, w = T.vector("x"), theano.shared(2.0, "w")
    theano.scan(lambda v, w: v * w, x, non_sequences=w, strict=True)
    with pytest.raises(theano.gof.MissingInputError, match="w/read"):
        theano.scan(lambda v: v * w, x, strict=True)


# Gradients


def test_jacobian_and_hessian_go_through_scan():
    x = T.dvector("x")
    y = x**2 * x.sum()
    cost = (x**3).sum() + x[0] * x[1] ** 2
    function = theano.function([x], [T.jacobian(y, x), T.hessian(cost, x), T.jacobian(cost, x)])
    at = numpy.array([1.0, 2.0, -1.5])
    jacobian, hessian, gradient = function(at)
    numpy.testing.assert_allclose(jacobian, numpy.diag(2 * at * at.sum()) + (at**2)[:, None])
    numpy.testing.assert_allclose(hessian, numpy.diag([6, 12 + 2, -9]) + numpy.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]]))
    numpy.testing.assert_allclose(gradient, 3 * at**2 + [4, 4, 0])


def test_products_with_the_jacobian():
    x, w, v, u = T.vector("x"), T.matrix("w"), T.matrix("v"), T.vector("u")
    y = T.tanh(T.dot(x, w))
    function = theano.function([x, w, v, u], [T.Rop(y, w, v), T.Lop(y, w, u)])
    xs, ws, vs, us = normal(3), normal(3, 2), normal(3, 2, seed=1), normal(2)
    slope = 1 - numpy.tanh(xs @ ws) ** 2
    right, left = function(xs, ws, vs, us)
    numpy.testing.assert_allclose(right, slope * (xs @ vs))
    numpy.testing.assert_allclose(left, numpy.outer(xs, slope * us))


def test_gradients_of_what_a_cost_does_not_depend_on():
    x, y = T.vector("x"), T.vector("y")
    cost = T.sqr(x).sum() + y.shape[0]
    with pytest.raises(theano.gradient.DisconnectedInputError, match="not part of the computational graph"):
        T.grad(cost, y)
    with pytest.warns(UserWarning, match="not part"):
        T.grad(cost, y, disconnected_inputs="warn")
    zeros = T.grad(cost, y, disconnected_inputs="ignore")
    assert theano.function([y], zeros)([1, 2]).tolist() == [0, 0]
    assert T.grad(cost, y, disconnected_inputs="ignore", return_disconnected="None") is None
    assert theano.function([x], T.grad(T.floor(x).sum(), x))([1.5]).tolist() == [0.0]
    counts = T.ivector("counts")
    assert theano.function([counts], T.grad(counts.sum(), counts))([1, 2]).tolist() == [0.0, 0.0]
    with pytest.raises(TypeError, match="floating"):
        T.grad((counts * 1.5).sum(), counts)
    with pytest.raises(TypeError, match="cost must be a scalar"):
        T.grad(x, x)
    with pytest.raises(ValueError, match="can't both be None"):
        T.grad(None, x)


def test_constants_and_known_gradients():
    x = T.vector("x")
    h = x**2
    cost = (h * x).sum()
    held = T.grad(cost, x, consider_constant=[h])
    same = T.grad((theano.gradient.disconnected_grad(h) * x).sum(), x)
    known = T.grad(None, x, known_grads={h: T.constant([1.0, 2.0, 3.0], dtype="float64")})
    clipped = T.grad((theano.gradient.grad_clip(h, -4, 4) * x**2).sum(), x)
    at = numpy.array([1.0, 2.0, 3.0])
    found = theano.function([x], [held, same, known, clipped])(at)
    expected = [at**2, at**2, 2 * at * [1, 2, 3], 2 * at**3 + numpy.minimum(at**2, 4) * 2 * at]
    for one, other in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(one, other)


# Functions


def test_updates_are_all_made_of_the_old_values():
    a, b = theano.shared(1.0), theano.shared(10.0)
    swap = theano.function([], [a + b, a], updates={a: b, b: a + b})
    assert [float(x) for x in swap()] == [11.0, 1.0]
    assert (a.get_value(), b.get_value()) == (10.0, 11.0)


def test_shared_variables():
    start = numpy.zeros((2, 3))
    w = theano.shared(start, name="w")
    start[:] = 5
    assert w.get_value().tolist() == [[0.0] * 3] * 2
    w.get_value()[:] = 7
    assert w.get_value().sum() == 0
    w.set_value(numpy.ones((4, 1)))
    assert theano.function([], w.shape)().tolist() == [4, 1]
    with pytest.raises(TypeError, match="Wrong number of dimensions"):
        w.set_value(numpy.ones(4))
    with pytest.raises(TypeError, match="loss of precision"):
        theano.shared(numpy.ones(2, "float32")).set_value(numpy.ones(2))
    with pytest.raises(TypeError, match="not symbolic"):
        theano.shared(w)
    counter = theano.shared(0)
    counter.default_update = counter + 1
    count = theano.function([], counter)
    assert [int(count()), int(count())] == [0, 1]
    assert int(theano.function([], counter, no_default_updates=True)()) == 2
    assert counter.get_value() == 2


def test_inputs_by_place_by_name_and_by_default():
    x, y = T.dscalar("x"), T.dscalar("y")
    function = theano.function([x, theano.In(y, value=2)], x - y)
    assert (function(5), function(5, 1), function(y=1, x=0)) == (3, 4, -1)
    assert theano.function([x], {"a": x, "b": -x})(1) == {"a": 1.0, "b": -1.0}
    assert theano.function([x], [x])(1)[0].shape == ()
    for call, words in [
        (lambda: function(), "Missing required input: x"),
        (lambda: function(1, 2, 3), "Too many parameter"),
        (lambda: function(1, z=2), "Unknown input"),
        (lambda: function([1.0]), "expected 0, got 1"),
        (lambda: function("a"), "Bad input argument"),
    ]:
        with pytest.raises(TypeError, match=words):
            call()


CONVERSIONS = [  # type, value, allow_input_downcast, taken
    (T.fvector, numpy.ones(2), None, False),
    (T.fvector, numpy.ones(2), True, True),
    (T.fvector, [1.5], None, True),
    (T.dvector, numpy.ones(2, "float32"), None, True),
    (T.dvector, numpy.ones(2, "int32"), None, True),
    (T.ivector, numpy.ones(2, "int64"), None, False),
    (T.ivector, [1, 2], None, True),
    (T.ivector, [1.5], None, False),
    (T.fscalar, 0.1, None, False),
    (T.dscalar, 0.1, False, True),
]


@pytest.mark.parametrize(("kind", "value", "downcast", "taken"), CONVERSIONS)
def test_what_inputs_take(kind, value, downcast, taken):
    x = kind("x")
    function = theano.function([x], x * 1, allow_input_downcast=downcast)
    if taken:
        numpy.testing.assert_allclose(function(value), value)
    else:
        with pytest.raises(TypeError, match="Bad input argument"):
            function(value)


def test_what_function_refuses():
    x, y, w = T.vector("x"), T.vector("y"), theano.shared(numpy.zeros(2), "w")
    with pytest.raises(theano.UnusedInputError, match="index 1"):
        theano.function([x, y], x)
    with pytest.warns(UserWarning, match="index 1"):
        theano.function([x, y], x, on_unused_input="warn")
    theano.function([x, y], x, on_unused_input="ignore")
    for call, error, words in [
        (lambda: theano.function([x], x + y), theano.MissingInputError, "'y'"),
        (lambda: theano.function([x, x], x), theano.UnusedInputError, "used twice"),
        (lambda: theano.function([w], w), TypeError, "explicit input"),
        (lambda: theano.function(x, x), TypeError, "in a list"),
        (lambda: theano.function([x], x, updates=[(x, x)]), TypeError, "SharedVariable"),
        (lambda: theano.function([x], x, updates=[(w, w), (w, x)]), ValueError, "already has an update"),
        (lambda: theano.function([x], x, updates=[(w, x.sum())]), TypeError, "same type"),
        (lambda: theano.function([x], x, givens={x: T.matrix()}), TypeError, "Cannot convert"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_givens_replace_variables_behind_loops_too():
    x, y = T.vector("x"), T.vector("y")
    total, _ = theano.foldl(lambda v, a: a + v**2, x, T.zeros(()))
    function = theano.function([y], [total, T.grad(total, x)], givens={x: y * 2})
    assert [numpy.asarray(v).tolist() for v in function([1.0, 3.0])] == [40.0, [4.0, 12.0]]
    assert (x * 2 + y).eval({x: [1.0], y: [2.0]}).tolist() == [4.0]
    assert theano.clone(total, {x: y}).eval({y: [3.0]}) == 9
    with pytest.raises(theano.MissingInputError):
        (x + y).eval({x: [1.0]})


# Names of T


UNARY = {
    T.exp: numpy.exp,
    T.log1p: numpy.log1p,
    T.tanh: numpy.tanh,
    T.sqr: numpy.square,
    T.sqrt: numpy.sqrt,
    T.sgn: numpy.sign,
    T.abs_: abs,
    T.inv: lambda x: 1 / x,
    T.arctan: numpy.arctan,
    T.nnet.sigmoid: sigmoid,
    T.nnet.hard_sigmoid: lambda x: numpy.clip(0.2 * x + 0.5, 0, 1),
    T.nnet.softplus: lambda x: numpy.log1p(numpy.exp(x)),
    T.nnet.softmax: softmax,
    T.nnet.logsoftmax: lambda x: numpy.log(softmax(x)),
    T.nnet.relu: lambda x: numpy.maximum(x, 0),
    lambda x: T.nnet.relu(x - 1, 0.1): lambda x: numpy.where(x > 1, x - 1, (x - 1) * 0.1),
    lambda x: T.nnet.elu(x - 1): lambda x: numpy.where(x > 1, x - 1, numpy.expm1(x - 1)),
    lambda x: T.clip(x, 0.5, 1): lambda x: numpy.clip(x, 0.5, 1),
    lambda x: T.switch(T.gt(x, 1), x, -x): lambda x: numpy.where(x > 1, x, -x),
    lambda x: (x > 0.5) & (x < 1) | T.eq(x, 0): lambda x: (x > 0.5) & (x < 1),
    lambda x: ~(x > 0.5): lambda x: x <= 0.5,
    lambda x: T.sum(x, axis=1, keepdims=True): lambda x: x.sum(1, keepdims=True),
    lambda x: x.mean(axis=0): lambda x: x.mean(0),
    lambda x: T.var(x, axis=[0, 1]): lambda x: x.var(),
    lambda x: T.std(x, axis=1): lambda x: x.std(1),
    lambda x: T.max_and_argmax(x, axis=1)[1]: lambda x: x.argmax(1),
    lambda x: T.prod(x): lambda x: x.prod(),
    lambda x: x.norm(2): numpy.linalg.norm,
    lambda x: T.cumsum(x, axis=1): lambda x: x.cumsum(1),
    lambda x: T.cumsum(x): lambda x: x.cumsum(),
    lambda x: T.sort(x, axis=0): lambda x: numpy.sort(x, 0),
    lambda x: T.argsort(x): lambda x: numpy.argsort(x),
    lambda x: T.any(x > 1.5, axis=1): lambda x: (x > 1.5).any(1),
    lambda x: x.T.dot(x): lambda x: x.T @ x,
    lambda x: T.dot(x, T.constant([1.0, 2, 3, 4])): lambda x: x @ [1, 2, 3, 4],
    lambda x: T.tensordot(x, x, [[0], [0]]): lambda x: x.T @ x,
    lambda x: T.tensordot(x, x, 2): lambda x: (x * x).sum(),
    lambda x: T.batched_dot(x, x): lambda x: (x * x).sum(1),
    lambda x: T.outer(x[0], x[1]): lambda x: numpy.outer(x[0], x[1]),
    lambda x: T.concatenate([x, x * 2], axis=1): lambda x: numpy.concatenate([x, x * 2], 1),
    lambda x: T.stack([x, x], axis=1): lambda x: numpy.stack([x, x], 1),
    lambda x: T.stack(x[0], x[1]): lambda x: x[:2],
    lambda x: T.join(0, x, x): lambda x: numpy.concatenate([x, x]),
    lambda x: T.split(x, [1, 3], 2, axis=1)[1]: lambda x: x[:, 1:],
    lambda x: x.dimshuffle(1, "x", 0): lambda x: x.T[:, None],
    lambda x: x.dimshuffle("x", 0, 1).dimshuffle(1, 2): lambda x: x,
    lambda x: x.reshape((x.shape[1], -1)): lambda x: x.reshape(4, 3),
    lambda x: T.shape_padright(x, 2).flatten(2): lambda x: x,
    lambda x: T.flatten(x): lambda x: x.ravel(),
    lambda x: T.tile(x, (2, 1)): lambda x: numpy.tile(x, (2, 1)),
    lambda x: T.repeat(x, 2, axis=1): lambda x: numpy.repeat(x, 2, 1),
    lambda x: T.alloc(x[0], x.shape[0], x.shape[1]): lambda x: numpy.stack([x[0]] * 3),
    lambda x: T.zeros_like(x) + T.ones((x.shape[0], 1)): lambda x: numpy.ones_like(x),
    lambda x: T.eye(x.shape[0], 4): lambda x: numpy.eye(3, 4),
    lambda x: T.eye(3, k=1): lambda x: numpy.eye(3, k=1),
    lambda x: T.arange(1, x.shape[1], 2): lambda x: numpy.arange(1, 4, 2),
    lambda x: T.roll(x, 1, axis=1): lambda x: numpy.roll(x, 1, 1),
    lambda x: T.extra_ops.bincount(T.argmax(x, axis=1)): lambda x: numpy.bincount(x.argmax(1)),
    lambda x: T.diag(x[0]): lambda x: numpy.diag(x[0]),
    lambda x: T.diag(x): lambda x: numpy.diag(x),
    lambda x: T.tril(x, -1): lambda x: numpy.tril(x, -1),
    lambda x: T.extra_ops.to_one_hot(T.argmax(x, axis=1), 4): lambda x: numpy.eye(4)[x.argmax(1)],
    lambda x: T.extra_ops.diff(x): lambda x: numpy.diff(x),
    lambda x: T.nlinalg.matrix_inverse(T.dot(x, x.T)): lambda x: numpy.linalg.inv(x @ x.T),
    lambda x: T.nlinalg.det(T.dot(x, x.T)): lambda x: numpy.linalg.det(x @ x.T),
    lambda x: T.addbroadcast(x[:1], 0) + x: lambda x: x[0] + x,
    lambda x: x[::-1, 1]: lambda x: x[::-1, 1],
    lambda x: x[x.shape[0] - 1, None, : x.shape[1] - 1]: lambda x: x[2, None, :3],
    lambda x: x[[0, 2]]: lambda x: x[[0, 2]],
    lambda x: x[:, numpy.array([1, 1, 0])]: lambda x: x[:, [1, 1, 0]],
    lambda x: x[T.arange(3), [1, 2, 0]]: lambda x: x[range(3), [1, 2, 0]],
    lambda x: x[0, :, None][T.arange(2)]: lambda x: x[0, :2, None],
    lambda x: x[(x > 1).nonzero()]: lambda x: x[x > 1],
    lambda x: x[x > 1]: lambda x: x[x > 1],
    lambda x: T.nnet.binary_crossentropy(x / 3, x > 1): lambda x: -numpy.log(numpy.where(x > 1, x / 3, 1 - x / 3)),
    lambda x: T.nnet.categorical_crossentropy(x, T.argmax(x, axis=1)): lambda x: -numpy.log(x.max(1)),
    lambda x: T.nnet.categorical_crossentropy(x, x): lambda x: -(x * numpy.log(x)).sum(1),
    lambda x: theano.ifelse.ifelse(x.sum() > 1, x, -x): lambda x: x if x.sum() > 1 else -x,
}


@pytest.mark.parametrize(("build", "expected"), UNARY.items(), ids=map(str, range(len(UNARY))))
def test_names(build, expected):
    x = T.matrix("x")
    given = numpy.abs(normal(3, 4)) + 0.05
    numpy.testing.assert_allclose(
        theano.function([x], build(x), on_unused_input="ignore")(given), expected(given), rtol=1e-6
    )


def test_ultra_fast_sigmoid_is_near_the_sigmoid():
    x = T.vector("x")
    at = numpy.linspace(-9, 9, 101)
    assert abs(theano.function([x], T.nnet.ultra_fast_sigmoid(x))(at) - sigmoid(at)).max() < 0.03


def test_logarithms_of_softmax_and_sigmoid_stay_finite_and_so_do_their_gradients():
    x, y = T.matrix("x"), T.ivector("y")
    rows = T.arange(y.shape[0])
    p, s = T.nnet.softmax(x), T.nnet.sigmoid(x)
    far = [
        -T.log(p)[rows, y].sum(),
        -T.log(p[rows, y]).sum(),
        T.nnet.categorical_crossentropy(p, y).sum(),
        T.nnet.binary_crossentropy(s, T.eq(x, 0)).sum(),
        T.nnet.sigmoid_binary_crossentropy(x, T.eq(x, 0)).sum(),
    ]
    function = theano.function([x, y], [*far, *(T.grad(cost, x) for cost in far)], on_unused_input="ignore")
    found = function([[900.0, 0.0]], [1])
    numpy.testing.assert_allclose(found[:3], 900.0)
    numpy.testing.assert_allclose(found[3:5], 900 + numpy.log(2))
    numpy.testing.assert_allclose(found[5:8], [[[1, -1]]] * 3, atol=1e-12)
    numpy.testing.assert_allclose(found[8:], [[[1, -0.5]]] * 2, atol=1e-12)


def put(x, key, y, add):
    x = x.copy()
    if add:
        numpy.add.at(x, key, y)
    else:
        x[key] = y
    return x


KEYS = {
    "a row": (lambda n: 1, 1),
    "a row of the graph": (lambda n: n, 2),
    "a slice": (lambda n: (slice(1), slice(1, None)), (slice(1), slice(1, None))),
    "a slice of the graph": (lambda n: (slice(None), slice(n)), (slice(None), slice(2))),
    "positions": (lambda n: [0, 2, 2], [0, 2, 2]),
    "pairs of positions": (lambda n: (T.arange(3), [1, 0, 1]), ([0, 1, 2], [1, 0, 1])),
    "positions and a slice of the graph": (lambda n: (slice(n), [1, 1]), (slice(2), [1, 1])),
}


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("key", KEYS)
def test_subtensors_are_set_and_increased(key, add):
    symbolic, plain = KEYS[key]
    x, n, y = T.matrix("x"), T.iscalar("n"), T.scalar("y")
    change = T.inc_subtensor if add else T.set_subtensor
    out = change(x[symbolic(n)], y)
    weights = normal(3, 4)
    cost = (out * weights).sum()
    function = theano.function([x, n, y], [out, *T.grad(cost, [x, y])], on_unused_input="ignore")
    given = normal(3, 4, seed=1)
    found = function(given, 2, 3.0)
    numpy.testing.assert_allclose(found[0], put(given, plain, 3.0, add))
    numpy.testing.assert_allclose(found[1], slopes(lambda x: (put(x, plain, 3.0, add) * weights).sum(), given), atol=1e-6)
    if key != "positions" or add:
        by_steps = slopes(lambda y: (put(given, plain, y, add) * weights).sum(), numpy.array(3.0))
        if add or key not in ("positions", "positions and a slice of the graph"):
            numpy.testing.assert_allclose(found[2], by_steps, atol=1e-6)


# Dtypes


PROMOTIONS = [
    (T.fvector, lambda x: x * 2.0, "float32"),
    (T.fvector, lambda x: x * 0.1, "float64"),
    (T.fvector, lambda x: x + numpy.float64(1), "float64"),
    (T.ivector, lambda x: x + 1, "int32"),
    (T.ivector, lambda x: x / 2, "float64"),
    (T.ivector, lambda x: x // 2, "int32"),
    (T.ivector, lambda x: x * 0.5, "float64"),
    (T.ivector, lambda x: T.exp(x), "float64"),
    (T.bvector, lambda x: x + 1000, "int16"),
    (T.bvector, lambda x: x.sum(), "int64"),
    (T.ivector, lambda x: T.mean(x), "float64"),
    (T.dvector, lambda x: x > 0, "bool"),
    (T.dvector, lambda x: T.argmax(x), "int64"),
    (T.dvector, lambda x: x * (x > 0), "float64"),
    (T.dvector, lambda x: x + T.arange(2), "float64"),
    (T.fvector, lambda x: T.cast(x, "int8"), "int8"),
]


@pytest.mark.parametrize(("kind", "build", "dtype"), PROMOTIONS)
def test_dtypes(kind, build, dtype):
    x = kind("x")
    out = build(x)
    assert out.dtype == dtype
    assert theano.function([x], out)([1, 2]).dtype == dtype


def test_floatx():
    theano.config.floatX = "float32"
    try:
        x = T.vector("x")
        assert (x.dtype, (x * 0.1).dtype, T.zeros(2).dtype, T.constant(0.1).dtype) == ("float32",) * 4
        y = T.scalar("y")
        assert theano.function([y], y)(0.1).dtype == "float32"
        with pytest.raises(TypeError, match="loss of precision"):
            theano.function([x], x)([0.1])
        with pytest.raises(ValueError, match="floatX"):
            theano.config.floatX = "float8"
    finally:
        theano.config.floatX = "float64"
    with pytest.raises(AttributeError, match="no setting"):
        theano.config.nonsense = 1


def test_types():
    x = T.matrix("x")
    assert (x.ndim, x.dtype, x.broadcastable, str(x)) == (2, "float64", (False, False), "x")
    assert T.col().broadcastable == (False, True)
    assert x.type() is not x
    assert x.type == T.TensorType("float64", (False, False))
    assert T.row("r").type != x.type
    rows, columns = x.shape
    assert theano.function([x], [rows, columns])(numpy.zeros((2, 3))) == [2, 3]
    assert [v.dtype for v in T.ivectors("a", "b")] == ["int32", "int32"]
    with pytest.raises(TypeError, match="does not support iteration"):
        list(x)
    with pytest.raises(ValueError, match="non-broadcastable"):
        x.dimshuffle(0)
    with pytest.raises(AttributeError, match="no nonsense"):
        T.nonsense  # noqa: B018
    with pytest.raises(TypeError, match="broadcastable"):
        theano.function([r := T.row()], r)(numpy.zeros((2, 3)))


# Convolutions, pools, batch normalisation


def convolved(x, w, rows, columns):
    x = numpy.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    w = w[:, :, ::-1, ::-1]
    height, width = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    out = numpy.zeros((len(x), len(w), height, width))
    for i in range(height):
        for j in range(width):
            out[:, :, i, j] = numpy.einsum("nchw,ochw->no", x[:, :, i : i + w.shape[2], j : j + w.shape[3]], w)
    return out


@pytest.mark.parametrize(
    ("mode", "pads"), [("valid", (0, 0)), ("full", (2, 1)), ("half", (1, 1)), (1, (1, 1)), ((0, 2), (0, 2))]
)
def test_convolutions_turn_their_filters(mode, pads):
    x, w = T.tensor4("x"), theano.shared(normal(2, 3, 3, 2))
    out = T.nnet.conv2d(x, w, border_mode=mode)
    known = T.nnet.conv2d(x, w, border_mode=mode, filter_shape=(2, 3, 3, 2), subsample=(2, 1))
    found, apart, gradient = theano.function([x], [out, known, T.grad(T.sqr(out).sum(), w)])(normal(2, 3, 5, 6))
    expected = convolved(normal(2, 3, 5, 6), w.get_value(), *pads)
    numpy.testing.assert_allclose(found, expected, atol=1e-12)
    numpy.testing.assert_allclose(apart, expected[:, :, ::2], atol=1e-12)
    by_steps = slopes(lambda w: (convolved(normal(2, 3, 5, 6), w, *pads) ** 2).sum(), w.get_value(), 1e-4)
    numpy.testing.assert_allclose(gradient, by_steps, atol=1e-4)


def pooled(x, size, stride, reduce, ignore):
    out = []
    counts = [
        (n - w) // s + 1 if ignore else (n - 1) // s + 1 if s >= w else max(0, (n - 1 - w + s) // s) + 1
        for n, w, s in zip(x.shape[-2:], size, stride, strict=True)
    ]
    for i in range(counts[0]):
        rows = x[..., i * stride[0] : i * stride[0] + size[0], :]
        out.append([reduce(rows[..., j * stride[1] : j * stride[1] + size[1]]) for j in range(counts[1])])
    return numpy.moveaxis(numpy.array(out), (0, 1), (-2, -1))


@pytest.mark.parametrize("ignore", [True, False])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), None), ((3, 2), (2, 1)), ((2, 2), (3, 3))])
@pytest.mark.parametrize(
    ("mode", "reduce"),
    [
        ("max", lambda x: x.max((-1, -2))),
        ("sum", lambda x: x.sum((-1, -2))),
        ("average_exc_pad", lambda x: x.mean((-1, -2))),
        ("average_inc_pad", lambda x: x.mean((-1, -2))),
    ],
)
def test_pools(mode, reduce, size, stride, ignore):
    x = T.tensor3("x")
    out = pool.pool_2d(x, size, ignore_border=ignore, stride=stride, mode=mode)
    given = normal(2, 5, 7)
    numpy.testing.assert_allclose(theano.function([x], out)(given), pooled(given, size, stride or size, reduce, ignore))


def test_batch_normalisation():
    x, running = T.matrix("x"), T.vector("running")
    gamma, beta = numpy.array([1.0, 2.0]), numpy.array([0.5, -1.0])
    out, mean, inverse, after = T.nnet.bn.batch_normalization_train(x, gamma, beta, running_mean=running)
    given = normal(6, 2)
    found = theano.function([x, running], [out, mean, inverse, after])(given, [1.0, 1.0])
    scale = 1 / numpy.sqrt(given.var(0) + 1e-4)
    numpy.testing.assert_allclose(found[0], (given - given.mean(0)) * scale * gamma + beta)
    numpy.testing.assert_allclose(found[1], given.mean(0))
    numpy.testing.assert_allclose(found[2], scale)
    numpy.testing.assert_allclose(found[3], 0.9 + 0.1 * given.mean(0))
    test = T.nnet.bn.batch_normalization_test(x, gamma, beta, given.mean(0), given.var(0))
    numpy.testing.assert_allclose(theano.function([x], test)(given), found[0])


# Random numbers, printing


def test_random_streams():
    streams = RandomStreams(7)
    n = T.iscalar("n")
    draws = [
        streams.uniform((n, 1000), low=2.0, high=3.0),
        streams.normal((n, 1000), avg=1.0, std=2.0),
        streams.binomial((n, 1000), n=3, p=0.25),
        streams.random_integers((n, 1000), 1, 3),
        streams.permutation((n,), 10),
        MRG_RandomStreams(3).multinomial(pvals=T.alloc(numpy.array([0.1, 0.2, 0.7]), n, 3), n=1000),
        streams.shuffle_row_elements(T.alloc(T.arange(6), n, 6)),
    ]
    function = theano.function([n], draws)
    uniform, normals, binomial, integers, permuted, counts, shuffled = first = function(2)
    assert uniform.shape == (2, 1000)
    assert 2 <= uniform.min() <= uniform.max() < 3
    assert abs(uniform.mean() - 2.5) < 0.05
    assert (abs(normals.mean() - 1) < 0.2, abs(normals.std() - 2) < 0.2) == (True, True)
    assert (binomial.dtype, sorted(set(binomial.ravel()))) == ("int64", [0, 1, 2, 3])
    assert abs(binomial.mean() - 0.75) < 0.1
    assert set(integers.ravel()) == {1, 2, 3}
    assert numpy.sort(permuted).tolist() == [list(range(10))] * 2
    assert counts.sum(1).tolist() == [1000, 1000]
    assert abs(counts[0] / 1000 - [0.1, 0.2, 0.7]).max() < 0.08
    assert numpy.sort(shuffled).tolist() == [list(range(6))] * 2
    assert all((a != b).any() for a, b in zip(first, function(2), strict=True))


def test_the_same_seed_draws_the_same_numbers():
    one, other = RandomStreams(5).normal((3,)), RandomStreams(5).normal((3,))
    assert theano.function([], one - other)().tolist() == [0.0] * 3


def test_printing(capsys):
    x, w = T.vector("x"), theano.shared(numpy.ones(2), "w")
    cost = T.sqr(x * w).sum()
    theano.printing.debugprint(cost)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sum [id A]")
    assert [line.strip(" |").split()[0] for line in lines] == ["sum", "square", "multiply", "x", "w"]
    assert theano.printing.debugprint(cost, file="str").splitlines() == lines
    assert theano.pp(x * 2 + w) == "add(multiply(x, 2), w)"
    shown = theano.printing.Print("seen", attrs=["shape"])(x)
    assert theano.function([x], T.grad((shown**2).sum(), x))([1.0, 2.0]).tolist() == [2.0, 4.0]
    assert capsys.readouterr().out == "seen shape = (2,)\n"


def test_the_page_about_it_says_what_its_example_gives():
    page = (Path(__file__).parents[2] / "docs" / "theano.md").read_text(encoding="utf-8")
    text = page.partition("```python\n")[2].partition("```")[0]
    *before, last = text.strip().splitlines()
    names: dict = {}
    exec("\n".join(before), names)
    call, _, result = last.partition("#")
    assert eval(call, names) == float(result)
    numpy.testing.assert_allclose(names["w"].get_value(), [0.9, 0.6, 0.1])


def test_scripts_that_import_theano_get_this():
    with aliased(ALIASES):
        module = import_module("theano.tensor.signal.pool")
        assert import_module("theano") is theano
    assert module is pool


RECORDED = json.loads((Path(__file__).parent / "theano_105.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ours():
    with static.Graph().as_default():
        return Programs(theano, T).results()


def same(one, other):
    """Fails where two recorded results differ in kind, dtype, shape or numbers."""
    assert type(one) is type(other), (one, other)
    if isinstance(one, list):
        assert len(one) == len(other)
        for x, y in zip(one, other, strict=True):
            same(x, y)
    elif isinstance(one, dict):
        assert (one["dtype"], one["shape"]) == (other["dtype"], other["shape"])
        numpy.testing.assert_allclose(one["values"], other["values"], rtol=1e-5, atol=1e-8)
    else:
        assert one == other


@pytest.mark.parametrize("program", RECORDED)
def test_programs_give_what_theano_gave(program, ours):
    same(ours[program], RECORDED[program])
