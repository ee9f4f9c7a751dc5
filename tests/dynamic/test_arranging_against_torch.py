"""Shapes, joins, grids, scattering and differences under PyTorch's names give PyTorch's values, gradients and views."""

import numpy as np
import pytest

import dynamic
from dynamic import methods
from dynamic.functions import calculus, joining, scattering, shapes
from tests.dynamic.oracle import agree, covered, normal


pytestmark = pytest.mark.oracle

A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
CUBE, BOX = normal(2, 3, 4), normal(2, 1, 3, 1)
SQUARE = normal(3, 3)
K = np.random.default_rng(7).integers(-9, 10, (3, 4))
WHERE = np.array([2, 0, 2, 1])
INDEX = np.random.default_rng(5).integers(0, 3, (2, 4))
M = A > 0

SHAPES = {
    "movedim": (
        lambda t, x: [t.movedim(x, 0, 2), x.movedim((0, 1), (2, 0)), t.moveaxis(x, -1, 0), x.moveaxis([0, 2], [1, 0])],
        CUBE,
    ),
    "movedim of one twice": (lambda t, x: x.movedim((0, 0), (1, 2)), CUBE),
    "movedim beyond": (lambda t, x: x.movedim(3, 0), CUBE),
    "movedim of other lengths": (lambda t, x: x.movedim((0, 1), (1,)), CUBE),
    "swapaxes": (lambda t, x: [t.swapaxes(x, 0, 1), x.swapdims(0, -1), t.swapdims(x, 1, 2), x.swapaxes(-1, -2)], CUBE),
    "adjoint": (lambda t, x: [t.adjoint(x), x.adjoint(), x.mT, x.mH], CUBE),
    "ravel": (lambda t, x: [t.ravel(x), x.ravel(), x.t().ravel()], A),
    "unflatten": (lambda t, x: [t.unflatten(x, 1, (2, 2)), x.unflatten(-1, (-1, 2)), x.unflatten(0, [3, 1])], A),
    "unflatten into other sizes": (lambda t, x: x.unflatten(1, (3, 2)), A),
    "unfold": (lambda t, x: [x.unfold(0, 2, 1), x.unfold(1, 2, 2), x.unfold(-1, 3, 1), x.unfold(1, 4, 5)], A),
    "unfold of a cube": (lambda t, x: [x.unfold(1, 2, 1), x.unfold(2, 2, 1).unfold(1, 2, 1)], CUBE),
    "unfold beyond": (lambda t, x: x.unfold(0, 4, 1), A),
    "diagonal": (lambda t, x: [t.diagonal(x), x.diagonal(1), x.diagonal(-1), x.diagonal(3), x.diagonal(offset=-2)], A),
    "diagonal of a cube": (
        lambda t, x: [x.diagonal(), x.diagonal(1, 1, 2), x.diagonal(0, -1, 0), t.diagonal(x, 0, 2, 1)],
        CUBE,
    ),
    "diagonal of one dimension": (lambda t, x: x.diagonal(0, 1, 1), CUBE),
    "diagonal beyond": (lambda t, x: x.diagonal(0, 0, 3), CUBE),
    "diag": (lambda t, x: [t.diag(x), x.diag(1), x.diag(-1), t.diag(x[0]), x[0].diag(2), x[0].diag(-1)], A),
    "diag of a cube": (lambda t, x: t.diag(x), CUBE),
    "diag_embed": (lambda t, x: [t.diag_embed(x), x.diag_embed(1), x.diag_embed(-1, 0, 2), t.diag_embed(x, 0, 1, 0)], A),
    "diagflat": (lambda t, x: [t.diagflat(x), x.diagflat(1), t.diagflat(x[0], -1)], A),
    "tensor_split": (
        lambda t, x: [
            *t.tensor_split(x, 3, 1),
            *x.tensor_split(2),
            *x.tensor_split((1, 3), dim=1),
            *x.tensor_split([1, 9, 2], 1),
        ],
        A,
    ),
    "tensor_split at a tensor": (lambda t, x: [*x.tensor_split(t.tensor([1, 2]), 1), *x.tensor_split(t.tensor(2), 1)], A),
    "tensor_split into none": (lambda t, x: x.tensor_split(0), A),
    "hsplit": (lambda t, x: [*t.hsplit(x, 2), *x.hsplit([1, 3]), *t.hsplit(x[0], 2)], A),
    "hsplit of other sizes": (lambda t, x: x.hsplit(3), A),
    "vsplit": (lambda t, x: [*t.vsplit(x, 3), *x.vsplit([1])], A),
    "vsplit of a vector": (lambda t, x: x.vsplit(2), ROW),
    "dsplit": (lambda t, x: [*t.dsplit(x, 2), *x.dsplit([1, 3])], CUBE),
    "dsplit of a matrix": (lambda t, x: x.dsplit(2), A),
    "split_with_sizes": (lambda t, x: [*t.split_with_sizes(x, [1, 3], 1), *x.split_with_sizes([1, 2])], A),
    "unsafe_split": (
        lambda t, x: [
            *t.unsafe_split(x, 2, 1),
            *x.unsafe_chunk(2),
            *x.unsafe_split_with_sizes([1, 3], 1),
            *t.unsafe_chunk(x, 2, 1),
        ],
        A,
    ),
    "broadcast_to": (lambda t, x: [t.broadcast_to(x, (2, 3, 4)), x.broadcast_to((1, 3, 4))], A),
    "broadcast_to a size": (lambda t, x: t.broadcast_to(x, (2, 4)), A),
    "sum_to_size": (lambda t, x: [x.sum_to_size(3, 1), x.sum_to_size((4,)), x.sum_to_size(1, 4), x.sum_to_size(3, 4)], A),
    "sum_to_size beyond": (lambda t, x: x.sum_to_size(2, 4), A),
    "narrow": (
        lambda t, x: [t.narrow(x, 1, -2, 2), x.narrow(0, t.tensor(1), 2), t.narrow_copy(x, 1, 0, 2), x.narrow_copy(0, 1, 1)],
        A,
    ),
    "narrow of less than none": (lambda t, x: x.narrow(0, 1, -1), A),
    "view_as": (lambda t, x: [x.view_as(x.reshape(4, 3)), x.reshape_as(x.t()), x.expand_as(x[None])], A),
    "view as another dtype": (lambda t, x: x.detach().view(t.int64), A),
    "permute": (lambda t, x: [t.permute(x, (2, 0, 1)), x.permute(-1, 0, 1), x.permute([1, 0, 2])], CUBE),
}

