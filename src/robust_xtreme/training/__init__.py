"""Training: from an encoder and data to a run folder with encoder, head, and a record of the training data."""
