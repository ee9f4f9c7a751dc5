"""Datasets of images, from files that are there already."""

from __future__ import annotations

from dynamic.names import lacking
from dynamic.vision.datasets.fakedata import FakeData as FakeData
from dynamic.vision.datasets.folder import DatasetFolder as DatasetFolder, ImageFolder as ImageFolder
from dynamic.vision.datasets.mnist import KMNIST as KMNIST, MNIST as MNIST, FashionMNIST as FashionMNIST
from dynamic.vision.datasets.vision import VisionDataset as VisionDataset


__getattr__ = lacking(__name__)
