"""The report's plots: fit for a page with a strict content policy, the same bytes again, nothing lost of the figures."""

import math
import re
from xml.etree import ElementTree

import numpy
import pytest

from graphs.compare import plots
from graphs.compare.breakeven import BreakEven, Curve
from graphs.compare.inline import inline


pytest.importorskip("matplotlib")

MODES = ("static", "dynamic")


def both(*values):
    """One curve in both modes."""
    return dict.fromkeys(MODES, (range(1, len(values) + 1), values))


CURVES = {"D_loss": both(3.0, 2.0, 1.0), "G_loss": both(1.0, 2.0, 1.5)}
CURVES_IN_ALL = {
    "static": Curve((1, 10, 20), (0.02, 0.03, 0.04), (0.019, 0.028, 0.037), (0.021, 0.032, 0.043)),
    "dynamic": Curve((1, 10, 20), (0.001, 0.02, 0.045), (0.0, 0.019, 0.043), (0.001, 0.021, 0.047)),
}


def paid(steps, low, high):
    return BreakEven(steps, low, high, 0.1, 0.02, 0.001, "building", "the tape", CURVES_IN_ALL)


DRAWN = {
    "losses": lambda: plots.losses(CURVES, MODES, "Losses"),
    "bars": lambda: plots.bars("steady", {"static": [1e-4, 2e-4], "dynamic": [3e-4, 1e-4, 1e-5]}, "A step"),
    "memory": lambda: plots.memory({"static": [100, 5000, 200], "dynamic": [100, 9000]}, "Memory"),
    "breakeven": lambda: plots.breakeven(paid(16, 14, 19), "Break-even"),
    "never": lambda: plots.breakeven(paid(None, None, None), "Never"),
    "unsure": lambda: plots.breakeven(paid(16, None, None), "Perhaps"),
}


def parsed(drawn):
    return ElementTree.fromstring(str(drawn))


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_stands_in_a_page(name):
    """No style sheet that reaches beyond it, no style attribute that the policy drops, no id that another plot has."""
    drawn = str(DRAWN[name]())
    root = parsed(drawn)
    assert root.tag == "svg"
    assert (root.get("role"), bool(root.get("aria-label")), bool(root.get("viewBox"))) == ("img", True, True)
    assert "width" not in root.attrib, "it is as wide as its place"
    assert not {"style", "script", "metadata"} & {each.tag for each in root.iter()}
    assert not any("style" in each.attrib for each in root.iter())
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    (prefix,) = {each.partition("-")[0] for each in ids}
    wanted = {each.get("href") for each in root.iter() if each.get("href")} | set(re.findall(r"url\((#[^)]*)\)", drawn))
    assert wanted
    assert wanted <= {f"#{each}" for each in ids}, "references follow the ids"
    assert prefix in ("losses", "steady", "memory", "breakeven")


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figures_give_the_same_bytes(name):
    assert DRAWN[name]() == DRAWN[name]()


def test_words_stay_words_and_colours_are_the_pages():
    drawn = str(DRAWN["losses"]())
    assert ">step</text>" in drawn
    assert 'class="stroke-first"' in drawn
    assert 'class="stroke-second"' in drawn
    assert plots.FIRST not in drawn
    assert plots.INK not in drawn


def curves(drawn, colour):
    return [each for each in parsed(drawn).iter("path") if each.get("class") == f"stroke-{colour}" and not each.get("id")]


def test_every_curve_is_drawn_in_its_modes_colour():
    drawn = DRAWN["losses"]()
    assert len(curves(drawn, "first")) == len(curves(drawn, "second")) == 2
    dashes = [each.get("stroke-dasharray") for each in curves(drawn, "second")]
    assert dashes[0] is None
    assert dashes[1], "losses of one mode are told apart without colours"


def test_what_is_not_finite_leaves_a_gap():
    drawn = plots.losses({"loss": both(1.0, 2.0, math.nan, math.inf, 3.0, 4.0)}, MODES, "Losses")
    (path,) = curves(drawn, "second")
    assert path.get("d").count("M") == 2


def test_a_single_step_is_a_point():
    drawn = plots.losses({"loss": both(1.0)}, MODES, "Losses")
    assert len(list(parsed(drawn).iter("use"))) > 2


def test_a_wide_range_is_logarithmic():
    def ticks(values):
        drawn = plots.losses({"loss": both(*values)}, MODES, "Losses")
        return "".join(parsed(drawn).itertext())

    assert "0.001" in ticks([1e-3, 1e3])
    assert "1000" in ticks([1e-3, 1e3])
    assert "$" not in ticks([1e-3, 1e3])
    assert "1.2" in ticks([1.0, 2.0])
    assert plots.losses({"loss": both(-1.0, 0.0, 1e3)}, MODES, "Losses")


def test_a_long_run_is_thinned_without_losing_a_spike():
    values = numpy.linspace(1, 0, 100_000)
    values[[777, 50_000]] = 7.0, math.nan
    steps, kept = plots._thinned(numpy.arange(1, 100_001), values)
    assert len(steps) <= 1_000
    assert 7.0 in kept
    assert steps[kept.tolist().index(7.0)] == 778
    assert (steps[0], steps[-1]) == (1, 100_000)


def test_the_parts_of_a_bar_add_up():
    root = parsed(plots.bars("split", {"only": [1e-6, 3e-6]}, "A step"))
    widths = []
    for each in root.iter("path"):
        if "fill-part" in each.get("class", ""):
            numbers = [float(x) for x in re.findall(r"-?\d+\.?\d*", each.get("d"))]
            widths.append(max(numbers[::2]) - min(numbers[::2]))
    assert widths[1] / widths[0] == pytest.approx(3, rel=1e-3)


def test_the_break_even_has_an_error_bar_and_never_has_none():
    def marks(name):
        return len(list(parsed(DRAWN[name]()).iter("use")))

    assert marks("breakeven") == marks("never") + 3, "the point, and the two ends of its bar"
    assert marks("unsure") == marks("breakeven")


def test_inline_takes_a_drawing_apart():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="4pt">'
        '<defs><style>* {fill: red}</style><path id="a"/></defs><use xlink:href="#a" clip-path="url(#b)"/>'
        "<text style=\"font: bold 8.5px 'DejaVu Sans', serif; text-anchor: middle; fill: #112233\">a &lt; b</text></svg>"
    )
    assert inline(svg, "p", "x < y", {"#112233": "ink"}) == (
        '<svg viewBox="0 0 9 4" role="img" aria-label="x &lt; y" class="plot"><defs><path id="p-a" /></defs>'
        '<use clip-path="url(#p-b)" href="#p-a" />'
        '<text font-size="8.5" font-weight="bold" text-anchor="middle" class="fill-ink">a &lt; b</text></svg>'
    )
