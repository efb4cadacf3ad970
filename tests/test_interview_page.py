"""The interview in a real browser against the real server: kept at each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sites import small
from test_interviewer import Server, server
from test_review_page import CHROMIUM, address, opened

from autograder.grading.journal import Journal
from autograder.language import LANGUAGES, Language
from autograder.learner.interviewpage import Interviews
from autograder.learner.reviewing import Reviews
from autograder.learner.studying import StudyError
from autograder.report.interviewtexts import TEXTS
from autograder.report.site import site
from autograder.study.interviewer import Interviewer

__all__ = ["address", "server"]


def test_steps_that_do_not_fit_are_refused_and_keep_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        room = Interviews(journal)
        assert 'data-do="begin"' in room.now({})["html"]
        for wrong in ({}, {"step": 0, "do": "ticked", "hit": [1]}, {"step": 0, "do": "begin"},
                      {"step": 1, "do": "begin", "minutes": 4}):  # fmt: skip
            with pytest.raises(StudyError):
                room.step(wrong)
        asked = room.step({"step": 0, "do": "begin", "minutes": "4"})
        assert 'data-do="answered"' in asked["html"]
        marking = room.step({"step": 1, "do": "answered", "said": "<b>mine</b>"})
        assert "&lt;b&gt;mine" in marking["html"]
        with pytest.raises(StudyError):
            room.step({"step": 2, "do": "ticked", "hit": None})
        assert journal.studies.answers() == []
        room.step({"step": 2, "do": "ticked", "hit": [2]})
        (answer,) = journal.studies.answers()
        assert [n for n, hit in enumerate(answer.hit, 1) if hit] == [2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_can_be_kept_no_page_promises_it(tmp_path: Path, language: Language) -> None:
    path = tmp_path / "journal.sqlite"
    found = []
    for kept in (Journal(path), Journal.forgetful(path)):
        with kept as journal:
            asked = Interviews(journal)
            rooms = [asked.room, Reviews(journal).room]
            pages = site(small("metrics"), [one.activity for one in rooms])
            found.append(
                [asked.now({"language": language})["html"],
                 *(pages[f"{language}/{one.activity.name}.html"]().decode() for one in rooms)]
            )  # fmt: skip
    for keeping, forgetting in zip(*found, strict=True):
        assert keeping != forgetting
        assert TEXTS["kept"][language] not in forgetting


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interview_is_held_to_its_end(address: str, tmp_path: Path, language: Language) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page: Any = browser.new_page(viewport={"width": 390, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        there = address.partition("?")[0].replace("/en/index.html", f"/{language}/interview.html")
        page.goto(there)
        page.fill("input[name=minutes]", "4")
        page.click("button[type=submit]")
        page.fill("textarea", "First this,\nthen that.")
        page.reload()
        page.wait_for_selector("textarea")
        assert page.input_value("textarea") == "First this,\nthen that."
        page.click("button[type=submit]")
        page.wait_for_selector("input[name=hit]")
        page.screenshot(path=tmp_path / f"mark.{language}.png", full_page=True)
        page.reload()
        page.check("input[name=hit][value='1']")
        page.click("button[type=submit]")
        while page.wait_for_selector(".stage form:not([data-do=ticked])"):
            form = page.get_attribute(".stage form", "data-do")
            if form == "begin":
                break
            before = page.inner_html(".stage")
            page.click(".stage button[type=submit]")
            page.wait_for_function(
                "before => document.querySelector('.stage').innerHTML !== before", arg=before
            )
        assert "1 / " in page.inner_text("table")
        page.screenshot(path=tmp_path / f"over.{language}.png", full_page=True)
        asked, task = page.get_attribute("table a", "href"), page.get_attribute("li a", "href")
        for place in (asked, task):  # each leads to what is there
            other = browser.new_page()
            other.context.add_cookies(page.context.cookies())
            other.goto(there.replace("interview.html", place))
            assert other.locator(f"[id='{place.partition('#')[2]}']").count() == 1
            other.close()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert said == []
        browser.close()
    with Journal(tmp_path / "touchstone" / "journal.sqlite") as journal:
        (answer,) = journal.studies.answers()
    assert answer.said == "First this,\nthen that."
    assert answer.hit[0]
    assert sum(answer.hit) == 1


class Steps:
    """The page's calls, one after the other."""

    def __init__(self, journal: Journal, server: Server) -> None:
        self.room = Interviews(journal, Interviewer(server.url, "m"))
        self.told = self.room.now({})

    def __call__(self, do: str, **given: Any) -> str:
        self.told = self.room.step({"do": do, "step": self.told["step"], **given})
        return str(self.told["html"])

    def read(self) -> str:
        assert self.told["reads"]
        self.told = asyncio.run(self.room.read({}))
        return str(self.told["html"])


@pytest.fixture
def steps(tmp_path: Path, server: Server) -> Iterator[Steps]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield Steps(journal, server)


