"""Steps replayed as CUDA graphs: what is captured when, on which memory and stream, and when a step is run instead."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy
import pytest

from graphs.codegen import capture, compiled, products
from graphs.codegen.capture import Capturable, Replay, captured
from graphs.codegen.products import Products
from graphs.core.function import trace
from graphs.core.spec import Spec
from tests.graphs import fake_array, fake_cupy, fake_driver
from tests.graphs.test_codegen import draw


LIBRARY = products.library


def same(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        numpy.testing.assert_array_equal(x.get(), y)


class Counted:
    """A step that counts its calls."""

    def __init__(self, step: Any) -> None:
        self.step = step
        self.calls = 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.step(*args)


def two_results(x: Any, y: Any) -> Any:
    z = x * y + 1.0
    return z, (z - x).reshape(-1)


# On the stand-in and on a GPU


def test_a_step_is_captured_once_and_replayed(cp: Any) -> None:
    step = Counted(two_results)
    made = captured(step, (cp.asarray(draw(3, 4)), cp.asarray(draw(3, 4, seed=1))))
    assert (step.calls, made.graphs, made.reason) == (2, 1, "")
    for seed in range(5):
        x, y = draw(3, 4, seed=seed), draw(3, 4, seed=seed + 1)
        same(made(cp.asarray(x), cp.asarray(y)), two_results(x, y))
    assert step.calls == 2


def test_results_are_the_callers_and_arguments_stay(cp: Any) -> None:
    made = captured(lambda x: (x * 2.0, x), (cp.asarray(draw(4)),))
    x, y = cp.asarray(draw(4)), cp.asarray(draw(4, seed=1))
    first = made(x)
    second = made(y)
    first[1][...] = 5.0
    second[0][...] = 6.0
    same((x, y), (draw(4), draw(4, seed=1)))
    same(made(x), (draw(4) * 2.0, draw(4)))
    same((first[0], second[1]), (draw(4) * 2.0, draw(4, seed=1)))


def test_its_memory_is_nobody_elses(cp: Any) -> None:
    """What the step frees on its way must not be handed out to others, over whose arrays the graph would write."""

    def step(x: Any) -> Any:
        for _ in range(4):
            x = x * 2.0 + 1.0
        return (x,)

    made = captured(step, (cp.asarray(draw(64)),))
    others = [cp.asarray(numpy.full(64, float(i))) for i in range(40)]
    for seed in range(3):
        same(made(cp.asarray(draw(64, seed=seed))), step(draw(64, seed=seed)))
    same(others, [numpy.full(64, float(i)) for i in range(40)])


def test_numbers_and_numpy_arrays_are_taken(cp: Any) -> None:
    made = captured(lambda x, y, s: (x * y * s,), (cp.asarray(draw(4)), draw(4, seed=1), 2.0))
    for seed, number in ((2, 3.0), (3, -1.0)):
        x, y = draw(4, seed=seed), draw(4, seed=seed + 1)
        same(made(cp.asarray(x), y, number), (x * y * number,))
        same(made(cp.asarray(x), y[::-1], numpy.float64(number)), (x * y[::-1] * number,))
    assert made.graphs == 1


def test_other_shapes_and_dtypes_are_captured_anew(cp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_GRAPHS", 3)
    step = Counted(lambda x: (x + x,))
    made = Replay(step, cp)
    for shape, dtype in [((3,), "f8"), ((3,), "f4"), ((2, 2), "f4"), ((3,), "f8")]:
        same(made(cp.asarray(draw(*shape, dtype=dtype))), (2 * draw(*shape, dtype=dtype),))
    assert (step.calls, made.graphs) == (6, 3)
    same(made(cp.asarray(draw(7))), (2 * draw(7),))
    assert (step.calls, made.graphs) == (8, 3)
    same(made(cp.asarray(draw(3))), (2 * draw(3),))  # that of the first signature has gone
    assert step.calls == 10
    made.forget()
    assert made.graphs == 0
    same(made(cp.asarray(draw(3))), (2 * draw(3),))


def test_views_and_other_layouts_are_copied_in(cp: Any) -> None:
    made = captured(lambda x: (x * 2.0,), (cp.asarray(draw(3, 4)),))
    x = cp.asarray(draw(4, 3))
    same(made(x.T), (draw(4, 3).T * 2.0,))
    same(made(cp.asarray(draw(3, 8))[:, ::2]), (draw(3, 8)[:, ::2] * 2.0,))


def test_fused_bodies_are_captured(cp: Any) -> None:
    function = trace(lambda x, y: [x * y + x, x - y], *[Spec(None, "f8")] * 2)[0]
    made = captured(lambda x, y: compiled(function)((x, y)), (cp.asarray(draw(5)), cp.asarray(draw(5, seed=1))))
    assert made.reason == ""
    x, y = draw(5, seed=3), draw(5, seed=4)
    same(made(cp.asarray(x), cp.asarray(y)), function(x, y))


def test_a_step_that_reads_values_is_run(cp: Any) -> None:
    step = Counted(lambda x: (x * float(x[0]),))
    made = captured(step, (cp.asarray(draw(4)),))
    assert made.graphs == 0
    assert "Capture" in made.reason or "capture" in made.reason
    calls = step.calls
    for seed in range(3):
        same(made(cp.asarray(draw(4, seed=seed))), (draw(4, seed=seed) * draw(4, seed=seed)[0],))
    assert step.calls == calls + 3  # nothing is tried again
    fine = captured(lambda x: (x + 1.0,), (cp.asarray(draw(4)),))  # nor is anything spoiled by it
    same(fine(cp.asarray(draw(4))), (draw(4) + 1.0,))
    assert fine.reason == ""


def test_products_of_matrices(cp: Any) -> None:
    """Those of ``Capturable`` are captured; cupy's own are not, and the step is run."""
    inputs = (cp.asarray(draw(3, 4)), cp.asarray(draw(4, 5)))
    if isinstance(cp, fake_cupy.FakeCupy):
        assert "cuBLAS API during stream capture" in captured(lambda x, y: (cp.matmul(x, y),), inputs).reason
        return
    xp = Capturable(cp)
    made = captured(lambda x, y: (xp.matmul(x, y),), inputs)
    assert made.reason == ""
    numpy.testing.assert_allclose(made(*inputs)[0].get(), draw(3, 4) @ draw(4, 5), rtol=1e-12)


