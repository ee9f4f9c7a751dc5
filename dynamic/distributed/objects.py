"""Python objects between ranks: what ``save`` can write (numbers, text, containers, tensors), nothing else. No pickle."""

from __future__ import annotations

import io
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.distributed.announcing import Announcement
from dynamic.distributed.collectives import member, outside
from dynamic.distributed.groups import ProcessGroup, of
from dynamic.distributed.points import recv, send
from dynamic.distributed.work import Steps
from dynamic.serialization import load, save
from graphs.core.errors import at_line


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Put the objects of all ranks in ``object_list``, in order. Raises SaveError for what ``save`` cannot write."""
    if outside(group, "all_gather_object"):
        return
    here = of(group)
    if len(object_list) != here.size():
        raise ValueError(f"object_list has {len(object_list)} places, and the group {here.size()} ranks{at_line()}")
    found: list[Any] = []
    here.begin(Announcement("all_gather_object"), _everybody(here, _written(obj), found), None, False)
    object_list[:] = [_read(each) for each in found]


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None, group_dst: Any = None
) -> None:
    """Put the objects of all ranks in the ``object_gather_list`` of rank ``dst`` (0 by default)."""
    if outside(group, "gather_object"):
        return
    here = of(group)
    root = member(here, dst, group_dst, "dst", default=0)
    if (here.rank() == root) != bool(object_gather_list):
        raise ValueError(f"object_gather_list is given on the destination, rank {here.ranks[root]}, alone{at_line()}")
    found: list[Any] = []
    here.begin(Announcement("gather_object", root=root), _everybody(here, _written(obj), found, root), None, False)
    if object_gather_list:
        object_gather_list[:] = [_read(each) for each in found]


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """Put the objects in the ``object_list`` of rank ``src`` (0 by default) in the place of everybody's."""
    if outside(group, "broadcast_object_list"):
        return
    here = of(group)
    root = member(here, src, group_src, "src", default=0)
    given = _written(list(object_list)) if here.rank() == root else None
    about = Announcement("broadcast_object_list", root=root, extra=len(object_list))
    found: list[Any] = []
    here.begin(about, _from_one(here, given, root, found), None, False)
    if given is None:
        object_list[:] = _read(found[0])


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Put the r-th object in the input list of rank ``src`` in the first place of rank r's output list."""
    if outside(group, "scatter_object_list"):
        return
    here = of(group)
    root = member(here, src, group_src, "src", default=0)
    if not scatter_object_output_list:
        raise ValueError(f"scatter_object_output_list has a place for an object{at_line()}")
    given = None
    if here.rank() == root:
        if scatter_object_input_list is None or len(scatter_object_input_list) != here.size():
            raise ValueError(f"scatter_object_input_list has {here.size()} objects, one a rank{at_line()}")
        given = _written(list(scatter_object_input_list))
    found: list[Any] = []
    here.begin(Announcement("scatter_object_list", root=root), _from_one(here, given, root, found), None, False)
    scatter_object_output_list[0] = _read(found[0])[here.rank()]


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: Any = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Send objects to rank ``dst``."""
    if not outside(group, "send_object_list"):
        data = _written(list(object_list))
        send(wrap(numpy.array([data.size])), dst, group, group_dst=group_dst)
        send(wrap(data), dst, group, group_dst=group_dst)


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """Receive as many objects as ``object_list`` has places, from rank ``src`` or any: the rank that they came from."""
    if outside(group, "recv_object_list"):
        return -1
    size = wrap(numpy.zeros(1, numpy.int64))
    source = recv(size, src, group, group_src=group_src)
    data = wrap(numpy.empty(int(size.item()), numpy.uint8))
    recv(data, source, group)
    objects = _read(data._array)
    if len(objects) != len(object_list):
        raise ValueError(f"rank {source} has sent {len(objects)} objects for {len(object_list)} places{at_line()}")
    object_list[:] = objects
    return source


def _everybody(here: ProcessGroup, data: Any, found: list[Any], root: int | None = None) -> Steps:
    """The bytes of all ranks, of whatever lengths, on all of them or on ``root`` alone."""
    sizes = numpy.zeros((here.size(), 1), numpy.int64)
    yield from here.moves.all_gather(sizes, numpy.array([data.size]))
    mine = numpy.zeros(int(sizes.max()), numpy.uint8)
    mine[: data.size] = data
    here_too = root in (None, here.rank())
    rows = numpy.empty((here.size() if here_too else 0, mine.size), numpy.uint8)
    yield from here.moves.all_gather(rows, mine) if root is None else here.moves.gather(rows, mine, root)
    if here_too:
        found += [row[:size] for row, (size,) in zip(rows, sizes.tolist(), strict=True)]


def _from_one(here: ProcessGroup, data: Any, root: int, found: list[Any]) -> Steps:
    """The bytes of rank ``root``."""
    size = numpy.array([0 if data is None else data.size])
    yield from here.moves.broadcast(size, root)
    taken = numpy.empty(int(size[0]), numpy.uint8) if data is None else data
    yield from here.moves.broadcast(taken, root)
    found.append(taken)


def _written(value: Any) -> Any:
    file = io.BytesIO()
    save([value], file)
    return numpy.frombuffer(file.getvalue(), numpy.uint8)


def _read(data: Any) -> Any:
    return load(io.BytesIO(data.tobytes()), weights_only=True)[0]
