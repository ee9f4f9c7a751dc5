"""``dynamic_rnn`` and its kin: cells run over sequences, as one loop of the graph or unrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from graphs.core.spec import Spec
from static.array import concat, range_, reverse, shape, stack, transpose, zeros
from static.bodies import Traced, trace
from static.calls import cast
from static.control import while_loop
from static.functional import loop_over
from static.graph import Operation, get_default_graph
from static.math import reduce_all
from static.nest import flatten, map_structure, pack_sequence_as
from static.rnn.cells import batch_of, map_structure_of_sizes, sizes_of
from static.scopes import variable_scope
from static.segments import reverse_sequence
from static.shapes import TensorShape
from static.tensor import apply, convert_to_tensor
from static.tensor_array import TensorArray


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """The outputs of ``cell`` over ``inputs``, and its last state. The number of steps may differ from run to run.

    Args:
        inputs: (batch, time, ...), or with ``time_major`` (time, batch, ...); or a structure of such tensors.
        sequence_length: (batch,) integers: past its end an example's outputs are zeros and its state stays.
        initial_state: by default zeros of ``dtype``.
        scope: the variable scope, by default ``rnn``.

    It is one loop forward and one backward. Raises ValueError where neither state nor dtype is given, or shapes do not fit.
    """
    if not hasattr(cell, "state_size") or not callable(cell):
        raise TypeError(f"The argument 'cell' ({cell!r}) is not an RNNCell{at_line()}")
    with variable_scope(scope or "rnn"):
        graph = get_default_graph()
        given = [convert_to_tensor(x) for x in flatten(inputs)]
        for x in given:
            if x.shape.ndims is not None and x.shape.ndims < 2:
                raise ValueError(f"inputs have the dimensions batch and time; {x.name} has shape {x.shape}{at_line()}")
        if not time_major:
            given = [_swapped(x) for x in given]
        batch = _batch(given[0])
        state = _initial(cell, batch, initial_state, dtype)
        steps = given[0].spec.dims[0] if given[0].spec.dims else None
        length = shape(given[0])[0] if steps is None else steps
        whole = list(given)
        if sequence_length is not None:
            lengths = _lengths(sequence_length, given[0])
            whole.append(ops.expand_dims(lengths, axis=0) > ops.expand_dims(range_(length), axis=1))
        with graph.name_scope("while") as name:
            outputs, last = _looped(cell, graph, name, length, inputs, whole, state, sequence_length is not None)
        for x in flatten(outputs):
            if x.shape.ndims is not None:
                x.set_shape([steps, *x.shape.as_list()[1:]])
        if not time_major:
            outputs = map_structure(_swapped, outputs)
        return outputs, last


def _swapped(x: Any) -> Any:
    """``x`` with batch and time exchanged."""
    rank = x.shape.ndims
    if rank is None:
        raise ValueError(f"the rank of inputs has to be known while the graph is being built ({x.name}){at_line()}")
    return transpose(x, [1, 0, *range(2, rank)])


def _batch(x: Any) -> Any:
    dims = x.spec.dims
    return shape(x)[1] if dims is None or dims[1] is None else dims[1]


def _initial(cell: Any, batch: Any, initial_state: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return map_structure(convert_to_tensor, initial_state)
    if dtype is None:
        raise ValueError(f"If there is no initial_state, you must give a dtype.{at_line()}")
    return cell.zero_state(batch, dtype)


def _lengths(sequence_length: Any, x: Any) -> Any:
    lengths = cast(convert_to_tensor(sequence_length), "int32")
    if lengths.shape.ndims not in (None, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}{at_line()}")
    return lengths


def _looped(
    cell: Any, graph: Any, name: str, length: Any, inputs: Any, whole: list[Any], state: Any, masked: bool
) -> tuple[Any, Any]:
    first = flatten(state)
    slices = [Spec(None if x.spec.dims is None else x.spec.dims[1:], x.spec.dtype) for x in whole]
    structures: list[Any] = []

    def build(*params: Any) -> tuple[list[Any], list[Operation]]:
        before, now = params[: len(first)], params[len(first) :]
        own = now[:-1] if masked else now
        output, new = cell(pack_sequence_as(inputs, own), pack_sequence_as(state, before))
        structures[:] = [output]
        results, states = flatten(output), flatten(new)
        if len(states) != len(first):
            raise ValueError(f"the cell gives a state of {len(states)} parts for one of {len(first)}{at_line()}")
        if masked:
            results = [_where(now[-1], x, ops.zeros_like(x)) for x in results]
            states = [_where(now[-1], x, old) for x, old in zip(states, before, strict=True)]
        for x, old in zip(states, before, strict=True):
            if x.dtype != old.dtype or not x.shape.is_compatible_with(old.shape):
                raise ValueError(
                    f"the cell gives a state of {x.dtype.name} {x.shape} for one of {old.dtype.name} {old.shape}{at_line()}"
                )
        return [*states, *results], []

    outputs, effects, body, params = trace(graph, "while loop", name, [*(x.spec for x in first), *slices], build)
    last, stacked = loop_over(graph, name, length, first, whole, Traced(body, params, outputs, effects), False)
    for x, old in zip(last, first, strict=True):
        x.set_shape(old.shape)
    return pack_sequence_as(structures[0], stacked), pack_sequence_as(state, last)


def _where(mask: Any, new: Any, old: Any) -> Any:
    """``new`` for the examples that ``mask`` marks, ``old`` for the others."""
    rank = new.shape.ndims
    if rank == 0:
        return new
    wide = mask if rank in (None, 1) else ops.expand_dims(mask, axis=tuple(range(1, rank)))
    return apply(ops.where, wide, new, old, node="Select")


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Two cells over ``inputs``, one from each end: pairs of their outputs (both in the order of time) and last states.

    Arguments are those of ``dynamic_rnn``.
    """
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            forward, last_fw = dynamic_rnn(
                cell_fw, inputs, sequence_length, initial_state_fw, dtype, time_major=time_major, scope=fw_scope
            )

        def turned(x: Any) -> Any:
            if sequence_length is not None:
                batch = 1 if time_major else 0
                return reverse_sequence(x, sequence_length, seq_axis=1 - batch, batch_axis=batch)
            return reverse(x, [0 if time_major else 1])

        with variable_scope("bw") as bw_scope:
            turned_inputs = map_structure(lambda x: turned(convert_to_tensor(x)), inputs)
            back, last_bw = dynamic_rnn(
                cell_bw, turned_inputs, sequence_length, initial_state_bw, dtype, time_major=time_major, scope=bw_scope
            )
        return (forward, map_structure(turned, back)), (last_fw, last_bw)


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """The list of the outputs of ``cell`` over the list ``inputs``, and its last state: a step of the graph for each.

    Arguments are those of ``dynamic_rnn``.
    """
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "rnn") as entered:
        steps = [map_structure(convert_to_tensor, x) for x in inputs]
        state = _initial(cell, batch_of(flatten(steps[0])[0]), initial_state, dtype)
        lengths = None if sequence_length is None else _lengths(sequence_length, steps[0])
        outputs = []
        for time, x in enumerate(steps):
            if time:
                entered.reuse_variables()
            output, new = cell(x, state)
            if lengths is not None:
                mask = lengths > time
                output = map_structure(lambda y, mask=mask: _where(mask, y, ops.zeros_like(y)), output)
                new = map_structure(lambda y, old, mask=mask: _where(mask, y, old), new, state)
            outputs.append(output)
            state = new
        return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """Two cells over the list ``inputs``, one from each end: their outputs side by side, and the last states of both."""
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            forward, last_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw_scope)
        with variable_scope("bw") as bw_scope:
            back, last_bw = static_rnn(
                cell_bw, _turned(inputs, sequence_length), initial_state_bw, dtype, sequence_length, bw_scope
            )
        back = _turned(back, sequence_length)
        return [concat([x, y], 1) for x, y in zip(forward, back, strict=True)], last_fw, last_bw


