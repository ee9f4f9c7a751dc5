"""What the datasets of images have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from dynamic.names import lacking
from dynamic.utils.data.dataset import Dataset


class VisionDataset(Dataset[Any]):
    """Images and targets.

    Args:
        root: where the files lie.
        transforms: a function of an image and its target, in place of the two that follow.
        transform: a function of an image.
        target_transform: a function of a target.
    """

    def __init__(
        self,
        root: Any = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError("transforms stands in place of transform and target_transform")
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transforms, self.transform, self.target_transform = transforms, transform, target_transform

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        if self.transforms is not None:
            image, target = self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        lines += [f"    {line}" for line in self.extra_repr().splitlines()]
        return "\n".join(lines)

    def extra_repr(self) -> str:
        """More lines of what is shown of the dataset."""
        return ""


__getattr__ = lacking(__name__)
