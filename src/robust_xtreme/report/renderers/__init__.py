"""Renders documents, one format per file."""
