"""Lists on the command line: names separated by commas or blanks."""

from __future__ import annotations


def several(option: str, words: str | None) -> list[str] | None:
    """The names of a list. Raises UserError where the option is empty, as with an unset shell variable."""
    if words is None:
        return None
    if not (names := words.replace(",", " ").split()):
        from robust_xtreme.errors import UserError

        raise UserError(f"--{option} names none. Leave it out for all of them.")
    return names
