"""``nn.utils``: clipping, vectors, normed and computed weights, fusion, all against PyTorch."""

import copy
import importlib
import math
import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch


oracle = pytest.mark.oracle


def parameters(t, dtype="float64", scale=1.0):
    """Three parameters with gradients, and one without."""
    made = []
    for seed, shape in enumerate([(3, 2), (4,), (2, 1, 2)]):
        p = t.nn.Parameter(t.from_numpy(normal(*shape, seed=seed).astype(dtype)))
        p.grad = t.from_numpy((normal(*shape, seed=seed + 9) * scale).astype(dtype))
        made.append(p)
    return [*made, t.nn.Parameter(t.zeros(2))]


def clipped(name, *args, scale=1.0, dtype="float64", one=False, **settings):
    def build(t):
        several = parameters(t, dtype, scale)
        given = several[0] if one else several
        result = getattr(t.nn.utils, name)(given, *args, **settings)
        return [p.grad for p in several[:3]] + ([] if result is None else [result])

    return build


NORMS = [2.0, 1, 3, 0.5, 0.0, math.inf, -math.inf]
CLIPS = {
    **{f"norm {p} to {m}": clipped("clip_grad_norm_", m, norm_type=p) for p in NORMS for m in (0.5, 100.0)},
    **{f"old norm {p}": clipped("clip_grad_norm", 0.5, p) for p in (1, 2)},
    "norm in float32": clipped("clip_grad_norm_", 1, dtype="float32"),
    "norm of one": clipped("clip_grad_norm_", 0.1, one=True),
    "norm of nothing": lambda t: t.nn.utils.clip_grad_norm_([], 1.0),
    "norm of no gradients": lambda t: t.nn.utils.clip_grad_norm_([t.nn.Parameter(t.zeros(2))], 1.0),
    "norm of zeros": clipped("clip_grad_norm_", 1.0, scale=0.0),
    "norm of NaN": clipped("clip_grad_norm_", 1.0, scale=math.nan),
    "norm of infinity": clipped("clip_grad_norm_", 1.0, scale=math.inf),
    "an error for NaN": clipped("clip_grad_norm_", 1.0, scale=math.nan, error_if_nonfinite=True),
    "an error for infinity": clipped("clip_grad_norm_", 1.0, scale=math.inf, error_if_nonfinite=True),
    "values": clipped("clip_grad_value_", 0.3),
    "values of one": clipped("clip_grad_value_", 0.3, one=True),
    "total": lambda t: t.nn.utils.get_total_norm([p.grad for p in parameters(t)[:3]]),
    "total of order 1": lambda t: t.nn.utils.get_total_norm([p.grad for p in parameters(t)[:3]], 1),
    "total of nothing": lambda t: t.nn.utils.get_total_norm([]),
    "by a given norm": lambda t: _by_norm(t),
}


def _by_norm(t):
    several = parameters(t)
    t.nn.utils.clip_grads_with_norm_(several, 0.5, t.tensor(4.0, dtype=t.float64))
    return [p.grad for p in several[:3]]


@oracle
@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name):
    agree(CLIPS[name], rtol=1e-10, orders=0)


def test_clipping_leaves_small_gradients_alone_and_the_memory_in_place():
    several = parameters(dynamic)
    before = [(p.grad, p.grad._array, plain(p.grad)) for p in several[:3]]
    dynamic.nn.utils.clip_grad_norm_(several, 1e6)
    for p, (grad, array, values) in zip(several, before, strict=False):
        assert p.grad is grad
        assert grad._array is array
        np.testing.assert_array_equal(array, values)
    dynamic.nn.utils.clip_grad_norm_(iter(several), 1e-3)
    assert dynamic.nn.utils.get_total_norm([p.grad for p in several[:3]]).item() == pytest.approx(1e-3)
    assert all(p.grad._array is array for p, (_, array, _) in zip(several, before, strict=False))


def test_a_generator_that_is_used_up_is_warned_of():
    several = iter([])
    with pytest.warns(UserWarning, match="no parameters"):
        dynamic.nn.utils.clip_grad_norm_(several, 1.0)


