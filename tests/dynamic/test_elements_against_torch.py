"""Functions of each element that take several steps, special functions, old forms, out= and changes in place."""

import numpy as np
import pytest

import dynamic
from dynamic import methods, special
from dynamic.functions import blends, pointwise, special as functions
from tests.dynamic.oracle import agree, covered, normal, pytorch


pytestmark = pytest.mark.oracle

A, B, C, ROW = normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2), normal(4)
P, Q, U = np.abs(A) + 0.5, np.abs(B) + 0.5, np.tanh(A) * 0.4 + 0.5
K, J = (np.random.default_rng(seed).integers(-9, 10, (3, 4)) for seed in (7, 8))
HOLES = np.array([[1.5, np.nan, -2.0], [np.inf, -np.inf, 0.0]])
M = A > 0
TIES = np.round(A)

CASES = {
    "lerp": (lambda t, x, y: [t.lerp(x, y, 0.3), x.lerp(y, 0.7), t.lerp(x, y[0], 1.5)], A, B),
    "lerp by a tensor": (lambda t, x, y, w: [t.lerp(x, y, w), x.lerp(y, w[0])], A, B, C),
    "lerp of dtypes": (lambda t, x, y: t.lerp(x, y.float(), 0.3), A, B),
    "lerp_": (lambda t, x, y, w: [x.clone().lerp_(y, 0.1), x.clone().lerp_(y, w)], A, B, C),
    "addcmul": (
        lambda t, x, y, z: [t.addcmul(x, y, z), t.addcmul(x, y, z, value=0.5), x.addcmul(y, z[0], value=-2)],
        A,
        B,
        C,
    ),
    "addcmul of 2017": (
        lambda t, x, y, z: [t.addcmul(x, 0.5, y, z), x.addcmul(2, y, z), x.clone().addcmul_(2, y, z)],
        A,
        B,
        C,
    ),
    "addcmul of ints": (lambda t, x, y: [t.addcmul(x, x, y, value=2), x.addcmul(y, y)], K, J),
    "addcdiv": (lambda t, x, y, z: [t.addcdiv(x, y, z), t.addcdiv(x, y, z, value=0.5), x.clone().addcdiv_(y, z)], A, B, P),
    "addcdiv of 2017": (
        lambda t, x, y, z: [t.addcdiv(x, 0.5, y, z), x.addcdiv(2, y, z), x.clone().addcdiv_(2, y, z)],
        A,
        B,
        P,
    ),
    "addcdiv of ints": (lambda t, x, y: t.addcdiv(x, x, y), K, J),
    "add of 2017": (lambda t, x, y: [t.add(x, 2, y), x.add(0.5, y), x.clone().add_(3, y), t.add(x, 1)], A, B),
    "sub of 2017": (lambda t, x, y: [t.sub(x, 2, y), x.sub(0.5, y), x.clone().sub_(3, y)], A, B),
    "add by a float of ints": (lambda t, x, y: t.add(x, y, alpha=0.5), K, J),
    "rsub": (lambda t, x, y: [t.rsub(x, y), t.rsub(x, 3), t.rsub(x, y, alpha=2)], A, B),
    "round to decimals": (
        lambda t, x: [t.round(x, decimals=2), x.round(decimals=1), t.round(x * 100, decimals=-1), x.round()],
        A,
    ),
    "positive": (lambda t, x: [t.positive(x), x.positive()], A),
    "positive of bools": (lambda t, x: t.positive(x), M),
    "sgn": (lambda t, x: [t.sgn(x), x.sgn(), x.clone().sgn_()], A),
    "float_power": (lambda t, x, y: [t.float_power(x, y), x.float_power(2), t.float_power(2.0, y)], P, A),
    "float_power of others": (
        lambda t, x, k: [t.float_power(x, 2), t.float_power(k, 2), k.float_power(x)],
        P.astype("f"),
        K,
    ),
    "ldexp": (lambda t, x, k: [t.ldexp(x, k), x.ldexp(k), x.clone().ldexp_(k)], A, np.abs(K)),
    "frexp": (lambda t, x: [*t.frexp(x), *x.frexp()], A * 10),
    "frexp of ints": (lambda t, x: t.frexp(x), K),
    "heaviside": (lambda t, x, y: [t.heaviside(x.detach(), y.detach()), x.detach().heaviside(y.detach()[0])], TIES, B),
    "heaviside of dtypes": (lambda t, x: t.heaviside(x.detach(), x.detach().float()), TIES),
    "nan_to_num": (
        lambda t, x: [t.nan_to_num(x), x.nan_to_num(1.0), t.nan_to_num(x, nan=2.0, posinf=5.0, neginf=-5.0)],
        HOLES,
    ),
    "nan_to_num of float32": (lambda t, x: [t.nan_to_num(x), x.clone().nan_to_num_(0.5)], HOLES.astype("f")),
    "nan_to_num of ints": (lambda t, x: t.nan_to_num(x), K),
    "logit": (lambda t, x: [t.logit(x), x.logit(), t.logit(x, eps=0.2), t.special.logit(x, 0.1), x.clone().logit_()], U),
    "deg2rad": (lambda t, x: [t.deg2rad(x), x.deg2rad(), t.rad2deg(x), x.rad2deg(), x.clone().deg2rad_().rad2deg_()], A),
    "deg2rad of ints": (lambda t, x: [t.deg2rad(x), t.rad2deg(x)], K),
    "digamma": (lambda t, x: [t.digamma(x), x.digamma(), t.special.psi(x), x.clone().digamma_()], P),
    "digamma below 0": (lambda t, x: t.digamma(x), -P * 1.3),
    "polygamma": (lambda t, x: [t.polygamma(n, x) for n in (0, 1, 2, 3)] + [x.polygamma(1), x.clone().polygamma_(2)], P),
    "polygamma below 0": (lambda t, x: t.polygamma(-1, x), P),
    "mvlgamma": (
        lambda t, x: [t.mvlgamma(x, 1), x.mvlgamma(3), t.special.multigammaln(x, 2), x.clone().mvlgamma_(2)],
        P + 2,
    ),
    "mvlgamma of none": (lambda t, x: t.mvlgamma(x, 0), P),
    "lgamma below 0": (lambda t, x: t.lgamma(x), -P * 1.3),
    "conj": (lambda t, x: [t.conj(x), x.conj(), t.conj_physical(x), t.resolve_conj(x), t.resolve_neg(x)], A),
    "angle": (lambda t, x: [t.angle(x), x.angle()], A),
    "angle of ints": (lambda t, x: t.angle(x), K),
    "isposinf": (lambda t, x: [t.isposinf(x), x.isposinf(), t.isneginf(x), x.isneginf(), t.isreal(x), x.isreal()], HOLES),
    "isposinf of ints": (lambda t, x: [t.isposinf(x), t.isneginf(x)], K),
    "isclose": (lambda t, x: [t.isclose(x, x + 1e-9), x.isclose(x * 1.1, rtol=0.2), t.isclose(x, x + 1, atol=2)], A),
    "isclose of NaN": (lambda t, x: [t.isclose(x, x), t.isclose(x, x, equal_nan=True)], HOLES),
    "isclose of dtypes": (lambda t, x: t.isclose(x, x.float()), A),
    "isclose by less than 0": (lambda t, x: t.isclose(x, x, rtol=-1.0), A),
    "isin": (lambda t, k: [t.isin(k, k[0]), t.isin(k, 3), t.isin(2, k), t.isin(k, t.tensor([1, 2]), invert=True)], K),
    "threshold": (lambda t, x: [t.threshold(x, 0.1, 20.0), t.threshold(x, threshold=-0.5, value=0.0)], A),
    "clamp": (lambda t, x: [t.clamp(x, -0.5, 0.5), x.clip(min=0.1), t.clip(x, max=0.3), x.clamp(-0.2)], A),
    "clamp by tensors": (
        lambda t, x, y: [t.clamp(x, y, y + 1), x.clamp(min=y), x.clamp(max=y[0]), t.clamp(x, y - 2, y)],
        A,
        B,
    ),
    "clamp by tensors at ties": (lambda t, x, y: [x.clamp(min=y), x.clamp(max=y), x.clamp(y, y + 1)], TIES, np.round(B)),
    "clamp_min": (lambda t, x: [t.clamp_min(x, 0.1), x.clamp_min(0.2), x.clone().clamp_min_(0.3)], A),
    "clamp_max": (lambda t, x, y: [t.clamp_max(x, 0.1), x.clamp_max(y), x.clone().clamp_max_(0.3)], A, B),
    "where": (lambda t, x, y, m: [t.where(m, x, y), x.where(m, y), t.where(m, x, 2.0), t.where(m, 1.0, y)], A, B, M),
    "where of bytes": (lambda t, x, m: t.where(m, x, x * 2), A, M.astype("uint8")),
    "where of dtypes": (lambda t, x, k, m: [t.where(m, x, k), t.where(m, k, 2.5), t.where(m, k, 1)], A.astype("f"), K, M),
    "div rounded": (
        lambda t, x, y: (
            [t.div(x, y, rounding_mode=mode) for mode in ("floor", "trunc", None)] + [x.div(2, rounding_mode="trunc")]
        ),
        A * 5,
        P,
    ),
    "div rounded, ints": (lambda t, x, y: [x.div(y, rounding_mode=mode) for mode in ("floor", "trunc")], K, np.abs(J) + 1),
    "div rounded otherwise": (lambda t, x: t.div(x, 2, rounding_mode="ceil"), A),
    "true_divide_ and others": (
        lambda t, x, y: [x.clone().true_divide_(y), x.clone().divide_(y), x.clone().multiply_(y), x.clone().subtract_(y)],
        A,
        P,
    ),
    "shifts": (
        lambda t, x, y: [t.bitwise_left_shift(x, y), x.bitwise_right_shift(y), x.clone().bitwise_left_shift_(2)],
        K,
        np.abs(J) % 5,
    ),
    "gcd lcm": (lambda t, x, y: [t.gcd(x, y), x.lcm(y), x.clone().gcd_(y), x.clone().lcm_(y)], K, J),
    "igamma": (
        lambda t, x: [t.igamma(t.full_like(x.detach(), 2.5), x), t.special.gammaincc(t.full_like(x.detach(), 2.5), x)],
        P * 3,
    ),
    "bitwise in place": (
        lambda t, x, y: [
            x.clone().bitwise_and_(y),
            x.clone().bitwise_or_(y),
            x.clone().bitwise_xor_(3),
            x.clone().bitwise_not_(),
        ],
        K,
        J,
    ),
    "logic in place": (
        lambda t, x, y: [
            x.clone().logical_and_(y),
            x.clone().logical_or_(y),
            x.clone().logical_xor_(y),
            x.clone().logical_not_(),
        ],
        M,
        B > 0,
    ),
    "comparison in place": (
        lambda t, x, y: [
            getattr(x.clone(), f"{name}_")(y) for name in ("eq", "ne", "lt", "le", "gt", "ge", "less", "greater")
        ],
        K,
        J,
    ),
}

