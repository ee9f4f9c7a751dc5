"""Functions of each element, reductions and products under PyTorch's names give PyTorch's values, dtypes and gradients."""

import numpy as np
import pytest

import dynamic
from dynamic.functions import pointwise
from tests.dynamic.oracle import agree, covered, normal


pytestmark = pytest.mark.oracle

A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
P, U, Q = np.abs(A) + 0.5, np.tanh(A) * 0.9, np.abs(B) + 0.5
CUBE, SQUARE = normal(2, 3, 4), normal(3, 3)
K = np.random.default_rng(7).integers(-9, 10, (3, 4))
M = A > 0
TIES = np.round(A)

EDGES = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1.5, 2.5, 30.0, -30.0, 800.0, -800.0, 1e-9])

ODD_EDGES = {"lgamma": [0.0], "i0": [np.inf, -np.inf], "sinc": [1e-9]}
"""Where a slope is not PyTorch's: it has poles with signs at 0, NaN for the infinite, and loses the slope next to 0."""

UNARY = {
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "lgamma"), P),
    **dict.fromkeys(("asin", "acos", "arcsin", "arccos", "atanh", "arctanh", "log1p", "erfinv"), U),
    **dict.fromkeys(("acosh", "arccosh"), P + 1),
    "bitwise_not": K,
}
"""Where a function of one tensor is not tried on A: numbers in its domain."""


@pytest.mark.parametrize("name", pointwise._UNARY)
def test_functions_of_one(name):
    def build(torch, x):
        if name == "logical_not":  # in place on floats PyTorch goes on recording it
            x = x.detach()
        found = [getattr(torch, name)(x)]
        if name != "selu":
            found.append(getattr(x, name)())
        if name in pointwise.IN_PLACE:
            found.append(getattr(x.clone(), f"{name}_")())
        return found

    agree(build, UNARY.get(name, A), rtol=1e-8 if name == "lgamma" else 1e-12)  # of PyTorch's trigamma nine digits count


@pytest.mark.parametrize("name", pointwise._UNARY)
def test_functions_of_one_on_other_dtypes(name):
    others = [K, np.abs(K).astype("uint8"), (K % 2).astype("int32"), UNARY.get(name, A).astype("float32"), np.zeros((0, 3))]
    if name not in ("sign", "square", "relu"):
        others.append(M)
    if name in ("acosh", "arccosh", "lgamma"):  # whose slopes outside of their domains differ
        others = [np.abs(x) + 2 for x in others if x.dtype.kind != "b"]
    for x in others:
        agree(lambda torch, x: getattr(torch, name)(x), x)


@pytest.mark.parametrize("name", [name for name in pointwise._UNARY if name != "bitwise_not"])
def test_functions_of_one_at_their_edges(name):
    """Outside its domain a function is NaN in both, but not everywhere is its slope there the same."""
    function = getattr(dynamic, name)
    with np.errstate(all="ignore"):
        defined = EDGES[~np.isnan(function(dynamic.from_numpy(EDGES)).numpy())]
    if name in ODD_EDGES:
        defined = defined[np.isin(defined, ODD_EDGES[name], invert=True)]
    agree(lambda torch, x: getattr(torch, name)(x), defined, orders=1)
    if name not in (
        "sign",
        "i0",
    ):  # of NaN sign is 0 in PyTorch and NaN in numpy and TensorFlow; i0 of infinity is NaN there
        agree(lambda torch, x: getattr(torch, name)(x), EDGES, orders=0)


BINARY = {
    **dict.fromkeys(("pow", "true_divide"), (P, Q)),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "less", "less_equal", "greater"), (TIES, np.round(B))),
    **dict.fromkeys(("greater_equal", "not_equal"), (TIES, np.round(B))),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"), (K, K.T.reshape(3, 4))),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), (K, np.abs(K.T).reshape(3, 4) % 7)),
    **dict.fromkeys(("xlogy", "igamma", "igammac"), (P, Q)),
}


