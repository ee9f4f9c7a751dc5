"""Optimisers and schedules as objects: hooks, copies, own subclasses, and when a step is a change in place."""

import copy
import pickle

import numpy as np
import pytest

import dynamic as torch
from dynamic import optim
from dynamic.autograd import strict_updates
from dynamic.optim import lr_scheduler
from dynamic.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from graphs import updates


def leaf(*numbers):
    return torch.from_numpy(np.array(numbers, "float64")).requires_grad_()


def train(optimizer, p, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        (p * p * p).sum().backward()
        optimizer.step()


# Copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "ASGD", "Adagrad", "Rprop", "Adafactor"])
def test_a_copy_goes_on_by_itself(name, copied):
    p = leaf(1, 2)
    optimizer = getattr(optim, name)([p], lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}))
    train(optimizer, p)
    other = copied(optimizer)
    (q,) = other.param_groups[0]["params"]
    assert q is not p
    assert list(other.state) == [q]
    train(optimizer, p)
    before = p.tolist()
    train(other, q)
    assert q.tolist() == before == p.tolist()


def test_a_copy_of_an_optimizer_by_a_rule_keeps_the_rule():
    p = leaf(1, 2)
    other = copy.deepcopy(optim.FromRule([p], updates.SGD(momentum=True), lr=0.1, momentum=0.5))
    (q,) = other.param_groups[0]["params"]
    train(other, q)
    assert q.tolist() != p.tolist()


def test_a_state_that_is_loaded_is_a_copy():
    p = leaf(1, 2)
    optimizer = optim.Adam([p], lr=0.1)
    train(optimizer, p)
    saved = optimizer.state_dict()
    assert saved["state"][0]["exp_avg"] is optimizer.state[p]["exp_avg"]
    optimizer.load_state_dict(saved)
    kept = saved["state"][0]["exp_avg"].tolist()
    train(optimizer, p)
    assert saved["state"][0]["exp_avg"].tolist() == kept != optimizer.state[p]["exp_avg"].tolist()


# Hooks


def test_hooks_around_a_step():
    p = leaf(1)
    optimizer = optim.SGD([p], 0.1)
    seen = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, args[1:], kwargs))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after")),
        register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("before all")),
        register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("after all")),
    ]
    optimizer.step(lambda: 5)
    assert seen[0] == "before all"
    assert seen[1][:2] == ("before", True)
    assert seen[1][2][0]() == 5
    assert seen[2:] == ["after", "after all"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_a_hook_may_change_a_step_s_arguments():
    optimizer = optim.SGD([leaf(1)], 0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), {}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="hook"):
        optimizer.step()


def test_hooks_of_state_dictionaries():
    p = leaf(1)
    optimizer = optim.SGD([p], 0.1)
    seen = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "more": 1})
    saved = optimizer.state_dict()
    assert seen == ["first", "second"]
    assert saved["more"] == 1

    def slower(o, given):
        given["param_groups"][0]["lr"] = 0.05

    optimizer.register_load_state_dict_pre_hook(slower)
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert seen[-1] == 0.05


# A user's own


class Plain(Optimizer):
    """As in a tutorial of 2017."""

    def __init__(self, params, lr=required):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                state["step"] += 1
                p.data -= group["lr"] * p.grad.data
        return loss


def test_an_optimizer_of_ones_own():
    p, q = leaf(1, 2), leaf(1, 2)
    mine, theirs = Plain([p], lr=0.1), optim.SGD([q], lr=0.1)
    scheduler = lr_scheduler.StepLR(mine, 2)
    same = lr_scheduler.StepLR(theirs, 2)
    seen = []
    mine.register_step_post_hook(lambda o, args, kwargs: seen.append(o.state[p]["step"]))
    for _ in range(4):
        train(mine, p, 1)
        train(theirs, q, 1)
        scheduler.step()
        same.step()
    assert p.tolist() == q.tolist()
    assert seen == [1, 2, 3, 4]
    saved = mine.state_dict()
    assert saved["state"] == {0: {"step": 4}}
    again = Plain([p], lr=1.0)
    again.load_state_dict(saved)
    assert again.state[p] == {"step": 4}
    assert again.param_groups[0]["lr"] == mine.param_groups[0]["lr"]


def test_a_required_setting_is_missed():
    with pytest.raises(ValueError, match="lr"):
        Plain([leaf(1)])
    assert Plain([{"params": leaf(1), "lr": 0.5}]).param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize(
    ("rule", "hyper", "name", "settings"),
    [
        (updates.SGD(), {}, "SGD", {}),
        (updates.SGD(momentum=True), {"momentum": 0.9}, "SGD", {"momentum": 0.9}),
        (updates.Adam(), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, "Adam", {}),
        (updates.AdaMax(epsilon_inside=True), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, "Adamax", {}),
    ],
    ids=["descent", "momentum", "adam", "adamax"],
)
def test_an_optimizer_from_a_rule(rule, hyper, name, settings):
    p, q = leaf(1, 2), leaf(1, 2)
    mine, theirs = optim.FromRule([p], rule, lr=0.1, **hyper), getattr(optim, name)([q], lr=0.1, **settings)
    scheduler = lr_scheduler.ExponentialLR(mine, 0.5)
    same = lr_scheduler.ExponentialLR(theirs, 0.5)
    for _ in range(3):
        train(mine, p)
        train(theirs, q)
        scheduler.step()
        same.step()
    assert p.tolist() == q.tolist()
    assert set(mine.state_dict()["param_groups"][0]) == {"lr", "initial_lr", "params", *hyper}


