"""Processes that compute: those that prepare texts and score answers, and those that have a model and a device."""
