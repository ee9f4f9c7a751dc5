"""Every schedule of learning rates, epoch by epoch against PyTorch's: rates, momenta, states, errors, warnings."""

import copy
import warnings

import pytest

import dynamic
from tests.dynamic.oracle import pytorch


pytestmark = pytest.mark.oracle

EPOCHS = 33


class Halving:
    """A callable object, whose attributes a state dictionary has."""

    def __init__(self, every):
        self.every = every

    def __call__(self, epoch):
        return 0.5 ** (epoch // self.every)


SCHEDULES = {
    "LambdaLR": [
        {"lr_lambda": lambda epoch: 0.95**epoch},
        {"lr_lambda": lambda epoch: 1 / (1 + epoch)},
        {"lr_lambda": [lambda epoch: 1.0, lambda epoch: epoch % 3]},
        {"lr_lambda": Halving(4)},
    ],
    "MultiplicativeLR": [
        {"lr_lambda": lambda epoch: 0.95},
        {"lr_lambda": [lambda epoch: 0.9, lambda epoch: 1 + epoch / 100]},
        {"lr_lambda": Halving(4)},
    ],
    "StepLR": [{"step_size": 3}, {"step_size": 1, "gamma": 0.5}, {"step_size": 7, "gamma": 1.5}, {"step_size": 50}],
    "MultiStepLR": [{"milestones": [3, 7]}, {"milestones": [2, 2, 9], "gamma": 0.5}, {"milestones": [], "gamma": 0.5}],
    "ConstantLR": [{}, {"factor": 0.5, "total_iters": 10}, {"factor": 1.0}, {"total_iters": 100}],
    "LinearLR": [{}, {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 12}, {"start_factor": 1.0, "end_factor": 0.0}],
    "ExponentialLR": [{"gamma": 0.9}, {"gamma": 1.0}, {"gamma": 0.1}],
    "PolynomialLR": [{}, {"total_iters": 20, "power": 2.0}, {"total_iters": 40, "power": 0.5}],
    "CosineAnnealingLR": [{"T_max": 10}, {"T_max": 7, "eta_min": 0.001}, {"T_max": 100}, {"T_max": 1}],
    "CosineAnnealingWarmRestarts": [
        {"T_0": 10},
        {"T_0": 3, "T_mult": 2},
        {"T_0": 4, "T_mult": 3, "eta_min": 0.01},
        {"T_0": 1},
    ],
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "step_size_down": 7, "mode": "triangular2"},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 6, "mode": "exp_range", "gamma": 0.95},
        {"base_lr": [0.01, 0.02], "max_lr": [0.1, 0.3], "step_size_up": 3, "cycle_momentum": False},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda x: 1 / x, "base_momentum": 0.5},
        {
            "base_lr": 0.01,
            "max_lr": 0.1,
            "step_size_up": 3,
            "scale_fn": Halving(5),
            "scale_mode": "iterations",
            "max_momentum": [0.9, 0.95],
        },
    ],
    "OneCycleLR": [
        {"max_lr": 0.5, "total_steps": 33},
        {"max_lr": 0.5, "epochs": 5, "steps_per_epoch": 10},
        {"max_lr": [0.5, 0.1], "total_steps": 40, "anneal_strategy": "linear", "pct_start": 0.5},
        {"max_lr": 0.5, "total_steps": 34, "three_phase": True, "div_factor": 10.0, "final_div_factor": 100.0},
        {"max_lr": 0.5, "total_steps": 35, "cycle_momentum": False, "pct_start": 0.0001},
        {"max_lr": 0.5, "total_steps": 35, "base_momentum": [0.6, 0.7], "max_momentum": 0.99},
    ],
}

FUNCTIONS = ("lr_lambda", "scale_fn")
"""Settings that do not show in a case's name: as text they have addresses."""

CASES = [
    pytest.param(name, each, id=f"{name}-{i} {', '.join(f'{k}={v}' for k, v in each.items() if k not in FUNCTIONS)[:70]}")
    for name, table in SCHEDULES.items()
    for i, each in enumerate(table)
]


def optimizer_in(torch, kind="SGD", **settings):
    groups = [{"params": [torch.ones(2, requires_grad=True)]}, {"params": [torch.ones(1, requires_grad=True)], "lr": 0.02}]
    if kind == "SGD":
        settings = {"momentum": 0.9, **settings}
    return getattr(torch.optim, kind)(groups, **{"lr": 0.1, **settings})


