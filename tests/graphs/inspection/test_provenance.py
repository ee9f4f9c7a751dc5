"""``provenance``: the parts of a gradient sum to it, by call, term and path, in both modes."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pytest

import dynamic as torch
import static as tf


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default():
        yield


def session() -> Any:
    made = tf.Session()
    made.run(tf.global_variables_initializer())
    return made


def leaf(*values: float) -> Any:
    made = torch.tensor(list(values), requires_grad=True)
    made.name = "w"
    return made


# Dynamic


def test_one_contribution_is_the_gradient_bit_for_bit() -> None:
    w = leaf(0.1, 0.2, 0.3)
    with torch.explaining():
        torch.exp(w).sum().backward()
        found = torch.provenance(w.grad)
    (part,) = found.contributions
    assert part.value.tobytes() == w.grad.numpy().tobytes()
    assert found.difference == 0
    assert [step.op for step in part.path] == ["sum", "exp"]
    assert (part.call, part.ways) == (1, 1)
    assert "torch.exp(w).sum().backward()" in part.call_where


def test_calls_terms_and_paths_sum_to_the_gradient() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    with torch.explaining():
        data = (net(x) ** 2).mean()
        decay = sum((p * p).sum() for p in net.parameters())
        (data + 0.01 * decay).backward()
        net(x).abs().sum().backward()
        for p in net.parameters():
            found = torch.provenance(p.grad)
            numpy.testing.assert_allclose(found.sum, p.grad.numpy(), rtol=1e-5, atol=1e-7)
            assert set(found.by_call()) == {key for key in found.by_call() if key[0] in "12"}
            assert len(found.by_call()) == 2
            for parts in (found.by_call(), found.by_term(), found.by_path()):
                numpy.testing.assert_allclose(sum(parts.values()), p.grad.numpy(), rtol=1e-5, atol=1e-7)
            assert sum(found.share(part) for part in found.contributions) == pytest.approx(1, abs=1e-5)
    first = torch.provenance(net[0].weight)
    assert {part.term for part in first.contributions} == {
        "(net(x) ** 2).mean()",
        "sum((p * p).sum() for p in net.parameters())",
        "net(x).abs().sum()",
    }
    assert first.name == "0.weight"  # in the module that was called


def test_it_has_the_bits_that_backward_has_without_it() -> None:
    def grads(explained: bool) -> bytes:
        w = leaf(0.3, -0.4)
        if explained:
            with torch.explaining():
                ((w.exp() * w).sum() + w.sum()).backward()
        else:
            ((w.exp() * w).sum() + w.sum()).backward()
        bits: bytes = w.grad.numpy().tobytes()
        return bits

    assert grads(True) == grads(False)


def test_each_path_is_told_apart() -> None:
    w = leaf(2.0, 3.0)
    with torch.explaining():
        (w * w.exp()).sum().backward()
        found = torch.provenance(w.grad)
    ways = {part.way: part.value for part in found.contributions}
    assert set(ways) == {"multiply < sum", "exp < multiply < sum"}
    numpy.testing.assert_allclose(ways["multiply < sum"], numpy.exp([2.0, 3.0]), rtol=1e-6)


def test_many_paths_are_grouped_by_their_last_step() -> None:
    w = leaf(1.0)
    with torch.explaining():
        x = w * 1.0
        for _ in range(40):
            x = x + x * 0.01
        x.sum().backward()
        found = torch.provenance(w.grad)
    (part,) = found.contributions
    assert part.ways == 2**40
    assert found.difference == 0
    assert "ways, last through multiply" in part.way


def test_terms_of_a_sum_that_share_a_value() -> None:
    w = leaf(1.0, 2.0)
    with torch.explaining():
        a = (w * w).sum()
        (a + a * a + a).backward()
        found = torch.provenance(w.grad)
    numpy.testing.assert_allclose(found.sum, w.grad.numpy(), rtol=1e-6)
    by_term = {key.split(" at ")[0]: value for key, value in found.by_term().items()}
    numpy.testing.assert_allclose(by_term["1: (w * w).sum()"], [4.0, 8.0])
    numpy.testing.assert_allclose(by_term["1: a * a"], [20.0, 40.0])


def test_resetting_clipping_and_what_was_there_before() -> None:
    w = leaf(3.0, 4.0)
    (w * 2.0).sum().backward()
    with torch.explaining():
        (w * w).sum().backward()
        found = torch.provenance(w.grad)
        assert [part.term for part in found.contributions] == ["from before explaining()", "(w * w).sum()", "(w * w).sum()"]
        assert found.difference == 0
        w.grad.zero_()
        (w * w).sum().backward()
        assert len(torch.provenance(w.grad).contributions) == 2  # w is read twice
        torch.nn.utils.clip_grad_norm_([w], 1.0)
        found = torch.provenance(w.grad)
        assert found.notes[0].startswith("scaled by 0.1 at ")
        assert "clip_grad_norm_" in found.notes[0]
        numpy.testing.assert_allclose(found.sum, w.grad.numpy(), rtol=1e-6)
        w.grad[0] = 7.0
        found = torch.provenance(w.grad)
        assert found.contributions[-1].term == "changed in place"
        assert "w.grad[0] = 7.0" in found.contributions[-1].call_where
        numpy.testing.assert_allclose(found.sum, w.grad.numpy(), rtol=1e-6)
        w.grad = None
        (w + 1.0).sum().backward()
        assert [part.call for part in torch.provenance(w.grad).contributions] == [3]


def test_autograd_grad_adds_nothing() -> None:
    w = leaf(3.0, 4.0)
    with torch.explaining():
        (w * 1.0).sum().backward()
        torch.autograd.grad((w * w).sum(), w)
        assert len(torch.provenance(w.grad).contributions) == 1


def test_the_gradients_of_a_gan_mix() -> None:
    """D's gradients are reset before its own pass only, and G's pass goes through D: the lesson of the sources."""
    torch.manual_seed(1)
    generator, discriminator = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    real, noise = torch.ones(4, 3), torch.linspace(-1, 1, 8).reshape(4, 2)
    with torch.explaining():
        sample = generator(noise)
        d_real, d_fake = discriminator(real), discriminator(sample)
        d_loss = -torch.log(torch.sigmoid(d_real)).mean() - torch.log(1.0 - torch.sigmoid(d_fake)).mean()
        g_loss = -torch.log(torch.sigmoid(d_fake)).mean()
        d_loss.backward(retain_graph=True)
        g_loss.backward()
    found = torch.provenance(discriminator.weight.grad)
    assert len(found.by_call()) == 2
    assert "2 backward calls are mixed in it." in str(found)
    assert any("d_loss.backward" in key for key in found.by_call())
    assert any("g_loss.backward" in key for key in found.by_call())
    assert len([part for part in found.contributions if part.call == 1]) == 2  # of real and of generated samples
    numpy.testing.assert_allclose(found.sum, discriminator.weight.grad.numpy(), rtol=1e-5, atol=1e-7)
    mine = torch.provenance(generator.weight.grad)
    assert {part.call for part in mine.contributions} == {1, 2}  # sample is not detached: D's loss fills G's gradient, too
    opposed = [mine.share(part) for part in mine.contributions]
    assert min(opposed) < 0 or max(opposed) > 0


def test_what_is_not_known_is_said() -> None:
    w = leaf(1.0)
    w.sum().backward()
    with torch.explaining():
        pass
    with pytest.raises(RuntimeError, match="inside `with explaining"):
        torch.provenance(w.grad)
    with pytest.raises(TypeError, match="no backward call has filled it"):
        torch.provenance(leaf(1.0).grad)
    with torch.explaining(), pytest.raises(RuntimeError, match="looked at already"), torch.explaining():
        pass


def test_it_is_a_table_and_data() -> None:
    w = leaf(1.0, 2.0)
    w.name = "</script><img src=x onerror=alert(1)>[bold]"
    with torch.explaining():
        ((w * w).sum() + w.sum()).backward()
        found = torch.provenance(w.grad)
    text = str(found)
    assert text.startswith(f"gradient of {w.name}: norm ")
    assert "share" in text
    assert "%" in text
    data = json.loads(json.dumps(found.as_dict()))
    assert [part["call"] for part in data["contributions"]] == [1, 1, 1]
    assert data["contributions"][0]["path"][0]["op"] == "sum"


# Static


def test_static_parts_sum_to_the_gradient() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.Variable([[0.3], [-0.2]], name="w")
    y = tf.tanh(tf.matmul(x, w))
    loss = tf.reduce_mean(y * y) + 0.1 * tf.reduce_sum(w * w)
    other = tf.reduce_sum(tf.abs(y))
    made, feed = session(), {x: numpy.array([[1.0, 2.0], [0.5, -1.0]])}
    size = len(loss.graph._operations)
    found = tf.provenance([loss, other], w, made, feed)
    assert len(loss.graph._operations) == size
    wanted = tf.Session(graph=loss.graph, passes=())
    wanted._take_over(made)
    assert found.total.tobytes() == wanted.run(tf.gradients([loss, other], w)[0], feed).tobytes()
    numpy.testing.assert_allclose(found.sum, found.total, rtol=1e-5)
    assert {part.call for part in found.contributions} == {1, 2}
    assert len({part.term for part in found.contributions}) == 3
    assert "from 2 losses" in str(found)
    numpy.testing.assert_allclose(sum(found.by_term().values()), found.total, rtol=1e-5)


def test_static_one_contribution_is_the_gradient_bit_for_bit() -> None:
    w = tf.Variable([0.3, -0.2], name="w")
    loss = tf.reduce_sum(tf.exp(w))
    found = tf.provenance(loss, w, session())
    (part,) = found.contributions
    assert part.value.tobytes() == found.total.tobytes()
    assert [step.op for step in part.path] == ["sum", "exp", "read"]


def test_static_the_shared_part_of_a_gan() -> None:
    z = tf.constant([[0.5, -1.0]])
    g = tf.Variable([[1.0], [2.0]], name="g")
    d = tf.Variable([[0.5]], name="d")
    sample = tf.matmul(z, g)
    fake = tf.sigmoid(tf.matmul(sample, d))
    found = tf.provenance([-tf.reduce_mean(tf.log(1.0 - fake)), -tf.reduce_mean(tf.log(fake))], d, session())
    shares = [found.share(part) for part in found.contributions]
    assert min(shares) < 0 < max(shares)
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_static_a_loop_is_one_step_of_a_path() -> None:
    w = tf.Variable(0.5, name="w")
    out = tf.while_loop(lambda i, _a: i < 3, lambda i, a: (i + 1, a * w), [tf.constant(0), tf.constant(1.0)])[1]
    found = tf.provenance(out, w, session())
    assert found.contributions[0].path[0].op == "loop"
    assert found.total == pytest.approx(3 * 0.25)


def test_static_nothing_flows() -> None:
    w = tf.Variable(0.5, name="w")
    with pytest.raises(RuntimeError, match="why_none says why"):
        tf.provenance(tf.stop_gradient(w) * 2.0, w, session())
