"""New tensors, random ones, limits of dtypes and settings of the package, as PyTorch has them."""

import numpy as np
import pytest

import dynamic
from dynamic.functions import creation, drawing
from dynamic.limits import FUNCTIONS as LIMITS
from dynamic.random import FUNCTIONS as RANDOM
from tests.dynamic.oracle import agree, covered, normal, pytorch


A = normal(3, 4)
FLOATS = ("float16", "float32", "float64")
KINDS = (*FLOATS, "int8", "int16", "int32", "int64", "uint8", "bool", "complex64", "complex128")

MADE = {
    "zeros": lambda t, d: t.zeros(2, 3, dtype=d),
    "zeros of a list": lambda t, d: t.zeros([2, 3], dtype=d, device="cpu", layout=t.strided),
    "zeros by name": lambda t, d: t.zeros(size=(2, 3), dtype=d, pin_memory=False),
    "ones": lambda t, d: t.ones((2, 1), dtype=d),
    "ones of a Size": lambda t, d: t.ones(t.Size([3]), dtype=d, device=t.device("cpu")),
    "full": lambda t, d: t.full((2,), 1, dtype=d),
    "full by name": lambda t, d: t.full(size=(2,), fill_value=0, dtype=d),
    "eye": lambda t, d: [t.eye(2, dtype=d), t.eye(2, 3, dtype=d), t.eye(0, dtype=d).shape],
    "empty": lambda t, d: [t.empty(2, 3, dtype=d).shape, t.empty(2, dtype=d).dtype == d],
    "empty_strided": lambda t, d: [t.empty_strided((2, 3), (1, 2), dtype=d).stride()],
    "empty_permuted": lambda t, d: [t.empty_permuted((2, 3, 4), (2, 0, 1), dtype=d).stride()],
    "empty with a format": lambda t, d: [t.empty(1, 2, 3, 4, dtype=d, memory_format=t.channels_last).stride()],
    "tensor": lambda t, d: [t.tensor([0, 1, 1], dtype=d), t.tensor(1, dtype=d), t.tensor([], dtype=d)],
    "tensor of floats": lambda t, d: t.tensor([[0.5, 1.5], [1.0, 0.0]], dtype=d),
    "as_tensor": lambda t, d: [
        t.as_tensor([1, 0], dtype=d),
        t.as_tensor(t.ones(2), dtype=d),
        t.as_tensor(np.ones(2), dtype=d),
    ],
    "asarray": lambda t, d: [t.asarray([1, 0], dtype=d), t.asarray(np.ones(2), dtype=d)],
    "scalar_tensor": lambda t, d: t.scalar_tensor(1, dtype=d),
    "zeros_like": lambda t, d: [t.zeros_like(t.ones(2, 3), dtype=d), t.zeros_like(t.ones(2, 3, dtype=d))],
    "ones_like": lambda t, d: [t.ones_like(t.zeros(2, 3), dtype=d, device="cpu"), t.ones_like(t.zeros(2, 3, dtype=d))],
    "full_like": lambda t, d: [t.full_like(t.zeros(2), 1, dtype=d), t.full_like(t.zeros(2, dtype=d), 1)],
    "empty_like": lambda t, d: [t.empty_like(t.ones(2, 3, dtype=d)).shape, t.empty_like(t.ones(2), dtype=d).dtype == d],
    "frombuffer": lambda t, d: t.frombuffer(bytearray(t.ones(4, dtype=d).numpy().tobytes()), dtype=d),
    "frombuffer in part": lambda t, d: t.frombuffer(bytearray(t.ones(4, dtype=d).numpy().tobytes()), dtype=d, count=2),
    "new": lambda t, d: [t.ones(2, dtype=d).new([1, 0]), t.ones(2, dtype=d).new_zeros(2)],
    "type": lambda t, d: [t.zeros(1, dtype=d).type(), str(d), d.itemsize, d.is_signed, d.abbr, d.is_complex],
    "to_real": lambda t, d: str(d.to_real()),
    "finfo": lambda t, d: _fields(t.finfo(d), "bits eps max min tiny smallest_normal dtype"),
    "finfo text": lambda t, d: str(t.finfo(d)),
    "iinfo": lambda t, d: _fields(t.iinfo(d), "bits max min dtype"),
    "iinfo text": lambda t, d: str(t.iinfo(d)),
    "can_cast": lambda t, d: [t.can_cast(d, getattr(t, other)) for other in KINDS],
    "promote_types": lambda t, d: [str(t.promote_types(d, getattr(t, other))) for other in KINDS],
    "result_type": lambda t, d: [str(t.result_type(t.ones(2, dtype=d), x)) for x in (1, 1.5, True, t.tensor(1.0))],
    "result_type with a complex number": lambda t, d: str(t.result_type(t.ones(2, dtype=d) if d != t.float16 else 1.0, 1j)),
    "requires_grad": lambda t, d: t.ones(2, dtype=d, requires_grad=True).requires_grad,
    "out": lambda t, d: _into(t, d),
}


