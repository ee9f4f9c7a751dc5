"""A step of an optimiser that is interrupted, or fails: all parameters and all that is kept beside them change, or none."""

import copy
import signal
import threading
from functools import partial

import numpy as np
import pytest

import dynamic as torch
from dynamic import optim
from dynamic.utils.checkpoint import checkpoint
from graphs import updates
from graphs.core.errors import ShapeError
from tests.interrupting import Fault, Interrupt, ctrl_c, everywhere, product, within


STEPS = ("dynamic/optim", "dynamic/uninterrupted.py")
"""Where it is decided what a step leaves."""

OPTIMIZERS = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda ps: optim.Adam(ps, lr=0.01),
    "AMSGrad": lambda ps: optim.AdamW(ps, lr=0.01, amsgrad=True),
    "NAdam": lambda ps: optim.NAdam(ps, lr=0.01),
    "RAdam": lambda ps: optim.RAdam(ps, lr=0.01),
    "Adamax": lambda ps: optim.Adamax(ps, lr=0.01),
    "Adagrad": lambda ps: optim.Adagrad(ps, lr=0.1),
    "Adadelta": lambda ps: optim.Adadelta(ps),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.01, centered=True, momentum=0.5),
    "Rprop": lambda ps: optim.Rprop(ps, lr=0.01),
    "ASGD": lambda ps: optim.ASGD(ps, lr=0.1, t0=2),
    "Adafactor": lambda ps: optim.Adafactor(ps, lr=0.1, weight_decay=0.1),
    "FromRule": lambda ps: optim.FromRule(ps, updates.SGD(momentum=True), lr=0.1, momentum=0.9),
    "groups": lambda ps: optim.Adam([{"params": ps[:1]}, {"params": ps[1:], "lr": 0.5}]),
    "LBFGS": lambda ps: optim.LBFGS(ps, lr=0.5, max_iter=3),
    "strong Wolfe": lambda ps: optim.LBFGS(ps, max_iter=3, line_search_fn="strong_wolfe"),
}

REAL = ("Adafactor", "LBFGS", "strong Wolfe")
"""Those that take no complex numbers."""


def loss(params):
    w, b, c = params
    return ((torch.tanh(w) * 2 + b - 1.5) ** 2).sum() + (c * c).real.sum()


class Run:
    """Parameters, one of them complex, one laid out in another order; and an optimiser that has taken ``steps`` steps."""

    def __init__(self, make, steps=0, complex_too=True):
        random = np.random.default_rng(0)
        arrays = [random.normal(size=(3, 4)).T, random.normal(size=3), random.normal(size=2) + 1j]
        if not complex_too:
            arrays[2] = arrays[2].real
        self.params = [torch.from_numpy(x).requires_grad_() for x in arrays]
        self.optimizer = make(self.params)
        for _ in range(steps):
            self.step()

    def closure(self):
        self.optimizer.zero_grad()
        value = loss(self.params)
        value.backward()
        return value

    def step(self):
        if isinstance(self.optimizer, optim.LBFGS):
            self.optimizer.step(self.closure)
        else:
            self.closure()
            self.optimizer.step()

    def only(self):
        """The step itself, after the gradients are there."""
        self.optimizer.step(*([self.closure] if isinstance(self.optimizer, optim.LBFGS) else []))

    def standing(self):
        return [x.detach().numpy().tobytes() for x in self.params], plain(self.optimizer.state_dict()["state"])


def plain(state):
    if isinstance(state, torch.Tensor):
        return state.numpy().tobytes(), state.dtype
    if isinstance(state, dict):
        return [(key, plain(x)) for key, x in state.items()]
    return [plain(x) for x in state] if isinstance(state, list) else state


QUICK = ("momentum", "Adam", "ASGD", "Adafactor", "groups", "LBFGS")


