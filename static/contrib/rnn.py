"""``tf.contrib.rnn``: cells and what runs them, under the names that they had there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from static.array import concat
from static.rnn.blocks import (
    GRUBlockCell as GRUBlockCell,
    GRUBlockCellV2 as GRUBlockCellV2,
    LSTMBlockCell as LSTMBlockCell,
)
from static.rnn.cell import (
    BasicLSTMCell as BasicLSTMCell,
    BasicRNNCell as BasicRNNCell,
    DeviceWrapper as DeviceWrapper,
    DropoutWrapper as DropoutWrapper,
    EmbeddingWrapper as EmbeddingWrapper,
    GRUCell as GRUCell,
    InputProjectionWrapper as InputProjectionWrapper,
    LSTMCell as LSTMCell,
    LSTMStateTuple as LSTMStateTuple,
    MultiRNNCell as MultiRNNCell,
    OutputProjectionWrapper as OutputProjectionWrapper,
    ResidualWrapper as ResidualWrapper,
    RNNCell as RNNCell,
)
from static.rnn.cells import LayerRNNCell as LayerRNNCell
from static.rnn.normed import (
    CoupledInputForgetGateLSTMCell as CoupledInputForgetGateLSTMCell,
    LayerNormBasicLSTMCell as LayerNormBasicLSTMCell,
)
from static.rnn.projections import HighwayWrapper as HighwayWrapper
from static.rnn.running import (
    bidirectional_dynamic_rnn,
    static_bidirectional_rnn as static_bidirectional_rnn,
    static_rnn as static_rnn,
)
from static.scopes import variable_scope


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, Any, Any]:
    """Bidirectional layers one upon another: the outputs of the last, side by side, and all last states of both ways."""
    if not isinstance(cells_fw, list) or not isinstance(cells_bw, list) or not cells_fw or len(cells_fw) != len(cells_bw):
        raise ValueError("cells_fw and cells_bw are lists of cells (one or more), as long as each other")
    states_fw, states_bw = [], []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (forward, back) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{i}"):
                outputs, (last_fw, last_bw) = bidirectional_dynamic_rnn(
                    forward,
                    back,
                    inputs,
                    sequence_length,
                    initial_states_fw[i] if initial_states_fw else None,
                    initial_states_bw[i] if initial_states_bw else None,
                    dtype,
                    time_major=time_major,
                )
                inputs = concat(list(outputs), 2)
            states_fw.append(last_fw)
            states_bw.append(last_bw)
    return inputs, tuple(states_fw), tuple(states_bw)
