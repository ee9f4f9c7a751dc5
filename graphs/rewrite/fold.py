"""The passes without rules: ``fold`` computes what is known before the run, ``cse`` does equal work once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.function import Function
from graphs.core.node import Node, Value
from graphs.rewrite.program import Choice, Program, Rebuild, as_constant, is_pure, known, spec_of, task_of
from graphs.rewrite.records import Log, Record


MOST_FOLDED = 65_536
"""Elements of a result that is computed ahead; a larger one is, only if what it is computed from is no smaller."""

_SMALL = 256
"""Bytes of an array up to which equal ones count as one; larger ones do so where they are the same array."""

_SHAPES_ONLY = frozenset({"shape_of", "size_of", "zeros_like", "ones_like", "full_like"})
"""Ops that read nothing but the shape of their operand."""


def fold(program: Program, log: Log, choice: Choice) -> Program:
    """The program with every node computed whose inputs are known, within ``MOST_FOLDED``."""
    rebuild = Rebuild(program)
    wanted = {root for root in program.roots if isinstance(root, Node)}
    with numpy.errstate(all="ignore"):
        for old in program.nodes:
            node = rebuild.visit(old)
            array = None if old in wanted or node.after else computed(node, program)
            if array is None or not choice.allows("fold"):
                rebuild.keep(rebuild.sweep(node, old, lambda inside: fold(inside, log, choice)))
                continue
            put(rebuild, node, old, array, log, choice)
    return rebuild.finish()


def put(rebuild: Rebuild, node: Any, old: Any, array: ndarray[Any, Any], log: Log, choice: Choice) -> None:
    """Let ``array`` stand for the output of ``node``, which ``rebuild`` has made of ``old``."""
    value = as_constant(rebuild, node, array)
    rebuild.replace(node, old, [value])
    after = [value.node] if isinstance(value, Value) else []
    choice.fired += 1
    log.add(
        Record("fold", "fold", "what is known -> a constant", [node], after, node.outputs, [value], fed=rebuild.program.fed)
    )


def computed(node: Any, program: Program) -> ndarray[Any, Any] | None:
    """The node's output, where it can and may be computed now."""
    op = node.op
    if node.width != 1 or "constant" in op.traits or (program.fed and (node, 0) in program.fed):
        return None
    spec = node.outputs[0].spec
    if op.name in _SHAPES_ONLY:
        given = spec_of(node.inputs[0])
        if not given.known or not is_pure(node) or (spec.size or 0) > MOST_FOLDED:
            return None
        operands: list[Any] = [numpy.broadcast_to(numpy.zeros((), given.dtype), [n or 0 for n in given.shape])]
    else:
        operands = []
        for x in node.inputs:
            value = known(x, program.fed)
            if value is None:
                return None
            operands.append(value)
        if not is_pure(node) or "control" in op.traits or not _is_small(spec.size, operands):
            return None
    try:
        out = op.kernel(numpy, *operands, **node.params)
    except Exception:  # whatever a kernel raises, it is to raise when the program is run
        return None
    if not isinstance(out, (ndarray, numpy.generic)) or out.dtype != spec.dtype or not spec.admits(out.shape):
        return None
    return numpy.asarray(out) if _is_small(out.size, operands) else None


def _is_small(size: int | None, operands: Sequence[Any]) -> bool:
    return size is None or size <= max(MOST_FOLDED, sum(numpy.size(x) for x in operands))


# Common subexpressions


def cse(program: Program, log: Log, choice: Choice) -> Program:
    """The program with nodes of one op, the same inputs and equal attributes merged into the first of them."""
    rebuild = Rebuild(program)
    wanted = {root for root in program.roots if isinstance(root, Node)}
    first: dict[Any, Any] = {}
    for old in program.nodes:
        node = rebuild.visit(old)
        key = _key(node, program) if is_pure(node) or "constant" in node.op.traits else None
        twin = None if key is None else first.setdefault(key, node)
        if twin is None or twin is node or old in wanted or not choice.allows("cse"):
            swept = rebuild.sweep(node, old, lambda inside: cse(inside, log, choice))
            rebuild.keep(swept)
            if twin is node:
                first[key] = swept
            continue
        rebuild.replace(node, old, twin.outputs)
        choice.fired += 1
        log.add(
            Record(
                "cse", "cse", "equal nodes -> one node", [twin, node], [twin], node.outputs, twin.outputs, fed=program.fed
            )
        )
    return rebuild.finish()


def _key(node: Any, program: Program) -> Any:
    """Equal for nodes that yield the same; None where that cannot be told, or another value may be fed."""
    if program.fed and any((node, index) in program.fed for index in range(node.width)):
        return None
    op = node.op
    inputs = tuple([input_key(x) for x in node.inputs])
    if len(inputs) == 2 and "commutative" in op.traits:
        inputs = tuple(sorted(inputs))
    params = node.params
    settings: Any = ()
    if params:
        defaults = op.attributes
        try:
            settings = tuple([(name, attribute_key(params.get(name, default))) for name, default in defaults.items()])
            hash(settings)
        except TypeError:
            return None
    elif op.attributes:
        settings = tuple([(name, attribute_key(default)) for name, default in op.attributes.items()])
    after = node.after and frozenset(node.after)
    task = "" if "constant" in op.traits else task_of(node)
    return (op, inputs, settings, after, tuple([out.spec for out in node.outputs]), task)


def input_key(x: Any) -> tuple[Any, ...]:
    """Equal for inputs that are one value, or numbers and small arrays that are equal to the last bit."""
    if isinstance(x, Value):
        return (0, x.node.serial, x.index)
    if x.__class__ in (bool, int, float, complex):
        return (1, x.__class__.__name__, repr(x))
    return (2, *_array_key(x))


def _array_key(x: Any) -> tuple[str, str]:
    array = numpy.asarray(x)
    if array.nbytes <= _SMALL and not array.dtype.hasobject:
        return f"{array.dtype.str} {array.shape} {array.strides}", array.tobytes().hex()
    return "array", str(id(x))


def attribute_key(value: Any) -> Any:
    """Equal for equal attributes: of numbers type and sign of zero count, of Functions what they do."""
    kind = value.__class__
    if kind in (str, bytes, type(None)):
        return value
    if kind in (bool, int, float, complex):
        return (kind, repr(value))
    if isinstance(value, (tuple, list)):
        return (kind, tuple([attribute_key(item) for item in value]))
    if isinstance(value, ndarray):
        return _array_key(value)
    if isinstance(value, Function):
        return structure(value)
    return value


def structure(body: Function) -> Any:
    """Equal for Functions that do the same in the same order, whatever their nodes are called."""
    made = body.cache.get("structure")
    if made is None:
        numbers: dict[Any, Any] = {(x.node, x.index): (0, i) for i, x in enumerate(body.inputs)}

        def place(x: Any) -> Any:
            return numbers[x.node, x.index] if isinstance(x, Value) else input_key(x)

        steps: list[Any] = []
        for node in body.nodes:
            settings = tuple(sorted((name, attribute_key(value)) for name, value in node.params.items()))
            steps.append((node.op, tuple(map(place, node.inputs)), settings))
            numbers.update({(node, index): (1, len(steps), index) for index in range(node.width)})
        specs = tuple(x.spec for x in body.inputs)
        made = body.cache["structure"] = ("body", specs, tuple(steps), tuple(map(place, body.outputs)))
    return made
