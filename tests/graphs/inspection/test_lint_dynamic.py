"""The lint of the dynamic mode: each planted fault is found at its line (marked ``HERE``), and its clean twin is not."""

import itertools
import weakref

import numpy as np
import pytest

import dynamic as torch
from dynamic import nn, optim
from dynamic.nn import functional
from graphs.core.errors import GradientError
from graphs.inspection.lint import RULES


def net(*sizes):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def data(n=6, width=3):
    return torch.randn(n, width), torch.randn(n, 1)


def fit(model, solver, loss_of, rounds=4, zero=True):
    for _ in range(rounds):
        x, y = data()
        if zero:
            solver.zero_grad()
        loss_of(model(x), y).backward()  # HERE gradients-not-zeroed
        solver.step()


# Each pair: the fault, and its clean twin


def loss_summed_with_history():
    w, total = torch.ones(3, requires_grad=True), 0.0
    for _ in range(8):
        loss = (w * w).sum()
        loss.backward()
        w.grad = None
        total += loss  # HERE growing-tape


def loss_summed_as_number():
    w, total = torch.ones(3, requires_grad=True), 0.0
    for _ in range(8):
        loss = (w * w).sum()
        loss.backward()
        w.grad = None
        total += loss.item()


def losses_summed_within_a_step():
    w = torch.ones(3, requires_grad=True)
    for _ in range(8):
        total = 0.0
        for _ in range(20):
            total = total + (w * w).sum()
        total.backward()
        w.grad = None


def state_carried_on():
    cell, h = nn.RNNCell(2, 3), torch.zeros(1, 3)
    for _ in range(8):
        h = cell(torch.ones(1, 2), h)  # HERE growing-tape
        h.sum().backward(retain_graph=True)
        cell.zero_grad()


def state_detached():
    cell, h = nn.RNNCell(2, 3), torch.zeros(1, 3)
    for _ in range(8):
        h = cell(torch.ones(1, 2), h.detach())
        h.sum().backward()
        cell.zero_grad()


def losses_kept():
    w, losses = torch.ones(3, requires_grad=True), []
    for _ in range(30):
        losses.append((w * w).sum())  # HERE growing-tape
        losses[-1].backward()
        w.grad = None


def losses_kept_detached():
    w, losses = torch.ones(3, requires_grad=True), []
    for _ in range(30):
        loss = (w * w).sum()
        loss.backward()
        losses.append(loss.detach())
        w.grad = None


def unrolled_descent():
    start = torch.ones(3, requires_grad=True)
    for _ in range(3):
        w = start
        for _ in range(10):
            (g,) = torch.autograd.grad((w**2).sum(), w, create_graph=True)
            w = w - 0.1 * g
        w.sum().backward()
        start.grad = None


def never_zeroed():
    model = net(3, 1)
    fit(model, optim.SGD(model.parameters(), lr=0.1), functional.mse_loss, zero=False)


def zeroed():
    model = net(3, 1)
    fit(model, optim.SGD(model.parameters(), lr=0.1), functional.mse_loss)


def never_zeroed_by_hand():
    w = torch.ones(3, requires_grad=True)
    for _ in range(5):
        (w * w).sum().backward()  # HERE gradients-not-zeroed
        w.data -= 0.1 * w.grad.data


def zeroed_by_hand():
    w = torch.ones(3, requires_grad=True)
    for _ in range(5):
        (w * w).sum().backward()
        w.data -= 0.1 * w.grad.data
        w.grad.data.zero_()


def gradients_gathered_from_parts():
    model = net(3, 1)
    solver = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        solver.zero_grad()
        for _ in range(3):
            x, y = data()
            functional.mse_loss(model(x), y).backward()
        solver.step()


def zeroed_too_late():
    model = net(3, 1)
    solver = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        x, y = data()
        functional.mse_loss(model(x), y).backward()
        solver.zero_grad()
        solver.step()  # HERE zeroed-before-step


