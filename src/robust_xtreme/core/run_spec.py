"""RunSpec: the specification of one evaluation, as one flat value and one flat toml file."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import resources, run_paths
from robust_xtreme.core.errors import SpecError, no_path, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.keys import Argument, arguments, key, keys, options, toml
from robust_xtreme.core.specs import canonical, check_keys, parse_match, typed

SPLITS: Final = ("auto", "test", "validation", "train")
_LONGEST_NUMBER: Final = 18
_SHORTEST: Final = 16
NOT_HASHED: Final = ("device", "batch_tokens", "workers", "offline", "out")
"""Keys on where and how fast a run is computed: recorded with it, but not part of its identity."""

_IF_SET: Final = (
    *("compile", "scores", "keep_names", "packs", "trained_on", "max_length", "external", "external_partial", "match"),
    *("frozen", "prompts", "dims"),
)
"""Keys that are part of the identity only where they are set."""

DATA_VARIABLE: Final = "ROBUST_XTREME_DATA"
MINI: Final = "mini"
HUB: Final = "hub"
_AUTO: Final = "auto"
_AGAIN: Final = "robust-xtreme eval --config run.toml"
PANELS: Final = ("Usual", "Model", "Data", "Noise", "Output", "Speed")
"""The sections of `eval --help`, in their order."""

USUAL, MODEL, DATA, NOISE, OUTPUT, SPEED = PANELS
PYTHON: Final = "python:"
"""What the name of a model begins with that is a function of a module: `python:MODULE:FUNCTION`."""


@final
@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run of `eval`.

    `data` "auto" is resolved here. Without tasks, every task that a model has a head for is evaluated; without
    languages, every language of the data; `index` is how candidates are searched. Raises SpecError, naming the value.
    """

    model: tuple[str, ...] = key(
        (MINI,),
        "`mini` (the default), a run of `train`, a transformers checkpoint (a folder or a hub name), or a function: "
        "python:MODULE:FUNCTION, imported only where it is named here",
        USUAL,
        "NAME | TASK=NAME",
        complete="model",
        repeated=True,
    )
    data: str = key(
        _AUTO,
        "the tasks' release files. Default: mini for the model mini, else ROBUST_XTREME_DATA, else the hub",
        USUAL,
        "DIR | mini | hub",
        complete="data",
    )
    tasks: tuple[str, ...] = key(
        (),
        "tasks, families, or xtreme-r, xtreme, low-resource. Default: every task that a model has a head for",
        USUAL,
        "A,B",
        complete="tasks",
    )
    languages: tuple[str, ...] = key(
        (),
        "codes. Default: every language found. MLQA also takes de@en, German questions on English texts",
        USUAL,
        "A,B",
        complete="languages",
    )
    split: str = key("auto", "`auto` (test where it has labels), test, validation or train", DATA, "SPLIT", SPLITS)
    perturb: tuple[str, ...] = key(
        (),
        "such as char_noise:0.05,0.1 or ocr_noise:0.1@fields=context, or a suite, such as @surface",
        USUAL,
        "SPEC",
        complete="condition",
        repeated=True,
    )
    keep_names: bool = key(False, "words tagged as names stay: @names=keep in each of these perturbations", NOISE)
    seeds: int = key(1, "draws of the noise for each cell", USUAL, "N", least=1, most=10_000)
    limit: str = key("", "rows of each language, whole clusters: 300,xquad=150", USUAL, "N,TASK=N")
    max_length: tuple[str, ...] = key(
        (), "tokens of a task's longest inputs, for a model that reads fewer", metavar="TASK=N"
    )
    scores: bool = key(False, "keep how sure the model is of each label and choice, and report calibration", OUTPUT)
    precision: str = key(
        "fp32", "the numbers that are computed with: fp32, bf16 or int8", SPEED, "NAME", ("fp32", "bf16", "int8")
    )
    compile: bool = key(False, "compile the encoder with torch.compile: a slower start, other last digits")
    allow_overlap: bool = key(False, "evaluate on what the model was trained on, and stamp those cells", MODEL)
    labels: tuple[str, ...] = key((), "a checkpoint's classes in its order", MODEL, "TASK=A,B,C", repeated=True)
    trained_on: tuple[str, ...] = key(
        (), "languages of a checkpoint's training data, or none: en,de", MODEL, "A,B | TASK=A,B", repeated=True
    )
    revision: tuple[str, ...] = key((), "of models from the hub", MODEL, "SHA | TASK=SHA", repeated=True)
    trust_remote_code: bool = key(
        False, "run the code that a checkpoint brings along. Off by default; a file alone cannot turn it on", MODEL
    )
    representation: str = key(
        "",
        "a text in retrieval without a head: mean:1/1, cls:12, last:28; mean:14/24 for masked LMs and runs of train",
        metavar="mean:1/1",
    )
    prompts: tuple[str, ...] = key(
        (),
        "what stands before texts in retrieval: 'query=query: ,document=passage: '. An empty one turns a model's off",
        metavar="ROLE=TEXT",
    )
    dims: str = key(
        "", "numbers that are kept of the vectors of texts, each a setting of its own: 768,256", metavar="N,N"
    )
    index: str = key("exact", "how candidates are searched", choices=("exact",))
    packs: tuple[str, ...] = key(
        (),
        "your own keyboards, alphabets, suites and others, KIND/NAME.toml, before the bundled ones",
        NOISE,
        "DIR",
        complete="folder",
        repeated=True,
    )
    external: tuple[str, ...] = key(
        (),
        "noisy examples that others made, a folder or a file, paired with the clean ones and reported beside them",
        NOISE,
        "NAME=PATH",
        complete="folder",
        repeated=True,
    )
    external_partial: bool = key(False, "leave out what has no partner: rows of a set, or many clean items")
    frozen: tuple[str, ...] = key(
        (),
        "texts that attacks in another run left, of this attack or of all: how far they fool this model",
        metavar="RUN=ATTACK",
    )
    match: tuple[str, ...] = key(
        (),
        "noise with as many edits in each text as each external set has, such as natural_typing, beside it",
        metavar="SPEC",
    )
    offline: bool = key(False, "open no connection: what is not on this machine is missing", DATA)
    device: str = key("auto", "`auto`, cpu or cuda", SPEED, "DEVICE", complete=("auto", "cpu", "cuda"))
    batch_tokens: int = key(0, "tokens of a batch, padding included", metavar="N")
    workers: str = key(
        _AUTO, "processes that prepare and score; 0: none. Default: by cores, none for a small run", metavar="N"
    )
    out: str = key(
        "", "the folder of the run. Default: runs/eval-HASH, by what is computed", USUAL, "DIR", compare=False
    )

    def __post_init__(self) -> None:
        if not self.model:
            raise SpecError("No model is named. Add --model NAME, or leave it out for the embedded model, mini.")
        if not self.data:
            raise SpecError("No data are named. Add --data DIR, the folder of the release files, or leave it out.")
        for name, (field, _) in keys(RunSpec).items():
            object.__setattr__(self, name, _typed(name, getattr(self, name), str(field.type), "RunSpec"))
        object.__setattr__(self, "data", _data(self.data, self.model))
        for name, (_, known) in keys(RunSpec).items():
            value = getattr(self, name)
            if known.choices and value not in known.choices:
                raise SpecError(f"The {name} {value!r} is none of: {', '.join(filter(None, known.choices))}.")
            if type(value) is int and not known.least <= value <= known.most:
                side, bound = ("below", known.least) if value < known.least else ("above", known.most)
                raise SpecError(f"The value {shown(value)} of {name} is {side} {bound}.")
        check_path("out", self.out, "eval")
        workers = self.workers
        if workers != _AUTO and not (workers.isdecimal() and workers.isascii() and len(workers) <= 3):
            raise SpecError(f"The workers {workers[:80]!r} are not a number of processes up to 999, as 4, or auto.")
        parse_limits(self.limit)
        parse_lengths(self.max_length)
        parse_prompts(self.prompts)
        object.__setattr__(self, "dims", ",".join(map(str, parse_dims(self.dims))))
        check_pairs(self.languages)
        object.__setattr__(self, "perturb", tuple(dict.fromkeys(map(canonical, self.perturb))))
        object.__setattr__(self, "match", tuple(dict.fromkeys(str(parse_match(match)) for match in self.match)))
        if self.keep_names and not self.perturb:
            raise SpecError("--keep-names keeps names out of noise, and there is none. Add --perturb SPEC.")
        if self.match and not parse_sets(self.external):
            raise SpecError("match draws noise beside noisy sets. Name one: --external NAME=PATH")

    def worker_count(self) -> int | None:
        """The number of worker processes; None where it depends on the machine and the run."""
        return None if self.workers == _AUTO else int(self.workers)

    def limit_of(self, task: str) -> int | None:
        """The number of rows of a language that the task is limited to; None without a limit."""
        limits = parse_limits(self.limit)
        return limits.get(task, limits.get(""))

    def identity(self) -> str:
        """The hash of the keys that determine the results; all spellings of a path have the same."""
        unset = (name for name in _IF_SET if not getattr(self, name))
        return digest(self._lines(exclude=(*NOT_HASHED, *unset), of=run_paths.resolved))

    def folder(self) -> Path:
        """The folder that the run is written to: `out`, or `runs/eval-<identity>`."""
        return Path(self.out) if self.out else Path("runs") / f"eval-{self.identity()}"

    def commands(self, data: Collection[str] = ()) -> list[str]:
        """The command line of the run, without what changes only where or how fast it is computed.

        `data` are the options that name the data, where they are not those of the spec. A path is `DIR` there, so that
        the same run elsewhere has the same; then, and where a key has no option, the command with the run's own file is
        there as well.
        """
        shown = replace(self, **{name: run_paths.hidden(name, getattr(self, name)) for name in keys(RunSpec)})
        same = (*NOT_HASHED, *(["data"] if data else []))
        others = tuple(name for name in shown.model if name.rpartition("=")[2] != MINI)  # beside them mini needs data
        defaults = RunSpec(model=others or shown.model, **{name: getattr(shown, name) for name in same})
        defaults = replace(defaults, model=shown.model)
        words = options(shown, defaults)
        model = [word for name in shown.model if shown.model != (MINI,) for word in ("--model", name)]
        again = shlex.join([*_AGAIN.split(), *(model if imported(self.model) else ())])
        if words is None:
            return [again]
        line = shlex.join(["robust-xtreme", "eval", *model, *data, *words])
        return [line] if shown == self else [line, again]

    def to_toml(self) -> str:
        """The spec as a toml file that `from_toml` reads again, one line per key; relative paths with their folder."""
        folder = f"{run_paths.FOLDER} = {toml(str(Path.cwd()))}\n" if run_paths.has_relative(self) else ""
        return folder + self._lines(exclude=("out",))

    def _lines(self, exclude: Collection[str], of: Callable[[str, Any], Any] = lambda _, value: value) -> str:
        values = {name: of(name, getattr(self, name)) for name in keys(RunSpec) if name not in exclude}
        return "".join(f"{name} = {toml(value)}\n" for name, value in values.items())


