"""What `train --force` removes: the files that a run wrote, by their names; those of the user stay."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from robust_xtreme.errors import DiskError
from robust_xtreme.models.verify import CLAIM, FILES, claim_of
from robust_xtreme.results import store

_FOLDERS: Final = ("stages", "heads", "model", "resume", "tensorboard")
"""The folders of a run. The records of complete stages are the first that are removed."""

_STATE: Final = r"best\.safetensors|resume/step-\d{9}/(lightning\.ckpt|random\.pt|place\.json)"
_MODEL: Final = (
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json|(vocab|merges)\.txt"
    r"|chat_template\.jinja|(spiece|tokenizer|sentencepiece\.bpe)\.model"
)
_ALWAYS: Final = rf"metrics\.csv|tensorboard/(events\.out\.tfevents\..+|hparams\.yaml)|{_STATE}"
_UNLISTED: Final = re.compile(_ALWAYS)
"""Files that train.json never lists."""

_WRITTEN: Final = re.compile(rf"{_ALWAYS}|stages/\d+-[a-z_]+\.(json|hashes)|model/({_MODEL})")


def removal(run: Path) -> str:
    """What `force` removes from the folder and what stays, as a line; empty where the folder is not a run."""
    if not (run / CLAIM).is_file():
        return ""
    return store.removal_line(run, len(_written(run)) + 1, [*others(run), *_beside(run)])


def others(run: Path) -> list[str]:
    """The files in a run's folders that the run did not write, relative to the run."""
    return sorted(set(_names(run)) - set(_written(run)))


def remove(run: Path) -> None:
    """Remove the files of a run but train.json, which is replaced then, so that an interrupted removal continues.

    Raises DiskError.
    """
    _unlink(run, _written(run))


def remove_states(run: Path) -> None:
    """Remove what a run continues from. Raises DiskError."""
    _unlink(run, [name for name in _names(run) if re.fullmatch(_STATE, name)])


def _unlink(run: Path, names: Iterable[str]) -> None:
    """Remove files, and the folders that are empty then."""
    for name in names:
        try:
            (run / name).unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(f"{run / name} cannot be removed: {error.strerror}.") from error
    for folder in (*(run / "resume").glob("step-*"), *(run / name for name in _FOLDERS)):
        with suppress(OSError):
            folder.rmdir()


def _written(run: Path) -> list[str]:
    """The files that a run wrote, but train.json: a complete run lists them, others have the names that it gives."""
    names, listed = _names(run), (claim_of(run) or {}).get(FILES)
    if listed and isinstance(listed, dict):
        return [name for name in names if name in listed or name in _FOLDERS or _UNLISTED.fullmatch(name)]
    return [name for name in names if _WRITTEN.fullmatch(name) or _is_head(name, names)]


def _is_head(name: str, names: Collection[str]) -> bool:
    """Whether a file is one of the two of a head, or a link in the place of a folder."""
    stem, _, ending = name.rpartition(".")
    pair = {"json": f"{stem}.safetensors", "safetensors": f"{stem}.json"}
    return name in _FOLDERS or (name.startswith("heads/") and pair.get(ending) in names)


def _names(run: Path) -> list[str]:
    """The files of a run's folders and the two beside them; links are not followed."""
    walks = [walk for name in _FOLDERS if not (run / name).is_symlink() for walk in os.walk(run / name)]
    paths = [Path(folder, name) for folder, _, files in walks for name in sorted(files)]
    alone = [run / name for name in ("metrics.csv", "best.safetensors") if (run / name).is_file()]
    links = [run / name for name in _FOLDERS if (run / name).is_symlink()]
    return [path.relative_to(run).as_posix() for path in (*paths, *alone, *links)]


def _beside(run: Path) -> list[str]:
    """What else is in the folder of a run, without hidden files."""
    ours = {CLAIM, "metrics.csv", "best.safetensors", *_FOLDERS}
    entries = sorted(entry for entry in run.glob("[!.]*") if entry.name not in ours)
    return [f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