def adversaries(detach, zero=True, both=True, judge=None):
    maker, judge = net(2, 4, 3), judge or net(3, 4, 1)
    for_maker, for_judge = (optim.SGD(each.parameters(), lr=0.1) for each in (maker, judge))
    ones, zeros = torch.ones(6, 1), torch.zeros(6, 1)
    entropy = functional.binary_cross_entropy_with_logits
    for _ in range(5):
        made = maker(torch.randn(6, 2))
        if zero:
            for_judge.zero_grad()
        judged = entropy(judge(torch.randn(6, 3)), ones) + entropy(judge(made.detach() if detach else made), zeros)
        judged.backward()  # HERE generator-gradient
        for_judge.step()
        if both:
            for_maker.zero_grad()
        entropy(judge(maker(torch.randn(6, 2))), ones).backward()
        for_maker.step()
        if not both:
            for_maker.zero_grad()


def adversaries_not_detached():
    adversaries(detach=False)


def adversaries_that_mix():
    adversaries(detach=False, both=False)


def adversaries_detached():
    adversaries(detach=True)


def adversaries_with_a_normed_judge():
    normed = nn.utils.parametrizations
    first, last = normed.weight_norm(nn.Linear(3, 4)), normed.spectral_norm(nn.Linear(4, 1, bias=False))
    adversaries(detach=True, judge=nn.Sequential(first, nn.Tanh(), last))


def adversaries_that_share_what_was_made():
    """As PyTorch's own example: the judge's gradients are zeroed before its pass, and not before the maker's."""
    maker, judge = net(2, 4, 3), net(3, 4, 1)
    for_maker, for_judge = optim.Adam(maker.parameters()), optim.Adam(judge.parameters())
    entropy, ones = functional.binary_cross_entropy_with_logits, torch.ones(6, 1)
    for _ in range(5):
        judge.zero_grad()
        entropy(judge(torch.randn(6, 3)), ones).backward()
        made = maker(torch.randn(6, 2))
        entropy(judge(made.detach()), torch.zeros(6, 1)).backward()
        for_judge.step()
        maker.zero_grad()
        entropy(judge(made), ones).backward()
        for_maker.step()


def a_penalty_on_gradients():
    maker, judge = net(2, 3), net(3, 4, 1)
    for_maker, for_judge = optim.Adam(maker.parameters()), optim.Adam(judge.parameters())
    for i in range(6):
        real = torch.randn(5, 3)
        with torch.no_grad():
            made = maker(torch.randn(5, 2))
        between = ((real + made) / 2).requires_grad_()
        (g,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
        for_judge.zero_grad()
        (judge(made).mean() - judge(real).mean() + ((g.norm(2, dim=1) - 1) ** 2).mean()).backward()
        for_judge.step()
        if i % 2:
            for_maker.zero_grad()
            (-judge(maker(torch.randn(5, 2))).mean()).backward()
            for_maker.step()


def an_actor_and_its_critic():
    actor, critic = net(3, 2), net(3, 1)
    for_actor, for_critic = optim.Adam(actor.parameters()), optim.Adam(critic.parameters())
    for _ in range(5):
        state, reward = torch.randn(6, 3), torch.randn(6)
        value, choice = critic(state).squeeze(1), torch.distributions.Categorical(logits=actor(state))
        for_actor.zero_grad()
        (-(choice.log_prob(choice.sample()) * (reward - value).detach()).mean()).backward()
        for_actor.step()
        for_critic.zero_grad()
        functional.mse_loss(value, reward).backward()
        for_critic.step()


def steps_that_compute_the_loss_themselves():
    model, (x, y) = net(3, 1), data()
    solver = optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)

    def loss():
        solver.zero_grad()
        found = functional.mse_loss(model(x), y)
        found.backward()
        return found

    for _ in range(4):
        solver.step(loss)


def weights_that_follow():
    model, follower = net(3, 1), net(3, 1)
    solver = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        x, _ = data()
        solver.zero_grad()
        functional.mse_loss(model(x), follower(x).detach()).backward()
        solver.step()
        with torch.no_grad():
            for mine, theirs in zip(follower.parameters(), model.parameters(), strict=True):
                mine.mul_(0.9).add_(theirs * 0.1)


def two_optimizers_of_one_net():
    model = net(3, 4, 1)
    solvers = optim.SGD(model[0].parameters(), lr=0.1), optim.Adam(model[2].parameters(), lr=0.1)
    for _ in range(4):
        x, y = data()
        for solver in solvers:
            solver.zero_grad()
        functional.mse_loss(model(x), y).backward()
        for solver in solvers:
            solver.step()


