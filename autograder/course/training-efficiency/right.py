from autograder.checks import right
