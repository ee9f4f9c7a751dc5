"""Pools that are told their output's size, norms, pools at random places and unpooling, against PyTorch."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (2, 2, 5, 4, 6)}
SIZES = [
    *((1, size) for size in (1, 2, 3, 7, 9, (4,))),
    *((2, size) for size in (1, 2, 3, (7, 5), (None, 2), (4, None), (1, 3), (9, 1), [2, 2])),
    *((3, size) for size in (1, 2, (5, 2, 3), (None, 2, None), (3, 4, 2), (1, 1, 2))),
]


def call(t, name, *args, **how):
    return getattr(t.nn.functional, name)(*args, **how)


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize(("count", "size"), SIZES, ids=str)
def test_adaptive_pools(count, size, kind):
    x = normal(*SHAPES[count])
    agree(lambda t, x: call(t, f"adaptive_{kind}_pool{count}d", x, size), x)
    agree(lambda t, x: call(t, f"adaptive_{kind}_pool{count}d", x, size), x[0])
    agree(lambda t, x: call(t, f"adaptive_{kind}_pool{count}d", x, output_size=size), x.astype("float32"), orders=1)


@pytest.mark.parametrize(("count", "size"), SIZES, ids=str)
def test_where_adaptive_maxima_are(count, size):
    x = normal(*SHAPES[count])
    agree(lambda t, x: call(t, f"adaptive_max_pool{count}d", x, size, return_indices=True), x)
    agree(lambda t, x: call(t, f"adaptive_max_pool{count}d", x, size, True), np.round(x), orders=1)  # with ties


WRONG = {
    "three sizes": lambda t, x: call(t, "adaptive_avg_pool2d", x, (1, 2, 3)),
    "a matrix": lambda t, x: call(t, "adaptive_avg_pool2d", x[0, 0], 2),
    "a negative size": lambda t, x: call(t, "adaptive_avg_pool2d", x, (-1, 2)),
    "a fraction": lambda t, x: call(t, "adaptive_avg_pool2d", x, 2.5),
    "nothing to pool": lambda t, x: call(t, "adaptive_max_pool2d", x[:, :, :0], 2),
    "None in one dimension": lambda t, x: call(t, "adaptive_avg_pool1d", x[0], None),
    "positions of another shape": lambda t, x: call(t, "max_unpool2d", x, t.zeros(2, 3, 7, 4).long(), 2),
    "positions outside": lambda t, x: call(t, "max_unpool2d", x, t.zeros(2, 3, 7, 5).long() + 999, 2),
    "a size that the pool does not take there": lambda t, x: call(
        t, "max_unpool2d", x, t.zeros(2, 3, 7, 5).long(), 2, output_size=(17, 10)
    ),
    "sizes that are too many": lambda t, x: call(
        t, "max_unpool2d", x, t.zeros(2, 3, 7, 5).long(), 2, output_size=(1, 14, 10)
    ),
    "neither size nor ratio": lambda t, x: call(t, "fractional_max_pool2d", x, 2),
    "windows that do not fit": lambda t, x: call(t, "fractional_max_pool2d", x, 2, output_size=7),
    "a norm of a matrix": lambda t, x: call(t, "lp_pool2d", x[0, 0], 2, 2),
    "windows longer than the input": lambda t, x: call(t, "lp_pool2d", x, 2, 8),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    agree(WRONG[name], normal(2, 3, 7, 5), orders=0)


def test_empty_results():
    agree(
        lambda t, x: [call(t, "adaptive_avg_pool2d", x, (0, 2)), call(t, "adaptive_max_pool2d", x, 0)],
        normal(2, 3, 4, 4),
        orders=0,
    )
    agree(lambda t, x: call(t, "adaptive_avg_pool2d", x[:0], 3), normal(2, 3, 4, 4), orders=0)


# Norms


@pytest.mark.parametrize("how", [{}, {"stride": 1}, {"ceil_mode": True}], ids=str)
@pytest.mark.parametrize("norm", [1, 2, 3.5, 2.0])
@pytest.mark.parametrize("count", SHAPES)
def test_norms(count, norm, how):
    agree(lambda t, x: call(t, f"lp_pool{count}d", x, norm, 2, **how), abs(normal(*SHAPES[count])) + 0.1, rtol=1e-10)


def test_norms_of_negative_numbers():
    agree(lambda t, x: [call(t, "lp_pool2d", x, 2, 2), call(t, "lp_pool2d", x, 3, (2, 1))], normal(2, 3, 7, 5), rtol=1e-9)


# Unpooling

UNPOOLED = [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}]


@pytest.mark.parametrize("how", UNPOOLED, ids=str)
@pytest.mark.parametrize("count", SHAPES)
@pytest.mark.parametrize("size", ["by default", "with batch and channels", "alone"])
def test_unpooling(count, how, size):
    def build(t, x):
        y, places = call(t, f"max_pool{count}d", x, return_indices=True, **how)
        wanted = {"by default": None, "alone": x.shape[2:]}.get(size, x.size())
        return call(t, f"max_unpool{count}d", y, places, output_size=wanted, **how)

    agree(build, normal(*SHAPES[count]))
    agree(build, normal(*SHAPES[count]).astype("float32"), orders=1)


# At random places


@pytest.mark.parametrize(
    "how", [{"output_size": 3}, {"output_ratio": (0.5, 0.5)}, {"output_size": (2, 1)}, {"output_ratio": (0.6, 0.5)}], ids=str
)
@pytest.mark.parametrize("kernel", [2, (2, 3), 1])
def test_fractional_pools_of_images(kernel, how):
    samples = abs(np.modf(normal(2, 3, 2, seed=5))[0])

    def build(t, x, s):
        return call(t, "fractional_max_pool2d", x, kernel, **how, _random_samples=s.detach(), return_indices=True)

    agree(build, normal(2, 3, 7, 5), samples)


@pytest.mark.parametrize(("kernel", "size"), [(2, (2, 2, 4)), ((1, 2, 2), (4, 2, 3)), (3, 1)], ids=str)
def test_fractional_pools_of_volumes(kernel, size):
    samples = abs(np.modf(normal(2, 2, 3, seed=5))[0])

    def build(t, x, s):
        return call(t, "fractional_max_pool3d", x, kernel, output_size=size, _random_samples=s.detach(), return_indices=True)

    agree(build, normal(*SHAPES[3]), samples)


def test_fractional_pools_draw_places_of_their_own():
    x = dynamic.randn(2, 3, 9, 9)
    dynamic.manual_seed(1)
    first = dynamic.nn.functional.fractional_max_pool2d(x, 2, output_size=5)
    second = dynamic.nn.functional.fractional_max_pool2d(x, 2, output_size=5)
    dynamic.manual_seed(1)
    assert (dynamic.nn.functional.fractional_max_pool2d(x, 2, output_size=5) == first).all()
    assert (first != second).any()
