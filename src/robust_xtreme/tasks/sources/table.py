"""A file of a user's rows, with columns of texts, gold labels and languages, as the folder of a suite."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from robust_xtreme.core.errors import DataError, UnknownName, UserError, counted
from robust_xtreme.core.examples import ODD_TAG, digest, find_odd_tag
from robust_xtreme.core.label_names import find_alike, format_alike, sort_labels
from robust_xtreme.core.languages import language
from robust_xtreme.core.sinks import json_text
from robust_xtreme.files.new_files import write_all
from robust_xtreme.tasks.formats import ReadOptions, Record, Slot, of_file, opened, records_of
from robust_xtreme.tasks.sources.own import (
    CHOICE,
    CONFIRMED,
    MOST_LABELS,
    ROW,
    TAGS,
    key_of_text,
    name_of_task,
    own_task,
)
from robust_xtreme.tasks.sources.suite import MANIFEST, READ_BY

_Rows = list[tuple[str, dict[str, Any]]]
"""The language of each row, and its values, the last of which is its label or tags."""

_ROOT: Final = Path("runs/data")
_TABLES: Final = ("csv", "tsv", "jsonl", "parquet")
_TAGGED: Final = ("conll", "conllu", "iob2")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file, its columns, the `language` of all rows, else of none, and labels of TASK=A,B,C, of which it has some."""

    file: str
    fields: tuple[str, ...] = ()
    gold: str = ""
    language: str = ""
    language_field: str = ""
    format: str = ""
    header: bool | None = None
    task: str = ""
    labels: tuple[str, ...] = ()


def write_suite(table: TableFile, tell: Callable[[str], object] = lambda _: None) -> Path:
    """Write a file's rows as a suite, texts with a label or words with tags, and return its folder, `runs/data/NAME`.

    The same rows have the same folder. `tell` is called with each decision about how the file is read. Raises
    DataError naming the line, UserError, UnknownName.
    """
    format, where = of_file(table.file, table.format), table.file
    tagged = format in _TAGGED
    if format not in (*_TABLES, *_TAGGED):
        what = "save a JSON array as JSON lines (jq -c '.[]' FILE), or name --format"
        raise UserError(f"{where}: eval reads rows of {', '.join((*_TABLES, *_TAGGED))}, not {format}: {what}")
    if not tagged and not (table.fields and table.gold):
        named = "name its columns, as in --fields text --gold label"
        step = "add its labels, as in --gold label" if table.fields else named
        raise UserError(f"{where} is a file of rows: {step}")
    if len(table.fields) > 2:
        names = ", ".join(table.fields)
        raise UserError(f"{where}: --fields names {len(table.fields)} columns ({names}); a model reads one or two.")
    if not (table.language or table.language_field):
        raise UserError(f"{where} does not say its language: add --languages CODE, or --language-field COLUMN")
    columns = ("tokens",) if tagged else (*table.fields, table.gold)
    options = ReadOptions(columns, table.header, language_field=table.language_field, gold=columns[-1], tell=tell)
    with opened(where) as source:
        records = records_of(format, named=bool(table.format))(source, options)
        read = [(_row(record, table), record.id, record.slots[0].location) for record in records if record.slots]
    if not read:
        raise DataError(where, "contains no rows.")
    rows = _named([row for row, *_ in read], [id for _, id, _ in read if "id" not in columns])
    name = name_of_task(table.task or Path(where).name.partition(".")[0])
    labels = {label for _, row in rows for label in row.get("tags", [row.get("label")])}
    described: dict[str, Any] = {"target": TAGS if "tags" in rows[0][1] else CHOICE, "splits": ["test"]}
    assigned = [option.partition("=") for option in table.labels]
    listed = {label.strip() for task, _, names in assigned if task == name for label in names.split(",")}
    if described["target"] == TAGS and (tag := find_odd_tag(labels)) is not None:
        tags, line = next((row["tags"], int(line)) for (_, row), _, line in read if tag in row["tags"])
        has_word_lines = format in ("conll", "iob2")
        raise DataError(where, f"the tag {tag!r:.80} {ODD_TAG}.", line + has_word_lines * tags.index(tag))
    _check_labels(labels, listed, name, table, described["target"])
    labels |= listed
    described["labels"] = [*({"O"} & labels), *sort_labels(labels - {"O"})]
    described |= {CONFIRMED: True} if listed else {}
    described |= {"texts": _keys(table)} if described["target"] == CHOICE else {}
    own_task(name, described, Path(where))
    return _written(name, described, rows, table)


