"""Every optimiser, with every setting, step by step against PyTorch's: parameters, state, dictionaries, errors."""

import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import plain, pytorch


pytestmark = pytest.mark.oracle

STEPS = 20

COMMON = [{}, {"lr": 0.1}, {"weight_decay": 0.1}, {"maximize": True}, {"lr": 0.05, "weight_decay": 0.2, "maximize": True}]
ADAMS = [{"betas": (0.8, 0.9)}, {"betas": (0.0, 0.99), "lr": 0.01}, {"eps": 0.1}, {"betas": (0.5, 0.0)}]
DECOUPLED = [{"decoupled_weight_decay": True}, {"decoupled_weight_decay": True, "weight_decay": 0.1, "lr": 0.05}]

SETTINGS = {
    "SGD": [
        *COMMON,
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.5, "dampening": 0.5, "weight_decay": 0.01},
        {"lr": 0.0, "momentum": 0.9},
        {"lr": 0.1, "dampening": 0.3},
    ],
    "Adam": [
        *COMMON,
        *ADAMS,
        *DECOUPLED,
        {"amsgrad": True},
        {"amsgrad": True, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True},
        {"amsgrad": True, "lr": 0.1, "eps": 1e-3},
    ],
    "AdamW": [*COMMON, *ADAMS, {"amsgrad": True}, {"amsgrad": True, "weight_decay": 0.5, "lr": 0.1}, {"weight_decay": 0}],
    "Adamax": [*COMMON, *ADAMS],
    "NAdam": [
        *COMMON,
        *ADAMS,
        *DECOUPLED,
        {"momentum_decay": 0.1},
        {"momentum_decay": 0.0, "lr": 0.01},
        {"momentum_decay": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        *COMMON,
        *ADAMS,
        *DECOUPLED,
        {"betas": (0.9, 0.7), "lr": 0.1},
        {"betas": (0.9, 0.5)},
        {"eps": 1e-3, "lr": 0.1},
    ],
    "Adagrad": [
        *COMMON,
        {"lr_decay": 0.5},
        {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "weight_decay": 0.01},
        {"initial_accumulator_value": 1.0, "eps": 0.1},
    ],
    "Adadelta": [
        *COMMON,
        {"rho": 0.5},
        {"rho": 0.0},
        {"eps": 1e-2},
        {"rho": 0.8, "eps": 1e-3, "lr": 0.5, "weight_decay": 0.1},
    ],
    "RMSprop": [
        *COMMON,
        {"alpha": 0.5},
        {"eps": 1e-2},
        {"momentum": 0.9},
        {"centered": True},
        {"momentum": 0.5, "centered": True, "weight_decay": 0.1},
        {"momentum": 0.5, "centered": True, "maximize": True, "alpha": 0.9, "lr": 0.1},
    ],
    "Rprop": [
        {},
        {"lr": 0.1},
        {"maximize": True},
        {"etas": (0.3, 1.5)},
        {"step_sizes": (1e-3, 2e-2)},
        {"lr": 1.0, "step_sizes": (0.5, 0.9), "etas": (0.1, 3.0)},
    ],
    "ASGD": [
        *COMMON,
        {"lambd": 0.1},
        {"alpha": 0.5, "lambd": 0.5},
        {"t0": 5},
        {"t0": 0, "lr": 0.1, "lambd": 0.01, "weight_decay": 0.1},
    ],
    "Adafactor": [
        {},
        {"lr": 0.1},
        {"weight_decay": 0.1},
        {"maximize": True},
        {"beta2_decay": -0.5},
        {"eps": (1e-3, 1e-2)},
        {"d": 2.0, "lr": 0.1},
    ],
}

CASES = [
    pytest.param(name, settings, id=f"{name} {', '.join(f'{k}={v}' for k, v in settings.items()) or 'defaults'}")
    for name, table in SETTINGS.items()
    for settings in table
]


def starts(dtype="float64"):
    """A matrix, a vector, a number, and an array of three dimensions."""
    random = np.random.default_rng(3)
    return [np.asarray(random.standard_normal(shape), dtype) for shape in ((3, 4), (5,), (), (2, 3, 2))]


def gradients(step, dtype="float64"):
    random = np.random.default_rng([7, step])
    return [np.asarray(random.standard_normal(x.shape), dtype) for x in starts()]


def made(torch, name, settings, dtype="float64"):
    """Leaves and an optimiser over them, in two groups: the second has a learning rate of its own."""
    params = [torch.from_numpy(x.copy()).requires_grad_() for x in starts(dtype)]
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}]
    return params, getattr(torch.optim, name)(groups, **settings)


