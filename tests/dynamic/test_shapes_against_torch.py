"""Shapes, joining, indexing and changes in place under PyTorch's names give PyTorch's values, gradients and views."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
CUBE, BOX = normal(2, 3, 4), normal(2, 1, 3, 1)
K = np.random.default_rng(7).integers(-9, 10, (3, 4))
WHERE = np.array([2, 0, 2, 1])
M = A > 0

SHAPES = {
    "reshape": (
        lambda t, x: [x.reshape(4, 3), t.reshape(x, (2, 6)), x.reshape(-1), x.reshape([3, -1, 2]), x.t().reshape(12)],
        A,
    ),
    "reshape to another size": (lambda t, x: x.reshape(5, 2), A),
    "view": (lambda t, x: [x.view(4, 3), x.view(-1), x.view((2, -1)), x.view(x.size()), x.view_as(x), x[1:].view(8)], A),
    "view of scattered memory": (lambda t, x: x.t().view(12), A),
    "view of part": (lambda t, x: x[:, 1:].view(-1), A),
    "view of a flip": (lambda t, x: [t.flip(x, (0,)).view(-1), x.expand(2, 3, 4)[0].view(12)], A),
    "flatten": (
        lambda t, x: [t.flatten(x), x.flatten(1), x.flatten(0, 1), x.flatten(start_dim=-2), x[0, 0, 0].flatten()],
        CUBE,
    ),
    "squeeze": (lambda t, x: [t.squeeze(x), x.squeeze(1), x.squeeze(0), x.squeeze(-1), x.squeeze((1, 3))], BOX),
    "unsqueeze": (lambda t, x: [t.unsqueeze(x, 0), x.unsqueeze(-1), x.unsqueeze(1), x.unsqueeze(dim=2)], A),
    "unsqueeze beyond": (lambda t, x: x.unsqueeze(4), A),
    "expand": (lambda t, x: [x.expand(2, 4, 3, 5), x.expand(2, -1, 3, 2), x.expand(7, 2, 1, 3, 1), x.expand_as(x)], BOX),
    "expand a size": (lambda t, x: x.expand(2, 4), A),
    "repeat": (
        lambda t, x: [x.repeat(2, 1), x.repeat(1, 3), x.repeat(2, 2, 2), x[0].repeat(3), x[0].repeat(x.size(0), 1)],
        A,
    ),
    "t": (lambda t, x: [t.t(x), x.t(), x.T, x[0].t(), x.mT], A),
    "t of a cube": (lambda t, x: x.t(), CUBE),
    "transpose": (lambda t, x: [t.transpose(x, 0, 2), x.transpose(-1, 1), x.transpose(0, 0), x.mT], CUBE),
    "permute": (lambda t, x: [t.permute(x, (2, 0, 1)), x.permute(1, 2, 0), x.permute((0, -1, 1))], CUBE),
    "permute one twice": (lambda t, x: x.permute(0, 0, 1), CUBE),
    "flip": (lambda t, x: [t.flip(x, (0,)), x.flip(1), x.flip(0, 2), x.flip([1, 2])], CUBE),
    "roll": (lambda t, x: [t.roll(x, 1), x.roll(2, 1), x.roll((1, -1), (0, 2)), x.roll(shifts=-5, dims=0)], CUBE),
    "narrow": (lambda t, x: [t.narrow(x, 1, 1, 2), x.narrow(-1, 0, 3), x.narrow(0, 1, 1)], CUBE),
    "narrow beyond": (lambda t, x: x.narrow(1, 2, 2), CUBE),
    "select": (lambda t, x: [t.select(x, 0, 1), x.select(-1, -2), x.select(1, 2)], CUBE),
    "select beyond": (lambda t, x: x.select(1, 3), CUBE),
    "split": (lambda t, x: [t.split(x, 3, 1), x.split(2, dim=-1), x.split([1, 3], 1), x.split(5)], A),
    "split into sizes that do not add up": (lambda t, x: x.split([1, 1], 1), A),
    "chunk": (lambda t, x: [t.chunk(x, 2, 1), x.chunk(3), x.chunk(3, 1), x.chunk(7, dim=1)], A),
    "unbind": (lambda t, x: [t.unbind(x), x.unbind(1), x.unbind(dim=-1), list(x)], A),
    "cat": (lambda t, x, y: [t.cat([x, y]), t.cat((x, y, x), 1), t.cat([x, y[:, :2]], dim=-1), t.concat([x, y])], A, B),
    "cat with nothing": (lambda t, x: [t.cat([x, t.zeros(0, dtype=t.float64)]), t.cat([x, x[:0]])], A),
    "cat of dtypes": (lambda t, x, k: [t.cat([x.float(), k]), t.cat([x, x.float()]), t.stack([k, x.float()])], A, K),
    "cat of other sizes": (lambda t, x: t.cat([x, x[:, :2]]), A),
    "cat of none": (lambda t: t.cat([]),),
    "stack": (lambda t, x, y: [t.stack([x, y]), t.stack((x, y), 1), t.stack([x, y], dim=-1)], A, B),
    "stack of other sizes": (lambda t, x: t.stack([x, x[:2]]), A),
    "tril triu": (lambda t, x: [t.tril(x), x.triu(), x.tril(1), t.triu(x, -1), x.triu(diagonal=2)], A),
    "gather": (lambda t, x, k: [t.gather(x, 0, k), x.gather(1, k[:, :2]), x.gather(-1, k)], A, np.abs(K) % 3),
    "gather beyond": (lambda t, x, k: x.gather(0, k), A, np.abs(K)),
    "index_select": (lambda t, x, k: [t.index_select(x, 0, k), x.index_select(1, k), x.index_select(-1, k[:1])], A, WHERE),
    "masked": (
        lambda t, x, m: [x.masked_fill(m, 7.0), t.masked_fill(x, m, 0), x.masked_select(m), t.masked_select(x, ~m)],
        A,
        M,
    ),
    "masked_fill_": (lambda t, x, m: [x.clone().masked_fill_(m, -1.5)], A, M),
    "contiguous clone": (lambda t, x: [x.t().contiguous(), x.clone(), x.t().clone()], A),
}

INDICES = {
    "ints": (lambda t, x: [x[0], x[-1], x[1, 2], x[1, -1, 0], x[1][2][3]], CUBE),
    "slices": (lambda t, x: [x[1:], x[:, 1:3], x[:, ::2], x[..., :-1], x[0:1, 1:2], x[:, :, 5:], x[:, 2:1]], CUBE),
    "None": (lambda t, x: [x[None], x[:, None], x[..., None], x[0, None, :, None, 1]], CUBE),
    "Ellipsis": (lambda t, x: [x[...], x[..., 0], x[0, ...], x[0, ..., 1], x[..., 1:, None]], CUBE),
    "masks": (lambda t, x, m: [x[m], x[x > 0.5], x[m[:, 0]], x[:, m[0]], x[~m]], A, M),
    "a byte mask": (lambda t, x, m: x[m], A, M.astype("uint8")),
    "tensors": (lambda t, x, k: [x[k], x[:, k], x[k, k], x[k[:2, None], k], x[1, k], x[k, 1]], A, WHERE),
    "mixed": (
        lambda t, x, k: [x[0, k], x[:, k, 1:], x[k % 2, :, k], x[..., k], x[None, :, k], x[k % 2, 1], x[:, 1, k]],
        CUBE,
        WHERE,
    ),
    "lists": (lambda t, x: [x[[0, 2]], x[:, [1, -1, 0]], x[[0, 1], [2, 3]], x[[True, False, True]]], A),
    "0-d tensors": (lambda t, x, k: [x[k[0]], x[k[1], k[2]], x[:, k[0]], x[k[3] :]], A, WHERE),
    "True": (lambda t, x: [x[True], x[False]], A),
    "beyond": (lambda t, x: x[3], A),
    "beyond, tensor": (lambda t, x, k: x[k], A, WHERE + 2),
    "too many": (lambda t, x: x[0, 0, 0], A),
    "a string": (lambda t, x: x["a"], A),
    "a float": (lambda t, x: x[0.5], A),
    "a mask of another shape": (lambda t, x, m: x[m.t()], A, M),
    "floats": (lambda t, x: x[x], A),
}


def changed(change):
    """What ``change(torch, z, ...)`` makes of a copy ``z`` of the first tensor, seen through the copy afterwards."""

    def build(torch, x, *rest):
        z = x * 1
        result = change(torch, z, *rest)
        return [z, z * z] if result is None else [z, z * z, result]

    build.__wrapped__ = change
    return build


def _set(z, index, value):
    z[index] = value


def _through(view, change):
    def build(torch, z, *rest):
        v = view(z)
        change(v, *rest)
        return [v * v, z.sum() * v]

    return build


CHANGES = {
    "a number at ints": (lambda t, z: _set(z, 0, 5.0), A),
    "a number at an element": (lambda t, z: _set(z, (1, -1), 5), A),
    "a row": (lambda t, z, y: _set(z, 1, y), A, ROW),
    "a column": (lambda t, z, y: _set(z, (slice(None), 1), y[:3]), A, ROW),
    "slices": (lambda t, z, y: _set(z, (slice(1, None), slice(None, None, 2)), y[:2]), A, ROW),
    "broadcast": (lambda t, z, y: _set(z, slice(None), y), A, ROW),
    "everything": (lambda t, z, y: _set(z, ..., y), A, B),
    "a mask": (lambda t, z, m: _set(z, m, 0), A, M),
    "its own mask": (lambda t, z: _set(z, z < 0, 0), A),
    "values at a mask": (lambda t, z, m, y: _set(z, m, y.reshape(-1)[: int(m.sum())]), A, M, B),
    "tensor indices": (lambda t, z, k, y: _set(z, k[:2], y[:2]), A, WHERE, B),
    "tensor and slice": (lambda t, z, k, y: _set(z, (slice(None), k[:2]), y[:, :2]), A, WHERE, B),
    "a mask and a column": (lambda t, z, m: _set(z, (m[:, 0], 1), 9.0), A, M),
    "another dtype": (lambda t, z, y: _set(z, 0, y), A, ROW.astype("float32")),
    "an int tensor": (lambda t, z, k: _set(z, slice(None), k), A, K),
    "too large a value": (lambda t, z, y: _set(z, 0, y), A, B),
    "part of itself": (lambda t, z: _set(z, 0, z[1] * z[2]), A),
    "a view, in place": (_through(lambda z: z[0], lambda v: v.mul_(3)), A),
    "a view of a view": (_through(lambda z: z.t()[1:], lambda v: v.add_(1)), A),
    "a view, by a tensor": (_through(lambda z: z[:, 1:], lambda v, y: v.mul_(y[1:])), A, ROW),
    "a reshaped view": (_through(lambda z: z.view(2, 6), lambda v: v[0].exp_()), A),
    "a transposed view": (_through(lambda z: z.transpose(0, 1), lambda v, y: v.copy_(y.t())), A, B),
    "a view beside it": (lambda t, z, y: _beside(z, z[0], z[0, 1:], lambda: z[:, 1].mul_(y[:3])), A, ROW),
    "the root of views": (lambda t, z, y: _beside(z, z.t(), z.t()[1], lambda: z.mul_(y)), A, ROW),
    "a view of what needs none": (lambda t, z, y: _beside(z.detach(), z.detach()[1], z, lambda: z), A, ROW),
    "a constant with a view": (lambda t, z, y: _constant(t, y), A, ROW),
    "float32 by float64": (lambda t, z, y: z.float().mul_(y.detach()).sum(), A, ROW),
    "an expanded one": (lambda t, z: z.expand(2, 3, 4).mul_(2), A),
    "a squeezed view": (_through(lambda z: z[:1].squeeze(0), lambda v: v.zero_()), A),
    "narrow": (_through(lambda z: z.narrow(1, 1, 2), lambda v: v.fill_(2)), A),
    "augmented at an index": (lambda t, z, y: _augmented(z, y), A, ROW),
    "zero_": (lambda t, z: z.zero_(), A),
    "fill_": (lambda t, z: z.fill_(3), A),
    "copy_": (lambda t, z, y: z.copy_(y), A, ROW),
    "a chain": (lambda t, z, y: z.mul_(2).add_(y).neg_().add_(1).sum(), A, ROW),
    "tanh and sigmoid": (lambda t, z: z.tanh_().add(1).sigmoid_(), A),
}


def _beside(z, view, other, change):
    change()
    return [view * 2, other * other, z.sum() * view]


def _constant(t, y):
    c = t.zeros(3, 4, dtype=t.float64)
    view, other = c[1], c[2, :2]
    c[1:] = y * y
    return [view * 3, other * other, c]


def _augmented(z, y):
    z[0] += y
    z[:, 1] *= 2
    z[z > 1] -= 1
    z[1, 2] /= 4


BOLD = {
    "of what another change saved": lambda z, y: z.mul_(2).relu_().sub_(1).pow_(2),
    "of an output that was saved": lambda z, y: z.exp_().mul_(2).tanh_().add_(1),
    "by itself": lambda z, y: z.mul_(z).mul_(z),
    "by a view of itself": lambda z, y: z.mul_(z[0]),
    "of several views of one tensor": lambda z, y: _of_a_split(z, y),
}


def _of_a_split(z, y):
    first, second = z.split(2, 1)
    second.mul_(y[:2])
    first.add_(second)
    return z * 1


@pytest.mark.parametrize("name", BOLD)
def test_changes_that_pytorch_refuses_have_right_gradients(name):
    """PyTorch would have to copy what was saved, and raises; here the gradients are those of finite differences."""

    def loss(a, b):
        x, y = (dynamic.from_numpy(each.copy()).requires_grad_() for each in (a, b))
        z = BOLD[name](x * 1, y * 1)
        total = (z * dynamic.from_numpy(B)).sum()
        return total, dynamic.autograd.grad(total, [x, y], allow_unused=True)

    a, b, step = A, ROW, 1e-6
    _, (gx, gy) = loss(a, b)
    for g, of_first in ((gx, True), (gy, False)):
        if g is None:
            continue
        base = a if of_first else b
        for at in np.ndindex(base.shape):
            moved = np.zeros_like(base)
            moved[at] = step
            ends = [loss(a + s * moved, b) if of_first else loss(a, b + s * moved) for s in (1, -1)]
            assert g[at].item() == pytest.approx((ends[0][0].item() - ends[1][0].item()) / (2 * step), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    build, *arrays = SHAPES[name]
    agree(build, *arrays)


@pytest.mark.parametrize("name", INDICES)
def test_indices(name):
    build, *arrays = INDICES[name]
    agree(build, *arrays)


@pytest.mark.parametrize("name", CHANGES)
def test_changes_in_place(name):
    change, *arrays = CHANGES[name]
    agree(changed(change), *arrays)


VIEWS = {
    "view": (lambda x: x.view(4, 3), True),
    "reshape": (lambda x: x.reshape(12), True),
    "reshape of a transpose": (lambda x: x.t().reshape(12), False),
    "t": (lambda x: x.t(), True),
    "permute": (lambda x: x.permute(1, 0), True),
    "unsqueeze": (lambda x: x.unsqueeze(1), True),
    "squeeze": (lambda x: x[:1].squeeze(0), True),
    "expand": (lambda x: x.expand(2, 3, 4), True),
    "narrow": (lambda x: x.narrow(0, 1, 2), True),
    "select": (lambda x: x.select(1, 1), True),
    "split": (lambda x: x.split(2, 1)[1], True),
    "chunk": (lambda x: x.chunk(2, 1)[0], True),
    "unbind": (lambda x: x.unbind(0)[2], True),
    "slice": (lambda x: x[1:, ::2], True),
    "int": (lambda x: x[1], True),
    "None": (lambda x: x[None], True),
    "detach": (lambda x: x.detach(), True),
    "data": (lambda x: x.data, True),
    "contiguous": (lambda x: x.contiguous(), True),
    "contiguous of a transpose": (lambda x: x.t().contiguous(), False),
    "to the same dtype": (lambda x: x.double(), True),
    "to another dtype": (lambda x: x.float(), False),
    "clone": (lambda x: x.clone(), False),
    "mask": (lambda x: x[x > 0], False),
    "list": (lambda x: x[[0, 1]], False),
    "repeat": (lambda x: x.repeat(1, 1), False),
    "flip": (lambda x: x.flip(0), False),
    "roll": (lambda x: x.roll(1), False),
    "gather": (lambda x: x.index_select(0, (x[:, 0] > 9).long()), False),
    "abs": (lambda x: x.abs(), False),
    "plus nothing": (lambda x: x + 0, False),
    "flatten": (lambda x: x.flatten(), True),
    "tril": (lambda x: x.tril(), False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_shares_memory(name):
    """A view has the memory of its tensor, in PyTorch and here; a copy has its own in both."""
    make, shares = VIEWS[name]

    def build(torch, x):
        y = make(x.detach())
        z = x.detach()
        z.zero_()
        return [int(abs(y).sum().item() == 0)]

    agree(build, np.abs(A) + 1)
    x = dynamic.from_numpy(A.copy())
    assert np.shares_memory(make(x).numpy(), x.numpy()) == shares
