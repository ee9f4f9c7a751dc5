"""Every operation once, with ``dynamic`` or with ``torch`` over gloo: each rank writes down what it has got."""

import json
import sys
import warnings
from pathlib import Path


folder, framework = Path(sys.argv[1]), sys.argv[2]
if framework == "torch":
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo", f"file://{folder}/meeting", rank=int(sys.argv[3]), world_size=int(sys.argv[4]))
else:
    import dynamic as torch
    import dynamic.distributed as dist

    dist.init_process_group("mpi")

OP = dist.ReduceOp
rank, size = dist.get_rank(), dist.get_world_size()
last = size - 1
results = {"rank": rank, "size": size}


def note(name, *tensors):
    """Write down values, shapes and dtypes."""
    results[name] = [[str(t.dtype).removeprefix("torch."), list(t.shape), t.tolist()] for t in tensors]


def numbers(*shape, dtype="float32", shift=0):
    """Small numbers, others on each rank."""
    count = 1
    for n in shape:
        count *= n
    values = torch.arange(count) * (rank + 2) % 7 + rank + 1 + shift
    return values.reshape(shape).to(getattr(torch, dtype))


for op in ("SUM", "PRODUCT", "MIN", "MAX"):
    for dtype in ("float32", "float64", "int64", "uint8"):
        x = numbers(2, 3, dtype=dtype)
        dist.all_reduce(x, op=getattr(OP, op))
        note(f"all_reduce {op} {dtype}", x)
for op in ("BAND", "BOR", "BXOR"):
    x = numbers(5, dtype="int32")
    dist.all_reduce(x, op=getattr(OP, op))
    note(f"all_reduce {op}", x)
x = numbers(3, 4).t()
dist.all_reduce(x if framework == "dynamic" else (x := x.contiguous()))
note("all_reduce of a transpose", x)
x = torch.tensor(1.5 + rank)
dist.all_reduce(x)
note("all_reduce of a number", x)
big = torch.arange(2_500_001).to(torch.float64) % 11 * (rank + 1)
work = dist.all_reduce(big, async_op=True)
small = numbers(2)
other = dist.all_reduce(small, async_op=True)
other.wait()
work.wait()
assert work.is_completed()
note("two at once", small, big[::500_000], big.sum())
dist.reduce(x := numbers(3), last)
if rank == last:
    note("reduce", x)
for root in {0, last}:
    dist.broadcast(x := numbers(2, 2), root)
    note(f"broadcast {root}", x)
outs = [torch.zeros(2, 3) for _ in range(size)]
dist.all_gather(outs, numbers(2, 3))
note("all_gather", *outs)
if framework == "dynamic" or hasattr(dist, "all_gather_into_tensor"):
    dist.all_gather_into_tensor(out := torch.zeros(2 * size, 3), numbers(2, 3))
    note("all_gather_into_tensor", out)
outs = [torch.zeros(2) for _ in range(size)] if rank == 0 else None
dist.gather(numbers(2), outs)
note("gather", *(outs or ()))
out = torch.zeros(2)
dist.scatter(out, [torch.full((2,), 10.0 + i) for i in range(size)] if rank == last else None, src=last)
note("scatter", out)
dist.reduce_scatter(out := torch.zeros(2), [numbers(2, shift=i) for i in range(size)])
note("reduce_scatter", out)
dist.reduce_scatter_tensor(out := torch.zeros(2), numbers(2 * size))
note("reduce_scatter_tensor", out)
dist.all_to_all_single(out := torch.zeros(size, 2), numbers(size, 2))
note("all_to_all_single", out)
given = [i + 1 for i in range(size)]
dist.all_to_all_single(out := torch.zeros((rank + 1) * size), numbers(sum(given)), [rank + 1] * size, given)
note("all_to_all_single of uneven parts", out)

if size > 1:
    to, source = (rank + 1) % size, (rank - 1) % size
    x = torch.zeros(3)
    sent = dist.isend(numbers(3), to)
    assert dist.recv(x, source) == source
    sent.wait()
    note("ring", x)
    first, second = torch.zeros(2), torch.zeros(2)
    sent = [dist.isend(torch.full((2,), float(tag)), to, tag=tag) for tag in (4, 3)]
    got = [dist.irecv(first, source, tag=3), dist.irecv(second, source, tag=4)]
    for each in (*got, *sent):
        each.wait()
    note("tags", first, second)
    if rank == 0:
        senders = []
        for _ in range(size - 1):
            dist.recv(x := torch.zeros(1))
            senders.append(int(x.item()))
        results["from any"] = sorted(senders)
    else:
        dist.send(torch.tensor([float(rank)]), 0)

objects = [None] * size
dist.all_gather_object(objects, {"rank": rank, "text": "ü" * rank, "list": [1, None, 2.5]})
results["all_gather_object"] = objects
objects = [None] * size if rank == 0 else None
dist.gather_object([rank], objects)
results["gather_object"] = objects
objects = [{"a": 1}, "b"] if rank == 0 else [None, None]
dist.broadcast_object_list(objects, src=0)
results["broadcast_object_list"] = objects
objects = [None]
dist.scatter_object_list(objects, [f"for {i}" for i in range(size)] if rank == 0 else None, src=0)
results["scatter_object_list"] = objects
if size > 1:
    if rank == 0:
        dist.send_object_list(["hello", 3], 1)
    elif rank == 1:
        objects = [None, None]
        results["recv_object_list"] = [dist.recv_object_list(objects, 0), objects]

ends = sorted({0, last})
group = dist.new_group(ends)
if rank in ends:
    dist.all_reduce(x := numbers(3), group=group)
    note("all_reduce in a group", x)
    results["places"] = [dist.get_rank(group), dist.get_world_size(group), dist.get_process_group_ranks(group)]
    results["places"] += [dist.get_global_rank(group, 0), dist.get_group_rank(group, last)]
else:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dist.all_reduce(numbers(1), group=group)
    results["outside"] = [dist.get_rank(group), dist.get_world_size(group), len(caught)]
dist.barrier()
dist.barrier(async_op=True).wait()
dist.monitored_barrier()
if framework == "dynamic":
    dist.all_reduce(x := numbers(3), op=OP.AVG)
    note("all_reduce AVG", x)
    outs = [torch.zeros(rank + 1) for i in range(size)]
    dist.all_to_all(outs, [torch.full((i + 1,), float(rank)) for i in range(size)])
    note("all_to_all", *outs)
    objects = [None] * size
    dist.all_gather_object(objects, (torch.ones(2) * rank, {3, 4}))
    assert [each[0].tolist() for each in objects] == [[i, i] for i in range(size)]
    assert objects[0][1] == {3, 4}
    steep = torch.tensor([[1e16, 1.0, -1e16, 1.0][rank % 4]], dtype=torch.float64)
    dist.all_reduce(steep)
    note("order", steep)
    many = torch.sin(torch.arange(2_500_001) * (rank + 1.0))
    rows = [torch.zeros(2_500_001) for _ in range(size)]
    dist.all_gather(rows, many)
    dist.all_reduce(many)
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    results["order of many"] = bool((many == total).all())
    results["backend"] = [dist.get_backend(), dist.get_backend_config(), str(dist.group.WORLD)]
dist.destroy_process_group()
assert not dist.is_initialized()
(folder / f"{rank}.json").write_text(json.dumps(results))