SPECIAL_1 = {
    **dict.fromkeys(("entr", "ndtri", "logit"), U),
    **dict.fromkeys(("erfinv", "log1p"), np.tanh(A) * 0.9),
    **dict.fromkeys(("digamma", "psi", "gammaln"), P),
    **dict.fromkeys(
        ("erf", "erfc", "erfcx", "exp2", "expm1", "expit", "i0", "i0e", "i1", "i1e", "log_ndtr", "ndtr", "round"), A
    ),
    "sinc": A,
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_pytorch(name):
    build, *arrays = CASES[name]
    if "gamma" in name:  # PyTorch's trigamma has nine digits, and below 0 there is no second derivative here
        agree(build, *arrays, rtol=1e-8, orders=1 if name.endswith("below 0") else 2)
    else:
        agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if any(a.dtype == np.float64 for a in case[1:])])
def test_same_in_float32(name):
    if name == "add by a float of ints":
        return
    build, *arrays = CASES[name]
    agree(build, *(a.astype("f") if a.dtype == np.float64 else a for a in arrays), orders=0, rtol=2e-4)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("name", SPECIAL_1)
def test_special_functions_of_one(name, dtype):
    x = SPECIAL_1[name]
    x = (
        (np.ceil(x) if name not in ("psi", "digamma", "gammaln") else np.ceil(x) + 1).astype(dtype)
        if dtype == "int64"
        else x
    )
    agree(
        lambda torch, x: getattr(torch.special, name)(x),
        x.astype(dtype),
        rtol=1e-10 if dtype == "float64" else 1e-4,
        orders=0 if dtype == "int64" or name == "logit" else 2 if dtype == "float64" else 1,
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_special_functions_of_two(name, dtype):
    def build(torch, x, y):
        function = getattr(torch.special, name)
        return [function(x, y), function(x, 2.0), function(2.0, y), function(torch.zeros_like(x), y)]

    agree(build, A.astype(dtype), P.astype(dtype), rtol=1e-11)


def test_zeta():
    agree(lambda t, y: t.special.zeta(t.full_like(y.detach(), 2.5), y), P, orders=1, rtol=1e-10)


@pytest.mark.parametrize(
    "name", ["gammainc", "gammaincc", "multigammaln", "polygamma", "logsumexp", "softmax", "log_softmax"]
)
def test_special_names_of_other_functions(name):
    args = {"multigammaln": (2,), "logsumexp": (1,), "softmax": (1,), "log_softmax": (0,)}.get(name, ())

    def build(torch, x):
        function = getattr(torch.special, name)
        if name == "polygamma":
            return function(1, x)
        return function(x.detach(), x.detach() + 1) if name.startswith("gammainc") else function(x, *args)

    agree(build, P + 1, rtol=1e-8)


@pytest.mark.parametrize("degree", [-1, 0, 1, 2, 5])
@pytest.mark.parametrize("name", functions.POLYNOMIALS)
def test_orthogonal_polynomials(name, degree):
    agree(lambda t, x: getattr(t.special, name)(x.detach(), degree), np.tanh(A) * 0.9, orders=0, rtol=1e-10)


def test_degrees_may_be_a_tensor():
    agree(lambda t, x: t.special.hermite_polynomial_h(x.detach(), t.tensor([0, 1, 2, 3])), A, orders=0)


# out=


def quiet_out(torch, function, *args, **settings):
    """A function's result where ``out=`` is an empty tensor, and whether it is that tensor."""
    out = torch.empty(0, dtype=torch.float64)
    result = function(*args, out=out, **settings)
    return [result, out * 1, result is out]


WITH_OUT = {
    **dict.fromkeys(("exp", "sin", "neg", "abs", "floor", "tanh", "sigmoid", "erf", "round", "frac", "sgn"), (1, A)),
    **dict.fromkeys(("log", "sqrt", "digamma", "lgamma", "reciprocal"), (1, P)),
    **dict.fromkeys(("add", "sub", "mul", "div", "pow", "maximum", "minimum", "atan2", "fmod", "remainder"), (2, A)),
    **dict.fromkeys(("hypot", "copysign", "fmax", "fmin", "logaddexp", "float_power"), (2, A)),
    **dict.fromkeys(("sum", "mean", "prod", "cumsum", "cumprod", "logcumsumexp", "std", "var", "amax", "amin"), (0, A, 1)),
    **dict.fromkeys(("logsumexp", "nansum", "nanmean", "quantile", "nanquantile"), (0, A, 1)),
    "matmul": (3, A),
    "mm": (3, A),
    "clamp": (0, A, 0, 1),
    "lerp": (2, A, 0.3),
    "tril": (0, A),
    "triu": (0, A),
    "diag": (0, ROW),
    "cat": (4, A),
    "stack": (4, A),
    "hstack": (4, A),
    "norm": (0, A),
}


@pytest.mark.parametrize("name", WITH_OUT)
def test_results_are_written_into_out(name):
    kind, array, *rest = WITH_OUT[name]
    if name.endswith("quantile"):
        rest = [0.4, 1]

    def build(torch, x):
        x = x.detach()
        args = {0: (x,), 1: (x,), 2: (x, abs(x) + 1), 3: (x, x.t()), 4: ([x, x],)}[kind]
        return quiet_out(torch, getattr(torch, name), *args, *rest)

    agree(build, array)


SEVERAL = ("max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin")


@pytest.mark.parametrize("name", SEVERAL)
def test_two_results_are_written_into_two_tensors(name):
    def build(torch, x):
        outs = (torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64))
        args = (2,) if name in ("topk", "kthvalue") else ()
        result = getattr(torch, name)(x.detach(), *args, dim=1, out=outs)
        return [*result, outs[0] * 1, outs[1] * 1, result[0] is outs[0], result.indices is outs[1]]

    agree(build, A)


