"""Optimisers: PyTorch's ``torch.optim``."""

from dynamic.optim.optimizer import Optimizer as Optimizer
from dynamic.optim.rules import SGD as SGD, Adagrad as Adagrad, Adam as Adam, RMSprop as RMSprop
