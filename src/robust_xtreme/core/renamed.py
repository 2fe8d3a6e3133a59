"""Names that changed. The old ones are read for two minor versions, with a note on stderr."""

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
