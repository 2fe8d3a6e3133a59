"""The folder of release files for real heads: what is trained on is not evaluated, and is on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tools import real_data


def _squad(*passages: tuple[str, int]) -> str:
    paragraphs = [
        {"context": context, "qas": [{"id": f"{context}{at}", "question": f"{context} {at}?"} for at in range(count)]}
        for context, count in passages
    ]
    return json.dumps({"version": "1.1", "data": [{"title": "Bees", "paragraphs": paragraphs}]})


def _release(folder: Path) -> Path:
    """Release files of a few rows."""
    premise = {"premise": "Old.", "choice1": "a", "choice2": "b", "question": "cause", "label": 0}
    siqa = {"context": "Ada sang.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c", "correct": "A"}
    files = {
        "xquad/xquad.en.json": _squad(("Bees  FLY.", 2)),
        "squad/dev-v1.1.rebuilt.json": _squad(("Bees fly.", 2), ("Bees sleep.", 3)),
        "xcopa/data/en/val.en.jsonl": json.dumps(premise) + "\n",
        "xcopa/data/th/test.th.jsonl": json.dumps(premise) + "\n",
        "siqa/socialIQa_v1.4_dev.jsonl": json.dumps(siqa) + "\n",
        "siqa/socialIQa_v1.4_tst.jsonl": json.dumps({**siqa, "context": "old."}) + "\n",
        "pawsx/dev-en.tsv": "A b\tb A\t1\nC d\td C\t0\n",
        "pawsx/dev-de.tsv": "A b\tb A\t1\n",
        "pawsx/labelled/test-de.tsv": "id\tsentence1\tsentence2\tlabel\n1\tc D\td c\t0\n",
        "pawsx/test-de.tsv": "c D\td c\n",
        "snli/snli-test.tsv": "a\tb\tneutral\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def _made(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    out = tmp_path / "out" / "data"
    assert real_data.make(_release(tmp_path / "release"), out)
    record = json.loads((out / real_data.RECORD).read_text("utf-8"))
    return out, {row["path"]: row for row in record["training"]}


def test_what_serves_as_training_data_is_not_evaluated(tmp_path: Path) -> None:
    """Passages of XQuAD are left out however they are written; development files of training are not copied."""
    out, rows = _made(tmp_path)
    squad = json.loads((out / "squad/train-v1.1.json").read_text("utf-8"))
    assert [passage["context"] for passage in squad["data"][0]["paragraphs"]] == ["Bees sleep."]
    assert (rows["squad/train-v1.1.json"]["rows"], rows["squad/train-v1.1.json"]["overlap"]) == (3, 0)
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == {
        real_data.RECORD,
        "pawsx/test-de.tsv",
        "pawsx/train-en.tsv",
        "siqa/socialIQa_v1.4_trn.jsonl",
        "squad/train-v1.1.json",
        "xcopa/data/en/val.en.jsonl",
        "xquad/xquad.en.json",
    }
    assert (out / "pawsx/test-de.tsv").read_text("utf-8").startswith("id\t")


def test_the_record_counts_what_evaluated_files_have_too(tmp_path: Path) -> None:
    """A premise of XCOPA in Social IQa, and a pair of PAWS-X in the other order, are counted; hashes are right."""
    out, rows = _made(tmp_path)
    counted = {path: (row["rows"], row["overlap"]) for path, row in rows.items()}
    assert counted["siqa/socialIQa_v1.4_trn.jsonl"] == (2, 1)
    assert counted["pawsx/train-en.tsv"] == (2, 1)
    assert all(real_data.sha256(out / path) == row["sha256"] for path, row in rows.items())


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """Of the same files it is left as it is; of others it is refused, and nothing is changed."""
    out, _ = _made(tmp_path)
    release = tmp_path / "release"
    assert not real_data.make(release, out)
    (release / "pawsx/dev-en.tsv").write_text("E f\tf E\t1\n", "utf-8")
    with pytest.raises(SystemExit, match="Move it away"):
        real_data.make(release, out)
    assert (out / "pawsx/train-en.tsv").read_text("utf-8").startswith("A b")
    assert sorted(path.name for path in out.parent.iterdir()) == ["data"]


def test_a_folder_without_release_files_is_named(tmp_path: Path) -> None:
    """In one line, with what to do."""
    with pytest.raises(SystemExit, match="--data"):
        real_data.make(tmp_path, tmp_path / "out")
