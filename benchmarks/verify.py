"""How long it takes to prove the exercise `metrics`: every answer, right and wrong.

uv run python benchmarks/verify.py [--runs N]
"""

from __future__ import annotations

from timing import command, runs, show, side_by_side

BUDGET_SECONDS = 30.0
NAME = "touchstone dev verify metrics"


def main() -> None:
    count = runs(__doc__, 3)
    seconds = side_by_side({NAME: lambda: command(*NAME.split())}, count)
    is_met = show("Proving an exercise", seconds)[NAME] <= BUDGET_SECONDS
    print(f"Budget of {BUDGET_SECONDS:g} s: {'met' if is_met else 'missed'}.")


if __name__ == "__main__":
    main()
