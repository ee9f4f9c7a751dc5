"""The losses of ``nn.functional`` give PyTorch's numbers, gradients, second gradients and kinds of errors."""

import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch


pytestmark = pytest.mark.oracle

A, B = normal(3, 4), normal(3, 4, seed=1)
CUBE, OTHER = normal(2, 3, 4), normal(2, 3, 4, seed=1)
U, T = np.tanh(A) / 2.1 + 0.5, np.tanh(B) / 2.1 + 0.5
SIGNS = np.where(B > 0, 1.0, -1.0)
KLASSES = np.array([2, 0, 3])
WEIGHT = np.abs(normal(4)) + 0.5
SPREAD = np.abs(normal(3, 4, seed=2)) + 0.2
COUNTS = np.array([[0.0, 1.0, 3.0, 2.0], [7.0, 0.0, 1.0, 5.0], [2.0, 2.0, 4.0, 1.0]])
PICTURE, PICTURED = normal(2, 3, 4, 2), np.array([[[0, 1], [2, 0], [1, 1], [0, 2]], [[2, 2], [1, 0], [0, 1], [2, 1]]])
LABELS = np.array([[3, 0, -1, 1], [0, 1, 2, 3], [-1, 0, 1, 2]])

REDUCED = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "size_average off": {"size_average": False},
    "reduce off": {"reduce": False},
    "size_average on": {"size_average": True},
    "nonsense": {"reduction": "most"},
}

LOSSES = {
    "mse_loss": [(A, B), [{}, {"weight": SPREAD}]],
    "l1_loss": [(A, B), [{}, {"weight": SPREAD}]],
    "smooth_l1_loss": [(2 * A, B), [{}, {"beta": 0.5}, {"beta": 2.5}, {"beta": 0.0}]],
    "huber_loss": [(2 * A, B), [{}, {"delta": 0.5}, {"delta": 2.5}, {"weight": SPREAD}]],
    "poisson_nll_loss": [
        (A, COUNTS),
        [{}, {"full": True}, {"log_input": False, "eps": 9.0}, {"log_input": False, "full": True, "eps": 5.0}],
    ],
    "gaussian_nll_loss": [(A, B, SPREAD), [{}, {"full": True}, {"eps": 0.6}]],
    "kl_div": [(np.log(U), T), [{}, {"log_target": True}]],
    "binary_cross_entropy": [(U, T), [{}, {"weight": WEIGHT}]],
    "binary_cross_entropy_with_logits": [(4 * A, T), [{}, {"weight": WEIGHT}, {"pos_weight": WEIGHT}]],
    "hinge_embedding_loss": [(2 * A, SIGNS), [{}, {"margin": 0.3}]],
    "soft_margin_loss": [(2 * A, SIGNS), [{}]],
    "margin_ranking_loss": [(A, B, SIGNS), [{}, {"margin": 0.7}]],
    "multilabel_soft_margin_loss": [(2 * A, (T > 0.5) * 1.0), [{}, {"weight": WEIGHT}]],
    "cosine_embedding_loss": [(A, B, np.array([1.0, -1.0, 1.0])), [{}, {"margin": 0.2}, {"margin": -0.5}]],
    "triplet_margin_loss": [(A, B, A[::-1].copy()), [{}, {"margin": 3.0, "p": 1}, {"p": 3}, {"swap": True, "margin": 2.0}]],
    "triplet_margin_with_distance_loss": [(A, B, A[::-1].copy()), [{}, {"margin": 3.0}, {"swap": True, "margin": 2.0}]],
    "nll_loss": [(A, KLASSES), [{}, {"weight": WEIGHT}, {"ignore_index": 0}, {"weight": WEIGHT, "ignore_index": 3}]],
    "cross_entropy": [
        (9 * A, KLASSES),
        [
            {},
            {"weight": WEIGHT},
            {"ignore_index": 0},
            {"label_smoothing": 0.2},
            {"label_smoothing": 0.2, "weight": WEIGHT},
            {"label_smoothing": 0.7, "weight": WEIGHT, "ignore_index": 2},
            {"label_smoothing": 1.0, "ignore_index": 2},
        ],
    ],
    "multi_margin_loss": [
        (A, KLASSES),
        [{}, {"p": 2}, {"margin": 0.3}, {"weight": WEIGHT}, {"p": 2, "weight": WEIGHT, "margin": 1.7}],
    ],
    "multilabel_margin_loss": [(A, LABELS), [{}]],
}
CONSTANT = {"binary_cross_entropy": 1, "hinge_embedding_loss": 1, "soft_margin_loss": 1, "multilabel_soft_margin_loss": 1}
CONSTANT |= {"margin_ranking_loss": 2, "cosine_embedding_loss": 2, "poisson_nll_loss": 1}
"""From which position on arguments are taken as constant, since PyTorch has no gradient for them."""


