"""Makes a sheet for human raters: texts as a model reads them, the right answer, and nothing that tells which is which.

The rows are drawn from successes of attacks, answers that noise made wrong, and clean controls. A second file, the key,
has what each row is. Of a sheet that is filled in every row must be one of it, once, with a plain answer or none.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UnreadableFiles, UserError, counted, shown
from robust_xtreme.core.examples import NO_ANSWER, Answers, Choice, Document, Tags, digest
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.core.sinks import inert
from robust_xtreme.files import csv as frames
from robust_xtreme.files.frames import build
from robust_xtreme.files.schema import CELL
from robust_xtreme.noise.conditions.condition import CLEAN_SEED, LIKE, RANDOM
from robust_xtreme.report.cells import perturbed
from robust_xtreme.report.samples import choosing
from robust_xtreme.report.samples.choosing import CLEAN, ITEM, OF_CELL, ExampleChoice, SampleRows
from robust_xtreme.report.samples.texts import Remade, key_of, spec_of, texts_of
from robust_xtreme.report.view import Results
from robust_xtreme.stats.validity import SHEET_KEY

ROW, VALID, REMARK = "row", "valid", "remark"
TEXT: Final = "text: "
"""How the columns of texts begin; the name of the field follows."""

QUESTION: Final = "Is this the right answer to the texts, as they are? yes or no"
CONTROLS: Final = 5
"""One row of so many is a clean text."""

_COMPARATORS: Final = (LIKE, f"search={RANDOM}")
_STRATA: Final = ("task", "language")


class Sheet(NamedTuple):
    """A sheet and its key as files, how many rows they have, and what is left out, a line each."""

    sheet: bytes
    key: bytes
    rows: int
    controls: int
    problems: tuple[str, ...]


def sheet_of(
    folder: Path,
    results: Results,
    wanted: ExampleChoice,
    size: tuple[int, int],
    watch: Callable[[str], None] = lambda _: None,
) -> Sheet:
    """A sheet from a finished run; `size` is the number of rows and the seed of the draw.

    What cannot be made again is left out. Raises UserError, Mismatch where no text can be made again.
    """
    many, seed = size
    chosen, counts = _drawn(results, choosing.rows_of(folder, results.manifest), wanted, many, seed)
    remade, problems = texts_of(chosen, spec_of(folder, results.manifest), results.manifest, watch=watch)
    rows = [row for row in chosen.iter_rows(named=True) if key_of(row) in remade]
    if not rows:
        raise Mismatch(problems[0] if problems else "No text of the run could be made again.")
    labels = {unit["task"]: unit["labels"] for unit in results.manifest.get("units", ()) if "labels" in unit}
    shown = [_shown(row, remade[key_of(row)], labels.get(row["task"], ())) for row in rows]
    run = str(results.manifest.get("spec_hash", ""))
    named = ("cell_model", "cell_condition", "noise_seed", "example")
    names = [row_name(run, seed, *(row[column] for column in named)) for row in rows]
    kinds = dict(results.conditions.select("condition", "kind").rows())
    key = [
        {ROW: name, "run": run, "sheet_seed": seed, **_key(row, kinds, counts)}
        for row, name in zip(rows, names, strict=True)
    ]
    controls = sum(row["kind"] == CLEAN for row in key)
    written = frames.dump(build(key, SHEET_KEY).sort(ROW), SHEET_KEY)
    return Sheet(frames.table(_table(names, shown), inert), written, len(rows), controls, problems)


def row_name(run: str, seed: int, model: str, condition: str, noise_seed: int, example: str) -> str:
    """The name of a row, which says nothing of what it is."""
    return digest(run, str(seed), model, condition, str(noise_seed), example)[:10]


def _key(row: Mapping[str, Any], kinds: Mapping[str, str], counts: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    condition = row["cell_condition"]
    right, wrong = counts.get(condition, (0, 0))
    kind = kinds[condition] if kinds[condition] in ("attack", CLEAN) else "noise"
    return {
        **{name: row[name] for name in ("task", "language", "example", "noise_seed")},
        "condition": condition,
        "kind": kind,
        "model": row["cell_model"],
        "right": right,
        "wrong": wrong,
    }


def _shown(row: Mapping[str, Any], remade: Remade, labels: Sequence[str]) -> dict[str, str]:
    """What a rater reads of an example: its texts, the choices, and the right answer."""
    texts = {f"{TEXT}{name}": text.value for name, text in remade.noisy.texts.items()}
    choices, answer = _answer(remade, tuple(labels) or remade.task.labels)
    facts = {"language": row["language"], "task": row["task"]}
    return {**facts, **texts, "choices": choices, "right answer": answer}


def _answer(remade: Remade, labels: Sequence[str]) -> tuple[str, str]:
    """The choices, where there are some, and the right answer; that to a question as it is in the clean text."""
    match remade.clean.target:
        case Choice(index) if labels:
            return ", ".join(labels), labels[index]
        case Choice(index):
            names = [name for name in remade.noisy.texts if name.startswith("choice")]
            return ", ".join(names), names[index]
        case Answers(spans):
            return "", remade.clean.texts["context"].at(spans[0]) if spans else NO_ANSWER
        case Tags(names):
            text = next(text for text in remade.noisy.texts.values() if text.spans)
            pairs = zip(text.spans, names, strict=False)
            return ", ".join(labels), " ".join(f"{text.at(span)}/{tag}" for span, tag in pairs)
        case Document(ids):
            return "", remade.documents[ids[0]].text.value


def _table(names: Sequence[str], shown: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The sheet: a column for each field of a text that a row has, and two that are filled in."""
    fields = dict.fromkeys(name for cells in shown for name in cells if name.startswith(TEXT))
    order = ("language", "task", *fields, "choices", "right answer")
    columns = {name: [cells.get(name, "") for cells in shown] for name in order}
    empty = [""] * len(names)
    return pl.DataFrame({ROW: names, **columns, "question": [QUESTION] * len(names), VALID: empty, REMARK: empty})


