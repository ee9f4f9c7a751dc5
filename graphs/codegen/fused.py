"""The op ``fused``: a region of element-wise ops as one node, with one kernel, one picture and its own gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.autodiff import symbolic
from graphs.codegen import compiled
from graphs.core.errors import DtypeError
from graphs.core.function import Function, trace
from graphs.core.node import Value
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, broadcast
from graphs.ops.shape import unbroadcast


def _shapes(*specs: Spec, body: Function, **_: Any) -> Any:
    """The outputs' shapes: each is what the operands that reach it broadcast to."""
    dims: dict[Any, Shape] = {(v.node, v.index): s.shape for v, s in zip(body.inputs, specs, strict=True)}

    def of(x: Any) -> Shape:
        return dims[x.node, x.index] if isinstance(x, Value) else Spec.of(x).shape

    for node in body.nodes:
        dims[node, 0] = broadcast(*(of(x) for x in node.inputs))
    shapes = tuple(of(out) for out in body.outputs)
    return shapes if len(shapes) > 1 else shapes[0]


def _dtypes(*dtypes: Any, body: Function, **_: Any) -> Any:
    """The outputs' dtypes; raises DtypeError where the operands are not of the dtypes that the body was traced with."""
    wanted = [value.dtype for value in body.inputs]
    if list(dtypes) != wanted:
        raise DtypeError(f"{body.name} was made for {', '.join(d.name for d in wanted)}")
    made = tuple(spec.dtype for spec in body.specs)
    return made if len(made) > 1 else made[0]


@op(_shapes, dtype=_dtypes, traits={"fused"})
def fused(xp: Any, *arrays: Any, body: Function, label: str = "") -> Any:
    """The outputs of ``body``, a Function of element-wise ops, on ``arrays``; ``label`` is its name in pictures."""
    results = compiled(body)(arrays)
    return results if len(results) > 1 else results[0]


@fused.joint_vjp
def _fused_gradients(
    needs: Sequence[bool], gs: Sequence[Any], _outs: Sequence[Any], args: Sequence[Any], *, body: Function, label: str
) -> list[Any]:
    given = tuple(g is not None for g in gs)
    made, found = _adjoint(body, tuple(needs), given)
    operands = [*args, *(g for g in gs if g is not None)]
    if all(node.op.elementwise for node in made.nodes):
        out = fused(*operands, body=made, label=f"{label} gradient".strip()) if made.outputs else ()
        contributions = iter(out if len(made.outputs) > 1 else (out,))
    else:
        contributions = iter(made(*operands))
    return [unbroadcast(next(contributions), arg) if has else None for has, arg in zip(found, args, strict=True)]


def _adjoint(body: Function, needs: tuple[bool, ...], given: tuple[bool, ...]) -> tuple[Function, tuple[bool, ...]]:
    """The Function ``(*inputs, *given gradients) -> gradients``, not yet summed over broadcast axes, and who has one.

    It is derived for one element (all shapes are ``()``), so that no broadcasting is undone inside and the result can be one
    kernel again.
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
    function, _ = trace(lambda *values: element(*values), *specs, name=element.name)
    made = body.cache[key] = (function, tuple(found))
    return made
