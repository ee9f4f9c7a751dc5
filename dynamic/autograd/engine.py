"""``Tensor.backward`` and ``autograd.grad``: thin callers of the one reverse pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried, apply, wrap
from dynamic.autograd.anomaly import Watch, anomaly
from dynamic.autograd.edges import GradientEdge, passing, standing
from dynamic.elsewhere import another
from dynamic.inplace import clone
from dynamic.tape import Record, leaf, recording
from graphs.autodiff import backprop
from graphs.core.arrays import MODULES, is_array, xp_of
from graphs.core.errors import GradientError, ShapeError, Where, at_line
from graphs.core.node import next_serial
from graphs.ops.joining import stack


_SOLE = 3
"""References to a gradient that only the backward pass has: its result, the local name, and ``getrefcount`` itself."""

_adding = threading.RLock()
"""Backward passes of several threads may end in one leaf; what they add to it, one adds after the other."""

_UNIT = {numpy.dtype(kind): numpy.ones((), kind) for kind in (numpy.float32, numpy.float64)}
"""The gradient that a scalar loss begins with: nobody writes into it."""


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``grad`` of the leaves they depend on (only ``inputs``, where given).

    Args:
        tensors: a tensor or a sequence of them.
        grad_tensors: what flows into each; needed where one is not a scalar.
        retain_graph: keep what the tape saved, so that another backward pass can follow (default: as ``create_graph``).
        create_graph: record the backward pass, so that gradients can be differentiated again.
        grad_variables: the older name of ``grad_tensors``.
        inputs: leaves (or tensors on the way) to collect gradients in; default all leaves.

    Raises RuntimeError for a tensor without history, a non-scalar without a gradient, a tape that was freed, and a saved
    value that was changed in place; ShapeError for a gradient of another shape than its tensor.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise GradientError(f"grad_tensors and grad_variables, its older name, are both given{at_line()}")
        grad_tensors = grad_variables
    if len(MODULES) > 1 and (other := another(_as_tuple(tensors))) is not None:
        with other:
            return backward(tensors, grad_tensors, retain_graph, create_graph, None, inputs)
    roots = _roots(_as_tuple(tensors), grad_tensors, create_graph)
    wanted = None if inputs is None else _as_tuple(inputs)
    if wanted is not None and not wanted:
        raise GradientError(f"inputs, where given, are not empty{at_line()}")
    nodes = None if wanted is None else [_edge_of(x, "inputs").node for x in wanted]
    with numpy.errstate(all="ignore"):
        found = _run(roots, nodes, retain_graph, create_graph)
        for record, gs in found.items():
            if record.op is leaf:
                tensor = record.owner() if record.owner is not None else None
                if tensor is not None and gs[0] is not None:
                    with _adding:
                        _accumulate(tensor, gs[0])
                    if record.after_hooks is not None:
                        for hook in tuple(record.after_hooks):
                            if hook(tensor) is not None:
                                raise GradientError(
                                    f"hook {_name(hook)}, after a leaf's gradient, gave something{at_line()}"
                                )
        for tensor in wanted or ():
            edge = tensor._edge
            if edge.node.op is not leaf and edge.node in found:
                with _adding:
                    _accumulate(tensor, found[edge.node][edge.index])


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, one per input, without touching any ``grad``.

    With ``is_grads_batched`` the ``grad_outputs`` are stacked along a first dimension, and so are the gradients. Raises
    RuntimeError where an input was not used to compute the outputs, unless ``allow_unused`` (then None is its gradient) or
    ``materialize_grads`` (then zeros are). ``only_inputs`` has been true since 0.2.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(f"materialize_grads gives zeros for what is unused, so allow_unused is not False{at_line()}")
    if is_grads_batched:
        return _batched(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    if len(MODULES) > 1 and (other := another(_as_tuple(outputs))) is not None:
        with other:
            ways: Any = {"allow_unused": allow_unused, "materialize_grads": materialize_grads}
            return grad(outputs, inputs, grad_outputs, retain_graph, create_graph, **ways)
    wanted = _as_tuple(inputs)
    edges = [_edge_of(x, "inputs") for x in wanted]
    roots = _roots(_as_tuple(outputs), grad_outputs, create_graph)
    with numpy.errstate(all="ignore"):
        found = _run(roots, [edge.node for edge in edges], retain_graph, create_graph)
    results = []
    for tensor, edge in zip(wanted, edges, strict=True):
        gs = found.get(edge.node)
        g = None if gs is None else gs[edge.index]
        if g is None and materialize_grads:
            g = xp_of((tensor._array,)).zeros_like(tensor._array)
        elif g is None and not allow_unused:
            raise GradientError(
                f"{edge.node.name} was not used to compute the outputs; allow_unused=True gives None for it{at_line()}"
            )
        results.append(g if g is None or isinstance(g, Carried) else wrap(g))
    return tuple(results)


def _batched(outputs: Any, inputs: Any, seeds: Any, retain: Any, create: bool, unused: Any, zeros: bool) -> tuple[Any, ...]:
    """``grad`` for each of a batch of gradients of the outputs, stacked."""
    given = _as_tuple(seeds)
    size = next(len(seed._array) for seed in given if seed is not None)
    keep = create if retain is None else retain
    rows = [
        grad(
            outputs,
            inputs,
            tuple(None if seed is None else seed[i] for seed in given),
            retain_graph=keep or i + 1 < size,
            create_graph=create,
            allow_unused=unused,
            materialize_grads=zeros,
        )
        for i in range(size)
    ]
    return tuple(None if column[0] is None else stack(*column) for column in zip(*rows, strict=True))


def _run(roots: list[tuple[Any, Any]], wrt: list[Any] | None, retain: bool | None, create: bool) -> dict[Record, list[Any]]:
    if tape.begun is not None:
        tape.begun(roots, wrt)
    keep = tape.kept or (create if retain is None else retain)
    residuals: Callable[[Record], Any] = (
        (_taped if keep else _taped_then_freed) if create else _bare if keep else _bare_then_freed
    )
    if tape.watched and not create:
        roots = [(edge, wrap(seed)) for edge, seed in roots]
        residuals = _watched(residuals)
    elif tape.watched:
        residuals = _telling(residuals)
    nans = anomaly.get()[1]
    before = recording.get()
    try:
        recording.set(create)
        if not (tape.hooked or nans or tape.hastened is not None):
            return backprop(roots, wrt, residuals)
        with passing():
            if tape.hastened is not None:
                tape.hastened(roots, wrt)
            hooks = _call_hooks if tape.hooked else None
            if nans:
                return _run_watched(roots, wrt, _taped if create else _bare, hooks, keep)
            return backprop(roots, wrt, residuals, on_gradient=hooks)
    finally:
        recording.set(before)
        if tape.told is not None:
            tape.told(None)


def _run_watched(roots: Any, wrt: Any, residuals: Any, hooks: Any, keep: bool) -> dict[Record, list[Any]]:
    """The reverse pass with an eye on NaNs: to find their origin, what the tape kept is needed until the end."""
    watch = Watch(residuals, hooks)
    found = backprop(roots, wrt, residuals, on_gradient=watch)
    if not keep:
        for record, _ in watch.seen:
            record.free()
    return found


def _bare(record: Record) -> tuple[Sequence[Any], Sequence[Any]]:
    """What the tape kept, as arrays."""
    saved = record.saved
    if saved is None:
        if record.refill is None:
            raise _freed(record)
        record.refill()
        saved = record.saved
    serial = record.serial
    for holder in record.held:
        counter = holder if holder.__class__ is list else holder._counter
        if counter is not None and counter[0] > serial:
            raise _changed(record, counter)
    return saved, record.outs


def _watched(residuals: Callable[[Record], Any]) -> Callable[[Record], Any]:
    """``residuals`` as tensors without history, so that a gradient rule's operators are calls of ops."""

    def wrapped(record: Record) -> Any:
        if tape.told is not None:
            tape.told(record)
        return tuple([wrap(x) if is_array(x) else x for x in side] for side in residuals(record))

    return wrapped


