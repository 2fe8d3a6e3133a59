"""The engine: which units change, what they become, and what was changed, for batches of texts."""
