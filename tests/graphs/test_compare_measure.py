"""Where time and memory go: the parts of a step, memory kernel by kernel, clocks, and the break-even with error bars."""

import io
import json
import sys
from pathlib import Path

import numpy
import pytest
from rich.console import Console

import dynamic as torch
import static
from dynamic.adapter import DynamicProgram
from graphs.compare import Agreement, Report, as_dict, clock, load, measure, render
from graphs.compare.breakeven import Starts, break_even, pays_after
from graphs.compare.clock import Clock, overhead, patched, replayed
from graphs.compare.measure import TOLERANCE
from graphs.compare.timeline import Live, timeline
from graphs.core.op import OPS
from graphs.ops.elementwise import add


DEMOS = Path(__file__).parents[2] / "demos"
MODES = ("static", "dynamic")


class Given:
    """In the place of ``perf_counter``: seconds pass when told to, and ``reading`` of them each time that it is read."""

    def __init__(self, reading=0.0):
        self.now, self.reading = 0.0, reading

    def __call__(self):
        self.now += self.reading
        return self.now

    def event(self, frame, kind, _arg):
        """For ``sys.setprofile``: a second passes with each call, so that work counts and no machine's speed does."""
        if kind in ("call", "c_call"):
            self.now += 1


@pytest.fixture
def given(monkeypatch):
    """What all that is measured goes by; what clocks cost is measured by it too."""
    found = Given()
    for module in (clock, sys.modules["graphs.compare.measure"], static.splitting, torch.splitting):
        monkeypatch.setattr(module, "perf_counter", found)
    for cached in (clock.overhead, clock._empty):
        cached.cache_clear()
    yield found
    for cached in (clock.overhead, clock._empty):
        cached.cache_clear()


@pytest.fixture
def calls(given):
    """A second for each call in Python."""
    before = sys.getprofile()
    sys.setprofile(given.event)
    yield given
    sys.setprofile(before)


@pytest.fixture(scope="module")
def programs():
    twins = load(DEMOS / "two_layer.py")
    batch = twins.batches("float32", 1)[0]
    built = {mode: twins.build(mode, twins.begin("float32")) for mode in MODES}
    for program in built.values():
        for _ in range(3):
            program.step(batch)
    return twins, built, batch


# The parts of a step


def test_parts_add_up_to_the_step(programs, calls):
    """Each is measured apart, so their sum is a check."""
    _, built, batch = programs
    for program in built.values():
        parts = program.split(batch, 0.0)
        assert parts.keys() == {"feed", "kernels", "dispatch", "tape", "step"}
        shares = sum(time for name, time in parts.items() if name != "step") / parts["step"]
        assert shares == pytest.approx(1, abs=TOLERANCE)


def test_a_graph_has_no_tape_and_a_tape_has_one(programs, calls):
    _, built, batch = programs
    parts = {mode: program.split(batch, 0.0) for mode, program in built.items()}
    assert parts["static"]["tape"] == 0
    assert parts["dynamic"]["tape"] > parts["dynamic"]["dispatch"]
    for each in parts.values():
        assert each["feed"] > 0
        assert each["kernels"] > 0


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_kernel_lengthens_the_kernels_and_nothing_else(mode, monkeypatch, given):
    """A pause in one kernel's code is found in its part, whatever the other parts take."""
    monkeypatch.setattr(static.adapter, "Session", lambda graph: static.Session(graph=graph, passes=()))
    twins = load(DEMOS / "two_layer.py")
    batch = twins.batches("float32", 1)[0]
    matmul = OPS["matmul"]
    quick = matmul.kernel

    def slow(xp, x, y):
        given.now += 2
        return quick(xp, x, y)

    monkeypatch.setattr(matmul, "kernel", slow)
    program = twins.build(mode, twins.begin("float32"))
    parts = program.split(batch, 0.0)
    assert parts.pop("step") >= 4
    assert parts == {"feed": 0, "kernels": 10, "dispatch": 0, "tape": 0}  # five products