JOINS = {
    "hstack": (lambda t, x, y: [t.hstack([x, y]), t.hstack((x[0], y[0])), t.hstack([x[0, 0], y[0, 0]])], A, B),
    "vstack": (lambda t, x, y: [t.vstack([x, y]), t.vstack((x[0], y[0])), t.row_stack([x, y[0]])], A, B),
    "dstack": (lambda t, x, y: [t.dstack([x, y]), t.dstack((x[0], y[0])), t.dstack([x[None], y[None]])], A, B),
    "column_stack": (
        lambda t, x, y: [t.column_stack([x, y]), t.column_stack((x[0], y[0])), t.column_stack([x, y[:, 0]])],
        A,
        B,
    ),
    "hstack of a tensor": (lambda t, x: t.hstack(x), A),
    "concatenate": (lambda t, x, y: [t.concatenate([x, y], 1), t.concat([x, y]), t.cat((x, y), dim=-1)], A, B),
    "block_diag": (lambda t, x, y: [t.block_diag(x, y[0], x[0, 0]), t.block_diag(x)], A, B),
    "block_diag of a cube": (lambda t, x: t.block_diag(x), CUBE),
    "atleast": (
        lambda t, x: [
            *(t.atleast_1d(z) for z in (x, x[0], x[0, 0])),
            *(t.atleast_2d(z) for z in (x, x[0], x[0, 0])),
            *(t.atleast_3d(z) for z in (x, x[0], x[0, 0])),
        ],
        A,
    ),
    "atleast of several": (lambda t, x: [*t.atleast_1d(x, x[0, 0]), *t.atleast_2d([x, x[0]]), *t.atleast_3d((x, x[0]))], A),
    "tile": (lambda t, x: [t.tile(x, (2,)), x.tile(2, 1), x.tile((2, 1, 3)), t.tile(x[0], (2, 2))], A),
    "repeat": (lambda t, x: [x.repeat(2, 1), x.repeat((1, 2, 2)), x[0].repeat(2)], A),
    "repeat_interleave": (
        lambda t, x: [t.repeat_interleave(x, 2), x.repeat_interleave(3, 1), x.repeat_interleave(2, dim=0)],
        A,
    ),
    "repeat_interleave by a tensor": (
        lambda t, x, k: [x.repeat_interleave(k, 1), t.repeat_interleave(x, k[:3], dim=0), t.repeat_interleave(k)],
        A,
        WHERE,
    ),
    "repeat_interleave by too few": (lambda t, x, k: x.repeat_interleave(k[:2], 1), A, WHERE),
    "flip": (lambda t, x: [t.fliplr(x), x.fliplr(), t.flipud(x), x.flipud(), t.flip(x, [0, 1])], A),
    "fliplr of a vector": (lambda t, x: t.fliplr(x), ROW),
    "rot90": (lambda t, x: [t.rot90(x, k) for k in (-1, 0, 1, 2, 3, 5)] + [x.rot90(), x.rot90(1, [1, 0])], A),
    "rot90 of a cube": (lambda t, x: [x.rot90(1, (0, 2)), x.rot90(3, (2, 1))], CUBE),
    "rot90 of one dimension": (lambda t, x: x.rot90(1, (0, 0)), A),
    "broadcast_tensors": (lambda t, x, y: [*t.broadcast_tensors(x, y), *t.broadcast_tensors(x[0], y, x[0, 0])], A, B),
    "broadcast_shapes": (lambda t: [*t.broadcast_shapes((2, 1), (3,), (1, 1, 1)), *t.broadcast_shapes(3, (2, 1))],),
    "broadcast_shapes that do not": (lambda t: t.broadcast_shapes((2,), (3,)),),
    "meshgrid": (
        lambda t, x, y: [*t.meshgrid(x, y[:2], indexing="ij"), *t.meshgrid([x, y[:2]], indexing="xy")],
        ROW,
        ROW * 2,
    ),
    "meshgrid of three": (lambda t, x: [*t.meshgrid(x, x[:2], x[:3], indexing="xy"), *t.meshgrid(x)], ROW),
    "meshgrid of matrices": (lambda t, x: t.meshgrid(x, x), A),
    "cartesian_prod": (
        lambda t, x: [t.cartesian_prod(x, x[:2]), t.cartesian_prod(x), t.cartesian_prod(x[:2], x[:1], x)],
        ROW,
    ),
    "combinations": (
        lambda t, x: [t.combinations(x), t.combinations(x, 3), t.combinations(x, r=2, with_replacement=True)],
        ROW,
    ),
    "combinations of a matrix": (lambda t, x: t.combinations(x), A),
    "vander": (
        lambda t, x: [t.vander(x.detach()), t.vander(x.detach(), 3), t.vander(x.detach(), N=2, increasing=True)],
        ROW,
    ),
    "vander of ints": (lambda t, x: [t.vander(x), t.vander(x, 3, True)], WHERE),
    "tril triu": (lambda t, x: [t.tril(x, 1), x.triu(-1), x.clone().tril_(), x.clone().triu_(1)], A),
    "roll": (lambda t, x: [t.roll(x, 1), x.roll(2, 1), x.roll((1, -1), (0, 1))], A),
    "stack": (lambda t, x, y: [t.stack([x, y], 1), t.stack((x, y), dim=-1)], A, B),
    "cat of dtypes": (lambda t, x, k: [t.cat([x, k]), t.hstack([k, x])], A.astype("f"), K),
}

