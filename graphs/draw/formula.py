"""A node's mathematics as text: its op's formula with its own scalars and attributes put in."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

from graphs.core.arrays import is_array
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.draw.labels import shorten, value_label
from graphs.draw.protocol import arguments


MOST_LINES = 12
"""Lines of a region's formulas."""

LONGEST = 200
"""Characters of a line."""


FORMULAS = {
    "batch_norm": "(x - mean) / sqrt(variance + epsilon) · scale + offset",
    "convolution": "Σ over window and channels of x[window] · w",
    "cumsum": "out[k] = x[0] + … + x[k]",
    "dot": "Σ x · y",
    "embedding": "table[ids]",
    "gelu": "x · (1 + erf(x / √2)) / 2",
    "linear": "x @ weight.T + bias",
    "log_softmax": "x - log Σ exp(x)",
    "logsumexp": "log Σ exp(x)",
    "matmul": "Σₖ x[…, i, k] · y[…, k, j]",
    "matrix_transpose": "out[…, j, i] = x[…, i, j]",
    "max": "max x",
    "mean": "Σ x / n",
    "min": "min x",
    "mse_loss": "(x - y)²",
    "norm": "(Σ |x|^ord)^(1/ord)",
    "nll_loss": "-logs[target]",
    "outer": "x[i] · y[j]",
    "prod": "Π x",
    "softmax": "exp(x) / Σ exp(x)",
    "softmax_cross_entropy_with_logits": "-Σ labels · log softmax(logits)",
    "sparse_softmax_cross_entropy_with_logits": "-log softmax(logits)[labels]",
    "standardize": "(x - mean) / sqrt(variance + epsilon) · scale + offset",
    "std": "sqrt(Σ (x - mean)² / n)",
    "sum": "Σ x",
    "take": "x[indices]",
    "var": "Σ (x - mean)² / n",
}
"""Formulas of ops that no text for one element says."""


def mathematics(node: Any) -> str:
    """The formula of an element where the op has one; of a fused region its lines; empty for others."""
    if "fused" in node.op.traits and isinstance(node.params.get("body"), Function):
        return _region(node.params["body"])
    words = [_word(given) for given in arguments(node)]
    names = [name.lstrip("_") for name in node.op.names]
    return formula(node, [word or name for word, name in zip(words, names, strict=False)]) or FORMULAS.get(node.op.name, "")


def formula(node: Any, words: list[str]) -> str:
    """The text of an element-wise node's op with ``words`` for its arguments; empty where the op has no text."""
    op = node.op
    if not op.text:
        return ""
    given = dict(zip((name.lstrip("_") for name in op.names), words, strict=False))
    given.update(zip(op.names, words, strict=False))
    settings = {**op.attributes, **node.params}
    given.update({name: value_label(value) for name, value in settings.items() if isinstance(value, (bool, int, float))})
    return shorten(_put(op.text, given), LONGEST)


def _word(given: Any) -> str:
    """A scalar written out; empty for anything else."""
    if isinstance(given, (bool, int, float, complex)) or (is_array(given) and given.ndim == 0):
        return value_label(given)
    return ""


def _put(text: str, words: Mapping[str, str]) -> str:
    put = _Put({name: word for name, word in words.items() if word != name})
    return ast.unparse(put.visit(_parsed(text))) if put.words else text


class _Put(ast.NodeTransformer):
    """Exchanges names for expressions, in copies: what was parsed is shared."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {name: self._field(value) for name, value in ast.iter_fields(node)}
        return type(node)(**fields)

    def _field(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.visit(each) for each in value]
        return self.visit(value) if isinstance(value, ast.AST) else value

    def visit_Call(self, node: ast.Call) -> ast.AST:  # what is called is no argument
        return ast.Call(node.func, [self.visit(each) for each in node.args], [self.visit(each) for each in node.keywords])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        word = self.words.get(node.id)
        return node if word is None else _parsed(word)


@cache
def _parsed(text: str) -> ast.AST:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:  # a word that is no expression stands for itself
        return ast.Name(text)


def _region(body: Function) -> str:
    """A line for each node of a body, its inputs called ``x1``, ``x2``, …, its results ``t1``, ``t2``, …"""
    names = {(value.node, value.index): f"x{at}" for at, value in enumerate(body.inputs, 1)}
    lines = []
    for at, node in enumerate(body.nodes, 1):
        words = [names[x.node, x.index] if isinstance(x, Value) else value_label(x) for x in node.inputs]
        for index in range(len(node.specs)):
            names[node, index] = f"t{at}" if len(node.specs) == 1 else f"t{at}_{index}"
        made = ", ".join(names[node, index] for index in range(len(node.specs)))
        said = formula(node, words) or f"{node.op.name}({', '.join(words)})"
        lines.append(f"{made} = {said}")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 2 : -1] = [f"… {len(lines) - MOST_LINES + 1} more"]
    given = ", ".join(names[x.node, x.index] if isinstance(x, Value) else value_label(x) for x in body.outputs)
    return "\n".join([*lines, f"gives {given}"])