def test_a_slow_way_of_feeding_is_found_in_feed(programs, monkeypatch, given):
    _, built, batch = programs

    def slow(session, plan, feeds, follow=static.Session._follow):
        given.now += 3
        return follow(session, plan, feeds)

    monkeypatch.setattr(static.Session, "_follow", slow)
    assert built["static"].split(batch, 0.0) == {"step": 3, "feed": 3, "kernels": 0, "dispatch": 0, "tape": 0}


def test_slow_optimisers_are_dispatch_and_a_slow_way_back_is_the_tape(monkeypatch, given):
    def slow(function, seconds):
        def call(*args, **kwargs):
            given.now += seconds
            return function(*args, **kwargs)

        return call

    w = torch.ones(3, requires_grad=True)
    solver = torch.optim.SGD([w], lr=0.1)

    def step(batch):
        loss = (w * torch.from_numpy(batch["x"])).sum()
        solver.zero_grad()
        loss.backward()
        solver.step()
        yield {"loss": loss}, {"w": w.grad}

    monkeypatch.setattr(torch.optim.SGD, "step", slow(torch.optim.SGD.step, 4))
    monkeypatch.setattr(torch.Tensor, "backward", slow(torch.Tensor.backward, 5))
    parts = DynamicProgram(step, {"w": w}, [solver]).split({"x": numpy.ones(3, numpy.float32)}, 0.0)
    assert parts == {"step": 9, "feed": 0, "kernels": 0, "dispatch": 4, "tape": 5}


def test_of_rounds_it_is_the_first_quartile(given):
    lengths = iter([1.0, 9.0, 2.0, 8.0, 3.0] * 3)

    def one():
        given.now += 1
        return {"it": next(lengths)}

    assert clock.rounds(one, 0.0) == {"it": 2.0}  # of nine, 1 1 2 2 3 8 8 9 9
    assert next(lengths) == 3.0


def test_rounds_go_on_for_the_seconds_asked_for(given):
    def one():
        given.now += 1
        return {"it": given.now}

    clock.rounds(one, 30.0, most=40)
    assert given.now == 30
    clock.rounds(one, 90.0, most=40)
    assert given.now == 70


def test_operations_that_call_others_are_split_too(calls):
    """Casts before an op, views, changes in place, a user's own Function, several outputs: kernels are told apart."""

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    w = torch.ones(4, 3, requires_grad=True)
    solver = torch.optim.Adam([w], lr=0.01)

    def step(batch):
        counts = torch.arange(3)
        x = torch.from_numpy(batch["x"])
        y = Twice.apply(x @ w) * counts + w.view(3, 4).t().sum(0, keepdim=True).sum()
        values, places = y.max(1)
        total = values.clone()
        total += torch.where(places > 1, values, values.double().float())
        loss = total.sum() + torch.cat(y.split(1, 1), 1).mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        yield {"loss": loss}, {"w": w.grad}

    program = DynamicProgram(step, {"w": w}, [solver])
    batch = {"x": numpy.ones((2, 4), numpy.float32)}
    program.step(batch)
    before = w.detach().clone()
    parts = program.split(batch, 0.0)
    assert all(parts[name] > 0 for name in ("kernels", "dispatch", "tape", "feed"))
    assert not torch.equal(before, w)
    assert torch.isfinite(w).all()


def test_splitting_leaves_no_trace(programs):
    _, built, batch = programs
    before = {name: op.kernel for name, op in OPS.items()}, static.plan.Plan.__call__
    for program in built.values():
        program.split(batch, 0.0)
    assert ({name: op.kernel for name, op in OPS.items()}, static.plan.Plan.__call__) == before


