"""Files that are perturbed: one format each, read as a stream and written with only the texts changed."""
