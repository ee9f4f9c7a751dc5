"""What a tensor says of itself and of its memory, and what can be made of it, as PyTorch has it."""

# ruff: noqa: UP031, RUF005 (what programs write)

import copy
import pickle

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


A, CUBE = normal(3, 4), normal(2, 3, 4)
K = np.arange(-6, 6).reshape(3, 4)
Z = (A + 1j * normal(3, 4, seed=3)).astype("complex64")

TOLD = {
    "shape": lambda t, x: [x.shape, x.size(), x.size(0), x.size(-1), x.dim(), x.ndim, x.ndimension(), len(x)],
    "size beyond": lambda t, x: x.size(7),
    "size of a float": lambda t, x: x.size(0.5),
    "numel": lambda t, x: [x.numel(), x.nelement(), x.element_size(), x.itemsize, x.nbytes],
    "dtype": lambda t, x: [str(x.dtype), x.type(), x.is_floating_point(), x.is_complex(), x.is_signed()],
    "layout": lambda t, x: [str(x.layout), x.layout == t.strided, str(t.contiguous_format), str(t.channels_last)],
    "device": lambda t, x: [str(x.device), x.device == t.device("cpu"), x.is_cuda, x.is_cpu, x.get_device(), x.is_sparse],
    "stride": lambda t, x: [x.stride(), x.stride(0), x.stride(-1), x.t().stride() if x.dim() == 2 else x.mT.stride()],
    "stride beyond": lambda t, x: x.stride(5),
    "storage_offset": lambda t, x: [x.storage_offset(), x[1:].storage_offset(), x[:, 1:].storage_offset()],
    "dim_order": lambda t, x: [x.dim_order(), x.mT.dim_order()],
    "contiguous": lambda t, x: [x.is_contiguous(), x.mT.is_contiguous(), x.mT.contiguous().is_contiguous(), x[1:].mT],
    "contiguous is itself": lambda t, x: [x.contiguous() is x, x.mT.contiguous() is x],
    "clone keeps the order": lambda t, x: [x.clone().stride(), x.mT.clone().stride(), x[::2, ::2].clone().stride()],
    "clone of an order": lambda t, x: x.mT.clone(memory_format=t.contiguous_format).stride(),
    "clone of expanded": lambda t, x: [x[:1].expand(5, *x.shape[1:]).clone().stride(), x[0].expand(3, *x[0].shape).clone()],
    "arithmetic keeps the order": lambda t, x: [(x.mT + x.mT).stride(), x.mT.double().stride(), t.zeros_like(x.mT).stride()],
    "is_same_size": lambda t, x: [x.is_same_size(x), x.is_same_size(x[1:])],
    "is_set_to": lambda t, x: [x.is_set_to(x), x.is_set_to(x[:]), x.is_set_to(x[1:]), x.is_set_to(x.clone())],
    "storage": lambda t, x: [x.storage().size(), x[1:].storage().size(), x.storage().tolist(), len(x.untyped_storage())],
    "storage element": lambda t, x: [x[1:].storage()[0], x.storage()[3], x.storage()[-1]],
    "storage beyond": lambda t, x: x.storage()[1000],
    "storage bytes": lambda t, x: [x.untyped_storage().nbytes(), x[1:].untyped_storage().size(), x.untyped_storage()[0]],
    "storage is shared": lambda t, x: [
        x.untyped_storage().data_ptr() == x[1:].untyped_storage().data_ptr(),
        x.storage().data_ptr() == x.data_ptr(),
        x.data_ptr() == x[1:].data_ptr(),
    ],
    "storage text": lambda t, x: [repr(x.storage()), repr(x[:0].clone().untyped_storage())],
    "storage type": lambda t, x: [
        x.storage().dtype == x.dtype,
        x.storage().element_size(),
        x.untyped_storage().element_size(),
    ],
    "written through a storage": lambda t, x: _written(t, x.clone()),
    "T mT H mH": lambda t, x: [x.mT, x.mH, x.T if x.dim() == 2 else x],
    "T of a vector": lambda t, x: x[0, 0].reshape(-1)[:2].T,
    "mT of a vector": lambda t, x: x.reshape(-1).mT,
    "H of a vector": lambda t, x: x.reshape(-1).H,
    "H": lambda t, x: x.H,
    "real": lambda t, x: [x.real, x.real is x],
    "imag": lambda t, x: x.imag,
    "iteration": lambda t, x: [*x, *reversed(x), len(list(x))],
    "reversed": lambda t, x: reversed(x),
    "contains": lambda t, x: [x[0, 0] in x, 77 in x, x[0] in x],
    "contains a word": lambda t, x: "a" in x,
    "contains a list": lambda t, x: [1.0] in x,
    "numbers": lambda t, x: [int(x.real[0, 0].sum()), float(x.reshape(-1).real[1]), complex(x.reshape(-1)[2])],
    "truth": lambda t, x: [bool(x.real.sum()), bool(x.reshape(-1)[0])],
    "is_nonzero": lambda t, x: [x.sum().is_nonzero(), t.is_nonzero(x.reshape(-1)[0])],
    "is_nonzero of many": lambda t, x: x.is_nonzero(),
    "leaves": lambda t, x: [x.is_leaf, x.requires_grad, x.grad is None, x.grad_fn is None, x.output_nr, x.retains_grad],
    "inference": lambda t, x: [x.is_inference(), x.is_pinned(), x.is_meta, x.is_quantized],
    "tolist": lambda t, x: [x.tolist(), x[0, 0].tolist(), x.reshape(-1).tolist()],
    "as_strided": lambda t, x: [
        x.as_strided((2, 3), (1, 2)),
        t.as_strided(x, (2, 2), (2, 2), 1),
        x[1:].as_strided((3,), (1,)),
    ],
    "as_strided from the front": lambda t, x: x[1:].as_strided((2, 2), (1, 1), 0),
    "as_strided overlapping": lambda t, x: x.as_strided((4, 3), (1, 1)),
    "as_strided beyond": lambda t, x: x.as_strided((100,), (1,)),
    "as_strided backwards": lambda t, x: x.as_strided((2,), (-1,)),
    "as_strided unequal": lambda t, x: x.as_strided((2, 2), (1,)),
    "as_strided_scatter": lambda t, x: x.detach().as_strided_scatter(x.reshape(-1)[:4].reshape(2, 2) * 2, (2, 2), (1, 2)),
    "set_": lambda t, x: [
        t.zeros(2, dtype=x.dtype).set_(x.detach()),
        t.zeros(2, dtype=x.dtype).set_(x.detach().storage(), 2, (2, 2), (1, 3)),
    ],
    "set_ to nothing": lambda t, x: x.clone().set_().shape,
    "set_ to bytes": lambda t, x: t.zeros(0, dtype=x.dtype).set_(x.detach().untyped_storage()),
    "set_ to another dtype": lambda t, x: t.zeros(2, dtype=t.int8).set_(x.detach()),
    "set_ shares": lambda t, x: _shared(t, x.detach().clone()),
    "resize_": lambda t, x: [x.clone().resize_(2, 2), x.clone().resize_((3, 1)), x.clone().resize_(x.shape)],
    "resize_ to more": lambda t, x: [x.clone().resize_(40)[: x.numel()], x.clone().resize_(40).shape],
    "resize_as_": lambda t, x: [x.clone().resize_as_(x[0]), x[0].clone().resize_as_(x).shape],
    "resize": lambda t, x: [x.resize(x.numel()), x.resize_as(x.reshape(-1))],
    "resize to another size": lambda t, x: x.resize(5),
    "new": lambda t, x: [x.new(2, 3).shape, x.new(t.Size([2])).shape, x.new([1, 2]), x.new().shape, x.new((2, 3))],
    "new_tensor": lambda t, x: [x.new_tensor([1, 2], dtype=t.int8), x.new_tensor([[1, 2]], dtype=x.dtype)],
    "new_zeros": lambda t, x: [x.new_zeros(2, 3), x.new_zeros((2,)), x.new_zeros(2, dtype=t.int32)],
    "new_ones": lambda t, x: [x.new_ones(2, 3), x.new_ones([2]), x.new_ones(2, dtype=t.bool)],
    "new_full": lambda t, x: [x.new_full((2, 3), 3), x.new_full((2,), 1, dtype=t.float64)],
    "new_empty": lambda t, x: [x.new_empty(2, 3).shape, x.new_empty((2,)).dtype == x.dtype, x.new_empty(0)],
    "new_empty_strided": lambda t, x: [x.new_empty_strided((2, 3), (1, 2)).stride(), x.new_empty_strided((2,), (1,)).shape],
    "new requires grad": lambda t, x: [x.new_zeros(2, dtype=t.float32, requires_grad=True).requires_grad],
    "to": lambda t, x: [x.to(x) is x, x.to(x.dtype) is x, x.to("cpu") is x, x.to(t.device("cpu")) is x, x.to(None) is x],
    "to a dtype": lambda t, x: [x.to(t.complex128), x.to(t.complex64, copy=True), x.to(dtype=t.complex128)],
    "to device and dtype": lambda t, x: [x.to("cpu", t.complex128), x.to(device="cpu", dtype=t.complex64)],
    "to with flags": lambda t, x: [x.to(t.complex64, True), x.to("cpu", t.complex64, True, True), x.to(x, True, True) is x],
    "to a copy": lambda t, x: [x.to(x.dtype, copy=True) is x, x.to("cpu", copy=True).data_ptr() == x.data_ptr()],
    "to nowhere": lambda t, x: x.to("nowhere"),
    "to a number": lambda t, x: x.to(3),
    "to python types": lambda t, x: [x.real.to(float), x.real.to(int), x.real.to(bool)],
    "type": lambda t, x: [x.real.type(t.float32), x.real.type("torch.LongTensor"), x.real.type(t.IntTensor).type()],
    "type of no name": lambda t, x: x.type("foo"),
    "type_as": lambda t, x: [x.type_as(x) is x, x.real.type_as(t.zeros(1, dtype=t.int32))],
    "cpu": lambda t, x: [x.cpu() is x],
    "cuda": lambda t, x: x.cuda(),
    "cuda by type": lambda t, x: x.type("torch.cuda.FloatTensor"),
    "cuda by name": lambda t, x: x.to("cuda"),
    "apply_": lambda t, x: x.real.clone().detach().apply_(lambda v: v + 1),
    "map_": lambda t, x: x.real.clone().detach().map_(x.real.detach()[:1], lambda v, w: v + w + 1),
    "map2_": lambda t, x: x.real.clone().detach().map2_(x.real.detach(), x.real.detach(), lambda v, w, u: v + w + u),
    "map_ of another size": lambda t, x: x.real.clone().detach().map_(t.zeros(7, dtype=x.real.dtype), lambda v, w: v),
    "format": lambda t, x: [f"{x.real.sum().detach():.2e}", "%s" % x.real.reshape(-1)[0].item(), f"{x.real.detach()[0, 0]}"],
    "format of many": lambda t, x: f"{x.real:.2f}",
    "deepcopy": lambda t, x: [copy.deepcopy(x.detach()), copy.deepcopy([x.detach(), x.detach()])],
    "copy": lambda t, x: [copy.copy(x.detach()), copy.copy(x.detach()).data_ptr() == x.data_ptr()],
    "pickle": lambda t, x: [pickle.loads(pickle.dumps(x.detach())), pickle.loads(pickle.dumps(x.detach()[1:]))],
    "is": lambda t, x: [t.is_tensor(x), t.is_floating_point(x), t.is_complex(x), t.is_signed(x), t.typename(x), t.numel(x)],
    "detach": lambda t, x: [x.detach(), x.detach().data_ptr() == x.data_ptr(), t.detach(x), t.clone(x)],
}
KINDS = {
    "float64": A,
    "float32": A.astype("float32"),
    "a cube": CUBE,
    "int64": K,
    "int32": K.astype("int32"),
    "uint8": np.arange(12, dtype="uint8").reshape(3, 4),
    "bool": A > 0,
    "complex64": Z,
}


