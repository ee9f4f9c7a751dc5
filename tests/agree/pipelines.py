"""The pipelines that random programs are held to, by name: a new pass joins by a line."""

from __future__ import annotations

from static.passes import (
    EXACT as EXACTLY,
    PIPELINE,
    Pass,
    cse,
    fast_math,
    fold,
    fuse,
    fuse_exactly,
    hoist,
    merge,
    narrow,
    reuse,
    simplify,
    stabilise,
)


EXACT: dict[str, tuple[Pass, ...]] = {
    "EXACT": EXACTLY,
    "fold": (fold,),
    "cse": (cse,),
    "simplify": (simplify,),
    "narrow": (narrow,),
    "merge": (merge,),
    "fuse_exactly": (fuse_exactly,),
    "reuse": (reuse,),
    "loops": (fold, cse, simplify, merge, narrow, cse, fuse_exactly, reuse),
}
"""Those that keep every bit, the session's own first."""

WITHIN: dict[str, tuple[Pass, ...]] = {
    "PIPELINE": PIPELINE,
    "hoist": (hoist,),
    "stabilise": (fold, cse, stabilise, cse, fuse, reuse),
    "fast_math": (fold, cse, fast_math, cse, fuse, reuse),
    "loops": (fold, cse, simplify, merge, hoist, narrow, cse, fuse, reuse),
}
"""Those whose results may differ within a bound."""
