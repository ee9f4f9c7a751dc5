"""Every op in every form of its arguments: values, first and second gradients, and the same bits in both modes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy
import pytest

import dynamic
import static as tf
from graphs.core.errors import GradientError
from graphs.core.node import Value
from graphs.core.op import OPS
from tests import helpers
from tests.forms import LAYOUTS, forms
from tests.helpers import arrays, close, floats, inferred, replaced, run, same
from tests.ops_page import REFUSED
from tests.samples.table import Case


TABLE = helpers.load_samples()
NAMES = [name for name in TABLE if name in OPS]
WORDS = {"scalar", "one", "empty", "no rows", "column by row", "transposed", "strided", "negative strides"}
RESIZED = {"one", "empty", "smaller"}
UNLIKE = {"stop_gradient"}
"""Ops whose gradient is not their derivative, which is what they are for."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


@pytest.fixture(scope="module")
def some(pytestconfig: pytest.Config) -> Callable[[str], list[Call]]:
    """The calls of an op that are tried: one of each word, of which one twice differentiated; or all with ``--long``."""
    long = pytestconfig.getoption("--long")

    def calls(name: str) -> list[Call]:
        most = None if long else 18 if OPS[name].elementwise else 8
        return [Call(name, *form, TABLE[name].second and (long or i == 0)) for i, form in enumerate(forms(name)[:most])]

    return calls


class Call:
    """An op's call with what is differentiated in it: by which arrays, and the gradients that flow into which outputs."""

    def __init__(self, name: str, word: str, case: Case, second: bool) -> None:
        self.op, self.word, self.case, self.second, self.positions = OPS[name], word, case, second, arrays(case)
        self.outs = run(self.op, case)
        random = numpy.random.default_rng(11)
        smooth = self.op.differentiable and "random" not in self.op.traits and name not in REFUSED
        inexact = [i for i in self.positions if case.args[i].dtype.kind in "fc"]
        self.wrt = [i for i in inexact if smooth and self.op.flows(i)]
        self.seeds = {
            i: _like(y, random) for i, y in enumerate(self.outs) if self.wrt and numpy.asarray(y).dtype.kind in "fc"
        }
        self.again = [_like(case.args[i], random) for i in self.wrt]

    def note(self) -> str:
        return f"{self.op.name} {self.word}: {self.case}"


def _like(x: Any, random: Any) -> Any:
    """Random numbers of the shape and dtype of ``x``."""
    x = numpy.asarray(x)
    out = random.standard_normal(x.shape)
    return numpy.asarray(out + 1j * random.standard_normal(x.shape) if x.dtype.kind == "c" else out).astype(x.dtype)


Found = tuple[list[Any], list[Any], list[Any]]
"""Values; gradients; gradients of these by what was differentiated by, and by what flowed in. None for zeros."""


def by_tape(call: Call) -> Found:
    """The call's results in dynamic mode."""
    second = call.second
    tensors = {i: _tensor(call.case.args[i]) for i in call.positions}
    for i in call.wrt:
        tensors[i].requires_grad_()
    outs = run(call.op, replaced(call.case, dict(tensors)))
    leaves = [tensors[i] for i in call.wrt]
    seeds = {i: dynamic.from_numpy(seed).requires_grad_(second) for i, seed in call.seeds.items() if outs[i].requires_grad}
    first = _grad([outs[i] for i in seeds], leaves, list(seeds.values()), second)
    pairs = [(g, dynamic.from_numpy(again)) for g, again in zip(first, call.again, strict=True) if second and g is not None]
    pairs = [(g, again) for g, again in pairs if g.requires_grad]
    every = [*leaves, *seeds.values()] if second else []
    twice = _grad([g for g, _ in pairs], every, [again for _, again in pairs], False)
    seconds = dict(zip([*call.wrt, *[-1 - i for i in seeds]], twice, strict=True)) if second else {}
    order = [*call.wrt, *[-1 - i for i in call.seeds]] if second else []
    return _plain(outs), _plain(first), _plain([seconds.get(i) for i in order])


def _tensor(x: Any) -> Any:
    """A tensor over ``x``, or laid out like it: negative strides come about only as views."""
    if min(x.strides, default=0) >= 0:
        return dynamic.from_numpy(x)
    return OPS["flip"](dynamic.from_numpy(numpy.flip(x).copy()), axis=None)


