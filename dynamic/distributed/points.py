"""Messages from one rank to another, as tensors: ``send``, ``recv`` and what begins them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.distributed.arrays import check_tensor, filled, flat
from dynamic.distributed.collectives import member, outside
from dynamic.distributed.groups import of
from dynamic.distributed.work import Work
from graphs.core.errors import at_line


def isend(tensor: Any, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> Work | None:
    """Begin to send a tensor to rank ``dst``. It can be changed at once: what is sent is a copy."""
    if outside(group, "isend"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    to = member(here, dst, group_dst, "dst")
    if to == here.rank():
        raise ValueError(f"a rank does not send to itself: dst is {here.ranks[to]}{at_line()}")
    return here.mail.send(flat(x, native=False), to, tag)


def irecv(tensor: Any, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> Work | None:
    """Begin to receive into a tensor, in place, from rank ``src`` or, for None, from any.

    After ``wait()``, ``source_rank()`` tells whom it came from. Receivers of one rank and tag are served in their order.
    Raises MismatchError on waiting, where what comes has another dtype or number of elements.
    """
    if outside(group, "irecv"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    source = None if src is None and group_src is None else member(here, src, group_src, "src")
    if source == here.rank():
        raise ValueError(f"a rank does not receive from itself: src is {here.ranks[source]}{at_line()}")
    values = flat(x, native=False)
    return here.mail.recv(values, source, tag, filled(x, values))


def send(tensor: Any, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> None:
    """Send a tensor to rank ``dst``; see ``isend``."""
    work = isend(tensor, dst, group, tag, group_dst)
    if work is not None:
        work.wait()


def recv(tensor: Any, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> int:
    """Receive into a tensor, in place: the rank that it came from (-1 outside of the group); see ``irecv``."""
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work.source_rank()


class P2POp:
    """A message that ``batch_isend_irecv`` is to begin: ``op`` is ``isend`` or ``irecv``."""

    def __init__(
        self,
        op: Callable[..., Any],
        tensor: Any,
        peer: int | None = None,
        group: Any = None,
        tag: int = 0,
        group_peer: int | None = None,
    ) -> None:
        if op not in (isend, irecv):
            raise ValueError(f"op is isend or irecv, not {op!r}{at_line()}")
        self.op, self.tensor, self.group, self.tag = op, tensor, group, tag
        self.peer, self.group_peer = peer, group_peer


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begin several messages: a Work each."""
    if not p2p_op_list or not all(isinstance(each, P2POp) for each in p2p_op_list):
        raise ValueError(f"p2p_op_list is a list of P2POp, not empty{at_line()}")
    works = []
    for each in p2p_op_list:
        side = "dst" if each.op is isend else "src"
        works.append(each.op(each.tensor, each.peer, each.group, each.tag, **{f"group_{side}": each.group_peer}))
    return [work for work in works if work is not None]
