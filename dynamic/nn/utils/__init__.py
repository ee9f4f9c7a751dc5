"""What goes with modules and their parameters: PyTorch's ``torch.nn.utils``."""

from dynamic.names import lacking


__getattr__ = lacking(__name__)