def test_errors_of_the_step_are_the_callers(cp: Any) -> None:
    def step(x: Any) -> Any:
        raise LookupError("no such row")

    made = Replay(step, cp)
    for _ in range(2):
        with pytest.raises(LookupError, match="no such row"):
            made(cp.asarray(draw(3)))
    assert (made.graphs, made.reason) == (0, "")


def test_a_replay_in_a_step_that_is_captured_becomes_part_of_it(cp: Any) -> None:
    inner = Replay(lambda x: (x * 2.0,), cp)
    outer = captured(lambda x: (inner(x)[0] + 1.0,), (cp.asarray(draw(3)),))
    assert outer.reason == ""
    same(outer(cp.asarray(draw(3, seed=1))), (draw(3, seed=1) * 2.0 + 1.0,))


def test_streams(cp: Any) -> None:
    made = captured(lambda x: (x * 2.0,), (cp.asarray(draw(300)),))
    streams = [cp.cuda.Stream(non_blocking=True) for _ in range(3)]
    results = []
    for seed in range(9):
        with streams[seed % 3]:
            results += made(cp.asarray(draw(300, seed=seed)))
    for stream in streams:
        stream.synchronize()
    same(results, [2.0 * draw(300, seed=seed) for seed in range(9)])


def test_threads(cp: Any) -> None:
    if isinstance(cp, fake_cupy.FakeCupy):
        pytest.skip("the stand-in has one current stream for all threads")
    made = captured(lambda x: (x * 2.0,), (cp.asarray(draw(300)),))
    found: dict[int, Any] = {}

    def work(seed: int) -> None:
        with cp.cuda.Stream(non_blocking=True) as stream:
            found[seed] = made(cp.asarray(draw(300, seed=seed)))[0]
            stream.synchronize()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    same([found[seed] for seed in range(8)], [2.0 * draw(300, seed=seed) for seed in range(8)])


def test_only_arrays_of_a_gpu_tell_the_module() -> None:
    with pytest.raises(TypeError, match="no array of a GPU"):
        captured(lambda x: (x,), (draw(3), 1.0))


# What only the stand-in can tell