def test_plans_are_on_the_clock_and_not_in_the_first_step(calls):
    twins = load(DEMOS / "two_layer.py")
    found = measure(twins, MODES, twins.batches("float32", 10), "float32", seconds=0.0)
    assert found.modes["static"].optimise > 0
    assert found.modes["dynamic"].optimise == 0
    assert found.pays_after == found.break_even.steps
    for cost in found.modes.values():
        assert cost.parts.rest == pytest.approx(cost.parts.step - sum(cost.parts[:4]))
        assert cost.kernels == len(cost.memory.moments)
        assert json.loads(json.dumps(cost.as_dict()))["memory"]["temporaries"] == cost.memory.temporaries
    report = Report(Path("two_layer.py"), MODES, "float32", Agreement(1, 1, 1, {}, None), found)
    assert json.loads(json.dumps(as_dict(report)))["break_even"]["curves"].keys() == set(MODES)
    console = Console(width=120, file=io.StringIO())
    console.print(render(report))
    shown = console.file.getvalue()
    for word in ("optimise", "feed and fetch", "dispatch", "the tape", "the rest", "temporaries a step"):
        assert word in shown
    assert found.break_even.words(MODES).split("(")[0].strip() in " ".join(shown.split())


# Clocks


def test_a_clock_takes_off_its_own_cost(given):
    given.reading = 1.0
    bare = 1 / 400  # of a call in the loops that this is measured in: they read the time once for all calls
    assert overhead() == pytest.approx((1 - bare, 2))
    stopped = Clock()

    def work():
        given.now += 3

    timed = stopped.timed(work)
    begin = given.now
    for _ in range(200):
        timed()
    assert (stopped.seconds, stopped.calls) == (200 * 4, 200)
    assert stopped.net == pytest.approx(200 * (3 + bare))
    assert stopped.gross == pytest.approx(given.now - begin, rel=1e-3)
    stopped.reset()
    assert (stopped.seconds, stopped.calls) == (0, 0)


def test_a_clock_reads_no_less_than_nothing(given):
    given.reading = 1.0
    overhead()
    given.reading = 0.5  # the machine has become quicker since
    stopped = Clock()
    stopped.timed(lambda: None)()
    assert stopped.net == 0


def test_clocks_cost_something_here():
    assert overhead().around > 0
    assert overhead().within >= 0


def test_a_clock_passes_errors_on():
    stopped = Clock()
    with pytest.raises(ZeroDivisionError):
        stopped.timed(lambda: 1 / 0)()
    assert stopped.calls == 1


def test_what_is_patched_comes_back():
    class Base:
        word = "base"

    class Derived(Base):
        pass

    names = {"word": "entry"}
    seen = []

    def fail():
        seen.append((Derived.word, names["word"]))
        raise KeyError

    with pytest.raises(KeyError), patched((Derived, "word", "patched"), (names, "word", "patched")):
        fail()
    assert seen == [("patched", "patched")]
    assert (Derived.word, names["word"]) == ("base", "entry")
    assert "word" not in vars(Derived)


def test_replayed_calls_are_timed_without_the_loop_around_them(given):
    def work():
        given.now += 3

    given.reading = 1.0
    assert replayed([work] * 400) == pytest.approx(400 * 3)


# Memory


def test_live_bytes_follow_the_arrays():
    live = Live()
    x = numpy.zeros(100)

    def call(kernel, *args):
        before = live.before(args)
        out = kernel(*args)
        live.add(add, before, out, {})
        return out

    a = call(numpy.negative, x)  # 800 bytes
    b = call(numpy.add, a, a)
    view = call(lambda y: y[:50], b)  # nothing new
    del a
    call(lambda y: numpy.add(y, 1.0, out=y), view)  # in place
    del b
    c = call(numpy.sum, view, 0)  # a number, no array
    found = live.timeline()
    assert found.live == [800, 1600, 1600, 800, 800]
    assert [moment.made for moment in found.moments] == [800, 800, 0, 0, 0]
    assert (found.temporaries, found.temporary_bytes, found.left) == (1, 800, 800)
    assert found.peak == found.moments[1]
    assert c == 50


