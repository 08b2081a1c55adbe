"""Proof that the shipped units, samples and drop-ins start, with all that they forbid in force."""
