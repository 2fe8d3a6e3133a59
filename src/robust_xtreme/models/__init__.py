"""Models: what a model name refers to, where its files are, and its identity, labels and weights."""
