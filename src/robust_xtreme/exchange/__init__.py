"""Files of other programs: predictions and logs read, runs and tasks written, files perturbed."""
