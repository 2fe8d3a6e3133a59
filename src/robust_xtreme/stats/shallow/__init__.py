"""Shallow predictors: answers that read only the surface of a text, one predictor for each kind of target."""
