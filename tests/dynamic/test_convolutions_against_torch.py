"""Convolutions and pools of ``nn.functional`` give PyTorch's values, gradients and second gradients."""

import itertools

import numpy as np
import pytest

import dynamic
from dynamic.nn import convolution, functional, pooling
from tests.dynamic.oracle import agree, normal, plain, pytorch


pytestmark = pytest.mark.oracle

SIZES = {1: (7,), 2: (7, 5), 3: (5, 4, 6)}
WINDOWS = {1: (3,), 2: (3, 2), 3: (2, 3, 2)}


# Convolutions, with a bias and without, for a batch and for one example

CONVOLVED = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"padding": 4},
    {"padding": "same"},
    {"padding": "valid"},
    {"padding": "same", "dilation": 2},
    {"dilation": 2, "stride": (3,), "padding": [2]},
    {"groups": 2},
    {"groups": 4, "padding": 1, "stride": 2},
]
TRANSPOSED = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"padding": 2, "stride": 3},
    {"stride": 3, "output_padding": 2},
    {"stride": 3, "output_padding": (2,), "padding": 1, "dilation": 2},
    {"dilation": 3, "output_padding": 2},
    {"dilation": 3, "output_padding": 2, "padding": 1},
    {"groups": 2},
    {"groups": 4, "stride": 2, "padding": [1]},
]


