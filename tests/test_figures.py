"""Figures: drawn alike everywhere, fit for every reader, and shown where they belong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from dev_exercise import SLUG, append, at, copied, edit, make
from rich.console import Console

from autograder.dev import drawing, figures
from autograder.dev.build import build
from autograder.dev.findings import BuildError
from autograder.dev.rules.figures import figures as broken_promises
from autograder.dev.rules.views import fresh
from autograder.exercise import catalog
from autograder.report.reading import lesson_view

ROOT = Path(__file__).parent.parent
FOLDER = f"lessons/{SLUG}/figures"
EN, ZH = f"{FOLDER}/two-lines.en.svg", f"{FOLDER}/two-lines.zh.svg"
SCRIPT = f"{FOLDER}/two-lines.py"
DRAWING = """
import matplotlib.pyplot as plt
import numpy as np

ALT = {"en": "Two lines. They cross at <1 & 2>.", "zh": "两条线。在 <1 & 2> 处相交。"}


def draw(say):
    figure, axes = plt.subplots()
    x = np.linspace(0, 3, 7)
    axes.plot(x, x + np.random.normal(size=7), label=say("rising", "上升的线"))
    axes.plot(x, 3 - x, "o-", label=say("falling", "下降的线"))
    axes.set(xlabel=say("time", "时间"), ylabel="loss")
    axes.fill_between(x, x / 2, alpha=0.3)
    axes.text(1, 1, "x = 1", family="monospace", bbox={"facecolor": "none"})
    axes.legend()
    return figure
"""
SVG = "{http://www.w3.org/2000/svg}"
Break = Callable[[Path], None]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an exercise whose lesson has one figure; not to be changed."""
    root = tmp_path_factory.mktemp("drawn")
    exercise = make(root)
    (root / FOLDER).mkdir()
    (root / SCRIPT).write_text(DRAWING, "utf-8")
    show("en", "![Two lines.](figures/two-lines.en.svg)")(root)
    show("zh", "![两条线。](figures/two-lines.zh.svg)")(root)
    changes = figures.build(exercise)
    assert {change.path for change in changes} == {root / EN, root / ZH}
    return root


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    return copied(drawn, tmp_path / "root")


def show(language: str, text: str) -> Break:
    return append(f"lessons/{SLUG}/{language}.md", f"\n{text}\n")


def texts(path: Path) -> list[str]:
    return [node.text or "" for node in ET.parse(path).iter(f"{SVG}text")]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_each_language_has_its_own_labels(drawn: Path) -> None:
    assert {"rising", "falling", "time", "loss"} <= set(texts(drawn / EN))
    assert {"上升的线", "下降的线", "时间", "loss"} <= set(texts(drawn / ZH))
    assert not re.search(r"[\u4e00-\u9fff]", "".join(texts(drawn / EN)))


