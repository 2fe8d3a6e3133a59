"""Shallow predictors: answers that read only the surface of a text."""