def changed_in_place():
    w = torch.ones(3, requires_grad=True)
    y = torch.exp(w)
    y += 1  # HERE changed-after-save
    y.sum().backward()


def changed_in_a_copy():
    w = torch.ones(3, requires_grad=True)
    y = torch.exp(w)
    y = y + 1
    y.sum().backward()


def changed_behind_the_tape():
    w, x = torch.ones(3, requires_grad=True), torch.ones(3)
    y = (w * x).sum()  # HERE changed-after-save
    x.data.mul_(2)
    y.backward()


def changed_by_a_step():
    w = torch.ones(3, requires_grad=True)
    solver = optim.SGD([w], lr=0.1)
    one, other = (w * w).sum(), (w * 3).sum()  # HERE changed-after-save
    other.backward()
    solver.step()
    w.grad = None
    one.backward()


def changed_after_backward():
    w, x = torch.ones(3, requires_grad=True), torch.ones(3)
    (w * x).sum().backward()
    x.data.mul_(2)


def normalised_in_training():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4, 1))
    fit(model, optim.Adam(model.parameters()), functional.mse_loss)


def broadcast_by_hand():
    model = net(3, 1)
    x, _ = data()
    y = torch.randn(6)
    ((model(x) - y) ** 2).mean().backward()  # HERE broadcast-loss


def squeezed_first():
    model = net(3, 1)
    x, _ = data()
    y = torch.randn(6)
    ((model(x).squeeze(1) - y) ** 2).mean().backward()


def all_pairs_meant():
    points, grid = torch.randn(6, requires_grad=True), torch.randn(6)
    ((points.unsqueeze(1) - grid) ** 2).mean().backward()


@pytest.mark.filterwarnings("ignore")
def broadcast_by_the_loss():
    model = net(3, 1)
    x, _ = data()
    functional.mse_loss(model(x), torch.randn(6)).backward()  # HERE broadcast-loss


def log_of_a_sigmoid():
    w = torch.full((3,), -200.0, requires_grad=True)
    (-torch.log(torch.sigmoid(w))).sum().backward()  # HERE log-of-saturated


def log_of_one_minus_a_sigmoid():
    w = torch.full((3,), 50.0, requires_grad=True)
    (-torch.log(1 - torch.sigmoid(w))).sum().backward()  # HERE log-of-saturated


def log_of_a_softmax_after_a_choice():
    w = torch.tensor([[200.0, -200.0]], requires_grad=True)
    p = (torch.softmax(w, 1) * torch.tensor([[0.0, 1.0]])).sum(1)
    (-torch.log(p)).sum().backward()  # HERE log-of-saturated


def log_of_a_softmax_that_stays_in_range():
    w = torch.tensor([[0.0, 1.0]], requires_grad=True)
    p = (torch.softmax(w, 1) * torch.tensor([[0.0, 1.0]])).sum(1)
    (-torch.log(p)).sum().backward()


def stable_logarithms():
    w = torch.full((3,), -200.0, requires_grad=True)
    (-functional.logsigmoid(w) - torch.log(torch.sigmoid(w) + 1e-8) - torch.log(w.abs())).sum().backward()


def softmax_into_cross_entropy():
    w = torch.randn(4, 3, requires_grad=True)
    functional.cross_entropy(torch.softmax(w, 1), torch.tensor([0, 1, 2, 0])).backward()  # HERE softmax-twice


def logits_into_cross_entropy():
    w = torch.randn(4, 3, requires_grad=True)
    torch.softmax(w, 1)
    functional.cross_entropy(w, torch.tensor([0, 1, 2, 0])).backward()


def a_parameter_nobody_uses():
    used = torch.ones(3, requires_grad=True)
    idle = torch.ones(2, requires_grad=True)  # HERE disconnected-parameter
    solver = optim.SGD([used, idle], lr=0.1)
    for _ in range(3):
        solver.zero_grad()
        (used * used).sum().backward()
        solver.step()


def a_parameter_used_now_and_then():
    used, seldom = torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)
    frozen = torch.ones(2)
    solver = optim.SGD([used, seldom, frozen], lr=0.1)
    for i in range(3):
        solver.zero_grad()
        loss = (used * used).sum()
        if i == 2:
            loss = loss + seldom.sum()
        loss.backward()
        solver.step()