def advance(torch, params, optimizer, step, dtype="float64"):
    """One step on gradients that are the same in both libraries; now and then a parameter has none."""
    for i, (p, g) in enumerate(zip(params, gradients(step, dtype), strict=True)):
        p.grad = None if (step + i) % 7 == 6 else torch.from_numpy(g)
    optimizer.step()


def close(x, y, rtol):
    x, y = plain(x), plain(y)
    assert type(x) is type(y)
    if isinstance(y, np.ndarray):
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        rtol = max(rtol, {4: 2e-5}.get(y.dtype.itemsize, 0))
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)
    else:
        assert x == pytest.approx(y, rel=rtol)


def same_state(ours, theirs, rtol=1e-11):
    """Assert equal state dictionaries: numbers of parameters, names, dtypes, shapes, values, settings."""
    assert list(ours) == list(theirs)
    assert set(ours["state"]) == set(theirs["state"])
    for number, state in theirs["state"].items():
        assert set(ours["state"][number]) == set(state)
        for name, value in state.items():
            close(ours["state"][number][name], value, rtol)
    assert ours["param_groups"] == theirs["param_groups"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_steps(name, settings, dtype):
    ours, theirs = (made(torch, name, settings, dtype) for torch in (dynamic, pytorch()))
    for step in range(STEPS):
        advance(dynamic, *ours, step, dtype)
        advance(pytorch(), *theirs, step, dtype)
        for x, y in zip(ours[0], theirs[0], strict=True):
            close(x, y, 1e-11)
    same_state(ours[1].state_dict(), theirs[1].state_dict())


def converted(value):
    """A state dictionary of PyTorch's with our tensors."""
    if isinstance(value, dict):
        return {k: converted(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(converted, value))
    return dynamic.from_numpy(plain(value)) if hasattr(value, "detach") else value


@pytest.mark.parametrize(("name", "settings"), [(name, table[-1]) for name, table in SETTINGS.items()])
def test_a_state_of_pytorchs_is_taken_over(name, settings):
    torch = pytorch()
    theirs = made(torch, name, settings)
    for step in range(5):
        advance(torch, *theirs, step)
    params, optimizer = made(dynamic, name, {})
    for p, q in zip(params, theirs[0], strict=True):
        p.data.copy_(dynamic.from_numpy(plain(q)))
    optimizer.load_state_dict(converted(theirs[1].state_dict()))
    theirs[1].load_state_dict(theirs[1].state_dict())  # which casts what was kept to the parameters' dtype
    same_state(optimizer.state_dict(), theirs[1].state_dict())
    for step in range(5, 15):
        advance(dynamic, params, optimizer, step)
        advance(torch, *theirs, step)
        for x, y in zip(params, theirs[0], strict=True):
            close(x, y, 1e-11)


@pytest.mark.parametrize("name", ["Adam", "NAdam", "RMSprop", "ASGD", "Adafactor"])
def test_steps_counted_by_a_plain_number_are_counted_on(name):
    """As in state dictionaries of older versions."""
    torch = pytorch()
    (theirs, reference), (ours, optimizer) = made(torch, name, {}), made(dynamic, name, {})
    advance(torch, theirs, reference, 0)
    advance(dynamic, ours, optimizer, 0)
    for each in (optimizer, reference):
        saved = each.state_dict()
        for state in saved["state"].values():
            state["step"] = int(state["step"])
        each.load_state_dict(saved)
    advance(torch, theirs, reference, 1)
    advance(dynamic, ours, optimizer, 1)
    for x, y in zip(ours, theirs, strict=True):
        close(x, y, 1e-11)
    assert {float(state["step"]) for state in optimizer.state.values()} == {2.0}


@pytest.mark.parametrize("lr", [0.1, 0.01])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Rprop", "ASGD", "NAdam", "Adafactor"])
def test_a_learning_rate_that_is_a_tensor(name, lr):
    found = []
    for torch in (dynamic, pytorch()):
        p = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
        optimizer = getattr(torch.optim, name)([p], lr=torch.tensor(lr, dtype=torch.float64))
        for step in range(3):
            p.grad = torch.tensor([0.5 + step, -1.0], dtype=torch.float64)
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= 0.5
        found.append(plain(p.detach()))
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "ASGD"])
def test_complex_parameters(name):
    found = []
    random = np.random.default_rng(0)
    start = random.standard_normal(3) + 1j * random.standard_normal(3)
    grads = [random.standard_normal(3) + 1j * random.standard_normal(3) for _ in range(4)]
    for torch in (dynamic, pytorch()):
        p = torch.from_numpy(start.copy()).requires_grad_()
        optimizer = getattr(torch.optim, name)([p], lr=0.1, weight_decay=0.1)
        for g in grads:
            p.grad = torch.from_numpy(g.copy())
            optimizer.step()
        found.append(plain(p))
    np.testing.assert_allclose(*found, rtol=1e-11)


