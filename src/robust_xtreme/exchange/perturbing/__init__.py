"""Perturb a file: its texts are noised in batches, and it is written whole or not at all."""
