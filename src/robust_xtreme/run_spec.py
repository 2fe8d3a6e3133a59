"""RunSpec: what one evaluation computes, as one flat value and one flat toml file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme import resources
from robust_xtreme.errors import SpecError
from robust_xtreme.examples import digest
from robust_xtreme.specs import canonical, check_keys

SPLITS: Final = ("auto", "test", "validation", "train")
PRECISIONS: Final = ("fp32", "bf16")
_MOST_SEEDS: Final = 10_000
_LONGEST_NUMBER: Final = 18
NOT_HASHED: Final = ("device", "batch_tokens", "offline", "out")
"""Where and how fast a run is computed: recorded with it, but no part of what it computes."""

DATA_VARIABLE: Final = "ROBUST_XTREME_DATA"
MINI: Final = "mini"
HUB: Final = "hub"
_AUTO: Final = "auto"


@final
@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run of `eval`.

    `model` holds NAME or TASK=NAME, where NAME is `mini`, a run of `train`, or a transformers checkpoint in a folder or
    on the hub. `data` is a folder, `mini` or `hub`; `auto` is resolved here: mini for the model mini, else the folder
    that ROBUST_XTREME_DATA names, else the hub. `labels` holds TASK=A,B,C, the names of a checkpoint's classes in its
    order; `revision` SHA or TASK=SHA, of models from the hub. `tasks` are names of tasks and of groups of them; none
    means every task that a model has a head for. No languages named means every language found; `de@en` is a question
    in German on a context in English. `limit` is `N`, `TASK=N` or several of them by commas: rows of a language, whole
    clusters. `representation` is what of an encoder stands for a text in retrieval ("": the paper's choice, and heads
    where there are some), `index` how its candidates are searched. `perturb` holds specs and suites (`@surface`),
    `packs` folders of linguistic data that are looked into before the bundled ones. `batch_tokens` 0 takes the device's
    default. Raises SpecError, naming the value.
    """

    model: tuple[str, ...] = (MINI,)
    data: str = _AUTO
    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    split: str = "auto"
    perturb: tuple[str, ...] = ()
    seeds: int = 1
    limit: str = ""
    precision: str = "fp32"
    allow_overlap: bool = False
    labels: tuple[str, ...] = ()
    revision: tuple[str, ...] = ()
    trust_remote_code: bool = False
    representation: str = ""
    index: str = "exact"
    packs: tuple[str, ...] = ()
    offline: bool = False
    device: str = "auto"
    batch_tokens: int = 0
    out: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.model:
            raise SpecError("No model is named. Add --model NAME, or leave it out for the embedded model, mini.")
        if not self.data:
            raise SpecError("No data are named. Add --data DIR, the folder of the release files, or leave it out.")
        object.__setattr__(self, "data", _data(self.data, self.model))
        _check_choice("split", self.split, SPLITS)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_at_least("seeds", self.seeds, 1)
        if self.seeds > _MOST_SEEDS:
            raise SpecError(f"The value {self.seeds} of seeds is above {_MOST_SEEDS}.")
        _check_at_least("batch_tokens", self.batch_tokens, 0)
        parse_limits(self.limit)
        check_pairs(self.languages)
        object.__setattr__(self, "perturb", tuple(dict.fromkeys(map(canonical, self.perturb))))

    def limit_of(self, task: str) -> int | None:
        """How many rows of a language the task is limited to; None where it is not."""
        limits = parse_limits(self.limit)
        return limits.get(task, limits.get(""))

    def identity(self) -> str:
        """The hash of what is computed: of everything as typed but the device, the batch size and the out folder."""
        return digest(self.to_toml(exclude=(*NOT_HASHED, *(() if self.packs else ("packs",)))))

    def folder(self) -> Path:
        """Where the run is written: `out`, or `runs/eval-<identity>`."""
        return Path(self.out) if self.out else Path("runs") / f"eval-{self.identity()}"

    def to_toml(self, exclude: tuple[str, ...] = ("out",)) -> str:
        """The spec as a toml file that `from_toml` reads again, one line per key."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in exclude}
        return "".join(f"{name} = {_toml_value(value)}\n" for name, value in values.items())


def _data(data: str, models: tuple[str, ...]) -> str:
    """Where the data come from; `auto` is resolved by the models and the environment.

    Raises SpecError where mini answers beside other models and nothing says on which data: mini knows few words, and
    the others were hardly made for the data of mini.
    """
    if data != _AUTO:
        return data
    minis = [model.rpartition("=")[2] == MINI for model in models]
    if all(minis):
        return MINI
    folder = os.environ.get(DATA_VARIABLE)
    if any(minis) and not folder:
        raise SpecError("The model mini stands beside others: name the data for all of them, as in --data mini.")
    return folder or HUB


def _toml_value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_choice(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SpecError(f"The {key} {value!r} is none of: {', '.join(allowed)}.")


def _check_at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise SpecError(f"The value {value} of {key} is below {least}.")


def check_pairs(languages: tuple[str, ...]) -> None:
    """Raise SpecError where a language with an @ is not two different ones, `question@context`."""
    for language in languages:
        question, *others = language.split("@")
        if others and not (question and len(others) == 1 and others[0] and others[0] != question):
            raise SpecError(f"The language {language[:80]!r} is not question@context, two languages, as in de@en.")


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


def from_mapping(values: Mapping[str, Any], location: str) -> RunSpec:
    """A RunSpec from the keys of a toml file or of an API call; lists and single strings both serve as lists.

    Raises SpecError naming the place and the key that is unknown or of another type.
    """
    known = {field.name: field for field in fields(RunSpec)}
    check_keys(values, known, (), location)
    return RunSpec(**{key: _typed(key, value, str(known[key].type), location) for key, value in values.items()})


def _typed(key: str, value: Any, kind: str, location: str) -> Any:
    if kind.startswith("tuple"):
        if key in _LISTS and isinstance(value, str):
            value = value.replace(",", " ").split() or (value,)
        several = value if isinstance(value, (list, tuple)) else (value,)
        if all(isinstance(item, str) or (key in _PATHS and isinstance(item, Path)) for item in several):
            return tuple(map(str, several))
    elif type(value).__name__ == kind:
        return value
    elif kind == "str" and (isinstance(value, Path) or (key == "limit" and type(value) is int)):
        return str(value)
    raise SpecError(f"{location}: the key {key!r} takes {_KINDS[kind]}, not {value!r}.")


_LISTS: Final = ("tasks", "languages")
"""Keys whose one string may hold several names, by commas, as on the command line."""

_PATHS: Final = ("model", "packs")
"""Keys whose strings may be Paths."""

_KINDS: Final = {
    "tuple[str, ...]": "a list of strings",
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
}


def from_toml(path: Path, **changes: Any) -> RunSpec:
    """Read a run's file; `changes` stand for its keys. Raises SpecError naming the file."""
    return from_mapping({**resources.toml(path), **changes}, str(path))


def moved(spec: RunSpec, out: str) -> RunSpec:
    """The same run in another folder."""
    return replace(spec, out=out)
