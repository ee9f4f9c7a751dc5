"""Operations on tensors of a GPU: cupy's stand-in, with a stand-in for its NCCL that really exchanges, over MPI."""

import ctypes
import json
import sys
import types
from pathlib import Path

import numpy as np

import dynamic as torch
import dynamic.distributed as dist
from dynamic import elsewhere, nn
from dynamic.nn.parallel import DistributedDataParallel
from graphs.core import arrays
from tests.graphs import fake_array, fake_cupy


TYPES = {1: "i1", 2: "u1", 3: "i4", 4: "u4", 5: "i8", 6: "u8", 7: "f2", 8: "f4", 9: "f8"}
NAMES = ("INT8", "UINT8", "INT32", "UINT32", "INT64", "UINT64", "FLOAT16", "FLOAT32", "FLOAT64")
calls = []


def memory(pointer, count, kind):
    """The numbers at an address."""
    dtype = np.dtype(TYPES[kind])
    return np.frombuffer((ctypes.c_char * (count * dtype.itemsize)).from_address(pointer), dtype)


class NcclCommunicator:
    """cupy's communicator: what it is asked for, done at once."""

    def __init__(self, size, number, rank):
        from mpi4py import MPI

        assert isinstance(number, tuple)
        assert number == tuple(range(-64, 64))
        self.comm, self.ops = MPI.COMM_WORLD.Dup(), {0: MPI.SUM, 1: MPI.PROD, 2: MPI.MAX, 3: MPI.MIN}
        assert (size, rank) == (self.comm.size, self.comm.rank)
        self.held = None

    def check_async_error(self):
        return 0

    def allReduce(self, source, target, count, kind, op, stream):  # noqa: N802
        calls.append(("allReduce", stream))
        self.comm.Allreduce(memory(source, count, kind).copy(), memory(target, count, kind), self.ops[op])

    def reduce(self, source, target, count, kind, op, root, stream):
        self.comm.Reduce(memory(source, count, kind).copy(), memory(target, count, kind), self.ops[op], root)

    def broadcast(self, source, target, count, kind, root, stream):
        self.comm.Bcast(memory(target, count, kind), root)

    def allGather(self, source, target, count, kind, stream):  # noqa: N802
        self.comm.Allgather(memory(source, count, kind), memory(target, count * self.comm.size, kind))

    def reduceScatter(self, source, target, count, kind, op, stream):  # noqa: N802
        whole = memory(source, count * self.comm.size, kind)
        self.comm.Reduce_scatter_block(whole.copy(), memory(target, count, kind), self.ops[op])

    def send(self, source, count, kind, peer, stream):
        held.append(self.comm.Isend(memory(source, count, kind), peer))

    def recv(self, target, count, kind, peer, stream):
        held.append(self.comm.Irecv(memory(target, count, kind), peer))


held = []


def ended():
    """Wait for what was grouped."""
    for each in held:
        each.Wait()
    held.clear()


cupy = fake_cupy.module()
cupy.cuda.nccl = types.SimpleNamespace(
    available=True,
    NcclCommunicator=NcclCommunicator,
    get_unique_id=lambda: tuple(range(-64, 64)),
    groupStart=lambda: None,
    groupEnd=ended,
    **{f"NCCL_{name}": i + 1 for i, name in enumerate(NAMES)},
    **{f"NCCL_{name}": i for i, name in enumerate(("SUM", "PROD", "MAX", "MIN"))},
)
arrays.MODULES[fake_array.ndarray] = cupy
sys.modules["cupy"] = cupy

folder, backend = Path(sys.argv[1]), sys.argv[2]
assert dist.is_nccl_available()
dist.init_process_group(None if backend == "both" else backend)
rank, size = dist.get_rank(), dist.get_world_size()
OP = dist.ReduceOp
results = {"backend": dist.get_backend()}


def on(x):
    return x.cuda()


def note(name, *tensors):
    assert all(t.device.type == "cuda" for t in tensors), name
    results[name] = [t.cpu().tolist() for t in tensors]


for op in ("SUM", "PRODUCT", "MIN", "MAX", "AVG"):
    dist.all_reduce(x := on(torch.arange(4.0) + rank + 1), op=getattr(OP, op))
    note(op, x)
dist.all_reduce(x := on(torch.arange(6).reshape(2, 3) + rank).t())
note("transposed", x)
x = on(torch.ones(3, dtype=torch.float64) * rank)
before = elsewhere.counted.copy()
work = dist.all_reduce(x, async_op=True)
work.wait()
moved = elsewhere.counted - before
results["moved"] = [moved.to_host, moved.to_host_bytes, moved.to_device, moved.to_device_bytes]
note("later", x)
dist.all_reduce(x := on(torch.tensor([1 + 2j, 3j]) * (rank + 1)))
results["complex"] = [[each.real, each.imag] for each in x.cpu().tolist()]
dist.reduce(x := on(torch.ones(2) * (rank + 1)), 0)
if rank == 0:
    note("reduce", x)
dist.broadcast(x := on(torch.ones(2) * rank), size - 1)
note("broadcast", x)
outs = [on(torch.zeros(2)) for _ in range(size)]
dist.all_gather(outs, on(torch.ones(2) * rank))
note("all_gather", *outs)
dist.all_gather_into_tensor(out := on(torch.zeros(size * 2)), on(torch.ones(2) * rank))
note("into", out)
outs = [on(torch.zeros(2)) for _ in range(size)] if rank == 0 else None
dist.gather(on(torch.ones(2) * rank), outs)
note("gather", *(outs or ()))
dist.scatter(out := on(torch.zeros(2)), [on(torch.ones(2) * i) for i in range(size)] if rank == 0 else None)
note("scatter", out)
dist.reduce_scatter(out := on(torch.zeros(2)), [on(torch.ones(2) * (i + rank)) for i in range(size)])
note("reduce_scatter", out)
dist.all_to_all_single(out := on(torch.zeros(size)), on(torch.arange(float(size)) + 10 * rank))
note("all_to_all", out)
if rank == 0:
    dist.send(on(torch.ones(2) * 5), 1)
elif rank == 1:
    dist.recv(x := on(torch.zeros(2)), 0)
    note("recv", x)


def caught(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__} {error}"
    return "no error"


results["errors"] = [
    caught(lambda: dist.all_reduce(on(torch.arange(3)), op=OP.BXOR)),
    caught(lambda: dist.all_reduce(on(torch.ones(2 + rank)))),
    caught(lambda: dist.all_reduce(torch.ones(2))),
]
if backend != "nccl":
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)).to("cuda")
    ddp = DistributedDataParallel(net, bucket_cap_mb=0.00001)
    x = torch.arange(8.0).reshape(2, 4) / 8
    ddp(x[rank : rank + 1].cuda()).sum().backward()
    other = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    other.load_state_dict({name: value.cpu() for name, value in net.state_dict().items()})
    (other(x[:size]).sum() / size).backward()
    pairs = zip(net.parameters(), other.parameters(), strict=True)
    results["gradients"] = max(float((a.grad.cpu() - b.grad).abs().max()) for a, b in pairs)
results["streams"] = sorted({stream for _, stream in calls})
(folder / f"{rank}.json").write_text(json.dumps(results))
