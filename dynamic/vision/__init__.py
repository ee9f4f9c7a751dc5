"""What ``torchvision`` means beside ``dynamic``: datasets of local files, transforms of images, grids of them."""

from __future__ import annotations

from dynamic.names import lacking
from dynamic.vision import datasets as datasets, transforms as transforms, utils as utils


__version__ = "0.28.0+diptych"
__getattr__ = lacking(__name__)
