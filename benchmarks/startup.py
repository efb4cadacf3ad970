"""How soon `touchstone --help` answers, beside an empty Python, nbgrader and otter-grader.

uv run python benchmarks/startup.py [--runs N]
"""

from __future__ import annotations

import subprocess
import sys

from timing import command, runs, show, side_by_side

BUDGET_SECONDS = 0.3
HEAVY = ("torch", "sklearn", "IPython", "transformers", "numpy")
PROBE = """\
import sys
sys.argv = ["touchstone", "--help"]
from autograder.cli import main
try:
    main()
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


def loaded() -> list[str]:
    """Heavy libraries that `touchstone --help` loads."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    return [name for name in HEAVY if name in done.stderr.split()]


def main() -> None:
    count = runs(__doc__, 15)
    medians = show(
        "Start-up",
        side_by_side(
            {
                "touchstone --help": lambda: command("touchstone", "--help"),
                "python -c pass": lambda: command("python", "-c", "pass"),
                "nbgrader --help": lambda: command("nbgrader", "--help"),
                "otter --help": lambda: command("otter", "--help"),
            },
            count,
        ),
    )
    print(f"Heavy libraries that it loads: {', '.join(loaded()) or 'none'}.")
    is_met = medians["touchstone --help"] <= BUDGET_SECONDS
    print(f"Budget of {BUDGET_SECONDS} s: {'met' if is_met else 'missed'}.")


if __name__ == "__main__":
    main()
