"""Images resized, cut, turned and coloured as in TensorFlow."""

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow
from tests.static.test_convolution import agree


def uniform(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).uniform(0, 1, shape).astype("float32")


def whole(*shape):
    return np.random.default_rng(shape).integers(0, 256, shape).astype("uint8")


IMAGES, IMAGE, BYTES = uniform(2, 5, 4, 3), uniform(5, 4, 3), whole(2, 5, 4, 3)
BLOCKS = uniform(2, 4, 6, 3)


def each(name, **settings):
    """A resize to several sizes."""
    sizes = ([10, 8], [3, 7], [5, 4], [2, 3])
    return lambda tf, x: [getattr(tf.image, name)(x, size, **settings) for size in sizes]


# TensorFlow has no gradient for some of these; there the outputs are stopped.
CASES = {
    "nearest": (each("resize_nearest_neighbor"), IMAGES),
    "nearest corners": (each("resize_nearest_neighbor", align_corners=True), IMAGES),
    "nearest half": (each("resize_nearest_neighbor", half_pixel_centers=True), IMAGES),
    "nearest bytes": (each("resize_nearest_neighbor"), BYTES),
    "bilinear": (each("resize_bilinear"), IMAGES),
    "bilinear corners": (each("resize_bilinear", align_corners=True), IMAGES),
    "bilinear half": (each("resize_bilinear", half_pixel_centers=True), IMAGES),
    "bilinear bytes": (each("resize_bilinear"), BYTES),
    "bicubic": (each("resize_bicubic"), IMAGES),
    "bicubic corners": (each("resize_bicubic", align_corners=True), IMAGES),
    "bicubic half": (each("resize_bicubic", half_pixel_centers=True), IMAGES),
    "area": (lambda tf, x: [tf.stop_gradient(y) for y in each("resize_area")(tf, x)], IMAGES),
    "resize_images": (
        lambda tf, x: [
            tf.image.resize_images(x, (7, 9)),
            tf.image.resize_images(x, (7, 9), tf.image.ResizeMethod.NEAREST_NEIGHBOR),
            tf.image.resize_images(x, tf.constant([7, 9]), method=tf.image.ResizeMethod.BICUBIC, align_corners=True),
            tf.image.resize_images(x, (7, 20), preserve_aspect_ratio=True),
            tf.image.resize_images(x, (5, 4)),
        ],
        IMAGE,
    ),
    "resize_image_with_pad": (lambda tf, x: tf.image.resize_image_with_pad(x, 8, 9), IMAGES),
    "flips": (lambda tf, x: [tf.image.flip_left_right(x), tf.image.flip_up_down(x)], IMAGE),
    "flips of a batch": (lambda tf, x: [tf.image.flip_left_right(x), tf.image.flip_up_down(x)], IMAGES),
    "rot90": (lambda tf, x: [tf.image.rot90(x, k) for k in range(5)], IMAGES),
    "rot90 one": (lambda tf, x: [tf.image.rot90(x), tf.image.transpose_image(x)], IMAGE),
    "crop": (lambda tf, x: tf.image.crop_to_bounding_box(x, 1, 0, 3, 2), IMAGES),
    "frame": (lambda tf, x: tf.image.pad_to_bounding_box(x, 1, 2, 8, 7), IMAGE),
    "central": (lambda tf, x: [tf.image.central_crop(x, 0.5), tf.image.central_crop(x, 0.9)], IMAGE),
    "crop or pad": (lambda tf, x: [tf.image.resize_image_with_crop_or_pad(x, *to) for to in ((3, 7), (8, 2))], IMAGES),
    "brightness": (lambda tf, x: tf.image.adjust_brightness(x, 0.25), IMAGES),
    "brightness bytes": (lambda tf, x: tf.image.adjust_brightness(x, 0.25), BYTES),
    "contrast": (lambda tf, x: tf.stop_gradient(tf.image.adjust_contrast(x, 1.5)), IMAGES),
    "gamma": (lambda tf, x: tf.image.adjust_gamma(x, 2.0, 0.5), IMAGES),
    "standard": (lambda tf, x: tf.image.per_image_standardization(x), IMAGE),
    "standard bytes": (lambda tf, x: tf.image.per_image_standardization(x), BYTES),
    "convert": (
        lambda tf, x: [tf.image.convert_image_dtype(x, to) for to in (tf.uint8, tf.int16, tf.float32)],
        IMAGES,
    ),
    "convert bytes": (
        lambda tf, x: [tf.image.convert_image_dtype(x, to) for to in (tf.float32, tf.int16, tf.uint8)],
        BYTES,
    ),
    "grey": (lambda tf, x: tf.image.rgb_to_grayscale(x), IMAGES),
    "grey bytes": (lambda tf, x: tf.image.rgb_to_grayscale(x), BYTES),
    "colours": (lambda tf, x: tf.image.grayscale_to_rgb(x[..., :1]), IMAGES),
    "hsv": (lambda tf, x: [tf.stop_gradient(f(x)) for f in (tf.image.rgb_to_hsv, tf.image.hsv_to_rgb)], IMAGES),
    "television": (
        lambda tf, x: [getattr(tf.image, name)(x) for name in ("rgb_to_yuv", "yuv_to_rgb", "rgb_to_yiq", "yiq_to_rgb")],
        IMAGES,
    ),
    "saturation": (lambda tf, x: tf.stop_gradient(tf.image.adjust_saturation(x, 1.7)), IMAGES),
    "hue": (lambda tf, x: tf.stop_gradient(tf.image.adjust_hue(x, 0.3)), IMAGES),
    "variation": (lambda tf, x: tf.image.total_variation(x), IMAGES),
    "variation of one": (lambda tf, x: tf.image.total_variation(x), IMAGE),
    "psnr": (lambda tf, x, y: tf.image.psnr(x, y, 1.0), IMAGES, uniform(2, 5, 4, 3, seed=1)),
    "gradients": (lambda tf, x: tf.image.image_gradients(x), IMAGES),
    "space_to_depth": (lambda tf, x: tf.space_to_depth(x, 2), BLOCKS),
    "depth_to_space": (lambda tf, x: tf.depth_to_space(x, 2), uniform(2, 3, 2, 8)),
    "there and back": (lambda tf, x: tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2) - x, BLOCKS),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_tensorflow(name):
    build, *arrays = CASES[name]
    agree(run_in(static, build, arrays), run_in(tensorflow(), build, arrays), 3e-5)