def _drawn(
    results: Results, rows: SampleRows, wanted: ExampleChoice, many: int, seed: int
) -> tuple[pl.DataFrame, dict[str, tuple[int, int]]]:
    """At most `many` rows, as many of each wanted condition as there can be, spread over its tasks and languages.

    They are in the order of the sheet; with them is for each condition how many items were right, and became wrong.
    Draws are keyed by the run and the seed. Raises UserError where no answer became wrong.
    """
    cells = choosing.cells_of(results, wanted)
    items = _right(cells, rows, wanted).join(cells.select("cell", *_STRATA, "cell_condition"), on="cell")
    common = salt("sheet", str(results.manifest.get("spec_hash", "")), str(seed))
    items = _in_order(items.sort(*ITEM), common)
    counted = items.group_by("cell_condition").agg(pl.len(), pl.col("won").sum()).sort("cell_condition")
    counts = {name: (right, won) for name, right, won in counted.rows() if won}
    if not counts:
        raise UserError("No answer of the run became wrong under these conditions: there is nothing to draw.")
    shares = _shared({name: won for name, (_, won) in counts.items()}, max(1, many - many // CONTROLS))
    changed = pl.concat([_spread(items.filter("won", cell_condition=name), share) for name, share in shares.items()])
    controls = _controls(items, changed, cells, min(many // CONTROLS, many - changed.height))
    both = pl.concat([_with_cells(changed, cells), controls])
    shown = _in_order(choosing.with_predictions(both.with_columns(loss=pl.lit(0.0)), rows), common + 1)
    return shown.sort("key", "example"), counts


def conditions_of(results: Results, names: Sequence[str]) -> tuple[str, ...]:
    """The conditions that are meant by names, without any all but the comparators of attacks."""
    cells = perturbed(results).select("perturbation", "noise", "condition").unique(maintain_order=True)
    if not names:
        every = cells.get_column("condition").to_list()
        return tuple(name for name in every if not any(word in name for word in _COMPARATORS)) or tuple(every)
    meant = [pl.col(column).is_in(names) for column in cells.columns]
    return tuple(cells.filter(pl.any_horizontal(meant)).get_column("condition"))


def _right(cells: pl.DataFrame, rows: SampleRows, wanted: ExampleChoice) -> pl.DataFrame:
    """Items that are right when clean, by an attack's goal or the headline metric; `won`: the answer became wrong."""
    columns = (*ITEM, "won")
    keyed = cells.select("cell", "base", *OF_CELL).rename(OF_CELL)
    parts = []
    for attacked in rows.attacked:
        joined = attacked.filter(~pl.col("skipped")).join(keyed.lazy(), on=CELL)
        parts.append(joined.with_columns(won=pl.col("first") > 0).select(columns).collect())
    under = {cell for part in parts for cell in part.get_column("cell").unique()}
    others = cells.filter(~pl.col("cell").is_in(under))
    for some, stats in choosing.parts_of(others, rows):
        losses = choosing.losses_of(some, stats, wanted).filter(pl.col("value_clean") >= 100.0)
        parts.append(losses.with_columns(won=pl.col("loss") > 0).select(columns))
    return pl.concat(parts, how="vertical_relaxed")


def _in_order(items: pl.DataFrame, common: int) -> pl.DataFrame:
    """The items with `key`, a keyed draw (n,) uint64 each."""
    names = items.select(pl.concat_str("cell_condition", "noise_seed", "example", separator="\0")).to_series().to_list()
    return items.with_columns(pl.Series("key", text_keys(common % (1 << 64), names), dtype=pl.UInt64))


def _shared(there: Mapping[str, int], many: int) -> dict[str, int]:
    """As many rows for each condition as there are, up to equal shares; what is left over goes to the others."""
    shares = dict.fromkeys(there, 0)
    left = many
    while left and (open_ones := [name for name, count in there.items() if shares[name] < count]):
        for name in open_ones[:left]:
            shares[name] += 1
        left = many - sum(shares.values())
    return shares


def _spread(items: pl.DataFrame, many: int) -> pl.DataFrame:
    """So many items, each equally likely, evenly over tasks and languages: every n-th of the sorted ones."""
    ordered = items.sort(*_STRATA, "key", "example")
    if not many or ordered.is_empty():
        return ordered.clear()
    begin = int(ordered.item(0, "key")) / 2**64
    return ordered[[min(int((at + begin) * ordered.height / many), ordered.height - 1) for at in range(many)]]


def _controls(items: pl.DataFrame, changed: pl.DataFrame, cells: pl.DataFrame, many: int) -> pl.DataFrame:
    """Clean texts of items that are right, of the tasks and languages of the others, none of which is an example."""
    others = items.join(changed, on=("base", "example"), how="anti").unique(("base", "example"), maintain_order=True)
    picked = _with_cells(_spread(others, min(many, others.height)), cells)
    seed, clean = pl.lit(CLEAN_SEED, pl.Int64), pl.lit(CLEAN)
    return picked.with_columns(noise_seed=seed, cell_condition=clean, address=clean)


def _with_cells(items: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    return items.select(*ITEM).join(cells, on=("cell", "base"))


YES, NO = ("yes", "y"), ("no", "n")
_SEPARATORS: Final = (",", ";", "\t")
_MOST: Final = 20


def key_path(sheet: Path) -> Path:
    """The key of a sheet, beside it."""
    return sheet.with_name(f"{sheet.stem}.key.csv")


def key_of_sheet(sheet: Path, run: str = "") -> pl.DataFrame:
    """SHEET_KEY of a sheet.

    Raises MissingData where it is not beside it, Mismatch where it is of another `run`, DataError where it was changed.
    """
    path = key_path(sheet)
    if not path.is_file():
        raise MissingData(f"There is no {path}, the key that `rate sample` wrote beside the sheet.")
    key = frames.load(path, SHEET_KEY)
    if key.is_empty():
        raise DataError(path, "has no rows")
    if run and set(key.get_column("run")) != {run}:
        raise Mismatch(f"{path} is the key of a sheet of another run.")
    named = ("run", "sheet_seed", "model", "condition", "noise_seed", "example")
    for row in key.iter_rows(named=True):
        if row[ROW] != row_name(*(row[column] for column in named)):
            raise DataError(path, f"has in row {shown(row[ROW])} not what the sheet was drawn of")
        if not 0 <= row["wrong"] <= row["right"] or (row["right"] == 0 and row["kind"] != "clean"):
            what = f"has impossible counts in row {shown(row[ROW])}: of `right` items `wrong` became wrong"
            raise DataError(path, what)
    return key


def answers_of(sheet: Path, key: pl.DataFrame) -> dict[str, bool]:
    """The answers by row; rows without one are left out.

    Raises UnreadableFiles with a line for each row that is missing, unknown, there twice or has another answer.
    """
    known = key.get_column(ROW).to_list()
    answers: dict[str, bool | None] = {}
    problems: list[str] = []
    for line, name, answer in _rows(sheet):
        where = f"{sheet}:{line}: row {shown(name)}"
        if name not in known:
            problems.append(f"{where} is not one of the sheet's: the column {ROW} must stay as it was written.")
        elif name in answers:
            problems.append(f"{where} is there twice.")
        elif answer and answer not in (*YES, *NO):
            problems.append(f"{where} has {shown(answer)} in the column {VALID}: write yes or no, or leave it empty.")
        answers.setdefault(name, None if not answer else answer in YES)
    problems += [f"{sheet}: row {shown(name)} is missing." for name in known if name not in answers]
    if problems:
        more = len(problems) - _MOST
        raise UnreadableFiles([*problems[:_MOST], *([f"and {more} more rows."] if more > 0 else [])])
    return {name: answer for name, answer in answers.items() if answer is not None}


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """The line, the name and the answer of each row. Raises DataError."""
    try:
        text = resources.data_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(path, f"is not text in UTF-8: {error}. Save it as CSV in UTF-8.") from error
    begin = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=begin.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        for column in (ROW, VALID):
            if header.count(column) != 1:
                raise DataError(path, f"has {header.count(column) or 'no'} column {column} in its header", line=1)
        name, answer = header.index(ROW), header.index(VALID)
        for row in reader:
            if row and len(row) != len(header):
                what = f"has {counted(len(row), 'cell')} instead of {len(header)}"
                raise DataError(path, what, line=reader.line_num)
            if any(cell.strip() for cell in row):
                yield reader.line_num, row[name].strip(), row[answer].strip().casefold()
    except csv.Error as error:
        raise DataError(path, f"is not CSV: {error}", line=reader.line_num) from error
