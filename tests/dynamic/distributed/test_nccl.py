"""NCCL through a stand-in of cupy and of its communicator: what is called, on which stream, and what comes of it."""

import shutil

import pytest

from tests.dynamic.distributed.ranks import found


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
@pytest.mark.parametrize("backend", ["both", pytest.param("nccl", marks=pytest.mark.long), "mpi"])
def test_tensors_of_a_gpu(tmp_path, backend):
    ranks = found(tmp_path, "nccl.py", 2, backend)
    for rank, got in enumerate(ranks):
        assert got["backend"] == {"both": "cpu:mpi,cuda:nccl"}.get(backend, backend)
        assert got["SUM"] == [[3, 5, 7, 9]]
        assert got["PRODUCT"] == [[2, 6, 12, 20]]
        assert got["MIN"] == [[1, 2, 3, 4]]
        assert got["MAX"] == [[2, 3, 4, 5]]
        assert got["AVG"] == [[1.5, 2.5, 3.5, 4.5]]
        assert got["transposed"] == [[[1, 7], [3, 9], [5, 11]]]
        assert got["later"] == [[1, 1, 1]]
        assert got["moved"] == ([1, 24, 1, 24] if backend == "mpi" else [0, 0, 0, 0])
        assert got["complex"] == [[3, 6], [0, 9]]
        assert got["broadcast"] == [[1, 1]]
        assert got["all_gather"] == [[0, 0], [1, 1]]
        assert got["into"] == [[0, 0, 1, 1]]
        assert got["scatter"] == [[rank, rank]]
        assert got["reduce_scatter"] == [[2 * rank + 1] * 2]
        assert got["all_to_all"] == [[rank, 10 + rank]]
        xor, shapes, processor = got["errors"]
        assert xor == "no error" if backend == "mpi" else xor.startswith("DistError NCCL does not combine by BXOR")
        assert shapes.startswith("MismatchError")
        assert processor == "no error" if backend != "nccl" else "no backend of the group takes tensors" in processor
        if backend != "nccl":
            assert got["gradients"] < 1e-6
        assert (len(got["streams"]) == 1 and got["streams"][0] != 0) if backend != "mpi" else got["streams"] == []
    assert ranks[0]["reduce"] == [[3, 3]]
    assert ranks[0]["gather"] == [[0, 0], [1, 1]]
    assert ranks[1]["recv"] == [[5, 5]]
