"""The op ``fused``: a region of element-wise ops as one node, with one kernel, one picture and its own gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy import ndarray

from graphs.autodiff import symbolic
from graphs.codegen import compiled
from graphs.core.function import Function, trace
from graphs.core.node import Value, new_parameter
from graphs.core.op import op
from graphs.core.spec import Spec
from graphs.ops.shape import unbroadcast


def _specs(body: Function, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """The outputs' specs for operands of ``specs``."""
    key = ("specs", specs)
    made: tuple[Spec, ...] | None = body.cache.get(key)
    if made is None:
        made = body.cache[key] = trace(body, *specs, name=body.name)[0].specs
    return made


def _shapes(*specs: Spec, body: Function, **_: Any) -> Any:
    shapes = tuple(spec.dims for spec in _specs(body, specs))
    return shapes if len(shapes) > 1 else shapes[0]


def _dtypes(*dtypes: Any, body: Function, **_: Any) -> Any:
    made = tuple(spec.dtype for spec in _specs(body, tuple(Spec(None, dtype) for dtype in dtypes)))
    return made if len(made) > 1 else made[0]


@op(_shapes, dtype=_dtypes, traits={"fused"})
def fused(xp: Any, *arrays: Any, body: Function, label: str = "") -> Any:
    """The outputs of ``body``, a Function of element-wise ops, on ``arrays``; ``label`` is its name in pictures."""
    results = compiled(body)(arrays)
    return results if len(results) > 1 else results[0]


def by_itself(node: Any, args: Sequence[Any]) -> Any:
    """What a node of a region yields on ``args``, as a region of its own: by the same functions as in the region."""
    operands = [x for x in args if isinstance(x, (Value, ndarray))]  # what else there is are numbers, written out
    if node.op is fused or not any(isinstance(x, Value) for x in operands):
        return node.op(*args, **node.params)
    specs = [x.node.outputs[x.index].spec if isinstance(x, Value) else Spec.of(x) for x in args]
    given = [new_parameter(spec) if isinstance(x, (Value, ndarray)) else x for x, spec in zip(args, specs, strict=True)]
    inputs = [x for x in given if isinstance(x, Value)]
    body = Function(inputs, [node.op(*given, **node.params)], node.op.name)
    return fused(*operands, body=body)


@fused.joint_vjp
def _fused_gradients(
    needs: Sequence[bool], gs: Sequence[Any], _outs: Sequence[Any], args: Sequence[Any], *, body: Function, label: str
) -> list[Any]:
    # Outputs of one shape share a kernel. Others do not: what a small one sends back would be counted once per element. The
    # shapes may be unknown, but what broadcasts from the same operands is of one shape.
    groups: dict[frozenset[int], list[int]] = {}
    for i, operands_read in enumerate(_reads(body)):
        if gs[i] is not None:
            groups.setdefault(operands_read, []).append(i)
    sums: list[Any] = [None] * len(args)
    for group in groups.values():
        made, found = _adjoint(body, tuple(needs), tuple(i in group for i in range(len(gs))))
        operands = [*args, *(gs[i] for i in group)]
        if made.outputs and all(node.op.elementwise for node in made.nodes):
            out = fused(*operands, body=made, label=f"{label} gradient".strip())
            contributions = iter(out if len(made.outputs) > 1 else (out,))
        else:
            contributions = iter(made(*operands))
        for i, arg in enumerate(args):
            if found[i]:
                g = _fitted(next(contributions), arg)
                sums[i] = g if sums[i] is None else sums[i] + g
    return sums


def _reads(body: Function) -> list[frozenset[int]]:
    """For each output, which of the inputs it depends on."""
    made: list[frozenset[int]] | None = body.cache.get("reads")
    if made is None:
        reads = {(value.node, value.index): frozenset([i]) for i, value in enumerate(body.inputs)}

        def of(values: Iterable[Any]) -> frozenset[int]:
            return frozenset().union(*(reads[x.node, x.index] for x in values if isinstance(x, Value)))

        for node in body.nodes:
            reads[node, 0] = of(node.inputs)
        made = body.cache["reads"] = [of([out]) for out in body.outputs]
    return made


def _dims(x: Any) -> Any:
    return x.dims if isinstance(x, Value) else tuple(x.shape)


def _fitted(g: Any, arg: Any) -> Any:
    """``g`` summed to the shape of ``arg``, unless it is known to have it."""
    wanted = _dims(arg)
    return g if _dims(g) == wanted is not None and None not in wanted else unbroadcast(g, arg)


def _adjoint(body: Function, needs: tuple[bool, ...], given: tuple[bool, ...]) -> tuple[Function, tuple[bool, ...]]:
    """The Function ``(*inputs, *given gradients) -> gradients``, not yet summed over broadcast axes, and who has one.

    It is derived for one element (all shapes are ``()``), so that no broadcasting is undone inside and the result can be one
    kernel again. That is right as long as the given gradients are of one shape.
    """
    key = ("fused adjoint", needs, given)
    made: tuple[Function, tuple[bool, ...]] | None = body.cache.get(key)
    if made is not None:
        return made
    width = len(body.inputs)
    found: list[bool] = []

    def backwards(*values: Any) -> list[Any]:
        inputs = values[:width]
        outs = [out for out, is_given in zip(body(*inputs), given, strict=True) if is_given]
        pairs = [(out, g) for out, g in zip(outs, values[width:], strict=True) if isinstance(out, Value)]
        grads = symbolic([out for out, _ in pairs], [g for _, g in pairs], inputs)
        found.extend(need and g is not None for need, g in zip(needs, grads, strict=True))
        return [g for g, has in zip(grads, found, strict=True) if has]

    dtypes = [v.dtype for v in body.inputs] + [s.dtype for s, is_given in zip(body.specs, given, strict=True) if is_given]
    element, _ = trace(backwards, *(Spec((), dtype) for dtype in dtypes), name=f"{body.name}_adjoint")
    specs = [v.spec for v in body.inputs] + [Spec(None, dtype) for dtype in dtypes[width:]]
    function, _ = trace(element, *specs, name=element.name)
    made = body.cache[key] = (function, tuple(found))
    return made
