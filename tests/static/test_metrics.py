"""``tf.metrics``: over several runs the values that TensorFlow gives, from variables of the same names."""

import numpy as np
import pytest

import static as ours
from tests.static.oracle import tensorflow


LEVELS = [0.1, 0.5, 0.7]


def table(tf, p):
    """Five scores in each row."""
    return tf.stack([p, 1 - p, tf.square(p), tf.sqrt(p) - 0.3, tf.abs(p - 0.4)], 1)


def labels_of(tf, y, p):
    """Three labels in each row, among them some that occur twice."""
    return tf.cast(tf.stack([y * 3, p * 4, tf.ones_like(p)], 1), tf.int64)


CASES = {
    "means": lambda m, tf, y, p, w: [
        f(y, p, v)
        for f in (m.accuracy, m.mean_absolute_error, m.mean_squared_error, m.root_mean_squared_error)
        for v in (None, w, 0.5)
    ],
    "values": lambda m, tf, y, p, w: [
        m.mean(p),
        m.mean(p, w),
        m.mean(tf.expand_dims(p, 1), w),
        m.mean(tf.stack([p, y], 1), tf.expand_dims(w, 1)),
        m.percentage_below(p, 0.5, w),
        m.mean_relative_error(y, p, tf.floor(p * 3), w),
        m.mean_cosine_distance(tf.stack([y, p], 1), tf.stack([p, p], 1), 1, tf.expand_dims(w, 1)),
        m.mean_tensor(tf.reshape(p, [7])),
        m.mean_tensor(tf.reshape(p, [7]), tf.reshape(w, [7])),
    ],
    "counts": lambda m, tf, y, p, w: [
        f(y, tf.cast(p * 2, tf.int32), v)
        for f in (m.true_positives, m.false_positives, m.true_negatives, m.false_negatives, m.precision, m.recall)
        for v in (None, w)
    ],
    "areas": lambda m, tf, y, p, w: [
        m.auc(y, p),
        m.auc(y, p, w, curve="PR", summation_method="careful_interpolation"),
        m.auc(y, p, thresholds=[0.3, 0.2, 0.9]),
        *[
            m.auc(y, p, w, num_thresholds=11, curve=curve, summation_method=how)
            for curve in ("ROC", "PR")
            for how in ("trapezoidal", "minoring", "majoring")
        ],
    ],
    "thresholds": lambda m, tf, y, p, w: [
        *[f(y, p, LEVELS, v) for f in (m.precision_at_thresholds, m.recall_at_thresholds) for v in (None, w)],
        *[
            getattr(m, f"{kind}_at_thresholds")(y, p, LEVELS, w)
            for kind in ("true_positives", "false_negatives", "true_negatives", "false_positives")
        ],
        m.sensitivity_at_specificity(y, p, 0.4),
        m.specificity_at_sensitivity(y, p, 0.4, w),
    ],
    "classes": lambda m, tf, y, p, w: [
        f(tf.cast(y * 2, tf.int32), tf.cast(p * 3, tf.int32), 4, v)
        for f in (m.mean_iou, m.mean_per_class_accuracy)
        for v in (None, w)
    ],
    "ranked": lambda m, tf, y, p, w: [
        *[
            f(tf.cast(tf.reshape(y * 3, [-1, 1]), tf.int64), table(tf, p), 2, weights=v)
            for f in (m.recall_at_k, m.precision_at_k, m.average_precision_at_k)
            for v in (None, w)
        ],
        m.recall_at_k(tf.cast(y * 3, tf.int64), table(tf, p), 3, class_id=3),
        m.precision_at_k(labels_of(tf, y, p), table(tf, p), 4, class_id=1, weights=w),
        m.average_precision_at_k(labels_of(tf, y, p), table(tf, p), 4),
        m.recall_at_top_k(labels_of(tf, y, p), tf.cast(table(tf, p) * 4, tf.int64)),
        m.precision_at_top_k(labels_of(tf, y, p), tf.cast(table(tf, p) * 4, tf.int64), class_id=2),
    ],
    "shapes": lambda m, tf, y, p, w: [
        m.accuracy(tf.expand_dims(y, 1), p),
        m.accuracy(tf.cast(y, tf.int64), tf.expand_dims(tf.round(p), 1), w),
        m.mean_squared_error(tf.stack([y, y], 1), tf.stack([p, p], 1), tf.expand_dims(w, 1)),
    ],
    "collections": lambda m, tf, y, p, w: (
        [
            getattr(m, name)(y, p, w, ["values"], ["updates", "more"], "mine")
            for name in ("accuracy", "root_mean_squared_error", "true_positives", "precision", "recall")
        ]
        + [m.auc(y, p, metrics_collections=["values"], updates_collections="updates", name="area")]
    ),
}


