"""Samples of the loss of connectionist temporal classification, against the sum over all alignments."""

from __future__ import annotations

import itertools

import numpy

from tests.samples.table import case, normal, samples


def collapsed(path, blank):
    return [label for label, _ in itertools.groupby(path) if label != blank]


def alignments(targets, steps, classes, blank):
    """All ways to read ``targets`` in so many steps."""
    for path in itertools.product(range(classes), repeat=steps):
        if collapsed(path, blank) == list(targets):
            yield path


def weighed(logs, targets, steps, lengths, blank, row):
    for path in alignments(targets[row, : lengths[row]], steps[row], logs.shape[2], blank):
        yield path, numpy.exp(sum(logs[t, row, label] for t, label in enumerate(path)))


def ctc(logs, targets, steps, lengths, blank=0, zero_infinity=False, of_logits=False):
    with numpy.errstate(divide="ignore"):
        rows = [-numpy.log(sum(w for _, w in weighed(logs, targets, steps, lengths, blank, n))) for n in range(len(steps))]
    losses = numpy.array(rows, logs.dtype)
    return numpy.where(numpy.isposinf(losses), 0, losses) if zero_infinity else losses


def occupancy(logs, targets, steps, lengths, blank=0, zero_infinity=False, of_logits=False):
    out = numpy.zeros_like(logs)
    for n in range(len(steps)):
        total = sum(w for _, w in weighed(logs, targets, steps, lengths, blank, n))
        out[: steps[n], n, [blank, *targets[n, : lengths[n]]]] = 0 * total  # NaN everywhere, where it is
        for path, weight in weighed(logs, targets, steps, lengths, blank, n):
            for t, label in enumerate(path):
                out[t, n, label] += weight / total
        if of_logits:
            out[: steps[n], n] -= numpy.exp(logs[: steps[n], n])
    return out


LOGS = normal(5, 3, 4)
TARGETS = numpy.array([[1, 2, 0], [2, 2, 9], [3, 1, 3]])
STEPS, LENGTHS = numpy.array([4, 5, 3]), numpy.array([2, 2, 3])
BATCH = (LOGS, TARGETS, STEPS, LENGTHS)
OTHER_BLANK = (LOGS, numpy.array([[1, 2], [0, 0], [2, 7]]), STEPS, numpy.array([2, 2, 1]))
NOTHING = (LOGS, TARGETS, STEPS, numpy.array([0, 1, 0]))
REFUSES = (
    case(LOGS[0], TARGETS, STEPS, LENGTHS),
    case(LOGS, TARGETS[:2], STEPS, LENGTHS),
    case(LOGS, TARGETS.astype(float), STEPS, LENGTHS),
)

samples("ctc_loss", ctc, case(*BATCH), case(*OTHER_BLANK, blank=3), case(*NOTHING), second=False, refuses=REFUSES)
samples(
    "ctc_occupancy",
    occupancy,
    case(*BATCH),
    case(*BATCH, of_logits=True),
    case(*OTHER_BLANK, blank=3),
    case(*NOTHING),
    refuses=REFUSES[2:],
)
