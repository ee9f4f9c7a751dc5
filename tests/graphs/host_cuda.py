"""Generated CUDA C++ compiled for this machine's processor, so that what it says can be checked where there is no GPU.

A header stands in for what CUDA builds in. A launch runs the kernel once for each thread, one after the other.
"""

from __future__ import annotations

import atexit
import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest


HEADER = """
#include <cmath>
#include <cstring>
#define __global__
#define __device__ static
#define __forceinline__ inline
struct Dim3 { unsigned int x, y, z; };
static Dim3 threadIdx, blockIdx, blockDim, gridDim;
static inline float __int_as_float(int bits) { float x; std::memcpy(&x, &bits, 4); return x; }
static inline double __longlong_as_double(long long bits) { double x; std::memcpy(&x, &bits, 8); return x; }
"""

_SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')

_LAUNCH = """
extern "C" void launch_{name}(unsigned int grid, unsigned int block, {parameters}) {{
    gridDim.x = grid, blockDim.x = block;
    for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < block; ++threadIdx.x) {name}({arguments});
}}
"""

_C = {
    "unsigned char": ctypes.c_uint8,
    "signed char": ctypes.c_int8,
    "unsigned short": ctypes.c_uint16,
    "short": ctypes.c_int16,
    "unsigned int": ctypes.c_uint32,
    "int": ctypes.c_int32,
    "unsigned long long": ctypes.c_uint64,
    "long long": ctypes.c_int64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}

here = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")


_OPTIONS = ("-std=c++17", "-O1", "-ffp-contract=off", "-w", "-fPIC")


@cache
def _header() -> Path:
    """``HEADER`` in a file, and beside it precompiled, which takes two thirds off each program."""
    folder = Path(tempfile.mkdtemp(prefix="diptych-header-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "header.hpp"
    path.write_text(HEADER)
    subprocess.run(["g++", *_OPTIONS, "-x", "c++-header", str(path), "-o", f"{path}.gch"], check=True)
    return path


def library(text: str) -> bytes:
    """A shared library of the kernels in ``text``: for each a function ``launch_NAME(grid, block, *arguments)``."""
    launches = []
    for name, parameters in _SIGNATURE.findall(text):
        arguments = ", ".join(each.split()[-1] for each in parameters.split(","))
        launches.append(_LAUNCH.format(name=name, parameters=parameters, arguments=arguments))
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        path.write_text(text + "".join(launches))
        command = ["g++", *_OPTIONS, "-shared", "-include", str(_header()), str(path), "-o", str(out)]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[:4000]
        return out.read_bytes()


def kinds(text: str, name: str) -> list[Any]:
    """The ctypes of a kernel's parameters; None for a pointer."""
    found = dict(_SIGNATURE.findall(text))[name]
    return [None if "*" in each else _C[" ".join(each.split()[1:-1])] for each in found.split(",")]


def load(code: bytes) -> ctypes.CDLL:
    """The library, loaded."""
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(code)
        file.flush()
        return ctypes.CDLL(file.name)


@cache
def kernels(text: str) -> dict[str, Callable[[int, int, Sequence[Any]], None]]:
    """Each kernel of ``text`` as a function of grid, block and arguments: addresses for pointers, numbers for values."""
    opened = load(library(text))
    made: dict[str, Callable[[int, int, Sequence[Any]], None]] = {}
    for name, _ in _SIGNATURE.findall(text):
        types = [ctypes.c_void_p if kind is None else kind for kind in kinds(text, name)]
        function = getattr(opened, f"launch_{name}")
        function.argtypes, function.restype = [ctypes.c_uint32, ctypes.c_uint32, *types], None

        def launch(grid: int, block: int, args: Sequence[Any], function: Any = function) -> None:
            function(grid, block, *args)

        made[name] = launch
    return made
