"""Define-by-run: PyTorch's names over the shared op layer. ``import dynamic as torch``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dynamic import autograd as autograd, linalg as linalg, nn as nn, optim as optim, special as special, tracing as tracing
from dynamic.amp import GradScaler as GradScaler, autocast as autocast
from dynamic.autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from dynamic.batching import vmap as vmap
from dynamic.branching import cond as cond, while_loop as while_loop
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
from dynamic.era import era as era, get_era as get_era
from dynamic.functions import FUNCTIONS as _FUNCTIONS, creation, drawing, windows
from dynamic.functions.calling import reachable as _reachable
from dynamic.methods import FUNCTIONS as _CHANGES, attach
from dynamic.names import lacking
from dynamic.nn import recurrent as _recurrent, shortcuts as _shortcuts, spatial as _spatial
from dynamic.random import Generator as Generator
from dynamic.serialization import load as load, save as save
from dynamic.settings import FUNCTIONS as _SETTINGS, NAMES as _NAMES
from dynamic.size import Size as Size
from dynamic.tensor import Tensor as Tensor
from dynamic.version import __version__ as __version__
from graphs.core.memory import keep_freed_memory


if TYPE_CHECKING:
    from dynamic.causes import first_nan as first_nan
    from dynamic.cuts import why_none as why_none
    from dynamic.lineage import explaining as explaining, provenance as provenance
    from dynamic.linting import lint as lint
    from dynamic.stepping import debug as debug
    from dynamic.watches import watch as watch


keep_freed_memory()

inf, nan, pi, e = float("inf"), float("nan"), 3.141592653589793, 2.718281828459045

attach(Tensor)
globals().update(_FUNCTIONS)
globals().update(_CHANGES)
for _module in (creation, drawing, windows, _recurrent, _spatial, _shortcuts):
    globals().update(_module.FUNCTIONS)
globals().update(_SETTINGS)
globals().update(_NAMES)
globals().update(DTYPES)
globals().update({alias: DTYPES[name] for alias, name in ALIASES.items() if alias not in ("char", "byte")})
trace = tracing.trace  # of a matrix, too
for _module in (sys.modules[__name__], linalg, special):
    _reachable(_module)
del _module


_LATE = (
    "accelerator",
    "backends",
    "compiler",
    "cuda",
    "distributed",
    "distributions",
    "func",
    "legacy",
    "mps",
    "multiprocessing",
    "return_types",
    "utils",
    "vision",
)

_LOOKING = {
    "debug": "stepping",
    "explaining": "lineage",
    "first_nan": "causes",
    "lint": "linting",
    "provenance": "lineage",
    "watch": "watches",
    "why_none": "cuts",
}
"""What looks into programs, and the modules that have it."""

__getattr__ = lacking(__name__, late=_LATE, inside=_LOOKING)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, *_LOOKING})
