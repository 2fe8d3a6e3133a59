"""What a start over of `train` finds in a run's folder: the files that the run wrote, and those of the user."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal, StartOver, start_over
from robust_xtreme.models.stages import CLAIM, FILES, claim_of
from robust_xtreme.training import best

FOLDERS: Final = ("stages", "heads", "model", "resume")
"""The folders of a run. The records of complete stages are the first that are removed."""

_ADDED_TO: Final = "tensorboard"
_ALONE: Final = ("metrics.csv", best.FILE, _ADDED_TO)
"""The other names that a run gives. The folder of TensorBoard, to which it adds, is kept as a whole."""

_OF_MODEL: Final = (
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json|(vocab|merges)\.txt"
    r"|chat_template\.jinja|(spiece|tokenizer|sentencepiece\.bpe)\.model"
)
_GIVEN: Final = re.compile(
    r"train\.json|metrics\.csv|best\.safetensors|tensorboard|resume/step-\d{9}/(lightning\.ckpt|random\.pt|place\.json)"
    rf"|stages/\d+-[a-z_]+\.(json|hashes)|model/({_OF_MODEL})"
)
"""The names that every run gives; those of heads are names of tasks."""


def journal_of(run: Path, tell: Callable[[str], None] = lambda _: None) -> Journal:
    """The journal of a run; one of an earlier version has none, and its train.json lists what it wrote."""
    claim = claim_of(run)
    earlier = claim and not (run / JOURNAL).exists()
    listed = {**_table(claim or {}, FILES), CLAIM: store.sha256(run / CLAIM)} if earlier else {}
    return Journal(run, tell, listed, lambda name: is_given(name, _tasks(claim_of(run) or {})))


def planned(run: Path, tasks: Collection[str], force: bool) -> str:
    """What a run of these tasks does to files that are there already, as a line; empty where there is no run."""
    if not (run / CLAIM).is_file():
        return ""
    over = over_of(journal_of(run), tasks)
    return over.line(replaced=1) if force else over.kept_line(over.kept - _added_to(run))


def _added_to(run: Path) -> set[str]:
    """What a run that continues adds to, and does not replace."""
    folder = run / _ADDED_TO
    return {_ADDED_TO} if folder.is_dir() and not folder.is_symlink() else set()


def over_of(journal: Journal, tasks: Collection[str]) -> StartOver:
    """The start over in the folder of a run, where the new run learns `tasks`; train.json is replaced."""
    run = journal.folder
    given = (*tasks, *_tasks(claim_of(run) or {}))
    names, written = _names(run, given), {*journal.names()}
    in_way = [name for name in names if name in {*written, *FOLDERS} or is_given(name, given)]
    stays = [name for name in names if name not in in_way]
    return start_over(journal, in_way, [*sorted(stays), *_beside(run)])


def is_given(name: str, tasks: Iterable[str]) -> bool:
    """Whether a run of these tasks gives a file this name, relative to its folder."""
    heads = (f"heads/{task}.{ending}" for task in tasks for ending in ("json", "safetensors"))
    return bool(_GIVEN.fullmatch(name)) or name in heads


def remove(over: StartOver, tell: Callable[[str], None]) -> None:
    """Report and carry out a start over, and remove the folders that are empty then. Raises DiskError."""
    over.carry_out(tell, over.line(replaced=1))
    _remove_empty(over.folder)


def _remove_empty(run: Path) -> None:
    for folder in (*(run / "resume").glob("step-*"), *(run / name for name in FOLDERS)):
        with suppress(OSError):
            folder.rmdir()


def _table(claim: Mapping[str, Any], key: str) -> dict[str, Any]:
    listed: Any = claim.get(key)
    return listed if isinstance(listed, dict) else {}


def _tasks(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """The tasks of the spec in a train.json."""
    tasks = _table(claim, "spec").get("tasks")
    return tuple(map(str, tasks)) if isinstance(tasks, list) else ()


def _names(run: Path, tasks: Collection[str]) -> list[str]:
    """What is in a run's folders, and what is beside them under a name of the run; links are not followed.

    A folder that has the name of a file is one entry.
    """
    names = [name for folder in FOLDERS for name in _within(run, folder, tasks)]
    return [*names, *(name for name in _ALONE if os.path.lexists(run / name))]


def _within(run: Path, name: str, tasks: Collection[str]) -> list[str]:
    path = run / name
    if path.is_symlink() or not path.is_dir() or is_given(name, tasks):
        return [name] if os.path.lexists(path) else []
    return [inner for entry in sorted(path.iterdir()) for inner in _within(run, f"{name}/{entry.name}", tasks)]


def _beside(run: Path) -> list[str]:
    """What else is in the folder of a run, without hidden files."""
    ours = {CLAIM, *_ALONE, *FOLDERS}
    entries = sorted(entry for entry in run.glob("[!.]*") if entry.name not in ours)
    return [f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