def _fields(of, names):
    return [getattr(of, name) for name in names.split()]


def _into(t, d):
    x = t.empty(2, 3, dtype=d)
    pointer = x.data_ptr()
    y = t.zeros(2, 3, out=x)
    return [y is x, x, x.data_ptr() == pointer, t.ones(2, out=t.empty(0, dtype=d))]


@pytest.mark.oracle
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MADE)
def test_new_tensors(name, kind):
    agree(lambda t: MADE[name](t, getattr(t, kind)), orders=0)


ROWS = {
    "arange": lambda t: [t.arange(5), t.arange(1, 4), t.arange(1, 10, 3), t.arange(5, 0, -2), t.arange(3, 3)],
    "arange of floats": lambda t: [t.arange(0.5, 3), t.arange(1, 2, 0.3), t.arange(5.0), t.arange(0, 1, 0.1)],
    "arange of a dtype": lambda t: [
        t.arange(0, 3, 1.5, dtype=t.int64),
        t.arange(4, dtype=t.float16),
        t.arange(3, dtype=t.uint8),
    ],
    "arange by name": lambda t: [t.arange(start=1, end=3), t.arange(end=3), t.arange(1, end=3, step=1)],
    "arange of tensors": lambda t: [t.arange(t.tensor(3)), t.arange(t.tensor(1.0), 3)],
    "arange of large numbers": lambda t: t.arange(1e10, 1e10 + 3, dtype=t.float64),
    "arange in float32": lambda t: [t.arange(0, 100, 0.7), t.arange(0, 1, 1 / 3)],
    "arange into": lambda t: t.arange(3, out=t.empty(3)),
    "arange of bools": lambda t: t.arange(True),
    "arange the wrong way": lambda t: t.arange(3, 0),
    "arange below 0": lambda t: t.arange(-3),
    "arange standing": lambda t: t.arange(0, 5, 0),
    "arange without end": lambda t: t.arange(float("inf")),
    "arange of a word": lambda t: t.arange("a"),
    "arange with a gradient": lambda t: t.arange(3.0, requires_grad=True).requires_grad,
    "range": lambda t: [t.range(0, 3), t.range(1, 2, 0.5), t.range(3, 1, -1), t.range(0, 3, dtype=t.int64)],
    "range the wrong way": lambda t: t.range(3, 1),
    "linspace": lambda t: [t.linspace(0, 1, 5), t.linspace(-1, 1, steps=3), t.linspace(2, 3, 1), t.linspace(0, 1, 0)],
    "linspace by name": lambda t: t.linspace(start=0, end=1, steps=4),
    "linspace in float64": lambda t: t.linspace(0, 1, 7, dtype=t.float64),
    "linspace in float32": lambda t: t.linspace(-3, 7, 50),
    "linspace of ints": lambda t: [t.linspace(0, 1, 5, dtype=t.int64), t.linspace(0, 10, 4, dtype=t.int32)],
    "linspace of tensors": lambda t: t.linspace(t.tensor(0.0), t.tensor(2.0), 3),
    "linspace of complex numbers": lambda t: t.linspace(1, 2j, 3),
    "linspace below 0": lambda t: t.linspace(0, 1, -1),
    "logspace": lambda t: [t.logspace(0, 2, 3), t.logspace(0, 2, 3, base=2), t.logspace(0, 1, 1), t.logspace(-1, 1, 5)],
    "logspace of ints": lambda t: t.logspace(0, 3, 4, dtype=t.int64),
    "logspace in float64": lambda t: t.logspace(0, 1, 7, dtype=t.float64),
    "full": lambda t: [t.full((2,), 1j), t.full((2,), True), t.full((), 2), t.full((2,), 1.5), t.full((2,), t.tensor(3.0))],
    "full of a number": lambda t: t.full(2, 3),
    "full of a word": lambda t: t.full((2,), "a"),
    "eye below 0": lambda t: t.eye(-1),
    "zeros of nothing": lambda t: t.zeros(),
    "zeros of a word": lambda t: t.zeros("a"),
    "zeros below 0": lambda t: t.zeros(2, -1),
    "zeros of tensors": lambda t: t.zeros(t.tensor(2), 3).shape,
    "zeros of a nameless setting": lambda t: t.zeros(2, nonsense=3),
    "zeros of python types": lambda t: [
        t.zeros(2, dtype=float),
        t.zeros(2, dtype=int),
        t.zeros(2, dtype=bool),
        t.zeros(1, dtype=complex),
    ],
    "like a list": lambda t: t.ones_like([1]),
    "like another order": lambda t: [t.empty_like(t.ones(2, 3).t()).stride(), t.ones_like(t.ones(2, 3).t()).stride()],
    "like in order": lambda t: t.zeros_like(t.ones(2, 3).t(), memory_format=t.contiguous_format).stride(),
    "like, with a gradient": lambda t: [
        t.zeros_like(t.ones(2, requires_grad=True)).requires_grad,
        t.ones_like(t.ones(2), requires_grad=True).requires_grad,
    ],
    "full_like of floats in ints": lambda t: t.full_like(t.ones(2).int(), 1.7),
    "tensor of numbers": lambda t: [t.tensor(3), t.tensor(3.5), t.tensor(True), t.tensor(1j), t.tensor(2**40)],
    "tensor of mixed numbers": lambda t: [t.tensor([1, 2.5]), t.tensor([True, 2]), t.tensor([1, 1j])],
    "tensor of a tensor": lambda t: t.tensor(t.ones(2)),
    "tensor of 0-d tensors": lambda t: [t.tensor([t.tensor(1.0), t.tensor(2.0)]), t.tensor([t.tensor(1), t.tensor(2)])],
    "tensor of a range": lambda t: t.tensor(range(3)),
    "tensor of numpy's numbers": lambda t: [
        t.tensor([np.float32(1)]),
        t.tensor([np.float64(1)]),
        t.tensor([np.int32(1)]),
        t.tensor(np.float64(1)),
    ],
    "tensor of arrays": lambda t: [
        t.tensor([np.ones(2), np.ones(2)]),
        t.tensor(np.ones((2, 2), "f")),
        t.tensor(np.array(3)),
    ],
    "tensor of empty lists": lambda t: [t.tensor([[], []]).shape, t.tensor([]).dtype == t.float32],
    "tensor of nothing": lambda t: t.tensor(None),
    "tensor of a set": lambda t: t.tensor({1, 2}),
    "tensor of a generator": lambda t: t.tensor(x for x in [1]),
    "tensor of words": lambda t: t.tensor(["a"]),
    "tensor of rows that differ": lambda t: t.tensor([[1, 2], [3]]),
    "tensor of too large a number": lambda t: t.tensor(2**70),
    "tensor of 300 as a byte": lambda t: t.tensor(300, dtype=t.uint8),
    "tensor of -1 as a byte": lambda t: t.tensor(-1, dtype=t.uint8),
    "tensor of NaN as an int": lambda t: t.tensor([float("nan")], dtype=t.int32),
    "tensor of floats as ints": lambda t: [
        t.tensor(1.7, dtype=t.int32),
        t.tensor([-1.7], dtype=t.int64),
        t.tensor([0.5], dtype=t.bool),
    ],
    "tensor without data": lambda t: t.tensor(),
    "tensor with a dtype by position": lambda t: t.tensor([1, 2], t.float32),
    "tensor with a gradient": lambda t: t.tensor([1.0], requires_grad=True).requires_grad,
    "tensor of ints with a gradient": lambda t: t.tensor([1], requires_grad=True),
    "tensor of another byte order": lambda t: t.tensor(np.ones(2, ">f4")),
    "tensor of objects": lambda t: t.tensor(np.ones(2, object)),
    "from_numpy": lambda t: [
        t.from_numpy(np.ones(2, "u2")),
        t.from_numpy(np.ones((2, 3), order="F")).stride(),
        t.from_numpy(np.array(3.0)),
    ],
    "from_numpy of a negative stride": lambda t: t.from_numpy(np.ones(3)[::-1]),
    "from_numpy of another byte order": lambda t: t.from_numpy(np.ones(2, ">f4")),
    "from_numpy of words": lambda t: t.from_numpy(np.array(["a"])),
    "from_numpy of a scalar": lambda t: t.from_numpy(np.float32(1)),
    "from_numpy of a list": lambda t: t.from_numpy([1.0]),
    "as_tensor of a negative stride": lambda t: t.as_tensor(np.ones(3)[::-1]),
    "as_tensor shares": lambda t: _shares(t, t.as_tensor),
    "asarray shares": lambda t: _shares(t, t.asarray),
    "asarray copies": lambda t: _shares(t, lambda x: t.asarray(x, copy=True)),
    "asarray of numbers": lambda t: [t.asarray(3.5), t.asarray([1, 2]), t.asarray(True)],
    "asarray of a list without a copy": lambda t: t.asarray([1, 2], copy=False),
    "asarray of another dtype without a copy": lambda t: t.asarray(t.ones(2), dtype=t.int32, copy=False),
    "asarray with a gradient": lambda t: t.asarray(t.ones(2), requires_grad=True).requires_grad,
    "asarray of a leaf": lambda t: t.asarray(t.ones(2, requires_grad=True)).requires_grad,
    "asarray of bytes": lambda t: t.asarray(bytearray(b"abcd"), dtype=t.uint8),
    "frombuffer of nothing": lambda t: t.frombuffer(bytearray(b""), dtype=t.int8),
    "frombuffer of a part of a number": lambda t: t.frombuffer(bytearray(b"abc"), dtype=t.int32),
    "frombuffer beyond": lambda t: t.frombuffer(bytearray(b"abcd"), dtype=t.int8, offset=7),
    "frombuffer of too many": lambda t: t.frombuffer(bytearray(b"abcd"), dtype=t.int8, count=9),
    "frombuffer of no buffer": lambda t: t.frombuffer(3, dtype=t.int8),
    "frombuffer from an offset": lambda t: t.frombuffer(bytearray(b"abcdefgh"), dtype=t.int8, count=2, offset=3),
    "complex": lambda t: [t.complex(t.ones(2), t.zeros(2) + 2), t.complex(t.ones(2, 1).double(), t.zeros(3).double())],
    "complex of two dtypes": lambda t: t.complex(t.ones(2), t.zeros(2).double()),
    "complex of ints": lambda t: t.complex(t.ones(2).int(), t.zeros(2).int()),
    "polar": lambda t: t.polar(t.ones(3).double(), t.tensor([0.0, 1.0, 2.0]).double()),
    "default dtype": lambda t: _in_double(t),
    "default dtype of ints": lambda t: t.set_default_dtype(t.int32),
    "default device": lambda t: [t.set_default_device("cpu"), str(t.get_default_device()), t.set_default_device(None)],
    "devices": lambda t: [
        str(t.device("cpu")),
        repr(t.device("cpu")),
        repr(t.device("cuda", 1)),
        str(t.device("cuda:1")),
        t.device("cpu").index,
    ],
    "devices that are equal": lambda t: [
        t.device("cuda:1") == t.device("cuda", 1),
        t.device("cpu") == t.device("cpu:0"),
        hash(t.device("cpu")) == hash(t.device("cpu")),
    ],
    "a device of no kind": lambda t: t.device("foo"),
    "a device of a bad number": lambda t: t.device("cuda:x"),
    "a device of an accelerator": lambda t: t.device(0),
    "a device as a context": lambda t: _inside(t),
    "zeros on a GPU": lambda t: t.zeros(2, device="cuda"),
    "tensor on a GPU": lambda t: t.tensor([1], device="cuda:0"),
    "zeros on no device": lambda t: t.zeros(2, device="nowhere"),
    "finfo by default": lambda t: [str(t.finfo()), t.finfo().eps],
    "result_type of numbers": lambda t: [
        str(t.result_type(1, 2.0)),
        str(t.result_type(1j, t.ones(2))),
        str(t.result_type(True, 1)),
    ],
    "typename": lambda t: [t.typename(t.ones(2)), t.typename(3), t.typename(t.ones(2).long())],
    "threads": lambda t: [
        t.get_num_threads() > 0,
        t.get_num_interop_threads() > 0,
        t.set_num_threads(2),
        t.get_num_threads(),
    ],
    "threads below 1": lambda t: t.set_num_threads(0),
    "threads of a word": lambda t: t.set_num_threads("a"),
    "precision": lambda t: [
        t.get_float32_matmul_precision(),
        t.set_float32_matmul_precision("high"),
        t.get_float32_matmul_precision(),
        t.set_float32_matmul_precision("highest"),
    ],
    "precision of no word": lambda t: t.set_float32_matmul_precision("x"),
    "deterministic": lambda t: [
        t.use_deterministic_algorithms(True),
        t.are_deterministic_algorithms_enabled(),
        t.use_deterministic_algorithms(False),
        t.are_deterministic_algorithms_enabled(),
    ],
    "version": lambda t: [t.__version__ > "1.9", t.__version__ >= (1, 10), t.__version__ < "10", t.version.cuda],
    "compiler": lambda t: [t.compiler.is_compiling(), t.compiler.disable(abs)(-3)],
    "return_types": lambda t: [t.return_types.max.__name__, isinstance(t.ones(2, 2).max(0), t.return_types.max)],
    "inference_mode": lambda t: _without_recording(t),
    "versions like 2.2 after 2.13": lambda t: [t.__version__ > "2.2", t.__version__ >= "2.13.0"],
    "cuda": lambda t: [
        t.cuda.is_available(),
        t.cuda.device_count(),
        t.cuda.memory_allocated(),
        t.cuda.empty_cache(),
        t.cuda.manual_seed(1),
        t.cuda.manual_seed_all(1),
    ],
    "cuda's other answers": lambda t: [
        t.cuda.is_initialized(),
        t.cuda.memory_reserved(),
        t.cuda.max_memory_allocated(),
        t.cuda.is_bf16_supported(),
        t.cuda.get_arch_list(),
    ],
    "cuda's current device": lambda t: t.cuda.current_device(),
    "cuda's device name": lambda t: t.cuda.get_device_name(),
    "cuda's device properties": lambda t: t.cuda.get_device_properties(0),
    "cuda's capability": lambda t: t.cuda.get_device_capability(),
    "cuda synchronize": lambda t: t.cuda.synchronize(),
    "cuda Stream": lambda t: t.cuda.Stream(),
    "cuda Event": lambda t: t.cuda.Event(),
    "cuda rng": lambda t: t.cuda.get_rng_state(),
    "cuda mem_get_info": lambda t: t.cuda.mem_get_info(),
    "cuda stream of none": lambda t: _in_no_stream(t),
    "backends": lambda t: [
        t.backends.cudnn.enabled,
        t.backends.cudnn.benchmark,
        t.backends.cudnn.deterministic,
        t.backends.cudnn.is_available(),
        t.backends.cudnn.version(),
    ],
    "backends can be set": lambda t: [
        setattr(t.backends.cudnn, "benchmark", True),
        t.backends.cudnn.benchmark,
        setattr(t.backends.cudnn, "benchmark", False),
    ],
    "backends that are not there": lambda t: [
        t.backends.mps.is_available(),
        t.backends.mps.is_built(),
        t.backends.cuda.is_built(),
        t.backends.cuda.matmul.allow_tf32,
        t.mps.is_available(),
    ],
    "accelerator": lambda t: [
        t.accelerator.is_available(),
        t.accelerator.current_accelerator(),
        t.accelerator.device_count(),
    ],
    "accelerator's index": lambda t: t.accelerator.current_device_index(),
    "accelerator synchronize": lambda t: t.accelerator.synchronize(),
    "words": lambda t: [
        str(t.strided),
        str(t.preserve_format),
        str(t.contiguous_format),
        str(t.channels_last_3d),
        t.newaxis,
    ],
    "grad modes": lambda t: [t.is_grad_enabled(), t.inf, t.pi, t.e, t.nan != t.nan],
}


