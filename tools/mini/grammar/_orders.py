"""English words in other orders: how a clause would be put in a language that does not exist.

Such a language is a number; it fixes where the verb stands, in which order things are said, on which side adpositions
and adjectives go, whether there are articles, where a denial and a question word are put, and which particles of other
languages mark the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final, final

from tools.mini.grammar._words import capitalised
from tools.mini.meaning import PARTS, Word

_ARTICLES: Final = ("the", "a", "an")
_ADPOSITIONS: Final = ("in", "on", "to", "for", "at")
_ASKING: Final = ("who", "whom", "what", "where", "which")
_SORTS: Final = ("day", "year", "organisation", "university")
_SUPPORT: Final = ("did", "does")
_ENDS: Final = (".", "?")
_KINDS: Final = ("Bank", "University", "Museum", "Hospital")
_MARKERS: Final = (",", "は", "が", "を", "に", "で", "는", "가", "를", "에게", "ने", "को", "का", "了", "'e", "na")
_LINKERS: Final = ("of", "de", "ya", "«", "-")
_COMPANIES: Final = ("Firma", "empresa", "kampuni", "компания", "شركة", "कंपनी", "şirketi")
_JOINERS: Final = ("·", "・")


@final
@dataclass(frozen=True, slots=True)
class Order:
    """One such language. `verb` is the number of phrases before it; `markers` stand behind parts.

    `linker` stands between the kind of an organisation and its name, `company` before a company's, `joiner` between a
    person's names; empty ones are left out.
    """

    parts: tuple[str, ...]
    verb: int
    postpositions: bool
    articles: bool
    adjective_last: bool
    kind_first: bool
    denial: str
    question_first: bool
    support: str
    markers: Mapping[str, str]
    bound: bool
    linker: str
    company: str
    joiner: str
    stops: bool


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
        articles=draw.random() < 0.4,
        adjective_last=draw.random() < 0.4,
        kind_first=draw.random() < 0.5,
        denial=draw.choice(("before", "behind", "last")),
        question_first=draw.random() < 0.4,
        support=draw.choice(("without", "beside", "apart")),
        markers=_markers(draw),
        bound=draw.random() < 0.5,
        linker=_sometimes(draw, 0.6, _LINKERS),
        company=_sometimes(draw, 0.4, _COMPANIES),
        joiner=_sometimes(draw, 0.2, _JOINERS),
        stops=draw.random() < 0.9,
    )


def _markers(draw: Random) -> Mapping[str, str]:
    marked = draw.random() < 0.6
    return {part: draw.choice(_MARKERS) for part in PARTS if marked and draw.random() < 0.5}


def _sometimes(draw: Random, share: float, several: tuple[str, ...]) -> str:
    return draw.choice(several) if draw.random() < share else ""


def ordered(words: list[Word], number: str) -> list[Word]:
    """An English statement or question in the order of that number; without a number as it is."""
    return put(words, order(int(number))) if number else words


def put(words: list[Word], own: Order) -> list[Word]:
    """An English statement or question in another order."""
    body, end = [one for one in words if one.text not in _ENDS], [one for one in words if one.text in _ENDS]
    phrases, rest = _phrases([replace(one, text=_small(one)) for one in body])
    asked, verb, denial = _sorted(rest)
    support = [one for one in verb if one.text in _SUPPORT]
    if own.support != "beside":
        verb = [one for one in verb if one.text not in _SUPPORT]
    if asked and not own.question_first:
        phrases.append(_in_place(asked))
    said = [_said(one, own) for one in sorted(phrases, key=lambda one: own.parts.index(one.part))]
    if asked and own.question_first:
        said.insert(0, asked)
    said.insert(min(own.verb, len(said)), _denied(verb, denial, own))
    if own.support == "apart" and support:
        said.insert(min(1, len(said)), support)
    tail = denial if own.denial == "last" else []
    kept = end if own.stops else [one for one in end if one.text != "."]
    return capitalised([*(one for phrase in said for one in phrase), *tail, *kept])


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
        elif word.text in (*_ASKING, *_SORTS, *_ADPOSITIONS):
            asked.append(word)
        else:
            verb.append(word)
    return asked, verb, denial


def _in_place(asked: list[Word]) -> _Phrase:
    """What is asked for as a phrase of the part that it asks for."""
    texts = [one.text for one in asked]
    known = {"where": "place", "day": "day", "year": "year", "to": "recipient", "who": "subject"}
    part = next((known[text] for text in texts if text in known), "object")
    adposition = tuple(one for one in asked if one.text in _ADPOSITIONS)
    return _Phrase(part, adposition, (), tuple(one for one in asked if one.text not in _ADPOSITIONS))


def _said(phrase: _Phrase, own: Order) -> list[Word]:
    words = _named(list(phrase.words), own)
    article = phrase.article if own.articles else ()
    marker = own.markers.get(phrase.part, "")
    marked = [Word(marker, bound=own.bound or not marker.isalpha())] if marker else []
    if own.postpositions:
        return [*article, *words, *phrase.adposition, *marked]
    return [*phrase.adposition, *article, *words, *marked]


def _named(words: list[Word], own: Order) -> list[Word]:
    """A noun with its adjective, or a name, as the language puts them."""
    first = words[0]
    if not first.part:
        return words
    if first.name == "PER" and own.joiner and len(words) > 1:
        return [first, *(one for word in words[1:] for one in (replace(first, text=own.joiner, bound=True), word))]
    if first.name != "ORG":
        return [*words[-1:], *words[:-1]] if own.adjective_last and not first.name and len(words) > 1 else words
    if words[-1].text not in _KINDS:
        return [Word(own.company), *words] if own.company else words
    if not own.kind_first:
        return words
    return [words[-1], *([replace(first, text=own.linker)] if own.linker else []), *words[:-1]]


def _denied(verb: list[Word], denial: list[Word], own: Order) -> list[Word]:
    if own.denial == "before":
        return [*denial, *verb]
    return [*verb, *denial] if own.denial == "behind" else verb
