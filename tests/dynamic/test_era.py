"""Programs of 2017 under ``era``: sizes, numbers, printing and errors as they were then; and today's again afterwards."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import Variable


# What tutorials of 2017 print (PyTorch 0.2 and 0.3)
PRINTED = {
    "ones": (lambda: torch.ones(2, 2), "\n 1  1\n 1  1\n[torch.FloatTensor of size 2x2]\n"),
    "a Variable": (
        lambda: Variable(torch.ones(2, 2), requires_grad=True),
        "Variable containing:\n 1  1\n 1  1\n[torch.FloatTensor of size 2x2]\n",
    ),
    "a sum": (
        lambda: Variable(torch.ones(2, 2)) + 2,
        "Variable containing:\n 3  3\n 3  3\n[torch.FloatTensor of size 2x2]\n",
    ),
    "a mean": (
        lambda: (Variable(torch.ones(2, 2)) + 2).pow(2).mul(3).mean(),
        "Variable containing:\n 27\n[torch.FloatTensor of size 1]\n",
    ),
    "a gradient": (
        lambda: _gradient(),
        "Variable containing:\n 4.5000  4.5000\n 4.5000  4.5000\n[torch.FloatTensor of size 2x2]\n",
    ),
    "numbers of other sizes": (
        lambda: Variable(torch.FloatTensor([102.4, 1024, 0.1024])),
        "Variable containing:\n  102.4000\n 1024.0000\n    0.1024\n[torch.FloatTensor of size 3]\n",
    ),
    "below 0": (
        lambda: torch.FloatTensor([1166.9532, 519.2187, -704.3372]),
        "\n 1166.9532\n  519.2187\n -704.3372\n[torch.FloatTensor of size 3]\n",
    ),
    "fractions": (
        lambda: torch.FloatTensor([[0.2285, 0.2843], [0.0092, 0.8238]]),
        "\n 0.2285  0.2843\n 0.0092  0.8238\n[torch.FloatTensor of size 2x2]\n",
    ),
    "whole numbers": (lambda: torch.LongTensor([1, 20, 300]), "\n   1\n  20\n 300\n[torch.LongTensor of size 3]\n"),
    "doubles": (lambda: torch.DoubleTensor([0.5]), "\n 0.5000\n[torch.DoubleTensor of size 1]\n"),
    "small numbers": (
        lambda: torch.FloatTensor([0.001, 0.002]),
        "\n1.00000e-03 *\n 1.0000\n 2.0000\n[torch.FloatTensor of size 2]\n",
    ),
    "numbers far apart": (
        lambda: torch.FloatTensor([0.00015, 20000]),
        "\n 1.5000e-04\n 2.0000e+04\n[torch.FloatTensor of size 2]\n",
    ),
    "nothing": (lambda: torch.FloatTensor(), "[torch.FloatTensor with no dimension]\n"),
    "a comparison": (lambda: torch.ones(2) > 0, "\n 1\n 1\n[torch.ByteTensor of size 2]\n"),
    "a stack of matrices": (
        lambda: torch.ones(2, 1, 2),
        "\n(0 ,.,.) = \n  1  1\n\n(1 ,.,.) = \n  1  1\n[torch.FloatTensor of size 2x1x2]\n",
    ),
    "a parameter": (
        lambda: torch.nn.Parameter(torch.ones(1, 2)),
        "Parameter containing:\n 1  1\n[torch.FloatTensor of size 1x2]\n",
    ),
    "data": (lambda: Variable(torch.ones(1)).data, "\n 1\n[torch.FloatTensor of size 1]\n"),
}


def _gradient():
    x = Variable(torch.ones(2, 2), requires_grad=True)
    y = x + 2
    (y * y * 3).mean().backward()
    return x.grad


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3.1"])
def test_printing(name, version):
    make, text = PRINTED[name]
    with torch.era(version):
        assert str(make()) == text


def test_wide_and_large_tensors_are_broken_and_shortened():
    with torch.era("0.3"):
        wide, large = str(torch.rand(3, 30)), str(torch.ones(2000))
    assert "Columns 0 to 9 \n" in wide
    assert "Columns 20 to 29 \n" in wide
    assert large.count("\n") == 9


def test_reductions_are_of_size_1_and_vectors_hold_numbers():
    with torch.era("0.3"):
        x = Variable(torch.ones(2, 3), requires_grad=True)
        loss = x.sum()
        assert (loss.size(), loss.dim(), len(loss)) == (torch.Size([1]), 1, 1)
        assert (type(loss.data[0]), loss.data[0]) == (float, 6.0)
        assert loss[0].size() == (1,)
        assert type(torch.arange(3)[1]) is int
        assert type(torch.ones(2, 2)[0][1]) is float
        assert x[0].size() == (3,)
        assert x[0][1].size() == (1,)
        assert torch.cat([loss, loss]).size() == (2,)
        assert torch.stack([loss, loss]).size() == (2, 1)
        assert loss.unsqueeze(0).size() == (1, 1)
        loss.backward(torch.FloatTensor([1.0]))
        assert x.grad.data.sum() == 6
        with pytest.raises(RuntimeError):
            loss.data[1]


X = torch.from_numpy(np.arange(6.0).reshape(2, 3))
NUMBERS = {
    "sum": lambda: X.sum(),
    "sum by function": lambda: torch.sum(X),
    "mean": lambda: X.mean(),
    "max": lambda: X.max(),
    "std": lambda: X.std(),
    "norm": lambda: X.norm(),
    "norm by p": lambda: X.norm(1),
    "dot": lambda: X[0].dot(X[1]),
    "dist": lambda: torch.dist(X, X * 2),
    "of data": lambda: Variable(X).data.prod(),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_whole_tensors_reduce_to_numbers(name):
    today = NUMBERS[name]()
    with torch.era("0.3"):
        number = NUMBERS[name]()
    assert type(number) is float
    assert number == today.item()
    assert isinstance(NUMBERS[name](), torch.Tensor)


@pytest.mark.parametrize("name", ["sum", "mean", "std", "prod", "max", "min", "median", "norm"])
def test_reduced_dimensions_stay_in_0_1(name):
    settings = (2, 1) if name == "norm" else (1,)

    def size(x, **more):
        found = getattr(x, name)(*settings, **more)
        return tuple((found[0] if isinstance(found, tuple) else found).size())

    for x in (X, Variable(X)):
        with torch.era("0.1"):
            assert size(x) == (2, 1)
            assert size(x, keepdim=False) == (2,)
        with torch.era("0.2"):
            assert size(x) == (2,)
        assert size(x) == (2,)


LOGITS = torch.from_numpy(np.random.RandomState(0).randn(3, 4))


def _probabilities(x):
    return torch.nn.functional.softmax(x, 1)


def _by_draw(draw, x, reward):
    """The gradient that a reward makes of a draw in 0.2, and the draw."""
    with torch.era("0.2"):
        x = Variable(x, requires_grad=True)
        drawn = draw(x)
        drawn.reinforce(reward)
        torch.autograd.backward([drawn, x.sum() * 0], [None, None])
        return x.grad.data, drawn.data


REWARDS = [2.5, torch.from_numpy(np.array([[1.0], [-2.0], [0.5]]))]


@pytest.mark.parametrize("reward", REWARDS, ids=["number", "tensor"])
@pytest.mark.parametrize("name", ["multinomial", "multinomial by function", "bernoulli", "normal"])
def test_draws_learn_from_rewards(name, reward):
    draws = {
        "multinomial": lambda x: _probabilities(x).multinomial(),
        "multinomial by function": lambda x: torch.multinomial(_probabilities(x), 1),
        "bernoulli": lambda x: x.sigmoid().bernoulli(),
        "normal": lambda x: torch.normal(x, torch.exp(x)),
    }
    found, drawn = _by_draw(draws[name], LOGITS, reward)
    x = LOGITS.clone().requires_grad_()
    if "multinomial" in name:
        chances = torch.log(_probabilities(x)).gather(1, drawn)
    elif name == "bernoulli":
        chances = torch.log(torch.where(drawn > 0, x.sigmoid(), 1 - x.sigmoid()))
    else:
        chances = -((drawn - x) ** 2) / (2 * (2 * x).exp()) - x
    (-chances * reward).sum().backward()
    np.testing.assert_allclose(found.numpy(), x.grad.numpy(), rtol=1e-4, atol=1e-4)


def test_rewards_are_for_draws_of_their_era():
    with torch.era("0.2"):
        with pytest.raises(RuntimeError, match="reinforce is for"):
            torch.ones(2).reinforce(1)
        action = Variable(torch.ones(2, 3), requires_grad=True).multinomial(2)
        assert action.size() == (2, 2)
        action.reinforce(1.0)
        action.backward()
    assert not hasattr(torch.ones(2), "reinforce")
    with pytest.raises(TypeError):
        torch.ones(2).multinomial()


def test_functions_of_ours_still_reduce_to_tensors():
    with torch.era("0.1"):
        x = Variable(X, requires_grad=True)
        loss = torch.nn.functional.cross_entropy(x, torch.LongTensor([0, 1]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_([x], 0.1)
        assert abs(x.grad.data.norm() - 0.1) < 1e-4


def test_the_type_of_a_variable_is_asked_for():
    assert type(Variable(torch.ones(1))) == Variable  # noqa: E721
    assert Variable != int  # noqa: E721


def test_there_is_no_broadcasting_in_0_1():
    def layer(repeat):
        x, w, b = Variable(torch.ones(4, 3)), Variable(torch.ones(3, 2)), Variable(torch.zeros(1, 2), requires_grad=True)
        return x @ w + (b.repeat(x.size(0), 1) if repeat else b)

    with torch.era("0.1"):
        with pytest.raises(RuntimeError, match=r"(?s)inconsistent tensor size.*4 x 2.*1 x 2.*repeat.*test_era"):
            layer(False)
        assert layer(True).size() == (4, 2)
        assert (torch.ones(2, 3) + torch.ones(3, 2)).size() == (2, 3)  # as many elements were enough
        assert torch.nn.functional.linear(torch.ones(4, 3), torch.ones(2, 3), torch.ones(2)).size() == (4, 2)
        with pytest.raises(RuntimeError, match="inconsistent"):
            torch.ones(4, 3).mul_(torch.ones(3))
    with torch.era("0.3"):
        assert layer(False).size() == (4, 2)
    with torch.era("0.3", broadcasting=False), pytest.raises(RuntimeError, match="inconsistent"):
        layer(False)


def test_an_era_ends():
    before = repr(torch.ones(2)), Variable(torch.ones(2)).sum().shape
    with torch.era("0.1"):
        assert torch.get_era() == "0.1"
        with torch.era("2.13"):
            assert repr(torch.ones(2)) == before[0]
        assert torch.get_era() == "0.1"
    assert (repr(torch.ones(2)), Variable(torch.ones(2)).sum().shape) == before
    assert torch.get_era() == "2"
    assert (torch.ones(2, 3) + torch.ones(3)).shape == (2, 3)
    torch.era("0.3")
    try:
        assert Variable(torch.ones(2)).sum().size() == (1,)
    finally:
        torch.era("2")
    assert Variable(torch.ones(2)).sum().size() == ()


def test_as_a_decorator():
    @torch.era("0.3")
    def sizes():
        return Variable(torch.ones(2)).sum().size()

    assert Variable(torch.ones(2)).sum().size() == ()
    assert sizes() == (1,)
    assert torch.get_era() == "2"


@pytest.mark.parametrize("version", ["", "new", "0.x", None])
def test_what_is_no_era(version):
    with pytest.raises(ValueError, match="version"):
        torch.era(version)
    assert torch.get_era() == "2"


def test_volatile_tensors_stay_volatile_in_an_old_era():
    x = Variable(torch.ones(2), volatile=True)
    w = Variable(torch.ones(2), requires_grad=True)
    with torch.era("0.3"):
        y = x * w
        assert y.volatile
        assert not y.requires_grad
    assert (x * w).volatile


def test_the_command_runs_a_script_in_an_era(tmp_path):
    script = tmp_path / "old.py"
    script.write_text(
        textwrap.dedent("""
            import torch
            from torch.autograd import Variable
            x = Variable(torch.ones(2, 2), requires_grad=True)
            y = x + 2
            print(y)
            print(y.sum().data[0])
        """)
    )

    def run(*options):
        return subprocess.run([sys.executable, "-m", "graphs.cli", "exec", *options, script], capture_output=True, text=True)

    done = run("--era", "0.3")
    assert done.stdout == "Variable containing:\n 3  3\n 3  3\n[torch.FloatTensor of size 2x2]\n\n12.0\n", done.stderr
    assert "tensor([[3., 3.]" in run().stdout
    wrong = run("--era", "old")
    assert wrong.returncode == 2
    assert "old" in wrong.stderr


def test_a_program_of_2017_trains():
    with torch.era("0.1"):
        torch.manual_seed(0)
        w = Variable(torch.randn(5, 1), requires_grad=True)
        b = Variable(torch.zeros(1), requires_grad=True)
        x = torch.randn(20, 5)
        y = x.mm(torch.ones(5, 1))
        losses = []
        for _ in range(50):
            prediction = Variable(x).mm(w) + b.repeat(20, 1)
            loss = (prediction - Variable(y)).pow(2).sum()
            loss.backward()
            losses.append(loss.data[0])
            for p in (w, b):
                p.data -= 0.01 * p.grad.data
                p.grad.data.zero_()
    assert losses[-1] < 0.01 * losses[0]
    assert np.isfinite(losses).all()