def label(settings):
    return " ".join(f"{k}={'array' if isinstance(v, np.ndarray) else v}" for k, v in settings.items()) or "plain"


TODAY = ("huber_loss", "gaussian_nll_loss", "triplet_margin_with_distance_loss")
"""Losses that were never without ``reduction``."""

CALLS = [
    pytest.param(name, settings, how, id=f"{name}-{label(settings)}-{how}")
    for name, (_, many) in LOSSES.items()
    for settings in many
    for how, words in REDUCED.items()
    if not ({"size_average", "reduce"} & set(words) and name in TODAY)
]
FIRST_ONLY = ("multi_margin_loss", "multilabel_margin_loss")
"""Losses for which PyTorch has no second gradient."""


def called(name, settings, arguments):
    def build(t, *xs):
        given = {
            k: t.from_numpy(v.astype(plain(xs[0]).dtype)) if isinstance(v, np.ndarray) else v for k, v in settings.items()
        }
        fixed = CONSTANT.get(name, len(xs))
        return getattr(t.nn.functional, name)(*xs[:fixed], *(x.detach() for x in xs[fixed:]), **given)

    return build, arguments


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "settings", "how"), CALLS)
def test_losses(name, settings, how, dtype):
    build, arrays = called(name, {**settings, **REDUCED[how]}, LOSSES[name][0])
    single = dtype == "float32"
    arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]
    agree(build, *arrays, rtol=1e-4 if single else 1e-10, orders=1 if single or name in FIRST_ONLY else 2)


@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy", "cross_entropy", "soft_margin_loss", "kl_div"])
def test_the_mean_by_its_first_name(name):
    build, arrays = called(name, {"reduction": "elementwise_mean"}, LOSSES[name][0])
    agree(build, *arrays, rtol=1e-10)


def fn(t):
    return t.nn.functional


