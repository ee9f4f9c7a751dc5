"""One launch on a GPU for what would be several: element-wise ops of more than one ufunc, and the rules of their gradients.

A step of a small net is bound by launches. Kernels are those that fused regions of a static graph get, made of the op's own
kernel or rule when first needed for some dtypes, and kept on disk. What cannot be one kernel runs as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import compiled
from graphs.codegen.launch import launchable
from graphs.codegen.primitives import scalars
from graphs.core import arrays
from graphs.core.function import Function, trace
from graphs.core.op import Ghost, Op
from graphs.core.spec import Spec


fused = True
"""Whether it is done; otherwise each ufunc is a launch of cupy's, and results have the bits that those give."""

_NUMBERS = (bool, int, float)
_MADE: dict[Any, Any] = {}
_COUNTS: dict[Any, int] = {}
_SINGLE: set[Op] = set()
"""Ops without attributes that were found to be one ufunc: they are not looked at again."""

MOST_KERNELS = 64
"""Kernels of an op, or of a rule; beyond these it runs as it is written."""

_EXPONENTS = frozenset([0, 1, 2, 3, -1, 0.5, -0.5])


def several(op: Op, xp: Any, operands: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """What ``op`` gives for ``operands`` on a GPU by a kernel; None where one ufunc does it, or there can be none."""
    if not op.elementwise or not fused or op in _SINGLE or not launchable(xp):
        return None
    return _called((op, "forward"), operands, lambda *given: op(*given, **params), params)


def _called(name: Any, operands: Sequence[Any], function: Callable[..., Any], params: Mapping[str, Any]) -> Any:
    """``function(*operands)`` by one kernel, or None."""
    try:
        key = (name, tuple(params.items()), *[_kind(name, x) for x in operands])
        made = _MADE.get(key, key)
    except TypeError:  # an attribute that cannot be hashed
        return None
    if made is key:
        if not _few(name):
            return None
        body = body_of(name, function, operands)
        if body is None and name[1] == "forward" and not name[0].attributes and _plain(operands):
            _SINGLE.add(name[0])
        made = _MADE[key] = None if body is None else (compiled(body[0]), body[1])
    if made is None:
        return None
    kernel, read = made
    return kernel([operands[i] for i in read])[0]


def _plain(operands: Sequence[Any]) -> bool:
    """Whether all operands are arrays of float32 or float64: what an op does for these tells what it is."""
    return all(getattr(getattr(x, "dtype", None), "char", "") in ("f", "d") for x in operands)


def _few(name: Any) -> bool:
    """Whether no more kernels were made for an op or rule than are worth while: attributes may differ from call to call."""
    _COUNTS[name] = _COUNTS.get(name, 0) + 1
    return _COUNTS[name] <= MOST_KERNELS


def _written(name: Any, x: Any) -> bool:
    """Whether a Python number is written into a kernel: an exponent that chooses what is computed. Others are arguments."""
    return isinstance(x, bool) or (name[0].name == "power" and x in _EXPONENTS)


def _kind(name: Any, x: Any) -> Any:
    """What a kernel depends on: the dtype of an array or of numpy's number, whether it is a number, a number of Python's."""
    if isinstance(x, _NUMBERS):
        return type(x), x if _written(name, x) else None
    if isinstance(x, Ghost):
        return Ghost, x.dtype
    return x.dtype, isinstance(x, numpy.generic)


def body_of(name: Any, function: Callable[..., Any], operands: Sequence[Any]) -> tuple[Function, tuple[int, ...]] | None:
    """What a kernel is made of, and which operands it takes; None where there is none, or one ufunc does it."""
    dtypes = {x.dtype for x in operands if not isinstance(x, (*_NUMBERS, Ghost))}
    taken, specs = [], []
    for i, x in enumerate(operands):
        if isinstance(x, Ghost) or (isinstance(x, _NUMBERS) and _written(name, x)):
            continue
        if isinstance(x, _NUMBERS):
            if len(dtypes) != 1 or next(iter(dtypes)).kind != "f":
                return None  # what dtype the number has is the ufunc's affair
            specs.append(Spec((), next(iter(dtypes))))
        else:
            specs.append(Spec(() if isinstance(x, numpy.generic) else None, x.dtype))
        taken.append(i)

    def body(*given: Any) -> list[Any]:
        places = dict(zip(taken, given, strict=True))
        return [function(*[places.get(i, x) for i, x in enumerate(operands)])]

    try:
        traced, captured = trace(body, *specs, name=name[0].name)
    except Exception:  # a rule may look at what an array holds, or at a shape, and then it is no kernel
        return None
    if captured or not traced.nodes or not all(node.op.elementwise for node in traced.nodes) or not _worth(traced):
        return None
    return traced, tuple(taken)


def _worth(function: Function) -> bool:
    made = scalars(function)
    return made is not None and len(made.calls) > 1


@lru_cache(maxsize=1024)
def with_kernels(op: Op) -> Op:
    """``op`` for records on a GPU: its rules are one launch each, where they can be, for arrays; not so for tensors."""
    if not op.elementwise or op.rules is None:
        return op
    made = Op(op.kernel, name=op.name, shape=op._shape, dtype=op._dtype, text=op.text, traits=op.traits)
    made.rules = tuple([None if rule is None else _ruled(op, i, rule) for i, rule in enumerate(op.rules)])
    made.keeps, made._kept, made.large = op.keeps, op._kept, op.large
    return made


def _ruled(op: Op, position: int, rule: Callable[..., Any]) -> Callable[..., Any]:
    name = (op, position)

    def one_launch(g: Any, out: Any, *args: Any, **params: Any) -> Any:
        if fused and not isinstance(g, ndarray) and arrays.is_array(g):
            operands = (g, out, *args)
            if not any(x is None for x in operands[2:]):
                if out is None:
                    operands = (g, *args)
                    found = _called(name, operands, lambda g, *args: rule(g, None, *args, **params), params)
                else:
                    found = _called(name, operands, lambda *given: rule(*given, **params), params)
                if found is not None and found.shape == g.shape:
                    return found
        return rule(g, out, *args, **params)

    return one_launch
