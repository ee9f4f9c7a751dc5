"""Neural networks: PyTorch's ``torch.nn``."""

from dynamic.names import lacking
from dynamic.nn import functional as functional, init as init, modules as modules, utils as utils
from dynamic.nn.parallel import DataParallel as DataParallel
from dynamic.nn.parameter import Buffer as Buffer, Parameter as Parameter
from dynamic.nn.uninitialized import (
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)


globals().update({name: each for name, each in vars(modules).items() if isinstance(each, type)})

__getattr__ = lacking(__name__)