def _grad(ys: list[Any], xs: list[Any], seeds: list[Any], again: bool) -> list[Any]:
    if not (ys and xs):
        return [None] * len(xs)
    return list(dynamic.autograd.grad(ys, xs, seeds, create_graph=again, allow_unused=True))


def _plain(tensors: Iterable[Any]) -> list[Any]:
    return [x.detach().numpy() if isinstance(x, dynamic.Tensor) else x for x in tensors]


class Fetches:
    """What is to be fetched of one graph: tensors, and constants that take no run."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []

    def add(self, values: Iterable[Any]) -> list[Any]:
        return [self._add(value) for value in values]

    def _add(self, value: Any) -> Any:
        if not isinstance(value, Value):
            return value
        self.tensors.append(value)
        return len(self.tensors) - 1


def by_session(calls: Sequence[Call]) -> list[Found]:
    """The calls' results in static mode, all of one graph in one run without passes."""
    graph, feeds, fetches, places = tf.Graph(), {}, Fetches(), []
    with graph.as_default():

        def fed(x: Any) -> Any:
            tensor = tf.placeholder(x.dtype, x.shape)
            feeds[tensor] = x
            return tensor

        for call in calls:
            inputs = {i: fed(call.case.args[i]) for i in call.positions}
            outs = run(call.op, replaced(call.case, dict(inputs)))
            leaves = [inputs[i] for i in call.wrt]
            seeds = {i: fed(seed) for i, seed in call.seeds.items() if isinstance(outs[i], Value)}
            first = _gradients([outs[i] for i in seeds], leaves, list(seeds.values()))
            pairs = [(g, fed(again)) for g, again in zip(first, call.again, strict=True) if call.second and g is not None]
            every = [*leaves, *seeds.values()] if call.second else []
            twice = _gradients([g for g, _ in pairs], every, [again for _, again in pairs])
            places.append((fetches.add(outs), fetches.add(first), fetches.add(twice)))
        with tf.Session(graph=graph, passes=()) as session:
            values = session.run(fetches.tensors, feeds) if fetches.tensors else []
    return [tuple([values[x] if isinstance(x, int) else x for x in part] for part in place) for place in places]


def _gradients(ys: list[Any], xs: list[Any], seeds: list[Any]) -> list[Any]:
    if not (ys and xs):
        return [None] * len(xs)
    return [None if g is None else tf.convert_to_tensor(g) for g in tf.gradients(ys, xs, seeds)]


# The laws


def each(calls: Sequence[Any], check: Callable[..., None]) -> None:
    """``check`` each call; what fails says in which form."""
    failed: list[Exception] = []
    for call in calls:
        try:
            check(*call) if isinstance(call, tuple) else check(call)
        except Exception as error:
            first = call[0] if isinstance(call, tuple) else call
            error.add_note(first.note())
            failed.append(error)
    if failed:
        raise failed[0] if len(failed) == 1 else ExceptionGroup(f"{len(failed)} of {len(calls)} forms", failed)


def test_every_op_has_ten_forms() -> None:
    count = {name: len(forms(name)) for name in NAMES}
    assert {name: n for name, n in count.items() if n < 10} == {}
    words = Counter(word for name in NAMES if OPS[name].elementwise for word in {word for word, _ in forms(name)})
    assert {word for word, n in words.items() if n == sum(OPS[name].elementwise for name in NAMES)} >= WORDS


@pytest.mark.parametrize("name", NAMES)
def test_forms(some: Callable[[str], list[Call]], name: str) -> None:
    """Values are the reference's, gradients are finite differences, and both modes give the same bits of both orders."""
    calls = some(name)
    each(calls, _values)
    taped = [by_tape(call) for call in calls]
    each(list(zip(calls, taped, by_session(calls), strict=True)), _alike)
    if name not in UNLIKE:
        each([(call, first) for call, (_, first, _) in zip(calls, taped, strict=True)], _differences)


def _values(call: Call) -> None:
    entry = TABLE[call.op.name]
    for y, spec in zip(call.outs, inferred(call.op, call.case), strict=True):
        assert spec.admits(numpy.shape(y))
        assert spec.dtype == numpy.asarray(y).dtype
    if entry.reference is None:
        return
    try:
        wanted = entry.reference(*call.case.args, **call.case.params)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        if call.word == "empty" and [numpy.shape(y) for y in wanted] != [numpy.shape(y) for y in call.outs]:
            return  # the shape rule's shapes are known to be right
    except (ArithmeticError, ValueError, IndexError, RuntimeWarning):
        if call.word in RESIZED:  # of which many references know nothing
            return
        raise
    for y, reference in zip(call.outs, wanted, strict=True):
        close(y, reference, rtol=1e-12)


