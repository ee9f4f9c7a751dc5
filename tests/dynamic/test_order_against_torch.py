"""Reductions, order statistics, running extremes, counting and sets under PyTorch's names give PyTorch's results."""

import numpy as np
import pytest

import dynamic
from dynamic.functions import counting, ordering, reductions
from tests.dynamic.oracle import agree, covered, normal, pytorch


pytestmark = pytest.mark.oracle

A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
CUBE, ODD = normal(2, 3, 4), normal(3, 5)
K = np.random.default_rng(7).integers(-9, 10, (3, 4))
FEW = np.random.default_rng(3).integers(0, 4, (3, 6))
BYTES = np.abs(K).astype("uint8")
M = A > 0
TIES = np.round(A)
HOLES = np.where(np.eye(3, 5) > 0, np.nan, ODD)
EMPTY = np.zeros((0, 3))
SCALAR = np.array(2.5)


def of_nothing(x):
    return [x.sum(), x.sum(0), x.mean(0), x.prod(), x.prod(0), x.any(), x.all(), x.sum(1)]


REDUCED = {
    "sum": (lambda t, x: [t.sum(x), x.sum(1), x.sum((0, 2), True), t.sum(x, [0]), x.sum(()), x.sum(dim=-1)], CUBE),
    "sum of bytes": (lambda t, x: [x.sum(), x.sum(0), x.prod(1), x.cumsum(0), x.cumprod(1), x.sum(dtype=t.int32)], BYTES),
    "sum of a scalar": (
        lambda t, x: [x.sum(0), x.mean(-1), x.prod(0), x.amax(0), x.argmax(0), x.all(0), x.cumsum(0)],
        SCALAR,
    ),
    "sum of a scalar beyond": (lambda t, x: x.sum(1), SCALAR),
    "sum of nothing": (lambda t, x: of_nothing(x.detach()), EMPTY),
    "nansum": (lambda t, x: [t.nansum(x), x.nansum(1), x.nansum(0, True), t.nansum(x, dim=(0, 1))], HOLES),
    "nansum of ints": (lambda t, x: [t.nansum(x), x.nansum(1)], K),
    "nanmean": (lambda t, x: [t.nanmean(x), x.nanmean(1), x.nanmean(0, True), t.nanmean(x, dim=(0, 1))], HOLES),
    "nanmean of nothing else": (lambda t, x: t.nanmean(x.detach()), np.full((2, 2), np.nan)),
    "mean in another dtype": (lambda t, k: [k.mean(dtype=t.float64), t.mean(k, 1, dtype=t.float32)], K),
    "count_nonzero": (lambda t, x: [t.count_nonzero(x), x.count_nonzero(1), t.count_nonzero(x, dim=(0, 1))], TIES),
    **{
        f"{name}": (
            lambda t, x, name=name: [
                getattr(t, name)(x),
                getattr(t, name)(x, 1),
                getattr(t, name)(x, (0, 2), keepdim=True),
                getattr(t, name)(x, dim=0, unbiased=False),
                getattr(t, name)(x, dim=(1, 2), correction=2),
                getattr(t, name)(x, False),
                getattr(t, name)(x, 1, False, True),
            ],
            CUBE,
        )
        for name in ("var", "std", "var_mean", "std_mean")
    },
    "std of equal ones": (lambda t, x: x.std(1), np.ones((2, 3))),
    "var of one": (lambda t, x: [x.detach()[:1].var(0)], A),
    "var of ints": (lambda t, x: x.var(), K),
    "logsumexp": (lambda t, x: [t.logsumexp(x, 1), x.logsumexp((0, 1), True), x.logsumexp(dim=-1)], A),
    "amax amin": (lambda t, x: [t.amax(x, (0, 1)), x.amin(1, True), x.amax(), t.amin(x, dim=0)], TIES),
    "aminmax": (lambda t, x: [*t.aminmax(x), *x.aminmax(dim=1), *t.aminmax(x, dim=0, keepdim=True)], A),
    "aminmax by name": (lambda t, x: [t.aminmax(x).min, t.aminmax(x, dim=1).max], A),
    "max at ties": (lambda t, x: [x.max(), x.min(), x.max(1), x.min(0, True)], TIES),
    "max of two": (lambda t, x, y: [t.max(x, y), x.min(y), t.max(x, other=y), t.min(x, y[0])], A, B),
    "max along nothing": (lambda t, x: x.max(0), EMPTY),
    "argmax": (
        lambda t, x: [t.argmax(x), x.argmax(1), x.argmin(dim=0, keepdim=True), t.argmin(x, -1), x.argmax(keepdim=True)],
        A,
    ),
    "all any of bytes": (lambda t, x: [x.all(), x.any(1), t.all(x, 0), t.any(x, dim=(0, 1))], BYTES),
    "all any": (lambda t, x: [t.all(x), x.any(1), t.any(x, 0, True), x.all((0, 1))], K),
    "cumsum cumprod": (lambda t, x: [t.cumsum(x, 1), x.cumprod(0), x.clone().cumsum_(0), x.clone().cumprod_(-1)], A),
    "cumsum in another dtype": (lambda t, x: [t.cumsum(x, 1, dtype=t.float32), x.cumprod(0, dtype=t.float32)], K),
    "logcumsumexp": (lambda t, x: [t.logcumsumexp(x, 1), x.logcumsumexp(0), t.logcumsumexp(x * 100, dim=-1)], A),
    "logcumsumexp of minus infinity": (
        lambda t, x: t.logcumsumexp(x.detach(), 1),
        np.array([[-np.inf, 1.0, 2.0], [1.0, -np.inf, 0.0]]),
    ),
    "cummax": (lambda t, x: [*t.cummax(x, 1), *x.cummin(0), *t.cummin(x, dim=-1)], A),
    "cummax at ties": (lambda t, x: [*t.cummax(x, 1), *x.cummin(0)], TIES),
    "cummax of NaN": (lambda t, x: [*t.cummax(x.detach(), 1), *x.detach().cummin(0)], HOLES),
    "cummax of a scalar": (lambda t, x: [*t.cummax(x, 0)], SCALAR),
    "cummax by name": (lambda t, x: [t.cummax(x, 0).indices, x.cummin(1).values], A),
    "softmax": (
        lambda t, x: [t.softmax(x, 1), x.softmax(0), t.log_softmax(x, dim=-1), x.log_softmax(0)],
        A,
    ),
    "in another dtype": (
        lambda t, x: [
            x.detach().softmax(0, dtype=t.float64),
            x.detach().log_softmax(1, dtype=t.float64),
            x.detach().prod(1, dtype=t.float64),
            x.detach().sum(dtype=t.float64),
        ],
        A.astype("f"),
    ),
    "softmax of a scalar": (lambda t, x: [x.softmax(0), x.log_softmax(-1)], SCALAR),
    "equal allclose": (lambda t, x, y: [t.equal(x, y), x.equal(x), t.allclose(x, x + 1e-9), x.allclose(y, atol=10)], A, B),
    "allclose of dtypes": (lambda t, x: t.allclose(x, x.float()), A),
    "prod": (lambda t, x: [t.prod(x), x.prod(1), x.prod(0, True)], A),
}

