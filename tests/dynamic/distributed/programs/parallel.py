"""Nets under DistributedDataParallel beside the same nets in one process on the whole batch; each rank writes down both."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import dynamic as torch
import dynamic.distributed as dist
from dynamic import nn
from dynamic.nn.parallel import DistributedDataParallel


folder = Path(sys.argv[1])
dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()
BATCH = 12
results = {}


class Odd(nn.Module):
    """One layer twice, a weight that another layer's output is multiplied by, and a branch that not all ranks take."""

    def __init__(self, branch):
        super().__init__()
        self.first, self.twice, self.left, self.never = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.scale = nn.Parameter(torch.ones(6))
        self.branch = branch

    def forward(self, x):
        x = torch.tanh(self.first(x)) * self.scale
        x = torch.tanh(self.twice(torch.tanh(self.twice(x))))
        return torch.tanh(self.left(x)) if self.branch(x) else x @ self.twice.weight


def deep():
    return nn.Sequential(nn.Linear(5, 300), nn.ReLU(), nn.Linear(300, 900), nn.Tanh(), nn.Linear(900, 6))


def shared():
    net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 6, bias=False), nn.Tanh(), nn.Linear(6, 6, bias=False))
    net[4].weight = net[2].weight
    return net


def recurrent():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, 6)

        def forward(self, x):
            return self.out(self.rnn(x.unsqueeze(2))[0][:, -1])

    return Net()


def odd():
    return Odd(lambda x: rank == 0)


NETS = {
    "deep": (deep, {}),
    "small buckets": (deep, {"bucket_cap_mb": 0.01}),
    "views": (deep, {"gradient_as_bucket_view": True}),
    "shared": (shared, {}),
    "recurrent": (recurrent, {}),
    "static": (deep, {"static_graph": True}),
    "unused": (odd, {"find_unused_parameters": True}),
    "unused views": (odd, {"find_unused_parameters": True, "gradient_as_bucket_view": True}),
}


def digest(tensors):
    made = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        made.update(tensor.detach().numpy().tobytes())
    return made.hexdigest()


def batch(step):
    rng = np.random.default_rng(step)
    return torch.from_numpy(rng.normal(size=(BATCH, 5))), torch.from_numpy(rng.normal(size=(BATCH, 6)))


def share(x):
    part = BATCH // size
    return x[rank * part : (rank + 1) * part]


def whole_loss(net, x, y):
    """The mean over the batch in one process; the ranks' branches, where there are some, on their shares."""
    if not isinstance(net, Odd):
        return ((net(x) - y) ** 2).mean()
    total, part = 0.0, BATCH // size
    for each in range(size):
        net.branch = lambda _, each=each: each == 0
        rows = slice(each * part, (each + 1) * part)
        total = total + ((net(x[rows]) - y[rows]) ** 2).mean() / size
    return total


for name, (make, settings) in NETS.items():
    torch.manual_seed(rank + 1)
    net = make().double()
    ddp = DistributedDataParallel(net, **settings)
    single = make().double()
    single.load_state_dict(net.state_dict())
    first = digest(net.parameters())
    optimisers = [torch.optim.Adam(each.parameters(), lr=0.01) for each in (ddp, single)]
    worst = 0.0
    arrays = set()
    for step in range(4):
        x, y = batch(step)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=step % 2 == 0)
        if step == 3:  # what the first of two passes leaves on its rank is averaged with the second's
            with ddp.no_sync():
                ((ddp(share(x)) - share(y)) ** 2).mean().backward()
            whole_loss(single, x, y).backward()
        ((ddp(share(x)) - share(y)) ** 2).mean().backward()
        whole_loss(single, x, y).backward()
        for (place, ours), alone in zip(net.named_parameters(), single.parameters(), strict=True):
            if alone.grad is None:
                assert ours.grad is None, (name, place)
                continue
            scale = float(alone.grad.abs().max()) + 1e-3
            worst = max(worst, float((ours.grad - alone.grad).abs().max()) / scale)
        for optimiser in optimisers:
            optimiser.step()
        if settings.get("gradient_as_bucket_view"):
            views = [view for bucket in ddp.reducer.buckets for view in bucket.views.values()]
            grads = [each.grad._array for each in net.parameters() if each.grad is not None]
            assert step == 0 or all(any(np.shares_memory(g, view) for view in views) for g in grads), name
    results[name] = {
        "first": first,
        "last": digest(net.parameters()),
        "gradients": digest([each.grad for each in net.parameters() if each.grad is not None]),
        "worst": worst,
        "buckets": [bucket.members for bucket in ddp.reducer.buckets],
        "keys": list(ddp.state_dict()),
    }

# When the first layer's gradient comes, which is last, those of the last layers are on their way.
net = deep()
ddp = DistributedDataParallel(net, bucket_cap_mb=0.01)
begun = []
net[0].weight.register_hook(lambda g: begun.append([bucket.work is not None for bucket in ddp.reducer.buckets]))
for step in range(2):
    ddp(share(batch(step)[0]).float()).sum().backward()
results["begun"] = begun

