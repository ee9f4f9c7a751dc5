"""Data, and other helpers beside the tensors themselves."""

from __future__ import annotations

from dynamic.names import lacking


__getattr__ = lacking(__name__, late=("checkpoint", "data", "dlpack", "hooks", "input_data", "tensorboard"))
