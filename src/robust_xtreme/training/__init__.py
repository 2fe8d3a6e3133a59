"""From an encoder and training data to a run folder: encoder, head, and what they were trained on."""
