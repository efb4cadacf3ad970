"""Tiny GPT: weights, card, and the script and stories that made it."""