def test_an_interviewer_proposes_and_the_learner_decides(
    steps: Steps, server: Server, tmp_path: Path
) -> None:
    server.hits((2, "divided by <b>d</b>"), (1, "never said this"), follow_up="Why <i>d</i>?")
    shown = steps("begin", minutes="4")
    assert server.url in shown
    assert "key_points" in shown
    assert server.asked == []
    with pytest.raises(StudyError):  # before anything was agreed to
        steps("answered", said="It is divided by <b>d</b>.")
    steps("agreed", yes="true")
    assert "The interviewer reads" in steps("answered", said="It is divided by <b>d</b>.")
    shown = steps.read()
    assert not steps.told["reads"]
    assert shown.count(" checked") == 1
    assert "“divided by &lt;b&gt;d&lt;/b&gt;”" in shown
    assert "not marked: 1" in shown
    assert "Why &lt;i&gt;d&lt;/i&gt;?" in steps("ticked", hit=[1, 3])
    assert "own question" in steps("opened")
    (answer,) = steps.room._journal.studies.answers()
    assert [n for n, hit in enumerate(answer.hit, 1) if hit] == [1, 3]
    assert len(server.asked) == 1


def test_without_agreement_nothing_is_sent(steps: Steps, server: Server) -> None:
    steps("begin", minutes="4")
    assert "Nothing is sent" in steps("agreed", yes="false")
    steps("answered", said="An answer.")
    assert not steps.told["reads"]
    assert server.asked == []


@pytest.mark.parametrize("status", [200, 503])
def test_an_interviewer_in_trouble_is_told_and_the_interview_goes_on(
    steps: Steps, server: Server, status: int
) -> None:
    server.says("I think it was good.")
    server.status = status
    steps("begin", minutes="8")
    steps("agreed", yes="true")
    steps("answered", said="An answer.")
    shown = steps.read()
    assert ("form" if status == 200 else "HTTP 503") in shown
    assert " checked" not in shown
    shown = steps("ticked", hit=[1])
    while 'data-do="answered"' not in shown:
        do = next(do for do in ("opened", "judged", "went_on") if f'data-do="{do}"' in shown)
        shown = steps(do, holds="true")
    steps("answered", said="Another.")
    judged = steps.room._journal.studies.judgements()
    assert all(one.said for one in judged)
    # One that cannot be had is not asked again; one that answered nonsense is.
    assert steps.told["reads"] == (status == 200)


def test_an_interview_can_be_ended_and_keeps_what_is_finished(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        room = Interviews(journal)
        told = room.step({"step": 0, "do": "begin", "minutes": "40"})
        assert 'data-do="ended"' in told["html"]
        for given in (
            {"do": "answered", "said": "x"},
            {"do": "ticked", "hit": [1]},
            {"do": "ended"},
        ):
            told = room.step({"step": told["step"], **given})
        assert 'data-do="begin"' in told["html"]
        assert told["html"].count("<tr>") == 1
        told = room.step({"step": told["step"], "do": "begin", "minutes": "4"})
        told = room.step({"step": told["step"], "do": "ended"})
        assert TEXTS["nothing"]["en"] in told["html"]
        assert len(journal.studies.answers()) == 1


def test_who_does_not_wait_goes_on(steps: Steps, server: Server) -> None:
    server.wait = 30
    server.hits((1, "An answer, said."), follow_up="Why?")
    steps("begin", minutes="4")
    steps("agreed", yes="true")
    steps("answered", said="An answer, said.")
    shown = steps("ticked", hit=[2])
    assert not steps.told["reads"]
    assert "Why?" not in shown
    assert steps.room.now({})["html"] == shown


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_the_browser_marks_come_when_it_has_read(
    server: Server, tmp_path: Path, language: Language
) -> None:
    server.hits((1, "it is divided by d"), (2, "it is divided by d"), follow_up="Why?")
    playwright = pytest.importorskip("playwright.sync_api")
    with (
        opened(tmp_path, "--interviewer", server.url, "--model", "m") as address,
        playwright.sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page: Any = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(address)
        page.goto(
            address.partition("?")[0].replace("/en/index.html", f"/{language}/interview.html")
        )
        page.fill("input[name=minutes]", "4")
        page.click("button[type=submit]")
        page.wait_for_selector(".sent")
        page.screenshot(path=tmp_path / f"agree.{language}.png", full_page=True)
        page.click("button[value=true]")
        server.wait = 1
        page.fill("textarea", "I say that it is divided by d.")
        page.click("button[type=submit]")
        page.uncheck("input[name=hit][value='2']")
        page.check("input[name=hit][value='3']")
        page.check("input[name=hit][value='2']")
        page.uncheck("input[name=hit][value='2']")
        page.wait_for_selector(".quote")
        page.screenshot(path=tmp_path / f"read.{language}.png", full_page=True)
        hit = page.eval_on_selector_all("input[name=hit]:checked", "all => all.map(b => b.value)")
        assert hit == ["1", "3"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert said == []
        browser.close()
