"""Borders, windows as columns, and pixels made of channels: ``nn.functional`` against PyTorch."""

import numpy as np
import pytest

from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (2, 2, 5, 4, 6)}


def call(t, name, *args, **how):
    return getattr(t.nn.functional, name)(*args, **how)


# Borders

BORDERS = {
    1: [(1, 2), (0, 3), (-1, 2), (2, -3), (-2, -2), (0, 0)],
    2: [(1, 2, 0, 3), (2, 2, 2, 2), (-1, 2, 1, -2), (-1, -1, -2, -3), (0, 0, 4, 0)],
    3: [(1, 2, 0, 3, 2, 1), (-1, 2, 1, -2, 0, 3), (1, 1, 1, 1, 1, 1)],
}
CASES = [
    (mode, count, border) for mode in ("reflect", "replicate", "circular") for count in BORDERS for border in BORDERS[count]
]


@pytest.mark.parametrize(("mode", "count", "border"), CASES, ids=str)
def test_borders_of_what_is_inside(mode, count, border):
    x = normal(*SHAPES[count])
    agree(lambda t, x: call(t, "pad", x, border, mode=mode), x)
    agree(lambda t, x: call(t, "pad", x, list(border), mode), x[0].astype("float32"), orders=1)


CONSTANT = [(), (1, 2), (0, 0, 3, 1), (-1, 2, 1, -2), (1, 1, 2, 0, 0, 3), (-2, -3), (0, 1, 0, 0, 1, 0, 2, 2)]


@pytest.mark.parametrize("value", [None, 0, 2.5, -1, float("inf")])
@pytest.mark.parametrize("border", CONSTANT, ids=str)
def test_constant_borders(border, value):
    agree(lambda t, x: call(t, "pad", x, border, "constant", value), normal(2, 3, 7, 5))
    agree(lambda t, x: call(t, "pad", x, border, value=value), normal(2, 3, 7, 5).astype("float32"), orders=1)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("how", [{}, {"value": 2}, {"mode": "reflect"}, {"mode": "circular"}], ids=str)
def test_borders_of_integers(dtype, how):
    x = np.arange(24).reshape(2, 3, 4).astype(dtype)
    agree(lambda t, x: call(t, "pad", x, (1, 2), **how), x, orders=0)


WRONG_BORDERS = {
    "an odd number": lambda t, x: call(t, "pad", x, (1,)),
    "too many": lambda t, x: call(t, "pad", x, (1,) * 10),
    "cropped to less than nothing": lambda t, x: call(t, "pad", x, (-3, -3)),
    "a reflection of too much": lambda t, x: call(t, "pad", x[0], (5, 0), mode="reflect"),
    "around more than once": lambda t, x: call(t, "pad", x[0], (6, 0), mode="circular"),
    "a value without need": lambda t, x: call(t, "pad", x[0], (1, 1), mode="reflect", value=1.0),
    "nothing to repeat": lambda t, x: call(t, "pad", x[0, :, :0], (1, 1, 1, 1), mode="replicate"),
    "a fraction": lambda t, x: call(t, "pad", x, (1.5, 1)),
}


@pytest.mark.parametrize("name", WRONG_BORDERS)
def test_wrong_borders(name):
    agree(WRONG_BORDERS[name], normal(2, 3, 7, 5), orders=0)


@pytest.mark.parametrize(("border", "mode"), [((1, 1), "reflect"), ((1,) * 8, "circular"), ((1, 1), "around")])
def test_borders_that_pytorch_has_not(border, mode):
    import dynamic

    with pytest.raises(NotImplementedError, match=mode):
        call(dynamic, "pad", dynamic.zeros(2, 3, 4, 5), border, mode=mode)


# Columns

COLUMNS = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3), "padding": 1},
    {"kernel_size": 2, "dilation": 2, "stride": (2, 1)},
    {"kernel_size": [3, 3], "stride": 2, "padding": (1, 0)},
    {"kernel_size": (7, 5)},
]


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("how", COLUMNS, ids=str)
def test_columns(how, batched):
    x = normal(2, 3, 7, 5) if batched else normal(3, 7, 5)
    agree(lambda t, x: call(t, "unfold", x, **how), x)
    agree(lambda t, x: call(t, "fold", call(t, "unfold", x, **how), (7, 5), **how), x)
    agree(lambda t, x: call(t, "unfold", x, **how), x.astype("float32"), orders=1)


WRONG_COLUMNS = {
    "no window": lambda t, x: call(t, "unfold", x, 8),
    "a matrix": lambda t, x: call(t, "unfold", x[0, 0], 2),
    "no stride": lambda t, x: call(t, "unfold", x, 2, stride=0),
    "negative padding": lambda t, x: call(t, "unfold", x, 2, padding=-1),
    "columns that are too few": lambda t, x: call(t, "fold", x[0], (4, 5), 2),
    "columns that are too short": lambda t, x: call(t, "fold", x.reshape(2, 3, 35), (6, 8), 2),
    "a column": lambda t, x: call(t, "fold", x[0, 0, 0], (2, 2), 2),
    "no image": lambda t, x: call(t, "fold", x[0], 0, 2),
}


@pytest.mark.parametrize("name", WRONG_COLUMNS)
def test_wrong_columns(name):
    agree(WRONG_COLUMNS[name], normal(2, 3, 7, 5), orders=0)


# Pixels and channels

SHUFFLED = {
    "pixel_shuffle": ((2, 18, 3, 2), (1, 3, 2, 0)),
    "pixel_unshuffle": ((2, 2, 6, 12), (1, 2, 3, 5)),
    "channel_shuffle": ((2, 6, 3, 2), (1, 2, 3, 4)),
    "native_channel_shuffle": ((2, 6, 3, 2), (1, 2)),
}


@pytest.mark.parametrize(("name", "by"), [(name, by) for name, (_, each) in SHUFFLED.items() for by in each])
def test_shuffles(name, by):
    x = normal(*SHUFFLED[name][0])
    if name != "native_channel_shuffle":  # of which PyTorch has no gradient
        agree(lambda t, x: call(t, name, x, by), x)
    agree(lambda t, x: call(t, name, x, by), np.round(x * 9).astype("int64"), orders=0)
    if name.startswith("pixel"):
        agree(lambda t, x: call(t, name, x, by), x[0])
        agree(lambda t, x: call(t, name, x, by), np.array([x, -x]))
