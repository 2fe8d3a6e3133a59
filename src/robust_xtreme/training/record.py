"""The records in a run folder: the spec of the run, and each stage; and which files a start over finds there."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.contamination import HASHES
from robust_xtreme.core.errors import DiskError, Mismatch, ModelError
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal, StartOver, check_folder, start_over
from robust_xtreme.files.manifest import write_manifest
from robust_xtreme.models.stages import CLAIM, FILES, claim_of, hashes, names_of
from robust_xtreme.training.loop import METRICS
from robust_xtreme.training.resume import BEST
from robust_xtreme.training.resume import FOLDER as RESUME

STAGES: Final = "stages"
STATES: Final = (RESUME, BEST)
"""What a run continues from, and a complete one does not need."""

_CONTENTS: Final = {
    "before": "another model or earlier stage that it starts from",
    "contents": "other training data",
    "text": "another text",
    "selected_by": "other validation data",
    "packs": "other contents of the packs",
    "pairs": "other images or captions",
    "vision": "another image tower",
}
"""What a difference of hashes means."""

FOLDERS: Final = (STAGES, "heads", "model", RESUME)
"""The folders of a run. The records of complete stages are the first that are removed."""

_ADDED_TO: Final = "tensorboard"
_ALONE: Final = (METRICS, BEST, _ADDED_TO)
"""The other names that a run gives. The folder of TensorBoard, to which one that continues adds, is kept as a whole."""

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


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One stage as the frame MODELS needs it. `examples` counts examples, `seen` the units that steps took.

    With masked LM beside tasks, `examples` counts those of the tasks, and `text_languages` are those of the text.
    `packs` is the digest of the users' packs of the noise, `selected_step` the step whose weights were kept, `warmup`
    the number of warm-up steps.

    `pairs` is the name of the images with captions, `images` the number of images, and `examples` that of captions;
    `contrast` is the loss, empty for the control, and `vision` the name of an image tower that was not new.

    `per_task` has for each task its `examples`, the units `seen`, and its `share` of draws; `flags` are marks for
    reports: `own training data: xnli`. `base` is the model that the whole run started from.
    """

    kind: str
    recipe: str
    seed: int
    data: str
    parent: str
    task: str = ""
    languages: tuple[str, ...] = ()
    examples: int = 0
    seen: int = 0
    steps: int = 0
    epochs: float = 0.0
    batch_size: int = 0
    lr: float = 0.0
    sampling: str = "proportional"
    selected_on: str = "none"
    perturb: str = ""
    packs: str = ""
    max_length: int = 0
    stride: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    allowed: Mapping[str, int] = field(default_factory=dict)
    reported: tuple[str, ...] = ()
    control: str = ""
    mixing: str = "steps"
    masked_lm: float = 0.0
    translated: str = ""
    text_languages: tuple[str, ...] = ()
    lora: int = 0
    precision: str = "fp32"
    limit: str = ""
    total: int = 0
    schedule: str = "linear"
    warmup: int = 0
    clip: float = 0.0
    selected_step: int = 0
    diversity: Mapping[str, Any] = field(default_factory=dict)
    pairs: str = ""
    images: int = 0
    contrast: str = ""
    vision: str = ""
    per_task: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    base: Mapping[str, str] = field(default_factory=dict)


def check_ours(run: Path) -> None:
    """Raise Mismatch where a folder contains files but is not a run of `train`."""
    check_folder(run)
    if not run.is_dir():
        return
    if (claim := claim_of(run)) is not None:
        if not isinstance(claim.get("identity"), str) or not isinstance(claim.get("spec"), dict):
            what = "is damaged, or not that of a run of `train`, and what the run wrote is not known"
            raise Mismatch(f"{run / CLAIM} {what}. Move the folder away, or name another one: --out DIR")
        return
    if any(path.name not in (store.LOCK, JOURNAL) and not path.name.startswith(f".{CLAIM}.") for path in run.iterdir()):
        raise Mismatch(f"{run} contains files but is not a run of `train`. Name another folder: --out DIR")


def check_claim(run: Path, identity: str, facts: Mapping[str, Any], *, force: bool) -> None:
    """Raise Mismatch where a folder contains a run of another spec, or other files. Nothing is written.

    With `force` another run is allowed, and without it one that has trained nothing.
    """
    check_ours(run)
    claim = claim_of(run)
    if claim is None or force or claim.get("identity") == identity:
        return
    # A run that ended before its first step has only what is written before; another run may use the folder.
    if not claim.get(FILES) and not any((run / name).exists() for name in (*STATES, METRICS, "heads", "model")):
        return
    old, new = claim["spec"], json.loads(json.dumps(facts))
    keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    changed = [_CONTENTS.get(key) or f"{key} {old.get(key)!r} instead of {new.get(key)!r}" for key in keys]
    what = f"{run} contains a run of another spec: {', '.join(changed) or 'other contents'}"
    raise Mismatch(f"{what}. Name another folder with --out, or replace it with --force.")


