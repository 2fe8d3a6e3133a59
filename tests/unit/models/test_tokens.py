"""Texts as tokens: the implementation in Rust is called directly and gives what transformers gives."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.checkpoints import word_tokenizer
from tests.encoders import clip_tokenizer
from tests.tiny import SPECIAL, tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from robust_xtreme.models.reading.tokens import Called, Lexicon, Rust, Tokens, backend_of, tokenizer_from

TEXTS = [
    "",
    " ",
    "A dog  sleeps.",
    "cafe\u0301 龘龘 \u2028 x",
    "it's <s> </s>\n\ttab",
    "नमस्ते दुनिया",
    "\u0000a\u200db",
    "x" * 900,
]


def _byte_level(prefix: bool) -> Any:
    letters = pre_tokenizers.ByteLevel.alphabet()
    vocabulary = {piece: index for index, piece in enumerate((*SPECIAL, *sorted(letters), "Ġd", "og"))}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "d"), ("o", "g")], unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    raw.decoder = decoders.ByteLevel()
    return _fast(raw)


def _unigram(scheme: str) -> Any:
    pieces = [
        *((name, 0.0) for name in SPECIAL),
        ("▁", -2.0),
        *((letter, -4.0) for letter in "abcdegilnopstx."),
        ("dog", -1.0),
    ]
    raw = Tokenizer(models.Unigram(pieces, unk_id=3))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    return _fast(raw)


def _fast(raw: Tokenizer) -> Any:
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>")


def _cutting() -> Any:
    made = tiny_tokenizer()
    made.backend_tokenizer.enable_truncation(3)
    made.backend_tokenizer.enable_padding(length=9)
    return made


KINDS: dict[str, Callable[[], Any]] = {
    "bytes and letters": tiny_tokenizer,
    "word pieces": lambda: word_tokenizer(True),
    "clip": clip_tokenizer,
    "byte-level": lambda: _byte_level(False),
    "byte-level with a space in front": lambda: _byte_level(True),
    **{f"unigram, {scheme}": partial(_unigram, scheme) for scheme in ("always", "never", "first")},
    "one that cuts and pads": _cutting,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offsets", [False, True])
def test_the_direct_call_gives_what_transformers_gives(kind: str, offsets: bool) -> None:
    """Ids and offsets of whole texts, whatever the tokenizer's file says of cutting and padding."""
    tokenizer = KINDS[kind]()
    backend = backend_of(tokenizer)
    assert isinstance(backend, Rust)
    mine, wanted = backend(TEXTS, offsets), Called(KINDS[kind]())(TEXTS, offsets)
    assert mine.ids.tolist() == wanted.ids.tolist()
    assert mine.bounds.tolist() == wanted.bounds.tolist()
    if offsets:
        assert mine.spans.tolist() == wanted.spans.tolist()


def test_a_tokenizer_that_changes_what_is_read_is_called_as_a_whole() -> None:
    """A class of its own, as a model folder's code may define one, is not passed by."""

    class Lower(PreTrainedTokenizerFast):
        def __call__(self, text: Any, *words: Any, **options: Any) -> Any:
            lowered = text.lower() if isinstance(text, str) else [each.lower() for each in text]
            return PreTrainedTokenizerFast.__call__(self, lowered, *words, **options)

    made: Any = Lower
    tokenizer = made(tokenizer_object=tiny_tokenizer().backend_tokenizer, unk_token="<unk>")
    assert Lexicon(backend_of(tokenizer)).of("ABC") == Lexicon(backend_of(tiny_tokenizer())).of("abc")


@pytest.mark.process
def test_a_process_without_torch_reads_the_same(tmp_path: Any) -> None:
    """A tokenizer is sent to another process, which imports neither torch nor transformers."""
    tokenizer = tokenizer_from(tiny_tokenizer())
    (tmp_path / "sent").write_bytes(pickle.dumps(tokenizer))
    code = (
        "import pickle, sys\n"
        f"tokenizer = pickle.loads(open({str(tmp_path / 'sent')!r}, 'rb').read())\n"
        "print(tokenizer.frame, tokenizer.unknown, tokenizer.backend(['a dog'], True).ids.tolist())\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ids = tokenizer.backend(["a dog"], True).ids.tolist()
    assert done.stdout == f"{tokenizer.frame} {tokenizer.unknown} {ids}\n"


def test_texts_that_repeat_are_tokenised_once() -> None:
    """A batch asks the tokenizer for each distinct text once, and an empty text has no tokens."""
    tokenizer = tiny_tokenizer()
    asked = list[str]()

    def backend(texts: list[str], offsets: bool) -> Tokens:
        asked.extend(texts)
        return backend_of(tokenizer)(texts, offsets)

    lexicon = Lexicon(backend, offsets=True)
    assert lexicon.numbers(["ab", "", None, "ab"]).tolist() == [0, 1, -1, 0]
    assert lexicon.numbers(["", "ab", "c"]).tolist() == [1, 0, 2]
    assert asked == ["ab", "", "c"]
    assert lexicon.tokens.lengths.tolist() == [len(lexicon.of("ab")), 0, len(lexicon.of("c"))]
    assert lexicon.tokens.spans[: lexicon.tokens.bounds[1]][-1].tolist() == [1, 2]