# L-BFGS


def bowl(torch, x, y):
    """A loss with a curved valley."""
    return ((x - y[:2]) ** 2).sum() * 3 + ((x * y.sum() - 1) ** 2).sum() + (y**4).sum()


LBFGS = [
    {},
    {"lr": 0.1},
    {"lr": 0.5, "max_iter": 4},
    {"lr": 0.1, "max_iter": 1},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "lr": 0.01, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "lr": 30.0, "max_iter": 5},
    {"lr": 0.2, "history_size": 2},
    {"lr": 0.2, "max_iter": 8, "max_eval": 3},
    {"lr": 0.2, "tolerance_grad": 5.0},
    {"lr": 0.2, "tolerance_change": 0.1},
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("settings", LBFGS, ids=str)
def test_lbfgs(settings, dtype):
    found = []
    for torch in (dynamic, pytorch()):
        x, y = (torch.tensor(v, dtype=getattr(torch, dtype), requires_grad=True) for v in ([0.3, -0.5], [0.9, 0.2, -0.4]))
        optimizer = torch.optim.LBFGS([x, y], **settings)

        def closure():
            optimizer.zero_grad()  # noqa: B023 (called before the next round)
            loss = bowl(torch, x, y)  # noqa: B023
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(3 if dtype == "float64" else 1)]
        found.append((losses, plain(x), plain(y), optimizer.state_dict()))
    ours, theirs = found
    rtol = 1e-6 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(ours[0], theirs[0], rtol=rtol)
    for i in (1, 2):
        np.testing.assert_allclose(ours[i], theirs[i], rtol=rtol, atol=rtol)
    assert ours[3]["param_groups"] == theirs[3]["param_groups"]
    if dtype == "float64":
        mine, other = ours[3]["state"][0], theirs[3]["state"][0]
        assert set(mine) == set(other) - {"al"}
        assert (mine["n_iter"], mine["func_evals"]) == (other["n_iter"], other["func_evals"])


def test_lbfgs_takes_over_a_state():
    found = []
    for torch in (dynamic, pytorch()):
        x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.3, -0.5], [0.9, 0.2, -0.4]))
        optimizer = torch.optim.LBFGS([x, y], lr=0.1, max_iter=3)

        def closure():
            optimizer.zero_grad()  # noqa: B023
            loss = bowl(torch, x, y)  # noqa: B023
            loss.backward()
            return loss

        optimizer.step(closure)
        saved = optimizer.state_dict()
        optimizer = torch.optim.LBFGS([x, y])
        optimizer.load_state_dict(saved)
        optimizer.step(closure)
        found.append(plain(y))
    np.testing.assert_allclose(*found, rtol=1e-9)


# What is refused, and how


def leaf(torch):
    return torch.ones(2, requires_grad=True)


def bad(name, **settings):
    return lambda torch: getattr(torch.optim, name)([leaf(torch)], **settings)


