"""Heads: how an example is read, and how scores become a prediction."""

from typing import Final

MEMBERS: Final = {"_heads": ("choice", "classification", "retrieval", "span_qa", "tagging")}
