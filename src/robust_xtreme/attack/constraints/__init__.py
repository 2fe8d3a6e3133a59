"""Constraints of attacks, a file each."""
