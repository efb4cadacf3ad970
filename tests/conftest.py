"""What all tests share."""

from __future__ import annotations

import os

from hypothesis import settings

# Tests run side by side, one process for each core; more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Examples are not timed: a busy machine is no defect. CI draws the same ones at every run, so that
# a change is judged by what it changes; a run by hand goes on looking for others.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
