"""Tensors as flat arrays that travel, and the way back into the tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from dynamic.apply import Carried
from dynamic.distributed.work import Steps
from dynamic.elsewhere import beside, current, to_numpy
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line


Finish = Callable[[], None]


def flat(tensor: Any, native: bool) -> Any:
    """The elements in order, as an array of one dimension: the tensor's own memory where that has no gaps.

    ``native`` says that what carries them takes the device's arrays; else they are copied to the processor's memory.
    """
    array = tensor._array
    return (array if native else to_numpy(array)).reshape(-1)


def filled(tensor: Any, values: Any) -> Finish:
    """What puts ``values`` into the tensor, in place, where they are not its own memory."""

    def finish() -> None:
        array = tensor._array
        if not (isinstance(values, type(array)) and _address(values) == _address(array) and array.flags.c_contiguous):
            with current(array):
                array[...] = beside(values, array).reshape(array.shape)
                if not isinstance(array, ndarray):
                    # The caller's stream may be another than this thread's.
                    xp_of((array,)).cuda.get_current_stream().synchronize()
        tensor._touch()

    return finish


def rows(tensors: Sequence[Any], native: bool) -> tuple[list[Any], list[Finish]]:
    """Tensors as flat arrays, and what puts those into them."""
    arrays = [flat(each, native) for each in tensors]
    return arrays, [filled(each, array) for each, array in zip(tensors, arrays, strict=True)]


def _address(array: Any) -> int:
    return int(array.ctypes.data if isinstance(array, ndarray) else array.data.ptr)


def then(steps: Steps, *finish: Finish) -> Steps:
    """An operation, and what is left to do after it."""
    yield from steps
    for each in finish:
        each()


def check_tensor(tensor: Any, name: str) -> Any:
    """The tensor. Raises TypeError for anything else."""
    if not isinstance(tensor, Carried):
        raise TypeError(f"{name} is to be a tensor, not a {type(tensor).__name__}{at_line()}")
    return tensor


def check_list(tensors: Any, name: str, count: int, like: Any, shaped: bool = True) -> list[Any]:
    """The tensors of a list: one a rank, all of the dtype of ``like`` and, if ``shaped``, of its number of elements.

    Raises TypeError, ValueError or ShapeError naming the list.
    """
    if not isinstance(tensors, Sequence) or not all(isinstance(each, Carried) for each in tensors):
        raise TypeError(f"{name} is to be a list of tensors{at_line()}")
    if len(tensors) != count:
        raise ValueError(f"{name} has {len(tensors)} tensors, and the group {count} ranks{at_line()}")
    for each in tensors:
        same_dtype(each, like, name)
        if shaped and each._array.size != like._array.size:
            shapes = f"{tuple(each._array.shape)} in place of {tuple(like._array.shape)}"
            raise ShapeError(f"{name} has a tensor of shape {shapes}{at_line()}")
    return list(tensors)


def same_dtype(one: Any, other: Any, name: str) -> None:
    """Raise DtypeError where two tensors differ in dtype."""
    if one._array.dtype != other._array.dtype:
        kinds = f"{one._array.dtype.name} and {other._array.dtype.name}"
        raise DtypeError(f"{name}: tensors of different dtypes, {kinds}{at_line()}")
