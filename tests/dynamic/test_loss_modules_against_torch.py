"""The losses as modules, and the adaptive softmax, give PyTorch's numbers."""

import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch
from tests.dynamic.test_losses_against_torch import (
    COUNTS,
    KLASSES,
    LABELS,
    LOGS,
    SEQUENCES,
    SIGNS,
    SPREAD,
    WEIGHT,
    A,
    B,
    T,
    U,
)


pytestmark = pytest.mark.oracle

TRIPLET = (A, B, A[::-1].copy())
RANKED = (A, B, SIGNS)
PAIRED = (A, B, SIGNS[:, 0].copy())
LENGTHS = (np.array([6, 5, 4]), np.array([3, 2, 3]))
MODULES = {
    "L1Loss": ((A, B), [{}]),
    "MSELoss": ((A, B), [{}]),
    "SmoothL1Loss": ((A, B), [{}, {"beta": 0.4}]),
    "HuberLoss": ((A, B), [{}, {"delta": 0.4}]),
    "PoissonNLLLoss": ((A, COUNTS), [{}, {"full": True}, {"log_input": False, "eps": 9.0}]),
    "GaussianNLLLoss": ((A, B, SPREAD), [{}, {"full": True, "eps": 0.5}]),
    "KLDivLoss": ((np.log(U), T), [{}, {"log_target": True}, {"reduction": "batchmean"}]),
    "BCELoss": ((U, T), [{}, {"weight": WEIGHT}]),
    "BCEWithLogitsLoss": ((A, T), [{}, {"weight": WEIGHT, "pos_weight": WEIGHT * 2}]),
    "NLLLoss": ((A, KLASSES), [{}, {"weight": WEIGHT, "ignore_index": 3}]),
    "NLLLoss2d": ((normal(2, 4, 2, 2), LABELS.reshape(-1)[4:8].reshape(1, 2, 2).repeat(2, 0)), [{}, {"weight": WEIGHT}]),
    "CrossEntropyLoss": ((A, KLASSES), [{}, {"weight": WEIGHT, "ignore_index": 3}, {"label_smoothing": 0.2}]),
    "CTCLoss": ((LOGS, SEQUENCES, *LENGTHS), [{}, {"blank": 4}, {"zero_infinity": True}]),
    "MarginRankingLoss": (RANKED, [{}, {"margin": 0.4}]),
    "CosineEmbeddingLoss": (PAIRED, [{}, {"margin": 0.4}]),
    "HingeEmbeddingLoss": ((A, SIGNS), [{}, {"margin": 0.4}]),
    "SoftMarginLoss": ((A, SIGNS), [{}]),
    "MultiLabelMarginLoss": ((A, LABELS), [{}]),
    "MultiLabelSoftMarginLoss": ((A, T), [{}, {"weight": WEIGHT}]),
    "MultiMarginLoss": ((A, KLASSES), [{}, {"p": 2, "margin": 0.4, "weight": WEIGHT}]),
    "TripletMarginLoss": (TRIPLET, [{}, {"margin": 2.0, "p": 1.0, "swap": True}]),
    "TripletMarginWithDistanceLoss": (TRIPLET, [{}, {"margin": 2.0, "swap": True}]),
}
WORDS = [{}, {"reduction": "sum"}, {"reduction": "none"}, {"size_average": False}, {"reduce": False}]
NEW = ("HuberLoss", "GaussianNLLLoss", "CTCLoss", "TripletMarginWithDistanceLoss")