SHAPES = {
    "mse of a column": (lambda t, x, y: fn(t).mse_loss(x, y[:, :1]), A, B),
    "mse of a row": (lambda t, x, y: fn(t).mse_loss(x, y[0]), A, B),
    "mse of a wider target": (lambda t, x, y: fn(t).mse_loss(x[:1], y), A, B),
    "mse of numbers": (lambda t, x, y: fn(t).mse_loss(x[0, 0], y[0, 0]), A, B),
    "mse of nothing": (lambda t, x, y: fn(t).mse_loss(x[:0], y[:0]), A, B),
    "mse of another shape": (lambda t, x, y: fn(t).mse_loss(x, y[:2]), A, B),
    "mse of two dtypes": (lambda t, x, y: fn(t).mse_loss(x.float(), y), A, B),
    "mse with integers": (lambda t, x, y: fn(t).mse_loss(x, y.long()), A, B),
    "mse with other weights": (lambda t, x, y: fn(t).mse_loss(x, y, weight=y[0]), A, B),
    "l1 of a column": (lambda t, x, y: fn(t).l1_loss(x, y[:, :1]), A, B),
    "l1 of another shape": (lambda t, x, y: fn(t).l1_loss(x, y[:2]), A, B),
    "l1 of two dtypes": (lambda t, x, y: fn(t).l1_loss(x.float(), y), A, B),
    "l1 of equals": (lambda t, x: fn(t).l1_loss(x, x.detach() * 1), A),
    "l1 of integers": (lambda t, x, y: fn(t).l1_loss(x.long(), y.long(), reduction="none"), A, B),
    "smooth l1 of a row": (lambda t, x, y: fn(t).smooth_l1_loss(x, y[1], reduction="none"), A, B),
    "smooth l1 below zero": (lambda t, x, y: fn(t).smooth_l1_loss(x, y, beta=-1.0), A, B),
    "smooth l1 of another shape": (lambda t, x, y: fn(t).smooth_l1_loss(x, y[:2]), A, B),
    "huber of a row": (lambda t, x, y: fn(t).huber_loss(x, y[1], reduction="none"), A, B),
    "huber of no width": (lambda t, x, y: fn(t).huber_loss(x, y, delta=0.0), A, B),
    "huber of another dtype": (lambda t, x, y: fn(t).huber_loss(x.detach().float(), y.detach()), A, B),
    "huber with other weights": (lambda t, x, y: fn(t).huber_loss(x, y, weight=y[:1]), A, B),
    "poisson of a row": (lambda t, x, y: fn(t).poisson_nll_loss(x, y[0].detach()), A, COUNTS),
    "poisson of integers": (lambda t, x, y: fn(t).poisson_nll_loss(x.long(), y.long()), A, COUNTS),
    "poisson of another shape": (lambda t, x, y: fn(t).poisson_nll_loss(x, y[:2]), A, COUNTS),
    "gaussian of one variance": (lambda t, x, y: fn(t).gaussian_nll_loss(x, y, 0.3), A, B),
    "gaussian of a negative number": (lambda t, x, y: fn(t).gaussian_nll_loss(x, y, -0.3), A, B),
    "gaussian of a column": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, v[:, :1]), A, B, SPREAD),
    "gaussian of a vector": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, v[:, 0]), A, B, SPREAD),
    "gaussian of a row": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, v[:1]), A, B, SPREAD),
    "gaussian of other shapes": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, v[0]), A, B, SPREAD),
    "gaussian of negative variances": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, -v), A, B, SPREAD),
    "gaussian of no variance": (lambda t, x, y, v: fn(t).gaussian_nll_loss(x, y, v * 0), A, B, SPREAD),
    "kl_div by batch": (lambda t, x, y: fn(t).kl_div(x, y, reduction="batchmean"), np.log(U), T),
    "kl_div by batch of logarithms": (
        lambda t, x, y: fn(t).kl_div(x, y.log(), reduction="batchmean", log_target=True),
        *(np.log(U), T),
    ),
    "kl_div by batch of a number": (lambda t, x, y: fn(t).kl_div(x[0, 0], y[0, 0], reduction="batchmean"), np.log(U), T),
    "kl_div with zeros": (lambda t, x, y: fn(t).kl_div(x, (y * (y > 0.5)).detach(), reduction="sum"), np.log(U), T),
    "kl_div of a row": (lambda t, x, y: fn(t).kl_div(x, y[0]), np.log(U), T),
    "kl_div of integers": (lambda t, x, y: fn(t).kl_div(x, y.long()), np.log(U), T),
    "kl_div of another shape": (lambda t, x, y: fn(t).kl_div(x, y[:2]), np.log(U), T),
    "kl_div by old words": (lambda t, x, y: fn(t).kl_div(x, y, False), np.log(U), T),
    "cross-entropy of certainty": (
        lambda t, x, y: fn(t).binary_cross_entropy((x > 0.5).double(), y.detach()),
        U,
        np.round(T),
    ),
    "cross-entropy of no probabilities": (lambda t, x, y: fn(t).binary_cross_entropy(x * 3, y), U, T),
    "cross-entropy below zero": (lambda t, x, y: fn(t).binary_cross_entropy(x - 1, y, reduction="none"), U, T),
    "cross-entropy of another shape": (lambda t, x, y: fn(t).binary_cross_entropy(x, y[:2]), U, T),
    "cross-entropy of two dtypes": (lambda t, x, y: fn(t).binary_cross_entropy(x, y.float()), U, T),
    "cross-entropy with integers": (lambda t, x, y: fn(t).binary_cross_entropy(x, y.long()), U, T),
    "cross-entropy by old words": (lambda t, x, y: fn(t).binary_cross_entropy(x, y.detach(), None, False), U, T),
    "logits of a column": (lambda t, x, y: fn(t).binary_cross_entropy_with_logits(x, y[:, :1]), A, T),
    "logits of integers": (lambda t, x, y: fn(t).binary_cross_entropy_with_logits(x, y.long()), A, T),
    "logits of two dtypes": (lambda t, x, y: fn(t).binary_cross_entropy_with_logits(x.float(), y.detach()), A, T),
    "logits far out": (
        lambda t, x, y: fn(t).binary_cross_entropy_with_logits(400 * x, y.detach(), pos_weight=y[0].detach() * 2),
        *(A, T),
    ),
    "hinge of neither": (lambda t, x, y: fn(t).hinge_embedding_loss(x, y * 0, reduction="none"), A, SIGNS),
    "hinge of a row": (lambda t, x, y: fn(t).hinge_embedding_loss(x, y[0].detach()), A, SIGNS),
    "soft margin of a row": (lambda t, x, y: fn(t).soft_margin_loss(x, y[0].detach()), A, SIGNS),
    "soft margin of two dtypes": (lambda t, x, y: fn(t).soft_margin_loss(x.float(), y.detach()), A, SIGNS),
    "soft margin with integers": (lambda t, x, y: fn(t).soft_margin_loss(x, y.long()), A, SIGNS),
    "soft margin of another shape": (lambda t, x, y: fn(t).soft_margin_loss(x, y[:2]), A, SIGNS),
    "ranking of numbers": (lambda t, x, y, s: fn(t).margin_ranking_loss(x[0, 0], y[0, 0], s[0, 0]), A, B, SIGNS),
    "ranking of ranks": (lambda t, x, y, s: fn(t).margin_ranking_loss(x, y, s[0]), A, B, SIGNS),
    "several labels of one sample": (
        lambda t, x, y: fn(t).multilabel_soft_margin_loss(x[0], y[0].detach(), reduction="none"),
        *(A, T),
    ),
    "several labels of a cube": (lambda t, x, y: fn(t).multilabel_soft_margin_loss(x, y.tanh().detach()), CUBE, OTHER),
    "several labels of other shapes": (lambda t, x, y: fn(t).multilabel_soft_margin_loss(x, y[:2]), A, T),
    "cosine of one": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x[0], y[0], s[0, 0]), A, B, SIGNS),
    "cosine of integers": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x, y, s[:, 0].long()), A, B, SIGNS),
    "cosine of a matrix": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x, y, s), A, B, SIGNS),
    "cosine of a vector": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x[0], y[0], s[:, 0]), A, B, SIGNS),
    "cosine of one for all": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x, y[:1], s[:, 0].detach()), A, B, SIGNS),
    "cosine of other shapes": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x, y[:2], s[:, 0]), A, B, SIGNS),
    "cosine of nothing": (lambda t, x, y, s: fn(t).cosine_embedding_loss(x * 0, y, s[:, 0].detach()), A, B, SIGNS),
    "triplets of vectors": (lambda t, x, y: fn(t).triplet_margin_loss(x[0], y[0], y[1], reduction="none"), A, B),
    "triplets of a cube": (lambda t, x, y: fn(t).triplet_margin_loss(x, y, y * 2, reduction="none"), CUBE, OTHER),
    "triplets of ranks": (lambda t, x, y: fn(t).triplet_margin_loss(x, y, y[0]), A, B),
    "triplets without a margin": (lambda t, x, y: fn(t).triplet_margin_loss(x, y, y, margin=0.0), A, B),
    "triplets by a distance": (
        lambda t, x, y: fn(t).triplet_margin_with_distance_loss(
            x, y, y.flip(0), distance_function=lambda a, b: (a - b).abs().sum(-1), swap=True, reduction="none"
        ),
        *(A, B),
    ),
    "triplets by a distance without a margin": (
        lambda t, x, y: fn(t).triplet_margin_with_distance_loss(x, y, y, margin=-1.0),
        *(A, B),
    ),
    "nll of a picture": (lambda t, x, y: fn(t).nll_loss(x, y), PICTURE, PICTURED),
    "nll of a weighted picture": (
        lambda t, x, y, w: fn(t).nll_loss(x, y, w[:3].detach(), ignore_index=2),
        *(PICTURE, PICTURED, WEIGHT),
    ),
    "nll of a cube": (lambda t, x, y: fn(t).nll_loss(x, y[:, :, 0], reduction="none"), CUBE, PICTURED),
    "nll of five dimensions": (
        lambda t, x, y: fn(t).nll_loss(x.unsqueeze(2), y.unsqueeze(1), reduction="none", ignore_index=1),
        *(PICTURE, PICTURED),
    ),
    "nll of one": (lambda t, x, y: fn(t).nll_loss(x[1], y[1]), A, KLASSES),
    "nll of one in a list": (lambda t, x, y: fn(t).nll_loss(x[1].detach(), y[1:2], reduction="none"), A, KLASSES),
    "nll of one for three": (lambda t, x, y: fn(t).nll_loss(x[1], y), A, KLASSES),
    "nll of nothing": (lambda t, x, y: fn(t).nll_loss(x[:0], y[:0]), A, KLASSES),
    "nll of none": (lambda t, x, y: fn(t).nll_loss(x, y * 0 - 100), A, KLASSES),
    "nll of none, summed": (lambda t, x, y: fn(t).nll_loss(x, y * 0 - 100, reduction="sum"), A, KLASSES),
    "nll ignoring what is no class": (lambda t, x, y: fn(t).nll_loss(x, y + 252, ignore_index=255), A[:1], KLASSES[2:]),
    "nll of bytes": (lambda t, x, y: fn(t).nll_loss(x, y.byte()), A, KLASSES),
    "nll of short integers": (lambda t, x, y: fn(t).nll_loss(x, y.int()), A, KLASSES),
    "nll of floats": (lambda t, x, y: fn(t).nll_loss(x, y.double()), A, KLASSES),
    "nll of bools": (lambda t, x, y: fn(t).nll_loss(x, y > 0), A, KLASSES),
    "nll of a negative class": (lambda t, x, y: fn(t).nll_loss(x, y - 1), A, KLASSES),
    "nll beyond the classes": (lambda t, x, y: fn(t).nll_loss(x, y + 1), A, KLASSES),
    "nll of two batches": (lambda t, x, y: fn(t).nll_loss(x, y[:2]), A, KLASSES),
    "nll of several targets": (lambda t, x, y: fn(t).nll_loss(x, y.unsqueeze(1)), A, KLASSES),
    "nll of a number": (lambda t, x, y: fn(t).nll_loss(x[0, 0], y[0]), A, KLASSES),
    "nll of other pictures": (lambda t, x, y: fn(t).nll_loss(x, y[:, :2]), PICTURE, PICTURED),
    "nll of few weights": (lambda t, x, y, w: fn(t).nll_loss(x, y, w[:3].detach()), A, KLASSES, WEIGHT),
    "nll of weights of another dtype": (lambda t, x, y, w: fn(t).nll_loss(x, y, w.float().detach()), A, KLASSES, WEIGHT),
    "nll with a gradient of weights": (lambda t, x, y, w: fn(t).nll_loss(x, y, w), A, KLASSES, WEIGHT),
    "cross_entropy of one": (lambda t, x, y: fn(t).cross_entropy(x[0], y[0], label_smoothing=0.1), A, KLASSES),
    "cross_entropy of a picture": (
        lambda t, x, y, w: fn(t).cross_entropy(x, y, w[:3].detach(), label_smoothing=0.3, ignore_index=0),
        *(PICTURE, PICTURED, WEIGHT),
    ),
    "cross_entropy of a picture, element by element": (
        lambda t, x, y, w: fn(t).cross_entropy(x, y, w[:3].detach(), label_smoothing=0.3, reduction="none"),
        *(PICTURE, PICTURED, WEIGHT),
    ),
    "cross_entropy of none, smoothed": (
        lambda t, x, y: fn(t).cross_entropy(x, y * 0 - 100, label_smoothing=0.3),
        *(A, KLASSES),
    ),
    "cross_entropy of probabilities": (lambda t, x, y: fn(t).cross_entropy(x, y), A, T),
    "cross_entropy of probabilities, summed": (lambda t, x, y: fn(t).cross_entropy(x, y, reduction="sum"), A, T),
    "cross_entropy of probabilities, smoothed": (
        lambda t, x, y, w: fn(t).cross_entropy(x, y, w.detach(), label_smoothing=0.4),
        *(A, T, WEIGHT),
    ),
    "cross_entropy of probabilities in a cube": (
        lambda t, x, y, w: fn(t).cross_entropy(x, y, w[:3].detach(), reduction="none"),
        *(CUBE, OTHER, WEIGHT),
    ),
    "cross_entropy of probabilities in a cube, in the mean": (lambda t, x, y: fn(t).cross_entropy(x, y), CUBE, OTHER),
    "cross_entropy of one's probabilities": (
        lambda t, x, y, w: fn(t).cross_entropy(x[0], y[0], w.detach()),
        *(A, T, WEIGHT),
    ),
    "cross_entropy of two dtypes": (lambda t, x, y: fn(t).cross_entropy(x.float(), y), A, T),
    "cross_entropy of whole probabilities": (lambda t, x, y: fn(t).cross_entropy(x, y.long()), A, T),
    "cross_entropy of probabilities to ignore": (lambda t, x, y: fn(t).cross_entropy(x, y, ignore_index=1), A, T),
    "cross_entropy of other probabilities": (lambda t, x, y: fn(t).cross_entropy(x, y[:, :3]), A, T),
    "cross_entropy of much smoothing": (lambda t, x, y: fn(t).cross_entropy(x, y, label_smoothing=1.5), A, KLASSES),
    "cross_entropy beyond the classes": (lambda t, x, y: fn(t).cross_entropy(x, y + 1), A, KLASSES),
    "cross_entropy by old words": (lambda t, x, y: fn(t).cross_entropy(x, y, None, False), A, KLASSES),
    "cross_entropy in float16": (lambda t, x, y: fn(t).cross_entropy(x.half(), y), A, KLASSES),
    "margins of one": (lambda t, x, y: fn(t).multi_margin_loss(x[0], y[0], reduction="none"), A, KLASSES),
    "margins of one in a list": (lambda t, x, y: fn(t).multi_margin_loss(x[0], y[:1], reduction="none"), A, KLASSES),
    "margins to the third": (lambda t, x, y: fn(t).multi_margin_loss(x, y, p=3), A, KLASSES),
    "margins of two batches": (lambda t, x, y: fn(t).multi_margin_loss(x, y[:2]), A, KLASSES),
    "margins of short integers": (lambda t, x, y: fn(t).multi_margin_loss(x, y.int()), A, KLASSES),
    "margins beyond the classes": (lambda t, x, y: fn(t).multi_margin_loss(x, y + 1), A, KLASSES),
    "margins of a cube": (lambda t, x, y: fn(t).multi_margin_loss(x, y), CUBE, KLASSES),
    "margins of few weights": (lambda t, x, y, w: fn(t).multi_margin_loss(x, y, weight=w[:3]), A, KLASSES, WEIGHT),
    "labels of one": (lambda t, x, y: fn(t).multilabel_margin_loss(x[0], y[0], reduction="none"), A, LABELS),
    "labels twice": (lambda t, x, y: fn(t).multilabel_margin_loss(x, y * 0 + 2), A, LABELS),
    "labels of short integers": (lambda t, x, y: fn(t).multilabel_margin_loss(x, y.int()), A, LABELS),
    "labels beyond the classes": (lambda t, x, y: fn(t).multilabel_margin_loss(x, y + 1), A, LABELS),
    "labels below the classes": (lambda t, x, y: fn(t).multilabel_margin_loss(x, y - 1), A, LABELS),
    "labels of two batches": (lambda t, x, y: fn(t).multilabel_margin_loss(x, y[:2]), A, LABELS),
}
FEW = ("margins", "labels", "mse of nothing")
"""Cases without a second gradient, in PyTorch or in mathematics."""


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_and_errors(name):
    build, *arrays = SHAPES[name]
    rtol = 1e-3 if "float16" in name else 1e-5 if "two dtypes" in name else 1e-10
    agree(build, *arrays, rtol=rtol, orders=1 if name.startswith(FEW) else 2)


