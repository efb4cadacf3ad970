"""Tools for authors: `new` scaffolds an exercise, `build` makes its notebooks, `verify` proves it.

Each works on any content root that has this repository's layout: ``autograder/course/``,
``lessons/``, ``exercises/``, ``solutions/``.
"""
