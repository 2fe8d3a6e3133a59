"""A model's folder: its configuration, weights, heads and stages, each read once, and the identity of its files.

A run of `train` contains `RUN/model/` (config, safetensors, tokenizer), `RUN/heads/TASK.safetensors` with `TASK.json`,
and `RUN/stages/`. Any other model is a folder of transformers: safetensors, config.json and the files of a tokenizer.
Nothing here imports torch, so that processes that load no model know it by `Located`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from robust_xtreme.core import registry, resources, strict_json
from robust_xtreme.core.errors import DataError, ModelError
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION, SPAN_QA, TAGGING, digest
from robust_xtreme.core.run_paths import like_hub
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.functions import Function
from robust_xtreme.models.reading.units import TOKENIZER_CONFIG, units_of
from robust_xtreme.stats.stages import read_stages
from robust_xtreme.tasks.sources.hub import CODE, FILES, IN_A_MODULE, SENTENCE

if TYPE_CHECKING:
    from robust_xtreme.models.reading.members.retrieval import Prompts, SentenceModel

FOLDER: Final = "folder"
FROM_HUB: Final = "hub"
IN_MEMORY: Final = "memory"
"""The source of a model in memory, and the first part of its name: `memory:HASH`."""
NOWHERE: Final = Path(os.devnull)
"""The folder of a function, in which there is nothing."""

HOW_TO_TRAIN: Final = "robust-xtreme train --help"
CONFIG: Final = "config.json"
MODULES: Final = "modules.json"
"""The file of a folder of sentence-transformers that lists its modules."""

WAYS: Final = (
    'representation = "mean:1/1" (the mean of its last layer), "cls:1/1" (its first token), "last:1/1" (its last '
    'token) or "mean:14/24" (as XTREME reads XLM-R), in a file for --config'
)
"""The settings that say how an encoder alone represents a text."""

_MODULE_PATH: Final = re.compile(r"(?:[\w-][\w.-]*(?:/[\w-][\w.-]*)*)?")

HEADS: Final = {
    CLASSIFICATION.name: "ForSequenceClassification",
    TAGGING.name: "ForTokenClassification",
    SPAN_QA.name: "ForQuestionAnswering",
    CHOICE.name: "ForMultipleChoice",
}
"""The endings of transformers' names for architectures with a family's head."""

WHOLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
ADAPTER: Final = "adapter_config.json"
ADAPTED: Final = "adapter_model.safetensors"
_SAFE: Final = re.compile(r"[^./\\\0][^/\\\0]*\.safetensors")
_SPARE: Final = 10**7
READ_AS: Final = "read only as float32, float16 or bfloat16"
_TYPES: Final = ("F32", "F16", "BF16", "F64")
_BUFFERS: Final = re.compile(
    r"(?:.*\.)?(?:position_ids|token_type_ids|num_batches_tracked|masked_bias|attn\.bias|\w+_(?:index|mask))"
)
"""Weights of other types that are not learned."""

UNUSED: Final = re.compile(
    r"(?:.*\.)?(?:pooler\..+|position_ids|token_type_ids|inv_freq|num_batches_tracked)"
    r"|(?:lm_head|cls|predictions|sop_classifier|lm_predictions|mask_predictions|generator_predictions"
    r"|generator_lm_head|discriminator_predictions|vocab_transform|vocab_layer_norm|vocab_projector|decoder"
    r"|head|criterion|loss\w*)\..+"
)
"""Weights in checkpoints that a task head does not use: poolers, pretraining heads, buffers, weights of a loss."""

_EMBEDDING: Final = re.compile(
    r"(?:embeddings?|HashBucketCodepointEmbedder_\d+|(?:^|\.)(?:shared|embed_tokens|embed_positions|wte|wpe))\.weight$"
)
"""Names of embedding tables (words, positions, types) in BERT, T5, CANINE and others; not of norms or projections."""

_DECODER: Final = "decoder."
_OF_DECODERS: Final = ("lm_head.weight", "attn.bias", "attn.masked_bias")
"""The ends of names of what predicts the next word, and of GPT-2's masks, which are not learned."""

