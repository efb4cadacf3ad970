"""Strings from submissions, made safe to show.

What a learner's code printed or raised may hold escape sequences that repaint the terminal,
marks that reverse the direction of reading, or characters that XML does not allow. One rule
serves every report: such characters are written as escapes, so that they are seen but do nothing.
Markup is another matter: HTML and XML are escaped by the libraries that write them.
"""

from __future__ import annotations

import re
import unicodedata

# Colours and cursor moves, as `tqdm` or a pretty printer writes them: noise, so left out.
# None of their parts may begin another one: looked for at each place, they would take the square of
# the time.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]*(?:\x07|\x1b\\|\x9c)"
)
_JOINERS = "\u200c\u200d"  # within emoji and several scripts
# Enough for any script or emoji; more would paint over the lines around.
_MARKS = 4


def plain(raw: str, *, lines: bool = False) -> str:
    """Return `raw` with nothing in it that acts on a terminal, a browser or an XML parser.

    Parameters
    ----------
    raw
        Any string, be it with lone surrogates.
    lines
        Keep line breaks; otherwise all white space becomes single blanks.
    """
    found = _ANSI.sub("", raw).replace("\r\n", "\n")
    # A progress bar rewrites its line; what stood there last is what was to be seen.
    rows = (_last_state(row).expandtabs(4) for row in found.split("\n"))
    shown = "\n".join(_escape(row) for row in rows)
    return shown if lines else " ".join(shown.split())


def line(raw: str, limit: int = 300) -> str:
    """`raw` on one line of at most `limit` characters."""
    return cut(plain(raw[: 4 * limit]), limit)


def block(raw: str, limit: int = 8000, most_lines: int = 120, *, more: str = "…") -> str:
    """`raw` as lines, cut after `most_lines` or `limit` characters, where `more` is added."""
    kept = plain(raw[: 4 * limit], lines=True).strip("\n")
    rows = kept[:limit].split("\n")
    is_cut = len(kept) > limit or len(rows) > most_lines or len(raw) > 4 * limit
    return "\n".join(rows[:most_lines] + ([more] if is_cut else []))


def cut(shown: str, limit: int) -> str:
    """`shown`, or its beginning and an ellipsis, in at most `limit` characters."""
    return shown if len(shown) <= limit else shown[: max(limit - 1, 0)] + "…"


def encodable(shown: str, encoding: str) -> str:
    """`shown` with what `encoding` lacks replaced, so that writing it cannot fail."""
    for ours, ascii in _PLAINER.items():
        try:
            ours.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            shown = shown.replace(ours, ascii)
    try:
        return shown.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return shown.encode("ascii", "backslashreplace").decode("ascii")


_PLAINER = {
    "✓": "+", "✗": "x", "○": "o", "◷": "t", "▲": "m", "†": "c", "≠": "#", "▸": ">",
    "·": "|", "…": "...", "–": "-", "×": "x", "━": "=", "─": "-", "█": "#", "░": ".",
}  # fmt: skip


def _last_state(row: str) -> str:
    states = [state for state in row.split("\r") if state]
    return states[-1] if states else ""


def _escape(found: str) -> str:
    if found.isascii() and found.isprintable():
        return found
    if not any(map(unicodedata.combining, found)):
        return found.translate(_SPELLED)
    shown: list[str] = []
    marks = 0
    for character in found:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MARKS:
            continue
        shown.append(_shown(character))
    return "".join(shown)


def _shown(character: str) -> str:
    is_safe = character.isprintable() or character in _JOINERS
    return character if is_safe else _spelled(character)


def _spelled(character: str) -> str:
    code = ord(character)
    if unicodedata.category(character) == "Zs":
        return " "
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Spelled(dict[int, str]):
    """How each character is shown, found out when it is first seen."""

    def __missing__(self, code: int) -> str:
        if len(self) > 20_000:
            self.clear()
        self[code] = shown = _shown(chr(code))
        return shown


_SPELLED = _Spelled()
