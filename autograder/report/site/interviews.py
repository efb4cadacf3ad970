"""An interview in the browser: its page, and what the page shows at each step."""

from __future__ import annotations

from typing import Any

from autograder.language import Language
from autograder.report._templates import render
from autograder.report.interviewing import clock
from autograder.report.interviewtexts import said
from autograder.report.site.cards import side


def page(language: Language) -> str:
    """What the page holds before its script has asked where the interview stands."""
    return render("site/interview.html.j2", language=language, said=said)


def stage(language: Language, **shown: Any) -> str:
    """One step, as a form: what is shown, and what the learner may answer."""
    return render(
        "site/interview-stage.html.j2",
        language=language,
        said=said,
        side=side,
        clock=clock,
        **shown,
    )
