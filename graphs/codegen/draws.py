"""Random numbers drawn by a GPU: the very numbers that numpy's generator draws for a key, to the last bit.

Uniform numbers are easy: Philox gives every word by its place. Normal ones are numpy's ziggurat (Doornik 2005), which takes
another word now and then, so that where a draw begins hangs on all before it. Three kernels find that out: one walks through
each stretch of words from each place where a draw may enter it; one, a single thread, goes from stretch to stretch by what
the first has found; the third draws. Only the tails call a function (``log1p``, ``exp``), for one draw in several thousand:
there a last bit may differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy

from graphs.codegen.launch import THREADS, launchable, loaded
from graphs.codegen.ziggurat import BEGIN, INVERSE, tables
from graphs.core import random
from graphs.core.random import DeviceKey, Key


STRETCH = 64
"""Words that a thread walks through."""

ENTRIES = 8
"""Places at the start of a stretch that draws are expected to enter it by; from later ones a single thread walks."""

SPARE = 40
"""One word in so many is expected to be taken beside one for each draw: 1.0126 are. What is missing one thread draws."""


_PHILOX = """\
typedef unsigned long long word;
__device__ __forceinline__ word high(word a, word b) {
#ifdef __CUDA_ARCH__
    return __umul64hi(a, b);
#else
    return (word)(((unsigned __int128)a * b) >> 64);
#endif
}
// Philox 4x64-10: the block number `at` of a key (seed, step, ordinal), counted from 0.
__device__ __forceinline__ void philox(const word* key, word at, word* out) {
    word c0 = at + 1, c1 = 0, c2 = key[2], c3 = 0, k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
        const word h0 = high(0xD2E7470EE14C6C93ULL, c0), l0 = 0xD2E7470EE14C6C93ULL * c0;
        const word h1 = high(0xCA5A826395121157ULL, c2), l1 = 0xCA5A826395121157ULL * c2;
        c0 = h1 ^ c1 ^ k0, c1 = l1, c2 = h0 ^ c3 ^ k1, c3 = l0;
        k0 += 0x9E3779B97F4A7C15ULL, k1 += 0xBB67AE8584CAA73BULL;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}
