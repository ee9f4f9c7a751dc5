"""Transforms as objects, which are called with an image. Random ones draw from the default generator."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import dynamic
from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.vision.transforms import functional as F
from dynamic.vision.transforms.functional import InterpolationMode as InterpolationMode


def _uniform(low: float = 0.0, high: float = 1.0) -> float:
    return low + (high - low) * float(dynamic.rand(1).item())


def _whole(high: int) -> int:
    """A number from 0 up to, but without, ``high``."""
    return int(dynamic.randint(0, high, size=(1,)).item())


class Compose:
    """Transforms one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """The image after all of them."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


class ToTensor:
    """A picture or array as a tensor, bytes as 0 to 1; see ``functional.to_tensor``."""

    def __call__(self, pic: Any) -> Any:
        """The tensor."""
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class PILToTensor:
    """The pixels of a picture as they are."""

    def __call__(self, pic: Any) -> Any:
        """The tensor."""
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return "PILToTensor()"


class ToPILImage:
    """A tensor or array as a picture; see ``functional.to_pil_image``."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """The picture."""
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"ToPILImage({'' if self.mode is None else f'mode={self.mode}'})"


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"a function is expected, not {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """What the function gives."""
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class Normalize(Module):
    """``(image - mean) / std`` by channels, of tensors."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Any) -> Any:
        """The normalised image."""
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Resize(Module):
    """Another size: ``(height, width)``, or one number for the smaller edge."""

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"a size is a number or two, not {type(size).__name__}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"a size is one number or two, not {len(size)}")
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def forward(self, img: Any) -> Any:
        """The image in that size."""
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        how = getattr(self.interpolation, "value", self.interpolation)
        return f"Resize(size={self.size}, interpolation={how}, max_size={self.max_size}, antialias={self.antialias})"


class CenterCrop(Module):
    """The middle of the image."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = F.pair(size)

    def forward(self, img: Any) -> Any:
        """The middle."""
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"CenterCrop(size={self.size})"


class Pad(Module):
    """A border; see ``functional.pad``."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        """The image with its border."""
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class Grayscale(Module):
    """The image in grey."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        """The grey image."""
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"Grayscale(num_output_channels={self.num_output_channels})"


class RandomCrop(Module):
    """A part of the given size somewhere in the image. Raises ValueError where the image is smaller."""

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = "constant"
    ) -> None:
        super().__init__()
        self.size = F.pair(size)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Top, left, height and width of a part."""
        w, h = F.get_image_size(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"an image of {h} by {w} has no part of {height} by {width}")
        if (w, h) == (width, height):
            return 0, 0, h, w
        return _whole(h - height + 1), _whole(w - width + 1), height, width

    def forward(self, img: Any) -> Any:
        """The part."""
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        w, h = F.get_image_size(img)
        height, width = self.size
        if self.pad_if_needed and w < width:
            img = F.pad(img, [width - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < height:
            img = F.pad(img, [0, height - h], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomResizedCrop(Module):
    """A part of random area and shape, in the given size: ``scale`` is the range of the first, ``ratio`` of the second."""

    def __init__(
        self,
        size: Any,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size, self.scale, self.ratio = F.pair(size), scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    @staticmethod
    def get_params(img: Any, scale: tuple[float, float], ratio: tuple[float, float]) -> tuple[int, int, int, int]:
        """Top, left, height and width of a part; the middle where ten tries have not found one that fits."""
        width, height = F.get_image_size(img)
        for _ in range(10):
            area = width * height * _uniform(*scale)
            shape = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1])))
            w, h = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if 0 < w <= width and 0 < h <= height:
                return _whole(height - h + 1), _whole(width - w + 1), h, w
        w, h = width, height
        if width / height < min(ratio):
            h = round(w / min(ratio))
        elif width / height > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        """The part in the size."""
        return F.resized_crop(
            img, *self.get_params(img, self.scale, self.ratio), self.size, self.interpolation, self.antialias
        )


class RandomHorizontalFlip(Module):
    """Left and right exchanged, with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The image, or it flipped."""
        return F.hflip(img) if _uniform() < self.p else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom exchanged, with probability ``p``."""

    def forward(self, img: Any) -> Any:
        """The image, or it flipped."""
        return F.vflip(img) if _uniform() < self.p else img


class RandomRotation(Module):
    """A turn by an angle between two, in degrees; one number means from its negative on."""

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        if isinstance(degrees, numbers.Number) and degrees < 0:  # type: ignore[operator]
            raise ValueError(f"degrees are a number that is not negative, or two, not {degrees}")
        self.degrees = (-degrees, degrees) if isinstance(degrees, numbers.Number) else tuple(degrees)  # type: ignore[operator]
        self.interpolation, self.expand, self.center, self.fill = interpolation, expand, center, fill

    def forward(self, img: Any) -> Any:
        """The turned picture."""
        return F.rotate(img, _uniform(*self.degrees), self.interpolation, self.expand, self.center, self.fill)


class RandomApply(Module):
    """Transforms together, with probability ``p``."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        """The image, or it after all of them."""
        return Compose(self.transforms)(img) if _uniform() < self.p else img


class RandomChoice:
    """One of several transforms."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """The image after one of them."""
        return self.transforms[_whole(len(self.transforms))](img)


Scale = Resize
RandomSizedCrop = RandomResizedCrop
__getattr__ = lacking(__name__)