@pytest.mark.parametrize(
    ("name", "language", "alt"),
    [
        (EN, "en", ("Two lines.", "They cross at <1 & 2>.")),
        (ZH, "zh-CN", ("两条线。", "在 <1 & 2> 处相交。")),
    ],
)
def test_who_cannot_see_it_is_told(
    drawn: Path, name: str, language: str, alt: tuple[str, str]
) -> None:
    svg = ET.parse(drawn / name).getroot()
    assert (svg.get("role"), svg.get("lang")) == ("img", language)
    assert (svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")) == alt


def test_it_is_readable_on_light_and_dark_ground(drawn: Path) -> None:
    text = (drawn / EN).read_text("utf-8")
    svg = ET.fromstring(text)
    style = svg.findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    assert f"color:{drawing.INK}" in light
    assert f"color:{drawing.INK_ON_DARK}" in dark
    assert svg.get("fill") == "currentColor"
    assert "#000000" not in text
    assert "#ffffff" not in text
    for ground, ink in (("#ffffff", drawing.INK), ("#0d1117", drawing.INK_ON_DARK)):
        assert contrast(ground, ink) > 12
        assert min(contrast(ground, colour) for colour in drawing.COLOURS) >= 3


def test_it_says_nothing_of_when_and_where_it_was_drawn(drawn: Path) -> None:
    for name in (EN, ZH):
        text = (drawn / name).read_text("utf-8")
        assert "matplotlib" not in text.lower()
        assert not re.search(r"\d\.\d{3}|20\d\d-|e-\d", text.partition("-->")[2])
        references = set(re.findall(r"#(two-lines-\d+)", text))
        assert references == set(re.findall(r' id="([^"]+)"', text))


def test_another_machine_draws_the_same_bytes(root: Path, tmp_path: Path) -> None:
    """In another process, with settings of its own, another locale, and another order of hashes."""
    before = {name: (root / name).read_bytes() for name in (EN, ZH)}
    settings = tmp_path / "matplotlibrc"
    settings.write_text(
        "font.size: 20\nfont.family: serif\nlines.linewidth: 9\nsvg.fonttype: path\n"
        "figure.facecolor: red\nsavefig.bbox: tight\nbackend: pdf\n"
    )
    code = (
        "import sys; from pathlib import Path; from autograder.exercise.catalog import exercise;"
        "from autograder.dev.figures import build;"
        f"build(exercise({SLUG!r}, Path(sys.argv[1]) / 'autograder' / 'course'))"
    )
    for name in before:
        (root / name).unlink()
    subprocess.run(
        [sys.executable, "-c", code, root], check=True, cwd=tmp_path,
        env={**os.environ, "MATPLOTLIBRC": str(settings), "LC_ALL": "C",
             "MPLBACKEND": "pdf", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1",
             "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert {name: (root / name).read_bytes() for name in (EN, ZH)} == before


def test_drawing_leaves_the_settings_of_others_alone(root: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    append(SCRIPT, '\nplt.rcParams["font.size"] = 30\n')(root)
    figures.build(at(root))
    assert dict(matplotlib.rcParams) == before


def test_a_second_build_writes_nothing(root: Path) -> None:
    assert figures.build(at(root)) == []
    assert figures.stale(at(root), redraw=True) == []
    assert list(broken_promises(at(root))) == []


@pytest.mark.slow
def test_building_and_verifying_an_exercise_see_its_figures(root: Path) -> None:
    (root / ZH).unlink()
    found = {finding.where: finding.message for finding in fresh(at(root))}
    assert f"touchstone dev build {SLUG}" in found[ZH]
    assert EN not in found
    assert root / ZH in {change.path for change in build(at(root))}
    assert list(fresh(at(root))) == []


@pytest.mark.parametrize("redraw", [False, True])
@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda root: (root / ZH).unlink(), "is missing"),
        (edit(SCRIPT, "下降的线", "落下的线"), "is stale"),
        (edit(ZH, "<!-- touchstone ", "<!-- touchstone 0"), "is stale"),
    ],
)
def test_what_is_missing_or_stale_is_found(
    root: Path, change: Break, state: str, redraw: bool
) -> None:
    change(root)
    stale = {c.path: c.message for c in figures.stale(at(root), redraw=redraw)}
    assert stale[root / ZH] == f"{state}. Run `touchstone dev build {SLUG}`."


def test_drawing_afresh_finds_what_the_stamp_does_not_tell(root: Path) -> None:
    edit(EN, "rising", "rasing")(root)
    assert figures.stale(at(root), redraw=False) == []
    assert [change.path for change in figures.stale(at(root), redraw=True)] == [root / EN]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (edit(SCRIPT, "    return figure", "    return 1 / 0"), "line 17, ZeroDivisionError"),
        (edit(SCRIPT, "    return figure", ""), "returned no matplotlib Figure"),
        (edit(SCRIPT, "axes.legend()", "axes.imshow([[1, 2]])"), "Draw with pcolormesh"),
        (edit(SCRIPT, "ALT = ", "ALTERNATIVE = "), "it has no ALT"),
        (edit(SCRIPT, "def draw", "def draw("), "SyntaxError"),
    ],
)
def test_a_script_that_draws_nothing_fit_says_where_and_why(
    root: Path, change: Break, told: str
) -> None:
    change(root)
    with pytest.raises(BuildError, match=r"two-lines\.py") as caught:
        figures.build(at(root))
    assert told in str(caught.value)
    assert told in figures.stale(at(root), redraw=True)[0].message