SCATTER = {
    "gather": (lambda t, x, k: [t.gather(x, 0, k), x.gather(1, k[:, :2]), x.gather(-1, k)], A, INDEX),
    "gather of a scalar": (lambda t, x: [x[0, 0].gather(0, t.tensor(0)), x[0, 0].gather(0, t.tensor([0, 0]))], A),
    "take_along_dim": (
        lambda t, x, k: [t.take_along_dim(x, k[:1], 0), x.take_along_dim(k[:1, :2], dim=1), x.take_along_dim(k)],
        A,
        INDEX,
    ),
    "take_along_dim of the order": (lambda t, x: [t.take_along_dim(x, x.argsort(1), 1)], A),
    "index_select": (lambda t, x, k: [t.index_select(x, 0, k), x.index_select(1, k), x.index_select(0, k[0])], A, WHERE),
    "index_select by a matrix": (lambda t, x, k: x.index_select(0, k), A, INDEX),
    "take": (lambda t, x, k: [t.take(x, k), x.take(k + 5), x.take(t.tensor(3))], A, INDEX),
    "masked_select": (lambda t, x, m: [t.masked_select(x, m), x.masked_select(m[0]), x[0].masked_select(m)], A, M),
    "masked_select by ints": (lambda t, x, k: x.masked_select(k), A, K),
    "scatter": (lambda t, x, k, y: [t.scatter(x, 0, k, y), x.scatter(0, k, 2.5)], A, np.argsort(A, 0)[:2], B[:2].copy()),
    "scatter of a larger source": (
        lambda t, x, k, y: x.detach().scatter(1, k[:, :2], y.detach()),
        A,
        np.argsort(A, 1)[:2],
        B,
    ),
    "scatter a value": (lambda t, x, k: [x.scatter(0, k, value=3.0), x.clone().scatter_(1, k, 1.5)], A, INDEX),
    "scatter_": (
        lambda t, x, k, y: [x.clone().scatter_(0, k, y), t.zeros(3, 4, dtype=t.float64).scatter_(0, k, y)],
        A,
        INDEX[:1],
        B[:1].copy(),
    ),
    "scatter one-hot": (lambda t, k: t.zeros(4, 3).scatter_(1, k[:, None], 1), WHERE),
    "scatter with add": (lambda t, x, k, y: x.detach().scatter(0, k, y.detach(), reduce="add"), A, INDEX, B),
    "scatter with multiply": (lambda t, x, k, y: x.detach().scatter(0, k, y.detach(), reduce="multiply"), A, INDEX, B),
    "scatter with no such": (lambda t, x, k, y: x.scatter(0, k, y, reduce="abc"), A, INDEX, B),
    "scatter of another dtype": (lambda t, x, k, y: x.scatter(0, k, y.float()), A, INDEX, B),
    "scatter beyond": (lambda t, x, k, y: x.scatter(0, k, y), A, INDEX + 2, B),
    "scatter_add": (
        lambda t, x, k, y: [t.scatter_add(x, 0, k, y), x.scatter_add(1, k, y), x.clone().scatter_add_(0, k, y)],
        A,
        INDEX,
        B[:2].copy(),
    ),
    **{
        f"scatter_reduce of {how}": (
            lambda t, x, k, y, how=how: [
                t.scatter_reduce(x, 0, k, y, how),
                x.scatter_reduce(1, k, y, reduce=how),
                x.clone().scatter_reduce_(0, k, y, how),
            ],
            A,
            INDEX,
            B[:2].copy(),
        )
        for how in ("sum", "prod", "mean", "amax", "amin")
    },
    **{
        f"scatter_reduce of {how} without self": (
            lambda t, x, k, y, how=how: [t.scatter_reduce(x, 0, k, y, how, include_self=False)],
            A,
            INDEX,
            B[:2].copy(),
        )
        for how in ("sum", "prod", "mean", "amax", "amin")
    },
    "scatter_reduce at ties": (
        lambda t, x, k, y: [x.scatter_reduce(0, k, y, "amax"), x.scatter_reduce(0, k, y, "amin")],
        np.round(A),
        INDEX,
        np.round(B[:2]),
    ),
    "scatter_reduce with zeros": (
        lambda t, x, k, y: x.scatter_reduce(0, k, y, "prod"),
        np.where(M, A, 0),
        INDEX,
        np.where(B > 0, B, 0)[:2],
    ),
    "scatter_reduce of ints": (
        lambda t, x, k: [x.scatter_reduce(0, k, x, how) for how in ("sum", "prod", "mean", "amax", "amin")],
        K,
        INDEX,
    ),
    "scatter_reduce of no such": (lambda t, x, k, y: x.scatter_reduce(0, k, y, "abc"), A, INDEX, B),
    "index_add": (
        lambda t, x, k, y: [t.index_add(x, 1, k, y), x.index_add(1, k, y, alpha=2), x.clone().index_add_(0, k[:2], y[:2])],
        A,
        WHERE,
        B,
    ),
    "index_add of another shape": (lambda t, x, k, y: x.index_add(0, k, y), A, WHERE, B),
    "index_copy": (
        lambda t, x, k, y: [t.index_copy(x, 1, k[1:], y[:, 1:]), x.clone().index_copy_(0, k[1:3], y[:2])],
        A,
        WHERE,
        B,
    ),
    "index_fill": (
        lambda t, x, k: [t.index_fill(x, 1, k, 2.5), x.index_fill(0, k[:2], -1), x.clone().index_fill_(0, k, 0)],
        A,
        WHERE,
    ),
    **{
        f"index_reduce of {how}": (
            lambda t, x, k, y, how=how: [
                t.index_reduce(x, 1, k, y, how),
                x.clone().index_reduce_(0, k[:2], y[:2], how, include_self=False),
            ],
            A,
            WHERE,
            B,
        )
        for how in ("prod", "mean", "amax", "amin")
    },
    "index_put": (
        lambda t, x, k, y: [
            t.index_put(x, (k[:3],), y),
            x.index_put((k, k), y[0]),
            x.index_put((k[:2],), y[:2], accumulate=True),
            x.clone().index_put_((k[:1],), y[0]),
            x.index_put([x.detach() > 0], y[0, 0]),
        ],
        A,
        WHERE[[1, 0, 3, 2]],
        B,
    ),
    "put": (
        lambda t, x, k, y: [x.put(k, y[:2]), t.put(x, k, y[:2], accumulate=True), x.clone().put_(k, y[:2])],
        A,
        np.arange(8).reshape(2, 4),
        B,
    ),
    "put of too few": (lambda t, x, k, y: x.put(k, y), A, INDEX, B),
    "masked_fill": (
        lambda t, x, m: [t.masked_fill(x, m, 7.0), x.masked_fill(m[0], 0), x.clone().masked_fill_(m, -1.5)],
        A,
        M,
    ),
    "masked_fill by a scalar": (lambda t, x, m: x.masked_fill(m, t.tensor(2.0, dtype=t.float64)), A, M),
    "masked_fill by a vector": (lambda t, x, m: x.masked_fill(m, x[0]), A, M),
    "masked_scatter": (
        lambda t, x, m, y: [t.masked_scatter(x, m, y), x.masked_scatter(m[0], y), x.clone().masked_scatter_(m, y)],
        A,
        M,
        B,
    ),
    "masked_scatter of too few": (lambda t, x, m, y: x.masked_scatter(m, y[0, :1]), A, M, B),
    "diagonal_scatter": (
        lambda t, x, y: [t.diagonal_scatter(x, y[:3]), x.diagonal_scatter(y[:3], 1), x.diagonal_scatter(y[:2], -1)],
        A,
        ROW,
    ),
    "diagonal_scatter of another shape": (lambda t, x, y: t.diagonal_scatter(x, y), A, ROW),
    "select_scatter": (lambda t, x, y: [t.select_scatter(x, y, 0, 1), x.select_scatter(y[:3], 1, -1)], A, ROW),
    "slice_scatter": (
        lambda t, x, y: [t.slice_scatter(x, y[:2], 0, 1), x.slice_scatter(y[:, :2], 1, 0, 4, 2), x.slice_scatter(y)],
        A,
        B,
    ),
}

