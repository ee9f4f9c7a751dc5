"""LLVM text to a function that Python calls like its own: compiled for this processor, cached on disk, freed when dropped.

llvmlite does the compiling; it is optional and imported here only, when first needed. The text is taken at its word: no
fast-math, no contraction, so that its bits are those that it says.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from graphs.codegen import store, symbols
from graphs.codegen.symbols import blas_symbol as blas_symbol, loop_symbol as loop_symbol


PRELUDE = f"""\
declare void @Py_IncRef(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
@_Py_NoneStruct = external global i8

; Where the elements are of the array that is the i-th argument.
define internal ptr @dip.data(ptr %args, i64 %i) alwaysinline {{
  %slot = getelementptr inbounds ptr, ptr %args, i64 %i
  %array = load ptr, ptr %slot
  %field = getelementptr inbounds i8, ptr %array, i64 {symbols.DATA}
  %data = load ptr, ptr %field
  ret ptr %data
}}

; What a function returns that returns nothing: a reference of its own to None, which is immortal from Python 3.12 on only.
define internal ptr @dip.none() alwaysinline {{
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}
"""
"""The LLVM text that functions for ``native`` begin with."""

_METH_FASTCALL = 0x0080

_FORMAT = "2"
"""Part of the key of code on disk: to be changed with how text is compiled or code is loaded."""

_DECLARED = re.compile(
    r'^[ \t]*(?:declare\b[^@\n]*@|@(?=\S+\s*=\s*external\b))(?:"([^"\n]+)"|([-\w$.]+))(.*\n?)', re.MULTILINE
)
"""Each name that the text leaves to others, quoted or not, and the rest of its line."""


class _MethodDef(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("meth", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


class Code:
    """The memory of a module's machine code and of its functions' definitions: the ``__self__`` of each of them."""

    __slots__ = ("__weakref__", "_engine", "_methods")

    def __init__(self, engine: Any, methods: Any) -> None:
        self._engine = engine
        self._methods = methods


@cache
def available() -> bool:
    """Whether ``native`` works here: llvmlite is installed, Python and numpy are laid out as expected, nobody has said no.

    ``DIPTYCH_NATIVE=0`` in the environment says no. On x86-64 a processor without fused multiply-add (before 2013) does too:
    the functions of ``graphs.codegen.functions`` would call a C function for each. Raises nothing.
    """
    if os.environ.get("DIPTYCH_NATIVE") == "0":
        return False
    try:
        return symbols.trustworthy() and _Compiler.only().fma
    except Exception:  # whatever is wrong with an optional library or an unknown machine, the answer is no
        return False


def native(text: str, name: str) -> Callable[..., None]:
    """The function ``name`` that the LLVM module ``text`` defines, as a builtin function.

    The text defines ``ptr @NAME(ptr %self, ptr %args, i64 %nargs)``, CPython's METH_FASTCALL, with opaque pointers, and
    declares what it calls: names of ``graphs.codegen.symbols``, of CPython or of C's mathematics. Nothing checks the
    arguments of a call: whoever calls a function of a text must pass what the text expects.

    Raises ValueError where the text is not LLVM's, does not define ``name``, or declares what nobody has.
    """
    return natives(text, (name,))[0]


def natives(text: str, names: Sequence[str]) -> tuple[Callable[..., None], ...]:
    """Several functions of one module, like ``native``; the code is freed when all of them have been dropped."""
    return _Compiler.only().functions(text, names)


class _Compiler:
    """LLVM, set up for this processor."""

    _made: _Compiler | None = None
    _lock = threading.Lock()

    @classmethod
    def only(cls) -> _Compiler:
        """The process's only one, made on first use. Raises ImportError where llvmlite is not installed."""
        with cls._lock:
            if cls._made is None:
                cls._made = cls()
            return cls._made

    def __init__(self) -> None:
        import llvmlite
        import llvmlite.binding as llvm

        if llvm.llvm_version_info[0] < 17:
            raise ImportError(f"llvmlite {llvmlite.__version__} is too old: its LLVM does not read `ptr`")
        self.llvm = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._target = llvm.Target.from_default_triple()
        self._cpu = llvm.get_host_cpu_name()
        features = llvm.get_host_cpu_features()
        self.fma = bool(features.get("fma", True))
        self._features = features.flatten()
        version = ".".join(map(str, llvm.llvm_version_info))
        self._identity = (_FORMAT, llvmlite.__version__, version, self._target.triple, self._cpu, self._features)
        self._store = store.Store(store.folder())
        new = ctypes.pythonapi.PyCFunction_NewEx
        self._new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
            ctypes.cast(new, ctypes.c_void_p).value or 0
        )

    def functions(self, text: str, names: Sequence[str]) -> tuple[Callable[..., None], ...]:
        for name in names:
            if not re.search(rf'^[ \t]*define\b[^@\n]*@(?:"{re.escape(name)}"|{re.escape(name)})\(', text, re.MULTILINE):
                raise ValueError(f"the text does not define {name!r}")
        text = self._resolve(text)
        key = store.digest(*self._identity, text)
        code = self._store.load(key)
        if code is None:
            code = self._compile(text)
            self._store.save(key, code)
        return self._load(code, names)

    def _resolve(self, text: str) -> str:
        """Tell LLVM where the declared symbols are. Returns the text with ``null`` for those that are nowhere: null data."""
        for found in list(_DECLARED.finditer(text)):
            symbol = found[1] or found[2]
            if symbol.startswith("llvm."):
                continue
            try:
                at = symbols.address(symbol)
            except ValueError:
                if not self.llvm.address_of_symbol(symbol):  # LLVM ends the process over a symbol that it cannot find
                    raise
                continue
            if at:
                self.llvm.add_symbol(symbol, at)
            else:
                text = text.replace(found[0], "").replace(f'@"{symbol}"', "null")
                text = re.sub(rf"@{re.escape(symbol)}(?![-\w$.])", "null", text)
        return text

    def _machine(self) -> Any:
        return self._target.create_target_machine(
            cpu=self._cpu, features=self._features, opt=2, reloc="pic", codemodel="default", jit=True
        )

    def _compile(self, text: str) -> bytes:
        llvm = self.llvm
        try:
            module = llvm.parse_assembly(text, llvm.create_context())
            module.verify()
        except RuntimeError as error:
            raise ValueError(f"no LLVM module: {error}") from None
        with module, self._machine() as machine:
            options = llvm.create_pipeline_tuning_options(speed_level=3)
            options.loop_vectorization = True
            options.slp_vectorization = True
            # Several vectors a round take half as long again to compile. They gain nothing: one round does not wait for the
            # one before, so that the processor overlaps them by itself (measured on additions, exp, log and tanh).
            options.loop_interleaving = False
            builder = llvm.create_pass_builder(machine, options)
            builder.getModulePassManager().run(module, builder)
            made: bytes = machine.emit_object(module)
            return made

    def _load(self, code: bytes, names: Sequence[str]) -> tuple[Callable[..., None], ...]:
        llvm = self.llvm
        # LLVM's own manager maps code and constants each where there is room. In a process with gigabytes mapped they came
        # to lie more than 2 GiB apart, which ends it (`isInt<32>(RealOffset)`); llvmlite's keeps them side by side.
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machine(), use_lmm=True)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        methods = (_MethodDef * len(names))()
        for method, name in zip(methods, names, strict=True):
            method.name, method.meth, method.flags = name.encode(), engine.get_function_address(name), _METH_FASTCALL
        keep = Code(engine, methods)
        size = ctypes.sizeof(_MethodDef)
        return tuple(self._new(ctypes.addressof(methods) + i * size, keep, None) for i in range(len(names)))