def check_shared(folder: Path, identity: str, facts: Mapping[str, Any]) -> None:
    """Raise Mismatch where the folder of a stage that runs share contains anything else than that stage.

    Another --out beside it would share the same folder.
    """
    for name in (store.LOCK, JOURNAL):
        store.check_file(folder / name)
    try:
        check_claim(folder, identity, facts, force=False)
    except Mismatch as error:
        what = f"{folder} is not the stage that `train` writes there, or its {CLAIM} is damaged"
        raise Mismatch(f"{what}. Move it away: the stage is then made again.") from error


def claim(journal: Journal, identity: str, facts: Mapping[str, Any], *, force: bool) -> None:
    """Record a folder, which `check_claim` allows, as the run of a spec, or continue with it. The folder is locked.

    With `force`, and where it has trained nothing, an earlier run is removed, which is reported. Raises DiskError.
    """
    run = journal.folder
    claim = claim_of(run)
    if claim is not None and not force and claim.get("identity") == identity:
        return
    if claim is not None:
        over = over_of(journal, facts.get("tasks", ()))
        remove(over, journal.tell if force or over.kept else lambda _: None)
    write_manifest(run / CLAIM, {"identity": identity, "spec": facts, FILES: {}}, journal.write)


def claimed(run: Path) -> str:
    """The identity of the spec whose run a folder is; empty where it is not a run."""
    return str((claim_of(run) or {}).get("identity", ""))


def clear(journal: Journal) -> None:
    """Remove the saved states of a complete run."""
    with suppress(DiskError):
        journal.remove(lambda name: name.partition("/")[0] in STATES)


def write_stage(path: Path, record: StageRecord, journal: Journal) -> None:
    """Write a stage's record, which marks the stage as complete; before it, the hashes of the files that were written.

    The other files in the run's folders are those of the user.
    """
    run, content = journal.folder, store.json_bytes(asdict(record))
    if claim := claim_of(run):
        stage = path.relative_to(run).as_posix()
        kept = [name for name in names_of(run) if name != stage and not journal.wrote(run / name)]
        recorded = {**hashes(run, {*kept, stage}), stage: hashlib.sha256(content).hexdigest()}
        write_manifest(run / CLAIM, {**claim, FILES: recorded}, journal.write)
    journal.write(path, content)


def inherit(parent: Path, journal: Journal) -> None:
    """Copy the records of the stages before, and their hashes."""
    for path in sorted((parent / STAGES).glob("*.json")):
        for file in filter(Path.is_file, (path, path.with_suffix(HASHES))):
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                what = f"{file} cannot be read: {error}. Copy the run again from where it was trained."
                raise ModelError(what) from error
            store.write_text(journal.folder / STAGES / file.name, text, journal.write)


def journal_of(run: Path, tell: Callable[[str], None] = lambda _: None) -> Journal:
    """The journal of a run; a copy without hidden files has none, and its train.json lists what the run wrote."""
    claim = claim_of(run)
    earlier = claim and not (run / JOURNAL).exists()
    listed = {**_table(claim or {}, FILES), CLAIM: store.sha256(run / CLAIM)} if earlier else {}
    return Journal(run, tell, listed, lambda name: is_given(name, _tasks(claim_of(run) or {})))


def planned(run: Path, tasks: Collection[str], force: bool) -> str:
    """What a run of these tasks does to files that are there already, as a line; empty where there is no run."""
    if not (run / CLAIM).is_file():
        return ""
    over, folder = over_of(journal_of(run), tasks), run / _ADDED_TO
    added_to = {_ADDED_TO} if folder.is_dir() and not folder.is_symlink() else set()
    return over.line(replaced=1) if force else over.kept_line(over.kept - added_to)


def over_of(journal: Journal, tasks: Collection[str]) -> StartOver:
    """The start over in the folder of a run, where the new run learns `tasks`; train.json is replaced."""
    run = journal.folder
    given = (*tasks, *_tasks(claim_of(run) or {}))
    names = [name for folder in FOLDERS for name in _within(run, folder, given)]
    names += [name for name in _ALONE if os.path.lexists(run / name)]
    written = {*journal.names()}
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
    run = over.folder
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


def _within(run: Path, name: str, tasks: Collection[str]) -> list[str]:
    """What is in a folder of a run; links are not followed, and a folder that has the name of a file is one entry."""
    path = run / name
    if path.is_symlink() or not path.is_dir() or is_given(name, tasks):
        return [name] if os.path.lexists(path) else []
    return [inner for entry in sorted(path.iterdir()) for inner in _within(run, f"{name}/{entry.name}", tasks)]


def _beside(run: Path) -> list[str]:
    """What else is in the folder of a run, without hidden files."""
    ours = {CLAIM, *_ALONE, *FOLDERS}
    entries = sorted(entry for entry in run.glob("[!.]*") if entry.name not in ours)
    return [f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