def test_an_optimizer_from_a_rule_with_groups():
    p, q = leaf(1), leaf(1)
    optimizer = optim.FromRule([{"params": [p]}, {"params": [q], "lr": 0.2}], updates.SGD(), lr=0.1)
    p.grad, q.grad = torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    optimizer.step()
    assert (p.item(), q.item()) == (0.9, 0.8)


def test_settings_of_an_older_version_are_filled_in():
    p = leaf(1, 2)
    optimizer = optim.Adam([p])
    saved = optimizer.state_dict()
    saved["param_groups"] = [{"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "params": [0]}]
    optimizer.load_state_dict(saved)
    train(optimizer, p)
    assert optimizer.param_groups[0]["amsgrad"] is False


# Steps


def test_a_closure_records_and_its_loss_is_returned():
    p = leaf(2)
    optimizer = optim.SGD([p], 0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert p.item() == pytest.approx(1.6)


def test_a_step_writes_into_the_parameter_s_memory():
    array = np.ones(3)
    p = torch.from_numpy(array).requires_grad_()
    view = array[:1]
    (p * 2).sum().backward()
    optim.SGD([p], 0.5).step()
    assert view.tolist() == [0.0]


def test_a_gradient_of_another_shape_is_refused():
    p = leaf(1, 2)
    p.grad = torch.ones(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        optim.SGD([p], 0.1).step()


def test_steps_that_are_to_be_differentiated_are_refused_plainly():
    with pytest.raises(NotImplementedError, match="differentiable"):
        optim.Adam([leaf(1)], differentiable=True)


STEPPERS = {
    "SGD": lambda p: optim.SGD([p], 0.1),
    "Adam": lambda p: optim.Adam([p], 0.1),
    "Adafactor": lambda p: optim.Adafactor([p], 0.1),
}


@pytest.mark.parametrize("name", STEPPERS)
def test_a_step_between_two_backward_passes_through_one_graph(name):
    """A program of 2017 runs, with the gradients that it got then; PyTorch's check of today is a switch."""
    p = leaf(3)
    optimizer = STEPPERS[name](p)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    loss.backward(retain_graph=True)
    assert p.grad.item() != 12.0  # of the new value for one of the factors
    with strict_updates():
        optimizer.step()
    with pytest.raises(RuntimeError, match=r"(?s)MulBackward0.*loss = \(p \* p\)"):
        loss.backward()
    (p * p).sum().backward()


def test_the_switch_of_strict_updates_is_a_decorator_and_a_function_too():
    @strict_updates()
    def step(optimizer):
        optimizer.step()

    p = leaf(3)
    p.grad = torch.ones(1, dtype=torch.float64)
    optimizer = optim.SGD([p], 0.1)
    before = p._version
    optimizer.step()
    assert p._version == before
    step(optimizer)
    assert p._version == before + 1
    switch = strict_updates(True)
    optimizer.step()
    assert p._version == before + 2
    switch.__exit__()
    optimizer.step()
    assert p._version == before + 2


def test_lbfgs_under_strict_updates():
    p = leaf(3)
    optimizer = optim.LBFGS([p], lr=0.1, max_iter=2)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    before = p._version
    optimizer.step(closure)
    assert p._version == before
    with strict_updates():
        optimizer.step(closure)
    assert p._version > before


# Schedules


def test_a_schedule_of_ones_own():
    class Sawtooth(lr_scheduler.LRScheduler):
        def __init__(self, optimizer, period, last_epoch=-1):
            self.period = period
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [lr * (1 - self.last_epoch % self.period / self.period) for lr in self.base_lrs]

    optimizer = optim.SGD([leaf(1)], 1.0)
    scheduler = Sawtooth(optimizer, 4)
    seen = []
    for _ in range(6):
        optimizer.step()
        seen.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert seen == [1.0, 0.75, 0.5, 0.25, 1.0, 0.75]
    assert lr_scheduler._LRScheduler is lr_scheduler.LRScheduler


def test_schedules_that_tell_what_they_do(capsys):
    optimizer = optim.SGD([leaf(1)], 1.0)
    scheduler = lr_scheduler.StepLR(optimizer, 1, verbose=True)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, verbose=True)
    optimizer.step()
    scheduler.step()
    plateau.step(1.0)
    plateau.step(1.0)
    assert capsys.readouterr().out.splitlines() == [
        "Adjusting learning rate of group 0 to 1.0000e+00.",
        "Adjusting learning rate of group 0 to 1.0000e-01.",
        "Epoch     2: reducing learning rate of group 0 to 1.0000e-02.",
    ]


def test_a_name_that_is_not_there_names_the_nearest():
    with pytest.raises(AttributeError, match="RMSprop"):
        optim.RMSProp  # noqa: B018
    with pytest.raises(AttributeError, match="StepLR"):
        lr_scheduler.StepLr  # noqa: B018
