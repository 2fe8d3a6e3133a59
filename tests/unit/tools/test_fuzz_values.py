"""Values of every type in every field of every reader: a refusal of one line, or the level of the official metric.

A value is the text of JSON as a file has it. What a row means is read here once more, plainly, from the documented
forms; a row of another form has to be refused, and so may one that has no level.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import polars as pl
import pytest
from tests.program import program
from tests.some import some
from tests.values import VALUES, is_one_line
from tools import official_metrics
from tools.official_metrics import PLAIN, QA

import robust_xtreme
from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.exchange.importing import items as lines_of
from robust_xtreme.exchange.importing import reading
from robust_xtreme.exchange.importing.run import ImportOptions, Read, _items
from robust_xtreme.exchange.importing.scoring import scoring_of, stats_of
from robust_xtreme.stats._cells import cells

FIELDS: Final = (
    *("gold", "prediction", "gold", "prediction", "gold", "prediction", "score", "scores", "sums", "id", "cluster"),
    *("task", "language", "condition", "noise_seed", "split", "model", "edits", "grapheme_edit_rate", "operators"),
    *("unknown", "tokens", "success", "overlap", "status", "answer"),
)
RIGHT: Final = {
    "xnli": ('"neutral"', '"entailment"'),
    "xcopa": ("1", "0"),
    "xquad": ('["a", "c"]', '"b"'),
    "panx": ('["B-LOC"]', '["O"]'),
    "tatoeba": ('["a"]', '["b"]'),
    "own": ('"a"', '"b"'),
}
"""A gold answer of each task, and a wrong prediction."""

_ANSWERS: Final = (
    *('"a"', '"b"', '"c a"', '"1"', "1", "0", "1.0", "true", "false", "null", '["a"]', '["a", "b"]', '["b"]', "[]"),
    *(
        '{"text": ["a"], "answer_start": [0]}',
        '[{"text": "a", "answer_start": 0}]',
        '"[\\"a\\", \\"b\\"]"',
        '"neutral"',
    ),
    *(
        '{"text": "b", "answer_start": 4}',
        '{"prediction_text": "b"}',
        '{"prediction_text": "b", "id": "q"}',
        '"entailment"',
    ),
)
LIKELY: Final[Mapping[str, Sequence[str]]] = {
    "gold": _ANSWERS,
    "prediction": _ANSWERS,
    "score": ("0", "1", "0.5", "1.0", "true", "false", '"0.25"', '"true"'),
    "scores": ('{"a": 0.5}', '{"a": 1}', '{"a": true}', '{"accuracy": 1}', '"{\\"a\\": 0.5}"', '{"a": 1.5}'),
    "id": ('"x"', "7", "8.0", '"7"', "12345678901234567890"),
    "noise_seed": ("0", "0.0", '"0"', "3"),
    "edits": ("0", "2", "2.0", '"3"'),
    "operators": ("{}", '{"swap": 1}', '"{\\"swap\\": 2}"'),
    "grapheme_edit_rate": ("0", "0.5", "1.0", '"0.1"', "-0.1"),
    "overlap": ("true", "false", '"true"'),
    "status": ('"ok"', '"unparsed"'),
}
"""Values that a field may well have."""

Row = dict[str, str]


class Other(Exception):
    """A value that is none of the documented forms."""


def rows_of(task: str) -> list[Row]:
    """Three rows, the first of which is right, as texts of JSON by key."""
    gold, wrong = RIGHT[task]
    right = '"a"' if task == "xquad" else gold
    return [{"id": f'"{at}"', "gold": gold, "prediction": wrong if at else right} for at in range(3)]


def draw_of(draw: random.Random) -> tuple[str, list[Row]]:
    """A task, and its rows with values by type in one or two of their fields, in one row or in all."""
    task = draw.choice([*RIGHT])
    rows = rows_of(task)
    for _ in range(draw.choice((1, 1, 2))):
        field = draw.choice(FIELDS)
        value = draw.choice(LIKELY.get(field, VALUES) if draw.random() < 0.6 else VALUES)
        for row in rows if draw.random() < 0.5 else [draw.choice(rows)]:
            row[field] = value
    if draw.random() < 0.2:  # scores alone
        name, likely = draw.choice(("score", "scores")), draw.random() < 0.9
        rows = [{"id": row["id"], name: draw.choice(LIKELY[name] if likely else VALUES)} for row in rows]
    return task, rows


def text_of(rows: Sequence[Row]) -> str:
    """The rows as lines of JSON."""
    return "".join("{" + ", ".join(f'"{key}": {value}' for key, value in row.items()) + "}\n" for row in rows)


# ------------------------------------------------------------------------------------------------- what a row means


def strict(text: str) -> Any:
    """The value of a JSON text; NaN, infinite numbers and keys that occur twice are of no form."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise Other
        return dict(pairs)

    def number(text: str) -> float:
        if not math.isfinite(float(text)):
            raise Other
        return float(text)

    try:
        value = json.loads(text, object_pairs_hook=members, parse_constant=number, parse_float=number)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, UnicodeError):
        raise Other from None
    return value


