"""One file per perturbation."""