CALCULUS = {
    "diff": (lambda t, x: [t.diff(x), x.diff(2), t.diff(x, dim=0), x.diff(n=5), x.diff(0)], A),
    "diff with ends": (lambda t, x, y: [t.diff(x, prepend=y[:, :1]), x.diff(append=y, dim=0), x.diff(1, 0, y, y)], A, B),
    "diff of bools": (lambda t, x: t.diff(x), M),
    "diff of ints": (lambda t, x: x.diff(), K),
    "diff of a scalar": (lambda t, x: t.diff(x[0, 0]), A),
    "trapezoid": (lambda t, x: [t.trapezoid(x), t.trapezoid(x, dx=0.5), t.trapz(x, dim=0), t.trapezoid(x, dim=-2, dx=2)], A),
    "trapezoid at points": (
        lambda t, x, y: [t.trapezoid(x, y), t.trapezoid(x, x * 2), t.trapz(x[0], y), t.trapezoid(x, y[:3], dim=0)],
        A,
        ROW,
    ),
    "trapezoid of ints": (lambda t, x: [t.trapezoid(x), t.cumulative_trapezoid(x)], K),
    "cumulative_trapezoid": (
        lambda t, x, y: [t.cumulative_trapezoid(x), t.cumulative_trapezoid(x, y), t.cumulative_trapezoid(x, dx=2, dim=0)],
        A,
        ROW,
    ),
    "gradient": (lambda t, x: [*t.gradient(x), *t.gradient(x, dim=1), *t.gradient(x, spacing=0.5, dim=(0, 1))], A),
    "gradient with edges": (
        lambda t, x: [*t.gradient(x, edge_order=2), *t.gradient(x, spacing=[2.0, 0.5], edge_order=2)],
        A,
    ),
    "gradient at points": (
        lambda t, x: [*t.gradient(x, spacing=(t.tensor([0.0, 1, 3, 4], dtype=t.float64),), dim=1)],
        A,
    ),
}
ALL = {**SHAPES, **JOINS, **SCATTER, **CALCULUS}