@pytest.mark.parametrize("name", [x if x in QUICK else pytest.param(x, marks=pytest.mark.long) for x in OPTIMIZERS])
def test_a_step_is_done_or_not_wherever_it_is_interrupted(name, pytestconfig):
    long = pytestconfig.getoption("--long")
    make = partial(Run, OPTIMIZERS[name], complex_too=name not in REAL)
    for before in (0, 2):
        wanted = make(before)
        states = [wanted.standing()]
        for _ in range(2):
            wanted.step()
            states.append(wanted.standing())
        runs = []

        def ready(before=before, runs=runs):
            runs[:] = [make(before)]
            runs[0].closure()

        every = 1 if long else 17 if name == "LBFGS" else 1 if name == "momentum" else 5 - before
        outcomes = set()
        for interrupt in everywhere(
            lambda runs=runs: runs[0].only(), product if long else within(*STEPS), every, ready=ready
        ):
            found = runs[0].standing()
            assert found in states[:2], f"torn by an interrupt at {interrupt.where}"
            outcomes.add(states.index(found))
            runs[0].step()
            assert runs[0].standing() == states[states.index(found) + 1], f"another next step after {interrupt.where}"
        assert outcomes == {0, 1} or every > 1


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


@torch.no_grad()
def halved(x):
    return x * 0.5


def blocks(w):
    """All kinds of blocks and functions in which operations are recorded or not."""
    with torch.no_grad():
        target = halved(w) + 1
        with torch.enable_grad():
            shifted = w + target
    with torch.device("cpu"), torch.inference_mode():
        target = target * torch.ones(4, 4)
    return Square.apply(shifted - target).sum()


def penalty(w):
    x = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(torch.tanh(x @ w).sum(), x, create_graph=True)
    return ((g * g).sum(1) - 1).pow(2).mean()


def hooked(w):
    h = torch.tanh(w)
    h.register_hook(halved)
    return (h * h).sum()


def again(w):
    return sum(checkpoint(torch.tanh, w, use_reentrant=reentrant).sum() for reentrant in (False, True))


@pytest.mark.parametrize("forward", [blocks, penalty, hooked, again])
def test_the_step_after_an_interrupt_anywhere_in_one_is_as_without_it(forward, pytestconfig):
    def make():
        w = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 4))).requires_grad_()
        return w, optim.SGD([w], lr=0.05, momentum=0.9)

    def step(w, optimizer):
        optimizer.zero_grad()
        forward(w).backward()
        optimizer.step()

    def standing(w, optimizer):
        return w.detach().numpy().tobytes(), plain(optimizer.state_dict()["state"])

    run, twin = make(), make()
    for each in (run, twin):
        step(*each)
    recorded = within("dynamic/autograd", "dynamic/uninterrupted.py", "dynamic/utils/checkpoint.py")
    interrupts = 0
    for interrupt in everywhere(lambda: step(*run), product if pytestconfig.getoption("--long") else recorded):
        interrupts += 1
        if standing(*run) != standing(*twin):
            step(*twin)
        assert standing(*run) == standing(*twin), f"torn by an interrupt at {interrupt.where}"
        assert torch.is_grad_enabled(), f"nothing is recorded any more after an interrupt at {interrupt.where}"
        for each in (run, twin):
            step(*each)
        assert standing(*run) == standing(*twin), f"another next step after an interrupt at {interrupt.where}"
    assert interrupts > 50


def test_a_step_that_cannot_be_taken_changes_nothing():
    for name, make in OPTIMIZERS.items():
        if "LBFGS" in name or name == "strong Wolfe":
            continue
        for before in (0, 2):
            for which in range(3):
                run, wanted = (Run(make, before, name not in REAL) for _ in range(2))
                run.closure()
                run.params[which].grad.data = torch.zeros(7)
                with pytest.raises(ShapeError, match=r"a gradient of shape \(7,\) for a parameter of shape"):
                    run.optimizer.step()
                assert run.standing() == wanted.standing()
                for each in (run, wanted):
                    each.step()
                assert run.standing() == wanted.standing()


def test_a_state_that_does_not_fit_is_named_before_anything_changes():
    run = Run(OPTIMIZERS["Adam"], 1)
    run.closure()
    run.optimizer.state[run.params[2]]["exp_avg_sq"] = torch.zeros(5)
    before = run.standing()
    with pytest.raises(ShapeError, match=r"exp_avg_sq of shape \(5,\) for a parameter of shape \(2,\)"):
        run.optimizer.step()
    assert run.standing() == before


