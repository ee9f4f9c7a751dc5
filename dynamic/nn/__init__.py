"""Neural networks: PyTorch's ``torch.nn``."""

from dynamic.names import lacking
from dynamic.nn import functional as functional, init as init, utils as utils
from dynamic.nn.modules import Module as Module
from dynamic.nn.parameter import Buffer as Buffer, Parameter as Parameter


__getattr__ = lacking(__name__)
