"""Convolutions, pools and borders that PyTorch has in the package itself, and under names of their own."""

import pytest

import dynamic
from dynamic.nn import spatial
from tests.dynamic.oracle import agree, covered, normal


pytestmark = pytest.mark.oracle

LINES, IMAGES = normal(2, 4, 7), normal(2, 4, 7, 5)
WEIGHT, LINE_WEIGHT = normal(4, 2, 3, 2, seed=1), normal(4, 2, 3, seed=1)
CASES = {
    "conv1d": (lambda t, x, w, b: t.conv1d(x, w, b, 2, 1, 1, 2), LINES, LINE_WEIGHT, normal(4)),
    "conv2d": (lambda t, x, w, b: t.conv2d(x, w, b, stride=2, padding="valid", groups=2), IMAGES, WEIGHT, normal(4)),
    "conv3d": (lambda t, x, w: t.conv3d(x, w), normal(1, 2, 4, 3, 4), normal(3, 2, 2, 2, 2)),
    "conv_transpose1d": (lambda t, x, w, b: t.conv_transpose1d(x, w, b, 2, 1, 1), LINES, LINE_WEIGHT, normal(2)),
    "conv_transpose2d": (lambda t, x, w, b: t.conv_transpose2d(x, w, b, (2, 1)), IMAGES, WEIGHT, normal(2)),
    "conv_transpose3d": (lambda t, x, w: t.conv_transpose3d(x, w), normal(1, 2, 2, 3, 2), normal(2, 3, 2, 2, 2)),
    "convolution": (
        lambda t, x, w, b: t.convolution(x, w, b, (2, 1), (1, 0), (1, 2), False, (0, 0), 2),
        IMAGES,
        WEIGHT,
        normal(4),
    ),
    "convolution transposed": (
        lambda t, x, w, b: t.convolution(x, w, b, (2, 2), (1, 0), (1, 1), True, (1, 0), 1),
        IMAGES,
        WEIGHT,
        normal(2),
    ),
    "conv_tbc": (lambda t, x, w, b: t.conv_tbc(x, w, b, 1), normal(7, 2, 3), normal(3, 3, 4), normal(4)),
    "conv_tbc without zeros": (lambda t, x, w, b: t.conv_tbc(x, w, b), normal(7, 2, 3), normal(3, 3, 4), normal(4)),
    "functional.conv_tbc": (
        lambda t, x, w, b: t.nn.functional.conv_tbc(x, w, b),
        normal(7, 2, 3),
        normal(3, 3, 4),
        normal(4),
    ),
    "max_pool1d": (lambda t, x: t.max_pool1d(x, 3, 2, 1), LINES),
    "max_pool2d": (lambda t, x: t.max_pool2d(x, (3, 2), ceil_mode=True), IMAGES),
    "max_pool3d": (lambda t, x: t.max_pool3d(x, 2, dilation=2), normal(1, 2, 5, 4, 4)),
    "max_pool1d_with_indices": (lambda t, x: t.max_pool1d_with_indices(x, 2), LINES),
    "avg_pool1d": (lambda t, x: t.avg_pool1d(x, 3, 2, 1, False, False), LINES),
    "adaptive_avg_pool1d": (lambda t, x: t.adaptive_avg_pool1d(x, 3), LINES),
    "adaptive_max_pool1d": (lambda t, x: t.adaptive_max_pool1d(x, 3), LINES),
    "pixel_shuffle": (lambda t, x: t.pixel_shuffle(x, 2), IMAGES),
    "pixel_unshuffle": (lambda t, x: t.pixel_unshuffle(x[:, :, :6, :4], 2), IMAGES),
    "channel_shuffle": (lambda t, x: t.channel_shuffle(x, 2), IMAGES),
    "native_channel_shuffle": (lambda t, x: t.native_channel_shuffle(x.long(), 2), 5 * IMAGES),
    "constant_pad_nd": (lambda t, x: [t.constant_pad_nd(x, (1, 2)), t.constant_pad_nd(x, (1, -2, 0, 3), 2.5)], IMAGES),
    "affine_grid_generator": (lambda t, x: t.affine_grid_generator(x, (2, 3, 4, 5), False), normal(2, 2, 3)),
    **{
        f"functional.{name}": (lambda t, x, name=name: getattr(t.nn.functional, name)(x, 2), x)
        for name, x in (
            ("max_pool1d_with_indices", LINES),
            ("max_pool2d_with_indices", IMAGES),
            ("max_pool3d_with_indices", normal(1, 2, 5, 4, 4)),
            ("adaptive_max_pool1d_with_indices", LINES),
            ("adaptive_max_pool2d_with_indices", IMAGES),
            ("adaptive_max_pool3d_with_indices", normal(1, 2, 5, 4, 4)),
        )
    },
}


@pytest.mark.parametrize("name", CASES)
def test_package_functions(name):
    build, *arrays = CASES[name]
    agree(build, *arrays, rtol=1e-10)
    agree(build, *(x.astype("float32") for x in arrays), orders=0)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_modes_as_numbers(mode, padding):
    agree(lambda t, x, g: t.grid_sampler(x, g, mode, padding, True), IMAGES, normal(2, 3, 2, 2), orders=1, rtol=1e-10)


@pytest.mark.parametrize("count", [2, 3])
def test_fractional_pools_with_their_places(count):
    x, samples = (IMAGES, normal(3, 2, 4, 2)[0] % 1) if count == 2 else (normal(2, 4, 5, 5, 5), normal(2, 4, 3) % 1)
    name = f"fractional_max_pool{count}d_with_indices"
    agree(lambda t, x, s: getattr(t.nn.functional, name)(x, 2, 2, _random_samples=s.detach()), x, samples)


def test_every_function_is_tried():
    assert set(spatial.FUNCTIONS) - {"grid_sampler"} <= covered(*(build for build, *_ in CASES.values()))
    assert all(getattr(dynamic, name) is function for name, function in spatial.FUNCTIONS.items())
