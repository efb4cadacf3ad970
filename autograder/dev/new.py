"""Scaffolding an exercise: a small one that works, to be changed bit by bit."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.exercise.catalog import CatalogError
from autograder.language import LANGUAGES

TEMPLATES = Path(__file__).parent / "templates"
_PLACEHOLDER, _TITLE = "my-exercise", "My exercise"
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


class ScaffoldError(CatalogError):
    """A slug that cannot be used; the message says why and what to do."""


def new(slug: str, root: Path) -> list[Path]:
    """Write a minimal working exercise and its lessons under `root`.

    Parameters
    ----------
    slug
        Lower-case words joined by hyphens, such as ``token-labelling``.
    root
        Folder that holds ``autograder/course/`` and ``lessons/``.

    Returns
    -------
    list of Path
        The files that were written. `build` makes the notebooks from them.

    Raises
    ------
    ScaffoldError
        If the slug is malformed or anything with its name exists; then nothing is written.
    """
    if not _SLUG.fullmatch(slug) or len(slug) > _LONGEST:
        raise ScaffoldError(
            f"{slug!r} is no slug. Use at most {_LONGEST} characters: lower-case words of a-z "
            "and 0-9 joined by hyphens, such as `token-labelling`."
        )
    folder, lessons = root / "autograder" / "course" / slug, root / "lessons" / slug
    views = [
        root / room / language / f"{slug}.ipynb"
        for room in ("exercises", "solutions")
        for language in LANGUAGES
    ]
    for path in (folder, lessons, *views):
        if path.exists():
            raise ScaffoldError(f"{path} exists already. Choose another slug, or remove it first.")
    files = {folder / path.name: path for path in sorted(TEMPLATES.glob("*.toml"))}
    files |= {folder / path.name: path for path in sorted(TEMPLATES.glob("*.py"))}
    files |= {lessons / f"{lang}.md": TEMPLATES / f"lesson.{lang}.md" for lang in LANGUAGES}
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text("utf-8").replace(_PLACEHOLDER, slug)
        path.write_text(text.replace(_TITLE, _title(slug)), "utf-8", newline="\n")
    return list(files)


def _title(slug: str) -> str:
    return slug.replace("-", " ").capitalize()
