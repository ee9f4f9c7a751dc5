"""The way of an operation in dynamic mode: unwrap, run the kernel, wrap, and record if a gradient may be wanted."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import numpy
from numpy import ndarray

from dynamic.asking import ask, explain
from dynamic.contributions import holomorphic
from dynamic.elsewhere import may_share, run
from dynamic.tape import Output, Record, recording
from graphs.core.arrays import MODULES, is_array, xp_of
from graphs.core.errors import AttributesError, DtypeError, GraphsError, at_line
from graphs.core.node import check_carrier
from graphs.core.op import Ghost, Op
from graphs.core.spec import Spec
from graphs.ops import cast


_NO_PARAMS: Mapping[str, Any] = {}
_F32, _F64 = numpy.dtype(numpy.float32), numpy.dtype(numpy.float64)
_ONE = (True,)
_NOTHING: tuple[Any, ...] = ()
_UNREAD = (None,)
_SMOOTH = "fcO"
"""The kinds of dtypes that gradients flow into: floating, complex, and what a loop has kept of its rounds."""
_TRUTHS = frozenset(["logical_and", "logical_or", "logical_xor", "logical_not"])
_JOINING, _PRODUCTS = frozenset(["concat", "stack", "outer"]), frozenset(["matmul", "dot", "einsum", "linear"])
_PLAIN = frozenset([float, int, bool, ndarray, Ghost])

default_dtype: ContextVar[Any] = ContextVar("default dtype", default=numpy.dtype(numpy.float32))  # noqa: B039 (a dtype never changes)
"""The dtype of new floating-point tensors, and of what a float makes of an integer tensor."""


around: Callable[[Op, tuple[Any, ...], Mapping[str, Any]], Any] | None = None
"""A function that every op goes through, where there is one: it looks at the arguments and calls ``apply`` plainly."""


class Carried:
    """What ``apply`` needs to know of a tensor; ``dynamic.Tensor`` is the only subclass.

    Class attributes stand for what most tensors never set, so that making one costs two assignments.
    """

    _array: Any
    _edge: Any = None
    _counter: list[int] | None = None
    _source: Any = None
    _views: set[weakref.ref[Any]] | None = None
    grad: Any = None

    def __bind__(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:  # type: ignore[misc] # noqa: N805
        return apply(op, args, params)


_tensor_class: type[Any] = Carried
_new = object.__new__


def set_tensor_class(kind: type[Any]) -> None:
    """Say which class results are made of."""
    global _tensor_class
    _tensor_class = kind


def wrap(array: Any) -> Any:
    """A tensor over ``array`` that requires no gradient."""
    tensor = _new(_tensor_class)
    tensor._array = array if array.__class__ is ndarray else _as_array(array)
    return tensor


def unary(op: Op, x: Any) -> Any:
    """``apply(op, (x,))`` for an op with one output that is no view: the short way for what is called most."""
    if not isinstance(x, Carried):
        check_carrier(x, _tensor_class, op)
        raise TypeError(f"{op.name} takes a tensor, not {type(x).__name__}")
    array = x._array
    dtype = array.dtype
    if (dtype is not _F32 and dtype is not _F64) or array.__class__ is not ndarray or around is not None:
        return apply(op, (x,))
    try:
        out = op.kernel(numpy, array)
    except Exception as error:
        out = explain(error, op, [array], _NO_PARAMS)
    tensor = _new(_tensor_class)
    tensor._array = out = out if out.__class__ is ndarray else _as_array(out)
    edge = x._edge
    if edge is not None and recording.get() and op.rules is not None and out.dtype is dtype:
        (keep,), keep_out = op.keeps.get(_ONE) or op.keep(_ONE)
        held = (x,) if keep else _NOTHING
        saved = (array,) if keep else (Ghost((array.shape, dtype)),)
        if keep_out:
            tensor._counter = counter = [0, 0]
            tensor._edge = Record(op, (edge,), _NO_PARAMS, saved, (*held, counter), (out,))
        else:
            tensor._edge = Record(op, (edge,), _NO_PARAMS, saved, held, _UNREAD, out.shape, dtype)
    return tensor


def binary(op: Op, x: Any, y: Any) -> Any:
    """``apply(op, (x, y))`` for an op with one output that is no view: the short way for what is called most."""
    if isinstance(x, Carried):
        a, source = x._array, x._edge
        dtype = a.dtype
        if isinstance(y, Carried):
            b, other = y._array, y._edge
            fast = b.dtype is dtype
        else:
            b, other = y, None
            fast = y.__class__ is float or y.__class__ is int
    elif x.__class__ is float or x.__class__ is int:
        a, source = x, None
        b, other = y._array, y._edge
        dtype = b.dtype
        fast = True
    else:
        return apply(op, (x, y))
    if not fast or (dtype is not _F32 and dtype is not _F64) or len(MODULES) > 1 or around is not None:
        return apply(op, (x, y))
    try:
        out = op.kernel(numpy, a, b)
    except Exception as error:
        out = explain(error, op, [a, b], _NO_PARAMS)
    tensor = _new(_tensor_class)
    tensor._array = out = out if out.__class__ is ndarray else _as_array(out)
    if (source is not None or other is not None) and op.rules is not None and out.dtype is dtype and recording.get():
        needs = (source is not None, other is not None)
        (keep_x, keep_y), keep_out = op.keeps.get(needs) or op.keep(needs)
        held = _NOTHING
        if a.__class__ is ndarray:
            if keep_x:
                held = (x,)
            else:
                a = Ghost((a.shape, dtype))
        if b.__class__ is ndarray:
            if keep_y:
                held = (*held, y)
            else:
                b = Ghost((b.shape, dtype))
        if keep_out:
            tensor._counter = counter = [0, 0]
            tensor._edge = Record(op, (source, other), _NO_PARAMS, (a, b), (*held, counter), (out,))
        else:
            tensor._edge = Record(op, (source, other), _NO_PARAMS, (a, b), held, _UNREAD, out.shape, dtype)
    return tensor


def apply(op: Op, args: tuple[Any, ...], params: Mapping[str, Any] = _NO_PARAMS, plainly: bool = False) -> Any:
    """Run ``op`` on tensors, arrays and scalars, and record it if one of the tensors requires a gradient.

    Raises ShapeError or DtypeError naming the op, what it was given and the user's line.
    """
    if around is not None and not plainly:
        return around(op, args, params)
    arrays = []
    edges = []
    wanted = False
    dtype = None
    for arg in args:
        if isinstance(arg, Carried):
            array = arg._array
            edge = arg._edge
            if edge is not None:
                wanted = True
            if array.dtype is not dtype:
                if dtype is not None or (array.dtype is not _F32 and array.dtype is not _F64):
                    return _mixed(op, args, params)
                dtype = array.dtype
            arrays.append(array)
            edges.append(edge)
        else:
            if arg.__class__ not in _PLAIN:
                if arg.__class__ is complex:
                    return _mixed(op, args, params)  # which makes complex what it is combined with
                check_carrier(arg, _tensor_class, op)
                # A numpy scalar counts as Python's, as in PyTorch: it leaves the dtype to the tensors.
                arg = arg.item() if isinstance(arg, numpy.generic) else _as_array(arg)
            arrays.append(arg)
            edges.append(None)
    return _run(op, args, arrays, edges, wanted, params)


def _run(op: Op, args: Any, arrays: list[Any], edges: list[Any], wanted: bool, params: Mapping[str, Any]) -> Any:
    try:
        if op.lenient:
            ask(op, arrays, params)
        if len(MODULES) == 1 or (xp := xp_of(arrays)) is numpy:
            out = op.kernel(numpy, *arrays, **params)
        else:
            op, args, out = run(xp, op, args, arrays, edges, params)
    except Exception as error:
        out = explain(error, op, arrays, params)
    differentiable = wanted and (op.rules is not None or op.joint is not None) and recording.get()
    if out.__class__ is not tuple:
        tensor = _new(_tensor_class)
        tensor._array = out = out if out.__class__ is ndarray else _as_array(out)
        if op.view:
            _share(tensor, args[0], (op, params, None))
        if differentiable and out.dtype.kind in "fc":
            saved, held, keep_out = _kept(op, args, arrays, edges)
            joint, op = op.joint, holomorphic(op) if out.dtype.kind == "c" else op
            if keep_out:
                tensor._edge = Record(op, tuple(edges), params, saved, (*held, counter_of(tensor)), (out,))
            elif joint is None:
                tensor._edge = Record(op, tuple(edges), params, saved, held, _UNREAD, out.shape, out.dtype)
            else:
                tensor._edge = Record(op, tuple(edges), params, saved, held, (Ghost((out.shape, out.dtype)),))
        return tensor
    tensors = tuple(map(wrap, out))
    if op.view:
        for index, tensor in enumerate(tensors):
            _share(tensor, args[0], (op, params, index))
    if differentiable and any(tensor._array.dtype.kind in _SMOOTH for tensor in tensors):
        _record_several(op, args, arrays, edges, params, tensors)
    return tensors


def _record_several(op: Op, args: Any, arrays: Any, edges: Any, params: Mapping[str, Any], tensors: tuple[Any, ...]) -> None:
    """Put a call with several outputs on the tape: they share one record."""
    saved, held, keep_out = _kept(op, args, arrays, edges)
    if keep_out:
        ghosts = op.ghost_outs
        held = (*held, *[counter_of(tensor) for index, tensor in enumerate(tensors) if index not in ghosts])
        outs = tuple([_ghost(x._array) if index in ghosts else x._array for index, x in enumerate(tensors)])
    else:
        outs = tuple([_ghost(tensor._array) for tensor in tensors])
    op = holomorphic(op) if any(tensor._array.dtype.kind == "c" for tensor in tensors) else op
    record = Record(op, tuple(edges), params, saved, held, outs)
    for index, tensor in enumerate(tensors):
        if tensor._array.dtype.kind in _SMOOTH:
            tensor._edge = record if index == 0 else Output(record, index)


def _ghost(array: Any) -> Ghost:
    return Ghost((array.shape, array.dtype))


def _kept(op: Op, args: Any, arrays: Any, edges: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """What the rules of arguments with an edge read: something per argument, of which tensors, and whether the output."""
    needs = tuple([edge is not None for edge in edges])
    keeps, keep_out = op.keeps.get(needs) or op.keep(needs)
    saved = []
    held = _NOTHING
    for arg, array, keep in zip(args, arrays, keeps):  # noqa: B905 (strict costs time, and all three are as long)
        if keep:
            if isinstance(arg, Carried):
                held = (*held, arg)
            saved.append(array)
        elif array.__class__ is ndarray or is_array(array):
            saved.append(Ghost((array.shape, array.dtype)))
        else:
            saved.append(array)
    return saved, held, keep_out


def _share(tensor: Any, source: Any, step: tuple[Op, Mapping[str, Any], int | None]) -> None:
    """Let a view count its changes together with what it is a view of, and remember the step that made it."""
    if not isinstance(source, Carried):
        return
    base, array = source._array, tensor._array
    if array is base or array.base is base or (array.base is not None and may_share(array, base)):
        tensor._counter = counter_of(source)
        root, chain = source._source or (source, _NOTHING)
        tensor._source = (root, (*chain, step))
        views = root._views
        if views is None:
            views = root._views = set()
        views.add(weakref.ref(tensor, views.discard))


def counter_of(tensor: Any) -> list[int]:
    """A tensor's version counter: [serial of the last change in place, number of changes], then that change's place."""
    counter: list[int] | None = tensor._counter
    if counter is None:
        counter = tensor._counter = [0, 0]
    return counter


def _as_array(value: Any) -> Any:
    if isinstance(value, numpy.generic):
        return numpy.asarray(value)
    return value if is_array(value) else numpy.asarray(value)


def _mixed(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """``apply`` where dtypes differ or are not floating point."""
    args = settled(op, args, params)
    arrays = [arg._array if isinstance(arg, Carried) else arg for arg in args]
    for arg in arrays:
        if arg.__class__ not in _PLAIN and arg.__class__ is not complex:
            check_carrier(arg, _tensor_class, op)
    looked_at = arrays[1:] if op.name == "where" else arrays
    if not op.lenient and ("random" in op.traits or any(getattr(x, "dtype", _F32).kind in "bc" for x in looked_at)):
        try:  # dtypes that few ops take
            ask(op, arrays, params)
        except (GraphsError, TypeError) as error:
            explain(error, op, arrays, params)
    edges = [arg._edge if isinstance(arg, Carried) else None for arg in args]
    return _run(op, args, arrays, edges, any(edge is not None for edge in edges), params)


def settled(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """The operands in the dtype that PyTorch would compute in; casts of tensors are operations of their own."""
    args = tuple([arg.item() if isinstance(arg, numpy.generic) else arg for arg in args])
    if op.elementwise and op.name not in ("cast", "cast_like"):
        first = 1 if op.name == "where" else 0
        if first and isinstance(args[0], Carried) and args[0]._array.dtype.kind != "b":
            raise DtypeError(f"where: a condition is bool, not {args[0]._array.dtype.name}{at_line()}")
        if op.name in _TRUTHS:
            return tuple(_cast(arg, numpy.bool_) for arg in args)
        dtype = result_type(args[first:])
        if not first and dtype.kind in "biu" and _floats(op, dtype, params):
            dtype = default_dtype.get()
        return (*args[:first], *(_cast(arg, dtype) for arg in args[first:]))
    if op.name in _JOINING:
        dtype = result_type(args)
        return tuple(_cast(arg, dtype) for arg in args)
    if op.name in _PRODUCTS:
        _need_one_dtype(op, args)
    return args


def _need_one_dtype(op: Op, args: tuple[Any, ...]) -> None:
    dtypes = [arg._array.dtype if isinstance(arg, Carried) else numpy.asarray(arg).dtype for arg in args]
    if len(set(dtypes)) > 1:
        names = " and ".join(dtype.name for dtype in dtypes)
        raise DtypeError(f"{op.name} takes operands of one dtype, not {names}{at_line()}")


def _floats(op: Op, dtype: Any, params: Mapping[str, Any]) -> bool:
    """Whether ``op`` makes floating-point numbers of integers, as ``exp`` and ``divide`` do; DtypeError if it takes none."""
    try:
        return op.infer(*[Spec((), numpy.int64)] * len(op.names), **params)[0].dtype.kind == "f"
    except AttributesError:  # which the call itself finds out
        return False
    except DtypeError as error:
        if dtype.kind == "b":
            return False
        raise DtypeError(f"{op.name} does not take {dtype.name}{at_line()}") from error


def _cast(arg: Any, dtype: Any) -> Any:
    if isinstance(arg, Carried) and arg._array.dtype != dtype:
        return apply(cast, (arg,), {"dtype": dtype})
    return arg


def result_type(args: Sequence[Any]) -> numpy.dtype[Any]:
    """The dtype that PyTorch computes in for these operands.

    Tensors with dimensions come before those without, and these before Python scalars: a later category decides only where
    its kind (bool, integer, floating, complex) is higher.
    """
    categories: list[numpy.dtype[Any] | None] = [None, None, None]
    for arg in args:
        if isinstance(arg, Carried) or is_array(arg):
            array = arg._array if isinstance(arg, Carried) else arg
            place, dtype = (0 if array.ndim else 1), array.dtype
        elif isinstance(arg, bool):
            place, dtype = 2, numpy.dtype(numpy.bool_)
        elif isinstance(arg, int):
            place, dtype = 2, numpy.dtype(numpy.int64)
        elif isinstance(arg, float):
            place, dtype = 2, default_dtype.get()
        elif isinstance(arg, complex):
            place, dtype = 2, numpy.promote_types(default_dtype.get(), numpy.complex64)
        else:
            continue
        before = categories[place]
        categories[place] = dtype if before is None else _promoted(before, dtype)
    result: numpy.dtype[Any] | None = None
    for dtype in categories:
        if dtype is None:
            continue
        if result is None:
            result = dtype
        elif _rank(dtype) > _rank(result):
            joined = result.kind == "f" and dtype.kind == "c"
            result = numpy.promote_types(result, numpy.complex64) if joined else dtype
    assert result is not None
    return result


def _promoted(x: Any, y: Any) -> Any:
    """The dtype for two of one category: numpy's, but a floating one is not widened for an integer's sake."""
    if _rank(x) != _rank(y) and {x.kind, y.kind} != {"f", "c"}:
        return x if _rank(x) > _rank(y) else y
    return numpy.promote_types(x, y)


def _rank(dtype: Any) -> int:
    return 1 if dtype.kind in "iu" else "b_fc".index(dtype.kind)
