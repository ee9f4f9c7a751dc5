"""Forms of a call: its arguments as scalars, empty, of size one, broadcast, transposed, with gaps, backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from graphs.core.errors import GraphsError
from graphs.core.op import OPS
from tests.helpers import arrays, inferred, load_samples, replaced
from tests.samples.table import Case


Form = tuple[str, Case]
"""A call and the word for what is special about it."""

SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "scalar": ((), ()),
    "one": ((1,), (1,)),
    "ones": ((1, 1, 1), (1,)),
    "vector": ((5,), (5,)),
    "empty": ((0,), (0,)),
    "no rows": ((0, 3), (0, 3)),
    "no columns, broadcast": ((2, 3, 0), (3, 1)),
    "column by row": ((3, 1), (1, 4)),
    "cube by row": ((2, 3, 4), (4,)),
    "scalar first": ((), (2, 3)),
    "scalar last": ((2, 3), ()),
}
"""Shapes for element-wise ops: of the first array, and of the others."""


def _transposed(x: Any) -> Any:
    return numpy.array(x.T, order="C").T


def _gaps(x: Any) -> Any:
    wide = numpy.zeros((*x.shape, 2), x.dtype)
    wide[..., 0] = x
    return wide[..., 0]


def _backwards(x: Any) -> Any:
    return numpy.asarray(numpy.flip(numpy.asarray(numpy.flip(x)).copy()))


def _inside(x: Any) -> Any:
    around = numpy.zeros([n + 2 for n in x.shape], x.dtype)
    inner = tuple(slice(1, -1) for _ in x.shape)
    around[inner] = x
    return numpy.asarray(around[inner])


def _repeated(x: Any) -> Any:
    return numpy.lib.stride_tricks.as_strided(x, x.shape, (0, *x.strides[1:]))


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "transposed": _transposed,
    "strided": _gaps,
    "negative strides": _backwards,
    "inside another": _inside,
}
"""The same array laid out otherwise."""

WITHOUT_ARRAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "arange": tuple(
        dict(zip(("start", "stop", "step"), limits, strict=True), dtype=dtype)
        for limits in ((0, 5, 1), (2, 3, 1), (0, 0, 1), (5, -5, -3), (-4, 9, 5), (3, 4, 9))
        for dtype in ("int64", "float32")
    ),
    "linspace": tuple(
        {"start": start, "stop": 2.0, "num": num, "dtype": dtype}
        for num, start in ((0, 0.0), (1, 0.0), (2, -1.0), (7, 2.0), (50, 1e-3))
        for dtype in ("float64", "float32")
    ),
    "eye": tuple(
        {"rows": rows, "columns": columns, "offset": offset, "dtype": "float64"}
        for rows, columns in ((0, 0), (0, 3), (3, 0), (1, 1), (3, 4))
        for offset in (0, -1, 2)
    ),
    "permutation": tuple({"n": n, "key": (7, 3, n)} for n in (0, 1, 2, 3, 4, 5, 8, 9, 64, 65, 1000)),
    "sample_classes": tuple(
        {"count": count, "classes": classes, "key": (7, 3, 1), **more}
        for count, classes in ((1, 1), (1, 9), (3, 9), (9, 9), (2, 1000))
        for more in ({}, {"distribution": "log_uniform"})
    ),
    **{
        name: tuple(
            {"shape": shape, "dtype": dtype, **({"value": 3} if name == "full" else {"key": (7, 3, 1)})}
            for shape in ((), (1,), (0,), (0, 3), (5,), (3, 4), (2, 3, 4))
            for dtype in ("float64", "float32")
        )
        for name in ("full", "random_normal", "random_uniform", "truncated_normal")
    },
    "random_orthogonal": tuple(
        {"shape": shape, "dtype": dtype, "key": (7, 3, 1)}
        for shape in ((1, 1), (3, 3), (2, 5), (5, 2), (2, 3, 4))
        for dtype in ("float64", "float32")
    ),
}
"""Calls of ops that take no arrays."""


FIXED = {
    *("loop", "branch", "fused"),
    *("reshape_to", "tile_to_adjoint", "pad_to", "pad_to_adjoint", "pad_adjoint", "put_at_like", "index_adjoint"),
}
"""Ops whose sizes belong together: of bodies, which are made for one shape, and where attributes and numbers tell sizes."""


def forms(name: str) -> list[Form]:
    """Every form of the op's samples, each once, words by turns: a few from the front are of many kinds."""
    found: dict[str, list[Case]] = {}
    for word, case in _forms(name):
        found.setdefault(word, []).append(case)
    depth = max(map(len, found.values()), default=0)
    return [(word, cases[i]) for i in range(depth) for word, cases in found.items() if i < len(cases)]


def _forms(name: str) -> Iterator[Form]:
    for params in WITHOUT_ARRAYS.get(name, ()):
        yield "attributes", Case((), params)
    seen = set()
    for case in load_samples()[name].cases:
        if not arrays(case):
            continue
        made = _broadcast(case) if OPS[name].elementwise else () if name in FIXED else _resized(name, case)
        yield "as listed", case
        for word, form in made:
            key = (str(form), *[(x.dtype, x.tobytes()) for x in form.args if isinstance(x, numpy.ndarray)])
            if key not in seen:
                seen.add(key)
                yield word, form
        if OPS[name].elementwise:
            case = _square(case)
        for word, lay in LAYOUTS.items():
            if any(case.args[i].ndim > (word == "transposed") and case.args[i].size > 1 for i in arrays(case)):
                yield word, replaced(case, {i: lay(case.args[i]) for i in arrays(case)})


def _broadcast(case: Case) -> Iterator[Form]:
    """The elements of an element-wise op's arguments in other shapes."""
    positions = arrays(case)
    for word, (first, rest) in SHAPES.items():
        yield word, replaced(case, {i: numpy.resize(case.args[i], rest if i != positions[0] else first) for i in positions})
    square = _square(case)
    yield "stride zero", replaced(case, {i: _repeated(square.args[i]) for i in positions})


def _square(case: Case) -> Case:
    return replaced(case, {i: numpy.resize(case.args[i], (3, 4)) for i in arrays(case)})


def _resized(name: str, case: Case) -> Iterator[Form]:
    """The arguments cut off to one or none along each of their sizes in turn, wherever the op's shape rule takes that.

    Sizes that are equal are taken to be one size, and cut together.
    """
    positions = arrays(case)
    sizes = sorted({n for i in positions for n in case.args[i].shape})
    for size in sizes:
        for wanted, word in ((1, "one"), (0, "empty"), (size - 1, "smaller")):
            if wanted < size and (word != "smaller" or wanted > 1):
                cuts = {
                    i: numpy.array(case.args[i][tuple(slice(wanted if n == size else n) for n in case.args[i].shape)])
                    for i in positions
                }
                form = replaced(case, cuts)
                if _taken(name, form):
                    yield word, form


def _taken(name: str, case: Case) -> bool:
    """Whether there is such a call: the shape rule takes it, and so do the places and sizes that are in arrays."""
    try:
        inferred(OPS[name], case)
        OPS[name](*case.args, **case.params)
    except (GraphsError, IndexError):
        return False
    return True
