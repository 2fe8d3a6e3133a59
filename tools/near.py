"""Measures near-duplicates outside their cluster in release files, for docs/tasks.md."""

from __future__ import annotations

from statistics import median
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.report.blocks import Table, grid
from robust_xtreme.tasks.sources.rows import SPLITS
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.tasks.sources.survey import other_languages, survey

FIGURES: Final = "reports/benchmarks/near.json"
TEXT: Final = """\
An interval takes clusters as independent. In tagging, sentences equal but for numbers are one cluster, as are
`Eneo lake ni 4.4 km² .` and `Eneo lake ni 12 km² .`. What remains is counted: the share of items half of whose runs
of five characters an item of another cluster has, too (Jaccard, over all fields of text, numbers masked; estimated from
128 hashes). Where it is large, an interval can be too short. These are the release files at hand, of PAN-X the first
1,000 sentences; `robust-xtreme data check --data DIR` counts it in yours.

Most pairs of PAWS-X in English have such a pair beside them, and MultiCheckList is made of templates; a cluster is the
pair there, and the case here.
"""
_MOST: Final = 5
_HEAD: Final = ("task", "split", "languages", "items", "clusters", "near-duplicates, median", "most")


def measured(data: str) -> dict[str, dict[str, list[int]]]:
    """Of each task and `split language` the items, the clusters, and the items with a near-duplicate outside theirs."""
    counts: dict[str, dict[str, list[int]]] = {}
    source = open_source(data, offline=True)
    for name in registry.names("task"):
        task: TaskSpec = registry.load("task", name)
        codes = (*task.languages, *other_languages(task, source, task.languages))
        for part in (each for language in survey(task, source, source, codes) for each in language.splits):
            if part.rows and part.split != SPLITS[0]:
                counts.setdefault(name, {})[f"{part.split} {part.language}"] = [part.rows, part.clusters, part.near]
    return counts


def table(figures: dict[str, Any]) -> Table:
    """A row for each task and split."""
    rows = []
    for task, cells in figures.items():
        for split in dict.fromkeys(key.split(" ")[0] for key in cells):
            of_split = {key.split(" ")[1]: value for key, value in cells.items() if key.startswith(f"{split} ")}
            shares = sorted(((near / items, code) for code, (items, _, near) in of_split.items()), reverse=True)
            most = ", ".join(f"{code} {share:.1%}" for share, code in shares[:_MOST] if share >= 0.0005)
            items, clusters = (sum(column) for column in list(zip(*of_split.values(), strict=True))[:2])
            middle = f"{median(share for share, _ in shares):.1%}"
            rows.append((task, split, str(len(shares)), f"{items:,}", f"{clusters:,}", middle, most))
    return grid(_HEAD, rows)
