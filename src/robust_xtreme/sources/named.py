"""The labels of tasks whose label set is only known from their data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from robust_xtreme.errors import MissingData
from robust_xtreme.sources.release import Release
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import Row, TaskSpec


def with_labels(task: TaskSpec, source: Source | Path) -> TaskSpec:
    """The task with the labels that its data name; a task whose labels are known is returned unchanged.

    Training calls it once, before a head is made: the head, its record and the score on validation data then have the
    same labels in the same order. They come from the label file that is read with the rows, in its order. Where there
    is none, as in a suite, they are the tags of all splits, sorted. Raises MissingData, DataError.
    """
    if not task.open_labels or task.labels:
        return task
    source = Release(source) if isinstance(source, Path) else source
    language = task.train_languages[0]
    splits = [split for split in source.splits(task) if source.holds(task, language, split)]
    if not splits:
        wanted = source.splits(task)
        raise MissingData(source.missing(task, language, wanted[:1]) if wanted else source.lacks(task))
    return replace(task, labels=_merged(named(source.read(task, language, split).rows) for split in splits))


def named(rows: Sequence[Row]) -> tuple[str, ...]:
    """The labels that rows name: those of their label file, in its order, else their own tags, sorted."""
    if rows and "labels" in rows[0].values:
        return tuple(rows[0].values["labels"])
    return tuple(sorted({tag for row in rows for tag in row.values["tags"] or ()}))


def _merged(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The labels of all splits: those of their one label file, else all that any of them has, sorted."""
    distinct = list(dict.fromkeys(several))
    return distinct[0] if len(distinct) == 1 else tuple(sorted({label for labels in distinct for label in labels}))
