"""Predictors, a file each."""
