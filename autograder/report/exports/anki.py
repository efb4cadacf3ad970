"""Cards as a deck for Anki.

A note is known by its card and not by its texts or language, so importing a newer deck, or one in
another language, changes what stands on the cards and leaves their history alone.
"""

from __future__ import annotations

import hashlib
import html
import io
import itertools
import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from autograder.language import Language, Text
from autograder.report._write import ReportError, write_bytes
from autograder.report.maths import replaced

MODEL = 1_719_360_001
_MARK = b"touchstone deck"
_FIELDS = ("Id", "About", "Front", "Back")
_FRONT = '<div class="about">{{About}}</div><div class="side">{{Front}}</div>'
_BACK = "{{FrontSide}}<hr id=answer>" + '<div class="side">{{Back}}</div>'
_STYLE = """
.card { font: 18px/1.55 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  text-align: left; max-width: 42em; margin: 0 auto; padding: 0.5em; }
.about { color: #6b7280; font-size: 0.8em; margin-bottom: 0.6em; }
.side > div + div { border-top: 1px dashed #9ca3af; margin-top: 0.8em; padding-top: 0.2em; }
blockquote { border-left: 3px solid #9ca3af; margin-left: 0; padding-left: 0.8em; }
code { font-size: 0.92em; }
img { max-width: 100%; background: #fff; color-scheme: light; }
"""
_RELATIVE_LINK = re.compile(r'<a href="(?!https?:)[^"]*">(.*?)</a>', re.DOTALL)
_FIGURE = re.compile(r'<img src="([^"]+)"')
# Private characters, which no lesson has: Markdown leaves what stands between them alone.
_HELD = re.compile("\ue000(\\d+)\ue001")


class Card(Protocol):
    """What a note is made of."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def about(self) -> Text: ...
    @property
    def front(self) -> Text: ...
    @property
    def back(self) -> Text: ...


def write_anki(
    cards: Iterable[tuple[Card, Path]],
    path: Path,
    languages: Sequence[Language],
    *,
    at: float | None = None,
) -> int:
    """Write a deck with each card and the folder of its lesson; how many cards there are.

    Parameters
    ----------
    languages
        Those that stand on each card, one below the other.
    at
        Seconds since 1970 as which the deck is dated. Anki takes over what is newer.

    Raises
    ------
    ReportError
        If `path` is another file's, has another ending, or cannot be written.
    """
    if path.suffix.lower() != ".apkg":
        raise ReportError(
            f"{path} does not end in .apkg, by which Anki knows a deck. Name it so.",
            f"{path} 的扩展名不是 .apkg，Anki 认不出来。请换成这个扩展名。",
        )
    if path.is_file() and path.stat().st_size and not _is_ours(path):
        raise ReportError(
            f"{path} is no deck of Touchstone and was left as it is. Name another file.",
            f"{path} 不是 Touchstone 的牌组，没有改动。请换一个文件名。",
        )
    chosen = list(cards)
    write_bytes(path, _package(chosen, languages, time.time() if at is None else at))
    return len(chosen)


def _package(cards: Sequence[tuple[Card, Path]], languages: Sequence[Language], at: float) -> bytes:
    figures: dict[str, Path] = {}
    decks: dict[str, Any] = {}
    for number, (card, folder) in enumerate(cards):
        deck = decks.setdefault(card.slug, _deck(card.slug))
        deck.add_note(_note(card, folder, languages, number, figures))
    # In memory: the library's own way leaves a file in the folder for temporary ones.
    base = sqlite3.connect(":memory:")
    _whole(list(decks.values())).write_to_db(base.cursor(), at, itertools.count(int(at * 1000)))
    base.commit()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = _MARK
        archive.writestr("collection.anki2", base.serialize())
        archive.writestr("media", json.dumps(dict(enumerate(figures))))
        for number, file in enumerate(figures.values()):
            archive.writestr(str(number), file.read_bytes())
    base.close()
    return buffer.getvalue()


def _whole(decks: list[Any]) -> Any:
    import genanki

    return genanki.Package(decks)


def _deck(slug: str) -> Any:
    import genanki

    number = int.from_bytes(hashlib.sha256(f"touchstone/{slug}".encode()).digest()[:4], "big")
    return genanki.Deck((1 << 40) + number, f"Touchstone::{slug}")


def _note(
    card: Card, folder: Path, languages: Sequence[Language], number: int, figures: dict[str, Path]
) -> Any:
    import genanki

    model = genanki.Model(
        MODEL, "Touchstone", fields=[{"name": name} for name in _FIELDS],
        templates=[{"name": "Card", "qfmt": _FRONT, "afmt": _BACK}], css=_STYLE,
    )  # fmt: skip

    def side(text: Text) -> str:
        return "".join(
            f'<div lang="{language}">{_html(text[language], card.slug, folder, figures)}</div>'
            for language in languages
        )

    about = " / ".join(dict.fromkeys(html.escape(card.about[language]) for language in languages))
    return genanki.Note(
        model, [card.id, about, side(card.front), side(card.back)], sort_field=f"{number:05}",
        tags=["touchstone", card.kind, card.slug], guid=f"touchstone/{card.id}", due=number,
    )  # fmt: skip


def _html(markdown: str, slug: str, folder: Path, figures: dict[str, Path]) -> str:
    """Markdown as Anki shows it: formulas for its MathJax, figures from its own folder."""
    from markdown_it import MarkdownIt

    formulas: list[str] = []

    def held(tex: str, alone: bool) -> str:
        left, right = ("\\[", "\\]") if alone else ("\\(", "\\)")
        formulas.append(left + html.escape(tex, quote=False) + right)
        return f"\ue000{len(formulas) - 1}\ue001"

    shown = MarkdownIt("commonmark").enable("table").render(replaced(markdown, held))

    def figure(found: re.Match[str]) -> str:
        file = folder / html.unescape(found[1])
        name = f"touchstone-{slug}-{file.name}"
        figures[name] = file
        return f'<img src="{name}"'

    shown = _FIGURE.sub(figure, _RELATIVE_LINK.sub(r"\1", shown))
    return _HELD.sub(lambda found: formulas[int(found[1])], shown).strip()


def _is_ours(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == _MARK
    except (OSError, zipfile.BadZipFile):
        return False
