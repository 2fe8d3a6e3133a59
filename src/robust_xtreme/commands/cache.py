"""`robust-xtreme cache`: shows or empties the cache of predictions and embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from robust_xtreme.results.cache import Info

_WHAT: Final = ("info", "clear")
_STEP: Final = 1000


def cache(
    what: Annotated[str, typer.Argument(metavar="info | clear", help="Show the cache, or empty it.")] = "info",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Empty it without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show or empty the cache of predictions and embeddings that `eval` keeps, so that it computes only what is new.

    ROBUST_XTREME_CACHE names its folder and ROBUST_XTREME_CACHE_LIMIT its size (2GiB); the least recently used entries
    are removed first. Models and data sets from the hub are in the cache of the hub, which is shown and never emptied.

    Examples: robust-xtreme cache info --json; robust-xtreme cache clear --yes
    """
    if what not in _WHAT:
        from robust_xtreme.errors import UnknownName

        raise UnknownName("cache command", what, _WHAT, "robust-xtreme cache --help")
    if what == "clear":
        _clear(yes, as_json)
    else:
        _info(as_json)


def _info(as_json: bool) -> None:
    from robust_xtreme.results.cache import info

    _show(_facts(info()), as_json)


def _clear(yes: bool, as_json: bool) -> None:
    from robust_xtreme.results.cache import clear, info

    before = info()
    if before.size and not yes:
        _ask(before)
    facts = _facts(clear())
    if as_json:
        _show({"folder": facts["folder"], "removed": facts["entries"]}, as_json)
    else:
        total = sum(kind["entries"] for kind in facts["entries"].values())
        typer.echo(f"Removed {total} entries ({size_of(facts['size'])}) from {facts['folder']}")


def _ask(before: Info) -> None:
    """Ask for confirmation. Raises UserError without it."""
    import sys

    from robust_xtreme.errors import UserError

    question = f"Empty the cache {before.folder} ({size_of(before.size)})?"
    if sys.stdin is None or not sys.stdin.isatty() or not typer.confirm(question):
        raise UserError("Nothing was removed. To empty the cache without being asked: robust-xtreme cache clear --yes")


def _facts(info: Info) -> dict[str, Any]:
    hub = _hub()
    kinds = {
        name: {"entries": kind.entries, "bytes": kind.size, "oldest": _time(kind.oldest), "newest": _time(kind.newest)}
        for name, kind in info.kinds.items()
    }
    facts = {"folder": str(info.folder), "size": info.size, "limit": info.limit, "entries": kinds}
    return {**facts, "problem": info.problem or None, "hub": hub}


def _hub() -> str:
    """The folder of the hub's cache, found as its client finds it."""
    import os
    from pathlib import Path

    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    return str(Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser().absolute())


def _time(seconds: float | None) -> str | None:
    import time

    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    rows = [("folder", facts["folder"]), ("size", f"{size_of(facts['size'])} of at most {size_of(facts['limit'])}")]
    rows += [(kind, _entries(entries)) for kind, entries in facts["entries"].items()]
    rows += [("problem", facts["problem"])] if facts["problem"] else []
    rows.append(("hub", f"{facts['hub']} (models and data sets; not emptied from here)"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name:{width}}  {value}")


def _entries(kind: dict[str, Any]) -> str:
    if not kind["entries"]:
        return "none"
    return f"{kind['entries']} entries, {size_of(kind['bytes'])}, from {kind['oldest']} to {kind['newest']}"


def size_of(count: int) -> str:
    """A number of bytes for readers: 1.2 MB."""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= _STEP and len(units) > 1:
        size /= _STEP
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" else f"{size:.1f} {units[0]}"
