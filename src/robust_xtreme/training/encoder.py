"""Encoders on disk: the folder of an encoder, and folders that are written atomically."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DiskError, ModelError, no_room
from robust_xtreme.files import store
from robust_xtreme.files.journal import Journal
from robust_xtreme.files.new_files import sync_folder
from robust_xtreme.models.config import CANINE, first_line
from robust_xtreme.models.folder import ADAPTER, check_weights
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.tokenizer import check_tokenizer, read_tokenizer
from robust_xtreme.noise.engine.libraries import quiet_transformers

WRITE_ERRORS: Final = (OSError, SafetensorError)


def encoder_folder(path: Path) -> Path:
    """The transformers folder of a path: the path itself, or `model/` of a run.

    Raises ModelError, one line, where it contains no configuration or no safetensors.
    """
    if not path.is_dir():
        raise ModelError(f"There is no folder {str(path)!r}. Name a transformers encoder or a run with --from DIR.")
    folder = path / "model" if (path / "model" / "config.json").is_file() else path
    if not (folder / "config.json").is_file():
        merge = "Merge the adapter in it with peft's merge_and_unload, and name the folder that you save."
        more = f" {merge}" if (folder / ADAPTER).is_file() else ""
        raise ModelError(f"{folder} contains no config.json: it is not a transformers encoder.{more}")
    check_weights(folder)
    return folder


@contextmanager
def written_folder(folder: Path, journal: Journal) -> Iterator[Path]:
    """A temporary folder to write, whose files go into `folder` once it is complete. Raises DiskError."""
    try:
        with journal.temporary(folder) as tmp:
            tmp.mkdir(0o700)
            yield tmp
            paths = sorted(path for path in tmp.rglob("*") if path.is_file())
            for path in paths:
                sync_folder(path)
            for path in paths:
                journal.put(path, folder / path.relative_to(tmp))
    except Exception as error:
        # tokenizers raises a plain Exception that only its text distinguishes.
        if isinstance(error, WRITE_ERRORS) or "(os error " in str(error):
            raise disk_error(folder, error) from error
        raise


def read_start(folder: Path) -> tuple[Any, Any]:
    """The encoder and the tokenizer of a transformers folder. Raises ModelError, also where they do not fit."""
    encoder, tokenizer = read_encoder(folder), read_tokenizer(folder)
    check_tokenizer(tokenizer, embedding_count(encoder), str(folder))
    return encoder, tokenizer


def embedding_count(encoder: Any) -> int:
    """The ids that an encoder has embeddings for; 0 where it computes them of any id, as CANINE."""
    return 0 if encoder.config.model_type == CANINE else int(encoder.get_input_embeddings().num_embeddings)


def config_of(folder: Path, called: str) -> dict[str, Any]:
    """The configuration of a transformers folder that errors call `called`. Raises ModelError."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{called} contains no config.json: it is not a model of transformers.")
    try:
        config = strict_json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{called}: its config.json cannot be read: {error}. Get it again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{called}: its config.json is not a JSON object. Get it again.")
    return config


def write_model(folder: Path, encoder: Any, tokenizer: Any, journal: Journal | None = None) -> None:
    """Write weights (safetensors), configuration and tokenizer, complete. Raises DiskError."""
    with written_folder(folder, journal or Journal(folder.parent, gives=lambda _: True)) as tmp:
        with quiet_transformers():
            encoder.save_pretrained(str(tmp))
            tokenizer.save_pretrained(str(tmp))
        path = tmp / "tokenizer_config.json"
        origin = ("backend", "is_local", "local_files_only", "name_or_path")
        facts = {name: fact for name, fact in store.read_json(path).items() if name not in origin}
        # Versions 4 and 5 of transformers know this class name of a fast tokenizer: 5 knows 4's, 4 not those of 5.
        if facts.get("tokenizer_class") in ("TokenizersBackend", "Siglip2Tokenizer"):
            facts["tokenizer_class"] = "PreTrainedTokenizerFast"
        store.write_json(path, facts)


def disk_error(path: Path, error: Exception) -> DiskError:
    """A one-line error for what a library raises on a full or unwritable disk."""
    reason = getattr(error, "strerror", None) or first_line(error)
    next_step = no_room(error) or "Free some space"
    return DiskError(f"{path} cannot be written: {reason}. {next_step}, or name another folder: --out DIR")