# Alignments

LOGS = normal(6, 3, 5)
SEQUENCES = np.array([[1, 2, 2], [3, 3, 0], [4, 1, 2]])
ALL_OF_THEM = np.array([1, 2, 2, 3, 3, 4])


def ctc(t, x, *args, **settings):
    return fn(t).ctc_loss(x.log_softmax(-1), *args, **settings)


ALIGNMENTS = {
    "plain": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 2, 3)), LOGS, SEQUENCES),
    "summed": (lambda t, x, y: ctc(t, x, y, (6, 5, 4), (3, 2, 3), reduction="sum"), LOGS, SEQUENCES),
    "each": (lambda t, x, y: ctc(t, x, y, (6, 5, 4), (3, 2, 3), reduction="none"), LOGS, SEQUENCES),
    "without log_softmax": (lambda t, x, y: fn(t).ctc_loss(x - 2, y, (6, 5, 4), (3, 2, 3)), LOGS, SEQUENCES),
    "lengths as tensors": (
        lambda t, x, y: ctc(t, x, y, t.tensor([6, 5, 4]), t.tensor([3, 2, 1]), reduction="none"),
        *(LOGS, SEQUENCES),
    ),
    "lengths as short tensors": (
        lambda t, x, y: ctc(t, x, y, t.tensor([6, 5, 4]).int(), t.tensor([3, 2, 1]).int()),
        LOGS,
        SEQUENCES,
    ),
    "one after the other": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 2, 1)), LOGS, ALL_OF_THEM),
    "another blank": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 2, 3), blank=4), LOGS[..., ::-1].copy(), SEQUENCES % 4),
    "empty labellings": (lambda t, x, y: ctc(t, x, y, (6, 2, 6), (0, 0, 3), reduction="none"), LOGS, SEQUENCES),
    "nothing but empty labellings": (lambda t, x, y: ctc(t, x, y, (6, 2, 6), (0, 0, 0)), LOGS, SEQUENCES),
    "too few steps": (lambda t, x, y: ctc(t, x, y, (2, 6, 6), (3, 2, 3), reduction="none").isinf(), LOGS, SEQUENCES),
    "too few steps, as nothing": (
        lambda t, x, y: ctc(t, x, y, (3, 6, 2), (3, 2, 3), reduction="none", zero_infinity=True),
        *(LOGS, SEQUENCES),
    ),
    "one sequence": (lambda t, x, y: ctc(t, x[:, 0], y[0], (6,), (3,)), LOGS, SEQUENCES),
    "one sequence, not reduced": (lambda t, x, y: ctc(t, x[:, 0], y[0], (6,), (3,), reduction="none"), LOGS, SEQUENCES),
    "one sequence, by numbers": (lambda t, x, y: ctc(t, x[:, 0], y[0], t.tensor(6), t.tensor(3)), LOGS, SEQUENCES),
    "more steps than there are": (lambda t, x, y: ctc(t, x, y, (7, 6, 6), (3, 2, 3)), LOGS, SEQUENCES),
    "negative lengths": (lambda t, x, y: ctc(t, x, y, (-1, 6, 6), (3, 2, 3)), LOGS, SEQUENCES),
    "more labels than there are": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (4, 2, 3)), LOGS, SEQUENCES),
    "other labels in all": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 3, 1)), LOGS, ALL_OF_THEM),
    "lengths of another batch": (lambda t, x, y: ctc(t, x, y, (6, 6), (3, 2, 3)), LOGS, SEQUENCES),
    "a blank beyond the classes": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 2, 3), blank=5), LOGS, SEQUENCES),
    "another reduction": (lambda t, x, y: ctc(t, x, y, (6, 6, 6), (3, 2, 3), reduction="most"), LOGS, SEQUENCES),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ALIGNMENTS)
