"""Softmax and cross-entropies, under Theano's names."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.theano.tensor.elementwise import log
from static.theano.variable import as_tensor_variable, floating


def _rows(x: Any) -> Any:
    """A vector as a matrix of one row, which is what Theano's softmax makes of it."""
    x = floating(x)
    return x.dimshuffle("x", 0) if x.ndim == 1 else x


def softmax(c: Any) -> Any:
    """``exp(c)`` over its sum, row by row; of a vector a matrix with one row."""
    return ops.softmax(_rows(c), axis=-1)


def logsoftmax(c: Any) -> Any:
    """The logarithm of ``softmax``."""
    return ops.log_softmax(_rows(c), axis=-1)


def binary_crossentropy(output: Any, target: Any) -> Any:
    """``-(t log(o) + (1 - t) log(1 - o))``, element by element."""
    output = floating(output)
    return -(target * log(output) + (1.0 - target) * log(1.0 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """``binary_crossentropy`` of ``sigmoid(output)``, finite however large ``output`` is."""
    return ops.sigmoid_cross_entropy_with_logits(floating(output), floating(target))


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Any:
    """For each row ``-sum(t log(c))``, or ``-log(c[t])`` where ``true_dist`` is a vector of classes.

    Raises TypeError where its number of dimensions is neither that of ``coding_dist`` nor one less.
    """
    coding, true = floating(coding_dist), as_tensor_variable(true_dist)
    if true.ndim == coding.ndim:
        return -(true * log(coding)).sum(coding.ndim - 1)
    if true.ndim == coding.ndim - 1:
        places = true if true.dtype in ("int32", "int64") else true.astype("int64")
        picked = ops.take_along_axis(log(coding), ops.expand_dims(places, axis=-1), axis=coding.ndim - 1)
        return -ops.squeeze(picked, axis=-1)
    raise TypeError(f"rank mismatch between coding and true distributions: {coding.ndim} and {true.ndim}{at_line()}")


def crossentropy_softmax_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any) -> tuple[Any, Any, Any]:
    """The cross-entropy of ``softmax(x + b)`` with classes, this softmax, and its largest class."""
    out = softmax(as_tensor_variable(x) + b)
    return (
        -logsoftmax(as_tensor_variable(x) + b)[ops.arange_to(out.shape[0] * 0, out.shape[0], 1), y_idx],
        out,
        out.argmax(1),
    )
