"""Adversarial evaluation: searches among edits of examples for those with which a model answers worst."""

from typing import Final

MEMBERS: Final = {
    "constraints": ("blank", "chrf", "protected", "risk", "similarity"),
    "goals": ("choice", "classification", "retrieval", "span_qa", "tagging"),
    "searches": ("adaptive", "beam", "greedy", "random"),
}
