"""Mutation testing of the numbers: which of a seeded sample of small changes of the code the tests find."""