def big(root: Path) -> None:
    with (root / EN).open("a", encoding="utf-8") as file:
        file.write(" " * figures.LARGEST)


@pytest.mark.parametrize(
    ("change", "where", "told"),
    [
        (edit(SCRIPT, '"zh": "两条线。在 <1 & 2> 处相交。"', '"zh": ""'), SCRIPT, "is missing"),
        (edit(SCRIPT, "ALT = ", "ALTERNATIVE = "), SCRIPT, "it has no ALT"),
        (big, EN, "60 are the most"),
        (lambda root: (root / SCRIPT).unlink(), EN, "No script draws it"),
        (lambda root: (root / SCRIPT).unlink(), f"lessons/{SLUG}/en.md", "There is no figure"),
        (show("zh", "![又](figures/two-lines.en.svg)"), f"lessons/{SLUG}/zh.md", "other labels"),
        (show("en", "![ ](figures/two-lines.en.svg)"), f"lessons/{SLUG}/en.md", "no alt text"),
        (show("en", "![x](figures/lost.en.svg)"), f"lessons/{SLUG}/en.md", "There is no figure"),
        (
            edit(f"lessons/{SLUG}/zh.md", "![两条线。](figures/two-lines.zh.svg)", ""),
            f"lessons/{SLUG}/zh.md", "The other language shows the figure 'two-lines'",
        ),
        (
            lambda root: (root / SCRIPT).rename(root / FOLDER / "Two_Lines.py"),
            f"{FOLDER}/Two_Lines.py", "joined by hyphens",
        ),
    ],
)  # fmt: skip
def test_what_a_lesson_does_not_show_as_it_should_is_found(
    root: Path, change: Break, where: str, told: str
) -> None:
    change(root)
    found = list(broken_promises(at(root)))
    assert any(f.where.startswith(where) and told in f.message for f in found), found


def test_a_figure_that_no_lesson_shows_is_found(root: Path) -> None:
    for language, text in (("en", "Two lines."), ("zh", "两条线。")):
        name = f"lessons/{SLUG}/{language}.md"
        edit(name, f"![{text}](figures/two-lines.{language}.svg)", "")(root)
    found = list(broken_promises(at(root)))
    assert [(f.where, f.message[:20]) for f in found] == [(SCRIPT, "No lesson shows it. ")]


def test_an_image_in_code_is_no_figure(root: Path) -> None:
    show("en", "```\n![x](figures/lost.en.svg)\n```\n\n`![x](figures/lost.en.svg)`")(root)
    assert list(broken_promises(at(root))) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "slug", sorted({path.parents[1].name for path in ROOT.glob("lessons/*/figures/*.py")})
)
def test_the_figures_of_the_course_are_what_their_scripts_draw(slug: str) -> None:
    exercise = catalog.exercise(slug)
    assert figures.stale(exercise, redraw=True) == []
    assert list(broken_promises(exercise)) == []


def test_verifying_does_not_load_matplotlib(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autograder.exercise.catalog import exercise;"
        "from autograder.dev.figures import stale;"
        "from autograder.dev.rules.figures import figures;"
        f"e = exercise({SLUG!r}, Path(sys.argv[1]) / 'autograder' / 'course');"
        "assert not stale(e, redraw=False) + list(figures(e));"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, root], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def test_a_terminal_shows_the_words_and_where_the_figure_is(root: Path) -> None:
    lesson = at(root).lesson("en")
    console = Console(width=500, force_terminal=False)
    with console.capture() as shown:
        console.print(lesson_view(lesson.read_text("utf-8"), lesson.parent))
    assert f"Two lines. ({root / EN})" in shown.get()
    assert (root / EN).is_file()