def _written(t, x):
    x.storage()[1] = 1
    x.untyped_storage()[0] = 0
    return x


def _shared(t, x):
    y = t.zeros(2, dtype=x.dtype).set_(x)
    y.zero_()
    return [x, y]


@pytest.mark.oracle
@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_tensor_says(name, kind):
    agree(TOLD[name], KINDS[kind], orders=2 if kind in ("float64", "a cube") else 0)


LEAVES = {
    "deepcopy keeps": lambda t: _kept(t, copy.deepcopy),
    "copy keeps": lambda t: _kept(t, copy.copy)[:2],
    "pickle keeps": lambda t: _kept(t, lambda x: pickle.loads(pickle.dumps(x)))[:2],
    "deepcopy of a result": lambda t: copy.deepcopy(t.ones(2, requires_grad=True) * 2),
    "copy of a result": lambda t: [copy.copy(t.ones(2, requires_grad=True) * 2).is_leaf],
    "deepcopy of views": lambda t: _views(t),
    "requires_grad_": lambda t: [t.ones(2).requires_grad_().requires_grad, t.ones(2).requires_grad_(False).requires_grad],
    "requires_grad_ of ints": lambda t: t.ones(2).long().requires_grad_(),
    "requires_grad_ of a number": lambda t: t.ones(2).requires_grad_(1),
    "requires_grad_ of a result": lambda t: (t.ones(2, requires_grad=True) * 2).requires_grad_(False),
    "data of a list": lambda t: setattr(t.ones(2), "data", [1]),
    "data of another shape": lambda t: _with_data(t),
    "detach_": lambda t: [(t.ones(2, requires_grad=True) * 2).detach_().requires_grad],
    "detach_ of a view": lambda t: t.ones(2, requires_grad=True)[:1].detach_(),
    "numpy with a gradient": lambda t: t.ones(2, requires_grad=True).numpy(),
    "numpy by force": lambda t: t.ones(2, requires_grad=True).numpy(force=True).tolist(),
    "resize_ with a gradient": lambda t: t.ones(2, requires_grad=True).resize_(1),
    "apply_ with a gradient": lambda t: t.ones(2, requires_grad=True).apply_(abs),
    "map_ with a gradient": lambda t: t.ones(2).map_(t.ones(2, requires_grad=True), max),
    "retain_grad": lambda t: _retained(t),
    "retain_grad of a constant": lambda t: t.ones(2).retain_grad(),
    "retain_grad of a leaf": lambda t: t.ones(2, requires_grad=True).retain_grad(),
    "a complex number to float": lambda t: float(t.tensor(1 + 2j)),
    "a vector to int": lambda t: int(t.ones(3)),
    "an index of floats": lambda t: [1, 2, 3][t.tensor(1.0)],
    "an index": lambda t: [[1, 2, 3][t.tensor(1)], list(range(t.tensor(3)))],
    "% and f": lambda t: [
        "%d" % t.tensor(3),
        "%.2f" % t.tensor(3.0),
        f"{t.tensor(3.5):>8}",
        f"{t.tensor(True)}",
        f"{t.ones(1)}",
    ],
    "hash": lambda t: _hashed(t),
    "Tensor of sizes": lambda t: [t.Tensor(2, 3).shape, t.Tensor(3).shape, t.Tensor(t.Size([2, 1])).shape, t.Tensor().shape],
    "Tensor of data": lambda t: [t.Tensor([1, 2]), t.Tensor([[1, 2], [3, 4]]), t.Tensor((2, 3)), t.Tensor(np.arange(3))],
    "Tensor of a float": lambda t: t.Tensor(2.5),
    "Tensor of a word": lambda t: t.Tensor("a"),
    "Tensor of a tensor": lambda t: [t.Tensor(t.ones(2)), _same_memory(t)],
    "Variable": lambda t: [t.autograd.Variable(t.ones(2)), t.autograd.Variable(t.ones(2), requires_grad=True).requires_grad],
    "Variable by position": lambda t: [t.autograd.Variable(t.ones(2), True).requires_grad],
    "Variable of a number": lambda t: t.autograd.Variable(2.0),
    "Variable as a class": lambda t: [isinstance(t.ones(2), t.autograd.Variable), isinstance(3, t.autograd.Variable)],
    "typed": lambda t: [
        t.FloatTensor(2, 3).type(),
        t.FloatTensor([1, 2]),
        t.LongTensor([1, 2]),
        t.ByteTensor([1, 0]).type(),
    ],
    "typed of another dtype": lambda t: t.LongTensor(t.zeros(2)),
    "typed, is it one": lambda t: [isinstance(t.ones(2), t.FloatTensor), isinstance(t.ones(2), t.LongTensor)],
    "typed, its names": lambda t: [str(t.FloatTensor), t.FloatTensor.dtype == t.float32, t.LongTensor.__name__],
    "typed storages": lambda t: [t.FloatStorage(3).size(), t.FloatStorage([1, 2]).tolist(), t.LongStorage([5]).tolist()],
    "typed of a storage": lambda t: t.FloatTensor(t.FloatStorage([1, 2])),
    "cuda typed": lambda t: t.cuda.FloatTensor(2),
    "storages change": lambda t: _storages(t),
    "a storage that cannot grow": lambda t: t.from_numpy(np.zeros(3)).untyped_storage().resize_(100),
    "subclass": lambda t: _subclass(t),
    "as_subclass of none": lambda t: t.ones(2).as_subclass(int),
    "Size": lambda t: [
        t.Size([1, 2]) + (3,),
        t.Size([2, 3])[:1],
        t.Size([2, 3]).numel(),
        t.Size([2, 3]) == (2, 3),
        t.Size([4])[0],
    ],
    "Size text": lambda t: [str(t.Size([1, 2])), str(t.Size([])), str(t.Size([1]) * 2)],
    "channels_last": lambda t: _pixels(t, t.channels_last, 4),
    "channels_last_3d": lambda t: _pixels(t, t.channels_last_3d, 5),
    "channels_last of a matrix": lambda t: t.ones(2, 3).contiguous(memory_format=t.channels_last),
    "channels_last of a copy": lambda t: t.ones(2, 3).clone(memory_format=t.channels_last),
    "set through real and imag": lambda t: _parts(t),
    "real and imag are views": lambda t: [t.tensor([1 + 2j]).real.is_contiguous(), t.tensor([1 + 2j]).imag.stride()],
    "with arrays": lambda t: [t.ones(2) * np.ones(2), t.ones(2).long() + np.int64(3), t.ones(2) ** np.float32(2)],
    "numpy functions": lambda t: [np.sin(t.ones(2)), np.maximum(t.ones(2), 2), np.isfinite(t.ones(2)).shape],
    "numpy functions with a gradient": lambda t: np.sin(t.ones(2, requires_grad=True)),
    "numpy arrays": lambda t: [
        np.asarray(t.ones(2)).tolist(),
        np.array(t.ones(2), dtype=int).tolist(),
        str(np.asarray(t.ones(2)).dtype),
    ],
    "dlpack": lambda t: [np.from_dlpack(t.ones(2)).tolist(), t.from_dlpack(np.ones(2)), t.from_dlpack(t.ones(3))],
    "dlpack with a gradient": lambda t: t.ones(2, requires_grad=True).__dlpack__(),
    "dlpack by utils": lambda t: t.utils.dlpack.from_dlpack(t.utils.dlpack.to_dlpack(t.ones(2))),
    "dlpack device": lambda t: tuple(map(int, t.ones(2).__dlpack_device__())),
    "versions": lambda t: _versions(t),
}


