"""Words that a tokenizer reads by themselves are tokenised once, with the ids and offsets of the whole texts."""

from __future__ import annotations

import base64
import ctypes
import gc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.some import some
from tests.tiny import SPECIAL
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from robust_xtreme.models.reading.tokens import Rust, reads_words, words_of

_AS_LETTERS = str.maketrans("0123456789", "ghijklmnop")
LETTERS = "abcdegilnopstxéèकखगदानीเแกคمرسл水"


CHARSMAP = zlib.decompress(
    base64.b64decode(
        "eJwl0gUMFlQQAOBHbYzu7pBUenRKq5SEiCASgkp3p3SDhHRJI62UIA0Cw0C6u7v7+8fbvt1td3vbe3chegjhqxCSxQ2R0+9Aiqih"
        "f4wQosj7/RhChpIhRJPHVIxNLCKtcYhPPBKSgMQkIilJSE4yUpKC1KQiLWlITzoykoHMZCIrWcjGB+QgO7nIyYfkJg8fkY+8FCA/"
        "hShI4ci956KFomIRilMMTwolKE0pylKGjylHBcpTiYpUoTKfUJXP+JTqVKMmNficWtShNvWoS32+oAFf0vD9l4evacQ3NKYpTWhO"
        "M1rwLd/Rkh/4nta0oi1taE87OtKBznSiK13oTjd60oPe9KIvfegfGTwDGcAgjD4MYTDDGMoIhjOKkYxhNOMYywTGM5GfmMwkfmYK"
        "05jKDKYzi5nMYTbzmMsvzGchC1jMIpayhOUsYwW/soqVrGE161jL7/zGBtaziY38wWa2soVt/MkOtrOLnexhN/vYy37+4iAHOMSx"
        "LFHCP+Lf/Me//M9hjnKE45E+TnKC05ziLGc4zzkucoHLXOIqV7jONW5yg9vc4i53uM89HvKAxzziKU94zjNe8oLXvOItb7Ac3cM7"
        "Y6GGHQ=="
    )
)
"""What sentencepiece makes of three rules: U+0016 goes, U+0020 U+0301 becomes x, and U+0600 U+0020 becomes y."""


def _unigram() -> Tokenizer:
    pieces = [*((name, 0.0) for name in SPECIAL), ("▁", -2.0), *((letter, -4.0) for letter in LETTERS), ("▁a", -1.0)]
    made = Tokenizer(models.Unigram(pieces, unk_id=3))
    made.normalizer = normalizers.NFKC()
    marks = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), marks])
    return made


def _precompiled() -> Tokenizer:
    made: Any = _unigram()
    made.normalizer = normalizers.Precompiled(CHARSMAP)
    return made  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have


def _word_pieces(lower: bool) -> Tokenizer:
    pieces = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), "ab", "##ab", "."]
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lower)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def _pairs() -> Tokenizer:
    pieces = [*SPECIAL, *LETTERS, "ab", "."]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    made = Tokenizer(models.BPE(numbers, [("a", "b")], unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase()])
    digits = pre_tokenizers.Split(".", "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), digits])
    return made


def _named(made: Tokenizer) -> Tokenizer:
    made.add_special_tokens([*SPECIAL, AddedToken("<mask>", lstrip=True)])
    return made


WHOLE: dict[str, Callable[[], Tokenizer]] = {
    "unigram": lambda: _named(_unigram()),
    "unigram of sentencepiece": lambda: _named(_precompiled()),
    "word pieces": lambda: _named(_word_pieces(False)),
    "word pieces in lower case": lambda: _named(_word_pieces(True)),
    "pairs": lambda: _named(_pairs()),
}
HARD = (
    *(" ", "  ", "\t", "\u00a0", "\u3000", "\u2028", "<s>", " <mask>", "</s", "\u0301", "\u200d", "\u0600", "\u0d4e"),
    *(
        "\uff9e",
        "\u0e33",
        "\x16",
        "\u00ad",
        "\ufeff",
        "▁",
        "´",
        "ﷺ",
        "\u1100",
        "\u1161",
        "İ",
        "Σ",
        "🇩",
        "👍🏽",
        "👩‍🚀",
        ".",
    ),
)
AROUND = ("a \u0301b", "a\u0600 b", "a \x16ab b")
"""Between words: what one rule of a normalizer reads together with a space, and what is removed."""

TEXTS = st.lists(
    st.lists(st.sampled_from((*LETTERS, *HARD)) | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join),
    max_size=4,
)


@pytest.mark.parametrize("offsets", some([False, True], (True,)))
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=25)
@given(texts=TEXTS)
def test_words_give_what_texts_give(kind: str, split: bool, offsets: bool, texts: list[str]) -> None:
    """Whatever is beside a space: marks, prefixes, signs that are removed, names of special tokens, more spaces.

    Offsets are those that the tokenizer gives, but where a sign is removed in front of a text: it shifts all by that.
    """
    made = WHOLE[kind]()
    assert reads_words(made)
    several = ["ab ab. a", *texts, *(f"ab ab {text}" for text in texts), *AROUND] * 2
    mine = Rust(made, split)(several, offsets)
    wanted = made.encode_batch(several, add_special_tokens=False)
    ids = [number for each in wanted for number in each.ids]
    assert (mine.ids.tolist(), mine.lengths.tolist()) == (ids, [len(each) for each in wanted])
    if offsets:
        cuts = [len(text) - len(text.lstrip((kind == "unigram of sentencepiece" and "\x16") or "")) for text in several]
        wanted = made.encode_batch(
            [text[cut:] for text, cut in zip(several, cuts, strict=True)], add_special_tokens=False
        )
        assert mine.spans.tolist() == [
            [start + cut, stop + cut] for each, cut in zip(wanted, cuts, strict=True) for start, stop in each.offsets
        ]


