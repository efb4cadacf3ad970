"""Nothing is missing: every question and erratum has a home, and the index and tracks say which."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from dev_exercise import SLUG, append, at, copied, edit
from hypothesis import given
from hypothesis import strategies as st

from autograder.dev.new import new
from autograder.dev.whole import build_index, verify_course
from autograder.exercise import catalog
from autograder.exercise.syllabus import index, syllabus
from autograder.exercise.syllabus.headings import anchored, anchors
from autograder.exercise.syllabus.lessons import read
from autograder.exercise.syllabus.sources import numbers, ranges, sources
from autograder.exercise.syllabus.tracks import Step, best, steps, tracks
from autograder.language import LANGUAGES, Language
from autograder.report.coverage import coverage_json
from autograder.report.indexpage import index_page

TABLE = """
[questions]
S3-Q1 = { en = "Metrics", zh = "指标" }
[asked]
mean = { lists = 2, documents = ["S3"], en = "The mean", zh = "平均值" }
[errata]
count = 2
[errata.set_aside]
E002 = { en = "It is a heading.", zh = "只是标题。" }
"""


# The course as it is.


def test_nothing_is_missing() -> None:
    assert [str(finding) for finding in verify_course()] == []


def test_the_table_has_what_the_documents_have() -> None:
    known = sources(catalog.content_root())
    questions = {"S0": 10, "S1": 4, "S2": 4, "S3": 5, "S4": 8}
    problems = {"S0": 3, "S1": 1, "S2": 3, "S3": 5}
    for kind, counts in (("Q", questions), ("P", problems)):
        wanted = [f"{name}-{kind}{n + 1}" for name, count in counts.items() for n in range(count)]
        assert [name for name in known.questions if f"-{kind}" in name] == wanted
    assert len(known.questions) == 43
    assert (known.errata[0], known.errata[-1], len(known.errata)) == ("E001", "E204", 204)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_has_a_row_for_everything_and_leads_somewhere(language: Language) -> None:
    course = syllabus()
    page = index_page(course, language)
    rows = re.findall(r"^\| (S\d-[QP]\d+|E\d{3}) \|", page, re.MULTILINE)
    assert list(dict.fromkeys(rows)) == [*course.sources.questions, *course.sources.errata]
    place = index(catalog.content_root(), language)
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (place.parent / target).is_file(), target
    cells = [row.replace(r"\|", "").count("|") for row in page.splitlines() if row[:1] == "|"]
    assert set(cells) <= {3, 5, 6, 7}


def test_merged_errata_lead_to_each_other() -> None:
    course = syllabus()
    for name in course.sources.errata:
        for telling in course.told(name):
            for other in telling.merged_with:
                tellings = [item for item in course.told(other) if item.slug == telling.slug]
                assert any(name in item.merged_with for item in tellings), (name, other)


def test_each_chapter_comes_after_those_that_it_requires() -> None:
    seen: set[str] = set()
    for chapter in syllabus().chapters:
        assert seen.issuperset(chapter.exercise.requires)
        seen.add(chapter.exercise.slug)


# Tracks.


def test_tracks_keep_to_their_time_and_order() -> None:
    course = syllabus()
    order = [step.key for step in steps(course)]
    for track in tracks(course):
        keys = [step.key for step in track.plan.steps]
        assert 0 < track.plan.minutes <= track.budget
        assert {step.kind for step in track.plan.steps} <= set(track.kinds)
        assert keys == sorted(keys, key=order.index)
        for number, step in enumerate(track.plan.steps):
            assert step.needs <= set(keys[:number])


def test_more_time_is_worth_more() -> None:
    week, weekend, _ = tracks(syllabus())
    assert week.plan.worth > weekend.plan.worth


@st.composite
def some_steps(draw: st.DrawFn) -> list[Step]:
    """Steps of which each may need some of those before it."""
    made: list[Step] = []
    for number in range(draw(st.integers(0, 8))):
        before = [step.key for step in made]
        needs = draw(st.sets(st.sampled_from(before), max_size=2)) if before else set()
        minutes, worth = draw(st.integers(1, 6)), draw(st.integers(0, 5))
        made.append(Step(f"s{number}", "read", minutes, worth, frozenset(needs)))
    return made


@given(some_steps(), st.integers(0, 20))
def test_a_plan_is_the_best_of_all(known: list[Step], budget: int) -> None:
    plan = best(known, budget)
    assert plan.minutes <= budget
    assert all(step.needs <= {one.key for one in plan.steps} for step in plan.steps)
    possible = (
        sum(step.worth for step in chosen)
        for size in range(len(known) + 1)
        for chosen in combinations(known, size)
        if sum(step.minutes for step in chosen) <= budget
        and all(step.needs <= {one.key for one in chosen} for step in chosen)
    )
    assert plan.worth == max(possible)


# How lessons say which errata they tell of.


@given(st.sets(st.integers(1, 204), min_size=1))
def test_ranges_say_the_same_as_all_their_numbers(found: set[int]) -> None:
    ids = [f"E{number:03}" for number in sorted(found)]
    assert list(numbers(" ".join(ranges(ids)))) == ids


@pytest.mark.parametrize(
    ("head", "ids", "title"),
    [
        ("**E012 · Two models.**", "E012", "Two models"),
        ("**E001 · Large (also E052, E081).**", "E001 E052 E081", "Large"),
        ("**E001 · 「大」（另有 E052、E081）。**", "E001 E052 E081", "「大」"),
        ("**E061 · A derivation** (E067 as well).", "E061 E067", "A derivation"),
        ("**E089、E132 · 用压缩来训练。**", "E089 E132", "用压缩来训练"),
        ("**E010 · A wish list** (the part on health).", "E010", "A wish list"),
        ("**E051–E053, E060 · Four.**", "E051 E052 E053 E060", "Four"),
        ("**E051 to E053 · Three.**", "E051 E052 E053", "Three"),
        ("**E051 至 E053 · 三条。**", "E051 E052 E053", "三条"),
    ],
)
def test_an_entry_is_read_in_each_of_its_forms(
    head: str, ids: str, title: str, tmp_path: Path
) -> None:
    path = tmp_path / "en.md"
    body = "  - *Claim:* as in E199.\n  - *Caught by:* `average`, `spread`.\n"
    path.write_text(f"---\ntitle: T\nminutes: 5\n---\n\n- {head}\n{body}\n- E200 in passing.\n")
    (entry,) = read(path).entries
    assert " ".join(entry.ids) == ids
    assert entry.title == title
    assert entry.catchers == ("average", "spread")


def test_a_heading_has_its_address_and_a_comment_in_code_has_none() -> None:
    english = (
        "# T\n\n## Why\n\n```python\n## no\n```\n\n### Why\n\n### How?\n<!-- answers: S1-Q1 -->\n"
    )
    assert anchors(english) == ["why", "why-2", "S1-Q1"]
    chinese = "# 题\n\n## 为何\n\n### 为何\n\n### 怎样\n"
    shown = '# 题\n\n## <a id="why"></a>为何\n\n### <a id="why-2"></a>为何\n\n'
    assert anchored(chinese, english) == f'{shown}### <a id="S1-Q1"></a>怎样\n'
    assert anchored("## 为何\n", english) == "## 为何\n"


@pytest.mark.parametrize(
    "text", ["", "# No front matter", "---\ntitle: T\n---\n", "---\n- 1\n---\n"]
)
def test_a_lesson_without_its_minutes_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "en.md"
    path.write_text(text)
    with pytest.raises(catalog.CatalogError, match=r"minutes.*Write"):
        read(path)


# A course that lacks something.


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of one exercise, with a table of its own that it covers whole, and its index."""
    root = tmp_path_factory.mktemp("sound")
    new(SLUG, root)
    (root / "lessons" / "questions.toml").write_text(TABLE, "utf-8")
    edit("exercise.toml", "asked = []", 'asked = ["mean"]')(root)
    for language in LANGUAGES:
        edit(f"lessons/{SLUG}/{language}.md", "E124", "E001")(root)
    build_index(root / "autograder" / "course")
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return copied(sound, tmp_path / "root")