def settings_of(optimizer):
    names = ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr")
    return [
        {name: float(g[name]) if name != "betas" else g[name] for name in names if name in g} for g in optimizer.param_groups
    ]


def flat(settings):
    return [x for group in settings for value in group.values() for x in (value if isinstance(value, tuple) else (value,))]


def course(optimizer, scheduler, epochs=EPOCHS, feed=None):
    """The groups' settings at each epoch, and the rates that the schedule reports."""
    seen = [(settings_of(optimizer), scheduler.get_last_lr())]
    for epoch in range(epochs):
        optimizer.step()
        if feed is None:
            scheduler.step()
        else:
            scheduler.step(feed[epoch])
        seen.append((settings_of(optimizer), scheduler.get_last_lr()))
    return seen


def same_course(ours, theirs):
    assert len(ours) == len(theirs)
    for (mine, last), (other, final) in zip(ours, theirs, strict=True):
        assert [list(group) for group in mine] == [list(group) for group in other]
        assert flat(mine) == pytest.approx(flat(other), rel=1e-12, abs=1e-18)
        assert [float(x) for x in last] == pytest.approx([float(x) for x in final], rel=1e-12, abs=1e-18)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_epochs(name, settings, kind):
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch, kind)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **copy.deepcopy(settings))
        found.append((course(optimizer, scheduler), scheduler.state_dict()))
    same_course(found[0][0], found[1][0])
    assert set(found[0][1]) == set(found[1][1])
    assert found[0][1]["last_epoch"] == found[1][1]["last_epoch"]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_state_is_saved_and_taken_over(name, settings):
    """Ours by ours, and PyTorch's by ours: both go on as PyTorch's does."""
    torch = pytorch()
    reference = optimizer_in(torch)
    theirs = getattr(torch.optim.lr_scheduler, name)(reference, **copy.deepcopy(settings))
    ours = optimizer_in(dynamic)
    mine = getattr(dynamic.optim.lr_scheduler, name)(ours, **copy.deepcopy(settings))
    course(reference, theirs, 5)
    course(ours, mine, 5)
    saved = copy.deepcopy(theirs.state_dict())
    expected = course(reference, theirs, 10)[1:]
    for state in (mine.state_dict(), saved):
        again = optimizer_in(dynamic)
        scheduler = getattr(dynamic.optim.lr_scheduler, name)(again, **copy.deepcopy(settings))
        again.load_state_dict(ours.state_dict())
        scheduler.load_state_dict(copy.deepcopy(state))
        same_course(course(again, scheduler, 10)[1:], expected)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_going_on_from_an_epoch(name, settings):
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        make = getattr(torch.optim.lr_scheduler, name)
        make(optimizer, **copy.deepcopy(settings))
        with pytest.raises(KeyError):
            make(optimizer_in(torch), **copy.deepcopy(settings), last_epoch=4)
        scheduler = make(optimizer, **copy.deepcopy(settings), last_epoch=4)
        found.append(course(optimizer, scheduler, 12))
    same_course(*found)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_epochs_that_are_given(name, settings):
    """As programs of 2017 do; where a schedule has a formula for an epoch, it is used."""
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **copy.deepcopy(settings))
        optimizer.step()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen = []
            for epoch in (1, 2, 3, 9, 20, 5):
                scheduler.step(epoch)
                seen.append((settings_of(optimizer), scheduler.get_last_lr()))
        found.append((seen, [warning.category for warning in caught]))
    same_course(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("epochs", [[0.5, 1.5, 7.25, 12, 13.5], [0, 30.5, 2.25]])
@pytest.mark.parametrize("settings", SCHEDULES["CosineAnnealingWarmRestarts"], ids=str)
def test_fractions_of_epochs(settings, epochs):
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **settings)
        seen = []
        for epoch in epochs:
            scheduler.step(epoch)
            seen.append((settings_of(optimizer), scheduler.get_last_lr()))
        found.append(seen)
    same_course(*found)


