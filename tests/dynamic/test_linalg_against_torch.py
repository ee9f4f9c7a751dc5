"""Linear algebra under PyTorch's names gives PyTorch's values, dtypes, shapes and gradients.

Vectors whose sign is free are compared by what does not depend on it.
"""

import numpy as np
import pytest

import dynamic
from dynamic import linalg
from dynamic.functions import factors, norms, products, solving
from tests.dynamic.oracle import agree, covered, normal, pytorch


pytestmark = pytest.mark.oracle

A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
SQUARE, OTHER, BATCH = normal(3, 3) + np.eye(3) * 2, normal(3, 3, seed=1), normal(2, 3, 3) + np.eye(3) * 3
TALL, WIDE = normal(5, 3), normal(3, 5)
CUBE, CUBE2 = normal(2, 3, 4), normal(2, 4, 5)
INTS = np.random.default_rng(3).integers(-4, 5, (3, 3))
V3, W3 = normal(2, 3), normal(2, 3, seed=1)
INF = float("inf")


def positive(x):
    return x @ x.mT + 0.5


def symmetric(x):
    return x + x.mT


def outers(v):
    """What does not depend on the signs of the columns of ``v``."""
    return v.unsqueeze(-2) * v.unsqueeze(-3)


PRODUCTS = {
    "mm": (lambda t, x, y: [t.mm(x, y), x.mm(y)], A, B.T.copy()),
    "matmul": (lambda t, x, y: [t.matmul(x, y), x.matmul(y[0]), t.linalg.matmul(x, y)], CUBE, CUBE2),
    "matmul of one dtype": (lambda t, x: t.matmul(x, x.float()), SQUARE),
    "bmm": (lambda t, x, y: [t.bmm(x, y), x.bmm(y)], CUBE, CUBE2),
    "bmm of batches": (lambda t, x, y: t.bmm(x, y[:1]), CUBE, CUBE2),
    "mv": (lambda t, x, y: [t.mv(x, y), x.mv(y)], A, ROW),
    "dot": (lambda t, x: [t.dot(x, x * 2), x.dot(x)], ROW),
    "dot of sizes": (lambda t, x: x.dot(x[:2]), ROW),
    "vdot": (lambda t, x: [t.vdot(x, x * 2), x.vdot(x)], ROW),
    "inner": (lambda t, x, y: [t.inner(x, y), x.inner(y[0]), t.inner(x, y[0, 0]), y[0].inner(y[1])], A, B),
    "inner of sizes": (lambda t, x: t.inner(x, x[:, :2]), A),
    "outer": (lambda t, x, y: [t.outer(x[0], y), x[0].outer(y), t.ger(y, y), y.ger(y)], A, ROW),
    "outer of matrices": (lambda t, x: t.outer(x, x), A),
    "kron": (lambda t, x, y: [t.kron(x, y), x.kron(y[0]), x[0].kron(y)], A, OTHER),
    "kron of more dimensions": (lambda t, x, y: [t.kron(x, y), t.kron(y, x)], CUBE, A),
    "cross": (lambda t, x, y: [t.cross(x, y, dim=1), x.cross(y, 1), t.linalg.cross(x, y), t.cross(x[0], y[0])], V3, W3),
    "cross along the first of three": (lambda t, x, y: [t.cross(x, y), t.cross(x, y, dim=0)], SQUARE, OTHER),
    "cross of another size": (lambda t, x: t.cross(x, x, dim=1), A),
    "linalg.cross broadcasts": (lambda t, x, y: t.linalg.cross(x, y[:1], dim=-1), V3, W3),
    "tensordot": (
        lambda t, x, y: [t.tensordot(x, y, 1), t.tensordot(x, y, dims=([2], [1])), t.tensordot(x, y, ([0, 2], [0, 1]))],
        CUBE,
        normal(4, 4, 5)[:4],
    ),
    "tensordot of two": (lambda t, x, y: [t.tensordot(x, y), t.tensordot(x, y, dims=0)], A, B.reshape(3, 4)),
    "einsum": (
        lambda t, x, y: [t.einsum("bij,jk->bik", x, y), t.einsum("bij->ji", x), t.einsum("i j , i j", y, y)],
        CUBE,
        B.T.copy(),
    ),
    "einsum of a list": (lambda t, x, y: t.einsum("ij,ij->i", [x, y]), A, B),
    "chain_matmul": (lambda t, x, y: [t.chain_matmul(x, y, x), t.chain_matmul(x, y)], A, B.T.copy()),
    "multi_dot": (
        lambda t, x, y, v: [t.linalg.multi_dot([x, y, x]), t.linalg.multi_dot([v, y, x]), t.linalg.multi_dot([v, y, x, v])],
        A,
        B.T.copy(),
        ROW,
    ),
    "multi_dot of one": (lambda t, x: t.linalg.multi_dot([x]), A),
    "vecdot": (lambda t, x, y: [t.linalg.vecdot(x, y), t.linalg.vecdot(x, y, dim=0), t.linalg.vecdot(x, y[0])], A, B),
    "addmm": (lambda t, b, x, y: [t.addmm(b, x, y, beta=0.5, alpha=2), b.addmm(x, y)], ROW[:3].copy(), A, B.T.copy()),
    "addmm of 2017": (
        lambda t, b, x, y: [t.addmm(0.5, b, 2, x, y), t.addmm(0.5, b, x, y), b.addmm(0.5, 2, x, y), b.addmm(2, x, y)],
        ROW[:3].copy(),
        A,
        B.T.copy(),
    ),
    "addmm_": (
        lambda t, b, x, y: [b.clone().addmm_(x, y), b.clone().addmm_(x, y, beta=2, alpha=0.5)],
        SQUARE,
        A,
        B.T.copy(),
    ),
    "addmm without its sum": (lambda t, b, x, y: t.addmm(b, x, y, beta=0), SQUARE * np.nan, A, B.T.copy()),
    "addmm of another shape": (lambda t, b, x, y: t.addmm(b, x, y), ROW, A, B.T.copy()),
    "addmv": (
        lambda t, b, x, y: [
            t.addmv(b, x, y),
            b.addmv(x, y, beta=2),
            b.clone().addmv_(x, y, alpha=2),
            t.addmv(0.5, b, 2, x, y),
        ],
        ROW[:3].copy(),
        A,
        ROW,
    ),
    "addr": (
        lambda t, b, x, y: [t.addr(b, x, y), b.addr(x, y, beta=2, alpha=3), b.clone().addr_(x, y), t.addr(0.5, b, 2, x, y)],
        A,
        ROW[:3].copy(),
        ROW,
    ),
    "addbmm": (
        lambda t, b, x, y: [t.addbmm(b, x, y), b.addbmm(x, y, beta=2, alpha=3), b.clone().addbmm_(x, y)],
        normal(3, 5),
        CUBE,
        CUBE2,
    ),
    "baddbmm": (
        lambda t, b, x, y: [t.baddbmm(b, x, y), b.baddbmm(x, y, beta=2, alpha=3), b.expand(2, 3, 5).clone().baddbmm_(x, y)],
        normal(1, 3, 5),
        CUBE,
        CUBE2,
    ),
    "int addmm by a float": (lambda t, x: t.addmm(x, x, x, alpha=0.5), INTS),
    "trace": (lambda t, x: [t.trace(x), x.trace()], A),
    "trace of ints": (lambda t, x: [t.trace(x), x.int().trace()], INTS),
    "trace of a cube": (lambda t, x: t.trace(x), CUBE),
    "cov": (lambda t, x: [t.cov(x), x.cov(correction=0), t.cov(x[0])], A),
    "cov of weights": (
        lambda t, x, f, a: [t.cov(x, fweights=f), t.cov(x, aweights=a.detach()), t.cov(x, fweights=f, aweights=a.detach())],
        A,
        np.array([1, 2, 1, 3]),
        np.abs(ROW),
    ),
    "corrcoef": (lambda t, x: [t.corrcoef(x), x.corrcoef()], A),
    "corrcoef of a vector": (lambda t, x: t.corrcoef(x), ROW),
    "int products": (lambda t, x: [x @ x, x.mm(x), x[0].dot(x[1]), x.mv(x[0]), t.outer(x[0], x[1])], INTS),
}

