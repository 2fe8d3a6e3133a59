"""Predictions and scores that others made, as the run folder that `report`, `compare` and `gate` read."""
