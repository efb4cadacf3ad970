"""Formulas without TeX: MathML for a browser, a line of Unicode for a terminal.

The line is read off the MathML, so both say the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, fromstring

from latex2mathml.converter import convert

_CODE_OR_MATHS = re.compile(r"(```.*?```|`[^`\n]+`)|\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
_SUPER = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθ′*",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿ′*",
        strict=True,
    )
)
_SUB = dict(
    zip(
        "0123456789+-−=()aehijklmnoprstuvxβγρφ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩ",
        strict=True,
    )
)
_ACCENTS = {
    "^": "\u0302",
    "~": "\u0303",
    "¯": "\u0304",
    "‾": "\u0304",
    "˙": "\u0307",
    "→": "\u20d7",
}
# Said without blanks around; every other operator that joins two things has them.
_TIGHT = set("()[]{}|‖⌊⌋⌈⌉⟨⟩!′'/∂∇∑∏∫√.∞⊤⊥…")
_SIGNS = set("+-−±")
_SIMPLE = re.compile(r"[∂√]?[\w.%′\u0300-\u036f⁰-₟]+|[^\W\d_]?\([^()]*\)|.")

# Below a stroke: 1/2σ² would be half of σ².
_ONE = re.compile(r"∂?(?:\d[\d.]*|[^\W\d_][′\u0300-\u036f⁰-₟²³¹]*(?:_\w)?|[A-Z]+|\w+\([^()]*\))")


def mathml(latex: str, *, block: bool) -> str:
    """A formula as MathML, which browsers set and screen readers read."""
    return convert(latex.strip(), display="block" if block else "inline")


def line(latex: str) -> str:
    """A formula on one line of Unicode: a fraction as ``(a + b)/2``."""
    shown = _shown(fromstring(mathml(latex, block=False)))
    said = re.sub(r" +([,.;)])", r"\1", " ".join(shown.split()))
    return unicodedata.normalize("NFC", said)


def replaced(markdown: str, shown: Callable[[str, bool], str]) -> str:
    """Markdown with `shown` of each formula, and of whether it stands alone, in its place."""
    return _CODE_OR_MATHS.sub(
        lambda found: found[1] or shown(found[2] or found[3], found[2] is not None), markdown
    )


def _shown(node: Element) -> str:
    parts = list(node)
    match node.tag.rpartition("}")[2]:
        case "mi" | "mn" | "mtext":
            return node.text or ""
        case "mo":
            return _operator(node.text or "")
        case "mspace":
            return " " if not node.get("width", "").startswith("-") else ""
        case "mfrac":
            above, below = map(_shown, parts)
            is_stacked = node.get("linethickness") in ("0", "0px")
            return (
                f"{above} choose {below}" if is_stacked else f"{_held(above)}/{_held(below, _ONE)}"
            )
        case "msqrt":
            return "√" + _held(_row(parts))
        case "mroot":
            return _raised(_shown(parts[1]), _SUPER, "^") + "√" + _held(_shown(parts[0]))
        case "msub" | "munder":
            return _under(_shown(parts[0]), _shown(parts[1]))
        case "msup":
            return _shown(parts[0]).strip() + _raised(_shown(parts[1]), _SUPER, "^")
        case "mover":
            return _over(_shown(parts[0]).strip(), _shown(parts[1]).strip())
        case "msubsup" | "munderover":
            base, below, above = (_shown(part).strip() for part in parts)
            return base + _raised(below, _SUB, "_") + _raised(above, _SUPER, "^") + _gap(base)
        case "mtable":
            return "; ".join(", ".join(_shown(cell).strip() for cell in row) for row in parts)
        case _:
            return _row(parts)


def _row(parts: Sequence[Element]) -> str:
    """Things side by side; a sign at the beginning is no operation."""
    shown, apart = "", False
    for part in parts:
        piece = _shown(part)
        before = shown.rstrip()[-1:]
        if not before or (piece.strip() in _SIGNS and before in "([{,=<>≤≥/"):
            piece = piece.strip()
        stands_apart = _stands_apart(part)
        is_call = piece[:1] in ("(", "") and not shown[-1:].isdigit()
        if (apart and not is_call) or (stands_apart and shown[-1:].isalnum()):
            shown += " "
        shown, apart = shown + piece, stands_apart
    return shown


def _stands_apart(part: Element) -> bool:
    """Whether it is a function's name or a fraction: `2 log x`, not `2logx`."""
    tag = part.tag.rpartition("}")[2]
    return tag == "mfrac" or (tag == "mi" and len(part.text or "") > 1)


def _operator(said: str) -> str:
    if said in _TIGHT or unicodedata.category(said[:1] or " ") in ("Ps", "Pe", "Pi", "Pf", "Cf"):
        return said if said.isprintable() else ""
    return f"{said} " if said in (",", ";", ":") else f" {said} "


def _held(shown: str, simple: re.Pattern[str] = _SIMPLE) -> str:
    """In brackets, unless it stands together without."""
    shown = shown.strip()
    return shown if simple.fullmatch(shown) else f"({shown})"


def _raised(shown: str, letters: dict[str, str], mark: str) -> str:
    tight = "".join(shown.split())
    if all(letter in letters for letter in tight):
        return "".join(letters[letter] for letter in tight)
    return mark + _held(shown)


def _under(base: str, below: str) -> str:
    base = base.strip()
    if base.endswith("⏟"):
        return base[:-1].rstrip()
    if below.strip() == "⏟":  # its words come one level above
        return base + "⏟"
    return base + _raised(below.strip(), _SUB, "_") + _gap(base)


def _over(base: str, above: str) -> str:
    accent = _ACCENTS.get(above)
    if accent is None:
        return base + _raised(above, _SUPER, "^")
    return base + accent if len(base) == 1 else f"{_held(base)}{accent}"


def _gap(base: str) -> str:
    """What a sum or a maximum is taken of stands apart from it."""
    return " " if base in ("∑", "∏", "∫", "max", "min", "argmax", "argmin", "lim", "log") else ""
