"""Random programs of which some nodes are on a GPU: the same bits as on the host, wherever the cuts are.

Without passes the stand-in for cupy computes what numpy does, so that nothing but the cutting, the crossing, the capturing
and the changing in place can make a difference.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import static as tf
from static.passes import PIPELINE, Pass
from tests.agree.laws import law
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.runs import Built, as_a_graph, in_a_session, same
from tests.conftest import _standing_in


pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")


@pytest.fixture(autouse=True)
def _gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for module in _standing_in(monkeypatch):
        monkeypatch.setitem(sys.modules, "cupy", module)
        yield module


class Spread(Built):
    """A program whose nodes are here and there."""

    def place(self, pick: int) -> None:
        """Put about one in five nodes on the host, the others on the GPU."""
        for n, op in enumerate(self.graph.get_operations()):
            here = (pick * 2654435761 >> (n * 7 % 29)) % 5 == 0
            object.__setattr__(op, "device", "/device:CPU:0" if here else "/device:GPU:0")
        self.graph.accelerated = True

    def session(self, passes: tuple[Pass, ...]) -> Any:
        """A session that does on the host what has no kernel on the GPU."""
        session = tf.Session(graph=self.graph, passes=passes, config=tf.ConfigProto(allow_soft_placement=True))
        self.load(session)
        return session


def spread(program: Program) -> None:
    """Each set of inputs three times: run, captured, replayed. And the first once more when others have been by."""
    runs = [i for i in range(program.variants) for _ in range(3)] + [0]
    built = as_a_graph(program)
    plain = in_a_session(built, (), runs, built.fetches())
    there = Spread(built.program, built.graph, built.placeholders, built.variables, built.tensors, built.told)
    there.place(program.picks[0])
    found = in_a_session(there, (), runs, there.fetches())
    for x, y in zip(found, plain, strict=True):
        same(x, y, "partly on a GPU")


@law(programs("straight"), share=0.008, parts=1)
def test_where_a_program_is_cut_changes_no_bit(program: Program) -> None:
    spread(program)


@law(programs("looping"), share=0.005, parts=1)
def test_nor_in_loops_and_branches(program: Program) -> None:
    spread(program)


@law(programs("stateful"), share=0.008, parts=1)
def test_nor_in_what_variables_become(program: Program) -> None:
    spread(program)


@law(programs("stateful"), share=0.002, parts=1)
def test_with_passes_every_program_runs(program: Program) -> None:
    built = as_a_graph(program)
    there = Spread(built.program, built.graph, built.placeholders, built.variables, built.tensors, built.told)
    there.place(program.picks[0])
    in_a_session(there, PIPELINE, [0, 0, 0], there.fetches(program.picks[0]))
