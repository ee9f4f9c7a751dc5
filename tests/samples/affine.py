"""Samples of affine maps."""

from __future__ import annotations

from tests.samples.table import case, integers, normal, samples


samples(
    "linear",
    lambda x, weight, bias: (x[..., None, :] * weight).sum(-1) + bias,
    *(case(normal(*dims, 3), normal(4, 3), normal(4)) for dims in ((2,), (), (2, 5), (0,), (2, 1, 3))),
    case(normal(2, 0), normal(4, 0), normal(4)),
    refuses=(
        case(normal(2, 3), normal(4, 2), normal(4)),
        case(normal(2, 3), normal(4, 3), normal(3)),
        case(normal(2, 3), normal(4, 3), normal(1, 4)),
        case(normal(2, 3), normal(3), normal(1)),
        case(normal(), normal(4, 3), normal(4)),
    ),
)
IDS = integers(0, 3, 2, 4)
samples(
    "embedding",
    lambda table, ids, **_: table[ids],
    case(normal(3, 2), IDS),
    case(normal(3, 2), integers(0, 3)),
    case(normal(3, 2), integers(0, 3, 0)),
    refuses=(
        case(normal(3), IDS),
        case(normal(3, 2), normal(2)),
    ),
)
samples(
    "occurrences",
    lambda ids: (ids.reshape(-1, 1) == ids.reshape(-1)).sum(-1).reshape(ids.shape),
    *(case(integers(0, 3, *dims)) for dims in ((5,), (2, 4), (), (0,))),
    kinds="i",
)
