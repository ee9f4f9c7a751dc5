"""Differentiation of everything that is recorded: PyTorch's ``torch.autograd``."""

from dynamic.autograd import function as function, functional as functional, grad_mode as grad_mode
from dynamic.autograd.anomaly import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from dynamic.autograd.engine import backward as backward, grad as grad
from dynamic.autograd.function import Function as Function
from dynamic.autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
    strict_updates as strict_updates,
)
from dynamic.autograd.gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from dynamic.names import lacking
from dynamic.tensor import Variable as Variable


__getattr__ = lacking(__name__, late=("graph",))