ORDERED = {
    "sort": (
        lambda t, x: [*t.sort(x), *x.sort(0), *x.sort(1, True), *x.sort(descending=True), *t.sort(x, dim=0, stable=True)],
        A,
    ),
    "sort of a scalar": (lambda t, x: [*x.sort(), x.argsort(0)], SCALAR),
    "sort stably": (lambda t, x: [*t.sort(x, stable=True), *x.sort(stable=True, dim=0, descending=True)], TIES),
    "sort of NaN": (lambda t, x: [*x.detach().sort(1), *x.detach().sort(0, descending=True)], HOLES),
    "sort beyond": (lambda t, x: x.sort(2), A),
    "argsort": (
        lambda t, x: [t.argsort(x), x.argsort(0, True), x.argsort(dim=1, descending=True), t.argsort(x, stable=True)],
        A,
    ),
    "msort": (lambda t, x: [t.msort(x), x.msort()], A),
    "topk": (lambda t, x: [*t.topk(x, 2), *x.topk(2, 0), *x.topk(3, 1, False), *x.topk(1, dim=0, largest=False)], A),
    "topk of a scalar": (lambda t, x: [*x.topk(1)], SCALAR),
    "kthvalue": (lambda t, x: [*t.kthvalue(x, 2), *x.kthvalue(1, 0), *x.kthvalue(3, dim=1, keepdim=True)], A),
    "kthvalue of a scalar": (lambda t, x: [*x.kthvalue(1)], SCALAR),
    "kthvalue beyond": (lambda t, x: x.kthvalue(5, 1), A),
    "median": (lambda t, x: [t.median(x), *x.median(1), *x.median(0, True), *t.median(x, dim=-1)], ODD),
    "median of an even number": (lambda t, x: [t.median(x), *x.median(1)], A),
    "median at ties": (lambda t, x: t.median(x), TIES),
    "median of NaN": (lambda t, x: [t.median(x.detach()), *x.detach().median(0)], HOLES),
    "median of ints": (lambda t, x: [t.median(x), x.flatten().unique().median(0).values], K),
    "median of a scalar": (lambda t, x: [x.median(), *x.median(0)], SCALAR),
    "nanmedian": (lambda t, x: [t.nanmedian(x), *x.nanmedian(1), *x.nanmedian(0, True)], HOLES),
    "nanmedian of nothing else": (lambda t, x: t.nanmedian(x.detach()), np.full((2, 2), np.nan)),
    "mode": (lambda t, x: [*t.mode(x), *x.mode(0), *x.mode(dim=1, keepdim=True)], FEW),
    "mode of floats": (lambda t, x: [x.mode(1).values, t.mode(x, 0).values], TIES),
    **{
        f"quantile, {how}": (
            lambda t, x, how=how: [
                t.quantile(x, 0.3, interpolation=how),
                x.quantile(0.6, 1, interpolation=how),
                t.quantile(x, 0.25, 0, True, interpolation=how),
                t.quantile(x, t.tensor([0.1, 0.5, 1.0], dtype=t.float64), dim=1, interpolation=how),
                t.quantile(x, t.tensor([0.1, 0.5], dtype=t.float64), dim=1, keepdim=True, interpolation=how),
                x.quantile(t.tensor([0.0, 0.5], dtype=t.float64), interpolation=how),
            ],
            ODD,
        )
        for how in ("linear", "lower", "higher", "midpoint", "nearest")
    },
    "quantile of a cube": (
        lambda t, x: [x.quantile(0.4, d) for d in range(3)] + [x.quantile(0.4, 1, True), x.quantile(0.4, keepdim=True)],
        CUBE,
    ),
    "quantile of NaN": (lambda t, x: [x.detach().quantile(0.4, 0), x.detach().quantile(0.4)], HOLES),
    "nanquantile": (lambda t, x: [t.nanquantile(x, 0.4), x.nanquantile(0.7, 1), t.nanquantile(x, 0.2, 0, True)], HOLES),
    "quantile of ints": (lambda t, x: x.quantile(0.5), K),
    "quantile beyond": (lambda t, x: x.quantile(1.5), A),
    "quantile by no such way": (lambda t, x: x.quantile(0.5, interpolation="abc"), A),
}