def _data(data: str, models: tuple[str, ...]) -> str:
    """The source of the data; `auto` is resolved by the models and the environment.

    Raises SpecError where mini is evaluated together with other models and the data are not named: mini knows few
    words, and the data of mini are seldom meant for other models.
    """
    if data != _AUTO:
        return data
    minis = [model.rpartition("=")[2] == MINI for model in models]
    if all(minis):
        return MINI
    folder = os.environ.get(DATA_VARIABLE)
    if any(minis) and not folder:
        raise SpecError("The model mini is beside others: name the data for all of them, as in --data mini.")
    return folder or HUB


def check_pairs(languages: tuple[str, ...]) -> None:
    """Raise SpecError where a language with an @ is not two different ones, `question@context`."""
    for language in languages:
        question, *others = language.split("@")
        if others and not (question and len(others) == 1 and others[0] and others[0] != question):
            raise SpecError(f"The language {language[:80]!r} is not question@context, two languages, as in de@en.")


def check_path(name: str, path: str, command: str) -> None:
    """Raise SpecError where the value of a key cannot be a path, for which this machine has a reason."""
    if why := _no_path(path):
        what = f"The value {path[:200]!r} of {name!r} {why}."
        raise SpecError(f"{what} See: robust-xtreme {command} --help")


def _no_path(path: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", path):
        return "contains a control character"
    try:
        Path(path).stat()
    except ValueError:
        return "contains half of a character"
    except OSError as error:
        return no_path(error)
    return ""


def parse_limits(text: str) -> dict[str, int]:
    """`300,xquad=150` as {"": 300, "xquad": 150}. Raises SpecError, naming the part."""
    limits: dict[str, int] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        task, named, number = part.rpartition("=")
        number = number.strip()
        if (named and not task.strip()) or not number.isdecimal() or len(number) > _LONGEST_NUMBER or int(number) < 1:
            raise SpecError(f"The limit {part[:80]!r} is not N or TASK=N with N of at least 1, as in 300,xquad=150.")
        if task.strip() in limits:
            raise SpecError(f"The limit {text!r} names {task.strip() or 'the default'!r} twice.")
        limits[task.strip()] = int(number)
    return limits


def parse_lengths(given: tuple[str, ...]) -> dict[str, int]:
    """`xnli=128` and others as {"xnli": 128}. Raises SpecError, naming the part."""
    lengths: dict[str, int] = {}
    for part in given:
        task, _, number = part.rpartition("=")
        is_number = number.isdecimal() and number.isascii() and len(number) <= _LONGEST_NUMBER
        if not task.strip() or not is_number or int(number) < _SHORTEST:
            what = f"The max_length {part[:80]!r} is not TASK=N with N of at least {_SHORTEST}, as in xnli=128."
            raise SpecError(what)
        if task.strip() in lengths:
            raise SpecError(f"The max_length of {task.strip()!r} is named twice.")
        lengths[task.strip()] = int(number)
    return lengths


def parse_prompts(given: tuple[str, ...]) -> dict[str, str]:
    """`query=query: ,document=passage: ` as {"query": "query: ", "document": "passage: "}. Raises SpecError."""
    prompts: dict[str, str] = {}
    for part in (part for text in given for part in re.split(r",(?=(?:query|document|passage|corpus)=)", text)):
        role, equals, prompt = part.partition("=")
        if not equals or role not in ("query", "document") or re.search(r"[\ud800-\udfff]", prompt):
            what = "is not query=TEXT or document=TEXT, as in 'query=query: ,document=passage: '"
            raise SpecError(f"The prompt {part[:80]!r} {what}.")
        if role in prompts:
            raise SpecError(f"The prompt of {role!r} is named twice.")
        prompts[role] = prompt
    return prompts


def parse_dims(text: str) -> tuple[int, ...]:
    """`768,256` as (768, 256), each once. Raises SpecError, naming the part."""
    parts = [part.strip() for part in text.split(",")] if text else []
    for part in parts:
        if not re.fullmatch("[1-9][0-9]{0,5}", part):
            raise SpecError(f"The dims {part[:80]!r} are not a number of dimensions of at least 1, as in 768,256.")
    return tuple(dict.fromkeys(map(int, parts)))


def parse_sets(given: tuple[str, ...]) -> dict[str, str]:
    """`typos=PATH` and others as {"typos": PATH}. Raises SpecError, naming the part."""
    sets: dict[str, str] = {}
    for part in given:
        name, _, path = part.partition("=")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name) or not path.strip():
            what = "is not NAME=PATH, NAME of letters, digits, - and _, a letter first, as in typos=DIR"
            raise SpecError(f"The external set {part[:80]!r} {what}.")
        if name in sets:
            raise SpecError(f"The external set {name!r} is named twice.")
        check_path("external", path, "eval")
        sets[name] = path
    return sets


