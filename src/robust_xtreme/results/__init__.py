"""Frames, scores, degradation, intervals, floors, and how they are stored."""