struct Words {
    const word* key;
    long long block;
    word out[4];
};
__device__ __forceinline__ word get(Words& words, long long i) {
    const long long which = i / PER;
    if (which != words.block) philox(words.key, words.block = which, words.out);
    return SINGLE ? (unsigned int)(words.out[(i % 8) / 2] >> 32 * (i % 2)) : words.out[i % 4];
}
__device__ __forceinline__ REAL unit(word w) {
    return SINGLE ? (REAL)(w >> 8) * (REAL)(1.0 / 16777216.0) : (REAL)(w >> 11) * (REAL)(1.0 / 9007199254740992.0);
}
"""

_UNIFORM = """\
extern "C" __global__ void uniform(const unsigned long long* key, REAL* out, const long long n) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long b = (long long)blockIdx.x * blockDim.x + threadIdx.x; b * PER < n; b += step) {
        Words words = {key, -1};
        for (long long i = b * PER; i < n && i < b * PER + PER; ++i) out[i] = unit(get(words, i));
    }
}
"""

_NORMAL = """\
// One try at a draw from word `at` on: how many words it takes; `made` says whether it gave a number.
__device__ __forceinline__ int attempt(Words& words, long long at, REAL* x, int* made) {
    word r = get(words, at);
    const int strip = r & 0xff;
    const int sign = (r >> 8) & 1;
    const word size = SINGLE ? (r >> 9) & 0x7fffff : (r >> 9) & 0xfffffffffffffULL;
    REAL value = (REAL)size * width[strip];
    if (sign) value = -value;
    *made = 1;
    *x = value;
    if (size < inside[strip]) return 1;
    if (strip == 0) {
        for (int taken = 1;; taken += 2) {
            const REAL first = -(INVERSE * (REAL)LOG1P(-unit(get(words, at + taken))));
            const REAL second = -(REAL)LOG1P(-unit(get(words, at + taken + 1)));
            if (second + second > first * first) {
                *x = ((size >> 8) & 1) ? -(BEGIN + first) : BEGIN + first;
                return taken + 2;
            }
        }
    }
    const REAL level = (height[strip - 1] - height[strip]) * unit(get(words, at + 1)) + height[strip];
    *made = (double)level < exp(-0.5 * value * value);
    return 2;
}
// For each stretch of words and each place to enter it: where the next one is entered, and how many numbers that gives.
extern "C" __global__ void walk(const unsigned long long* key, unsigned short* found, const long long stretches) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long s = (long long)blockIdx.x * blockDim.x + threadIdx.x; s < stretches; s += step) {
        Words words = {key, -1};
        unsigned char taken[STRETCH], gives[STRETCH], exits[STRETCH], counts[STRETCH];
        for (int p = 0; p < STRETCH; ++p) {
            REAL x;
            int made;
            const int n = attempt(words, s * STRETCH + p, &x, &made);
            taken[p] = n < 255 ? n : 255, gives[p] = made;
        }
        for (int p = STRETCH - 1; p >= 0; --p) {
            const int next = p + taken[p];
            exits[p] = next < STRETCH ? exits[next] : next - STRETCH;
            counts[p] = gives[p] + (next < STRETCH ? counts[next] : 0);
        }
        for (int p = 0; p < ENTRIES; ++p) found[s * ENTRIES + p] = (unsigned short)(exits[p] << 8 | counts[p]);
    }
}
// From stretch to stretch: the word at which the first draw in each begins, and the number of that draw.
extern "C" __global__ void chain(const unsigned long long* key, const unsigned short* found, long long* enters,
    long long* firsts, const long long stretches) {
    if (blockIdx.x != 0 || threadIdx.x != 0) return;
    long long at = 0, count = 0;
    Words words = {key, -1};
    for (long long s = 0; s < stretches; ++s) {
        enters[s] = at, firsts[s] = count;
        const long long end = (s + 1) * STRETCH, entry = at - s * STRETCH;
        if (entry < ENTRIES) {
            const int each = found[s * ENTRIES + entry];
            if (each >> 8 < ENTRIES) {
                at = end + (each >> 8), count += each & 0xff;
                continue;
            }
        }
        while (at < end) {
            REAL x;
            int made;
            at += attempt(words, at, &x, &made);
            count += made;
        }
    }
    enters[stretches] = at, firsts[stretches] = count;
}
// The draws of each stretch; the last one goes on until there are enough.
extern "C" __global__ void draw(const unsigned long long* key, const long long* enters, const long long* firsts, REAL* out,
    const long long stretches, const long long n) {
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long s = (long long)blockIdx.x * blockDim.x + threadIdx.x; s <= stretches; s += step) {
        Words words = {key, -1};
        long long at = enters[s], i = firsts[s];
        const long long last = s < stretches ? firsts[s + 1] : n;
        while (i < n && i < last) {
            REAL x;
            int made;
            at += attempt(words, at, &x, &made);
            if (made) out[i++] = x;
        }
    }
}
"""


@cache
def program(which: str, single: bool, by_value: bool = False) -> str:
    """The text of the kernels for ``"uniform"`` or ``"normal"`` numbers of float32 (``single``) or float64.

    They read their key from memory of the device, so that a captured draw can be given another, or take it ``by_value``, so
    that nothing has to be sent for a draw of its own.
    """
    text = _program(which, single)
    if by_value:
        values = [f"const unsigned long long {name}" for name in ("seed", "stepped", "ordinal")]
        text = text.replace("(const unsigned long long* key,", f"({', '.join(values)},")
        text = text.replace(
            "Words words = {key, -1};", "const word key[3] = {seed, stepped, ordinal}; Words words = {key, -1};"
        )
    return text


def _program(which: str, single: bool) -> str:
    head = [
        f"#define REAL {'float' if single else 'double'}",
        f"#define SINGLE {int(single)}",
        f"#define PER {8 if single else 4}",
    ]
    if which == "uniform":
        return "\n".join(head) + "\n" + _PHILOX + _UNIFORM
    inside, width, height = tables(single)
    kind = numpy.float32 if single else numpy.float64
    suffix = "f" if single else ""
    head += [
        f"#define STRETCH {STRETCH}",
        f"#define ENTRIES {ENTRIES}",
        f"#define INVERSE {float(kind(INVERSE)).hex()}{suffix}",
        f"#define BEGIN {float(kind(BEGIN)).hex()}{suffix}",
        f"#define LOG1P log1p{suffix}",
    ]

    def table(c: str, name: str, values: Sequence[str]) -> str:
        lines = [", ".join(values[i : i + 8]) for i in range(0, 256, 8)]
        return f"__device__ const {c} {name}[256] = {{\n" + ",\n".join(lines) + "};\n"

    text = table("unsigned long long", "inside", [f"{each}ULL" for each in inside])
    text += table("REAL", "width", [f"{float(each).hex()}{suffix}" for each in width])
    text += table("REAL", "height", [f"{float(each).hex()}{suffix}" for each in height])
    return "\n".join(head) + "\n" + _PHILOX + text + _NORMAL


@cache
def _kernels(xp: Any, device: int, kind: str, single: bool, by_value: bool) -> dict[str, Any]:
    """The kernels, loaded on the current device, which is number ``device``."""
    text = program(kind, single, by_value)
    names = ("uniform",) if kind == "uniform" else ("walk", "chain", "draw")
    return {name: loaded(xp, text, name) for name in names}


def drawn(xp: Any, key: Key | DeviceKey, kind: str, shape: Sequence[int], dtype: Any) -> Any:
    """Numbers of float32 or float64 as ``graphs.core.random.generator(key)`` draws them: ``"uniform"`` or ``"normal"``.

    None where module ``xp`` is not one that kernels can be made for.
    """
    if not launchable(xp):
        return None
    by_value = not isinstance(key, DeviceKey)
    given = (key.array,) if isinstance(key, DeviceKey) else tuple(map(numpy.uint64, random.words(key)))
    out = xp.empty(tuple(shape), dtype)
    n = math.prod(shape)
    if not n:
        return out
    single = out.dtype == numpy.float32
    kernels = _kernels(xp, xp.cuda.get_device_id(), kind, single, by_value)
    if kind == "uniform":
        _launch(kernels["uniform"], -(-n // (8 if single else 4)), *given, out, numpy.int64(n))
        return out
    stretches = max(1, (n + n // SPARE) // STRETCH)
    count = numpy.int64(stretches)
    found = xp.empty(stretches * ENTRIES, numpy.uint16)
    enters, firsts = xp.empty(stretches + 1, numpy.int64), xp.empty(stretches + 1, numpy.int64)
    _launch(kernels["walk"], stretches, *given, found, count)
    kernels["chain"]((1,), (1,), (*given, found, enters, firsts, count))
    _launch(kernels["draw"], stretches + 1, *given, enters, firsts, out, count, numpy.int64(n))
    return out


def _launch(kernel: Any, threads: int, *args: Any) -> None:
    kernel((min(-(-threads // THREADS), 4096),), (THREADS,), args)


random.use(drawn)

__all__ = ["ENTRIES", "STRETCH", "drawn", "program"]