@pytest.mark.parametrize("how", CONVOLVED, ids=str)
@pytest.mark.parametrize("count", SIZES)
def test_convolutions(count, how):
    x, w = normal(2, 4, *SIZES[count]), normal(8, 4 // how.get("groups", 1), *WINDOWS[count], seed=1)
    check(f"conv{count}d", x, w, normal(8), how)


@pytest.mark.parametrize("how", TRANSPOSED, ids=str)
@pytest.mark.parametrize("count", SIZES)
def test_transposed_convolutions(count, how):
    x, w = normal(2, 4, *(n - 2 for n in SIZES[count])), normal(4, 8 // how.get("groups", 1), *WINDOWS[count], seed=1)
    check(f"conv_transpose{count}d", x, w, normal(8), how)


def check(name, x, w, b, how):
    agree(lambda t, x, w, b: call(t, name, x, w, b, **how), x, w, b, rtol=1e-10)
    agree(lambda t, x, w: call(t, name, x, w, **how), x[0].copy(), w, rtol=1e-10, orders=1)
    agree(lambda t, x, w, b: call(t, name, x, w, b, **how), *(a.astype("float32") for a in (x[:1], w, b)), orders=0)


def call(t, name, *args, **how):
    return getattr(t.nn.functional, name)(*args, **how)


OTHERS = {
    "each dimension by itself": lambda t, x, w: [
        call(t, "conv2d", x, w, stride=(2, 1), padding=(0, 1), dilation=(1, 2)),
        call(t, "conv_transpose2d", x[:, :2], w[:2], stride=(1, 2), padding=(1, 0), output_padding=(0, 1), dilation=(2, 1)),
    ],
    "by position": lambda t, x, w: [
        call(t, "conv2d", x, w[:, :1], None, 2, 1, 2, 3),
        call(t, "conv_transpose2d", x, w[:3], None, 2, 1, 1, 1, 2),
    ],
    "transposed weights": lambda t, x, w: call(t, "conv2d", x, w.permute(0, 1, 3, 2)),
    "channels last in memory": lambda t, x, w: call(t, "conv2d", x.permute(0, 1, 3, 2), w.permute(0, 1, 3, 2)),
    "no examples": lambda t, x, w: [call(t, "conv2d", x[:0], w), call(t, "conv_transpose2d", x[:0], w[:3])],
    "a window as large as the input": lambda t, x, w: call(t, "conv2d", x[:, :, :3, :2], w),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_convolutions(name):
    agree(OTHERS[name], normal(2, 3, 7, 5), normal(6, 3, 3, 2), rtol=1e-10)


# Pools

POOLED = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": (3,), "stride": 1, "padding": 1},
    {"kernel_size": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": [2], "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 1, "stride": 4, "ceil_mode": True},
    {"kernel_size": 1},
]
EVERY = list(itertools.product(SIZES, POOLED))


@pytest.mark.parametrize(("count", "how"), EVERY, ids=str)
def test_max_pools(count, how):
    def build(t, x):
        return [call(t, f"max_pool{count}d", x, **how), call(t, f"max_pool{count}d", x[0], return_indices=True, **how)]

    agree(build, normal(2, 3, *SIZES[count]), rtol=1e-10)
    agree(build, np.round(normal(2, 3, *SIZES[count])), rtol=1e-10)  # with ties


@pytest.mark.parametrize(
    "how", [{"dilation": 2}, {"dilation": 2, "padding": 1}, {"dilation": 2, "ceil_mode": True, "stride": 3}]
)
@pytest.mark.parametrize("count", SIZES)
def test_dilated_max_pools(count, how):
    how = {"kernel_size": 2, "return_indices": True, **how}
    agree(lambda t, x: call(t, f"max_pool{count}d", x, **how), normal(2, 3, *SIZES[count]), rtol=1e-10)


@pytest.mark.parametrize(("count", "how"), EVERY, ids=str)
def test_avg_pools(count, how):
    def build(t, x):
        name = f"avg_pool{count}d"
        found = [call(t, name, x, **how), call(t, name, x[0], count_include_pad=False, **how)]
        return found if count == 1 else [*found, call(t, name, x, divisor_override=3, **how)]

    agree(build, normal(2, 3, *SIZES[count]), rtol=1e-10)


OTHER_POOLS = {
    "each dimension by itself": lambda t, x: [
        call(t, "max_pool2d", x, (3, 2), (1, 2), (1, 0), (2, 1), True),
        call(t, "max_pool2d", x, (2, 1), (), (1, 0), 1, False, True),
        call(t, "avg_pool2d", x, (3, 2), (2, 1), (1, 0), True, False, -2),
    ],
    "integers": lambda t, x: call(t, "max_pool2d", (x * 5).long(), 2, return_indices=True),
    "no examples": lambda t, x: [call(t, "max_pool2d", x[:0], 2), call(t, "avg_pool2d", x[:0], 2)],
}


@pytest.mark.parametrize("name", OTHER_POOLS)
def test_other_pools(name):
    agree(OTHER_POOLS[name], normal(2, 3, 7, 5), rtol=1e-10)


def test_pools_of_float32_with_infinities_and_a_nan():
    x = normal(2, 3, 7, 5).astype("float32")
    x[0, 1, 3, 3], x[1, 0, :2], x[1, 1] = np.nan, np.inf, -np.inf
    agree(lambda t, x: [call(t, "max_pool2d", x, 3, 2, 1, return_indices=True), call(t, "avg_pool2d", x, 2)], x)


# What is refused

WRONG = {
    "three strides": lambda t, x, w: call(t, "conv2d", x, w, stride=(1, 1, 1)),
    "a stride of zero": lambda t, x, w: call(t, "conv2d", x, w, stride=0),
    "a dilation of zero": lambda t, x, w: call(t, "conv2d", x, w, dilation=0),
    "negative padding": lambda t, x, w: call(t, "conv2d", x, w, padding=-1),
    "same with a stride": lambda t, x, w: call(t, "conv2d", x, w, padding="same", stride=2),
    "unknown padding": lambda t, x, w: call(t, "conv2d", x, w, padding="most"),
    "channels that do not fit": lambda t, x, w: call(t, "conv2d", x[:, :2], w),
    "groups that do not fit": lambda t, x, w: call(t, "conv2d", x, w, groups=2),
    "outputs in no groups": lambda t, x, w: call(t, "conv2d", x, w[:4, :1], groups=3),
    "no groups": lambda t, x, w: call(t, "conv2d", x, w, groups=0),
    "a bias of another size": lambda t, x, w: call(t, "conv2d", x, w, w[:3, 0, 0, 0]),
    "a matrix": lambda t, x, w: call(t, "conv2d", x[0, 0], w),
    "a weight of three dimensions": lambda t, x, w: call(t, "conv2d", x, w[0]),
    "a weight of another dtype": lambda t, x, w: call(t, "conv2d", x, w.float()),
    "a bias of another dtype": lambda t, x, w: call(t, "conv2d", x, w, w[:, 0, 0, 0].float()),
    "a window that is too large": lambda t, x, w: call(t, "conv2d", x[:, :, :2], w),
    "a fraction": lambda t, x, w: call(t, "conv2d", x, w, stride=1.5),
    "transposed: output_padding": lambda t, x, w: call(t, "conv_transpose2d", x, w[:3], output_padding=1),
    "transposed: padding": lambda t, x, w: call(t, "conv_transpose2d", x, w[:3], padding=9),
    "transposed: nothing left": lambda t, x, w: call(t, "conv_transpose2d", x, w[:3], padding=(1, 3)),
    "transposed: channels": lambda t, x, w: call(t, "conv_transpose2d", x, w),
    "transposed: same": lambda t, x, w: call(t, "conv_transpose2d", x, w[:3], padding="same"),
    "pool: padding of more than half": lambda t, x, w: call(t, "max_pool2d", x, 2, padding=2),
    "pool: no window": lambda t, x, w: call(t, "max_pool2d", x, 9),
    "pool: stride of zero": lambda t, x, w: call(t, "max_pool2d", x, 2, stride=0),
    "pool: three sizes": lambda t, x, w: call(t, "avg_pool2d", x, (2, 2, 2)),
    "pool: divisor of zero": lambda t, x, w: call(t, "avg_pool2d", x, 2, divisor_override=0),
    "pool: a matrix": lambda t, x, w: call(t, "max_pool2d", x[0, 0], 2),
    "pool: a divisor for 1d": lambda t, x, w: call(t, "avg_pool1d", x[0], 2, divisor_override=3),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    x, w = normal(2, 3, 7, 5), normal(6, 3, 3, 2)
    with pytest.raises((RuntimeError, TypeError)):
        WRONG[name](pytorch(), *map(pytorch().from_numpy, (x, w)))
    agree(WRONG[name], x, w, orders=0)


def test_errors_name_the_function_and_the_line():
    with pytest.raises(
        RuntimeError, match=r"(?s)conv2d: weight of shape \(6, 3, 3, 2\).*shape \(2, 4, 7, 5\) has 4.*at .*\.py"
    ):
        functional.conv2d(dynamic.zeros(2, 4, 7, 5), dynamic.zeros(6, 3, 3, 2))


def test_every_function_is_tried():
    public = {name for module in (convolution, pooling) for name in vars(module) if "conv" in name or "pool" in name}
    tried = {f"{kind}{count}d" for kind in ("conv", "conv_transpose", "max_pool", "avg_pool", "lp_pool") for count in SIZES}
    assert {name for name in public if name[-1] == "d" and not name.startswith("_")} == tried
    assert tried < set(vars(functional))


def test_a_weight_in_the_kernels_order_gives_the_same_bits():
    """What a permuted view of (window, channels, outputs) gives has every bit of what a copy of it gives."""
    x, w = (dynamic.from_numpy(normal(*shape).astype("float32")) for shape in ((2, 3, 7, 5), (3, 2, 3, 6)))
    permuted = w.permute(3, 2, 0, 1)
    for name, view in (("conv2d", permuted), ("conv_transpose2d", permuted[:3])):
        one, other = (getattr(functional, name)(x, weight) for weight in (view, view.contiguous()))
        np.testing.assert_array_equal(plain(one), plain(other))
