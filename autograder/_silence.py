"""Whether `check` and `hint` do nothing here: a grader runs the probes itself, afterwards."""

_silent = False


def silence() -> None:
    """Make `check` and `hint` do nothing in this process."""
    global _silent
    _silent = True


def is_silent() -> bool:
    """Whether `silence` was called."""
    return _silent
