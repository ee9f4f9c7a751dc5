"""A user's own differentiable functions, in both styles: static methods with ``apply``, and the older called instance."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from dynamic.apply import Carried, counter_of, wrap
from dynamic.autograd.grad_mode import no_grad
from dynamic.tape import Output, Record, recording
from graphs.core.errors import GradientError, ShapeError
from graphs.core.op import Ghost, Op


class Function:
    """Subclass it with ``forward`` and ``backward``, and use ``Subclass.apply(*args)``, or (older) ``Subclass()(*args)``.

    In the newer style both are static methods whose first argument is a context, ``ctx``: it takes what the gradient needs
    (``ctx.save_for_backward(*tensors)``, or any attribute) and gives it back (``ctx.saved_tensors``,
    ``ctx.needs_input_grad``). In the older style both are ordinary methods, and the instance itself is the context.
    """

    def __init__(self) -> None:
        self._saved: tuple[tuple[Any, Any], ...] = ()
        self._to_save: tuple[Any, ...] = ()
        self._non_differentiable: tuple[Any, ...] = ()
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``; a change in place to one of them is then an error."""
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that ``forward`` saved."""
        return tuple(_unpack(tensor, origin) for tensor, origin in self._saved)

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say that gradients flow back from none of these outputs."""
        self._non_differentiable = tensors

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs (to be overridden)."""
        raise NotImplementedError("a Function needs a forward")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Give one gradient per input of ``forward``, from one per output (to be overridden)."""
        raise NotImplementedError("a Function needs a backward to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and put the Function on the tape."""
        ctx = cls()
        if not isinstance(_raw(cls, "forward"), staticmethod):
            return ctx(*args, **kwargs)
        return _run(ctx, cls.forward, cls.backward, True, args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run an older Function's ``forward`` and put it on the tape."""
        if isinstance(_raw(type(self), "forward"), staticmethod):
            raise TypeError(f"{type(self).__name__} has a static forward: use {type(self).__name__}.apply(...)")
        if not hasattr(self, "_to_save"):  # a subclass with an __init__ of its own need not call ours
            Function.__init__(self)
        return _run(self, self.forward, self.backward, False, args, kwargs)


def _raw(cls: type, name: str) -> Any:
    return next(vars(base)[name] for base in cls.__mro__ if name in vars(base))


def _run(ctx: Function, forward: Any, backward: Any, static: bool, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    edges = tuple(arg._edge if isinstance(arg, Carried) else None for arg in args)
    ctx.needs_input_grad = tuple(edge is not None for edge in edges)
    with no_grad():
        result = forward(ctx, *args, **kwargs) if static else forward(*args, **kwargs)
    outs = result if isinstance(result, tuple) else (result,)
    if not (any(ctx.needs_input_grad) and recording.get()):
        ctx._saved = tuple((tensor, None) for tensor in ctx._to_save)
        return result
    # An output that is one of the inputs gets a tensor of its own, so that its history starts here.
    fresh = tuple(wrap(out._array) if any(out is arg for arg in args) else out for out in outs)
    name = type(ctx).__name__
    op = Op(_no_kernel, name=name, shape=_no_kernel, dtype=_no_kernel, traits={"function"})
    op.joint_vjp(lambda _needs, gs, _outs, _args: _gradients(ctx, backward if static else None, gs, _outs, _args))
    saved = [_ghost(arg) if isinstance(arg, Carried) else 0 for arg in args]
    held = tuple(counter_of(tensor) for tensor in ctx._to_save if isinstance(tensor, Carried))
    record = Record(op, edges, {}, saved, held, tuple(map(_ghost, fresh)))
    ctx._saved = tuple(_pack(tensor, outs, record) for tensor in ctx._to_save)
    ctx._to_save = ()
    for index, out in enumerate(fresh):
        if out._array.dtype.kind in "fc" and not any(out is tensor for tensor in ctx._non_differentiable):
            out._edge = record if index == 0 else Output(record, index)
    return fresh if isinstance(result, tuple) else fresh[0]


def _ghost(tensor: Any) -> Ghost:
    return Ghost((tensor._array.shape, tensor._array.dtype))


def _pack(tensor: Any, outs: tuple[Any, ...], record: Record) -> tuple[Any, Any]:
    """A saved tensor, and for an output the way to its edge: holding the output itself would be a cycle."""
    for index, out in enumerate(outs):
        if tensor is out:
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


def _gradients(ctx: Function, backward: Any, gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    """What the user's ``backward`` gives, in the form (arrays or tensors) that the gradients came in."""
    taped = any(isinstance(g, Carried) for g in gs)
    name = type(ctx).__name__
    given = []
    for g, out in zip(gs, outs, strict=True):
        if g is None:
            g = numpy.zeros(out.shape, out.dtype)
        given.append(g if isinstance(g, Carried) else wrap(g))
    result = ctx.backward(*given) if backward is None else backward(ctx, *given)
    results = list(result) if isinstance(result, tuple) else [result]
    if len(results) > len(args) and all(g is None for g in results[len(args) :]):
        del results[len(args) :]
    if len(results) != len(args):
        raise GradientError(f"{name}.backward gave {len(results)} gradients for {len(args)} inputs")
    for position, (g, arg) in enumerate(zip(results, args, strict=True)):
        if not (g is None or isinstance(g, Carried)):
            raise TypeError(f"{name}.backward gave a {type(g).__name__} for input {position}, not a tensor or None")
        if g is not None and isinstance(arg, Ghost) and g._array.shape != arg.shape:
            raise ShapeError(
                f"{name}.backward gave a gradient of shape {g._array.shape} for input {position} of shape {arg.shape}"
            )
    return [g if g is None or taped else g._array for g in results]


def _no_kernel(*_: Any, **__: Any) -> Any:
    raise GradientError("a user's Function runs in its own forward")
