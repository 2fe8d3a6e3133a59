"""Plain text for the tokenizer and for masked LM, and a small encoder from scratch with a tokenizer trained on it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import digest
from robust_xtreme.core.languages import THREE_LETTERS
from robust_xtreme.files import store
from robust_xtreme.training.device import own_random

NAMES: Final[Mapping[str, str]] = MappingProxyType({**THREE_LETTERS, "amh": "am", "cat": "ca", "ces": "cs"})
"""Codes of three letters, as the file names of FLORES-200 begin with, and ours."""

LONGEST: Final = 100_000
"""The most characters of a line: learning a tokenizer from one without spaces takes the square of its length."""

_MOST_FILES: Final = 10_000
_GB: Final = 10**9
_MOST_BYTES: Final = 20 * _GB


def text_files(path: Path, languages: Sequence[str] = ()) -> tuple[Path, ...]:
    """The file itself, or the files of the folder in the order of their names, all or those of some languages.

    A file's language is what its name begins with, `sw.txt` or `swh_Latn.dev`. Raises MissingData, and DataError for
    a folder of the system, whose files may never end, and for more files or bytes than are read.
    """
    of_system = path.resolve().parts[1:2] in (("proc",), ("sys",), ("dev",))
    if of_system and not path.resolve().is_relative_to("/dev/shm"):
        raise DataError(path, "is in a folder of the system, whose files are not text. Name another with --text.")
    files = _bounded(path, [path] if path.is_file() else _entries(path))
    if path.is_file():
        return files
    if not files:
        raise MissingData(f"{path} contains no text. Name a file or a folder of plain text files with --text.")
    missing = [code for code in languages if code not in map(language_of, files)]
    if missing:
        raise MissingData(f"{path} contains no text in {', '.join(missing)}: no file there begins with {missing[0]}.")
    return tuple(file for file in files if not languages or language_of(file) in languages)


def _entries(path: Path) -> list[Path]:
    """The files of a folder in the order of their names, without hidden ones. Raises DataError for too many."""
    entries = list(islice(path.glob("*"), _MOST_FILES + 1))
    if len(entries) > _MOST_FILES:
        raise DataError(path, f"contains more than {_MOST_FILES:,} files. Join them: cat {path}/* > text.txt")
    return sorted(entry for entry in entries if entry.is_file() and not entry.name.startswith("."))


def _bounded(path: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """The files, if all of them fit into memory. Raises DataError."""
    size = sum(file.stat().st_size for file in files)
    if size > _MOST_BYTES:
        what = f"contains {size / _GB:,.0f} GB of text, and at most {_MOST_BYTES // _GB} GB are read"
        raise DataError(path, f"{what}. Name a part of it with --text.")
    return tuple(files)


def language_of(path: Path) -> str:
    """The code that a file's name begins with; empty where it begins with no code."""
    match = re.match(r"[a-z]{2,3}(?=[._-]|$)", path.name)
    return NAMES.get(match[0], match[0]) if match else ""


def text_identity(path: Path, languages: Sequence[str] = ()) -> str:
    """The hash of the files' contents, in the order of their names."""
    return digest(*(store.sha256(file) for file in text_files(path, languages)))


def languages_in(path: Path, languages: Sequence[str] = ()) -> tuple[str, ...]:
    """The languages of the files by their names, sorted; empty where a name has no language."""
    present = {language_of(file) for file in text_files(path, languages)}
    return () if "" in present or path.is_file() else tuple(sorted(present))


def read_lines(path: Path, languages: Sequence[str] = ()) -> list[str]:
    """Every non-empty line, without the spaces around it. Raises MissingData, or DataError for a line over LONGEST."""
    lines = []
    for file in text_files(path, languages):
        try:
            content = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.read_bytes()[: error.start].count(b"\n") + 1
            raise DataError(file, "is not UTF-8 text. Name text files only with --text.", line) from error
        lines += list(_stripped(file, content))
    if not lines:
        raise MissingData(f"{path} contains no text: all its lines are empty.")
    return lines


def _stripped(file: Path, content: str) -> Iterator[str]:
    for number, line in enumerate(map(str.strip, content.splitlines()), start=1):
        if len(line) > LONGEST:
            what = f"a line of {len(line):,} characters; a line of --text is a sentence or a paragraph, of at most"
            raise DataError(file, f"{what} {LONGEST:,}. Break it into lines.", number)
        if line:
            yield line


SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BYTES: Final = tuple(f"<0x{value:02X}>" for value in range(256))
"""The byte entries of a tokenizer that an unknown letter falls back to."""
_POSITIONS: Final = 512


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
