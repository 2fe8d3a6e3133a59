"""Retrieval: vectors on disk, and the search for the nearest candidates."""
