"""Recurrent modules on their own: dropout, third derivatives, the forms of 2017, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import Variable
from dynamic.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from graphs.codegen.machine import available
from graphs.ops import steps


def test_dropout_is_between_layers_and_in_training_only() -> None:
    torch.manual_seed(0)
    net = torch.nn.LSTM(4, 8, num_layers=2, dropout=0.5)
    x = torch.randn(3, 2, 4)
    assert not np.array_equal(net(x)[0].detach().numpy(), net(x)[0].detach().numpy())
    # The first layer's last state is not dropped.
    assert np.array_equal(net(x)[1][0][0].detach().numpy(), net(x)[1][0][0].detach().numpy())
    net.eval()
    assert np.array_equal(net(x)[0].detach().numpy(), net(x)[0].detach().numpy())


def test_all_of_a_layer_dropped_leaves_the_biases() -> None:
    net = torch.nn.RNN(4, 3, num_layers=2, dropout=1.0)
    out, _ = net(torch.randn(1, 2, 4))
    expected = np.tanh((net.bias_ih_l1 + net.bias_hh_l1).detach().numpy())
    np.testing.assert_allclose(out.detach().numpy()[0], np.stack([expected] * 2), rtol=1e-5)


def test_dropout_behind_a_single_layer_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="num_layers=1"):
        torch.nn.GRU(3, 4, dropout=0.5)


def test_the_first_values_are_uniform() -> None:
    torch.manual_seed(0)
    net = torch.nn.GRU(10, 16, bidirectional=True)
    values = np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
    assert abs(values).max() <= 0.25
    assert abs(values).max() > 0.24
    assert abs(values.mean()) < 0.01


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_third_derivatives_are_finite_differences(kind: str) -> None:
    torch.manual_seed(1)
    net = getattr(torch.nn, kind)(2, 3).double()
    rng = np.random.default_rng(0)
    point, way = rng.standard_normal((2, 4, 1, 2))

    def second(x: np.ndarray, create_graph: bool = False) -> tuple:
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        (first,) = torch.autograd.grad(net(leaf)[0].sum(), leaf, create_graph=True)
        (g,) = torch.autograd.grad((first * torch.from_numpy(way)).sum(), leaf, create_graph=create_graph)
        return leaf, (g * torch.from_numpy(way)).sum()

    leaf, value = second(point, create_graph=True)
    (third,) = torch.autograd.grad(value, leaf)
    step = 1e-5
    up, down = (second(point + sign * step * way)[1].item() for sign in (1, -1))
    assert (third.numpy() * way).sum() == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-8)


def test_a_layer_is_one_record_on_the_tape() -> None:
    net = torch.nn.LSTM(3, 4)
    out, (h, c) = net(torch.randn(5, 2, 3))
    assert out.grad_fn is not None
    assert [edge[0].label for edge in out.grad_fn.next_functions if edge[0]] == ["AccumulateGrad"] * 4
    assert out.grad_fn is h.grad_fn.next_functions[0][0] is c.grad_fn.next_functions[0][0]


def test_states_go_from_one_piece_to_the_next_as_in_2017() -> None:
    net = torch.nn.LSTM(3, 4, 2)
    hidden = (Variable(torch.zeros(2, 1, 4)), Variable(torch.zeros(2, 1, 4)))
    x = Variable(torch.randn(6, 1, 3))
    whole, _ = net(x, hidden)
    net.flatten_parameters()
    for t in range(6):
        out, hidden = net(x[t].view(1, 1, -1), hidden)
        np.testing.assert_allclose(out[0].data.numpy(), whole[t].data.numpy(), rtol=1e-5, atol=1e-6)
    assert isinstance(net([x, hidden][0], list(hidden))[1], tuple)


def test_parameters_can_be_replaced_by_tensors_that_are_computed() -> None:
    """As programs do that drop weights: the parameter goes, and a tensor made of another one takes its place."""
    net = torch.nn.LSTM(3, 4)
    raw = net.weight_hh_l0
    del net._parameters["weight_hh_l0"]
    net.register_parameter("weight_hh_l0_raw", torch.nn.Parameter(raw.data))
    net.weight_hh_l0 = net.weight_hh_l0_raw * 0.5
    net(torch.randn(2, 1, 3))[0].sum().backward()
    assert net.weight_hh_l0_raw.grad is not None


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "LSTMCell"])
def test_copies_and_pickles_compute_the_same(kind: str) -> None:
    net = getattr(torch.nn, kind)(3, 4)
    x = torch.randn(2, 3)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(other) == repr(net)
        assert np.array_equal(other(x)[0].detach().numpy(), net(x)[0].detach().numpy())


def test_a_change_in_place_of_what_the_way_back_needs_is_refused() -> None:
    net = torch.nn.GRU(3, 4)
    out, _ = net(torch.randn(2, 1, 3))
    with torch.no_grad():
        net.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_the_second_bias_s_gradient_has_its_own_memory() -> None:
    net = torch.nn.LSTM(3, 4)
    for create_graph in (False, True):
        net.zero_grad()
        net(torch.randn(2, 1, 3))[0].sum().backward(create_graph=create_graph)
        assert not np.shares_memory(net.bias_ih_l0.grad.detach().numpy(), net.bias_hh_l0.grad.detach().numpy())


def test_a_length_beyond_the_steps_is_refused() -> None:
    with pytest.raises(RuntimeError, match="length 6 in a batch of 5"):
        pack_padded_sequence(torch.zeros(5, 2, 3), [6, 5])


def test_a_projection_is_said_to_be_missing() -> None:
    with pytest.raises(NotImplementedError, match="proj_size"):
        torch.nn.LSTM(3, 4, proj_size=2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "LSTMCell", "GRUCell"])
def test_native_steps_compute_what_numpy_does(kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    if not available():
        pytest.skip("no native code here")
    torch.manual_seed(0)
    net = getattr(torch.nn, kind)(3, steps.MANY).to(getattr(torch, dtype))
    x = (
        torch.randn(1, 3, dtype=getattr(torch, dtype))
        if kind.endswith("Cell")
        else torch.randn(4, 1, 3).to(net.weight_hh_l0)
    )
    asked = []
    chosen = steps._Chosen.native
    results = []
    for native in (lambda name, dtype: asked.append(name) or chosen(name, dtype), None):
        monkeypatch.setattr(steps._Chosen, "native", native and staticmethod(native))
        net.zero_grad()
        out = net(x)
        out = out[0] if isinstance(out, tuple) else out
        out.sin().sum().backward()
        results.append([out.detach().numpy(), *(p.grad.numpy().copy() for p in net.parameters())])
    name = kind.removesuffix("Cell").lower()
    assert asked == [name, f"{name}_back"]
    assert chosen(name, np.dtype(dtype)) is not None
    for ours, theirs in zip(*results, strict=True):
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_packed_sequences_unpack_into_their_parts() -> None:
    packed = pack_padded_sequence(torch.arange(6.0).view(3, 2), [3, 1])
    data, sizes, *_ = packed
    assert PackedSequence((data, sizes))[:2] == (data, sizes)
    assert data.tolist() == [0.0, 1.0, 2.0, 4.0]
    assert sizes.tolist() == [2, 1, 1]
    padded, lengths = pad_packed_sequence(packed, padding_value=9)
    assert padded.tolist() == [[0.0, 1.0], [2.0, 9.0], [4.0, 9.0]]
    assert lengths.tolist() == [3, 1]