VECTORS = {
    "to a vector": (lambda t, x, y: t.nn.utils.parameters_to_vector([x, y * 2]), normal(3, 2), normal(4)),
    "from a vector": (lambda t, x: _from_vector(t, x), normal(7)),
    "from what is none": (lambda t: t.nn.utils.vector_to_parameters([1.0], [t.zeros(1)]),),
    "of nothing": (lambda t: t.nn.utils.parameters_to_vector([]),),
}


def _from_vector(t, x):
    several = [t.nn.Parameter(t.zeros(2, 2, dtype=t.float64)), t.nn.Parameter(t.zeros(3, dtype=t.float64))]
    t.nn.utils.vector_to_parameters(x.detach(), several)
    return several


@oracle
@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name):
    build, *arrays = VECTORS[name]
    agree(build, *arrays, orders=0 if name == "from a vector" else 2)


# Normed weights


def loaded(t, module):
    """``module`` in float64, with numbers for parameters that are the same in both."""
    module = module.double()
    state = module.state_dict()
    module.load_state_dict(
        {k: t.from_numpy(np.asarray(normal(*v.shape, seed=i) + 0.1)) for i, (k, v) in enumerate(state.items())}
    )
    return module


def parametrizations(t):
    return importlib.import_module(f"{t.__name__}.nn.utils.parametrizations")


def parametrize(t):
    return importlib.import_module(f"{t.__name__}.nn.utils.parametrize")


LAYERS = {
    "linear": (lambda t: t.nn.Linear(3, 4), normal(5, 3)),
    "convolution": (lambda t: t.nn.Conv2d(2, 3, 2), normal(1, 2, 4, 4)),
    "transposed convolution": (lambda t: t.nn.ConvTranspose1d(2, 3, 2), normal(1, 2, 4)),
}
NORMED = {
    "weight_norm": lambda t, m: t.nn.utils.weight_norm(m),
    "weight_norm by columns": lambda t, m: t.nn.utils.weight_norm(m, dim=1),
    "weight_norm of everything": lambda t, m: t.nn.utils.weight_norm(m, "weight", None),
    "weight_norm of the bias": lambda t, m: t.nn.utils.weight_norm(m, "bias"),
    "spectral_norm": lambda t, m: t.nn.utils.spectral_norm(m),
    "spectral_norm of several steps": lambda t, m: t.nn.utils.spectral_norm(m, n_power_iterations=3, eps=1e-3),
    "spectral_norm by columns": lambda t, m: t.nn.utils.spectral_norm(m, dim=1),
    "computed weight_norm": lambda t, m: parametrizations(t).weight_norm(m),
    "computed weight_norm by columns": lambda t, m: parametrizations(t).weight_norm(m, dim=1),
    "computed weight_norm of everything": lambda t, m: parametrizations(t).weight_norm(m, dim=None),
    "computed spectral_norm": lambda t, m: parametrizations(t).spectral_norm(m),
    "computed spectral_norm of several steps": lambda t, m: parametrizations(t).spectral_norm(m, n_power_iterations=2),
}
CASES = [(layer, norm) for layer in LAYERS for norm in NORMED]


def quietly(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args)


@oracle
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("layer", "norm"), CASES)
def test_normed_weights(layer, norm, training):
    build, x = LAYERS[layer]

    def run(t, x):
        module = loaded(t, quietly(NORMED[norm], t, build(t))).train(training)
        return [module(x), module(x)]

    agree(run, x, rtol=1e-8, orders=1)


@oracle
@pytest.mark.parametrize(("layer", "norm"), CASES)
def test_gradients_of_normed_weights(layer, norm):
    build, x = LAYERS[layer]
    found = []
    for t in (dynamic, pytorch()):
        module = loaded(t, quietly(NORMED[norm], t, build(t)))
        (module(t.from_numpy(x)) ** 2).sum().backward()
        found.append({key: plain(p.grad) for key, p in module.named_parameters()})
    assert list(found[0]) == list(found[1])
    for key, wanted in found[1].items():
        np.testing.assert_allclose(found[0][key], wanted, rtol=1e-7, atol=1e-9)


