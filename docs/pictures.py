"""Makes the pictures of the README: the card, the report, and the pages of a learner's day.

Needs Chromium and Playwright (in the group ``dev``): ``uv run python docs/pictures.py``.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from autograder.exercise import catalog
from autograder.exercise.syllabus.material import material
from autograder.language import LANGUAGES, Language
from autograder.learner import desk
from autograder.report import card_html, write_html

HERE = Path(__file__).resolve().parent
PAGE = '<!doctype html><meta charset="utf-8"><body style="margin:16px;font-family:sans-serif">{}'
TOUCHSTONE = [sys.executable, "-m", "autograder"]


def main() -> None:
    """Photograph what a learner would see, in both languages."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 860, "height": 600}, device_scale_factor=1.5)
        for language in LANGUAGES:
            demonstration(page, Path(folder), language)
            with opened(Path(folder) / language, language) as address:
                day(page, address, language)
        browser.close()


def named(name: str, language: Language) -> Path:
    """Where a picture goes."""
    return HERE / (f"{name}.png" if language == "en" else f"{name}.{language}.png")


def demonstration(page: Page, folder: Path, language: Language) -> None:
    """Save the card of ``recall`` and the top of the report."""
    result = desk.demo(language, whole=True)
    task = next(task for task in result.tasks if task.name == "recall")
    page.set_content(PAGE.format(card_html(task, language, replay='replay("recall")')))
    page.locator("body > *").last.screenshot(path=named("card", language))
    report = folder / "report.html"
    write_html([result], report)
    page.goto(report.as_uri())
    page.screenshot(
        path=named("report", language), clip={"x": 0, "y": 0, "width": 860, "height": 900}
    )


@contextmanager
def opened(folder: Path, language: Language) -> Iterator[str]:
    """The address of ``touchstone open`` in a new workbook."""
    subprocess.run(
        [*TOUCHSTONE, "start", str(folder), "--lang", language], check=True, capture_output=True
    )
    command = [*TOUCHSTONE, "open", "--no-browser", "--lang", language]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(m[0] for line in server.stdout if (m := re.search(r"http\S+", line)))
        finally:
            server.send_signal(signal.SIGINT)


def said(shown: str, language: Language) -> str:
    """Half of what a good answer to the question on the page holds."""
    asked = re.search(r"(S\d-[QP]\d+) · (\S+)", shown)
    assert asked
    found = material(catalog.exercise(asked[2])).questions
    points = next(question.points for question in found if question.id == asked[1])
    return ("" if language == "zh" else " ").join(
        point[language] for point in points[: len(points) // 2]
    )


def day(page: Page, address: str, language: Language) -> None:
    """Save a lesson, a question answered in an interview, and a card of the review."""
    page.goto(address)
    lessons = page.url.rsplit("/", 1)[0]
    page.goto(f"{lessons}/attention.html")
    page.screenshot(path=named("lesson", language))
    page.goto(f"{lessons}/interview.html")
    page.locator("main button").last.click()
    page.locator("main textarea").wait_for()
    page.locator("main textarea").fill(said(page.locator("main").inner_text(), language))
    page.locator("main button").first.click()
    page.wait_for_timeout(500)
    page.screenshot(path=named("interview", language))
    page.goto(f"{lessons}/review.html")
    page.locator("main button").first.click()
    page.wait_for_timeout(500)
    page.screenshot(path=named("review", language))


if __name__ == "__main__":
    main()
