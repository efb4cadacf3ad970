"""An otter-grader assignment that asks what our checks ask, for a fair race.

One test file for each task, one doctest for each check. A doctest runs the same probe on the
same data and compares with the reference's value, stored beforehand, within the same tolerance.
Our guards (limits, random state, diagnosis) are left out, and so are the notebook's own check
cells, so that otter-grader does no work that its own way of grading does not ask for.
"""

from __future__ import annotations

import json
from pathlib import Path

from autograder.evidence.packing import pack
from autograder.exercise.catalog import Exercise
from autograder.exercise.suite import Suite
from autograder.grading.oracle import answer_key

# Runs beside the submission, in otter's kernel.
ANSWERS = """\
from pathlib import Path

from autograder.exercise.catalog import exercise
from autograder.exercise.suite import Suite
from autograder.judging.comparing import equal
from autograder.evidence.observations import to_data
from autograder.evidence.packing import unpack

SUITE = Suite(exercise({slug!r}))
EXPECTED = unpack(Path(__file__).with_name("expected.msgpack").read_bytes())


def holds(name, names):
    check = SUITE.checks[name]
    arguments = {{
        argument: SUITE.fixture(argument, name) if SUITE.is_fixture(argument) else names[argument]
        for argument in check.arguments
    }}
    seen = to_data(check.function(**arguments))
    if check.expect is not None:
        return check.expect(seen, EXPECTED[name])
    return equal(seen, EXPECTED[name], check.close)
"""
TEST_FILE = """\
OK_FORMAT = True
test = {{"name": {name!r}, "points": {points!r}, "suites": [{{"cases": {cases!r}}}]}}
"""


def write_assignment(exercise: Exercise, notebook: Path, folder: Path) -> None:
    """Write ``tests/``, what they need, and ``submission.ipynb`` into `folder`."""
    suite, known = Suite(exercise), answer_key(exercise).outcomes
    expected = {name: known[name][()].value for name in suite.checks}
    (folder / "expected.msgpack").write_bytes(pack(expected))
    (folder / "answers.py").write_text(ANSWERS.format(slug=exercise.slug), "utf-8")
    (folder / "tests").mkdir()
    for task in exercise.tasks:
        cases = [
            {"code": f">>> from answers import holds\n>>> holds({check.name!r}, globals())\nTrue"}
            for check in suite.of_task(task.name)
        ]
        text = TEST_FILE.format(name=task.name, points=task.points, cases=cases)
        (folder / "tests" / f"{task.name}.py").write_text(text, "utf-8")
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"] = [c for c in content["cells"] if not c["id"].endswith("-check")]
    (folder / "submission.ipynb").write_text(json.dumps(content), "utf-8")
