"""Functions that join tensors, repeat and turn them around, and make grids of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried, apply, wrap
from dynamic.elsewhere import beside
from dynamic.functions.calling import named, on_host
from dynamic.functions.shapes import given_sizes
from dynamic.size import Size
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import OPS
from graphs.core.spec import broadcast


def repeat(input: Any, *sizes: Any) -> Any:
    """Copies side by side: ``sizes[i]`` times along dimension i; more sizes than dimensions put new ones in front."""
    reps = given_sizes(sizes)
    if len(reps) < input._array.ndim:
        raise ShapeError(f"repeat: {len(reps)} numbers for {input._array.ndim} dimensions")
    return apply(OPS["tile"], (input,), {"reps": reps})


def flip(input: Any, *dims: Any) -> Any:
    """With the order of the elements reversed along the given dimensions; a copy."""
    out = apply(OPS["flip"], (input,), {"axis": given_sizes(dims)})
    if tape.watched:  # who follows operations knows values by their arrays
        return out.clone()
    out._array, out._counter, out._source = out._array.copy(), None, None  # the op makes a view, PyTorch does not
    return out


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """With the elements shifted along the given dimensions, those pushed out put in at the other end."""
    return apply(OPS["roll"], (input,), {"shift": shifts, "axis": dims})


def _need_tensors(name: str, tensors: Any) -> None:
    if isinstance(tensors, Carried) or not all(isinstance(x, Carried) for x in tensors):
        raise TypeError(f"{name} takes a sequence of tensors")


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors joined along a dimension that they have."""
    _need_tensors("cat", tensors)
    kept = [x for x in tensors if x._array.shape != (0,)] or list(tensors)[:1]
    return apply(OPS["concat"], tuple(kept), {"axis": dim})


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape joined along a new dimension."""
    _need_tensors("stack", tensors)
    return apply(OPS["stack"], tuple(tensors), {"axis": dim})


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of a matrix, zero above."""
    return apply(OPS["tril"], (input,), {"offset": diagonal})


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of a matrix, zero below."""
    return apply(OPS["triu"], (input,), {"offset": diagonal})


def several(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """``f(a, b)`` and ``f([a, b])`` alike."""
    return tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors


def _at_least(rank: int, tensors: tuple[Any, ...]) -> Any:
    found = []
    for x in several(tensors):
        missing = rank - x._array.ndim
        if missing == 1 and rank == 3:
            x = x.unsqueeze(2)
        elif missing == 2 and rank == 3:
            x = x.unsqueeze(0).unsqueeze(2)
        elif missing > 0:
            x = x.reshape(*(1,) * missing, *x._array.shape)
        found.append(x)
    return found[0] if len(tensors) == 1 and isinstance(tensors[0], Carried) else tuple(found)


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension."""
    return _at_least(1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions, new ones in front."""
    return _at_least(2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions: a vector stands in the middle, a matrix in front."""
    return _at_least(3, tensors)


def hstack(tensors: Sequence[Any]) -> Any:
    """Tensors side by side: along the second dimension, vectors along their first."""
    _need_tensors("hstack", tensors)
    rows = _at_least(1, (list(tensors),))
    return cat(rows, 0 if not rows or rows[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """Tensors one above the other: along the first dimension, vectors as rows."""
    _need_tensors("vstack", tensors)
    return cat(_at_least(2, (list(tensors),)), 0)


def dstack(tensors: Sequence[Any]) -> Any:
    """Tensors one behind the other: along the third dimension."""
    _need_tensors("dstack", tensors)
    return cat(_at_least(3, (list(tensors),)), 2)


def column_stack(tensors: Sequence[Any]) -> Any:
    """Tensors side by side, vectors as columns."""
    _need_tensors("column_stack", tensors)
    return cat([x.reshape(-1, 1) if x._array.ndim < 2 else x for x in tensors], 1)


def block_diag(*tensors: Any) -> Any:
    """A matrix with the given ones along its diagonal, zeros elsewhere."""
    blocks = _at_least(2, (list(tensors),))
    if any(x._array.ndim != 2 for x in blocks):
        raise ShapeError(f"block_diag takes tensors of up to 2 dimensions{at_line()}")
    width = sum(x._array.shape[1] for x in blocks)
    rows, at = [], 0
    for x in blocks:
        columns = x._array.shape[1]
        rows.append(apply(OPS["pad"], (x,), {"paddings": ((0, 0), (at, width - at - columns))}))
        at += columns
    return cat(rows, 0)


def tile(input: Any, *dims: Any) -> Any:
    """Copies side by side; where there are fewer numbers than dimensions, ones are put in front."""
    reps = given_sizes(dims)
    reps = (1,) * (input._array.ndim - len(reps)) + reps
    return apply(OPS["tile"], (input,), {"reps": reps})


@on_host
def repeat_interleave(input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None) -> Any:
    """Each element repeated: as often as a number says, or as a vector says of each; flattened without ``dim``.

    A vector of repeats alone gives the index of each in turn.
    """
    if repeats is None:
        return wrap(numpy.repeat(numpy.arange(input._array.size), input._array))
    if dim is None:
        input, dim = input.reshape(-1), 0
    counts = repeats._array if isinstance(repeats, Carried) else numpy.asarray(repeats)
    if counts.size == 1:
        return apply(OPS["repeat"], (input,), {"repeats": int(counts.reshape(())), "axis": dim})
    if counts.ndim > 1 or counts.size != input._array.shape[dim]:
        raise ShapeError(f"repeat_interleave: {counts.size} numbers for {input._array.shape[dim]} positions{at_line()}")
    return apply(OPS["take"], (input, wrap(numpy.repeat(numpy.arange(counts.size), counts))), {"axis": dim})


def fliplr(input: Any) -> Any:
    """With the order reversed along the second dimension."""
    if input._array.ndim < 2:
        raise ShapeError(f"fliplr is for 2 dimensions and more{at_line()}")
    return flip(input, 1)


def flipud(input: Any) -> Any:
    """With the order reversed along the first dimension."""
    if not input._array.ndim:
        raise ShapeError(f"flipud is for 1 dimension and more{at_line()}")
    return flip(input, 0)


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """Turned ``k`` times by 90 degrees, from the first of two dimensions towards the second."""
    if len(dims) != 2 or input._array.ndim < 2 or (dims[0] - dims[1]) % input._array.ndim == 0:
        raise ShapeError(f"rot90 turns two different dimensions, not {tuple(dims)}{at_line()}")
    turns = k % 4
    if turns == 2:
        return flip(input, *dims)
    if turns == 1:
        return flip(input, dims[1]).transpose(*dims)
    return flip(input, dims[0]).transpose(*dims) if turns else input.clone()


# Grids


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Views of the tensors in the shape that they broadcast to."""
    given = several(tensors)
    shape = broadcast_shapes(*(x._array.shape for x in given))
    return tuple(x.expand(*shape) for x in given)


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes broadcast to."""
    shape: Any = broadcast(*((n,) if isinstance(n, int) else tuple(n) for n in shapes))
    return Size(shape)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Coordinates of a grid, each vector along a dimension of its own; with ``indexing="xy"`` the first two exchanged."""
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing is 'ij' or 'xy', not {indexing!r}{at_line()}")
    given = list(several(tensors))
    if not given or any(x._array.ndim > 1 for x in given):
        raise ShapeError(f"meshgrid takes vectors and scalars{at_line()}")
    turned = indexing == "xy" and len(given) > 1
    if turned:
        given[:2] = given[1::-1]
    shape = [x._array.size for x in given]
    grids = [x.reshape([-1 if i == axis else 1 for i in range(len(given))]).expand(*shape) for axis, x in enumerate(given)]
    if turned:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Any:
    """Every choice of one element of each vector, a row for each."""
    given = several(tensors)
    if any(x._array.ndim != 1 for x in given):
        raise ShapeError(f"cartesian_prod takes vectors{at_line()}")
    if len(given) == 1:
        return given[0]
    return stack([x.reshape(-1) for x in meshgrid(*given)], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Every choice of ``r`` elements of a vector, a row for each."""
    if input._array.ndim != 1:
        raise ShapeError(f"combinations are of a vector, not of shape {tuple(input._array.shape)}{at_line()}")
    if r < 0:
        raise ShapeError(f"combinations of {r} elements{at_line()}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input._array.size), r))
    places = numpy.array(rows, numpy.int64).reshape(len(rows), r)
    return apply(OPS["take"], (input, wrap(beside(places, input._array))), {"axis": 0})


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    """The powers of a vector's elements, a row for each, the highest first unless ``increasing``."""
    if x._array.ndim != 1:
        raise ShapeError(f"vander is for vectors, not for shape {tuple(x._array.shape)}{at_line()}")
    return powers(x, x._array.size if N is None else N, increasing)


def powers(x: Any, count: int, increasing: bool) -> Any:
    """Powers from 0 on of each element, along a new last dimension."""
    exponents = numpy.arange(count) if increasing else numpy.arange(count)[::-1]
    kind = x._array.dtype if x._array.dtype.kind == "f" else numpy.int64
    return apply(OPS["power"], (x.unsqueeze(-1), wrap(beside(exponents.astype(kind), x._array))))


METHODS = named(repeat, flip, roll, tril, triu, tile, repeat_interleave, fliplr, flipud, rot90)
"""Functions that are methods too."""

FUNCTIONS = {
    **{name: METHODS[name] for name in METHODS if name != "repeat"},
    **named(cat, stack, atleast_1d, atleast_2d, atleast_3d, hstack, vstack, dstack, column_stack, block_diag),
    **named(broadcast_tensors, broadcast_shapes, meshgrid, cartesian_prod, combinations, vander),
}
FUNCTIONS |= {"concat": FUNCTIONS["cat"], "concatenate": FUNCTIONS["cat"], "row_stack": FUNCTIONS["vstack"]}
"""Functions of the package."""

IN_PLACE = ("tril", "triu")
"""Functions that have a variant in place, named with an underscore."""
