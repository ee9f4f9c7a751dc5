"""Windows, reflections, segments, low ranks and settings against PyTorch."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch, same


pytestmark = pytest.mark.oracle

WINDOWS = {
    "hann": lambda torch, n, **more: torch.hann_window(n, **more),
    "hamming": lambda torch, n, **more: torch.hamming_window(n, **more),
    "hamming with alpha": lambda torch, n, periodic=True, **more: torch.hamming_window(n, periodic, 0.6, **more),
    "hamming with beta": lambda torch, n, periodic=True, **more: torch.hamming_window(n, periodic, 0.6, 0.3, **more),
    "blackman": lambda torch, n, **more: torch.blackman_window(n, **more),
    "bartlett": lambda torch, n, **more: torch.bartlett_window(n, **more),
    "kaiser": lambda torch, n, **more: torch.kaiser_window(n, **more),
    "kaiser with beta": lambda torch, n, periodic=True, **more: torch.kaiser_window(n, periodic, 4.5, **more),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("length", [0, 1, 2, 5, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows(name, periodic, length, dtype):
    build = WINDOWS[name]
    agree(lambda torch: build(torch, length, periodic=periodic, dtype=getattr(torch, dtype)), rtol=1e-10)


@pytest.mark.parametrize("name", ["hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"])
@pytest.mark.parametrize(
    "call",
    [
        lambda torch, window: window(5),
        lambda torch, window: window(-1),
        lambda torch, window: window(2.5),
        lambda torch, window: window(5, dtype=torch.int64),
        lambda torch, window: window(5, dtype=torch.float16),
        lambda torch, window: window(5, nothing=1),
        lambda torch, window: (window(5, requires_grad=True, device="cpu") * 2).sum(),
    ],
    ids=["plain", "negative", "no integer", "integers", "half", "unknown", "requires grad"],
)
def test_arguments_of_windows(name, call):
    agree(lambda torch: call(torch, getattr(torch, name)))


A, WIDE = normal(5, 3), normal(2, 6, 4)
TAU = np.array([0.5, 1.2, 0.9])

REFLECTIONS = {
    "geqrf": (lambda torch, x: torch.geqrf(x), A),
    "geqrf of a batch": (lambda torch, x: tuple(torch.geqrf(x)), WIDE),
    "geqrf of wide matrices": (lambda torch, x: x.mT.geqrf(), WIDE),
    "geqrf of a vector": (lambda torch, x: torch.geqrf(x), A[0]),
    "householder_product": (lambda torch, x, t: torch.linalg.householder_product(x, t), A, TAU),
    "fewer reflections": (lambda torch, x, t: torch.linalg.householder_product(x, t), A, TAU[:2]),
    "of a batch": (lambda torch, x, t: torch.linalg.householder_product(x, t), WIDE, normal(2, 4)),
    "too many reflections": (lambda torch, x, t: torch.linalg.householder_product(x, t), A, normal(4)),
    "too wide": (lambda torch, x, t: torch.linalg.householder_product(x, t), A[:2], TAU),
    "orgqr": (lambda torch, x, t: torch.orgqr(x, t), A, TAU),
    "orgqr as a method": (lambda torch, x, t: x.orgqr(t), A, TAU),
    "a factorisation and back": (
        lambda torch, x: [f := torch.geqrf(x.detach()), torch.orgqr(*f) @ f[0].triu()[:3]][1:],
        A,
    ),
    "ormqr of another size": (lambda torch, x, t, y: torch.ormqr(x, t, y), A, TAU, normal(3, 2)),
}


@pytest.mark.parametrize("case", REFLECTIONS)
def test_reflections(case):
    build, *arrays = REFLECTIONS[case]
    agree(build, *arrays, rtol=1e-9)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr(left, transpose):
    def build(torch, x, y):
        h, tau = torch.geqrf(x.detach())
        return torch.ormqr(h, tau, y, left, transpose), h.ormqr(tau, y, left=left, transpose=transpose)

    agree(build, A, normal(5, 5), rtol=1e-9)


SEGMENTS = {
    "lengths": {"lengths": [2, 1, 4]},
    "an empty one": {"lengths": [2, 0, 3, 2]},
    "offsets": {"offsets": [0, 2, 2, 7]},
    "an initial value": {"lengths": [3, 4], "initial": 0.5},
    "an empty one with an initial value": {"lengths": [3, 0, 4], "initial": 0.5},
    "unsafe": {"lengths": [2, 3], "unsafe": True},
    "too short": {"lengths": [2, 3]},
    "negative": {"lengths": [2, -1, 6]},
    "another axis": {"lengths": [2, 5], "axis": 1},
    "neither": {},
    "indices": {"indices": [0, 1]},
}


@pytest.mark.parametrize("case", SEGMENTS)
@pytest.mark.parametrize("way", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("shape", [(7,), (7, 2)], ids=["numbers", "rows"])
def test_segments(case, way, shape):
    def build(torch, x):
        given = {name: torch.tensor(v) if isinstance(v, list) else v for name, v in SEGMENTS[case].items()}
        return torch.segment_reduce(x, way, **given)

    agree(build, normal(*shape), orders=1)


@pytest.mark.parametrize("way", ["sum", "max", "nothing"])
def test_segments_of_a_batch(way):
    agree(
        lambda torch, x: torch.segment_reduce(x, way, lengths=torch.tensor([[2, 3], [1, 4]]), axis=1),
        normal(2, 5, 3),
        orders=1,
    )


COUNTS = np.array([[1, 0, 2], [0, 3, 4]])
COUNTING = {
    "enough": lambda torch, x: torch.nonzero_static(x, size=4),
    "fewer": lambda torch, x: torch.nonzero_static(x, size=2),
    "more": lambda torch, x: torch.nonzero_static(x, size=6, fill_value=-7),
    "none": lambda torch, x: torch.nonzero_static(x, size=0),
    "a method": lambda torch, x: x.nonzero_static(size=5),
    "negative": lambda torch, x: torch.nonzero_static(x, size=-1),
    "no dimensions": lambda torch, x: torch.nonzero_static(x[0, 0], size=2),
}


@pytest.mark.parametrize("case", COUNTING)
def test_nonzero_static(case):
    agree(COUNTING[case], COUNTS)


POINTS = normal(20, 2)
GRIDS = {
    "numbers of bins": lambda torch, x: torch.histogramdd(x, [2, 3]),
    "one number": lambda torch, x: torch.histogramdd(x, 3),
    "a range": lambda torch, x: torch.histogramdd(x, [2, 3], range=[-1.0, 1.0, -2.0, 2.0]),
    "edges": lambda torch, x: torch.histogramdd(
        x, [torch.tensor([-1.0, 0, 2], dtype=x.dtype), torch.tensor([-1.0, 1], dtype=x.dtype)]
    ),
    "densities": lambda torch, x: torch.histogramdd(x, [2, 3], density=True),
    "weights": lambda torch, x: torch.histogramdd(x, [2, 3], weight=torch.arange(20, dtype=x.dtype)),
    "a vector": lambda torch, x: torch.histogramdd(x[0], [2, 3]),
}


@pytest.mark.parametrize("case", GRIDS)
def test_histogramdd(case):
    agree(lambda torch, x: GRIDS[case](torch, x.detach()), POINTS)


LOW = {
    "svd": lambda torch, x: torch.svd_lowrank(x, q=3),
    "svd less something": lambda torch, x: torch.svd_lowrank(x, q=3, M=x.mean(0, keepdim=True)),
    "svd with more asked for": lambda torch, x: torch.svd_lowrank(x, q=9),
    "pca": lambda torch, x: torch.pca_lowrank(x),
    "pca of some": lambda torch, x: torch.pca_lowrank(x, q=2, niter=40),
    "pca without centring": lambda torch, x: torch.pca_lowrank(x, center=False),
    "pca of wide matrices": lambda torch, x: torch.pca_lowrank(x.mT.contiguous()),
    "negative q": lambda torch, x: torch.pca_lowrank(x, q=-1),
    "large q": lambda torch, x: torch.pca_lowrank(x, q=4),
    "negative niter": lambda torch, x: torch.pca_lowrank(x, niter=-1),
}


@pytest.mark.parametrize("case", LOW)
def test_low_ranks(case):
    """The signs of singular vectors are anybody's, so values and products are compared."""
    torch = pytorch()
    x = normal(6, 3)
    try:
        wanted = LOW[case](torch, torch.from_numpy(x))
    except Exception as error:
        with pytest.raises(type(error)):
            LOW[case](dynamic, dynamic.from_numpy(x))
        return
    found = LOW[case](dynamic, dynamic.from_numpy(x))
    ours, theirs = ([plain(s), plain(u @ s.diag() @ v.mT)] for u, s, v in (found, wanted))
    for a, b in zip(ours, theirs, strict=True):
        same(a, b, 1e-8)


