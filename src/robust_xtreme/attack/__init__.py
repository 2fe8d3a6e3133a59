"""Adversarial evaluation: searches among edits of examples for those with which a model answers worst."""
