"""NVIDIA's compiler, without a GPU: NVRTC from its wheel, or else an installed nvcc."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from graphs.codegen.cuda import OPTIONS


@cache
def _library() -> Any:
    """NVRTC of the wheel ``nvidia-cuda-nvrtc-cu12`` (or ``nvidia-cuda-nvrtc``); None where it is not installed."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or () if spec else ():
        for pattern in ("*/lib/libnvrtc.so.*", "*/bin/nvrtc64_*.dll", "*/bin/x86_64/nvrtc64_*.dll"):
            for path in sorted(Path(folder).glob(pattern)):
                if ".alt." not in path.name:
                    return ctypes.CDLL(str(path))
    return None


here = [
    pytest.mark.cuda_source,
    pytest.mark.skipif(_library() is None and shutil.which("nvcc") is None, reason="neither NVRTC nor nvcc is installed"),
]
"""Marks for tests that compile CUDA C++."""


def cubin(text: str, arch: str) -> bytes:
    """Machine code of a program for ``arch`` (``"sm_90"``). An AssertionError has the compiler's own words."""
    lib = _library()
    return _by_nvcc(text, arch) if lib is None else _by_nvrtc(lib, text, (*OPTIONS, f"-arch={arch}"), "CUBIN")


def ptx(text: str, *more: str) -> str:
    """The program as PTX, where NVRTC is there, with ``more`` options."""
    lib = _library()
    if lib is None:
        pytest.skip("NVRTC is not installed")
    return _by_nvrtc(lib, text, (*OPTIONS, "-arch=compute_80", *more), "PTX").decode()


def _by_nvrtc(lib: Any, text: str, options: tuple[str, ...], what: str) -> bytes:
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert lib.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None) == 0
    try:
        given = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        status = lib.nvrtcCompileProgram(program, len(options), given)
        if status != 0:
            what = "ProgramLog"
        assert getattr(lib, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert getattr(lib, f"nvrtcGet{what}")(program, buffer) == 0
        assert status == 0, buffer.value.decode()[:4000]
        return buffer.raw
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))


def _by_nvcc(text: str, arch: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "kernel.cu"), Path(folder, "kernel.cubin")
        path.write_text(text)
        command = ["nvcc", "-cubin", f"-arch={arch}", *OPTIONS, str(path), "-o", str(out)]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[:4000]
        return out.read_bytes()
