"""The packs of the perturbation `natural`, fitted to lists of misspellings: `python -m tools.natural --data DIR`."""
