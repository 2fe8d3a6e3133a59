"""Folders that sentence-transformers writes are read as that library reads them: the same vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from tests.sentence_folders import vectors_of
from tests.tiny import tiny_encoder_folder

pytestmark = pytest.mark.sentence

library: Any = pytest.importorskip("sentence_transformers")
modules: Any = pytest.importorskip("sentence_transformers.sentence_transformer.modules")

TEXTS: Final = (
    "A man sees a dog",
    "x",
    "",
    " two  blanks ",
    "Nobody is asleep in the old stone house by the river " * 9,
)
SINGLE: Final = ("mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")


def _saved(folder: Path, modes: Any, *more: Any, **settings: Any) -> Any:
    """A model of that library, saved to a folder and read again by it."""
    body = modules.Transformer(str(tiny_encoder_folder(folder / "encoder", hidden_size=16)))
    body.max_seq_length = 100
    with torch.random.fork_rng():
        torch.manual_seed(3)
        whole = library.SentenceTransformer(
            modules=[body, modules.Pooling(16, modes), *(make() for make in more)], device="cpu", **settings
        )
    whole.save(str(folder / "model"))
    return library.SentenceTransformer(str(folder / "model"), device="cpu", local_files_only=True)


def _close(ours: Any, theirs: Any) -> None:
    unit = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    assert np.abs(ours - unit).max() < 1e-5


@pytest.mark.parametrize("modes", [*SINGLE, ("mean", "cls"), ("max", "lasttoken", "weightedmean")])
def test_every_pooling_is_theirs(modes: Any, tmp_path: Path) -> None:
    """One mode, or several joined; long texts are cut at the same token."""
    peer = _saved(tmp_path, modes)
    ours = vectors_of(tmp_path / "model", TEXTS)
    _close(ours[0], peer.encode(list(TEXTS)))


@pytest.mark.parametrize("name", ["Tanh", "Identity", "GELU", "ReLU6"])
def test_dense_layers_and_normalisation_are_theirs(name: str, tmp_path: Path) -> None:
    """Two layers with a normalisation between them, with and without a bias."""
    activation = getattr(torch.nn, name)()

    def dense(reads: int, gives: int, bias: bool) -> Any:
        return lambda: modules.Dense(reads, gives, bias=bias, activation_function=activation)

    peer = _saved(tmp_path, ("mean", "max"), dense(32, 12, True), modules.Normalize, dense(12, 8, False))
    _close(vectors_of(tmp_path / "model", TEXTS)[0], peer.encode(list(TEXTS)))


def test_prompts_are_theirs_and_a_cut_is_normalised_again(tmp_path: Path) -> None:
    """Queries and documents have their own prompt; `truncate_dim` of the folder is what is kept."""
    prompts = {"query": "query: ", "document": "passage: "}
    peer = _saved(tmp_path, "mean", modules.Normalize, prompts=prompts, truncate_dim=6)
    queries, documents = vectors_of(tmp_path / "model", TEXTS, dims=6)
    _close(queries, peer.encode_query(list(TEXTS)))
    _close(documents, peer.encode_document(list(TEXTS)))
    assert np.abs(np.linalg.norm(queries, axis=1) - 1).max() < 1e-6


def test_dot_products_keep_lengths(tmp_path: Path) -> None:
    """Vectors that are compared by dot products are not made shorter or longer."""
    peer = _saved(tmp_path, "mean", similarity_fn_name="dot")
    assert np.abs(vectors_of(tmp_path / "model", TEXTS)[0] - peer.encode(list(TEXTS))).max() < 1e-5


@pytest.mark.parametrize("more", [(), (modules.Normalize,)])
def test_dot_products_of_cut_vectors_are_theirs(more: Any, tmp_path: Path) -> None:
    """A cut is not normalised again, whether or not the whole vectors are."""
    peer = _saved(tmp_path, "mean", *more, similarity_fn_name="dot", truncate_dim=6)
    assert np.abs(vectors_of(tmp_path / "model", TEXTS, dims=6)[0] - peer.encode(list(TEXTS))).max() < 1e-5


def test_an_encoder_in_a_folder_of_its_own_is_theirs(tmp_path: Path) -> None:
    """`0_Transformer`, beside modules in folders of any name."""
    _saved(tmp_path, "mean", lambda: modules.Dense(16, 8))
    folder = tmp_path / "model"
    for old, new in (("1_Pooling", "pooling"), ("2_Dense", "a/b.c")):
        (folder / new).parent.mkdir(exist_ok=True)
        (folder / old).rename(folder / new)
    (folder / "0_Transformer").mkdir()
    for path in [each for each in folder.iterdir() if each.is_file()]:
        if path.name not in ("modules.json", "config_sentence_transformers.json"):
            path.rename(folder / "0_Transformer" / path.name)
    listed = json.loads((folder / "modules.json").read_text("utf-8"))
    for entry, place in zip(listed, ("0_Transformer", "pooling", "a/b.c"), strict=True):
        entry["path"] = place
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    peer = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    _close(vectors_of(folder, TEXTS)[0], peer.encode(list(TEXTS)))


def test_letters_are_small_where_the_folder_says_so(tmp_path: Path) -> None:
    """`do_lower_case` of older folders."""
    peer = _saved(tmp_path, "mean")
    (tmp_path / "model" / "sentence_bert_config.json").write_text('{"max_seq_length": 100, "do_lower_case": true}')
    lower = library.SentenceTransformer(str(tmp_path / "model"), device="cpu", local_files_only=True)
    ours = vectors_of(tmp_path / "model", TEXTS)[0]
    _close(ours, lower.encode(list(TEXTS)))
    assert np.abs(ours - peer.encode(list(TEXTS))).max() > 1e-3


def _real(name: str) -> Path:
    """The folder of a real encoder."""
    folder = Path(__file__).parents[2] / "runs" / "encoders" / name
    if not folder.is_dir():
        pytest.skip(f"needs {folder.relative_to(folder.parents[2])}: make encoders")
    return folder


REAL: Final = (*TEXTS, "Der Hund schläft.", "Mbwa amelala nyumbani.", "कुत्ता घर में सो रहा है।", "狗在房子里睡觉。")
ENCODERS: Final = ("multilingual-e5-small", "all-minilm-l6-v2")


@pytest.mark.parametrize("name", ENCODERS)
def test_the_vectors_of_real_encoders_are_theirs(name: str) -> None:
    """The folders of `make encoders`, one saved by the library and one written here, with their own prompts."""
    folder = _real(name)
    peer = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    queries, documents = vectors_of(folder, REAL)
    _close(queries, peer.encode_query(list(REAL)))
    _close(documents, peer.encode_document(list(REAL)))


@pytest.mark.real
@pytest.mark.parametrize("name", ENCODERS)
def test_the_vectors_of_a_hundred_sentences_are_theirs(name: str, data: Path) -> None:
    """Sentences of FLORES in 44 languages: docs/how-to/models.md states the cosine and the largest difference."""
    folder = _real(name)
    files = sorted(path for path in (data / "flores_first100").iterdir() if path.is_file() and path.suffix != ".md")
    texts = [path.read_text("utf-8").splitlines()[row] for row in range(3) for path in files][:100]
    peer = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    for ours, theirs in zip(
        vectors_of(folder, texts), (peer.encode_query(texts), peer.encode_document(texts)), strict=True
    ):
        cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
        assert cosines.min() > 0.9999998
        assert np.abs(ours - theirs).max() < 3e-7
