"""Frames, scores, degradation, intervals, chance, and how they are stored."""
