"""A notebook graded: what the engine saw, judged by an answer key, and kept in a journal."""