def _kept(t, again):
    x = t.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    x.extra = [1]
    y = again(x)
    return [y, [y.requires_grad, y.is_leaf, y.extra == x.extra], y.grad]


def _views(t):
    x = t.arange(6.0)
    a, b, c = copy.deepcopy([x, x[2:4], x.view(2, 3)])
    a.zero_()
    return [b, c, a.data_ptr() == x.data_ptr()]


def _with_data(t):
    x = t.ones(2, requires_grad=True)
    x.data = t.zeros(3, dtype=t.float64)
    (x * 2).sum().backward()
    return [x, x.grad, x.requires_grad]


def _retained(t):
    x = t.ones(2, requires_grad=True)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    return [x.grad, y.grad, y.retains_grad, x.retains_grad]


def _hashed(t):
    x, y = t.ones(2), t.ones(2)
    return [{x: 1, y: 2}[x], {x: 1, y: 2}[y], len({x, y, x})]


def _same_memory(t):
    x = t.ones(2)
    y = t.Tensor(x)
    y += 1
    return [x, y.data_ptr() == x.data_ptr()]


def _storages(t):
    s = t.FloatStorage([1, 2, 3])
    s[0] = 5
    again = s.clone().fill_(7)
    s.copy_(again)
    return [s.tolist(), again.tolist(), s.nbytes(), s.element_size(), s.type(), list(s), len(s)]


