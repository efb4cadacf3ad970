"""The command as its users run it: real processes, real files, real exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest
from attempts import RECALL, notebook, save
from rich.cells import cell_len

from autograder.exercise.catalog import content_root, exercises
from autograder.exercise.syllabus import index, syllabus
from autograder.language import LANGUAGES, Language

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "touchstone-course"
COMMANDS = (
    "start", "lesson", "lab", "grade", "watch", "hint", "solution", "reset", "coverage", "doctor",
    "demo", "review", "progress", "interview", "open", "site", "redo",
)  # fmt: skip


def touchstone(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    ours = ("LC_", "LANG", "TOUCH", "UV")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    clean["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=cwd or ROOT,
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside every workbook, with a journal of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_help_names_every_command_in_both_languages() -> None:
    for language, word in (("en", "interview"), ("zh", "面试")):
        shown = touchstone("--help", "--lang", language)
        assert shown.returncode == 0
        assert word in shown.stdout
        assert all(command in shown.stdout for command in COMMANDS)


def test_the_version_is_that_of_the_package() -> None:
    assert touchstone("--version").stdout.startswith(f"touchstone-course {version(PACKAGE)} (")


@pytest.mark.slow
def test_bash_completes_exercises_and_tasks(tmp_path: Path) -> None:
    """In a real bash, by the very script that is installed."""
    ask = """
        eval "$(touchstone --show-completion bash)"
        for words in "grade met" "reset metrics/rec" "hint perplex" "watch rece" "lesson spee"; do
            COMP_WORDS=(touchstone $words) COMP_CWORD=2
            _touchstone_completion touchstone
            echo "$words: ${COMPREPLY[*]}"
        done
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", ask], cwd=tmp_path, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "grade met: metrics", "reset metrics/rec: metrics/recall", "hint perplex: ",
        "watch rece: receptive_field", "lesson spee: speech",
    ]  # fmt: skip


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_too(shell: str) -> None:
    script = touchstone("--show-completion", shell).stdout
    assert f"complete_{shell}" in script  # that of the shell that was named
    asked = {"_TOUCHSTONE_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = touchstone(_TYPER_COMPLETE_ARGS="touchstone hint metrics/rec", **asked)
    assert "metrics/recall" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["grade", "watch", "hint", "reset", "solution", "lesson", "lab"]
)
def test_a_name_that_is_none_is_answered_by_what_was_meant(command: str, home: Path) -> None:
    if command == "lab":
        (home / ".touchstone").mkdir()
        (home / ".touchstone" / "workbook.json").write_text('{"language": "en"}')
        save(home, notebook(), "metrics.ipynb")
    done = touchstone(command, "recal", "--lang", "en", cwd=home)
    assert done.returncode == 2
    assert "metrics/recall" in done.stderr
    assert len(done.stderr) < 200


def test_the_readme_names_every_command() -> None:
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text("utf-8")
        assert all(f"touchstone {command}" in text for command in COMMANDS), name