def _alike(call: Call, tape: Found, session: Found) -> None:
    """Bit for bit, of what lies in C's order: sums are taken in the order of memory, and sessions put that right."""
    for y, kernel in zip(tape[0], call.outs, strict=True):
        same(y, kernel)
    if "random" in call.op.traits:  # whose keys a session chooses
        return
    ordered = tape
    if call.word in LAYOUTS:
        straight = {i: numpy.array(call.case.args[i], order="C") for i in call.positions}
        ordered = by_tape(Call(call.op.name, call.word, replaced(call.case, straight), call.second))
        _compare(tape, ordered, lambda x, y: close(x, y, rtol=1e-13, atol=1e-13))
    _compare(ordered, session, same)


def _compare(found: Found, wanted: Found, check: Callable[[Any, Any], None]) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        for x, y in zip(ours, theirs, strict=True):
            if x is None or y is None:
                assert not numpy.any(y if x is None else x)
            else:
                check(x, y)


STEP = 1e-5


def _differences(call: Call, gradients: list[Any]) -> None:
    """The gradients against central differences: along a random direction, and along each coordinate of small arrays."""
    if not call.seeds:
        return

    def objective(moved: dict[int, Any]) -> float:
        outs = run(call.op, replaced(call.case, moved))
        return math.fsum(numpy.sum(outs[i] * seed.conj()).real for i, seed in call.seeds.items())

    random, args = numpy.random.default_rng(12), call.case.args
    directions = [{i: _like(args[i], random) for i in call.wrt}]
    for i in call.wrt:
        if args[i].size <= 4:
            directions += [{i: row.reshape(args[i].shape)} for row in numpy.eye(args[i].size, dtype=args[i].dtype)]
    slopes = dict(zip(call.wrt, gradients, strict=True))
    tolerance = TABLE[call.op.name].tolerance
    for direction in directions:
        up = objective({i: args[i] + STEP * d for i, d in direction.items()})
        down = objective({i: args[i] - STEP * d for i, d in direction.items()})
        parts = [numpy.sum(slopes[i].conj() * d).real for i, d in direction.items() if slopes[i] is not None]
        slope = math.fsum(parts)
        if call.word in RESIZED and not math.isfinite(up + slope):  # a mean of nothing
            continue
        numpy.testing.assert_allclose(slope, (up - down) / (2 * STEP), rtol=tolerance, atol=tolerance * 10)


# What has no second gradient


def test_nearly_every_op_has_second_gradients_and_the_rest_say_that_they_have_none() -> None:
    smooth = [name for name in NAMES if OPS[name].differentiable]
    without = [name for name in smooth if not TABLE[name].second or name in REFUSED]
    assert len(without) <= 0.05 * len(smooth)
    for name in without:
        call = next(call for call in (Call(name, *form, False) for form in forms(name)) if floats(call.case))
        with pytest.raises(GradientError, match=NO_MORE[name]):
            _twice_by_tape(call)
        with tf.Graph().as_default(), pytest.raises(GradientError, match=NO_MORE[name]):
            _twice_in_graph(call)


def _twice_by_tape(call: Call) -> None:
    tensors = {i: dynamic.from_numpy(call.case.args[i]) for i in call.positions}
    leaf = tensors[floats(call.case)[0]].requires_grad_()
    (out,) = run(call.op, replaced(call.case, dict(tensors)))
    (slope,) = dynamic.autograd.grad(out.sum(), [leaf], create_graph=True)
    dynamic.autograd.grad(slope.sum(), [leaf])


def _twice_in_graph(call: Call) -> None:
    inputs = {i: tf.placeholder(call.case.args[i].dtype, call.case.args[i].shape) for i in call.positions}
    (out,) = run(call.op, replaced(call.case, dict(inputs)))
    leaf = inputs[floats(call.case)[0]]
    tf.gradients(tf.gradients(out, leaf), leaf)


NO_MORE = dict.fromkeys(("ctc_loss", "ctc_occupancy"), "ctc_loss has no second gradient")