@pytest.mark.parametrize("name", ["LBFGS", "strong Wolfe"])
def test_a_closure_that_fails_leaves_lbfgs_where_it_was(name):
    run, wanted = (Run(OPTIMIZERS[name], 1, complex_too=False) for _ in range(2))
    left = 0

    def closure():
        nonlocal left
        left -= 1
        if left < 0:
            raise ArithmeticError("planted")
        return run.closure()

    for fails in range(3):
        left = fails
        with pytest.raises(ArithmeticError, match="planted"):
            run.optimizer.step(closure)
        assert run.standing() == wanted.standing()
    run.step()
    wanted.step()
    assert run.standing() == wanted.standing()


def test_a_parameter_given_twice_takes_two_steps_at_once():
    once, twice = (torch.ones(3, requires_grad=True) for _ in range(2))
    ours = optim.Adam([once], lr=0.1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        theirs = optim.Adam([twice, twice], lr=0.1)
    for optimizer in (theirs, copy.deepcopy(theirs)):
        p = optimizer.param_groups[0]["params"][0]
        p.grad = torch.full((3,), 0.5)
        optimizer.step()
        assert optimizer.state[p]["step"] == 2
    once.grad = torch.full((3,), 0.5)
    ours.step()
    ours.step()
    assert torch.equal(once, twice)


def deep(params):
    """Fifty operations and more, in a chain."""
    w, b = params
    h = torch.ones(2, 4, dtype=torch.float64)
    for _ in range(17):
        h = torch.tanh(h @ w) + b
    return (h * h).sum()


def test_an_operation_that_fails_on_the_way_there_or_back_leaves_nothing():
    def make():
        random = np.random.default_rng(0)
        params = [torch.from_numpy(random.normal(size=shape)).requires_grad_() for shape in ((4, 4), (4,))]
        return params, optim.Adam(params, lr=0.05)

    def step(params, optimizer):
        optimizer.zero_grad()
        deep(params).backward()
        optimizer.step()

    def standing(params, optimizer):
        return [x.detach().numpy().tobytes() for x in params], plain(optimizer.state_dict()["state"])

    wanted, run = make(), make()
    states = [standing(*wanted)]
    at = faults = 0
    before = within("dynamic/apply.py", "dynamic/tape.py", "graphs/autodiff.py", "graphs/ops", "dynamic/optim")

    def inside(code):
        return before(code) and code.co_name not in ("_change", "advance")  # a change that has begun knows no errors

    for fault in everywhere(lambda: step(*run), inside, kind=Fault, every=2):
        while len(states) < at + 3:
            step(*wanted)
            states.append(standing(*wanted))
        found = standing(*run)
        assert found in states[at : at + 2], f"torn by a fault at {fault.where}"
        at += found == states[at + 1]
        faults += 1
        if faults % 5 == 0:
            step(*run)
            at += 1
            assert standing(*run) == states[at], f"another next step after a fault at {fault.where}"
    assert faults > 100


def test_what_handles_sigint_is_called_once_the_step_is_done():
    wanted = Run(OPTIMIZERS["Adam"])
    wanted.step()
    states = [Run(OPTIMIZERS["Adam"]).standing(), wanted.standing()]
    runs, seen = [], []

    def stop(number, frame):
        seen.append(states.index(runs[-1].standing()))

    def step():
        signal.signal(signal.SIGINT, stop)
        runs[-1].only()
        assert signal.getsignal(signal.SIGINT) is stop

    for n in range(0, 200, 7):
        runs.append(Run(OPTIMIZERS["Adam"]))
        runs[-1].closure()
        with ctrl_c():
            interrupt = Interrupt(n, within(*STEPS))
            assert not interrupt(step)
        assert len(seen) == len(runs) or interrupt.where is None
        assert runs[-1].standing() == states[1]
    assert set(seen) == {0, 1}


def test_steps_in_other_threads_leave_signals_alone():
    run, wanted = Run(OPTIMIZERS["Adam"]), Run(OPTIMIZERS["Adam"])
    handler = signal.getsignal(signal.SIGINT)
    errors = []

    def work():
        try:
            run.step()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    wanted.step()
    assert not errors
    assert run.standing() == wanted.standing()
    assert signal.getsignal(signal.SIGINT) is handler
