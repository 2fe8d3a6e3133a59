"""Constraints of attacks."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {"_constraints": ("blank", "chrf", "protected", "risk", "similarity")}