NORMS = {
    **{
        f"norm of {p}": (
            lambda t, x, p=p: [
                t.norm(x, p),
                x.norm(p),
                x.norm(p, 1),
                x.norm(p, dim=0, keepdim=True),
                t.norm(x, p=p, dim=(0, 1)),
            ],
            A,
        )
        for p in (1, 2, 3, 0.5, 2.5, INF, -INF, "fro")
    },
    "norm of 0": (lambda t, x: [t.norm(x, 0), x.norm(0, 1)], np.round(A)),
    "norm by default": (lambda t, x: [t.norm(x), x.norm(), x.norm(dim=1), x.norm(p="nuc"), x.norm("nuc", (0, 1), True)], A),
    "norm in a smaller dtype": (lambda t, x: t.norm(x, dtype=t.float32), A),
    "norm in another dtype": (lambda t, x: [t.norm(x, dtype=t.float64), x.norm(2, 1, dtype=t.float64)], A.astype("float32")),
    "norm of ints": (lambda t, x: x.norm(), INTS),
    "norm of zeros": (lambda t, x: [x.norm(), x.norm(1), x.norm(3), x.norm(2, 1)], np.zeros((2, 3))),
    "norm of no such p": (lambda t, x: x.norm("abc"), A),
    "frobenius_norm": (lambda t, x: [t.frobenius_norm(x, 1), t.frobenius_norm(x, (0, 1), True)], A),
    "nuclear_norm": (lambda t, x: [t.nuclear_norm(x), t.nuclear_norm(x, (0, 1))], A),
    **{
        f"linalg.vector_norm of {p}": (
            lambda t, x, p=p: [
                t.linalg.vector_norm(x, p),
                t.linalg.vector_norm(x, p, dim=(0, 2)),
                t.linalg.norm(x[0, 0], p),
            ],
            CUBE,
        )
        for p in (1, 2, 3.5, INF, -INF)
    },
    "linalg.vector_norm in another dtype": (
        lambda t, x: t.linalg.vector_norm(x, 2, 1, True, dtype=t.float64),
        A.astype("f"),
    ),
    **{
        f"linalg.matrix_norm of {p}": (
            lambda t, x, p=p: [
                t.linalg.matrix_norm(x, p),
                t.linalg.matrix_norm(x, p, dim=(0, 2), keepdim=True),
                t.linalg.matrix_norm(x, p, dim=(2, 0)),
                t.linalg.norm(x[0], p),
            ],
            CUBE,
        )
        for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)
    },
    "linalg.norm": (lambda t, x: [t.linalg.norm(x), t.linalg.norm(x, dim=1), t.linalg.norm(x, 2, (1, 2))], CUBE),
    "linalg.norm of too many": (lambda t, x: t.linalg.norm(x, 2), CUBE),
    "linalg.matrix_norm of 3": (lambda t, x: t.linalg.matrix_norm(x, 3), A),
    "linalg.matrix_norm of one dimension twice": (lambda t, x: t.linalg.matrix_norm(x, dim=(0, 0)), A),
    **{
        f"linalg.cond of {p}": (lambda t, x, p=p: t.linalg.cond(x, p), SQUARE)
        for p in (None, 2, -2, 1, -1, INF, "fro", "nuc")
    },
    "dist": (lambda t, x, y: [t.dist(x, y), x.dist(y, 1), t.dist(x, y, p=3), t.dist(x, y[0])], A, B),
    **{f"cdist of {p}": (lambda t, x, y, p=p: t.cdist(x, y, p), A, B[:2].copy()) for p in (1.0, 2.0, 3.0, INF, 0.5)},
    "cdist of batches": (lambda t, x, y: [t.cdist(x, y), t.cdist(x[0], y)], CUBE, normal(2, 5, 4)),
    "cdist of other rows": (lambda t, x: t.cdist(x, x[:, :2]), A),
    **{f"pdist of {p}": (lambda t, x, p=p: t.pdist(x, p), A) for p in (1.0, 2.0, 3.0)},
    "renorm": (
        lambda t, x: [t.renorm(x, 2, 0, 1.5), x.renorm(1, 1, 2.0), x.clone().renorm_(2, -1, 1.0), t.renorm(x, 3, 0, 0.5)],
        A,
    ),
    "renorm of a vector": (lambda t, x: t.renorm(x, 2, 0, 1.0), ROW),
    "matrix_rank": (
        lambda t, x: [t.linalg.matrix_rank(x), t.linalg.matrix_rank(x.T @ x), t.linalg.matrix_rank(x, atol=1.0)],
        A,
    ),
    "matrix_rank with a share": (lambda t, x: [t.linalg.matrix_rank(x, rtol=0.5), t.linalg.matrix_rank(x, 0.9)], BATCH),
}