def _turned(steps: Sequence[Any], sequence_length: Any) -> list[Any]:
    """The steps in reverse, those of each example within its length."""
    if sequence_length is None:
        return list(reversed(steps))
    whole = reverse_sequence(stack(list(steps), 0), sequence_length, seq_axis=0, batch_axis=1)
    return [whole[i] for i in range(len(steps))]


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """``cell`` run as ``loop_fn`` says: what it emits (``TensorArray``), the last state, the last loop state.

    ``loop_fn(time, cell_output, cell_state, loop_state)`` returns ``(finished, next_input, next_cell_state, emit_output,
    next_loop_state)``; first it is called with time 0 and None for the rest, and ``emit_output`` is then what says of shapes
    and dtypes what is emitted (None: as the cell's output).
    """
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn"):
        time = convert_to_tensor(0, "int32")
        finished, next_input, state, emit, loop_state = loop_fn(time, None, None, None)
        first = flatten(next_input)[0]
        batch = batch_of(first)
        if emit is None:
            structure = cell.output_size
            dtype = flatten(state)[0].dtype
            empty = map_structure_of_sizes(lambda size: zeros([batch, *sizes_of(size)], dtype), structure)
        else:
            structure = emit
            empty = map_structure(lambda x: zeros([batch, *TensorShape(x.shape).as_list()], x.dtype), emit)
        arrays = [
            TensorArray(x.dtype, size=0, dynamic_size=True, element_shape=x.shape if x.shape.is_fully_defined() else None)
            for x in flatten(empty)
        ]
        extra = [] if loop_state is None else flatten(loop_state)
        given = [time, convert_to_tensor(finished), *flatten(next_input), *flatten(state), *extra, *arrays]
        sizes = [len(flatten(next_input)), len(flatten(state)), len(extra)]

        def body(now: Any, done: Any, *rest: Any) -> list[Any]:
            ins, old, loop_old, out = _cut(rest, sizes)
            output, new = cell(pack_sequence_as(next_input, ins), pack_sequence_as(state, old))
            packed = None if loop_state is None else pack_sequence_as(loop_state, loop_old)
            found, following, now_state, emitted, loop_new = loop_fn(now + 1, output, new, packed)
            emitted = output if emitted is None else emitted
            results = [_where(done, ops.zeros_like(y), y) for y in flatten(emitted)]
            states = [_where(done, x, y) for x, y in zip(old, flatten(now_state), strict=True)]
            written = [array.write(now, y) for array, y in zip(out, results, strict=True)]
            kept = loop_old if loop_state is None else flatten(loop_new)
            return [now + 1, ops.logical_or(done, found), *flatten(following), *states, *kept, *written]

        ended = while_loop(lambda _, done, *__: ops.logical_not(reduce_all(done)), body, given)
        _, last, loop_last, out = _cut(ended[2:], sizes)
        emitted = pack_sequence_as(structure, out)
        packed = None if loop_state is None else pack_sequence_as(loop_state, loop_last)
        return emitted, pack_sequence_as(state, last), packed


def _cut(values: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    """``values`` cut into pieces of ``sizes`` and the rest."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(list(values[start : start + size]))
        start += size
    return [*pieces, list(values[start:])]
