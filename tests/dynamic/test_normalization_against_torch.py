"""Normalisation gives PyTorch's numbers: outputs, gradients of both orders, running statistics, texts and errors."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.layers import layers_agree
from tests.dynamic.oracle import agree, normal, plain


pytestmark = pytest.mark.oracle

SHAPES = {1: [(4, 3), (4, 3, 5), (2, 3, 1)], 2: [(2, 3, 4, 2), (1, 3, 2, 2)], 3: [(2, 3, 2, 2, 3)]}
SETTINGS = [
    {},
    {"eps": 1e-2},
    {"momentum": 0.3},
    {"momentum": None},
    {"affine": False},
    {"bias": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]


def _nn(t):
    return t.nn.functional


BATCH = [(n, shape, settings) for n, shapes in SHAPES.items() for shape in shapes for settings in SETTINGS]
BATCH_IDS = [f"{n}d {shape} {settings}" for n, shape, settings in BATCH]


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(("n", "shape", "settings"), BATCH, ids=BATCH_IDS)
def test_batch_norm(n, shape, settings, mode):
    layers_agree(lambda t: getattr(t.nn, f"BatchNorm{n}d")(3, **settings), normal(*shape) + 0.5, mode=mode, rtol=1e-9)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_running_statistics_over_several_batches(settings):
    layers_agree(lambda t: t.nn.BatchNorm1d(3, **settings), normal(4, 3) + 0.5, calls=3, orders=1, rtol=1e-9)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_batch_norm_of_float32(n, mode):
    x = (normal(*SHAPES[n][0]) + 0.5).astype(np.float32)
    layers_agree(lambda t: getattr(t.nn, f"BatchNorm{n}d")(3), x, mode=mode, orders=1, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "shape"), [("BatchNorm1d", (3,)), ("BatchNorm1d", (2, 3, 4, 5)), ("BatchNorm2d", (2, 3, 4))]
)
def test_batch_norm_of_other_ranks(name, shape):
    layers_agree(lambda t: getattr(t.nn, name)(3), normal(*shape))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (4, 2), (0, 3)], ids=str)
def test_batch_norm_of_other_sizes(shape):
    layers_agree(lambda t: t.nn.BatchNorm1d(3), normal(*shape))


FUNCTIONAL = {
    "training": {"training": True},
    "training without statistics": {"training": True, "running_mean": None, "running_var": None},
    "running": {},
    "running without affine": {"weight": None, "bias": None},
    "running without bias": {"bias": None},
    "training without weight": {"training": True, "weight": None, "bias": None},
    "running without statistics": {"running_mean": None, "running_var": None},
}


@pytest.mark.parametrize("name", FUNCTIONAL)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 2, 2)], ids=str)
def test_batch_norm_as_a_function(name, shape):
    def build(t, x, m, v, w, b):
        mean, variance = m.detach().clone(), v.detach().clone()
        given = {"running_mean": mean, "running_var": variance, "weight": w, "bias": b, **FUNCTIONAL[name]}
        return [_nn(t).batch_norm(x, momentum=0.2, eps=1e-3, **given), mean, variance]

    agree(build, normal(*shape), normal(3), np.abs(normal(3)) + 0.5, normal(3, seed=1), normal(3, seed=2), rtol=1e-10)


INSTANCE = {1: [(4, 3, 5), (3, 5)], 2: [(2, 3, 4, 2), (3, 4, 2)], 3: [(2, 3, 2, 2, 3), (3, 2, 2, 2)]}
INSTANCE_SETTINGS = [
    {},
    {"affine": True},
    {"track_running_stats": True},
    {"affine": True, "track_running_stats": True, "momentum": 0.3},
    {"affine": True, "bias": False},
]
INSTANCES = [(n, shape, settings) for n, shapes in INSTANCE.items() for shape in shapes for settings in INSTANCE_SETTINGS]


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    ("n", "shape", "settings"), INSTANCES, ids=[f"{n}d {shape} {settings}" for n, shape, settings in INSTANCES]
)
def test_instance_norm(n, shape, settings, mode):
    layers_agree(lambda t: getattr(t.nn, f"InstanceNorm{n}d")(3, **settings), normal(*shape), mode=mode, rtol=1e-9, calls=2)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 4, 5), (5,), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_of_other_sizes(shape, affine):
    layers_agree(lambda t: t.nn.InstanceNorm1d(3, affine=affine), normal(*shape), rtol=1e-9)


LAYER = [
    ((4, 3), 3, {}),
    ((2, 4, 3), 3, {}),
    ((2, 4, 3), (4, 3), {}),
    ((2, 4, 3), [4, 3], {"eps": 1e-2}),
    ((4, 3), 3, {"elementwise_affine": False}),
    ((4, 3), 3, {"bias": False}),
    ((3,), 3, {}),
    ((4, 3), 4, {}),
    ((4, 3), (4, 4, 3), {}),
    ((0, 3), 3, {}),
]


@pytest.mark.parametrize(("shape", "sizes", "settings"), LAYER, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layer_norm(shape, sizes, settings, dtype):
    double = dtype == "float64"
    x = (normal(*shape) * 2 + 1).astype(dtype)
    layers_agree(lambda t: t.nn.LayerNorm(sizes, **settings), x, rtol=1e-9 if double else 1e-4, orders=2 if double else 1)


@pytest.mark.parametrize(
    ("shape", "sizes", "settings"),
    [case for case in LAYER if "bias" not in case[2]] + [((4, 3), 3, {"eps": 1e-3})],
    ids=str,
)
def test_rms_norm(shape, sizes, settings):
    layers_agree(lambda t: t.nn.RMSNorm(sizes, **settings), normal(*shape) * 2 + 1, rtol=1e-9)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("sizes", [(3,), (4, 3), (2,), ()], ids=str)
def test_norm_over_dimensions_as_a_function(name, sizes):
    def build(t, x, w):
        return [
            getattr(_nn(t), name)(x, sizes),
            getattr(_nn(t), name)(x, sizes, w),
            getattr(_nn(t), name)(x, list(sizes), eps=0.1),
        ]

    agree(build, normal(2, 4, 3), normal(*sizes), rtol=1e-10)


GROUP = [
    ((2, 6), 3, 6, {}),
    ((2, 6, 4), 3, 6, {}),
    ((2, 6, 2, 3), 2, 6, {}),
    ((2, 6, 2, 3), 6, 6, {"eps": 1e-2}),
    ((2, 6, 2, 3), 1, 6, {"affine": False}),
    ((2, 6, 2, 3), 2, 6, {"bias": False}),
    ((2, 6, 2, 2, 2), 2, 6, {}),
    ((1, 6), 6, 6, {}),
    ((6,), 2, 6, {}),
    ((2, 5), 2, 6, {}),
    ((2, 6), 4, 6, {}),
]


@pytest.mark.parametrize(("shape", "groups", "channels", "settings"), GROUP, ids=str)
def test_group_norm(shape, groups, channels, settings):
    layers_agree(lambda t: t.nn.GroupNorm(groups, channels, **settings), normal(*shape) + 0.5, rtol=1e-9)


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.5, "beta": 0.6, "k": 2.0}], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 3, 2), (1, 3, 2, 2, 2), (4, 3), (0, 3, 2)], ids=str)
def test_local_response_norm(shape, size, settings):
    layers_agree(lambda t: t.nn.LocalResponseNorm(size, **settings), normal(*shape) * 2)


NORMALIZE = [{}, {"dim": 0}, {"dim": -1}, {"p": 1}, {"p": 3, "dim": 2}, {"p": float("inf")}, {"eps": 10.0}, {"dim": (0, 1)}]


@pytest.mark.parametrize("settings", NORMALIZE, ids=str)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=str)
def test_normalize(shape, settings):
    agree(lambda t, x: _nn(t).normalize(x, **settings), normal(*shape), rtol=1e-10)


def test_state_of_batch_norm_from_before_it_counted():
    layer = dynamic.nn.BatchNorm1d(2)
    state = {name: value for name, value in layer.state_dict().items() if name != "num_batches_tracked"}
    assert layer.load_state_dict(state).missing_keys == []


def test_statistics_begin_again():
    layer = dynamic.nn.BatchNorm2d(2)
    layer(dynamic.randn(3, 2, 4, 4) + 5)
    assert layer.num_batches_tracked.item() == 1
    layer.reset_running_stats()
    assert (plain(layer.running_mean), plain(layer.running_var))[0].tolist() == [0, 0]
    assert layer.num_batches_tracked.item() == 0


def test_batch_norm_is_one_record():
    x = dynamic.randn(3, 2, requires_grad=True)
    out = dynamic.nn.BatchNorm1d(2)(x)
    assert out.grad_fn.next_functions[0][0].variable is x
