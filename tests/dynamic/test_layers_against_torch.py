"""Linear maps, tables of embeddings, distances and dropout give PyTorch's numbers, texts, states and errors."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.layers import layers_agree
from tests.dynamic.oracle import agree, normal, plain


pytestmark = pytest.mark.oracle


def _nn(t):
    return t.nn.functional


# Linear maps


@pytest.mark.parametrize("shape", [(2, 3), (3,), (4, 2, 3), (2, 1, 2, 3), (0, 3), (2, 4)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_linear(shape, bias, dtype):
    double = dtype == "float64"
    x = normal(*shape).astype(dtype)
    layers_agree(lambda t: t.nn.Linear(3, 4, bias=bias), x, rtol=1e-11 if double else 1e-5, orders=2 if double else 1)


@pytest.mark.parametrize("weight", [(4, 3), (3,), (4, 2), (2, 4, 3)], ids=str)
@pytest.mark.parametrize("bias", [(4,), (1,), (), (2,), (2, 4), None], ids=str)
def test_linear_as_a_function(weight, bias):
    if bias is None:
        agree(lambda t, x, w: _nn(t).linear(x, w), normal(2, 3), normal(*weight))
    elif len(weight) == 2:
        agree(lambda t, x, w, b: _nn(t).linear(x, w, b), normal(2, 3), normal(*weight), normal(*bias))


@pytest.mark.parametrize("shape", [(2,), (), (3, 2)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(shape, bias):
    layers_agree(lambda t: t.nn.Bilinear(3, 4, 5, bias=bias), normal(*shape, 3), normal(*shape, 4))


@pytest.mark.parametrize(("first", "second"), [((2, 3), (3, 4)), ((2, 2), (2, 4)), ((2, 3), (2, 3))], ids=str)
def test_bilinear_of_other_sizes(first, second):
    layers_agree(lambda t: t.nn.Bilinear(3, 4, 5), normal(*first), normal(*second))


@pytest.mark.parametrize("args", [(), (54,), (54, "unused")], ids=str)
def test_identity(args):
    layers_agree(lambda t: t.nn.Identity(*args), normal(2, 3))


@pytest.mark.parametrize("args", [(), (0,), (1, 2), (-2, -1)], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (0, 3, 2)], ids=str)
def test_flatten(shape, args):
    layers_agree(lambda t: t.nn.Flatten(*args), normal(*shape))


@pytest.mark.parametrize(
    "args", [(1, (2, 3)), (1, [3, 2]), (-1, (2, -1)), (1, (4, 2)), (0, (2, 1)), (1, 6), (1, ("a",))], ids=str
)
def test_unflatten(args):
    layers_agree(lambda t: t.nn.Unflatten(*args), normal(2, 6))


# Tables


IDS = {
    "vector": np.array([0, 2, 2, 1]),
    "matrix": np.array([[0, 1, 2], [3, 0, 3]]),
    "cube": np.array([[[0, 1], [3, 3]]]),
    "one": np.array(2),
    "none": np.zeros((0,), np.int64),
    "int32": np.array([1, 0], np.int32),
    "beyond": np.array([0, 4]),
    "below": np.array([0, -1]),
    "floats": np.array([0.0, 1.0]),
}
GIVEN = [{}, {"freeze": False}, {"padding_idx": 1}, {"max_norm": 1.0, "freeze": False}]
TABLES = [
    {},
    {"padding_idx": 0},
    {"padding_idx": -1},
    {"max_norm": 1.0},
    {"max_norm": 0.5, "norm_type": 1.0},
    {"scale_grad_by_freq": True},
    {"padding_idx": 2, "scale_grad_by_freq": True},
    {"padding_idx": 4},
]


@pytest.mark.parametrize("settings", TABLES, ids=str)
@pytest.mark.parametrize("ids", IDS)
def test_embedding(ids, settings):
    orders = 1 if settings.get("scale_grad_by_freq") else 2
    layers_agree(lambda t: t.nn.Embedding(4, 3, **settings), IDS[ids], orders=orders)


@pytest.mark.parametrize("settings", GIVEN, ids=str)
def test_embedding_from_given_vectors(settings):
    def build(t, ids, table):
        layer = t.nn.Embedding.from_pretrained(table.detach(), **settings)
        return [layer(ids), layer.weight.requires_grad, repr(layer)]

    agree(build, IDS["matrix"], normal(4, 3))


BAGS = [{"mode": mode, **more} for mode in ("sum", "mean", "max") for more in ({}, {"padding_idx": 0}, {"max_norm": 1.0})]
BAGS += [{"mode": "max", "scale_grad_by_freq": True}, {"mode": "other"}]


@pytest.mark.parametrize("settings", BAGS, ids=str)
@pytest.mark.parametrize("offsets", [(0, 2, 2, 5), (0,), (0, 7), None, (1, 3)], ids=str)
def test_embedding_bag(offsets, settings):
    ids = np.array([0, 2, 1, 1, 3, 0, 2])
    if offsets is None:
        layers_agree(lambda t: t.nn.EmbeddingBag(4, 3, **settings), ids[:6].reshape(2, 3), orders=1)
    else:
        layers_agree(lambda t: t.nn.EmbeddingBag(4, 3, **settings), ids, np.array(offsets), orders=1)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_weighted_bags(mode):
    def build(t, ids, table, weights):
        return _nn(t).embedding_bag(ids, table, mode=mode, per_sample_weights=weights)

    agree(build, IDS["matrix"], normal(4, 3), normal(2, 3), orders=1)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_with_gradients_by_frequency(mode):
    ids = np.array([[0, 2, 1], [1, 0, 2]])
    layers_agree(lambda t: t.nn.EmbeddingBag(3, 2, mode=mode, scale_grad_by_freq=True), ids, orders=1)


def test_bags_with_their_last_offset():
    def build(t, ids, table, offsets):
        return _nn(t).embedding_bag(ids, table, offsets, mode="mean", include_last_offset=True)

    agree(build, IDS["vector"], normal(4, 3), np.array([0, 1, 4]), orders=1)


ONE_HOT = [
    (IDS["vector"], ()),
    (IDS["matrix"], (5,)),
    (IDS["one"], ()),
    (IDS["none"], ()),
    (IDS["none"], (3,)),
    (IDS["vector"], (2,)),
    (IDS["below"], ()),
    (IDS["int32"], ()),
    (IDS["vector"], (0,)),
]


@pytest.mark.parametrize(("ids", "args"), ONE_HOT, ids=str)
def test_one_hot(ids, args):
    agree(lambda t, k: _nn(t).one_hot(k, *args), ids)


def test_sparse_gradients_are_dense_with_a_warning():
    with pytest.warns(UserWarning, match="dense"):
        table = dynamic.nn.Embedding(3, 2, sparse=True)
    table(dynamic.tensor([1, 1])).sum().backward()
    assert plain(table.weight.grad).tolist() == [[0, 0], [2, 2], [0, 0]]


def test_sparse_as_a_function_is_refused():
    with pytest.raises(NotImplementedError, match="dense"):
        dynamic.nn.functional.embedding(dynamic.tensor([1]), dynamic.ones(2, 2), sparse=True)


def test_padding_begins_with_zeros():
    assert plain(dynamic.nn.Embedding(3, 2, padding_idx=1).weight)[1].tolist() == [0, 0]


# Distances


NORMS = [{}, {"p": 1}, {"p": 3.0}, {"keepdim": True}, {"eps": 0.1}, {"p": float("inf")}]
PAIRS = {
    "matrices": ((3, 4), (3, 4)),
    "cubes": ((2, 3, 4), (2, 3, 4)),
    "broadcast": ((3, 4), (1, 4)),
    "apart": ((3, 4), (2, 4)),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("settings", [{}, {"dim": 0}, {"dim": -1}, {"eps": 5.0}], ids=str)
def test_cosine_similarity(pair, settings):
    first, second = PAIRS[pair]
    layers_agree(lambda t: t.nn.CosineSimilarity(**settings), normal(*first), normal(*second, seed=1))


def test_cosine_similarity_of_zeros():
    agree(lambda t, x, y: _nn(t).cosine_similarity(x, y), np.array([[0.0, 0.0], [1.0, 2.0]]), normal(2, 2), orders=1)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("settings", NORMS, ids=str)
def test_pairwise_distance(pair, settings):
    first, second = PAIRS[pair]
    layers_agree(lambda t: t.nn.PairwiseDistance(**settings), normal(*first), normal(*second, seed=1))


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, 0.5, float("inf"), -1.0])
@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (3,)], ids=str)
def test_pdist(shape, p):
    agree(lambda t, x: _nn(t).pdist(x, p), normal(*shape), orders=1)


# Dropout


DROPS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
RANKS = {"Dropout1d": 3, "Dropout2d": 4, "Dropout3d": 5}


def _input(name):
    return normal(*(2, 3, 4, 2, 2)[: RANKS.get(name, 4)])


@pytest.mark.parametrize("name", DROPS)
@pytest.mark.parametrize("args", [(), (0.3,), (0.3, True), (0.0,), (1.0,)], ids=str)
def test_dropout_out_of_training(name, args):
    layers_agree(lambda t: getattr(t.nn, name)(*args), _input(name), mode="eval")


@pytest.mark.parametrize("name", DROPS)
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropout_of_nothing_or_all(name, p):
    layers_agree(lambda t: getattr(t.nn, name)(p), _input(name))


@pytest.mark.parametrize("name", DROPS)
@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_dropout_of_what_is_no_probability(name, p):
    layers_agree(lambda t: getattr(t.nn, name)(p), _input(name))


@pytest.mark.parametrize("name", ["dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"])
@pytest.mark.parametrize("rank", [1, 2, 3, 4, 5])
def test_dropout_of_channels_of_other_ranks(name, rank):
    agree(lambda t, x: getattr(_nn(t), name)(x, 1.0, True), normal(*(2, 3, 4, 2, 2)[:rank]))


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"])
def test_dropout_drops_and_scales(name):
    dynamic.manual_seed(0)
    shape = {"Dropout1d": (200, 50, 2), "Dropout2d": (200, 50, 2, 2), "Dropout3d": (200, 50, 2, 1, 2)}.get(name, (100, 100))
    out = plain(getattr(dynamic.nn, name)(0.25)(dynamic.ones(*shape)))
    assert np.unique(out).tolist() == [0.0, float(np.float32(4 / 3))]
    np.testing.assert_allclose(out.mean(), 1, atol=0.02)
    if name != "Dropout":
        assert (out == out[(slice(None), slice(None), *(slice(0, 1),) * (out.ndim - 2))]).all()


@pytest.mark.parametrize("name", ["AlphaDropout", "FeatureAlphaDropout"])
def test_alpha_dropout_keeps_mean_and_variance(name):
    dynamic.manual_seed(0)
    out = plain(getattr(dynamic.nn, name)(0.2)(dynamic.randn(400, 100, 2)))
    np.testing.assert_allclose([out.mean(), out.var()], [0, 1], atol=0.02)


def test_dropout_in_place():
    x = dynamic.ones(10, 10)
    assert dynamic.nn.Dropout(0.5, inplace=True)(x) is x
    assert set(np.unique(plain(x))) == {0.0, 2.0}


@pytest.mark.parametrize("name", ["Linear", "Bilinear"])
def test_first_values_are_within_the_bound(name):
    sizes = (25, 40) if name == "Linear" else (25, 30, 40)
    dynamic.manual_seed(0)
    layer = getattr(dynamic.nn, name)(*sizes)
    for parameter in layer.parameters():
        values = plain(parameter)
        assert 0.15 < abs(values).max() <= 0.2
        assert abs(values.mean()) < 0.05


NAMED = {
    "Linear": lambda t, x: t.nn.Linear(4, 2)(x),
    "BatchNorm1d": lambda t, x: t.nn.BatchNorm1d(4)(x),
    "LayerNorm": lambda t, x: t.nn.LayerNorm(4)(x),
    "ReLU": lambda t, x: t.nn.ReLU()(x),
    "Embedding": lambda t, x: t.nn.Embedding(3, 2)(t.tensor([0, 1])),
}


@pytest.mark.parametrize("name", NAMED)
def test_names_on_the_tape(name):
    def build(t, x):
        record = NAMED[name](t, x.float()).grad_fn
        return record.label if t is dynamic else type(record).__name__

    agree(build, normal(3, 4))


def test_data_parallel_calls_its_module():
    layers_agree(lambda t: t.nn.DataParallel(t.nn.Linear(3, 2)), normal(4, 3))
