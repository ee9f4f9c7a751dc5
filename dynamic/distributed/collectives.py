"""Operations that all ranks of a group do together, on tensors: PyTorch's names and arguments."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

from dynamic.distributed.announcing import Announcement
from dynamic.distributed.arrays import check_list, check_tensor, filled, flat, rows, same_dtype, then
from dynamic.distributed.errors import DistError
from dynamic.distributed.groups import GroupMember, ProcessGroup, of
from dynamic.distributed.reducing import ReduceOp, checked
from dynamic.distributed.work import Steps, Work, in_seconds
from graphs.core.errors import ShapeError, at_line


def all_reduce(tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Combine the tensor over all ranks, in place on each: in the order of the ranks, so with the same bits on all.

    Args:
        tensor: of the same shape and dtype on all ranks.
        op: one of ``ReduceOp``.
        group: the ranks, by default all.
        async_op: return a Work at once; the tensor has its new values after ``wait()``.

    Raises MismatchError naming both sides where ranks call different operations; LateError naming the ranks that did not
    come within the group's timeout; LostError where one has ended.
    """
    if outside(group, "all_reduce"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    how = checked(op, x._array.dtype)
    moves, native = carrier(here, x)
    values = flat(x, native)
    steps = then(moves.all_reduce(values, how), filled(x, values))
    return here.begin(_about("all_reduce", x, reduction=how), steps, [x], async_op)


def reduce(
    tensor: Any,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Combine the tensor over all ranks, in place on rank ``dst`` alone."""
    if outside(group, "reduce"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    root, how = member(here, dst, group_dst, "dst"), checked(op, x._array.dtype)
    moves, native = carrier(here, x)
    values = flat(x, native)
    end = (filled(x, values),) if here.rank() == root else ()
    steps = then(moves.reduce(values, how, root), *end)
    return here.begin(_about("reduce", x, root, how), steps, [x], async_op)


def broadcast(
    tensor: Any, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Put the tensor of rank ``src`` in the place of everybody's."""
    if outside(group, "broadcast"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    root = member(here, src, group_src, "src")
    moves, native = carrier(here, x)
    values = flat(x, native)
    end = () if here.rank() == root else (filled(x, values),)
    return here.begin(_about("broadcast", x, root), then(moves.broadcast(values, root), *end), [x], async_op)


def all_gather(tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False) -> Work | None:
    """Put the tensors of all ranks in ``tensor_list``, in order of the ranks."""
    if outside(group, "all_gather"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    outs = check_list(tensor_list, "tensor_list", here.size(), x)
    moves, native = carrier(here, x)
    into, ends = rows(outs, native)
    steps = then(moves.all_gather(into, flat(x, native)), *ends)
    return here.begin(_about("all_gather", x), steps, outs, async_op)


def all_gather_into_tensor(output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False) -> Work | None:
    """Put the tensors of all ranks in one, one after the other along its first dimension, or stacked in a new one."""
    if outside(group, "all_gather_into_tensor"):
        return None
    here, x, out = of(group), check_tensor(input_tensor, "input_tensor"), check_tensor(output_tensor, "output_tensor")
    same_dtype(out, x, "output_tensor")
    _times(out, x, here.size(), "output_tensor", "input_tensor")
    moves, native = carrier(here, x)
    values = flat(out, native)
    steps = moves.all_gather(values.reshape(here.size(), -1), flat(x, native))
    return here.begin(_about("all_gather", x), then(steps, filled(out, values)), [out], async_op)


def gather(
    tensor: Any,
    gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Put the tensors of all ranks in the ``gather_list`` of rank ``dst`` (0 by default)."""
    if outside(group, "gather"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    root = member(here, dst, group_dst, "dst", default=0)
    outs = _only_on(root, here, gather_list, "gather_list", "destination", x)
    moves, native = carrier(here, x)
    into, ends = rows(outs, native)
    steps = then(moves.gather(into, flat(x, native), root), *ends)
    return here.begin(_about("gather", x, root), steps, outs, async_op)


def scatter(
    tensor: Any,
    scatter_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Put the tensors in the ``scatter_list`` of rank ``src`` (0 by default) in the place of the ranks' ``tensor``."""
    if outside(group, "scatter"):
        return None
    here, x = of(group), check_tensor(tensor, "tensor")
    root = member(here, src, group_src, "src", default=0)
    given = _only_on(root, here, scatter_list, "scatter_list", "source", x)
    moves, native = carrier(here, x)
    values = flat(x, native)
    steps = then(moves.scatter(values, [flat(each, native) for each in given], root), filled(x, values))
    return here.begin(_about("scatter", x, root), steps, [x], async_op)


def reduce_scatter(
    output: Any, input_list: list[Any], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Combine the tensors of ``input_list`` over all ranks; rank r has the r-th of these in ``output``."""
    if outside(group, "reduce_scatter"):
        return None
    here, out = of(group), check_tensor(output, "output")
    given = check_list(input_list, "input_list", here.size(), out)
    how = checked(op, out._array.dtype)
    moves, native = carrier(here, out)
    values = flat(out, native)
    steps = moves.reduce_scatter(values, [flat(each, native) for each in given], how)
    return here.begin(_about("reduce_scatter", out, reduction=how), then(steps, filled(out, values)), [out], async_op)


def reduce_scatter_tensor(
    output: Any, input: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Combine ``input`` over all ranks; rank r has the r-th part of it in ``output``."""
    if outside(group, "reduce_scatter_tensor"):
        return None
    here, out, x = of(group), check_tensor(output, "output"), check_tensor(input, "input")
    same_dtype(out, x, "output")
    _times(x, out, here.size(), "input", "output")
    how = checked(op, x._array.dtype)
    moves, native = carrier(here, x)
    values = flat(out, native)
    steps = moves.reduce_scatter(values, flat(x, native).reshape(here.size(), -1), how)
    return here.begin(_about("reduce_scatter", out, reduction=how), then(steps, filled(out, values)), [out], async_op)


def all_to_all(
    output_tensor_list: list[Any], input_tensor_list: list[Any], group: Any = None, async_op: bool = False
) -> Work | None:
    """Put the r-th tensor of rank i's input in the i-th place of rank r's output. Their sizes may differ."""
    if outside(group, "all_to_all"):
        return None
    here = of(group)
    like = check_tensor(input_tensor_list[0] if input_tensor_list else None, "input_tensor_list")
    given = check_list(input_tensor_list, "input_tensor_list", here.size(), like, shaped=False)
    outs = check_list(output_tensor_list, "output_tensor_list", here.size(), like, shaped=False)
    moves, native = carrier(here, like)
    into, ends = rows(outs, native)
    steps = moves.all_to_all(into, [flat(each, native) for each in given])
    return here.begin(_about("all_to_all", like, shaped=False), then(steps, *ends), outs, async_op)


def all_to_all_single(
    output: Any,
    input: Any,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Cut ``input`` along its first dimension, send a part to each rank, and put what comes in ``output``, in order.

    Without sizes the parts are equal. Raises ShapeError where sizes do not add up to the first dimension.
    """
    if outside(group, "all_to_all_single"):
        return None
    here, out, x = of(group), check_tensor(output, "output"), check_tensor(input, "input")
    same_dtype(out, x, "output")
    moves, native = carrier(here, x)
    values = flat(out, native)
    into = _cut(out, values, output_split_sizes, here.size(), "output")
    given = _cut(x, flat(x, native), input_split_sizes, here.size(), "input")
    steps = then(moves.all_to_all(into, given), filled(out, values))
    return here.begin(_about("all_to_all_single", x, shaped=False), steps, [out], async_op)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None) -> Work | None:
    """Wait until all ranks are here."""
    if outside(group, "barrier"):
        return None
    seconds = None if timeout is None else in_seconds(timeout)
    return of(group).begin(Announcement("barrier"), nothing(), None, async_op, seconds)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Wait until all ranks are here, for at most ``timeout``: LateError names all that did not come."""
    if not outside(group, "monitored_barrier"):
        seconds = None if timeout is None else in_seconds(timeout)
        of(group).begin(Announcement("monitored_barrier"), nothing(), None, False, seconds)


def nothing() -> Steps:
    """No steps: that all ranks have met is all."""
    yield from ()


def carrier(here: ProcessGroup, tensor: Any) -> tuple[Any, bool]:
    """What carries a tensor between the ranks, and whether it takes the device's arrays. Raises DistError for none."""
    device = tensor.device.type
    if device == "cpu":
        if here.backend == "nccl":
            raise DistError(f"no backend of the group takes tensors of the processor's memory: it is nccl alone{at_line()}")
        return here.moves, True
    if here.nccl is not None:
        return here.nccl, True
    return here.moves, False


def outside(group: Any, name: str) -> bool:
    """Whether this rank is not in a group: it is warned, and does nothing, as in PyTorch."""
    if group != GroupMember.NON_GROUP_MEMBER:
        return False
    warnings.warn(f"Running {name} on global rank which does not belong to the given group.", stacklevel=3)
    return True


def member(here: ProcessGroup, everywhere: int | None, within: int | None, name: str, default: int | None = None) -> int:
    """A rank in the group, from its number among all ranks (for none, ``default``) or in the group.

    Raises ValueError for both numbers, or none.
    """
    if everywhere is None and within is None:
        everywhere = default
    if (everywhere is None) == (within is None):
        raise ValueError(f"give one of {name} and group_{name}{at_line()}")
    if within is not None:
        if not 0 <= within < here.size():
            raise ValueError(f"group_{name} is {within}, and the group has {here.size()} ranks{at_line()}")
        return within
    if everywhere not in here.ranks:
        raise ValueError(f"Global rank {everywhere} is not part of group {here}{at_line()}")
    return here.ranks.index(everywhere)


def _about(kind: str, tensor: Any, root: int = -1, reduction: str = "", shaped: bool = True) -> Announcement:
    array = tensor._array
    return Announcement(kind, array.dtype, tuple(array.shape) if shaped else None, root, reduction)


def _only_on(root: int, here: ProcessGroup, given: Any, name: str, role: str, like: Any) -> list[Any]:
    """The list that rank ``root`` alone gives. Raises ValueError where another gives it, or ``root`` does not."""
    if here.rank() == root:
        if not given:
            raise ValueError(f"Argument ``{name}`` must be specified on {role} rank.{at_line()}")
        return check_list(given, name, here.size(), like)
    if given:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on non-{role} ranks.{at_line()}")
    return []


def _times(large: Any, small: Any, size: int, name: str, other: str) -> None:
    if large._array.size != small._array.size * size:
        shapes = f"{name} has shape {tuple(large._array.shape)}, {other} {tuple(small._array.shape)}"
        raise ShapeError(f"{shapes}: it is to have {size} times as many elements{at_line()}")


def _cut(tensor: Any, values: Any, sizes: Any, count: int, name: str) -> list[Any]:
    length = tensor._array.shape[0] if tensor._array.ndim else 1
    if not sizes:
        if length % count:
            raise ShapeError(f"Tensor's dim 0 does not divide equally across group size: {length} by {count}{at_line()}")
        sizes = [length // count] * count
    if len(sizes) != count or sum(sizes) != length:
        raise ShapeError(f"{name}_split_sizes {list(sizes)} do not cut {length} rows into {count} parts{at_line()}")
    row = values.size // length if length else 0
    ends = itertools.accumulate((each * row for each in sizes), initial=0)
    return [values[start:end] for start, end in itertools.pairwise(ends)]
