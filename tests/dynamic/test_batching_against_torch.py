"""``vmap`` and what goes with it, against PyTorch's."""

import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch, same


pytestmark = pytest.mark.oracle

X, Y = normal(3, 2), normal(3, 2, seed=1)

CASES = {
    "a sum": lambda torch, x, y: torch.vmap(lambda a: a.sum())(x),
    "two arguments": lambda torch, x, y: torch.vmap(lambda a, b: a @ b)(x, y),
    "one for all": lambda torch, x, y: torch.vmap(lambda a, b: a * b, in_dims=(0, None))(x, y[0]),
    "other dimensions": lambda torch, x, y: torch.vmap(lambda a, b: a * b, in_dims=(0, 1))(x, y.T),
    "the last dimension": lambda torch, x, y: torch.vmap(lambda a: a.exp(), in_dims=-1)(x),
    "results by dimension": lambda torch, x, y: torch.vmap(lambda a: (a * a, a.sum()), out_dims=(1, 0))(x),
    "the last of the results": lambda torch, x, y: torch.vmap(lambda a: a.outer(a), out_dims=-1)(x),
    "a dictionary of results": lambda torch, x, y: list(torch.vmap(lambda a: {"b": a * 2, "c": a.sum()})(x).values()),
    "a list of results": lambda torch, x, y: torch.vmap(lambda a: [a * 2, (a, a.sum())])(x),
    "a dictionary of arguments": lambda torch, x, y: torch.vmap(lambda d: d["a"] * d["b"])({"a": x, "b": y}),
    "dimensions in a dictionary": lambda torch, x, y: torch.vmap(lambda d: d["a"] * d["b"], in_dims=({"a": 0, "b": None},))(
        {"a": x, "b": y[0]}
    ),
    "a tuple of arguments": lambda torch, x, y: torch.vmap(lambda p, c: p[0] * p[1] + c, in_dims=((0, None), 0))(
        (x, y[1]), y
    ),
    "by name": lambda torch, x, y: torch.vmap(lambda a, k=None: a * k)(x, k=y),
    "twice": lambda torch, x, y: torch.vmap(torch.vmap(lambda a: a**2))(x),
    "twice, one for all": lambda torch, x, y: torch.vmap(
        torch.vmap(lambda a, b: a * b, in_dims=(None, 0)), in_dims=(0, None)
    )(x, y),
    "what does not depend": lambda torch, x, y: torch.vmap(lambda a: torch.ones(3, dtype=a.dtype))(x),
    "in chunks": lambda torch, x, y: torch.vmap(lambda a: a.sin(), chunk_size=2)(x),
    "an empty batch": lambda torch, x, y: torch.vmap(lambda a: a.exp() * 2, out_dims=1)(x[:0]),
    "gradients of each": lambda torch, x, y: torch.vmap(torch.func.grad(lambda a, b: (a.sin() * b).sum()), in_dims=(0, 0))(
        x, y
    ),
    "gradients of each, one parameter": lambda torch, x, y: torch.vmap(
        torch.func.grad(lambda w, a: (w * a).sum() ** 2), in_dims=(None, 0)
    )(y[0], x),
    "a Jacobian of each": lambda torch, x, y: torch.vmap(torch.func.jacrev(lambda a: a**2 * a.sum()))(x),
    "a layer": lambda torch, x, y: torch.vmap(torch.nn.functional.linear, in_dims=(0, None))(x, y),
}

ERRORS = {
    "a number as result": lambda torch, x, y: torch.vmap(lambda a: 3)(x),
    "in_dims None": lambda torch, x, y: torch.vmap(lambda a: a, in_dims=None)(x),
    "in_dims of a list": lambda torch, x, y: torch.vmap(lambda a, b: a, in_dims=[0, 0])(x, y),
    "no mapped argument": lambda torch, x, y: torch.vmap(lambda a: a, in_dims=(None,))(x),
    "in_dims out of range": lambda torch, x, y: torch.vmap(lambda a: a, in_dims=2)(x),
    "too many in_dims": lambda torch, x, y: torch.vmap(lambda a: a, in_dims=(0, 0))(x),
    "other sizes": lambda torch, x, y: torch.vmap(lambda a, b: a)(x, y[:2]),
    "no tensor": lambda torch, x, y: torch.vmap(lambda a: a)(3),
    "no argument": lambda torch, x, y: torch.vmap(lambda: 3)(),
    "too many out_dims": lambda torch, x, y: torch.vmap(lambda a: a, out_dims=(0, 0))(x),
    "out_dims None": lambda torch, x, y: torch.vmap(lambda a: a * 1, out_dims=None)(x),
    "a draw": lambda torch, x, y: torch.vmap(lambda a: a + torch.randn(2))(x),
    "another randomness": lambda torch, x, y: torch.vmap(lambda a: a, randomness="some")(x),
    "no chunks": lambda torch, x, y: torch.vmap(lambda a: a, chunk_size=0)(x),
}


