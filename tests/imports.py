"""Rows that others made, imported by the command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.harness_draws import levels
from tests.program import program

NOISE: Final = "char_noise:0.1"
LABELS: Final = ("entailment", "neutral", "contradiction")


def items(count: int = 60, right: Mapping[str, int] | None = None, **more: Any) -> list[dict[str, Any]]:
    """Rows of XNLI in Swahili: under each condition the first ones are right, the others wrong."""
    named = {"task": "xnli", "language": "sw", **more}
    rows = []
    for condition, correct in (right or {"clean": 45, NOISE: 30}).items():
        for number in range(count):
            gold = LABELS[number % 3]
            wrong = LABELS[(number + 1) % 3]
            answer = {"prediction": gold if number < correct else wrong, "gold": gold, "cluster": str(number // 2)}
            rows.append({"id": number, "condition": condition, **answer, **named})
    return rows


def written(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def imported(tmp_path: Path, rows: Iterable[Mapping[str, Any]], *words: str) -> Path:
    """The run of rows that are imported by the command."""
    ended = program("import", written(tmp_path / "rows.jsonl", rows), "-o", str(tmp_path / "run"), *words)
    assert (ended.code or 0) == 0, ended.err
    return tmp_path / "run"


def refused(tmp_path: Path, rows: Iterable[Mapping[str, Any]], *words: str) -> str:
    """The line that the command ends with, exit code 2, and no file is left."""
    file = written(tmp_path / "rows.jsonl", rows)
    ended = program("import", file, "-o", str(tmp_path / "run"), *words)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    return ended.err.replace(f"{file}: ", "")


def labelled(golds: Sequence[Any], given: Sequence[Any], **more: Any) -> list[dict[str, Any]]:
    """Rows of a task of others."""
    named = {"task": "own", "language": "sw", "condition": "clean", **more}
    return [
        {"id": number, "gold": gold, "prediction": answer, **named}
        for number, (gold, answer) in enumerate(zip(golds, given, strict=True))
    ]


def level(folder: Path, rows: Sequence[Mapping[str, Any]]) -> float:
    """The accuracy of rows of JSON lines."""
    folder.mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    measured = levels(folder / "rows.jsonl")
    return measured.get("accuracy", measured.get("token_accuracy", -1))