# Small integers have exact sums: the gradient of one process on the whole batch, bit for bit.
net = nn.Linear(5, 6)
ddp = DistributedDataParallel(net)
x = torch.arange(BATCH * 5).reshape(BATCH, 5).float() % 7 - 3
y = torch.arange(BATCH * 6).reshape(BATCH, 6).float() % 5 - 2
(ddp(share(x)) * share(y)).sum().backward()
results["exact"] = [(net.weight.grad * size).tolist(), (y.t() @ x).tolist()]

# A bound in float32: so many roundings, of sums of so large terms.
torch.manual_seed(5)
net = nn.Linear(40, 30)
ddp = DistributedDataParallel(net)
x, d = torch.randn(240, 40), torch.randn(240, 30)
rows = slice(rank * (240 // size), (rank + 1) * (240 // size))
((ddp(x[rows]) * d[rows]).sum() * (size / 240)).backward()
exact = (d.double().t() @ x.double()) / 240
terms = (d.double().abs().t() @ x.double().abs()) / 240
results["bound"] = float(((net.weight.grad.double() - exact).abs() / (terms * 2.0**-24)).max())

# Buffers are rank 0's before each forward pass.
net = nn.BatchNorm1d(5)
ddp = DistributedDataParallel(net)
for step in range(3):
    ddp(share(batch(step)[0]).float() + rank).sum().backward()
ddp(share(batch(3)[0]).float())
results["buffers"] = [digest([net.num_batches_tracked]), int(net.num_batches_tracked)]
other = nn.BatchNorm1d(5)
alone = DistributedDataParallel(other, broadcast_buffers=False)
alone(share(batch(0)[0]).float() + rank)
results["own buffers"] = digest([other.running_mean])


def caught(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__} {error}"
    return "no error"


def unused():
    net = Odd(lambda x: True)
    ddp = DistributedDataParallel(net)
    ddp(torch.ones(2, 5)).sum().backward()


def called(state, bucket):
    state.append([bucket.index(), bucket.is_last(), len(bucket.parameters()), bucket.buffer().numel()])
    work = dist.all_reduce(bucket.buffer(), async_op=True)
    return work


def with_hook():
    net = nn.Linear(2, 2)
    ddp = DistributedDataParallel(net)
    state = []
    ddp.register_comm_hook(state, called)
    ddp(torch.ones(1, 2)).sum().backward()
    return [state, net.weight.grad.tolist()]


def uneven(divide, **settings):
    """Ranks with one batch more than the rank before: as in one process with what there is each time."""
    torch.manual_seed(11)
    net = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 6)).double()
    net[1].eval()
    single = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 6)).double()
    ddp = DistributedDataParallel(net, bucket_cap_mb=0.0001, **settings)
    single.load_state_dict(net.state_dict())
    single[1].eval()
    optimisers = [torch.optim.SGD(each.parameters(), lr=0.1) for each in (ddp, single)]
    with ddp.join(divide_by_initial_world_size=divide):
        for step in range(rank + 1):
            x, y = batch(10 * rank + step)
            optimisers[0].zero_grad()
            ((ddp(x) - y) ** 2).mean().backward()
            optimisers[0].step()
    for step in range(size):
        optimisers[1].zero_grad()
        active = range(step, size)
        losses = [((single(x) - y) ** 2).mean() for x, y in (batch(10 * each + step) for each in active)]
        (sum(losses) / (size if divide else len(active))).backward()
        optimisers[1].step()
    pairs = zip(net.parameters(), single.parameters(), strict=True)
    return [digest(net.parameters()), max(float((a - b).abs().max()) for a, b in pairs)]


def strictly():
    ddp = DistributedDataParallel(nn.Linear(2, 2))
    with ddp.join(throw_on_early_termination=True):
        for _ in range(1 + (rank > 0)):
            ddp(torch.ones(1, 2)).sum().backward()


results["uneven"] = [uneven(True), uneven(False), uneven(True, find_unused_parameters=True)]
results["strictly"] = caught(strictly)
results["errors"] = [
    caught(unused),
    caught(lambda: DistributedDataParallel(nn.ReLU())),
    caught(lambda: DistributedDataParallel(nn.Linear(2, 2 + rank % 2))),
    caught(lambda: DistributedDataParallel(nn.Linear(2, 2), device_ids=[0, 1])),
]
results["hook"] = with_hook()
samplers = [torch.utils.data.DistributedSampler(range(7), shuffle=False), torch.utils.data.DistributedSampler(range(7))]
results["shares"] = [list(each) for each in samplers]
net = nn.Linear(2, 2)
ddp = DistributedDataParallel(net)
grads = torch.autograd.grad(ddp(torch.ones(1, 2) * rank).sum(), list(net.parameters()))
results["autograd.grad"] = [each.tolist() for each in grads]
with torch.autograd.detect_anomaly(check_nan=True):
    ddp(torch.ones(1, 2) * (rank + 1)).sum().backward()
results["anomaly"] = net.weight.grad.tolist()
(folder / f"{rank}.json").write_text(json.dumps(results))
