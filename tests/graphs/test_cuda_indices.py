"""Places of elements beyond 31 and 32 bits: a few threads of the kernels' own text, over memory that is mostly not there."""

from __future__ import annotations

import ctypes
import mmap
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

import graphs.ops  # noqa: F401  (it fills the registry)
from graphs.codegen.cuda import Form, Geometry, geometry, source
from graphs.codegen.launch import BLOCKS_PER_PROCESSOR, THREADS
from graphs.codegen.primitives import scalars
from graphs.core.function import trace
from graphs.core.spec import Spec
from tests.graphs import host_cuda


pytestmark = [host_cuda.here, pytest.mark.skipif(sys.platform != "linux", reason="it maps memory that is not there")]

GRID = 132 * BLOCKS_PER_PROCESSOR
"""Blocks that an H100 or H200, of 132 multiprocessors, is given at most."""

STEP = GRID * THREADS
"""How far apart the elements are that one thread works on."""

_ONE_THREAD = """
extern "C" void run(unsigned int block, unsigned int thread, {parameters}) {{
    gridDim.x = {grid}, blockDim.x = {threads}, blockIdx.x = block, threadIdx.x = thread;
    kernel({arguments});
}}
"""


def one_thread(made: Geometry, dtypes: list[str], folder: Path) -> Any:
    """One thread of the kernel for operands of that geometry; a signed overflow ends the process."""
    body = scalars(trace(lambda x, y: x + y, *[Spec(None, dtype) for dtype in dtypes])[0])
    assert body is not None
    text = source(body, made.form)
    ((_, parameters),) = host_cuda._SIGNATURE.findall(text)
    arguments = ", ".join(each.split()[-1] for each in parameters.split(","))
    run = _ONE_THREAD.format(parameters=parameters, arguments=arguments, grid=GRID, threads=THREADS)
    path, out = folder / "kernel.cpp", folder / "kernel.so"
    path.write_text(host_cuda.HEADER + text + run)
    command = ["g++", "-std=c++17", "-O1", "-w", "-fsanitize=signed-integer-overflow", "-fsanitize-undefined-trap-on-error"]
    subprocess.run([*command, "-shared", "-fPIC", str(path), "-o", str(out)], check=True)
    word = ctypes.c_longlong if re.search(r"const long long n\b", parameters) else ctypes.c_int
    function = ctypes.CDLL(str(out)).run

    def call(number: int, arrays: list[numpy.ndarray]) -> None:
        given = [ctypes.c_void_p(x.ctypes.data) for x in arrays]
        function(number // THREADS, number % THREADS, *given, *map(word, made.numbers))

    return call


def sparse(size: int) -> numpy.ndarray:
    """Bytes that take memory only where they are touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    return numpy.frombuffer(mmap.mmap(-1, size, flags), numpy.uint8)


def places(thread: int, size: int) -> numpy.ndarray:
    return numpy.arange(thread, size, STEP)


def threads(size: int) -> list[int]:
    """The first, one in the middle, and those of the last element and of the first beyond the end."""
    return sorted({0, STEP // 2 + 1, (size - 1) % STEP, size % STEP})


@pytest.mark.parametrize("size", [2**28, 2**30 - 1, 2**30, 2**31 + 3, 2**32 + 12345])
def test_arrays_in_order(size: int, tmp_path: Path) -> None:
    made = geometry([((size,), (1,)), ((size,), (1,))], [((size,), (1,))])
    assert made.form.wide == (size > 2**30)
    run = one_thread(made, ["uint8", "uint8"], tmp_path)
    x, y, out = sparse(size + STEP), sparse(size + STEP), sparse(size + STEP)
    for thread in threads(size):
        at = places(thread, size)
        x[at], y[at] = at % 251, at % 13
        x[at[-1] + STEP] = 9
        run(thread, [x, y, out])
        numpy.testing.assert_array_equal(out[at], (at % 251 + at % 13).astype(numpy.uint8))
        assert out[at[-1] + STEP] == 0, "an element beyond the end was written"


@pytest.mark.parametrize("shape", [(2**15, 2**14), (2**16, 2**15 + 1), (2**16 + 1, 2**16)])
def test_a_transposed_array_and_a_row(shape: tuple[int, int], tmp_path: Path) -> None:
    rows, columns = shape
    size = rows * columns
    made = geometry([(shape, (1, rows)), ((columns,), (1,))], [(shape, (columns, 1))])
    assert made.form.axes == 2
    assert made.form.wide == (size > 2**30)
    run = one_thread(made, ["uint8", "uint8"], tmp_path)
    x, out, row = sparse(size), sparse(size + STEP), numpy.arange(columns).astype(numpy.uint8)
    for thread in threads(size):
        at = places(thread, size)
        i, j = at // columns, at % columns
        x[i + j * rows] = at % 251
        run(thread, [x, row, out])
        numpy.testing.assert_array_equal(out[at], (at % 251 + row[j]).astype(numpy.uint8))
        assert out[at[-1] + STEP] == 0


def test_spaced_elements_reach_further_than_their_number(tmp_path: Path) -> None:
    """2 ** 12 elements, 2 ** 20 apart: few threads, far places."""
    count, apart = 2**12, 2**20
    made = geometry([((count,), (apart,)), ((count,), (1,))], [((count,), (1,))])
    assert made.form.wide
    run = one_thread(made, ["uint8", "uint8"], tmp_path)
    x, y, out = sparse(count * apart), numpy.ones(count, numpy.uint8), numpy.zeros(count, numpy.uint8)
    at = numpy.arange(count)
    x[at * apart] = at % 251
    for thread in range(count):
        run(thread, [x, y, out])
    numpy.testing.assert_array_equal(out, (at % 251 + 1).astype(numpy.uint8))


_FIRST_THREAD = """
import ctypes, mmap
memory = mmap.mmap(-1, 2**32, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000))
at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
ctypes.CDLL({path!r}).run(0, 0, *[ctypes.c_void_p(at)] * 3, ctypes.{word}(2**31 - 1))
"""


@pytest.mark.parametrize(("wide", "word"), [(True, "c_longlong"), (False, "c_int")])
def test_an_index_that_is_too_narrow_leaves_the_memory(wide: bool, word: str, tmp_path: Path) -> None:
    made = geometry([((2**31 - 1,), (1,))] * 2, [((2**31 - 1,), (1,))])
    chosen = Geometry(Form(made.form.inputs, made.form.outputs, 0, wide), made.counts, made.strides)
    one_thread(chosen, ["uint8", "uint8"], tmp_path)
    code = _FIRST_THREAD.format(path=str(tmp_path / "kernel.so"), word=word)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300)
    assert (found.returncode == 0) == wide, found.stderr.decode()
