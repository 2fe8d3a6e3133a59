"""Folders of sentence-transformers: what is read of them, what is refused, and the vectors that they give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.sentence_folders import sentence_folder, vectors_of

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.run_spec import RunSpec, from_mapping, parse_dims, parse_prompts
from robust_xtreme.models.adapter import prompts_for, sentence_model
from robust_xtreme.models.folder import local
from robust_xtreme.models.located import locate
from robust_xtreme.models.reading.members.retrieval import Prompts, SentenceModel
from robust_xtreme.models.retrieval.embeddings import cut
from robust_xtreme.models.tensors import pooled

LAREQA, TATOEBA = (registry.load("task", name) for name in ("lareqa", "tatoeba"))
TEXTS = ("A man sees a dog", "x", "Nobody is asleep in the old stone house")


@pytest.mark.parametrize("mode", ["mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens"])
def test_padding_has_no_part_in_a_vector(mode: str) -> None:
    """A text in a batch with longer ones has the vector that it has by itself."""
    hidden = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    alone = pooled(mode, hidden[:1, :3], mask[:1, :3])
    assert torch.allclose(pooled(mode, hidden, mask)[:1], alone)
    assert not torch.allclose(pooled(mode, hidden, torch.ones_like(mask))[:1], alone) or mode == "cls"


def test_a_folder_is_read_as_it_says(tmp_path: Path) -> None:
    """Its pooling, layers, length and prompts; a longer text is cut; LAReQA needs no head."""
    folder = sentence_folder(tmp_path / "m", ("mean", "cls"), dense=8, prompts={"query": "query: ", "passage": "p: "})
    model = locate(folder, LAREQA)
    assert model.sentence is not None
    assert str(model.sentence) == "mean+cls,dense:8:tanh,normalize"
    assert (model.width, model.sentence.most, model.head) == (8, 64, "")
    assert str(model.prompts) == 'query_prompt="query: " document_prompt="p: "'
    queries, documents = vectors_of(folder, TEXTS)
    assert np.abs(queries - documents).max() > 1e-3
    assert np.allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-6)


def test_vectors_are_cut_and_normalised_again(tmp_path: Path) -> None:
    """The first numbers of the whole vectors, of length 1; a zero vector stays zero."""
    folder = sentence_folder(tmp_path / "m")
    whole, few = (vectors_of(folder, TEXTS, dims)[0] for dims in (0, 4))
    kept = whole[:, :4]
    assert np.allclose(few, kept / np.linalg.norm(kept, axis=1, keepdims=True), atol=1e-6)
    assert cut(np.zeros((1, 3), np.float16), 2).tolist() == [[0, 0]]
    assert cut(whole, 0) is whole


def test_every_file_of_the_modules_is_part_of_the_identity(tmp_path: Path) -> None:
    """A change of any of them is another model; without modules.json they are as unknown as any other file."""
    names = [None, "modules.json", "1_Pooling/config.json", "config_sentence_transformers.json", "2_Dense/config.json"]
    seen = set()
    for number, name in enumerate(names):
        folder = sentence_folder(tmp_path / str(number), dense=8)
        if name:
            (folder / name).write_text((folder / name).read_text() + "\n")
        seen.add(local(folder).identity({}))
    save_file({"linear.weight": torch.zeros(8, 16)}, str(folder / "2_Dense" / "model.safetensors"))
    assert len({*seen, local(folder).identity({})}) == len(names) + 1
    (folder / "modules.json").unlink()
    bare = local(folder).identity({})
    (folder / "2_Dense" / "config.json").unlink()
    assert local(folder).identity({}) == bare


def _changed(path: str, changes: Mapping[str, Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        value = json.loads((folder / path).read_text())
        (folder / path).write_text(json.dumps(value | changes))

    return change


def _module(number: int, **changes: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        listed = json.loads((folder / "modules.json").read_text())
        listed[number] |= changes
        (folder / "modules.json").write_text(json.dumps(listed))

    return change


def _pickled(folder: Path) -> None:
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (_module(2, type="custom.Dense"), r"custom\.Dense"),
        (_module(2, type="sentence_transformers.models.LSTM"), "LSTM"),
        (_module(1, path="../1_Pooling"), r"'\.\./1_Pooling'"),
        (_module(1, path="a/../../1_Pooling"), r"'a/\.\./\.\./1_Pooling'"),
        (_module(1, path="/etc"), "'/etc'"),
        (_module(0, path="0_Pooling"), "'0_Pooling'"),
        (_module(2, type="sentence_transformers.models.Pooling"), "second Pooling"),
        (lambda folder: (folder / "modules.json").write_text("{"), "list of modules"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "list of modules"),
        (lambda folder: (folder / "1_Pooling/config.json").write_text("["), r"1_Pooling/config\.json cannot be read"),
        (_changed("1_Pooling/config.json", {"pooling_mode": "median"}), "'median'"),
        (_changed("1_Pooling/config.json", {"pooling_mode": []}), "no mode"),
        (_changed("1_Pooling/config.json", {"pooling_mode": None, "pooling_mode_evil": True}), "'pooling_mode_evil'"),
        (_changed("config_sentence_transformers.json", {"default_prompt_name": "search"}), "'search'"),
        (_changed("sentence_bert_config.json", {"max_seq_length": -1}), "max_seq_length"),
        (_changed("1_Pooling/config.json", {"embedding_dimension": 99}), "99 numbers"),
        (_changed("1_Pooling/config.json", {"include_prompt": False}), "tokens of the prompt"),
        (_changed("2_Dense/config.json", {"activation_function": "os.system"}), "'os.system'"),
        (_changed("2_Dense/config.json", {"activation_function": "torch.nn.utils.Tanh"}), "the activation"),
        (_changed("2_Dense/config.json", {"in_features": 99}), "99 to 8"),
        (_changed("2_Dense/config.json", {"out_features": "x"}), "does not fit"),
        (_changed("2_Dense/config.json", {"use_residual": True}), "use_residual"),
        (_pickled, "pickled"),
        (_changed("config_sentence_transformers.json", {"similarity_fn_name": "euclidean"}), "'euclidean'"),
        (_changed("config_sentence_transformers.json", {"model_type": "SparseEncoder"}), "model_type"),
        (_changed("config_sentence_transformers.json", {"truncate_dim": "4"}), "truncate_dim"),
        (_changed("config_sentence_transformers.json", {"truncate_dim": -1}), "truncate_dim"),
        (_changed("config_sentence_transformers.json", {"prompts": ["x"]}), "its prompts"),
        (_changed("sentence_bert_config.json", {"transformer_task": "fill-mask"}), "'fill-mask'"),
    ],
)
def test_what_is_not_read_is_one_line(change: Callable[[Path], object], line: str, tmp_path: Path) -> None:
    """Nothing that a folder names is imported or run, and nothing outside the folder is read."""
    folder = sentence_folder(tmp_path / "m", dense=8)
    change(folder)
    with pytest.raises(ModelError, match=line) as caught:
        sentence_model(local(folder))
    assert "\n" not in str(caught.value)


OWN = SentenceModel(("mean",), (), 4, None, prompts={"query": "q: ", "passage": "p: ", "document": "", "": "d: "})
DEFAULT = SentenceModel(("mean",), (), 4, None, prompts={"sts": "s: ", "": "s: "})


@pytest.mark.parametrize(
    ("given", "model", "search", "pairs"),
    [
        ({}, None, ("", ""), ("", "")),
        ({}, OWN, ("q: ", "p: "), ("q: ", "q: ")),
        ({}, DEFAULT, ("s: ", "s: "), ("s: ", "s: ")),
        ({"query": "", "document": ""}, OWN, ("", ""), ("", "")),
        ({"document": "x "}, OWN, ("q: ", "x "), ("q: ", "q: ")),
        ({"query": "a ", "document": "b "}, None, ("a ", "b "), ("a ", "a ")),
    ],
)
def test_translations_have_the_prompt_of_queries_on_both_sides(
    given: Mapping[str, str], model: SentenceModel | None, search: tuple[str, str], pairs: tuple[str, str]
) -> None:
    """The user's prompts come before the folder's, and these before its default."""
    assert prompts_for(LAREQA, given, model) == Prompts(*search)
    assert prompts_for(TATOEBA, given, model) == Prompts(*pairs)


def test_prompts_and_dims_are_read_as_they_are_written() -> None:
    """Blanks and commas are part of a prompt; lists and mappings of Python are written as options."""
    given = ("query=Instruct: find, or not\nQuery: ,document=passage: ",)
    assert parse_prompts(given) == {"query": "Instruct: find, or not\nQuery: ", "document": "passage: "}
    spec = from_mapping({"prompts": {"query": "query: ", "document": ""}, "dims": [768, 64]}, "evaluate")
    assert (spec.prompts, spec.dims) == (("query=query: ", "document="), "768,64")
    assert spec.identity() != RunSpec().identity()
    assert parse_dims(" 8, 4,8") == (8, 4)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"prompts": "passage=x"}, "'passage=x'"),
        ({"prompts": "query=query: ,passage=passage: "}, "'passage=passage: '"),
        ({"prompts": ("query=a", "query=b")}, "twice"),
        ({"prompts": "query=\ud800"}, "query=TEXT"),
        ({"dims": "0"}, "dims '0'"),
        ({"dims": "256,x"}, "dims 'x'"),
        ({"dims": -4}, "dims '-4'"),
    ],
)
def test_other_prompts_and_dims_are_one_line(values: Mapping[str, Any], line: str) -> None:
    """The part that is wrong is named."""
    with pytest.raises(SpecError, match=line):
        from_mapping(values, "evaluate")
