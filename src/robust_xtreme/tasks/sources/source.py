"""The sources of data: release files, suites and the hub, distinguished by what `--data` names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from robust_xtreme.core import resources
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.run_spec import HUB, MINI, WORLD
from robust_xtreme.core.specs import Row, TaskSpec
from robust_xtreme.tasks.sources.dataset import Hub, open_hub
from robust_xtreme.tasks.sources.release import Release, absent
from robust_xtreme.tasks.sources.suite import MANIFEST, Suite, open_suite

Source = Release | Suite | Hub


def open_source(data: str, *, offline: bool = False) -> Source:
    """The source that `data` names: a folder of release files, the folder of a suite, `mini`, `world`, or `hub`.

    `hub:OWNER/NAME@COMMIT,...` uses those revisions of the datasets. `offline` opens no connection. Raises
    MissingData where the folder does not exist, DataError where a suite's own description is malformed.
    """
    if data == MINI:
        return open_suite(resources.mini("suite"))
    if data == WORLD:
        return open_suite(resources.mini(WORLD))
    if data == HUB or data.startswith(f"{HUB}:"):
        return open_hub(data[len(HUB) + 1 :], offline)
    folder = Path(data)
    if not folder.is_dir():
        raise MissingData(absent(folder))
    return open_suite(folder) if (folder / MANIFEST).exists() else Release(folder)


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
    several = list(dict.fromkeys(named(source.read(task, language, split).rows) for split in splits))
    if len(several) == 1:
        return replace(task, labels=several[0])
    return replace(task, labels=tuple(sorted({label for labels in several for label in labels})))


def named(rows: Sequence[Row]) -> tuple[str, ...]:
    """The labels that rows name: those of their label file, in its order, else their own tags, sorted."""
    if rows and "labels" in rows[0].values:
        return tuple(rows[0].values["labels"])
    return tuple(sorted({tag for row in rows for tag in row.values["tags"] or ()}))
