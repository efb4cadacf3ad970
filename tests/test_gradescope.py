"""The bundle for Gradescope, unpacked and run as its documentation says, in a container like it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attempts import notebook, save

from autograder.classroom.bundle import BundleError, write_gradescope_bundle
from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError

pytestmark = pytest.mark.slow

SECRET = "a secret of the class"
METRICS = catalog.exercise("metrics")
CAN_CONTAIN = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("bwrap")


@dataclass(frozen=True)
class Container:
    """A file system with ``/autograder`` in it where we are root, as Gradescope has it.

    Where it cannot be had, the scripts run right here, told by the environment where things are.
    """

    root: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        places = {"autograder": "/autograder", "home": "/opt/touchstone", "tmp": "/tmp"}
        if not CAN_CONTAIN:
            places = {name: str(self.root / name) for name in places}
            variables = {"TOUCHSTONE_WORKER_USER": "", **variables}
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": places["tmp"], "TOUCHSTONE_PYTHON": sys.executable,
            "PYTHONPATH": f"{places['home']}/packages", "TOUCHSTONE_HOME": places["home"],
            "TOUCHSTONE_AUTOGRADER": places["autograder"],
            "XDG_CACHE_HOME": f"{places['home']}/cache", **variables,
        }  # fmt: skip
        line = [part.replace("/autograder/", f"{places['autograder']}/") for part in command]
        if CAN_CONTAIN:
            line = [*self._walls(places), "--", *line]
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240)

    def _walls(self, places: dict[str, str]) -> list[str]:
        line = ["bwrap", "--die-with-parent", "--unshare-pid", "--cap-add", "ALL"]
        line += ["--dev", "/dev", "--proc", "/proc", "--perms", "0755", "--dir", "/opt"]
        # The places come first: what is shown may lie below one, as a clone in /tmp does.
        for name, place in places.items():
            line += ["--bind", str(self.root / name), place]
        shown = [Path(p) for p in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")]
        shown += [Path(sys.base_prefix), Path(sys.prefix)]
        for folder in sorted({parent for path in shown for parent in path.parents} - {Path("/")}):
            line += ["--perms", "0755", "--dir", str(folder)]
        for path in filter(Path.exists, shown):
            line += ["--ro-bind", str(path), str(path)]
        return [*line, "--chdir", "/"]

    def grade(self, *handed_in: Path, **variables: str) -> dict[str, Any]:
        """What ``results.json`` says of these files."""
        for name in ("submission", "results"):
            folder = self.root / "autograder" / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for path in handed_in:
            shutil.copy(path, self.root / "autograder" / "submission")
        done = self.run("/autograder/run_autograder", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        text = (self.root / "autograder" / "results" / "results.json").read_text("utf-8")
        assert "Traceback" not in text
        table: dict[str, Any] = json.loads(text)
        return table


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    root = tmp_path_factory.mktemp("gradescope")
    for name in ("autograder", "home", "tmp"):
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    source = root / "autograder" / "source"
    bundle = write_gradescope_bundle(["metrics"], root / "bundle.zip", secret=SECRET)
    zipfile.ZipFile(bundle).extractall(source)
    # As setup.sh does with site-packages, and Gradescope with the script.
    shutil.copytree(source / "course", root / "home" / "packages")
    shutil.copy(source / "run_autograder", root / "autograder")
    (root / "autograder" / "run_autograder").chmod(0o755)
    made = Container(root)
    module = "autograder.classroom.gradescope"
    done = made.run(sys.executable, "-m", module, "prepare", "/autograder/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "metrics: ready" in done.stdout
    return made


def test_the_solution_gets_full_points(container: Container) -> None:
    table = container.grade(METRICS.notebook("zh", solved=True))
    assert table["score"] == METRICS.points == sum(test["score"] for test in table["tests"])
    assert {test["status"] for test in table["tests"]} == {"passed"}
    assert table["stdout_visibility"] == "hidden"
    assert table["tests"][0]["name"] == METRICS.tasks[0].title["zh"]


def test_the_untouched_notebook_gets_nothing(container: Container) -> None:
    table = container.grade(METRICS.notebook("en"))
    assert table["score"] == 0
    assert sum(test["max_score"] for test in table["tests"]) == METRICS.points


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ({}, "no notebook"),
        ({"x.pdf": b""}, "no notebook"),
        ({"x.ipynb": b"{"}, "x.ipynb: It is not valid JSON"),
        ({"x.ipynb": b"\x80{"}, "x.ipynb: It is not text"),
        ({"x.ipynb": METRICS, "copy.ipynb": METRICS}, "2 notebooks answer metrics: copy.ipynb, x"),
        ({"x.ipynb": catalog.exercise("resnet-eval")}, "No notebook answers metrics"),
    ],
    ids=lambda value: "+".join(value) or "nothing" if isinstance(value, dict) else None,
)
def test_what_cannot_be_graded_is_told_to_the_student(
    container: Container, contents: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    for name, content in contents.items():
        is_bytes = isinstance(content, bytes)
        (tmp_path / name).write_bytes(content if is_bytes else content.notebook("en").read_bytes())
    table = container.grade(*tmp_path.iterdir())
    assert table["score"] == 0
    assert reason in table["output"]
    assert "Our fault" not in table["output"]


@pytest.mark.parametrize("broken", ["settings", "interpreter", "course", "reference"])
def test_whatever_breaks_of_ours_is_said_to_be_ours(container: Container, broken: str) -> None:
    files = {
        "settings": container.root / "autograder/source/settings.json",
        "reference": container.root / "home/packages/autograder/course/metrics/reference.py",
    }
    variables = {"interpreter": {"TOUCHSTONE_PYTHON": "/nowhere/python"},
                 "course": {"TOUCHSTONE_COURSE": "/nowhere/course"}}  # fmt: skip
    kept = files[broken].read_text("utf-8") if broken in files else ""
    try:
        if broken in files:
            files[broken].write_text("{")
        notebook = METRICS.notebook("en", solved=True)
        table = container.grade(notebook, **variables.get(broken, {}))
    finally:
        if broken in files:
            files[broken].write_text(kept)
    assert table["score"] == 0
    assert not table["tests"]
    assert "not your" in table["output"]


def test_an_assignment_of_several_exercises(container: Container) -> None:
    settings = container.root / "autograder" / "source" / "settings.json"
    kept = settings.read_text("utf-8")
    try:
        exercises = {**json.loads(kept), "exercises": ["gpt-generation", "metrics"]}
        settings.write_text(json.dumps(exercises))
        table = container.grade(METRICS.notebook("en", solved=True))
    finally:
        settings.write_text(kept)
    assert table["score"] == METRICS.points
    assert "No notebook answers gpt-generation" in table["output"]
    assert {test["name"].partition(":")[0] for test in table["tests"]} == {"metrics"}


ATTEMPTS = """
import os, pathlib, subprocess, sys
import autograder

