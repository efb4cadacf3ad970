"""The learner's day: desk, workbook, demonstration, and a look at the machine."""