def test_alignments(name, dtype):
    build, logs, targets = ALIGNMENTS[name]
    agree(build, logs.astype(dtype), targets, rtol=1e-10 if dtype == "float64" else 1e-4, orders=1)


def test_alignments_have_no_second_gradient():
    agree(ALIGNMENTS["plain"][0], LOGS, SEQUENCES)


# Warnings

WARNED = {
    "a target that is broadcast": lambda t, x, y: fn(t).mse_loss(x, y[0]),
    "l1 of a target that is broadcast": lambda t, x, y: fn(t).l1_loss(x, y[0]),
    "old words": lambda t, x, y: fn(t).mse_loss(x, y, size_average=False),
    "more old words": lambda t, x, y: fn(t).cross_entropy(x, y, reduce=False),
    "a divergence by elements": lambda t, x, y: fn(t).kl_div(x, y),
    "a divergence by batch": lambda t, x, y: fn(t).kl_div(x, y, reduction="batchmean"),
    "nothing to warn of": lambda t, x, y: fn(t).smooth_l1_loss(x, y),
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings(name):
    found = []
    for t in (dynamic, pytorch()):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            WARNED[name](t, t.from_numpy(A.copy()), t.from_numpy(T.copy()))
        found.append([(each.category, each.filename) for each in caught])
    assert [category for category, _ in found[0]] == [category for category, _ in found[1]]
    assert all(file == __file__ for _, file in found[0])


def test_a_target_of_as_many_elements_is_taken_as_until_2019():
    x, y = dynamic.from_numpy(U.copy()), dynamic.from_numpy(T.copy())
    with pytest.warns(UserWarning, match="target of shape"):
        loss = fn(dynamic).binary_cross_entropy(x, y.reshape(4, 3))
    assert loss.item() == fn(dynamic).binary_cross_entropy(x, y.reshape(3, 4)).item()


NAMES = {
    "MseLossBackward0": lambda t, x, y: fn(t).mse_loss(x, y),
    "SmoothL1LossBackward0": lambda t, x, y: fn(t).smooth_l1_loss(x, y),
    "HuberLossBackward0": lambda t, x, y: fn(t).huber_loss(x, y),
    "MeanBackward0": lambda t, x, y: fn(t).l1_loss(x, y),
    "NllLossBackward0": lambda t, x, y: fn(t).cross_entropy(x, t.tensor([2, 0, 3])),
}


@pytest.mark.parametrize("name", NAMES)
def test_records_have_pytorch_s_names(name):
    for t in (dynamic, pytorch()):
        loss = NAMES[name](t, t.from_numpy(A.copy()).requires_grad_(), t.from_numpy(B.copy()))
        found = loss.grad_fn.label if t is dynamic else loss.grad_fn.name()
        assert found == name
