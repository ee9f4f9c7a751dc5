"""LLVM text as builtin functions, and numpy's own loops and BLAS under their names."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest

from graphs.codegen import machine, symbols
from graphs.codegen.machine import PRELUDE, available, blas_symbol, loop_symbol, native, natives


ROOT = Path(__file__).resolve().parents[2]

here = pytest.mark.skipif(not available(), reason="no native code here")

NOTHING = """
define ptr @nothing(ptr %self, ptr %args, i64 %nargs) {
  %none = call ptr @dip.none()
  ret ptr %none
}
"""


def dtypes(chars: str) -> tuple[numpy.dtype[Any], ...]:
    return tuple(numpy.dtype(char) for char in chars)


def loop_text(symbol: str, chars: str, size: int) -> str:
    """A function of a contiguous array of ``size`` elements for each character, which calls the loop ``symbol`` once."""
    count = len(chars)
    lines = [f"  %a{i} = call ptr @dip.data(ptr %args, i64 {i})" for i in range(count)]
    lines += [f"  %p = alloca [{count} x ptr]", f"  %s = alloca [{count} x i64]", "  %n = alloca i64"]
    for i, char in enumerate(chars):
        lines += [f"  %p{i} = getelementptr ptr, ptr %p, i64 {i}", f"  store ptr %a{i}, ptr %p{i}"]
        lines += [f"  %s{i} = getelementptr i64, ptr %s, i64 {i}", f"  store i64 {numpy.dtype(char).itemsize}, ptr %s{i}"]
    return "\n".join(
        [
            PRELUDE,
            f'declare void @"{symbol}"(ptr, ptr, ptr, ptr)',
            f'@"{symbol}.data" = external global i8',
            "define ptr @run(ptr %self, ptr %args, i64 %nargs) {",
            *lines,
            f"  store i64 {size}, ptr %n",
            f'  call void @"{symbol}"(ptr %p, ptr %n, ptr %s, ptr @"{symbol}.data")',
            "  %none = call ptr @dip.none()",
            "  ret ptr %none",
            "}",
        ]
    )


def subprocess_says(code: str, **environment: str) -> str:
    """What a new Python prints; it must end well and complain of nothing."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


# Whether there is native code


def test_the_environment_can_refuse_native_code() -> None:
    code = "import sys; from graphs.codegen.machine import available; print(available(), 'llvmlite' in sys.modules)"
    assert subprocess_says(code, DIPTYCH_NATIVE="0") == "False False"


@pytest.mark.parametrize("package", ["static", "dynamic"])
def test_a_front_end_does_not_load_the_compiler(package: str) -> None:
    code = f"import sys, {package}; print([name for name in ('llvmlite', 'platformdirs') if name in sys.modules])"
    assert subprocess_says(code) == "[]"


def test_without_llvmlite_there_is_none() -> None:
    code = "import sys; sys.modules['llvmlite'] = None; from graphs.codegen.machine import available; print(available())"
    assert subprocess_says(code) == "False"


def test_whatever_goes_wrong_in_finding_out_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bool:
        raise RuntimeError

    monkeypatch.setattr(symbols, "trustworthy", fail)
    assert machine.available.__wrapped__() is False


# Functions


@here
def test_a_function_is_a_builtin_that_returns_none() -> None:
    nothing = native(PRELUDE + NOTHING, "nothing")
    assert type(nothing) is type(len)
    assert nothing.__name__ == "nothing"
    before = sys.getrefcount(None)
    assert [nothing() for _ in range(10_000)] == [None] * 10_000
    assert abs(sys.getrefcount(None) - before) < 1000
    assert nothing(1, 2, 3) is None


@here
def test_functions_of_one_module_are_freed_together_when_the_last_is_dropped() -> None:
    first, second = natives(PRELUDE + NOTHING + NOTHING.replace("@nothing", "@other"), ("nothing", "other"))
    code: weakref.ref[Any] = weakref.ref(first.__self__)  # type: ignore[attr-defined]
    assert second.__name__ == "other"
    del first
    gc.collect()
    assert code() is not None
    assert second() is None
    del second
    gc.collect()
    assert code() is None


@here
def test_a_process_ends_well_with_functions_alive() -> None:
    code = f"from graphs.codegen.machine import native; f = native({PRELUDE + NOTHING!r}, 'nothing'); print(f())"
    assert subprocess_says(code) == "None"


