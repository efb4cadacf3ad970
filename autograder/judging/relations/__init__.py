"""How what came out relates to what is right, where it is no mistake that the exercise knows.

A hundred times as large, one minus it, transposed, one element too few: mistakes that are the same
in every exercise, so that none of them writes anything for it. Each is a small pure function with
its sentence in both languages; `found_in` weighs what speaks for one.
"""

from autograder.judging.relations._finding import Differing, Found, Relation, found_in

__all__ = ["Differing", "Found", "Relation", "found_in"]
