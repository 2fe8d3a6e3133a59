"""Makes a sheet for human raters: texts as a model reads them, the right answer, and nothing that tells which is which.

A second file, the key, has what each row is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import NO_ANSWER, Answers, Choice, Document, Tags, digest
from robust_xtreme.core.sinks import inert
from robust_xtreme.files import csv
from robust_xtreme.files.frames import build
from robust_xtreme.report.samples.choosing import CLEAN, ExampleChoice, rows_of
from robust_xtreme.report.samples.drawing import Drawn, drawn
from robust_xtreme.report.samples.texts import Remade, key_of, spec_of, texts_of
from robust_xtreme.report.view import Results
from robust_xtreme.stats.validity import SHEET_KEY

ROW, VALID, REMARK = "row", "valid", "remark"
TEXT: Final = "text: "
"""How the columns of texts begin; the name of the field follows."""

QUESTION: Final = "Is this the right answer to the texts, as they are? yes or no"
_CONTEXT: Final = "context"


@final
@dataclass(frozen=True, slots=True)
class Sheet:
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
    chosen = drawn(results, rows_of(folder, results.manifest), wanted, many, seed)
    made = texts_of(chosen.rows, spec_of(folder, results.manifest), results.manifest, watch=watch)
    rows = [row for row in chosen.rows.iter_rows(named=True) if key_of(row) in made.remade]
    if not rows:
        raise Mismatch(made.problems[0] if made.problems else "No text of the run could be made again.")
    labels = {unit["task"]: unit["labels"] for unit in results.manifest.get("units", ()) if "labels" in unit}
    shown = [_shown(row, made.remade[key_of(row)], labels.get(row["task"], ())) for row in rows]
    run = str(results.manifest.get("spec_hash", ""))
    named = ("cell_model", "cell_condition", "noise_seed", "example")
    names = [row_name(run, seed, *(row[column] for column in named)) for row in rows]
    kinds = dict(results.conditions.select("condition", "kind").rows())
    key = [
        _key(row, kinds, chosen, {ROW: name, "run": run, "sheet_seed": seed})
        for row, name in zip(rows, names, strict=True)
    ]
    controls = sum(row["kind"] == CLEAN for row in key)
    written = csv.dump(build(key, SHEET_KEY).sort(ROW), SHEET_KEY)
    return Sheet(csv.table(_table(names, shown), inert), written, len(rows), controls, made.problems)


def row_name(run: str, seed: int, model: str, condition: str, noise_seed: int, example: str) -> str:
    """The name of a row, which says nothing of what it is."""
    return digest(run, str(seed), model, condition, str(noise_seed), example)[:10]


def _key(row: Mapping[str, Any], kinds: Mapping[str, str], chosen: Drawn, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of the sheet is."""
    condition = row["cell_condition"]
    right, wrong = chosen.counts.get(condition, (0, 0))
    kind = kinds[condition] if kinds[condition] in ("attack", CLEAN) else "noise"
    return {
        **known,
        "condition": condition,
        "kind": kind,
        "task": row["task"],
        "language": row["language"],
        "model": row["cell_model"],
        "example": row["example"],
        "noise_seed": row["noise_seed"],
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
            return "", remade.clean.texts[_CONTEXT].at(spans[0]) if spans else NO_ANSWER
        case Tags(names):
            text = next(text for text in remade.noisy.texts.values() if text.spans)
            pairs = zip(text.spans, names, strict=False)
            return ", ".join(labels), " ".join(f"{text.at(span)}/{tag}" for span, tag in pairs)
        case Document(ids):
            return "", remade.documents[ids[0]].text.value


def _table(names: Sequence[str], shown: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The sheet: a column for each field of a text that a row has, and two that are filled in."""
    first, last = ("language", "task"), ("choices", "right answer")
    fields = dict.fromkeys(name for cells in shown for name in cells if name.startswith(TEXT))
    order = [*first, *fields, *last]
    columns = {name: [cells.get(name, "") for cells in shown] for name in order}
    empty = [""] * len(names)
    return pl.DataFrame({ROW: names, **columns, "question": [QUESTION] * len(names), VALID: empty, REMARK: empty})
