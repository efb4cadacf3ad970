"""Small data sets written for the course."""
