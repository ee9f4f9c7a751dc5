"""Candidate samplers, noise contrast and the sampled softmax."""

import numpy as np
import pytest

import static as tf
from tests.static.oracle import run_in, tensorflow


RANDOM = np.random.default_rng(3)
WEIGHTS, BIASES = RANDOM.standard_normal((9, 4)).astype("float32"), RANDOM.standard_normal(9).astype("float32")
INPUTS = RANDOM.standard_normal((3, 4)).astype("float32")
LABELS = np.array([[2], [5], [0]])
PAIRS = np.array([[2, 4], [5, 5], [0, 8]])
DRAWN = np.array([5, 1, 7, 2])


def sampled(tf, labels):
    """A sample as the losses take it: classes, and how often the true ones and they are expected."""
    true = np.linspace(0.2, 0.9, labels.size).reshape(labels.shape).astype("float32")
    return tf.constant(DRAWN), tf.constant(true), tf.constant(np.array([0.3, 0.5, 0.7, 0.2], "float32"))


def loss(name, labels, **settings):
    def build(tf, weights, biases, inputs):
        given = (tf.constant(labels), inputs, 4, 9)
        many = {"num_true": labels.shape[1], "sampled_values": sampled(tf, labels)}
        table = [weights[:3], weights[3:6], weights[6:]] if settings.get("partition_strategy") else weights
        return getattr(tf.nn, name)(table, biases, *given, **many, **settings)

    return build


CASES = {
    "nce": loss("nce_loss", LABELS),
    "nce of pairs": loss("nce_loss", PAIRS),
    "nce without hits": loss("nce_loss", PAIRS, remove_accidental_hits=True),
    "softmax": loss("sampled_softmax_loss", LABELS),
    "softmax of pairs": loss("sampled_softmax_loss", PAIRS),
    "softmax with hits": loss("sampled_softmax_loss", LABELS, remove_accidental_hits=False),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_are_those_of_tensorflow(name):
    arrays = [WEIGHTS, BIASES, INPUTS]
    found, slopes = run_in(tf, CASES[name], arrays)
    wanted, wanted_slopes = run_in(tensorflow(), CASES[name], arrays)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
    for slope, want in zip(slopes, wanted_slopes, strict=True):
        np.testing.assert_allclose(slope, want, rtol=1e-4, atol=1e-5)


@pytest.mark.oracle
def test_accidental_hits_are_those_of_tensorflow():
    def build(tf, true):
        return tf.nn.compute_accidental_hits(true, tf.constant(DRAWN), 2)

    found, _ = run_in(tf, build, [PAIRS], gradients=False)
    wanted, _ = run_in(tensorflow(), build, [PAIRS], gradients=False)
    for value, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(value, want, strict=True)


SAMPLERS = {
    "uniform": lambda tf, unique: tf.nn.uniform_candidate_sampler(LABELS, 1, 6, unique, 9, seed=4),
    "log_uniform": lambda tf, unique: tf.nn.log_uniform_candidate_sampler(LABELS, 1, 6, unique, 9, seed=4),
    "fixed": lambda tf, unique: tf.nn.fixed_unigram_candidate_sampler(
        LABELS, 1, 6, unique, 9, unigrams=[5, 1, 3, 2, 2, 4, 1, 1, 7], distortion=0.75, seed=4
    ),
    "learned": lambda tf, unique: tf.nn.learned_unigram_candidate_sampler(LABELS, 1, 6, unique, 9, seed=4),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["uniform", "log_uniform", "fixed"])
def test_expected_counts_are_those_of_tensorflow_for_draws_with_repeats(name):
    """They depend on the classes alone: ``p * num_sampled``, which is compared class by class."""
    (_, true, _), _ = run_in(tf, lambda tf: SAMPLERS[name](tf, False), [], gradients=False)
    (_, wanted, _), _ = run_in(tensorflow(), lambda tf: SAMPLERS[name](tf, False), [], gradients=False)
    np.testing.assert_allclose(true, wanted, rtol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["uniform", "log_uniform", "fixed"])
def test_expected_counts_of_unique_draws_average_to_those_of_tensorflow(name):
    def means(tf):
        with tf.Graph().as_default(), tf.Session() as session:
            fetched = SAMPLERS[name](tf, True)
            runs = [session.run(fetched) for _ in range(150)]
            assert all(len(set(run[0])) == 6 for run in runs)
            return np.mean([run[1] for run in runs], axis=0), np.mean([np.isin(LABELS, run[0]) for run in runs], axis=0)

    expected, share = means(tf)
    wanted, _ = means(tensorflow())
    np.testing.assert_allclose(expected, wanted, atol=0.06)
    np.testing.assert_allclose(expected, share, atol=0.2)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_gives_the_same_classes_in_every_session(name):
    fetched = SAMPLERS[name](tf, True)
    runs = []
    for _ in range(2):
        with tf.Session() as session:
            runs.append([session.run(fetched.sampled_candidates).tolist() for _ in range(3)])
    assert runs[0] == runs[1]
    assert len({tuple(classes) for classes in runs[0]}) > 1


def test_learned_counts_follow_what_was_true():
    labels = tf.placeholder(tf.int64, [None, 1])
    drawn = tf.nn.learned_unigram_candidate_sampler(labels, 1, 200, False, 5, seed=1).sampled_candidates
    with tf.Session() as session:
        first = np.bincount(session.run(drawn, {labels: [[3]] * 2000}), minlength=5)
        assert first.min() > 10
        assert np.bincount(session.run(drawn, {labels: [[3]]}), minlength=5)[3] > 180
    assert not tf.global_variables()


def test_classes_weights_and_shards(tmp_path):
    vocabulary = tmp_path / "words.csv"
    vocabulary.write_text("the,5\na,1\n")
    drawn = tf.nn.fixed_unigram_candidate_sampler([[0]], 1, 40, False, 3, vocab_file=str(vocabulary), num_reserved_ids=1)
    odd = tf.nn.fixed_unigram_candidate_sampler([[0]], 1, 40, False, 4, unigrams=[1, 1, 1, 1], num_shards=2, shard=1)
    with tf.Session() as session:
        assert set(session.run(drawn.sampled_candidates)) == {1, 2}
        assert set(session.run(odd.sampled_candidates)) == {1, 3}
        assert session.run(tf.nn.all_candidate_sampler([[0]], 1, 4, True)).sampled_candidates.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.nn.uniform_candidate_sampler([[1]], 1, 6, True, 5), "range is too small"),
        (
            lambda: tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 2, True, 5, unigrams=[1, 2]),
            "range_max is 5; there are 2",
        ),
        (lambda: tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 2, True, 5), "either vocab_file or unigrams"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_word_vectors_learn_with_noise():
    """Words that stand beside each other come near to each other."""
    tf.set_random_seed(1)
    words, beside = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 1])
    table = tf.Variable(tf.random_uniform([10, 4], -1.0, 1.0, seed=1))
    output = tf.Variable(tf.truncated_normal([10, 4], stddev=0.5, seed=2))
    biases = tf.Variable(tf.zeros([10]))
    losses = tf.nn.nce_loss(output, biases, beside, tf.nn.embedding_lookup(table, words), 4, 10)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_mean(losses))
    pairs = np.array([[i, i ^ 1] for i in range(10)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(500):
            session.run(step, {words: pairs[:, 0], beside: pairs[:, 1:]})
        scores = session.run(table) @ session.run(output).T + session.run(biases)
        assert (scores.argmax(1) == pairs[:, 1]).all()
