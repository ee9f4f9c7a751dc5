"""``tf.losses`` and penalties: the values, names, dtypes and collections that TensorFlow gives."""

import numpy as np
import pytest

import static as ours
from static import regularizers
from tests.static.oracle import tensorflow


RNG = np.random.RandomState(0)
PREDICTED = RNG.uniform(0.05, 0.95, (4, 3)).astype("float32")
LABELS = (RNG.uniform(size=(4, 3)) > 0.5).astype("float32")
ROWS = np.array([[1.0], [0.0], [2.0], [0.5]], "float32")
WHOLE = RNG.randint(0, 3, (4, 3)).astype("float32")
CLASSES = np.array([0, 2, 1, 0])
PLAIN = [
    "absolute_difference", "hinge_loss", "huber_loss", "log_loss", "mean_squared_error", "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]  # fmt: skip
REDUCTIONS = ["NONE", "SUM", "MEAN", "SUM_OVER_BATCH_SIZE", "SUM_BY_NONZERO_WEIGHTS", "SUM_OVER_NONZERO_WEIGHTS"]


def by_weights(name):
    weights = [1.0, 2.0, 0.0, 3, ROWS[:, 0] if name == "softmax_cross_entropy" else ROWS]
    if name != "softmax_cross_entropy":
        weights += [WHOLE, WHOLE.astype("int64"), np.zeros((4, 3))]
    return lambda losses: [getattr(losses, name)(LABELS, PREDICTED, weights=w) for w in weights]


def by_reduction(name):
    weights = ROWS[:, 0] if name == "softmax_cross_entropy" else ROWS
    reductions = [(r, weights) for r in REDUCTIONS]
    return lambda losses: [
        getattr(losses, name)(LABELS, PREDICTED, w, scope="mine", reduction=getattr(losses.Reduction, r))
        for r, w in reductions
    ]


CASES = {
    **{f"{name}, weights": by_weights(name) for name in PLAIN},
    **{f"{name}, reductions": by_reduction(name) for name in PLAIN},
    "mean_pairwise_squared_error": lambda losses: [
        losses.mean_pairwise_squared_error(LABELS, PREDICTED, w) for w in (1.0, 0.0, 2, ROWS)
    ],
    "cosine_distance": lambda losses: [
        losses.cosine_distance(LABELS, PREDICTED, axis=1),
        losses.cosine_distance(LABELS, PREDICTED, 0, np.ones((1, 3)), scope="mine"),
        losses.cosine_distance(LABELS, PREDICTED, weights=ROWS, axis=-1),
    ],
    "sparse_softmax_cross_entropy": lambda losses: [
        losses.sparse_softmax_cross_entropy(CLASSES, PREDICTED),
        losses.sparse_softmax_cross_entropy(CLASSES[:, None], PREDICTED, ROWS),
        losses.sparse_softmax_cross_entropy(CLASSES, PREDICTED, ROWS[:, 0], reduction=losses.Reduction.NONE),
    ],
    "smoothing": lambda losses: [
        losses.softmax_cross_entropy(LABELS, PREDICTED, label_smoothing=0.1),
        losses.sigmoid_cross_entropy(LABELS, PREDICTED, label_smoothing=0.2),
    ],
    "settings": lambda losses: [
        losses.huber_loss(LABELS, PREDICTED, delta=0.25),
        losses.log_loss(LABELS, PREDICTED, epsilon=0.1),
        losses.mean_squared_error(LABELS, PREDICTED, loss_collection=None),
        losses.mean_squared_error(LABELS, PREDICTED, loss_collection="mine"),
    ],
    "doubles": lambda losses: [
        losses.mean_squared_error(LABELS.astype("float64"), PREDICTED.astype("float64")),
        losses.sigmoid_cross_entropy(LABELS.astype("float64"), PREDICTED.astype("float64")),
        losses.softmax_cross_entropy(LABELS.astype("int32"), PREDICTED.astype("float64")),
        losses.compute_weighted_loss(np.arange(3), [1.0, 0.0, 2.0]),
    ],
}


def built(tf, case):
    """What a case gives: names, dtypes, shapes and values, and what the collections hold."""
    tensors = CASES[case](tf.losses)
    with tf.Session() as session:
        values = [session.run(t) for t in tensors]
    about = [(t.name, t.dtype.name, t.shape.as_list()) for t in tensors]
    return about, [[t.name for t in tf.get_collection(key)] for key in ("losses", "mine")], values


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
def test_losses_agree(case):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        about, collections, values = built(theirs, case)
    about = [(name.replace("Cast_3", "Cast_1").replace("Cast_2", "Cast_1"), *rest) for name, *rest in about]
    mine = built(ours, case)
    assert [(name.replace("Cast_2", "Cast_1"), *rest) for name, *rest in mine[0]] == about
    assert [len(names) for names in mine[1]] == [len(names) for names in collections]
    for value, wanted in zip(mine[2], values, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=2e-6, atol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("name", [*PLAIN, "mean_pairwise_squared_error"])
def test_gradients_agree(name):
    """Through the predictions and the weights; the batch's size is known in the run only."""

    def slopes(tf):
        x, w = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None])
        labels = LABELS / LABELS.sum(1, keepdims=True) if name == "softmax_cross_entropy" else LABELS
        loss = getattr(tf.losses, name)(labels, x, w if name == "softmax_cross_entropy" else tf.expand_dims(w, 1))
        with tf.Session() as session:
            return session.run([loss, *tf.gradients(loss, [x, w])], {x: PREDICTED, w: ROWS[:, 0]})

    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = slopes(theirs)
    for value, expected in zip(slopes(ours), wanted, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.oracle
def test_total_losses_agree():
    def totals(tf):
        losses = tf.losses
        empty = losses.get_regularization_loss()
        with tf.name_scope("a"):
            losses.mean_squared_error(LABELS, PREDICTED)
            with tf.variable_scope("v"):
                tf.get_variable("w", [], initializer=tf.ones_initializer(), regularizer=lambda v: v * 3.0)
        losses.add_loss(tf.constant(0.5))
        losses.add_loss(tf.constant(5.0), loss_collection=None)
        found = [
            losses.get_total_loss(),
            losses.get_total_loss(add_regularization_losses=False, name="bare"),
            losses.get_total_loss(scope="a"),
            losses.get_regularization_loss(),
            empty,
        ]
        counts = [len(losses.get_losses()), len(losses.get_losses("a")), len(losses.get_regularization_losses("v/w"))]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [t.name for t in found], counts, [float(x) for x in session.run(found)]

    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = totals(theirs)
    mine = totals(ours)
    assert mine[:2] == wanted[:2]
    assert mine[2] == pytest.approx(wanted[2])


ERRORS = {
    "Argument `predictions` must not be None": lambda tf: tf.losses.mean_squared_error(LABELS, None),
    "Argument `labels` must not be None": lambda tf: tf.losses.hinge_loss(None, PREDICTED),
    "Argument `onehot_labels` must not be None": lambda tf: tf.losses.softmax_cross_entropy(None, PREDICTED),
    "weights can not be broadcast to values": lambda tf: tf.losses.log_loss(LABELS, PREDICTED, np.ones(3)),
    r"weights can not be broadcast to values[\s\S]*3": lambda tf: tf.losses.log_loss(LABELS, PREDICTED, np.ones((2, 3))),
    "(?i)shapes .* incompatible": lambda tf: tf.losses.absolute_difference(LABELS, PREDICTED[:2]),
    "Invalid Reduction Key mean": lambda tf: tf.losses.absolute_difference(LABELS, PREDICTED, reduction="mean"),
    "You must specify argument `axis`": lambda tf: tf.losses.cosine_distance(LABELS, PREDICTED),
}


@pytest.mark.oracle
@pytest.mark.parametrize("message", ERRORS)
def test_errors_agree(message):
    theirs = tensorflow()
    with theirs.Graph().as_default(), pytest.raises(ValueError, match=message):
        ERRORS[message](theirs)
    with pytest.raises(ValueError, match=message):
        ERRORS[message](ours)


def test_a_run_refuses_weights_that_do_not_fit():
    w = ours.placeholder("float32", [None, 1])
    loss = ours.losses.mean_squared_error(LABELS, PREDICTED, w)
    with ours.Session() as session:
        with pytest.raises(ours.errors.InvalidArgumentError, match=r"test_losses.py"):
            session.run(loss, {w: np.ones((3, 1))})
        session.run(loss, {w: ROWS})


# Penalties


@pytest.mark.parametrize(
    ("regularizer", "value", "name"),
    [
        (regularizers.l1_regularizer(0.5), 3.0, "l1_regularizer"),
        (regularizers.l2_regularizer(0.5), 3.5, "l2_regularizer"),
        (regularizers.l1_l2_regularizer(0.5, 0.5), 6.5, "l1_l2_regularizer"),
        (regularizers.l1_l2_regularizer(0.0, 0.5), 3.5, "l1_l2_regularizer"),
        (regularizers.l1_l2_regularizer(0.5, 0.0), 3.0, "l1_l2_regularizer"),
        (regularizers.l2_regularizer(0.5, scope="mine"), 3.5, "mine"),
        (regularizers.sum_regularizer([None, regularizers.l1_regularizer(1.0)]), 6.0, "sum_regularizer"),
    ],
)
def test_penalties(regularizer, value, name):
    w = ours.get_variable("w", initializer=[1.0, -2.0, 3.0], regularizer=regularizer)
    (loss,) = ours.losses.get_regularization_losses()
    assert loss.op.name == f"w/Regularizer/{name}"
    with ours.Session() as session:
        session.run(w.initializer)
        assert session.run(loss) == value


def test_no_penalty_is_kept_where_the_scale_is_zero():
    assert regularizers.sum_regularizer([None]) is None
    for regularizer in (regularizers.l1_regularizer(0.0), regularizers.l2_regularizer(0.0)):
        ours.get_variable(f"w{id(regularizer)}", [2], regularizer=regularizer)
    assert ours.losses.get_regularization_losses() == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.l1_regularizer(1), "cannot be an integer"),
        (lambda: regularizers.l2_regularizer(-1.0), "less than 0"),
        (lambda: regularizers.l1_l2_regularizer(0.5, 1), "scale_l2 cannot be an integer"),
        (lambda: regularizers.apply_regularization(regularizers.l2_regularizer(0.1)), "No weights to regularize"),
        (lambda: regularizers.apply_regularization(lambda w: w, [ours.ones([2])]), "scalar Tensor instead of .* rank 1"),
    ],
)
def test_penalties_refuse(make, message):
    with pytest.raises(ValueError, match=rf"(?s){message}.*test_losses.py"):
        make()


def test_apply_regularization():
    ours.add_to_collection(ours.GraphKeys.WEIGHTS, ours.constant([1.0, -2.0]))
    total = regularizers.apply_regularization(regularizers.l1_regularizer(2.0))
    assert total.op.name == "get_regularization_penalty"
    assert ours.losses.get_regularization_losses() == [total]
    with ours.Session() as session:
        assert session.run(total) == 6.0
        assert session.run(regularizers.apply_regularization(lambda w: None, [ours.ones([2])])) == 0.0
