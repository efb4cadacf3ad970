"""Copies of the answers, wherever they lie: hidden from submissions, or nothing is graded."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import py_compile
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import dev_exercise
import pytest
from attempts import RECALL, notebook, save, task

from autograder import _places
from autograder.classroom import Ledger, belongings, find_submissions, read_secret
from autograder.classroom.belongings import Belongings
from autograder.classroom.graders import AnswersInReach, NoWalls, Pools
from autograder.engine import read_notebook, scouting, view, walls
from autograder.engine.answers import marks, parted
from autograder.engine.copies import ANSWERS, Marks, long_lines, of_files, search
from autograder.engine.pool import Pool
from autograder.engine.trials import answers_in_reach, trials
from autograder.exercise import catalog
from autograder.grading.grade import grade
from autograder.language import LANGUAGES
from autograder.learner import doctor

pytestmark = pytest.mark.slow

METRICS = catalog.exercise("metrics")
ROOT = catalog.PACKAGE.parent
needs_walls = pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")


def found_in(folder: Path, *apart: Path) -> list[str]:
    packed = marks(view.exercises()).packed()
    found = search([str(folder)], Marks.unpacked(packed), map(str, apart))
    return sorted(Path(path).relative_to(folder).as_posix() for path in found)


def saved_anew(path: Path) -> bytes:
    """As an editor saves it: other white space, executed, one source text a cell."""
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"])
        cell["outputs"] = []
    return json.dumps(content, indent=4).encode()


def of_an_older_edition(path: Path) -> bytes:
    """With two thirds of the lines."""
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for n, line in enumerate(lines) if n % 3).encode()


@pytest.mark.parametrize("slug", [exercise.slug for exercise in catalog.exercises()])
def test_an_answer_is_found_whatever_its_name(tmp_path: Path, slug: str) -> None:
    exercise = catalog.exercise(slug)
    for language in LANGUAGES:
        solution = exercise.notebook(language, solved=True)
        shutil.copy(solution, tmp_path / f"{language}.ipynb")
        (tmp_path / f"anew-{language}.ipynb").write_bytes(saved_anew(solution))
    shown = {path.name for path in view.probed_with(exercise.folder)}
    own = {path.name for path in exercise.folder.glob("*.py")} - shown - {"__init__.py"}
    assert own.issuperset(ANSWERS)
    for name in own:
        shutil.copy(exercise.folder / name, tmp_path / f"my_{name}")
        (tmp_path / "old").mkdir(exist_ok=True)
        (tmp_path / "old" / name).write_bytes(of_an_older_edition(exercise.folder / name))
    expected = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")]
    assert found_in(tmp_path) == sorted(expected)


def test_a_copy_is_found_whatever_its_ending_and_in_archives(tmp_path: Path) -> None:
    solution = METRICS.notebook("en", solved=True).read_bytes()
    reference = METRICS.folder / "reference.py"
    for name in (
        "notes",
        "x.dat",
        "data.csv",
        "z.zip",
        "y.gz",
        "__pycache__/kept.bin",
        ".hidden/y",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(solution)
    (tmp_path / "a.py.bak").write_bytes(of_an_older_edition(reference))
    (tmp_path / "b.ipynb.gz").write_bytes(gzip.compress(solution))
    (tmp_path / "b.ipynb.bz2").write_bytes(bz2.compress(solution))
    (tmp_path / "reference.py.xz").write_bytes(lzma.compress(reference.read_bytes()))
    for name in ("c.zip", "c.egg", "c.pyz"):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr("deep/down", solution)
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as tape:
        tape.add(reference, "r.txt")
    py_compile.compile(str(reference), str(tmp_path / "__pycache__" / "reference.cpython-3.pyc"))
    expected = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    for name in ("damaged.zip", "damaged.tar", "damaged.gz", "short.gz"):
        (tmp_path / name).write_bytes(b"PK" if name == "short.gz" else b"no archive at all")
    assert found_in(tmp_path) == sorted(expected)


def test_what_is_a_classs_is_found_by_its_content(tmp_path: Path) -> None:
    own, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (own / "in").mkdir(parents=True)
    work = save(own / "in", notebook(RECALL), "ann.ipynb")
    secret = own / "secret"
    secret.write_text("  a secret of this class\n")
    with Ledger(own / "out", writing=True):
        pass
    found = find_submissions(own / "in")
    known = belongings(own / "in", own / "out", found, secret=secret, text=read_secret(secret))
    assert {own / "in", own / "out", secret, own} <= set(known.paths)
    shutil.copy(work, elsewhere / "a")
    (elsewhere / "b").write_text("a secret of this class")
    shutil.copy(own / "out" / "class.sqlite", elsewhere / "c")
    (elsewhere / "honest").write_text("a secret of another class")
    assert Belongings.unpacked(known.packed()) == known
    names = {Path(path).name for path in search([str(elsewhere)], known.marks)}
    assert names == {"a", "b", "c"}


def test_nobody_is_graded_while_somebody_elses_work_can_be_read(
    libraries: Path, tmp_path: Path
) -> None:
    """As where a student is called like a folder of the environment."""
    if not walls.available():
        pytest.skip("needs Linux and bubblewrap")
    work = save(tmp_path, notebook(RECALL))
    shutil.copy(work, libraries / "anything")
    known = belongings(tmp_path, tmp_path / "out", find_submissions(tmp_path))
    pools = Pools(sandbox=True, own=known)
    try:
        with pytest.raises(AnswersInReach) as refused:
            pools.grade(read_notebook(work), "")
    finally:
        pools.close()
    assert all(str(libraries) in text for text in refused.value.text.values())


def test_folders_and_archives_are_known_by_their_names(tmp_path: Path) -> None:
    for name in (
        "site-packages/autograder/_content/lessons/x.md", "old/course/x/exercise.toml",
        "old/course/x/reference.py", "wheels/touchstone_course-0.0.1-py3-none-any.whl",
        "fine/exercise.toml", "fine/reference.py.txt", "wheels/torch-2.6.whl",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert found_in(tmp_path) == [
        "old/course/x",
        "site-packages/autograder/_content",
        "wheels/touchstone_course-0.0.1-py3-none-any.whl",
    ]


def test_what_everybody_may_read_is_no_answer(tmp_path: Path) -> None:
    """Neither what is handed out, nor the checks, nor our own programs and the libraries."""
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    for exercise in catalog.exercises():
        shutil.copy(exercise.folder / "checks.py", tmp_path / f"{exercise.slug}.py")
    assert found_in(tmp_path) == []
    templates = catalog.PACKAGE / "dev" / "templates"
    assert found_in(catalog.PACKAGE, *view.exercises(), templates, view.CONTENT) == []
    assert found_in(Path(os.__file__).parent) == []


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of libraries of its own, which the room shows; not below a private folder."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder).resolve() / "site-packages"
        path.mkdir()
        Path(folder).chmod(0o755)
        monkeypatch.setattr(sys, "path", [*sys.path, str(path)])
        yield path


def plant(libraries: Path) -> list[Path]:
    """Copies of several kinds, and a library beside them."""
    solution = METRICS.notebook("en", solved=True)
    places = {
        "autograder/_content/solutions/en/metrics.ipynb": solution.read_bytes(),
        "share/notes.ipynb": saved_anew(solution),
        "helpers/util.py": (METRICS.folder / "reference.py").read_bytes(),
        "autograder_old/course/metrics/reference.py": b"older = 1",
        "autograder_old/course/metrics/exercise.toml": b"",
        "library/__init__.py": b"here = 1",
    }
    for name, content in places.items():
        path = libraries / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [libraries / name for name in places]


READS = """\
def _reads(path):
    try:
        with open(path, 'rb') as file:
            return len(file.read()) > 0
    except OSError:
        return False