COUNTED = {
    "unique": (
        lambda t, x: [t.unique(x), x.unique(), *t.unique(x, return_inverse=True), *x.unique(return_counts=True)],
        FEW,
    ),
    "unique with all": (lambda t, x: [*t.unique(x, return_inverse=True, return_counts=True)], FEW),
    "unique of floats": (lambda t, x: [t.unique(x.detach()), *x.detach().unique(return_inverse=True)], TIES),
    "unique rows": (
        lambda t, x: [*t.unique(x % 2, dim=0, return_inverse=True, return_counts=True), t.unique(x % 2, dim=1)],
        FEW,
    ),
    "unique_consecutive": (
        lambda t, x: [t.unique_consecutive(x), *x.unique_consecutive(return_inverse=True, return_counts=True)],
        np.array([1, 1, 2, 2, 3, 1, 1, 2]),
    ),
    "unique_consecutive of a matrix": (
        lambda t, x: [
            t.unique_consecutive(x),
            *t.unique_consecutive(x, True, True),
            *t.unique_consecutive(x, True, True, dim=0),
        ],
        np.array([[1, 1], [1, 1], [2, 1], [2, 1]]),
    ),
    "bincount": (
        lambda t, x: [t.bincount(x), x.bincount(minlength=9), x.bincount(x.double()), x.bincount(x.float())],
        FEW[0],
    ),
    "bincount of a matrix": (lambda t, x: t.bincount(x), FEW),
    "bincount of negatives": (lambda t, x: t.bincount(x), K[0] - 20),
    "histc": (
        lambda t, x: [t.histc(x.detach(), 4), x.detach().histc(5, -1, 1), t.histc(x.detach(), bins=3, min=-2, max=2)],
        A,
    ),
    "histc of equal ones": (lambda t, x: t.histc(x.detach(), 4), np.ones(3)),
    "histc of none": (lambda t, x: t.histc(x.detach(), 0), A),
    "histogram": (
        lambda t, x: [
            *t.histogram(x.detach(), 4),
            *x.detach().histogram(5, range=(-1.0, 1.0)),
            *t.histogram(x.detach(), t.tensor([-1.0, 0.0, 0.5], dtype=t.float64)),
            *t.histogram(x.detach(), 4, density=True),
        ],
        A,
    ),
    "searchsorted": (
        lambda t, x, y: [
            t.searchsorted(x.detach().sort()[0], y.detach()),
            t.searchsorted(x.detach().sort()[0], y.detach(), right=True, out_int32=True),
            t.searchsorted(x.detach()[0].sort()[0], y.detach(), side="left"),
            t.searchsorted(x.detach()[0].sort()[0], 0.3),
            t.searchsorted(x.detach(), y.detach(), sorter=x.detach().argsort()),
        ],
        A,
        B,
    ),
    "searchsorted of ints": (
        lambda t, x: [t.searchsorted(x, x), t.searchsorted(x, x, side="right")],
        np.array([1, 3, 3, 5]),
    ),
    "searchsorted in other rows": (lambda t, x: t.searchsorted(x.detach(), x.detach()[:2]), A),
    "bucketize": (
        lambda t, x: [
            t.bucketize(x.detach(), t.tensor([-1.0, 0.0, 1.0], dtype=t.float64)),
            t.bucketize(t.tensor([0, 1, 2]), t.tensor([0, 1]), right=True),
            t.bucketize(0.5, t.tensor([0.0, 0.5]), out_int32=True),
        ],
        A,
    ),
    "nonzero": (lambda t, x: [t.nonzero(x), x.nonzero(), *t.nonzero(x, as_tuple=True), t.argwhere(x), x.argwhere()], TIES),
    "nonzero of a scalar": (lambda t, x: [t.nonzero(x), t.argwhere(x)], SCALAR),
    "tril_indices": (lambda t: [t.tril_indices(3, 4), t.tril_indices(3, 4, 1), t.tril_indices(4, 3, -1, dtype=t.int32)],),
    "triu_indices": (lambda t: [t.triu_indices(3, 4), t.triu_indices(3, 4, 1), t.triu_indices(4, 3, offset=-1)],),
    "unravel_index": (lambda t: [*t.unravel_index(t.tensor([5, 0, 11]), (3, 4)), *t.unravel_index(t.tensor(3), 4)],),
}
ALL = {**REDUCED, **ORDERED, **COUNTED}


