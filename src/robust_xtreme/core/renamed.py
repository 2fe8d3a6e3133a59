"""Names that changed. The old ones are read for two minor versions, with a note on stderr."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Renamed(NamedTuple):
    """An old name of an option of the command `of`, of a value of the key `of`, or of a class of the module `of`.

    Where `of` is empty it is of an option of all commands, or of a command. `new` is empty where nothing replaces it,
    for the reason `why`. Only values are not read any more. `until` is the version that does not know the old name.
    """

    of: str
    old: str
    new: str = ""
    why: str = ""
    until: str = "0.3"


RENAMED: Final = (
    Renamed("", "attack", "rate"),
    Renamed("", "--output", "--out"),
    Renamed("rate", "--rows", "--limit"),
    Renamed("examples", "--noise", "--perturb"),
    Renamed("export", "--cluster", "--cluster-field"),
    Renamed("export", "--target", "--gold"),
    *(Renamed("import", f"--{name}-key", f"--{name}-field") for name in ("id", "prediction", "score", "cluster")),
    Renamed("import", "--gold-key", "--gold"),
    Renamed("perturb", "--books", "--edit-counts"),
    Renamed("eval", "--index", why="search is always exact"),
    Renamed("index", "ivf", why="search is always exact"),
    Renamed("index", "hnsw", why="search is always exact"),
    Renamed("errors", "Overlap", "Contamination"),
)
"""All names that changed."""


def renamed(of: str, old: str) -> Renamed | None:
    """What became of an old name; None where it is not one."""
    return next((row for row in RENAMED if (row.of, row.old) == (of, old)), None)


def note(row: Renamed) -> str:
    """The old name and what to write instead, in a sentence."""
    if row.new:
        return f"{row.old} is now {row.new}; the old name is read until {row.until}."
    return f"{row.old} is removed: {row.why}. Leave it out."


def current(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of a command line as of today, and notes on the old ones. Raises UserError where a value is missing."""
    from robust_xtreme.core.errors import UserError

    command = next((word for word in words if not word.startswith("-")), "")
    kept: list[str] = []
    notes: list[str] = []
    if command and (row := renamed("", command)):
        at, command = [*words].index(command), row.new
        words, notes = [*words[:at], command, *words[at + 1 :]], [note(row)]
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*kept, word, *rest], notes
        option, equals, value = word.partition("=")
        row = renamed(command, option) or (renamed("", option) if option.startswith("-") else None)
        if row is None:
            kept.append(word)
            continue
        notes.append(note(row))
        if row.new:
            kept.append(f"{row.new}{equals}{value}")
        elif not equals and next(rest, "-").startswith("-"):
            raise UserError(f"{option} took a value, which is missing. {note(row)}")
    return kept, notes