_IMAGES: Final = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale", "logit_bias")
"""Parts of checkpoints of T5's and CLIP's kind that are not used to read text."""

MODEL_FILES: Final = (*FILES, "*.safetensors")
"""The files of a model's folder that are read."""


@dataclass(frozen=True)  # keeps what it has read of the folder
class ModelFolder:
    """A model on this machine: its name as typed and in tables, its folder, its source, and its commit on the hub.

    `adapter` is the folder of an adapter whose changes are made to the weights, `base` the name of the model in
    `folder` that it changes, and `head` what the adapter adds to that model's configuration. `modules` is the folder
    whose modules.json counts, where that is another one. A `function`, and what is read of a folder, does not travel to
    other processes.
    """

    typed: str
    called: str
    folder: Path
    source: str = FOLDER
    revision: str = ""
    adapter: Path | None = None
    base: str = ""
    head: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    function: Function | None = None
    modules: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return ModelFolder, tuple(getattr(self, each.name) for each in fields(self))

    @property
    def note(self) -> str:
        """A sentence where the name could mean another model, now or in a later run, or another one too; else empty."""
        if self.adapter is not None:
            return f"{self.typed} is an adapter, merged into the weights of {self.base}."
        if self.source == FROM_HUB:
            return f"{self.typed} is commit {self.revision} of the hub; to name it: --revision {self.revision}"
        if self.source == FOLDER and like_hub(self.typed):
            return f"{self.typed} is a folder here, so the hub was not asked for a model of that name."
        return ""

    @cached_property
    def native(self) -> bool:
        """Whether it has the layout of transformers, and not that of a run of `train`."""
        return (self.folder / CONFIG).is_file() and not (self.folder / "model").is_dir()

    @property
    def encoder(self) -> Path:
        """The transformers folder: encoder (with its head, in a checkpoint) and tokenizer."""
        return self.folder if self.native else self.folder / "model"

    @property
    def shown(self) -> str:
        """The transformers folder as errors name it: its path, or its name on the hub."""
        return self.typed if self.native else str(self.encoder)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The content of its config.json, with what an adapter's head says. Raises ModelError."""
        config = read_json(self.encoder / CONFIG)
        return {**config, **units_in(self.encoder, config), **dict(self.head)}

    @property
    def architecture(self) -> str:
        """The first architecture that its configuration names; empty where it names none. Raises ModelError."""
        architectures = self.config.get("architectures")
        return str(architectures[0]) if isinstance(architectures, list) and architectures else ""

    @cached_property
    def family(self) -> str | None:
        """The family of a checkpoint's head, or of a function; None where none serves a task. Raises ModelError."""
        return self.function.family if self.function else family_of_head(self.architecture)

    @property
    def home(self) -> Path:
        """The folder as a whole, which the user named or the hub has: with modules.json, if any, and a model card."""
        return self.modules or self.folder

    @property
    def is_sentence(self) -> bool:
        """Whether it is a folder of sentence-transformers: it lists modules."""
        return self.native and (self.home / MODULES).is_file()

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The tasks that a run contains a head for."""
        return tuple(sorted(path.stem for path in (self.folder / "heads").glob("*.safetensors")))

    def head_for(self, task: TaskSpec) -> str | None:
        """The head of a run that a task uses: its own, else the first that it accepts, else None."""
        return next((name for name in (task.name, *task.accepts) if name in self.heads), None)

    @cached_property
    def stages(self) -> tuple[dict[str, Any], ...]:
        """The records of a run's stages, in order; empty where the folder has none. Raises ModelError."""
        try:
            return read_stages(self.folder)
        except DataError as error:
            raise ModelError(str(error)) from error

    @cached_property
    def weights(self) -> tuple[Path, ...]:
        """The files of the weights of its encoder, and of its head where a checkpoint contains one."""
        if self.native:
            return weight_files(self.folder, self.typed)
        return tuple(sorted(self.encoder.glob("*.safetensors")))

    def identity(self, labels: Mapping[str, Sequence[str]], trust: bool = False, bare: bool = False) -> str:
        """The hash of its files, with its code where it may run, and of heads with their labels (16 hex digits).

        Those of modules of sentence-transformers are left out where the encoder is used `bare`.
        """
        if not self.native:
            return identity(model_files(self.encoder), self.config, labels, self.folder / "heads")
        paths = {path for pattern in (*FILES, *(CODE if trust else ())) for path in self.folder.glob(pattern)}
        inside = modules_in(self.home, self.typed) if self.is_sentence and not bare else ()
        patterns = (
            (*SENTENCE, *(f"{path}/{name}" for _, path in inside if path for name in IN_A_MODULE)) if inside else ()
        )
        modules = {path.relative_to(self.home).as_posix(): file_hash(path) for path in model_files(self.home, patterns)}
        whole = identity(paths | set(self.weights), {**self.config, **({MODULES: modules} if modules else {})}, labels)
        if self.adapter is None:
            return whole
        facts = read_json(self.adapter / ADAPTER)
        what = {name: facts[name] for name in sorted(facts.keys() - {"base_model_name_or_path", "revision"})}
        return digest(whole, file_hash(self.adapter / ADAPTED), json.dumps(what))


