"""Lock-step comparison, the search for the first node that differs, distances, costs: with programs made of bare ops."""

import io
import itertools
import json
import math
from pathlib import Path

import numpy
import pytest
from rich.console import Console

from graphs.compare import (
    Cost,
    Costs,
    Log,
    ProgramError,
    Report,
    Setup,
    State,
    Twins,
    as_dict,
    lockstep,
    measure,
    render,
    same_bits,
    ulps,
)
from graphs.compare.calls import watching
from graphs.compare.measure import pays_after
from graphs.core.op import OPS
from graphs.ops.elementwise import add, multiply, subtract
from graphs.ops.linalg import matmul
from graphs.ops.reduction import sum as add_up
from graphs.ops.trigonometric import tanh


MODES = ("static", "dynamic")


class Descent:
    """``w -= rate * gradient of sum(tanh(x w))``, written with ops on arrays. ``spoil(step, g)`` may change the gradient."""

    def __init__(self, setup, spoil=lambda step, g: g, names=("w",), extra=0):
        self.w = setup.initial["w"].copy()
        self.t = 0
        self.spoil, self.names, self.extra = spoil, names, extra

    def states(self, batch):
        self.t += 1
        y = tanh(matmul(batch["x"], self.w))
        g = matmul(batch["x"].T, subtract(1.0, multiply(y, y)))
        g = self.spoil(self.t, g)
        self.w -= multiply(g, 0.1)
        shown = {name: g.copy() for name in self.names}
        state = State({"loss": add_up(y)}, shown, {}, {"w": self.w.copy()})
        return [state] * (1 + self.extra)

    def step(self, batch):
        self.states(batch)

    def watch(self, batch, log):
        with watching(log):
            return self.states(batch)

    def nodes(self, batch):
        return 5

    def roots(self, batch):
        return []


def begin(dtype):
    random = numpy.random.default_rng(0)
    batches = ({"x": random.standard_normal((4, 3)).astype(dtype)} for _ in itertools.count())
    return Setup({"w": random.standard_normal((3, 2)).astype(dtype)}, batches, dtype)


def twins(static=Descent, dynamic=Descent):
    return Twins(Path("program.py"), begin, {"static": static, "dynamic": dynamic})


def batches(count, dtype="float32"):
    return list(itertools.islice(begin(dtype).batches, count))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_programs_are_equal_to_the_last_bit(dtype):
    found = lockstep(twins(), MODES, batches(5, dtype), dtype)
    assert found.difference is None
    assert found.steps == 5
    assert found.compared == 5 * 3
    assert found.elements == 5 * (1 + 6 + 6)
    assert found.losses["loss"]["static"] == found.losses["loss"]["dynamic"]
    assert len(found.losses["loss"]["static"]) == 5


def other_kernel(step, g):
    return add(g, numpy.float32(0)) if step < 3 else add(g, numpy.spacing(g))


def nothing_added(step, g):
    return add(g, numpy.zeros_like(g))


def test_the_first_node_that_differs_is_named():
    """From the third step on, one side adds a last place: the add that does it is found, its first operand being equal."""

    def changed(setup):
        return Descent(setup, other_kernel)

    def plain(setup):
        return Descent(setup, nothing_added)

    found = lockstep(twins(plain, changed), MODES, batches(9), "float32").difference
    assert (found.step, found.station, found.what) == (3, 1, "gradient of w")
    assert found.ulps == 1
    assert found.others == ("parameter w",)
    assert found.node.ops == ("add", "add")
    assert found.node.ulps == 1
    assert found.node.operands[0].ulps == 0
    assert all("test_compare.py" in where for where in found.node.where)


def test_a_kernel_that_gives_other_bits_on_the_same_bits_is_found(monkeypatch):
    """The tanh of one side rounds otherwise in its third step; the loss shows it first."""
    honest = tanh.kernel
    lying = False
    monkeypatch.setattr(
        tanh, "kernel", lambda xp, x: xp.nextafter(honest(xp, x), x.dtype.type(2)) if lying else honest(xp, x)
    )

    class Dishonest(Descent):
        def states(self, batch):
            nonlocal lying
            lying = self.t == 2
            try:
                return super().states(batch)
            finally:
                lying = False

    found = lockstep(twins(Descent, Dishonest), MODES, batches(5), "float32").difference
    assert (found.step, found.what) == (3, "loss loss")
    assert found.node.ops == ("tanh", "tanh")
    assert found.node.ulps == 1
    assert [operand.ulps for operand in found.node.operands] == [0]
    assert "same bits" in found.note


