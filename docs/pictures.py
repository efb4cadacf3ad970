"""Makes the pictures of the README: the card and the report of the demonstration.

Needs Chromium and Playwright (in the group ``dev``): ``uv run python docs/pictures.py``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from autograder.language import LANGUAGES, Language
from autograder.learner import desk
from autograder.report import card_html, write_html

HERE = Path(__file__).resolve().parent
PAGE = '<!doctype html><meta charset="utf-8"><body style="margin:16px;font-family:sans-serif">{}'


def main() -> None:
    """Grade the demonstration and photograph what a learner would see."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 860, "height": 600}, device_scale_factor=1.5)
        for language in LANGUAGES:
            photograph(page, Path(folder), language)
        browser.close()


def photograph(page: object, folder: Path, language: Language) -> None:
    """Save the card of ``recall`` and the top of the report, in one language."""
    suffix = ".png" if language == "en" else f".{language}.png"
    result = desk.demo(language, whole=True)
    task = next(task for task in result.tasks if task.name == "recall")
    page.set_content(PAGE.format(card_html(task, language, replay='replay("recall")')))
    page.locator("body > *").last.screenshot(path=HERE / f"card{suffix}")
    report = folder / "report.html"
    write_html([result], report)
    page.goto(report.as_uri())
    page.screenshot(
        path=HERE / f"report{suffix}", clip={"x": 0, "y": 0, "width": 860, "height": 900}
    )


if __name__ == "__main__":
    main()