def found(root: Path) -> list[tuple[str, str]]:
    findings = verify_course(root / "autograder" / "course")
    assert all(re.search(r"[.!?)] [A-Z]", finding.message) for finding in findings)
    return [(finding.rule, finding.where) for finding in findings]


def test_a_whole_course_has_no_findings(root: Path) -> None:
    assert found(root) == []


table = "lessons/questions.toml"
MISSING: dict[str, tuple[Callable[[Path], None], str]] = {
    "a question that no lesson answers": (
        edit(f"lessons/{SLUG}/en.md", "<!-- answers: S3-Q1 -->", ""), "S3-Q1",
    ),
    "a question that one language leaves out": (
        edit(f"lessons/{SLUG}/zh.md", "<!-- answers: S3-Q1 -->", ""), "S3-Q1",
    ),
    "a question without a task": (
        edit("exercise.toml", 'questions = ["S3-Q1"]', "questions = []"), "S3-Q1",
    ),
    "a problem without a task": (
        edit("exercise.toml", 'asked = ["mean"]', "asked = []"), f"{table}, 'mean'",
    ),
    "an erratum that one language leaves out": (
        edit(f"lessons/{SLUG}/zh.md", "**E001 ·", "**"), "E001",
    ),
    "an erratum that is only mentioned": (
        edit(f"lessons/{SLUG}/en.md", "- **E001 · In a word.**", "- Not E001."), "E001",
    ),
    "an erratum that nobody set aside": (edit(table, "count = 2", "count = 3"), "E003"),
    "an erratum that is told of and set aside": (
        append(table, 'E001 = { en = "No.", zh = "不讲。" }\n'), f"{table}, 'E001'",
    ),
    "one set aside that does not exist": (
        append(table, 'E999 = { en = "No.", zh = "不讲。" }\n'), f"{table}, 'E999'",
    ),
    "a reason in one language": (
        edit(table, 'zh = "只是标题。"', 'zh = ""'), f"{table}, 'E002'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_found(name: str, root: Path) -> None:
    apply, where = MISSING[name]
    apply(root)
    assert where in [place for rule, place in found(root) if rule in ("home", "language")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stale_index_is_found_and_built_again(root: Path, language: Language) -> None:
    course = root / "autograder" / "course"
    place = index(root, language)
    edit(f"lessons/{SLUG}/{language}.md", "minutes: 5", "minutes: 6")(root)
    assert ("stale", place.relative_to(root).as_posix()) in found(root)
    place.unlink()
    assert ("stale", place.relative_to(root).as_posix()) in found(root)
    assert place in [change.path for change in build_index(course)]
    assert found(root) == []
    assert build_index(course) == []


@pytest.mark.parametrize(
    "broken", ["[questions", "[questions]\n", TABLE.replace("2", '"x"'), TABLE.replace("zh", "fr")]
)
def test_a_broken_table_says_where(root: Path, broken: str) -> None:
    (root / table).write_text(broken, "utf-8")
    with pytest.raises(catalog.CatalogError, match=r"questions\.toml"):
        verify_course(root / "autograder" / "course")


def test_coverage_as_json_says_the_same_as_the_course(root: Path) -> None:
    course = syllabus(root / "autograder" / "course")
    told = json.loads(json.dumps(coverage_json(course)))
    home = {"lesson": SLUG, "tasks": ["average"], "points": 2.0}
    assert told["questions"][0]["homes"] == told["asked"][0]["homes"] == [home]
    assert [item["id"] for item in told["errata"] if item["set_aside"]] == ["E002"]
    assert told["errata"][0]["told"][0]["tasks"] == ["average"]
    assert told["homeless"] == []
    assert [track["name"] for track in told["tracks"]] == ["week", "weekend", "evening"]
    # One question is worth one to read; to do also what two lists and a document ask.
    assert [step.worth for step in steps(course)] == [1, 1, 4]
    assert at(root).minutes == told["order"][0]["minutes_to_do"]