def test_other_ops_are_said_to_be_other_ops():
    def halved(setup):
        return Descent(setup, lambda step, g: multiply(g, numpy.float32(0.5)))

    found = lockstep(twins(halved, Descent), MODES, batches(2), "float32").difference
    assert found.step == 1
    assert found.node.ops == ("multiply", "matmul")
    assert "multiply" in found.note
    assert "matmul" in found.note


def test_a_program_that_does_not_repeat_itself_is_said_so():
    numbers = itertools.count()

    def restless(setup):
        return Descent(setup, lambda step, g: add(g, numpy.float32(1)) if next(numbers) == 1 else g)

    found = lockstep(twins(Descent, restless), MODES, batches(3), "float32").difference
    assert found.step == 2
    assert found.node is None
    assert "does not repeat itself" in found.note


def test_forms_that_show_different_things_are_refused():
    def two(setup):
        return Descent(setup, names=("w", "b"))

    with pytest.raises(ProgramError, match=r"at update 1 only the dynamic form shows the gradient of b"):
        lockstep(twins(Descent, two), MODES, batches(1), "float32")
    with pytest.raises(ProgramError, match="1 updates a step, the other 2"):
        lockstep(twins(Descent, lambda setup: Descent(setup, extra=1)), MODES, batches(1), "float32")


def test_a_loss_is_one_number():
    class Wide(Descent):
        def states(self, batch):
            return [state._replace(losses={"loss": numpy.zeros(3)}) for state in super().states(batch)]

    with pytest.raises(ProgramError, match=r"the loss loss has shape \(3,\) in the static form"):
        lockstep(twins(Wide, Wide), MODES, batches(1), "float32")


def test_a_program_may_write_into_its_batch():
    class Greedy(Descent):
        def states(self, batch):
            found = super().states(batch)
            batch["x"][:] = 0
            return found

    assert lockstep(twins(Greedy, Descent), MODES, batches(3), "float32").difference is None


# Bits and distances

NAN = float("nan")
DISTANCES = {
    "equal": ([1.0, -2.0], [1.0, -2.0], 0),
    "one up": ([1.0], [1.0 + 2**-23], 1),
    "one down": ([1.0], [1.0 - 2**-24], 1),
    "zeros": ([0.0], [-0.0], 0),
    "around zero": ([1e-45], [-1e-45], 2),
    "largest to infinity": ([3.4028235e38], [math.inf], 1),
    "NaNs": ([NAN, 1.0], [NAN, 1.0], 0),
    "NaN and number": ([NAN], [1.0], None),
    "shape": ([1.0], [1.0, 1.0], None),
    "empty": ([], [], 0),
}


@pytest.mark.parametrize("case", DISTANCES)
def test_distance_in_units_in_the_last_place(case):
    first, second, distance = DISTANCES[case]
    a, b = numpy.array(first, numpy.float32), numpy.array(second, numpy.float32)
    assert ulps(a, b) == distance == ulps(b, a)


def test_distance_of_other_dtypes():
    assert ulps(numpy.float32(1), numpy.float64(1)) is None
    assert ulps(numpy.array([1, 5]), numpy.array([1, 2])) == 3
    assert ulps(numpy.array([True]), numpy.array([False])) == 1
    assert ulps(numpy.array(1 + 1j), numpy.array(1 + numpy.nextafter(1, 2) * 1j)) == 1
    assert ulps(numpy.array([2**62]), numpy.array([-(2**62)])) == 2**63


def test_bits_are_compared_not_values():
    assert same_bits(numpy.float32(NAN), numpy.float32(NAN))
    assert not same_bits(numpy.array(0.0), numpy.array(-0.0))
    assert not same_bits(numpy.float32(1), numpy.float64(1))
    assert not same_bits(numpy.zeros((2, 1)), numpy.zeros((1, 2)))
    assert same_bits(numpy.arange(6.0).reshape(2, 3).T, numpy.arange(6.0).reshape(2, 3).T.copy())


# Watching


