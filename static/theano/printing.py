"""``theano.printing``: graphs as text, and values printed while a function runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from graphs.core.node import Value
from graphs.core.op import first_dtype, like_first
from static.effects import effect
from static.state import constant_op, read_op
from static.tensor import apply
from static.theano.functions import Function
from static.theano.sharing import shared_variables
from static.theano.variable import TensorVariable, as_tensor_variable


@effect("theano_print", like_first, first_dtype, "stateful", "view")
def _print_op(xp: Any, x: Any, *, message: str, attrs: tuple[str, ...]) -> Any:
    """``x``, after ``message`` and its ``attrs`` have gone to the standard output."""
    for name in attrs:
        found = getattr(x, name)
        print(message, name, "=", found() if callable(found) else found, flush=True)
    return x


_print_op.joint_vjp(lambda _needs, gs, _outs, _args: gs)


class Print:
    """Called on a variable, it gives the same value, which is printed after ``message`` each time it is computed."""

    def __init__(self, message: str = "", attrs: Sequence[str] = ("__str__",)) -> None:
        self.message = message
        self.attrs = tuple(attrs)

    def __call__(self, x: Any) -> Any:
        """``x``, printed when it is computed."""
        given = as_tensor_variable(x)
        return TensorVariable(apply(_print_op, given.tensor, message=self.message, attrs=self.attrs), given.name)


def debugprint(obj: Any, depth: int = -1, print_type: bool = False, file: TextIO | str | None = None, **_: Any) -> Any:
    """Print what a variable, a function or a list of them is computed from, an op a line, indented by depth.

    What has been shown is not followed again. Into ``file``, by default the standard output; ``"str"`` returns the text.
    """
    each = obj if isinstance(obj, (list, tuple)) else [obj]
    roots = [x for one in each for x in (one.outputs if isinstance(one, Function) else [as_tensor_variable(one).tensor])]
    text = "".join(f"{line}\n" for line in _lines(roots, depth, print_type))
    if file == "str":
        return text
    print(text, end="", file=sys.stdout if file is None else file)  # type: ignore[arg-type]
    return None


def _lines(roots: Sequence[Any], depth: int, print_type: bool) -> list[str]:
    names = {x.tensor.node: str(x) for root in roots for x in shared_variables(root.graph)}
    ids: dict[Any, str] = {}
    lines = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        x, level = stack.pop()
        lead = " " * (level - 1) + " |" if level else ""
        if not isinstance(x, Value):
            lines.append(f"{lead}{x}")
            continue
        node: Any = x.node
        seen = node in ids
        label = ids.setdefault(node, _letters(len(ids)))
        kind = f" <{x.spec}>" if print_type else ""
        if node.op is constant_op:
            what = f"TensorConstant{{{str(node.params['value']).replace(chr(10), ' ')}}}"
        elif node.op is read_op or not node.inputs:
            what = names.get(node, node.name)
        else:
            what = f"{node.op.name}{f'.{x.index}' if node.width > 1 else ''}"
        lines.append(f"{lead}{what} [id {label}]{kind}")
        if not seen and node.op is not read_op and level != depth - 1:
            stack.extend((operand, level + 1) for operand in reversed(node.inputs))
    return lines


def _letters(number: int) -> str:
    """A, B, and so on; AA after Z."""
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(ord("A") + rest) + out
    return out


def pprint(x: Any) -> str:
    """What a variable is computed from, as one line: ops as functions of what they take."""
    given = as_tensor_variable(x).tensor
    names = {each.tensor.node: str(each) for each in shared_variables(given.graph)}
    told: dict[Any, str] = {}
    stack = [given.node]
    while stack:
        node = stack[-1]
        waiting = [edge.node for edge in node.edges if edge is not None and edge.node not in told]
        if waiting and node.op is not read_op:
            stack.extend(waiting)
            continue
        stack.pop()
        if node.op is constant_op:
            told[node] = str(node.params["value"])
        elif node.op is read_op or not node.inputs:
            told[node] = names.get(node, node.name)
        else:
            told[node] = (
                f"{node.op.name}({', '.join(told[v.node] if isinstance(v, Value) else str(v) for v in node.inputs)})"
            )
    return told[given.node]


pp = pprint
