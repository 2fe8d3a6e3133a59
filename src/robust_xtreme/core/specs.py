"""Specifications that users and authors write: PerturbationSpec and its grammar, TaskSpec, and its files."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import SpecError, is_empty, nearest, shown
from robust_xtreme.core.examples import Corpus, Example

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DIGITS: Final = 20
_SHOWN: Final = 40
_GRAMMAR: Final = "name[:strength,...][@key=value]..., for example char_noise:0.05,0.1@ops=replace"
AXES: Final = ("graphemes", "words", "tokens")
"""What a realised strength is a share of: edited graphemes, edited words, or edited tokens of the model."""


def canonical_strength(text: str) -> str:
    """A strength as its canonical decimal: `0.10` is `0.1`; only 0 to 9 are digits. Raises SpecError outside [0, 1]."""
    shown = repr(text[:_SHOWN]) + "..." * (len(text) > _SHOWN)
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = None
    if value is None or not _NUMBER.fullmatch(text.strip()):
        raise SpecError(f"The strength {shown} is not a number between 0 and 1, as in 0.1.")
    if value.is_signed() or not 0 <= value <= 1:
        raise SpecError(f"The strength {shown} is not between 0 and 1.")
    if len(value.as_tuple().digits) > _DIGITS:
        raise SpecError(f"The strength {shown} has more than {_DIGITS} digits.")
    if value and value.adjusted() < -_DIGITS:
        raise SpecError(f"The strength {shown} is too small: take 0, or at least 1e-{_DIGITS}.")
    return format(value.normalize(), "f") if value else "0"


@dataclass(frozen=True, slots=True)
class Link:
    """One perturbation of a chain: its name, its strengths as canonical decimals, its shape parameters.

    With an `axis` the strengths are realised ones, and those of the noise are solved for in each language.
    """

    name: str
    strengths: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    axis: str = ""

    def __str__(self) -> str:
        strengths = ":" + ",".join(self.strengths) if self.strengths else ""
        params = "".join(f"@{key}={value}" for key, value in self.params)
        return f"{self.name}{params}@realised={self.axis}{strengths}" if self.axis else self.name + strengths + params


def parse_link(part: str, whole: str) -> tuple[Link, tuple[str, ...]]:
    """A link and the fields that `@fields=` names, of a part of a whole spec. Raises SpecError naming the part."""
    head, *options = part.strip().split("@")
    name, colon, strengths = head.partition(":")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)?", name):
        raise SpecError(f"In {whole!r} the name {name!r} is not a perturbation's name. Write {_GRAMMAR}")
    if colon and not strengths.strip():
        raise SpecError(f"In {whole!r} a strength is missing after the colon. Write {_GRAMMAR}")
    values = tuple(canonical_strength(word) for word in strengths.split(",")) if colon else ()
    params = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not re.fullmatch("[a-z][a-z0-9_]*", key) or not value.strip():
            raise SpecError(f"In {whole!r} the option {'@' + option!r} is not @key=value. Write {_GRAMMAR}")
        params[key] = ",".join(word.strip() for word in value.split(","))
    if len(params) != len(options):
        raise SpecError(f"In {whole!r} an option is given twice.")
    fields = tuple(word for word in params.pop("fields", "").split(",") if word)
    axis = ""
    if "realised" in params:
        axis, values = _parse_realised(params.pop("realised"), values, whole)
    return Link(name, values, tuple(sorted(params.items())), axis), fields


def _parse_realised(text: str, nominal: tuple[str, ...], whole: str) -> tuple[str, tuple[str, ...]]:
    """The axis and the strengths of `AXIS:s1,s2,...`."""
    axis, colon, strengths = text.partition(":")
    if nominal or not colon or axis not in AXES:
        what = "instead of a strength, as in char_noise@realised=graphemes:0.05"
        raise SpecError(f"In {whole!r} write @realised=AXIS:strength, AXIS one of {', '.join(AXES)}, {what}")
    values = tuple(canonical_strength(word) for word in strengths.split(","))
    if "0" in values:
        raise SpecError(f"In {whole!r} a realised strength is 0, and no noise has it: write a larger one.")
    return axis, values


_SUITES: Final = "What suites contain: robust-xtreme list suites"
SUITE: Final = "@"
"""The first character of the name of a suite of perturbations."""


def check_keys(values: Iterable[str], known: Collection[str], needed: Iterable[str], location: str) -> None:
    """Raise SpecError naming the location and the key that is missing, or unknown, with the nearest known one."""
    given = tuple(values)
    for key in given:
        if key not in known:
            raise SpecError(f"{location}: there is no key {key!r}.{nearest(key, known)} Known: {', '.join(known)}.")
    for key in needed:
        if key not in given:
            raise SpecError(f"{location}: the key {key!r} is missing.")


def typed(key: str, value: Any, kind: str, location: str, paths: bool = True) -> Any:
    """A value converted to the type of its key; a string (with `paths` a Path) is a list of one. Raises SpecError."""
    named = (str, Path) if paths else str
    if kind == "tuple[str, ...]" and is_empty(value):
        raise SpecError(f"{location}: the key {key!r} contains an empty name. Leave it out.")
    match kind, value:
        case ("str", str()) | ("bool", bool()):
            return value
        case "str", Path():
            return str(value)
        case "str", int() if key in NUMBERS and type(value) is not bool and abs(value) < sys.maxsize:
            return str(value)
        case ("int", int()) | ("float", int() | float()) if not isinstance(value, bool):
            return float(value) if kind == "float" and abs(value) < sys.float_info.max else value
        case "tuple[str, ...]", str() | Path() if isinstance(value, named):
            return (str(value),)
        case "tuple[str, ...]", list() | tuple() if all(isinstance(item, named) for item in value):
            return tuple(map(str, value))
        case _:
            takes = "a whole number or a string" if key in NUMBERS and kind == "str" else _TYPES[kind]
            raise SpecError(f"{location}: the key {key!r} takes {takes}, not {shown(value)}.")


NUMBERS: Final = ("limit", "workers", "dims")
"""Keys of strings that may also be numbers."""

_TYPES: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple[str, ...]": "a list of strings",
}


@dataclass(frozen=True, slots=True)
class PerturbationSpec:
    """A chain of perturbations and the fields that it noises (empty: the task's defaults).

    `str()` round-trips through `parse`. Only the last link may list several strengths; each of them is a cell.
    """

    links: tuple[Link, ...]
    fields: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> PerturbationSpec:
        """Read `name[:s1,s2,...][@key=value]...`, links joined by `+`. Raises SpecError, naming the part."""
        if len(parts := re.split(r",\s*(?=@|[a-z][a-z0-9_.]*:[0-9.])", text)) > 1:
            repeated = " --perturb ".join(["Repeat the option:", *map(str.strip, parts)])
            raise SpecError(f"{text!r} names several perturbations. {repeated}. A chain is joined by +.")
        if text.strip().startswith(SUITE):
            what = "is a suite, but one perturbation is needed here, as in char_noise:0.1."
            raise SpecError(f"{text!r} {what} {_SUITES}")
        links, fields = zip(*(parse_link(part, text) for part in text.split("+")), strict=True)
        if any(len(link.strengths) > 1 for link in links[:-1]):
            raise SpecError(f"In {text!r} only the last link of a chain may list several strengths.")
        if len(links) > 1 and any(link.axis for link in links):
            raise SpecError(f"In {text!r} @realised= is of one perturbation, and a chain has several.")
        named = {*filter(None, fields)}
        if len(named) > 1:
            raise SpecError(f"In {text!r} the links name different fields; a chain noises the same fields.")
        return cls(links, named.pop() if named else ())

    def __str__(self) -> str:
        fields = "@fields=" + ",".join(self.fields) if self.fields else ""
        return "+".join(map(str, self.links)) + fields

    @property
    def name(self) -> str:
        """The chain without strengths: `char_noise`, `keyboard_typo+char_noise`."""
        return "+".join(link.name for link in self.links)

    @property
    def nominal(self) -> str:
        """The strength of a cell: the only one of the last link. Raises SpecError where it has none or several."""
        strengths = self.links[-1].strengths
        if len(strengths) != 1:
            raise SpecError(f"{str(self)!r} needs exactly one strength here, as in {self.links[-1].name}:0.1")
        return strengths[0]

    def cells(self) -> tuple[PerturbationSpec, ...]:
        """One spec per strength of the last link, in the order written. Raises SpecError where a link has none."""
        *head, last = self.links
        for link in self.links:
            if not link.strengths:
                raise SpecError(f"{str(self)!r} names no strength. Write for example {link.name}:0.1")
        strengths = dict.fromkeys(last.strengths)
        return tuple(replace(self, links=(*head, replace(last, strengths=(strength,)))) for strength in strengths)

    def at(self, strength: str) -> PerturbationSpec:
        """The same chain, with the last link at a strength of the noise."""
        *head, last = self.links
        return replace(self, links=(*head, replace(last, strengths=(strength,), axis="")))

    def on(self, *fields: str) -> PerturbationSpec:
        """The same chain on the given fields."""
        return replace(self, fields=tuple(fields))


def canonical(text: str) -> str:
    """A perturbation in its canonical form, or the name of a suite. Raises SpecError."""
    if not text.strip().startswith(SUITE):
        return str(PerturbationSpec.parse(text))
    if not re.fullmatch("@[A-Za-z0-9][A-Za-z0-9_-]*", text.strip()):
        raise SpecError(f"{text[:80]!r} is not a suite: a suite is by itself, as in @smoke. {_SUITES}")
    return text.strip()


def parse_match(text: str) -> PerturbationSpec:
    """One perturbation without a strength. Raises SpecError."""
    spec = PerturbationSpec.parse(text)
    (*others, link) = spec.links
    if others or link.strengths or link.axis or spec.fields:
        what = "is one perturbation without strength and fields, which the set has, as in natural"
        raise SpecError(f"The match {text[:80]!r} is more than that: it {what}.")
    return spec


@dataclass(frozen=True, slots=True)
class Files:
    """Release files of one split: the reader's name and the paths it accepts under the data folder.

    A path may contain `{language}`, the code; `{name}`, the English name in lower case; `{code}`, the language's entry
    in `codes`, or its code; and in tasks with pairs `{question}` and `{context}`. The first path that exists is read. A
    path with `*` names all files that match, sorted, which are read in turn; a tuple of paths names files that together
    make the rows, by the reader's `read_parts` if it has one. `ids` is the source of a row's native id: the row itself
    (`native`), or its number in the official file (`ordinal`). A `mixed` file contains rows of all languages,
    distinguished by the value `language`.
    """

    reader: str
    paths: tuple[str | tuple[str, ...], ...]
    ids: str = "ordinal"
    codes: Mapping[str, str] = field(default_factory=dict)
    mixed: bool = False


HubRow = Callable[[Mapping[str, Any], str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class HubFiles:
    """One split on the hub: a dataset's repository at a commit, its config and split there, and the split's files.

    `config` and `files`, a pattern, may contain the same fields as the paths of Files, with these `codes`. `values`
    takes a hub's row (labels by their names) and its location, and gives the values that a reader of release files
    yields, or None for a row that readers leave out. Where languages are mixed, `starts` is a column and the beginning
    of its values in a language, with `{name}` for its English name in lower case. The native id of a row is its column
    `id` (`native`), or its number among the rows of the language that are kept (`ordinal`). `parts` is how many files,
    without their shards, the pattern stands for.
    """

    repo: str
    revision: str
    config: str
    split: str
    files: str
    values: HubRow
    ids: str = "ordinal"
    starts: tuple[str, str] | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    parts: int = 1


OWN: Final = "own"
"""The group of the tasks that a suite describes itself."""

LEARNED: Final = ("train", "validation")
"""The splits of a task to learn from."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader yields it: its native id (or ordinal), its location in the file for errors, and its values.

    `cluster` is the cluster that the data name; where it is empty, the task's adapter names one.
    """

    native: str
    location: str
    values: Mapping[str, Any]
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The task, split and language of a row; for a pair of languages `question@context`."""

    task: str
    split: str
    language: str

    @staticmethod
    def of(id: str) -> Origin:
        """The origin of the example or the text with an id. Raises ValueError where the id names none."""
        task, split, language, _ = id.split("/", 3)
        return Origin(task, split, language)

    @property
    def question(self) -> str:
        """The language of a question: the first of a pair."""
        return self.language.partition("@")[0]

    @property
    def context(self) -> str:
        """The language of its context: the second of a pair."""
        return self.language.rpartition("@")[2]

    def id(self, native: str) -> str:
        """The example id: `task/split/language/native id`."""
        return f"{self.task}/{self.split}/{self.language}/{native}"

    def shared(self, field: str, cluster: str) -> str:
        """The text id of a field that all examples of a cluster share."""
        return f"{self.task}/{self.split}/{self.language}/{field}/{cluster}"


Adapt = Callable[[tuple[Row, ...], Origin], tuple[Example, ...]]
"""Makes the examples of all rows of a split."""

MakeCorpus = Callable[[Mapping[str, tuple[Row, ...]], str, str], Corpus]


@dataclass(frozen=True, slots=True)
class Pool:
    """The source of a retrieval task's candidates.

    `make(rows, task, split)` makes the corpus from rows by language: those of the split in one language; in all its
    languages where the pool is `shared`; or, where the candidates have separate files, those of `files` and `hub` (by
    split) under the language "". `search` is `nearest`, a ranking for each query, or `bitext`, pairs mined over both
    sides with a threshold tuned on the validation split. Of `translations` either side could be the query, so that an
    encoder reads both with its prompt for queries. `max_length` is in tokens.
    """

    make: MakeCorpus
    shared: bool = False
    translations: bool = False
    search: str = "nearest"
    max_length: int = 256
    files: Mapping[str, Files] = field(default_factory=dict)
    hub: Mapping[str, HubFiles] = field(default_factory=dict)


BITEXT: Final = "bitext"
"""The `search` of a pool that mines pairs."""

CANDIDATE: Final = "candidate"
"""The field of a retrieval task that means all texts of its pool; its other field is `query`."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task as a value: its description, its files, and how a row becomes an Example.

    `perturbed` contains the groups of fields that are noised together, the headline first: NLI has one group of both
    sentences, QA has one for the question and one for the context. `noisable` names fields that are noised only where a
    condition names them. `files` maps a split (train, validation, test) to its files, `hub` to the same rows on the
    hub; `adapt` makes the examples of a split; `accepts` names the (intermediate) tasks whose head this task can use,
    by default its own.

    `groups` maps the benchmarks that the task belongs to (`xtreme-r`, `xtreme`, `low-resource`) to its languages there,
    given empty to all of its own; `score` names the metrics whose mean is its score in their averages (empty: the first
    metric). With `pairs` a language may be `de@en`: a question in German on a context in English. A task without a
    `head` of its own is answered by any encoder's representation. `parallel_ids` is a regular expression of native ids
    that name the same item in every language. `rows`, `official` and `checked` are sentences: official sizes, official
    scorer, our check; `absent` says why a task has no `hub`. `licence` is that of the data; `train_rows` are English
    ones, 0: not known.

    `data_of` names the task whose data this one reads, as the other direction of a search does (empty: it has its own).
    Such a task is read and evaluated only where it is named itself: no group of tasks contains it.

    For intermediate tasks, `trains` names the tasks that have the same training data, and `parts` the tasks whose
    training examples are joined under one head. Where the labels are not known before the data are read, `open_labels`
    is set and `labels` is empty: `sources.with_labels` gives the task with the labels that its data name. `choices` is
    their number where every item of a task of choices has as many (0: not known). Where the data do not say in
    which language they are, `names_language` is False, and the user does.
    """

    name: str
    summary: str
    family: str
    metrics: tuple[str, ...]
    languages: tuple[str, ...]
    files: Mapping[str, Files]
    perturbed: tuple[tuple[str, ...], ...]
    adapt: Adapt
    cite: str
    accepts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    train_languages: tuple[str, ...] = ("en",)
    max_length: int = 128
    stride: int = 0
    hub: Mapping[str, HubFiles] = field(default_factory=dict)
    noisable: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    score: tuple[str, ...] = ()
    pool: Pool | None = None
    pairs: bool = False
    head: bool = True
    parallel_ids: str = ""
    rows: str = ""
    train_rows: int = 0
    official: str = ""
    checked: str = ""
    absent: str = ""
    licence: str = ""
    trains: tuple[str, ...] = ()
    parts: tuple[TaskSpec, ...] = ()
    open_labels: bool = False
    choices: int = 0
    names_language: bool = True
    data_of: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "accepts", self.accepts or (self.name,))
        groups = {name: languages or self.languages for name, languages in self.groups.items()}
        object.__setattr__(self, "groups", groups)

    @property
    def data(self) -> str:
        """The name of the task whose data it reads: in a suite the name of their folder, and of their table."""
        return self.data_of or self.name

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that a condition can noise."""
        return tuple(dict.fromkeys([*(name for group in self.perturbed for name in group), *self.noisable]))
