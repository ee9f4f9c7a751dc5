"""Convolutions, pools, borders, and images in other sizes as modules: state, values, gradients and text as PyTorch's."""

import copy
import math

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch


pytestmark = pytest.mark.oracle

SHAPES = {1: (2, 4, 7), 2: (2, 4, 7, 5), 3: (2, 4, 5, 4, 6)}


def made(make, dtype="float64"):
    """The module that ``make`` gives in both libraries, with PyTorch's parameters in ours."""
    torch = pytorch()
    theirs = make(torch.nn).to(getattr(torch, dtype))
    ours = make(dynamic.nn).to(getattr(dynamic, dtype))
    ours.load_state_dict({key: dynamic.from_numpy(value.numpy().copy()) for key, value in theirs.state_dict().items()})
    return {torch: theirs, dynamic: ours}


def check(make, *arrays, call=lambda module, *xs: module(*xs), orders=2):
    """The module gives the same in both, and so do gradients with respect to inputs and parameters."""
    modules = made(make)
    assert repr(modules[dynamic]) == repr(modules[pytorch()])
    agree(lambda t, *xs: call(modules[t], *xs), *arrays, rtol=1e-10, orders=orders)
    parameters = list(modules[pytorch()].parameters())
    if parameters:

        def build(t, *given):
            state = dict(zip(dict(modules[t].named_parameters()), given, strict=False))
            return call(lambda *xs: t_call(t, modules[t], state, xs), *given[len(parameters) :])

        agree(build, *[plain(p.detach()) for p in parameters], *arrays, rtol=1e-10, orders=orders)


def t_call(t, module, state, xs):
    """``module(*xs)`` with other tensors in place of its parameters."""
    module = copy.copy(module)
    object.__setattr__(module, "_parameters", {**module._parameters, **state})
    return module(*xs)


CONVOLVED = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"padding": "same", "dilation": 2},
    {"padding": "valid", "bias": False},
    {"groups": 2, "bias": False},
    {"dilation": 2, "padding": 2},
    *({"padding": 2, "padding_mode": mode} for mode in ("reflect", "replicate", "circular")),
    *({"padding": "same", "padding_mode": mode} for mode in ("zeros", "reflect", "circular")),
    {"padding": 1, "stride": 2, "padding_mode": "circular", "groups": 4},
]
TRANSPOSED = [
    {},
    {"stride": 2},
    {"stride": 2, "output_padding": 1},
    {"padding": 1, "groups": 2},
    {"stride": 3, "padding": 1, "dilation": 2, "bias": False},
    {"groups": 4, "bias": False},
]


@pytest.mark.parametrize("how", CONVOLVED, ids=str)
@pytest.mark.parametrize("count", SHAPES)
def test_convolutions(count, how):
    check(lambda nn: getattr(nn, f"Conv{count}d")(4, 8, 3, **how), normal(*SHAPES[count]), orders=1 if count == 3 else 2)


@pytest.mark.parametrize("how", TRANSPOSED, ids=str)
@pytest.mark.parametrize("count", SHAPES)
def test_transposed_convolutions(count, how):
    x = normal(*(min(n, 4) for n in SHAPES[count]))
    check(lambda nn: getattr(nn, f"ConvTranspose{count}d")(4, 8, 3, **how), x, orders=1 if count == 3 else 2)


@pytest.mark.parametrize("kernel", [(3, 2), [1, 3]], ids=str)
@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d"])
def test_each_dimension_by_itself(kind, kernel):
    check(lambda nn: getattr(nn, kind)(4, 2, kernel, (2, 1), (1, 0)), normal(*SHAPES[2]))
    check(lambda nn: getattr(nn, kind)(4, 2, kernel), normal(4, 7, 5))


