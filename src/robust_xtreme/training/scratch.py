"""A small encoder from scratch: random weights, and a tokenizer with byte fallback that is trained on given text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

from robust_xtreme.training.device import own_random
from robust_xtreme.training.text import read_lines

SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BYTES: Final = tuple(f"<0x{value:02X}>" for value in range(256))
"""The byte entries of a tokenizer that an unknown letter falls back to."""
_POSITIONS: Final = 512


@final
@dataclass(frozen=True, slots=True)
class Size:
    """The shape of an encoder: entries of the vocabulary, layers, hidden size, attention heads."""

    vocabulary: int
    layers: int
    hidden: int
    heads: int


SIZES: Final[Mapping[str, Size]] = MappingProxyType({"small": Size(14_000, 3, 192, 3), "tiny": Size(1_000, 1, 32, 2)})


def new_model(text: Path, size_name: str, seed: int) -> tuple[Any, Any]:
    """A random encoder of a size, and its tokenizer, which is trained on plain text."""
    size = SIZES[size_name]
    tokenizer = new_tokenizer(read_lines(text), size)
    return new_encoder(tokenizer, size, seed), tokenizer


def new_tokenizer(lines: Sequence[str], size: Size) -> Any:
    """A fast tokenizer of byte pairs, shaped like XLM-R's, that falls back to bytes where a letter is unknown.

    The same lines give the same tokenizer. At most a fifth of its entries are single letters, so that scripts with
    thousands of letters leave room for pieces.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    # The most frequent letters get entries; the trainer itself would break ties at random.
    words = (word for line in lines for word in raw.normalizer.normalize_str(line).split())
    counts = Counter(letter for word in words for letter in f"▁{word}")  # what the tokenizer puts before each word
    letters = sorted(counts, key=lambda letter: (-counts[letter], letter))[: size.vocabulary // 5]
    trainer = trainers.BpeTrainer(
        vocab_size=size.vocabulary,
        special_tokens=[*SPECIAL, *BYTES],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    raw.train_from_iterator(lines, trainer)
    return as_fast(raw)


def as_fast(raw: Any) -> Any:
    """Learned byte pairs as a tokenizer of transformers, with XLM-R's special tokens and frame.

    Bytes are ordinary entries, and `<0x41>` in a text is text.
    """
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    plain = json.loads(raw.to_str())
    plain["added_tokens"] = [token for token in plain["added_tokens"] if token["content"] in SPECIAL]
    tokenizer = Tokenizer.from_str(json.dumps(plain))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        model_max_length=_POSITIONS,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
    )


def new_encoder(tokenizer: Any, size: Size, seed: int) -> Any:
    """A random encoder of XLM-R's shape; the same seed gives the same weights, and no global state changes."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=_POSITIONS + 2,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        type_vocab_size=1,
    )
    with own_random(seed):
        return XLMRobertaModel(config, add_pooling_layer=False)
