"""DistributedDataParallel on one to four ranks against one process on the whole batch, and its buckets against PyTorch's."""

import numpy as np
import pytest

import dynamic
from dynamic import nn, tape
from dynamic.nn.parallel import buckets, reducer
from dynamic.utils.data import DistributedSampler
from tests.dynamic.distributed.ranks import found
from tests.dynamic.oracle import pytorch


LONG = pytest.mark.long
SIZES = (pytest.param(1, marks=LONG), 2, 3, pytest.param(4, marks=LONG))
NETS = ("deep", "small buckets", "views", "shared", "recurrent", "static", "unused", "unused views")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """By number of ranks, what each rank has got."""
    kept = {}

    def of(size):
        if size not in kept:
            kept[size] = found(tmp_path_factory.mktemp(f"ranks{size}"), "parallel.py", size)
        return kept[size]

    return of


@pytest.mark.parametrize("size", SIZES)
def test_parameters_are_the_same_on_all_ranks_and_as_in_one_process(results, size):
    ranks = results(size)
    for name in NETS:
        for got in ranks:
            for what in ("first", "last", "gradients"):
                assert got[name][what] == ranks[0][name][what], (name, what)
            assert got[name]["worst"] < 1e-12, name
            assert got[name]["buckets"] == ranks[0][name]["buckets"]
            assert all(key.startswith("module.") for key in got[name]["keys"])


@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_those_of_the_whole_batch_within_the_rounding_of_sums(results, size):
    for got in results(size):
        ours, whole = got["exact"]
        assert size == 3 or ours == whole
        assert np.allclose(ours, whole, rtol=1e-6, atol=1e-5)
        assert got["bound"] <= 240 / size + size + 2  # a rounding a term of a rank's sum, a rank's sum, and two products


def test_buckets_are_made_anew_by_the_order_of_arrival(results):
    for got in results(2):
        assert got["deep"]["buckets"] == [[4, 5, 2], [3, 0, 1]] or got["deep"]["buckets"] == [[5, 4, 3, 2], [1, 0]]
        assert len(got["small buckets"]["buckets"]) > len(got["deep"]["buckets"])
        assert sorted(i for members in got["unused"]["buckets"] for i in members) == list(range(9))


def test_gradients_travel_while_the_pass_is_under_way(results):
    for got in results(2):
        for begun in got["begun"]:
            assert begun[0]
            assert not begun[-1]


@pytest.mark.parametrize("size", SIZES[1:3])
def test_buffers_errors_and_hooks(results, size):
    ranks = results(size)
    assert len({got["buffers"][0] for got in ranks}) == 1
    assert ranks[0]["buffers"][1] == 4
    assert len({got["own buffers"] for got in ranks}) == size
    for rank, got in enumerate(ranks):
        unused, nothing, models, devices = got["errors"]
        assert unused.startswith("GradientError the loss does not depend on all parameters")
        assert "never.weight, never.bias" in unused
        assert "parallel.py" in unused
        assert "any parameters that require a gradient" in nothing
        assert models.startswith("MismatchError the model on rank 1 is not that of rank 0")
        assert "weight float32 (2, 2) True there is weight float32 (3, 2) True" in models
        assert devices.startswith("ValueError device_ids names one device at most")
        assert got["hook"] == [[[0, True, 2, 6]], [[float(size)] * 2] * 2]
        assert got["autograd.grad"] == [[[float(rank)] * 2] * 2, [1.0, 1.0]]
        assert np.allclose(got["anomaly"], (size + 1) / 2)


@pytest.mark.parametrize("size", SIZES[1:3])
def test_ranks_may_have_unequal_numbers_of_batches(results, size):
    ranks = results(size)
    for got in ranks:
        for (digest, difference), (first, _) in zip(got["uneven"], ranks[0]["uneven"], strict=True):
            assert digest == first
            assert difference < 1e-12
        assert got["strictly"].startswith("DistError no more inputs on rank 0, and join was told to end then")


def test_each_rank_samples_its_share(results):
    plain, shuffled = zip(*[got["shares"] for got in results(2)], strict=True)
    assert list(plain) == [[0, 2, 4, 6], [1, 3, 5, 0]]
    assert sorted({i for share in shuffled for i in share}) == list(range(7))
    for rank in range(2):
        assert shuffled[rank] == list(DistributedSampler(range(7), 2, rank))


def test_the_first_reader_of_each_leaf_is_found_behind_loops_of_edges():
    a, b = (dynamic.ones(2, requires_grad=True) for _ in range(2))
    early = a * 2
    late = a * b
    total = (early + late).sum()
    readers = reducer.first_readers([total._edge])
    assert readers == {a._edge: early._edge.serial, b._edge: late._edge.serial}
    chain = a
    for _ in range(50_000):
        chain = chain + b
    assert reducer.first_readers([chain._edge])[b._edge] < chain._edge.serial


def test_a_leaf_that_is_hastened_takes_its_turn_before_earlier_records():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    x = dynamic.ones(1, 2)
    loss = second(first(x)).sum()
    order = []
    first.weight.register_hook(lambda g: order.append("first"))
    second.weight.register_hook(lambda g: order.append("second"))
    first.bias.register_hook(lambda g: order.append("bias"))

    def hasten(roots, wrt):
        for record, serial in reducer.first_readers([edge for edge, _ in roots]).items():
            if record is not first.bias._edge:
                record.early, record.serial = True, serial - 0.5 - 0.001 * (record.serial % 97)

    tape.hastened = hasten
    try:
        loss.backward()
    finally:
        tape.hastened = None
    assert order == ["second", "first", "bias"]
    assert first.weight.grad.shape == (2, 2)


@pytest.mark.oracle
def test_parameters_are_shared_out_as_pytorch_does():
    torch = pytorch()
    rng = np.random.default_rng(0)
    for _ in range(50):
        kinds = [rng.choice(["float32", "float64"]) for _ in range(rng.integers(1, 12))]
        arrays = [np.zeros(int(rng.integers(1, 400_000)), kind) for kind in kinds]
        limits = [1 << 20, int(rng.integers(1, 4)) << 20]
        tensors = [torch.from_numpy(a) for a in arrays]
        theirs, _ = torch._C._distributed_c10d._compute_bucket_assignment_by_size(tensors, limits)
        assert buckets.shared_out(arrays, range(len(arrays)), limits) == theirs


def test_a_sampler_without_a_group_says_so():
    with pytest.raises(ValueError, match="init_process_group"):
        DistributedSampler(range(4))
