"""Reading and grading submissions in processes that are thrown away: see `bench`.

Here is the side that must outlive every submission. It hands over bytes and takes back a notebook
or a result; what a submission does to its process is that submission's own verdict.
"""

from autograder.grading.apart._judge import Judge
from autograder.grading.apart._reader import Reader, make_ready, read_apart

__all__ = ["Judge", "Reader", "make_ready", "read_apart"]
