"""Targets: what is known of an example by the kind of its target, without a model."""
