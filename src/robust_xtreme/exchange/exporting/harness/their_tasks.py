"""Tasks that robust-xtreme does not have: the fields to noise are named, and so is a file of the rows or a dataset.

The task files of an installed lm-eval are found by the name of a task, and read without running any of their code.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, NotInstalled, UnknownName, UserError
from robust_xtreme.core.examples import LONGEST, UNLABELLED, Answers, Example, Span, Text, digest
from robust_xtreme.core.languages import ALL_LANGUAGES, THREE_LETTERS, language
from robust_xtreme.core.registry import version_of
from robust_xtreme.core.specs import Origin
from robust_xtreme.exchange.exporting.harness.job import ExportJob
from robust_xtreme.exchange.exporting.harness.sheet import ANSWERS, CONTEXT, IDENTITY, AnswerSpans, TaskSheet
from robust_xtreme.files.store import write
from robust_xtreme.noise.conditions.condition import CLEAN, Condition
from robust_xtreme.tasks.adapters.qa import inside
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file, squad
from robust_xtreme.tasks.sources.dataset import rows_of
from robust_xtreme.tasks.sources.rows import limit

Row = Mapping[str, Any]

_READERS: Final = ("json", "csv", "text", "parquet", "arrow")
"""Readers of files that a task of lm-eval may name instead of a dataset."""

SHOTS: Final = 100
_HALF: Final = re.compile("[\ud800-\udfff]")


def language_of(name: str, named: Sequence[str]) -> str:
    """The language of a task: the only one named, else that of its name, `mgsm_direct_sw`. Raises UserError."""
    if len(named) == 1:
        return language(named[0]).code
    parts = name.split("_")
    code = _coded(parts[-2], parts[-1]) if len(parts) > 1 else ""
    known = [part for part in parts if part in ALL_LANGUAGES]
    code = code or (parts[-1] if parts[-1] in known else "") or (known[0] if len(set(known)) == 1 else "")
    if not code:
        raise UserError(f"The name {name!r} does not say which language's noise it gets. Name it: -l CODE")
    return code


KNOWN: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "belebele": (("flores_passage", "question"), "link"),
    "global_mmlu": (("question",), ""),
    "mgsm": (("question",), ""),
    "xstorycloze": (tuple(f"input_sentence_{number}" for number in range(1, 5)), ""),
}
"""Tasks of lm-eval whose columns to noise, and the column of whose items, are known: those of the datasets it names."""


def known_fields(name: str) -> tuple[tuple[str, ...], str] | None:
    """The columns to noise of a task, and the column of its items, where they are known by the start of its name."""
    return next((fields for start, fields in KNOWN.items() if name == start or name.startswith(f"{start}_")), None)


def members(name: str, languages: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """The tasks that a name without a language means, `belebele_swh_Latn` of `belebele`, or a group with one.

    `languages` are those that are named; without them it is all of them.
    """
    coded = [(task, code_of(task)) for task in tasks if task.startswith(f"{name}_")]
    of_name = [(task, code) for task, code in coded if code and without_language(task, code) == name]
    of_group = [(task, code) for task, code in coded if code and code == code_of(name)]
    return [task for task, code in of_name or of_group if not languages or code in languages]


@cache
def code_of(name: str) -> str:
    """The language that a name says; "" where it says none."""
    try:
        return language_of(name, ())
    except UserError:
        return ""


def without_language(name: str, code: str) -> str:
    """The name of a task without its language: `belebele` of `belebele_swh_Latn`, one task in all its languages."""
    parts = name.split("_")
    if len(parts) > 2 and _coded(parts[-2], parts[-1]) == code:
        return "_".join(parts[:-2])
    others = [part for part in parts if part != code]
    return "_".join(others) if len(others) == len(parts) - 1 and others else name


def _coded(part: str, script: str) -> str:
    """The language of `swh_Latn`; "" where it is written in another script than its noise."""
    code = THREE_LETTERS.get(part, "")
    return code if code and language(code).script == ("Kore" if script == "Hang" else script) else ""


class TaskFile(NamedTuple):
    """A task of lm-eval: its name, its file, its settings with those that it includes, and the version of lm-eval."""

    name: str
    path: Path
    settings: Mapping[str, Any]
    version: str | None

    @property
    def evaluated(self) -> tuple[str, str]:
        """The key and the name of the split that lm-eval evaluates. Raises UserError where there is none."""
        for key in ("test_split", "validation_split"):
            if isinstance(split := self.settings.get(key), str):
                return key, split
        raise UserError(f"{self.name} of lm-eval evaluates no split ({self.path}).")


def sheet_of(name: str, job: ExportJob, file: TaskFile | None) -> TaskSheet:
    """The rows of a task; `file` is that of lm-eval. Raises UserError, DataError."""
    code = language_of(name, job.languages)
    split = file.evaluated[1] if file else "test"
    rows = _rows(name, code, job, file, split)
    origin = Origin(without_language(name, code), split, code)
    at = [f"{_location(job.rows, name, code) or name}: row {number}" for number in range(1, len(rows) + 1)]
    has_answers = CONTEXT in job.fields and any(map(_has_answers, rows))
    answers = [_answers(row, where) if has_answers else () for row, where in zip(rows, at, strict=True)]
    examples = limit(tuple(_examples(rows, answers, at, origin, job)), job.limit or None)
    numbers = [int(example.id.rpartition("/")[2]) for example in examples]
    shots = _shots(name, code, job, file)
    for shot in shots:  # readers need the same columns in all rows
        if other := sorted(shot.keys() ^ rows[0].keys()):
            raise UserError(f"{name}: the rows for prompts and the others differ in the column {other[0]!r}.")
    return TaskSheet(
        name,
        origin,
        examples,
        tuple(rows[number] for number in numbers),
        fields=job.fields,
        known=job.fields,
        answers=tuple(answers[number] for number in numbers) if has_answers else (),
        shots=shots,
    )


def _examples(
    rows: Sequence[Row], answers: Sequence[AnswerSpans], at: Sequence[str], origin: Origin, job: ExportJob
) -> Iterator[Example]:
    """An example of each row, whose answers are in its context; `at` names the rows. Raises DataError."""
    together: dict[str, set[Span]] = {}  # of all rows with the same context, which is noised once
    for row, spans in zip(rows, answers, strict=True):
        together.setdefault(str(row.get(CONTEXT)).strip(), set()).update(filter(None, spans))
    for number, (row, spans, where) in enumerate(zip(rows, answers, at, strict=True)):
        id, known = origin.id(str(number)), tuple(dict.fromkeys(filter(None, spans)))
        texts = {}
        for name in job.fields:
            value = _text(row, name, where).strip()
            inside = (together.get(value, ()) if job.cluster_field else known) if name == CONTEXT else ()
            ordered = tuple(sorted(inside, key=lambda span: (span.start, span.stop)))
            text_id = origin.shared(name, digest(value)) if job.cluster_field else f"{id}/{name}"
            texts[name] = Text(text_id, origin.language, value, ordered)
        cluster = row.get(job.cluster_field) if job.cluster_field else number
        if not isinstance(cluster, (str, int)) or not str(cluster).strip():
            what = f"expected the column {job.cluster_field!r} to name the row's cluster, not {cluster!r:.80}."
            raise DataError(where, what)
        yield Example(id, texts, Answers(known) if known else UNLABELLED, str(cluster), digest(_canonical(row)))


def _has_answers(row: Row) -> bool:
    """Whether a row has SQuAD's answers: lists of texts and of starts."""
    answers = row.get(ANSWERS)
    return isinstance(answers, dict) and isinstance(answers.get("text"), list) and "answer_start" in answers


