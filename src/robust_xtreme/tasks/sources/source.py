"""The sources of data: release files, suites and the hub, distinguished by what `--data` names."""

from __future__ import annotations

from pathlib import Path

from robust_xtreme.core import resources
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.run_spec import HUB, MINI, WORLD
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
