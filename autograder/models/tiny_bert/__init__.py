"""Tiny BERT: weights, card, and the script and grammar that made it."""