def test_the_readme_names_every_exercise() -> None:
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text("utf-8")
        for toml in ROOT.glob("autograder/course/*/exercise.toml"):
            assert f"| `{toml.parent.name}` |" in text, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_coverage_fits_80_columns_and_names_what_is_missing(
    tmp_path: Path, language: Language
) -> None:
    course, file = syllabus(), tmp_path / "coverage.json"
    done = touchstone("coverage", "--lang", language, "--json", str(file))
    assert done.returncode == (1 if course.homeless else 0), done.stderr
    assert done.stderr == ""
    place = str(index(content_root(), language))
    rows = [row for row in done.stdout.splitlines() if place not in row and str(file) not in row]
    assert max(map(cell_len, rows)) <= 80
    for name, title in course.sources.questions.items():
        assert any(row.startswith(f"{name} ") and title[language][:8] in row for row in rows), name
    assert all(name in done.stdout for name in course.homeless)
    assert place in done.stdout
    assert json.loads(file.read_text("utf-8"))["homeless"] == list(course.homeless)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_solution_has_full_points_and_exit_code_0(home: Path, language: str) -> None:
    solution = ROOT / "solutions" / language / "metrics.ipynb"
    done = touchstone("grade", str(solution), "--json", "result.json", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    submission = json.loads((home / "result.json").read_text("utf-8"))["submissions"][0]
    assert submission["points"] == submission["max_points"] == 20
    assert submission["language"] == language
    assert submission["isolation"] == "process"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_untouched_notebook_is_todo_and_exit_code_1(home: Path, language: str) -> None:
    stub = ROOT / "exercises" / language / "metrics.ipynb"
    done = touchstone("grade", str(stub), "--json", "result.json", cwd=home)
    assert done.returncode == 1, done.stdout + done.stderr
    submission = json.loads((home / "result.json").read_text("utf-8"))["submissions"][0]
    assert submission["points"] == 0
    assert {task["status"] for task in submission["tasks"]} == {"todo"}


@pytest.mark.slow
def test_the_demo_shows_a_pass_a_todo_and_a_named_mistake(home: Path) -> None:
    for language, words in (
        ("en", ("✓", "not started", "specificity", "next")),
        ("zh", ("✓", "未作答", "特异度", "下一步")),
    ):
        done = touchstone("demo", "--lang", language, cwd=home)
        assert done.returncode == 0, done.stderr
        assert all(word in done.stdout for word in words)
        assert max(map(len, done.stdout.splitlines())) <= 80
    assert not list(home.iterdir())


@pytest.mark.slow
def test_broken_submissions_leave_the_others_unharmed(home: Path) -> None:
    save(home, notebook(RECALL), "good.ipynb")
    (home / "empty.ipynb").write_text("")
    (home / "junk.ipynb").write_bytes(bytes(range(256)))
    save(home, {"cells": []}, "stranger.ipynb")
    done = touchstone("grade", ".", "absent.ipynb", "--json", "r.json", "--html", "r.html",
                      "--junit", "r.xml", cwd=home)  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    results = json.loads((home / "r.json").read_text("utf-8"))["submissions"]
    by_name = {Path(item["path"]).name: item for item in results}
    names = ("good", "empty", "junk", "stranger", "absent")
    assert set(by_name) == {f"{name}.ipynb" for name in names}
    assert by_name["good.ipynb"]["points"] == 2
    for name in ("empty.ipynb", "junk.ipynb", "stranger.ipynb", "absent.ipynb"):
        assert by_name[name]["problem"]
    assert (home / "r.html").stat().st_size > 1000
    assert (home / "r.xml").read_text("utf-8").startswith("<?xml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("grade", "absent.ipynb"), "no such file"),
        (("--lang", "zh", "grade", "absent.ipynb"), "没有这个文件"),
        (("grade", "empty-folder"), "holds no notebook"),
        (("grade",), "no workbook"),
        (("lesson", "cooking"), "There is no exercise"),
        (("hint", "cooking"), "There is no exercise or task"),
        (("solution", "recall"), "not passed yet"),
        (("reset", "metrics"), "no workbook"),
        (("reset", "absent.ipynb"), "absent.ipynb"),
        (("lab",), "no workbook"),
        (("--lang", "fr"), "en | zh"),
        (("fly",), "No such command"),
        (("grade", "--json"), "requires an argument"),
    ],
)
def test_wrong_use_is_said_in_a_line_with_exit_code_2(
    home: Path, arguments: tuple[str, ...], reason: str
) -> None:
    (home / "empty-folder").mkdir()
    done = touchstone(*arguments, cwd=home)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert reason in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_report_that_cannot_be_written_says_so(home: Path) -> None:
    save(home, notebook(RECALL))
    done = touchstone("grade", "attempt.ipynb", "--html", "attempt.ipynb/report.html", cwd=home)
    assert done.returncode == 2
    assert "report.html" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_day_of_a_learner(home: Path) -> None:
    """Start, look, take hints, solve, grade, see the solution, reset: nothing gets lost."""
    assert "`python -m autograder start`" in touchstone(cwd=home).stdout
    assert touchstone("start", "book", "--lang", "zh", cwd=home).returncode == 0
    book = home / "book"
    path = book / "metrics.ipynb"
    assert f"autograder lesson {exercises()[0].slug}" in touchstone(cwd=book).stdout

    hints = [touchstone("hint", name, cwd=book).stdout for name in 2 * ("recall", "metrics/recall")]
    assert "`python -m autograder hint metrics/recall`" in hints[0]
    assert len(set(hints[:3])) == 3
    assert hints[3] == hints[2]

    content = json.loads(path.read_text("utf-8"))
    cell = next(cell for cell in content["cells"] if cell["id"] == "recall")
    cell["source"] = RECALL
    path.write_text(json.dumps(content), "utf-8")
    one = touchstone("grade", "metrics/recall", cwd=book)
    assert one.returncode == 0
    assert "2 / 2 分" in one.stdout
    assert "2 / 20" in touchstone("grade", "metrics", cwd=book).stdout
    assert touchstone("grade", cwd=book).returncode == 1
    shown = touchstone("solution", "recall", cwd=book)
    assert shown.returncode == 0
    assert "def recall" in shown.stdout
    assert "SOLUTION" not in shown.stdout
    assert touchstone("solution", "f1", cwd=book).returncode == 2
    assert "def f1" in touchstone("solution", "f1", "--give-up", cwd=book).stdout
    assert "2" in touchstone(cwd=book).stdout

    before = path.read_bytes()
    assert touchstone("start", cwd=book).returncode == 0
    assert path.read_bytes() == before
    done = touchstone("reset", "metrics/recall", "--lang", "en", cwd=book)
    assert "recall as at first, the rest as you left it" in done.stdout
    copies = [copy for copy in book.glob("metrics.*.ipynb") if copy.read_bytes() == before]
    assert len(copies) == 1
    assert RECALL not in path.read_text("utf-8")


