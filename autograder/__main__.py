"""``python -m autograder`` is the ``touchstone`` command."""

from autograder.cli import main

main()
