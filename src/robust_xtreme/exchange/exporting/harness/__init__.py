"""Noisy data for harnesses of language models: rows in their columns, and the tasks that read them."""
