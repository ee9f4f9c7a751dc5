"""A crew of threads shares large regions, whoever asks for it at a time, and a child process does without."""

import multiprocessing
import threading

import numpy
import pytest

from graphs.codegen import instruction_text
from graphs.codegen.function_text import module
from graphs.codegen.instruction_text import InstructionText
from graphs.codegen.instructions import Region, View
from graphs.codegen.machine import available, native
from graphs.codegen.primitives import Scalars


pytestmark = pytest.mark.skipif(not available(), reason="native code cannot be made here")

SIZE = 300_007


@pytest.fixture
def doubled(monkeypatch):
    """A native function that doubles the elements of an array in place, with three others to help."""
    monkeypatch.setattr(instruction_text, "threads", lambda: 4)
    monkeypatch.setattr(instruction_text, "SHARED_NANOSECONDS", 0)
    scalars = Scalars([numpy.dtype("f")])
    scalars.outputs = [scalars.call("add", [0, 0], scalars.inputs * 2, scalars.inputs[0])]
    x = View.whole("x", scalars.inputs[0], (SIZE,))
    text = InstructionText("doubled", {"x": (0, 0)}, released=True)
    for _ in range(5):
        text.write(Region(scalars, (x,), (x,), (SIZE,)))
    return native(module([text]), "doubled")


def works(function):
    x = numpy.arange(SIZE, dtype="f")
    function(x)
    return numpy.array_equal(x, numpy.arange(SIZE, dtype="f") * 32)


def test_every_element_is_worked_on_once(doubled):
    assert all(works(doubled) for _ in range(50))


def test_many_threads_ask_for_the_crew(doubled):
    found = []
    threads = [threading.Thread(target=lambda: found.extend([works(doubled) for _ in range(20)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 160


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_has_a_crew_of_its_own(doubled):
    assert works(doubled)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put([works(doubled) for _ in range(5)]))
    child.start()
    assert answers.get(timeout=60) == [True] * 5
    child.join()
