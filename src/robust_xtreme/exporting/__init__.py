"""Hands a finished run to other programs, one format per file: a model card, experiment trackers, JSON lines; noisy data for harnesses."""