def test_blocks_of_unknown_sizes():
    x = static.placeholder(static.float32, [None, None, None, 4])
    there = static.space_to_depth(x, 2)
    back = static.depth_to_space(there, 2)
    first = static.depth_to_space(static.transpose(x, [0, 3, 1, 2]), 2, data_format="NCHW")
    assert (there.shape.as_list(), back.shape.as_list()) == ([None, None, None, 16], [None, None, None, 4])
    given = uniform(2, 4, 6, 4)
    with static.Session() as session:
        values = session.run([there, back, first, static.depth_to_space(x, 2)], {x: given})
    assert values[0].shape == (2, 2, 3, 16)
    np.testing.assert_array_equal(values[1], given)
    np.testing.assert_array_equal(values[2], values[3].transpose(0, 3, 1, 2))


def test_random_changes_are_drawn_image_by_image():
    x = static.constant(uniform(64, 2, 3, 1))
    flipped = static.image.random_flip_left_right(x, seed=1)
    upside = static.image.random_flip_up_down(x, seed=2)
    brighter = static.image.random_brightness(x, 0.5, seed=3)
    sharper = static.image.random_contrast(x, 0.5, 1.5, seed=4)
    with static.Session() as session:
        given, *values = session.run([x, flipped, upside, brighter, sharper])
    for value, mirrored in zip(values, (given[:, :, ::-1], given[:, ::-1]), strict=False):
        same = (value == given).all((1, 2, 3))
        assert 16 < same.sum() < 48
        assert ((value == mirrored).all((1, 2, 3)) | same).all()
    moved = values[2] - given
    np.testing.assert_allclose(moved, np.full(given.shape, moved.flat[0]), atol=1e-6)
    assert 0 < abs(moved.flat[0]) < 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda tf, x: tf.image.resize_images(x, (1, 2, 3)), "2 elements"),
        (lambda tf, x: tf.image.resize_images(x, (4, 4), method=7), "not implemented: 7"),
        (lambda tf, x: tf.image.resize_images(x[0, 0], (4, 4)), "either 3 or 4 dimensions"),
        (lambda tf, x: tf.image.resize_bilinear(tf.placeholder(tf.float32, [1, None, 3, 1]), (4, 4)), "have to be known"),
        (lambda tf, x: tf.image.crop_to_bounding_box(x, 3, 0, 4, 1), "not within axis 1"),
        (lambda tf, x: tf.image.pad_to_bounding_box(x, 3, 0, 4, 4), "does not fit"),
        (lambda tf, x: tf.image.central_crop(x, 1.5), "central_fraction"),
        (lambda tf, x: tf.image.random_contrast(x, 1.0, 0.5), "upper must be > lower"),
        (lambda tf, x: tf.space_to_depth(x, 3), "blocks of 3"),
        (lambda tf, x: tf.depth_to_space(x, 2), "do not fill blocks of 2"),
    ],
)
def test_refusals_say_what_is_wrong_and_where(call, message):
    x = static.constant(IMAGES)
    with pytest.raises(ValueError, match=message) as caught:
        call(static, x)
    assert "test_image.py" in str(caught.value)
