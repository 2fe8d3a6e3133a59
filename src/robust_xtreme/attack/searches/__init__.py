"""Searches: in which order the edits of an example are tried, and which of them are kept."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {"_searches": ("adaptive", "beam", "greedy", "random")}