@pytest.mark.parametrize(("name", "settings"), [case.values for case in CASES if "OneCycle" not in case.id])
def test_a_rate_that_is_a_tensor_is_set_in_place(name, settings):
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = torch.optim.SGD(
            [torch.ones(2, requires_grad=True)], torch.tensor(0.1, dtype=torch.float64), momentum=0.9
        )
        lr = optimizer.param_groups[0]["lr"]
        settings = {k: v[0] if isinstance(v, list) and k != "milestones" else v for k, v in settings.items()}
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **copy.deepcopy(settings))
        seen = course(optimizer, scheduler, 6)
        assert optimizer.param_groups[0]["lr"] is lr
        found.append([float(last[0]) for _, last in seen])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


# By what is measured

NUMBERS = [1.0, 0.9, 0.91, 0.905, 0.92, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7999, 0.81, 0.9, 1.2, 1.2, 1.1, 1.0]
NUMBERS += [-0.1, -0.2, -0.2, -0.1, 0.0, float("nan"), 0.5, -0.3, -0.3, -0.3, float("inf"), -0.3, -0.3, -5.0]

PLATEAUS = [
    {},
    {"patience": 2},
    {"patience": 0, "factor": 0.5},
    {"mode": "max", "patience": 2},
    {"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.1},
    {"patience": 1, "threshold_mode": "abs", "threshold": 0.05},
    {"patience": 1, "threshold": 0.2},
    {"patience": 1, "cooldown": 3},
    {"patience": 0, "min_lr": 0.005},
    {"patience": 0, "min_lr": [0.01, 0.001]},
    {"patience": 0, "eps": 0.01},
]


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_plateaus(settings):
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        seen = course(optimizer, scheduler, len(NUMBERS), NUMBERS)
        found.append((seen, scheduler.state_dict()))
    same_course(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_a_plateau_s_state_is_taken_over(settings):
    torch = pytorch()
    reference = optimizer_in(torch)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, **settings)
    course(reference, theirs, 12, NUMBERS)
    ours = optimizer_in(dynamic)
    mine = dynamic.optim.lr_scheduler.ReduceLROnPlateau(ours, mode="min")
    mine.load_state_dict(theirs.state_dict())
    for group, other in zip(ours.param_groups, reference.param_groups, strict=True):
        group["lr"] = other["lr"]
    same_course(course(ours, mine, 15, NUMBERS[12:])[1:], course(reference, theirs, 15, NUMBERS[12:])[1:])


def test_a_tensor_is_measured_and_groups_may_come_later():
    found = []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        optimizer.add_param_group({"params": [torch.ones(1, requires_grad=True)], "lr": 1.0})
        for number in (1.0, 2.0, 3.0):
            scheduler.step(torch.tensor(number))
        found.append(flat(settings_of(optimizer)))
        listed = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0, 0.0])
        optimizer.add_param_group({"params": [torch.ones(1, requires_grad=True)], "lr": 1.0})
        listed.step(1.0)
        with pytest.raises(RuntimeError):
            listed.step(2.0)
    assert found[0] == pytest.approx(found[1])


# Several

SEVERAL = {
    "two in turn": lambda lr, o: lr.SequentialLR(o, [lr.ConstantLR(o, 0.1, 4), lr.ExponentialLR(o, 0.9)], [5]),
    "three in turn": lambda lr, o: lr.SequentialLR(
        o, [lr.LinearLR(o, 0.1, 1.0, 5), lr.StepLR(o, 3), lr.CosineAnnealingLR(o, 10)], [6, 15]
    ),
    "the first at once over": lambda lr, o: lr.SequentialLR(o, [lr.ConstantLR(o), lr.ExponentialLR(o, 0.5)], [0]),
    "one in turn": lambda lr, o: lr.SequentialLR(o, [lr.StepLR(o, 2)], []),
    "restarts in turn": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o), lr.CosineAnnealingWarmRestarts(o, 4)], [5]),
    "in turn within in turn": lambda lr, o: lr.SequentialLR(
        o, [lr.SequentialLR(o, [lr.ConstantLR(o, 0.5, 2), lr.StepLR(o, 2)], [3]), lr.ExponentialLR(o, 0.9)], [9]
    ),
    "a polynomial after a warm-up": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o), lr.PolynomialLR(o, 20, 2.0)], [5]),
    "a function after a warm-up": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o), lr.LambdaLR(o, lambda e: 0.9**e)], [5]),
    "milestones after a warm-up": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o), lr.MultiStepLR(o, [2, 5])], [5]),
    "a cycle after a warm-up": lambda lr, o: lr.SequentialLR(o, [lr.LinearLR(o), lr.CyclicLR(o, 0.01, 0.1, 3)], [5]),
    "chained": lambda lr, o: lr.ChainedScheduler([lr.ConstantLR(o, 0.1, 4), lr.ExponentialLR(o, 0.9)]),
    "chained, optimizer given": lambda lr, o: lr.ChainedScheduler(
        [lr.StepLR(o, 4), lr.MultiplicativeLR(o, lambda e: 0.9)], o
    ),
    "chained, one in turn": lambda lr, o: lr.ChainedScheduler(
        [lr.SequentialLR(o, [lr.ConstantLR(o), lr.StepLR(o, 2)], [3]), lr.ExponentialLR(o, 0.9)]
    ),
}


