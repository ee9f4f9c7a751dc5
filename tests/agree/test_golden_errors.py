"""Wrong uses of either front-end, and to the letter what is said of them (``golden/errors.txt`` beside their tests).

``DIPTYCH_GOLDEN=1`` writes the files anew, to be read before they are committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynamic as torch
import static as tf


TESTS = Path(__file__).parent.parent


def session() -> Any:
    return tf.Session()


def placeholder(shape: Any = (None, 4), dtype: Any = tf.float32) -> Any:
    return tf.placeholder(dtype, shape, name="x")


def feed(value: Any, shape: Any = (None, 4), dtype: Any = tf.float32) -> Any:
    x = placeholder(shape, dtype)
    return session().run(x * 2, {x: value})


def other_graph() -> Any:
    with tf.Graph().as_default():
        return tf.constant(1.0, name="elsewhere")


def closed() -> Any:
    made = session()
    made.close()
    return made.run(tf.constant(1.0))


STATIC: dict[str, Callable[[], Any]] = {
    "a feed of another shape": lambda: feed(np.ones((2, 3))),
    "a feed of another rank": lambda: feed(1.0),
    "a feed of another dtype": lambda: feed(np.ones((2, 4), complex)),
    "a ragged feed": lambda: feed([[1], [2, 3]]),
    "a feed that loses digits": lambda: feed(1.5, (), tf.int32),
    "a feed that does not fit": lambda: feed(2**40, (), tf.int32),
    "a tensor as a feed": lambda: feed(tf.constant(1.0, name="c")),
    "a feed for nothing": lambda: session().run(tf.constant(1.0), {3: 1.0}),
    "a feed for a tensor of another graph": lambda: session().run(tf.constant(1.0), {other_graph(): 1.0}),
    "nothing fed": lambda: session().run(placeholder() * 2),
    "a number fetched": lambda: session().run([tf.constant(1.0), 3]),
    "None fetched": lambda: session().run([tf.constant(1.0), None]),
    "a name that is not there": lambda: (tf.constant(1.0, name="weights"), session().run("weight:0")),
    "an operation that is not there": lambda: (tf.constant(1.0, name="weights"), session().run("weigths")),
    "an output that is not there": lambda: (tf.constant(1.0, name="weights"), session().run("weights:3")),
    "a fetch from another graph": lambda: (tf.constant(1.0), session().run(other_graph())),
    "a graph with nothing in it": lambda: session().run([]) or session().run("a"),
    "a closed session": closed,
    "a variable without a value": lambda: session().run(tf.get_variable("w", [2]) * 2.0),
    "shapes that do not meet": lambda: tf.matmul(placeholder([2, 3]), tf.ones([2, 3])),
    "shapes that do not broadcast": lambda: placeholder([2, 3]) + tf.ones([2, 4]),
    "dtypes that do not meet": lambda: placeholder([2]) + tf.constant([1, 2], name="whole"),
    "a tensor as a condition": lambda: bool(placeholder()),
    "a reshape of another size": lambda: tf.reshape(tf.ones([6]), [4, 2]),
    "a branch of another dtype": lambda: tf.cond(placeholder([], tf.bool), lambda: 1.0, lambda: 2),
}
DYNAMIC: dict[str, Callable[[], Any]] = {
    "shapes that do not meet": lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    "shapes that do not broadcast": lambda: torch.ones(2, 3) + torch.ones(2, 4),
    "dtypes that do not meet": lambda: torch.ones(2, 3) @ torch.ones(3, 2, dtype=torch.float64),
    "a view of another size": lambda: torch.ones(6).view(4, 2),
    "an axis that is not there": lambda: torch.ones(2, 3).sum(5),
    "a position that is not there": lambda: torch.ones(2, 3)[4],
    "parts that do not join": lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]),
    "a layer of other features": lambda: torch.nn.Linear(3, 2)(torch.ones(1, 4)),
    "a convolution of other channels": lambda: torch.nn.Conv2d(3, 2, 1)(torch.ones(1, 4, 5, 5)),
    "a class that is not there": lambda: torch.nn.functional.nll_loss(torch.zeros(2, 3), torch.tensor([0, 7])),
    "targets that are no classes": lambda: torch.nn.functional.nll_loss(torch.zeros(2, 3), torch.ones(2)),
    "a gradient of no scalar": lambda: (torch.ones(2, requires_grad=True) * 2).backward(),
    "a gradient of what has none": lambda: torch.ones(1).backward(),
    "a leaf changed in place": lambda: torch.ones(2, requires_grad=True).add_(1),
    "a tensor of several as a condition": lambda: bool(torch.ones(2)),
    "an item of several": lambda: torch.ones(2).item(),
    "a name that is not there": lambda: torch.sigmiod,
    "a state of another shape": lambda: torch.nn.Linear(3, 2).load_state_dict(torch.nn.Linear(4, 2).state_dict()),
}
USES = [(mode, title) for mode, uses in (("static", STATIC), ("dynamic", DYNAMIC)) for title in uses]


def said(use: Callable[[], Any]) -> str:
    with tf.Graph().as_default(), pytest.raises(Exception) as error:  # noqa: PT011 (the text is compared)
        use()
    text = error.value.args[0] if isinstance(error.value, KeyError) else str(error.value)
    text = re.sub(rf"{re.escape(__file__)}:[0-9]+", "here", text)
    return f"{type(error.value).__name__}: {re.sub(r'_[0-9]+ has', ' has', text)}"


def golden(mode: str) -> Path:
    return TESTS / mode / "golden" / "errors.txt"


def kept(mode: str) -> dict[str, str]:
    parts = re.split(r"^== (.*)\n", golden(mode).read_text(), flags=re.MULTILINE)[1:]
    return {title: text.rstrip("\n") for title, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_what_is_said_of_wrong_uses_is_what_was_agreed_on(mode: str) -> None:
    uses = {"static": STATIC, "dynamic": DYNAMIC}[mode]
    texts = {title: said(use) for title, use in uses.items()}
    if os.environ.get("DIPTYCH_GOLDEN"):
        golden(mode).write_text("\n".join(f"== {title}\n{text}\n" for title, text in texts.items()))
    assert texts == kept(mode)


def test_there_are_forty() -> None:
    assert len(USES) >= 40
