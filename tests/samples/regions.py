"""Samples of the ops over windows of different lengths; references go region by region."""

from __future__ import annotations

import itertools

import numpy

from tests.samples.table import case, integers, normal, samples


def positions(x, starts, stops):
    lead = x.shape[: x.ndim - len(starts)]
    out = numpy.zeros((*lead, *map(len, starts)), numpy.int64)
    for index in numpy.ndindex(*out.shape):
        at = index[len(lead) :]
        ranges = [range(i[k], j[k]) for i, j, k in zip(starts, stops, at, strict=True)]
        plane = x[index[: len(lead)]]
        places = list(itertools.product(*ranges))
        best = places[int(numpy.argmax([plane[place] for place in places]))]
        out[index] = numpy.ravel_multi_index(best, plane.shape)
    return out


X = normal(2, 5, 4)
samples(
    "region_positions",
    positions,
    case(X, starts=((0, 1, 3), (0, 2)), stops=((2, 4, 5), (3, 4))),
    case(X, starts=((0, 2),), stops=((1, 4),)),
    case(numpy.round(X), starts=((0, 0), (0, 1, 0)), stops=((5, 3), (4, 3, 1))),
    case(integers(0, 3, 7), starts=((0, 3, 5),), stops=((4, 7, 6),)),
    case(normal(0, 3), starts=((0, 1),), stops=((2, 3),)),
    case(normal(2, 3, 4, 2), starts=((0,), (0, 1), (0,)), stops=((3,), (3, 4), (2,))),
    kinds="if",
    refuses=(
        case(X, starts=((0, 5),), stops=((1, 6),)),
        case(X, starts=((1,),), stops=((1,),)),
        case(X, starts=((0,),), stops=((1, 2),)),
        case(normal(3), starts=((0,), (0,)), stops=((1,), (1,))),
    ),
)
