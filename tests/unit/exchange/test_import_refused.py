"""`import` refuses rows, files and options that cannot be one run, in one line that names the example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.imports import NOISE, items, refused, written
from tests.program import program

from robust_xtreme.report.document import finished


def changed(number: int, under: str, /, **values: Any) -> list[dict[str, Any]]:
    """The rows, with other values in one of them; those that are ... are left out."""
    rows = items()
    row = next(row for row in rows if (row["id"], row["condition"]) == (number, under))
    row.update(values)
    return [{name: value for name, value in row.items() if value is not ...} for row in rows]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([*items(), items()[3]], "occurs twice"),
        (items(right={NOISE: 3}), "no rows of the condition clean"),
        ([row for row in items() if (row["id"], row["condition"]) != (7, NOISE)], "is missing in"),
        ([row for row in items() if (row["id"], row["condition"]) != (7, "clean")], "0.1"),
        (changed(4, NOISE, gold="entailment"), "gold of"),
        (changed(4, NOISE, cluster="9"), "cluster '9'"),
        (changed(4, NOISE, prediction="maybe"), "maybe"),
        (changed(4, NOISE, model="other"), "'other'"),
        (changed(4, NOISE, prediction=..., score=1.5), "1.5"),
        (changed(4, NOISE, prediction=..., score="high"), "high"),
        (changed(4, NOISE, prediction=..., gold=...), "has no accuracy"),
        (changed(4, NOISE, id=...), "no id"),
        (changed(4, NOISE, condition=..., language=...), "no language"),
        (changed(4, NOISE, language="tlh"), "tlh"),
        (changed(4, NOISE, noise_seed="x"), "noise_seed"),
        (changed(4, NOISE, status="fine"), "fine"),
        (changed(4, NOISE, sums={"accuracy": {"all": [1.0]}}), "its sums are"),
        (changed(4, NOISE, condition="char_noise:0.1,0.2"), "several strengths"),
        (changed(4, NOISE, cluster=...), "no cluster"),
        (changed(4, NOISE, language="de@en@fr"), "en@fr"),
        (changed(4, NOISE, prediction=10**25), "not a label"),
        (changed(4, NOISE, prediction=..., scores={"accuracy": 1}), "computed"),
        ([row | {"gold": 10**12} for row in items()], "not a label"),
        ([{"id": 1, "text": "x"}], "nothing to score"),
        ([], "has no rows"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_one_run_are_one_line(tmp_path: Path, rows: list[dict[str, Any]], line: str) -> None:
    """Each names the example, or the row, and nothing is written."""
    assert line in refused(tmp_path, rows)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'{"id": 1, "score": NaN}\n', "NaN"),
        (b'{"id": 1, "score": 1}\n{"id": 2,', "rows.jsonl:2"),
        (b'{"id": 1, "score": 1}\n[1]\n', "JSON object"),
        (b'{"id": 1, "score": 1}\n"\xff"\n', "rows.jsonl:2: "),
        (b"\x00\x01", "rows.jsonl:1"),
    ],
)
def test_files_that_are_no_json_lines_are_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    """With the number of the line."""
    (tmp_path / "rows.jsonl").write_bytes(content)
    ended = program("import", str(tmp_path / "rows.jsonl"), "--tasks", "x", "-l", "sw", "--condition", "clean")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert line in ended.err


def test_options_that_do_not_apply_are_one_line(tmp_path: Path) -> None:
    """A key that the file does not have, a family and a format that do not exist, a file that is not there."""
    file = written(tmp_path / "rows.jsonl", items())
    for words, line in (
        (("--gold", "label"), "--gold"),
        (("--id-field", "name"), "--id-field"),
        (("--family", "nli"), "nli"),
        (("--format", "csv"), "csv"),
        (("--filter", "strict"), "--filter"),
        (("--metric", "acuracy"), "acuracy"),
        (("--family", "tagging"), "--family"),
        (("--only-model", "x"), "'x'"),
    ):
        ended = program("import", file, "-o", str(tmp_path / "run"), *words)
        assert (ended.code, line in ended.err) == (2, True), ended.err
    assert "does not exist" in program("import", str(tmp_path / "no.jsonl")).err


def test_a_file_can_be_given_its_condition(tmp_path: Path) -> None:
    """`FILE=CONDITION` names that of rows without one; a perturbation with parameters, too."""
    rows = [{name: value for name, value in row.items() if name != "condition"} for row in items()]
    clean, noisy = written(tmp_path / "clean.jsonl", rows[:60]), written(tmp_path / "noisy.jsonl", rows[60:])
    name = "char_noise:0.1@fields=premise"
    ended = program("import", f"{clean}=clean", f"{noisy}={name}", "-o", str(tmp_path / "run"))
    assert (ended.code or 0) == 0, ended.err
    assert finished(tmp_path / "run").deltas.select("condition", "drop").row(0) == (name, 25.0)
