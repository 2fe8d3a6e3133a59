"""Predictors: how a model answers examples."""
