"""Neural networks: PyTorch's ``torch.nn``."""

from dynamic.names import lacking
from dynamic.nn import functional as functional, init as init, utils as utils


__getattr__ = lacking(__name__)
