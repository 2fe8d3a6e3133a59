"""Checkpoints by name: which names are on the hub, and which files of a repository are fetched."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.errors import RobustXtremeError, UserError
from robust_xtreme.core.run_paths import exists, like_hub
from robust_xtreme.tasks.sources import hub

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
"""The files of a transformers checkpoint that are fetched and that its identity is computed from."""

CARD: Final = "README.md"
"""The model card; it is fetched too, but is not part of the identity."""

CODE: Final = ("*.py",)
_MAIN: Final = "main"


def on_hub(name: str) -> bool:
    """Whether a name means a repository on the hub: OWNER/NAME, and no such path exists here."""
    return like_hub(name) and not exists(name)


def fetched(name: str, revision: str, *, offline: bool, code: bool = False) -> hub.Snapshot:
    """The files of a checkpoint on the hub, at a commit (main's, where no revision is named); its code only if asked.

    Raises what `snapshot` does.
    """
    try:
        return hub.snapshot("model", name, revision or _MAIN, (*FILES, CARD, *(CODE if code else ())), offline=offline)
    except RobustXtremeError as error:  # a path may have been meant
        kind = UserError if isinstance(error, UserError) else RobustXtremeError
        raise kind(f"There is no folder {name!r} here, and on the hub: {error}") from error