@pytest.mark.parametrize("word", ["default", "warn", "error", 0, 1, 2, 3, "nothing"])
def test_deterministic_modes(word):
    def build(torch):
        try:
            torch.set_deterministic_debug_mode(word)
            return (
                torch.get_deterministic_debug_mode(),
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            )
        finally:
            torch.use_deterministic_algorithms(False)

    agree(build)


def test_warnings_setting():
    for torch in (dynamic, pytorch()):
        assert not torch.is_warn_always_enabled()
        torch.set_warn_always(True)
        assert torch.is_warn_always_enabled()
        torch.set_warn_always(False)


Z = normal(3, 2) + 1j * normal(3, 2, seed=1)
PAIRS = normal(3, 4, 2)
VIEWS = {
    "parts": (lambda torch, z: torch.view_as_real(z), Z),
    "parts of a transpose": (lambda torch, z: torch.view_as_real(z.T) * 2, Z),
    "parts of one number": (lambda torch, z: torch.view_as_real(z), Z[0, 0]),
    "parts of a product": (lambda torch, z: torch.view_as_real(z * z).pow(2), Z),
    "parts of real numbers": (lambda torch, x: torch.view_as_real(x), PAIRS),
    "numbers": (lambda torch, x: torch.view_as_complex(x), PAIRS),
    "numbers of transposed rows": (lambda torch, x: torch.view_as_complex(x.transpose(0, 1)), PAIRS),
    "numbers squared": (lambda torch, x: torch.view_as_real(torch.view_as_complex(x) ** 2), PAIRS),
    "an absolute value": (lambda torch, x: torch.view_as_complex(x).abs(), PAIRS),
    "there and back": (lambda torch, x: torch.view_as_real(torch.view_as_complex(x)) * x, PAIRS),
    "parts apart": (lambda torch, x: torch.view_as_complex(x.transpose(1, 2).contiguous().transpose(1, 2)), PAIRS),
    "rows of odd length": (lambda torch, x: torch.view_as_complex(x.detach()[:, :2]), normal(3, 3)),
    "three parts": (lambda torch, x: torch.view_as_complex(x), normal(2, 3)),
    "no dimension": (lambda torch, x: torch.view_as_complex(x), normal()),
    "integers": (lambda torch, x: torch.view_as_complex(x), np.ones((2, 2), np.int64)),
}


