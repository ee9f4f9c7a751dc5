"""``dynamic.watch``: values and gradients by tensor, module and name, and the same bits as without."""

import numpy
import pytest

import dynamic as torch
from dynamic import apply as applying, nn
from dynamic.nn.modules import hooks
from dynamic.watches import watch
from graphs.inspection.watch import WatchError


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(3, 4)
        self.layer2 = nn.Sequential(nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x):
        return self.layer2(self.layer1(x))


def _step(net, x):
    net.zero_grad()
    loss = net(x).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.1 * p.grad
    return loss


def _fresh():
    torch.manual_seed(0)
    net = Net()
    return net, torch.randn(5, 3)


def test_the_outputs_and_gradients_of_modules_by_name():
    net, x = _fresh()
    seen = []
    with watch(["net.layer1", "layer2.0"], to=seen.append):
        inside = net.layer1(x)
        net(x).sum().backward()
    named = [(each.kind, each.name, each.step) for each in seen]
    # Called by itself, layer1 is what the program calls it then: no variable holds it.
    assert named == [
        ("value", "net.layer1", 0),
        ("value", "net.layer2.0", 0),
        ("gradient", "net.layer2.0", 0),
        ("gradient", "net.layer1", 0),
    ]
    assert seen[0].value.tobytes() == inside.detach().numpy().tobytes()
    weight = net.layer2[1].weight.detach().numpy()
    numpy.testing.assert_allclose(seen[3].value, (seen[0].value > 0) * weight, rtol=1e-6)
    net(x)
    assert len(seen) == 4


def test_a_module_is_watched_with_all_that_is_in_it():
    net, x = _fresh()
    seen = []
    with watch(net, to=seen.append):
        _step(net, x)
        _step(net, x)
    names = {(each.kind, each.name) for each in seen}
    assert {("value", "net"), ("value", "net.layer2.1"), ("gradient", "net.layer1.weight")} <= names
    changed = [each for each in seen if each.kind == "value" and each.name == "net.layer1.weight"]
    assert [each.step for each in changed] == [0, 1], "at first, and as it is read after its update"


def test_ops_by_name_and_which_time_round():
    seen = []
    x = torch.ones(2, requires_grad=True)
    with watch("mul*", to=seen.append, at={1, 3}, gradients=False):
        y = x
        for _ in range(5):
            y = y * 2.0
    assert [(each.step, float(each.value[0])) for each in seen] == [(1, 4.0), (3, 16.0)]
    assert seen[0].where.text == "y = y * 2.0"


def test_a_tensor_with_its_gradient(capsys):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with watch(w):
        (w * w).sum().backward()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "w float32(2,), step 0: min 1  mean 1.5  max 2  std 0.5  zeros 0  nan 0  inf 0"
    assert printed[1] == "gradient of w float32(2,), step 0: min 2  mean 3  max 4  std 1  zeros 0  nan 0  inf 0"
    (w * 2).sum().backward()
    assert capsys.readouterr().out == ""


def test_a_run_that_is_watched_has_the_same_bits():
    plain, watched = [], []
    for results, what in ((plain, None), (watched, "*")):
        net, x = _fresh()
        made = watch(what, to=lambda seen: None) if what else None
        for _ in range(3):
            results.append(_step(net, x).detach().numpy().tobytes())
        results.extend(p.detach().numpy().tobytes() for p in net.parameters())
        if made is not None:
            assert made.seen > 20
            made.stop()
    assert plain == watched


def test_nothing_is_left_of_a_watch():
    before = applying.around
    one = watch("matmul", to=lambda seen: None)
    two = watch("relu", to=lambda seen: None)
    one.stop()
    assert applying.around is not before
    two.stop()
    assert applying.around is before
    assert not hooks._pre
    assert not hooks._post


def test_the_first_nan_is_found_with_its_line(capsys):
    with watch("*", "nan") as made:
        x = torch.tensor([0.0, 1.0])
        y = torch.log(x)
        (y * 0.0).sum()
    assert made.first.name == "log"
    out = capsys.readouterr().out
    assert "y = torch.log(x)" in out
    assert out.count("step") == 1


def test_what_cannot_be_watched_is_refused():
    with pytest.raises(WatchError, match="not int"):
        watch(3)
    with pytest.raises(WatchError, match="not ''"):
        watch("")
