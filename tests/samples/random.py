"""Samples of the random ops. They have no reference; their law is their distribution (tests/graphs/test_random_ops.py)."""

from __future__ import annotations

from tests.samples.table import case, normal, samples, uniform


KEY = (7, 3, 1)

samples("random_normal", None, case(shape=(3, 4), key=KEY), case(shape=(), dtype="float32", mean=1.0, stddev=2.0, key=KEY))
samples("random_uniform", None, case(shape=(3, 4), key=KEY), case(shape=(5,), dtype="int32", low=0, high=9, key=KEY))
samples("truncated_normal", None, case(shape=(30, 4), key=KEY), case(shape=(0, 2), dtype="float32", key=KEY))
samples("random_normal_like", None, case(normal(3, 4), key=KEY), case(normal(), key=KEY))
samples("random_uniform_like", None, case(normal(3, 4), key=KEY), case(normal(0, 4), low=-1.0, key=KEY))
samples(
    "random_orthogonal",
    None,
    case(shape=(5, 3), key=KEY),
    case(shape=(2, 3, 4), dtype="float32", gain=2.0, key=KEY),
    refuses=(case(shape=(3,)),),
)
samples("bernoulli", None, case(uniform(0, 1, 3, 4), key=KEY))
samples("dropout_mask", None, case(normal(3, 4), rate=0.5, key=KEY), case(normal(3), rate=1.0, key=KEY))
samples("permutation", None, case(n=7, key=KEY), case(n=0, key=KEY))
samples(
    "multinomial",
    None,
    case(uniform(0, 1, 3, 4), num_samples=5, key=KEY),
    case(normal(2, 3, 4), num_samples=4, replacement=False, logits=True, key=KEY),
    kinds="if",
    refuses=(case(normal(), num_samples=1), case(normal(3), num_samples=4, replacement=False)),
)