@pytest.mark.parametrize("case", CASES)
def test_vmap(case):
    agree(CASES[case], X, Y)


@pytest.mark.parametrize("case", ERRORS)
def test_errors_of_vmap(case):
    agree(ERRORS[case], X, Y)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_draws(randomness):
    for torch in (dynamic, pytorch()):
        y = torch.vmap(lambda a: a + torch.randn(2), randomness=randomness)(torch.zeros(3, 2))  # noqa: B023
        assert bool((y[0] == y[1]).all()) == (randomness == "same")


def test_examples_may_branch():
    y = dynamic.vmap(lambda a: a if a.sum().item() > 0 else -a)(dynamic.tensor([[1.0, 2.0], [-3.0, 1.0]]))
    assert y.tolist() == [[1, 2], [3, -1]]


def nets(torch, count=3):
    made = [torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4)).double() for _ in range(count)]
    for i, net in enumerate(made):
        for k, p in enumerate(net.parameters()):
            p.data.copy_(torch.from_numpy(normal(*p.shape, seed=10 * i + k)))
    return made


def test_an_ensemble():
    found = []
    for torch in (dynamic, pytorch()):
        func, made = torch.func, nets(torch)
        for net in made:
            func.replace_all_batch_norm_modules_(net)
            assert not net[1].track_running_stats
        params, buffers = func.stack_module_state(made)
        y = torch.vmap(lambda p, b, x: func.functional_call(made[0], (p, b), (x,)), in_dims=(0, 0, None))(  # noqa: B023
            params, buffers, torch.from_numpy(normal(5, 2))
        )
        y.pow(3).sum().backward()
        assert all(p.is_leaf for p in params.values())
        found.append([plain(y), *(plain(p.grad) for p in params.values())])
    for ours, theirs in zip(*found, strict=True):
        same(ours, theirs, 1e-8)


@pytest.mark.parametrize("wrong", ["none", "modes", "classes", "requires grad"])
def test_modules_that_do_not_stack(wrong):
    for torch in (dynamic, pytorch()):
        made = [] if wrong == "none" else nets(torch)
        if wrong == "modes":
            made[1].eval()
        elif wrong == "classes":
            made[1] = made[1][0]
        elif wrong == "requires grad":
            made[1].requires_grad_(False)
        with pytest.raises(RuntimeError):
            torch.func.stack_module_state(made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's jvp warns of itself
@pytest.mark.parametrize("shape", [(3, 2), (2,)], ids=["fits", "does not fit"])
def test_linearize(shape):
    torch = pytorch()
    x, t = normal(3, 2), normal(*shape, seed=2)
    out, push = dynamic.func.linearize(lambda a, b: (a**3 * b, b.sum()), dynamic.from_numpy(x), dynamic.from_numpy(x + 1))
    if shape == (2,):
        with pytest.raises(RuntimeError):
            push(dynamic.from_numpy(t), dynamic.from_numpy(t))
        return
    primals = torch.from_numpy(x), torch.from_numpy(x + 1)
    for scale in (1, 2):
        tangents = scale * torch.from_numpy(t), torch.from_numpy(t)
        wanted = torch.func.jvp(lambda a, b: (a**3 * b, b.sum()), primals, tangents)
        found = push(dynamic.from_numpy(scale * t), dynamic.from_numpy(t))
        for a, b in zip((*out, *found), (*wanted[0], *wanted[1]), strict=True):
            same(plain(a), plain(b), 1e-10)


def test_functionalize():
    for torch in (dynamic, pytorch()):
        assert torch.func.functionalize(lambda a: a.clone().add_(1))(torch.zeros(2)).tolist() == [1, 1]