def test_a_tokenizer_that_changes_reads_texts_as_it_does_then() -> None:
    """A user's words that are added after the first text may be parts of texts, not of words."""
    made, texts = _named(_pairs()), ["ab ba ab", "ab ab"] * 8
    backend = Rust(made)
    before = backend(texts, True)
    made.add_tokens([AddedToken("ab ba")])
    after = backend(texts, True)
    assert before.ids.tolist() != after.ids.tolist() == [i for each in made.encode_batch(texts) for i in each.ids]


def test_words_of_a_tokenizer_are_not_kept_after_it() -> None:
    """Forty tokenizers of pairs read 4,000 words each: the process grows by less than 20 MiB, of 48 where all are kept.

    The package tokenizers keeps what pairs of letters make of a word for each tokenizer and thread, and frees none of
    it with the tokenizer.
    """
    named = _named(_pairs()).to_str()
    texts = [
        " ".join(f"ab{number * 20 + each:x}".translate(_AS_LETTERS) for each in range(20)) for number in range(200)
    ]

    def read(times: int) -> float:
        for _ in range(times):
            Rust(Tokenizer.from_str(named))._read(texts, False)
        return _heap_in_use()

    before = read(10)
    assert read(40) - before < 20


class _HeapStatistics(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def _heap_in_use() -> float:
    """MiB that glibc has in use in this process."""
    gc.collect()
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _HeapStatistics
    heap = ask()
    return float(heap.uordblks + heap.hblkhd) / 2**20


def _first() -> Tokenizer:
    made = _unigram()
    marks = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), marks])
    return made


def _with(change: Callable[[Any], object]) -> Callable[[], Tokenizer]:
    def made() -> Tokenizer:
        tokenizer: Any = _pairs()
        change(tokenizer)
        return tokenizer  # type: ignore[no-any-return]  # attributes are set, which its stubs do not have

    return made


OTHERS: dict[str, Callable[[], Tokenizer]] = {
    "one that marks the first word": _first,
    "one that draws": _with(lambda made: setattr(made.model, "dropout", 0.5)),
    "one that reads spaces": _with(lambda made: setattr(made, "pre_tokenizer", pre_tokenizers.Metaspace())),
    "one that does not divide": _with(lambda made: setattr(made, "pre_tokenizer", None)),
    "one of bytes": _with(lambda made: setattr(made, "pre_tokenizer", pre_tokenizers.ByteLevel())),
    "one that replaces": _with(lambda made: setattr(made, "normalizer", normalizers.Replace("a b", "c"))),
    "one with words of a user": _with(lambda made: made.add_tokens(["ba"])),
    "one with a name of two words": _with(lambda made: made.add_special_tokens(["<a b>"])),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_tokenizers_read_whole_texts(kind: str) -> None:
    """What they read of a word depends on the words beside it, or nobody knows whether it does."""
    assert not reads_words(OTHERS[kind]())


def test_each_word_is_tokenised_once() -> None:
    """In texts whose words repeat; a text with a name of a special token is a word by itself."""
    words = words_of(["ab a ab", "a <s> ab", "", "ab"], SPECIAL)
    assert words.distinct == ["ab", "a", "", "a <s> ab"]
    assert words.numbers.tolist() == [0, 1, 0, 3, 2, 0]
    assert words.bounds.tolist() == [0, 3, 4, 5, 6]


def test_the_last_word_may_end_with_a_prefix_as_any() -> None:
    """A space after it is a part of its cluster, so that a text with it is a word by itself."""
    words = words_of(["ab ab", "ab a\u0600", "a\u0600 ab"], ())
    assert words.distinct == ["ab", "ab a\u0600", "a\u0600 ab"]
