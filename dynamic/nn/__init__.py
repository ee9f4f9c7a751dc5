"""Neural networks: PyTorch's ``torch.nn``."""

from dynamic.nn import functional as functional