def attempt(what, act):
    try:
        found = act()
        loot = repr(found)[:200]
    except BaseException as error:
        loot = f"no: {type(error).__name__}"
    with open("/tmp/loot", "a") as file:
        file.write(f"{what}\\t{loot}\\n")

package = pathlib.Path(autograder.__file__).parent
pathlib.Path("/tmp/loot").write_text("")
attempt("free", lambda: (package / "course/metrics/checks.py").read_text()[:9])
attempt("settings", lambda: pathlib.Path("/autograder/source/settings.json").read_text())
attempt("results", lambda: os.listdir("/autograder/results"))
attempt("forge", lambda: pathlib.Path("/autograder/results/results.json").write_text("{}"))
attempt("replace", lambda: os.rename("/autograder/results", "/autograder/mine"))
attempt("script", lambda: open("/autograder/run_autograder", "a"))
for name in ("reference", "wrong", "right", "notebook"):
    attempt(name, lambda: (package / f"course/metrics/{name}.py").read_text()[:99])
attempt("solutions", lambda: os.listdir(package / "_content/solutions/en"))
attempt("keys", lambda: os.listdir("/opt/touchstone/cache/touchstone/keys"))
attempt("parent", lambda: pathlib.Path(f"/proc/{os.getppid()}/environ").read_text())
attempt("memory", lambda: open(f"/proc/{os.getppid()}/mem", "rb"))
attempt("kill", lambda: os.kill(os.getppid(), 9))
attempt("root", lambda: os.setuid(0))
late = "import time; time.sleep(0.5); open('/autograder/results/results.json', 'w').write('{}')"
subprocess.Popen([sys.executable, "-c", late], start_new_session=True)
"""


@pytest.mark.skipif(not CAN_CONTAIN, reason="only root can run a submission as somebody else")
def test_a_submission_reads_no_secret_and_writes_no_result(
    container: Container, tmp_path: Path
) -> None:
    table = container.grade(save(tmp_path, notebook(ATTEMPTS)))
    assert table["score"] == 0
    assert len(table["tests"]) == len(METRICS.tasks)
    lines = (container.root / "tmp" / "loot").read_text().splitlines()
    loot = dict(line.split("\t") for line in lines)
    assert not loot.pop("free").startswith("no: ")
    assert len(loot) == 15
    assert {what: found for what, found in loot.items() if not found.startswith("no: ")} == {}
    assert SECRET not in json.dumps(table)


def test_the_bundle_is_as_gradescope_wants_it_and_the_same_each_time(tmp_path: Path) -> None:
    first = write_gradescope_bundle(["metrics"], tmp_path, secret=SECRET, language="zh")
    assert first == tmp_path / "gradescope-metrics.zip"
    again = write_gradescope_bundle(["metrics"], tmp_path / "x.zip", secret=SECRET, language="zh")
    again = write_gradescope_bundle(["metrics"], again, secret=SECRET, language="zh")
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        for script in ("setup.sh", "run_autograder"):
            assert archive.getinfo(script).external_attr >> 16 & 0o111 == 0o111
            assert archive.read(script).startswith(b"#!/usr/bin/env bash\n")
            assert b"\r" not in archive.read(script)
            check = subprocess.run(["bash", "-n"], input=archive.read(script), capture_output=True)
            assert check.returncode == 0, check.stderr
        assert json.loads(archive.read("settings.json"))["secret"] == SECRET
        assert json.loads(archive.read("unfinished.json"))["score"] == 0
        requirements = archive.read("requirements.txt").decode().splitlines()
    assert "course/autograder/_content/solutions/en/metrics.ipynb" in names
    assert not [name for name in names if "__pycache__" in name or "/." in name or ".." in name]
    assert [line.partition("==")[0] for line in requirements if line.startswith("torch")]
    assert all("==" in line and "+" not in line for line in requirements)


def test_a_bundle_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cooking"):
        write_gradescope_bundle(["cooking"], tmp_path)
    with pytest.raises(BundleError, match="which exercise"):
        write_gradescope_bundle([], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="cannot be written") as error:
        write_gradescope_bundle(["metrics"], tmp_path / "file" / "x.zip")
    assert "无法写入" in error.value.text["zh"]
    work = tmp_path / "class.zip"
    with zipfile.ZipFile(work, "w") as archive:
        archive.writestr("ann.ipynb", "{}")
    for path in (work, tmp_path / "file"):
        before = path.read_bytes()
        with pytest.raises(BundleError, match="another kind"):
            write_gradescope_bundle(["metrics"], path)
        assert path.read_bytes() == before
