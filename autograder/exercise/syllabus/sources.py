"""What a course has to cover: questions, problems that are asked, and mistakes of the documents.

``lessons/questions.toml`` is the one place that says it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograder.exercise.catalog import CatalogError, content_root
from autograder.language import LANGUAGES, Text

TABLE = "questions.toml"


@dataclass(frozen=True)
class Asked:
    """A problem without a question of its own in the documents.

    Attributes
    ----------
    lists
        How many public lists of interview problems have it.
    documents
        Those that state it in their text and do not ask for it.
    """

    title: Text
    lists: int
    documents: tuple[str, ...] = ()

    @property
    def times(self) -> int:
        """How often it comes up."""
        return self.lists + len(self.documents)


@dataclass(frozen=True)
class Sources:
    """Everything that needs a home, by its id and in order.

    Attributes
    ----------
    set_aside
        Errata that no lesson tells of, with the reason.
    """

    questions: Mapping[str, Text]
    asked: Mapping[str, Asked]
    errata: tuple[str, ...]
    set_aside: Mapping[str, Text]


def sources(root: Path) -> Sources:
    """The table of the course at `root`, or ours where it has none.

    Raises
    ------
    CatalogError
        If it is missing or malformed; the message says where.
    """
    path = root / "lessons" / TABLE
    if not path.is_file():
        path = content_root() / "lessons" / TABLE
    try:
        return _sources(tomllib.loads(path.read_text("utf-8")))
    except OSError:
        raise CatalogError(f"{path} is missing. Install Touchstone again.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid TOML: {error}") from None
    except KeyError as error:
        raise CatalogError(f"{path} lacks {error.args[0]!r} somewhere.") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise CatalogError(f"{path} has a value of the wrong type: {error}") from None


def ranges(ids: Iterable[str]) -> list[str]:
    """Ids such as ``E001`` in order, three and more in a row as ``E001–E003``."""
    rows: list[list[str]] = []
    known = sorted(set(ids))
    for before, item in pairwise(["", *known]):
        if before and int(before[1:]) + 1 == int(item[1:]):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [
        part for row in rows for part in ([f"{row[0]}–{row[-1]}"] if len(row) > 2 else row)
    ]  # fmt: skip


def numbers(text: str) -> tuple[str, ...]:
    """The errata that `text` names, ranges such as ``E001–E003`` written out."""
    found: list[str] = []
    for first, last in _RANGE.findall(text):
        found += [f"E{n:03}" for n in range(int(first), int(last or first) + 1)]
    return tuple(dict.fromkeys(found))


_RANGE = re.compile(r"\bE(\d{3})\b(?:\s*(?:–|—|-|~|～|to|through|至|到)\s*E(\d{3})\b)?", re.ASCII)


def _sources(table: Mapping[str, Any]) -> Sources:
    errata = table["errata"]
    return Sources(
        {name: _text(item) for name, item in table["questions"].items()},
        {
            name: Asked(_text(item), int(item["lists"]), tuple(item.get("documents", ())))
            for name, item in table["asked"].items()
        },
        tuple(f"E{n:03}" for n in range(1, int(errata["count"]) + 1)),
        {name: _text(item) for name, item in errata["set_aside"].items()},
    )


def _text(item: Mapping[str, Any]) -> Text:
    return {language: str(item[language]) for language in LANGUAGES}
