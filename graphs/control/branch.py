"""The branch: ``cond``, ``case`` and their gradients are this one op over several bodies, one of which is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.control.adjoint import Adjoint, adjoint, computed, smooth
from graphs.control.loop_text import boxes
from graphs.control.program import Draw, Program, home, undrawn
from graphs.control.specs import branch_dtypes, branch_shapes
from graphs.core.function import Function
from graphs.core.node import Value, new_parameter
from graphs.core.op import op
from graphs.ops.shape import zeros_like


@op(branch_shapes, dtype=branch_dtypes, traits={"control"})
def branch(
    xp: Any,
    index: Any,
    *operands: Any,
    branches: tuple[Function, ...],
    owners: tuple[int, ...] = (),
    emits: tuple[int, ...] = (0, 0),
    record: bool = False,
    key: Draw | None = None,
) -> Any:
    """What ``branches[index]`` yields; the others are not run.

    Args:
        index: an integer or bool scalar.
        operands: what all branches take, then boxes: object arrays that hold what one branch takes, empty where the branch
            they belong to had not been run.
        branches: ``(*shared operands, *its own from the boxes) -> (*results, *what it puts into boxes)``.
        owners: for each box among the operands, the branch it belongs to.
        emits: how many boxes each branch fills; those of a branch that is not run are empty.
        record: yield as well what each branch computes, as boxes.
    """
    chosen = int(index)
    if not 0 <= chosen < len(branches):
        raise IndexError(f"branch {chosen} of {len(branches)}")
    body = branches[chosen]
    shared = len(operands) - len(owners)
    given = [*operands[:shared], *(box[0] for box, i in zip(operands[shared:], owners, strict=True) if i == chosen)]
    results = len(body.outputs) - emits[chosen]
    setting = ("branch", record, home(xp))
    kernel: Callable[..., Any] | None = body.cache.get(setting)
    if kernel is None:
        kernel = body.cache[setting] = _program(body, record).compiled(f"branch {body.name}", xp)
    out = kernel(xp, undrawn if key is None else key, *given)
    made = list(out[:results])
    for i, count in enumerate(emits):
        made += [boxes([x]) for x in out[results : results + count]] if i == chosen else [boxes([]) for _ in range(count)]
    if record:
        computed_ = [boxes([x]) for x in out[results + emits[chosen] :]]
        for i, other in enumerate(branches):
            made += computed_ if i == chosen else [boxes([]) for _ in computed(other)]
    return tuple(made) if len(made) > 1 else made[0] if made else ()


def _program(body: Function, record: bool) -> Program:
    """A branch as text."""
    args = [f"a{i}" for i in range(len(body.inputs))]
    program = Program(f"def kernel({', '.join(['xp', 'draw', *args])}):")
    values = computed(body) if record else ()
    registers = program.inline(body, args, 1, values)
    results = [program.value(x, registers) for x in (*body.outputs, *values)]
    program.line(1, f"return ({''.join(f'{x}, ' for x in results)})")
    return program


@branch.joint_vjp
def _gradients(
    needs: Sequence[bool],
    gs: Sequence[Any],
    outs: Sequence[Any],
    args: Sequence[Any],
    *,
    branches: tuple[Function, ...],
    owners: tuple[int, ...],
    emits: tuple[int, ...],
    record: bool,
    key: Draw | None,
) -> list[Any]:
    if not record:
        outs = branch(*args, branches=branches, owners=owners, emits=emits, record=True, key=key)
        gs = [*gs, *[None] * (len(outs) - len(gs))]
    width = len(args) - 1 - len(owners)
    shared, given = args[1 : 1 + width], args[1 + width :]
    results = len(branches[0].outputs) - emits[0]
    backs: list[Adjoint] = []
    sources: list[list[int]] = []  # for each branch the outputs from which gradients flow into it
    inputs: list[list[int]] = []
    for i, body in enumerate(branches):
        own = [n for n, owner in enumerate(owners) if owner == i]
        needed = [*needs[1 : 1 + width], *(needs[1 + width + n] for n in own)]
        flowing = {n: value for n, value in _outputs(branches, emits, i).items() if gs[n] is not None and smooth(value)}
        wants = [n for n, x in enumerate(body.inputs) if needed[n] and smooth(x)]
        sources.append(list(flowing))
        inputs.append(wants)
        backs.append(adjoint(body, list(flowing.values()), [body.inputs[n] for n in wants]))
    grads = [dict(zip(wants, back.grads, strict=True)) for wants, back in zip(inputs, backs, strict=True)]
    flows = [n for n in range(width) if any(each.get(n) is not None for each in grads)]

    # Operands of the way back: what all its branches take, then boxes, each with the branch it is for.
    common: list[Any] = [gs[n] for n in range(results) if gs[n] is not None]
    place = {n: k for k, n in enumerate(n for n in range(results) if gs[n] is not None)}
    at = {n: len(common) + k for k, n in enumerate(range(width))}
    specs = [_spec(branches, n) for n in place]
    common += shared
    boxed: list[tuple[Any, int]] = []
    functions: list[Function] = []
    fills: list[list[int]] = []
    for i, (body, back) in enumerate(zip(branches, backs, strict=True)):
        own = [n for n, owner in enumerate(owners) if owner == i]
        params: list[Value | None] = [None] * len(common)
        mine: list[Value] = []
        for n, seed in zip(sources[i], back.seeds, strict=True):
            if n in place:
                params[place[n]] = seed
            else:
                boxed.append((gs[n], i))
                mine.append(seed)
        values = {(x.node, x.index): n for n, x in _outputs(branches, emits, i, computed_only=True).items()}
        ins = {(x.node, x.index): n for n, x in enumerate(body.inputs)}
        for value, stand in zip(back.kept, back.stands, strict=True):
            position = ins.get((value.node, value.index))
            if position is not None and position < width:
                params[at[position]] = stand
                continue
            box = outs[values[value.node, value.index]] if position is None else given[own[position - width]]
            boxed.append((box, i))
            mine.append(stand)
        shape = [*specs, *(x.spec for x in body.inputs[:width])]
        full = [new_parameter(spec) if x is None else x for x, spec in zip(params, shape, strict=True)]
        outputs = [zeros_like(full[at[n]]) if grads[i].get(n) is None else grads[i][n] for n in flows]
        filled = [n for n in inputs[i] if n >= width and grads[i][n] is not None]
        fills.append([1 + width + own[n - width] for n in filled])
        functions.append(Function([*full, *mine], [*outputs, *(grads[i][n] for n in filled)], f"{body.name}_adjoint"))
    result: list[Any] = [None] * len(args)
    if not flows and not any(fills):
        return result
    found = branch(
        args[0],
        *common,
        *(box for box, _ in boxed),
        branches=tuple(functions),
        owners=tuple(owner for _, owner in boxed),
        emits=tuple(map(len, fills)),
        record=record,
    )
    targets = [*(1 + n for n in flows), *(n for each in fills for n in each)]
    for n, g in zip(targets, found if isinstance(found, tuple) else (found,), strict=False):
        result[n] = g
    return [g if need else None for g, need in zip(result, needs, strict=True)]


def _outputs(branches: tuple[Function, ...], emits: tuple[int, ...], i: int, computed_only: bool = False) -> dict[int, Any]:
    """The values of branch ``i`` by the place they have among the op's outputs."""
    body = branches[i]
    results = len(body.outputs) - emits[i]
    place = results + sum(emits) + sum(len(computed(other)) for other in branches[:i])
    found = {place + n: value for n, value in enumerate(computed(body))}
    if computed_only:
        return found
    before = results + sum(emits[:i])
    own = {before + n: value for n, value in enumerate(body.outputs[results:])}
    return {**dict(enumerate(body.outputs[:results])), **own, **found}


def _spec(branches: tuple[Function, ...], n: int) -> Any:
    return next((body.outputs[n].spec for body in branches if isinstance(body.outputs[n], Value)), None)
