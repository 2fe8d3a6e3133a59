"""What a start over of `train` finds in a run's folder: the files that the run wrote, and those of the user."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from robust_xtreme.errors import ModelError
from robust_xtreme.models.verify import CLAIM, FILES, LOGS, claim_of
from robust_xtreme.results import start_over, store
from robust_xtreme.results.start_over import StartOver
from robust_xtreme.training import best

FOLDERS: Final = ("stages", "heads", "model", "resume", "tensorboard")
"""The folders of a run. The records of complete stages are the first that are removed."""

_ALONE: Final = ("metrics.csv", best.FILE)
_STATE: Final = re.compile(r"best\.safetensors|resume/step-\d{9}/(lightning\.ckpt|random\.pt|place\.json)")
"""Files that train.json never lists."""

_OF_MODEL: Final = (
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json|(vocab|merges)\.txt"
    r"|chat_template\.jinja|(spiece|tokenizer|sentencepiece\.bpe)\.model"
)
_GIVEN: Final = re.compile(
    rf"train\.json|metrics\.csv|tensorboard/(events\.out\.tfevents\..+|hparams\.yaml)|{_STATE.pattern}"
    rf"|stages/\d+-[a-z_]+\.(json|hashes)|model/({_OF_MODEL})"
)
"""The names that every run gives; those of heads are names of tasks."""


def removal(run: Path, tasks: Collection[str]) -> str:
    """What `force` does to the folder of a run, as a line; empty where it is not a run."""
    return over_of(run, tasks).line(replaced=1) if (run / CLAIM).is_file() else ""


def over_of(run: Path, tasks: Collection[str]) -> StartOver:
    """The start over in the folder of a run, where the new run learns `tasks`; train.json is replaced.

    A complete run lists what it wrote. What others wrote has the names that a run gives.
    """
    claim, names = claim_of(run) or {}, _names(run)
    files = _table(claim, FILES)
    named = [name for name in names if is_given(name, _tasks(claim)) and (name != best.FILE or _is_best(run))]
    by_name = [name for name in named if not files or _STATE.fullmatch(name)]
    written = {**_table(claim, LOGS), **dict.fromkeys(by_name), **files}
    in_way = [name for name in names if name in {*written, *FOLDERS} or is_given(name, (*tasks, *_tasks(claim)))]
    stays = [name for name in names if name not in in_way]
    return start_over.start_over(run, in_way, written, [*sorted(stays), *_beside(run)])


def is_given(name: str, tasks: Iterable[str]) -> bool:
    """Whether a run of these tasks gives a file this name, relative to its folder."""
    heads = (f"heads/{task}.{ending}" for task in tasks for ending in ("json", "safetensors"))
    return bool(_GIVEN.fullmatch(name)) or name in heads


def remove(over: StartOver) -> None:
    """Carry out a start over, and remove the folders that are empty then. Raises DiskError."""
    over.carry_out()
    _remove_empty(over.folder)


def remove_states(run: Path) -> None:
    """Remove what a run continues from. Raises DiskError."""
    for name in _names(run):
        if _STATE.fullmatch(name) and (name != best.FILE or _is_best(run)):
            start_over.remove(run / name)
    _remove_empty(run)


def sweep(run: Path) -> None:
    """Remove temporary files that a killed process left in a run. Call it while the folder is locked."""
    tasks = _tasks(claim_of(run) or {})
    (run / f".{best.FILE}.tmp").unlink(missing_ok=True)
    store.sweep(run, lambda name: is_given(name, ()))
    store.sweep(run / "stages", lambda name: is_given(f"stages/{name}", ()))
    for folder in [*run.glob(".*.tmp"), *(run / "resume").glob(".*.tmp")]:
        final = (folder.parent / store.final_name(folder.name)).relative_to(run)
        for file in folder.glob("*"):
            if is_given((final / (store.final_name(file.name) or file.name)).as_posix(), tasks):
                with suppress(OSError):
                    file.unlink()
        with suppress(OSError):
            folder.rmdir()


def _remove_empty(run: Path) -> None:
    for folder in (*(run / "resume").glob("step-*"), *(run / name for name in FOLDERS)):
        with suppress(OSError):
            folder.rmdir()


def _is_best(run: Path) -> bool:
    """Whether the weights beside a run are those that it kept: they contain their score."""
    try:
        return best.kept(run) is not None
    except ModelError:
        return False


def _table(claim: Mapping[str, Any], key: str) -> dict[str, Any]:
    listed: Any = claim.get(key)
    return listed if isinstance(listed, dict) else {}


def _tasks(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """The tasks of the spec in a train.json."""
    tasks = _table(claim, "spec").get("tasks")
    return tuple(map(str, tasks)) if isinstance(tasks, list) else ()


def _names(run: Path) -> list[str]:
    """The files of a run's folders and the two beside them; links are not followed."""
    walks = [walk for name in FOLDERS if not (run / name).is_symlink() for walk in os.walk(run / name)]
    paths = [Path(folder, name) for folder, _, files in walks for name in sorted(files)]
    alone = [run / name for name in _ALONE if os.path.lexists(run / name)]
    others = [run / name for name in FOLDERS if (run / name).is_symlink() or (run / name).is_file()]
    return [path.relative_to(run).as_posix() for path in (*paths, *alone, *others)]


def _beside(run: Path) -> list[str]:
    """What else is in the folder of a run, without hidden files."""
    ours = {CLAIM, *_ALONE, *FOLDERS}
    entries = sorted(entry for entry in run.glob("[!.]*") if entry.name not in ours)
    return [f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
