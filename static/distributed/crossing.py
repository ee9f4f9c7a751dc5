"""The ops that stand where a value leaves one part for another. Only a partition makes them."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import GraphsError
from graphs.core.spec import Spec
from static.state import _session_op


@_session_op("send", lambda *_, **__: (), lambda *_, **__: (), "stateful")
def send_op(xp: Any, *values: Any, edge: int, place: int, flag: bool = False, control: bool = False) -> Any:
    """Lets the part at ``place`` have a value: nothing here waits for it."""
    raise GraphsError("a send is run by a part of a session on a cluster")


@_session_op("receive", lambda *, spec, **_: spec.dims, lambda *, spec, **_: spec.dtype, "stateful", "source")
def receive_op(xp: Any, *, spec: Spec, edge: int, place: int, control: bool = False) -> Any:
    """The value that the part at ``place`` sends."""
    raise GraphsError("a receive is run by a part of a session on a cluster")


__all__ = ["receive_op", "send_op"]
