"""Goals, one for each family of tasks."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {"_goals": ("choice", "classification", "retrieval", "span_qa", "tagging")}
