"""Hands a finished run to other programs, one format per file, and noisy data to harnesses."""
