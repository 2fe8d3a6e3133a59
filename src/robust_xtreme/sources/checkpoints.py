"""Checkpoints by name: which names are those of the hub, and what of such a repository is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from robust_xtreme.errors import RobustXtremeError, UserError
from robust_xtreme.sources import hub

FILES: Final = (
    "config.json",
    "adapter_config.json",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
"""What of a transformers checkpoint is fetched and counts into its identity."""

CODE: Final = ("*.py",)
_MAIN: Final = "main"
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def like_hub(name: str) -> bool:
    """Whether a name has the form OWNER/NAME."""
    return _NAME.fullmatch(name) is not None


def on_hub(name: str) -> bool:
    """Whether a name is taken for one of the hub: OWNER/NAME, and no such path here."""
    return like_hub(name) and not exists(name)


def exists(name: str) -> bool:
    """Whether there is such a path here; what cannot be a path is none."""
    try:
        return bool(name) and Path(name).exists()
    except OSError:
        return False


def fetched(name: str, revision: str, *, offline: bool, code: bool = False) -> hub.Snapshot:
    """The files of a checkpoint on the hub, at a commit (main's, where no revision is named); its code only if asked.

    Raises what `snapshot` does.
    """
    with _no_folder(name):
        return hub.snapshot("model", name, revision or _MAIN, (*FILES, *(CODE if code else ())), offline=offline)


@contextmanager
def _no_folder(name: str) -> Iterator[None]:
    """Say with what the hub answers that there is no such folder, for a path may have been meant."""
    try:
        yield
    except RobustXtremeError as error:
        kind = UserError if isinstance(error, UserError) else RobustXtremeError
        raise kind(f"{error} (There is no folder {name!r} here.)") from error
