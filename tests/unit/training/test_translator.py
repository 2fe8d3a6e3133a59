"""Translation models: the input of each kind, languages that a kind does not know, and safe reading of files."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.seq2seq import M2M100, MBART, NLLB, OPUS, T5_TASKS, letters_tokenizer, seq2seq_folder
from tests.some import some

from robust_xtreme.core.errors import ModelError, RobustXtremeError
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.models.folder import encoder_identity
from robust_xtreme.training._translator import (
    FILES,
    FLORES,
    Target,
    Translator,
    batches,
    check_languages,
    check_model,
    find_model,
    open_translator,
    translate,
)

TEXTS = ("a dog", "the cat sat on the mat", "It rained.", "where is it?")
KINDS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "marian": ("marian", (), {}),
    "opus": ("marian", OPUS, {}),
    "nllb": ("m2m_100", NLLB, {}),
    "m2m_100": ("m2m_100", M2M100, {}),
    "mbart": ("mbart", MBART, {}),
    "t5": ("t5", (), {"task_specific_params": T5_TASKS}),
    "madlad": ("t5", ("<2de>", "<2zh>"), {}),
}


def made(folder: Path, name: str) -> Translator:
    """A model of that name, opened."""
    kind, tokens, config = KINDS[name]
    return open_translator(seq2seq_folder(folder, kind, tokens, **config), name, "cpu")


def refusal(call: Any) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(ModelError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def greedy(translator: Translator, target: Target, text: str, length: int) -> list[int]:
    """The ids that the model finds most probable one after the other, computed step by step."""
    tokenizer, model = translator.tokenizer, translator.model
    ids = tokenizer([target.prefix + text], return_tensors="pt")["input_ids"]
    token_ids = [model.config.decoder_start_token_id, *([target.first] if target.first is not None else [])]
    while len(token_ids) <= length and 2 not in token_ids[1:]:
        with torch.inference_mode():
            logits = model(input_ids=ids, decoder_input_ids=torch.tensor([token_ids])).logits[0, -1]
        token_ids.append(int(logits.argmax()))
    return token_ids[1:]


@pytest.mark.parametrize("name", some(KINDS, ("opus", "nllb", "t5")))
def test_each_kind_gives_its_most_probable_translation(tmp_path: Path, name: str) -> None:
    """The language is where the kind wants it, and every token is the most probable one, up to the bound."""
    translator = made(tmp_path, name)
    target = translator.target("de")
    assert (target.first is not None) == (name in ("nllb", "m2m_100", "mbart"))
    assert bool(target.prefix) == (name in ("opus", "t5", "madlad"))
    for text in TEXTS[::2]:
        ids = translator.tokenizer([target.prefix + text])["input_ids"][0]
        token_ids = greedy(translator, target, text, min(2 * len(ids) + 32, translator.limit - 1))
        (result,) = translate(translator, target, [text])
        assert result.text == translator.tokenizer.decode(token_ids, skip_special_tokens=True).strip()
        assert result.cut == (2 not in token_ids)


def test_a_text_is_translated_as_when_it_is_alone(tmp_path: Path) -> None:
    """What is beside a text, in its batch or another, changes nothing but the bound."""
    translator = made(tmp_path, "nllb")
    target = translator.target("de")
    together = translate(translator, target, TEXTS)
    assert together == translate(translator, target, TEXTS)
    for text, translation in zip(TEXTS, together, strict=True):
        (alone,) = translate(translator, target, [text])
        assert translation.text.startswith(alone.text)


def test_languages_count(tmp_path: Path) -> None:
    """Each language has its own settings; the prefix of OPUS-MT is ours for Chinese."""
    translator = made(tmp_path, "nllb")
    german, swahili = (translator.target(code) for code in ("de", "sw"))
    assert german != swahili
    assert made(tmp_path / "opus", "opus").target("zh").prefix == ">>cmn_Hans<< "


def test_batches_contain_every_text_once_and_no_more_than_fits() -> None:
    """Texts keep their order; a batch is bounded in texts and in characters, a text that is longer is alone."""
    texts = ["x" * 9000, *["y" * 3000] * 5, *["z" * 10] * 300]
    batched = list(batches(texts))
    assert [text for batch in batched for text in batch] == texts
    assert [len(batch) for batch in batched] == [1, 2, 2, 2, 128, 128, 43]
    assert list(batches([])) == []


def test_too_little_memory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is full says so in one line; other errors of the library come as they are."""
    translator = made(tmp_path, "marian")
    for message, kind in (("CUDA out of memory. Tried to", RobustXtremeError), ("shapes differ", RuntimeError)):

        def failing(message: str = message, **_: Any) -> Any:
            raise RuntimeError(message)

        monkeypatch.setattr(translator.model, "generate", failing)
        with pytest.raises(kind, match="too little memory" if kind is not RuntimeError else message):
            translate(translator, translator.target("de"), TEXTS)


