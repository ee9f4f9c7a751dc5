"""Every op in a session on a GPU, with its gradient: run, captured from the second run on where it can be, and replayed."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import static as tf
from graphs.core.node import Value
from graphs.core.op import OPS
from tests.graphs.test_device_laws import DRAWING, LIBRARIES, NAMES, SMOOTH, WAITING, smooth
from tests.helpers import arrays, close, floats, replaced, run
from tests.samples.table import SAMPLES, Case


FOLDED = ("shape_of", "size_of")
"""Ops of which nothing is left to run where shapes are known."""


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with numpy.errstate(all="ignore"):
        yield


def chosen(name: str, differentiable: bool) -> Case:
    return next(c for c in SAMPLES[name].cases if arrays(c) and (smooth(OPS[name], c) or not differentiable))


class Built:
    """The graph of a case on ``device``, and a session of it."""

    def __init__(self, name: str, case: Case, device: str, differentiated: bool) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default(), tf.device(device):
            self.feeds = {i: tf.placeholder(case.args[i].dtype, case.args[i].shape) for i in arrays(case)}
            outs = run(OPS[name], replaced(case, dict(self.feeds)))
            self.fetches = [out for out in outs if isinstance(out, Value)]
            if differentiated:
                reached = [out for out in self.fetches if out.dtype.is_floating]
                wrt = [self.feeds[i] for i in floats(case)]
                self.fetches = [tf.convert_to_tensor(g) for g in tf.gradients(reached, wrt) if g is not None]
        self.session = tf.Session(graph=self.graph, passes=())

    def __call__(self, case: Case) -> Any:
        return self.session.run(self.fetches, {tensor: case.args[i] for i, tensor in self.feeds.items()})


def check(name: str, differentiated: bool) -> None:
    case = chosen(name, differentiated)
    here, there = (Built(name, case, device, differentiated) for device in ("/cpu:0", "/gpu:0"))
    if not here.fetches:
        pytest.skip("nothing depends on what is fed")
    turned = [] if name in LIBRARIES else floats(case)
    other = replaced(case, {i: case.args[i].reshape(-1)[::-1].reshape(case.args[i].shape) for i in turned})
    for given in (case, case, other, case):
        for found, wanted in zip(there(given), here(given), strict=True):
            assert numpy.asarray(found).dtype == numpy.asarray(wanted).dtype
            close(found, wanted, rtol=1e-5 if numpy.asarray(wanted).dtype.char in "fF" else 1e-11)
    if name in FOLDED:
        return
    (call,) = there.session._calls.values()
    (plan,) = call.plans.values()
    assert plan.placed
    if name not in {*WAITING, *DRAWING, *LIBRARIES}:
        assert plan.device.reason == ""


@pytest.mark.parametrize("name", [name for name in NAMES if "random" not in OPS[name].traits])
def test_ops(gpu: Any, name: str) -> None:
    check(name, False)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients(gpu: Any, name: str) -> None:
    check(name, True)
