"""Models: which one a name means, where it is, its identity, its labels and its weights."""