SIZES = [(9, 10), (10, 11), (2, 8, 9, 10)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_sizes_of_transposed_convolutions(size):
    modules = made(lambda nn: nn.ConvTranspose2d(4, 8, 3, stride=2, padding=(0, 1)))
    agree(lambda t, x: modules[t](x, output_size=size), normal(2, 4, 4, 5))
    agree(lambda t, x: modules[t](x[0], size[-2:]), normal(2, 4, 4, 5))


@pytest.mark.parametrize("size", [(8, 10), (11, 10), (9,), (9, 10, 11)], ids=str)
def test_wrong_output_sizes(size):
    modules = made(lambda nn: nn.ConvTranspose2d(4, 8, 3, stride=2, padding=(0, 1)))
    agree(lambda t, x: modules[t](x, output_size=size), normal(2, 4, 4, 5), orders=0)


WRONG = {
    "channels in no groups": lambda nn: nn.Conv2d(4, 6, 3, groups=3),
    "outputs in no groups": lambda nn: nn.Conv2d(4, 6, 3, groups=4),
    "no groups": lambda nn: nn.Conv2d(4, 6, 3, groups=0),
    "an unknown padding": lambda nn: nn.Conv2d(4, 6, 3, padding="most"),
    "the same with strides": lambda nn: nn.Conv2d(4, 6, 3, padding="same", stride=2),
    "an unknown mode": lambda nn: nn.Conv2d(4, 6, 3, padding_mode="most"),
    "a mode of a transposed one": lambda nn: nn.ConvTranspose2d(4, 6, 3, padding_mode="circular"),
    "size and ratio": lambda nn: nn.FractionalMaxPool2d(2, 3, 0.5),
    "neither": lambda nn: nn.FractionalMaxPool2d(2),
    "a ratio above one": lambda nn: nn.FractionalMaxPool3d(2, output_ratio=1.5),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings(name):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        WRONG[name](pytorch().nn)
    with pytest.raises(theirs.type):
        WRONG[name](dynamic.nn)


@pytest.mark.parametrize("kind", [f"{kind}{count}d" for kind in ("Conv", "ConvTranspose") for count in SHAPES])
def test_state(kind):
    theirs, ours = (getattr(t.nn, kind)(4, 8, 3, groups=2, bias=True) for t in (pytorch(), dynamic))
    shapes = [{key: tuple(value.shape) for key, value in module.state_dict().items()} for module in (theirs, ours)]
    assert shapes[0] == shapes[1]
    assert list(shapes[0]) == list(shapes[1])
    assert str(getattr(dynamic.nn, kind)(4, 8, 3, dtype=dynamic.float64).weight.dtype) == "torch.float64"


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d", "Conv1d"])
def test_initial_values_are_uniform(kind):
    dynamic.manual_seed(0)
    module = getattr(dynamic.nn, kind)(32, 32, 5)
    fan_in = math.prod(module.weight.shape[1:])
    for values in (plain(module.weight), plain(module.bias)):
        assert abs(values).max() <= 1 / math.sqrt(fan_in)
    assert abs(plain(module.weight)).max() > 0.99 / math.sqrt(fan_in)
    assert plain(module.weight).std() == pytest.approx(1 / math.sqrt(3 * fan_in), rel=0.05)


# Modules without parameters

IMAGE, VOLUME, LINE = normal(2, 4, 6, 6), normal(2, 4, 6, 4, 6), normal(2, 4, 8)
BY_COUNT = {1: LINE, 2: IMAGE, 3: VOLUME}
PLAIN = {
    **{
        f"MaxPool{n}d {how}": (lambda nn, n=n, how=how: getattr(nn, f"MaxPool{n}d")(**how), BY_COUNT[n])
        for n in BY_COUNT
        for how in (
            {"kernel_size": 2},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
            {"kernel_size": 2, "dilation": 2, "return_indices": True},
        )
    },
    **{
        f"AvgPool{n}d {how}": (lambda nn, n=n, how=how: getattr(nn, f"AvgPool{n}d")(**how), BY_COUNT[n])
        for n in BY_COUNT
        for how in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False})
    },
    **{
        f"LPPool{n}d {p}": (lambda nn, n=n, p=p: getattr(nn, f"LPPool{n}d")(p, 2, stride=1), abs(BY_COUNT[n]) + 0.1)
        for n in BY_COUNT
        for p in (1, 2)
    },
    **{
        f"Adaptive{kind}Pool{n}d {size}": (
            lambda nn, n=n, kind=kind, size=size: getattr(nn, f"Adaptive{kind}Pool{n}d")(size),
            BY_COUNT[n],
        )
        for n in BY_COUNT
        for kind in ("Avg", "Max")
        for size in (1, 3, 4, (2,) * n)
    },
    "AdaptiveMaxPool2d positions": (lambda nn: nn.AdaptiveMaxPool2d((None, 4), return_indices=True), IMAGE),
    "AvgPool2d divisor": (lambda nn: nn.AvgPool2d(2, divisor_override=3), IMAGE),
    **{
        f"{kind}Pad{n}d {side}": (lambda nn, n=n, kind=kind, side=side: getattr(nn, f"{kind}Pad{n}d")(side), BY_COUNT[n])
        for n in BY_COUNT
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for side in (1, tuple(range(1, 2 * n + 1))[: 2 * n] if n < 3 else (1, 2, 0, 3, 2, 1))
    },
    **{f"ConstantPad{n}d": (lambda nn, n=n: getattr(nn, f"ConstantPad{n}d")(2, 3.5), BY_COUNT[n]) for n in BY_COUNT},
    "PixelShuffle": (lambda nn: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": (lambda nn: nn.PixelUnshuffle(3), IMAGE),
    "ChannelShuffle": (lambda nn: nn.ChannelShuffle(2), IMAGE),
    "Upsample": (lambda nn: nn.Upsample(scale_factor=2), IMAGE),
    "Upsample to a size": (lambda nn: nn.Upsample((3, 4), mode="bilinear", align_corners=True), IMAGE),
    "Upsample each": (lambda nn: nn.Upsample(scale_factor=(2, 3), mode="bicubic"), IMAGE),
    "Upsample a line": (lambda nn: nn.Upsample(scale_factor=1.5, mode="linear"), LINE),
    "Upsample a volume": (lambda nn: nn.Upsample(size=5, mode="trilinear"), VOLUME),
    "Upsample anew": (lambda nn: nn.Upsample(scale_factor=1.4, mode="bilinear", recompute_scale_factor=True), IMAGE),
    "UpsamplingNearest2d": (lambda nn: nn.UpsamplingNearest2d(scale_factor=2), IMAGE),
    "UpsamplingBilinear2d": (lambda nn: nn.UpsamplingBilinear2d(size=(3, 9)), IMAGE),
    "Unfold": (lambda nn: nn.Unfold((3, 2), padding=1, stride=2), IMAGE),
    "Fold": (lambda nn: nn.Fold((5, 3), (2, 2)), normal(2, 12, 8)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_modules_without_parameters(name):
    make, x = PLAIN[name]
    check(make, x)


@pytest.mark.parametrize("count", BY_COUNT)
def test_unpooling(count):
    pools = {t: getattr(t.nn, f"MaxPool{count}d")(2, return_indices=True) for t in (pytorch(), dynamic)}
    backs = {t: getattr(t.nn, f"MaxUnpool{count}d")(2) for t in (pytorch(), dynamic)}
    assert repr(backs[dynamic]) == repr(backs[pytorch()])
    agree(lambda t, x: [backs[t](*pools[t](x)), backs[t](*pools[t](x), output_size=x.size())], BY_COUNT[count])


@pytest.mark.parametrize("kind", ["FractionalMaxPool2d", "FractionalMaxPool3d"])
def test_fractional_pools(kind):
    count = int(kind[-2])
    samples = abs(np.modf(normal(2, 4, count, seed=5))[0])
    modules = {
        t: getattr(t.nn, kind)(2, output_size=2, _random_samples=t.from_numpy(samples), return_indices=True)
        for t in (pytorch(), dynamic)
    }
    assert repr(modules[dynamic]) == repr(modules[pytorch()])
    agree(lambda t, x: modules[t](x), BY_COUNT[count])


def test_a_net_of_the_tutorials():
    def make(nn):
        return nn.Sequential(
            nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
        )

    check(make, IMAGE, orders=1)


@pytest.mark.parametrize("pooled", [False, True], ids=["convolution", "pool"])
def test_what_a_convolution_gives_can_be_viewed(pooled):
    """As in nearly every program: PyTorch lays channels out first, so that ``view`` needs no copy there."""

    def build(torch, x, w):
        h = torch.relu(torch.nn.functional.conv2d(x, w))
        h = torch.nn.functional.max_pool2d(h, 2) if pooled else h
        flat = h.view(h.size(0), -1)
        if not pooled:
            with torch.no_grad():
                flat.mul_(1)
            assert flat.data_ptr() == h.data_ptr()
        return flat * 2, h.view(-1)

    agree(build, normal(2, 3, 6, 7), normal(4, 3, 3, 2))