def _without_recording(t):
    with t.inference_mode():
        return [(t.ones(2, requires_grad=True) * 2).requires_grad]


def _shares(t, make):
    array = np.zeros(2)
    made = [make(array), make(t.from_numpy(array))]
    array[0] = 5
    return made


def _in_double(t):
    before = t.get_default_dtype()
    results = []
    for change in (lambda: t.set_default_dtype(t.float64), lambda: t.set_default_tensor_type(t.DoubleTensor)):
        change()
        try:
            results += [
                t.zeros(2),
                t.tensor(1.5),
                t.tensor(1j),
                t.full((1,), 1.5),
                t.arange(2.0),
                t.linspace(0, 1, 3),
                t.Tensor([1]),
            ]
            results += [str(t.get_default_dtype()), repr(t.ones(2)), repr(t.ones(2).float())]
        finally:
            t.set_default_dtype(before)
    t.set_default_tensor_type("torch.FloatTensor")
    return [*results, str(t.get_default_dtype())]


def _inside(t):
    with t.device("cpu") as d:
        return [t.zeros(2), str(d), str(t.tensor([1]).device)]


def _in_no_stream(t):
    with t.cuda.stream(None):
        return [1]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ROWS)
def test_rows_data_and_settings(name):
    threads = dynamic.get_num_threads(), pytorch().get_num_threads()
    try:
        agree(ROWS[name], orders=0)
    finally:
        dynamic.set_num_threads(threads[0])
        pytorch().set_num_threads(threads[1])