FAR = """
import mmap
import numpy
from graphs.codegen.machine import PRELUDE, native
text = PRELUDE + '''
define ptr @add(ptr %self, ptr %args, i64 %nargs) {
  %at = call ptr @dip.data(ptr %args, i64 0)
  %x = load double, ptr %at
  %y = fadd double %x, 0.1
  store double %y, ptr %at
  %none = call ptr @dip.none()
  ret ptr %none
}
'''
native(text, "add")
far, made = [], []
for _ in range(4):
    far.append(mmap.mmap(-1, 6 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ))
    made += [native(text, "add") for _ in range(200)]
x = numpy.zeros(1)
for add in made:
    add(x)
print(x[0].round(9))
"""
"""Functions that read a constant, loaded until the space above six mapped gigabytes is full, and three times more."""


@here
@pytest.mark.skipif(sys.platform != "linux", reason="maps memory in Linux's way")
def test_code_and_its_constants_lie_side_by_side() -> None:
    """LLVM may put them anywhere, and ends the process where they are more than two gigabytes apart."""
    assert subprocess_says(FAR) == "80.0"


@here
def test_the_data_of_an_argument_is_where_its_elements_are() -> None:
    copy = native(
        PRELUDE
        + """
        define ptr @copy(ptr %self, ptr %args, i64 %nargs) {
          %from = call ptr @dip.data(ptr %args, i64 0)
          %to = call ptr @dip.data(ptr %args, i64 1)
          %x = load double, ptr %from
          store double %x, ptr %to
          %none = call ptr @dip.none()
          ret ptr %none
        }
        """,
        "copy",
    )
    source, target = numpy.arange(12.0).reshape(3, 4), numpy.zeros((2, 2))
    copy(source[1:, 2:], target)
    copy(source[2], target[1])
    assert target.tolist() == [[6.0, 0.0], [8.0, 0.0]]


@here
def test_a_text_can_release_the_interpreters_lock() -> None:
    text = """
    define ptr @free(ptr %self, ptr %args, i64 %nargs) {
      %thread = call ptr @PyEval_SaveThread()
      call void @PyEval_RestoreThread(ptr %thread)
      %none = call ptr @dip.none()
      ret ptr %none
    }
    """
    assert native(PRELUDE + text, "free")() is None


@here
def test_threads_compile_at_once() -> None:
    def make(i: int) -> str:
        return native(PRELUDE + NOTHING.replace("@nothing", f"@nothing{i}"), f"nothing{i}").__name__

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(make, range(12))) == [f"nothing{i}" for i in range(12)]


@here
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("define ptr @f(ptr %a) { ret nonsense }", "no LLVM module"),
        ("define ptr @f(ptr %a) { ret float 1.0 }", "no LLVM module"),
        ("define ptr @g(ptr %a) { ret ptr %a }", "does not define 'f'"),
        ("declare ptr @f(ptr)", "does not define 'f'"),
        ("declare void @nobody.has.this()\ndefine ptr @f(ptr %a) { ret ptr %a }", "'nobody.has.this'"),
        ("@nobody.has.that = external global i8\ndefine ptr @f(ptr %a) { ret ptr %a }", "'nobody.has.that'"),
        ('declare void @"np.exp.fd"()\ndefine ptr @f(ptr %a) { ret ptr %a }', "'np.exp.fd'"),
        ('declare void @"np.linspace.ff"()\ndefine ptr @f(ptr %a) { ret ptr %a }', "'np.linspace.ff'"),
    ],
)
def test_a_wrong_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native(text, "f")


# numpy's loops


LOOPS: list[tuple[numpy.ufunc, str]] = [
    (numpy.exp, "ff"),
    (numpy.exp, "dd"),
    (numpy.add, "fff"),
    (numpy.add, "lll"),
    (numpy.greater, "ff?"),
    (numpy.logical_not, "??"),
    (numpy.power, "fff"),
    (numpy.divmod, "ffff"),
    (numpy.floor_divide, "iii"),
    (numpy.cbrt, "dd"),
    (numpy.arctan2, "fff"),
    (numpy.logaddexp, "ddd"),
    (numpy.left_shift, "BBB"),
    (numpy.spacing, "ee"),
]


@here
@pytest.mark.parametrize(("ufunc", "chars"), LOOPS, ids=lambda value: getattr(value, "__name__", value))
def test_a_loop_gives_the_bits_of_its_ufunc(ufunc: numpy.ufunc, chars: str) -> None:
    symbol = loop_symbol(ufunc, dtypes(chars))
    assert symbol == f"np.{ufunc.__name__}.{chars}"
    generator = numpy.random.default_rng(1)
    inputs = [generator.uniform(1, 6, 203).astype(char) for char in chars[: ufunc.nin]]
    outs = [numpy.zeros(203, char) for char in chars[ufunc.nin :]]
    native(loop_text(symbol, chars, 203), "run")(*inputs, *outs)
    expected = ufunc(*inputs)
    for out, right in zip(outs, expected if ufunc.nout > 1 else [expected], strict=True):
        assert out.dtype == right.dtype
        assert out.tobytes() == right.tobytes()