def _check_labels(labels: set[str], listed: set[str], name: str, table: TableFile, target: str) -> None:
    """Raise DataError or UserError where a file has too many labels, too few, or some that differ in spelling alone.

    `listed` are the labels that --labels gives to the task `name`: it has to name all labels of the file, and may name
    others, and those that differ in spelling alone.
    """
    column = f"the column {table.gold!r} (--gold)" if table.gold else "the column of tags"
    if len(labels) > (most := MOST_LABELS[target]):
        raise DataError(
            table.file, f"{column} has {len(labels):,} labels; at most {most:,} are read. Is it the right one?"
        )
    in_order = sort_labels(labels)
    option = f"--labels {quote(f'{name}=' + ','.join(in_order))}"
    if (alike := find_alike(in_order)) and not {*alike} <= listed:
        raise DataError(
            table.file,
            f"{column} has the labels {format_alike(*alike)}, which differ in their spelling alone. Write them alike, "
            f"or, if they are two labels, name all of them, in the order of the model's classes: {option}",
        )
    if listed and (lacks := sort_labels(labels - listed)[:10]):
        raise UserError(
            f"--labels names {', '.join(sort_labels(listed))}, and the rows of {table.file} have {', '.join(lacks)} "
            f"too. Name the model's classes, in its order, by the labels of the file: {option}"
        )
    if len(labels | listed) < 2:
        step = f" Or name all classes of the model, in its order, this one too: --labels {name}=A,B"
        raise DataError(
            table.file,
            f"{column} has the label {in_order[0]!r:.80} in every row. Add rows of another one."
            f"{step if target == CHOICE else ''}",
        )


def _named(rows: _Rows, given: list[str]) -> _Rows:
    """The rows under their ids: those given where each row of a language has another, else digests of their texts.

    Neither a row's place, its file nor its label changes a digest; rows of equal texts are counted, by their labels.
    """
    ids = {at: id for at, id in enumerate(given) if id}
    if len({(rows[at][0], id) for at, id in ids.items()}) < len(rows):
        ids, counts = {}, Counter[str]()
        for at in sorted(range(len(rows)), key=lambda at: json_text([*rows[at][1].values()][-1])):
            code, row = rows[at]
            name = digest(code, *map(json_text, [*row.values()][:-1]))
            counts[name] += 1
            ids[at] = name if counts[name] == 1 else f"{name}/{counts[name]}"
    return [(code, {"id": f"{ROW}{ids[at]}", **row}) for at, (code, row) in enumerate(rows)]


def _row(record: Record, table: TableFile) -> tuple[str, dict[str, Any]]:
    """The language of a row, and the row as a suite has it, without its id. Raises DataError, UnknownName."""
    first, gold = record.slots[0], record.slots[-1]
    for slot in record.slots:
        if not slot.value.strip():
            raise DataError(table.file, f"{slot.field!r} is empty: fill it, or leave the row out.", int(slot.location))
    code = first.language.strip() or table.language
    try:
        language(code)
    except UnknownName as error:
        raise error if not table.language_field else DataError(table.file, str(error), int(first.location)) from error
    if not first.words:
        texts = dict(zip(_keys(table), (slot.value for slot in record.slots), strict=False))
        return code, {**texts, "label": gold.value.strip()}
    tags = [span.label or "" for span in first.spans] if gold is first else _words(gold)
    if len(tags) != len(first.spans) or not all(tags):
        raise DataError(table.file, "has not a tag for each word.", int(first.location))
    return code, {"tokens": _words(first), "tags": tags}


def _words(slot: Slot) -> list[str]:
    return [slot.value[span.start : span.stop] for span in slot.spans]


def _keys(table: TableFile) -> list[str]:
    return [key_of_text(name, number) for number, name in enumerate(table.fields, 1)]


def _written(name: str, described: dict[str, Any], rows: _Rows, table: TableFile) -> Path:
    """Write the folder, its manifest last."""
    listed = defaultdict[str, list[str]](list)
    for code, row in rows:
        listed[code].append(f"{json_text(row)}\n")
    lines = {code: "".join(several) for code, several in listed.items()}
    version = digest(repr(described), *map("\n".join, lines.items()))
    folder = _ROOT / f"{name}-{version}"
    file = Path(table.file).name
    named = {"fields": ",".join(table.fields), "gold": table.gold, "language-field": table.language_field}
    named = {"data": file if file == table.file else f"DIR/{file}", **named, "format": table.format}
    facts: dict[str, Any] = {"name": name, "version": version, "summary": f"{counted(len(rows), 'row')} of {file}."}
    facts |= {"licence": "not stated", "languages": [*lines]}
    header = {None: [], True: ["--header"], False: ["--no-header"]}[table.header]
    facts |= {READ_BY: [*(f"--{option}={value}" for option, value in named.items() if value), *header]}
    text = "".join(f"{key} = {json_text(value)}\n" for key, value in facts.items())
    text += "".join([f"\n[{name}]\n", *(f"{key} = {json_text(value)}\n" for key, value in described.items())])
    (folder / name).mkdir(parents=True, exist_ok=True)
    files = {folder / name / f"test-{code}.jsonl": some.encode() for code, some in lines.items()}
    write_all({**files, folder / MANIFEST: text.encode()})
    return folder
