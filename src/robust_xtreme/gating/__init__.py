"""Compares a run with a baseline, and says which cells got worse, under a policy."""