def _answers(row: Row, location: str) -> AnswerSpans:
    """Where the answers are in the text of the context. Raises DataError where they are not there."""
    if not _has_answers(row):
        return ()
    raw = _text(row, CONTEXT, location)
    texts, starts = row[ANSWERS]["text"], row[ANSWERS]["answer_start"]
    if not isinstance(starts, list) or len(starts) != len(texts):
        raise DataError(location, "has lists of answers and of their starts of different lengths.")
    ends = []
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str) or type(start) is not int:
            raise DataError(location, f"has an answer {text!r:.80} at {start!r:.80}, not a text at a number.")
        ends.append(squad.span(text, start, raw, location))
    return tuple(Span(*inside(raw, *each)) if each else None for each in ends)


def _text(row: Row, name: str, location: str) -> str:
    """The text of a column. Raises DataError where it is not a text of whole characters, is too long or is blank."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or _HALF.search(value):
        known = ", ".join(key for key, each in row.items() if isinstance(each, str))
        raise DataError(location, f"expected the column {name!r} to contain a text, not {value!r:.80}. Texts: {known}")
    return value


def _canonical(row: Row) -> str:
    return json.dumps(row, sort_keys=True, allow_nan=False)


def _rows(name: str, code: str, job: ExportJob, file: TaskFile | None, split: str) -> list[dict[str, Any]]:
    """The rows of a task: of the file that is named, else of the dataset that lm-eval's task names."""
    if job.rows:
        return read_rows(_location(job.rows, name, code))
    if file is None:
        raise UserError(f"{name} is not a task of robust-xtreme. Name the file of its rows: --rows FILE")
    return _of_dataset(name, job, file, split)


def _of_dataset(name: str, job: ExportJob, file: TaskFile, split: str) -> list[dict[str, Any]]:
    repo, config = file.settings.get("dataset_path"), file.settings.get("dataset_name")
    if not isinstance(repo, str) or repo in _READERS or not isinstance(config, str | None):
        raise UserError(f"{name} of lm-eval names no dataset of the hub. Name a file of its rows: --rows FILE")
    rows = rows_of(repo, config or "", split, offline=job.offline)
    try:
        return [json.loads(_canonical(row)) for row in rows]
    except (TypeError, ValueError) as error:
        raise DataError(f"hub://{repo}", f"has values that JSON does not have: {error!s:.120}") from error


