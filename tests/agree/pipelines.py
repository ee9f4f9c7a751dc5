"""The pipelines that random programs are held to, by name: a new pass joins by a line."""

from __future__ import annotations

from static.passes import (
    EXACT as EXACTLY,
    PIPELINE,
    Pass,
    accumulate,
    count,
    cse,
    fast_math,
    fold,
    fuse,
    fuse_exactly,
    hoist,
    hoist_exactly,
    merge,
    narrow,
    reuse,
    simplify,
    stabilise,
    unpack_arrays,
)


EXACT: dict[str, tuple[Pass, ...]] = {
    "EXACT": EXACTLY,
    "fold": (fold,),
    "cse": (cse,),
    "simplify": (simplify,),
    "count": (count,),
    "unpack_arrays": (unpack_arrays,),
    "narrow": (narrow,),
    "merge": (merge,),
    "hoist_exactly": (hoist_exactly,),
    "fuse_exactly": (fuse_exactly,),
    "reuse": (reuse,),
    "loops": (fold, cse, simplify, merge, narrow, cse, fuse_exactly, reuse),
}
"""Those that keep every bit, the session's own first."""

WITHIN: dict[str, tuple[Pass, ...]] = {
    "PIPELINE": PIPELINE,
    "hoist": (hoist,),
    "accumulate": (accumulate,),
    "fuse": (fuse,),
    "stabilise alone": (stabilise,),
    "fast_math alone": (fast_math,),
    "stabilise": (fold, cse, stabilise, cse, fuse, reuse),
    "fast_math": (fold, cse, fast_math, cse, fuse, reuse),
    "loops": (fold, cse, simplify, merge, hoist, narrow, cse, fuse, reuse),
}
"""Those whose results may differ within a bound."""
