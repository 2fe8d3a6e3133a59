"""Noisy examples of other people: how their files are read, and what they are paired with."""
