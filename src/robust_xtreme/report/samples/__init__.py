"""Examples of a run that readers look at: which ones, their texts, and how they are shown."""
