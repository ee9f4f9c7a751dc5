"""Tensors whose operations are not recorded, nor those of whatever comes of them: ``volatile`` of PyTorch 0.1 to 0.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamic import apply as applying
from dynamic.apply import Carried
from dynamic.autograd.grad_mode import no_grad
from graphs.core.op import Op


begun = False
"""Whether there was ever a volatile tensor: until then nobody pays for looking out for them."""


def begin() -> None:
    """Look out for volatile tensors from now on."""
    global begun
    begun = True
    if applying.around is None:
        applying.around = spreading


def spreading(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """Call an op, without recording it where an argument is volatile; the results then are volatile too."""
    if not any(isinstance(arg, Carried) and arg._volatile for arg in args):  # type: ignore[attr-defined]
        return applying.apply(op, args, params, plainly=True)
    with no_grad():
        out = applying.apply(op, args, params, plainly=True)
    for tensor in out if isinstance(out, tuple) else (out,):
        tensor._volatile = True
    return out
