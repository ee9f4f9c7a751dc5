"""The report's page in a browser: what lights up together, slider, certificate, keyboard, paper, a hostile program.

Leaving the browser's block fails a test if the page complained, broke its own policy or asked for anything.
"""

import pytest

from tests.graphs.test_compare_page import EVIL, ROOT, Made, hostile  # noqa: F401 (a fixture)


pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """The pages of two programs, written once."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name in ("two_layer", "gan"):
        found[name] = folder / f"{name}.html"
        found[name].write_text(Made(ROOT / "demos" / f"{name}.py", measured=False).text, encoding="utf-8")
    return found


def titles(page, selector):
    """The first line of each box that a selector finds."""
    return page.evaluate(
        "selector => [...document.querySelectorAll(selector)].map((box) => box.querySelector('text').textContent.trim())",
        selector,
    )


def lit(page):
    return [line.strip() for line in page.locator(".code li.lit code").all_text_contents()]


def test_counterparts_light_up_together(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        page.locator("#graphs").scroll_into_view_if_needed()
        box = page.locator("#view2 .dp-box", has_text="relu").first
        box.scroll_into_view_if_needed()
        box.hover()
        assert titles(page, "#view1 .dp-mark") == ["relu"]
        assert lit(page) == ["h_relu = tf.nn.relu(tf.matmul(x, w1))", "y_pred = torch.relu(x.mm(w1)).mm(w2)"]
        told = page.locator("#both").inner_text()
        assert "h_relu = tf.nn.relu(tf.matmul(x, w1))" in told
        assert "two_layer.py:65" in told
        page.mouse.move(2, 2)
        page.wait_for_function("!document.querySelector('.dp-mark, .code li.lit')")
        assert "Point at a node" in page.locator("#both").inner_text()


def test_a_gradient_has_another_counterpart_than_what_it_is_the_gradient_of(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        box = page.locator("#view2 .dp-box", has_text="ReluBackward0").first
        box.scroll_into_view_if_needed()
        box.hover()
        page.wait_for_selector("#view1 .dp-mark")
        assert "relu" not in titles(page, "#view1 .dp-mark")
        assert lit(page)[0].startswith("grad_w1, grad_w2 = tf.gradients")


def test_a_line_lights_up_what_it_made(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        line = page.locator("li.makes", has_text="tf.nn.relu(tf.matmul(x, w1))")
        line.hover()
        assert sorted(titles(page, "#view1 .dp-mark")) == ["matmul", "relu"]
        assert sorted(titles(page, "#view2 .dp-mark")) == ["matmul", "relu"]
        page.mouse.move(2, 2)
        page.wait_for_function("!document.querySelector('.dp-mark')")
        line.locator("button").focus()
        assert sorted(titles(page, "#view2 .dp-mark")) == ["matmul", "relu"], "with the keyboard as well"


def test_counterparts_inside_folds_light_up_the_fold(browser, paths):
    with browser.open(paths["gan"]) as seen:
        page = seen.page
        page.locator("li.makes", has_text='h = nn.relu(X @ p["Wxh"] + p["bxh"])').hover()
        marked = titles(page, "#view1 .dp-mark")
        assert marked
        assert any("D" in each for each in marked)


def test_the_slider_shows_one_stage_at_a_time(browser, paths):
    with browser.open(paths["gan"]) as seen:
        page = seen.page
        plan = page.locator("#plan-1")
        shown = plan.locator(".stage:visible")
        assert shown.count() == 1
        assert shown.get_attribute("data-word") == "as written"
        slider = plan.locator("input[type=range]")
        slider.focus()
        page.keyboard.press("End")
        assert shown.get_attribute("data-word") == "as run"
        assert slider.get_attribute("aria-valuetext") == "as run"
        assert plan.locator("button.on").is_disabled()
        page.keyboard.press("ArrowLeft")
        assert shown.get_attribute("data-word") == "fuse"
        plan.locator(".ticks button", has_text="simplify").click()
        assert shown.get_attribute("data-word") == "simplify"
        assert slider.input_value() == "3"
        plan.locator("button.back").click()
        assert shown.get_attribute("data-word") == "cse"
        assert page.locator("#plan-2 .stage:visible").get_attribute("data-word") == "as written", "each plan has its own"
        box = shown.locator(".dp-box").first.bounding_box()
        assert box["width"] > 5, "the picture is drawn though it was hidden at first"


def test_search_and_fold_in_the_page(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        view = page.locator("#view1")
        view.locator("input[type=search]").fill("matmul")
        found = set(titles(page, "#view1 .dp-hit"))
        assert "matmul" in found
        assert "x" not in found
        before = view.locator(".dp-box:visible").count()
        view.locator("[data-do=scopes]").click()
        view.locator("[data-do=fold-all]").click()
        assert view.locator(".dp-box:visible").count() < before
        view.locator("[data-do=unfold-all]").click()
        assert view.locator(".dp-box:visible").count() == before


def test_the_certificate_shows_the_arrays_of_the_step_that_is_picked(browser, paths):
    with browser.open(paths["gan"]) as seen:
        page = seen.page
        before = page.locator("#arrays tbody").inner_text()
        page.locator(".steps .pick").first.click()
        assert page.locator("#arrays-title").inner_text().startswith("Step 1, update 1")
        assert "loss D_loss" in page.locator("#arrays tbody").inner_text()
        assert page.locator("#arrays tbody").inner_text() != before
        page.keyboard.press("ArrowDown")
        assert page.locator("#arrays-title").inner_text().startswith("Step 1, update 2")
        assert "loss G_loss" in page.locator("#arrays tbody").inner_text()
        assert page.locator("[aria-pressed=true]").count() == 1


@pytest.mark.parametrize("width", [390, 820, 1400])
def test_nothing_is_wider_than_the_screen(browser, paths, width):
    with browser.open(paths["gan"], width=width) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.evaluate("document.querySelector('.contents details').open") is (width == 1400)


def test_tab_comes_to_the_report_first_and_contents_lead_to_sections(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator(".contents a", has_text="Losses").click()
        page.wait_for_function("Math.abs(document.getElementById('losses').getBoundingClientRect().top) < 40")
        page.wait_for_function("document.querySelector('.contents [aria-current]')?.textContent === 'Losses'")


def test_paper_has_every_stage_and_opens_what_is_closed(browser, paths):
    with browser.open(paths["two_layer"]) as seen:
        page = seen.page
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#plan-1 .stage:visible").count() == page.locator("#plan-1 .stage").count() > 3
        assert not page.locator(".slider").first.is_visible()
        assert page.locator("details:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details:not([open])").count() > 0


def test_without_scripts_the_page_still_says_all(browser, paths):
    with browser.open(paths["two_layer"], script=False) as seen:
        page = seen.page
        assert page.locator("#plan-1 .stage:visible").count() == page.locator("#plan-1 .stage").count()
        assert page.locator("#arrays tbody tr").count() == 5
        assert page.locator("#losses svg.plot").is_visible()


def test_a_hostile_program_is_only_shown(browser, hostile, tmp_path):  # noqa: F811
    path = tmp_path / "hostile.html"
    path.write_text(hostile.text, encoding="utf-8")
    with browser.open(path) as seen:
        page = seen.page
        page.locator("li.makes").first.hover()
        for box in page.locator("#view1 .dp-box").all()[:4]:
            box.scroll_into_view_if_needed()
            box.hover()
        page.locator(".steps .pick").first.click()
        assert EVIL in page.locator("#arrays tbody").inner_text()
        assert EVIL in page.locator("#losses").inner_text()
        assert page.locator("img, iframe, object").count() == 0
        assert page.locator("script:not([type])").count() == 2