def gathered(tf, case):
    """Names, and after each of three runs what the updates and the values were."""
    rng = np.random.RandomState(1)
    y, p, w = (tf.placeholder(tf.float32, [None]) for _ in range(3))
    pairs = CASES[case](tf.metrics, tf, y, p, w)
    names = [(v.name, u.name, v.dtype.base_dtype.name) for v, u in pairs]
    kept = [[v.name for v in tf.get_collection(key)] for key in ("local_variables", "metric_variables", "variables")]
    kept += [[t.name for t in tf.get_collection(key)] for key in ("trainable_variables", "values", "updates", "more")]
    history = []
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        history.append(session.run([v for v, _ in pairs]))
        for _ in range(3):
            feeds = {p: rng.rand(7), y: rng.rand(7) > 0.4, w: np.round(rng.rand(7), 1)}
            feeds = {key: value.astype("float32") for key, value in feeds.items()}
            history.append(session.run([u for _, u in pairs], feeds))
            history.append(session.run([v for v, _ in pairs]))
    return names, kept, history


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
def test_metrics_agree(case):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        names, kept, history = gathered(theirs, case)
    mine = gathered(ours, case)
    assert mine[0] == names
    assert mine[1] == kept
    for found, wanted in zip(mine[2], history, strict=True):
        for value, expected in zip(found, wanted, strict=True):
            np.testing.assert_allclose(value, expected, rtol=2e-6, atol=1e-6)


def test_a_value_is_of_the_runs_before():
    value, update = ours.metrics.mean([1.0, 3.0])
    with ours.Session() as session:
        session.run(ours.local_variables_initializer())
        assert session.run([value, update]) == [0.0, 2.0]
        assert session.run(value) == 2.0


ERRORS = {
    "weights can not be broadcast to values": lambda tf: tf.metrics.mean(tf.ones([4, 3]), tf.ones([2, 3])),
    "(?i)shapes .* incompatible": lambda tf: tf.metrics.accuracy(tf.ones([4]), tf.ones([3])),
    "k": lambda tf: tf.metrics.average_precision_at_k(tf.zeros([2, 1], tf.int64), tf.ones([2, 3]), 0),
    "(?i)unexpected labels shape": lambda tf: tf.metrics.recall_at_k(tf.zeros([2, 1, 1], tf.int64), tf.ones([2, 3]), 1),
    "Curve must be either ROC or PR": lambda tf: tf.metrics.auc(tf.ones([2]), tf.ones([2]), curve="no"),
    "Invalid summation_method": lambda tf: tf.metrics.auc(tf.ones([2]), tf.ones([2]), summation_method="no"),
    r"must be in the range \[0, 1\]": lambda tf: tf.metrics.sensitivity_at_specificity(tf.ones([2]), tf.ones([2]), 2),
}


@pytest.mark.oracle
@pytest.mark.parametrize("message", ERRORS)
def test_errors_agree(message):
    theirs = tensorflow()
    with theirs.Graph().as_default(), pytest.raises(ValueError, match=message):
        ERRORS[message](theirs)
    with pytest.raises(ValueError, match=message):
        ERRORS[message](ours)


def test_predictions_are_parts():
    p = ours.placeholder(ours.float32, [2])
    _, update = ours.metrics.auc([True, False], p)
    with ours.Session() as session:
        session.run(ours.local_variables_initializer())
        with pytest.raises(ours.errors.InvalidArgumentError, match=r"predictions must be in \[0, 1\]"):
            session.run(update, {p: [0.5, 1.5]})
        assert session.run(update, {p: [0.5, 0.1]}) == pytest.approx(1.0, abs=1e-5)