def test_a_text_longer_than_the_model_reads_is_marked(tmp_path: Path) -> None:
    """Its beginning is translated, and the translation says that it is of a part."""
    translator = made(tmp_path, "marian")
    short, long = translate(translator, translator.target("de"), ["a dog", "a dog " * 40])
    assert (short.long, long.long) == (False, True)


def test_the_model_s_own_settings_of_sampling_change_nothing(tmp_path: Path) -> None:
    """A model that asks to be sampled with beams is still asked for the one most probable translation."""
    plain = translate(*(lambda translator: (translator, translator.target("de")))(made(tmp_path, "nllb")), TEXTS)
    path = tmp_path / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_sample": True, "num_beams": 4, "max_length": 3}))
    translator = open_translator(tmp_path, "nllb", "cpu")
    assert translate(translator, translator.target("de"), TEXTS) == plain


@pytest.mark.skipif(transformers.__version__.startswith("4"), reason="its tokenizers need sentencepiece in version 4")
@pytest.mark.parametrize("name", ["NllbTokenizer", "MBart50Tokenizer", "MBartTokenizer"])
def test_the_tokenizers_of_nllb_and_mbart_say_that_the_text_is_english(tmp_path: Path, name: str) -> None:
    """Each text is read with the token of English, whatever source language the folder names."""
    nllb = name == "NllbTokenizer"
    seq2seq_folder(tmp_path, "m2m_100" if nllb else "mbart", NLLB if nllb else MBART, vocab_size=600)
    vocabulary = letters_tokenizer().get_vocab()
    words = vocabulary if nllb else sorted(((piece, 0.0) for piece in vocabulary), key=lambda pair: vocabulary[pair[0]])
    tokenizer = getattr(transformers, name)(vocab=words, src_lang="deu_Latn" if nllb else "de_DE")
    tokenizer.save_pretrained(str(tmp_path))
    translator = open_translator(tmp_path, name, "cpu")
    target = translator.target("ro")
    assert len(translate(translator, target, TEXTS)) == len(TEXTS)
    ids = translator.tokenizer("a dog")["input_ids"]
    english = "eng_Latn" if nllb else "en_XX"
    assert translator.tokenizer.convert_tokens_to_ids(english) in (ids[0], ids[-1])
    assert (target.start is not None) == (name == "MBartTokenizer")
    romanian = translator.tokenizer.convert_tokens_to_ids("ron_Latn" if nllb else "ro_RO")
    assert romanian in (target.first, target.start)


@pytest.mark.skipif(transformers.__version__.startswith("4"), reason="version 4 keeps the list where sentencepiece is")
def test_the_codes_of_all_fifty_languages_are_nllb_s() -> None:
    """Every language of XTREME-R has a code, and each is one that NLLB has a token for."""
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert set(LANGUAGES) <= set(FLORES)
    assert set(FLORES.values()) <= set(FAIRSEQ_LANGUAGE_CODES)
    assert len(set(FLORES.values())) == len(FLORES)


@pytest.mark.parametrize(
    ("name", "language", "why"),
    [
        ("opus", "sw", "2 languages"),
        ("nllb", "fr", "no token"),
        ("t5", "sw", "task_specific_params.translation_en_to_sw"),
        ("madlad", "sw", "<2sw>"),
    ],
)
def test_a_language_that_a_model_does_not_know_is_refused(tmp_path: Path, name: str, language: str, why: str) -> None:
    """The line names the model, the language and what is missing, before the weights are read."""
    kind, tokens, config = KINDS[name]
    seq2seq_folder(tmp_path, kind, tokens, **config)
    message = refusal(lambda: check_languages(tmp_path, name, ["de", language]))
    assert why in message


