"""A lesson as a page: folded where one tries first, an address for every part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markdown_it.token import Token
from markupsafe import Markup, escape

from autograder.exercise.catalog import CatalogError
from autograder.exercise.syllabus import Chapter
from autograder.exercise.syllabus.headings import anchors
from autograder.exercise.syllabus.lessons import body, source
from autograder.exercise.syllabus.sources import numbers
from autograder.language import LANGUAGES, Language
from autograder.report.site._markdown import markdown, words
from autograder.report.site._words import word

_ANSWERS = re.compile(r"<!-- answers: (\S+) -->")
_ENTRY = re.compile(r"\*\*(E\d{3}\b.*)")
_NAMED = re.compile(r"\b(E\d{3}|S\d-[QP]\d+)\b", re.ASCII)
_LABEL = re.compile(r"^[^：]{2,6}：")
_SIZE = re.compile(r'<svg[^>]* viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Place:
    """Part of a lesson that has an address.

    Attributes
    ----------
    level
        2 or 3 as its heading; 4 for an erratum.
    id
        Its anchor, the same in both languages.
    text
        All that is to be read in it.
    """

    level: int
    id: str
    title: str
    text: str

    @property
    def kind(self) -> str:
        """What it is to somebody who searches."""
        if self.level == 4:
            return "erratum"
        return "question" if _NAMED.fullmatch(self.id) else "section"


@dataclass(frozen=True)
class LessonPage:
    """What one lesson shows in one language."""

    chapter: Chapter
    language: Language
    targets: Mapping[str, str]

    @cached_property
    def html(self) -> Markup:
        """The text, without its title."""
        tokens = list(_shaped(self))
        env = {
            "slug": self.chapter.exercise.slug,
            "sizes": _sizes(self),
            "table": word("table", self.language),
        }
        return Markup(markdown().renderer.render(tokens, markdown().options, env))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Headings and errata, in their order."""
        return tuple(_places(self._tokens))

    @property
    def contents(self) -> tuple[Place, ...]:
        """What the table of contents lists."""
        return tuple(place for place in self.places if place.level < 4)

    @property
    def _tokens(self) -> list[Token]:
        """Freshly parsed, for rendering changes them; anchors set, the title left out."""
        own = _parsed(self.chapter, self.language)
        exercise = self.chapter.exercise
        heads, names = list(_headings(own)), anchors(source(exercise.lesson(LANGUAGES[0])))
        if len(heads) != len(names):
            raise CatalogError(
                f"The lesson {exercise.slug} has {len(names)} headings in "
                f"{LANGUAGES[0]} and {len(heads)} in {self.language}. Give both the same."
            )
        for head, anchor in zip(heads, names, strict=True):
            own[head].attrSet("id", anchor)
        return own


def _parsed(chapter: Chapter, language: Language) -> list[Token]:
    tokens = markdown().parse(body(source(chapter.exercise.lesson(language))))
    if tokens and tokens[0].tag == "h1":
        del tokens[:3]
    return tokens


def _headings(tokens: Sequence[Token]) -> Iterator[int]:
    return (place for place, token in enumerate(tokens) if token.type == "heading_open")


def _sizes(page: LessonPage) -> dict[str, tuple[str, str]]:
    """Width and height of each figure, so that nothing jumps while they load."""
    folder = page.chapter.exercise.lesson(page.language).parent / "figures"
    found = {}
    for path in folder.glob(f"*.{page.language}.svg"):
        if size := _SIZE.search(path.read_text("utf-8")[:2000]):
            found[path.name] = (str(round(float(size[1]) * 4 / 3)),
                                str(round(float(size[2]) * 4 / 3)))  # fmt: skip
    return found


def _places(tokens: list[Token]) -> Iterator[Place]:
    starts: list[tuple[int, int, str, str]] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = words(tokens[place + 1 : place + 2])
            starts.append((place, int(token.tag[1]), str(token.attrs["id"]), title))
        elif ids := _erratum(tokens, place):
            title = words(tokens[place + 2 : place + 3])
            starts.append((place, 4, ids[0], title))
    ends = [place for place, *_ in starts[1:]] + [len(tokens)]
    for (start, level, anchor, title), end in zip(starts, ends, strict=True):
        yield Place(level, anchor, title, words(tokens[start + 3 : end]))


def _erratum(tokens: Sequence[Token], place: int) -> tuple[str, ...]:
    """The numbers of the erratum whose item opens at `place`, if one does."""
    if tokens[place].type != "list_item_open" or tokens[place].level != 1:
        return ()
    head = tokens[place + 2].content
    return numbers(head) if _ENTRY.match(head) else ()


