"""Optimisers: PyTorch's ``torch.optim``."""

from dynamic.names import lacking
from dynamic.optim import lr_scheduler as lr_scheduler
from dynamic.optim.adafactor import Adafactor as Adafactor
from dynamic.optim.adaptive import Adadelta as Adadelta, Adagrad as Adagrad, RMSprop as RMSprop
from dynamic.optim.descent import ASGD as ASGD, SGD as SGD, Rprop as Rprop
from dynamic.optim.lbfgs import LBFGS as LBFGS
from dynamic.optim.moments import Adam as Adam, Adamax as Adamax, AdamW as AdamW, NAdam as NAdam, RAdam as RAdam
from dynamic.optim.optimizer import Optimizer as Optimizer
from dynamic.optim.ruled import FromRule as FromRule


__getattr__ = lacking(__name__, late=("swa_utils",))