@oracle
@pytest.mark.parametrize(("layer", "norm"), CASES)
def test_states_of_normed_weights(layer, norm):
    def build(t):
        module = quietly(NORMED[norm], t, LAYERS[layer][0](t))
        return [f"{key}{tuple(value.shape)}" for key, value in module.state_dict().items()], repr(module)

    agree(build, orders=0)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("norm", ["weight_norm", "weight_norm of everything", "spectral_norm"])
def test_norming_and_taking_it_back(layer, norm):
    build, x = LAYERS[layer]
    module = build(dynamic).double()
    before = plain(module.weight)
    quietly(NORMED[norm], dynamic, module)
    module.eval()
    y = module(dynamic.from_numpy(x))
    if norm.startswith("weight"):
        np.testing.assert_allclose(plain(module.weight), before, rtol=1e-12)
    remove = dynamic.nn.utils.remove_weight_norm if norm.startswith("weight") else dynamic.nn.utils.remove_spectral_norm
    assert remove(module) is module
    assert [key for key, _ in module.named_parameters()] in (["weight", "bias"], ["bias", "weight"])
    np.testing.assert_allclose(plain(module(dynamic.from_numpy(x))), plain(y), rtol=1e-12)


def test_the_greatest_singular_value_becomes_one():
    module = dynamic.nn.utils.spectral_norm(dynamic.nn.Linear(6, 4).double(), n_power_iterations=100)
    module(dynamic.zeros(1, 6, dtype=dynamic.float64))
    assert np.linalg.svd(plain(module.weight))[1][0] == pytest.approx(1.0, rel=1e-6)


WRONG = {
    "a weight that is normed": lambda t: t.nn.utils.weight_norm(t.nn.utils.weight_norm(t.nn.Linear(2, 2))),
    "a spectrum that is normed": lambda t: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(t.nn.Linear(2, 2))),
    "a norm that is not there": lambda t: t.nn.utils.remove_weight_norm(t.nn.Linear(2, 2)),
    "a spectrum that is not there": lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(2, 2)),
    "no steps": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
    "no such parameter": lambda t: parametrizations(t).spectral_norm(t.nn.Linear(2, 2), "height"),
    "no steps, computed": lambda t: parametrizations(t).spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
    "nothing to compute": lambda t: parametrize(t).register_parametrization(t.nn.Linear(2, 2), "height", t.nn.Identity()),
    "another shape": lambda t: parametrize(t).register_parametrization(t.nn.Linear(2, 2), "weight", t.nn.Flatten(0)),
    "nothing computed": lambda t: parametrize(t).remove_parametrizations(t.nn.Linear(2, 2), "weight"),
    "fusion in training": lambda t: t.nn.utils.fuse_conv_bn_eval(t.nn.Conv1d(2, 3, 1), t.nn.BatchNorm1d(3)),
    "fusion of other sizes": lambda t: t.nn.utils.fuse_linear_bn_eval(t.nn.Linear(2, 4).eval(), t.nn.BatchNorm1d(3).eval()),
    "no module": lambda t: t.nn.utils.skip_init(dict),
    "a module without a device": lambda t: t.nn.utils.skip_init(t.nn.ReLU),
}


@oracle
@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name):
    agree(WRONG[name], orders=0)


# Computed parameters


