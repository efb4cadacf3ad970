"""Tiny reference models, shipped with the scripts that trained them."""