def label(value: Any) -> str:
    """A label: a text, true or false, or a whole number, which 1.0 is, too."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if not isinstance(value, (str, int)):
        raise Other
    return value if isinstance(value, str) else json.dumps(value)


def listed(value: Any) -> list[str]:
    """A list of texts, or a text that has one in JSON; SQuAD's form has one, too."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value)):
        return golds(value)
    if isinstance(value, str):
        value = strict(value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Other
    return value


def golds(value: Any) -> list[str]:
    """The texts of gold answers."""
    if isinstance(value, dict):
        if not {"text"} <= value.keys() <= {"text", "answer_start"}:
            raise Other
        value = [value["text"]] if isinstance(value["text"], str) else value["text"]
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        several = [golds(each) for each in value if isinstance(each, dict)]
        if len(several) != len(value):
            raise Other
        value = [text for (text,) in several]
    if isinstance(value, str):
        if value.startswith("{") and "answer_start" in value:
            raise Other
        try:
            return [*filter(None, listed(value))] or [""]
        except Other:
            return [value]
    return [*filter(None, listed(value))] or [""]


def answer(value: Any) -> str:
    """The text of a prediction."""
    if isinstance(value, dict):
        named_here = {"prediction_text", "text"} & value.keys()
        if len(named_here) != 1 or not value.keys() <= {*named_here, "id", "no_answer_probability", "answer_start"}:
            raise Other
        value = value[named_here.pop()]
    if value is not None and not isinstance(value, str):
        raise Other
    return value or ""


def typed(value: Any, labels: Sequence[str], are_numbers: bool) -> object:
    """A label with its type, or the number of a choice or of one of the labels of a task."""
    name = label(value)
    if name in labels:
        return labels.index(name)
    if labels or are_numbers:
        if not (name.isascii() and name.isdigit() and len(name) <= 3) or (labels and int(name) >= len(labels)):
            raise Other
        return int(name)
    return type(value) if isinstance(value, bool) else str if isinstance(value, str) else int, name


def official(task: str, family: str, gold: Any, prediction: Any) -> Mapping[str, tuple[float, ...]]:
    """The sums of one row by the official metrics."""
    if family == "span_qa":
        text, several = answer(prediction), golds(gold)
        pairs = {name: QA[name] for name in ("squad_em", "squad_f1")}
        return {
            name: (max(compare(words(text, "en"), words(each, "en")) for each in several), 1.0)
            for name, (words, compare) in pairs.items()
        }
    if family in ("tagging", "retrieval"):
        names = ("span_f1", "token_accuracy") if family == "tagging" else ("retrieval_accuracy", "map_at_20")
        given = [] if prediction is None and family == "retrieval" else listed(prediction)
        if family == "tagging" and len(given) != len(listed(gold)):
            raise Other
        return {name: PLAIN[name](given, listed(gold)) for name in names}
    prediction = answer(prediction) if isinstance(prediction, dict) else prediction
    labels = registry.load("task", task).labels if task in RIGHT and task != "own" else ()
    wanted = typed(gold, labels, family == "choice")
    return {
        "accuracy": PLAIN["accuracy"](prediction is not None and typed(prediction, labels, family == "choice"), wanted)
    }


def meant(task: str, family: str, row: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """The sums of a row by metric: those given, else of its prediction, else its scores."""
    if row.get("sums") is not None:
        sums = strict(row["sums"]) if isinstance(row["sums"], str) else row["sums"]
        return {name: tuple(scopes["all"]) for name, scopes in sums.items()}
    scores: Any = row.get("scores") if row.get("scores") is not None else {"score": row.get("score")}
    scores = strict(scores) if isinstance(scores, str) else scores
    truth = {"true": 1, "True": 1, "false": 0, "False": 0}
    given = {name: float(truth.get(value, value)) for name, value in scores.items() if value is not None}
    made: dict[str, tuple[float, ...]] = {
        name if name == "accuracy" else f"given/{name}": (value, 1.0) for name, value in given.items()
    }
    if family == "given" or row.get("gold") is None or (row.get("prediction") is None and made):
        return made
    return {**made, **official(task, family, row["gold"], row.get("prediction"))}


# ----------------------------------------------------------------------------------------------------------- import


def levels(read: Read, task: str, rows: Mapping[str, Mapping[str, Any]]) -> int:
    """Check the levels of rows that are read, by task; the number of them. Raises UserError where they are refused."""
    items = _items(read, ImportOptions({"task": task, "language": "en", "condition": "clean", "split": "test"}))
    checked = 0
    for (name,), part in items.partition_by("task", as_dict=True).items():
        scoring = scoring_of(part, str(name))
        stats, *_ = stats_of(part, scoring, "rows")
        for cell in cells(stats.filter(~pl.col("model").str.starts_with("chance/"))):
            if cell.scope != "all":
                continue
            level = float(cell.reduce(cell.sums.sum(axis=(0, 1))))
            wanted = [
                meant(str(name), scoring.family, rows[id.rpartition("/")[2]])[cell.metric] for id in cell.items.examples
            ]
            assert 0 <= level <= 100
            assert level == pytest.approx(float(official_metrics.reduced(np.array(wanted).sum(axis=0))))
            checked += 1
    return checked


def parsed(row: Row) -> dict[str, Any]:
    """The values of a row. Raises Other where one is not JSON."""
    return {key: strict(value) for key, value in row.items()}


def by_id(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """The values of rows that are JSON, by id as a text."""
    known = {}
    for row in rows:
        try:
            values = parsed(row)
            known[label(values.get("id"))] = values
        except Other:
            continue
    return known


def from_lines(folder: Path, rows: Sequence[Row]) -> Read:
    """The rows as a file."""
    (folder / "rows.jsonl").write_text(text_of(rows), encoding="utf-8")
    return Read(lambda: lines_of.read(folder / "rows.jsonl", {}), "rows", {})


def from_polars(_: Path, rows: Sequence[Row]) -> Read:
    """The rows as a frame of polars: columns have one type where they can, else they are objects of Python."""
    values = [*map(parsed, rows)]
    names = {name: None for row in values for name in row}
    return reading.read_frame(pl.DataFrame([_column(name, [row.get(name) for row in values]) for name in names]), {})


def _column(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of polars, where that has the values as they are: it makes texts of some objects."""
    try:
        typed_here = pl.Series(name, values, strict=True)
        if [*map(reading._plain, typed_here.to_list())] == values:
            return typed_here
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        pass
    return pl.Series(name, values, dtype=pl.Object)


def from_pandas(_: Path, rows: Sequence[Row]) -> Read:
    """The rows as a frame of pandas."""
    return reading.read_frame(pd.DataFrame([*map(parsed, rows)]), {})


READERS: Final[Mapping[str, Callable[[Path, Sequence[Row]], Read]]] = {
    "lines": from_lines,
    "polars": from_polars,
    "pandas": from_pandas,
}


@pytest.mark.parametrize("reader", some(READERS, ("lines", "polars")))
@pytest.mark.parametrize("draws", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_rows_are_refused_or_have_the_official_level(reader: str, draws: int, tmp_path: Path) -> None:
    """Whatever a field has: one line, or the level that the official metric gives for what the rows mean."""
    ends = {"refused": 0, "read": 0, "no frame": 0}
    for seed in range(draws):
        task, rows = draw_of(random.Random(f"{draws}b {seed}"))
        try:
            read = READERS[reader](tmp_path, rows)
            ends["read"] += levels(read, task, by_id(rows)) > 0
        except UserError as error:
            ends["refused"] += is_one_line(error)
        except Other:
            assert reader != "lines", f"{task}: {text_of(rows)} is none of the forms, and is read"
            ends["no frame"] += 1
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise AssertionError(f"{task}: {text_of(rows)}") from error
    assert min(ends["read"], ends["refused"]) > draws / 10, ends


def test_the_command_ends_with_one_line_or_with_levels_in_their_range(tmp_path: Path) -> None:
    """The same draws through the whole program: exit code 2 and a line, or a run whose frames can be read again."""
    codes = set()
    for seed in range(12):
        task, rows = draw_of(random.Random(f"command {seed}"))
        (tmp_path / "rows.jsonl").write_text(text_of(rows), encoding="utf-8")
        given = ("--tasks", task, "-l", "en", "--condition", "clean", "--force", "-o", str(tmp_path / "run"))
        ended = program("import", str(tmp_path / "rows.jsonl"), *given)
        codes.add(ended.code or 0)
        if ended.code:
            assert (ended.code, len(ended.err.splitlines())) == (2, 1), (text_of(rows), ended)
        else:
            assert robust_xtreme.load(tmp_path / "run").scores.get_column("value").is_between(0, 100).all()
    assert codes == {0, 2}