def symmetric(t, inverse):
    class Symmetric(t.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        if inverse:

            def right_inverse(self, x):
                return x.triu()

    return Symmetric()


COMPUTED = {
    "a value": lambda t, m, p: m.weight,
    "a module": lambda t, m, p: m(t.from_numpy(normal(2, 3))),
    "a state": lambda t, m, p: [f"{key}{tuple(value.shape)}" for key, value in m.state_dict().items()],
    "a text": lambda t, m, p: repr(m),
    "whether it is": lambda t, m, p: [p.is_parametrized(m), p.is_parametrized(m, "weight"), p.is_parametrized(m, "bias")],
    "twice": lambda t, m, p: p.register_parametrization(m, "weight", symmetric(t, True)).weight,
    "removed": lambda t, m, p: p.remove_parametrizations(m, "weight").weight,
    "removed, with the original": lambda t, m, p: p.remove_parametrizations(m, "weight", False).weight,
    "removed, and a text": lambda t, m, p: repr(p.remove_parametrizations(m, "weight")),
    "assigned": lambda t, m, p: [setattr(m, "weight", t.ones(3, 3, dtype=t.float64)), m.weight][1],
    "a class": lambda t, m, p: [type(m).__name__, isinstance(m, t.nn.Linear)],
    "of two parameters": lambda t, m, p: p.register_parametrization(m, "bias", t.nn.Tanh()).bias,
}


@oracle
@pytest.mark.parametrize("inverse", [True, False])
@pytest.mark.parametrize("name", COMPUTED)
def test_computed_parameters(name, inverse):
    def build(t):
        module = loaded(t, t.nn.Linear(3, 3))
        p = parametrize(t)
        p.register_parametrization(module, "weight", symmetric(t, inverse))
        result = COMPUTED[name](t, module, p)
        return result.detach() if hasattr(result, "detach") else result

    agree(build, rtol=1e-12, orders=0)


def test_computed_parameters_are_computed_once_inside_cached():
    p = parametrize(dynamic)
    module = dynamic.nn.Linear(3, 3)
    p.register_parametrization(module, "weight", symmetric(dynamic, True))
    assert module.weight is not module.weight
    with p.cached():
        assert module.weight is module.weight
    assert module.weight is not module.weight


# Fusion

CONVOLUTIONS = {
    "one dimension": (lambda t: t.nn.Conv1d(2, 3, 2), lambda t: t.nn.BatchNorm1d(3), normal(2, 2, 4)),
    "two dimensions": (lambda t: t.nn.Conv2d(2, 3, 2, bias=False), lambda t: t.nn.BatchNorm2d(3), normal(2, 2, 4, 4)),
    "without a scale": (lambda t: t.nn.Conv1d(2, 3, 2), lambda t: t.nn.BatchNorm1d(3, affine=False), normal(2, 2, 4)),
    "transposed": (lambda t: t.nn.ConvTranspose1d(2, 3, 2), lambda t: t.nn.BatchNorm1d(3), normal(2, 2, 4)),
    "linear": (lambda t: t.nn.Linear(4, 3), lambda t: t.nn.BatchNorm1d(3), normal(2, 4)),
}


@oracle
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_fusion(name):
    make, normalise, x = CONVOLUTIONS[name]

    def build(t, x):
        layer, norm = loaded(t, make(t)).eval(), normalise(t).double().eval()
        norm.running_mean.copy_(t.from_numpy(normal(3)))
        norm.running_var.copy_(t.from_numpy(normal(3, seed=1) ** 2 + 0.1))
        if name == "linear":
            fused = t.nn.utils.fuse_linear_bn_eval(layer, norm)
        else:
            fused = t.nn.utils.fuse_conv_bn_eval(layer, norm, transpose=name == "transposed")
        return fused(x), fused.weight, fused.bias, norm(layer(x)) - fused(x)

    agree(build, x, rtol=1e-9, orders=1)


def test_skipping_initial_values_draws_nothing():
    dynamic.manual_seed(5)
    module = dynamic.nn.utils.skip_init(dynamic.nn.Linear, 3, 4, bias=False)
    drawn = plain(dynamic.randn(3))
    dynamic.manual_seed(5)
    np.testing.assert_array_equal(drawn, plain(dynamic.randn(3)))
    assert tuple(module.weight.shape) == (4, 3)
    assert module.bias is None


def test_normed_modules_are_copied_once_the_norm_is_computed():
    module = parametrizations(dynamic).weight_norm(dynamic.nn.Linear(3, 2))
    other = copy.deepcopy(module)
    other.parametrizations.weight.original0.data.mul_(2)
    np.testing.assert_allclose(plain(other.weight), 2 * plain(module.weight), rtol=1e-6)
