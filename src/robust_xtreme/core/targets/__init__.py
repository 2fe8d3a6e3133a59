"""Targets: the properties of examples that follow from the kind of their target, without a model."""
