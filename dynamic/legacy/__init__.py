"""Lua Torch's way of building nets, as PyTorch had it until 0.4: PyTorch's old ``torch.legacy``."""

from dynamic.names import lacking


__getattr__ = lacking(__name__, late=("nn", "optim"))
