"""Planted faults: small mistakes in a copy of the source, each of which the tests named for it must catch."""
