"""Reading ``notebook.py``: percent cells in two languages that share their code.

Every cell has an ``id``. Prose comes in pairs with one id, English then Chinese. Code is
shared, except that a line ``# en: …`` or ``# zh: …`` is kept in that language alone, as ``# …``.
Chinese prose is joined where a line breaks inside Chinese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from autograder.exercise.catalog import CatalogError, Exercise
from autograder.language import LANGUAGES, Language, Text

Role: TypeAlias = Literal["prose", "setup", "solution", "check", "playground"]

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
# What stands on both sides of a break that shows as a gap: Chinese, or its punctuation.
BROKEN = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]{2}")
_ID = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_CHECK = re.compile(r"""check\((["'])(?P<task>[^"']*)\1\)""")
_SETUP = re.compile(r'^EXERCISE, LANGUAGE = "(?P<slug>[^"]*)", "(?P<language>[^"]*)"$', re.M)
_ONE_LANGUAGE = re.compile(r"(?P<indent>\s*)# (?P<language>en|zh): ?(?P<text>.*)")


class SourceError(CatalogError):
    """A ``notebook.py`` that breaks a rule: `where`, and `what` is wrong and to be done."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of an exercise.

    Attributes
    ----------
    role
        What it is for; all but ``prose`` are code.
    source
        Its text in each language.
    task
        For a ``check`` cell, the task that it checks.
    """

    id: str
    role: Role
    source: Text
    task: str = ""


def read_cells(exercise: Exercise) -> tuple[Cell, ...]:
    """The cells of an exercise's ``notebook.py``, in order.

    Raises
    ------
    SourceError
        If the file is missing or breaks a rule of the format.
    """
    path = exercise.folder / "notebook.py"
    if not path.is_file():
        raise SourceError(f"{exercise.slug}/notebook.py", "It is missing. Write it.")
    raw = _parse(path.read_text("utf-8"))
    cells: list[Cell] = []
    position = 0
    while position < len(raw):
        reader = _Reader(exercise, raw[position], position + 1)
        if raw[position].cell_type == "code":
            cells.append(reader.code())
            position += 1
        else:
            cells.append(reader.prose(raw[position + 1] if position + 1 < len(raw) else None))
            position += 2
    _check_whole(exercise, cells)
    return tuple(cells)


def solution_lines(source: str) -> list[str]:
    """The lines between the solution markers of a cell's source, stripped."""
    lines, inside = [], False
    for line in source.splitlines():
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside:
            lines.append(line.strip())
    return lines


def _parse(text: str) -> list[Any]:
    try:
        import jupytext
    except ImportError:
        raise SourceError(
            "notebook.py",
            "jupytext, which reads it, is not installed. Run `uv sync` or `pip install jupytext`.",
        ) from None
    return list(jupytext.reads(text, fmt="py:percent").cells)


class _Reader:
    """Reads one percent cell, or one pair of prose, and says where a rule is broken."""

    def __init__(self, exercise: Exercise, raw: Any, number: int) -> None:
        self.exercise = exercise
        self.raw = raw
        self.number = number
        self.id = str(raw.metadata.get("id", ""))
        first = raw.source.strip().partition("\n")[0][:60]
        if not self.id:
            self.fail(f'It begins {first!r} and has no id. Write `# %% id="…"` above it.')
        if not _ID.fullmatch(self.id):
            self.fail("Its id has other characters than a-z, 0-9, - and _. Rename it.")

    def fail(self, what: str) -> NoReturn:
        name = f"cell {self.id!r}" if self.id else f"cell {self.number}"
        raise SourceError(f"{self.exercise.slug}/notebook.py, {name}", what)

    def prose(self, other: Any) -> Cell:
        """The pair of this cell and the `other` one after it."""
        if self.raw.cell_type != "markdown":
            self.fail(f"It is a {self.raw.cell_type} cell. Use markdown or code.")
        if self.raw.metadata.get("lang") != "en":
            self.fail('It is not the English half of a pair. Write `lang="en"`, and put it first.')
        tags = dict(other.metadata) if other is not None else {}
        if (tags.get("id"), tags.get("lang")) != (self.id, "zh"):
            self.fail(
                "It has no Chinese half. Put "
                f'`# %% [markdown] id="{self.id}" lang="zh"` right after it.'
            )
        source: Text = {"en": self.raw.source.strip(), "zh": joined(other.source.strip())}
        for language in LANGUAGES:
            if not source[language]:
                self.fail(f"It is empty in {language!r}. Write its text.")
        return Cell(self.id, "prose", source)

    def code(self) -> Cell:
        """The cell as code, with its source for each language."""
        source = self.raw.source.strip("\n")
        if not source.strip():
            self.fail("It is empty. Fill it or delete it.")
        if len(set(self._marked(source))) == 1:
            self.fail(
                "It has comments in one language only. Write both `# en: …` and `# zh: …` lines."
            )
        self._check_markers(source)
        texts = {language: in_language(source, language) for language in LANGUAGES}
        asked = _CHECK.fullmatch(source.strip())
        if asked:
            return self._check_cell(asked["task"], texts)
        if _SETUP.search(source):
            return Cell(self.id, "setup", {k: self._localise(v, k) for k, v in texts.items()})
        return Cell(self.id, "solution" if BEGIN in source else "playground", texts)

    def _marked(self, source: str) -> list[str]:
        return [m["language"] for m in map(_ONE_LANGUAGE.fullmatch, source.splitlines()) if m]

    def _check_markers(self, source: str) -> None:
        inside = False
        for line in source.splitlines():
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                if line.strip() != (END if inside else BEGIN):
                    self.fail(f"It has {line.strip()!r}. Write {END if inside else BEGIN!r} here.")
                inside = not inside
        if inside:
            self.fail(f"It has a {BEGIN!r} without {END!r}. Add the end marker.")

    def _check_cell(self, task: str, texts: Text) -> Cell:
        try:
            self.exercise.task(task)
        except CatalogError as error:
            self.fail(f"It checks an unknown task. {error}")
        if self.id != f"{task}-check":
            self.fail(f"It checks {task!r}. Give it the id {task + '-check'!r}.")
        return Cell(self.id, "check", texts, task)

    def _localise(self, source: str, language: Language) -> str:
        found = _SETUP.search(source)
        if found is None or found["slug"] != self.exercise.slug:
            wanted = f'EXERCISE, LANGUAGE = "{self.exercise.slug}", "en"'
            self.fail(f"It names another exercise. Write `{wanted}`.")
        return _SETUP.sub(f'EXERCISE, LANGUAGE = "{self.exercise.slug}", "{language}"', source)


def joined(text: str) -> str:
    """Markdown whose lines do not break inside Chinese, where a break would show as a gap.

    So authors may break lines where they like. Headings, tables and code keep their lines.
    """
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        before = lines[-1] if lines else ""
        goes_on = BROKEN.fullmatch(before[-1:] + line.lstrip()[:1])
        if goes_on and not fenced and not before.startswith("#"):
            lines[-1] += line.lstrip()
        else:
            lines.append(line)
    return "\n".join(lines)


def in_language(source: str, language: Language) -> str:
    """The lines of a code cell that are for readers of `language`."""
    lines = []
    for line in source.splitlines():
        found = _ONE_LANGUAGE.fullmatch(line)
        if found is None:
            lines.append(line)
        elif found["language"] == language:
            lines.append(f"{found['indent']}# {found['text']}".rstrip())
    return "\n".join(lines)


def _check_whole(exercise: Exercise, cells: list[Cell]) -> None:
    where = f"{exercise.slug}/notebook.py"
    ids = [cell.id for cell in cells]
    for name in ids:
        if ids.count(name) > 1:
            raise SourceError(f"{where}, cell {name!r}", "It is there twice. Rename one.")
    if sum(cell.role == "setup" for cell in cells) != 1:
        line = f'EXERCISE, LANGUAGE = "{exercise.slug}", "en"'
        raise SourceError(where, f"There must be one set-up cell. Give one the line `{line}`.")
    checked = {cell.task for cell in cells if cell.role == "check"}
    for task in exercise.tasks:
        if task.name not in checked:
            raise SourceError(
                where,
                f"Nothing checks the task {task.name!r}. Add a cell "
                f'`# %% id="{task.name}-check"` that holds `check("{task.name}")`.',
            )
    if not any(cell.role == "solution" for cell in cells):
        raise SourceError(where, f"There is no solution. Mark one with {BEGIN!r} and {END!r}.")