def from_mapping(values: Mapping[str, Any], location: str) -> RunSpec:
    """A RunSpec from the keys of a toml file or of an API call; a list may also be given as one string.

    Raises SpecError naming the location and the key that is unknown or has another type.
    """
    known = {name: str(field.type) for name, (field, _) in keys(RunSpec).items()}
    check_keys(values, known, (), location)
    return RunSpec(**{name: _typed(name, value, known[name], location) for name, value in values.items()})


def _typed(name: str, value: Any, kind: str, location: str) -> Any:
    """The value of a key; a string of several names, or a mapping, is a list of them. Raises SpecError."""
    if name in ("tasks", "languages") and isinstance(value, str):
        value = value.replace(",", " ").split() or value
    if name == "dims" and isinstance(value, (list, tuple)):
        value = _written(value)
    if name in ("max_length", "trained_on", "revision", "external", "prompts") and isinstance(value, Mapping):
        value = [f"{task}={_written(item)}" for task, item in value.items()]
    return typed(name, value, kind, location, paths=name in ("model", "packs"))


def _written(value: Any) -> str:
    """The value of a task as on the command line; what is of another type is refused later."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(_written, value))
    return str(value) if isinstance(value, str | Path) else shown(value)


def evaluate_arguments() -> dict[str, Argument]:
    """The keys of a run, and functions in place of its models, as arguments of `evaluate`."""
    functions = {name: Argument(None, "Asked | None", what) for name, what in _FUNCTIONS.items()}
    return {**arguments(RunSpec, _TYPES), **functions}


_FUNCTIONS: Final = {
    "encode": "a function from texts to vectors (n, d), which are compared by cosine",
    "search": "from queries and a corpus, a dict of texts by id, to a list of ids for each query, the best first",
    "rerank": "from pairs of a query and a candidate that another model found to a score of each",
    "classify": "from texts, or pairs of texts, to labels or scores of each label",
    "tag": "from lists of words to lists of tags",
    "answer": "from (question, context) to parts of the context, or their (start, stop), or None",
    "choose": "from (premise, choices) to indices of choices, or scores of each",
}


_TYPES: Final = {
    "model": "Model | Sequence[Model] | Mapping[str, Model]",
    "labels": "str | Sequence[str] | Mapping[str, Sequence[str]]",
    "max_length": "str | Sequence[str] | Mapping[str, int]",
    "trained_on": "str | Sequence[str] | Mapping[str, str | Sequence[str]]",
    "revision": "str | Sequence[str] | Mapping[str, str]",
    **dict.fromkeys(("data", "out"), "str | Path"),
    **dict.fromkeys(("limit", "workers"), "str | int"),
    "packs": "str | Path | Sequence[str | Path]",
    "external": "str | Sequence[str] | Mapping[str, str | Path]",
    "prompts": "str | Sequence[str] | Mapping[str, str]",
    "dims": "str | int | Sequence[int]",
}
"""The types of arguments where they differ from those of keys."""


def imported(models: Collection[str]) -> str:
    """The first name of a function of a module among models; empty where there is none."""
    return next((model for model in models if model.rpartition("=")[2].startswith(PYTHON)), "")


def from_toml(path: Path, *, runs: bool = True, **changes: Any) -> RunSpec:
    """Read a run's file; `changes` override its keys. The file's relative paths count from it, or from its `folder`.

    Raises SpecError naming the file, also where the file, and not `changes`, asks to run the code of a checkpoint, or
    of a module, in a spec that `runs`.
    """
    read = {key: value for key, value in resources.toml(path).items() if key not in changes}
    spec = from_mapping({**run_paths.counted(read, path, changes), **changes}, str(path))
    if spec.trust_remote_code and "trust_remote_code" not in changes:
        what = "trust_remote_code = true in a file does not permit the code of a checkpoint"
        raise SpecError(f"{path}: {what}. Add the option --trust-remote-code to run it.")
    if runs and "model" not in changes and (named := imported(spec.model)):
        what = f"the name {named!r} in a file does not permit to import code"
        raise SpecError(f"{path}: {what}. Name all models of the run as options: --model {named}")
    return spec
