"""Searches, a file each: in which order the edits of an example are tried, and which of them are kept."""