@pytest.mark.slow
def test_lessons_are_shown_in_the_language_asked_for(home: Path) -> None:
    assert "## Why they ask" in touchstone("lesson", "metrics", cwd=home).stdout
    assert "面试题" in touchstone("lesson", "metrics", LC_ALL="zh_CN.UTF-8", cwd=home).stdout


@pytest.mark.slow
def test_the_doctor_finds_this_machine_well(home: Path) -> None:
    done = touchstone("doctor", cwd=home)
    assert done.returncode == 0, done.stdout
    assert "sandbox" in done.stdout


@pytest.mark.slow
def test_the_lab_opens_the_workbook(home: Path) -> None:
    assert touchstone("start", "book", cwd=home).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = home / "log.txt"
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=t"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder", "lab", *options],
            cwd=home / "book", stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(home)},
        )  # fmt: skip
    try:
        wait_for(log, f"{port}/lab")
        address = f"http://127.0.0.1:{port}/api/contents/metrics.ipynb?token=t&content=0"
        assert json.loads(answer_of(address))["type"] == "notebook"
        page = answer_of(f"http://127.0.0.1:{port}/lab?token=t")
        disabled = page.partition('"disabledExtensions"')[2].partition("]")[0]
        assert '"@jupyter/nbgrader"' in disabled  # a teacher's buttons
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.slow
def test_watch_grades_again_at_each_save(home: Path) -> None:
    path = save(home, notebook())
    log = home / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder", "watch", str(path), "--lang", "en"],
            cwd=home, stdout=out, stderr=out,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        wait_for(log, "0 / 20")
        time.sleep(1)
        save(home, notebook(RECALL))
        wait_for(log, "2 / 20")
    finally:
        process.terminate()
        process.wait(10)


def wait_for(log: Path, text: str, seconds: float = 120) -> None:
    over = time.monotonic() + seconds
    while text not in log.read_text("utf-8"):
        assert time.monotonic() < over, log.read_text("utf-8")
        time.sleep(0.2)


def answer_of(address: str, seconds: float = 120) -> str:
    """What a server answers; Jupyter writes its address into the log before it listens."""
    over = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < over, f"nobody answers at {address}"
            time.sleep(0.2)


def test_a_model_that_has_no_script_is_told_and_those_that_have_are_named() -> None:
    done = touchstone("dev", "train-models", "nobody", "--lang", "en")
    assert done.returncode == 2
    scripts = sorted((ROOT / "autograder" / "models").glob("tiny_*/train.py"))
    assert scripts
    for path in scripts:
        assert path.parent.name.removeprefix("tiny_") in done.stderr


@pytest.mark.slow
def test_what_did_not_change_is_told_and_not_graded_again(home: Path) -> None:
    path = save(home, notebook(), "mine.ipynb")
    first = touchstone("grade", str(path), "--lang", "en")
    assert "Unchanged" not in first.stdout
    second = touchstone("grade", str(path), "--lang", "en")
    assert second.returncode == first.returncode
    assert "Unchanged since the last grading: mine.ipynb" in second.stdout
    # The very result of the first time, seconds and all.
    assert second.stdout.endswith(first.stdout)
    assert "Unchanged" not in touchstone("grade", str(path), "--again", "--lang", "en").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["interveiw"], "没有 interveiw 这个命令。是不是 'interview'？"),
        (["interview", "--minuts", "3"], "没有选项 --minuts。可能是 --minutes。"),
        (["interview", "--minutes", "x"], "--minutes 的值不对：应是数字。"),
        (["interview", "--minutes"], "选项 --minutes 后面要有值。"),
        (["open", "--port", "99999"], "--port 的值不对：最大是 65535。"),
        (["open", "a", "b"], "多出了参数：b。"),
        (["lesson"], "还缺 位置。"),
        (["class"], "用法："),
    ],
)
def test_wrong_use_is_told_in_chinese_too(arguments: list[str], told: str) -> None:
    done = touchstone(*arguments, "--lang", "zh")
    assert done.returncode == 2
    assert told in done.stderr
    assert not done.stdout


def test_wrong_use_says_how_the_command_goes() -> None:
    done = touchstone("interview", "--minuts", "3", "--lang", "en")
    assert done.returncode == 2
    first, usage, more = done.stderr.splitlines()
    assert "No such option: --minuts" in first
    assert "interview [OPTIONS]" in usage
    assert more.endswith("interview -h")
