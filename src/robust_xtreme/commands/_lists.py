"""Lists on the command line: names by commas or blanks."""

from __future__ import annotations


def several(option: str, words: str | None) -> list[str] | None:
    """The words of a list. Raises UserError where an option is given and names nothing, as an unset variable does."""
    if words is None:
        return None
    if not (found := words.replace(",", " ").split()):
        from robust_xtreme.errors import UserError

        raise UserError(f"--{option} names none. Leave it out for all of them.")
    return found