def test_among_these_loops_are_some_with_data_and_some_without() -> None:
    """So that both ways of passing it have been taken above."""
    data = {bool(symbols.address(f"np.{ufunc.__name__}.{chars}.data")) for ufunc, chars in LOOPS}
    assert data == {False, True}


def _user_made() -> numpy.ufunc:
    return numpy.frompyfunc(lambda x: x, 1, 1)


@pytest.mark.parametrize(
    ("ufunc", "types"),
    [
        (numpy.exp, dtypes("fd")),
        (numpy.exp, dtypes("ll")),
        (numpy.exp, dtypes("f")),
        (numpy.add, dtypes("OOO")),
        (numpy.add, (numpy.dtype("M8[s]"), numpy.dtype("m8[s]"), numpy.dtype("M8[s]"))),
        (numpy.add, (numpy.dtype(">f4"), numpy.dtype("f"), numpy.dtype("f"))),
        (numpy.add, (numpy.dtype("U3"),) * 3),
        (_user_made(), dtypes("OO")),
    ],
)
def test_what_is_no_plain_loop_of_numpys_has_no_symbol(ufunc: numpy.ufunc, types: tuple[Any, ...]) -> None:
    assert loop_symbol(ufunc, types) is None


def test_ufuncs_of_others_have_no_symbol() -> None:
    special = pytest.importorskip("scipy.special")
    assert loop_symbol(special.erf, dtypes("ff")) is None
    assert loop_symbol(special.expm1, dtypes("ff")) is None


# numpy's BLAS


@here
@pytest.mark.parametrize(("name", "dtype", "kind"), [("sgemm", "f", "float"), ("dgemm", "d", "double")])
def test_blas_gives_the_bits_of_matmul(name: str, dtype: str, kind: str) -> None:
    symbol = blas_symbol(name)
    if symbol is None:
        pytest.skip("numpy's BLAS is not the one of its wheels")
    rows, inner, columns = 37, 53, 29
    arguments = [
        *(f"i32 {n}" for n in (101, 111, 111)),
        *(f"i64 {n}" for n in (rows, columns, inner)),
        *(f"{kind} 1.0", "ptr %a", f"i64 {inner}", "ptr %b", f"i64 {columns}"),
        *(f"{kind} 0.0", "ptr %c", f"i64 {columns}"),
    ]
    types = ", ".join(argument.split()[0] for argument in arguments)
    text = f"""
    declare void @{symbol}({types})
    define ptr @product(ptr %self, ptr %args, i64 %nargs) {{
      %a = call ptr @dip.data(ptr %args, i64 0)
      %b = call ptr @dip.data(ptr %args, i64 1)
      %c = call ptr @dip.data(ptr %args, i64 2)
      call void @{symbol}({", ".join(arguments)})
      %none = call ptr @dip.none()
      ret ptr %none
    }}
    """
    generator = numpy.random.default_rng(2)
    a, b = generator.standard_normal((rows, inner)).astype(dtype), generator.standard_normal((inner, columns)).astype(dtype)
    c = numpy.full((rows, columns), numpy.nan, dtype)
    native(PRELUDE + text, "product")(a, b, c)
    assert c.tobytes() == (a @ b).tobytes()


def test_there_is_no_symbol_for_other_products() -> None:
    assert blas_symbol("cgemm") is None


# The cache


CACHED = f"""
import numpy
from graphs.codegen import machine
compiler = machine._Compiler.only()
compiled, compile_ = [], compiler._compile
compiler._compile = lambda text: (compiled.append(1), compile_(text))[1]
f = machine.native({loop_text("np.exp.ff", "ff", 100)!r}, "run")
x, y = numpy.linspace(-5, 5, 100, dtype="f"), numpy.zeros(100, "f")
f(x, y)
print(len(compiled), y.tobytes() == numpy.exp(x).tobytes())
"""


@here
def test_what_one_process_compiled_the_next_one_loads(tmp_path: Path) -> None:
    cache = str(tmp_path)
    assert subprocess_says(CACHED, DIPTYCH_CACHE=cache) == "1 True"
    assert subprocess_says(CACHED, DIPTYCH_CACHE=cache) == "0 True"
    [path] = (tmp_path / "kernels").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert subprocess_says(CACHED, DIPTYCH_CACHE=cache) == "1 True"
    assert path.read_bytes() == whole
    assert subprocess_says(CACHED, DIPTYCH_CACHE="0") == "1 True"


@here
def test_processes_share_a_cache_at_once(tmp_path: Path) -> None:
    def run(_: int) -> str:
        return subprocess_says(CACHED, DIPTYCH_CACHE=str(tmp_path))

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(4))) <= {"0 True", "1 True"}
    assert [path.suffix for path in (tmp_path / "kernels").iterdir()] == [".kernel"]