WRONG_OUT = {
    "of a lower kind": lambda t, x: t.exp(x.detach(), out=t.empty(0, dtype=t.int64)),
    "that wants a gradient": lambda t, x: t.exp(x, out=t.empty(0, dtype=t.float64)),
    "that is a number": lambda t, x: t.exp(x.detach(), out=3),
    "that is one tensor of two": lambda t, x: t.sort(x.detach(), out=(t.empty(0, dtype=t.float64),)),
}


@pytest.mark.parametrize("name", WRONG_OUT)
def test_an_out_is_refused(name):
    agree(WRONG_OUT[name], A)


def test_an_out_of_another_shape_is_resized_with_a_warning():
    out = dynamic.ones(3)
    with pytest.warns(UserWarning, match="resized"):
        dynamic.exp(dynamic.zeros(2), out=out)
    assert out.tolist() == [1.0, 1.0]


NAMED = {
    "axis": lambda t, x: [t.sum(x, axis=1), x.mean(axis=0), t.max(x, axis=1), x.softmax(axis=1), t.cat([x, x], axis=1)],
    "keepdims": lambda t, x: [t.sum(x, 1, keepdims=True), x.amax(axis=0, keepdims=True), x.std(1, keepdims=True)],
    "input": lambda t, x: [t.sum(input=x), t.exp(input=x), t.matmul(input=x, other=x.t()), t.sort(input=x, dim=0)],
    "other": lambda t, x: [t.add(input=x, other=x), t.max(x, other=-x), t.mul(x, other=x)],
    "x and a": lambda t, x: [t.sum(a=x), t.mean(x=x, axis=1), t.squeeze(a=x)],
}


