"""Random files of rows: the level is that of a scorer written here, or the file is refused in one line."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise
import pytest
from tests.some import some

from robust_xtreme import evaluate
from robust_xtreme.core.errors import UserError
from robust_xtreme.tasks.sources.table import TableFile, write_suite

pytestmark = pytest.mark.usefixtures("unpaged")

DRAWS: Final = 50
BATCHES: Final = 40
ACCEPTED: Final = 0.4
"""The least share of draws that are read and scored, in each format: a reader that refuses every file does not pass."""

LABELS: Final = (
    *(("neg", "pos"), ("no", "yes", "maybe"), ("Good", "bad"), ("B-PER", "I-PER"), ("0", "1"), ("1", "2", "10")),
    *(("très bon", "mauvais"), ("好", "坏"), ("text", "label"), ("it's", "isn't"), ("null", "None"), ("true", "false")),
    *(("pos", "Pos"), ("pos", "pos "), ("1", "1.0"), ("ａ", "a"), ("é", "e\u0301"), ("a", "á")),
    *(("pos", ""), ("a", "x" * 90), ('say "so"', "no"), ("a,b", "c"), ("NaN", "ok"), ("a\tb", "c")),
)
VALUES: Final[tuple[tuple[Any, ...], ...]] = (
    *((0, 1), (True, False), (1, 2, 3), (0.5, 1.5), (1.0, 2.0), (2**63, 7), (10**14, 3), (1, 1.0), (None, "a")),
    *((["a"], ["b"]), (1, "1"), ("a", 1)),
)
"""Labels that JSON has beside texts."""

TYPED: Final[tuple[tuple[Sequence[Any], Callable[[], pa.DataType]], ...]] = (
    (("neg", "pos"), lambda: pa.dictionary(pa.int8(), pa.string())),
    (("neg", "pos"), lambda: pa.dictionary(pa.int32(), pa.large_string())),
    (("neg", "pos"), pa.large_string),
    (("neg", "pos"), pa.string_view),
    ((Decimal("1.50"), Decimal("2.50")), lambda: pa.decimal128(5, 2)),
    ((dt.date(2026, 1, 2), dt.date(2026, 1, 3)), pa.date32),
    ((True, False), pa.bool_),
    ((0, 2**64 - 1), pa.uint64),
    ((1, 2), pa.int8),
    ((0.5, 1.5), pa.float64),
    ((b"neg", b"pos"), pa.binary),
    (([1], [2]), lambda: pa.list_(pa.int64())),
    ((dt.timedelta(1), dt.timedelta(2)), lambda: pa.duration("us")),
    ((dt.time(1), dt.time(2)), lambda: pa.time64("us")),
)
"""Labels of Parquet, and their types."""

ENDINGS: Final = (
    "",
    " today",
    ", please",
    ' "so"',
    " 'so'",
    '; 6" long',
    " ",
    "\u00a0x",
    " 好",
    " e\u0301",
    " \\",
    " #1",
    " ＡＢ",
)
WHOLE: Final = ('"{}"', '"{}" he said', "he said: {}", " {}", "{}.", '""{}""')
NAMES: Final = ("text", "Text", "review text", "sentence", "x", "текст", "a.b", "1st", "2", "text,1", 'the "text"')


@dataclass(frozen=True)
class Draw:
    """A file, its options, and the rows that were drawn for it: text, gold label and the label of the model."""

    table: TableFile
    rows: tuple[tuple[str, Any, str], ...]

    @property
    def level(self) -> float:
        """The share of right answers in percent."""
        return 100 * sum(label_of(gold) == answer for _, gold, answer in self.rows) / len(self.rows)


def label_of(value: Any) -> str:
    """The label that a value is, as a text."""
    if isinstance(value, str):
        return value.strip()
    return json.dumps(value) if isinstance(value, bool | int | float | list | None) else str(value)


def draw_rows(random: Random, labels: Sequence[Any], cells_of_line: bool) -> tuple[tuple[str, Any, str], ...]:
    """Some rows of distinct texts, in which each label occurs, and what the model answers."""
    golds = [*labels, *random.choices(labels, k=random.randint(4, 10))]
    random.shuffle(golds)
    odd = random.random() < 0.6
    rows = []
    for number, gold in enumerate(golds):
        text = f"film {number} is fine"
        if odd and random.random() < 0.5:
            text = random.choice(WHOLE).format(text + random.choice(ENDINGS))
        if not cells_of_line and odd and random.random() < 0.1:
            text = text.replace(" is ", random.choice(("\n", "\t", "\r\n", "\n\n")))
        rows.append((text, gold, label_of(random.choice(labels) if random.random() < 0.3 else gold)))
    return tuple(rows)


def draw_table(random: Random, path: str) -> Draw:
    """A file of CSV or TSV as some program writes it, and the options that name its columns."""
    separator = random.choice(",\t")
    style = random.choice(("minimal", "all", "excel", "raw") if separator == "\t" else ("minimal", "all", "nonnumeric"))
    plain = random.random() < 0.6
    labels = random.choice(LABELS[:12] if plain else LABELS)
    rows = draw_rows(random, labels, style == "raw")
    name, gold = (
        ("text", "label") if random.random() < 0.5 else (random.choice(NAMES), random.choice(("label", "y", "1")))
    )
    header = [name, gold, "other"]
    odd = random.random()
    shown = [f" {cell} " if odd < 0.1 else cell for cell in header]
    if 0.1 < odd < 0.2:
        shown[2] = random.choice((name, f" {name}", gold, "0", ""))
    order = random.sample(range(3), 3)
    lines = [[(text, str(gold), f"{number}")[at] for at in order] for number, (text, gold, _) in enumerate(rows)]
    has_header = random.random() < 0.8
    lines = [[shown[at] for at in order], *lines] if has_header else lines
    if has_header and 0.2 < odd < 0.23:
        lines.insert(random.randint(1, len(lines)), lines[0])
    if 0.23 < odd < 0.26:
        lines[-1] = lines[-1][:-1]
    file = io.StringIO(newline="")
    if style == "raw":
        file.write("".join(separator.join(line) + "\n" for line in lines))
    elif style == "excel":  # it quotes a cell with a comma in a file that tabs separate
        quoted = [
            ['"{}"'.format(cell.replace('"', '""')) if set(cell) & set(',"\t\n') else cell for cell in line]
            for line in lines
        ]
        file.write("".join(separator.join(line) + "\r\n" for line in quoted))
    else:
        styles: dict[str, Any] = {"all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC}
        quoting = styles.get(style, csv.QUOTE_MINIMAL)
        end = random.choice(("\n", "\r\n"))
        csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end).writerows(lines)
    before = random.choice(("", "", "", "\ufeff", f"sep={separator}\n" if style != "raw" else ""))
    Path(path).write_bytes((before + file.getvalue()).encode())
    by_number = not has_header or random.random() < 0.3
    columns = [str(order.index(0) + 1), str(order.index(1) + 1)] if by_number else [name, gold]
    says = random.random() < 0.5 if by_number else random.random() < 0.1
    format = "csv" if separator == "," else "tsv"
    table = TableFile(path, (columns[0],), columns[1], "en", format=format, header=has_header if says else None)
    return Draw(table, rows)


def draw_lines(random: Random, path: str) -> Draw:
    """A file of JSON lines, whose labels may be of several types."""
    rows = draw_rows(random, random.choice((*LABELS, *VALUES, *VALUES[:5] * 2)), cells_of_line=False)
    name = random.choice(NAMES)
    dumped = [
        json.dumps({"n": [1], name: text, "label": gold}, ensure_ascii=random.random() < 0.5) for text, gold, _ in rows
    ]
    text = "\n".join(dumped) if random.random() < 0.95 else f"[{', '.join(dumped)}]"
    Path(path).write_bytes((random.choice(("", "\ufeff")) + text).encode())
    return Draw(TableFile(path, (name,), "label", "en", format="jsonl"), rows)


def draw_parquet(random: Random, path: str) -> Draw:
    """A file of Parquet, whose labels and texts have one of many types."""
    labels, kind = random.choice((*TYPED, *((labels, pa.string) for labels in LABELS[:6])))
    rows, name = draw_rows(random, labels, cells_of_line=False), random.choice(NAMES)
    texts = pa.array([text for text, _, _ in rows], random.choice((pa.string, pa.large_string, pa.string_view))())
    columns = {
        name: texts.cast(pa.string()).dictionary_encode() if random.random() < 0.2 else texts,
        "label": pa.array([gold for _, gold, _ in rows], kind()),
        "lang": pa.array(["en"] * len(rows)).dictionary_encode(),
        "raw": pa.array([b"x"] * len(rows)),
    }
    pq.write_table(pa.table(columns), path)
    code, column = ("", "lang") if random.random() < 0.3 else ("en", "")
    return Draw(TableFile(path, (name,), "label", code, column, "parquet"), rows)


@pytest.mark.parametrize("batch", some(range(BATCHES), 1))
def test_a_level_is_right_or_the_file_is_refused(batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is asked the texts that were drawn, each row counts once, and no label is another one."""
    monkeypatch.chdir(tmp_path)
    drawn, accepted, refusals = Counter[str](), Counter[str](), list[UserError]()
    for number in range(batch * DRAWS, (batch + 1) * DRAWS):
        random = Random(number)
        draw = random.choice((draw_table, draw_table, draw_lines, draw_parquet))(random, f"rows{number}.txt")
        drawn[draw.table.format] += 1
        answers, unknown = {text.strip(): answer for text, _, answer in draw.rows}, list[str]()

        def answer(texts: Sequence[str], answers: dict[str, str] = answers, unknown: list[str] = unknown) -> list[str]:
            unknown += [text for text in texts if text.strip() not in answers]
            return [answers.get(text.strip(), "unknown") for text in texts]

        try:
            folder = write_suite(draw.table)
            run = evaluate(data=str(folder), classify=answer, cache=False, workers=0, out=f"run{number}")
        except UserError as error:
            refusals.append(error)
            continue
        (cell,) = run.scores.to_dicts()
        shown = f"draw {number}: {draw.table} {Path(draw.table.file).read_bytes()[:600]!r}"
        assert not unknown, f"{shown}: the model was asked {unknown[:3]}"
        assert (cell["n"], cell["value"]) == (len(draw.rows), pytest.approx(draw.level)), shown
        accepted[draw.table.format] += 1
    assert all("\n" not in str(error) and error.exit_code == 2 for error in refusals)
    assert all(accepted[format] >= ACCEPTED * drawn[format] for format in drawn), (accepted, drawn)
