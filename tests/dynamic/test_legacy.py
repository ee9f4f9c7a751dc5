"""``legacy``: what modules keep, share and forget, layers of one's own, dropping, and the optimisers as functions."""

import copy
import pickle

import numpy as np
import pytest

import dynamic
from dynamic import legacy
from dynamic.legacy import nn
from tests.dynamic.oracle import normal, plain


X = dynamic.from_numpy(normal(5, 4))
CLASSES = dynamic.from_numpy(np.array([1, 0, 2, 2, 0]))


def net():
    dynamic.manual_seed(0)
    return nn.Sequential().add(nn.Linear(4, 3)).add(nn.Tanh()).add(nn.Linear(3, 3)).add(nn.LogSoftMax()).double()


def test_training_goes_down():
    model, criterion = net(), nn.ClassNLLCriterion()
    losses = []
    for _ in range(50):
        losses.append(criterion.forward(model.forward(X), CLASSES))
        model.zeroGradParameters()
        model.backward(X, criterion.backward(model.output, CLASSES))
        model.updateParameters(0.5)
    assert losses[-1] < 0.3 * losses[0]
    assert losses == sorted(losses, reverse=True)


def test_one_step_as_the_tape_takes_it():
    model, criterion = net(), nn.ClassNLLCriterion()
    weight = dynamic.from_numpy(plain(model.get(0).weight)).requires_grad_()
    rest = [model.get(0).bias, model.get(2).weight, model.get(2).bias]
    hidden = dynamic.tanh(X @ weight.t() + rest[0])
    dynamic.nn.functional.cross_entropy(hidden @ rest[1].t() + rest[2], CLASSES).backward()
    before = plain(model.get(0).weight)
    criterion.forward(model.forward(X), CLASSES)
    model.zeroGradParameters()
    model.backward(X, criterion.backward(model.output, CLASSES))
    model.updateParameters(0.1)
    np.testing.assert_allclose(plain(model.get(0).weight), before - 0.1 * plain(weight.grad), rtol=1e-12)


def test_update_at_once_leaves_what_was_kept():
    model = nn.Linear(4, 3).double()
    seed = dynamic.ones(5, 3).double()
    model.forward(X)
    model.backward(X, seed)
    before, kept = plain(model.weight), plain(model.gradWeight)
    model.backwardUpdate(X, seed, 0.1)
    np.testing.assert_allclose(plain(model.weight), before - 0.1 * kept, rtol=1e-12)
    np.testing.assert_array_equal(plain(model.gradWeight), kept)


def test_flat_parameters_share_memory():
    model = net()
    params, grads = model.flattenParameters()
    assert params.numel() == grads.numel() == 4 * 3 + 3 + 3 * 3 + 3
    np.testing.assert_array_equal(plain(params)[:12], plain(model.get(0).weight).reshape(-1))
    before = plain(model.forward(X))
    params.zero_()
    assert (plain(model.get(0).weight) == 0).all()
    assert (plain(model.forward(X)) != before).any()
    model.backward(X, dynamic.ones(5, 3).double())
    assert (plain(grads)[-3:] == plain(model.get(2).gradBias)).all()
    assert model.getParameters()[0].shape == params.shape


def test_copies_share_what_they_are_told_to():
    model = net()
    model.forward(X)
    apart, shared = model.clone(), model.clone("weight", "bias")
    model.get(0).weight.fill_(0.5)
    assert (plain(shared.get(0).weight) == 0.5).all()
    assert (plain(apart.get(0).weight) != 0.5).any()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(plain(other.forward(X)), plain(model.forward(X)))


def test_types():
    model = net()
    assert model.type() == "torch.DoubleTensor"
    model.float()
    assert model.type() == "torch.FloatTensor"
    assert model.get(0).gradWeight.dtype == dynamic.float32
    assert model.forward(X.float()).dtype == dynamic.float32
    twice = nn.Sequential().add(model.get(0)).add(nn.Tanh()).double()
    assert twice.get(0) is model.get(0)


def test_shared_parameters_stay_shared_through_a_cast():
    one = nn.Linear(4, 4)
    both = nn.Sequential().add(one).add(nn.Linear(4, 4).share(one, "weight", "gradWeight")).double()
    assert both.get(0).weight is both.get(1).weight
    params, _ = both.flattenParameters()
    assert params.numel() == 16 + 8


def test_clearing_leaves_parameters_only():
    model = net()
    model.backward(X, model.forward(X))
    model.clearState()
    assert model.output.numel() == model.get(0).gradInput.numel() == 0
    assert model.get(0).weight.numel() == 12


