"""Pictures of noise, for trying programs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dynamic
from dynamic.names import lacking
from dynamic.vision.datasets.vision import VisionDataset
from dynamic.vision.transforms.functional import to_pil_image


class FakeData(VisionDataset):
    """``size`` pictures of noise, the same each time, of ``num_classes`` classes; ``random_offset`` has others."""

    def __init__(
        self,
        size: int = 1000,
        image_size: Sequence[int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.image_size, self.num_classes, self.random_offset = (
            size,
            tuple(image_size),
            num_classes,
            random_offset,
        )

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"there is no picture {index} of {len(self)}")
        generator = dynamic.Generator().manual_seed(index + self.random_offset)
        noise = dynamic.rand(self.image_size, generator=generator)
        target = int(dynamic.randint(0, self.num_classes, (1,), generator=generator).item())
        return self._transformed(to_pil_image(noise), target)

    def __len__(self) -> int:
        return self.size


__getattr__ = lacking(__name__)