def _shots(name: str, code: str, job: ExportJob, file: TaskFile | None) -> tuple[Row, ...]:
    """Clean rows for examples in a prompt: of the file that is named, else of lm-eval's own split of such rows."""
    if job.fewshot:
        return tuple(read_rows(_location(job.fewshot, name, code))[:SHOTS])
    if file is None or job.rows:
        return ()
    keys = ("fewshot_split", "training_split", "validation_split")
    splits = (file.settings.get(key) for key in keys)
    other = next((each for each in splits if isinstance(each, str) and each != file.evaluated[1]), None)
    return tuple(_of_dataset(name, job, file, other)[:SHOTS]) if other else ()


def _location(pattern: str, name: str, code: str) -> str:
    """The path of a file, which may contain {task} and {language}."""
    return pattern.replace("{task}", name).replace("{language}", code)


def read_rows(path: str) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines. Raises DataError where it has none, or one that cannot be written again."""
    rows = []
    for number, line in numbered_lines(read_file(Path(path)).text):
        row = parse(line, f"{path}:{number}")
        if IDENTITY in row:
            raise DataError(path, f"has the column {IDENTITY!r}, which an export adds.", number)
        try:
            _canonical(row)
        except ValueError as error:
            raise DataError(path, "contains a number that is not finite, which JSON does not have.", number) from error
        rows.append(row)
    if not rows:
        raise DataError(path, "contains no rows.")
    return rows


DATA: Final = "data"
TASKS: Final = "tasks"
PROGRAM: Final = "task.py"
"""What is in the folder of an export."""

PREFIX: Final = "rx"
_LONGEST: Final = 60


def put(path: Path, lines: Iterable[str]) -> None:
    """Write a file of lines."""
    write(path, "".join(f"{line}\n" for line in lines).encode(), "folder: -o DIR")


def slugs(sheet: TaskSheet, conditions: Sequence[Condition]) -> dict[str, str]:
    """A short name for each condition, by its full name; the fields are left out where they are the sheet's own."""
    short = {}
    for each in conditions:
        spec = each.spec.on() if each.spec and each.spec.fields == sheet.fields else each.spec
        short[each.name] = _slug(str(spec or each.name))
    counts = Counter(short.values())
    return {
        name: slug if counts[slug] == 1 and len(slug) <= _LONGEST else f"{slug[:_LONGEST]}-{digest(name)}"
        for name, slug in short.items()
    }


def file_name(name: str, slug: str, seed: int) -> str:
    """The name of the rows of a task under a condition and seed."""
    return f"{_slug(name)}__{CLEAN}" if slug == CLEAN else f"{_slug(name)}__{slug}__s{seed}"


def task_name(file: str) -> str:
    """The name of the task that reads such rows."""
    return f"{PREFIX}_{file}"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")


_PACKAGE: Final = "lm_eval"
_LARGEST: Final = 10_000_000
_TASK: Final = re.compile(rb"""^task:[ \t]*["']?([\w.-]+)["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class YamlFunction:
    """A `!function` of a task file, which is not imported here."""

    name: str


def task_file(name: str) -> TaskFile:
    """The file of a task. Raises NotInstalled, UnknownName, UserError where it is not a file to include."""
    paths = _paths(_folder())
    if name not in paths:
        raise UnknownName("task of lm-eval", name, paths, "lm-eval ls tasks")
    settings = _settings(paths[name])
    if "class" in settings:
        raise UserError(f"{name} of lm-eval is a task in Python, which no task file can include.")
    return TaskFile(name, paths[name], settings, version_of(_PACKAGE))


def known_tasks() -> tuple[str, ...]:
    """The names of the tasks of the installed lm-eval. Raises NotInstalled."""
    return tuple(_paths(_folder()))


def _folder() -> Path:
    spec = find_spec(_PACKAGE)  # a search for the package, which is not imported
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(location) / "tasks").is_dir():
            return folder
    what = "export lm-eval reads the task files of lm-eval, which is not installed."
    raise NotInstalled(f"{what} Install: pip install 'robust-xtreme[lm-eval]'")


@cache
def _paths(folder: Path) -> dict[str, Path]:
    """The file of each task, by the line of its name; of equal names the last by path, as lm-eval takes it."""
    names: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.yaml")):
        if match := _TASK.search(resources.content(path, _LARGEST)):
            names[match[1].decode()] = path
    return names


def _settings(path: Path, depth: int = 0) -> dict[str, Any]:
    """The settings of a file over those of the files that it includes. Raises DataError."""
    if depth > 20:
        raise DataError(path, "is included by files that it includes.")
    settings = _parsed(path)
    included = settings.pop("include", [])
    merged: dict[str, Any] = {}
    for name in included if isinstance(included, list) else [included]:
        merged |= _settings(path.parent / str(name), depth + 1)
    return {**merged, **settings}


def _parsed(path: Path) -> dict[str, Any]:
    """The content of a file. Raises DataError."""
    import yaml

    class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types here
        """Reads values only: a function is its name."""

    _Loader.add_constructor("!function", lambda loader, node: YamlFunction(str(loader.construct_scalar(node))))
    try:
        settings = yaml.load(resources.content(path, _LARGEST), _Loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(path, f"is not a task file that can be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(settings, dict):
        raise DataError(path, "is not a task file: it contains no settings.")
    return settings