def test_a_layer_of_ones_own():
    class Twice(nn.Module):
        def updateOutput(self, input):  # noqa: N802
            self.output = input * 2
            return self.output

        def updateGradInput(self, input, gradOutput):  # noqa: N802, N803
            self.gradInput = gradOutput * 2
            return self.gradInput

    class Scaled(nn.Module):
        _names = ("scale",)

        def __init__(self):
            super().__init__()
            self.scale, self.gradScale = dynamic.ones(1).double(), dynamic.zeros(1).double()

        def _compute(self, input, scale):
            return input * scale

    model = nn.Sequential().add(Twice()).add(Scaled())
    out, back = model(X, dynamic.ones(5, 4).double())
    np.testing.assert_array_equal(plain(out), 2 * plain(X))
    assert (plain(back) == 2).all()
    assert plain(model.get(1).gradScale)[0] == pytest.approx(2 * plain(X).sum())


def test_modules_inside():
    model = nn.Sequential().add(nn.Concat(1).add(nn.Linear(4, 2)).add(nn.Linear(4, 3))).add(nn.Tanh())
    assert [type(module).__name__ for module in model.listModules()] == ["Sequential", "Concat", "Linear", "Linear", "Tanh"]
    found, containers = model.findModules(nn.Linear)
    assert found == model.get(0).modules
    assert containers == [model.get(0)] * 2
    model.replace(lambda module: nn.Sigmoid() if isinstance(module, nn.Tanh) else module)
    assert isinstance(model.get(1), nn.Sigmoid)
    model.evaluate()
    assert not any(module.train for module in model.listModules())
    model.insert(nn.Identity(), 0).remove(2)
    assert (model.size(), len(model)) == (2, 2)
    seen = []
    model.apply(seen.append)
    assert seen == model.listModules()


def test_how_nets_are_shown():
    model = nn.Sequential().add(nn.Linear(4, 3)).add(nn.SpatialConvolution(2, 3, 5, 4))
    assert repr(model) == (
        "nn.Sequential {\n  [input -> (0) -> (1) -> output]\n  (0): nn.Linear(4 -> 3)\n"
        "  (1): nn.SpatialConvolution(2 -> 3, 5x4)\n}"
    )


@pytest.mark.parametrize("kind", ["Dropout", "SpatialDropout", "VolumetricDropout"])
def test_dropping(kind):
    x = dynamic.ones(64, 32, 3, 3)
    layer = getattr(nn, kind)(0.25)
    dynamic.manual_seed(0)
    out = layer.forward(x)
    np.testing.assert_allclose(np.unique(plain(out)), [0, 1 / 0.75 if kind == "Dropout" else 1], rtol=1e-6)
    assert plain(out == 0).mean() == pytest.approx(0.25, abs=0.03)
    if kind != "Dropout":
        assert (plain(out) == plain(out)[:, :, :1, :1]).all()
    np.testing.assert_array_equal(plain(layer.backward(x, dynamic.ones(64, 32, 3, 3))), plain(out))
    layer.evaluate()
    assert plain(layer.forward(x)).mean() == pytest.approx(1.0 if kind == "Dropout" else 0.75)


def test_slopes_that_are_drawn():
    layer = nn.RReLU(0.1, 0.3)
    x = -dynamic.ones(100, 100)
    slopes = -plain(layer.forward(x))
    assert slopes.min() >= 0.1
    assert slopes.max() <= 0.3
    np.testing.assert_allclose(plain(layer.backward(x, dynamic.ones(100, 100))), slopes, rtol=1e-6)
    layer.evaluate()
    np.testing.assert_allclose(plain(layer.forward(x)), -0.2, rtol=1e-6)


def test_means_and_variances_of_batches_are_kept():
    layer = nn.BatchNormalization(4).double()
    layer.forward(X)
    np.testing.assert_allclose(plain(layer.running_mean), 0.1 * plain(X).mean(0), rtol=1e-12)
    np.testing.assert_allclose(plain(layer.running_var), 0.9 + 0.1 * plain(X).var(0, ddof=1), rtol=1e-12)
    layer.evaluate()
    wanted = (plain(X) - plain(layer.running_mean)) / np.sqrt(plain(layer.running_var) + 1e-5) * plain(layer.weight)
    np.testing.assert_allclose(plain(layer.forward(X)), wanted, rtol=1e-12)
    with pytest.raises(RuntimeError, match="SpatialBatchNormalization takes 4"):
        nn.SpatialBatchNormalization(4).forward(X)


@pytest.mark.parametrize("size", [(3, 2), (0.5, 0.4)], ids=str)
def test_pools_at_random_places(size):
    pool = nn.SpatialFractionalMaxPooling(2, 2, *size)
    x = dynamic.from_numpy(normal(1, 2, 6, 7))
    out = pool.forward(x)
    assert tuple(out.shape) == (1, 2, 2, 3)
    back = plain(pool.backward(x, dynamic.ones(1, 2, 2, 3).double()))
    assert back.sum() == 12
    assert set(plain(out).ravel()) == set(plain(x)[back > 0])


