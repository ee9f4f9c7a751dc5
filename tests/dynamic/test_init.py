"""``nn.init``: what is written down exactly against PyTorch, and distributions against PyTorch's own draws."""

import math
import warnings

import numpy as np
import pytest

import dynamic
from dynamic.nn import init
from tests.dynamic.oracle import agree, plain, pytorch


oracle = pytest.mark.oracle


EXACT = {
    "constant": lambda t: t.nn.init.constant_(t.zeros(3, 2), 0.3),
    "ones": lambda t: t.nn.init.ones_(t.zeros(3, 2)),
    "zeros": lambda t: t.nn.init.zeros_(t.ones(3, 2)),
    "eye tall": lambda t: t.nn.init.eye_(t.empty(4, 2)),
    "eye wide": lambda t: t.nn.init.eye_(t.empty(2, 4)),
    "eye of a cube": lambda t: t.nn.init.eye_(t.empty(2, 4, 1)),
    "dirac 3": lambda t: t.nn.init.dirac_(t.empty(3, 2, 5)),
    "dirac 4": lambda t: t.nn.init.dirac_(t.empty(2, 3, 3, 4)),
    "dirac 5": lambda t: t.nn.init.dirac_(t.empty(4, 4, 3, 2, 1)),
    "dirac in groups": lambda t: t.nn.init.dirac_(t.empty(6, 2, 3), groups=3),
    "dirac in groups that do not divide": lambda t: t.nn.init.dirac_(t.empty(6, 2, 3), groups=4),
    "dirac of a matrix": lambda t: t.nn.init.dirac_(t.empty(6, 2)),
    "sparse of a cube": lambda t: t.nn.init.sparse_(t.empty(6, 2, 1), 0.1),
    "orthogonal of a vector": lambda t: t.nn.init.orthogonal_(t.empty(6)),
    "orthogonal of nothing": lambda t: t.nn.init.orthogonal_(t.empty(0, 6)),
    "xavier of a vector": lambda t: t.nn.init.xavier_uniform_(t.empty(6)),
    "kaiming of a vector": lambda t: t.nn.init.kaiming_normal_(t.empty(6)),
    "kaiming of nothing": lambda t: t.nn.init.kaiming_normal_(t.empty(0, 6)),
    "kaiming by another fan": lambda t: t.nn.init.kaiming_uniform_(t.empty(3, 6), mode="fan_both"),
    "kaiming before nothing known": lambda t: t.nn.init.kaiming_uniform_(t.empty(3, 6), nonlinearity="swish"),
    "uniform from above": lambda t: t.nn.init.uniform_(t.empty(3), 2.0, 1.0),
    "normal of a negative deviation": lambda t: t.nn.init.normal_(t.empty(3), 0.0, -1.0),
    "old constant": lambda t: t.nn.init.constant(t.zeros(3, 2), 0.3),
    "old eye": lambda t: t.nn.init.eye(t.empty(3, 3)),
    "old dirac": lambda t: t.nn.init.dirac(t.empty(3, 2, 5)),
}


@oracle
@pytest.mark.parametrize("name", EXACT)
def test_what_is_written_is_pytorch_s(name):
    agree(EXACT[name], orders=0)


GAINS = ["linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu", "conv1d", "conv2d", "conv3d", "conv_transpose1d"]
GAINS += ["conv_transpose2d", "conv_transpose3d", "gelu"]


@oracle
@pytest.mark.parametrize("name", GAINS)
def test_gains(name):
    agree(lambda t: t.nn.init.calculate_gain(name), orders=0)


@oracle
@pytest.mark.parametrize("slope", [None, 0, 0.2, 1, True, "steep"])
def test_gains_of_leaky_relu(slope):
    agree(lambda t: t.nn.init.calculate_gain("leaky_relu", slope), orders=0)


