"""``func``: gradients and Jacobians as functions, against PyTorch's."""

import numpy as np
import pytest

import dynamic
from dynamic import func
from tests.dynamic.oracle import flat, normal, plain, pytorch


pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")]

X, Y = normal(3), normal(3, seed=1)

CASES = {
    "grad": lambda f, x, y: f.grad(lambda x, y: (x**3 * y).sum())(x, y),
    "by the second": lambda f, x, y: f.grad(lambda x, y: (x**3 * y**2).sum(), argnums=1)(x, y),
    "by both": lambda f, x, y: f.grad(lambda x, y: (x**3 * y).sum(), argnums=(0, 1))(x, y),
    "twice": lambda f, x, y: f.grad(lambda x: f.grad(lambda x: (x**4).sum())(x).sum())(x),
    "three times": lambda f, x, y: f.grad(lambda x: f.grad(lambda x: f.grad(lambda x: (x**5).sum())(x).sum())(x).sum())(x),
    "of a dictionary": lambda f, x, y: list(f.grad(lambda p: (p["a"] * p["b"].exp()).sum())({"a": x, "b": y}).values()),
    "of what does not depend": lambda f, x, y: f.grad(lambda x, y: (y**2).sum())(x, y),
    "with more": lambda f, x, y: f.grad(lambda x: ((x**2).sum(), x * 5), has_aux=True)(x),
    "with the value": lambda f, x, y: f.grad_and_value(lambda x: (x**2).sum())(x),
    "with the value and more": lambda f, x, y: list(f.grad_and_value(lambda x: ((x**2).sum(), x * 5), has_aux=True)(x)),
    "of no number": lambda f, x, y: f.grad(lambda x: x * 2)(x),
    "vjp": lambda f, x, y: [pair := f.vjp(lambda x: x.sin() * x, x), pair[0], pair[1](y)][1:],
    "vjp of two": lambda f, x, y: [pair := f.vjp(lambda x, y: (x * y, x.sum()), x, y), pair[1]((y, x.sum()))][1],
    "vjp with more": lambda f, x, y: [found := f.vjp(lambda x: (x * x, x * 5), x, has_aux=True), found[2], found[1](y)][1:],
    "jvp": lambda f, x, y: f.jvp(lambda x: x.sin() * x, (x,), (y,)),
    "jvp of two": lambda f, x, y: f.jvp(lambda x, y: x * y.exp(), (x, y), (y, x)),
    "jvp with more": lambda f, x, y: f.jvp(lambda x: (x * x, x * 5), (x,), (y,), has_aux=True),
    "jacrev": lambda f, x, y: f.jacrev(lambda x: x.sin() * x.sum())(x),
    "jacrev of both": lambda f, x, y: f.jacrev(lambda x, y: x * y.sum(), argnums=(0, 1))(x, y),
    "jacrev with more": lambda f, x, y: f.jacrev(lambda x: (x * x, x * 5), has_aux=True)(x),
    "jacfwd": lambda f, x, y: f.jacfwd(lambda x: x.sin() * x.sum())(x),
    "hessian": lambda f, x, y: f.hessian(lambda x: (x**3).sum() * x[0])(x),
    "a gradient of a Jacobian": lambda f, x, y: f.grad(lambda x: f.jacrev(lambda x: x**3)(x).sum())(x),
    "a Jacobian of a gradient": lambda f, x, y: f.jacrev(f.grad(lambda x: (x**3 * y).sum()))(x),
}


@pytest.mark.parametrize("case", CASES)
def test_functions(case):
    torch = pytorch()
    try:
        wanted = CASES[case](torch.func, torch.from_numpy(X), torch.from_numpy(Y))
    except Exception as error:
        with pytest.raises(type(error)):
            CASES[case](func, dynamic.from_numpy(X), dynamic.from_numpy(Y))
        return
    found = CASES[case](func, dynamic.from_numpy(X), dynamic.from_numpy(Y))
    for x, y in zip(flat(found), flat(wanted), strict=True):
        assert x.requires_grad == y.requires_grad
        assert tuple(x.shape) == tuple(y.shape)
        np.testing.assert_allclose(plain(x), plain(y), rtol=1e-12, atol=1e-12)


def nets(torch):
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    sizes = [(name, tuple(p.shape)) for name, p in net.named_parameters()]
    return net, {name: torch.from_numpy(normal(*shape, seed=i)) for i, (name, shape) in enumerate(sizes)}


@pytest.mark.parametrize("form", ["one dictionary", "two dictionaries", "some names"])
def test_a_module_called_with_other_parameters(form):
    found = []
    for torch in (dynamic, pytorch()):
        module, given = nets(torch)
        for i, p in enumerate(module.parameters()):
            p.data.copy_(torch.from_numpy(normal(*p.shape, seed=10 + i)))
        before = [plain(p) for p in module.parameters()]
        x = torch.from_numpy(normal(5, 3))
        names = list(given)
        if form == "two dictionaries":
            given = [{name: given[name] for name in names[:2]}, {name: given[name] for name in names[2:]}]
        elif form == "some names":
            given = {names[0]: given[names[0]]}
        found.append(
            plain(
                torch.func.functional_call(module, given, (x,))
                if torch is not dynamic
                else func.functional_call(module, given, x)
            )
        )
        for p, q in zip(module.parameters(), before, strict=True):
            np.testing.assert_array_equal(plain(p), q)
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_the_gradient_of_a_loss_by_a_dictionary_of_parameters():
    found = []
    for torch in (dynamic, pytorch()):
        f = func if torch is dynamic else torch.func
        module, given = nets(torch)
        x = torch.from_numpy(normal(5, 3))
        grads = f.grad(lambda p: (f.functional_call(module, p, (x,)) ** 2).sum())(given)  # noqa: B023
        found.append({name: plain(g) for name, g in grads.items()})
        assert all(p.grad is None for p in module.parameters())
    assert list(found[0]) == list(found[1])
    for name, g in found[0].items():
        np.testing.assert_allclose(g, found[1][name], rtol=1e-11)


@pytest.mark.parametrize("wrong", ["unknown", "missing"])
def test_names_that_do_not_fit(wrong):
    for torch in (dynamic, pytorch()):
        f = func if torch is dynamic else torch.func
        module, given = nets(torch)
        if wrong == "unknown":
            given["nothing"] = torch.ones(1)
        else:
            given.popitem()
        with pytest.raises((RuntimeError, AttributeError)):
            f.functional_call(module, given, (torch.from_numpy(normal(5, 3)),), strict=True)
