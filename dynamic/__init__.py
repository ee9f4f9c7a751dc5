"""Define-by-run: PyTorch's names over the shared op layer. ``import dynamic as torch``."""

from __future__ import annotations

from typing import Any

from dynamic import autograd as autograd, nn as nn, optim as optim
from dynamic.autograd.grad_mode import (
    enable_grad as enable_grad,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from dynamic.dtypes import (
    ALIASES,
    DTYPES,
    BoolTensor as BoolTensor,
    ByteTensor as ByteTensor,
    CharTensor as CharTensor,
    DoubleTensor as DoubleTensor,
    FloatTensor as FloatTensor,
    HalfTensor as HalfTensor,
    IntTensor as IntTensor,
    LongTensor as LongTensor,
    ShortTensor as ShortTensor,
    dtype as dtype,
)
from dynamic.functions import creation, pointwise, products, reductions, shapes
from dynamic.functions.creation import Generator as Generator
from dynamic.methods import attach
from dynamic.names import lacking
from dynamic.nn import recurrent as _recurrent
from dynamic.tensor import Size as Size, Tensor as Tensor
from graphs.core.memory import keep_freed_memory


__version__ = "2.13.0+diptych"

keep_freed_memory()

inf, nan, pi, e = float("inf"), float("nan"), 3.141592653589793, 2.718281828459045

attach(Tensor)
for _module in (pointwise, reductions, shapes, products, creation, _recurrent):
    globals().update(_module.FUNCTIONS)
globals().update(DTYPES)
globals().update({alias: DTYPES[name] for alias, name in ALIASES.items() if alias not in ("char", "byte")})
where = pointwise.where
del _module


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor."""
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


__getattr__ = lacking(__name__, late=("distributions", "multiprocessing", "utils"))
