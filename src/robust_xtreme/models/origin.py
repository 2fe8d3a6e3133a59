"""Find what a run names: its models (mini, folders, models on the hub), and the languages that they were trained on.

A run of `train` records its languages; those of other checkpoints are unknown unless the user or the model card names
them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.languages import ALL_LANGUAGES, unknown_language
from robust_xtreme.core.run_paths import exists
from robust_xtreme.core.run_spec import MINI, RunSpec, parse_prompts
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.adapter import of_adapter, with_encoder_inside
from robust_xtreme.models.folder import (
    CONFIG,
    FROM_HUB,
    HOW_TO_TRAIN,
    IN_MEMORY,
    MODULES,
    NOWHERE,
    Learned,
    ModelFolder,
    local,
    modules_in,
)
from robust_xtreme.models.functions import FAMILIES, RERANK, Function, found, is_function
from robust_xtreme.models.labels import parse_labels
from robust_xtreme.tasks.sources.hub import CARD, fetched, on_hub

OPTION: Final = "--trained-on"
NONE: Final = "none"
_FORM: Final = "as in --trained-on en,de or --trained-on xnli=en"
_ISO: Final = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_KNOWN: Final = frozenset((*_ISO.split(), *ALL_LANGUAGES))
"""The codes of languages: those of ISO 639-1, and those of three letters that the tasks use."""

_FENCE: Final = "---"
_KEY: Final = "language:"


@dataclass(frozen=True, slots=True)
class GivenModels:
    """The models of a run: those named for a task, those for every task they have a head for; and names of classes.

    `trained_on` are the languages that the user names of a task's model, or under "" of all models. `represents`: a
    representation was named, which answers retrieval where a model does not have the task's head. `prompts` are what
    the user puts before queries and documents. A `reranker` scores what the model of a search found.
    """

    named: Mapping[str, ModelFolder]
    plain: tuple[ModelFolder, ...]
    labels: Mapping[str, tuple[str, ...]]
    trained_on: Mapping[str, tuple[str, ...]]
    trust: bool = False
    represents: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    reranker: Function | None = None


InMemory = Mapping[str, Path | Function]
"""Folders of models in memory, and functions, by their names in a spec."""


def given_models(spec: RunSpec, in_memory: InMemory | None = None) -> GivenModels:
    """Find every model that a run names. Raises SpecError, UnknownName, ModelError, RobustXtremeError for the hub."""
    labels, trained_on = parse_labels(spec.labels), parse_trained_on(spec.trained_on)
    names, plain = parse_models(spec.model)
    revisions = _revisions(spec.revision)
    _check_revisions(revisions, names, plain)
    bare = revisions.get("", "")
    named = {
        task: _find(name, revisions.get(task, bare), spec, in_memory or {}, registry.load("task", task).family)
        for task, name in names.items()
    }
    origins = tuple(_find(name, bare, spec, in_memory or {}) for name in plain)
    how = spec.trust_remote_code, bool(spec.representation), parse_prompts(spec.prompts)
    rerankers = [origin.function for origin in origins if is_reranker(origin)]
    if len(rerankers) > 1 or any(map(is_reranker, named.values())):
        raise SpecError("One reranker follows every search of a run: name it once, as in --model rerank=python:...")
    origins = tuple(origin for origin in origins if not is_reranker(origin))
    if rerankers and not (named or origins):
        raise SpecError(
            "A reranker scores what another model found. Name that one, too: --model search=python:MODULE:FUNCTION, "
            "say, or an encoder."
        )
    return GivenModels(named, origins, labels, trained_on, *how, next(iter(rerankers), None))


def is_reranker(model: ModelFolder) -> bool:
    """Whether a model is a function that scores what another model found."""
    return model.function is not None and model.function.does == RERANK


def parse_models(models: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The models given for a task by name, and the plain ones. Raises SpecError where a task is named twice."""
    known = registry.names("task")
    named: dict[str, str] = {}
    plain: list[str] = []
    for model in models:
        longest = max((task for task in known if model.startswith(f"{task}=")), key=len, default="")
        task, equals, name = (longest, "=", model[len(longest) + 1 :]) if longest else model.partition("=")
        if not equals or (task not in known and (exists(model) or (task in FAMILIES and is_function(name)))):
            plain.append(model)
            continue
        registry.load("task", task)
        if task in named:
            raise SpecError(f"Two models are given for {task!r}: name one.")
        named[task] = name
    return named, tuple(plain)


