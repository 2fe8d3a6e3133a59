"""The names of splits in frames: a set of noisy examples has rows of its own beside those of its clean split."""

from __future__ import annotations


def of_set(split: str, name: str) -> str:
    """The split of the items that a named set of noisy examples has: `test [typos]`."""
    return f"{split} [{name}]"


def is_of_set(split: str) -> bool:
    """Whether a split is that of a set of noisy examples."""
    return split.endswith("]")


def clean_split(split: str) -> str:
    """The split that the clean items of a set of noisy examples are of; of another split its own name."""
    return split.rpartition(" [")[0] if is_of_set(split) else split