DRAWN = {
    "uniform": ("uniform_", (200, 150), {}),
    "uniform in other bounds": ("uniform_", (200, 150), {"a": -3.0, "b": 1.5}),
    "normal": ("normal_", (200, 150), {}),
    "normal elsewhere": ("normal_", (200, 150), {"mean": 3.0, "std": 0.2}),
    "truncated normal": ("trunc_normal_", (200, 150), {}),
    "truncated normal on one side": ("trunc_normal_", (200, 150), {"mean": 1.0, "std": 2.0, "a": 0.5, "b": 9.0}),
    "truncated normal of a narrow interval": ("trunc_normal_", (200, 150), {"std": 5.0, "a": -0.1, "b": 0.2}),
    "truncated normal off the mean": ("trunc_normal_", (200, 150), {"std": 0.5, "a": 0.3, "b": 0.9}),
    "xavier_uniform": ("xavier_uniform_", (200, 150), {}),
    "xavier_uniform with a gain": ("xavier_uniform_", (200, 150), {"gain": 3.0}),
    "xavier_uniform of a convolution": ("xavier_uniform_", (60, 40, 3, 4), {}),
    "xavier_normal": ("xavier_normal_", (200, 150), {"gain": 0.5}),
    "xavier_normal of a convolution": ("xavier_normal_", (60, 40, 12), {}),
    "kaiming_uniform": ("kaiming_uniform_", (200, 150), {}),
    "kaiming_uniform of a linear map": ("kaiming_uniform_", (200, 150), {"a": math.sqrt(5)}),
    "kaiming_uniform by outputs": ("kaiming_uniform_", (60, 20, 5, 5), {"mode": "fan_out", "nonlinearity": "relu"}),
    "kaiming_normal": ("kaiming_normal_", (60, 20, 5, 5), {"nonlinearity": "relu"}),
    "kaiming_normal by outputs": ("kaiming_normal_", (60, 20, 25), {"mode": "fan_out", "nonlinearity": "tanh"}),
    "sparse": ("sparse_", (200, 150), {"sparsity": 0.3}),
    "sparse of another deviation": ("sparse_", (200, 150), {"sparsity": 0.05, "std": 2.0}),
    "orthogonal tall": ("orthogonal_", (200, 150), {}),
    "orthogonal wide": ("orthogonal_", (150, 200), {"gain": 2.0}),
    "orthogonal of a convolution": ("orthogonal_", (60, 20, 5, 5), {}),
    "old normal": ("normal", (200, 150), {"mean": 1.0}),
    "old uniform": ("uniform", (200, 150), {"a": 1, "b": 2}),
    "old xavier_uniform": ("xavier_uniform", (200, 150), {}),
    "old xavier_normal": ("xavier_normal", (200, 150), {}),
    "old kaiming_uniform": ("kaiming_uniform", (200, 150), {}),
    "old kaiming_normal": ("kaiming_normal", (200, 150), {}),
    "old orthogonal": ("orthogonal", (200, 150), {}),
    "old sparse": ("sparse", (200, 150), {"sparsity": 0.5}),
}


def drawn(t, name, dtype):
    function, shape, settings = DRAWN[name]
    t.manual_seed(7)
    tensor = t.empty(*shape, dtype=getattr(t, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(t.nn.init, function)(tensor, **settings)
    assert made is tensor
    return plain(made)


@oracle
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DRAWN)
def test_draws_are_distributed_as_pytorch_s(name, dtype):
    ours, theirs = drawn(dynamic, name, dtype), drawn(pytorch(), name, dtype)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    spread = float(theirs.std())
    quantiles = np.linspace(0.02, 0.98, 25)
    np.testing.assert_allclose(np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=0.06 * spread)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.03 * spread)
    assert ours.std() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 2, 3)])
def test_orthogonal_matrices_are(shape):
    matrix = plain(init.orthogonal_(dynamic.empty(*shape, dtype=dynamic.float64), gain=2.0)).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-12)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.55, 1.0])
def test_each_column_of_a_sparse_matrix_has_its_zeros(sparsity):
    matrix = plain(init.sparse_(dynamic.empty(20, 9), sparsity))
    assert ((matrix == 0).sum(0) == math.ceil(sparsity * 20)).all()


@pytest.mark.parametrize("bounds", [(-2, 2), (3.0, 3.5), (6, 40), (-50, -7), (-1e6, 1e6)])
def test_truncated_draws_stay_within(bounds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = plain(init.trunc_normal_(dynamic.empty(3000, dtype=dynamic.float64), 0.0, 1.0, *bounds))
    assert bounds[0] <= values.min() < values.max() <= bounds[1]
    density = np.exp(-np.square(grid := np.linspace(max(bounds[0], -60), min(bounds[1], 60), 2_000_001)) / 2)
    assert values.mean() == pytest.approx((grid * density).sum() / density.sum(), abs=0.07)


def test_a_parameter_stays_a_leaf_and_counts_the_change():
    weight = dynamic.zeros(3, 2, requires_grad=True)
    before = weight._version
    assert init.normal_(weight) is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight._version > before


def test_a_seed_draws_the_same_and_generators_are_streams_of_their_own():
    def draw(generator=None):
        return plain(init.normal_(dynamic.empty(4), generator=generator)).tolist()

    dynamic.manual_seed(3)
    first, second = draw(), draw()
    dynamic.manual_seed(3)
    assert draw(dynamic.Generator().manual_seed(3)) == first
    assert draw() == first != second == draw()


@pytest.mark.parametrize("name", [name for name in vars(init) if not name.startswith("_") and hasattr(init, f"{name}_")])
def test_old_names_say_the_new_ones(name):
    weight = dynamic.zeros(*(3, 3, 2) if name == "dirac" else (3, 3))
    settings = {"constant": (1.0,), "sparse": (0.5,)}.get(name, ())
    with pytest.warns(FutureWarning, match=f"{name}_"):
        getattr(init, name)(weight, *settings)


def test_a_mean_far_outside_is_warned_of():
    with pytest.warns(UserWarning, match="far outside"):
        init.trunc_normal_(dynamic.empty(3), mean=9.0)
