"""The grammars of mini: every language expresses every clause, with its parts and names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tools.mini.draws import askable, drawn
from tools.mini.grammar import UNSPACED, question, sentence, written
from tools.mini.lexicon import words
from tools.mini.meaning import LANGUAGES, PARTS, Clause, Organisation, Person, Word

from robust_xtreme.core import languages

_CLAUSES = tuple(drawn(1, 620))
_FOREIGN = {"tr": "wİ", "th": "ำ"}
"""Letters of foreign names, and those that the alphabets list otherwise."""


def words_of(words: list[Word], part: str) -> list[Word]:
    """The words of a part."""
    return [word for word in words if word.part == part]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lexicon_has_every_word_of_the_world(language: str) -> None:
    """No key is missing, none is unknown, and none is empty."""
    assert all(table for table in words(language).values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clause_is_expressed_with_all_its_parts_and_names(language: str) -> None:
    """Each part of a clause is one run of words; words of names have their kind, other words have none."""
    for clause in _CLAUSES:
        spoken = sentence(language, clause)
        for part in PARTS:
            indices = [index for index, word in enumerate(spoken) if word.part == part]
            assert bool(indices) == bool(getattr(clause, part)), (written(language, spoken), part)
            assert indices == list(range(indices[0], indices[-1] + 1)) if indices else True, written(language, spoken)
        for part in ("subject", "object", "recipient", "place"):
            kinds = {word.name for word in words_of(spoken, part)}
            assert kinds <= {_kind(clause, part)}, (written(language, spoken), part, kinds)


def _kind(clause: Clause, part: str) -> str:
    if part == "place":
        return "LOC"
    value = getattr(clause, part)
    return "PER" if isinstance(value, Person) else "ORG" if isinstance(value, Organisation) else ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_mentions_every_part_but_the_one_it_asks_for(language: str) -> None:
    """The question does not contain the part that it asks for; it contains the others."""
    for clause in _CLAUSES[:310]:
        for asked in askable(clause):
            spoken = question(language, replace(clause, negated=False), asked)
            assert not words_of(spoken, asked), (written(language, spoken), asked)
            for part in set(PARTS) - {asked}:
                assert bool(words_of(spoken, part)) == bool(getattr(clause, part)), (written(language, spoken), part)


@pytest.mark.parametrize("language", LANGUAGES)
def test_negation_is_expressed(language: str) -> None:
    """The negated statement differs from the statement."""
    for clause in _CLAUSES[:62]:
        said_so = {written(language, sentence(language, replace(clause, negated=value))) for value in (False, True)}
        assert len(said_so) == 2, said_so


def _has_letters(language: str) -> bool:
    return language not in ("zh", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_written_as_the_language_is(language: str) -> None:
    """No word is empty or contains a space, spaces are where words require them, letters are of the alphabet."""
    alphabet = (
        {*languages.language(language).alphabet, *_FOREIGN.get(language, "")} if _has_letters(language) else set()
    )
    for clause in _CLAUSES[:155]:
        spoken = sentence(language, clause)
        assert all(word.text and not any(letter.isspace() for letter in word.text) for word in spoken)
        spaced = sum(word.apart if language in UNSPACED else not word.bound for word in spoken[1:])
        assert written(language, spoken).count(" ") == spaced
        assert bool(spaced) == (language not in UNSPACED) or language == "th"
        letters = {letter for letter in written(language, spoken) if letter.isalpha()} if alphabet else set()
        assert not {letter.lower() for letter in letters} - {letter.lower() for letter in alphabet}
