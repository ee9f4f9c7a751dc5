"""Handwritten digits, with the interface of TensorFlow 1's tutorial module: ``read_data_sets(directory, one_hot=True)``.

A directory with MNIST's four IDX files (plain or gzipped) is read; where there are none of them, the digits shipped with
this package take their place, so that every program works offline. Those are the 1,797 digits of "Optical Recognition of
Handwritten Digits" by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, under
CC BY 4.0; ``data/DATA.md`` says what was changed. They are scaled from 8x8 to MNIST's 28x28 as they are loaded.
"""

from __future__ import annotations

import gzip
import math
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from graphs.core.errors import GraphsError


CLASSES = 10
SIDE = 28
_RATIO, _MODEST = 100, 1 << 24
"""How much longer than its file an array may be when unpacked, as MNIST's are five times, and how long it always may be."""

FILES = {
    "training images": "train-images-idx3-ubyte",
    "training labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}
"""MNIST's files, by what they hold."""

SHIPPED_TEST = 297
"""How many of the shipped digits, the last ones, are the test set."""


class DataError(GraphsError, ValueError):
    """A data file that is missing or damaged."""


class DataSet:
    """Images and labels, handed out in batches.

    Attributes:
        images: ``(n, 784)``, or ``(n, 28, 28, 1)`` where not reshaped; 0 to 1, or 0 to 255 where the dtype is uint8.
        labels: ``(n,)`` of uint8, or ``(n, 10)`` of float64 where one-hot.
        epochs_completed: how often all examples have been handed out.
    """

    def __init__(self, images: ndarray, labels: ndarray, seed: int | None = None) -> None:
        if len(images) != len(labels):
            raise DataError(f"{len(images)} images and {len(labels)} labels")
        self.images = images
        self.labels = labels
        self.epochs_completed = 0
        # Without a seed numpy's global generator decides, as it did in TensorFlow: numpy.random.seed makes runs repeat.
        self._generator = numpy.random.default_rng(numpy.random.randint(2**31) if seed is None else seed)
        self._order: ndarray | None = None
        self._position = 0

    @property
    def num_examples(self) -> int:
        """The number of images."""
        return len(self.images)

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[ndarray, ndarray]:
        """The next ``batch_size`` images and their labels, copied; a new epoch, in a new order, begins where one ends.

        ``fake_data`` is there for TensorFlow's signature and must be False.
        """
        if fake_data:
            raise ValueError("there is no fake data here: read_data_sets works without any file")
        if batch_size < 0 or (batch_size and not self.num_examples):
            raise ValueError(f"cannot take {batch_size} of {self.num_examples} examples")
        if self._order is None:
            self._order = self._arrange(shuffle)
        parts, missing = [], batch_size
        while missing > self.num_examples - self._position:
            parts.append(self._order[self._position :])
            missing -= len(parts[-1])
            self.epochs_completed += 1
            self._order = self._arrange(shuffle)
            self._position = 0
        parts.append(self._order[self._position : self._position + missing])
        self._position += missing
        chosen = numpy.concatenate(parts)
        return self.images[chosen], self.labels[chosen]

    def _arrange(self, shuffle: bool) -> ndarray:
        return self._generator.permutation(self.num_examples) if shuffle else numpy.arange(self.num_examples)


class Datasets(NamedTuple):
    """The three parts of a data set."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: Any = "",
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = numpy.float32,
    reshape: bool = True,
    validation_size: int | None = None,
    seed: int | None = None,
    source_url: str = "",
) -> Datasets:
    """The digits in ``train_dir``, or the shipped ones where that directory has none of MNIST's files.

    Args:
        train_dir: where MNIST's IDX files lie.
        fake_data: must be False; TensorFlow's signature has it.
        one_hot: labels as rows with a single 1.
        dtype: of the images: a floating dtype for 0 to 1, uint8 for 0 to 255.
        reshape: flatten each image to 784 numbers.
        validation_size: how many of the first training images are set apart; 5,000 of MNIST's, 100 of the shipped ones.
        seed: of the order of the batches; without one numpy's global generator decides.
        source_url: ignored, as nothing is downloaded.

    Raises DataError, naming the file, where one of the four is missing or damaged.
    """
    if fake_data:
        raise ValueError("there is no fake data here: read_data_sets works without any file")
    kind = numpy.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    if kind.kind != "f" and kind != numpy.uint8:
        raise TypeError(f"images are floating-point or uint8, not {kind}")
    directory = Path(train_dir)
    found = {title: find_idx(directory, name) for title, name in FILES.items()}
    if any(found.values()):
        train_images, train_labels = _read_pair(directory, found, "training")
        test_images, test_labels = _read_pair(directory, found, "test")
        apart = 5000 if validation_size is None else validation_size
    else:
        print(f"no MNIST files in {directory}: using the 1,797 digits shipped with Diptych", file=sys.stderr)
        images, labels = load_digits()
        train_images, test_images = images[:-SHIPPED_TEST], images[-SHIPPED_TEST:]
        train_labels, test_labels = labels[:-SHIPPED_TEST], labels[-SHIPPED_TEST:]
        apart = 100 if validation_size is None else validation_size
    if not 0 <= apart <= len(train_images):
        raise ValueError(f"a validation set of {apart} from {len(train_images)} training images")

    def made(images: ndarray, labels: ndarray, part: int) -> DataSet:
        pixels = images.reshape(len(images), -1) if reshape else images[..., None]
        if kind != numpy.uint8:
            pixels = pixels.astype(kind) * kind.type(1 / 255)
        return DataSet(pixels, _one_hot(labels) if one_hot else labels, None if seed is None else seed + part)

    return Datasets(
        train=made(train_images[apart:], train_labels[apart:], 0),
        validation=made(train_images[:apart], train_labels[:apart], 1),
        test=made(test_images, test_labels, 2),
    )


def load_digits() -> tuple[ndarray, ndarray]:
    """The shipped digits: images ``(1797, 28, 28)`` of uint8, 0 to 255, and labels ``(1797,)`` of uint8."""
    with numpy.load(Path(__file__).with_name("data") / "digits.npz", allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    scaled = _stretch(_stretch(images * (255 / 16), 1), 2)
    return numpy.rint(scaled).astype(numpy.uint8), labels


def _stretch(images: ndarray, axis: int) -> ndarray:
    """``images`` with ``axis`` stretched to 28 by linear interpolation between the centres of the pixels."""
    size = images.shape[axis]
    centres = numpy.clip((numpy.arange(SIDE) + 0.5) * size / SIDE - 0.5, 0, size - 1)
    low = numpy.floor(centres).astype(numpy.intp)
    shape = [1] * images.ndim
    shape[axis] = SIDE
    share = (centres - low).reshape(shape)
    below, above = (numpy.take(images, index, axis) for index in (low, numpy.minimum(low + 1, size - 1)))
    return below * (1 - share) + above * share


def _one_hot(labels: ndarray) -> ndarray:
    rows = numpy.zeros((len(labels), CLASSES))
    rows[numpy.arange(len(labels)), labels] = 1
    return rows


def find_idx(directory: Path, name: str) -> Path | None:
    """The file of that name, plain or gzipped, with MNIST's hyphen or the dot that some archives have in its place."""
    for stem in (name, name.replace("-idx", ".idx")):
        for path in (directory / stem, directory / f"{stem}.gz"):
            if path.is_file():
                return path
    return None


def _read_pair(directory: Path, found: dict[str, Path | None], part: str) -> tuple[ndarray, ndarray]:
    arrays, paths = [], []
    for content, ndim in (("images", 3), ("labels", 1)):
        path = found[f"{part} {content}"]
        if path is None:
            raise DataError(f"{directory / FILES[f'{part} {content}']}: the {part} {content} are missing (.gz too)")
        arrays.append(read_idx(path, ndim))
        paths.append(path)
    images, labels = arrays
    if len(images) != len(labels):
        raise DataError(f"{paths[1]}: {len(labels)} labels for the {len(images)} images of {paths[0].name}")
    if labels.size and labels.max() >= CLASSES:
        raise DataError(f"{paths[1]}: a label {labels.max()}, where digits go to 9")
    return images, labels


def read_idx(path: Path, ndim: int) -> ndarray:
    """The array of bytes in an IDX file of ``ndim`` dimensions, plain or gzipped. Raises DataError saying what is wrong."""
    start = 4 + 4 * ndim
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(start)
            if len(header) < start:
                raise DataError(f"{path}: {len(header)} bytes, less than the {start} of its header")
            magic = int.from_bytes(header[:4], "big")
            if magic != 0x0800 + ndim:
                raise DataError(f"{path}: begins with the number {magic}, where such an IDX file has {0x0800 + ndim}")
            shape = tuple(int.from_bytes(header[at : at + 4], "big") for at in range(4, start, 4))
            size, most = math.prod(shape), path.stat().st_size * (_RATIO if path.suffix == ".gz" else 1)
            if size > max(most, _MODEST):
                raise DataError(f"{path}: its header {shape} calls for {size} bytes, which its length cannot give")
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if len(content) != size:
        there = f"more than {size}" if len(content) > size else len(content)
        raise DataError(f"{path}: {there} bytes after its header, where its shape {shape} calls for {size}")
    return numpy.frombuffer(content, numpy.uint8).reshape(shape)