@pytest.mark.parametrize("name", ALL)
def test_same_as_pytorch(name):
    build, *arrays = ALL[name]
    agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if any(a.dtype == np.float64 for a in case[1:])])
def test_same_in_float32(name):
    if any(word in name for word in ("another dtype", "points", "by a scalar", "scatter_")):  # of float64 by name
        return
    build, *arrays = ALL[name]
    agree(build, *(a.astype("f") if a.dtype == np.float64 else a for a in arrays), orders=0)


TURNED = {
    "squeeze_": lambda x: x[:1].clone().squeeze_(0),
    "unsqueeze_": lambda x: x.clone().unsqueeze_(1),
    "t_": lambda x: x.clone().t_(),
    "transpose_": lambda x: x.clone().transpose_(0, 1),
    "swapaxes_": lambda x: x.clone().swapaxes_(0, 1),
    "swapdims_": lambda x: x.clone().swapdims_(-1, -2),
}


@pytest.mark.parametrize("name", TURNED)
def test_turned_in_place(name):
    assert name in methods.TURNED
    agree(lambda t, x: [TURNED[name](x * 1), TURNED[name](x) * 2], A)

    def of_a_view(t, x):
        z = x * 1
        v = z[:1] if name == "squeeze_" else z[1:]
        getattr(v, name)(*{"unsqueeze_": (1,), "squeeze_": (0,), "t_": ()}.get(name, (0, 1)))
        v.mul_(2)
        return [z, v * 1]

    agree(of_a_view, A)


