"""Writes docs/tasks.md, the page of all tasks, from what the tasks say of themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tools import near

from robust_xtreme.core.specs import Pool, TaskSpec
from robust_xtreme.report.blocks import (
    Block,
    Heading,
    Hyperlink,
    Inline,
    Mono,
    Paragraph,
    Phrase,
    Prose,
    ReportPage,
    Strong,
    Table,
    grid,
    joined,
    named,
)
from robust_xtreme.report.renderers import markdown

PAGE: Final = Path(__file__).parents[1] / "docs" / "tasks.md"

_BENCHMARKS: Final = {
    "xtreme-r": "XTREME-R",
    "xtreme": "XTREME",
    "low-resource": "Low-resource languages",
    "": "In no benchmark",
}
_HEAD: Final = """\
What `robust-xtreme eval` evaluates, by benchmark, and then each task: its official size and scorer, how ours was
checked against it, its licence and where its data come from; after them the intermediate tasks, which an encoder can
learn on its way to a target. This page is written from `src/robust_xtreme/tasks`
by `python -m tools.generated docs/tasks.md`, and a test compares it.

`robust-xtreme data check --data DIR` says which of them a folder contains, and what brings the others there. A task's
score in a benchmark is the unweighted mean over its languages there, and of its metrics where there are two.
"""

_LEARNED: Final = """\
The nine of arXiv 2005.13013, and Social IQa, from which XTREME-R's baseline learns XCOPA first. All are in English.
What is noised is what noise in training changes. `data of` names the tasks that are trained on these data anyway: what
they gain is not transfer. `robust-xtreme data check --tasks intermediate --data DIR` lists those in a folder.
Files and the dataset on the hub give the same examples; pairs on whose label annotators did not agree are left out.
"""


def page(tasks: Sequence[TaskSpec], intermediate: Sequence[TaskSpec]) -> str:
    """The page, in Markdown."""
    return markdown.render(ReportPage("Tasks", tuple(_blocks(tasks, intermediate))))


def _blocks(tasks: Sequence[TaskSpec], intermediate: Sequence[TaskSpec]) -> Iterator[Block]:
    yield Prose(_HEAD)
    for name, title in _BENCHMARKS.items():
        if members := [task for task in tasks if (name in task.groups if name else not task.groups)]:
            yield from (Heading(title), _overview(members, name))
    yield Heading("Each task")
    for task in tasks:
        yield from _entry(task, _content(task))
    figures = json.loads((PAGE.parents[1] / near.FIGURES).read_text(encoding="utf-8"))
    yield from (Heading("Near-duplicates"), Prose(near.TEXT), near.table(figures))
    learned = {spec.name: spec for task in intermediate for spec in (task, *task.parts)}
    yield from (Heading("Intermediate tasks"), Prose(_LEARNED), grid(_HEADS, map(_learned, intermediate)))
    yield Heading("Each intermediate task")
    for name in sorted(learned):
        yield from _entry(learned[name], _taught(learned[name]))


def _overview(tasks: Sequence[TaskSpec], benchmark: str) -> Table:
    head = ("task", "family", "languages", "score", "beside it", "licence", "on the hub")
    return grid(head, (_line(task, benchmark) for task in tasks))


def _line(task: TaskSpec, benchmark: str) -> tuple[Phrase, ...]:
    languages = task.groups.get(benchmark, task.languages)
    scored = _scored(task)
    others = [name for name in task.metrics if name not in scored]
    hub = "yes" if task.hub else "no"
    return _link(task.name), task.family, str(len(languages)), _names(scored), _names(others), task.licence, hub


def _scored(task: TaskSpec) -> tuple[str, ...]:
    """The metrics whose mean is the task's official score."""
    return task.score or task.metrics[:1]


def _names(names: Iterable[str]) -> Phrase:
    return joined(map(Mono, names))


def _link(name: str) -> Hyperlink:
    return Hyperlink(name, f"#{re.sub('[@=]', '', name)}")


_HEADS: Final = ("task", "family", "rows", "data of", "licence", "on the hub")


def _learned(task: TaskSpec) -> tuple[Phrase, ...]:
    hub = "its parts" if task.parts else "yes" if task.hub else "no"
    return _link(task.name), task.family, task.rows, ", ".join(task.trains), task.licence, hub


def _entry(task: TaskSpec, rows: Iterable[tuple[str, Phrase]]) -> tuple[Block, ...]:
    facts = grid(("", ""), ((Strong(name), content) for name, content in rows))
    return Heading(task.name, 3), Paragraph(named(task.summary)), facts


def _taught(task: TaskSpec) -> Iterator[tuple[str, Phrase]]:
    """The description of an intermediate task, or of a part of one."""
    yield "rows", task.rows
    if task.parts:
        yield "parts", joined(_link(part.name) for part in task.parts)
    if task.labels:
        yield "labels", _names(task.labels)
    if task.open_labels:
        yield "labels", "those that its data name"
    yield "length", f"{task.max_length} tokens" + (f", windows begin {task.stride} apart" if task.stride else "")
    yield "noised", "; ".join(" and ".join(group) for group in task.perturbed)
    if task.trains:
        yield "data of", joined(map(_link, task.trains))
    yield "licence", task.licence
    if task.files:
        yield from _data(task)
    yield "cite", task.cite


def _data(task: TaskSpec) -> Iterator[tuple[str, Phrase]]:
    yield "files", joined(((f"{split}: ", *_paths(files.paths)) for split, files in task.files.items()), "; ")
    yield "hub", _hub(task) if task.hub else named(f"none. {task.absent}")


def _content(task: TaskSpec) -> Iterator[tuple[str, Phrase]]:
    yield "languages", f"{len(task.languages)}: {' '.join(task.languages)}"
    for name, languages in task.groups.items():
        if without := [code for code in task.languages if code not in languages]:
            yield f"languages of {name}", f"{len(languages)}, without {' '.join(without)}"
    yield "rows", task.rows
    yield "score", joined((*map(Mono, _scored(task)), *(["their mean"] if len(_scored(task)) > 1 else [])))
    if others := [name for name in task.metrics if name not in _scored(task)]:
        yield "beside it", _names(others)
    yield "official", named(task.official)
    yield "checked", named(task.checked)
    yield "noised", "; ".join(" and ".join(group) for group in task.perturbed) + _more(task.noisable)
    if task.pool:
        yield "candidates", _pool(task.pool)
    yield "licence", task.licence
    yield from _data(task)
    yield "cite", task.cite


def _more(names: Sequence[str]) -> str:
    return f" (where a condition names it: {', '.join(names)})" if names else ""


def _pool(pool: Pool) -> str:
    where = "of files of their own" if pool.files else "of the language's pairs"
    where = "of all languages, in one pool" if pool.shared else where
    how = (
        "pairs mined over both sides, by a threshold tuned on validation"
        if pool.search == "bitext"
        else "nearest first"
    )
    return f"{where}; {how}"


def _paths(paths: Sequence[str | tuple[str, ...]]) -> tuple[Inline, ...]:
    parts = ([path] if isinstance(path, str) else path for path in paths)
    return joined((joined(map(Mono, several), " with ") for several in parts), " or ")


def _hub(task: TaskSpec) -> Phrase:
    copies = task.hub.items()
    return joined(((f"{split}: ", Mono(it.repo), " at ", Mono(it.revision[:8])) for split, it in copies), "; ")
