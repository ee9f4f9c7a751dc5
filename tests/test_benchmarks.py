"""The benchmarks' programs compute the same in every system, and figures are written as they are. Nothing is timed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy
import pytest

import dynamic
from benchmarks import check, gpu as on_gpu, overhead, peers, recurrent, workloads
from benchmarks.contenders import BOUND, CONTENDERS, HAND, OURS, PRODUCTS, by_hand, products
from benchmarks.contenders.base import AbsentError, Contender, timed
from benchmarks.machine import machine, versions
from benchmarks.results import Results, Timing, markdown, read_json, write_json
from benchmarks.theano.__main__ import python38
from benchmarks.workloads import ALIGNMENT, SMALL, TITLES, WORKLOADS, aligned
from graphs.compare.machine import installed


APART = {"JAX jit", "PyTorch compiled"}
"""Run in a process of their own: JAX makes every later fork of this one a warning, and inductor leaves processes behind."""

COMPILED = "net"
"""The one workload that is compiled by PyTorch here: it takes most of a minute."""


def _marks(who: str) -> list[pytest.MarkDecorator]:
    marks = [] if who in OURS else [pytest.mark.oracle]
    return [*marks, pytest.mark.long] if who == "PyTorch compiled" else marks


CASES = [
    pytest.param(who, work, marks=_marks(who), id=f"{who}-{work}")
    for who in CONTENDERS
    for work in SMALL
    if who != HAND and (who != "PyTorch compiled" or work == COMPILED)
]


@cache
def by_hand_losses(work: str) -> list[float]:
    return check.losses(HAND, work)


@cache
def losses_apart(who: str) -> dict[str, Any]:
    """What ``benchmarks.check`` prints of a contender, by workload."""
    works = ["--work", COMPILED] if who == "PyTorch compiled" else []
    command = [sys.executable, "-m", "benchmarks.check", "--only", who, *works]
    out = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    assert out.returncode in (0, 1), out.stderr
    return {line["work"]: line for line in map(json.loads, out.stdout.splitlines())}


@pytest.mark.parametrize(("who", "work"), CASES)
def test_everybody_runs_the_same_program(who: str, work: str) -> None:
    expected = by_hand_losses(work)
    assert len(set(expected)) == len(expected)
    if who in APART:
        found = losses_apart(who)[work]
        if "absent" in found:
            pytest.skip(found["absent"])
        found = found["losses"]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = check.losses(who, work)
            except AbsentError as why:
                pytest.skip(str(why))
    numpy.testing.assert_allclose(found, expected, rtol=check.TOLERANCE)


@pytest.mark.oracle
@pytest.mark.parametrize("optimiser", recurrent.OPTIMISERS)
@pytest.mark.parametrize("layer", recurrent.LAYERS)
def test_recurrent_layers_are_trained_alike(layer: str, optimiser: str) -> None:
    losses = []
    for torch in (pytest.importorskip("torch"), dynamic):
        step = recurrent.training(torch, layer, optimiser, inputs=6, units=4)
        losses.append([step(x, y) for x, y in recurrent.sequences(torch, 6, [5, 1, 3, 8])])
    numpy.testing.assert_allclose(*losses, rtol=1e-4)


def test_a_wrong_program_is_found() -> None:
    right = {who: [3.0, 2.0, 1.0] for who in ("numpy by hand", "static")}
    peers.compare("net", right)
    with pytest.raises(RuntimeError, match="static computes something else on net"):
        peers.compare("net", {**right, "static": [3.0, 2.0, 1.01]})


def test_every_workload_has_a_small_form_a_title_and_everybodys_program() -> None:
    assert WORKLOADS.keys() == TITLES.keys()
    kinds = {type(work) for work in WORKLOADS.values()}
    assert {type(work) for work in SMALL.values()} == kinds
    for who, contender in CONTENDERS.items():
        assert contender.programs.keys() | contender.lacks.keys() == kinds, who


def arrays_of(work: Any) -> list[numpy.ndarray]:
    if hasattr(work, "weights"):
        return [a for arrays in work.weights().values() for a in arrays] + list(next(work.batches()))
    return [work.array()] if hasattr(work, "array") else list(work.arrays())


@pytest.mark.parametrize("work", [*(w for name, w in WORKLOADS.items() if name != "adam"), SMALL["adam"]], ids=str)
def test_workloads_are_drawn_the_same_each_time(work: Any) -> None:
    for x, y in zip(arrays_of(work), arrays_of(work), strict=True):
        assert not numpy.shares_memory(x, y)
        assert x.dtype == numpy.float32
        assert x.ctypes.data % ALIGNMENT == 0
        numpy.testing.assert_array_equal(x, y)


def test_the_chain_is_computed_whole() -> None:
    """By hand in blocks, the last one shorter."""
    work = type(SMALL["chain"])(by_hand.BLOCK * 2 + 5)
    a = work.array().astype(numpy.float64)
    expected = numpy.tanh(a) / (1 + numpy.exp(-2 * a - 1)) - numpy.exp(-(a**2))
    step, places = by_hand.chain(work), work.places()
    for _ in range(50):
        assert step() == pytest.approx(expected[next(places)], abs=1e-6)


class Counted(numpy.ndarray):
    """An array that notes the sizes of the matrix products it takes part in."""

    sizes: ClassVar[list[tuple[int, int, int]]] = []

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        bare = [a.view(numpy.ndarray) if isinstance(a, Counted) else a for a in inputs]
        if out is not None:
            options["out"] = tuple(a.view(numpy.ndarray) for a in out)
        if ufunc is numpy.matmul:
            self.sizes.append((*bare[0].shape, bare[1].shape[1]))
        result = getattr(ufunc, method)(*bare, **options)
        return result.view(Counted) if isinstance(result, numpy.ndarray) else result


@pytest.mark.parametrize("name", ["net", "gan", "scan", "lstm"])
def test_the_bare_products_are_those_of_the_program_by_hand(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = SMALL[name]
    listed = products.PRODUCTS[type(work)](work)
    assert all(out.shape == (len(x), y.shape[1]) for x, y, out in listed)
    assert BOUND.step(numpy, work)() == 0.0
    monkeypatch.setattr(Counted, "sizes", [])
    monkeypatch.setattr(workloads, "aligned", lambda values: aligned(values).view(Counted))
    by_hand.PROGRAMS[type(work)](numpy, work)()
    assert sorted(Counted.sizes) == sorted((*x.shape, y.shape[1]) for x, y, _ in listed)


def test_theano_is_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_THEANO", os.devnull + "/python")
    with pytest.raises(AbsentError, match="which does not exist"):
        CONTENDERS["Theano"].load()


def test_another_python_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"is no Python 3\.8"):
        python38(sys.executable)


def test_who_fails_is_left_out_of_that_workload(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise AbsentError("no compiler")

    kinds = {type(work): fails for work in SMALL.values()}
    monkeypatch.setattr(peers, "WORKLOADS", SMALL)
    monkeypatch.setattr(peers, "CONTENDERS", {**CONTENDERS, "JAX jit": Contender("jax", kinds)})
    results.absent.clear()
    steps = peers.set_up("net", {HAND: numpy, "JAX jit": None}, results)
    assert [*steps] == [HAND, PRODUCTS]
    assert results.absent == {"net": {"JAX jit": "no compiler"}}
    with pytest.raises(AbsentError, match="no program for it"):
        BOUND.step(numpy, SMALL["chain"])


class Elsewhere:
    """A step that says that it took a second."""

    def __call__(self) -> float:
        raise AssertionError

    def timed(self, count: int) -> float:
        return float(count)


def test_a_step_may_time_itself() -> None:
    assert timed(Elsewhere(), 3) == 3.0
    calls: list[int] = []
    assert timed(lambda: calls.append(1) or 0.0, 4) >= 0
    assert len(calls) == 4


@pytest.fixture
def results() -> Results:
    def all_alike(*median: float) -> dict[str, Timing]:
        names = ("numpy by hand", "PyTorch eager", "JAX jit", "static", "dynamic")
        return {who: Timing(m, m - 1, m + 1) for who, m in zip(names, median, strict=True)}

    times = {"net": all_alike(300, 500, 250, 200, 400), "chain": all_alike(9000, 7000, 1000, 1500, 8000)}
    times["net"][PRODUCTS] = Timing(160, 159, 161)
    del times["chain"]["PyTorch eager"]
    missing = {work: {"Theano": "no Python 3.8"} for work in times}
    missing["chain"]["PyTorch eager"] = "it is too slow"
    return Results(machine(), versions(), "2026-01-31", 7, times, missing)


def test_the_fastest_peer_is_neither_ours_nor_the_bare_products(results: Results) -> None:
    assert [results.fastest_peer(work) for work in ("net", "chain")] == ["JAX jit", "JAX jit"]
    rows = {first: cells for first, *cells in results.rows()}
    assert rows["static / fastest peer"] == ["0.80", "1.50"]
    assert rows["dynamic / fastest peer"] == ["1.60", "8.00"]
    assert rows["static / matrix products alone"] == ["1.25", "\u2013"]
    assert rows["PyTorch eager"] == ["500", "\u2013"]


def test_the_table_shows_who_won_and_who_is_missing(results: Results) -> None:
    header, line, *rows = markdown(results).split("\n\n")[0].splitlines()
    assert header.count("|") == line.count("|") == 4
    assert "| **static** | **200** | 1,500 |" in rows
    assert "| JAX jit | 250 | **1,000** |" in rows
    text = markdown(results)
    assert "medians of 7 interleaved rounds" in text
    assert numpy.__version__ in text
    assert f"PyTorch eager is missing from {TITLES['chain']}: it is too slow." in text
    assert "Theano is missing: no Python 3.8." in text


def test_json_keeps_everything(results: Results, tmp_path: Path) -> None:
    write_json(results, tmp_path / "peers.json")
    assert read_json(tmp_path / "peers.json") == results


def test_timings_are_medians_and_quartiles() -> None:
    assert Timing.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Timing(3.0, 2.0, 4.0)
    assert Timing.of([2.0]) == Timing(2.0, 2.0, 2.0)


def test_the_plot_has_a_bar_for_each_figure(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.plot import COLOURS, OTHERS, draw

    draw(results, tmp_path / "peers.svg")
    text = (tmp_path / "peers.svg").read_text()
    ElementTree.fromstring(text)
    assert text.count(f"fill: {COLOURS['static'].lower()}") == text.count(f"fill: {COLOURS['dynamic'].lower()}") == 2
    assert text.count(f"fill: {OTHERS.lower()}") == 5
    draw(results, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == text


@pytest.mark.parametrize("title", [title for title, who, _ in overhead.ROWS if who in (HAND, *OURS)])
def test_chains_run(title: str) -> None:
    (who, make), *_ = [(who, make) for name, who, make in overhead.ROWS if name == title]
    out = make(CONTENDERS[who].load())()
    if not title.endswith("backward"):
        numpy.testing.assert_array_equal(out.detach() if who == "dynamic" else out, overhead.LENGTH + 1.0)


# On a GPU


@pytest.fixture(scope="module")
def dry_run(device: Any, request: pytest.FixtureRequest) -> Any:
    """``benchmarks.gpu`` at sizes at which it measures nothing: the whole of it, or all but the net with most kernels."""
    long = request.config.getoption("--long")
    sizes = {name: work for name, work in on_gpu.DRY.items() if long or name != "images"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", device)
        yield on_gpu.run(sizes, 2, dry=True)


def test_everybody_trains_the_same_on_a_gpu(dry_run: Any) -> None:
    """The first losses are compared as it is set up; here they are there, or there is a reason."""
    assert on_gpu.SIZES.keys() == on_gpu.DRY.keys() == dry_run.times.keys() | {"images"}
    assert [type(work) for work in on_gpu.SIZES.values()] == [type(work) for work in on_gpu.DRY.values()]
    for name, times in dry_run.times.items():
        assert {"static", "dynamic"} <= set(times), dry_run.absent
        assert set(times) | set(dry_run.absent[name]) == set(on_gpu.CONTENDERS)
    assert "numpy on the processor" in dry_run.times["large"]
    assert dry_run.gpu["name"]
    assert dry_run.copy > 0


def test_what_is_asked_of_a_gpu_is_judged_from_figures_alone(dry_run: Any) -> None:
    assert all(row["met"] is None for row in dry_run.asked)
    times = {
        work: {who: Timing(t, t, t) for who, t in zip(on_gpu.CONTENDERS, (2.0, 9.0, 8.0, 4.0), strict=False)}
        for work in on_gpu.SIZES
    }
    times["large"]["numpy on the processor"] = Timing(99.0, 99.0, 99.0)
    for work, crossings in (("chain", 2), ("adam", 7)):
        seconds = crossings * 4 * on_gpu.SIZES[work].size / 1e12 / 0.9
        times[work]["static"] = Timing(*[seconds * 1e6] * 3)
    found = on_gpu.Measured({}, {}, {}, "2026-01-31", 3, False, 1e12, times)
    rows = {(row["workload"], row["of"], row["to"]): row for row in on_gpu.judge(found, on_gpu.SIZES)}
    assert rows["net", "static", "PyTorch eager"]["met"] is True
    assert rows["net", "static", "PyTorch eager"]["found"] == 0.25
    assert rows["net", "dynamic", "PyTorch eager"]["met"] is False
    assert rows["large", "numpy on the processor", "static"]["met"] is False
    assert rows["chain", "static", "copy bandwidth"]["found"] == pytest.approx(0.9)
    assert rows["chain", "static", "copy bandwidth"]["met"] is True
    assert rows["adam", "dynamic", "copy bandwidth"]["met"] is True  # nine microseconds are little for so much
    del times["net"]["PyTorch eager"]
    assert on_gpu.judge(found, on_gpu.SIZES)[0]["met"] is None


def test_figures_of_a_gpu_are_written_and_shown(dry_run: Any, tmp_path: Path) -> None:
    on_gpu.write(dry_run, tmp_path / "results" / "gpu.json")
    read = json.loads((tmp_path / "results" / "gpu.json").read_text())
    assert read["times"]["net"]["static"]["median"] == dry_run.times["net"]["static"].median
    assert read["dry"] is True
    times, asked = on_gpu.tables(dry_run)
    assert times.row_count >= 3
    assert asked.row_count == len(dry_run.asked)


def test_without_a_gpu_the_script_says_what_to_install() -> None:
    if installed(("cupy", "cupy-cuda12x", "cupy-cuda13x")):
        pytest.skip("there is a cupy")
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--dry"], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert out.returncode == 2
    assert "diptych[cuda12]" in out.stdout