WRONG = {
    **{
        f"{name} {setting}={value}": bad(name, **{setting: value})
        for name, setting, value in [
            *((each, "lr", -1) for each in (*SETTINGS, "LBFGS")),
            *((each, "weight_decay", -1) for each in SETTINGS if each != "Rprop"),
            *((each, "eps", -1) for each in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop")),
            *((each, "betas", (1.0, 0.9)) for each in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")),
            *((each, "betas", (0.9, -0.1)) for each in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")),
            ("Adam", "betas", (0.9,)),
            ("SGD", "momentum", -1),
            ("SGD", "nesterov", True),
            ("NAdam", "momentum_decay", -1),
            ("Adagrad", "lr_decay", -1),
            ("Adagrad", "initial_accumulator_value", -1),
            ("Adadelta", "rho", 2),
            ("RMSprop", "alpha", -1),
            ("RMSprop", "momentum", -1),
            ("Rprop", "etas", (1.1, 1.2)),
            ("Rprop", "etas", (0.5, 0.9)),
            ("Adafactor", "beta2_decay", 1),
            ("Adafactor", "eps", (-1, 1)),
            ("Adafactor", "eps", (None, -1)),
            ("Adafactor", "d", 0),
            ("SGD", "unknown", 1),
        ]
    },
    "nesterov with dampening": bad("SGD", momentum=0.9, dampening=0.1, nesterov=True),
    "fused and foreach": bad("Adam", fused=True, foreach=True),
    "fused and differentiable": bad("Adam", fused=True, differentiable=True),
    "rate of two elements": lambda torch: torch.optim.Adam([leaf(torch)], lr=torch.tensor([0.1, 0.2])),
    "rate a tensor, foreach": lambda torch: torch.optim.Adam([leaf(torch)], lr=torch.tensor(0.1), foreach=True),
    "one tensor": lambda torch: torch.optim.SGD(leaf(torch), 0.1),
    "nothing": lambda torch: torch.optim.SGD([], 0.1),
    "a number": lambda torch: torch.optim.SGD(3, 0.1),
    "numbers": lambda torch: torch.optim.SGD([1], 0.1),
    "a dictionary": lambda torch: torch.optim.SGD({"params": leaf(torch)}, 0.1),
    "no leaf": lambda torch: torch.optim.SGD([leaf(torch) * 2], 0.1),
    "no params": lambda torch: torch.optim.SGD([{"lr": 1}], 0.1),
    "a set": lambda torch: torch.optim.SGD([{"params": {leaf(torch)}}], 0.1),
    "some names": lambda torch: torch.optim.SGD([("a", leaf(torch)), leaf(torch)], 0.1),
    "names in one group": lambda torch: torch.optim.SGD([{"params": [("a", leaf(torch))]}, {"params": [leaf(torch)]}], 0.1),
    "a group that is none": lambda torch: torch.optim.SGD([leaf(torch)], 0.1).add_param_group(3),
    "no step": lambda torch: torch.optim.Optimizer([leaf(torch)], {}).step(),
    "other groups": lambda torch: torch.optim.SGD([leaf(torch)], 0.1).load_state_dict({"state": {}, "param_groups": []}),
    "groups of other sizes": lambda torch: torch.optim.SGD([leaf(torch)], 0.1).load_state_dict(
        {"state": {}, "param_groups": [{"params": []}]}
    ),
    "two groups": lambda torch: torch.optim.LBFGS([{"params": [leaf(torch)]}, {"params": [leaf(torch)]}]),
    "no closure": lambda torch: torch.optim.LBFGS([leaf(torch)]).step(),
}


def twice(torch):
    p = leaf(torch)
    return torch.optim.SGD([{"params": p}, {"params": [p]}], 0.1)


@pytest.mark.parametrize("case", [*WRONG, "in two groups"])
def test_errors(case):
    build = WRONG.get(case, twice)
    with pytest.raises(Exception) as theirs:  # noqa: PT011 (whatever PyTorch raises)
        build(pytorch())
    with pytest.raises(type(theirs.value)):
        build(dynamic)


def test_a_parameter_twice_in_a_group_is_warned_of():
    for torch in (dynamic, pytorch()):
        p = leaf(torch)
        with pytest.warns(UserWarning, match="duplicate"):
            torch.optim.SGD([p, p], 0.1)


# As text and as a dictionary


@pytest.mark.parametrize("name", [*SETTINGS, "LBFGS"])
def test_groups_and_text(name):
    ours, theirs = (getattr(torch.optim, name)([leaf(torch)]) for torch in (dynamic, pytorch()))
    assert repr(ours) == repr(theirs)
    assert ours.defaults == theirs.defaults
    assert list(ours.state_dict()["param_groups"][0]) == list(theirs.state_dict()["param_groups"][0])


def test_named_parameters():
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = torch.optim.SGD([("w", leaf(torch)), ("b", leaf(torch))], 0.1)
        optimizer.add_param_group({"params": [("c", leaf(torch))], "lr": 1.0})
        saved = optimizer.state_dict()
        optimizer.load_state_dict(saved)
        found.append((saved["param_groups"], repr(optimizer), optimizer.state_dict()["param_groups"]))
    assert found[0] == found[1]


@pytest.mark.parametrize("fill", [True, False])
def test_zero_grad(fill):
    for torch in (dynamic, pytorch()):
        p, q = leaf(torch), leaf(torch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's of a cycle between parameter and gradient
            (p * p).sum().backward(create_graph=True)
        optimizer = torch.optim.SGD([p, q], 0.1)
        optimizer.zero_grad(set_to_none=fill)
        assert q.grad is None
        assert p.grad is None if fill else (p.grad.tolist() == [0.0, 0.0] and not p.grad.requires_grad)
