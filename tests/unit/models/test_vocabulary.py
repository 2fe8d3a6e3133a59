"""A language that a tokenizer cannot read is left out by name; a run of nothing else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import NLI, SEQUENCE, checkpoint, word_tokenizer
from tests.release import release
from tests.tiny import pair_example, tagged_example, tiny_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.tokenizer import MOST, unknown_share
from robust_xtreme.run.plan import make_plan


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of Latin letters."""
    return checkpoint(tmp_path_factory.mktemp("model") / "latin", "bert", SEQUENCE, NLI)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs in English and Swahili, and in transliterated letters as Thai."""
    folder = release(tmp_path_factory.mktemp("data"))
    letters = {ord(letter): "ก" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"}
    rows = [row.split("\t") for row in (folder / "xnli" / "dev-en.tsv").read_text().splitlines()]
    lines = [f"{first.translate(letters)}\t{other.translate(letters)}\t{label}\n" for first, other, label in rows]
    (folder / "xnli" / "dev-th.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def _spec(model: Path, data: Path, *languages: str) -> RunSpec:
    return RunSpec((str(model),), str(data), tasks=("xnli",), languages=languages, device="cpu")


def test_a_script_that_is_not_in_the_vocabulary_is_not_run(model: Path, data: Path) -> None:
    """The other languages of the run are evaluated, and the reason is in the list of what was not."""
    plan = make_plan(_spec(model, data, "en", "sw", "th"))
    assert [task_run.language for task_run in plan.task_runs] == ["en", "sw"]
    (left,) = (item for item in plan.not_run if item.reason == "unknown_tokens")
    assert (left.language, "100%" in left.detail) == ("th", True)


def test_a_run_of_nothing_else_is_refused(model: Path, data: Path) -> None:
    """One line names model, task, language and rate."""
    with pytest.raises(ModelError, match="xnli th: 100%"):
        make_plan(_spec(model, data, "th"))


@pytest.mark.parametrize(
    ("text", "share"), [("a man", 0.0), ("กข", 1.0), ("a กข", 2 / 3), ("", 0.0), ("  ", 0.0), ("กข กข b", 4 / 5)]
)
def test_the_share_is_of_characters(text: str, share: float) -> None:
    """Each distinct text counts once, character by character; an empty one counts for nothing."""
    assert unknown_share(word_tokenizer(True), "classification", [pair_example("1", text, text)]) == share


def test_texts_are_read_until_most_of_the_text_is_known() -> None:
    """What comes last is not read where it cannot matter, and is where it can."""
    readable = [pair_example(str(number), f"man {'a ' * number}b", "man") for number in range(1, 9)]
    strange = pair_example("9", "กข", "ก")
    few, many = [*readable, strange], [strange, *readable[:1], pair_example("10", "กขกขก", "กขก")]
    assert 0 < unknown_share(word_tokenizer(True), "classification", few) < MOST
    assert unknown_share(word_tokenizer(True), "classification", few, MOST) == 0.0
    assert unknown_share(word_tokenizer(True), "classification", many, MOST) == 11 / 19
    assert unknown_share(word_tokenizer(True), "classification", many) == 11 / 19


def test_words_that_are_tagged_are_counted_as_they_are_read() -> None:
    """Word by word, and a tokenizer that falls back to bytes knows every word."""
    examples = [tagged_example("1", ["Ana", "กข", "x"], ["O"] * 3)]
    assert unknown_share(word_tokenizer(True), "tagging", examples) == pytest.approx(1 / 3)
    assert unknown_share(tiny_tokenizer(), "tagging", examples) == 0.0


def test_marks_of_spaces_that_are_known_do_not_hide_unknown_words() -> None:
    """Half of the tokens are known here, and nothing of the text is."""
    raw = Tokenizer(models.BPE({"<unk>": 0, "▁": 1, "</s>": 2}, [], unk_token="<unk>", fuse_unk=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=raw, unk_token="<unk>", eos_token="</s>")
    assert unknown_share(tokenizer, "classification", [pair_example("1", "กข กข กข", "กข กข")]) > 0.8
