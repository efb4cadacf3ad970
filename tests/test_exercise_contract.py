"""Every exercise keeps every promise. The folder is the registry: nothing here names one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.dev.build import orphans
from autograder.dev.verify import verify
from autograder.engine import ours
from autograder.engine.pool import Pool, pool_of
from autograder.exercise.catalog import COURSE, content_root, exercise, exercises
from autograder.grading.grade import grade_path

SLUGS = sorted(path.parent.name for path in COURSE.glob("*/exercise.toml"))


@pytest.fixture(scope="module")
def warm() -> Iterator[Pool | None]:
    """All libraries, loaded once behind the walls, and once for what is ours."""
    with pool_of(exercises()) as pool, ours.warm(exercises()):
        yield pool


@pytest.mark.slow
@pytest.mark.together
@pytest.mark.parametrize("slug", SLUGS)
def test_keeps_every_promise(slug: str, warm: Pool | None) -> None:
    findings = verify(exercise(slug), pool=warm)
    assert not findings, "\n".join(map(str, findings))


@pytest.mark.covered
@pytest.mark.together
@pytest.mark.parametrize("slug", SLUGS)
def test_the_solution_has_all_points_and_the_stub_none(slug: str, warm: Pool | None) -> None:
    """Quick, for whoever is at work: `verify` proves this and much more."""
    found = exercise(slug)
    solved = grade_path(found.notebook("en", solved=True), pool=warm)
    assert solved.passed, [t.name for t in solved.tasks if t.status != "pass"] or solved.problem
    stub = grade_path(found.notebook("en"), pool=warm)
    assert not stub.points
    assert {task.status for task in stub.tasks} == {"todo"}


def test_requirements_lead_in_an_order() -> None:
    order = [item.slug for item in exercises()]
    assert sorted(order) == SLUGS
    for item in exercises():
        assert all(order.index(name) < order.index(item.slug) for name in item.requires)


def test_no_notebook_outlives_its_exercise() -> None:
    assert orphans(content_root()) == []
