"""Operations of all ranks, on one to four of them, against numpy; under ``--long`` against PyTorch over gloo too."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.dynamic.distributed.ranks import MPIEXEC, OURS, PROGRAMS, ROOT, WAIT, environment, found


SIZES = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """By number of ranks, what each rank has got."""
    kept = {}

    def of(size):
        if size not in kept:
            folder = tmp_path_factory.mktemp(f"ranks{size}")
            kept[size] = found(folder, "collectives.py", size, "dynamic", launcher=MPIEXEC if size == 3 else OURS)
        return kept[size]

    return of


def numbers(rank, *shape, dtype="float32", shift=0):
    return (np.arange(np.prod(shape, dtype=int)) * (rank + 2) % 7 + rank + 1 + shift).reshape(shape).astype(dtype)


def same(noted, *arrays):
    assert [each[2] for each in noted] == [np.asarray(a).tolist() for a in arrays]


@pytest.mark.parametrize("size", SIZES)
def test_numbers_are_combined(results, size):
    ways = {"SUM": np.add, "PRODUCT": np.multiply, "MIN": np.minimum, "MAX": np.maximum}
    for rank, got in enumerate(results(size)):
        assert (got["rank"], got["size"]) == (rank, size)
        for name, way in ways.items():
            for dtype in ("float32", "float64", "int64", "uint8"):
                rows = [numbers(r, 2, 3, dtype=dtype) for r in range(size)]
                same(got[f"all_reduce {name} {dtype}"], way.reduce(rows, dtype=dtype))
                assert got[f"all_reduce {name} {dtype}"][0][:2] == [dtype, [2, 3]]
        for name, way in {"BAND": np.bitwise_and, "BOR": np.bitwise_or, "BXOR": np.bitwise_xor}.items():
            same(got[f"all_reduce {name}"], way.reduce([numbers(r, 5, dtype="int32") for r in range(size)]))
        same(got["all_reduce of a transpose"], sum(numbers(r, 3, 4).T for r in range(size)))
        same(got["all_reduce of a number"], sum(1.5 + r for r in range(size)))
        same(got["all_reduce AVG"], sum(numbers(r, 3) for r in range(size)) / np.float32(size))
        big = np.arange(2_500_001) % 11 * 1.0 * sum(range(1, size + 1))
        same(got["two at once"], sum(numbers(r, 2) for r in range(size)), big[::500_000], big.sum())
    same(results(size)[-1]["reduce"], sum(numbers(r, 3) for r in range(size)))


@pytest.mark.parametrize("size", SIZES)
def test_sums_have_the_bits_of_adding_in_the_order_of_the_ranks(results, size):
    total = 0.0
    for rank in range(size):
        total += [1e16, 1.0, -1e16, 1.0][rank]
    for got in results(size):
        same(got["order"], [total])
        assert got["order of many"]


@pytest.mark.parametrize("size", SIZES)
def test_tensors_go_where_they_belong(results, size):
    last = size - 1
    for rank, got in enumerate(results(size)):
        for root in {0, last}:
            same(got[f"broadcast {root}"], numbers(root, 2, 2))
        rows = [numbers(r, 2, 3) for r in range(size)]
        same(got["all_gather"], *rows)
        same(got["all_gather_into_tensor"], np.concatenate(rows))
        same(got["gather"], *([numbers(r, 2) for r in range(size)] if rank == 0 else []))
        same(got["scatter"], np.full(2, 10.0 + rank))
        same(got["reduce_scatter"], sum(numbers(r, 2, shift=rank) for r in range(size)))
        same(got["reduce_scatter_tensor"], sum(numbers(r, 2 * size) for r in range(size)).reshape(size, 2)[rank])
        same(got["all_to_all_single"], np.stack([numbers(r, size, 2)[rank] for r in range(size)]))
        start = rank * (rank + 1) // 2
        parts = [numbers(r, size * (size + 1) // 2)[start : start + rank + 1] for r in range(size)]
        same(got["all_to_all_single of uneven parts"], np.concatenate(parts))
        same(got["all_to_all"], *[np.full(rank + 1, float(r)) for r in range(size)])


@pytest.mark.parametrize("size", SIZES[1:])
def test_messages_find_their_receivers(results, size):
    for rank, got in enumerate(results(size)):
        same(got["ring"], numbers((rank - 1) % size, 3))
        same(got["tags"], [3.0, 3.0], [4.0, 4.0])
    assert results(size)[0]["from any"] == list(range(1, size))


@pytest.mark.parametrize("size", SIZES)
def test_objects_travel_without_pickle(results, size):
    for rank, got in enumerate(results(size)):
        every = [{"rank": r, "text": "ü" * r, "list": [1, None, 2.5]} for r in range(size)]
        assert got["all_gather_object"] == every
        assert got["gather_object"] == ([[r] for r in range(size)] if rank == 0 else None)
        assert got["broadcast_object_list"] == [{"a": 1}, "b"]
        assert got["scatter_object_list"] == [f"for {rank}"]
    if size > 1:
        assert results(size)[1]["recv_object_list"] == [0, ["hello", 3]]


@pytest.mark.parametrize("size", SIZES)
def test_groups_have_ranks_of_their_own(results, size):
    ends = sorted({0, size - 1})
    for rank, got in enumerate(results(size)):
        if rank in ends:
            same(got["all_reduce in a group"], sum(numbers(r, 3) for r in ends))
            assert got["places"] == [ends.index(rank), len(ends), ends, 0, len(ends) - 1]
        else:
            assert got["outside"] == [-1, -1, 1]
        assert got["backend"] == ["mpi", "cpu:mpi,cuda:mpi", f"<ProcessGroup world: rank {rank} of {size}, mpi>"]


@pytest.mark.long
@pytest.mark.oracle
@pytest.mark.parametrize("size", [2, 3])
def test_pytorch_over_gloo_has_the_same(results, size, tmp_path):
    pytest.importorskip("torch")
    command = [sys.executable, str(PROGRAMS / "collectives.py"), str(tmp_path), "torch"]
    started = [
        subprocess.Popen([*command, str(rank), str(size)], cwd=ROOT, env={**environment(), "GLOO_SOCKET_IFNAME": "lo"})
        for rank in range(size)
    ]
    try:
        assert [each.wait(WAIT) for each in started] == [0] * size
    finally:
        for each in started:
            each.kill()
            each.wait()
    for rank, ours in enumerate(results(size)):
        theirs = json.loads((tmp_path / f"{rank}.json").read_text())
        assert theirs == {name: ours[name] for name in theirs}
