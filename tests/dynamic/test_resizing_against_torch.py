"""Images in another size and at other points: ``interpolate``, ``grid_sample`` and ``affine_grid`` against PyTorch."""

import itertools

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (1, 2, 5, 4, 6)}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def call(t, name, *args, **how):
    return getattr(t.nn.functional, name)(*args, **how)


# Another size

SIZES = [
    {"size": 3},
    {"size": 9},
    {"size": 1},
    {"scale_factor": 2},
    {"scale_factor": 1.7},
    {"scale_factor": 0.6},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
    {"scale_factor": (1.3,)},
]
MODES = [(count, mode) for count in SHAPES for mode in ("nearest", "nearest-exact", "area", LINEAR[count])]
CASES = [(*each, {}) for each in MODES] + [(count, mode, {"align_corners": True}) for count, mode in LINEAR.items()]
CASES += [(2, "bicubic", {"align_corners": aligned}) for aligned in (False, True, None)]
CASES += [
    (2, mode, {"antialias": True, "align_corners": aligned}) for mode in ("bilinear", "bicubic") for aligned in (False, True)
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("count", "mode", "how"), CASES, ids=str)
def test_sizes(count, mode, how, size):
    size = {key: value * count if isinstance(value, tuple) else value for key, value in size.items()}
    agree(lambda t, x: call(t, "interpolate", x, mode=mode, **size, **how), normal(*SHAPES[count]), rtol=1e-11)
    agree(
        lambda t, x: call(t, "interpolate", x, mode=mode, **size, **how), normal(*SHAPES[count]).astype("float32"), orders=1
    )


OTHERS = {
    "each dimension by itself": lambda t, x: [
        call(t, "interpolate", x, (2, 8)),
        call(t, "interpolate", x, scale_factor=(2, 0.5), mode="bilinear"),
        call(t, "interpolate", x, scale_factor=[1.0, 3.0], mode="bicubic"),
        call(t, "interpolate", x, [7, 2], None, "area"),
    ],
    "a scale that keeps the size": lambda t, x: [
        call(t, "interpolate", x, scale_factor=1.1),
        call(t, "interpolate", x, scale_factor=1.1, mode="bilinear"),
        call(t, "interpolate", x, scale_factor=(1.1, 1.7), mode="bilinear"),
        call(t, "interpolate", x, scale_factor=(1.7, 1.1), mode="nearest"),
    ],
    "old names": lambda t, x: [
        call(t, "upsample", x, scale_factor=2),
        call(t, "upsample", x, (3, 4), mode="bilinear", align_corners=True),
        call(t, "upsample_nearest", x, scale_factor=2),
        call(t, "upsample_nearest", x, 3),
        call(t, "upsample_bilinear", x, scale_factor=2),
        call(t, "upsample_bilinear", x, (3, 4)),
    ],
    "pixels beside each other": lambda t, x: call(t, "interpolate", x.permute(0, 1, 3, 2), scale_factor=2, mode="bilinear"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_sizes(name):
    agree(OTHERS[name], normal(2, 3, 7, 5), rtol=1e-11)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_images_of_bytes(mode):
    x = np.arange(60, dtype="uint8").reshape(1, 3, 4, 5)
    agree(lambda t, x: [call(t, "interpolate", x, size, mode=mode) for size in (3, (8, 9))], x)


@pytest.mark.parametrize("size", [2, 5, 16, 24, 31])
def test_large_sizes_round_as_pytorch_does(size):
    agree(lambda t, x: call(t, "interpolate", x, scale_factor=size / 7), normal(1, 1, 49), orders=1)


WRONG = {
    "neither size nor scale": lambda t, x: call(t, "interpolate", x),
    "size and scale": lambda t, x: call(t, "interpolate", x, 3, 2),
    "three sizes": lambda t, x: call(t, "interpolate", x, (3, 3, 3)),
    "three scales": lambda t, x: call(t, "interpolate", x, scale_factor=(3, 3, 3)),
    "corners of the nearest": lambda t, x: call(t, "interpolate", x, 3, align_corners=True),
    "a size to compute a scale from": lambda t, x: call(t, "interpolate", x, 3, recompute_scale_factor=True),
    "smooth and nearest": lambda t, x: call(t, "interpolate", x, 3, antialias=True),
    "no elements": lambda t, x: call(t, "interpolate", x, 0),
    "nothing to begin with": lambda t, x: call(t, "interpolate", x[:, :, :0], 3),
    "integers": lambda t, x: call(t, "interpolate", x.long(), 3, mode="bilinear"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_sizes(name):
    agree(WRONG[name], normal(2, 3, 7, 5), orders=0)


@pytest.mark.parametrize(
    ("shape", "mode"), [((2, 3, 4), "bilinear"), ((2, 3, 4, 5), "linear"), ((2, 3, 4, 5), "best"), ((2, 3), "nearest")]
)
def test_modes_that_pytorch_has_not(shape, mode):
    with pytest.raises(NotImplementedError, match=mode):
        dynamic.nn.functional.interpolate(dynamic.zeros(*shape), 3, mode=mode)


# Points

POINTS = list(itertools.product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True, None)))


@pytest.mark.parametrize(("mode", "padding", "aligned"), POINTS, ids=str)
def test_points_of_images(mode, padding, aligned):
    def build(t, x, grid):
        return call(t, "grid_sample", x, grid, mode, padding, aligned)

    x, grid = normal(2, 3, 7, 5), normal(2, 3, 4, 2, seed=1) * 1.2
    agree(build, x, grid, orders=1, rtol=1e-10)  # PyTorch has no second gradients here
    agree(build, x.astype("float32"), grid.astype("float32"), orders=0)


@pytest.mark.parametrize(("mode", "padding", "aligned"), [each for each in POINTS if each[0] != "bicubic"], ids=str)
def test_points_of_volumes(mode, padding, aligned):
    def build(t, x, grid):
        return call(t, "grid_sample", x, grid, mode=mode, padding_mode=padding, align_corners=aligned)

    agree(build, normal(2, 3, 5, 4, 3), normal(2, 3, 2, 2, 3, seed=1) * 1.2, orders=1, rtol=1e-10)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_an_image_of_one_pixel(padding):
    grid = np.array([[[[-2.0, 0.3], [0.1, 0.2], [1.5, -0.7]]]])
    agree(lambda t, x, g: call(t, "grid_sample", x, g, "bilinear", padding, True), normal(1, 2, 1, 1), grid, orders=1)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_second_gradients_at_points_are_finite_differences(padding):
    """PyTorch has none; ours come from the rules of one op."""
    x, at = dynamic.from_numpy(normal(1, 2, 4, 3)), normal(1, 2, 2, 2, seed=3)
    way = dynamic.from_numpy(normal(1, 2, 2, 2, seed=4))

    def slope(points):
        points = dynamic.from_numpy(points).requires_grad_()
        y = call(dynamic, "grid_sample", x, points, padding_mode=padding, align_corners=True)
        (g,) = dynamic.autograd.grad((y**2).sum(), points, create_graph=True)
        return points, g

    points, g = slope(at)
    (second,) = dynamic.autograd.grad((g * way).sum(), points)
    step = 1e-6 * normal(1, 2, 2, 2, seed=5)
    change = sum(sign * (slope(at + sign * step)[1] * way).sum().item() for sign in (1, -1)) / 2
    assert change == pytest.approx((second.numpy() * step).sum(), rel=1e-6)


@pytest.mark.parametrize("aligned", [False, True, None])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 3), (2, 3, 4, 5, 2), (2, 1, 1, 1, 1)], ids=str)
def test_grids(size, aligned):
    theta = normal(2, len(size) - 2, len(size) - 1)
    agree(lambda t, theta: call(t, "affine_grid", theta, size, aligned), theta)
    agree(lambda t, theta: call(t, "affine_grid", theta, size, align_corners=aligned), theta.astype("float32"), orders=1)


