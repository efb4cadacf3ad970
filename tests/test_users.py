"""Whose processes submissions are: root's, an ordinary user's, one's with subordinate ids."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import get_args

import ordinary
import pytest

from autograder.classroom.graders import LocalGraders, NoWalls
from autograder.engine import users, walls
from autograder.learner import doctor

pytestmark = [
    pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap"),
    pytest.mark.skipif(os.getuid() != 0, reason="this whole run is an ordinary user's"),
]

# One submission holds more pipes than a user may have pages in, and the next asks for one.
TRIED = """\
import threading
from dataclasses import replace
from pathlib import Path
from autograder.engine import Notebook, users
from autograder.engine.cells import Cell
from autograder.engine.pool import Pool
from autograder.engine.process import observe
from autograder.engine.trials import trials
from autograder.exercise import catalog

MANY = '''
import os, time
for _ in range(12):
    told, tell = os.pipe()
    if os.fork() == 0:
        kept = [os.pipe() for _ in range(110)]
        os.write(tell, b'x')
        time.sleep(60)
        os._exit(0)
    assert os.read(told, 1)
'''
MINE = '''
import fcntl, os
print(fcntl.fcntl(os.pipe()[1], fcntl.F_GETPIPE_SZ))
'''
found = replace(catalog.exercise('metrics'), memory=2**29)


def submission(*sources):
    cells = tuple(Cell(str(number), source) for number, source in enumerate(sources))
    return Notebook(Path('x'), 'metrics', 'en', cells)


held = threading.Event()
with Pool([found], walled=True) as pool:
    print(users.source(), *[trial for trial in trials(found, pool.worker) if not trial.stands])
    def greedy():
        observe(
            submission(MANY, 'time.sleep(60)'), found, launch=pool.worker, whole=True,
            told=lambda step, _: held.set() if step == 'cell:1' else None,
        )
    threading.Thread(target=greedy, daemon=True).start()
    assert held.wait(60)
    ran = observe(submission(MINE), found, launch=pool.worker, whole=True).cells
    print(*[output.text for cell in ran for output in cell.outputs], *[c.message for c in ran])
"""


@pytest.fixture(scope="module")
def python() -> str:
    return ordinary.python() or pytest.skip("there is no Python that an ordinary user may run")


@pytest.mark.slow
def test_an_ordinary_users_walls_stand_and_submissions_share_what_is_counted_by_user(
    python: str,
) -> None:
    source, pipe = ordinary.says(TRIED, python).split()
    assert source == "own"
    assert int(pipe) < 2**16


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("newuidmap"), reason="needs newuidmap")
def test_with_subordinate_ids_each_submission_is_a_user_of_its_own(python: str) -> None:
    said = ordinary.says(TRIED, python, subordinate=True)
    if said.startswith("own"):
        pytest.skip("subordinate ids do not work here")
    assert said.split() == ["subordinate", str(2**16)]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages that only their owner may read, as a strict umask leaves them."""
    place = tmp_path / "site-packages"
    place.mkdir(mode=0o700)
    monkeypatch.syspath_prepend(place)
    return place


@pytest.mark.slow
def test_libraries_that_root_keeps_to_itself_are_told_and_nobodys_mistake(closed: Path) -> None:
    """Every import in a submission would fail, and be held against it."""
    with pytest.raises(NoWalls) as told:
        LocalGraders(1)
    (found,) = [finding for finding in doctor.examine() if finding.name == "sandbox"]
    for text in (told.value.text, found.text):
        assert f"chmod -R a+rX {closed}" in text["en"]
        assert f"chmod -R a+rX {closed}" in text["zh"]


@pytest.mark.parametrize("source", get_args(users.Source))
def test_the_doctor_says_whose_submissions_are(source: users.Source) -> None:
    found = doctor.whose(source)
    assert (found.state == "note") == (source == "own")
    assert ("apt install uidmap" in found.text["en"]) == (source == "own")
