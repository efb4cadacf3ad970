from autograder.checks import wrong
