"""MNIST and its kin, from IDX files that are there already. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy
from PIL import Image

import dynamic
from dynamic.names import lacking
from dynamic.vision.datasets.vision import VisionDataset
from graphs.datasets import FILES, find_idx, read_idx


class MNIST(VisionDataset):
    """Handwritten digits: pictures of 28 by 28 pixels and the numbers that they show.

    The IDX files, plain or gzipped, are looked for in ``root/MNIST/raw``, where ``torchvision`` puts them, and in ``root``.

    Args:
        root: the directory.
        train: the training images; else the test images.
        transform: a function of a picture.
        target_transform: a function of a number.
        download: taken for ``torchvision``'s sake: files that are missing are an error either way.

    Attributes:
        data: the pixels, ``(n, 28, 28)`` of uint8.
        targets: the numbers, ``(n,)`` of int64.
        classes: their names.

    Raises RuntimeError, saying which files to put where, where there are none; DataError for a damaged one.
    """

    classes: ClassVar[list[str]] = [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven"),
        *("8 - eight", "9 - nine"),
    ]

    def __init__(
        self,
        root: Any,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        part = "training" if train else "test"
        pixels, numbers = self._read(f"{part} images", 3), self._read(f"{part} labels", 1)
        if len(pixels) != len(numbers):
            raise RuntimeError(f"{self.root}: {len(pixels)} {part} images and {len(numbers)} labels")
        self.data = dynamic.from_numpy(pixels.copy())
        self.targets = dynamic.from_numpy(numbers.astype(numpy.int64))

    def _read(self, content: str, ndim: int) -> Any:
        places = (Path(self.raw_folder), Path(self.root))
        for place in places:
            path = find_idx(place, FILES[content])
            if path is not None:
                return read_idx(path, ndim)
        raise RuntimeError(
            f"{type(self).__name__}: the {content} are not found. Nothing is downloaded here: put {FILES[content]} or "
            f"{FILES[content]}.gz, and its three companions, into {places[0]} or {places[1]}"
        )

    @property
    def raw_folder(self) -> str:
        """Where the IDX files are looked for first."""
        return str(Path(self.root) / type(self).__name__ / "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The numbers of the classes."""
        return {name: i for i, name in enumerate(self.classes)}

    @property
    def train_data(self) -> Any:
        """``data``, as it was called until 0.2."""
        return self.data

    @property
    def train_labels(self) -> Any:
        """``targets``, as they were called until 0.2."""
        return self.targets

    test_data, test_labels = train_data, train_labels

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(Image.fromarray(self.data[index].numpy()), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes (Xiao, Rasul and Vollgraf 2017) in files like MNIST's."""

    classes: ClassVar[list[str]] = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]


class KMNIST(MNIST):
    """Cursive Japanese characters (Clanuwat et al. 2018) in files like MNIST's."""

    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


__getattr__ = lacking(__name__)
