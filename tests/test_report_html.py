"""The notebook card and the page: complete, self-contained, and nothing can be injected."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hostile import REPORT, each_language, hostile, poisoned, without_markup
from hypothesis import given, settings
from samples import both, exercise, png, sample_results

from autograder.evidence.runs import CellOutput, CellRun
from autograder.judging.results import SubmissionResult, TaskResult
from autograder.language import Language
from autograder.report import card, digest, html


class Outline(HTMLParser):
    """The elements of a page with their attributes' names, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.open: list[str] = []
        self.text = ""
        self.addresses: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@each_language
def test_the_card_holds_what_the_text_holds(language: Language) -> None:
    for task in sample_results(language)[0].tasks:
        outline = Outline(card.card_html(task, language))
        assert not outline.open
        assert not outline.addresses
        spoken = re.sub(r"\s+", "", outline.text)
        as_text = re.sub(r"\s+", "", card.card_text(task, language))
        for verdict in task.verdicts:
            # A line of theirs says itself where to look.
            step = () if verdict.line else (verdict.step,)
            for part in (verdict.claim, verdict.diagnosis, *step):
                bare = re.sub(r"\s+", "", part[language])
                assert bare.replace("`", "") in spoken
                assert bare in as_text


def test_a_hint_is_offered_only_where_it_helps() -> None:
    counts, recall, *_ = sample_results()[0].tasks
    assert 'hint("recall")' in card.card_text(recall, "en")
    assert "hint(" not in card.card_text(recall, "en", hint_available=False)
    assert "hint(" not in card.card_text(counts, "en")


@given(hostile)
@settings(deadline=None)
def test_nothing_can_be_injected_into_a_card(text: str) -> None:
    def elements(inside: str) -> list[tuple[str, tuple[str, ...]]]:
        task = poisoned(inside).tasks[0]
        return Outline(card.card_html(replace(task, title=both(inside, inside)), "en")).elements

    assert elements(text) == elements(without_markup(text))


@each_language
def test_hints_come_one_level_at_a_time(language: Language) -> None:
    task = replace(exercise("metrics").tasks[0], hints={language: ("nudge", "idea", "out<line>")})
    for level, hint in enumerate(task.hints[language], start=1):
        as_text = card.hint_text(task, level, language)
        assert hint in as_text
        assert str(level) in as_text
        outline = Outline(card.hint_html(task, level, language))
        assert hint in outline.text
        assert not outline.open
        for other in set(task.hints[language]) - {hint}:
            assert other not in as_text
    for level in (0, 4):
        with pytest.raises(ValueError, match="hints 1 to 3"):
            card.hint_html(task, level, language)


@each_language
def test_the_page_stands_alone(language: Language) -> None:
    page = html.page(sample_results(language))
    outline = Outline(page)
    assert not outline.open
    assert f'<html lang="{language}">' in page
    assert "default-src 'none'" in page
    assert "script" not in {tag for tag, _ in outline.elements}
    assert outline.addresses
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in outline.addresses)
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page


@each_language
def test_the_page_tells_of_claims_cells_and_errors(language: Language) -> None:
    results = sample_results(language)
    spoken = re.sub(r"\s+", "", Outline(html.page(results)).text)
    for result in results:
        for task in result.tasks:
            for verdict in task.verdicts:
                assert re.sub(r"[\s`]+", "", verdict.claim[language]) in spoken
    assert "returntn/(tn+fp)iftn+fpelse0.0" in spoken
    assert "100%30/30" in spoken
    assert "ModuleNotFoundError" in spoken


def test_failing_tasks_are_open_and_others_folded() -> None:
    page = html.page(sample_results()[:1])
    opened = dict(re.findall(r'<details class="task ts-(\w+)"( open)?>', page))
    assert {status for status, mark in opened.items() if not mark} == {"pass", "todo"}


def test_cells_go_to_the_task_with_the_longest_name() -> None:
    def task(name: str) -> TaskResult:
        return TaskResult(name, both(name, name), "todo", 0.0, 1.0, ())

    cells = tuple(CellRun(id, "") for id in ("roc", "roc-try", "roc_auc", "roc_auc-plot", "rock"))
    result = SubmissionResult("a", tasks=(task("roc"), task("roc_auc")), cells=cells)
    found = {t.name: [cell.id for cell in digest.cells_of(t, result)] for t in result.tasks}
    assert found == {"roc": ["roc", "roc-try"], "roc_auc": ["roc_auc", "roc_auc-plot"]}


@given(hostile)
@settings(deadline=None)
def test_nothing_can_be_injected_into_the_page(text: str) -> None:
    def elements(inside: str) -> list[tuple[str, tuple[str, ...]]]:
        results = [poisoned(inside), SubmissionResult(inside, problem=both(inside, inside))]
        return Outline(html.page(results)).elements

    assert elements(text) == elements(without_markup(text))


def test_a_picture_that_is_no_base64_is_left_out() -> None:
    good = CellRun("recall", "", (CellOutput("display", "", png()),))
    bad = CellRun("recall", "", (CellOutput("display", "", 'x" onerror="y'),))
    assert html.shown(good, "en")[0].png == png()
    assert html.shown(bad, "en") == []


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour, as WCAG 2 defines it."""
    parts = [c / 255 / 12.92 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def rgb(code: str) -> tuple[float, ...]:
    code = code.lstrip("#")
    code = "".join(c * 2 for c in code) if len(code) == 3 else code
    return tuple(int(code[i : i + 2], 16) for i in (0, 2, 4))


# JupyterLab's own papers, besides the page's.
@pytest.mark.parametrize(
    ("side", "papers"), [("light", ["#fff"]), ("dark", ["#16191d", "#111111", "#212121"])]
)
def test_every_tone_can_be_read(side: str, papers: list[str]) -> None:
    styles = (REPORT / "templates" / "styles.html.j2").read_text("utf-8")
    body = re.search(rf"macro {side}\(\)(.*?)endmacro", styles, re.S)
    assert body is not None
    tones = dict(re.findall(r"--ts-(good|bad|slow|odd|quiet|link): (#\w+);", body[1]))
    assert len(tones) == 6
    wash = re.search(r"rgb\((\d+) (\d+) (\d+) / (\d+)%\)", body[1])
    assert wash is not None
    *over, share = map(int, wash.groups())
    for paper in map(rgb, papers):
        mixed = tuple(p + (o - p) * share / 100 for p, o in zip(paper, over, strict=True))
        for ground in (paper, mixed):
            for tone in tones.values():
                pair = sorted([luminance(ground), luminance(rgb(tone))])
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (tone, ground)
