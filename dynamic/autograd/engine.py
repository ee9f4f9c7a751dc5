"""``Tensor.backward`` and ``autograd.grad``: thin callers of the one reverse pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried, wrap
from dynamic.tape import Record, leaf, recording
from graphs.autodiff import backprop
from graphs.core.arrays import is_array, xp_of
from graphs.core.errors import GradientError, ShapeError, at_line


_SOLE = 3
"""References to a gradient that only the backward pass has: its result, the local name, and ``getrefcount`` itself."""

_UNIT = {numpy.dtype(kind): numpy.ones((), kind) for kind in (numpy.float32, numpy.float64)}
"""The gradient that a scalar loss begins with: nobody writes into it."""


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``grad`` of the leaves they depend on (only ``inputs``, where given).

    Args:
        tensors: a tensor or a sequence of them.
        grad_tensors: what flows into each; needed where one is not a scalar.
        retain_graph: keep what the tape saved, so that another backward pass can follow (default: as ``create_graph``).
        create_graph: record the backward pass, so that gradients can be differentiated again.
        inputs: leaves (or tensors on the way) to collect gradients in; default all leaves.

    Raises RuntimeError for a tensor without history, a non-scalar without a gradient, a tape that was freed, and a saved
    value that was changed in place; ShapeError for a gradient of another shape than its tensor.
    """
    roots = _roots(_as_tuple(tensors), grad_tensors, create_graph)
    wanted = None if inputs is None else _as_tuple(inputs)
    nodes = None if wanted is None else [_edge_of(x, "inputs").node for x in wanted]
    with numpy.errstate(all="ignore"):
        found = _run(roots, nodes, retain_graph, create_graph)
        for record, gs in found.items():
            if record.op is leaf:
                tensor = record.owner() if record.owner is not None else None
                if tensor is not None and gs[0] is not None:
                    _accumulate(tensor, gs[0])
        for tensor in wanted or ():
            edge = tensor._edge
            if edge.node.op is not leaf and edge.node in found:
                _accumulate(tensor, found[edge.node][edge.index])


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, one per input, without touching any ``grad``.

    Raises RuntimeError where an input was not used to compute the outputs, unless ``allow_unused`` (then None).
    """
    wanted = _as_tuple(inputs)
    edges = [_edge_of(x, "inputs") for x in wanted]
    roots = _roots(_as_tuple(outputs), grad_outputs, create_graph)
    with numpy.errstate(all="ignore"):
        found = _run(roots, [edge.node for edge in edges], retain_graph, create_graph)
    results = []
    for edge in edges:
        gs = found.get(edge.node)
        g = None if gs is None else gs[edge.index]
        if g is None and not allow_unused:
            raise GradientError(
                f"{edge.node.name} was not used to compute the outputs; allow_unused=True gives None for it{at_line()}"
            )
        results.append(g if g is None or isinstance(g, Carried) else wrap(g))
    return tuple(results)


def _run(roots: list[tuple[Any, Any]], wrt: list[Any] | None, retain: bool | None, create: bool) -> dict[Record, list[Any]]:
    keep = tape.kept or (create if retain is None else retain)
    residuals: Callable[[Record], Any] = (
        (_taped if keep else _taped_then_freed) if create else _bare if keep else _bare_then_freed
    )
    if tape.watched and not create:
        roots = [(edge, wrap(seed)) for edge, seed in roots]
        residuals = _watched(residuals)
    token = recording.set(create)
    try:
        return backprop(roots, wrt, residuals, on_gradient=_call_hooks if tape.hooked else None)
    finally:
        recording.reset(token)


def _bare(record: Record) -> tuple[Sequence[Any], Sequence[Any]]:
    """What the tape kept, as arrays."""
    saved = record.saved
    if saved is None:
        raise _freed(record)
    serial = record.serial
    for holder in record.held:
        counter = holder if holder.__class__ is list else holder._counter
        if counter is not None and counter[0] > serial:
            raise _changed(record)
    return saved, record.outs


def _watched(residuals: Callable[[Record], Any]) -> Callable[[Record], Any]:
    """``residuals`` as tensors without history, so that a gradient rule's operators are calls of ops."""

    def wrapped(record: Record) -> Any:
        return tuple([wrap(x) if is_array(x) else x for x in side] for side in residuals(record))

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
            for function in tuple(functions):
                g = gs[index]
                if g is None:
                    break
                bare = not isinstance(g, Carried)
                changed = function(wrap(g) if bare else g)
                if changed is not None:
                    gs[index] = changed._array if bare else changed
    return gs


def _accumulate(tensor: Any, g: Any) -> None:
    before = tensor.grad
    if isinstance(g, Carried):
        tensor.grad = g if before is None else before + g
    elif before is None:
        # A gradient may be shared with another leaf or a hook, or be a view of what the tape kept: then it is copied.
        tensor.grad = wrap(g if g.__class__ is numpy.ndarray and g.base is None and getrefcount(g) <= _SOLE else +g)
    elif before._edge is not None:
        tensor.grad = before + wrap(g)
    else:
        before._array += g
        before._touch()


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
        f"Trying to backward through the graph a second time: what {record.label} had saved at {record.where} was freed "
        f"by the first pass. Give that one retain_graph=True, or compute the value again{at_line()}"
    )


def _changed(record: Record) -> GradientError:
    return GradientError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: a value that "
        f"{record.label} saved at {record.where} has been changed since{at_line()}"
    )


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, Carried) else tuple(x)