@pytest.mark.parametrize("aligned", [False, True])
def test_a_spatial_transformer(aligned):
    def build(t, x, theta):
        grid = call(t, "affine_grid", theta, x.size(), align_corners=aligned)
        return call(t, "grid_sample", x, grid, align_corners=aligned)

    agree(build, normal(2, 3, 7, 5), normal(2, 2, 3, seed=2) * 0.4, orders=1, rtol=1e-10)


WRONG_POINTS = {
    "an unknown mode": lambda t, x, g: call(t, "grid_sample", x, g, "best"),
    "an unknown border": lambda t, x, g: call(t, "grid_sample", x, g, padding_mode="ones"),
    "a grid for another batch": lambda t, x, g: call(t, "grid_sample", x, g[:1]),
    "a grid of three coordinates": lambda t, x, g: call(t, "grid_sample", x, t.zeros(2, 3, 4, 3).double()),
    "a grid of another dtype": lambda t, x, g: call(t, "grid_sample", x, g.float()),
    "a matrix": lambda t, x, g: call(t, "grid_sample", x[0, 0], g),
    "no pixels": lambda t, x, g: call(t, "grid_sample", x[:, :, :0], g),
    "maps of another size": lambda t, x, g: call(t, "affine_grid", g, (2, 3, 4, 5)),
    "maps for another batch": lambda t, x, g: call(t, "affine_grid", t.zeros(3, 2, 3), (2, 3, 4, 5)),
    "an empty grid": lambda t, x, g: call(t, "affine_grid", t.zeros(2, 2, 3), (2, 3, 0, 5)),
    "maps of integers": lambda t, x, g: call(t, "affine_grid", t.zeros(2, 2, 3).long(), (2, 3, 4, 5)),
}


@pytest.mark.parametrize("name", WRONG_POINTS)
def test_wrong_points(name):
    agree(WRONG_POINTS[name], normal(2, 3, 7, 5), normal(2, 3, 4, 2), orders=0)
