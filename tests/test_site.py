"""The course as a site: whole, linked throughout, asking nobody, written only where it may be."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
from sites import browser, course, small

from autograder._errors import BilingualError
from autograder.exercise.catalog import CatalogError, Exercise, exercise
from autograder.exercise.syllabus import chapter
from autograder.language import LANGUAGES
from autograder.report.maths import line, mathml
from autograder.report.site import Site, site, targets, write_site
from autograder.report.site._markdown import markdown, walk

__all__ = ["browser"]


class Page(HTMLParser):
    """Anchors, links and tags of one page; an element that is not closed is told."""

    VOID: ClassVar = {"meta", "link", "img", "input", "br", "hr", "path", "circle"}

    def __init__(self, source: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.alts: list[str | None] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.open += [tag] if tag not in self.VOID else []
        self.ids += filter(None, [found.get("id")])
        self.links += filter(None, [found.get("href"), found.get("src")])
        self.alts += [found.get("alt")] if tag == "img" else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another at {self.getpos()}"


@cache
def whole() -> dict[str, bytes]:
    return {path: make() for path, make in site(course()).items()}


@cache
def page(path: str) -> Page:
    return Page(whole()[path].decode())


def pages() -> list[str]:
    return [path for path in whole() if path.endswith(".html")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_becomes_mathml(language: str) -> None:
    found = 0
    for one in course().chapters:
        source = one.exercise.lesson(language).read_text("utf-8")  # type: ignore[arg-type]
        for token in walk(markdown().parse(source)):
            if token.type.startswith("math"):
                made = mathml(token.content, block=token.type == "math_block")
                tree = ElementTree.fromstring(made)
                assert "\\" not in "".join(tree.itertext()), token.content
                assert "\\" not in line(token.content)
                found += 1
    assert found > 300


@pytest.mark.slow
def test_pages_are_well_formed_and_no_anchor_is_there_twice() -> None:
    for path in pages():
        assert page(path).open == [], path
        assert len(set(page(path).ids)) == len(page(path).ids), path
        assert None not in page(path).alts, path


@pytest.mark.slow
def test_every_link_leads_somewhere() -> None:
    for path in pages():
        for link in page(path).links:
            if link.startswith(("https://", "http://")):
                continue
            to, _, anchor = link.partition("#")
            where = normpath(join(dirname(path), to)) if to else path
            assert where in whole(), f"{path}: {link}"
            assert not anchor or anchor in page(where).ids, f"{path}: {link}"


def test_pages_load_nothing_from_other_hosts() -> None:
    for path in pages():
        source = whole()[path].decode()
        for opening in ('src="http', "url(http", "@import", '<link rel="stylesheet" href="http'):
            assert opening not in source, path


def test_both_languages_have_the_same_places() -> None:
    for one in course().chapters:
        english, chinese = (page(f"{n}/{one.exercise.slug}.html").ids for n in LANGUAGES)
        assert english == chinese, one.exercise.slug


def test_every_question_every_erratum_and_every_task_has_an_address() -> None:
    known, homes = course().sources, targets(course())
    assert {*known.questions, *known.errata} - set(known.set_aside) == set(homes)
    for language in LANGUAGES:
        for name, place in homes.items():
            assert name in page(f"{language}/{place.partition('#')[0]}").ids
        for one in course().chapters:
            ids = page(f"{language}/{one.exercise.slug}.html").ids
            assert {f"task-{task.name}" for task in one.exercise.tasks} <= set(ids)


def test_every_task_of_the_notebooks_leads_to_a_part_of_its_page() -> None:
    for chapter_, language in ((c, n) for c in course().chapters for n in LANGUAGES):
        slug = chapter_.exercise.slug
        links = re.findall(
            rf"\]\(lessons/{slug}/{language}\.md#([^)]*)\)",
            chapter_.exercise.notebook(language).read_text("utf-8"),
        )
        assert len(links) == len(chapter_.exercise.tasks)
        page = Page(whole()[f"{language}/{slug}.html"].decode())
        assert set(links) <= set(page.ids), slug


def test_what_is_tried_first_is_folded() -> None:
    for one in course().chapters:
        source = whole()[f"zh/{one.exercise.slug}.html"].decode()
        assert source.count('<details class="minute">') == len(one.answers)
        assert source.count('<details class="erratum"') == len(one.lessons["zh"].entries)


@pytest.fixture
def sick(tmp_path: Path) -> Callable[[str], Exercise]:
    """An exercise whose lesson in Chinese is another text."""

    def make(text: str) -> Exercise:
        (tmp_path / "autograder/course").mkdir(parents=True)
        original = exercise("metrics")
        shutil.copytree(original.lesson("en").parent, tmp_path / "lessons/metrics")
        (tmp_path / "lessons/metrics/zh.md").write_text(text, "utf-8")
        return dataclasses.replace(original, folder=tmp_path / "autograder/course/metrics")

    return make


def test_front_matter_that_is_broken_is_one_line_with_the_file(
    sick: Callable[[str], Exercise],
) -> None:
    with pytest.raises(CatalogError, match=r"zh\.md does not begin with a title") as caught:
        chapter(sick("# 没有开头\n"))
    assert "\n" not in str(caught.value)
    assert "没有标题" in caught.value.text["zh"]


def test_a_lesson_that_lacks_a_heading_is_told(sick: Callable[[str], Exercise]) -> None:
    text = exercise("metrics").lesson("zh").read_text("utf-8").replace("## 动手做", "动手做")
    ill = dataclasses.replace(course(), chapters=(chapter(sick(text)),))
    with pytest.raises(CatalogError, match=r"metrics has .* headings"):
        site(ill)["zh/metrics.html"]()


def test_a_site_is_written_and_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    count = write_site(small("metrics", "attention"), folder)
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert len(written) == count + 1
    write_site(small("metrics"), folder)
    assert not (folder / "en/attention.html").exists()
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["thesis.tex", "en/notes.html"])
def test_a_folder_that_holds_other_things_is_refused(tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("mine")
    with pytest.raises(BilingualError, match=name):
        write_site(small("metrics"), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]
    assert own.read_text() == "mine"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "site", tmp_path / "outside"
    write_site(small("metrics"), folder)
    shutil.move(folder / "en", outside)
    (folder / "en").symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in outside.iterdir()}
    with pytest.raises(BilingualError):
        write_site(small("metrics"), folder)
    assert {path: path.stat().st_mtime_ns for path in outside.iterdir()} == before


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(BilingualError):
        write_site(small("metrics"), tmp_path / "site")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("site")
    write_site(small("metrics", "attention"), where)
    return where


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Callable[..., Any]]:
    """Open a page of the site, from its folder; a request elsewhere or an error fails the test."""
    faults: list[str] = []
    opened: list[Any] = []

    def open_page(path: str, *, width: int = 1200, scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, locale="zh-CN"
        )
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on(
            "request",
            lambda request: request.url.startswith(folder.as_uri()) or faults.append(request.url),
        )
        page.goto(f"{folder.as_uri()}/{path}")
        return page

    yield open_page
    for context in opened:
        context.close()
    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_fit(visit: Callable[..., Any], language: str, width: int) -> None:
    for name in ("metrics", "index"):
        page = visit(f"{language}/{name}.html", width=width)
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_address_opens_what_is_folded(visit: Callable[..., Any]) -> None:
    page = visit("en/metrics.html#E116")
    assert page.locator("#E116 ul").is_visible()
    assert not page.locator("#E120 ul").is_visible()
    assert not page.locator("details.minute blockquote").first.is_visible()


def test_the_other_language_opens_at_the_same_place(visit: Callable[..., Any]) -> None:
    page = visit("en/metrics.html#E120")
    # By script: Playwright scrolls before it clicks what sticks to the top.
    page.evaluate("document.querySelector('.language').click()")
    page.wait_for_url("**/zh/metrics.html#E120")
    assert page.locator("#E120 ul").is_visible()
    assert page.locator("html").get_attribute("lang") == "zh-CN"


def test_the_entrance_takes_the_language_of_the_browser(visit: Callable[..., Any]) -> None:
    visit("index.html").wait_for_url("**/zh/index.html")


@pytest.mark.parametrize(
    ("language", "asked", "to"),
    [
        ("zh", "召回率 的 定义", "zh/metrics.html#"),
        ("zh", "E120", "zh/metrics.html#E120"),
        ("en", "macro-F1", "en/metrics.html#"),
        ("en", "困惑度", "zh/metrics.html#task-perplexity"),
        ("en", "confusion_counts", "en/metrics.html#task-confusion_counts"),
    ],
)
def test_search_finds_in_both_languages(
    visit: Callable[..., Any], language: str, asked: str, to: str
) -> None:
    page = visit(f"{language}/attention.html")
    page.keyboard.press("/")
    page.keyboard.type(asked)
    page.locator("dialog li a").first.wait_for()
    page.wait_for_function(
        "to => [...document.querySelectorAll('dialog li a')].some(a => a.href.includes(to))",
        arg=to,
    )


def test_the_first_that_is_found_opens_by_the_keyboard(visit: Callable[..., Any]) -> None:
    page = visit("zh/attention.html")
    page.keyboard.press("/")
    page.keyboard.type("E116")
    page.locator("dialog li a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/zh/metrics.html#E116")


def test_dark_and_light_are_chosen_and_remembered(visit: Callable[..., Any]) -> None:
    page = visit("en/metrics.html", scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.locator(".theme").click()
    assert page.evaluate(paper) != dark
    light = page.evaluate(paper)
    page.reload()
    assert page.evaluate(paper) == light


def test_paper_shows_what_is_folded(visit: Callable[..., Any]) -> None:
    page = visit("en/metrics.html")
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('main details > :last-child')]"
        ".map(part => part.getBoundingClientRect().height)"
    )
    assert min(heights) > 0


def test_the_keyboard_reaches_the_text(visit: Callable[..., Any]) -> None:
    page = visit("en/metrics.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"


@pytest.mark.slow
def test_the_type_says_that_it_maps_addresses() -> None:
    made: Site = site(small("metrics"))
    assert {"index.html", "en/metrics.html", "zh/index.html", "assets/site.css"} <= set(made)