def _revisions(given: Sequence[str]) -> dict[str, str]:
    """`SHA` and `TASK=SHA` as {"": SHA, "xnli": SHA}. Raises SpecError."""
    revisions: dict[str, str] = {}
    for assignment in given:
        task, _, revision = assignment.rpartition("=")
        if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", revision):
            raise SpecError(f"The revision {assignment[:80]!r} is not SHA or TASK=SHA, a commit of a model on the hub.")
        if task in revisions:
            raise SpecError(f"Two revisions are given for {task or 'all models'}: name one.")
        revisions[task] = revision
    return revisions


def _check_revisions(revisions: Mapping[str, str], named: Mapping[str, str], plain: Sequence[str]) -> None:
    """Raise SpecError where a revision is given for a model that is not on the hub, or for no model."""
    for task, revision in revisions.items():
        if task and task not in named:
            raise SpecError(f"The revision {task}={revision} needs a model of its own: --model {task}=OWNER/NAME")
        unnamed = [name for named_task, name in named.items() if named_task not in revisions]
        meant = [named[task]] if task else [*plain, *unnamed]
        here = [name for name in meant if not on_hub(name)]
        if len(here) == len(meant):
            what = f"{here[0]} is a model on this machine" if here else "no model is left for it"
            raise SpecError(f"The revision {revision} is of a model on the hub, but {what}. Leave --revision out.")


def _find(name: str, revision: str, spec: RunSpec, in_memory: InMemory, family: str = "") -> ModelFolder:
    known = in_memory.get(name)
    if isinstance(known, Function) or (known is None and is_function(name) and not exists(name)):
        function = known or found(name, family)  # whose version stands for a commit
        return ModelFolder(name, function.name, NOWHERE, "function", function.version, function=function)
    model = with_encoder_inside(_found(name, revision, spec, known))
    return of_adapter(model, lambda base, commit: with_encoder_inside(_found(base, commit, spec)))


def _found(name: str, revision: str, spec: RunSpec, known: Path | None = None) -> ModelFolder:
    if known:
        return ModelFolder(name, IN_MEMORY, known, IN_MEMORY)
    if name.startswith(f"{IN_MEMORY}:") and not exists(name):
        what = "was a model in memory, which only the Python program that had it can give again"
        raise ModelError(f"{name[:80]} {what}: evaluate(model=..., tokenizer=...). No file replays it.")
    if name == MINI:
        return ModelFolder(name, name, resources.mini("model"), MINI)
    if on_hub(name):
        checkpoint = fetched(name, revision, offline=spec.offline, code=spec.trust_remote_code)
        listed = modules_in(checkpoint.folder, name) if (checkpoint.folder / MODULES).is_file() else ()
        if inside := [path for _, path in listed if path and not (checkpoint.folder / path / CONFIG).is_file()]:
            revision, code = checkpoint.revision, spec.trust_remote_code
            checkpoint = fetched(name, revision, offline=spec.offline, code=code, inside=inside)
        return ModelFolder(name, name, checkpoint.folder, FROM_HUB, checkpoint.revision)
    if not exists(name) or not Path(name).is_dir():
        what = f"There is no model folder {name[:200]!r}. A model is mini, a folder, or OWNER/NAME on the hub."
        raise ModelError(f"{what} Train one: {HOW_TO_TRAIN}")
    return local(Path(name), name)


def check_tasks(given: GivenModels, tasks: Sequence[TaskSpec]) -> None:
    """Raise SpecError where a model, labels or languages are given for a task that is not evaluated."""
    known = {"", *(task.name for task in tasks)}
    asked = (("A model is", given.named), ("Labels are", given.labels), ("Training languages are", given.trained_on))
    for what, names in asked:
        unknown = next((task for task in names if task not in known), None)
        if unknown:
            raise SpecError(f"{what} given for {unknown!r}, but that task is not evaluated. Add it to --tasks.")


