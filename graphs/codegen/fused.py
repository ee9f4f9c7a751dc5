"""The op ``fused``: a region of element-wise ops as one node, with one kernel, one picture and its own gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.autodiff import symbolic
from graphs.codegen import compiled
from graphs.core.function import Function, trace
from graphs.core.node import Value
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
    return [_fitted(next(contributions), arg) if has else None for has, arg in zip(found, args, strict=True)]


def _fitted(g: Any, arg: Any) -> Any:
    """``g`` summed to the shape of ``arg``, unless it is known to have it."""
    shape, wanted = (x.dims if isinstance(x, Value) else x.shape for x in (g, arg))
    return g if shape == wanted is not None and None not in wanted else unbroadcast(g, arg)


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
    function, _ = trace(element, *specs, name=element.name)
    made = body.cache[key] = (function, tuple(found))
    return made