def test_unpooling_follows_its_pool():
    pool = nn.SpatialMaxPooling(2, 2)
    back = nn.SpatialMaxUnpooling(pool)
    x = dynamic.from_numpy(normal(1, 2, 5, 4))
    out = back.forward(pool.forward(x))
    assert tuple(out.shape) == (1, 2, 5, 4)
    assert plain(out).sum() == pytest.approx(plain(pool.output).sum())


def test_rows_that_are_too_long_are_shortened():
    layer = nn.LookupTable(5, 3, maxNorm=0.5)
    layer.forward(dynamic.tensor([0, 1]))
    assert np.linalg.norm(plain(layer.weight), axis=1).max() <= 0.5 + 1e-6


def test_a_penalty_of_absolute_values():
    layer = nn.L1Penalty(0.1)
    out = layer.forward(X)
    assert layer.loss == pytest.approx(0.1 * abs(plain(X)).sum())
    np.testing.assert_allclose(plain(layer.backward(X, out)), plain(X) + 0.1 * np.sign(plain(X)))


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="Linear"):
        nn.Linaer  # noqa: B018
    with pytest.raises(NotImplementedError, match="Module"):
        nn.Module().forward(X)


# Optimisers

TWINS = {
    "sgd": (
        [
            {"learningRate": 0.1},
            {"learningRate": 0.1, "momentum": 0.9, "dampening": 0},
            {"learningRate": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": True},
            {"learningRate": 0.1, "momentum": 0.9, "weightDecay": 0.1},
        ],
        "SGD",
    ),
    "adam": ([{"learningRate": 0.1, "epsilon": 0.0}, {"learningRate": 0.1, "epsilon": 0.0, "weightDecay": 0.1}], "Adam"),
    "adamax": ([{"learningRate": 0.1}], "Adamax"),
    "adagrad": ([{"learningRate": 0.1}, {"learningRate": 0.1, "learningRateDecay": 0.1, "weightDecay": 0.2}], "Adagrad"),
    "adadelta": ([{}, {"rho": 0.8, "eps": 1e-3}], "Adadelta"),
    "rmsprop": ([{"learningRate": 0.1}, {"learningRate": 0.1, "alpha": 0.9, "weightDecay": 0.1}], "RMSprop"),
    "rprop": ([{}, {"stepsize": 0.01, "stepsizemax": 0.5}], "Rprop"),
}
RENAMED = {
    "learningRate": "lr",
    "learningRateDecay": "lr_decay",
    "weightDecay": "weight_decay",
    "epsilon": "eps",
    "stepsize": "lr",
}


@pytest.mark.parametrize(
    ("name", "config"), [(name, config) for name, (each, _) in TWINS.items() for config in each], ids=str
)
def test_optimisers_step_as_todays(name, config):
    kind = TWINS[name][1]
    today = {RENAMED.get(key, key): value for key, value in config.items() if key != "stepsizemax"}
    if name == "sgd" and "momentum" in config:
        today.setdefault("dampening", config["momentum"])
    if name == "rprop":
        today = {"lr": config.get("stepsize", 0.1), "step_sizes": (1e-6, config.get("stepsizemax", 50))}
    if name == "adamax":
        today["eps"] = 1e-38
    x = dynamic.from_numpy(normal(7))
    twin = dynamic.from_numpy(normal(7)).requires_grad_()
    optimizer = getattr(dynamic.optim, kind)([twin], **today)
    state = dict(config)

    def feval(x):
        return (x**4 + x).sum().item(), 4 * x**3 + 1

    for _ in range(5):
        before = (twin**4 + twin).sum()
        optimizer.zero_grad()
        before.backward()
        optimizer.step()
        same, fx = getattr(legacy.optim, name)(feval, x, state)
        assert same is x
        assert fx == pytest.approx(before.item(), rel=1e-12)
    np.testing.assert_allclose(plain(x), plain(twin), rtol=1e-9)
    assert state["evalCounter"] == 5


def test_optimisers_train_a_net_through_its_flat_parameters():
    model, criterion = net(), nn.ClassNLLCriterion()
    params, grads = model.flattenParameters()
    config = {"learningRate": 0.05}

    def feval(_):
        grads.zero_()
        loss = criterion.forward(model.forward(X), CLASSES)
        model.backward(X, criterion.backward(model.output, CLASSES))
        return loss, grads

    losses = [legacy.optim.adam(feval, params, config)[1] for _ in range(40)]
    assert losses[-1] < 0.2 * losses[0]


def test_what_optimisers_refuse():
    with pytest.raises(ValueError, match="state"):
        legacy.optim.sgd(lambda x: (0.0, x), X)
    with pytest.raises(ValueError, match="Nesterov"):
        legacy.optim.sgd(lambda x: (0.0, x), X, {"nesterov": True})
