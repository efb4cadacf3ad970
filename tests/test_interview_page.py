"""The interview in a real browser against the real server: kept at each answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_review_page import CHROMIUM, address

from autograder.grading.journal import Journal
from autograder.language import LANGUAGES, Language
from autograder.learner.interviewpage import Interviews
from autograder.learner.studying import StudyError

__all__ = ["address"]


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
