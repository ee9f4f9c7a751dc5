"""Pages and what notebooks show: whatever a program's strings are, there is no element beyond the template's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import static as tf
from graphs import draw
from graphs.compare.exhibits import Exhibits, Plan
from graphs.compare.page import page as compared_page
from graphs.compare.scripts import Script, Scripts
from graphs.compare.scripts_page import scripts_page
from graphs.compare.sources import Sources, whole
from graphs.core.node import new_parameter
from graphs.core.op import OPS
from graphs.draw import html
from graphs.draw.labels import shorten
from graphs.draw.notebook import bundle
from graphs.draw.picture import Picture
from static.report_html import html as report_html
from tests.graphs.draw.test_hostile_names import SPEC, named
from tests.graphs.test_compare_page import EVIL, HOSTILE, MODES, compared
from tests.hostile import EVERY, MARKUP, sample


MARK = "Zqx9"
"""What stands in the report that the others are made of, wherever a program's own strings do."""

STRUCTURE = {
    *("html", "head", "body", "title", "meta", "link", "base", "script", "style", "section", "main", "nav", "table"),
    *("svg", "a", "img", "iframe", "object", "form", "h1", "h2"),
}
"""The elements of which there are as many on any page of its kind."""

LEADS = {"href", "src", "srcset", "action", "formaction", "xlink:href", "data", "background", "style", "srcdoc", "ping"}


class Parsed(HTMLParser):
    """The elements of a page with the names of their attributes, what has values of interest, and what is in scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, frozenset[str]]] = []
        self.leads: list[str] = []
        self.policy = ""
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "data": []}
        self._in = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs)
        self.elements.append((tag, frozenset(found)))
        self.leads += [re.sub(r"[\d.]+", "0", found[name] or "") for name in found if name in LEADS or name[:2] == "on"]
        if found.get("http-equiv") == "Content-Security-Policy":
            assert not self.policy
            assert not {"script", "style"} & {tag for tag, _ in self.elements}  # it rules what comes after it
            self.policy = found["content"] or ""
        self._in = "data" if tag == "script" and found.get("type") == "application/json" else tag
        if self._in in self.texts:
            self.texts[self._in].append("")

    def handle_data(self, data: str) -> None:
        if self._in in self.texts:
            self.texts[self._in][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


def same(text: str, usual: Parsed) -> Parsed:
    """``text`` parsed, once it is known to have only elements and attributes that ``usual`` has."""
    found = Parsed(text)
    assert set(found.elements) <= set(usual.elements), set(found.elements) - set(usual.elements)
    one, other = (Counter(tag for tag, _ in each.elements if tag in STRUCTURE) for each in (found, usual))
    assert one == other
    assert found.leads == usual.leads
    assert not re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", text)
    assert text.encode()  # no half of a character
    return found


def strict(found: Parsed) -> None:
    """The policy allows what is on the page by its digest, and nothing else; data has nothing in it that is markup."""
    rules = dict(rule.strip().split(" ", 1) for rule in found.policy.split(";"))
    assert "unsafe" not in found.policy
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for kind in ("script", "style"):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found.texts[kind]]
        assert rules.pop(f"{kind}-src").split() == [f"'sha256-{digest}'" for digest in digests]
    assert not rules
    for text in found.texts["data"]:
        assert not set(text) & set("<>&\u2028\u2029")
        json.loads(text)
    assert all(lead.startswith("#") for lead in found.leads)


def a_file(name: str) -> str:
    """``name`` as a file might have it."""
    return name.replace("/", "|").replace("\x00", "").encode("utf-8", "replace").decode() or "x"


def renamed(value: Any, name: str) -> Any:
    """``value`` with ``name`` in place of the mark in every string and path, at any depth."""
    if isinstance(value, str):
        return value.replace(MARK, name)
    if isinstance(value, Path):
        return Path(str(value).replace(MARK, a_file(name)))
    if isinstance(value, Mapping):
        return {renamed(key, name): renamed(each, name) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(renamed(each, name) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(renamed(each, name) for each in value)
    if is_dataclass(value) and not isinstance(value, (type, Picture)):
        return replace(value, **{each.name: renamed(getattr(value, each.name), name) for each in fields(value) if each.init})
    return value


class Pages:
    """Every page there is, of strings that are a name: made of one report, which is a real one."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"{MARK}.py"
        path.write_text(HOSTILE.replace(EVIL, MARK), encoding="utf-8")
        self.folder = folder
        self.report, self.exhibits = compared(path, measured=False)
        assert MARK in repr(self.report)
        x = tf.placeholder(tf.float32, (3,), name="x")
        session = tf.Session()
        y = (x + 0.0) * 1.0 - x  # Zqx9
        self.told = session.report(y, {x: [0.0, 1.0, 2.0]}).as_dict()
        (plan,) = self.told["plans"]
        assert MARK in repr(plan["rewrites"])
        plan["rewrites"][0]["counterexample"] = f"{MARK}: {MARK}"
        plan["reason"] = MARK

    def sources(self, name: str) -> Sources:
        """A file with the name in a docstring, a comment, a string and a function's name, as it is read from disk."""
        path = self.folder / "shown.py"
        quoted = name.encode("utf-8", "replace").decode().replace("\x00", "")
        path.write_text(f'def f():\n    """{quoted}"""\n    # {quoted}\n    return {name!r}\n', encoding="utf-8")
        chunks = tuple(each._replace(file=f"{a_file(name)}.py") for each in whole(path))
        return Sources(dict.fromkeys(MODES, chunks), chunks)

    def compare(self, name: str, shown: Picture) -> str:
        matching = self.exhibits.matching
        assert matching is not None
        alone = tuple(renamed(each, name)._replace(name=name, why=name, where=name) for each in matching.alone[:1])
        plans = tuple(
            Plan(
                _told(plan.told, name),
                tuple(frame._replace(word=name, words=name, picture=shown) for frame in plan.frames[:2]),
            )
            for plan in self.exhibits.plans[:1]
        )
        exhibits = Exhibits(self.sources(name), dict.fromkeys(MODES, shown), matching._replace(alone=alone), plans)
        return compared_page(renamed(self.report, name), exhibits)

    def scripts(self, name: str) -> str:
        path = Path(f"{a_file(name)}.py")
        pair = [Script(path, mode, 0, name, 6, 1.0, 6.0, {}, [], 3, 3, None) for mode in MODES]  # type: ignore[arg-type]
        return scripts_page(Scripts((pair[0], pair[1]), MODES, None))

    def viewer(self, shown: Picture) -> str:
        return html.page(shown)

    def static(self, name: str) -> str:
        return report_html(_told(self.told, name))

    def notebooks(self, name: str, shown: Picture) -> Iterator[str]:
        body = next(
            value for item in shown.items if item.node for value in item.node.params.values() if hasattr(value, "nodes")
        )
        yield bundle(shown)["text/html"]
        yield bundle(body)["text/html"]
        yield renamed(self.report, name)._repr_html_()


