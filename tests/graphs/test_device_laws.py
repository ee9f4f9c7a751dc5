"""Laws of ops on the arrays of a GPU: numpy's numbers, on the device throughout, without the host's waiting for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy
import pytest

import graphs.ops  # noqa: F401 - enters the ops in the registry
from graphs.codegen.capture import Capturable, captured
from graphs.core.op import OPS, Op
from tests import helpers
from tests.graphs import fake_cupy, fake_driver
from tests.helpers import arrays, close, floats, in_every_dtype, inferred, replaced, run, same
from tests.samples.table import Case


TABLE = helpers.load_samples()
NAMES = [name for name, entry in TABLE.items() if name in OPS and any(map(arrays, entry.cases))]

OTHERWISE = {
    "fused": "its functions are the GPU's compiler's, not ours",
    "logcumsumexp": "added up in log2(n) passes",
    **dict.fromkeys(("scatter_prod", "segment_prod"), "multiplied in log2(n) passes"),
    **dict.fromkeys(
        ("lstm", "gru", "lstm_gradient", "gru_gradient"), "numpy's arrays of many units go through native code of our own"
    ),
    "einsum": "numpy's goes by how operands lie",
}
"""Ops whose last bits on the stand-in may be others than numpy's, and why."""

WAITING = {
    **dict.fromkeys(("loop", "branch"), "which way to go is read"),
    **dict.fromkeys(("nonzero", "unique", "listdiff", "bincount", "occurrences"), "what is found tells a size"),
    **dict.fromkeys(("index", "index_adjoint", "index_put"), "how many elements a mask chooses"),
    **dict.fromkeys(("reshape_to", "fill", "tile_to", "tile_to_adjoint", "arange_to"), "sizes are read"),
    **dict.fromkeys(("getitem_at", "put_at_like", "pad_to", "pad_to_adjoint"), "places are read"),
    **dict.fromkeys(("igamma", "igammac", "zeta"), "how many terms are enough"),
    "matrix_exp": "how often to square",
    "embedding": "its gradient by frequency counts what differs",
    **dict.fromkeys(("lstm_gradient", "gru_gradient", "rnn_gradient"), "their gradient is that of a loop"),
    **dict.fromkeys(("multinomial", "sample_weighted"), "what is drawn from is read"),
    **dict.fromkeys(("random_gamma", "random_poisson"), "the distributions' parameters are read"),
}
"""Ops for which the host waits, and why it must."""

DRAWING = frozenset(name for name, op in OPS.items() if "random" in op.traits)
LIBRARIES = frozenset(["cholesky", "eigh", "qr", "svd", "slogdet", "lu", "pinv", "inverse", "det", "solve"])
"""Ops that call cuSOLVER, which cupy does not let be captured, or make their numbers on the host."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


def put(xp: Any, case: Case) -> Case:
    return replaced(case, {i: xp.asarray(case.args[i]) for i in arrays(case)})


def agree(xp: Any, name: str, found: Any, wanted: Any) -> None:
    """The device's array holds numpy's bits; of a real GPU, and of ``OTHERWISE``, its numbers."""
    assert isinstance(found, xp.ndarray), f"{type(found)} is no array of the device"
    assert found.dtype == numpy.asarray(wanted).dtype
    if isinstance(xp, fake_cupy.FakeCupy) and name not in OTHERWISE:
        same(found.get(), wanted)
    else:
        close(found.get(), wanted, rtol=1e-5 if numpy.asarray(wanted).dtype.char in "fF" else 1e-11)


def cases(name: str, config: pytest.Config) -> list[Case]:
    """The op's cases with arrays: all with ``--long``, else the first few."""
    return [case for case in TABLE[name].cases if arrays(case)][: None if config.getoption("--long") else 3]


def in_dtypes(name: str, config: pytest.Config) -> Iterable[Case]:
    """These cases in every dtype that the op takes."""
    for case in cases(name, config):
        yield from (variant for variant in in_every_dtype(case, TABLE[name].kinds) if arrays(variant))


def state() -> Any:
    return fake_driver.state()


@pytest.mark.parametrize("name", NAMES)
def test_kernels_compute_on_the_device(device: Any, name: str, pytestconfig: pytest.Config) -> None:
    op = OPS[name]
    for case in in_dtypes(name, pytestconfig):
        wanted, there = run(op, case), put(device, case)
        before = state().syncs
        found = run(op, there)
        assert state().syncs == before or name in WAITING
        for y, reference, spec in zip(found, wanted, inferred(op, case), strict=True):
            assert spec.admits(y.shape)
            agree(device, name, y, reference)


def smooth(op: Op, case: Case) -> bool:
    return op.differentiable and not {"random", "complex"} & op.traits and op.name != "ctc_occupancy" and bool(floats(case))


SMOOTH = [name for name in NAMES if any(smooth(OPS[name], case) for case in TABLE[name].cases)]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*WAITING, *DRAWING, *LIBRARIES}])
def test_kernels_are_captured_in_a_graph(device: Any, name: str) -> None:
    op, entry = OPS[name], TABLE[name]
    case = next(case for case in entry.cases if arrays(case))
    positions = arrays(case)
    xp = Capturable(device)

    def step(*values: Any) -> tuple[Any, ...]:
        args = replaced(case, dict(zip(positions, values, strict=True))).args
        out = op.kernel(xp, *args, **case.params)
        return out if isinstance(out, tuple) else (out,)

    first = [device.zeros_like(device.asarray(case.args[i])) + case.args[i].reshape(-1)[:1].sum() for i in positions]
    first = [x.astype(case.args[i].dtype) for x, i in zip(first, positions, strict=True)]
    made = captured(step, first)
    assert made.reason == ""
    for y, reference in zip(made(*[device.asarray(case.args[i]) for i in positions]), run(op, case), strict=True):
        agree(device, name, y, reference)
    assert made.reason == ""
