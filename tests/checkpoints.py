"""Checkpoints of four architectures with random weights and a task head, as others save them with transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from safetensors.torch import load_file, save_file
from tests.tiny import tiny_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

KINDS: Final = ("xlm_roberta", "bert", "deberta_v2", "modernbert")
SEQUENCE, TOKEN, QUESTION = "SequenceClassification", "TokenClassification", "QuestionAnswering"
NLI: Final = ("CONTRADICTION", "entailment", "Neutral")
TAGS: Final = ("I-LOC", "O", "B-MISC", "B-PER", "I-PER", "B-ORG", "I-MISC", "I-ORG", "B-LOC")
TEXTS: Final = tuple(
    (f"{subject} man sees a dog", other)
    for subject in ("A", "No", "Every", "One tall")
    for other in ("He sleeps.", "It is so", "x", "Zwei!")
)
"""Pairs of texts that every checkpoint of pairs gives several classes to."""

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'-"
_SMALL: Final = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
}


def _config(kind: str, size: int, **labels: Any) -> Any:
    library: Any = transformers
    match kind:
        case "xlm_roberta":
            shape = _SMALL | {"max_position_embeddings": 514, "pad_token_id": 1, "type_vocab_size": 1}
            return library.XLMRobertaConfig(vocab_size=size, **shape, **labels)
        case "bert":
            return library.BertConfig(vocab_size=size, type_vocab_size=2, **_SMALL, **labels)
        case "deberta_v2":
            relative = {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]}
            return library.DebertaV2Config(vocab_size=size, type_vocab_size=0, **relative, **_SMALL, **labels)
    special = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    return library.ModernBertConfig(vocab_size=size, **_SMALL, **special, **labels)


def word_tokenizer(types: bool) -> Any:
    """A tokenizer of single letters shaped like BERT's, without byte fallback; `types` marks the second text."""
    joined = [f"##{letter}" for letter in _LETTERS]
    vocabulary = {piece: index for index, piece in enumerate((*_SPECIAL, *_LETTERS, *joined))}
    raw = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    second = 1 if types else 0
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair=f"[CLS] $A [SEP] $B:{second} [SEP]:{second}",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    inputs = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, model_max_length=512, mask_token="[MASK]", model_input_names=inputs, **named)


def checkpoint(folder: Path, kind: str, head: str, names: Sequence[str] = (), seed: int = 0) -> Path:
    """A folder with a random model of a kind, a head that ends in `head`, and classes of the given names."""
    tokenizer = tiny_tokenizer() if kind == "xlm_roberta" else word_tokenizer(kind != "modernbert")
    labels = (
        {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}} if names else {}
    )
    auto: Any = getattr(transformers, f"AutoModelFor{head}")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = auto.from_config(_config(kind, len(tokenizer), **labels))
        for parameter in model.parameters():  # larger than those of an untrained model, so that its answers differ
            parameter.data += 0.3 * torch.randn_like(parameter)
        if head == SEQUENCE:
            _balance(model.eval(), tokenizer)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


@torch.no_grad()
def _balance(model: Any, tokenizer: Any) -> None:
    """Move the last bias so that each class is favoured by some of the texts."""
    logits = torch.cat([model(**tokenizer(*pair, return_tensors="pt")).logits for pair in TEXTS])
    bias = next(
        tensor for name, tensor in model.named_parameters() if name in ("classifier.bias", "classifier.out_proj.bias")
    )
    bias -= logits.median(0).values


def turned(folder: Path, out: Path, order: Sequence[int]) -> Path:
    """The same model with its classes in another order: rows of the last layer and names in the configuration."""
    weights = load_file(str(folder / "model.safetensors"))
    config = json.loads((folder / "config.json").read_text())
    names = [config["id2label"][str(index)] for index in order]
    last = [name for name, tensor in weights.items() if name.startswith("classifier") and tensor.shape[0] == len(order)]
    new = {name: tensor[list(order)].contiguous() if name in last else tensor for name, tensor in weights.items()}
    assert last
    _copy(folder, out)
    save_file(new, str(out / "model.safetensors"), {"format": "pt"})
    change(out, {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}})
    return out


def _copy(folder: Path, out: Path) -> None:
    out.mkdir()
    for path in folder.iterdir():
        (out / path.name).write_bytes(path.read_bytes())


def change(folder: Path, values: Mapping[str, Any], name: str = "config.json") -> None:
    """Set keys of a JSON file of a folder; a key whose value is None is removed."""
    changed = {**json.loads((folder / name).read_text()), **values}
    (folder / name).write_text(json.dumps({key: value for key, value in changed.items() if value is not None}))


def rewrite(folder: Path, edit: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """Replace the weights of a folder."""
    path = str(folder / "model.safetensors")
    save_file(dict(edit(load_file(path))), path, {"format": "pt"})
