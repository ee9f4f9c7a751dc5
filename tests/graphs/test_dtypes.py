"""Every op in every dtype, in both modes: a result of the dtype that its page states, or a TypeError with op and dtype."""

from __future__ import annotations

from collections.abc import Iterable

import numpy
import pytest

import dynamic
import static as tf
from graphs.core.errors import DtypeError
from graphs.core.op import OPS
from tests import helpers, ops_page
from tests.helpers import arrays, replaced, run, same
from tests.samples.table import Case


helpers.load_samples()
TRUTHS = {"logical_and", "logical_or", "logical_xor", "logical_not"}
"""Ops of truths, which PyTorch makes of any numbers."""
SHORT = {"int8", "int16", "uint8", "uint16"}
"""Integers that TensorFlow divides in float32."""
BODIES = {"loop", "branch", "fused"}
"""Ops whose bodies have dtypes of their own."""
NAMES = [name for name in helpers.SAMPLES if name in OPS and ops_page.variants(name)]


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


def test_the_page_is_what_the_registry_says() -> None:
    assert ops_page.PAGE.read_text(encoding="utf-8") == ops_page.page(), "run python -m tests.ops_page"


WIDER = frozenset(["linear", "convolution", "convolution_transpose", "sign"])
"""Ops that PyTorch has for dtypes which the graph's rules refuse; the tape follows PyTorch."""


@pytest.mark.parametrize("name", NAMES)
def test_dtypes(name: str, pytestconfig: pytest.Config) -> None:
    most = None if pytestconfig.getoption("--long") else 1
    for dtype, cases in ops_page.variants(name).items():
        for case in cases[:most]:
            if name == "power" and case.args[0].dtype.kind in "iu" and numpy.any(numpy.less(case.args[1], 0)):
                continue  # whole numbers have no powers below 0
            try:
                _by_session(name, dtype, case)
                if name not in BODIES and name not in WIDER and not _is_mixed_power(name, case):
                    _by_tape(name, dtype, case)
            except Exception as error:
                error.add_note(f"{name} in {dtype}: {case}")
                raise


def _is_mixed_power(name: str, case: Case) -> bool:
    """Whether a whole exponent has kept its own dtype: the graph refuses it, and the tape promotes it as PyTorch does."""
    return name == "power" and len({case.args[i].dtype for i in arrays(case)}) > 1


def _by_session(name: str, dtype: str, case: Case) -> None:
    """The graph is refused while it is built, or what is fetched has the kernel's bits in the dtype that was inferred."""
    graph = tf.Graph()
    with graph.as_default():
        inputs = {i: tf.placeholder(case.args[i].dtype, case.args[i].shape) for i in arrays(case)}
        wanted = ops_page.given(name, [case])
        if wanted is None:
            with pytest.raises(DtypeError, match=rf"(?s)\b{name}\b.*{dtype}"):
                run(OPS[name], replaced(case, dict(inputs)))
            return
        if _is_mixed_power(name, case):
            with pytest.raises(DtypeError, match="power joins values of one dtype"):
                run(OPS[name], replaced(case, dict(inputs)))
            return
        outs = [tf.convert_to_tensor(y) for y in run(OPS[name], replaced(case, dict(inputs)))]
    computed = case
    if name == "divide" and dtype in SHORT:
        wanted, computed = ("float32",), replaced(case, {i: case.args[i].astype("float32") for i in arrays(case)})
    assert tuple(y.dtype.as_numpy_dtype.__name__.rstrip("_") for y in outs) == wanted
    with tf.Session(graph=graph, passes=()) as session:
        found = session.run(outs, {x: case.args[i] for i, x in inputs.items()})
    assert tuple(numpy.asarray(y).dtype.name for y in found) == wanted
    if "random" not in OPS[name].traits:
        for y, kernel in zip(found, run(OPS[name], computed), strict=True):
            same(y, kernel)


def _by_tape(name: str, dtype: str, case: Case) -> None:
    """The call is refused, or gives what the kernel gives for operands in the dtype that PyTorch computes in."""
    tensors = {i: dynamic.from_numpy(case.args[i]) for i in arrays(case)}
    computed = _computed(name, dtype, case)
    wanted = ops_page.given(name, [computed])
    if wanted is None:
        with pytest.raises(DtypeError, match=rf"(?s)\b{name}\b.*({dtype}|float32)"):
            run(OPS[name], replaced(case, dict(tensors)))
        return
    found = run(OPS[name], replaced(case, dict(tensors)))
    assert tuple(y.detach().numpy().dtype.name for y in found) == wanted
    if "random" not in OPS[name].traits:
        for y, kernel in zip(found, run(OPS[name], computed), strict=True):
            same(y.detach().numpy(), kernel)


def _computed(name: str, dtype: str, case: Case) -> Case:
    """The case as PyTorch's rules have it: where an op of each element makes floats of integers, it is handed float32."""
    if name in TRUTHS:
        return helpers.in_dtype(case, "bool")
    if OPS[name].elementwise and numpy.dtype(dtype).kind in "biu" and name != "cast":
        wide = ops_page.given(name, [helpers.in_dtype(case, "int64")])
        if wide == ("float64",):
            return helpers.in_dtype(case, "float32")
    return case
