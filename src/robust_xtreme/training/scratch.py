"""A small encoder from scratch: random weights, and a tokenizer with byte fallback that is trained on given text.

Or one of mini's architecture in several sizes: bundled word vectors and tokenizers, and new layers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

import torch
from torch import nn

from robust_xtreme.core import resources
from robust_xtreme.core.examples import digest
from robust_xtreme.models.config import MONOLINGUAL, MULTILINGUAL
from robust_xtreme.training.device import own_random
from robust_xtreme.training.spec import EMBEDDED, SCRATCH
from robust_xtreme.training.text import read_lines

SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BYTES: Final = tuple(f"<0x{value:02X}>" for value in range(256))
"""The byte entries of a tokenizer that an unknown letter falls back to."""
_POSITIONS: Final = 512

VECTORS: Final = "vectors.safetensors"
EMBEDDINGS: Final = "embeddings.weight"
"""The name of the word vectors (V, 128) among the weights."""

_NEAR: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 0.3), (0.0, 0.1))
"""Where the heads by distance of a new encoder of mini's architecture look at first, and how narrowly."""


@final
@dataclass(frozen=True, slots=True)
class Size:
    """The shape of an encoder: entries of the vocabulary, layers, hidden size, attention heads."""

    vocabulary: int
    layers: int
    hidden: int
    heads: int


SIZES: Final[Mapping[str, Size]] = MappingProxyType({"small": Size(14_000, 3, 192, 3), "tiny": Size(1_000, 1, 32, 2)})


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """The hidden size and the number of layers of an encoder, and the bundled folder of its word vectors.

    `kind` is that of the languages of the vectors, as the column `base_kind` has it.
    """

    hidden: int
    layers: int
    vectors: str = "model"

    @property
    def kind(self) -> str:
        """`multilingual` or `monolingual`."""
        return MULTILINGUAL if self.vectors == "model" else MONOLINGUAL

    @property
    def folder(self) -> Path:
        """The bundled folder with the tokenizer. Raises RobustXtremeError where it is missing."""
        folder = resources.mini(self.vectors)
        return folder / "model" if self.kind == MULTILINGUAL else folder

    @property
    def weights(self) -> Path:
        """The bundled file with the word vectors."""
        return self.folder / ("model.safetensors" if self.kind == MULTILINGUAL else VECTORS)


_LADDER: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"": (128, 3), "-32": (32, 3), "-64": (64, 3), "-128": (128, 3), "-192": (192, 4)}
)
"""Hidden size and layers by the end of a name: each rung has three to four times the parameters of the one before."""

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        f"{name}{rung}": Shape(hidden, layers, vectors)
        for name, vectors in (("mini", "model"), ("mini-en", "english"))
        for rung, (hidden, layers) in _LADDER.items()
    }
)
"""The sizes of `--from-scratch` that need no text."""


def new_model(text: Path, size_name: str, seed: int) -> tuple[Any, Any]:
    """A random encoder of a size, and its tokenizer, which is trained on plain text, or bundled with word vectors."""
    if size_name in EMBEDDED:
        return _with_vectors(size_name, seed)
    size = SIZES[size_name]
    tokenizer = new_tokenizer(read_lines(text), size)
    return new_encoder(tokenizer, size, seed), tokenizer


def _with_vectors(name: str, seed: int) -> tuple[Any, Any]:
    """An encoder of a size with bundled word vectors and new layers, and its tokenizer.

    The same seed gives the same weights. Raises RobustXtremeError where the vectors are missing.
    """
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    from robust_xtreme.models.mini import register

    register()
    shape, auto = SHAPES[name], AutoTokenizer
    tokenizer: Any = auto.from_pretrained(shape.folder)
    return new_mini(load_file(shape.weights)[EMBEDDINGS], tokenizer, seed, shape), tokenizer


def base_of(size_name: str) -> dict[str, str]:
    """How a record names the encoder that a run from scratch starts from, and its kind where that is known."""
    kind = {"kind": SHAPES[size_name].kind} if size_name in EMBEDDED else {}
    return {"name": f"{SCRATCH} {size_name}", **kind}


def identity(size_name: str) -> str:
    """The hash of the bundled tokenizer and word vectors that encoders of a size share."""
    shape = SHAPES[size_name]
    return digest(*(resources.content(path).hex() for path in (shape.folder / "tokenizer.json", shape.weights)))


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


def new_mini(vectors: torch.Tensor, tokenizer: Any, seed: int, shape: Shape = SHAPES["mini"]) -> Any:
    """An encoder with these word vectors (V, E); the same seed gives the same weights, and no global state changes."""
    from robust_xtreme.models.mini import MiniConfig, MiniModel

    config = MiniConfig(
        vocab_size=len(tokenizer),
        embedding_size=vectors.shape[1],
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=8,
        intermediate_size=2 * shape.hidden,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dropout=0.1,
        type_noise=0.3,
        type_dropout=0.1,
    )
    with own_random(seed), torch.no_grad():
        encoder = MiniModel(config)
        _initialise(encoder, vectors.float())
    return encoder


def _initialise(encoder: Any, vectors: torch.Tensor) -> None:
    """Put the vectors in, and let the layers begin by comparing words."""
    special = torch.randn(int(encoder.config.eos_token_id) + 1, vectors.shape[1])
    encoder.embeddings.weight.copy_(vectors)
    encoder.embeddings.weight[: len(special)] = special
    for module in encoder.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    encoder.projection.weight.copy_(torch.eye(encoder.config.hidden_size, vectors.shape[1]))
    nn.init.normal_(encoder.segments.weight, std=0.3)
    nn.init.normal_(encoder.matched.weight)
    encoder.centres.copy_(torch.tensor([centre for centre, _ in _NEAR]))
    encoder.slopes.copy_(torch.tensor([slope for _, slope in _NEAR]))
    for layer in encoder.layers:
        layer.attention_output.weight.mul_(0.5)
        layer.step[2].weight.mul_(0.5)
    first = encoder.layers[0]
    first.key.load_state_dict(first.query.state_dict())
