"""Drawing a figure of a lesson as an SVG: the same bytes everywhere, readable on any ground.

Nothing else of the course is imported here, for this text is part of what makes a figure stale.
"""

from __future__ import annotations

import io
import itertools
import random
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.sax.saxutils import escape

INK, INK_ON_DARK = "#1f2328", "#e6edf3"
COLOURS = ("#2f7fd0", "#cf6a12", "#2a9160", "#a35fd0", "#d5495f", "#158f98", "#96703f", "#7a828c")
"""The cycle C0 to C7: each has a contrast of at least 3 on white and on GitHub's dark ground."""

_STYLE: dict[Any, Any] = {
    "backend": "svg",
    "svg.fonttype": "none",
    "svg.hashsalt": "touchstone",
    "figure.figsize": (7.0, 4.0),
    "figure.dpi": 72.0,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.bbox": None,
    "axes.prop_cycle": f"cycler(color={list(COLOURS)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "grid.alpha": 0.2,
    "grid.color": "black",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    # Its metrics make the layout, and matplotlib brings it along.
    "font.family": ["DejaVu Sans"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
}
# Verdana is as wide as DejaVu Sans; behind them, what draws Chinese on each system.
_FONTS = (
    "'DejaVu Sans',Verdana,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC',"
    "'Source Han Sans SC',sans-serif"
)
_CODE_FONTS = f"'DejaVu Sans Mono',Menlo,Consolas,{_FONTS.partition(',')[2]}"
_LANG = {"en": "en", "zh": "zh-CN"}
# Characters as wide as they are high, which DejaVu Sans does not have.
_SQUARE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60“”‘’…—]")
_DECIMAL = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_TITLE = re.compile(r".+?(?:。|\.(?=\s)|$)", re.DOTALL)


def draw(script: Path, language: str, alt: str, stamp: str) -> str:
    """The figure that `script` draws, with its labels in `language`, as the text of an SVG file.

    Parameters
    ----------
    alt
        What it shows, for those who cannot see it.
    stamp
        What it was drawn from, kept in a comment.

    Raises
    ------
    Exception
        Whatever the script raises; `TypeError` or `ValueError` if what it draws is no figure or
        holds an image of pixels.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        namespace = runpy.run_path(str(script))
        _seed()
        figure = namespace["draw"](lambda en, zh: {"en": en, "zh": zh}[language])
        if not isinstance(figure, Figure):
            raise TypeError("draw(say) returned no matplotlib Figure. Return the figure.")
        written = io.StringIO()
        unsaid = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with _chinese_as_wide_as_it_is():
            figure.savefig(written, format="svg", metadata=unsaid)
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close(figure)
    return _finished(written.getvalue(), script.stem, language, alt, stamp)


def _seed() -> None:
    import numpy as np

    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@contextmanager
def _chinese_as_wide_as_it_is() -> Iterator[None]:
    """Measure a Chinese character as a W, as wide as it is high, not as a missing one."""
    from matplotlib.backends.backend_svg import RendererSVG

    measure: Callable[..., Any] = RendererSVG.get_text_width_height_descent

    def measured(self: Any, s: str, *rest: Any, **named: Any) -> Any:
        return measure(self, _SQUARE.sub("W", s), *rest, **named)

    with patch.object(RendererSVG, "get_text_width_height_descent", measured):
        yield


def _finished(svg: str, name: str, language: str, alt: str, stamp: str) -> str:
    """Matplotlib's SVG without what differs between machines, with ink that suits the ground."""
    svg = svg[svg.index("<svg") :]
    for unwanted in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>", r"^\s+"):
        svg = re.sub(unwanted, "", svg, flags=re.DOTALL | re.MULTILINE)
    if "<image" in svg:
        raise ValueError("It holds an image of pixels, whose bytes differ between machines and "
                         "which blurs. Draw with pcolormesh instead of imshow.")  # fmt: skip
    svg = _renumbered(re.sub(r"<[^>]*>", lambda tag: _rounded(tag.group()), svg), name)
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    # The general family is said once, at the top; 'DejaVu Sans Mono' is said where it is wanted.
    svg = re.sub(r"font-family: 'DejaVu Sans Mono'[^;\"]*", f"font-family: {_CODE_FONTS}", svg)
    svg = re.sub(r"(; )?font-family: 'DejaVu Sans'(, sans-serif)?(?=[;\"])", "", svg)
    width, height = re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0]
    title = _TITLE.match(alt)
    said = title.group() if title else alt
    rest = escape(alt[len(said) :].strip())
    body = svg.partition(">")[2]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'class="touchstone-figure" role="img" lang="{_LANG[language]}" '
        f'xml:lang="{_LANG[language]}" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}" fill="currentColor" font-family="{_FONTS}">\n'
        f"<!-- touchstone {stamp} -->\n"
        f"<title>{escape(said)}</title>\n"
        + (f"<desc>{rest}</desc>\n" if rest else "")
        + f"<style>.touchstone-figure{{color:{INK}}}"
        ".touchstone-figure *{stroke-linejoin:round;stroke-linecap:butt}"
        f"@media (prefers-color-scheme:dark){{.touchstone-figure{{color:{INK_ON_DARK}}}}}</style>\n"
        f"{body.strip()}\n"
    )


def _rounded(tag: str) -> str:
    """A tag with its numbers rounded: what machines differ in, nobody sees."""

    def number(found: re.Match[str]) -> str:
        text = f"{float(found.group()):.2f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    return _DECIMAL.sub(number, tag)


def _renumbered(svg: str, name: str) -> str:
    """Names of parts by their order; matplotlib hashes unrounded numbers. Unused ones go."""
    used = dict.fromkeys(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', svg))
    names = dict(zip(used, (f"{name}-{n}" for n in itertools.count(1)), strict=False))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{names[m[1]]}"' if m[1] in names else "", svg)
    return re.sub(r'(xlink:href="#|url\(#)([^")]+)', lambda m: m[1] + names[m[2]], svg)