@pytest.mark.parametrize("name", NAMED)
def test_names_of_arguments(name):
    agree(NAMED[name], A)


# Every name


def test_every_function_is_tried():
    tried = covered(*(case[0] for case in CASES.values()))
    tried |= {"resolve_conj", "resolve_neg", "isneginf", "rad2deg"}
    assert set(blends.FUNCTIONS) - tried - {"round"} == set()
    assert {"where", "clamp", "clip", "add", "sub", "rsub", "div"} <= tried


def test_everything_in_special_is_tried():
    tried = {
        *SPECIAL_1,
        *functions.POLYNOMIALS,
        "xlogy",
        "xlog1py",
        "zeta",
        "gammainc",
        "gammaincc",
        "multigammaln",
        "polygamma",
    }
    public = {name for name, value in vars(special).items() if callable(value) and name in dir(pytorch().special)}
    other = {"logsumexp", "softmax", "log_softmax", "logit", "modified_bessel_i0", "modified_bessel_i1"}
    assert public - tried - other == set()


def test_every_change_in_place_is_pytorch_s():
    torch = pytorch()
    assert [name for name in {**methods.IN_PLACE, **methods.TURNED} if not hasattr(torch.Tensor, name)] == []
    assert [name for name in methods.FUNCTIONS if not hasattr(torch, name)] == []


