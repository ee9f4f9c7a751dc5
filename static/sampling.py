"""Training with a sample of the classes: candidate samplers, noise contrast and the sampled softmax, as in ``tf.nn``."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy

from graphs import ops
from static.array import concat, expand_dims, identity, reshape, stack
from static.calls import cast
from static.counting import bincount
from static.embedding import embedding_lookup
from static.graph import get_default_graph
from static.indexing import gather, where
from static.random import _key
from static.reductions import reduce_sum
from static.sparse import sparse_to_dense
from static.tensor import apply, constant, constant_value, convert_to_tensor
from static.variables import Variable


Candidates = namedtuple("Candidates", ["sampled_candidates", "true_expected_count", "sampled_expected_count"])
"""What a sampler gives: classes drawn, int64, and how often the true and the drawn ones are to be expected, float32."""


def _expected(probability: Any, tries: Any, count: int, unique: bool) -> Any:
    """How often a class is in the sample on average: ``1 - (1 - p) ** tries`` if classes are drawn until all differ."""
    if not unique:
        return cast(probability * float(count), "float32")
    return cast(-ops.expm1(cast(tries, "float64") * ops.log1p(-probability)), "float32")


def _candidates(sampled: Any, tries: Any, true: Any, chance: Any, count: int, unique: bool) -> Candidates:
    expected = [_expected(chance(x), tries, count, unique) for x in (true, sampled)]
    return Candidates(sampled, *expected)


def _drawn(
    true_classes: Any, num_sampled: int, unique: bool, range_max: int, seed: int | None, name: str | None, zipf: bool
) -> Candidates:
    """Candidates from the uniform or the log-uniform distribution."""
    settings = {"count": int(num_sampled), "classes": int(range_max), "unique": bool(unique), **_key(seed)}
    if unique and num_sampled > range_max:
        raise ValueError(f"Sampler's range is too small: {num_sampled} different ones of {range_max} classes")
    node = "LogUniformCandidateSampler" if zipf else "UniformCandidateSampler"
    distribution = "log_uniform" if zipf else "uniform"
    sampled, tries = apply(ops.sample_classes, name=name, node=node, distribution=distribution, **settings)

    def chance(classes: Any) -> Any:
        k = cast(classes, "float64")
        if zipf:
            return (ops.log(k + 2.0) - ops.log(k + 1.0)) / float(numpy.log1p(range_max))
        return ops.ones_like(k) / float(range_max)

    return _candidates(sampled, tries, convert_to_tensor(true_classes), chance, int(num_sampled), unique)


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes below ``range_max`` drawn uniformly, all different with ``unique``."""
    return _drawn(true_classes, num_sampled, unique, range_max, seed, name, False)


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn with probability ``log((k + 2) / (k + 1)) / log(range_max + 1)``: for words in order of frequency."""
    return _drawn(true_classes, num_sampled, unique, range_max, seed, name, True)


def _by_weight(
    true_classes: Any, weights: Any, count: int, unique: bool, seed: int | None, name: str | None, node: str
) -> Any:
    sampled, tries = apply(ops.sample_weighted, weights, name=name, node=node, count=count, unique=unique, **_key(seed))
    shares = cast(weights, "float64") / reduce_sum(cast(weights, "float64"))
    return _candidates(sampled, tries, convert_to_tensor(true_classes), lambda x: gather(shares, x), count, unique)


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn as often as they have been true in the session's runs so far, each counted once to begin with.

    The counts are a variable that belongs to no collection; a run that takes the sample adds its ``true_classes``.
    """
    graph = get_default_graph()
    with graph.name_scope(name or "LearnedUnigramCandidateSampler"):
        start = constant(numpy.ones(range_max, "int64"))
        counts = Variable(start, trainable=False, collections=[], name="counts")
        before = counts.initialized_value()
        found = _by_weight(true_classes, before, num_sampled, unique, seed, None, "Sample")
        seen = bincount(true_classes, minlength=range_max, maxlength=range_max, dtype="int64")
        with graph.control_dependencies([counts.assign(before + seen)]):
            return Candidates(*(identity(x) for x in found))


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Any = (),
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes drawn by the weights ``unigrams``, or those at the end of the lines of ``vocab_file``, to the ``distortion``.

    The first ``num_reserved_ids`` classes are never drawn. Raises ValueError where there are not ``range_max`` classes.
    """
    if bool(vocab_file) == bool(len(unigrams)):
        raise ValueError("give either vocab_file or unigrams")
    given = list(unigrams)
    if vocab_file:
        lines = Path(vocab_file).read_text(encoding="utf-8").splitlines()
        given = [float(line.rpartition(",")[2]) for line in lines if line]
    weights = numpy.concatenate([numpy.zeros(num_reserved_ids), numpy.asarray(given, "float64") ** distortion])
    if len(weights) != range_max:
        raise ValueError(f"range_max is {range_max}; there are {len(weights)} classes")
    weights[numpy.arange(range_max) % num_shards != shard] = 0
    node = "FixedUnigramCandidateSampler"
    return _by_weight(true_classes, constant(weights, "float64"), num_sampled, unique, seed, name, node)


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None, name: str | None = None
) -> Candidates:
    """Every class once."""
    ones = cast(ops.ones_like(convert_to_tensor(true_classes)), "float32")
    return Candidates(constant(numpy.arange(num_sampled)), ones, constant(numpy.ones(num_sampled, "float32")))


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> tuple[Any, Any, Any]:
    """Where a drawn class is a true one: rows of ``true_classes``, int32; places in the sample, int64; the least float32."""
    true = reshape(convert_to_tensor(true_classes), [-1, num_true, 1])
    places = where(ops.equal(true, convert_to_tensor(sampled_candidates)), name=name or "ComputeAccidentalHits")
    weights = cast(ops.zeros_like(places[:, 0]), "float32") + float(numpy.finfo("float32").min)
    return cast(places[:, 0], "int32"), places[:, 2], weights


# Losses


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    subtract_log_q: bool,
    remove_accidental_hits: bool,
    partition_strategy: str,
    seed: int | None,
) -> tuple[Any, Any]:
    """The logits of the true and the drawn classes of each example, and what they are to be, both (batch, true + drawn)."""
    labels, inputs = cast(labels, "int64"), convert_to_tensor(inputs)
    flat = reshape(labels, [-1])
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
    sampled, true_expected, sampled_expected = (ops.stop_gradient(convert_to_tensor(x)) for x in sampled_values)
    sampled = cast(sampled, "int64")
    every = concat([flat, sampled], 0)
    rows = embedding_lookup(weights, every, partition_strategy)
    offsets = embedding_lookup(biases, every, partition_strategy)
    drawn = int(constant_value(convert_to_tensor(num_sampled)))  # type: ignore[arg-type]
    width = rows.shape.as_list()[-1]
    logits = ops.matmul(inputs, ops.matrix_transpose(rows[-drawn:])) + offsets[-drawn:]
    products = expand_dims(inputs, 1) * reshape(rows[:-drawn], [-1, num_true, width])
    true = reduce_sum(products, 2) + reshape(offsets[:-drawn], [-1, num_true])
    if remove_accidental_hits:
        row, place, least = compute_accidental_hits(labels, sampled, num_true)
        pairs = stack([cast(row, "int64"), place], axis=1)
        logits = logits + sparse_to_dense(pairs, ops.shape_of(logits), cast(least, logits.dtype))
    if subtract_log_q:
        true = true - cast(ops.log(true_expected), true.dtype)
        logits = logits - cast(ops.log(sampled_expected), logits.dtype)
    wanted = concat([ops.ones_like(true) / float(num_true), ops.zeros_like(logits)], 1)
    return concat([true, logits], 1), wanted


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Any:
    """The noise-contrastive loss of each example (Gutmann and Hyvärinen 2012), with log-uniform noise by default.

    ``weights`` (classes, width) or parts of it, ``biases`` (classes), ``labels`` (batch, num_true), ``inputs``
    (batch, width).
    """
    with get_default_graph().name_scope(name):
        logits, wanted = _sampled_logits(
            *(weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values),
            *(True, remove_accidental_hits, partition_strategy, None),
        )
        return reduce_sum(ops.sigmoid_cross_entropy_with_logits(logits, ops.stop_gradient(wanted)), 1)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Any:
    """The softmax loss of each example over its true classes and a sample of the others (Jean et al. 2015)."""
    with get_default_graph().name_scope(name):
        logits, wanted = _sampled_logits(
            *(weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values),
            *(True, remove_accidental_hits, partition_strategy, seed),
        )
        return ops.softmax_cross_entropy_with_logits(logits, ops.stop_gradient(wanted), axis=-1)