def test_memory_of_both_modes(programs):
    twins, built, batch = programs
    found = {mode: timeline(twins, program, batch) for mode, program in built.items()}
    hidden, weights = 64 * 100 * 4, 1000 * 100 * 4
    for each in found.values():
        assert each.live[0] == hidden  # the product of the batch with w1
        assert max(each.live) > weights  # w1's gradient
        assert each.temporary_bytes + each.left == sum(moment.made for moment in each.moments)
    assert found["static"].left == weights + 100 * 10 * 4  # new parameters; the loss is a number
    assert found["dynamic"].left >= weights + 100 * 10 * 4  # gradients
    assert found["static"].planned > 0
    assert found["dynamic"].planned is None
    assert any(moment.back for moment in found["dynamic"].moments)
    assert found["dynamic"].live == timeline(twins, built["dynamic"], batch).live


# The break-even


def starts(build, optimise, first, steady):
    return Starts([build] * 5, [optimise] * 5, [first] * 5, [steady] * 9)


def test_a_quiet_machine_has_no_error_bar():
    found = break_even(MODES, {"static": starts(1.0, 8.0, 1.0, 1.0), "dynamic": starts(0.0, 0.0, 1.0, 2.0)})
    assert found.steps == found.low == found.high == pays_after(9.0, 1.0) == 11
    assert (found.never, found.behind, found.gain) == (0.0, 9.0, 1.0)
    assert found.owes == "making plans"
    first, second = (found.curves[mode] for mode in MODES)
    ahead = [a < b for a, b in zip(first.middle, second.middle, strict=True)]
    assert ahead == [step >= 11 for step in first.steps]
    assert first.steps[-1] == 22
    assert first.low == first.high


def test_noise_widens_the_error_bar():
    random = numpy.random.default_rng(1)

    def noisy(once, steady, noise):
        jitter = 1 + noise * random.random(40)
        return Starts((once * jitter[:5]).tolist(), [0.0] * 5, [0.0] * 5, (steady * jitter[5:]).tolist())

    bars = []
    for noise in (0.01, 0.5):
        found = break_even(MODES, {"static": noisy(10.0, 1.0, noise), "dynamic": noisy(0.0, 3.0, noise)})
        assert found.low <= found.steps <= found.high
        bars.append(found.high - found.low)
    assert bars[1] > bars[0]


def test_never():
    found = break_even(MODES, {"static": starts(1.0, 1.0, 1.0, 2.0), "dynamic": starts(0.0, 0.0, 1.0, 1.0)})
    assert (found.steps, found.low, found.high, found.never) == (None, None, None, 1.0)
    assert "never pays" in found.words(MODES)
    assert json.loads(json.dumps(found.as_dict()))["steps"] is None


def test_what_dominates_is_named():
    parts = {
        "static": {"feed": 2.0, "kernels": 3.0, "dispatch": 0.0, "tape": 0.0},
        "dynamic": {"feed": 0.0, "kernels": 4.0, "dispatch": 1.0, "tape": 5.0},
    }
    costs = {"static": starts(5.0, 1.0, 1.0, 5.0), "dynamic": starts(0.0, 0.0, 1.0, 10.0)}
    found = break_even(MODES, costs, parts)
    assert (found.owes, found.saves) == ("building", "the tape")
    assert "building" in found.words(MODES)
    assert "the tape" in found.words(MODES)
    slower = break_even(MODES, {"static": costs["dynamic"], "dynamic": costs["static"]}, parts)
    assert slower.steps is None
    assert slower.saves == "feed and fetch"


def test_ahead_from_the_start_owes_nothing():
    found = break_even(MODES, {"static": starts(0.0, 0.0, 0.5, 0.5), "dynamic": starts(1.0, 0.0, 1.0, 1.0)})
    assert found.steps == 1
    assert found.owes == ""
