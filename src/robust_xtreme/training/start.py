"""The start of training: a transformers folder, a run of `train`, or a checkpoint of the hub at one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from robust_xtreme.errors import DataError, ModelError, SpecError
from robust_xtreme.models.encoder import known_type
from robust_xtreme.models.verify import CLAIM, check_encoder, check_hashes, unverified
from robust_xtreme.models.weights import check_config, check_files
from robust_xtreme.results.stages import read_stages
from robust_xtreme.run_paths import exists, like_hub
from robust_xtreme.sources.checkpoints import fetched, on_hub
from robust_xtreme.targets.contamination import check
from robust_xtreme.training.encoder import config_of, encoder_folder
from robust_xtreme.training.spec import Tell


@final
@dataclass(frozen=True, slots=True)
class Start:
    """A folder that training starts from, and its commit where it came from the hub.

    `folder` is a run, whose stages are inherited, or the transformers folder itself; `encoder` is the transformers
    folder.
    """

    folder: Path
    encoder: Path
    revision: str = ""


def find_start(
    name: str, revision: str = "", *, offline: bool = False, tell: Tell, notice: Tell | None = None
) -> Start:
    """The start that a name means: an existing path is a folder; OWNER/NAME without such a path is on the hub.

    Only safetensors are read, and no code is run. Raises SpecError for a revision of a folder, ModelError where
    there is no such encoder, UserError or RobustXtremeError where the hub refuses or fails.
    """
    if on_hub(name):
        return _from_hub(name, revision, offline, tell)
    if revision:
        raise SpecError(f"The revision {revision[:80]} is of a model on the hub, but {name} is a folder. Leave it out.")
    if not exists(name):
        raise ModelError(
            f"There is no folder {name[:200]!r}. Name a transformers encoder or a run with --from DIR, or a model of "
            "the hub with --from OWNER/NAME."
        )
    if like_hub(name) and not (Path(name) / CLAIM).is_file():
        tell(f"{name} is a folder here, so the hub was not asked for a model of that name.")
    folder = Path(name)
    encoder = encoder_folder(folder)
    check_hashes(folder)
    check_encoder(folder)
    _check(encoder, str(encoder), here=True)
    if encoder != folder and unverified(folder):
        (notice or tell)(unverified(folder))
    try:
        read_stages(folder)
    except DataError as error:
        raise ModelError(str(error)) from error
    check(folder, ())
    return Start(folder, encoder)


def _from_hub(name: str, revision: str, offline: bool, tell: Tell) -> Start:
    checkpoint = fetched(name, revision, offline=offline)
    if checkpoint.revision != revision:
        tell(f"{name} is commit {checkpoint.revision} of the hub; to name it: --revision {checkpoint.revision}")
    _check(checkpoint.folder, name, here=False)
    return Start(checkpoint.folder, checkpoint.folder, checkpoint.revision)


def _check(folder: Path, called: str, here: bool) -> None:
    """Raise ModelError, one line, where a folder's weights cannot be read, or its architecture needs its own code."""
    config = config_of(folder, called)
    check_config(config, called)
    check_files(folder, called, here)
    if config.get("auto_map") and not known_type(config):
        kind = str(config.get("model_type"))[:80]
        raise ModelError(
            f"{called} brings code of its own ({kind}), which train never runs. Take an encoder that this version of "
            "transformers knows."
        )
