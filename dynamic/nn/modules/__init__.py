"""The modules of ``torch.nn``, a file a family."""

from dynamic.names import lacking
from dynamic.nn.modules.module import Module as Module


__getattr__ = lacking(__name__)
