"""The embedded model: its size, its heads, how it cuts text, and that it understands what it reads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.mini_suite import mini_files, mini_rows

from robust_xtreme.core import registry, resources
from robust_xtreme.core.examples import Choice, Document, digest
from robust_xtreme.core.languages import language
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.located import locate
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.tokens import tokenizer_from
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import DEFAULT, AtLayer, Pooled, collate
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.tasks.sources.source import load, open_source

TASKS = ("xnli", "xcopa", "udpos", "panx", "xquad", "mewsli_x", "lareqa")
_MEGABYTES = 8
_ALPHABETS = ["en", "de", "es", "ru", "ar", "hi", "th", "sw", "tr"]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The run folder."""
    return resources.mini("model")


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    """Its tokenizer."""
    return read_tokenizer(folder / "model")


def _texts() -> Iterator[str]:
    for path in mini_files("*/test-*"):
        for row in mini_rows(path)[::10]:
            yield from (row[name] for name in ("premise", "hypothesis", "context", "question") if name in row)
            yield from row.get("tokens", ())


def test_weights_and_tokenizer_are_small(folder: Path) -> None:
    """All of the run is under 8 MB, and nothing in it is a pickle."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < _MEGABYTES * 1_000_000
    assert {path.suffix for path in files} == {".json", ".safetensors", ".hashes"}


@pytest.mark.parametrize("name", TASKS)
def test_there_is_a_head_for_each_task_trained_on_english_labels(name: str, folder: Path) -> None:
    """Each head belongs to the encoder beside it, and every other language is met zero-shot."""
    located = locate(folder, registry.load("task", name))
    assert located.learned.languages == ("en",)
    assert located.learned.setting("sw") == "zero_shot"


def test_the_first_stage_says_what_was_read_in_which_languages(folder: Path) -> None:
    """Parallel texts of all languages of the suite, and then English rows in other orders."""
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("stages/*.json")))
    suite = tomllib.loads((resources.mini("suite") / "suite.toml").read_text(encoding="utf-8"))
    assert first["languages"] == suite["languages"]
    assert (second["languages"], second["task"]) == (["en"], ",".join(TASKS))
    assert "orders" in second["perturb"]


def test_text_is_cut_alike_by_every_version_of_transformers(tokenizer: Any, golden: Callable[[str, str], None]) -> None:
    """Ids and offsets of the suite's texts are those of the version that made the golden."""
    texts = [*_texts()]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    pieces = [" ".join(tokenizer.convert_ids_to_tokens(ids)) for ids in encoded["input_ids"]]
    shown = "".join(f"{piece}\n" for piece in sorted(set(pieces))[::60])
    golden("mini/cuts.txt", shown + digest(json.dumps([encoded["input_ids"], encoded["offset_mapping"]])) + "\n")


def test_no_letter_of_an_alphabet_is_unknown_or_a_byte(tokenizer: Any) -> None:
    """Noise writes with these letters: each is an entry of its own; so is every letter of the suite."""
    letters = {letter for code in _ALPHABETS for letter in language(code).alphabet} | set("".join(_texts()))
    pieces = {token for letter in letters for token in tokenizer.tokenize(letter)}
    assert not {piece for piece in pieces if piece == tokenizer.unk_token or piece.startswith("<0x")}


def test_it_understands_a_language_it_saw_no_label_of(folder: Path, tokenizer: Any) -> None:
    """In Spanish three of four pairs are classified correctly; guessing reaches one third."""
    task = registry.load("task", "xnli")
    examples = load(task, open_source("mini"), "es", "test").examples
    family = registry.load("family", task.family)
    windows = family.encode(examples, tokenizer, task.max_length, task.stride)
    encoder, head = read_encoder(folder / "model"), _head(folder, task)
    ids, mask = collate(windows, int(tokenizer.pad_token_id))
    with torch.inference_mode():
        scores = family.forward(head, encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask, windows)
    predicted = [Choice(int(index)) for index in scores.argmax(dim=-1)]
    assert sum(target == example.target for target, example in zip(predicted, examples, strict=True)) > 0.75 * len(
        examples
    )


def test_the_nearest_sentence_is_mostly_the_translation(folder: Path, tokenizer: Any) -> None:
    """Without a head, seven of ten Spanish sentences are nearest to their English ones: chance is one in a hundred."""
    task = registry.load("task", "tatoeba")
    loaded = load(task, open_source("mini"), "es", "test")
    assert loaded.corpus is not None
    encoder = AtLayer(read_encoder(folder / "model"), DEFAULT.at(3))
    queries = [example.texts["query"].value for example in loaded.examples]
    candidates = [text.value for text in loaded.corpus.texts]
    reader = tokenizer_from(tokenizer)
    vectors = [_vectors(encoder, text_windows(texts, reader, task.max_length)) for texts in (queries, candidates)]
    nearest = (vectors[0] @ vectors[1].T).argmax(dim=1).tolist()
    predicted = [Document((loaded.corpus.texts[index].id,)) for index in nearest]
    right = [target == example.target for target, example in zip(predicted, loaded.examples, strict=True)]
    assert sum(right) > 0.7 * len(right)


def _vectors(encoder: Any, windows: Windows) -> torch.Tensor:
    ids, mask = collate(windows, 1)
    with torch.inference_mode():
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors: torch.Tensor = Pooled(DEFAULT)(hidden, mask, windows)
    return vectors


def _head(folder: Path, task: Any) -> Any:
    from safetensors.torch import load_file

    head = registry.load("family", task.family).head(128, task.labels)
    head.load_state_dict(load_file(folder / "heads" / f"{task.name}.safetensors"))
    return head.eval()