def _telling(residuals: Callable[[Record], Any]) -> Callable[[Record], Any]:
    """``residuals``, of each of which somebody is told."""

    def wrapped(record: Record) -> Any:
        if tape.told is not None:
            tape.told(record)
        return residuals(record)

    return wrapped


def _taped(record: Record) -> tuple[Sequence[Any], Sequence[Any]]:
    """What the tape kept, as tensors with their history, so that the backward pass is itself recorded."""
    args, outs = _bare(record)
    edges = [record if i == 0 else tape.Output(record, i) for i in range(len(outs))]
    return (
        [_again(x, edge) for x, edge in zip(args, record.edges, strict=True)],
        [_again(x, edge) for x, edge in zip(outs, edges, strict=True)],
    )


def _again(array: Any, edge: Any) -> Any:
    if not is_array(array):
        return array
    tensor = wrap(array)
    tensor._edge = edge
    return tensor


def _bare_then_freed(record: Record) -> tuple[Sequence[Any], Sequence[Any]]:
    found = _bare(record)
    record.free()
    return found


def _taped_then_freed(record: Record) -> tuple[Sequence[Any], Sequence[Any]]:
    found = _taped(record)
    record.free()
    return found


def _call_hooks(record: Record, gs: list[Any]) -> list[Any]:
    hooks = record.hooks
    if hooks is not None:
        for index, functions in hooks.items():
            if index < 0:
                gs = _call_before(functions, gs)
                continue
            for function in tuple(functions):
                g = gs[index]
                if g is None:
                    break
                bare = not isinstance(g, Carried)
                changed = function(wrap(g) if bare else g)
                if changed is not None:
                    gs[index] = _replaced(function, g, changed, bare)
    return gs