def _told(value: Any, name: str) -> Any:
    """A report's dictionary with the name as every string in it, keys aside."""
    if isinstance(value, Mapping):
        return {key: _told(each, name) if key != "law" or each else each for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(each, name) for each in value]
    return name if isinstance(value, str) else value


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages"))


def chosen(count: int) -> list[str]:
    """So many names: first some made of all the pieces that there are, each of them in one."""
    pieces = [name for name in EVERY if "/" not in name]
    few = min(count // 2, 20)
    return ["".join(pieces[at::few]) for at in range(few)] + list(sample(200)[: count - few])


def test_pages_have_the_elements_of_their_templates_alone(pages: Pages, many: Any) -> None:
    plain = named("plain")
    usual = {
        "viewer": Parsed(pages.viewer(plain)),
        "compare": Parsed(pages.compare("plain", plain)),
        "scripts": Parsed(pages.scripts("plain")),
        "static": Parsed(pages.static("plain")),
    }
    shown = [Parsed(text) for text in pages.notebooks("plain", plain)]
    every = many(200)
    for at, name in enumerate(chosen(every)):
        picture = named(name)
        strict(same(pages.viewer(picture), usual["viewer"]))
        if every == 200 or at % 4 == 0:
            strict(same(pages.compare(name, picture), usual["compare"]))
        strict(same(pages.scripts(name), usual["scripts"]))
        same(pages.static(name), usual["static"])
        for text, expected in zip(pages.notebooks(name, picture), shown, strict=True):
            same(text, expected)


@pytest.mark.browser
def test_a_browser_shows_every_name_and_complains_of_none(browser: Any, tmp_path: Path) -> None:
    """Leaving the block fails if the page wrote to the console, raised, broke its policy or asked for anything."""
    path = tmp_path / "names.html"
    values = [new_parameter(SPEC, f"in {at}/{name.replace('/', '|') or 'x'}") for at, name in enumerate(EVERY)]
    path.write_bytes(draw.draw([OPS["concat"](*values, axis=0)], format="html", title="".join(MARKUP), budget=500))
    with browser.open(path) as seen:
        page = seen.page
        assert page.locator(".dp-box").count() == len(EVERY) + 1
        assert page.locator("script").count() == 2
        assert page.locator("img, iframe, object, embed, link, base, form, image, foreignObject").count() == 0
        assert page.inner_text("h1") == page.title()
        assert page.title().startswith("<lambda><b><>")
        titles = page.evaluate("[...diptych.viewers.graph.boxes.values()].map((box) => box.title)")
        assert set(titles) >= {shorten(name) for name in MARKUP if "/" not in name}
        for at in (3, 40, 80):
            page.locator(".dp-box").nth(at).hover()
            assert page.locator(".dp-card").is_visible()