def test_a_model_of_one_language_is_asked_for_one(tmp_path: Path) -> None:
    """Two languages are refused; so is another one than its tokenizer names, and one that reads no English."""
    seq2seq_folder(tmp_path / "unnamed")
    check_languages(tmp_path / "unnamed", "one", ["de"])
    assert "one language" in refusal(lambda: check_languages(tmp_path / "unnamed", "one", ["de", "sw"]))
    seq2seq_folder(tmp_path / "german", facts={"source_lang": "en", "target_lang": "deu"})
    check_languages(tmp_path / "german", "german", ["de"])
    assert "target_lang" in refusal(lambda: check_languages(tmp_path / "german", "german", ["sw"]))
    seq2seq_folder(tmp_path / "french", facts={"source_lang": "fr", "target_lang": "de"})
    assert "source_lang" in refusal(lambda: check_languages(tmp_path / "french", "french", ["de"]))


def test_folders_that_are_not_a_translation_model_are_refused(tmp_path: Path) -> None:
    """No configuration, another architecture, pickled weights, a tokenizer that only sentencepiece reads: one line."""
    assert "no config.json" in refusal(lambda: check_model(tmp_path, "empty"))
    folder = seq2seq_folder(tmp_path / "model")
    config = folder / "config.json"
    facts = json.loads(config.read_text())
    config.write_text(json.dumps({**facts, "model_type": "xlm-roberta"}))
    assert "'xlm-roberta'" in refusal(lambda: check_model(folder, "m"))
    config.write_text("[" * 100_000)
    assert "cannot be read" in refusal(lambda: check_model(folder, "m"))
    config.write_text(json.dumps(facts))
    (folder / "tokenizer.json").rename(folder / "source.spm")
    if find_spec("sentencepiece") is None:
        assert "pip install sentencepiece" in refusal(lambda: check_model(folder, "m"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled weights" in refusal(lambda: check_model(folder, "m"))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A tokenizer with more tokens than embeddings, and layers without weights, would translate into noise."""
    folder = seq2seq_folder(tmp_path / "model", "m2m_100", NLLB)
    letters_tokenizer((*NLLB, *OPUS)).save_pretrained(str(folder))
    assert "tokens" in refusal(lambda: open_translator(folder, "m", "cpu"))
    folder = seq2seq_folder(tmp_path / "layers", "m2m_100", NLLB)
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, "encoder_layers": 2}))
    assert "no weights" in refusal(lambda: open_translator(folder, "m", "cpu"))


def test_code_of_a_folder_never_runs(tmp_path: Path) -> None:
    """A configuration that names code of its own does not get it run."""
    folder = seq2seq_folder(tmp_path / "model", "m2m_100", NLLB)
    facts = json.loads((folder / "config.json").read_text())
    code = "evil.Model"
    (folder / "config.json").write_text(json.dumps({**facts, "auto_map": {"AutoModelForSeq2SeqLM": code}}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: pass\n")
    open_translator(folder, "m", "cpu")
    assert not (tmp_path / "ran").exists()


def test_names_that_name_no_model_are_refused() -> None:
    """A name that is neither a folder nor on the hub is refused at once."""
    assert "/nowhere/at/all" in refusal(lambda: find_model("/nowhere/at/all", offline=True))
    assert "some/where@main" in refusal(lambda: find_model("some/where", offline=True))


def test_the_identity_is_that_of_what_computes(tmp_path: Path) -> None:
    """Other weights are another model; a read-me beside them is not."""
    folder = seq2seq_folder(tmp_path / "one", seed=1)
    same = seq2seq_folder(tmp_path / "same", seed=1)
    other = seq2seq_folder(tmp_path / "other", seed=2)
    (same / "README.md").write_text("A model.")
    assert encoder_identity(folder, FILES) == encoder_identity(same, FILES) != encoder_identity(other, FILES)