@pytest.mark.parametrize("name", ALL)
def test_same_as_pytorch(name):
    build, *arrays = ALL[name]
    agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if any(a.dtype == np.float64 for a in case[1:])])
def test_same_in_float32(name):
    if name.startswith(("quantile, ", "histogram", "bucketize", "allclose of")):  # of float64 by name
        return
    build, *arrays = ALL[name]
    agree(build, *(a.astype("f") if a.dtype == np.float64 else a for a in arrays), orders=0)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize(
    "name", ["sum", "prod", "amax", "argmax", "any", "all", "cumsum", "sort", "count_nonzero", "unique"]
)
def test_of_other_dtypes(name, dtype):
    if (name, dtype) == ("argmax", "bool"):
        return  # which PyTorch has no kernel for
    args = (0,) if name == "cumsum" else ()
    settings = {"stable": True} if name == "sort" else {}
    agree(lambda t, x: getattr(t, name)(x, *args, **settings), np.abs(K).astype(dtype))


def test_printed_results_name_their_fields():
    texts = []
    for torch in (dynamic, pytorch()):
        x = torch.from_numpy(A.copy())
        found = [
            torch.median(x, 1),
            torch.kthvalue(x, 2),
            torch.mode(x),
            torch.cummax(x, 0),
            torch.aminmax(x),
            torch.frexp(x),
        ]
        texts.append([repr(each) for each in [*found, torch.linalg.slogdet(x[:, :3]), torch.slogdet(x[:, :3])]])
    assert texts[0][:6] == texts[1][:6]
    assert texts[0][6].split("(")[0] == texts[1][6].split("(")[0]


