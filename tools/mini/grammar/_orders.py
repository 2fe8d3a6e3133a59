"""English words in other orders: how a clause would be put in a language that does not exist.

Such a language is a number; it fixes the position of the verb, the order of the parts, on which side adpositions
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
    """One such language. `verb` is the number of phrases before it; `markers` follow parts.

    `linker` is between the kind of an organisation and its name, `company` before a firm's name, `joiner` between a
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


def put(words: list[Word], order: Order) -> list[Word]:
    """An English statement or question in another order."""
    body, end = [word for word in words if word.text not in _ENDS], [word for word in words if word.text in _ENDS]
    phrases, rest = _phrases([replace(word, text=_small(word)) for word in body])
    asked, verb, denial = _sorted(rest)
    support = [word for word in verb if word.text in _SUPPORT]
    if order.support != "beside":
        verb = [word for word in verb if word.text not in _SUPPORT]
    if asked and not order.question_first:
        phrases.append(_in_place(asked))
    placed = [_spoken(phrase, order) for phrase in sorted(phrases, key=lambda phrase: order.parts.index(phrase.part))]
    if asked and order.question_first:
        placed.insert(0, asked)
    placed.insert(min(order.verb, len(placed)), _denied(verb, denial, order))
    if order.support == "apart" and support:
        placed.insert(min(1, len(placed)), support)
    tail = denial if order.denial == "last" else []
    kept = end if order.stops else [word for word in end if word.text != "."]
    return capitalised([*(word for phrase in placed for word in phrase), *tail, *kept])


def _small(word: Word) -> str:
    known = (*_ARTICLES, *_ADPOSITIONS, *_ASKING)
    return word.text.lower() if word.text.lower() in known and not word.name else word.text


def _phrases(words: list[Word]) -> tuple[list[_Phrase], list[Word]]:
    """The phrases of a clause's parts with their adpositions and articles, and the words left over."""
    phrases: list[_Phrase] = []
    rest: list[Word] = []
    for word in words:
        if not word.part:
            rest.append(word)
        elif phrases and phrases[-1].part == word.part:
            phrases[-1] = replace(phrases[-1], words=(*phrases[-1].words, word))
        else:
            articles = _popped(rest, _ARTICLES)
            phrases.append(_Phrase(word.part, _popped(rest, _ADPOSITIONS), articles, (word,)))
    return phrases, rest


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
    texts = [word.text for word in asked]
    known = {"where": "place", "day": "day", "year": "year", "to": "recipient", "who": "subject"}
    part = next((known[text] for text in texts if text in known), "object")
    adposition = tuple(word for word in asked if word.text in _ADPOSITIONS)
    return _Phrase(part, adposition, (), tuple(word for word in asked if word.text not in _ADPOSITIONS))


def _spoken(phrase: _Phrase, order: Order) -> list[Word]:
    words = _named(list(phrase.words), order)
    article = phrase.article if order.articles else ()
    marker = order.markers.get(phrase.part, "")
    marked = [Word(marker, bound=order.bound or not marker.isalpha())] if marker else []
    if order.postpositions:
        return [*article, *words, *phrase.adposition, *marked]
    return [*phrase.adposition, *article, *words, *marked]


def _named(words: list[Word], order: Order) -> list[Word]:
    """A noun with its adjective, or a name, as the language puts them."""
    first = words[0]
    if not first.part:
        return words
    if first.name == "PER" and order.joiner and len(words) > 1:
        return [
            first,
            *(piece for word in words[1:] for piece in (replace(first, text=order.joiner, bound=True), word)),
        ]
    if first.name != "ORG":
        return [*words[-1:], *words[:-1]] if order.adjective_last and not first.name and len(words) > 1 else words
    if words[-1].text not in _KINDS:
        return [Word(order.company), *words] if order.company else words
    if not order.kind_first:
        return words
    return [words[-1], *([replace(first, text=order.linker)] if order.linker else []), *words[:-1]]


def _denied(verb: list[Word], denial: list[Word], order: Order) -> list[Word]:
    if order.denial == "before":
        return [*denial, *verb]
    return [*verb, *denial] if order.denial == "behind" else verb
