"""Every op through tensors on a GPU, forwards and backwards: the numbers of the processor, on the device throughout."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import dynamic
from graphs.core.op import OPS, Op
from tests.graphs import fake_cupy
from tests.graphs.test_device_laws import NAMES, OTHERWISE, SMOOTH, WAITING, cases, smooth, state
from tests.helpers import arrays, close, floats, replaced, run, same
from tests.samples.table import Case


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with numpy.errstate(all="ignore"):
        yield


def tensors(case: Case, device: str, wrt: list[int]) -> Case:
    """The case with tensors for arrays; those at ``wrt`` are leaves that want gradients."""
    made = {i: dynamic.tensor(case.args[i], device=device) for i in arrays(case)}
    for i in wrt:
        made[i].requires_grad_()
    return replaced(case, made)


def agree(gpu: Any, name: str, found: Any, wanted: Any) -> None:
    assert found.is_cuda
    assert found.dtype == wanted.dtype
    found, wanted = found.detach().cpu().numpy(), wanted.detach().numpy()
    if isinstance(gpu, fake_cupy.FakeCupy) and name not in OTHERWISE:
        same(found, wanted)
    else:
        close(found, wanted, rtol=1e-5 if wanted.dtype.char in "fF" else 1e-11)


@pytest.mark.parametrize("name", [name for name in NAMES if "random" not in OPS[name].traits])
def test_results_are_those_of_the_processor(gpu: Any, name: str, pytestconfig: pytest.Config) -> None:
    for case in cases(name, pytestconfig):
        here, there = (run(OPS[name], tensors(case, device, [])) for device in ("cpu", "cuda"))
        for x, y in zip(there, here, strict=True):
            agree(gpu, name, x, y)


def gradients(op: Op, case: Case, device: str, create_graph: bool) -> list[Any]:
    """Of a sum of the outputs with fixed weights, by the tape; None for what has none."""
    wrt = floats(case)
    given = tensors(case, device, wrt)
    outs = [y for y in run(op, given) if y.requires_grad]
    random = numpy.random.default_rng(5)
    weights = [dynamic.tensor(random.standard_normal(y.shape), dtype=y.dtype, device=device) for y in outs]
    leaves = [given.args[i] for i in wrt]
    if not outs:
        return [None for _ in leaves]
    before = state().syncs
    found = dynamic.autograd.grad(outs, leaves, weights, create_graph=create_graph, allow_unused=True)
    assert state().syncs == before or op.name in WAITING
    return list(found)


@pytest.mark.parametrize("create_graph", [False, True], ids=["plain", "recorded"])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_those_of_the_processor(gpu: Any, name: str, create_graph: bool, pytestconfig: pytest.Config) -> None:
    for case in cases(name, pytestconfig)[: 1 if create_graph else None]:
        if smooth(OPS[name], case):
            here, there = (gradients(OPS[name], case, device, create_graph) for device in ("cpu", "cuda"))
            for x, y in zip(there, here, strict=True):
                assert (x is None) == (y is None)
                if x is not None:
                    agree(gpu, name, x, y)
