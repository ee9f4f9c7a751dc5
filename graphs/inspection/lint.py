"""What a lint of either mode looks for, as data; what it finds, with the user's line and the remedy.

A rule is there only if what it reports is a fault whatever else the program does: a lint that cries wolf is not heeded.
A comment ``# diptych: ignore[rule]`` on the line silences a rule there, ``# diptych: ignore`` all of them.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from graphs.core.errors import Where


class Rule(NamedTuple):
    """A kind of fault.

    Attributes:
        name: as it is written in ``# diptych: ignore[name]``.
        title: the fault in a few words.
        remedies: what to do about it, by mode; the modes that are not there do not know the fault.
    """

    name: str
    title: str
    remedies: dict[str, str]


_RULES = (
    Rule(
        "growing-graph",
        "a graph that grows in a loop",
        {"static": "build it once before the loop, and feed what changes; graph.finalize() makes an error of it"},
    ),
    Rule(
        "growing-tape",
        "a tape that grows without end",
        {"dynamic": "keep numbers, not history: loss.item(), or .detach() for what goes on to be computed with"},
    ),
    Rule(
        "unordered-read",
        "a variable read and assigned in one run, in no order",
        {"static": "assign under tf.control_dependencies([...]) of what reads it, or run the two one after the other"},
    ),
    Rule(
        "gradients-not-zeroed",
        "gradients that are never zeroed",
        {"dynamic": "optimizer.zero_grad() (or p.grad = None) before each backward pass"},
    ),
    Rule(
        "zeroed-before-step",
        "gradients zeroed before the step that was to use them",
        {"dynamic": "zero_grad() before backward() or after step(), not between them"},
    ),
    Rule(
        "generator-gradient",
        "a loss that reaches into another optimizer's parameters",
        {
            "static": "give minimize the variables that it is to change: var_list=...",
            "dynamic": "detach() what comes out of the other net before this loss is computed from it",
        },
    ),
    Rule(
        "changed-after-save",
        "a value changed after it was saved for the way back",
        {"dynamic": "change a copy (y = x + 1, or x.clone()), or change it after backward()"},
    ),
    Rule(
        "broadcast-loss",
        "a column against a row: each example compared with every other",
        {
            "static": "give both one shape: tf.squeeze(x, 1), or tf.expand_dims(y, 1)",
            "dynamic": "give both one shape: x.squeeze(1), or y.unsqueeze(1)",
        },
    ),
    Rule(
        "log-of-saturated",
        "the logarithm of what saturates",
        {
            "static": "tf.log_sigmoid(x), tf.nn.log_softmax(x), or a cross entropy with logits",
            "dynamic": "nn.functional.logsigmoid(x), log_softmax(x), or a cross entropy with logits",
        },
    ),
    Rule(
        "softmax-twice",
        "probabilities where logits are wanted",
        {
            "static": "give the cross entropy what the softmax or sigmoid was given",
            "dynamic": "give the loss what the softmax or sigmoid was given",
        },
    ),
    Rule(
        "disconnected-parameter",
        "an optimised parameter that no gradient reaches",
        {
            "static": "use the variable in the loss, or leave it out of var_list (trainable=False)",
            "dynamic": "use the parameter in the loss, or do not give it to the optimizer",
        },
    ),
    Rule(
        "baked-value",
        "a value baked into a trace",
        {"dynamic": "decide by ops: torch.where, torch.cond, torch.while_loop; or trace once for each case"},
    ),
)

RULES = {rule.name: rule for rule in _RULES}
"""The rules by name."""


class Finding(NamedTuple):
    """A fault that was found.

    Attributes:
        rule: the rule's name.
        message: what is wrong, with the names that the program gives things.
        line: the user's line, None where there is none.
        remedy: what to do about it.
        nodes: the names of the nodes, records or parameters that it is about.
        mode: ``"static"`` or ``"dynamic"``.
    """

    rule: str
    message: str
    line: Where | None
    remedy: str
    nodes: tuple[str, ...]
    mode: str

    def __str__(self) -> str:
        return f"{self.line or '(no line)'}\n  {self.rule}: {self.message}\n  remedy: {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        at = self.line
        place = {"file": at.file, "line": at.line, "text": at.text} if at else {"file": None, "line": None, "text": ""}
        return {**self._asdict(), **place, "nodes": list(self.nodes)}


class Findings(list[Finding]):
    """What a lint found, one finding for a rule and a line."""

    def add(
        self, rule: str, mode: str, line: Where | None, message: str, nodes: Iterable[str] = (), remedy: str = ""
    ) -> None:
        """Take note of a finding, unless it is known or the line says not to."""
        if any(each.rule == rule and same_line(each.line, line) for each in self) or silenced(line, rule):
            return
        self.append(Finding(rule, message, line, remedy or RULES[rule].remedies[mode], tuple(nodes), mode))

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "nothing found"


class Enough(SystemExit):
    """Raised in a program that has been watched for as many steps as were asked for."""

    def __init__(self) -> None:
        super().__init__(0)


def same_line(one: Where | None, other: Where | None) -> bool:
    """Whether two places are on one line."""
    if one is None or other is None:
        return one is other
    return one.file == other.file and one.line == other.line


_IGNORE = re.compile(r"#\s*diptych:\s*ignore(?:\[([^\]]*)\])?")


def silenced(line: Where | None, rule: str) -> bool:
    """Whether a comment on the statement's lines says to ignore ``rule`` there."""
    if line is None:
        return False
    first, last, *_ = next(islice(line.code.co_positions(), line.lasti // 2, None), (None, None))
    for number in range(first or line.line, (last or line.line) + 1):
        for names in _IGNORE.findall(linecache.getline(line.file, number)):
            if not names or rule in re.split(r"[,\s]+", names.strip()):
                return True
    return False


def place(line: Where | None) -> str:
    """``line 12``, for a message about another line than its own."""
    return f"line {line.line}" if line else "a line that is not known"


def several(names: Iterable[str], most: int = 4) -> str:
    """Names in a sentence: the first few, and how many more."""
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
