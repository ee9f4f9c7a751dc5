"""What a tape and its functions do with tensors on a GPU beside running ops: hooks, positions, and what numpy computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import dynamic as torch
from dynamic.nn import functional as F
from dynamic.nn.utils import rnn


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
    "aligned": lambda x, i: F.ctc_loss(x.log_softmax(-1).unsqueeze(1), i[None, 2:3], [3], [1]),
}


@pytest.mark.parametrize("name", CASES)
def test_functions_of_tensors_there_give_what_they_give_here(gpu: Any, name: str) -> None:
    found = []
    for device in ("cuda", "cpu"):
        x = there(3, 4).detach().to(device).requires_grad_()
        out = CASES[name](x, torch.tensor([2, 0, 1, 2], device=device))
        outs = [y for y in (out if isinstance(out, tuple) else (out,)) if isinstance(y, torch.Tensor)]
        assert all(y.is_cuda == (device == "cuda") for y in outs)
        smooth = [y.sum() for y in outs if y.requires_grad]
        if smooth:
            sum(smooth).backward()
            outs.append(x.grad)
        found.append([y.detach().cpu().numpy() for y in outs])
    for y, z in zip(*found, strict=True):
        numpy.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-12)


def test_a_result_goes_into_a_tensor_there(gpu: Any) -> None:
    out = torch.empty(0, device="cuda", dtype=torch.float64)
    torch.add(there(3).detach(), 1, out=out)
    assert out.is_cuda
    assert out.shape == (3,)
