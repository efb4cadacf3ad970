"""Observations to verdicts and diagnoses: frozen data in, frozen data out."""