SOLVED = {
    "inverse": (lambda t, x: [t.inverse(x), x.inverse(), t.linalg.inv(x)], SQUARE),
    "inverse of a batch": (lambda t, x: t.linalg.inv(x), BATCH),
    "inverse of what is not square": (lambda t, x: t.inverse(x), A),
    "inverse of ints": (lambda t, x: t.inverse(x), INTS),
    "det": (lambda t, x: [t.det(x), x.det(), t.linalg.det(x)], SQUARE),
    "det of a batch": (lambda t, x: [t.det(x), x.logdet()], BATCH),
    "det of a vector": (lambda t, x: t.det(x), ROW),
    "logdet": (lambda t, x: [t.logdet(x), x.logdet()], SQUARE),
    "logdet of a negative one": (lambda t, x: t.logdet(x.detach()), -SQUARE),
    "slogdet": (lambda t, x: [t.slogdet(x), x.slogdet(), t.linalg.slogdet(x)], SQUARE),
    "slogdet of a batch": (lambda t, x: t.linalg.slogdet(x), -BATCH),
    "slogdet by name": (lambda t, x: [t.slogdet(x).logabsdet, t.linalg.slogdet(x).sign], SQUARE),
    "pinverse": (lambda t, x: [t.pinverse(x), x.pinverse(), t.linalg.pinv(x)], TALL),
    "pinverse of a wide one": (lambda t, x: t.linalg.pinv(x), WIDE),
    "pinverse of a batch": (lambda t, x: t.linalg.pinv(x, rtol=1e-6), CUBE),
    "linalg.solve": (lambda t, x, y: [t.linalg.solve(x, y), t.linalg.solve(x, y[:, 0])], SQUARE, A),
    "linalg.solve of batches": (
        lambda t, x, y: [t.linalg.solve(x, y), t.linalg.solve(x, y[..., 0])],
        BATCH,
        normal(2, 3, 2),
    ),
    "linalg.solve broadcasts": (lambda t, x, y: [t.linalg.solve(x, y), t.linalg.solve(x[0], y)], BATCH, normal(2, 3, 2)),
    "linalg.solve from the right": (lambda t, x, y: t.linalg.solve(x, y.T, left=False), SQUARE, A),
    "linalg.solve of other sizes": (lambda t, x, y: t.linalg.solve(x, y), SQUARE, ROW),
    "linalg.solve of what is not square": (lambda t, x: t.linalg.solve(x, x), A),
    "linalg.solve_triangular": (
        lambda t, x, y: [
            t.linalg.solve_triangular(x, y, upper=True),
            t.linalg.solve_triangular(x, y, upper=False),
            t.linalg.solve_triangular(x, y.T, upper=True, left=False),
            t.linalg.solve_triangular(x, y, upper=True, unitriangular=True),
        ],
        SQUARE + np.eye(3) * 3,
        A,
    ),
    "triangular_solve": (
        lambda t, x, y: [*t.triangular_solve(y, x), *y.triangular_solve(x, upper=False, transpose=True)],
        SQUARE + np.eye(3) * 3,
        A,
    ),
    "cholesky_solve": (
        lambda t, x, y: [
            t.cholesky_solve(y, t.linalg.cholesky(positive(x))),
            y.cholesky_solve(t.linalg.cholesky(positive(x)).mT, upper=True),
        ],
        SQUARE,
        A,
    ),
    "cholesky_inverse": (
        lambda t, x: [t.cholesky_inverse(t.linalg.cholesky(positive(x))), t.linalg.cholesky(positive(x)).cholesky_inverse()],
        SQUARE,
    ),
    "lu_solve": (
        lambda t, x, y: [t.lu_solve(y, *t.linalg.lu_factor(x)), t.linalg.lu_solve(*t.linalg.lu_factor(x), y)],
        SQUARE,
        A,
    ),
    "lstsq": (lambda t, x, y: [t.linalg.lstsq(x, y)[0], t.linalg.lstsq(x.detach(), y.detach())[2]], TALL, normal(5, 2)),
    **{
        f"lstsq by {driver}": (
            lambda t, x, y, driver=driver: list(t.linalg.lstsq(x.detach(), y.detach(), driver=driver)),
            TALL,
            normal(5, 2),
        )
        for driver in ("gelsy", "gels", "gelsd", "gelss")
    },
    "lstsq of a vector": (lambda t, x, y: t.linalg.lstsq(x, y[:, :1]).solution, TALL, normal(5, 2)),
    "lstsq of a wide one": (lambda t, x, y: t.linalg.lstsq(x, y).solution, WIDE, normal(3, 2)),
    "matrix_power": (
        lambda t, x: (
            [t.matrix_power(x, n) for n in (0, 1, 2, 3, 5, -1, -2)] + [x.matrix_power(2), t.linalg.matrix_power(x, 4)]
        ),
        SQUARE,
    ),
    "matrix_power of a batch": (lambda t, x: [t.matrix_power(x, 3), t.matrix_power(x, 0)], BATCH),
    "matrix_power of what is not square": (lambda t, x: t.matrix_power(x, 2), A),
    "matrix_exp": (lambda t, x: [t.matrix_exp(x), x.matrix_exp(), t.linalg.matrix_exp(x * 0.1)], SQUARE),
    "householder_product": (
        lambda t, x: t.linalg.householder_product(x, x[0] * 0.5),
        SQUARE,
    ),
    "matrix_exp of a batch": (lambda t, x: t.linalg.matrix_exp(x * 2), BATCH),
    "tensorinv": (
        lambda t, x: t.linalg.tensorinv(x.reshape(2, 3, 6) + t.eye(6, dtype=t.float64).reshape(2, 3, 6)),
        normal(6, 6),
    ),
    "tensorsolve": (lambda t, x, b: t.linalg.tensorsolve(x.reshape(2, 3, 6), b), normal(6, 6) + np.eye(6) * 3, normal(2, 3)),
    "the variants with info": (
        lambda t, x: [*t.linalg.inv_ex(x), *t.linalg.cholesky_ex(positive(x)), *t.linalg.solve_ex(x, x)],
        SQUARE,
    ),
    "lu_factor_ex": (lambda t, x: list(t.linalg.lu_factor_ex(x)), SQUARE),
    "linalg.vander": (lambda t, x: [t.linalg.vander(x), t.linalg.vander(x, N=3)], A),
    "linalg.diagonal": (lambda t, x: [t.linalg.diagonal(x), t.linalg.diagonal(x, offset=1, dim1=0, dim2=2)], CUBE),
}

