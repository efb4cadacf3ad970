"""Cards in the browser: the page on which they are asked, and their sides as HTML."""

from __future__ import annotations

from autograder.language import Language
from autograder.report._templates import render
from autograder.report.site._markdown import markdown
from autograder.report.studytexts import said

RATINGS = (1, 2, 3, 4)


def side(text: str, slug: str) -> str:
    """One side of a card of the lesson `slug` as HTML; formulas are MathML."""
    return str(markdown().render(text, {"slug": slug, "sizes": {}, "table": ""}))


def page(language: Language) -> str:
    """What the page holds before its script has asked for a card."""
    ratings = [(rating, said(f"rating.{rating}", language)) for rating in RATINGS]
    return render("site/review.html.j2", language=language, said=said, ratings=ratings)