def modules_in(home: Path, called: str) -> list[tuple[str, str]]:
    """The type and the path of each module of sentence-transformers, in order. Raises ModelError."""
    try:
        listed = strict_json.loads(resources.content(home / MODULES).decode("utf-8"))
        entries = [(str(entry["type"]), str(entry["path"])) for entry in listed]
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        what = f"its {MODULES} is not a list of modules with type and path"
        raise ModelError(f"{called}: {what}. Get it again.") from error
    for _, path in entries:
        if not _MODULE_PATH.fullmatch(path):
            raise ModelError(f"{called}: its {MODULES} names the path {path[:80]!r}, which is no folder inside it.")
    return entries


def local(folder: Path, typed: str = "") -> ModelFolder:
    """A folder as a model."""
    return ModelFolder(typed or str(folder), folder.resolve().name, folder)


@dataclass(frozen=True, slots=True)
class Learned:
    """The languages of a head's training data, None where they are unknown, and who names them.

    `by` is `--trained-on`, `model card`, or empty for the record of a run of `train`.
    """

    languages: tuple[str, ...] | None = None
    by: str = ""

    def setting(self, language: str) -> str:
        """The setting of a language: `in_language` or `zero_shot`; `unknown` where the languages are unknown."""
        if self.languages is None:
            return "unknown"
        return "in_language" if language in self.languages else "zero_shot"


@dataclass(frozen=True, slots=True)
class Located:
    """One task's model on disk: the run or checkpoint, its head, and the identity of all its files.

    `heads` are those that are part of the identity, `learned` has the languages of the head's training data. `head` is
    empty where the task is answered by the encoder's representation. `labels` are the task's labels of the head's
    classes; `classes` are the names that a checkpoint gives them, empty for a run and where the head does not classify.
    `trust` says whether its code may run, `renamed` is a note that the user named its classes differently. `sentence`
    are the modules of sentence-transformers that answer instead of a representation, `prompts` those of a search.
    A `reranker` scores what the model found; `first_identity` is that of the model without it.
    """

    origin: ModelFolder
    task: str
    head: str
    family: str
    labels: tuple[str, ...]
    identity: str
    config: Mapping[str, Any]
    learned: Learned
    heads: tuple[str, ...]
    classes: tuple[str, ...] = ()
    trust: bool = False
    renamed: str = ""
    sentence: SentenceModel | None = None
    prompts: Prompts | None = None
    reranker: Function | None = None
    first_identity: str = ""

    @property
    def width(self) -> int:
        """The numbers of a text's vector; 0 where the configuration does not say it."""
        size = self.sentence.width if self.sentence else self.config.get("hidden_size")
        return size if isinstance(size, int) else 0

    @property
    def run(self) -> Path:
        """The folder of the run, checkpoint or adapter."""
        return self.origin.adapter or self.origin.home

    @property
    def folder(self) -> Path:
        """The transformers folder: encoder (with its head, in a checkpoint) and tokenizer."""
        return self.origin.encoder

    @property
    def params(self) -> int | None:
        """The number of parameters of the encoder, and of a checkpoint's head; None of a function, unknown."""
        return None if self.origin.function else parameters(self.origin.weights)[0]

    @property
    def params_nonembedding(self) -> int | None:
        """The same without the embedding tables of words, positions and types."""
        return None if self.origin.function else parameters(self.origin.weights)[1]

    @property
    def name(self) -> str:
        """The model's name in frames and tables: its folder or hub name, and the first digits of its identity."""
        called = f"{self.origin.called}+{self.reranker.name}" if self.reranker else self.origin.called
        return f"{called}@{self.identity[:8]}"