"""


def reading(path: Path) -> str:
    body = RECALL.replace("def recall", "def _right")
    return (
        f"{body}\n{READS}\ndef recall(a, b):\n"
        f"    return _right(a, b) if _reads({str(path)!r}) else -1.0"
    )


@needs_walls
def test_copies_among_the_libraries_are_hidden(libraries: Path, tmp_path: Path) -> None:
    *copies, _, library = plant(libraries)
    with Pool([METRICS], walled=True) as pool:
        for path in (*copies, library):
            read = read_notebook(save(tmp_path, notebook(reading(path))))
            expected = "pass" if path == library else "fail"
            assert task(grade(read, METRICS, pool=pool)).status == expected, path
        assert answers_in_reach(METRICS, pool.worker) == ()


@needs_walls
def test_a_copy_that_comes_later_is_found_by_the_trial(libraries: Path) -> None:
    with Pool([METRICS], walled=True) as pool:
        late = libraries / "late" / "work.ipynb"
        late.parent.mkdir()
        shutil.copy(METRICS.notebook("zh", solved=True), late)
        assert answers_in_reach(METRICS, pool.worker) == (str(late),)
        tried = trials(METRICS, pool.worker, only=("answers",))
    (finding,) = [one for one in doctor.tried(tried) if one.name == "answers"]
    assert finding.state == "bad"
    for text in finding.text.values():
        assert str(late) in text


@needs_walls
def test_a_room_is_searched_once_in_a_process_and_anew_for_each_class(libraries: Path) -> None:
    with Pool([METRICS], walled=True) as pool:
        assert pool.in_reach == ()
    late = libraries / "work.ipynb"
    shutil.copy(METRICS.notebook("zh", solved=True), late)
    own = libraries / "own"
    own.write_text("what belongs to a class")
    with Pool([METRICS], walled=True) as pool:
        assert answers_in_reach(METRICS, pool.worker) == (str(late),)
    # The copy is hidden in a second room; what is the class's is for the class to refuse.
    with Pool([METRICS], walled=True, besides=of_files([own.read_bytes()])) as pool:
        assert pool.in_reach == (str(own),)
        assert answers_in_reach(METRICS, pool.worker) == ()


@needs_walls
@pytest.mark.parametrize("asked_again", [True, False])
def test_nobody_is_graded_before_a_search_came_to_its_end(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked_again: bool
) -> None:
    """A scout that is killed, here for its memory, is no reason to refuse a class; two are."""
    monkeypatch.setattr(scouting, "MEMORY", 2**20)
    if not asked_again:
        module = sys.modules[Pools.__module__]  # a function of the package has its name
        monkeypatch.setattr(module, "answers_in_reach", lambda *_: None)
    many = of_files([f"what belongs to student {n}".encode() for n in range(20_000)])
    pools = Pools(sandbox=True, own=Belongings(marks=many))
    work = read_notebook(save(tmp_path, notebook(RECALL)))
    try:
        if asked_again:
            assert task(pools.grade(work, "")).status == "pass"
        else:
            with pytest.raises(NoWalls, match="did not come to its end"):
                pools.grade(work, "")
    finally:
        pools.close()


@needs_walls
def test_a_class_is_not_graded_while_an_answer_can_be_read(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(libraries)
    monkeypatch.setattr(scouting.Looking, "hides", lambda self, found: False)
    pools = Pools(sandbox=True)
    try:
        for _ in range(2):
            with pytest.raises(AnswersInReach) as refused:
                pools.grade(read_notebook(save(tmp_path, notebook(RECALL))), "")
            assert "Nothing was graded" in refused.value.text["en"]
            assert "尚未评分" in refused.value.text["zh"]
            assert all(str(libraries) in text for text in refused.value.text.values())
    finally:
        pools.close()


@needs_walls
def test_of_a_checkout_among_what_is_shown_only_the_package_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where pip put it into the environment (`pip install -e git+…`); so is its history."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("this is no checkout")
    monkeypatch.setenv("TOUCHSTONE_MODEL", str(ROOT))
    with Pool([METRICS], walled=True) as pool:
        for path, expected in (
            (ROOT / "pyproject.toml", "fail"),
            (METRICS.notebook("en", solved=True), "fail"),
            (Path(__file__), "fail"),
            (catalog.PACKAGE / "__init__.py", "pass"),
        ):
            read = read_notebook(save(tmp_path, notebook(reading(path))))
            assert task(grade(read, METRICS, pool=pool)).status == expected, path
        assert answers_in_reach(METRICS, pool.worker) == ()


@needs_walls
def test_the_same_files_by_another_way_are_hidden_too(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment reached through a link is shown under that name, the package under its own."""
    link = libraries.parent / "link-packages"
    link.symlink_to(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(link)])
    with Pool([METRICS], walled=True) as pool:
        for name in ("solutions/en/metrics.ipynb", "autograder/course/metrics/wrong.py", "uv.lock"):
            read = read_notebook(save(tmp_path, notebook(reading(link / name))))
            assert task(grade(read, METRICS, pool=pool)).status == "fail", name
        assert answers_in_reach(METRICS, pool.worker) == ()


