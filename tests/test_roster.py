"""A class read with its roster, and attempts as Blackboard and Brightspace name them."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_intake import as_folder, as_zip
from test_layouts import whose, work

from autograder.classroom import read_roster
from autograder.classroom.intake import Intake, IntakeError, take_in
from autograder.classroom.roster import Roster, due_time
from autograder.judging.results import ClassResult, Graded, SubmissionResult

WORK = work()
ENGLISH = ("Student ID", "Name", "E-mail", "Login")
CHINESE = ("学号", "姓名", "邮箱", "用户名")


def roster_of(folder: Path, rows: list[tuple[str, ...]], encoding: str = "utf-8") -> Roster:
    path = folder / "roster.csv"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return read_roster(path)


def refused(source: Path, roster: Roster, because: str, layout: str = "") -> None:
    with pytest.raises(IntakeError) as caught:
        take_in(source, roster=roster, layout=layout)
    assert all(because in text for text in caught.value.text.values())


@pytest.mark.parametrize("headings", [ENGLISH, CHINESE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_roster_is_read_as_excel_writes_it(
    tmp_path: Path, headings: tuple[str, ...], encoding: str
) -> None:
    roster = roster_of(tmp_path, [headings, ("2023001", "王小明", "wang@x.cn", "wxm")], encoding)
    (person,) = roster.people
    assert person.owner == ("王小明", "2023001")
    assert (person.email, person.login) == ("wang@x.cn", "wxm")


def test_names_in_two_columns_and_numbers_as_spreadsheets_keep_them(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text('id;first name;last name;due\n="0012";Ann;Lee;2026/02/01\n', encoding="utf-8")
    (person,) = read_roster(path).people
    assert person.owner == ("Ann Lee", "0012")
    assert person.due == "2026-02-01T23:59:59"


@pytest.mark.parametrize(
    ("content", "because"),
    [
        ("a,b\n1,2\n", "roster.csv"),
        ("id,name\n", "roster.csv"),
        ("id,name\n7001,Ann\n7001,Bo\n", "7001"),
        ("name\nAnn\nAnn\n", "Ann"),
        ("id,name,due\n1,Ann,soon\n", "soon"),
        ("PK\x03\x04\0\0", "CSV"),
        ('id,name\n1,"Ann\n' + 9_999 * "2,somebody else\n", "roster.csv"),
    ],
)
def test_a_table_that_is_no_roster_is_refused(tmp_path: Path, content: str, because: str) -> None:
    (tmp_path / "roster.csv").write_text(content, encoding="utf-8")
    with pytest.raises(IntakeError) as caught:
        read_roster(tmp_path / "roster.csv")
    assert all(because in text for text in caught.value.text.values())


def test_the_roster_names_settles_and_tells(tmp_path: Path) -> None:
    roster = roster_of(
        tmp_path,
        [ENGLISH, ("20230001", "Ann Lee", "ann@x.org", "alee"), ("20230002", "王小明", "", ""),
         ("20230003", "Bo Chi", "", "bchi"), ("20230004", "Dora Fu", "", "")],
    )  # fmt: skip
    files = {
        "week/lee_ann_metrics.ipynb": WORK,
        "week/实验一_王小明.ipynb": WORK,
        "week/bchi/counting.py": b"",
        "week/bchi/metrics.ipynb": WORK,
        "week/zoe.ipynb": WORK,
    }
    for source in (as_zip(files, tmp_path / "a.zip"), as_folder(files, tmp_path / "class")):
        found = take_in(source, roster=roster)
        assert {one.student: one.identifier for one in found.submissions} == {
            "Ann Lee": "20230001", "王小明": "20230002", "Bo Chi": "20230003", "zoe": "",
        }  # fmt: skip
        assert [one.student for one in found.roster] == ["Ann Lee", "王小明", "Bo Chi", "Dora Fu"]
        for language in ("en", "zh"):
            told = " ".join(text[language] for text in found.told)
            assert "Dora Fu" in told
            assert "zoe" in told


def test_what_may_be_several_peoples_is_refused(tmp_path: Path) -> None:
    roster = roster_of(
        tmp_path, [("id", "name"), ("7001", "Ann Lee"), ("7002", "Ann Lee"), ("7003", "Bo Chi")]
    )
    refused(as_folder({"ann lee.ipynb": WORK}, tmp_path / "a"), roster, "7002")
    refused(as_folder({"7001/bo chi.ipynb": WORK}, tmp_path / "b"), roster, "bo chi.ipynb")
    whom = take_in(as_folder({"7002_ann_lee.ipynb": WORK}, tmp_path / "c"), roster=roster)
    assert [(one.student, one.identifier) for one in whom.submissions] == [
        ("Ann Lee (7002)", "7002")
    ]
    settled = take_in(tmp_path / "b", roster=roster, layout="folders")
    assert [one.identifier for one in settled.submissions] == ["7001"]


def test_no_name_makes_one_of_two(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, [("id", "name"), ("7001", "Ann Lee")])
    alone = as_folder({"ann_lee_park.ipynb": WORK, "ann_lee.ipynb": WORK}, tmp_path / "a")
    assert list(whose(take_in(alone, roster=roster))) == ["Ann Lee", "ann_lee_park"]
    moodle = {f"Ann Lee_{n}_assignsubmission_file/metrics.ipynb": WORK for n in (1, 2)}
    refused(as_folder(moodle, tmp_path / "b"), roster, "Ann Lee")


NAMES = st.lists(
    st.sampled_from(
        ["Ann Lee", "Bo Chi", "王小明", "Zoë Ångström", "Mary Ann Lee", "李四", "O'Neil Pat"]
    ),
    min_size=2, max_size=7, unique=True,
)  # fmt: skip
FORMS = {
    "number": lambda n, name: f"{n}/metrics.ipynb",
    "name": lambda n, name: f"{name}.ipynb",
    "name and exercise": lambda n, name: f"metrics_{name}.ipynb",
    "last name first": lambda n, name: f"{' '.join(reversed(name.split()))}/metrics.ipynb"
    if len(name.split()) == 2 else f"{name}/metrics.ipynb",
    "both": lambda n, name: f"{n}-{name}-实验一.ipynb",
    "sections": lambda n, name: f"section {n % 2}/{name}/deep/metrics.ipynb",
    "canvas": lambda n, name: f"{''.join(name.lower().split())}_{n}_{n + 50000}_metrics.ipynb",
    "moodle": lambda n, name: f"{name}_{n}_assignsubmission_file/metrics.ipynb",
    "blackboard": lambda n, name: f"Lab_1_{n}_attempt_2026-01-31-10-20-30_metrics.ipynb",
    "brightspace": lambda n, name: f"{n}-77 - {name} - Jan 31, 2026 1020 AM/metrics.ipynb",
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    names=NAMES,
    form=st.sampled_from(sorted(FORMS)),
    absent=st.integers(0, 6),
    encoding=st.sampled_from(["utf-8-sig", "gb18030"]),
    strange=st.booleans(),
)
def test_everybody_has_their_own_and_nobody_is_dropped(
    names: list[str], form: str, absent: int, encoding: str, *, strange: bool
) -> None:
    people = {name: 21000 + n for n, name in enumerate(names)}
    here = {name: n for name, n in people.items() if n != 21000 + absent}
    files = {FORMS[form](n, name): name.encode() for name, n in here.items()}
    if strange:
        files[FORMS[form](99999, "Quentin Xu")] = b"Quentin Xu"
    with tempfile.TemporaryDirectory() as folder:
        rows = [("学号", "姓名"), *((str(n), name) for name, n in people.items())]
        roster = roster_of(Path(folder), rows, encoding)
        found = take_in(as_zip(files, Path(folder) / "class.zip"), roster=roster)
        theirs = {one.student: one.read().decode() for one in found.submissions}
    assert len(found.submissions) == len(files)
    assert {who: what for who, what in theirs.items() if who in people} == {n: n for n in here}
    graded = tuple(Graded(one.student, one.name, SubmissionResult("")) for one in found.submissions)
    result = ClassResult(graded, roster=found.roster)
    assert {one.student for one in result.missing} == people.keys() - here.keys()
    assert len(result.strangers) == strange


BLACKBOARD = {
    "Lab_1_ann_lee_attempt_2026-01-30-10-20-30_metrics.ipynb": WORK,
    "Lab_1_ann_lee_attempt_2026-01-30-10-20-30.txt": b"Name: Ann Lee (ann_lee)\nX: Lab_1",
    "Lab_1_ann_lee_attempt_2026-01-31-10-20-30_metrics.ipynb": WORK,
    "Lab_1_ann_lee_attempt_2026-01-31-10-20-30_counting.py": b"",
    "Lab_1_bo_attempt_2026-02-01-00-00-01_z_ann_lee_attempt_2026-02-01-00-00-01.ipynb": WORK,
    "Lab_1_chi_attempt_2026-01-31-10-20-30.txt": "姓名：王 驰 (chi)\n作业：Lab_1\n".encode(),
}


def times(found: Intake) -> dict[str, list[str]]:
    by: dict[str, list[str]] = {}
    for one in found.submissions:
        by.setdefault(one.student, []).append(one.at)
    return by


def test_blackboard_keeps_every_attempt_and_says_when(tmp_path: Path) -> None:
    source = as_zip(BLACKBOARD, tmp_path / "gradebook.zip")
    found = take_in(source)
    assert found.layout["en"] == "named by Blackboard"
    assert times(found) == {
        "Ann Lee": ["2026-01-30T10:20:30", "2026-01-31T10:20:30"],
        "bo": ["2026-02-01T00:00:01"], "王 驰": ["2026-01-31T10:20:30"],
    }  # fmt: skip
    newest = take_in(source, only_latest=True)
    assert times(newest)["Ann Lee"] == ["2026-01-31T10:20:30"]
    assert any("1" in text["zh"] and "最新" in text["zh"] for text in newest.told)
    (latest,) = [one for one in newest.submissions if one.student == "Ann Lee"]
    assert [one.name for one in latest.beside()] == ["counting.py"]
    assert [one.student for one in found.submissions if one.problem] == ["王 驰"]


def test_brightspace_keeps_every_attempt_and_says_when(tmp_path: Path) -> None:
    files = {
        "index.html": b"",
        "7001-77 - Ann Lee - Jan 31, 2026 1020 AM/metrics.ipynb": WORK,
        "7001-77 - Ann Lee - Feb 2, 2026 115 PM/metrics.ipynb": WORK,
        "7002-77 - Bo-Anne Chi - 31 January, 2026 1020 - my - own.ipynb": WORK,
    }
    found = take_in(as_folder(files, tmp_path / "class"))
    assert found.layout["zh"] == "按 Brightspace 的文件夹名"
    assert times(found) == {
        "Ann Lee": ["2026-02-02T13:15:00", "2026-01-31T10:20:00"],
        "Bo-Anne Chi": ["2026-01-31T10:20:00"],
    }
    newest = take_in(tmp_path / "class", only_latest=True)
    assert times(newest)["Ann Lee"] == ["2026-02-02T13:15:00"]


def test_which_attempt_is_the_latest_is_not_guessed(tmp_path: Path) -> None:
    files = {f"1-7 - Ann - {n} 一月 2026/metrics.ipynb": WORK for n in (1, 2)}
    source = as_folder(files, tmp_path / "class")
    assert len(take_in(source).submissions) == 2
    with pytest.raises(IntakeError) as caught:
        take_in(source, only_latest=True)
    assert "--attempts" in caught.value.text["zh"]


def test_late_is_what_came_after_its_deadline(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, [("id", "name", "due"), ("7001", "Ann Lee", "2026-02-03"),
                                  ("7002", "Bo Chi", "")])  # fmt: skip
    files = {f"{n}-77 - {who} - Feb 2, 2026 115 PM/metrics.ipynb": WORK
             for n, who in ((7001, "Ann Lee"), (7002, "Bo Chi"))}  # fmt: skip
    found = take_in(as_folder(files, tmp_path / "class"), roster=roster)
    graded = tuple(
        Graded(one.student, one.name, SubmissionResult(""), at=one.at) for one in found.submissions
    )
    result = ClassResult(graded, roster=found.roster, due=due_time("2026-02-01").isoformat())
    assert [item.student for item in graded if item.name in result.late] == ["Bo Chi"]
    assert ClassResult(graded).late == set()
    canvas = as_folder({"leeann_LATE_7001_60001_metrics.ipynb": WORK}, tmp_path / "canvas")
    assert times(take_in(canvas)) == {"leeann": ["late"]}
