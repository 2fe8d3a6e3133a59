"""`robust-xtreme cache`: shows or empties the cache of predictions and embeddings."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.filesize import decimal

from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_word, option
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.files.cache import Info

_WHAT: Final = ("info", "clear")
_EVAL: Final = ("eval", "--perturb", "char_noise:0.1")


def cache(
    what: Annotated[str, argument("info | clear", "Show the cache, or empty it. Default: info.")] = "info",
    yes: Annotated[bool, option("--yes -y", "Empty it without asking.")] = False,
    as_json: Annotated[bool, option("--json", "One JSON object, for programs.")] = False,
) -> None:
    """Show or empty the cache of predictions and embeddings that `eval` keeps, so that it computes only what is new.

    ROBUST_XTREME_CACHE names its folder and ROBUST_XTREME_CACHE_LIMIT its size (2GiB); the least recently used entries
    are removed first. Models and data sets from the hub are in the cache of the hub, which is shown and never emptied.

    Examples: robust-xtreme cache info --json; robust-xtreme cache clear --yes
    """
    from robust_xtreme.cli._terminal import print_json
    from robust_xtreme.files.cache import clear, info

    check_word("cache", what, _WHAT)
    before = info()
    if what == "info":
        facts = _facts(before)
        if as_json:
            print_json(facts)
        else:
            _print(facts)
            show_next(*_EVAL)
        return
    if before.size and not yes:
        _ask(before)
    removed = _facts(clear())
    if as_json:
        print_json({"folder": removed["folder"], "removed": removed["entries"], "others": removed["others"]})
    else:
        total = sum(kind["entries"] for kind in removed["entries"].values())
        what = f"{total:,} entr{'y' if total == 1 else 'ies'}"
        others = f", with {', '.join(removed['others'])}" if removed["others"] else ""
        echo(f"Removed {what} ({decimal(removed['size'])}) from {removed['folder']}{others}")
        show_next(*_EVAL)


def _ask(before: Info) -> None:
    """Ask for confirmation. Raises UserError without it."""
    question = f"Empty the cache {before.folder} ({decimal(before.size)})?"
    if sys.stdin is None or not sys.stdin.isatty() or not typer.confirm(one_line(question)):
        raise UserError("Nothing was removed. To empty the cache without being asked: robust-xtreme cache clear --yes")


def _facts(info: Info) -> dict[str, Any]:
    kinds = {
        name: {"entries": kind.entries, "bytes": kind.size, "oldest": _time(kind.oldest), "newest": _time(kind.newest)}
        for name, kind in info.kinds.items()
    }
    facts = {"folder": str(info.folder), "size": info.size, "limit": info.limit, "entries": kinds}
    return {**facts, "others": list(info.others), "problem": info.problem or None, "hub": _hub()}


def _hub() -> str:
    """The folder of the hub's cache, found as its client finds it."""
    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return str(Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser().absolute())


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _print(facts: dict[str, Any]) -> None:
    rows = [("folder", facts["folder"]), ("size", f"{decimal(facts['size'])} of at most {decimal(facts['limit'])}")]
    for kind, held in facts["entries"].items():
        size = f"{held['entries']} entries, {decimal(held['bytes'])}, from {held['oldest']} to {held['newest']}"
        rows.append((kind, size if held["entries"] else "none"))
    rows += [("others", ", ".join(facts["others"]))] if facts["others"] else []
    rows += [("problem", facts["problem"])] if facts["problem"] else []
    rows.append(("hub", f"{facts['hub']} (models and data sets; not emptied from here)"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        echo(f"{name:{width}}  {value}")