def _shaped(page: LessonPage) -> Iterator[Token]:
    """The tokens as the page shows them."""
    tokens, slug = page._tokens, page.chapter.exercise.slug
    closing: set[int] = set()
    after = 0  # what stands before it is shown already
    for place, token in enumerate(tokens):
        if place < after:
            continue
        if place in closing:
            ending = (token, _html("</details>"))
            yield from ending if token.type == "blockquote_close" else reversed(ending)
        elif token.type == "heading_close":
            yield _html(_permalink(str(tokens[place - 2].attrs["id"]), page.language))
            yield token
        elif token.type == "html_block" and (asked := _ANSWERS.match(token.content)):
            yield _html(f'<p class="id">{escape(asked[1])}</p>')
        elif _leads_to_quote(tokens, place):
            yield _html(_minute(tokens[place + 1], page.language))
            after = place + 3
            closing.add(_end_of(tokens, after))
        elif ids := _erratum(tokens, place):
            yield from (token, *_entry(ids, tokens[place + 2], page.language))
            _label(tokens, place, page)
            after = place + 4
            closing.add(_end_of(tokens, place))
        else:
            yield _linked(token, page.targets, slug) if token.type == "inline" else token


def _minute(heading: Token, language: Language) -> str:
    """What stands on the fold over a minute's answer."""
    said = markdown().renderer.render(heading.children or [], markdown().options, {})
    hint = escape(word("try.first", language))
    return f'<details class="minute"><summary>{said} <span class="quiet">{hint}</span></summary>'


def _entry(ids: Sequence[str], head: Token, language: Language) -> tuple[Token, ...]:
    """What stands on the fold over an erratum, with an anchor for each of its numbers."""
    also = "".join(f'<span id="{other}"></span>' for other in ids[1:])
    opening = f'<details class="erratum" id="{ids[0]}"><summary>{also}'
    return _html(opening), head, _html(_permalink(ids[0], language) + "</summary>")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)


def _permalink(anchor: str, language: Language) -> str:
    said = escape(word("anchor", language))
    return f'<a class="anchor" href="#{anchor}" aria-label="{said}: {anchor}">#</a>'


def _leads_to_quote(tokens: Sequence[Token], place: int) -> bool:
    """Whether a paragraph begins here that is bold as a whole, and a quotation follows it."""
    if tokens[place].type != "paragraph_open" or place + 3 >= len(tokens):
        return False
    bold = re.fullmatch(r"\*\*[^*]+\*\*", tokens[place + 1].content)
    return bold is not None and tokens[place + 3].type == "blockquote_open"


def _end_of(tokens: Sequence[Token], place: int) -> int:
    """Where what opens at `place` closes."""
    level = tokens[place].level
    kind = tokens[place].type.replace("_open", "_close")
    return next(
        after
        for after in range(place, len(tokens))
        if tokens[after].type == kind and tokens[after].level == level
    )


def _label(tokens: Sequence[Token], start: int, page: LessonPage) -> None:
    """Mark what each line of an erratum is, and link the tasks that catch it."""
    tasks = {task.name for task in page.chapter.exercise.tasks}
    for token in tokens[start + 4 : _end_of(tokens, start)]:
        if token.type != "inline" or not token.children:
            continue
        first = token.children[0]
        if first.type == "text" and (label := _LABEL.match(first.content)):
            first.content = first.content[label.end() :]
            token.children[:0] = [_inline(f"<em>{escape(label[0])}</em>")]
        for child in token.children:
            if child.type == "code_inline" and child.content in tasks:
                name = child.content
                child.type = "html_inline"
                child.content = f'<a href="#task-{name}"><code>{name}</code></a>'


def _inline(content: str) -> Token:
    return Token("html_inline", "", 0, content=content)


def _linked(token: Token, targets: Mapping[str, str], slug: str) -> Token:
    """The same, where errata and questions that the text names lead to where they are told."""
    inside, children = 0, []
    for child in token.children or ():
        inside += (child.type == "link_open") - (child.type == "link_close")
        if child.type != "text" or inside or not targets:
            children.append(child)
            continue
        for piece in _NAMED.split(child.content):
            to = targets.get(piece, "")
            to = to.removeprefix(f"{slug}.html")
            said = str(escape(piece))
            children.append(_inline(f'<a href="{to}">{said}</a>' if to else said))
    token.children = children
    return token
