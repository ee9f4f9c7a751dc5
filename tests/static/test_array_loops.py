"""Arrays of tensors in loops: the same numbers whatever is read and written where, and no array where none is needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy
import pytest

import static as tf
from graphs.core.random import Draws, Stream
from graphs.core.spec import Spec
from graphs.rewrite import Choice
from static.passes import count, cse, fold, narrow, simplify, unpack_arrays
from static.plan import Plan
from tests.static.loop_programs import Built, finished, numbers, zeros


ROUNDS = 4
PASSES = (fold, narrow, cse, simplify, cse, count, unpack_arrays, cse, fold)
RULES = ("read_of_array", "written_array", "gradient_of_array", "sum_of_reads")

READS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "each": lambda array, i, n: array.read(i),
    "twice": lambda array, i, n: array.read(i) * tf.cos(array.read(i)),
    "backwards": lambda array, i, n: array.read(n - 1 - i),
    "the first": lambda array, i, n: array.read(0),
    "each and the last": lambda array, i, n: array.read(i) + array.read(n - 1),
    "each, and how many": lambda array, i, n: array.read(i) * tf.cast(array.size(), "float64"),
    "what was read": lambda array, i, n: array.write(0, array.read(i)).read(0),
    "none": lambda array, i, n: tf.cast(i, "float64") * tf.ones([3], "float64"),
}
"""What a round takes of the array that is given."""

WRITES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "each": lambda array, i, n, x: array.write(i, x),
    "backwards": lambda array, i, n, x: array.write(n - 1 - i, x),
    "what was there too": lambda array, i, n, x: array.write(i, x + tf.cast(array.size(), "float64")),
    "twice": lambda array, i, n, x: array.write(i, x).write(n - 1 - i, x),
    "a constant": lambda array, i, n, x: array.write(i, [1.0, 2.0, -0.0]),
    "now and then": lambda array, i, n, x: tf.cond(i > 1, lambda: array.write(i, x), lambda: array.write(i, -x)),
    "none": lambda array, i, n, x: array,
}
"""What a round makes of the array that comes out."""

OUTS: dict[str, Callable[[Any], Any]] = {
    "as many": lambda n: tf.TensorArray(tf.float64, n, element_shape=[3]),
    "grows": lambda n: tf.TensorArray(tf.float64, 0, dynamic_size=True, element_shape=[3]),
    "grows from one": lambda n: tf.TensorArray(tf.float64, 1, dynamic_size=True, element_shape=[3]),
    "full": lambda n: tf.TensorArray(tf.float64, n).unstack(tf.ones(tf.stack([n, 3]), "float64")),
    "any shape": lambda n: tf.TensorArray(tf.float64, n, infer_shape=False),
}
"""The array that comes out, as it is at first."""


@dataclass(frozen=True)
class Loop:
    """A loop over an array: what is read, written and made of it, how long it is, and where the loop counts from."""

    read: str = "each"
    write: str = "each"
    out: str = "as many"
    more: int = 0
    known: bool = True
    start: int = 0
    step: int = 1
    taken: str = "stack"
    float32: bool = False
    gradients: bool = True

    def __str__(self) -> str:
        own = [f"{name} {value}" for name, value in vars(self).items() if value != type(self).__dict__[name]]
        return ", ".join(own) or "plain"

    def build(self) -> Built:
        """The program, with the gradients."""
        tall = ROUNDS + self.more
        x = tf.placeholder("float64", (tall if self.known else None, 3))
        n = ROUNDS if self.known else tf.shape(x)[0] - self.more if self.more else tf.shape(x)[0]
        given = tf.TensorArray(tf.float32 if self.float32 else tf.float64, tf.shape(x)[0], clear_after_read=False)
        given = given.unstack(tf.cast(x, "float32") if self.float32 else x)

        def body(i: Any, state: Any, array: Any) -> Any:
            read = tf.cast(READS[self.read](given, i, n), "float64")
            state = tf.tanh(state * 0.5 + tf.reshape(read, [3]))
            return i + self.step, state, WRITES[self.write](array, i, n, state * 2.0)

        first = [self.start, zeros(3), OUTS[self.out](n)]
        _, last, out = tf.while_loop(lambda i, *_: i < n, body, first)
        found = [last]
        if self.taken == "stack":
            found.append(out.stack())
        elif self.taken == "last":
            found.append(tf.reshape(out.read(n - 1), [3]))
        elif self.taken == "gathered":
            found.append(out.gather([1, 3, 1]))
        feeds = {x: numbers(tall, 3)}
        return finished(found, feeds) if self.gradients else (found, feeds)


_GROWING = ("grows", "grows from one")
LOOPS = list(
    dict.fromkeys(
        [
            *(Loop(read, write, known=known) for read, write, known in itertools.product(READS, WRITES, (True, False))),
            *(Loop(read, more=more, known=known) for read, more, known in itertools.product(READS, (1, 2), (True, False))),
            *(Loop(out=out, write=write) for out, write in itertools.product(OUTS, ("each", "backwards", "a constant"))),
            *(Loop(out=out, taken=taken) for out, taken in itertools.product(OUTS, ("last", "gathered", "nothing"))),
            *(Loop(out=out, known=known, gradients=False) for out, known in itertools.product(OUTS, (True, False))),
            *(Loop(start=start, step=step, out=out) for start, step, out in itertools.product((0, 1), (1, 2), OUTS)),
            Loop("twice", out="full", start=1),
            Loop(float32=True),
            Loop("twice", known=False, float32=True),
        ]
    )
)


def fires(loop: Loop) -> tuple[int, ...]:
    """How often each of ``RULES`` is used on the loop, where the shapes of what is fed are known."""
    if (loop.start, loop.step) != (0, 1):
        return 0, 0, 0, 0
    reads = {"twice": 2, "backwards": 0, "the first": 0, "none": 0}.get(loop.read, 1)
    new = loop.out in ("as many", "any shape") or (loop.out in _GROWING and not loop.gradients)
    written = loop.write == "each" and new and loop.taken != "nothing"
    back = written and loop.gradients and loop.out == "as many" and loop.taken == "stack" and loop.read != "none"
    summed = reads and loop.gradients and not loop.more and loop.read not in ("each and the last", "what was read")
    return reads, int(written), int(back), int(bool(summed))


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def planned(built: Built, passes: Any, known: bool = True) -> Plan:
    """The plan of a run; with ``known`` for the shapes that are fed."""
    fetches, feeds = built
    return Plan(fetches, list(feeds), passes, Choice(), [Spec.of(x) for x in feeds.values()] if known else None)


def ran(plan: Plan, built: Built) -> Any:
    """What is fetched, or the error's first words."""
    try:
        return plan({}, list(built[1].values()), Draws(Stream(7)))[0]
    except tf.errors.OpError as error:
        return error.message.partition("\n")[0].partition("TensorArray")[0] and type(error)


@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_numbers_are_the_same_with_and_without_arrays(loop: Loop) -> None:
    built = loop.build()
    wanted = ran(planned(built, ()), built)
    for known in (True, False):
        found = ran(planned(built, PASSES, known), built)
        if not isinstance(wanted, tuple):
            assert found == wanted
            continue
        for x, y in zip(wanted, found, strict=True):
            numpy.testing.assert_array_equal(x, y, strict=True)
            numpy.testing.assert_array_equal(numpy.signbit(x), numpy.signbit(y))


@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_each_round_has_its_own_element_where_it_can(loop: Loop) -> None:
    counts = planned(loop.build(), PASSES).outcome.log.counts
    assert tuple(counts.get(rule, 0) for rule in RULES) == fires(loop)


@pytest.mark.parametrize("loop", [Loop(), Loop("twice"), Loop("none"), Loop(known=False), Loop(float32=True)], ids=str)
def test_no_array_is_left_where_none_is_needed(loop: Loop) -> None:
    names = {node.op.name for node in planned(loop.build(), PASSES).outcome.program.nodes}
    assert not {name for name in names if name.startswith("tensor_array")}
