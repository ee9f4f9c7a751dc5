"""What reductions gave in PyTorch 0.1 to 0.3: a Python number of a whole tensor, and in 0.1 the reduced dimension as well.

Of a Variable the result is a Variable of size 1. Only calls by a program are meant, not those of other functions here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from dynamic.tensor import Tensor
from graphs.core.errors import own


_ALONG = {
    **dict.fromkeys(["sum", "mean", "prod", "std", "var", "max", "min", "median", "mode"], 1),
    **dict.fromkeys(["norm", "kthvalue"], 2),
}
"""Reductions along a dimension, and where among their arguments it stands."""
_WHOLE = (*_ALONG, "dot", "dist", "trace", "all", "any")
_keeping = False
_now: dict[str, tuple[Any, Any]] = {}


def switch(on: bool, keeping: bool, is_variable: Callable[[Any], bool]) -> None:
    """Have the old forms or today's; with ``keeping``, reduced dimensions stay unless ``keepdim`` is given."""
    global _keeping
    _keeping = keeping
    package: Any = sys.modules["dynamic"]
    if on and not _now:
        for name in _WHOLE:
            method, function = getattr(Tensor, name), getattr(package, name)
            _now[name] = vars(Tensor).get(name), function
            setattr(Tensor, name, _old(name, method, is_variable))
            setattr(package, name, _old(name, function, is_variable))
    elif not on:
        while _now:
            name, (method, function) = _now.popitem()
            setattr(package, name, function)
            if method is None:
                delattr(Tensor, name)
            else:
                setattr(Tensor, name, method)


def _old(name: str, function: Callable[..., Any], is_variable: Callable[[Any], bool]) -> Callable[..., Any]:
    place = _ALONG.get(name)

    @wraps(function)
    def reduced(*args: Any, **settings: Any) -> Any:
        if own(sys._getframe(1).f_code.co_filename):
            return function(*args, **settings)
        if _keeping and place is not None and len(args) <= place + 1 and "keepdim" not in settings:
            dim = settings.get("dim", args[place] if len(args) > place else None)
            if isinstance(dim, int):
                settings["keepdim"] = True
        found = function(*args, **settings)
        if isinstance(found, Tensor) and not found._array.ndim and not is_variable(found):
            return found.item()
        return found

    return reduced
