"""The pass ``accumulate``: a weight to which a matrix product is added is changed by one call of BLAS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphs import ops
from graphs.codegen.accumulate import accumulates
from graphs.codegen.primitives import Literal, scalars
from graphs.core.node import Value
from graphs.rewrite import Choice, Log, Program, Record, origins, spec_of
from graphs.rewrite.bounds import Bound
from graphs.rewrite.program import Rebuild, is_pure, is_pure_there, task_of
from static.state import assign_add_op, assign_op, assign_product_op, assign_sub_op, read_op, variable_op


REORDERED = Bound("close", 64, "largest")
"""How far results differ: BLAS adds the terms of the product to the weight, not their sum."""


class _Found(NamedTuple):
    """``variable += sign * scale * product``."""

    product: Any
    scale: Any
    sign: float
    inner: tuple[Any, ...]


def accumulate(program: Program, log: Log, choice: Choice) -> Program:
    """The program with updates like ``w - rate * (x.T @ g)`` as one accumulating matrix product each.

    The product itself must be needed for nothing else.
    """
    uses: dict[Any, int] = {}
    updated: dict[Any, int] = {}
    effects = False
    for node in program.nodes:
        effects = effects or bool(node.writes)
        for x in node.inputs:
            if isinstance(x, Value):
                uses[x.node] = uses.get(x.node, 0) + 1
        if "update" in node.op.traits:
            updated[node.inputs[0].node] = updated.get(node.inputs[0].node, 0) + 1
    for root in program.roots:
        if isinstance(root, Value):
            uses[root.node] = uses.get(root.node, 0) + 1

    def alone(x: Any, variable: Value | None = None) -> bool:
        """Whether one node alone reads ``x``, which is computed in this run and nothing waits for.

        What computes it may read ``variable`` itself, whose one update is the node: it holds the same there.
        """
        if not isinstance(x, Value) or uses.get(x.node) != 1 or (x.node, x.index) in program.fed:
            return False
        if variable is None or effects or x.node.after:
            return is_pure(x.node)
        mutable = [each for each in x.node.inputs if isinstance(each, Value) and "mutable" in each.node.op.traits]
        return is_pure_there(x.node) and all(each.node is variable.node for each in mutable)

    fires: dict[Any, _Found] = {}
    for node in program.nodes:
        found = _found(node, alone) if "update" in node.op.traits and updated[node.inputs[0].node] == 1 else None
        if found is not None and len({task_of(each) for each in (node, *found.inner)}) == 1 and choice.allows("accumulate"):
            fires[node] = found
    products = {found.product.node: found.product.node for found in fires.values()}
    rebuild = Rebuild(program)
    for old in program.nodes:
        node = rebuild.visit(old)
        if old in products:
            products[old] = node
            rebuild.drop(node, old)
            continue
        found = fires.get(old)
        if found is None:
            rebuild.keep(node)
            continue
        x, y = products[found.product.node].inputs
        new = program.kind(
            assign_product_op,
            (node.inputs[0], x, y, rebuild.input(found.scale)),
            {"sign": found.sign},
            tuple(out.spec for out in node.outputs),
            node.name,
            where=node.where,
            after=node.after,
            origins=origins([*found.inner, node]),
        )
        rebuild.keep(new)
        rebuild.replace(node, old, new.outputs)
        choice.fired += 1
        law, before = "w - rate * (x @ y) -> one accumulating product", [*found.inner, node]
        log.add(Record("accumulate", "accumulate", law, before, [new], node.outputs, new.outputs, REORDERED, program.fed))
    return rebuild.finish()


def _found(node: Any, alone: Callable[..., bool]) -> _Found | None:
    """What ``node`` adds to its variable, if it is a product, or one times a number."""
    if node.op not in (assign_op, assign_add_op, assign_sub_op) or not alone(node.inputs[1], node.inputs[0]):
        return None
    variable, value = node.inputs
    inner = value.node
    if node.op is assign_op:
        return _stepped(variable, inner, alone)
    sign = 1.0 if node.op is assign_add_op else -1.0
    if inner.op is ops.multiply:
        for product, scale in (inner.inputs, inner.inputs[::-1]):
            if _is_product(product, variable, alone) and _is_number(scale, variable):
                return _Found(product, scale, sign, (product.node, inner))
    return _Found(value, 1.0, sign, (inner,)) if _is_product(value, variable, alone) else None


def _stepped(variable: Value, inner: Any, alone: Callable[..., bool]) -> _Found | None:
    """An optimiser's step ``p - g * rate``, assigned to the variable that ``p`` is."""
    body = scalars(inner.params["body"]) if "fused" in inner.op.traits else None
    if body is None or [call.name for call in body.calls] != ["multiply", "subtract"] or len(inner.outputs) != 1:
        return None
    times, minus = body.calls
    width = len(body.inputs)
    p = minus.args[0]
    if minus.args[1] != width or isinstance(p, Literal) or p >= width or not _is_variable(inner.inputs[p], variable):
        return None
    for g, rate in (times.args, times.args[::-1]):
        if isinstance(g, Literal) or g >= width or g == p:
            continue
        scale = rate.value if isinstance(rate, Literal) else inner.inputs[rate] if rate < width else None
        product = inner.inputs[g]
        if scale is not None and _is_number(scale, variable) and _is_product(product, variable, alone):
            return _Found(product, scale, -1.0, (product.node, inner))
    return None


def _is_variable(x: Any, variable: Value) -> bool:
    """Whether ``x`` is what the variable holds before the update: itself, or read as the run found it."""
    if not isinstance(x, Value):
        return False
    node: Any = x.node
    read = node.op is read_op and not node.after and node.inputs[0].node is variable.node
    return node is variable.node or read


def _is_number(x: Any, variable: Value) -> bool:
    if isinstance(x, (int, float)):
        return True
    return isinstance(x, Value) and spec_of(x).dims == () and spec_of(x).dtype == spec_of(variable).dtype


def _is_product(x: Any, variable: Value, alone: Callable[..., bool]) -> bool:
    """Whether ``x`` is a product of matrices in the variable's shape and dtype, which nothing else needs."""
    if not alone(x) or x.node.op is not ops.matmul or variable.node.op is not variable_op:
        return False
    spec, wanted = spec_of(x), spec_of(variable)
    if spec != wanted or not spec.known or len(spec.shape) != 2 or not accumulates(spec.dtype):
        return False
    operands = [spec_of(each) for each in x.node.inputs]
    return all(each.known and len(each.shape) == 2 and each.dtype == spec.dtype for each in operands)
