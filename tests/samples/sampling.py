"""Samples of draws of classes and of counts; their law is their distribution (tests/graphs/test_sampling_ops.py)."""

from __future__ import annotations

import numpy

from tests.samples.table import case, integers, samples, uniform


KEY = (7, 3, 1)
SETTINGS = {"count": 5, "classes": 9, "key": KEY}

samples(
    "sample_classes",
    None,
    case(**SETTINGS),
    case(**SETTINGS, distribution="log_uniform", unique=False),
    refuses=(case(count=5, classes=4), case(count=5, classes=9, distribution="normal")),
)
samples(
    "sample_weighted",
    None,
    case(uniform(0.0, 2.0, 6), count=3, key=KEY),
    case(integers(1, 5, 6), count=8, unique=False, key=KEY),
    kinds="if",
    refuses=(case(uniform(0.0, 2.0, 6), count=7), case(uniform(0.0, 2.0, 2, 3), count=2)),
)
samples("random_gamma", None, case(uniform(0.1, 4.0, 3, 2), key=KEY), refuses=(case(numpy.array([1, 2])),))
samples("random_poisson", None, case(uniform(0.1, 4.0, 3, 2), key=KEY), refuses=(case(numpy.array([1, 2])),))