def family_of_head(architecture: str) -> str | None:
    """The family of an architecture's head; None where no task has such a head."""
    return next((family for family, ending in HEADS.items() if architecture.endswith(ending)), None)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ModelError."""
    try:
        value = strict_json.loads(resources.content(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object.")
    return value


def model_files(folder: Path, patterns: Iterable[str] = MODEL_FILES) -> list[Path]:
    """The files of a model's folder that are read, in order; a file of the user beside them is not one."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def object_of(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where it does not contain one. Raises ModelError where a key occurs twice."""
    try:
        value = strict_json.loads(path.read_text(encoding="utf-8"))
    except strict_json.RepeatedKey as error:
        raise ModelError(f"{path}: {error}. Get it again.") from None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def identity(
    files: Iterable[Path], config: Mapping[str, Any], heads: Mapping[str, Sequence[str]], folder: Path | None = None
) -> str:
    """The hash of files, configuration, and heads, with their weights in `folder` and their labels (16 hex digits)."""
    every = sorted(path for path in files if path.is_file() and path.name != "config.json")
    parts = [part for path in every for part in (path.name, file_hash(path))]
    facts = sorted(config.keys() - {"_name_or_path", "transformers_version"})
    parts.append(json.dumps({key: config[key] for key in facts}))
    for head, names in heads.items():
        weights = file_hash(folder / f"{head}.safetensors") if folder else ""
        parts += [head, weights, str(len(names)), *names]
    return digest(*parts)