NESTED = pytest.mark.filterwarnings("ignore:Detected call")  # in both libraries, of schedules in turn within such ones


@NESTED
@pytest.mark.parametrize("case", SEVERAL)
def test_several(case):
    found, states = [], []
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = SEVERAL[case](torch.optim.lr_scheduler, optimizer)
        found.append(course(optimizer, scheduler, 24))
        states.append(scheduler.state_dict())
    same_course(*found)
    assert set(states[0]) == set(states[1])
    assert [set(state) for state in states[0]["_schedulers"]] == [set(state) for state in states[1]["_schedulers"]]


@NESTED
@pytest.mark.parametrize("case", SEVERAL)
def test_the_state_of_several_is_taken_over(case):
    torch = pytorch()
    reference = optimizer_in(torch)
    theirs = SEVERAL[case](torch.optim.lr_scheduler, reference)
    course(reference, theirs, 7)
    ours = optimizer_in(dynamic)
    mine = SEVERAL[case](dynamic.optim.lr_scheduler, ours)
    mine.load_state_dict(copy.deepcopy(theirs.state_dict()))
    for group, other in zip(ours.param_groups, reference.param_groups, strict=True):
        group.update({name: other[name] for name in other if name != "params"})
    same_course(course(ours, mine, 12)[1:], course(reference, theirs, 12)[1:])


# What is refused, and what is warned of