LEFT = (
    "mutants.toml", "reference.py~", ".reference.py.swp", "#wrong.py#", "reference - Copy.py",
    "wrong.rej", "own.egg", "wrong.json", ".git/objects/ab/cd", "notes/old.py", "unnamed.csv",
    "__pycache__/reference.cpython-311.pyc",
)  # fmt: skip
NAMED = ("table.csv", "rig.py", "whole.py", "absolute.py", "helpers/deep.py", "rows/one.txt")


def test_of_an_exercises_folder_what_its_probes_name_shows_and_nothing_else(
    tmp_path: Path,
) -> None:
    """An editor's copy was shown, and an author's notes, which quote the lines of a solution."""
    own = dev_exercise.make(tmp_path).folder
    for name in (*LEFT, *NAMED):
        (own / name).parent.mkdir(exist_ok=True, parents=True)
        (own / name).write_text("")
    with (own / "checks.py").open("a") as checks:
        checks.write(
            "\nfrom . import rig\nimport autograder.course.toy.whole as other\n"
            "BESIDE = 'table.csv', 'wrong.py', 'a\\0b', '..'\n"
        )
    (own / "rig.py").write_text(
        "from .helpers.deep import x\nfrom autograder.course.toy.absolute import y\n"
        "open('rows/one.txt')\n"
    )
    shown = {path.relative_to(own).as_posix() for path in view.probed_with(own)}
    assert shown == {name.partition("/")[0] for name in ("exercise.toml", "checks.py", *NAMED)}


