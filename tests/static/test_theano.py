"""Theano's programs, scan, gradients and functions, against numpy by hand, finite differences and unrolled loops."""

import numpy
import pytest

import static.theano as theano
import static.theano.tensor as T
from static.theano.tensor.shared_randomstreams import RandomStreams
from tests.static.theano_helpers import normal, sigmoid, slopes, softmax


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


def test_gradients_have_the_dtypes_of_the_variables():
    narrow, wide = T.fvector("narrow"), T.dvector("wide")
    states, _ = theano.scan(lambda v, w, s: s * 0.5 + T.cast(v * w, "float32"), [narrow, wide], T.zeros((), "float32"))
    costs = [(narrow * wide).sum(), T.dot(T.exp(narrow), wide) + narrow.sum(), states[-1] * wide[0]]
    for cost in costs:
        gradients = T.grad(cost, [narrow, wide])
        assert [g.dtype for g in gradients] == ["float32", "float64"]
        function = theano.function([narrow, wide], [cost, *gradients])
        first, second = normal(4).astype("float32"), normal(4, seed=1)
        found = function(first, second)
        by_steps = slopes(lambda w, f=function, x=first: float(f(x, w)[0]), second, 1e-2)
        numpy.testing.assert_allclose(found[2], by_steps, rtol=1e-3, atol=1e-4)


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
