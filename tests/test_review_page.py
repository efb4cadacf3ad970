"""Review in a real browser against the real server: kept at each answer, by mouse and by keys."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.journal import Journal
from autograder.grading.studies import Review
from autograder.language import LANGUAGES, Language
from autograder.learner import studying
from autograder.learner.reviewing import Reviews
from autograder.learner.studying import StudyError

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
IS_ANOTHER = "front => document.querySelector('.front').innerText !== front"


def reviews(path: Path) -> list[tuple[int, int]]:
    """Rating of each review in the journal and whether it was taken back, seen from outside."""
    base = sqlite3.connect(path)
    try:
        return base.execute("SELECT rating, undone FROM reviews ORDER BY at, id").fetchall()
    finally:
        base.close()


def test_what_the_page_may_ask_for(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        room = Reviews(journal)
        first = room.next({"language": "zh"})
        assert first["card"]["after"] == ["1 分钟", "6 分钟", "10 分钟", "8 天"]
        for wrong in ({}, {"card": "x", "rating": 3}, {"card": first["card"]["id"], "rating": 5},
                      {"card": first["card"]["id"], "rating": True}):  # fmt: skip
            with pytest.raises(StudyError):
                room.answer(wrong)
        with pytest.raises(StudyError):
            room.undo({})
        second = room.answer({"card": first["card"]["id"], "rating": 4})
        assert second["card"]["id"] != first["card"]["id"]
        # Meanwhile a terminal answers the card that the page shows.
        journal.studies.add([Review(second["card"]["id"], studying.now(), 3)])
        assert room.next({})["card"]["id"] not in (first["card"]["id"], second["card"]["id"])
        again = room.undo({"language": "zh"})
        assert again["card"] == first["card"]
        assert [r.undone for r in journal.studies.reviews()] == [True, False]


@contextlib.contextmanager
def opened(folder: Path, *options: str) -> Iterator[str]:
    """The address of `touchstone open` with a journal of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400", "PYTHONUNBUFFERED": "1"}
    served = subprocess.Popen(
        [sys.executable, "-m", "autograder", "open", "--no-browser", "--lang", "en", *options],
        cwd=folder, env={**environment, "XDG_DATA_HOME": str(folder)}, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert served.stdout is not None
    found = next(filter(None, (re.search(r"http://\S+", line) for line in served.stdout)))
    yield found[0]
    served.send_signal(signal.SIGINT)
    served.communicate(timeout=60)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with opened(tmp_path) as found:
        yield found


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("language", LANGUAGES)
def test_cards_are_answered_by_keys_and_by_mouse(
    address: str, tmp_path: Path, language: Language
) -> None:
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
        page.goto(address.partition("?")[0].replace("/en/index.html", f"/{language}/review.html"))
        page.wait_for_selector(".card .front p")
        front = page.inner_text(".front")
        assert not page.is_visible(".back")
        page.keyboard.press("Space")
        page.wait_for_selector(".back li")
        page.keyboard.press("3")
        page.wait_for_function(IS_ANOTHER, arg=front)
        second = page.inner_text(".front")
        page.click(".show")
        assert page.inner_text("[data-rating='4'] .after").strip() in ("8 d", "8 天")
        page.click("[data-rating='1']")
        page.wait_for_function(IS_ANOTHER, arg=second)
        page.keyboard.press("u")
        page.wait_for_function(IS_ANOTHER.replace("!==", "==="), arg=second)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert said == []
        browser.close()
    assert reviews(tmp_path / "touchstone" / "journal.sqlite") == [(3, 0), (1, 1)]