def test_where_answer_keys_and_the_journal_are_kept_is_dark_even_in_what_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the home is named as a model's folder, or a cache lies in an environment's `lib`."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name / "touchstone").mkdir(parents=True)
    shown = view.seen({"TOUCHSTONE_MODEL": str(tmp_path)})
    assert view.shows(shown, tmp_path / "XDG_CACHE_HOME")
    for place in (_places.cache(), _places.data()):
        assert place.is_dir()
        assert not view.shows(shown, place / "anything")


def test_no_file_of_the_course_that_shows_holds_a_solution_in_its_lines() -> None:
    shown = view.seen({})
    texts = [
        path.read_text("utf-8")
        for path in catalog.PACKAGE.rglob("*")
        if path.suffix in (".py", ".toml", ".json", ".j2", ".md") and view.shows(shown, path)
    ]
    assert len(texts) > 100
    for exercise in catalog.exercises():
        solved, handed_out = parted((exercise.folder / "notebook.py").read_text("utf-8"))
        own = long_lines(solved) - long_lines(handed_out)
        held = [[line for line in own if line in text] for text in texts]
        # Lines that anybody writes: `losses.append(loss.item())`.
        assert max(map(len, held)) < 4, (exercise.slug, held)


def test_whatever_checks_import_from_beside_them_shows() -> None:
    """Behind walls they could not be loaded otherwise; answers are no part of them."""
    for folder in view.exercises():
        shown = {path.name for path in view.probed_with(folder)}
        assert shown.isdisjoint(ANSWERS)
        for name in shown & {path.name for path in folder.glob("*.py")}:
            text = (folder / name).read_text("utf-8")
            beside = re.findall(r"^ *from \.(\w+) import", text, re.MULTILINE)
            for names in re.findall(r"^ *from \. import ([\w, ]+)", text, re.MULTILINE):
                beside += [word.split()[0] for word in names.split(",")]
            assert {f"{module}.py" for module in beside} <= shown, folder
        # What only answers are made of does not show; there is little of it.
        assert {path.name for path in folder.glob("*.py")} - shown <= {*ANSWERS, "bent.py"}, folder


def test_libraries_beside_the_environment_in_use_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own folder may hold a second environment, larger than the one that is used."""
    used, other = (tmp_path / f"lib/python3.{n}/site-packages" for n in (11, 12))
    for folder in (used, other):
        folder.mkdir(parents=True)
        (folder.parent / "os.py").touch()
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path, str(used)])
    shown = view.seen({})
    assert view.shows(shown, used / "numpy")
    assert view.shows(shown, other.parent / "os.py")
    assert not view.shows(shown, other / "numpy")


@pytest.mark.skipif(not any(Path("/usr/lib").glob("*-linux-*")), reason="libraries lie elsewhere")
def test_of_the_machines_libraries_only_those_that_are_shared_show() -> None:
    shown = view.seen({})
    folders = [path for path in Path("/usr/lib").iterdir() if path.is_dir()]
    seen = {path.name for path in folders if view.shows(shown, path) and not path.is_symlink()}
    assert any("-linux-" in name for name in seen)
    assert seen.isdisjoint({"apt", "dpkg", "git-core", "systemd"})