def steps_without_any_gradient():
    solver = optim.SGD([torch.ones(3, requires_grad=True)], lr=0.1)
    schedule = optim.lr_scheduler.StepLR(solver, 2)
    for _ in range(5):
        solver.step()
        schedule.step()


def a_branch_in_a_trace():
    def f(x):
        if x.sum() > 0:  # HERE baked-value
            return x * 2
        return x

    torch.trace(f, torch.ones(3))


def a_number_in_a_trace():
    def f(x):
        return x * x.max().item()  # HERE baked-value

    torch.trace(f, torch.ones(3))


def rounds_in_a_trace():
    def f(x):
        total = x[0] * 0
        for row in x:  # HERE baked-value
            total = total + row
        return total

    torch.trace(f, torch.ones(3))


def a_trace_by_ops():
    torch.trace(lambda x: torch.where(x > 0, x * 2, x) / x.size(0), torch.ones(3))


FAULTS = {
    loss_summed_with_history: "growing-tape",
    state_carried_on: "growing-tape",
    losses_kept: "growing-tape",
    never_zeroed: "gradients-not-zeroed",
    never_zeroed_by_hand: "gradients-not-zeroed",
    zeroed_too_late: "zeroed-before-step",
    adversaries_not_detached: "generator-gradient",
    adversaries_that_mix: "generator-gradient",
    changed_in_place: "changed-after-save",
    changed_behind_the_tape: "changed-after-save",
    changed_by_a_step: "changed-after-save",
    broadcast_by_hand: "broadcast-loss",
    broadcast_by_the_loss: "broadcast-loss",
    log_of_a_sigmoid: "log-of-saturated",
    log_of_one_minus_a_sigmoid: "log-of-saturated",
    log_of_a_softmax_after_a_choice: "log-of-saturated",
    softmax_into_cross_entropy: "softmax-twice",
    a_parameter_nobody_uses: "disconnected-parameter",
    a_branch_in_a_trace: "baked-value",
    a_number_in_a_trace: "baked-value",
    rounds_in_a_trace: "baked-value",
}

CLEAN = [
    loss_summed_as_number,
    losses_summed_within_a_step,
    state_detached,
    losses_kept_detached,
    unrolled_descent,
    zeroed,
    zeroed_by_hand,
    gradients_gathered_from_parts,
    adversaries_detached,
    adversaries_with_a_normed_judge,
    adversaries_that_share_what_was_made,
    a_penalty_on_gradients,
    an_actor_and_its_critic,
    steps_that_compute_the_loss_themselves,
    weights_that_follow,
    two_optimizers_of_one_net,
    changed_in_a_copy,
    changed_after_backward,
    normalised_in_training,
    squeezed_first,
    all_pairs_meant,
    log_of_a_softmax_that_stays_in_range,
    stable_logarithms,
    logits_into_cross_entropy,
    a_parameter_used_now_and_then,
    steps_without_any_gradient,
    a_trace_by_ops,
]


@pytest.mark.filterwarnings("ignore:.*is broadcast, which is seldom wanted")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_a_planted_fault_is_found_at_its_line(fault):
    torch.manual_seed(0)
    found = torch.lint(fault)
    assert [each.rule for each in found] == [FAULTS[fault]], str(found)
    (finding,) = found
    assert finding.line.text.endswith(f"# HERE {finding.rule}"), str(finding)
    assert finding.mode == "dynamic"
    assert finding.remedy
    assert finding.remedy in str(finding)


@pytest.mark.parametrize("program", CLEAN, ids=lambda each: each.__name__)
def test_its_clean_twin_is_not(program):
    torch.manual_seed(0)
    assert torch.lint(program) == []


def test_every_rule_of_the_mode_has_a_fault():
    assert {rule.name for rule in RULES.values() if "dynamic" in rule.remedies} == set(FAULTS.values())