def parse_trained_on(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`en`, `de` and `xnli=en` as {"": ("en", "de"), "xnli": ("en",)}; `none` is (). Raises SpecError, UnknownName."""
    by_task: dict[str, tuple[str, ...]] = {}
    for assignment in given:
        task, named, listed = assignment.rpartition("=")
        codes = tuple(code.strip() for code in listed.split(","))
        if (named and not task) or not (codes == (NONE,) or all(re.fullmatch("[a-z]{2,3}", c) for c in codes)):
            raise SpecError(f"The value {assignment[:80]!r} of trained_on is not en,de or TASK=en,de, {_FORM}")
        unknown = next((code for code in codes if code not in (NONE, *_KNOWN)), None)
        if unknown is not None:
            see = "robust-xtreme list languages. Other languages have the two letters of ISO 639-1, or are left out"
            raise unknown_language(unknown, see=see)
        if named:
            registry.load("task", task)
        if task and task in by_task:
            raise SpecError(f"The value of trained_on names {task} twice, {_FORM}")
        by_task[task] = (*by_task.get(task, ()), *(() if codes == (NONE,) else codes))
    return by_task


def of_checkpoint(folder: Path, task: str, named: Mapping[str, tuple[str, ...]], head: bool = True) -> Learned:
    """What the user says of a checkpoint's languages, else its model card, which describes a `head` alone."""
    if task in named or "" in named:
        return Learned(named.get(task, named.get("")), OPTION)
    languages = card_languages(folder) if head else None
    return Learned() if languages is None else Learned(languages, "model card")


def card_languages(folder: Path, words: bool = False) -> tuple[str, ...] | None:
    """The languages that the metadata of a folder's model card name.

    None where there are none, and where an entry is not the code of one language: `multilingual`, say, leaves open
    which languages the head was trained on. With `words`, such words beside codes are left out. Only the first 64 KiB
    are read, and nothing in them is evaluated.
    """
    codes = {entry: _code(entry) for entry in _entries(_header(folder))}
    known = tuple(dict.fromkeys(filter(None, codes.values())))
    odd = [entry.strip("\"' ") for entry, code in codes.items() if not code]
    return known if known and all(words and len(entry) > len("deu") for entry in odd) else None


def card_licence(folder: Path) -> str:
    """The licence that the metadata of a folder's model card name; "" where they name none."""
    named = (line.partition(":")[2].strip().strip("\"'") for line in _header(folder) if line.startswith("license:"))
    return next(named, "")[:80]


def _header(folder: Path) -> list[str]:
    """The metadata of a folder's model card, of which the first 64 KiB are read; empty where there are none."""
    if not (folder / CARD).is_file():
        return []
    try:
        with (folder / CARD).open("rb") as file:
            lines = file.read(1 << 16).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    stop = next((index for index, line in enumerate(lines) if index and line.rstrip() == _FENCE), 0)
    return lines[1:stop] if lines and lines[0].strip() == _FENCE else []


def _entries(header: Sequence[str]) -> list[str]:
    """The entries under `language`: one on its line, a list in brackets, or a line with a dash for each."""
    starts = [index for index, line in enumerate(header) if line.startswith(_KEY)]
    if len(starts) != 1:
        return []
    value = header[starts[0]].removeprefix(_KEY).partition(" #")[0].strip()
    if value:
        return value[1:-1].split(",") if value[0] == "[" and value[-1] == "]" else [value]
    entries = []
    for line in header[starts[0] + 1 :]:
        if not line.lstrip().startswith("- "):
            break
        entries.append(line.partition(" #")[0].lstrip().removeprefix("- "))
    return entries


def _code(entry: str) -> str:
    """The code of a language: `en`, `"no"`, `zh-CN` as zh; empty for anything else."""
    code = re.split("[-_]", entry.strip().strip("\"'").lower())[0]
    return code if code in _KNOWN else ""
