"""Strings get by their own path the noise that they get as texts with ids, spans and edit counts."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.conformance.texts import SENTENCES
from tests.some import some

import robust_xtreme
from robust_xtreme.api import noised_strings
from robust_xtreme.core import edits, registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import Choice, Example, Text, digest
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec

_SPECS = ("char_noise:0.3", "ocr_noise:0.3", "word_drop:0.4+char_noise:0.2+char_noise:0.2", "casing:0.5")
_ODD = ("", " ", "\n", "a", "a\0b c\0", "  x y ", "e\u0301te\u0301", "\U0001f469\u200d\U0001f4bb ok", "\u0301", "7")
_MEMBERS = [name for name in registry.names("perturbation") if "." not in name and not name.startswith("attack_")]
"""Those of the package itself, but for attacks, which need a model."""


def _values(code: str) -> list[str]:
    """The sentence of a language, its words from the last to the first and one by one, odd texts, and some again."""
    words = SENTENCES[code].split()
    return [SENTENCES[code], " ".join(words[::-1]), *words, *_ODD, *words[:2], SENTENCES[code], f"{words[0]} "]


def _as_texts(values: Sequence[str], spec: str, code: str, seed: int = 0) -> list[str] | str:
    """The noise of strings by the path with edit counts; the message where it raises one."""
    try:
        return [noised.text.value for noised in noised_strings(values, PerturbationSpec.parse(spec), code, seed)]
    except UserError as error:
        return str(error)


def _as_strings(values: Sequence[str], spec: str, code: str, seed: int = 0) -> list[str] | str:
    try:
        return robust_xtreme.perturb(values, spec, language=code, seed=seed)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("code", some(sorted(LANGUAGES), 17))
def test_both_paths_make_the_same_texts_in_every_language(code: str) -> None:
    """In each of the fifty languages, at two seeds, odd and repeated texts too; where one refuses, the other does."""
    values = _values(code)
    for seed, spec in enumerate(_SPECS):
        assert _as_strings(values, spec, code, seed) == _as_texts(values, spec, code, seed), spec


@pytest.mark.parametrize("name", _MEMBERS)
def test_both_paths_make_the_same_texts_with_every_perturbation(name: str) -> None:
    """Every registered perturbation, with and without @names=keep, in languages of three scripts."""
    for code in ("tr", "hi", "el"):
        for spec in (f"{name}:0.5", f"{name}:1@names=keep"):
            assert _as_strings(_values(code), spec, code) == _as_texts(_values(code), spec, code), (spec, code)


def test_an_example_with_the_id_of_a_string_gets_its_noise() -> None:
    """The id of a string is the digest of its language and value."""
    values = _values("de")
    examples = [Example("e", {"text": Text(digest("de", value), "de", value)}, Choice(0), "c") for value in values]
    noised = [example.texts["text"].value for example in robust_xtreme.perturb(examples, "char_noise:0.3")]
    assert robust_xtreme.perturb(values, "char_noise:0.3", language="de") == noised


def test_order_batch_and_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A string has its noise alone, in another order, and however the strings are cut into chunks."""
    values, spec = _values("sw"), "word_drop:0.3+char_noise:0.3"
    whole = robust_xtreme.perturb(values, spec, language="sw")
    assert robust_xtreme.perturb(values[::-1], spec, language="sw")[::-1] == whole
    assert [robust_xtreme.perturb([value], spec, language="sw")[0] for value in values] == whole
    column: Any = np.array(values, object)
    assert robust_xtreme.perturb(column, spec, language="sw") == whole
    monkeypatch.setattr(edits, "_CHUNK", 60)
    assert robust_xtreme.perturb(values, spec, language="sw") == whole


def test_memory_beside_the_texts_is_that_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrays of one chunk at a time are there: strings in small chunks take a fraction of what one chunk takes."""
    values = [f"{number} {SENTENCES['de']}" for number in range(4_000)]
    whole = _peak(monkeypatch, values, 1 << 30)
    assert _peak(monkeypatch, values, 1 << 13) < whole / 5


def _peak(monkeypatch: pytest.MonkeyPatch, values: Sequence[str], chunk: int) -> int:
    """The most memory that noise on strings takes beside them, in bytes."""
    monkeypatch.setattr(edits, "_CHUNK", chunk)
    robust_xtreme.perturb(values[:10], "char_noise:0.1", language="de")
    tracemalloc.start()
    try:
        robust_xtreme.perturb(values, "char_noise:0.1", language="de")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_language_that_is_not_served_is_refused_where_there_are_strings() -> None:
    """No strings in a language that is not served are nothing, and one is an error that names the language."""
    assert robust_xtreme.perturb([], "casing:0.1", language="th") == []
    with pytest.raises(UserError, match="'th'"):
        robust_xtreme.perturb([SENTENCES["th"]], "casing:0.1", language="th")