def test_a_leaf_is_not_turned_in_place():
    agree(lambda t, x: x.t_(), A)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 2, 2), (7, 2)])
def test_fill_diagonal(shape, wrap):
    agree(lambda t, x: x.clone().fill_diagonal_(2.5, wrap), normal(*shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 2)])
def test_fill_diagonal_of_what_has_none(shape):
    agree(lambda t, x: x.clone().fill_diagonal_(2.5), normal(*shape))


VIEWS = {
    "movedim": (lambda x: x.movedim(0, 1), True),
    "swapaxes": (lambda x: x.swapaxes(0, 1), True),
    "unflatten": (lambda x: x.unflatten(1, (2, 2)), True),
    "unfold": (lambda x: x.unfold(1, 2, 1), True),
    "diagonal": (lambda x: x.diagonal(1), True),
    "diag": (lambda x: x.diag(), False),
    "tensor_split": (lambda x: x.tensor_split(2, 1)[1], True),
    "hsplit": (lambda x: x.hsplit(2)[0], True),
    "broadcast_to": (lambda x: x.broadcast_to((2, 3, 4)), True),
    "ravel": (lambda x: x.ravel(), True),
    "narrow_copy": (lambda x: x.narrow_copy(0, 1, 1), False),
    "rot90": (lambda x: x.rot90(), False),
    "tile": (lambda x: x.tile(1, 1), False),
    "index_fill": (lambda x: x.index_fill(0, (x[0, :1] > 99).long(), 0), False),
    "view as another dtype": (lambda x: x.view(x.long().dtype), True),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_shares_memory(name):
    make, shares = VIEWS[name]

    def build(torch, x):
        y = make(x.detach())
        x.detach().zero_()
        return [int(abs(y).sum().item() == 0)]

    agree(build, np.abs(A) + 1)
    x = dynamic.from_numpy(A.copy())
    assert np.shares_memory(make(x).numpy(), x.numpy()) == shares


WRITTEN = {
    "a diagonal": lambda z, y: z.diagonal().mul_(y[:3]),
    "a filled diagonal": lambda z, y: z.diagonal(1).fill_(3.0),
    "windows that do not overlap": lambda z, y: z.unfold(1, 2, 2).mul_(2),
    "what was moved": lambda z, y: z.movedim(0, 1)[1].add_(y[:3]),
    "a piece": lambda z, y: z.tensor_split(2, 1)[0].mul_(y[:2]),
    "what was taken apart": lambda z, y: z.unflatten(1, (2, 2))[:, 0].mul_(3),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_changes_through_views(name):
    def build(torch, x, y):
        z = x * 1
        WRITTEN[name](z, y)
        return [z, z * z]

    agree(build, A, ROW)


def test_every_function_is_tried():
    tried = covered(*(case[0] for case in ALL.values()), *(case[0] for case in VIEWS.values()))
    shown = {
        "view",
        "reshape",
        "flatten",
        "squeeze",
        "unsqueeze",
        "expand",
        "t",
        "transpose",
        "select",
        "split",
        "chunk",
        "unbind",
    }
    for module in (shapes, joining, scattering, calculus):
        assert {*module.FUNCTIONS, *module.METHODS} - tried - shown == set()  # these are in the older table
