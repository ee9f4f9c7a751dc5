"""A user's own differentiable functions, in both styles: static methods with ``apply``, and the older called instance."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from dynamic.apply import Carried, counter_of, wrap
from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.tape import Output, Record, recording
from graphs.core.arrays import module_of
from graphs.core.errors import GradientError, ShapeError, at_line
from graphs.core.op import Ghost, Op


class Function:
    """Subclass it with ``forward`` and ``backward``, and use ``Subclass.apply(*args)``, or (older) ``Subclass()(*args)``.

    In the newer style both are static methods whose first argument is a context, ``ctx``: it takes what the gradient needs
    (``ctx.save_for_backward(*tensors)``, or any attribute) and gives it back (``ctx.saved_tensors``,
    ``ctx.needs_input_grad``). ``forward`` may leave the context to ``setup_context(ctx, inputs, output)``, which runs after
    it. In the older style both are ordinary methods, and the instance itself is the context.
    """

    _saved: tuple[tuple[Any, Any], ...] | None = ()
    _to_save: tuple[Any, ...] = ()
    _non_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``; a change in place to one of them is then an error."""
        for i, tensor in enumerate(tensors):
            if not (tensor is None or isinstance(tensor, Carried)):
                raise TypeError(f"save_for_backward takes tensors, and argument {i} is a {type(tensor).__name__}{at_line()}")
        self._to_save = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that ``forward`` saved. Raises RuntimeError after a backward pass that freed them."""
        if self._saved is None:
            raise GradientError(f"what {type(self).__name__} saved was freed by the first backward pass{at_line()}")
        return tuple(_unpack(tensor, origin) for tensor, origin in self._saved)

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """The name of ``saved_tensors`` until 0.4."""
        warnings.warn("saved_variables is deprecated: use saved_tensors", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say that gradients flow back from none of these outputs."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say that ``forward`` has changed these inputs in place; each must be one of the outputs."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether an output that nothing flowed into has zeros for ``backward`` (the default), or None."""
        self.materialize_grads = value

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs (to be overridden)."""
        raise NotImplementedError("a Function needs a forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what the gradient needs, where ``forward`` has no context (to be overridden)."""
        raise NotImplementedError("a Function whose forward has no ctx needs a setup_context")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Give one gradient per input of ``forward``, from one per output (to be overridden)."""
        raise NotImplementedError("a Function needs a backward to be differentiated")

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and put the Function on the tape."""
        ctx = cls()
        if not isinstance(_raw(cls, "forward"), staticmethod):
            return ctx(*args, **kwargs)
        apart = cls.setup_context is not Function.setup_context

        def forward(*args: Any, **kwargs: Any) -> Any:
            if not apart:
                return cls.forward(ctx, *args, **kwargs)
            output = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, output)
            return output

        if cls.vjp is not Function.vjp and cls.backward is not Function.backward:
            raise GradientError(f"{cls.__name__} has both a backward and a vjp, which is another name for it{at_line()}")
        backward = cls.backward if cls.vjp is Function.vjp else cls.vjp
        return _run(ctx, forward, functools.partial(backward, ctx), args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run an older Function's ``forward`` and put it on the tape."""
        if isinstance(_raw(type(self), "forward"), staticmethod):
            raise TypeError(f"{type(self).__name__} has a static forward: use {type(self).__name__}.apply(...)")
        return _run(self, self.forward, None, args, kwargs)


class InplaceFunction(Function):
    """A Function of the older style that may work in place: it remembers whether it is to."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for a ``backward`` whose own operations are not to be recorded.

    To differentiate what it gives once more is then an error, instead of a gradient that is silently wrong.
    """

    @functools.wraps(function)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = function(ctx, *grads)
        edges = tuple(g._edge if isinstance(g, Carried) else None for g in grads)
        if not recording.get() or not any(edges):
            return result
        results = result if isinstance(result, tuple) else (result,)
        name = type(ctx).__name__
        op = Op(_no_kernel, name=f"{name}Once", shape=_no_kernel, dtype=_no_kernel, traits={"function"})
        op.joint_vjp(functools.partial(_refuse_twice, name))
        fresh = tuple(wrap(g._array) if isinstance(g, Carried) else g for g in results)
        record = Record(op, edges, {}, [0] * len(edges), (), tuple(map(_ghost, fresh)))
        for index, g in enumerate(fresh):
            if isinstance(g, Carried):
                g._edge = record if index == 0 else Output(record, index)
        return fresh if isinstance(result, tuple) else fresh[0]

    return wrapper


def _refuse_twice(name: str, _needs: Any, gs: Any, _outs: Any, _args: Any) -> Any:
    told = "trying to differentiate twice a function that was marked with @once_differentiable"
    raise GradientError(f"{told}: the backward of {name}{at_line()}")


def _raw(cls: type, name: str) -> Any:
    return next(vars(base)[name] for base in cls.__mro__ if name in vars(base))


def _run(ctx: Function, forward: Any, backward: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What ``forward`` gives, on the tape; ``backward`` is None for that of the instance itself."""
    edges = tuple(arg._edge if isinstance(arg, Carried) else None for arg in args)
    ctx.needs_input_grad = tuple(edge is not None for edge in edges)
    with no_grad():
        result = forward(*args, **kwargs)
    outs = result if isinstance(result, tuple) else (result,)
    name = type(ctx).__name__
    if not all(any(tensor is out for out in outs) for tensor in ctx._dirty):
        raise GradientError(f"{name} has marked as dirty what it does not return{at_line()}")
    if not (any(ctx.needs_input_grad) and recording.get()):
        ctx._saved = tuple((tensor, None) for tensor in ctx._to_save)
        return result
    # An output that is one of the inputs gets a tensor of its own, so that its history starts here.
    fresh = tuple(wrap(out._array) if any(out is arg for arg in args) else out for out in outs)
    op = Op(_no_kernel, name=name, shape=_no_kernel, dtype=_no_kernel, traits={"function"})
    op.joint_vjp(lambda _needs, gs, _outs, _args: _gradients(ctx, backward or ctx.backward, reference(), gs, _outs, _args))
    saved = [_ghost(arg) if isinstance(arg, Carried) else 0 for arg in args]
    held = tuple(counter_of(tensor) for tensor in ctx._to_save if isinstance(tensor, Carried))
    record = Record(op, edges, {}, saved, held, tuple(map(_ghost, fresh)))
    reference = weakref.ref(record)
    ctx._saved = tuple(_pack(tensor, outs, record) for tensor in ctx._to_save)
    ctx._to_save = ()
    for index, (out, given) in enumerate(zip(fresh, outs, strict=True)):
        if (
            isinstance(out, Carried)
            and out._array.dtype.kind in "fc"
            and not any(given is tensor for tensor in ctx._non_differentiable)
        ):
            out._edge = record if index == 0 else Output(record, index)
    if ctx._dirty:
        fresh = tuple(_changed(out, given, ctx._dirty) for out, given in zip(fresh, outs, strict=True))
        ctx._dirty = ()
    return fresh if isinstance(result, tuple) else fresh[0]


def _changed(out: Any, given: Any, dirty: tuple[Any, ...]) -> Any:
    """The input that was changed in place, whose history now is that of ``out``, or ``out`` itself."""
    return given._become(out) if any(given is tensor for tensor in dirty) else out


def _ghost(x: Any) -> Any:
    """Shape and dtype of an output; of what is no tensor, nothing."""
    return Ghost((x._array.shape, x._array.dtype)) if isinstance(x, Carried) else Ghost(((0,), numpy.dtype(object)))


def _pack(tensor: Any, outs: tuple[Any, ...], record: Record) -> tuple[Any, Any]:
    """A saved tensor, and for an output the way to its edge: holding the output itself would be a cycle."""
    for index, out in enumerate(outs):
        if tensor is out and tensor is not None:
            detached = wrap(tensor._array)
            detached._counter = tensor._counter
            return detached, (weakref.ref(record), index)
    return tensor, None


def _unpack(tensor: Any, origin: Any) -> Any:
    if origin is None or not recording.get():
        return tensor
    again = wrap(tensor._array)
    record, index = origin[0](), origin[1]
    again._edge = record if index == 0 else Output(record, index)
    return again


def _gradients(
    ctx: Function, backward: Any, record: Record | None, gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any]
) -> list[Any]:
    """What the user's ``backward`` gives, in the form (arrays or tensors) that the gradients came in."""
    taped = any(isinstance(g, Carried) for g in gs)
    name = type(ctx).__name__
    given = []
    xp: Any = module_of([g for g in gs if g is not None])
    for g, out in zip(gs, outs, strict=True):
        if g is None and ctx.materialize_grads and out.dtype.kind != "O":
            g = xp.zeros(out.shape, out.dtype)
        given.append(g if g is None or isinstance(g, Carried) else wrap(g))
    try:
        result = backward(*given)
    except Exception as error:
        if record is not None:
            error.add_note(f"in the backward pass through {name}, which ran at {record.where}")
        raise
    finally:
        if record is not None and record.saved is None:
            ctx._saved = None  # the pass frees what it passes
    results = list(result) if isinstance(result, tuple) else [result]
    if len(results) > len(args) and all(g is None for g in results[len(args) :]):
        del results[len(args) :]
    if len(results) != len(args):
        raise GradientError(f"{name}.backward gave {len(results)} gradients for {len(args)} inputs{at_line()}")
    for position, (g, arg) in enumerate(zip(results, args, strict=True)):
        if not (g is None or isinstance(g, Carried)):
            raise TypeError(
                f"{name}.backward gave a {type(g).__name__} for input {position}, not a tensor or None{at_line()}"
            )
        if g is not None and isinstance(arg, Ghost) and g._array.shape != arg.shape:
            shapes = f"of shape {g._array.shape} for input {position} of shape {arg.shape}"
            raise ShapeError(f"{name}.backward gave a gradient {shapes}{at_line()}")
    return [g if g is None or taped else g._array for g in results]


def _no_kernel(*_: Any, **__: Any) -> Any:
    raise GradientError("a user's Function runs in its own forward")


__getattr__ = lacking(__name__)
