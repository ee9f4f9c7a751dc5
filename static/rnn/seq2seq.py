"""From sequences to sequences, unrolled: decoders that may be fed what they said, and losses over steps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphs.core.errors import at_line
from graphs.ops import sparse_softmax_cross_entropy_with_logits, stop_gradient
from static.array import reshape, shape
from static.branches import cond
from static.calls import cast
from static.embedding import embedding_lookup
from static.graph import get_default_graph
from static.math import add_n, div_no_nan, matmul, not_equal
from static.nest import flatten, pack_sequence_as
from static.reductions import argmax, reduce_sum
from static.rnn.projections import EmbeddingWrapper, OutputProjectionWrapper
from static.rnn.running import static_rnn
from static.scopes import get_variable_scope, variable_scope
from static.store import get_variable
from static.tensor import convert_to_tensor


Fed = Callable[[Any, int], Any]


def rnn_decoder(
    decoder_inputs: Iterable[Any], initial_state: Any, cell: Any, loop_function: Fed | None = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """The outputs of ``cell`` over the list of inputs, from ``initial_state``, and its last state.

    With ``loop_function(previous output, step)`` that makes all inputs but the first.
    """
    with variable_scope(scope or "rnn_decoder"):
        state = initial_state
        outputs: list[Any] = []
        for i, x in enumerate(decoder_inputs):
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    x = loop_function(outputs[-1], i)
            if i:
                get_variable_scope().reuse_variables()
            output, state = cell(x, state)
            outputs.append(output)
    return outputs, state


def basic_rnn_seq2seq(
    encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any], cell: Any, dtype: Any = "float32", scope: Any = None
) -> tuple[list[Any], Any]:
    """The outputs and last state of a decoder that starts where an encoder ended; each has its own copy of ``cell``."""
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    loop_function: Fed | None = None,
    dtype: Any = "float32",
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """As ``basic_rnn_seq2seq``, with the same variables for both."""
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, scope)


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A decoder of symbols, which are embedded; with ``feed_previous`` all but the first are what it said itself.

    ``output_projection`` is a pair (weights, biases) that makes symbols of outputs. With ``update_embedding_for_previous``
    false no gradient goes through the embedding of what was said.
    """
    with variable_scope(scope or "embedding_rnn_decoder") as entered:
        if output_projection is not None:
            weights, biases = (convert_to_tensor(x, preferred_dtype=entered.dtype) for x in output_projection)
            weights.shape.assert_is_compatible_with([None, num_symbols])
            biases.shape.assert_is_compatible_with([num_symbols])
        table = get_variable("embedding", [num_symbols, embedding_size])

        def said(previous: Any, _: int) -> Any:
            scores = previous if output_projection is None else matmul(previous, weights) + biases
            found = embedding_lookup(table, argmax(scores, 1))
            return found if update_embedding_for_previous else stop_gradient(found)

        embedded = (embedding_lookup(table, x) for x in decoder_inputs)
        return rnn_decoder(embedded, initial_state, cell, said if feed_previous else None)


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """The outputs and last state of a decoder of symbols that starts where an encoder of symbols ended.

    Without ``output_projection`` the outputs are scores of the symbols. ``feed_previous`` may be a tensor.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq") as entered:
        if dtype is not None:
            entered.set_dtype(dtype)
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or entered.dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
        settings = (num_decoder_symbols, embedding_size, output_projection)
        if isinstance(feed_previous, bool):
            return embedding_rnn_decoder(decoder_inputs, state, cell, *settings, feed_previous)

        def decoded(feeds: bool) -> list[Any]:
            with variable_scope(get_variable_scope(), reuse=None if feeds else True):
                outputs, last = embedding_rnn_decoder(decoder_inputs, state, cell, *settings, feeds, False)
            return [*outputs, *flatten(last)]

        found = cond(feed_previous, lambda: decoded(True), lambda: decoded(False))
        steps = len(decoder_inputs)
        return list(found[:steps]), pack_sequence_as(state, found[steps:])


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """The cross entropy of each example, (batch,): summed over lists of logits, targets and weights, a step each.

    ``average_across_timesteps`` divides by the sum of the weights. Raises ValueError where the lists' lengths differ.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            "Lengths of logits, weights, and targets must be the same "
            f"{len(logits)}, {len(weights)}, {len(targets)}.{at_line()}"
        )
    with get_default_graph().name_scope(name or "sequence_loss_by_example"):
        factors = [convert_to_tensor(x) for x in weights]
        losses = [
            _cross_entropy(reshape(target, [-1]) if softmax_loss_function is None else target, x, softmax_loss_function) * w
            for x, target, w in zip(logits, targets, factors, strict=True)
        ]
        total = add_n(losses)
        return total / (add_n(factors) + 1e-12) if average_across_timesteps else total


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """The sum of ``sequence_loss_by_example``, a scalar; divided by the number of examples if ``average_across_batch``."""
    with get_default_graph().name_scope(name or "sequence_loss"):
        cost = reduce_sum(
            sequence_loss_by_example(logits, targets, weights, average_across_timesteps, softmax_loss_function)
        )
        return cost / cast(shape(targets[0])[0], cost.dtype) if average_across_batch else cost


def _cross_entropy(labels: Any, logits: Any, function: Callable[..., Any] | None) -> Any:
    if function is not None:
        return function(labels=labels, logits=logits)
    return sparse_softmax_cross_entropy_with_logits(convert_to_tensor(logits), convert_to_tensor(labels))


def sequence_loss_of_tensors(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """The cross entropy of logits (batch, time, classes) at targets (batch, time), weighted by weights (batch, time).

    It is summed over the axes asked for and divided by the weights' sum there (``average_...``) or by how many of them are
    not 0 (``sum_over_...``); along the other axes it stays. Raises ValueError for other ranks or both ways for one axis.
    """
    logits, targets, weights = (convert_to_tensor(x) for x in (logits, targets, weights))
    for x, rank, what in ((logits, 3, "Logits"), (targets, 2, "Targets"), (weights, 2, "Weights")):
        if x.shape.ndims != rank:
            dims = "[batch_size x sequence_length x logits]" if rank == 3 else "[batch_size x sequence_length]"
            raise ValueError(f"{what} must be a {dims} tensor, not of shape {x.shape}{at_line()}")
    for average, total, axis in (
        (average_across_timesteps, sum_over_timesteps, "timesteps"),
        (average_across_batch, sum_over_batch, "batch"),
    ):
        if average and total:
            raise ValueError(f"average_across_{axis} and sum_over_{axis} cannot be set to True at same time.{at_line()}")
    with get_default_graph().name_scope(name or "sequence_loss"):
        flat = reshape(logits, [-1, shape(logits)[2]])
        losses = _cross_entropy(reshape(targets, [-1]), flat, softmax_loss_function) * reshape(weights, [-1])
        counted = cast(weights, losses.dtype)
        losses = reshape(losses, shape(logits)[:2])
        if average_across_timesteps and average_across_batch:
            axes, by_count = [0, 1], False
        elif sum_over_timesteps and sum_over_batch:
            axes, by_count = [0, 1], True
        elif average_across_timesteps or average_across_batch:
            axes, by_count = [0 if average_across_batch else 1], False
        elif sum_over_timesteps or sum_over_batch:
            axes, by_count = [0 if sum_over_batch else 1], True
        else:
            return losses
        size = reduce_sum(cast(not_equal(counted, 0.0), losses.dtype) if by_count else counted, axes)
        return div_no_nan(reduce_sum(losses, axes), size)
