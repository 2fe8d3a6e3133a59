"""What `data` prints: a table a task, or what loads, what is malformed and what a run leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from robust_xtreme.report.escape import visible
from robust_xtreme.run_spec import HUB
from robust_xtreme.sources.rows import SPLITS
from robust_xtreme.sources.survey import Held, Surveyed, licence_of
from robust_xtreme.specs import TaskSpec

if TYPE_CHECKING:
    from rich.console import Console

    from robust_xtreme.commands._data import Found

_WIDE: Final = 160
_SHORT: Final = 12
_LOOKED: Final = " Looked for "


def _console() -> Console:
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def _show(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table or, where a word of it would be cut, its rows as lines that say the column of each value."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name != columns[-1])
    for row in rows:
        table.add_row(*row)
    if console.measure(table, options=console.options.update(max_width=_WIDE)).minimum <= console.width:
        console.print(table)
        return
    for row in rows:
        said = [f"{name} {' '.join(value.split())}" for name, value in zip(columns, row, strict=True) if value != "-"]
        console.print("- " + ", ".join(said), overflow="fold")


# ---------------------------------------------------------------------------------------------------------------- list


def show_list(found: Found) -> None:
    """A table a task: every split that is there, then the languages without any."""
    console = _console()
    console.print(visible(f"Data: {found.data}"), soft_wrap=True)
    for languages in filter(None, found.tasks.values()):
        task = languages[0].task
        console.print(f"\n{task.name}: licence {licence_of(task, found.source) or 'not stated'}", soft_wrap=True)
        held = [one for language in languages for one in language.held]
        if held:
            _show_held(console, task, held)
        if absent := [one.language or "-" for one in languages if not one.held]:
            console.print(f"nothing here in {len(absent)}: {' '.join(absent)}", soft_wrap=not console.is_terminal)
    console.print(f"\n{_next(found, 'check')}", soft_wrap=True)


def _show_held(console: Console, task: TaskSpec, held: Iterable[Held]) -> None:
    pooled = task.pool is not None
    columns = ["language", "split", "rows", "labels", *["candidates"] * pooled, "sha256", "file"]
    _show(console, columns, [_cells(one, pooled) for one in held])


def _cells(one: Held, pooled: bool) -> list[str]:
    if one.problem:
        return [one.language, one.split, "-", "-", *["-"] * pooled, "-", visible(one.problem)]
    hashes = "\n".join(sha256[:_SHORT] for _, sha256 in one.files)
    names = "\n".join(visible(name) for name, _ in one.files)
    labels = "yes" if one.labelled else "no"
    counts = [f"{one.rows:,}", labels, *[f"{one.candidates:,}"] * pooled]
    return [one.language, one.split, *counts, hashes, names]


def _next(found: Found, what: str) -> str:
    """The command that says more, as the user would type it."""
    offline = " --offline" if what == "check" and found.data.startswith(HUB) else ""
    verb = "What a run would skip, and why" if what == "check" else "Each file with its rows and sha256"
    return visible(f"{verb}: robust-xtreme data {what} --data {found.data}{offline}")


# --------------------------------------------------------------------------------------------------------------- check


def show_check(found: Found) -> None:
    """How much loads of each task, every malformed file, and what a run leaves out, with its reason and remedy."""
    console = _console()
    console.print(visible(f"Data: {found.data}"), soft_wrap=True)
    _show(console, ["task", *SPLITS, "rows", "candidates", "a run evaluates"], list(_loaded(found)))
    _print_malformed(console, found)
    _print_left(console, found)
    if not any(one.held for one in found.all):
        console.print("\nNothing of these tasks is there.")
    elif not found.malformed:
        console.print("\nEverything that is there loads.")


def _loaded(found: Found) -> Iterator[list[str]]:
    """Languages that load, by split, and how many of those that a run would evaluate are."""
    for languages in filter(None, found.tasks.values()):
        held = [one for language in languages for one in language.held if not one.problem]
        counts = [str(sum(one.split == split for one in held) or "-") for split in SPLITS]
        rows, most = sum(one.rows for one in held), max((one.candidates for one in held), default=0)
        asked = [one for one in languages if one.language and (one.evaluated or one.left or one.stops)]
        ran = f"{sum(bool(one.evaluated) for one in asked)} of {len(asked)} languages"
        ran = "-" if any(one.learned for one in languages) else ran
        yield [languages[0].task.name, *counts, f"{rows:,}", f"{most:,}" if most else "-", ran]


def _print_malformed(console: Console, found: Found) -> None:
    lines = found.malformed
    if not lines:
        return
    console.print(f"\nMalformed: {len(lines)}. A run that evaluates or learns from one of them stops there.")
    for line, some in lines.items():
        console.print(f"  {visible(line)}", soft_wrap=True)
        by_split: dict[str, list[str]] = {}
        for task, one in some:
            by_split.setdefault(f"{task} {one.split}", []).append(one.language)
        where = "; ".join(f"{name}: {' '.join(codes)}" for name, codes in by_split.items())
        console.print(f"    in {where}", soft_wrap=True)


def _print_left(console: Console, found: Found) -> None:
    """One entry for languages that are left out alike, with what was looked for and what to do."""
    groups: dict[tuple[str, str, str], list[Surveyed]] = {}
    for one in found.all:
        if one.left is not None:
            groups.setdefault((one.task.name, one.left.reason, _alike(one).partition(_LOOKED)[0]), []).append(one)
    unread = [(one.task.name, held) for one in found.all for held in one.held if held.problem and not held.malformed]
    if groups or unread:
        console.print("\nA run leaves out:")
    for (task, reason, _), several in groups.items():
        languages = " ".join(one.language or "every language" for one in several)
        console.print(f"  {task}, {reason}: {languages}", soft_wrap=not console.is_terminal)
        console.print(f"    {visible(_alike(several[0]) if several[1:] else _why(several[0]))}", soft_wrap=True)
    told = {one.left.detail for one in found.all if one.left}
    for task, held in unread:
        if held.problem not in told:
            console.print(f"  {task} {held.language}, {held.split}: {visible(held.problem)}", soft_wrap=True)


def _why(one: Surveyed) -> str:
    """Why a language is left out, without the task and language before it."""
    assert one.left is not None
    return one.left.detail.removeprefix(f"{one.task.name} {one.language}: ")


def _alike(one: Surveyed) -> str:
    """The same with `{language}` and `{code}` in the place of its own in paths, but for what to do about it."""
    codes = [files.codes for files in one.task.files.values()] + [files.codes for files in one.task.hub.values()]
    names = {one.language: "{language}"} | {each[one.language]: "{code}" for each in codes if one.language in each}
    what, sign, rest = _why(one).partition(_LOOKED)
    looked, dot, remedy = rest.partition(". ")
    text = what + sign + looked
    for name, key in names.items():
        if name:
            text = re.sub(rf"(?<=[-._/]){re.escape(name)}(?=[-._/@,]|\s|$)", key, text)
    return text + dot + remedy
