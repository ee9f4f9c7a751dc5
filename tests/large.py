"""Large graphs through all that is done with graphs, stage by stage, in either mode; and how much work each stage is.

As a script, ``python -m tests.large calls static chain:200000 fan:100000`` prints the work of each stage as JSON, a line for
each graph: ``calls`` of functions, or ``seconds`` of the processor; ``through`` is just these, without a first time for
practice. What comes out of a stage is checked there.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

import dynamic as torch
import static as tf
from dynamic.autograd import grad
from dynamic.tape import Record
from graphs import draw
from tests.helpers import calls_in


SHAPES = ("chain", "fan", "comb")
"""One operation upon the other; many of one value, added up one by one; many of one value, joined by one operation."""

PASSES = tuple(each for each in tf.passes.PIPELINE if each is not tf.passes.reuse)
"""All but what lets a plan be compiled when it has run for long enough: each time the same is done."""

START = numpy.array([0.75, 1.25])
RATE = 1.000001


def program(shape: str, count: int, reverse: Callable[[Any], Any], stack: Callable[[Any], Any], w: Any) -> Any:
    """Of ``w``, ``count`` operations in a ``shape``, in either mode; ``reverse`` and ``stack`` are the mode's."""
    if shape == "chain":
        y = w
        for at in range(count // 4):
            y = reverse((y * RATE) + float(at % 5)) - float(at % 5)
        return y
    many = [w * float(at) for at in range(count)]
    if shape == "comb":
        return stack(many)
    y = many[0]
    for each in many[1:]:
        y = y + each
    return y


def wanted(shape: str, count: int) -> tuple[float, numpy.ndarray, numpy.ndarray]:
    """The sum of the squares of what ``program`` gives, and its first and second derivatives."""
    if shape == "chain":
        factor = RATE ** (2 * (count // 4))
    elif shape == "comb":
        factor = float(sum(at * at for at in range(count)))
    else:
        factor = float(sum(range(count)) ** 2)
    return factor * float((START**2).sum()), 2 * factor * START, numpy.full(2, 2 * factor)


def near(found: Any, right: Any) -> None:
    """Assert that they are the same but for what so many operations round."""
    numpy.testing.assert_allclose(found, right, rtol=1e-8)


def look(roots: list[Any], count: int) -> None:
    """Draw a large graph: folded to what can be seen, with nothing left out of the count."""
    shown = draw.picture(roots)
    assert len(shown.items) <= 200
    assert sum(item.count for item in shown.items) >= count
    assert draw.FORMATS["svg"](shown, legend=True, direction="TB").startswith(b"<?xml")


def static(shape: str, count: int, folder: Path, pictures: bool) -> Iterator[str]:
    """The stages of a graph of ``static``: each name comes before its work."""
    loss, slope, _ = wanted(shape, count)
    graph = tf.Graph()
    with graph.as_default():
        yield "build"
        w = tf.Variable(START, name="w")
        y = program(shape, count, lambda x: tf.reverse(x, [0]), tf.stack, w)
        total = tf.reduce_sum(tf.square(y), name="total")
        yield "gradients"
        (g,) = tf.gradients(total, [w])
        step = tf.assign_sub(w, 0.0 * g)
        saver = tf.train.Saver()
        session = tf.Session(passes=PASSES)
        session.run(w.initializer)
        fetches = [total, g, step]
        yield "passes"
        plan = session.plan(fetches, {})
        yield "run"
        found = session.run(fetches)
        near(found[0], loss)
        near(found[1], slope)
        yield "run again"
        again = session.run(fetches)
        numpy.testing.assert_array_equal(found[1], again[1])
        yield "tell"
        assert str(plan.outcome)
        assert plan.source
        yield "save"
        path = saver.save(session, str(folder / "model"))
    with tf.Graph().as_default() as loaded:
        yield "load"
        tf.train.import_meta_graph(f"{path}.meta").restore(other := tf.Session(passes=PASSES), path)
        yield "run what was loaded"
        assert other.run("total:0") == found[0]
    assert len(loaded.get_operations()) == len(graph.get_operations())
    if pictures:
        yield "picture"
        look([total, g], count)
    yield "release"
    gone = [weakref.ref(graph), weakref.ref(loaded), weakref.ref(y.op), weakref.ref(plan)]
    session.close()
    other.close()
    del graph, loaded, w, y, total, g, step, saver, session, other, plan, fetches
    gc.collect()
    assert [each() for each in gone] == [None] * 4


def dynamic(shape: str, count: int, folder: Path, pictures: bool) -> Iterator[str]:
    """The stages of a tape, with the collector of cycles off."""
    loss, slope, curve = wanted(shape, count)

    def function(w: Any) -> Any:
        return program(shape, count, lambda x: x.flip(0), torch.stack, w).square().sum()

    gc.disable()
    before = records()
    w = torch.tensor(START, requires_grad=True)
    yield "build"
    total = function(w)
    near(total.item(), loss)
    yield "gradients"
    total.backward(retain_graph=True)
    near(w.grad.numpy(), slope)
    yield "gradients on the tape"
    (g,) = grad(total, w, create_graph=True)
    yield "second gradients"
    near(grad(g.sum(), w, retain_graph=True)[0].numpy(), curve)
    if pictures:
        yield "picture"
        look([total], count)
    yield "release"
    assert records() > before + count
    gone = weakref.ref(total)
    del total, g
    assert gone() is None
    assert records() == before + 1
    yield "trace"
    traced = torch.trace(function, w)
    yield "run what was traced"
    near(traced(w).item(), loss)
    with tf.Graph().as_default():
        yield "run it in the other mode"
        outside = traced(tf.constant(START))
        near(tf.Session().run(outside), loss)
    del outside
    yield "save"
    torch.save([torch.full((2,), float(at)) for at in range(count)], folder / "tensors")
    yield "load"
    assert torch.load(folder / "tensors")[-1].tolist() == [count - 1.0] * 2
    gc.enable()


def records() -> int:
    """How many records of tapes there are."""
    return list(map(type, gc.get_objects())).count(Record)


def measured(
    mode: str, shape: str, count: int, measure: Callable[[Callable[[], Any]], float], pictures: bool = True
) -> dict[str, float]:
    """What ``measure`` says of the work of each stage."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        stages = {"static": static, "dynamic": dynamic}[mode](shape, count, Path(folder), pictures)
        name: Any = next(stages)
        while name is not None:
            last, following = name, []
            found[last] = measure(lambda: following.append(next(stages, None)))  # noqa: B023
            (name,) = following
    return found


def seconds_in(run: Callable[[], Any]) -> float:
    """How many seconds the processor works on it, whoever else has work for it."""
    start = time.process_time()
    run()
    return time.process_time() - start


MEASURES: dict[str, Callable[[Callable[[], Any]], float]] = {"calls": calls_in, "seconds": seconds_in, "through": seconds_in}

if __name__ == "__main__":
    assert sys.getrecursionlimit() == 1000
    assert resource.getrlimit(resource.RLIMIT_STACK)[0] == 8 << 20
    _, what, mode, *sizes = sys.argv
    for size in sizes:
        shape, count = size.split(":")
        if what != "through":  # the first time, what is used is imported and prepared
            measured(mode, shape, 40, MEASURES[what])
        stages = measured(mode, shape, int(count), MEASURES[what])
        print(json.dumps(stages))
