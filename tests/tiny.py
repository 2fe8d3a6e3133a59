"""A run folder with random weights, for tests that need a model of any quality."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Span, Tags, Text
from robust_xtreme.models.stages import CLAIM, FILES, hashes

SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_LETTERS: Final = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'-"
_BYTES: Final = tuple(f"<0x{value:02X}>" for value in range(256))


def tiny_tokenizer() -> Any:
    """A tokenizer of single letters with byte fallback, shaped like XLM-R's."""
    vocabulary = {piece: index for index, piece in enumerate((*SPECIAL, *_BYTES, *_LETTERS))}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    named = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    others = {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, model_max_length=512, **named, **others)


def tiny_encoder(vocabulary: int, hidden_size: int = 16, layers: int = 1, seed: int = 0) -> Any:
    """A random encoder of XLM-R's shape, in evaluation mode."""
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=514,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        type_vocab_size=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder: Any = XLMRobertaModel(config, add_pooling_layer=False)
        return encoder.eval()


def tiny_encoder_folder(folder: Path, seed: int = 0, hidden_size: int = 16) -> Path:
    """A transformers folder with tokenizer and random weights, whose architecture is named as XLM-R's is."""
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(str(folder))
    tiny_encoder(len(tokenizer), hidden_size, seed=seed).save_pretrained(str(folder))
    config = json.loads((folder / "config.json").read_text("utf-8")) | {"architectures": ["XLMRobertaForMaskedLM"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def tiny_masked_folder(folder: Path, words: Iterable[str], seed: int = 0) -> Path:
    """Write a masked language model of BERT's kind that knows words, letters and digits, and no capitals."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = (*words, *letters, *(f"##{letter}" for letter in letters))
    names = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces])
    make: Any = BertTokenizer
    make(vocab={name: number for number, name in enumerate(names)}, do_lower_case=True).save_pretrained(folder)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config: Any = BertConfig
        BertForMaskedLM(config(vocab_size=len(names), max_position_embeddings=64, **shape)).save_pretrained(folder)
    return folder


def tiny_run(folder: Path, tasks: Iterable[str], seed: int = 0) -> Path:
    """A run folder as `train` writes it: encoder, tokenizer and a random head for each task."""
    tiny_encoder_folder(folder / "model", seed)
    (folder / "heads").mkdir(parents=True, exist_ok=True)
    (folder / "stages").mkdir(exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for name in tasks:
            _write_head(folder / "heads", name)
    return folder


def hashed(run: Path) -> Path:
    """The run, with the hashes of its files, as a complete run contains them."""
    claim = {"identity": "mine", "spec": {}, FILES: hashes(run)}
    (run / CLAIM).write_text(json.dumps(claim), encoding="utf-8")
    return run


def _write_head(folder: Path, name: str) -> None:
    task = registry.learned(name)
    head = registry.load("family", task.family).head(16, task.labels)
    save_file(head.state_dict(), str(folder / f"{name}.safetensors"))
    facts = {"task": name, "family": task.family, "labels": list(task.labels)}
    (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")


def pair_example(native: str, premise: str, hypothesis: str, label: int = 0, language: str = "en") -> Example:
    """A classification example of two texts."""
    texts = {
        "premise": Text(f"{native}/premise", language, premise),
        "hypothesis": Text(f"{native}/hypothesis", language, hypothesis),
    }
    return Example(native, texts, Choice(label), native)


def tagged_example(native: str, words: Sequence[str], tags: Sequence[str], language: str = "en") -> Example:
    """A tagging example: words joined by one space, a span for each."""
    starts = [sum(len(word) + 1 for word in words[:number]) for number in range(len(words))]
    spans = tuple(Span(start, start + len(word)) for start, word in zip(starts, words, strict=True))
    text = Text(f"{native}/tokens", language, " ".join(words), spans)
    return Example(native, {"tokens": text}, Tags(tuple(tags)), native)


def question_example(native: str, question: str, context: str, answer: str, language: str = "en") -> Example:
    """A QA example whose answer is its first occurrence in the context; an empty one is not an answer."""
    start = context.index(answer) if answer else 0
    spans = (Span(start, start + len(answer)),) if answer else ()
    texts = {
        "question": Text(f"{native}/question", language, question),
        "context": Text(f"{native}/context", language, context, spans),
    }
    return Example(native, texts, Answers(spans), native)


def choice_example(native: str, premise: str, choices: Sequence[str], label: int = 0, question: str = "") -> Example:
    """An example of choosing one of several texts."""
    fields = {"premise": premise, "question": question, **{f"choice{n}": choice for n, choice in enumerate(choices, 1)}}
    texts = {name: Text(f"{native}/{name}", "en", value) for name, value in fields.items()}
    return Example(native, texts, Choice(label), native)


def search_example(native: str, query: str, candidate: str | None = None) -> Example:
    """A query, with the right candidate where there is one to learn from."""
    fields = {"query": query} if candidate is None else {"query": query, "candidate": candidate}
    texts = {name: Text(f"{native}/{name}", "en", value) for name, value in fields.items()}
    return Example(native, texts, Document((f"{native}/candidate",)), native)
