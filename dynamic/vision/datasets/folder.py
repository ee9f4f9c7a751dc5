"""Pictures in directories, one a class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from dynamic.names import lacking
from dynamic.vision.datasets.vision import VisionDataset


IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def pil_loader(path: Any) -> Image.Image:
    """The picture in a file, in colours."""
    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


default_loader = pil_loader


class DatasetFolder(VisionDataset):
    """Files in ``root/<class>/``, at any depth, in the order of their names.

    Args:
        root: the directory.
        loader: makes an example of a path.
        extensions: the ends of names that count.
        transform: a function of an example.
        target_transform: a function of a class's number.
        is_valid_file: says of a path whether it counts, in place of ``extensions``.
        allow_empty: take classes without files.

    Attributes:
        classes: the names of the classes, in order.
        class_to_idx: their numbers.
        samples: paths and class numbers.
        targets: the class numbers.

    Raises FileNotFoundError where there is no class, or, unless ``allow_empty``, no file of one.
    """

    def __init__(
        self,
        root: Any,
        loader: Callable[[Any], Any],
        extensions: Sequence[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if (extensions is None) == (is_valid_file is None):
            raise ValueError("either extensions or is_valid_file says which files count")
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        counts = is_valid_file or (lambda path: path.lower().endswith(tuple(extensions or ())))
        self.samples: list[tuple[str, int]] = []
        for name in self.classes:
            paths = [
                os.path.join(d, file) for d, _, files in sorted(os.walk(Path(self.root) / name)) for file in sorted(files)
            ]
            found = [(path, self.class_to_idx[name]) for path in paths if counts(path)]
            if not found and not allow_empty:
                raise FileNotFoundError(f"{Path(self.root) / name} has no file that counts")
            self.samples += found
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
        """The names of the directories in ``directory``, and their numbers."""
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"{directory} has no directory of a class")
        return classes, {name: i for i, name in enumerate(classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Pictures in ``root/<class>/``."""

    def __init__(
        self,
        root: Any,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[Any], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples


__getattr__ = lacking(__name__)
