"""Tokenizers of every kind that places pieces in its own way, with tiny vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import transformers
from tests.tiny import tiny_tokenizer
from tests.unit.models.test_tokenised_words import CHARSMAP
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
LETTERS: Final = sorted(
    {letter for low, high in ((0x21, 0x17F), (0x300, 0x304), (0x391, 0x3D0)) for letter in map(chr, range(low, high))}
    | set("ﬁ⁄ﷺ،東京タワーは年にできました黑豹队的防守只丢了分在联赛中排名第六同时以次拦截领先。，`")
    | {chr(point) for low, high in ((0x900, 0x970), (0xE01, 0xE5B), (0x610, 0x670)) for point in range(low, high)}
)
_WORDS: Final = ("hello", "wor", "b")
_LIBRARY: Any = transformers


def fast(raw: Tokenizer, made: type = PreTrainedTokenizerFast) -> Any:
    """A tokenizer of transformers around one of the package tokenizers."""
    named = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>"}
    return made(tokenizer_object=raw, sep_token="</s>", mask_token="<mask>", model_max_length=512, **named)


def _ends() -> Any:
    pair = "<s> $A </s> </s> $B </s>"
    return processors.TemplateProcessing(single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 0), ("</s>", 2)])


def _merges(space: str) -> list[tuple[str, str]]:
    parts = [(word[:at], word[at]) for word in _WORDS for at in range(1, len(word))]
    return [*parts, *((space, word) for word in _WORDS)]


def _pairs(letters: Sequence[str], space: str, **options: Any) -> Tokenizer:
    merges = _merges(space)
    names = dict.fromkeys((*SPECIAL, *letters, *("".join(pair) for pair in merges)))
    vocabulary = {name: number for number, name in enumerate(names)}
    return Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", **options))


def of_bytes(*splits: Any, trim: bool = True, prefix: bool = True, normalizer: Any = None) -> Tokenizer:
    """Byte-level pieces with the post-processor of RoBERTa."""
    raw: Any = _pairs(sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġ")
    raw.pre_tokenizer = pre_tokenizers.Sequence(list(splits))
    raw.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=trim, add_prefix_space=prefix
    )
    raw.decoder = decoders.ByteLevel()
    if normalizer is not None:
        raw.normalizer = normalizer
    return raw  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have


def unigram(normalizer: Any = None, split: bool = True, more: Sequence[str] = ()) -> Tokenizer:
    """Pieces of a Unigram model after a mark of spaces, as XLM-R's."""
    pieces = [*((name, 0.0) for name in SPECIAL), ("▁", -2.0), *((letter, -4.0) for letter in LETTERS)]
    raw: Any = Tokenizer(
        models.Unigram([*pieces, *((f"▁{word}", -1.0) for word in _WORDS), *((word, -1.0) for word in more)], unk_id=3)
    )
    marks = pre_tokenizers.Metaspace()
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), marks]) if split else marks
    raw.post_processor = _ends()
    if normalizer is not None:
        raw.normalizer = normalizer
    return raw  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have


def trained(raw: Tokenizer, *lines: str) -> Tokenizer:
    """The same with pairs learned from lines, some of which are of parts of letters."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator(lines * 9, trainer)
    return raw


def word_pieces(lower: bool) -> Tokenizer:
    """Pieces of words, as mBERT's, with or without capitals and accents."""
    names = (*SPECIAL, *LETTERS, *_WORDS, *(f"##{letter}" for letter in LETTERS))
    raw: Any = Tokenizer(models.WordPiece({name: at for at, name in enumerate(names)}, unk_token="<unk>"))
    raw.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=lower)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = _ends()
    return raw  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have


def llama() -> Tokenizer:
    """Pairs with bytes for the unknown and a mark of spaces that the normalizer writes, as Llama's."""
    raw: Any = _pairs((*(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS[:200]), "▁", byte_fallback=True)
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.post_processor = _ends()
    return raw  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have


def _of(name: str, special: Sequence[str], **options: Any) -> Tokenizer:
    """One of transformers' own classes on pieces of a Unigram model."""
    pieces = [*((piece, 0.0) for piece in special), ("▁", -2.0), *((letter, -4.0) for letter in LETTERS)]
    made = getattr(_LIBRARY, f"{name}Tokenizer")(vocab=pieces, **options)
    return made.backend_tokenizer  # type: ignore[no-any-return]  # transformers is not typed


_BYTES = partial(pre_tokenizers.ByteLevel, add_prefix_space=True)
_QUOTES: Final = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD()]

