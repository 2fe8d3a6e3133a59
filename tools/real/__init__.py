"""Heads of a real encoder on release files, from data to pages: `python -m tools.real --data DIR`, or `make real`."""