def test_messages_name_what_the_program_names():
    def told(fault):
        return torch.lint(fault)[0]

    assert told(a_parameter_nobody_uses).nodes == ("idle",)
    assert "used, idle" not in told(a_parameter_nobody_uses).message
    leak = told(adversaries_not_detached)
    assert leak.nodes == ("maker.0.weight", "maker.0.bias", "maker.2.weight", "maker.2.bias")
    assert "thrown away" in leak.message
    assert "detach() what line" in leak.remedy
    assert "mixes with that of line" in told(adversaries_that_mix).message
    assert "3 were 0 and their logarithms infinite" in told(log_of_a_sigmoid).message
    assert "by the optimizer's step at line" in told(changed_by_a_step).message
    assert "before the step" in told(changed_by_a_step).remedy
    assert "(6, 1) against one of shape (6,) is 6 by 6 numbers" in told(broadcast_by_hand).message


def test_a_comment_silences_a_rule_or_all_of_them():
    def silenced():
        w = torch.full((3,), -200.0, requires_grad=True)
        (-torch.log(torch.sigmoid(w))).sum().backward()  # diptych: ignore[log-of-saturated]
        (-torch.log(torch.sigmoid(w))).sum().backward()  # diptych: ignore
        (
            -torch.log(
                torch.sigmoid(
                    w
                )  # as long as a statement is: diptych: ignore[softmax-twice] # diptych: ignore[log-of-saturated]
            )
        ).sum().backward()

    def not_silenced():
        w = torch.full((3,), -200.0, requires_grad=True)
        (-torch.log(torch.sigmoid(w))).sum().backward()  # diptych: ignore[softmax-twice]

    assert torch.lint(silenced) == []
    assert len(torch.lint(not_silenced)) == 1


def test_watching_changes_no_bit_and_is_gone_afterwards():
    from dynamic import apply as applying
    from dynamic.autograd import engine

    def train():
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(8, 1))
        fit(model, optim.Adam(model.parameters()), functional.mse_loss, rounds=6)
        return [p.detach().numpy().copy() for p in model.parameters()]

    before = applying.around, engine._run
    plain = train()
    with torch.lint() as found:
        seen = train()
    assert found == []
    assert all((a == b).all() for a, b in zip(plain, seen, strict=True))
    assert (applying.around, engine._run) == before
    with pytest.raises(ZeroDivisionError), torch.lint():
        _ = 1 / 0
    assert (applying.around, engine._run) == before


def test_watching_holds_nothing_that_the_program_lets_go():
    def train():
        w = torch.ones(3, requires_grad=True)
        (w * w).sum().backward()
        gone = weakref.ref(w)
        del w
        assert gone() is None

    with torch.lint():
        train()


def test_old_eras_and_volatile_tensors_are_what_they_are():
    def strict():
        with torch.era("0.1"):
            torch.ones(3, 2) + torch.ones(2)

    with pytest.raises(RuntimeError, match="inconsistent tensor size"), torch.lint():
        strict()
    with torch.era("0.1"), pytest.raises(RuntimeError, match="inconsistent tensor size"), torch.lint():
        torch.ones(3, 2) + torch.ones(2)
    from dynamic.autograd import Variable

    with torch.lint():
        w = torch.ones(3, requires_grad=True)
        assert not (w * Variable(torch.ones(3), volatile=True)).requires_grad


def test_it_ends_after_as_many_steps_as_were_asked_for():
    seen = []

    def endless():
        w = torch.ones(3, requires_grad=True)
        while True:
            (w * w).sum().backward()
            w.grad = None
            seen.append(1)

    assert torch.lint(endless, steps=7) == []
    assert len(seen) == 7


def test_other_errors_are_the_callers():
    with pytest.raises(GradientError, match="second time"):
        torch.lint(second_pass)


def second_pass():
    w = torch.ones(3, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    loss.backward()


def test_a_deep_tape(many):
    def deep():
        w = torch.ones(1, requires_grad=True)
        y = w
        for _ in range(many(20_000)):
            y = y * 1.0
        y.backward()

    assert torch.lint(deep) == []


def test_numpy_scalars_and_lists_of_findings_print():
    found = torch.lint(log_of_a_sigmoid)
    text = str(found)
    assert "log-of-saturated: log(sigmoid(x))" in text
    assert "remedy: nn.functional.logsigmoid" in text
    assert str(torch.lint(lambda: np.float32(1.0) * torch.ones(2))) == "nothing found"
    data = found[0].as_dict()
    assert data["rule"] == "log-of-saturated"
    assert data["line"] > 0
    assert data["file"] == __file__