FACTORS = {
    "cholesky": (
        lambda t, x: [t.cholesky(positive(x)), positive(x).cholesky(upper=True), t.linalg.cholesky(positive(x))],
        SQUARE,
    ),
    "cholesky of a batch": (lambda t, x: t.linalg.cholesky(positive(x), upper=True), BATCH),
    "qr": (lambda t, x: [*t.qr(x), *x.qr(), *t.linalg.qr(x)], TALL),
    "qr of a square one": (lambda t, x: [*t.linalg.qr(x)], SQUARE),
    "qr of a batch": (lambda t, x: [*t.linalg.qr(x)], normal(2, 4, 3)),
    "qr of a wide one": (lambda t, x: [*t.linalg.qr(x)], WIDE),
    "qr, r alone": (lambda t, x: [*t.linalg.qr(x.detach(), mode="r")], TALL),
    "qr, complete": (lambda t, x: [*t.linalg.qr(x.detach(), mode="complete")], TALL),
    "qr, no such mode": (lambda t, x: t.linalg.qr(x, mode="abc"), TALL),
    "lu": (lambda t, x: [*t.linalg.lu(x)], SQUARE),
    "lu of a batch": (lambda t, x: [*t.linalg.lu(x)], BATCH),
    "lu of a tall one": (lambda t, x: [*t.linalg.lu(x.detach())], TALL),
    "lu of a wide one": (lambda t, x: [*t.linalg.lu(x.detach())], WIDE),
    "lu_factor": (lambda t, x: [*t.linalg.lu_factor(x), *t.lu(x), *x.lu(get_infos=True)], SQUARE),
    "lu_factor of a tall one": (lambda t, x: [*t.linalg.lu_factor(x.detach())], TALL),
    "lu_factor of a wide one": (lambda t, x: [*t.linalg.lu_factor(x.detach())], WIDE),
    "lu_unpack": (lambda t, x: [*t.lu_unpack(*t.linalg.lu_factor(x))], SQUARE),
    "lu_unpack in part": (
        lambda t, x: (
            [*t.lu_unpack(*t.linalg.lu_factor(x), unpack_data=False)][:1]
            + [*t.lu_unpack(*t.linalg.lu_factor(x), unpack_pivots=False)][1:]
        ),
        BATCH,
    ),
    "eigvalsh": (lambda t, x: [t.linalg.eigvalsh(symmetric(x)), t.linalg.eigvalsh(symmetric(x), UPLO="U")], SQUARE),
    "eigvalsh of one triangle": (lambda t, x: [t.linalg.eigvalsh(x.detach()), t.linalg.eigvalsh(x.detach(), "U")], SQUARE),
    "eigh": (lambda t, x: [t.linalg.eigh(symmetric(x))[0], outers(t.linalg.eigh(symmetric(x))[1])], SQUARE),
    "eigh of a batch": (lambda t, x: outers(t.linalg.eigh(symmetric(x)).eigenvectors), BATCH),
    "eigh of no such triangle": (lambda t, x: t.linalg.eigh(x, "A"), SQUARE),
    "svdvals": (lambda t, x: [t.linalg.svdvals(x), t.linalg.svdvals(x.T)], TALL),
    "svd": (lambda t, x: [t.svd(x)[1], outers(t.svd(x).U), outers(t.svd(x).V), x.svd().S], TALL),
    "svd of a wide one": (lambda t, x: [outers(t.svd(x).U), outers(t.svd(x).V)], WIDE),
    "svd of a batch": (lambda t, x: [t.linalg.svd(x, full_matrices=False).S, outers(t.svd(x).V)], BATCH),
    "svd composed": (lambda t, x: t.linalg.svd(x, False).U @ t.linalg.svd(x, False).Vh, TALL),
    "svd of full matrices": (
        lambda t, x: [
            t.linalg.svd(x.detach()).U.shape,
            t.linalg.svd(x.detach()).Vh.shape,
            t.svd(x.detach(), some=False).U.shape,
        ],
        TALL,
    ),
    "svd of values alone": (
        lambda t, x: [t.svd(x.detach(), compute_uv=False).S, t.svd(x.detach(), compute_uv=False).U],
        TALL,
    ),
    "eigvals": (
        lambda t, x: (
            [e.sort()[0] for v in [t.linalg.eigvals(x.detach())] for e in (v.real, v.imag)]
            + [t.linalg.eig(x.detach())[0].real.sort()[0]]
        ),
        SQUARE,
    ),
    "eig of what is not square": (lambda t, x: t.linalg.eig(x.detach()), A),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    build, *arrays = PRODUCTS[name]
    agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("name", NORMS)
def test_norms_and_distances(name):
    build, *arrays = NORMS[name]
    # PyTorch changes in place what it saved for cond; its second gradient of a norm of 0 is NaN.
    orders = 0 if name.startswith("linalg.cond") else 1 if name in ("norm of zeros", "norm in another dtype") else 2
    agree(build, *arrays, rtol=1e-10, orders=orders)


@pytest.mark.parametrize("name", SOLVED)
def test_solving(name):
    build, *arrays = SOLVED[name]
    agree(build, *arrays, rtol=1e-9)


@pytest.mark.parametrize("name", FACTORS)
def test_factors(name):
    build, *arrays = FACTORS[name]
    agree(build, *arrays, rtol=1e-8)


SINGLE = {**PRODUCTS, **NORMS, **SOLVED, **FACTORS}


@pytest.mark.parametrize("name", [name for name, case in SINGLE.items() if all(a.dtype == np.float64 for a in case[1:])])
def test_in_float32(name):
    if name in ("matmul of one dtype", "matrix_rank"):  # of float64 by name; of a limit that rounding decides
        return
    build, *arrays = SINGLE[name]
    agree(build, *(a.astype("float32") for a in arrays), orders=0, rtol=2e-3)


def test_every_function_is_tried():
    tried = covered(*(case[0] for case in SINGLE.values()), outers, positive, symmetric)
    gone = {"symeig", "solve"}  # PyTorch itself has them no more
    for module in (factors, norms, products, solving):
        assert set(module.FUNCTIONS) - tried - gone == set()
        assert set(module.METHODS) - tried - gone == set()
    public = {name for name in vars(linalg) if not name.startswith("_") and name in dir(pytorch().linalg)}
    assert public - tried - {"LinAlgError", "Any"} == set()


# What PyTorch has no more, or says in a class of its own


def test_solve_and_symeig_are_those_of_pytorch_until_1_9():
    x, b = dynamic.from_numpy(SQUARE), dynamic.from_numpy(A)
    solution, triangles = dynamic.solve(b, x)
    np.testing.assert_allclose((x @ solution).numpy(), A, atol=1e-12)
    assert triangles.shape == (3, 3)
    values, vectors = dynamic.symeig(x + x.t(), eigenvectors=True)
    np.testing.assert_allclose((vectors * values @ vectors.t()).numpy(), SQUARE + SQUARE.T, atol=1e-12)
    assert dynamic.symeig(x + x.t()).eigenvectors.numel() == 0


@pytest.mark.parametrize("function", ["inv", "cholesky", "solve"])
def test_what_has_no_answer_is_an_error_of_linear_algebra(function):
    zeros = dynamic.zeros(3, 3)
    args = (zeros, zeros) if function == "solve" else (zeros,)
    with pytest.raises(linalg.LinAlgError, match=r"(?s)Singular|positive definite") as found:
        getattr(linalg, function)(*args)
    assert isinstance(found.value, RuntimeError)
    result, info = getattr(linalg, f"{function}_ex")(*args)
    assert info.item() > 0
    assert result.shape == (3, 3)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: linalg.qr(x, mode="complete"),
        lambda x: linalg.lu(x),
        lambda x: linalg.lu_factor(x),
        lambda x: linalg.eig(x[:3]),
        lambda x: linalg.eigvals(x[:3]),
    ],
)
def test_where_no_gradient_is_known_it_says_so(build):
    with pytest.raises(RuntimeError, match="gradient"):
        build(dynamic.from_numpy(TALL).requires_grad_())