def _call_before(functions: Any, gs: list[Any]) -> list[Any]:
    """What the hooks before a record's rules make of the gradients of all its outputs."""
    for function in tuple(functions):
        bare = [g is not None and not isinstance(g, Carried) for g in gs]
        changed = function(tuple(wrap(g) if each else g for g, each in zip(gs, bare, strict=True)))
        if changed is not None:
            if not isinstance(changed, tuple):
                raise TypeError(f"hook {_name(function)} gave a {type(changed).__name__}, not a tuple or None{at_line()}")
            if len(changed) != len(gs):
                raise GradientError(f"hook {_name(function)} gave {len(changed)} gradients for {len(gs)} outputs{at_line()}")
            gs = [_replaced(function, *each) for each in zip(gs, changed, bare, strict=True)]
    return gs


def _replaced(function: Any, g: Any, changed: Any, bare: bool) -> Any:
    """What a hook gave in place of a gradient, in the form that the gradient came in."""
    if changed is None:
        return None
    if not isinstance(changed, Carried):
        raise TypeError(f"hook {_name(function)} gave a {type(changed).__name__}, not a tensor or None{at_line()}")
    if g is not None and changed._array.shape != g.shape:
        shapes = f"of shape {changed._array.shape} for one of {tuple(g.shape)}"
        raise ShapeError(f"hook {_name(function)} has changed the size of value: a gradient {shapes}{at_line()}")
    return changed._array if bare else changed


def _name(function: Any) -> str:
    return f"'{getattr(function, '__name__', function)}'"


def _accumulate(tensor: Any, g: Any) -> None:
    before = tensor.grad
    if isinstance(g, Carried) and tape.apart and g._edge is None:
        if before is None:
            tensor.grad = apply(clone, (g,))
        else:
            before._become(before + g)
    elif isinstance(g, Carried):
        tensor.grad = g if before is None else before + g
    elif before is None:
        # A gradient may be shared with another leaf or a hook, or be a view of what the tape kept: then it is copied.
        sole = g.base is None and getrefcount(g) <= _SOLE and not isinstance(g, numpy.generic)
        tensor.grad = wrap(g if sole else +g)
    elif before._edge is not None:
        tensor.grad = before + wrap(g)
    else:
        before._array += g
        counter = before._counter
        if counter is None:
            before._counter = [next_serial(), 1]
        else:
            counter[:] = next_serial(), counter[1] + 1


def _roots(tensors: tuple[Any, ...], seeds: Any, create_graph: bool) -> list[tuple[Any, Any]]:
    given = (None,) * len(tensors) if seeds is None else _as_tuple(seeds)
    if len(given) != len(tensors):
        raise GradientError(f"{len(tensors)} tensors and {len(given)} gradients{at_line()}")
    roots = []
    for tensor, seed in zip(tensors, given, strict=True):
        edge = _edge_of(tensor, "backward")
        array = tensor._array
        if seed is None:
            if array.size != 1:
                raise GradientError(
                    f"a gradient can be created for scalars only, and {edge.node.name} has shape {array.shape}: "
                    f"pass one of that shape{at_line()}"
                )
            seed = _UNIT.get(array.dtype) if array.ndim == 0 and array.__class__ is numpy.ndarray else None
            if seed is None:
                seed = xp_of((array,)).ones(array.shape, array.dtype)
        else:
            if seed._array.shape != array.shape:
                if seed._array.size != 1 or array.size != 1:
                    raise ShapeError(f"gradient of shape {seed._array.shape} for a tensor of shape {array.shape}{at_line()}")
                seed = seed.reshape(array.shape)
            if not create_graph:
                seed = seed._array
        roots.append((edge, wrap(seed) if create_graph and not isinstance(seed, Carried) else seed))
    return roots


def _edge_of(tensor: Any, role: str) -> Any:
    if not isinstance(tensor, Carried):
        raise TypeError(f"{role} takes tensors, not {type(tensor).__name__}{at_line()}")
    if tensor._edge is None:
        raise GradientError(f"a tensor in {role} does not require grad and has no grad_fn{at_line()}")
    return tensor._edge


def _freed(record: Record) -> GradientError:
    return GradientError(
        f"Trying to backward through the graph a second time: the first pass freed what {record.label} had saved\n"
        f"  at {record.where}\nGive the first pass retain_graph=True, or compute the value again{at_line()}"
    )


def _changed(record: Record, counter: Any) -> GradientError:
    change = f"\n  at {Where(*counter[2:])}" if len(counter) == 4 else ""
    return GradientError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: what "
        f"{record.label} saved\n  at {record.where}\nwas changed{change}\nbefore this backward pass{at_line()}"
    )


tape.set_carrier(Carried, wrap)


def _as_tuple(x: Any) -> tuple[Any, ...]:
    if isinstance(x, Carried):
        return (x,)
    if isinstance(x, GradientEdge):
        return (standing(x),)
    return tuple([standing(each) if isinstance(each, GradientEdge) else each for each in x])
