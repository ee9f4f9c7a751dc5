"""Functions that generated code computes itself, faster than numpy's loops: their text, and loops with the same bits.

Compiled code inlines the text. Whoever interprets what others compile calls ``loops``, so that both give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphs.codegen.approximations import FORMATS, WRITERS
from graphs.codegen.machine import PRELUDE, native
from graphs.codegen.symbols import DIMS, NDIM


@dataclass(frozen=True)
class Entry:
    """One function of one dtype.

    Attributes:
        symbol: the LLVM function's name, without ``@``; it takes and gives a float or a double.
        text: the declarations that it needs, a line each, and its definition.
        ulps: how far its results are from the true values at most, in units of the result's last place.
    """

    symbol: str
    text: str
    ulps: float


# Beside each bound is the largest error found: of float32 over all 2 to the 32 inputs against C's functions of doubles, of
# float64 over two million numbers of all sizes against long doubles.
_ULPS = {
    ("exp", "f"): 1.0,  # 0.908, at -59.273064
    ("expm1", "f"): 2.0,  # 1.496, at 16.983446
    ("log", "f"): 1.0,  # 0.923, at 0.7064308
    ("log1p", "f"): 2.0,  # 1.523, at 0.44228736
    ("tanh", "f"): 3.0,  # 2.566, at 0.062023256
    ("exp", "d"): 1.0,  # 0.871
    ("expm1", "d"): 2.0,  # 1.776
    ("log", "d"): 1.0,  # 0.807
    ("log1p", "d"): 2.0,  # 1.306
    ("tanh", "d"): 3.0,  # 2.541
}


def _entry(name: str, char: str, ulps: float) -> Entry:
    symbol = f"dip.{name}.{FORMATS[char].intrinsic}"
    return Entry(symbol, WRITERS[name](symbol, FORMATS[char]), ulps)


FUNCTIONS: dict[tuple[str, str], Entry] = {(name, char): _entry(name, char, ulps) for (name, char), ulps in _ULPS.items()}
"""The functions there are, by the name of numpy's ufunc and the character of the dtype."""


class _Loops(Mapping[tuple[str, str], Callable[..., None]]):
    """Loops over arrays, each compiled when it is first asked for: all of them together would take a quarter of a second."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Callable[..., None]] = {}

    def __getitem__(self, key: tuple[str, str]) -> Callable[..., None]:
        made = self._made.get(key)
        if made is None:
            entry = FUNCTIONS[key]
            loop = _LOOP.format(symbol=entry.symbol, kind=FORMATS[key[1]].name)
            made = self._made[key] = native(PRELUDE + entry.text + loop, f"{entry.symbol}.loop")
        return made

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(FUNCTIONS)

    def __len__(self) -> int:
        return len(FUNCTIONS)


_LOOPS = _Loops()


def loops() -> Mapping[tuple[str, str], Callable[..., None]]:
    """Each of ``FUNCTIONS`` as a builtin function ``f(src, dst)`` over arrays.

    Both arrays are contiguous in the same order, of the function's dtype and of one size; ``dst`` may be ``src``. Nothing
    checks that: these are for kernels that have seen to it.
    """
    return _LOOPS


# The size is counted up from the array itself. No element is read after another one has been written, wherever dst is, which
# the metadata says: it saves the test whether the arrays overlap.
_LOOP = """
define internal i64 @size(ptr %array) alwaysinline {{
entry:
  %field = getelementptr inbounds i8, ptr %array, i64 NDIM
  %ndim = load i32, ptr %field
  %where = getelementptr inbounds i8, ptr %array, i64 DIMS
  %dims = load ptr, ptr %where
  br label %test
test:
  %d = phi i32 [0, %entry], [%next, %more]
  %size = phi i64 [1, %entry], [%product, %more]
  %left = icmp slt i32 %d, %ndim
  br i1 %left, label %more, label %done
more:
  %place = getelementptr inbounds i64, ptr %dims, i32 %d
  %dim = load i64, ptr %place
  %product = mul i64 %size, %dim
  %next = add i32 %d, 1
  br label %test
done:
  ret i64 %size
}}

define ptr @{symbol}.loop(ptr %self, ptr %args, i64 %nargs) {{
entry:
  %src = call ptr @dip.data(ptr %args, i64 0)
  %dst = call ptr @dip.data(ptr %args, i64 1)
  %array = load ptr, ptr %args
  %n = call i64 @size(ptr %array)
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %done
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %from = getelementptr inbounds {kind}, ptr %src, i64 %i
  %x = load {kind}, ptr %from, !llvm.access.group !0
  %y = call {kind} @{symbol}({kind} %x)
  %to = getelementptr inbounds {kind}, ptr %dst, i64 %i
  store {kind} %y, ptr %to, !llvm.access.group !0
  %next = add nuw nsw i64 %i, 1
  %last = icmp eq i64 %next, %n
  br i1 %last, label %done, label %loop, !llvm.loop !1
done:
  %none = call ptr @dip.none()
  ret ptr %none
}}

!0 = distinct !{{}}
!1 = distinct !{{!1, !{{!"llvm.loop.parallel_accesses", !0}}}}
""".replace("NDIM", str(NDIM)).replace("DIMS", str(DIMS))
