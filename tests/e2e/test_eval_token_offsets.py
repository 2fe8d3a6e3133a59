"""`eval` of models whose right answers are known, with tokenizers that misplace their tokens: exact, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
import torch
import transformers
from tests.some import some
from tests.tokenizers_of_kinds import MENDED, REFUSED, RIGHT, fast
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build

pytestmark = pytest.mark.usefixtures("unpaged")

CONTEXTS: Final = ("hello b wor b.", "b, b b hello wor", "b (hello,wor) b", "b b\thello  b. wor b", "1hello-wor 3b")
"""The answer is from the word `hello` to the word `wor`."""

TAGS: Final = ("O", "B-LOC", "B-PER", "I-PER", "B-ORG", "I-ORG", "I-LOC")
SENTENCES: Final = ("hello wor b b", "b hello b", "wor b hello hello wor")
TAG_OF: Final = {"hello": "B-PER", "wor": "B-LOC", "b": "O"}


def _model(folder: Path, tokenizer: Any, head: str, marks: Mapping[int, Sequence[int]], labels: Sequence[str]) -> None:
    """A model of BERT's kind without attention, whose head gives 1 to the outputs that a token's id is marked with."""
    size, outputs = len(tokenizer), len(labels) or 2
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4}
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: at for at, label in enumerate(labels)}}
    library: Any = transformers
    config = library.BertConfig(vocab_size=size, pad_token_id=1, **shape, **(named if labels else {}))
    model = getattr(library, f"BertFor{head}")(config).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "LayerNorm.weight" not in name:
                weights.zero_()
        embedded = model.bert.embeddings.word_embeddings.weight
        embedded[:, -1] = 1.0
        for number, marked in marks.items():
            embedded[number, -1] = 0.0
            embedded[number, list(marked)] = 1.0
        last = model.qa_outputs if head == "QuestionAnswering" else model.classifier
        last.weight[range(outputs), range(outputs)] = 10.0
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _ids(tokenizer: Any, texts: Sequence[str], word: str, at: int) -> set[int]:
    """The ids of a word's first (0) or last (-1) piece of letters, by their names."""
    letter = word[at]
    raw = tokenizer.backend_tokenizer
    names = {name for text in texts for name in raw.encode(text, add_special_tokens=False).tokens}
    bare = {name: name.strip("▁Ġ#") for name in names}
    return {raw.token_to_id(name) for name, form in bare.items() if form in (word, letter)}


def _squad() -> dict[str, Any]:
    paragraphs = []
    for number, context in enumerate(CONTEXTS):
        start, stop = context.index("hello"), context.index("wor") + 3
        answer = {"text": context[start:stop], "answer_start": start}
        paragraphs.append({"context": context, "qas": [{"id": f"q{number}", "question": "b?", "answers": [answer]}]})
    return {"version": "1.1", "data": [{"title": "made up", "paragraphs": paragraphs}]}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with questions and tagged sentences."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    for name, text in (
        ("xquad/xquad.en.json", json.dumps(_squad())),
        (
            "panx/dev-en.tsv",
            "\n".join("".join(f"{word}\t{TAG_OF[word]}\n" for word in line.split()) for line in SENTENCES),
        ),
    ):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def _call(*words: str) -> Result:
    fixed = ("--data", "data", "--languages", "en", "--device", "cpu", "--out", "out")
    return CliRunner().invoke(build(), ["eval", *words, *fixed])


def _models(kind: str) -> None:
    tokenizer = fast((MENDED | RIGHT | REFUSED)[kind]())
    first, last = _ids(tokenizer, CONTEXTS, "hello", 0), _ids(tokenizer, CONTEXTS, "wor", -1)
    points = {number: [side for side, ids in enumerate((first, last)) if number in ids] for number in first | last}
    _model(Path("qa"), tokenizer, "QuestionAnswering", points, ())
    tags = {
        tokenizer.backend_tokenizer.encode(word, add_special_tokens=False).ids[0]: [TAGS.index(tag)]
        for word, tag in TAG_OF.items()
    }
    _model(Path("ner"), tokenizer, "TokenClassification", tags, TAGS)


SEVERAL: Final = (*list(MENDED)[:3], "byte-level", "unigram of NFKC", "word pieces")


@pytest.mark.parametrize("kind", some(SEVERAL, 3))
def test_a_model_that_knows_every_answer_gets_all_of_them(kind: str) -> None:
    """Exact match, and F1 of answers and of tags, are 100."""
    _models(kind)
    result = _call("--model", "xquad=qa", "--model", "panx=ner", "--tasks", "xquad,panx")
    assert result.exit_code == 0, result.stderr
    scores = pl.read_csv("out/scores.csv").select("task", "metric", "value").unique()
    assert set(scores["value"].to_list()) == {100.0}


def test_tasks_that_need_places_are_refused_where_they_are_wrong() -> None:
    """One line names model, tokenizer and task, before anything is computed; tags are read without places."""
    _models("letters that become others beside one")
    result = _call("--model", "xquad=qa", "--model", "panx=ner", "--tasks", "xquad,panx")
    assert (result.exit_code, Path("out").exists()) == (2, False)
    (line,) = result.stderr.splitlines()
    assert line.startswith("robust-xtreme: qa: ")
    assert "Leave xquad out" in line
    left_out = _call("--model", "xquad=qa", "--model", "panx=ner")
    assert left_out.exit_code == 0
    assert "left out: qa" in left_out.stderr
