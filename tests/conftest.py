"""What all tests share."""

from __future__ import annotations

import os

# Tests run side by side, one process for each core; more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