_LINES: Final = (
    "गंगा नदी हिमालय से निकलती है नदी हिमालय", "東京タワーは 1958 年にできました。年には東京",
    "ngôi nhà \u200bở Việt Nam \u200bđược", "থেকে নদী বাংলাদেশ", "แม่น้ำเจ้าพระยา แม่น้ำ", "река Волга течёт в b hello wor",
)  # fmt: skip
"""Texts of several scripts, from which pairs are learned that begin or end within a letter."""

MENDED: Final[dict[str, Callable[[], Tokenizer]]] = {
    "a space before words after another splitter": lambda: of_bytes(
        pre_tokenizers.Whitespace(), _BYTES(), pre_tokenizers.Punctuation()
    ),
    "the same without punctuation": lambda: of_bytes(pre_tokenizers.Whitespace(), _BYTES()),
    "the same with digits": lambda: of_bytes(pre_tokenizers.Digits(individual_digits=True), _BYTES()),
    "the same after names in a text": lambda: _named(of_bytes(_BYTES())),
    "a space that the post-processor does not know": lambda: of_bytes(_BYTES(), prefix=False),
    "a space of the normalizer": lambda: of_bytes(
        pre_tokenizers.ByteLevel(add_prefix_space=False), prefix=False, normalizer=normalizers.Prepend(" ")
    ),
    "a letter that becomes words": lambda: trained(
        of_bytes(pre_tokenizers.ByteLevel(add_prefix_space=False), normalizer=normalizers.NFKC()),
        *("ﷺ 東京タワー東京タ แม่น้ำเจ้า 타워", "صلى الله عليه وسلم b hello wor"),
    ),
    "spaces around each sign": lambda: unigram(
        normalizers.BertNormalizer(lowercase=False), False, ("▁タワー", "▁年に")
    ),
    "quotes that become one": lambda: unigram(normalizers.Sequence([*_QUOTES, normalizers.StripAccents()])),
    "letters that become one": lambda: unigram(normalizers.Replace("wo", "q")),
    "a space before words, trained on texts": lambda: trained(
        of_bytes(pre_tokenizers.Whitespace(), _BYTES(), pre_tokenizers.Punctuation()), *_LINES
    ),
}
"""Their own places are wrong, and the right ones can be computed."""

RIGHT: Final[dict[str, Callable[[], Tokenizer]]] = {
    "byte-level": lambda: of_bytes(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "byte-level, not trimmed": lambda: of_bytes(pre_tokenizers.ByteLevel(add_prefix_space=False), trim=False),
    "byte-level, trained on texts": lambda: trained(
        of_bytes(pre_tokenizers.ByteLevel(add_prefix_space=False)), *_LINES
    ),
    "unigram, as XLM-R": unigram,
    "unigram of NFKC": lambda: unigram(normalizers.NFKC()),
    "unigram of small letters": lambda: unigram(normalizers.Lowercase()),
    "unigram of sentencepiece": lambda: unigram(normalizers.Precompiled(CHARSMAP)),
    "unigram of nmt_nfkc": lambda: unigram(
        normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), False
    ),
    "word pieces": lambda: word_pieces(False),
    "word pieces, uncased": lambda: word_pieces(True),
    "bytes for the unknown": lambda: tiny_tokenizer().backend_tokenizer,
    "bytes for the unknown, as Llama": llama,
    "marks that are read with the letter after them": lambda: unigram(
        normalizers.NFD(), more=("\u0302t", "\u0302n", "\u0308s")
    ),
    "DeBERTa-v2": lambda: _of("DebertaV2", ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")),
    "T5": lambda: _of("T5", ("<pad>", "</s>", "<unk>")),
}
"""Their own places are right."""

REFUSED: Final[dict[str, Callable[[], Tokenizer]]] = {
    "letters that become others beside one": lambda: unigram(normalizers.Replace(Regex("(?<=o)r"), "")),
    "all that becomes one word": lambda: unigram(normalizers.Replace(Regex(".+"), "hello")),
}
"""Where their pieces are is not known."""


def _named(raw: Tokenizer) -> Tokenizer:
    raw.add_special_tokens(list(SPECIAL))
    return raw
