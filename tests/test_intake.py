"""What a class hands in: every layout, as a folder and as a ZIP, honest and hostile."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from attempts import RECALL, notebook
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.classroom import archives, entries
from autograder.classroom.intake import IntakeError, Submission, find_submissions
from autograder.engine import UnreadableNotebook, parse_notebook

Files = Mapping[str, bytes]
NOTEBOOK = b'{"cells": []}'


def as_folder(files: Files, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def as_zip(files: Files, path: Path) -> Path:
    path.write_bytes(zipped(files))
    return path


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def students(found: list[Submission]) -> dict[str, str]:
    return {submission.student: submission.identifier for submission in found}


def found_in(files: Files, tmp_path: Path) -> list[Submission]:
    """What is found, after making sure that a folder and a ZIP agree."""
    folder = find_submissions(as_folder(files, tmp_path / "class"))
    assert find_submissions(as_zip(files, tmp_path / "class.zip")) == folder
    return folder


# --- Layouts ------------------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[str, int], str]] = {
    "nbgrader course": lambda name, _: f"submitted/{name}/metrics/metrics.ipynb",
    "nbgrader submitted": lambda name, _: f"{name}/metrics/metrics.ipynb",
    "a folder each": lambda name, _: f"{name}/homework/deep/attempt.ipynb",
    "a file each": lambda name, _: f"{name}.ipynb",
    "a file each, exercise last": lambda name, _: f"{name}-metrics.ipynb",
    "a file each, exercise first": lambda name, _: f"bert-classifier_{name}.ipynb",
    "canvas": lambda name, n: f"{name}_{n}_{n + 1}_metrics.ipynb",
    "canvas late": lambda name, n: f"{name}_LATE_{n}_{n + 1}_my_2_3_metrics-1.ipynb",
    "canvas archives": lambda name, n: f"{name}_{n}_{n + 1}_work.zip",
    "moodle": lambda name, n: f"{name}_{n}_assignsubmission_file/metrics.ipynb",
    "moodle before 4": lambda name, n: f"{name}_{n}_assignsubmission_file_/sub/metrics.ipynb",
    "moodle flat": lambda name, n: f"{name}_{n}_assignsubmission_file_my_work.ipynb",
    "in a folder of the archive's name": lambda name, _: f"class/{name}/metrics.ipynb",
    "canvas in some folder": lambda name, n: f"download/{name}_{n}_{n + 1}_metrics.ipynb",
}
NUMBERED = ("canvas", "moodle")
a_name = st.text(st.sampled_from("abcXYZéñ王小明李喆 '"), min_size=1, max_size=12).filter(
    lambda name: name == name.strip()
)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=15)
@given(names=st.sets(a_name, min_size=2, max_size=5), start=st.integers(1, 10**7))
def test_each_layout_names_its_students(layout: str, names: set[str], start: int) -> None:
    numbers = {name: start + n for n, name in enumerate(sorted(names))}
    paths = {LAYOUTS[layout](name, number): name for name, number in numbers.items()}
    content = zipped({"metrics.ipynb": NOTEBOOK})
    files = {path: content if path.endswith(".zip") else NOTEBOOK for path in paths}
    with tempfile.TemporaryDirectory() as folder:
        found = found_in(files, Path(folder))
        assert all(submission.read() == NOTEBOOK for submission in found)
    numbered = layout.startswith(NUMBERED)
    assert students(found) == {
        name: str(number) if numbered else "" for name, number in numbers.items()
    }
    assert [s.student for s in found] == sorted(names)


a_letter = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
component = st.text(a_letter, min_size=1, max_size=12).filter(lambda part: part not in (".", ".."))
leaf = st.tuples(component, st.sampled_from([".ipynb", ".zip", ".pdf", ".py", ".csv", ""])).map(
    "".join
)
tree = st.dictionaries(
    st.tuples(st.lists(component, max_size=3), leaf).map(lambda two: "/".join([*two[0], two[1]])),
    st.sampled_from([NOTEBOOK, zipped({"a.ipynb": NOTEBOOK}), zipped({"b.txt": b""}), b"no zip"]),
    min_size=1, max_size=6,
)  # fmt: skip


def is_possible(files: Files) -> bool:
    """Whether no file of a tree would have to be a folder as well."""
    folders = {str(parent) for name in files for parent in Path(name).parents}
    return not folders & set(files)


@settings(max_examples=80)
@given(files=tree.filter(is_possible))
@example(files={"e\u0301.ipynb": NOTEBOOK, "\u00e9.ipynb": NOTEBOOK})
@example(files={"a\\..\\b.ipynb": NOTEBOOK, "C:x.ipynb": NOTEBOOK, "con/y.ipynb": NOTEBOOK})
@example(files={"lin/.ipynb_checkpoints/x.ipynb": NOTEBOOK, "kim.ipynb": NOTEBOOK})
@example(files={".\\/x.ipynb": NOTEBOOK, "..\\x.ipynb": NOTEBOOK})
@example(files={"\x1b[2J/\u202e.ipynb": NOTEBOOK, ".hidden/x.ipynb": NOTEBOOK})
def test_a_folder_and_a_zip_of_it_agree_whatever_the_names_are(files: Files) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = as_folder(files, Path(name) / "class")
        archive = as_zip(files, Path(name) / "class.zip")
        try:
            expected = find_submissions(folder)
        except IntakeError:
            with pytest.raises(IntakeError):
                find_submissions(archive)
            return
        found = find_submissions(archive)
        assert found == expected
        assert found == sorted(found, key=lambda s: (s.student, s.name))
        assert len({(s.student, s.name) for s in found}) == len(found)
        for one, other in zip(found, expected, strict=True):
            assert one.problem is not None or one.read() == other.read()
            assert (one.student + one.name).encode()


def test_people_whose_names_look_alike_are_kept_apart(tmp_path: Path) -> None:
    files = {f"{name}/x.ipynb": NOTEBOOK for name in ("e\u0301", "\u00e9", "\u00e9 (2)")}
    assert list(students(found_in(files, tmp_path))) == ["é", "é (2)", "é (3)"]
    files = {f"Li Wei_{number}_assignsubmission_file/x.ipynb": NOTEBOOK for number in (11, 12)} | {
        "Kim_13_assignsubmission_onlinetext/onlinetext.html": b""
    }
    found = find_submissions(as_zip(files, tmp_path / "moodle.zip"))
    assert students(found) == {"Kim": "13", "Li Wei (11)": "11", "Li Wei (12)": "12"}


def test_blind_marking_has_no_names(tmp_path: Path) -> None:
    files = {"anon_a1B2c_77_metrics.ipynb": NOTEBOOK, "LATE_anon_d3E4f_78_metrics.ipynb": NOTEBOOK}
    assert students(found_in(files, tmp_path)) == {"anon_a1B2c": "a1B2c", "anon_d3E4f": "d3E4f"}


def test_what_is_nobodys_work_is_left_out_and_nobody_vanishes(tmp_path: Path) -> None:
    files = {
        "lin/metrics.ipynb": NOTEBOOK,
        "lin/metrics.before-reset-2026-01-31.ipynb": NOTEBOOK,
        "lin/.ipynb_checkpoints/metrics-checkpoint.ipynb": NOTEBOOK,
        "__MACOSX/lin/._metrics.ipynb": b"",
        ".git/x.ipynb": NOTEBOOK,
        "names.csv": b"",
        "read-me.md": b"",
        "okafor/homework.pdf": b"",
        "sato/": b"",
        "weber.html": b"",
    }
    found = found_in(files, tmp_path)
    assert {s.student: s.name for s in found} == {
        "lin": "lin/metrics.ipynb",
        "okafor": "okafor",
        "sato": "sato",
        "weber": "weber.html",
    }
    reasons = {s.student: s.problem["en"] for s in found if s.problem}
    assert "only homework.pdf" in reasons["okafor"]
    assert set(reasons) == {"okafor", "sato", "weber"}
    with pytest.raises(UnreadableNotebook, match="only homework"):
        found[1].read()


def test_beside_submitted_nothing_counts(tmp_path: Path) -> None:
    files = {
        "submitted/lin/metrics/metrics.ipynb": NOTEBOOK,
        "source/metrics/metrics.ipynb": NOTEBOOK,
        "autograded/lin/metrics/metrics.ipynb": NOTEBOOK,
    }
    found = found_in(files, tmp_path)
    assert [(s.student, s.name) for s in found] == [("lin", "submitted/lin/metrics/metrics.ipynb")]


def test_a_workbook_is_that_of_whom_its_folder_is_named_after(tmp_path: Path) -> None:
    files = {"metrics.ipynb": NOTEBOOK, "bert-classifier (1).ipynb": NOTEBOOK}
    assert students(find_submissions(as_folder(files, tmp_path / "lin"))) == {"lin": ""}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("class/*.ipynb", {"kim"}),
        ("class/*/*.ipynb", {"lin", "okafor"}),
        ("class/**/*.ipynb", {"kim", "lin", "okafor"}),
        ("class/[l-o]*", {"lin", "okafor"}),
        ("cl*/lin/x.ipynb", {"lin"}),
        ("class/kim.ipynb", {"kim"}),
    ],
)
def test_patterns(pattern: str, expected: set[str], tmp_path: Path) -> None:
    files = {"kim.ipynb": NOTEBOOK, "lin/x.ipynb": NOTEBOOK, "okafor/x.ipynb": NOTEBOOK}
    as_folder(files, tmp_path / "class")
    found = find_submissions(str(tmp_path / pattern))
    names = {s.student for s in found}
    assert (names == {"class"}) if pattern.startswith("cl*") else (names == expected)
    assert all(s.read() == NOTEBOOK and str(tmp_path) not in s.name for s in found)


def test_names_of_old_archives(tmp_path: Path) -> None:
    """Chinese Windows writes GB 18030, some tools UTF-8 without saying so, others code page 437."""

    class Unmarked(zipfile.ZipInfo):
        raw = b""

        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
            return self.raw, self.flag_bits & ~0x800

    def archive(*names: bytes) -> Path:
        path = tmp_path / "class.zip"
        with zipfile.ZipFile(path, "w") as file:
            for number, name in enumerate(names):
                info = Unmarked(f"{number}")
                info.raw = name
                file.writestr(info, NOTEBOOK)
        return path

    for encoding, file, people in (
        ("gb18030", "/作业.ipynb", {"王小明", "赵喆", "lin"}),
        ("utf-8", "/作业.ipynb", {"王小明", "赵喆", "José"}),
        ("cp437", ".ipynb", {"José", "Müller", "lin"}),
    ):
        found = find_submissions(archive(*(f"{name}{file}".encode(encoding) for name in people)))
        assert {s.student for s in found} == people
        assert all(s.read() == NOTEBOOK for s in found)


# --- Nothing outside, nothing without a reason ---------------------------------------------------

_OPENED: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _OPENED is not None:
        _OPENED.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else "")


sys.addaudithook(_listen)


@contextmanager
def what_is_opened() -> Iterator[list[str]]:
    """Every path that this process opens."""
    global _OPENED
    _OPENED = []
    try:
        yield _OPENED
    finally:
        _OPENED = None


def read_all(found: list[Submission]) -> dict[str, bytes | str]:
    """The content of each by its name, or the reason why it has none."""
    contents: dict[str, bytes | str] = {}
    for submission in found:
        try:
            contents[submission.name] = submission.read()
        except UnreadableNotebook as error:
            contents[submission.name] = error.text["en"]
    return contents


hostile_name = st.lists(
    st.sampled_from(["..", ".", "", "lin", "a.ipynb", "/", "\\", "C:", "etc", "nul", "x.zip"]),
    min_size=1, max_size=6,
).map("/".join)  # fmt: skip


@settings(max_examples=80)
@given(names=st.lists(hostile_name, min_size=1, max_size=5, unique=True))
def test_an_archive_is_read_in_memory_and_nothing_outside_it(names: list[str]) -> None:
    files = {f"{name}.ipynb": NOTEBOOK for name in names}
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "a.ipynb"
        secret.write_bytes(b"secret")
        (Path(folder) / "in").mkdir()
        path = as_zip(files | {"kim/x.ipynb": NOTEBOOK}, Path(folder) / "in" / "class.zip")
        with what_is_opened() as opened:
            found = find_submissions(path)
            contents = read_all(found)
        assert {p for p in opened if p.endswith((".ipynb", ".zip"))} <= {str(path)}
        assert b"secret" not in contents.values()
        for submission in found:
            unsafe = ".." in submission.name.split("/") or submission.name.startswith("/")
            assert submission.problem is not None if unsafe else True
        assert sorted(os.listdir(folder)) == ["a.ipynb", "in"]
        assert os.listdir(path.parent) == ["class.zip"]


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = as_folder({"x.ipynb": b"secret", "deep/y.ipynb": b"secret"}, tmp_path / "outside")
    folder = as_folder({"kim/x.ipynb": NOTEBOOK}, tmp_path / "class")
    (folder / "lin").symlink_to(outside)
    (folder / "okafor.ipynb").symlink_to(outside / "x.ipynb")
    (folder / "kim" / "y.ipynb").symlink_to("x.ipynb")
    (folder / "weber").symlink_to("nowhere")
    for source in (folder, f"{folder}/*", f"{folder}/**/*.ipynb", f"{folder}/*/*.ipynb"):
        with what_is_opened() as opened:
            contents = read_all(find_submissions(source))
        assert not [path for path in opened if "outside" in path]
        assert b"secret" not in contents.values()
        assert contents["kim/x.ipynb"] == NOTEBOOK
    found = find_submissions(folder)
    assert {s.student for s in found if s.problem} == {"kim", "lin", "okafor", "weber"}


def broken_archive(path: Path, good: Files) -> set[str]:
    """A ZIP of `good` and of every kind of damage; returns who suffers from it."""
    nested = zipped({"x.ipynb": NOTEBOOK})
    locked = bytearray(nested)
    locked[nested.index(b"PK\1\2") + 8] |= 1
    plain = {
        "no-notebook/x.pdf": b"", "nothing/": b"", "archive/x.zip": b"PK no",
        "nested/x.zip": zipped({"y.zip": nested}), "locked/x.zip": bytes(locked),
        "class/all.zip": zipped({"lin_1_2_x.ipynb": NOTEBOOK}), "up/../../../x.ipynb": NOTEBOOK,
        "back\\x.ipynb": NOTEBOOK, "nul.ipynb": NOTEBOOK, "/root/x.ipynb": NOTEBOOK,
        "many/x.zip": zipped({f"{n}": b"" for n in range(archives.MAX_INNER_FILES + 1)}),
        "only-text/x.zip": zipped({"x.txt": b""}), f"long/{'y' * 2_000}.ipynb": NOTEBOOK,
        "deep/x.zip": zipped({"/".join(f"{n}" for n in range(9_000)) + ".ipynb": NOTEBOOK}),
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**good, **plain}.items():
            archive.writestr(name, content)
        for change in ("crc", "encrypted", "claims-more", "claims-less", "linked", "twice"):
            archive.writestr(f"{change}/x.ipynb", NOTEBOOK)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("twice/x.ipynb", b"{}")
        archive.writestr("unusual/x.ipynb", NOTEBOOK, zipfile.ZIP_LZMA)
        archive.writestr("bomb/x.ipynb", bytes(2_000_000))
        archive.getinfo("crc/x.ipynb").CRC ^= 1
        archive.getinfo("encrypted/x.ipynb").flag_bits |= 1
        archive.getinfo("claims-more/x.ipynb").file_size = 2**31
        archive.getinfo("claims-less/x.ipynb").file_size = 5
        archive.getinfo("linked/x.ipynb").external_attr = (stat.S_IFLNK | 0o777) << 16
    return {
        "archive", "back", "bomb", "claims-less", "claims-more", "class", "crc", "deep",
        "encrypted", "long",
        "linked", "locked", "many", "nested", "no-notebook", "nothing", "nul", "only-text", "root",
        "twice", "unusual", "up",
    }  # fmt: skip


def broken_folder(folder: Path, good: Files) -> set[str]:
    """A folder of `good` and of every kind of file that cannot be read."""
    as_folder(good, folder)
    plain = {"no-notebook/x.pdf": b"", "nothing/": b"", "archive/x.zip": b"PK no", "linked/": b"",
             "pipe/": b"", "sparse/": b"", "weber.docx": b""}  # fmt: skip
    as_folder(plain, folder)
    (folder / "linked" / "x.ipynb").symlink_to(folder)
    os.mkfifo(folder / "pipe" / "x.ipynb")
    os.truncate((folder / "sparse" / "x.ipynb").open("wb").name, 2**31)
    (folder / "elsewhere").symlink_to(folder.parent)
    return {"no-notebook", "nothing", "archive", "linked", "pipe", "sparse", "weber", "elsewhere"}


@pytest.mark.parametrize("make", [broken_archive, broken_folder])
def test_a_thousand_good_ones_and_sixty_broken_ones_are_all_there(
    make: Callable[[Path, Files], set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (archives, entries):
        monkeypatch.setattr(module, "MAX_BYTES", 1_000_000)
    content = json.dumps(notebook(RECALL)).encode()
    good = {f"good-{n:04}/metrics.ipynb": content for n in range(1_000)}
    fill = 60 - len(make(tmp_path / "only-broken", {}))
    junk = {f"junk-{n:02}/metrics.ipynb": b"{" * n for n in range(fill)}
    broken = make(tmp_path / "class.zip", good | junk)
    found = find_submissions(tmp_path / "class.zip")
    assert len(found) == 1_060
    reasons = {}
    for submission in found:
        try:
            parse_notebook(submission.read(), submission.name)
        except UnreadableNotebook as error:
            reasons[submission.student] = error.text
    assert all(text["zh"] != text["en"] for text in reasons.values())
    assert set(reasons) == broken | {name.partition("/")[0] for name in junk}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path, "nothing at"),
        (lambda path: path / "*.ipynb", "no notebook"),
        (lambda path: as_folder({}, path), "no notebook"),
        (lambda path: as_folder({"lin/x.pdf": b"", "y.csv": b""}, path), "no notebook"),
        (lambda path: as_zip({"lin/x.pdf": b""}, path), "no notebook"),
        (lambda path: path.write_bytes(b"PK\3\4 not really") and path, "no ZIP"),
        (lambda path: path.write_bytes(zipped({"a.ipynb": NOTEBOOK})[:-30]) and path, "no ZIP"),
    ],
)
def test_a_source_without_a_notebook_says_what_to_name_instead(
    make: Callable[[Path], Path], reason: str, tmp_path: Path
) -> None:
    source = make(tmp_path / "source")
    with pytest.raises(IntakeError, match=reason) as error:
        find_submissions(source)
    assert str(source) in error.value.text["zh"]
    assert "\n" not in error.value.text["en"]
