"""Theano's names, dtypes, streams and pools against numpy, and whole programs against what Theano 1.0.5 gave for them."""

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
from tests.static.theano_helpers import normal, sigmoid, slopes, softmax
from tests.static.theano_programs import Programs


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
