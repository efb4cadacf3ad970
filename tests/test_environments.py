"""Where people have Python, the course and their class: nothing of theirs shows in any of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dev_exercise
import pytest
from toy_class import RIGHT, graded, hand_in

from autograder.engine import walls
from autograder.exercise import catalog

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap"),
]

ROOT = catalog.PACKAGE.parent
LIBRARIES = sysconfig.get_path("purelib")
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
SECRET = "a secret of nobody else's class"


@dataclass
class Place:
    """A class, the Python that grades it, and where the course that this runs lies."""

    top: Path
    python: Path
    package: Path
    env: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    @property
    def seen(self) -> Path:
        """The top, by the name that the teacher uses."""
        return Path(self.prefix or self.top)


def in_a_clone(top: Path) -> Place:
    return Place(top, Path(sys.executable), catalog.PACKAGE)


def environment(at: Path, *paths: str) -> Path:
    """An environment at `at` that has our libraries, and what lies in `paths`."""
    venv.create(at, symlinks=True)
    (at / SITE / "course.pth").write_text("\n".join([LIBRARIES, *paths]))
    return at / "bin" / "python"


def editable(top: Path) -> Place:
    return Place(top, environment(top / "elsewhere" / "env", str(ROOT)), catalog.PACKAGE)


def beside_the_class(top: Path) -> Place:
    return Place(top, environment(top / ".venv", str(ROOT)), catalog.PACKAGE)


def around_the_class(top: Path) -> Place:
    """``python -m venv .`` in the class's folder."""
    return Place(top, environment(top, str(ROOT)), catalog.PACKAGE)


def installed(site: Path) -> Path:
    """The package as a wheel puts it there."""
    shutil.copytree(catalog.PACKAGE, site / "autograder", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("lessons", "exercises", "solutions"):
        shutil.copytree(ROOT / name, site / "autograder" / "_content" / name)
    return site / "autograder"


def wheel(top: Path) -> Place:
    python = environment(top)
    return Place(top, python, installed(top / SITE))


def of_the_user(top: Path) -> Place:
    site = top / SITE
    site.mkdir(parents=True)
    env = {"PYTHONUSERBASE": str(top)}
    python = environment(top / "env")
    config = top / "env" / "pyvenv.cfg"
    config.write_text(config.read_text().replace("packages = false", "packages = true"))
    return Place(top, python, installed(site), env)


def below_the_system(top: Path) -> Place:
    """A checkout in ``/usr/src/app`` with its environment and the class, as in a container."""
    app = top / "app"
    shutil.copytree(ROOT / "autograder", app / "autograder")
    shutil.copytree(ROOT / "solutions", app / "solutions")
    shutil.copy(ROOT / "pyproject.toml", app)
    return Place(app, environment(app / ".venv", str(app)), app / "autograder")


def beside_a_checkout(top: Path) -> Place:
    made = below_the_system(top)
    return Place(top, made.python, made.package)


def through_a_link(top: Path) -> Place:
    real = top / "real"
    real.mkdir()
    environment(real, str(ROOT))
    (top / "link").symlink_to(real)
    return Place(real, top / "link/bin/python", catalog.PACKAGE, prefix=str(top / "link"))


LAYOUTS: dict[str, tuple[Callable[[Path], Place], str]] = {
    "uv run in a clone": (in_a_clone, "/var/tmp"),
    "an editable install in an environment": (editable, "/var/tmp"),
    "an environment in the class's folder": (beside_the_class, "/var/tmp"),
    "an environment that is the class's folder": (around_the_class, "/var/tmp"),
    "a wheel, in an environment that is the class's folder": (wheel, "/var/tmp"),
    "a user install, the class beside it": (of_the_user, "/var/tmp"),
    "a checkout in /usr/src, the class in it": (below_the_system, "/usr/src"),
    "a checkout in /usr/src, the class beside it": (beside_a_checkout, "/usr/src"),
    "a checkout in /usr/local/lib, the class in it": (below_the_system, "/usr/local/lib"),
    "a checkout in /usr/local/lib, the class beside it": (beside_a_checkout, "/usr/local/lib"),
    "an environment that is the class's folder, by a link": (through_a_link, "/var/tmp"),
    "all of it in /tmp": (around_the_class, "/tmp"),
}


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made, where = LAYOUTS[request.param]
    if not os.access(where, os.W_OK):
        pytest.skip(f"may not write to {where}")
    with tempfile.TemporaryDirectory(dir=where, prefix="touchstone-") as folder:
        Path(folder).chmod(0o755)
        yield made(Path(folder))


SPY = """
import os, pathlib
def _reads(path):
    try:
        with open(path, "rb") as file:
            return len(file.read(9)) > 0
    except OSError:
        return False
if not _reads({shown!r}) or any(map(_reads, {private!r})):
    average = None
for _top in {tops!r}:
    for _folder, _, _names in os.walk(_top):
        for _name in _names:
            _path = os.path.join(_folder, _name)
            _own = _path.startswith({package!r}) or "site-packages/" in _path
            if _name.endswith((".ipynb", ".txt", ".csv", ".sqlite")) and not _own:
                average = None
"""


# A copy below /usr can be read by every class, so that meanwhile none would be graded.
EACH = [
    pytest.param(name, marks=pytest.mark.alone if where.startswith("/usr") else ())
    for name, (_, where) in LAYOUTS.items()
]


@pytest.mark.parametrize("place", EACH, indirect=True)
def test_neither_answers_nor_what_is_the_classs_can_be_read(place: Place) -> None:
    top = place.seen
    exercise = dev_exercise.make(place.top / "own")
    private = [
        *(place.package / "course/metrics" / name for name in ("reference.py", "wrong.py")),
        exercise.folder / "reference.py", place.package / "_content/solutions/en/metrics.ipynb",
        *(place.package.parent / name for name in ("solutions/en/metrics.ipynb", "pyproject.toml")),
        place.package.parent / "tests/test_places.py", top / "secret.txt", top / "roster.csv",
        top / "out/class.sqlite", top / "in/ben.ipynb", top / "in/ann.ipynb",
    ]  # fmt: skip
    (top / "secret.txt").write_text(SECRET)
    (top / "roster.csv").write_text("Student,ID\n")
    every = sorted({str(real) for path in private for real in (path, path.resolve())})
    spy = SPY.format(
        shown=str(place.package / "checks.py"), private=every, tops=[str(top), str(place.top)],
        package=f"{place.package}/",
    )  # fmt: skip
    hand_in(top / "in", "ann.ipynb", f"{RIGHT}\n{spy}")
    hand_in(top / "in", "ben.ipynb", RIGHT)
    done = run(place, exercise.folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    points = {
        item["path"]: item["points"] / item["max_points"]
        for item in graded({**os.environ}, top / "out")["submissions"]
    }
    assert points == {"ann.ipynb": 1.0, "ben.ipynb": 1.0}


def run(place: Place, course: Path, *options: str) -> subprocess.CompletedProcess[str]:
    top = place.seen
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH",)}
    return subprocess.run(
        [place.python, "-Bm", "autograder", "class", "grade", top / "in", "--out", top / "out",
         "--secret", top / "secret.txt", "--workers", "1", *options],
        env={**env, **place.env, "TOUCHSTONE_COURSE": str(course)}, cwd=top,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