WRONG = {
    "no optimizer": lambda lr, o: lr.StepLR(3, 1),
    "no optimizer for a cycle": lambda lr, o: lr.CyclicLR(3, 0.1, 0.2),
    "no optimizer for one cycle": lambda lr, o: lr.OneCycleLR(3, 0.1, 10),
    "no optimizer for a plateau": lambda lr, o: lr.ReduceLROnPlateau(3),
    "too few functions": lambda lr, o: lr.LambdaLR(o, [lambda e: 1.0]),
    "too many functions": lambda lr, o: lr.MultiplicativeLR(o, [lambda e: 1.0] * 3),
    "no function": lambda lr, o: lr.LambdaLR(o, 3),
    "no function to multiply by": lambda lr, o: lr.MultiplicativeLR(o, 3),
    "constant above 1": lambda lr, o: lr.ConstantLR(o, 1.5),
    "constant below 0": lambda lr, o: lr.ConstantLR(o, -0.5),
    "start 0": lambda lr, o: lr.LinearLR(o, 0),
    "start above 1": lambda lr, o: lr.LinearLR(o, 1.5),
    "end above 1": lambda lr, o: lr.LinearLR(o, 0.5, 1.5),
    "end below 0": lambda lr, o: lr.LinearLR(o, 0.5, -1),
    "T_0 0": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 0),
    "T_0 a fraction": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 1.5),
    "T_mult 0": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 1, 0),
    "eta_min a text": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 1, 1, "0"),
    "epoch below 0": lambda lr, o: lr.CosineAnnealingWarmRestarts(o, 1).step(-1),
    "too few base rates": lambda lr, o: lr.CyclicLR(o, [0.1], 0.2),
    "too many top rates": lambda lr, o: lr.CyclicLR(o, 0.1, [0.2] * 3),
    "unknown mode": lambda lr, o: lr.CyclicLR(o, 0.1, 0.2, mode="square"),
    "no total": lambda lr, o: lr.OneCycleLR(o, 0.1),
    "total 0": lambda lr, o: lr.OneCycleLR(o, 0.1, 0),
    "total a fraction": lambda lr, o: lr.OneCycleLR(o, 0.1, 1.5),
    "epochs 0": lambda lr, o: lr.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=1),
    "steps below 0": lambda lr, o: lr.OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=-1),
    "share above 1": lambda lr, o: lr.OneCycleLR(o, 0.1, 10, pct_start=1.5),
    "share an integer": lambda lr, o: lr.OneCycleLR(o, 0.1, 10, pct_start=1),
    "unknown strategy": lambda lr, o: lr.OneCycleLR(o, 0.1, 10, anneal_strategy="square"),
    "too many steps": lambda lr, o: [s := lr.OneCycleLR(o, 0.1, 3), o.step(), *(s.step() for _ in range(5))],
    "factor 1": lambda lr, o: lr.ReduceLROnPlateau(o, factor=1.0),
    "unknown mode of a plateau": lambda lr, o: lr.ReduceLROnPlateau(o, "least"),
    "unknown threshold": lambda lr, o: lr.ReduceLROnPlateau(o, threshold_mode="square"),
    "too few bounds": lambda lr, o: lr.ReduceLROnPlateau(o, min_lr=[0.1]),
    "none in turn": lambda lr, o: lr.SequentialLR(o, [], []),
    "too few milestones": lambda lr, o: lr.SequentialLR(o, [lr.StepLR(o, 1)] * 2, []),
    "a plateau in turn": lambda lr, o: lr.SequentialLR(o, [lr.ReduceLROnPlateau(o)], []),
    "a number in turn": lambda lr, o: lr.SequentialLR(o, [3], []),
    "none chained": lambda lr, o: lr.ChainedScheduler([]),
    "a plateau chained": lambda lr, o: lr.ChainedScheduler([lr.ReduceLROnPlateau(o)]),
    "step takes no epoch": lambda lr, o: lr.ChainedScheduler([lr.StepLR(o, 1)]).step(1),
    "the base has no rates": lambda lr, o: lr.LRScheduler(o),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    torch = pytorch()
    with pytest.raises(Exception) as theirs:  # noqa: PT011 (whatever PyTorch raises)
        WRONG[case](torch.optim.lr_scheduler, optimizer_in(torch))
    with pytest.raises(type(theirs.value)):
        WRONG[case](dynamic.optim.lr_scheduler, optimizer_in(dynamic))


@pytest.mark.parametrize("name", ["SequentialLR", "ChainedScheduler"])
def test_schedules_of_two_optimizers_do_not_go_together(name):
    for torch in (dynamic, pytorch()):
        lr = torch.optim.lr_scheduler
        mine, other = optimizer_in(torch), optimizer_in(torch)
        members = [lr.StepLR(mine, 1), lr.StepLR(other, 1)]
        with pytest.raises(ValueError, match="optimizer"):
            lr.SequentialLR(mine, members, [1]) if name == "SequentialLR" else lr.ChainedScheduler(members)


def test_a_cycle_of_momentum_needs_one():
    for torch in (dynamic, pytorch()):
        for make in (lambda lr, o: lr.CyclicLR(o, 0.1, 0.2), lambda lr, o: lr.OneCycleLR(o, 0.1, 10)):
            with pytest.raises(ValueError, match="momentum"):
                make(torch.optim.lr_scheduler, torch.optim.Adagrad([torch.ones(1, requires_grad=True)]))


def order(o, s):
    s.step()
    o.step()


def overridden(o, s):
    o.step = lambda: None
    o.step()
    s.step()


def right(o, s):
    o.step()
    s.step()
    s.step()


@pytest.mark.parametrize(
    ("use", "warned"),
    [
        (right, False),
        (order, True),
        (overridden, True),
        (lambda o, s: s.get_lr(), True),
        (lambda o, s: s.get_last_lr(), False),
    ],
    ids=["in order", "schedule first", "step overridden", "get_lr", "get_last_lr"],
)
def test_warnings(use, warned):
    for torch in (dynamic, pytorch()):
        optimizer = optimizer_in(torch)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            use(optimizer, scheduler)
        assert [warning.category for warning in caught] == [UserWarning] * warned
        if torch is dynamic:
            assert all(warning.filename == __file__ for warning in caught)
