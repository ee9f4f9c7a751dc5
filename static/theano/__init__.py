"""Theano's way over the same graph: ``import static.theano as theano; import static.theano.tensor as T``.

Variables are tensors of the default graph, shared variables are variables of one session behind it, and a function is a
plan of that session.
"""

from typing import Any

from static.theano import (
    gof as gof,
    gradient as gradient,
    ifelse as ifelse,
    printing as printing,
    sandbox as sandbox,
    scan_module as scan_module,
    tensor as tensor,
)
from static.theano.errors import (
    DisconnectedInputError as DisconnectedInputError,
    MissingInputError as MissingInputError,
    UnusedInputError as UnusedInputError,
)
from static.theano.functions import (
    Function as Function,
    In as In,
    Out as Out,
    Param as Param,
    function as function,
)
from static.theano.gradient import Lop as Lop, Rop as Rop, grad as grad
from static.theano.printing import pp as pp
from static.theano.scan_module import (
    foldl as foldl,
    foldr as foldr,
    map as map,
    reduce as reduce,
    scan as scan,
)
from static.theano.settings import config as config
from static.theano.sharing import shared as shared
from static.theano.substitution import clone as clone


__version__ = "1.0.5"


def dot(a: Any, b: Any) -> Any:
    """``theano.tensor.dot``."""
    return tensor.dot(a, b)