@pytest.mark.parametrize("name", sorted(methods.FUNCTIONS))
def test_changes_in_place_as_functions(name):
    plain = name.removesuffix("_")
    args = {
        **dict.fromkeys(("clamp_min_", "clamp_max_", "xlogy_", "fill_"), (0.5,)),
        "clamp_": (0.1, 0.4),
        "clip_": (0.1, 0.4),
    }.get(name, ())
    base = K if name in ("bitwise_not_", "gcd_", "lcm_", "ldexp_") else np.clip(U, 0.05, 0.95)
    if name in ("acosh_", "arccosh_"):
        base = base + 1

    def build(torch, x):
        if name in ("index_put_", "addmv_"):
            other = (torch.tensor([0, 1]),) if name == "index_put_" else x.t() @ x
            more = (x[:1] * 2,) if name == "index_put_" else (x[0],)
            start = x.clone() if name == "index_put_" else x[0].clone()
            return getattr(torch, name)(start, other, *more)
        more = (torch.ones_like(x),) if name in ("gcd_", "lcm_", "ldexp_") else args
        y = x.detach().clone() if name.startswith("logical") else x * 1
        return getattr(torch, name)(y, *more)

    if hasattr(pytorch(), plain) or name in ("zero_", "fill_"):
        agree(build, base, orders=1, rtol=1e-10)


def test_functions_of_the_tables_are_methods_where_pytorch_s_are():
    torch = pytorch()
    for name in pointwise.FUNCTIONS:
        assert hasattr(dynamic.Tensor, name) == hasattr(torch.Tensor, name), name