def _subclass(t):
    class Mine(t.Tensor):
        def twice(self):
            return self * 2

    x = t.ones(2).as_subclass(Mine)
    x.requires_grad_()
    x.twice().sum().backward()
    return [x.detach().tolist(), isinstance(x, t.Tensor), type(x) is Mine, x.grad.tolist(), Mine([1, 2]).shape]


def _pixels(t, order, ndim):
    x = t.arange(2.0**ndim * 3).reshape(3, *[2] * ndim)[0].requires_grad_()
    y = x.contiguous(memory_format=order)
    return [
        *(y, y.stride(), y.is_contiguous(), y.is_contiguous(memory_format=order), y.contiguous(memory_format=order) is y),
        *(x.to(memory_format=order).stride(), x.clone(memory_format=order).stride(), (y * 2).stride(), y.grad_fn is None),
    ]


def _parts(t):
    z = t.zeros(3, dtype=t.complex64)
    z.real = t.tensor([1.0, 2.0, 3.0])
    z.imag[1:] = 5
    z.real += 1
    return [z, z.imag]


def _versions(t):
    x = t.zeros(3)
    y = x[1:]
    versions = [x._version]
    for change in (
        lambda: x.add_(1),
        lambda: y.mul_(2),
        lambda: x.detach().zero_(),
        lambda: x.data.zero_(),
        lambda: x.clone(),
    ):
        change()
        versions.append(x._version)
    return [*versions, y._version]