def test_watching_sees_ops_once_and_leaves_no_trace():
    before = {name: op.kernel for name, op in OPS.items()}
    log = Log()
    x = numpy.array([1.0, 2.0])
    with watching(log):
        y = add(multiply(x, 3.0), x)
    assert [call.op for call in log.calls] == ["multiply", "add"]
    assert log.calls[1].operands[0] == log.calls[0].results[0]
    assert log.arrays[log.calls[1].results[0]].tolist() == y.tolist() == [4.0, 8.0]
    assert log.maker(log.digest(y)) == 1
    assert log.maker(log.digest(x)) is None
    assert {name: op.kernel for name, op in OPS.items()} == before


def test_watching_ends_with_an_error():
    before = tanh.kernel
    with pytest.raises(ValueError, match="broadcast"), watching(Log()):
        add(numpy.zeros(2), numpy.zeros(3))
    assert tanh.kernel is before


# Costs


def cost(build, first, steady):
    return Cost(build, first, steady, (steady, steady), 0, 0, 0)


PAYMENTS = [
    (cost(10, 1, 1), cost(1, 2, 2), 10),
    (cost(1, 1, 1), cost(1, 1, 2), 2),
    (cost(0, 1, 1), cost(5, 2, 2), 1),
    (cost(10, 1, 2), cost(1, 2, 2), None),
    (cost(10, 1, 3), cost(1, 2, 2), None),
]


@pytest.mark.parametrize(("first", "second", "steps"), PAYMENTS)
def test_when_building_has_paid(first, second, steps):
    assert pays_after(first, second) == steps

    def total(c, n):
        return c.build + c.first + (n - 1) * c.steady

    if steps is not None:
        assert total(first, steps) < total(second, steps)
        assert steps == 1 or total(first, steps - 1) >= total(second, steps - 1)


def test_costs_are_measured():
    found = measure(twins(), MODES, batches(10), "float32", seconds=0.0)
    for each in found.modes.values():
        assert each.spread[0] <= each.steady <= each.spread[1]
        assert each.peak > 0
        assert each.nodes == 5
        assert each.kernels == 7
    assert found.ratio > 0


# Reports


def report(difference):
    def changed(setup):
        return Descent(setup, other_kernel)

    def plain(setup):
        return Descent(setup, nothing_added)

    pair = twins(plain, changed if difference else plain)
    agreement = lockstep(pair, MODES, batches(4), "float32")
    costs = Costs({"static": cost(1e-3, 2e-3, 1e-5), "dynamic": cost(1e-4, 1e-4, 2e-5)}, 0.5, 291)
    return Report(Path("program.py"), MODES, "float32", agreement, costs, (Path("out/a.svg"),))


def shown(found):
    console = Console(width=300, file=io.StringIO())
    console.print(render(found))
    return console.file.getvalue()


def test_a_report_says_what_was_found():
    text = shown(report(False))
    assert "Equal to the last bit for 4 steps" in text
    assert "paid for its building after 291 steps" in text
    assert "1 pictures of both graphs are in out" in text
    text = shown(report(True))
    assert "at step 3, update 1, the gradient of w is 1 unit in the last place (ulp) apart; so is the parameter w" in text
    assert "the first node that differs" in text


def test_a_notebook_shows_a_report_as_tables_with_names_as_text():
    html = report(True)._replace(path=Path("<img src=x onerror=alert(1)>.py"))._repr_html_()
    assert html.startswith("<pre")
    assert "&lt;img src=x onerror=alert(1)&gt;.py" in html
    assert "the first node that differs" in html
    assert "<img" not in html


@pytest.mark.parametrize("difference", [False, True])
def test_a_report_is_json(difference):
    found = json.loads(json.dumps(as_dict(report(difference))))
    assert found["agreement"]["equal"] is not difference
    assert found["agreement"]["losses"]["loss"].keys() == set(MODES)
    assert found["costs"]["static"]["steady"] == 1e-5
    if difference:
        assert found["agreement"]["difference"]["node"]["operands"][0]["ulps"] == 0


def test_a_diverged_loss_is_still_json():
    found = report(False)
    losses = {"loss": {"static": [1.0, math.inf], "dynamic": [1.0, math.nan]}}
    text = json.dumps(as_dict(found._replace(agreement=found.agreement._replace(losses=losses))), allow_nan=False)
    assert json.loads(text)["agreement"]["losses"]["loss"] == {"static": [1.0, "inf"], "dynamic": [1.0, "nan"]}


def test_a_builder_that_gives_no_program_is_named():
    pair = twins(static=lambda setup: None)
    with pytest.raises(ProgramError, match=r"static_program\(\) gave NoneType, not a Program"):
        pair.build("static", begin("float32"))