def test_the_order_of_things(fake: Any) -> None:
    log = fake_driver.state().log
    x = fake.asarray(draw(3))
    made = Replay(lambda x: (x * 2.0,), fake)
    made(x)
    begin, end, launch = log.index("begin"), log.index("end"), log.index("launch on 0")
    assert log.index("record on 0") < begin < end < launch < len(log) - 1
    assert "waits for 0" in log[log.index("record on 0") + 1]
    assert log[-1] == "record on 0"
    log.clear()
    made(x)
    assert log == ["launch on 0", "record on 0"]
    log.clear()
    with fake.cuda.Stream(non_blocking=True) as stream:
        made(x)
    assert log == [f"{stream.ptr} waits for 0", f"launch on {stream.ptr}", f"record on {stream.ptr}"]
    log.clear()
    made(x)
    assert log == [f"0 waits for {stream.ptr}", "launch on 0", "record on 0"]


def test_a_graph_is_waited_for_before_its_memory_goes(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_GRAPHS", 1)
    log = fake_driver.state().log
    made = Replay(lambda x: (x * 2.0,), fake)
    made(fake.asarray(draw(3)))
    made(fake.asarray(draw(4)))
    assert log.count("synchronize with 0") == 1
    made.forget()
    assert log.count("synchronize with 0") == 2


def test_the_pool_is_filled_before_the_capture(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that is taken from the driver while a stream is captured is what goes wrong first."""
    pools: list[fake_driver.MemoryPool] = []
    kind = fake_driver.MemoryPool

    def pool() -> fake_driver.MemoryPool:
        pools.append(kind())
        return pools[-1]

    monkeypatch.setattr(fake.cuda, "MemoryPool", pool)
    counts: list[int] = []

    def step(x: Any) -> Any:
        y = x * 2.0
        z = (y + 1.0) * (y - 1.0)
        counts.append(pools[-1].blocks)
        return z, y

    made = captured(step, (fake.asarray(draw(3)),))
    assert made.graphs == 1
    assert counts[0] == counts[1] > 1


def test_nothing_is_copied_from_the_host_within_a_step(fake: Any) -> None:
    xp = Capturable(fake)
    table = numpy.arange(3.0)
    for step in (lambda x: (x + xp.asarray(table),), lambda x: (x + xp.array([1.0, 2.0, 3.0]),)):
        made = captured(step, (fake.asarray(draw(3)),))
        assert "host" in made.reason
    assert captured(lambda x: (x + xp.asarray(2.5, "f8"),), (fake.asarray(draw(3)),)).reason == ""
    same((xp.asarray(table),), (table,))


def test_an_interrupt_ends_the_capture(fake: Any) -> None:
    calls = 0

    def step(x: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return (x * 2.0,)

    made = Replay(step, fake)
    with pytest.raises(KeyboardInterrupt):
        made(fake.asarray(draw(3)))
    assert fake_driver.state().log[-1] == "end"
    same(made(fake.asarray(draw(3))), (draw(3) * 2.0,))
    assert (made.graphs, made.reason) == (1, "")


def test_arguments_on_several_devices(fake: Any) -> None:
    with fake.cuda.Device(1):
        there = fake.asarray(draw(3))
    made = captured(lambda x, y: (x + y,), (fake.asarray(draw(3)), there))
    assert "several devices" in made.reason
    assert captured(lambda x: (x * 2.0,), (there,)).graphs == 1
    assert fake_driver.state().device == 0


def test_memory_goes_with_the_replay(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fake_driver.default_pool.blocks
    made = captured(lambda x: (x * 2.0,), (fake.asarray(draw(3)),))
    out = made(fake.asarray(draw(3)))
    del made
    gc.collect()
    same(out, (draw(3) * 2.0,))
    assert fake_driver.default_pool.blocks <= before + 3


# Products

MATRICES = [
    (lambda: draw(3, 4), lambda: draw(4, 5)),
    (lambda: draw(4, 3).T, lambda: draw(4, 5)),
    (lambda: draw(3, 4), lambda: draw(5, 4).T),
    (lambda: draw(4, 3).T, lambda: draw(5, 4).T),
    (lambda: draw(3, 8)[:, ::2], lambda: draw(4, 5)),
    (lambda: draw(6, 4)[::2], lambda: draw(4, 10)[:, 3:8]),
    (lambda: draw(1, 4), lambda: draw(4, 1)),
    (lambda: draw(4, 1), lambda: draw(1, 4)),
    (lambda: draw(4), lambda: draw(4, 5)),
    (lambda: draw(3, 4), lambda: draw(4)),
    (lambda: draw(4), lambda: draw(4)),
    (lambda: draw(2, 3, 4), lambda: draw(4, 5)),
    (lambda: draw(2, 3, 4), lambda: draw(2, 4, 5)),
    (lambda: draw(3, 4), lambda: draw(2, 4, 5)),
    (lambda: draw(2, 1, 3, 4), lambda: draw(6, 4, 5)),
    (lambda: draw(2, 3, 4), lambda: draw(4)),
    (lambda: draw(3, 0), lambda: draw(0, 5)),
    (lambda: draw(0, 4), lambda: draw(4, 5)),
    (lambda: draw(3, 4, dtype="f4"), lambda: draw(4, 5, dtype="f4")),
    (lambda: draw(3, 4, dtype="f4"), lambda: draw(4, 5)),
    (lambda: numpy.arange(12).reshape(3, 4), lambda: numpy.arange(20).reshape(4, 5)),
]


def on_device(fake: Any, x: numpy.ndarray) -> Any:
    """``x`` with its strides, where it is a matrix."""
    if x.base is None or x.ndim != 2:
        return fake.asarray(x)
    whole = fake.asarray(x.base if x.base.ndim == 2 else x.base.reshape(-1))
    return fake_array.applied(
        lambda host: numpy.lib.stride_tricks.as_strided(
            host.reshape(-1)[(x.__array_interface__["data"][0] - x.base.__array_interface__["data"][0]) // x.itemsize :],
            x.shape,
            x.strides,
        ),
        (whole,),
    )


@pytest.mark.parametrize("case", range(len(MATRICES)))
def test_products_are_numpys(fake: Any, case: int) -> None:
    x, y = (make() for make in MATRICES[case])
    made = Products(fake, fake.cuda.Stream.null)
    found = made.matmul(on_device(fake, x), on_device(fake, y))
    expected = numpy.matmul(x, y)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    numpy.testing.assert_allclose(found.get(), expected, rtol=1e-5 if expected.dtype == "f4" else 1e-12)
    made.close()
    assert not fake.cublas.handles


def test_products_are_captured(fake: Any) -> None:
    xp = Capturable(fake)
    x, y = draw(3, 4), draw(4, 5)
    made = captured(lambda x, y: (xp.matmul(x, y) + 1.0,), (fake.asarray(x), fake.asarray(y)))
    assert made.reason == ""
    gemms = [name for name in fake.cublas.log if "gemm" in name]
    assert gemms == ["cublasDgemm_v2"] * 2
    assert not fake.cublas.handles
    for seed in range(3):
        x = draw(3, 4, seed=seed)
        numpy.testing.assert_allclose(made(fake.asarray(x), fake.asarray(y))[0].get(), x @ y + 1.0)
    assert [name for name in fake.cublas.log if "gemm" in name] == gemms
    numpy.testing.assert_allclose(xp.matmul(fake.asarray(x), fake.asarray(y)).get(), x @ y)
    assert [name for name in fake.cublas.log if "gemm" in name] == gemms  # cupy's own, outside of a capture


@pytest.mark.parametrize("fails", ["cublasCreate_v2", "cublasSetWorkspace_v2", "cublasDgemm_v2"])
def test_a_failing_library_is_a_reason(fake: Any, fails: str) -> None:
    fake.cublas.fails = fails
    xp = Capturable(fake)
    x, y = draw(3, 4), draw(4, 5)
    made = captured(lambda x, y: (xp.matmul(x, y),), (fake.asarray(x), fake.asarray(y)))
    assert fails in made.reason
    numpy.testing.assert_allclose(made(fake.asarray(x), fake.asarray(y))[0].get(), x @ y)


def test_a_missing_library_is_a_reason(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "library", LIBRARY)
    xp = Capturable(fake)
    made = captured(lambda x, y: (xp.matmul(x, y),), (fake.asarray(draw(3, 4)), fake.asarray(draw(4, 5))))
    assert "libcublas" in made.reason or "cublas64" in made.reason