def file_hash(path: Path) -> str:
    """The sha256 of a file, read once while it does not change. Raises ModelError where it cannot be read."""
    try:
        return _file_hash(path, resources.version(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=1024)
def _file_hash(path: Path, _version: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def units_in(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """What `units_of` says of a folder whose config.json has that content."""
    return units_of(config, object_of(folder / TOKENIZER_CONFIG) or {})


def encoder_identity(folder: Path, patterns: Iterable[str] = MODEL_FILES) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    return digest(*(part for path in model_files(folder, patterns) for part in (path.name, file_hash(path))))


def parameters(paths: tuple[Path, ...]) -> tuple[int, int]:
    """The number of parameters that read text, with and without embedding tables. Raises ModelError."""
    sizes = {name: math.prod(shape) for path in paths for name, (_, shape) in headers(path).items()}
    unread = (*_IMAGES, _DECODER, "lm_head.") if any(name.startswith(_DECODER) for name in sizes) else _IMAGES
    left = {name for name in sizes if name.startswith(unread) or name.endswith(_OF_DECODERS)}
    kept = {name: size for name, size in sizes.items() if name not in left}
    embedding = sum(size for name, size in kept.items() if _EMBEDDING.search(name))
    every = sum(kept.values())
    return every, every - embedding


def language_models(specs: Iterable[PerturbationSpec]) -> tuple[str, ...]:
    """Their identities, sorted, each once. Raises ModelError."""
    named = [(registry.load("perturbation", link.name).free, link.params) for spec in specs for link in spec.links]
    folders = {Path(value).expanduser() for free, params in named for name, value in params if name in free}
    return tuple(sorted({identity(model_files(folder), read_json(folder / "config.json"), {}) for folder in folders}))


def weight_files(folder: Path, called: str) -> tuple[Path, ...]:
    """The files that a folder's weights are read from; none where it has no index either. Raises ModelError."""
    if (folder / WHOLE).is_file():
        return (folder / WHOLE,)
    if not (folder / INDEX).is_file():
        return ()
    try:
        index = strict_json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = sorted({name if isinstance(name, str) else repr(name) for name in index["weight_map"].values()})
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):  # it is not an index
        names = []
    strange = next((name for name in names if not _SAFE.fullmatch(name)), None)
    if strange is not None or not names:
        what = f"names {str(strange)[:80]!r}" if names else "names no file of weights"
        what += ", but weights are read only from files in the same folder that end in .safetensors"
        cure = "Save it again with transformers' save_pretrained."
        raise ModelError(f"{called}: its {INDEX} {what}; pickled ones could run code. {cure}")
    lost = next((name for name in names if not (folder / name).is_file()), None)
    if lost is not None:
        raise ModelError(f"{called}: its {INDEX} names {lost[:80]!r}, which is missing. Get it again.")
    return tuple(folder / name for name in names)


def check_whole(folder: Path, called: str) -> None:
    """Raise ModelError where a folder contains an adapter, which some versions of transformers apply unasked."""
    if (folder / ADAPTER).is_file():
        what = f"{called} contains an adapter ({ADAPTER}), which is not applied beside other weights"
        raise ModelError(f"{what}. Merge it into them with peft's merge_and_unload, and save them without it.")


def check_weights(folder: Path) -> None:
    """Raise ModelError, one line, where a folder does not contain safetensors."""
    if any(folder.glob("*.safetensors")):
        return
    patterns = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
    pickled = next((path.name for pattern in patterns for path in sorted(folder.glob(pattern))), None)
    what, cure = "no weights (model.safetensors)", "Save them"
    if pickled is not None:
        what = f"only pickled weights ({pickled}), which could run code when read"
        cure = "Convert them to model.safetensors"
    raise ModelError(f"{folder} contains {what}. {cure} with transformers' save_pretrained.")


def check_files(folder: Path, called: str, here: bool) -> None:
    """Raise ModelError where a folder has no weights that can be read; `here`: it is local, not fetched."""
    check_whole(folder, called)
    files = weight_files(folder, called)
    if files:
        check_types(files)
        return
    if here:
        check_weights(folder)
    what = f"{called} has no model.safetensors; pickled weights are not read, because they could run code"
    raise ModelError(f"{what}. Save it again with transformers' save_pretrained.")


def check_types(paths: Iterable[Path]) -> None:
    """Raise ModelError where a file of weights is damaged, or has types that need scales, which are not applied."""
    for path in paths:
        for name, (kind, _) in headers(path).items():
            if kind not in _TYPES and not _BUFFERS.fullmatch(name):
                what = f"{name[:200]} has the type {kind}, but weights are {READ_AS}"
                raise ModelError(f"{path}: {what}. Save it again in one of them.")


@lru_cache(maxsize=64)
def _headers(path: Path, _version: tuple[int, ...]) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as weights:
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 - not a mapping
            return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged: {str(error).splitlines()[0]}. Remove it and get it again.") from error


def headers(path: Path) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """The type and shape of each weight in a file, read from its header. Raises ModelError where it is damaged."""
    try:
        return _headers(path, resources.version(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def check_size(described: int, paths: Iterable[Path]) -> None:
    """Raise ModelError where a configuration describes far more parameters, to be allocated, than the files contain."""
    present = sum(math.prod(shape) for path in paths for _, shape in headers(path).values())
    if described > 2 * present + _SPARE:
        what = f"describes {described:,} parameters, but the weights have {present:,}"
        raise ModelError(f"its config.json {what}. Get it again.")


def check_described(called: str, unexpected: Iterable[str], model: Any, whole: bool) -> None:
    """Raise ModelError where the files contain weights that the configuration does not describe, such as more layers.

    In a `whole` checkpoint all weights count but those that a task head does not use; in an encoder only those of its
    own parts, because a head in the same files belongs to another model.
    """
    prefix = f"{model.base_model_prefix}." if getattr(model, "base_model_prefix", "") else ""
    left = sorted(name for name in unexpected if not UNUSED.fullmatch(name))
    if not whole:
        left = [name for name in left if hasattr(model, name.removeprefix(prefix).partition(".")[0])]
    if left:
        what = f"{left[0]} and {len(left) - 1} more are" if len(left) > 1 else f"{left[0]} is"
        raise ModelError(f"{called}: {what} in the weights, but config.json describes no such part of the model.")
