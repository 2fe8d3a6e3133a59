"""Names that changed. The old ones are read for two minor versions, with a note on stderr."""

from typing import Final, NamedTuple


class Renamed(NamedTuple):
    """An old name of an option of the command `of`, of a value of the key `of`, or of a class of the module `of`.

    Where `of` is empty it is of an option of all commands, or of a command. `new` is empty where nothing replaces it,
    for the reason `why`. Only values are not read any more. `since` is the version that has the new name.
    """

    since: str
    of: str
    old: str
    new: str = ""
    why: str = ""

    @property
    def until(self) -> str:
        """The version that does not know the old name: two minor versions later."""
        major, minor = self.since.split(".")
        return f"{major}.{int(minor) + 2}"


RENAMED: Final = (
    Renamed("0.1", "", "--output", "--out"),
    Renamed("0.1", "examples", "--noise", "--perturb"),
    Renamed("0.1", "export", "--cluster", "--cluster-field"),
    Renamed("0.1", "export", "--target", "--gold"),
    *(
        Renamed("0.1", "import", f"--{name}-key", f"--{name}-field")
        for name in ("id", "prediction", "score", "cluster")
    ),
    Renamed("0.1", "import", "--gold-key", "--gold"),
    Renamed("0.1", "perturb", "--books", "--edit-counts"),
    Renamed("0.1", "eval", "--index", why="search is always exact"),
    Renamed("0.1", "index", "ivf", why="search is always exact"),
    Renamed("0.1", "index", "hnsw", why="search is always exact"),
    Renamed("0.1", "errors", "Overlap", "Contamination"),
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
