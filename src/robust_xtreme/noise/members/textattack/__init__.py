"""Recipes of TextAttack, as attacks."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {
    "_recipes": ("bae", "deepwordbug", "input_reduction", "pruthi", "pwws", "textbugger", "textfooler"),
}
