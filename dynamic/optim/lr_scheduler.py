"""Schedules of learning rates: PyTorch's ``torch.optim.lr_scheduler``."""

from dynamic.names import lacking
from dynamic.optim.cycles import (
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
    CyclicLR as CyclicLR,
    OneCycleLR as OneCycleLR,
)
from dynamic.optim.plateau import (
    ChainedScheduler as ChainedScheduler,
    ReduceLROnPlateau as ReduceLROnPlateau,
    SequentialLR as SequentialLR,
)
from dynamic.optim.schedule import LRScheduler as LRScheduler
from dynamic.optim.schedules import (
    ConstantLR as ConstantLR,
    CosineAnnealingLR as CosineAnnealingLR,
    ExponentialLR as ExponentialLR,
    LambdaLR as LambdaLR,
    LinearLR as LinearLR,
    MultiplicativeLR as MultiplicativeLR,
    MultiStepLR as MultiStepLR,
    PolynomialLR as PolynomialLR,
    StepLR as StepLR,
)


_LRScheduler = LRScheduler

__getattr__ = lacking(__name__)
