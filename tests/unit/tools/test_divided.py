"""The tool that divides validation data into data to train on and data that stays."""

from __future__ import annotations

from pathlib import Path

from tools import divided


def _sentences(path: Path) -> list[str]:
    return [block for block in path.read_text("utf-8").split("\n\n") if block]


def test_equal_sentences_are_in_one_half_and_none_is_lost(tmp_path: Path) -> None:
    """A model is not evaluated on a sentence that it was trained on, whatever its tags are there."""
    source, out = tmp_path / "panx", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    text = "".join(f"neno{number % 20}\t{tag}\n\n" for number in range(40) for tag in ("O", "B-PER"))
    (source / "dev-sw.tsv").write_text(text, "utf-8")
    divided.divide_names(source, out)
    trained, kept = _sentences(out / "train-sw.tsv"), _sentences(out / "dev-sw.tsv")
    assert sorted(trained + kept) == sorted(block for block in text.split("\n\n") if block)
    assert trained
    assert kept
    assert not {line.split("\t")[0] for line in trained} & {line.split("\t")[0] for line in kept}


def test_a_training_file_that_exists_stays_and_so_does_its_validation_file(tmp_path: Path) -> None:
    """Where training data is published, no validation sentence is taken."""
    source, out = tmp_path / "panx", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    (source / "dev-en.tsv").write_text("a\tO\n\n", "utf-8")
    (source / "train-en.tsv").write_text("b\tO\n\n", "utf-8")
    divided.divide_names(source, out)
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == {
        "dev-en.tsv": "a\tO\n\n",
        "train-en.tsv": "b\tO\n\n",
    }