def test_every_function_is_tried():
    tried = covered(*(case[0] for case in ALL.values()))
    tried |= {"var", "std", "var_mean", "std_mean"}
    for module in (reductions, ordering, counting):
        assert {*module.FUNCTIONS, *module.METHODS} - tried == set()


DRAWN = {
    "uniform_": (lambda x: x.uniform_(2, 4), 3.0, (2 / np.sqrt(12))),
    "normal_": (lambda x: x.normal_(1, 2), 1.0, 2.0),
    "log_normal_": (lambda x: x.log_normal_(0, 0.5), np.exp(0.125), np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))),
    "bernoulli_": (lambda x: x.bernoulli_(0.3), 0.3, np.sqrt(0.21)),
    "exponential_": (lambda x: x.exponential_(2.0), 0.5, 0.5),
    "geometric_": (lambda x: x.geometric_(0.4), 2.5, np.sqrt(0.6) / 0.4),
    "random_": (lambda x: x.random_(0, 11), 5.0, np.sqrt(10)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DRAWN)
def test_random_numbers_in_place_have_their_distribution(name, dtype):
    draw, mean, deviation = DRAWN[name]
    dynamic.manual_seed(1)
    x = dynamic.zeros(20000, dtype=getattr(dynamic, dtype))
    assert draw(x) is x
    found = x.double()
    assert found.mean().item() == pytest.approx(mean, abs=5 * deviation / np.sqrt(20000))
    assert found.std().item() == pytest.approx(deviation, rel=0.05)
    again = dynamic.zeros(20000, dtype=getattr(dynamic, dtype))
    dynamic.manual_seed(1)
    assert dynamic.equal(draw(again), x)


def test_cauchy_numbers_have_their_quartiles():
    x = dynamic.zeros(20000).cauchy_(1, 2)
    quartiles = np.quantile(x.numpy(), [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [-1, 1, 3], atol=0.2)


def test_random_whole_numbers():
    x = dynamic.zeros(1000, dtype=dynamic.int64)
    assert set(x.random_(3).tolist()) == {0, 1, 2}
    assert set(x.random_(-1, 2).tolist()) == {-1, 0, 1}
    assert x.to(dynamic.uint8).random_().max().item() > 200
    assert dynamic.zeros(1000).random_().max().item() > 2**20
    odds = dynamic.tensor([0.0, 1.0]).repeat(500)
    assert dynamic.equal(dynamic.zeros(1000).bernoulli_(odds), odds)
    assert dynamic.zeros(1000).uniform_(**{"from": 2.0, "to": 3.0}).min().item() >= 2


WRONG = {
    "uniform_ of ints": lambda t: t.zeros(2, dtype=t.int64).uniform_(),
    "uniform_ backwards": lambda t: t.zeros(2).uniform_(2, 1),
    "normal_ of ints": lambda t: t.zeros(2, dtype=t.int64).normal_(),
    "normal_ of less than 0": lambda t: t.zeros(2).normal_(0, -1),
    "log_normal_ of 0": lambda t: t.zeros(2).log_normal_(0, 0),
    "bernoulli_ beyond 1": lambda t: t.zeros(2).bernoulli_(1.5),
    "exponential_ of 0": lambda t: t.zeros(2).exponential_(0),
    "geometric_ of 0": lambda t: t.zeros(2).geometric_(0),
    "cauchy_ of 0": lambda t: t.zeros(2).cauchy_(0, 0),
    "random_ of nothing": lambda t: t.zeros(2).random_(2, 2),
    "a leaf": lambda t: t.zeros(2, requires_grad=True).uniform_(),
}


@pytest.mark.parametrize("name", WRONG)
def test_random_numbers_are_refused(name):
    agree(lambda t: WRONG[name](t))
