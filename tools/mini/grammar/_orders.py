"""English words in other orders: how a clause would be put in a language that does not exist.

Such a language is a number; it fixes where the verb stands, in which order things are said, on which side adpositions
and adjectives go, whether there are articles, and where a denial and a question word are put.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, final

from tools.mini.grammar._words import capitalised
from tools.mini.meaning import PARTS, Word

_ARTICLES: Final = ("the", "a", "an")
_ADPOSITIONS: Final = ("in", "on", "to", "for", "at")
_ASKING: Final = ("who", "whom", "what", "where", "which")
_SUPPORT: Final = ("did", "does")
_ENDS: Final = (".", "?")


@final
@dataclass(frozen=True, slots=True)
class Order:
    """One such language. `verb` is the number of phrases before it, `denial` where `not` stands beside it."""

    parts: tuple[str, ...]
    verb: int
    postpositions: bool
    articles: bool
    adjective_last: bool
    kind_first: bool
    denial: str
    question_first: bool
    support: str


@final
@dataclass(frozen=True, slots=True)
class _Phrase:
    part: str
    adposition: tuple[Word, ...] = ()
    article: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()


def order(number: int) -> Order:
    """The language of that number."""
    draw = Random(f"order/{number}")
    parts = ["subject", *draw.sample(PARTS[1:], len(PARTS) - 1)]
    if draw.random() < 0.25:
        draw.shuffle(parts)
    return Order(
        parts=(*parts, "quality"),
        verb=draw.choice((0, 1, 1, 9, 9)),
        postpositions=draw.random() < 0.5,
        articles=draw.random() < 0.3,
        adjective_last=draw.random() < 0.4,
        kind_first=draw.random() < 0.5,
        denial=draw.choice(("before", "behind", "last")),
        question_first=draw.random() < 0.4,
        support=draw.choice(("without", "beside", "apart")),
    )


def ordered(words: list[Word], number: str) -> list[Word]:
    """An English statement or question in the order of that number; without a number as it is."""
    return _ordered(words, order(int(number))) if number else words


def _ordered(words: list[Word], own: Order) -> list[Word]:
    body, end = [one for one in words if one.text not in _ENDS], [one for one in words if one.text in _ENDS]
    phrases, rest = _phrases([replace(one, text=_small(one)) for one in body])
    asked, verb, denial = _sorted(rest)
    support = [one for one in verb if one.text in _SUPPORT]
    if own.support != "beside" or not support:
        verb = [one for one in verb if one.text not in _SUPPORT]
    said = [_said(one, own) for one in sorted(phrases, key=lambda one: own.parts.index(one.part))]
    if asked:
        said.insert(0 if own.question_first else max(0, len(said) - 1), asked)
    head = _denied(verb, denial, own)
    place = min(own.verb, len(said))
    if own.support == "apart" and support:
        said.insert(min(1, len(said)), support)
        place += place >= 1
    said.insert(min(place, len(said)), head)
    tail = denial if own.denial == "last" else []
    return capitalised([*(one for phrase in said for one in phrase), *tail, *end])


def _small(word: Word) -> str:
    known = (*_ARTICLES, *_ADPOSITIONS, *_ASKING)
    return word.text.lower() if word.text.lower() in known and not word.name else word.text


def _phrases(words: list[Word]) -> tuple[list[_Phrase], list[Word]]:
    """The phrases of a clause's parts with their adpositions and articles, and the words left over."""
    found: list[_Phrase] = []
    rest: list[Word] = []
    for word in words:
        if not word.part:
            rest.append(word)
        elif found and found[-1].part == word.part:
            found[-1] = replace(found[-1], words=(*found[-1].words, word))
        else:
            articles = _popped(rest, _ARTICLES)
            found.append(_Phrase(word.part, _popped(rest, _ADPOSITIONS), articles, (word,)))
    return found, rest


def _popped(rest: list[Word], known: tuple[str, ...]) -> tuple[Word, ...]:
    if rest and rest[-1].text in known:
        return (rest.pop(),)
    return ()


def _sorted(rest: Iterable[Word]) -> tuple[list[Word], list[Word], list[Word]]:
    """The words left over: those that ask, those of the verb, and the denial."""
    asked: list[Word] = []
    verb: list[Word] = []
    denial: list[Word] = []
    for word in rest:
        if word.text == "not":
            denial.append(word)
        elif word.text in (*_ASKING, "day", "year", "organisation", "university", *_ADPOSITIONS):
            asked.append(word)
        else:
            verb.append(word)
    return asked, verb, denial


def _said(phrase: _Phrase, own: Order) -> list[Word]:
    words = list(phrase.words)
    name = words[0].name
    flipped = own.kind_first if name == "ORG" else own.adjective_last and not name
    if flipped and len(words) > 1:
        words = [*words[-1:], *words[:-1]]
    article = phrase.article if own.articles else ()
    if own.postpositions:
        return [*article, *words, *phrase.adposition]
    return [*phrase.adposition, *article, *words]


def _denied(verb: list[Word], denial: list[Word], own: Order) -> list[Word]:
    if own.denial == "before":
        return [*denial, *verb]
    return [*verb, *denial] if own.denial == "behind" else verb