@pytest.mark.parametrize("name", pointwise._BINARY)
def test_functions_of_two(name):
    def build(torch, x, y):
        if name in UNRECORDED or name.startswith("logical"):  # PyTorch cannot differentiate the ones, and records the others
            x, y = x.detach(), y.detach()
        found = [getattr(torch, name)(x, y), getattr(x, name)(y), getattr(torch, name)(x, y[0])]
        if name in pointwise.IN_PLACE:
            found += [getattr(x.clone(), f"{name}_")(y), getattr(x.clone(), f"{name}_")(y[:1])]
        return found

    agree(build, *BINARY.get(name, (A, B)))


UNRECORDED = ("floor_divide", "nextafter", "igamma", "igammac")

CASES = {
    # Operators, with numbers on either side
    "+ -": (lambda t, x, y: [x + y, x - y, x + 2, 2 + x, x - 2.5, 2.5 - x, -x, +x], A, ROW),
    "* /": (lambda t, x, y: [x * y, x / y, x * 2, 3 * x, x / 4, 4 / y, abs(x)], A, P),
    "// %": (
        lambda t, x, y: [x.detach() // y.detach(), x % y.detach(), x.detach() // 2, x % 2, 7 // y.detach(), x % -2],
        A * 3,
        P,
    ),
    "% of a number": (lambda t, x: 7 % x.detach(), P),
    "**": (lambda t, x, y: [x**y, x**2, x**3, x**0.5, x**-1, x**-0.5, 2**y, 2.5**y, x**0, x**1], P, A),
    "** of negatives": (lambda t, x: [x**2, x**3, x**0, x**-2, x**2.0], A),
    "** at zero": (lambda t, x: [x**2, x**3, x**1, x**0], np.array([0.0, 1.0, -1.0])),
    "@": (lambda t, x, y: [x @ y, y @ x], SQUARE, SQUARE[::-1].copy()),
    "compare": (lambda t, x, y: [x < y, x <= y, x > y, x >= y, x == y, x != y, x > 0, x < 0], TIES, np.round(B)),
    "logic": (lambda t, x, y: [x & y, x | y, x ^ y, ~x], M, ~M),
    "bits": (lambda t, x, y: [x & y, x | y, x ^ y, ~x, x & 6, 6 | x], K, K[::-1].copy()),
    "int arithmetic": (
        lambda t, x: [x + 1, x * 2, x / 2, x // 2, x % 4, x - 1.5, 2 - x, -x, abs(x), x**2, x // -4, x % -4],
        K,
    ),
    "int division by a number": (lambda t, x: [7 // (x * x + 1), 7 % (x * x + 1), 7 / (x * x + 1)], K),
    "bool arithmetic": (lambda t, x: [x + 1, x * 2, x * 1.5, x + x, x * x, x / 2], M),
    "bool minus": (lambda t, x: x - x, M),
    "neg of bool": (lambda t, x: -x, M),
    "iadd": (lambda t, x, y: _augmented(x, y), A, P),
    "int iadd": (lambda t, x: _augmented_int(x), K),
    # Arithmetic with settings
    "add": (lambda t, x, y: [t.add(x, y, alpha=2), x.add(y, alpha=-1.5), t.add(x, 3), x.clone().add_(y, alpha=0.1)], A, ROW),
    "sub": (lambda t, x, y: [t.sub(x, y, alpha=2), t.subtract(x, y), x.sub(1), x.clone().sub_(y, alpha=3)], A, ROW),
    "mul": (lambda t, x, y: [t.mul(x, 2), x.mul(y), x.multiply(y), x.clone().mul_(2.5)], A, B),
    "div": (lambda t, x, y: [t.div(x, y), t.divide(x, y), x.div(3), x.clone().div_(y)], A, P),
    "div rounded": (
        lambda t, x, y: [t.div(x, y, rounding_mode="floor"), t.div(x, y, rounding_mode="trunc")],
        A * 5,
        P,
    ),
    "int div rounded": (lambda t, x: [t.div(x, 4, rounding_mode="floor"), t.div(x, 4, rounding_mode="trunc"), x.div(4)], K),
    "pow": (lambda t, x, y: [t.pow(x, 3), x.pow(y), t.pow(2, y), x.clone().pow_(2)], P, A),
    "clamp": (
        lambda t, x: [t.clamp(x, -0.5, 0.5), x.clamp(min=0), x.clamp(max=0.3), t.clip(x, 0, 1), x.clone().clamp_(0)],
        A,
    ),
    "clamp at its bounds": (lambda t, x: [x.clamp(min=0), x.clamp(max=1), x.clamp(-1, 1)], TIES),
    "clamp by tensors": (lambda t, x, y: [x.clamp(min=y), t.clamp(x, y, y + 1), t.clamp(x, max=y)], A, B),
    "clamp int": (lambda t, x: [x.clamp(-3, 3), x.clamp(min=0), x.clamp(min=0.5)], K),
    "clamp without bounds": (lambda t, x: x.clamp(), A),
    "maximum minimum": (lambda t, x, y: [t.maximum(x, y), t.minimum(x, y), x.maximum(y), t.max(x, y), x.min(y)], A, B),
    "maximum at ties": (lambda t, x, y: [t.maximum(x, y), t.minimum(x, y)], A, np.where(M, A, B)),
    "where": (
        lambda t, x, y: [t.where(x > 0, x, y), x.where(x > y, y), t.where(x > 0, x, 0.0), t.where(y > 0, 1.0, y)],
        A,
        B,
    ),
    "where alone": (lambda t, x: [*t.where(x), t.nonzero(x), x.nonzero()], TIES),
    "lerp": (lambda t, x, y: [t.lerp(x, y, 0.3), x.lerp(y, y), x.clone().lerp_(y, 0.1)], A, B),
    "addcmul": (lambda t, x, y: [t.addcmul(x, y, y, value=0.5), x.addcmul(y, x), x.clone().addcmul_(y, y, value=2)], A, B),
    "addcdiv": (lambda t, x, y: [t.addcdiv(x, x, y, value=0.5), x.addcdiv(y, y), x.clone().addcdiv_(x, y)], A, P),
    "out": (
        lambda t, x, y: [
            t.add(x.detach(), y.detach(), out=t.zeros(3, 4, dtype=t.float64)),
            t.exp(floats_of(t), out=t.empty(0)),
        ],
        A,
        B,
    ),
    # Reductions
    "sum": (
        lambda t, x: [t.sum(x), x.sum(1), x.sum(0, True), t.sum(x, (0, 2)), x.sum(dim=-1, keepdim=True), x.sum([1, 2])],
        CUBE,
    ),
    "sum dtype": (lambda t, x: [x.sum(dtype=t.float32), x.sum(0, dtype=t.float64)], A.astype("float32")),
    "int sums": (
        lambda t, x: [x.sum(), x.sum(0), x.prod(), x.prod(1), x.to(t.int32).sum(), x.cumsum(0), x.max(), x.min()],
        K,
    ),
    "bool sums": (lambda t, x: [x.sum(), x.sum(0), x.any(), x.all(), x.any(1), t.all(x, 0, keepdim=True), x.prod()], M),
    "int mean": (lambda t, x: x.mean(), K),
    "mean": (lambda t, x: [t.mean(x), x.mean(1), x.mean((0, 1)), x.mean(2, True), x.mean(dim=0, keepdim=True)], CUBE),
    "int mean as float": (lambda t, x: x.mean(dtype=t.float32), K),
    "prod": (lambda t, x: [t.prod(x), x.prod(1), x.prod(0, True), x.prod(dim=-1)], CUBE),
    "prod with a zero": (lambda t, x: [x.prod(1)], np.where(np.eye(3, 4) > 0, 0, A)),
    "var std": (lambda t, x: [t.var(x), x.var(1), x.var(0, False), x.std(), t.std(x, 1, keepdim=True), x.std(False)], A),
    "var correction": (lambda t, x: [x.var(0, correction=2), x.var(unbiased=False), x.std(dim=(0, 1), correction=0)], A),
    "norm": (lambda t, x: [t.norm(x), x.norm(1), x.norm(3, 1), x.norm(dim=0), x.norm(2, 1, True), x.norm(p=1, dim=1)], A),
    "norm inf": (lambda t, x: [x.norm(np.inf), x.norm(np.inf, 0), x.norm("fro"), x.norm(float("-inf"))], A),
    "norm 0": (lambda t, x: [x.norm(0), x.norm(0, 1)], TIES),
    "logsumexp": (lambda t, x: [t.logsumexp(x, 1), x.logsumexp(0, True), x.logsumexp((0, 1))], A),
    "logsumexp of infinities": (lambda t, x: t.logsumexp(x, 1), np.array([[np.inf, 1.0], [-np.inf, 2.0]])),
    "max": (lambda t, x: [t.max(x), x.max(1), x.max(0, True), t.max(x, dim=-1), x.max(dim=1, keepdim=True)], A),
    "max at ties": (lambda t, x: [x.max(), x.max(1), x.min(), x.min(0)], TIES),
    "max named": (lambda t, x: [x.max(1).values, x.max(1).indices, x.min(1)[1]], A),
    "max of a scalar": (lambda t, x: [x.max(), x.max(0)], np.array(3.0)),
    "min": (lambda t, x: [t.min(x), x.min(1), x.min(0, True), t.min(x, dim=-1)], A),
    "max of nothing": (lambda t, x: x.max(), np.zeros((0,))),
    "amax amin": (lambda t, x: [t.amax(x, 1), x.amax(), x.amin((0, 1)), t.amin(x, 0, keepdim=True)], TIES),
    "argmax argmin": (lambda t, x: [t.argmax(x), x.argmax(1), x.argmin(0, True), t.argmin(x, dim=-1)], TIES),
    "all any": (lambda t, x: [t.all(x), t.any(x), x.all(0), x.any(-1, True)], K),
    "cumsum cumprod": (lambda t, x: [t.cumsum(x, 1), x.cumsum(0), t.cumprod(x, 1), x.cumprod(dim=0)], A),
    "cumprod with a zero": (lambda t, x: x.cumprod(1), np.where(np.eye(3, 4) > 0, 0, A)),
    "sort": (
        lambda t, x: [t.sort(x), x.sort(0), x.sort(1, True), x.sort(descending=True), t.argsort(x), x.argsort(0, True)],
        A,
    ),
    "topk": (lambda t, x: [t.topk(x, 2), x.topk(2, 0), x.topk(3, 1, False), x.topk(1, dim=0, largest=False)], A),
    "softmax": (lambda t, x: [t.softmax(x, 1), x.softmax(0), t.log_softmax(x, -1), x.log_softmax(dim=0)], A),
    "softmax dtype": (
        lambda t, x: [t.softmax(x, 1, dtype=t.float64), x.log_softmax(0, dtype=t.float64)],
        A.astype("float32"),
    ),
    "equal": (lambda t, x, y: [t.equal(x, x), x.equal(y), t.allclose(x, x + 1e-9), x.allclose(y), t.equal(x, x[0])], A, B),
    "no such dim": (lambda t, x: x.sum(2), A),
    "no such dim in max": (lambda t, x: x.max(2), A),
    "dim twice": (lambda t, x: x.sum((0, 0)), A),
    # Products
    "mm": (lambda t, x, y: [t.mm(x, y), x.mm(y), t.matmul(x, y), x.matmul(y)], A, B.T.copy()),
    "matmul": (lambda t, x, y: [t.matmul(x, y), t.matmul(x, y[0]), x[0] @ y[:, 0], y[0].mT @ y[0]], CUBE, B.T.copy()),
    "matmul of vectors": (lambda t, x, y: [x @ y, y @ x[:, 0], x[:, 0] @ y, x[:, 0] @ x[:, 1]], SQUARE, SQUARE[::-1].copy()),
    "bmm": (lambda t, x, y: [t.bmm(x, y), x.bmm(y)], CUBE, np.swapaxes(CUBE, 1, 2).copy()),
    "mv dot outer": (lambda t, x, y: [t.mv(x, y), x.mv(y), t.dot(y, y), y.dot(x[0]), t.outer(x[0], y), t.ger(y, y)], A, ROW),
    "addmm": (lambda t, x, y, b: [t.addmm(b, x, y, beta=0.5, alpha=2), b.addmm(x, y)], A, B.T.copy(), ROW[:3].copy()),
    "einsum": (
        lambda t, x, y: [t.einsum("bij,jk->bik", x, y), t.einsum("bij->ji", x), t.einsum("ij,ij", y, y)],
        CUBE,
        B.T.copy(),
    ),
    "mm of vectors": (lambda t, x: t.mm(x[0], x), A),
    "mm of other sizes": (lambda t, x: x.mm(x), A),
    "matmul of other sizes": (lambda t, x: x @ x, A),
    "dot of matrices": (lambda t, x: t.dot(x, x), A),
    "bmm of matrices": (lambda t, x: t.bmm(x, x), A),
    "other dtypes in mm": (lambda t, x: x.mm(x.float()), SQUARE),
    "int mm": (lambda t, x: [x @ x, x.mm(x)], K[:, :3].copy()),
    "shapes that do not broadcast": (lambda t, x: x + x[:, :3], A),
}


def floats_of(torch):
    return torch.from_numpy(K).float()


def _augmented(x, y):
    z = x * 1
    z += y
    z -= 2
    z *= y
    z /= 3.0
    w = y * 1
    w **= 2
    return [z, w]


def _augmented_int(x):
    x += 3
    x -= 1
    x *= 2
    x //= 3
    x %= 5
    return x


@pytest.mark.parametrize("name", CASES)
def test_same_as_pytorch(name):
    build, *arrays = CASES[name]
    agree(build, *arrays)


def test_every_function_is_tried():
    """Those of two modules; what takes several steps, reductions and products are tried in their own modules too."""
    table = {*pointwise._UNARY, *pointwise._BINARY, *covered(*(case[0] for case in CASES.values()))}
    assert set(pointwise.FUNCTIONS) - table - {"rsub", "clamp_min", "clamp_max"} == set()


WITHOUT_GRADIENTS = {
    "max with NaN": (
        lambda t, x: [x.max(), x.max(1), x.min(1), x.argmax(1), x.clamp(min=0)],
        np.where(np.eye(3, 4) > 0, np.nan, A),
    ),
    "norm of zeros": (lambda t, x: [x.norm(), x.norm(2, 1)], np.zeros((2, 3))),
    "logsumexp of minus infinity": (lambda t, x: t.logsumexp(x, 1), np.array([[-np.inf, -np.inf], [-np.inf, 2.0]])),
    "int var": (lambda t, x: x.var(), K),
    "int norm": (lambda t, x: x.norm(), K),
    "int += float": (lambda t, x: x.add_(1.5), K),
    "int /= int": (lambda t, x: x.div_(2), K),
    "float += double": (lambda t, x, y: x.detach().add_(y.detach()), A.astype("float32"), B),
    "bool *= int": (lambda t, x: x.mul_(2), M),
    "row += matrix": (lambda t, x: x[0].detach().add_(x.detach()), A),
    "comparison in place": (lambda t, x: x.detach().lt_(0), A),
    "int &=": (lambda t, x: [x.__and__(3), x.bitwise_and(3)], K),
}


@pytest.mark.parametrize("name", WITHOUT_GRADIENTS)
def test_same_values_as_pytorch(name):
    build, *arrays = WITHOUT_GRADIENTS[name]
    agree(build, *arrays, orders=0)