@pytest.mark.oracle
@pytest.mark.parametrize("name", LEAVES)
def test_leaves_and_old_forms(name):
    agree(LEAVES[name], orders=0)


# Without the oracle


def test_variables_of_old_programs_that_are_volatile_infect_what_comes_of_them():
    w = dynamic.ones(3, requires_grad=True)
    x = dynamic.autograd.Variable(dynamic.ones(3), volatile=True)
    y = (w * x).sum() + w.sum()
    assert (x.volatile, w.volatile, y.volatile, y.requires_grad) == (True, False, True, False)
    assert (w * 2).requires_grad
    assert not (w * 2).volatile
    assert x[0].volatile
    assert dynamic.stack([x, w])[0].volatile
    assert not dynamic.autograd.Variable(x.data).volatile
    with pytest.raises(RuntimeError, match="grad"):
        y.backward()


def test_as_strided_changes_what_it_shows():
    x = dynamic.zeros(6)
    x.as_strided((3,), (2,)).add_(1)
    assert x.tolist() == [1, 0, 1, 0, 1, 0]
    y = dynamic.ones(6, requires_grad=True) * 2
    y.as_strided((2,), (3,)).mul_(5)
    y.sum().backward()
    assert y.tolist() == [10, 2, 2, 10, 2, 2]


def test_a_gpu_that_is_not_there_is_named_with_what_to_install():
    with pytest.raises(RuntimeError, match=r"(?s)cupy.*test_memory") as error:
        dynamic.ones(2).cuda()
    assert isinstance(error.value, AssertionError)  # what PyTorch raises
