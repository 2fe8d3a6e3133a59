"""Adapters from rows to examples: one file for each kind of row, shared by tasks and intermediate tasks."""
