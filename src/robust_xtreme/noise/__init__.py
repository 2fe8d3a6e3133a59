"""Perturbations: the members, the engine that they share, and input methods."""
