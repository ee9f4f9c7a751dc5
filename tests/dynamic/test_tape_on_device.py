"""What a tape and its functions do with tensors on a GPU beside running ops: hooks, positions, and what numpy computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import dynamic as torch
from dynamic.nn import functional as F
from dynamic.nn.utils import rnn
from dynamic.vision.transforms.functional import normalize


def there(*shape: int) -> Any:
    return torch.tensor(numpy.random.default_rng(3).standard_normal(shape), device="cuda", requires_grad=True)


def test_what_is_saved_goes_past_hooks(gpu: Any) -> None:
    for dtype in (torch.float64, torch.complex128):
        x = there(3).detach().to(dtype).requires_grad_()
        seen: list[Any] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, to=seen: to.append(t) or t, lambda t: t):
            y = (x * x).abs().sum()
        y.backward()
        assert seen
        assert all(t.is_cuda for t in seen)
        assert x.grad.is_cuda


def test_changes_of_parts_have_gradients(gpu: Any) -> None:
    x = there(3, 2)
    h = x * 1
    h[0] = h[1] * 2
    (h**2).sum().backward()
    numpy.testing.assert_allclose(x.grad.cpu(), x.detach().cpu().numpy() * numpy.array([[0.0], [10.0], [2.0]]))


def test_what_nothing_flowed_into_has_zeros_for_a_backward_of_ones_own(gpu: Any) -> None:
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            assert g.is_cuda
            assert h.is_cuda
            return g * 2 + h * 3

    x = there(3)
    Both.apply(x)[1].sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_gradients_of_some_of_several_parts(gpu: Any) -> None:
    x = there(4)
    first, _ = x.split(2)
    (g,) = torch.autograd.grad((first**3).sum(), x, create_graph=True)
    g.sum().backward()
    numpy.testing.assert_allclose(x.grad.cpu(), numpy.r_[6 * x.detach().cpu().numpy()[:2], 0, 0])


MASK = [True, False, True]

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "a list": lambda x, i: x[[2, 0]],
    "numpy's positions": lambda x, i: x[numpy.array([2, 0])],
    "two masks": lambda x, i: x[torch.tensor(MASK), torch.tensor([True, False, True, False])],
    "a list of truths": lambda x, i: x[MASK],
    "reversed": lambda x, i: reversed(x),
    "nonzero": lambda x, i: (x > 0).nonzero(),
    "unique": lambda x, i: torch.unique(i, return_counts=True),
    "bincount": lambda x, i: torch.bincount(i),
    "median": lambda x, i: torch.median(x, 1),
    "quantile": lambda x, i: torch.quantile(x, 0.3, 1),
    "kthvalue": lambda x, i: torch.kthvalue(x, 2),
    "running extremes": lambda x, i: torch.cummax(x, 1),
    "masked": lambda x, i: torch.masked_select(x, x > 0),
    "closeness": lambda x, i: torch.isclose(x, x + 1e-9),
    "combinations": lambda x, i: torch.combinations(x[0]),
    "reflections": lambda x, i: torch.geqrf(x),
    "least squares": lambda x, i: torch.linalg.lstsq(x.mT, x.mT[:, :1]).solution,
    "pairs": lambda x, i: F.pdist(x),
    "angles": lambda x, i: F.cosine_similarity(x, x.flip(0), eps=5.0),
    "bags": lambda x, i: F.embedding_bag(i, x, i.new_tensor([0, 2]), mode="mean"),
    "greatest of bags": lambda x, i: F.embedding_bag(i, x, i.new_tensor([0, 2]), mode="max"),
    "shortened rows": lambda x, i: F.embedding(i, x.detach().clone(), max_norm=0.5),
    "collected statistics": lambda x, i: F.batch_norm(x, x.detach()[0], x.detach()[1] ** 2),
    "packed": lambda x, i: rnn.pack_padded_sequence(x, [2, 3, 1, 2], enforce_sorted=False).data,
    "unpacked": lambda x, i: rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 3, 2, 1]), padding_value=2.0)[0],
    "membership": lambda x, i: torch.isin(i, i[:2]),
    "polynomials": lambda x, i: torch.special.chebyshev_polynomial_t(x.detach(), i),
    "attention by truths": lambda x, i: F.scaled_dot_product_attention(x, x, x, torch.tensor([MASK] * 2 + [[False] * 3])),
    "attention by numbers": lambda x, i: F.scaled_dot_product_attention(x, x, x, (x @ x.mT).detach()),
    "attention to what is before": lambda x, i: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "pixels in order": lambda x, i: torch.zeros_like(x[None, None], memory_format=torch.channels_last),
    "checked gradients": lambda x, i: (
        x * torch.autograd.gradcheck(lambda x: (x * x).sum(0), x[:2, :2].detach().requires_grad_())
    ),
    "summed to a size": lambda x, i: x.sum_to_size(1, 4),
    "a filled diagonal": lambda x, i: (x * 1).fill_diagonal_(3.0),
    "mapped": lambda x, i: x.detach().clone().apply_(lambda v: v + 1),
    "a picture normalised": lambda x, i: normalize(x[None], [0.5], [2.0]),
    "factors": lambda x, i: torch.linalg.lu_factor(x.detach()[:, :3]),
    "eigenvalues": lambda x, i: torch.linalg.eigvals(x.detach()[:, :3]).abs().sort().values,
    "aligned": lambda x, i: F.ctc_loss(x.log_softmax(-1).unsqueeze(1), i[None, 2:3], [3], [1]),
}


@pytest.mark.parametrize("name", CASES)
def test_functions_of_tensors_there_give_what_they_give_here(gpu: Any, name: str) -> None:
    found = []
    for device in ("cuda", "cpu"):
        x = there(3, 4).detach().to(device).requires_grad_()
        with torch.device(device):
            out = CASES[name](x, torch.tensor([2, 0, 1, 2]))
        outs = [y for y in (out if isinstance(out, tuple) else (out,)) if isinstance(y, torch.Tensor)]
        assert all(y.is_cuda == (device == "cuda") for y in outs)
        smooth = [y.sum() for y in outs if y.requires_grad]
        if smooth:
            sum(smooth).backward()
            outs.append(x.grad)
        found.append([y.detach().cpu().numpy() for y in outs])
    for y, z in zip(*found, strict=True):
        numpy.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-12)


def test_draws_there(gpu: Any) -> None:
    torch.manual_seed(1)
    places = torch.full((200,), 0.25, device="cuda")
    drawn = [torch.distributions.Binomial(10, places).sample(), torch.distributions.VonMises(places, places + 1).sample()]
    drawn.append(places.clone().bernoulli_(0.5))
    assert all(x.is_cuda for x in drawn)
    assert 0 <= drawn[0].min() < drawn[0].max() <= 10
    assert -3.2 < drawn[1].min() < drawn[1].max() < 3.2
    assert set(drawn[2].tolist()) == {0.0, 1.0}


def test_rare_classes_and_causal_masks_there(gpu: Any) -> None:
    x = there(4, 6)
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(6, 10, [2, 5], 2.0, dtype=torch.float64)
    wanted = layer(x.detach().cpu(), torch.tensor([0, 9, 3, 1]))
    found = layer.cuda()(x, torch.tensor([0, 9, 3, 1], device="cuda"))
    numpy.testing.assert_allclose(found.output.detach().cpu(), wanted.output.detach(), rtol=1e-12)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(4, device="cuda")
    assert mask.is_cuda
    encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(6, 2, dropout=0.0), 1).cuda().double()
    assert encoder(x, mask=mask.double()).is_cuda


def test_a_result_goes_into_a_tensor_there(gpu: Any) -> None:
    out = torch.empty(0, device="cuda", dtype=torch.float64)
    torch.add(there(3).detach(), 1, out=out)
    assert out.is_cuda
    assert out.shape == (3,)
