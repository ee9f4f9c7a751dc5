"""Transforms of images."""

from __future__ import annotations

from dynamic.names import lacking
from dynamic.vision.transforms import functional as functional
from dynamic.vision.transforms.transforms import (
    CenterCrop as CenterCrop,
    Compose as Compose,
    Grayscale as Grayscale,
    InterpolationMode as InterpolationMode,
    Lambda as Lambda,
    Normalize as Normalize,
    Pad as Pad,
    PILToTensor as PILToTensor,
    RandomApply as RandomApply,
    RandomChoice as RandomChoice,
    RandomCrop as RandomCrop,
    RandomHorizontalFlip as RandomHorizontalFlip,
    RandomResizedCrop as RandomResizedCrop,
    RandomRotation as RandomRotation,
    RandomSizedCrop as RandomSizedCrop,
    RandomVerticalFlip as RandomVerticalFlip,
    Resize as Resize,
    Scale as Scale,
    ToPILImage as ToPILImage,
    ToTensor as ToTensor,
)


__getattr__ = lacking(__name__)
