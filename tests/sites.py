"""What tests of the site and of its server share: a real browser, and a course of few lessons."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from autograder.exercise.catalog import exercise
from autograder.exercise.syllabus import Syllabus, chapter, syllabus

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@cache
def course() -> Syllabus:
    return syllabus()


def small(*slugs: str) -> Syllabus:
    return dataclasses.replace(course(), chapters=tuple(chapter(exercise(s)) for s in slugs))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
