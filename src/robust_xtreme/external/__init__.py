"""Noisy examples of other people, read and paired with the clean ones, so that `eval` compares the two."""
