"""Differentiation of everything that is recorded: PyTorch's ``torch.autograd``."""

from dynamic.autograd.engine import backward as backward, grad as grad
from dynamic.autograd.function import Function as Function
from dynamic.autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
    strict_updates as strict_updates,
)
from dynamic.tensor import Variable as Variable
