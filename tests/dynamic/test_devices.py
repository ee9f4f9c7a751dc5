"""Tensors on a GPU, on the stand-in for cupy: moved there and back with their gradients, made there, saved from there."""

import numpy as np
import pytest

import dynamic


def test_moved_there_and_back_with_gradients(gpu):
    x = dynamic.tensor([1.0, 2.0], requires_grad=True)
    y = x.cuda()
    assert (y.is_cuda, y.get_device(), str(y.device), y.type()) == (True, 0, "cuda:0", "torch.cuda.FloatTensor")
    assert y.cuda() is y
    assert y.to("cuda") is y
    z = (y * y * 3).to("cpu")
    assert z.tolist() == [3.0, 12.0]
    z.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert not x.grad.is_cuda


def test_work_stays_where_its_operands_are(gpu):
    x = dynamic.ones(2, 2, device="cuda")
    y = x @ x + 1
    assert y.is_cuda
    assert type(y._array) is gpu.ndarray
    assert y.cpu().tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert y.sum().item() == 12
    assert y.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert "device='cuda:0'" in repr(y)
    with pytest.raises(TypeError, match="cpu"):
        y.numpy()
    with pytest.raises((TypeError, RuntimeError)):
        y + dynamic.ones(2, 2)


MADE = {
    "zeros": lambda d: dynamic.zeros(2, device=d),
    "ones": lambda d: dynamic.ones(2, device=d),
    "full": lambda d: dynamic.full((2,), 1.5, device=d),
    "tensor": lambda d: dynamic.tensor([1, 2], device=d),
    "arange": lambda d: dynamic.arange(2, device=d),
    "randn": lambda d: dynamic.randn(2, device=d),
    "as_tensor": lambda d: dynamic.as_tensor(np.ones(2), device=d),
    "to": lambda d: dynamic.ones(2).to(d, dynamic.float64),
    "new_zeros": lambda d: dynamic.ones(2, device=d).new_zeros(2),
    "zeros_like": lambda d: dynamic.zeros_like(dynamic.ones(2, device=d)),
    "type": lambda d: dynamic.ones(2).type("torch.cuda.DoubleTensor"),
    "typed": lambda d: dynamic.cuda.FloatTensor([1, 2]),
    "typed cast": lambda d: dynamic.ones(2).type(dynamic.cuda.LongTensor),
}


@pytest.mark.parametrize("where", ["cuda", "cuda:0", 0])
@pytest.mark.parametrize("name", MADE)
def test_made_there(gpu, name, where):
    made = MADE[name](where)
    assert made.is_cuda
    assert made.cpu().shape == (2,)


def test_a_default_device(gpu):
    with dynamic.device("cuda"):
        assert dynamic.zeros(2).is_cuda
        assert dynamic.tensor([1]).is_cuda
    assert not dynamic.zeros(2).is_cuda


def test_what_is_said_of_it(gpu):
    cuda = dynamic.cuda
    assert cuda.is_available()
    assert (cuda.device_count(), cuda.current_device(), cuda.get_device_name()) == (1, 0, "Stand-in")
    assert (cuda.get_device_capability(), cuda.get_device_properties(0).total_memory) == ((7, 5), 1 << 30)
    before = cuda.memory_allocated()
    held = dynamic.ones(1000, device="cuda")
    assert held.nbytes <= cuda.memory_allocated() - before <= held.nbytes + 512
    assert cuda.memory_reserved() >= cuda.memory_allocated()
    assert dynamic.accelerator.is_available()
    assert str(dynamic.accelerator.current_accelerator()) == "cuda"
    assert isinstance(dynamic.ones(2).cuda(), cuda.FloatTensor)
    assert not isinstance(dynamic.ones(2), cuda.FloatTensor)
    cuda.empty_cache()


def test_saved_from_there(gpu, tmp_path):
    dynamic.save({"w": dynamic.ones(2, device="cuda")}, tmp_path / "file")
    assert dynamic.load(tmp_path / "file")["w"].is_cuda
    assert not dynamic.load(tmp_path / "file", map_location="cpu")["w"].is_cuda
    assert not dynamic.load(tmp_path / "file", map_location={"cuda:0": "cpu"})["w"].is_cuda
    assert not dynamic.load(tmp_path / "file", map_location=lambda storage, place: storage.cpu())["w"].is_cuda


def test_without_a_gpu_a_file_comes_back_to_the_processor(tmp_path, gpu, monkeypatch):
    dynamic.save(dynamic.ones(2, device="cuda"), tmp_path / "file")
    monkeypatch.setattr(gpu.cuda.runtime, "getDeviceCount", lambda: 0)
    assert dynamic.load(tmp_path / "file").tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="no GPU"):
        dynamic.ones(2).cuda()
