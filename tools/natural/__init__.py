"""The packs of the natural members, fitted to lists and published figures: `python -m tools.natural --data DIR`."""