GRADIENTS = {
    "complex": lambda t, x: [t.complex(x, x * 2).real, t.complex(x, x * 2).imag],
    "polar": lambda t, x: [t.polar(x * x, x).real, t.polar(x * x, x + 1).imag],
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_parts(name):
    agree(GRADIENTS[name], A)


DRAWN = {
    "randn": lambda t: [t.randn(2, 3).shape, t.randn((2,), dtype=t.float64).dtype == t.float64, t.randn(size=(2,)).shape],
    "randn complex": lambda t: [t.randn(2, dtype=t.complex64).dtype == t.complex64],
    "rand": lambda t: [
        t.rand(2, 3).shape,
        t.rand(2, device="cpu", requires_grad=True).requires_grad,
        bool((t.rand(99) < 1).all()),
    ],
    "randint": lambda t: [
        t.randint(5, (2, 3)).dtype == t.int64,
        t.randint(3, 5, (9,)).min() >= 3,
        t.randint(0, 2, (3,), dtype=t.float32).dtype == t.float32,
    ],
    "randint by name": lambda t: t.randint(low=3, high=5, size=(2,)).shape,
    "randint high by name": lambda t: t.randint(high=5, size=(2,)).shape,
    "randint of none": lambda t: t.randint(5, 5, (2,)),
    "randint of one": lambda t: t.randint(5, 6, (3,)),
    "randint of bytes": lambda t: [t.randint(0, 256, (3,), dtype=t.uint8).dtype == t.uint8],
    "randint beyond its dtype": lambda t: t.randint(0, 300, (3,), dtype=t.uint8),
    "randint_like": lambda t: [t.randint_like(t.ones(3), 5).dtype == t.float32, t.randint_like(t.ones(3).long(), 4, 5)],
    "randperm": lambda t: [t.randperm(5).sort()[0], t.randperm(4, dtype=t.int32).dtype == t.int32, t.randperm(0).shape],
    "randperm below 0": lambda t: t.randperm(-1),
    "rand_like": lambda t: [t.rand_like(t.ones(2, 3)).shape, t.rand_like(t.ones(2).double()).dtype == t.float64],
    "randn_like": lambda t: [t.randn_like(t.ones(2, 3)).shape, t.randn_like(t.ones(2), dtype=t.float64).dtype == t.float64],
    "rand_like of ints": lambda t: t.rand_like(t.ones(2).int()),
    "normal": lambda t: [
        t.normal(0.0, 1.0, (2, 3)).shape,
        t.normal(t.zeros(3), t.ones(3)).shape,
        t.normal(t.zeros(3), 1.0).dtype == t.float32,
    ],
    "normal of a negative deviation": lambda t: t.normal(0.0, -1.0, (2,)),
    "normal without deviation": lambda t: t.normal(t.tensor([1.0, 2.0]), 0.0),
    "normal of one mean": lambda t: t.normal(5.0, t.zeros(3)),
    "bernoulli": lambda t: [
        t.bernoulli(t.ones(3)),
        t.bernoulli(t.zeros(3)),
        t.bernoulli(t.full((2,), 0.5)).shape,
        t.bernoulli(t.zeros(3), p=1.0),
    ],
    "bernoulli of no chance": lambda t: t.bernoulli(t.full((2,), 1.5)),
    "bernoulli of ints": lambda t: t.bernoulli(t.ones(2).long()),
    "poisson": lambda t: [t.poisson(t.zeros(3)), t.poisson(t.ones(2)).dtype == t.float32],
    "poisson below 0": lambda t: t.poisson(-t.ones(2)),
    "multinomial": lambda t: [
        t.multinomial(t.ones(4), 4).sort()[0],
        t.multinomial(t.tensor([[0.0, 1.0], [1.0, 0.0]]), 3, replacement=True),
    ],
    "multinomial of too many": lambda t: t.multinomial(t.ones(2), 3),
    "multinomial of none": lambda t: t.multinomial(t.ones(2), 0),
    "multinomial of zeros": lambda t: t.multinomial(t.zeros(2), 1),
    "multinomial below 0": lambda t: t.multinomial(t.tensor([-1.0, 2.0]), 1),
    "multinomial of a cube": lambda t: t.multinomial(t.ones(2, 2, 2), 1),
    "multinomial of ints": lambda t: t.multinomial(t.ones(2).long(), 1),
    "generators": lambda t: _generators(t),
    "states": lambda t: _states(t),
    "states of another size": lambda t: t.set_rng_state(t.zeros(3, dtype=t.uint8)),
    "states of numbers": lambda t: t.set_rng_state(3),
    "fork_rng": lambda t: _forked(t),
    "seeds": lambda t: [
        t.manual_seed(7).initial_seed(),
        t.initial_seed(),
        isinstance(t.seed(), int),
        t.random.initial_seed() > 0,
    ],
    "out": lambda t: [
        t.randn(2, out=t.empty(2)).shape,
        t.rand(3, out=t.empty(0)).shape,
        t.randperm(3, out=t.empty(3, dtype=t.int64)).sum(),
    ],
}


def _generators(t):
    g = t.Generator().manual_seed(3)
    a, b = t.randn(3, generator=g), t.randn(3, generator=g)
    again = t.Generator(device="cpu")
    again.manual_seed(3)
    c = t.randn(3, generator=again)
    return [bool((a == c).all()), bool((a == b).all()), g.initial_seed(), str(g.device), t.randperm(3, generator=g).shape]


def _states(t):
    t.manual_seed(1)
    t.rand(2)
    state = t.get_rng_state()
    a = t.rand(2)
    t.set_rng_state(state)
    b = t.rand(2)
    g = t.Generator()
    g.set_state(state)
    return [bool((a == b).all()), bool((t.rand(2, generator=g) == a).all()), str(state.dtype), state.dim()]


def _forked(t):
    t.manual_seed(1)
    with t.random.fork_rng():
        a = t.rand(2)
    return [bool((t.rand(2) == a).all())]


@pytest.mark.oracle
@pytest.mark.parametrize("name", DRAWN)
def test_random_tensors(name):
    agree(DRAWN[name], orders=0)


def test_every_way_of_making_is_tried():
    helpers = _into, _in_double, _generators, _states, _forked, _fields
    tried = covered(*MADE.values(), *ROWS.values(), *DRAWN.values(), *helpers)
    tried |= {
        name
        for build in MADE.values()
        for inner in build.__code__.co_consts
        if hasattr(inner, "co_names")
        for name in inner.co_names
    }
    assert {*creation.FUNCTIONS, *drawing.FUNCTIONS, *RANDOM, *LIMITS} <= tried | {"from_dlpack"}  # tried with memory


# Without the oracle


def test_compile_gives_what_it_was_given_and_says_so_once(monkeypatch):
    monkeypatch.setattr("dynamic.settings._told", False)
    with pytest.warns(UserWarning, match="as it is written"):
        assert dynamic.compile(abs) is abs
    assert dynamic.compile(mode="max-autotune")(abs) is abs


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_unsigned_dtypes(name):
    x = dynamic.zeros(2, dtype=getattr(dynamic, name))
    assert str(x.dtype) == f"torch.{name}"
    assert x.numpy().dtype == name


def test_random_numbers_have_the_moments_they_should():
    dynamic.manual_seed(0)
    z = dynamic.randn(20_000, dtype=dynamic.complex128)
    assert abs(z.numpy()).var() + abs(z.numpy().mean()) ** 2 < 1
    assert (abs(z.numpy()) ** 2).mean() == pytest.approx(1, abs=0.03)
    assert dynamic.poisson(dynamic.full((20_000,), 3.0)).mean().item() == pytest.approx(3, abs=0.05)
    assert dynamic.bernoulli(dynamic.full((20_000,), 0.3)).mean().item() == pytest.approx(0.3, abs=0.02)
