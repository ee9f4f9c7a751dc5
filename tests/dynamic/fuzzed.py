"""Every op that PyTorch has, as a call in both: for examples that nobody chose.

``CALLS`` has by the op's name how it is called, and of what. ``ELSEWHERE`` names the ops that PyTorch has not, or where
random examples say nothing, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


Example = dict[str, Any]
"""What a call is made with: arrays and settings by name."""


@dataclass(frozen=True)
class Call:
    """How an op is called.

    Attributes:
        build: calls it, given the module (``dynamic`` or ``torch``), tensors and an example's settings.
        of: what its tensors are, one letter each: ``f`` any floating numbers, ``o`` ordinary ones, ``p`` above zero, ``u``
            between 0 and 1, ``i`` small integers, ``j`` integers above zero, ``b`` truth values.
        form: how shapes go together: ``each`` broadcast, ``one`` alike, ``axis`` with an axis that is not empty, ``square``
            matrices, or a function of a random generator that gives shapes and settings.
        sums: whether it adds up: then results may be off by what rounding moves the largest sum of sizes.
    """

    build: Callable[..., Any]
    of: str = "f"
    form: Any = "each"
    sums: bool = False


def function(name: str, *words: str) -> Callable[..., Any]:
    """The call of a function by its name (``nn.functional.relu``), with the settings of these names."""

    def build(t: Any, *tensors: Any, **settings: Any) -> Any:
        found = t
        for part in name.split("."):
            found = getattr(found, part)
        return found(*tensors, **{word: settings[word] for word in words})

    return build


def words(text: str) -> list[str]:
    """The words of ``text``."""
    return text.split()


F = "nn.functional."
CALLS: dict[str, Call] = {}

for _name in words(
    "absolute acos acosh asin asinh atan atanh ceil cos cosh erf erfc erfinv exp exp2 expm1 floor frac isfinite "
    "isinf isnan lgamma log log10 log1p log2 logical_not nan_to_num negative reciprocal round rsqrt sigmoid sign "
    "signbit sin sinc sinh sqrt square tan tanh trunc i0 relu"
):
    CALLS[_name] = Call(function(_name))
for _name in words("entr erfcx i0e i1 i1e log_ndtr ndtri"):
    CALLS[_name] = Call(function(f"special.{_name}"))
for _name, _theirs in {
    "celu": "celu",
    "elu": "elu",
    "gelu": "gelu",
    "hard_shrink": "hardshrink",
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish",
    "hard_tanh": "hardtanh",
    "leaky_relu": "leaky_relu",
    "log_sigmoid": "logsigmoid",
    "mish": "mish",
    "relu6": "relu6",
    "selu": "selu",
    "silu": "silu",
    "soft_shrink": "softshrink",
    "softplus": "softplus",
    "softsign": "softsign",
}.items():
    CALLS[_name] = Call(function(F + _theirs))
for _name in words(
    "add atan2 copysign divide equal floor_divide fmax fmin fmod greater greater_equal heaviside hypot less "
    "less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum multiply nextafter "
    "not_equal remainder subtract xlogy"
):
    CALLS[_name] = Call(function({"equal": "eq"}.get(_name, _name)), "ff")
for _name in words("bitwise_and bitwise_or bitwise_xor gcd lcm"):
    CALLS[_name] = Call(function(_name), "ii")
CALLS |= {
    "bitwise_not": Call(function("bitwise_not"), "i"),
    "left_shift": Call(lambda t, x, y, **_: x << y, "ij"),
    "right_shift": Call(lambda t, x, y, **_: x >> y, "ij"),
    "power": Call(lambda t, x, y, **_: t.pow(x, y), "ff"),
    "xlog1py": Call(function("special.xlog1py"), "ff"),
    "zeta": Call(function("special.zeta"), "po"),
    "igamma": Call(function("special.gammainc"), "pp"),
    "igammac": Call(function("special.gammaincc"), "pp"),
    "polygamma": Call(lambda t, x, **_: [t.digamma(x), t.digamma(-1e-20 * x), *(t.polygamma(n, x) for n in (1, 2))], "p"),
    "lerp": Call(function("lerp"), "ooo"),
    "where": Call(function("where"), "bff"),
    "clip": Call(lambda t, x, **_: [t.clamp(x, -1.5, 2.0), t.clamp(x, min=0.0)]),
    "threshold": Call(lambda t, x, **_: t.nn.functional.threshold(x, 0.5, -1.0)),
    "identity": Call(lambda t, x, **_: x.clone()),
    "cast": Call(lambda t, x, **_: [x.double(), x.bool(), x.half(), x.clone().nan_to_num(0, 9, -9).clamp(-9, 9).int()]),
    "binary_cross_entropy": Call(function(F + "binary_cross_entropy"), "uu", "one", sums=True),
    "sigmoid_cross_entropy_with_logits": Call(
        lambda t, x, y, **_: t.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none"), "ou", "one"
    ),
    "squared_difference": Call(lambda t, x, y, **_: t.nn.functional.mse_loss(x, y, reduction="none"), "ff", "one"),
    "softplus_below": Call(lambda t, x, **_: t.nn.functional.softplus(x, 2.0, 3.0)),
    "stop_gradient": Call(lambda t, x, **_: x.detach()),
}

# Along axes

for _name in words("sum mean prod"):
    CALLS[_name] = Call(function(_name, "dim", "keepdim"), "o", "axis", sums=True)
for _name in words("all any argmax argmin"):
    CALLS[_name] = Call(function(_name, "dim", "keepdim"), "f" if _name in ("all", "any") else "o", "axis")
for _name in words("logsumexp"):
    CALLS[_name] = Call(function(_name, "dim", "keepdim"), "f", "axis")
for _name in words("cumsum cumprod logcumsumexp"):
    CALLS[_name] = Call(function(_name, "dim"), "o", "axis", sums=True)
for _name in words("softmax log_softmax"):
    CALLS[_name] = Call(function(_name, "dim"), "f", "axis")
CALLS |= {
    "max": Call(lambda t, x, dim, keepdim, **_: [t.max(x), t.max(x, dim, keepdim)[0], t.amax(x, dim)], "f", "axis"),
    "min": Call(lambda t, x, dim, keepdim, **_: [t.min(x), t.min(x, dim, keepdim)[0], t.amin(x, dim)], "f", "axis"),
    "var": Call(lambda t, x, dim, **_: [t.var(x, dim, unbiased=False), t.var(x, dim)], "o", "axis", sums=True),
    "std": Call(lambda t, x, dim, **_: [t.std(x, dim, unbiased=False), t.std(x, dim)], "o", "axis", sums=True),
    "norm": Call(
        lambda t, x, dim, keepdim, **_: [t.linalg.vector_norm(x, p, dim, keepdim) for p in (1, 2, 3, float("inf"), 0)],
        "o",
        "axis",
    ),
    "count_nonzero": Call(function("count_nonzero", "dim"), "f", "axis"),
    "median": Call(lambda t, x, dim, **_: [t.median(x), t.median(x, dim)[0], t.nanmedian(x)], "f", "axis"),
    "sort": Call(lambda t, x, dim, **_: [t.sort(x, dim)[0], t.sort(x, dim, descending=True)[0]], "f", "axis"),
    "argsort": Call(lambda t, x, dim, **_: t.argsort(x, dim=dim, stable=True), "f", "axis"),
    "topk": Call(lambda t, x, dim, **_: [t.topk(x, 1, dim)[0], t.topk(x, 1, dim, largest=False)[0]], "f", "axis"),
    "flip": Call(lambda t, x, dim, **_: t.flip(x, (dim,)), "f", "axis"),
    "roll": Call(lambda t, x, dim, **_: t.roll(x, 2, dim), "f", "axis"),
    "expand_dims": Call(function("unsqueeze", "dim"), "f", "axis"),
    "squeeze": Call(lambda t, x, dim, **_: [t.squeeze(x), t.squeeze(x, dim)], "f", "axis"),
    "repeat": Call(lambda t, x, dim, **_: t.repeat_interleave(x, 2, dim), "f", "axis"),
    "split": Call(lambda t, x, dim, **_: list(t.split(x, 2, dim)), "f", "axis"),
    "concat": Call(lambda t, x, y, dim, **_: t.cat([x, y], dim), "ff", "axis"),
    "stack": Call(lambda t, x, y, dim, **_: t.stack([x, y], dim), "ff", "axis"),
    "frames": Call(lambda t, x, dim, **_: x.unfold(dim, 1, 2), "f", "axis"),
    "swapaxes": Call(lambda t, x, dim, **_: t.swapaxes(x, dim, 0), "f", "axis"),
    "transpose": Call(lambda t, x, dim, **_: x.permute(*reversed(range(x.dim()))), "f", "axis"),
    "sum_products": Call(lambda t, x, y, dim, **_: t.linalg.vecdot(x, y, dim=dim), "oo", "axis", sums=True),
    "take_along_axis": Call(
        lambda t, x, dim, **_: t.gather(x, dim, t.argsort(x, dim=dim, stable=True)),
        "f",
        "axis",
    ),
    "one_hot": Call(lambda t, x, **_: t.nn.functional.one_hot(x, 9), "j"),
    "bincount": Call(lambda t, x, **_: t.bincount(x.reshape(-1), minlength=4), "j"),
    "unique": Call(lambda t, x, **_: list(t.unique(x, return_inverse=True, return_counts=True)), "i"),
    "nonzero": Call(function("nonzero")),
    "searchsorted": Call(
        lambda t, x, y, dim, **_: t.searchsorted(t.sort(x.reshape(-1))[0], y.contiguous(), right=True), "oo", "axis"
    ),
    "huber_loss": Call(lambda t, x, y, **_: t.nn.functional.huber_loss(x, y, reduction="none"), "oo", "one"),
    "mse_loss": Call(lambda t, x, y, **_: t.nn.functional.mse_loss(x, y, reduction="sum"), "oo", "one", sums=True),
    "smooth_l1_loss": Call(lambda t, x, y, **_: t.nn.functional.smooth_l1_loss(x, y, reduction="none"), "oo", "one"),
}

# Shapes

CALLS |= {
    "broadcast_to": Call(lambda t, x, **_: x.expand(2, *x.shape)),
    "reshape": Call(lambda t, x, **_: [x.reshape(-1), x.reshape(1, -1) if x.numel() else x]),
    "tile": Call(lambda t, x, **_: [t.tile(x, (2, 1)), t.tile(x, (3,))]),
    "full_like": Call(lambda t, x, **_: [t.full_like(x, 3.5), t.ones_like(x), t.zeros_like(x)]),
    "getitem": Call(lambda t, x, dim, **_: [x[..., None], x[::2], x[-1], x[..., -1:]], "f", "axis"),
    "real": Call(lambda t, x, y, **_: t.complex(x, y).real, "ff", "one"),
    "imag": Call(lambda t, x, y, **_: t.complex(x, y).imag, "ff", "one"),
    "complex": Call(lambda t, x, y, **_: t.view_as_real(t.complex(x, y)), "ff", "one"),
    "conj": Call(lambda t, x, y, **_: t.view_as_real(t.conj(t.complex(x, y)).resolve_conj()), "ff", "one"),
    "view_as_complex": Call(lambda t, x, y, **_: t.view_as_complex(t.stack([x, y], -1)).imag, "ff", "one"),
    "view_as_real": Call(lambda t, x, y, **_: t.view_as_real(t.complex(x, y)), "ff", "one"),
    "frexp": Call(lambda t, x, **_: list(t.frexp(x)), "o"),
}


def _numbers(r: Any, *names: str, low: int = 1, high: int = 5) -> dict[str, int]:
    return {name: int(r.integers(low, high)) for name in names}


def _matrices(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    n = _numbers(r, "a", "b", "c", "batch", low=0 if r.integers(4) == 0 else 1)
    before = [(), (n["batch"],)][r.integers(2)]
    return [(*before, n["a"], n["b"]), (*before, n["b"], n["c"])], {}


def _vectors(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    n = _numbers(r, "a", "b", low=0)
    return [(n["a"],), (n["a"],), (n["b"],)], {}


def _image(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    n = _numbers(r, "batch", "channels", "out", "window", "stride", high=4)
    size = n["window"] + int(r.integers(0, 5))
    padding = int(r.integers(0, n["window"] // 2 + 1))
    x, w = (n["batch"], n["channels"], size, size + 1), (n["out"], n["channels"], n["window"], n["window"])
    return [x, w, (n["out"],)], {"stride": n["stride"], "padding": padding, "window": n["window"]}


def _transposed(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    (x, w, b), settings = _image(r)
    return [x, (w[1], w[0], *w[2:]), b], settings


def _rows(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    n = _numbers(r, "rows", "classes", high=6)
    return [(n["rows"], n["classes"]), (n["rows"],), (n["classes"],)], {"classes": n["classes"]}


def _image_call(name: str, *words: str) -> Callable[..., Any]:
    def build(t: Any, x: Any, _w: Any, _b: Any, window: int, stride: int, padding: int) -> Any:
        given = {"stride": stride, "padding": padding}
        return getattr(t.nn.functional, name)(x, window, **{word: given[word] for word in words})

    return build


def _classes(t: Any, y: Any, classes: int) -> Any:
    return y % classes


CALLS |= {
    "matmul": Call(function("matmul"), "oo", _matrices, sums=True),
    "einsum": Call(lambda t, x, y, **_: t.einsum("...ij,...jk->...ki", x, y), "oo", _matrices, sums=True),
    "tensordot": Call(lambda t, x, y, **_: t.tensordot(x, y, ([x.dim() - 1], [y.dim() - 2])), "oo", _matrices, sums=True),
    "matrix_transpose": Call(lambda t, x, y, **_: x.mT, "ff", _matrices),
    "linear": Call(lambda t, x, y, **_: t.nn.functional.linear(x, y.mT), "oo", lambda r: (_matrices2(r), {}), sums=True),
    "dot": Call(lambda t, x, y, z, **_: t.dot(x, y), "ooo", _vectors, sums=True),
    "outer": Call(lambda t, x, y, z, **_: t.outer(x, z), "fff", _vectors),
    "tril": Call(lambda t, x, y, **_: [t.tril(x), t.tril(x, 1)], "ff", _matrices),
    "triu": Call(lambda t, x, y, **_: [t.triu(x), t.triu(x, -1)], "ff", _matrices),
    "diagonal": Call(lambda t, x, y, **_: t.diagonal(x, 0, -2, -1), "ff", _matrices),
    "diag": Call(lambda t, x, y, z, **_: [t.diag(x), t.diag(z, 1)], "fff", _vectors),
    "trace": Call(lambda t, x, y, **_: t.trace(x), "oo", lambda r: (_matrices2(r), {}), sums=True),
    "convolution": Call(
        lambda t, x, w, b, stride, padding, **_: t.nn.functional.conv2d(x, w, b, stride, padding), "ooo", _image, sums=True
    ),
    "convolution_transpose": Call(
        lambda t, x, w, b, stride, **_: t.nn.functional.conv_transpose2d(x, w, b, stride), "ooo", _transposed, sums=True
    ),
    "max_pool": Call(_image_call("max_pool2d", "stride", "padding"), "ooo", _image),
    "avg_pool": Call(_image_call("avg_pool2d", "stride", "padding"), "ooo", _image, sums=True),
    "unfold": Call(_image_call("unfold", "stride", "padding"), "fff", _image),
    "pad": Call(
        lambda t, x, w, b, **_: [t.nn.functional.pad(x, (1, 0, 2, 1)), t.nn.functional.pad(x, (1, 0), value=2.0)],
        "fff",
        _image,
    ),
    "resample": Call(
        lambda t, x, w, b, **_: [
            t.nn.functional.interpolate(x, scale_factor=2, mode=mode, **how)
            for mode, how in (("nearest", {}), ("bilinear", {"align_corners": False}), ("bilinear", {"align_corners": True}))
        ],
        "ooo",
        _image,
        sums=True,
    ),
    "batch_norm": Call(
        lambda t, x, w, b, **_: t.nn.functional.batch_norm(x, x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False) + 1.0),
        "ooo",
        _image,
        sums=True,
    ),
    "standardize": Call(lambda t, x, w, b, **_: t.nn.functional.layer_norm(x, x.shape[1:]), "ooo", _image, sums=True),
    "nll_loss": Call(
        lambda t, x, y, z, classes: [
            t.nn.functional.nll_loss(x, _classes(t, y, classes)),
            t.nn.functional.nll_loss(x, _classes(t, y, classes), reduction="none"),
        ],
        "oij".replace("i", "j").replace("jj", "jo"),
        _rows,
        sums=True,
    ),
    "sparse_softmax_cross_entropy_with_logits": Call(
        lambda t, x, y, z, classes: t.nn.functional.cross_entropy(x, _classes(t, y, classes), reduction="none"), "ojo", _rows
    ),
    "embedding": Call(lambda t, x, y, z, classes: t.nn.functional.embedding(y % x.shape[0], x), "fjo", _rows),
    "take": Call(lambda t, x, y, z, **_: t.index_select(x, 0, y % x.shape[0]), "fjo", _rows),
    "index": Call(lambda t, x, y, z, classes: [x[y % x.shape[0]], x[:, y % classes]], "fjo", _rows),
    "scatter_add": Call(
        lambda t, x, y, z, classes: t.zeros(x.shape).scatter_add(1, (y % classes)[:, None], x), "ojo", _rows
    ),
    "scatter": Call(lambda t, x, y, z, classes: x.scatter(1, (y % classes)[:, None], -x), "fjo", _rows),
    "index_put": Call(
        lambda t, x, y, z, classes: t.zeros(x.shape).index_put((y % x.shape[0],), x, accumulate=True),
        "ojo",
        _rows,
        sums=True,
    ),
}


def _matrices2(r: Any) -> list[tuple[int, ...]]:
    n = _numbers(r, "a", "b", "c")
    return [(n["a"], n["b"]), (n["b"], n["c"])]


def _square(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    n = _numbers(r, "n", "batch", "k")
    before = [(), (n["batch"],)][r.integers(2)]
    return [(*before, n["n"], n["n"]), (*before, n["n"], n["k"])], {}


def _well(x: Any, t: Any) -> Any:
    """A matrix that is far from being singular."""
    return x * 0.1 + t.eye(x.shape[-1]) * 2.0


def _gram(x: Any, t: Any) -> Any:
    y = _well(x, t)
    return y @ y.mT


CALLS |= {
    "det": Call(lambda t, x, y, **_: t.linalg.det(_well(x, t)), "uu", _square, sums=True),
    "slogdet": Call(lambda t, x, y, **_: list(t.linalg.slogdet(_well(x, t))), "uu", _square, sums=True),
    "inverse": Call(lambda t, x, y, **_: t.linalg.inv(_well(x, t)), "uu", _square, sums=True),
    "pinv": Call(lambda t, x, y, **_: t.linalg.pinv(_well(x, t)), "uu", _square, sums=True),
    "solve": Call(lambda t, x, y, **_: t.linalg.solve(_well(x, t), y), "uu", _square, sums=True),
    "cholesky": Call(lambda t, x, y, **_: t.linalg.cholesky(_gram(x, t)), "uu", _square, sums=True),
    "eigh": Call(lambda t, x, y, **_: t.linalg.eigvalsh(_gram(x, t)), "uu", _square, sums=True),
    "svd": Call(lambda t, x, y, **_: t.linalg.svdvals(_well(x, t)), "uu", _square, sums=True),
    "qr": Call(lambda t, x, y, **_: [part.abs() for part in t.linalg.qr(_well(x, t))], "uu", _square, sums=True),
    "lu": Call(lambda t, x, y, **_: list(t.linalg.lu(_well(x, t))), "uu", _square, sums=True),
    "matrix_exp": Call(lambda t, x, y, **_: t.matrix_exp(x), "uu", _square, sums=True),
}


def _tokens(r: Any) -> tuple[list[tuple[int, ...]], Example]:
    return [(1,)], {
        "start": float(r.integers(-9, 9)),
        "count": int(r.integers(0, 9)),
        "step": float(r.choice([0.5, 1.0, 3.0, 0.1])),
    }


CALLS |= {
    "fold": Call(
        lambda t, x, w, b, window, stride, padding: t.nn.functional.fold(
            t.nn.functional.unfold(x, window, stride=stride, padding=padding),
            x.shape[2:],
            window,
            stride=stride,
            padding=padding,
        ),
        "ooo",
        _image,
        sums=True,
    ),
    "max_pool_positions": Call(
        lambda t, x, w, b, window, stride, padding: t.nn.functional.max_pool2d(
            x, window, stride, padding, return_indices=True
        )[1],
        "ooo",
        _image,
    ),
    "sum_pool": Call(
        lambda t, x, w, b, window, stride, padding: t.nn.functional.avg_pool2d(
            x, window, stride, padding, divisor_override=1
        ),
        "ooo",
        _image,
        sums=True,
    ),
    "softmax_cross_entropy_with_logits": Call(
        lambda t, x, y, z, classes: t.nn.functional.cross_entropy(x, t.softmax(x * 0.5, 1), reduction="none"), "ojo", _rows
    ),
    "arange": Call(lambda t, x, start, count, step: t.arange(start, start + count * step, step), "f", _tokens),
    "linspace": Call(lambda t, x, start, count, step: t.linspace(start, start + step, count), "f", _tokens, sums=True),
    "eye": Call(lambda t, x, start, count, step: t.eye(count, count + 1), "f", _tokens),
    "full": Call(lambda t, x, start, count, step: t.full((count, 2), start), "f", _tokens),
}
for _name, _how in {"scatter_prod": "prod", "scatter_max": "amax", "scatter_min": "amin"}.items():
    CALLS[_name] = Call(
        lambda t, x, y, z, classes, how=_how: t.scatter_reduce(x, 1, (y % classes)[:, None], -x, how), "ojo", _rows
    )

ELSEWHERE = {
    "what gradients of other ops are made of, which tests of gradients compare": words(
        "broadcast_like cast_like convolution_input convolution_weight diagonal_adjoint equal_labels_like "
        "expand_like fold_like frames_adjoint from_front index_adjoint interpolate_at_adjoint max_pool_adjoint "
        "max_pool_select nll_loss_adjoint avg_pool_adjoint sum_pool_adjoint ones_like one_hot_like pad_adjoint "
        "pad_to_adjoint put_at_like put_like repeat_adjoint resample_adjoint reshape_like spread_like split_like "
        "take_adjoint take_along_axis_adjoint tile_adjoint tile_to_adjoint trace_adjoint unbroadcast zeros_like "
        "ctc_occupancy lstm_gradient gru_gradient rnn_gradient"
    ),
    "what PyTorch has not, or in modules that are not here": words(
        "arange_to cbrt ensure_shape fft fill getitem_at interpolate_at listdiff occurrences pad_to recurrence "
        "region_positions reshape_to reverse_sequence segment_max segment_min segment_prod segment_sum "
        "segment_take shape_of shift size_of tile_to"
    ),
    "draws, of another stream": words(
        "bernoulli dropout_mask multinomial permutation random_gamma random_normal random_normal_like "
        "random_orthogonal random_poisson random_uniform random_uniform_like sample_classes sample_weighted "
        "truncated_normal"
    ),
    "what holds other ops": words("branch fused loop parameter"),
    "whole layers and losses over sequences, which tests of their own compare": words("ctc_loss gru lstm rnn"),
}

ORDINARY = {
    "sign": "of a NaN is a NaN, as in TensorFlow; PyTorch gives 0",
    "heaviside": "of a NaN is a NaN, as in numpy; PyTorch gives 0",
    "i0": "of infinity is infinity; PyTorch gives a NaN",
    "i1": "of infinity is infinity; PyTorch gives a NaN",
    "hard_swish": "of what is near the largest number is finite; in PyTorch it overflows on the way",
}
"""Ops that are tried with ordinary numbers only, and what of others is another matter."""

EITHER = frozenset(
    words(
        "celu clip elu fmax fmin gelu hard_shrink i1 i1e leaky_relu max max_pool maximum median min minimum relu "
        "relu6 remainder scatter_max scatter_min selu soft_shrink topk"
    )
)
"""Ops in which zeros of either sign are equal: which of two such comes out is left open, and hangs on the vectors' width."""

NEARER = frozenset(["gelu", "lgamma", "polygamma"])
"""Ops whose results near zero are differences of larger numbers."""

CALLS |= {name: replace(CALLS[name], of=CALLS[name].of.replace("f", "o")) for name in ORDINARY}