@pytest.mark.parametrize("case", VIEWS)
def test_complex_numbers_and_their_parts(case):
    build, array = VIEWS[case]
    agree(build, array, orders=0 if array.dtype.kind == "c" else 1 if case == "an absolute value" else 2)


HOLOMORPHIC = {
    "times a number": lambda torch, z: z * (2 + 1j),
    "a square": lambda torch, z: z**2,
    "a complex power": lambda torch, z: z ** (0.5 + 1j),
    "exp": lambda torch, z: z.exp(),
    "log": lambda torch, z: z.log(),
    "sin": lambda torch, z: z.sin(),
    "cosh": lambda torch, z: z.cosh(),
    "tanh": lambda torch, z: z.tanh(),
    "sqrt": lambda torch, z: z.sqrt(),
    "reciprocal": lambda torch, z: z.reciprocal(),
    "a quotient": lambda torch, z: z / (z + 1j),
    "a number over it": lambda torch, z: 1j / z,
    "with its conjugate": lambda torch, z: z * z.conj(),
    "an outer product": lambda torch, z: z.unsqueeze(1) @ z.unsqueeze(0),
    "an inner product": lambda torch, z: z @ z.conj(),
    "a sum along": lambda torch, z: z.cumsum(0),
    "a product": lambda torch, z: z.prod(),
    "parts of a product": lambda torch, z: z.real * z.imag + 1j * z.real,
    "changed in place": lambda torch, z: (z * 1).mul_(z),
}


@pytest.mark.parametrize("case", HOLOMORPHIC)
def test_gradients_through_complex_numbers(case):
    def build(torch, x):
        y = HOLOMORPHIC[case](torch, torch.complex(x[:, 0], x[:, 1]))
        return y.real**2 + 3 * y.imag

    agree(build, normal(4, 2, seed=3), rtol=1e-9)


def test_parts_are_views():
    for torch in (dynamic, pytorch()):
        z = torch.from_numpy(Z.copy())
        torch.view_as_real(z)[..., 1] = 7.0
        assert (z.imag == 7).all()
        x = torch.from_numpy(PAIRS.copy())
        torch.view_as_complex(x).mul_(2)
        same(plain(x), 2 * PAIRS, 1e-12)
        assert not torch.is_conj(z)


@pytest.mark.parametrize("name", ["is_ipu", "is_maia", "is_mtia", "is_vulkan", "is_xla"])
def test_what_tensors_are_not(name):
    agree(lambda torch, x: getattr(x, name), normal(2))


def test_nothing_is_put_off():
    agree(lambda torch, x: (x.is_conj(), x.is_neg(), torch.is_conj(x)), normal(2))


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_weights_in_another_order_in_memory(n, kind):
    found = []
    for torch in (dynamic, pytorch()):
        net = torch.nn.Sequential(getattr(torch.nn, f"{kind}{n}d")(2, 4, 3))
        convert = getattr(torch.nn.utils, f"convert_conv{n}d_weight_memory_format")
        assert convert(net, torch.channels_last if n == 2 else torch.channels_last_3d) is net
        found.append(net[0].weight.stride())
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["modified_bessel_i0", "modified_bessel_i1"])
def test_bessel_functions(name):
    agree(lambda torch, x: getattr(torch.special, name)(x.detach()), 3 * normal(5), rtol=1e-9)


def test_a_generator_tells_its_device():
    agree(lambda torch: str(torch.Generator().device))