def made(t, name, settings):
    given = {k: t.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    return getattr(t.nn, name)(**given)


def words(settings):
    return " ".join(f"{k}={'array' if isinstance(v, np.ndarray) else v}" for k, v in settings.items()) or "plain"


CALLS = [
    pytest.param(name, {**how, **settings}, id=f"{name}-{words({**how, **settings})}")
    for name, (_, many) in MODULES.items()
    for settings in many
    for how in (WORDS[:3] if name in NEW else WORDS)
]


@pytest.mark.parametrize(("name", "settings"), CALLS)
def test_modules(name, settings):
    def build(t, x, *others):
        x = x.log_softmax(-1) if name == "CTCLoss" else x
        return made(t, name, settings)(x, *(other.detach() for other in others))

    agree(build, *MODULES[name][0], rtol=1e-9, orders=1)


@pytest.mark.parametrize(("name", "settings"), CALLS)
def test_states_and_texts(name, settings):
    found = []
    for t in (dynamic, pytorch()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = made(t, name, settings)
        state = {key: plain(value).tolist() for key, value in module.state_dict().items()}
        plainly = {k: v for k, v in vars(module).items() if isinstance(v, (int, float, str)) and not k.startswith("_")}
        found.append((repr(module), state, plainly))
    assert found[0] == found[1]


WRONG = {
    "a power that is none": lambda t: t.nn.MultiMarginLoss(p=3),
    "weights in a matrix": lambda t: t.nn.MultiMarginLoss(weight=t.zeros(2, 2)),
    "a triplet without a margin": lambda t: t.nn.TripletMarginLoss(margin=0.0),
    "a distance without a margin": lambda t: t.nn.TripletMarginWithDistanceLoss(margin=-1.0),
    "a reduction that is none": lambda t: t.nn.MSELoss(reduction="most")(t.zeros(2), t.zeros(2)),
    "an argument that is none": lambda t: t.nn.MSELoss(beta=1.0),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_modules(name):
    agree(WRONG[name], orders=0)


@pytest.mark.parametrize("name", ["MSELoss", "CrossEntropyLoss", "TripletMarginLoss", "NLLLoss2d"])
def test_old_words_are_warned_of_at_the_user_s_line(name):
    category = FutureWarning if name == "NLLLoss2d" else UserWarning
    settings = {} if name == "NLLLoss2d" else {"size_average": False}
    with pytest.warns(category) as caught:
        getattr(dynamic.nn, name)(**settings)
    assert [each.filename for each in caught] == [__file__]


def test_weights_change_dtype_with_the_module():
    loss = dynamic.nn.CrossEntropyLoss(dynamic.from_numpy(WEIGHT.copy())).float()
    assert loss.weight.dtype == dynamic.float32


# The adaptive softmax

SOFTMAXES = {
    "two clusters": ((16, 20, [5, 10]), {}),
    "a head with a bias": ((16, 20, [5, 10]), {"head_bias": True}),
    "another division": ((16, 20, [3, 8, 15]), {"div_value": 2.0}),
    "one cluster": ((16, 20, [10]), {}),
}
SOME = np.array([0, 19, 7, 4, 10, 5])


def softmax(t, name, x):
    sizes, settings = SOFTMAXES[name]
    module = t.nn.AdaptiveLogSoftmaxWithLoss(*sizes, **settings, dtype=t.float64)
    state = module.state_dict()
    module.load_state_dict({k: t.from_numpy(normal(*v.shape, seed=i) / 4) for i, (k, v) in enumerate(state.items())})
    return module


USES = {
    "targets": lambda m, x, y: tuple(m(x, y)),
    "frequent targets": lambda m, x, y: tuple(m(x[:2], y[:2] * 0)),
    "rare targets": lambda m, x, y: tuple(m(x[:3], y[:3] * 0 + 19)),
    "one target": lambda m, x, y: tuple(m(x[1], y[1])),
    "log_prob": lambda m, x, y: m.log_prob(x),
    "predict": lambda m, x, y: m.predict(x),
    "a state": lambda m, x, y: [f"{key}{tuple(value.shape)}" for key, value in m.state_dict().items()],
    "a text": lambda m, x, y: repr(m),
    "two batches": lambda m, x, y: tuple(m(x, y[:2])),
    "a class too many": lambda m, x, y: tuple(m(x, y + 1)),
    "a target in two dimensions": lambda m, x, y: tuple(m(x, y.unsqueeze(1))),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", SOFTMAXES)
def test_adaptive_softmax(name, use):
    agree(lambda t, x, y: USES[use](softmax(t, name, x), x, y), normal(6, 16), SOME, rtol=1e-10)


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [0, 4], [4, 4], [4, 20], [4.5, 7]])
def test_cutoffs_that_are_none(cutoffs):
    agree(lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs), orders=0)


def test_parameters_of_the_adaptive_softmax_get_their_gradients():
    grads = []
    for t in (dynamic, pytorch()):
        module = softmax(t, "two clusters", None)
        x = t.from_numpy(normal(6, 16))
        module(x, t.from_numpy(SOME)).loss.backward()
        grads.append([plain(p.grad) for p in module.parameters()])
    for ours, theirs in zip(*grads, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
