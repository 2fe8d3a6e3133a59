"""Names of exported tasks and files: of letters, digits, `-`, `_` and `.`, each for one condition and noise seed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from robust_xtreme.core.examples import digest
from robust_xtreme.exchange.exporting.harness.sheet import TaskSheet
from robust_xtreme.noise.conditions.condition import CLEAN, Condition

PREFIX: Final = "rx"
_OTHERS: Final = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST: Final = 60


def slugs(sheet: TaskSheet, conditions: Sequence[Condition]) -> dict[str, str]:
    """A short name for each condition, by its full name; the fields are left out where they are the sheet's own."""
    short = {each.name: _slug(_shown(sheet, each)) for each in conditions}
    counts = Counter(short.values())
    return {
        name: slug if counts[slug] == 1 and len(slug) <= _LONGEST else f"{slug[:_LONGEST]}-{digest(name)}"
        for name, slug in short.items()
    }


def file_name(name: str, slug: str, seed: int) -> str:
    """The name of the rows of a task under a condition and seed."""
    return f"{_slug(name)}__{CLEAN}" if slug == CLEAN else f"{_slug(name)}__{slug}__s{seed}"


def task_name(file: str) -> str:
    """The name of the task that reads such rows."""
    return f"{PREFIX}_{file}"


def _shown(sheet: TaskSheet, condition: Condition) -> str:
    spec = condition.spec
    if spec is None:
        return condition.name
    return str(spec.on() if spec.fields == sheet.fields else spec)


def _slug(text: str) -> str:
    return _OTHERS.sub("-", text).strip("-.")
