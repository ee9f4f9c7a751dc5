"""Samples of the ops that sample arrays anew; references go element by element and axis by axis, by the definition."""

from __future__ import annotations

import itertools
import math

import numpy

from tests.samples.table import case, integers, normal, samples, uniform


FLAT = normal(3, 4)
CUBE = normal(2, 5, 3)
LIKE = integers(0, 9, 2, 5, 3)


def hat(x):
    return max(0.0, 1 - abs(x))


def cubic(x, a):
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def row(i, size, number, kind, aligned, smooth, step):
    """Which old elements the new element ``i`` is made of, and their weights."""
    if aligned:
        step = (size - 1) / (number - 1) if number > 1 else 0.0
    elif step is None:
        step = size / number
    if kind == "mean":
        inside = range(math.floor(i * size / number), math.ceil((i + 1) * size / number))
        return [(j, 1 / len(inside)) for j in inside]
    if kind.startswith("nearest"):
        return [(min(size - 1, math.floor((i + 0.5 * (kind != "nearest")) * step)), 1)]
    if smooth:
        width, reach = max(step, 1), 1 if kind == "linear" else 2
        centre = (i + 0.5) * step
        inside = range(max(0, int(centre - reach * width + 0.5)), min(size, int(centre + reach * width + 0.5)))
        each = [hat(x) if kind == "linear" else cubic(x, -0.5) for x in ((j + 0.5 - centre) / width for j in inside)]
        return [(j, w / sum(each)) for j, w in zip(inside, each, strict=True)]
    at = i * step if aligned else (i + 0.5) * step - 0.5
    at = max(at, 0) if kind == "linear" else at
    around = range(2) if kind == "linear" else range(-1, 3)
    places = [math.floor(at) + k for k in around]
    return [(min(max(j, 0), size - 1), hat(at - j) if kind == "linear" else cubic(at - j, -0.75)) for j in places]


def along(x, size, axes, sizes, kind, aligned, smooth, steps, back):
    for place, (axis, number) in enumerate(zip(axes, sizes, strict=True)):
        step = None if steps is None else steps[place]
        wide = numpy.moveaxis(x, axis, -1)
        out = numpy.zeros((*wide.shape[:-1], size[axis] if back else number), x.dtype)
        for i in range(number):
            for j, weight in row(i, size[axis], number, kind, aligned, smooth, step):
                to, source = (j, i) if back else (i, j)
                out[..., to] += wide[..., source] * weight
        x = numpy.moveaxis(out, -1, axis)
    return x


def resampled(x, axes, sizes, kind, aligned=False, smooth=False, steps=None):
    return along(x, x.shape, axes, sizes, kind, aligned, smooth, steps, False)


def resampled_back(x, like, axes, sizes, kind, aligned=False, smooth=False, steps=None):
    return along(x, like.shape, axes, sizes, kind, aligned, smooth, steps, True)


WAYS = [
    {"kind": "nearest"},
    {"kind": "nearest-exact"},
    {"kind": "linear"},
    {"kind": "linear", "aligned": True},
    {"kind": "linear", "steps": (0.6, None)},
    {"kind": "linear", "steps": (0.6, 0.9)},
    {"kind": "linear", "smooth": True},
    {"kind": "cubic"},
    {"kind": "cubic", "aligned": True},
    {"kind": "cubic", "smooth": True},
    {"kind": "mean"},
]
GRIDS = ((7, 2), (2, 5), (1, 3), (3, 8))
samples(
    "resample",
    resampled,
    *(case(CUBE, axes=(1, -1), sizes=sizes, **how) for how in WAYS for sizes in GRIDS),
    case(FLAT, axes=(0,), sizes=(3,), kind="cubic"),
    case(normal(0, 4), axes=(1,), sizes=(6,), kind="linear"),
    refuses=(
        case(FLAT, axes=(0,), sizes=(0,), kind="nearest"),
        case(FLAT, axes=(0,), sizes=(2, 2), kind="nearest"),
        case(FLAT, axes=(2,), sizes=(2,), kind="nearest"),
        case(FLAT, axes=(0,), sizes=(2,), kind="best"),
        case(normal(0, 4), axes=(0,), sizes=(2,), kind="nearest"),
        case(FLAT, axes=(0,), sizes=(2,), kind="nearest", steps=(1.0, 1.0)),
        case(integers(0, 3, 4), axes=(0,), sizes=(2,), kind="linear"),
    ),
)
samples(
    "resample_adjoint",
    resampled_back,
    *(case(normal(2, *sizes), LIKE, axes=(1, -1), sizes=sizes, **how) for how in WAYS for sizes in GRIDS),
)


def terms(x_shape, at, slopes, nearest):
    """What each point reads: its index, a place, and a weight."""
    for index in numpy.ndindex(*at.shape[:-1]):
        point = at[index]
        low = numpy.rint(point) if nearest else numpy.floor(point)
        for corner in itertools.product((0, 1), repeat=len(point)):
            place = (low + corner).astype(int)
            if (nearest and any(corner)) or not all(0 <= k < n for k, n in zip(place, x_shape[1:-1], strict=True)):
                continue
            t = point - low
            each = [
                (2 * up - 1) if slope else (up * t + (1 - up) * (1 - t))
                for up, slope, t in zip(corner, slopes, t, strict=True)
            ]
            yield index, (index[0], *place), 1.0 if nearest else math.prod(each)


def met(x, at, slopes, nearest=False):
    out = numpy.zeros((*at.shape[:-1], x.shape[-1]), numpy.result_type(x, at))
    for index, place, weight in terms(x.shape, at, slopes, nearest):
        out[index] += weight * x[place]
    return out


def met_back(x, like, at, slopes, nearest=False):
    out = numpy.zeros(like.shape, numpy.result_type(x, at))
    for index, place, weight in terms(like.shape, at, slopes, nearest):
        out[place] += weight * x[index]
    return out


PLANE = normal(2, 3, 4, 2)
POINTS = uniform(-1.5, 4.5, 2, 5, 2)
samples(
    "interpolate_at",
    met,
    case(PLANE, POINTS, slopes=(False, False)),
    case(PLANE, POINTS, slopes=(False, True)),
    case(PLANE, POINTS, slopes=(True, True)),
    case(PLANE, POINTS, slopes=(False, False), nearest=True),
    case(PLANE, uniform(-1.5, 4.5, 2, 2, 3, 2), slopes=(False, False)),
    case(normal(1, 3, 2, 2, 3), uniform(-1.0, 3.0, 1, 4, 3), slopes=(False, False, False)),
    case(normal(2, 4, 1), uniform(-1.0, 4.0, 2, 6, 1), slopes=(False,)),
    refuses=(
        case(PLANE, POINTS, slopes=(False,)),
        case(PLANE, normal(2, 5, 3), slopes=(False, False)),
        case(PLANE, normal(3, 5, 2), slopes=(False, False)),
    ),
)
samples(
    "interpolate_at_adjoint",
    met_back,
    *(
        case(normal(2, 5, 2), integers(0, 9, 2, 3, 4, 2), POINTS, slopes=slopes, nearest=nearest)
        for slopes, nearest in (((False, False), False), ((True, False), False), ((False, False), True))
    ),
)
