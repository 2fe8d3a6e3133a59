"""What moves with the texts of a row of JSON lines: whose places they are, and what may be such and does not move."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from robust_xtreme.errors import DataError
from robust_xtreme.formats._json import is_whole
from robust_xtreme.formats._places import ANSWERS, BREAKS, SENTENCES, Edits, Place, breaks, moved, moved_breaks, places
from robust_xtreme.formats._record import Done

Fields = Mapping[str, Any]

_SPANS: Final = ("spans", "entities")
_SENTENCES: Final = (BREAKS, SENTENCES)
MOVING: Final = (*ANSWERS, *_SPANS, *_SENTENCES)
"""The keys whose values move with a text."""

_CONTEXT: Final = "context"
_TEXT: Final = "text"
_ANSWERS: Final = ("answer", "answers")
_WORDS: Final = re.compile("[A-Z]?[a-z]+")
_NAMES: Final = frozenset(("start", "starts", "begin", "offset", "offsets", "span", "spans"))
_PAIR: Final = 2
_SIZES: Final = (_PAIR, _PAIR + 1)


class Moving(NamedTuple):
    """What moves with one text of a row: the places in it, and its sentences."""

    row: Fields
    places: Sequence[Place] = ()
    sentences: Sequence[Place] = ()

    def edits(self, new: Done, text: str) -> Edits:
        """How it is written after the text was noised."""
        return moved(self.places, new, text) | moved_breaks(self.row, self.sentences, new, text)


def moving(row: Fields, noised: Mapping[str, str], keep: Collection[str], place: str) -> Mapping[str, Moving]:
    """What moves with each of the texts that are noised; values under the keys to `keep` stay.

    Places are those of `context`; where there is none, those of the text in which they find what they say, and those
    that say nothing of `text` or of the only text that they fit in. Raises DataError where that is not clear, and
    where something else looks like places in a text that is noised.
    """
    row = {key: value for key, value in row.items() if key not in keep}
    owners = {key: owner for key in MOVING if key not in noised and (owner := _owner(row, key, noised, place))}
    _check_left(row, noised, {*noised, *owners}, place)
    return {name: _moving(row, name, text, owners, place) for name, text in noised.items()}


def _moving(row: Fields, name: str, text: str, owners: Mapping[str, str], place: str) -> Moving:
    own = [key for key, owner in owners.items() if owner == name]
    found = [one for key in own if key not in _SENTENCES for one in places(row, key, text, place)]
    return Moving(row, found, breaks(row, text, place) if any(key in own for key in _SENTENCES) else ())


def _owner(row: Fields, key: str, noised: Mapping[str, str], place: str) -> str:
    """The text whose places are under a key, whether it is noised or not; an empty text where there are none."""
    value = row.get(key)
    if value is None or (key in ANSWERS and value and isinstance(value, list) and all(map(_is_text, value))):
        return ""
    in_context = _is_text(row.get(_CONTEXT))
    if key not in _SPANS and in_context:
        return _CONTEXT
    placed = any(_names_place(name, one, None) for name, one in _inside(key, value))
    if in_context:
        return _CONTEXT if placed else ""
    if key == SENTENCES and BREAKS in row and not placed:
        key = BREAKS
        placed = row[key] is not None
    return _fitting(row, key, noised, place) if placed else ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _fitting(row: Fields, key: str, noised: Mapping[str, str], place: str) -> str:
    """The text in which all places of a value are. Raises DataError where it may be several, or none."""
    texts: dict[str, str] = {name: one for name, one in row.items() if _is_text(one)} | dict(noised)
    fits = {name: fit for name, text in texts.items() if (fit := _places(row, key, text)) is not None}
    ours = [name for name in fits if name in noised]
    if any(one.text is None for fit in fits.values() for one in fit):
        if _TEXT in texts:
            return _TEXT
        ours = ours if len(fits) == 1 else list(fits) * bool(ours)
    if fits and (len(ours) <= 1 or not any(fits.values())):
        return next(iter(ours or fits))
    known = " or ".join(map(repr, fits)) or "none of the texts"
    what = f"the places under {key!r} fit in {known}"
    raise DataError(place, f"{what}. Call the text that they are in {_CONTEXT!r}, or leave them: --keep {key}")


def _places(row: Fields, key: str, text: str) -> list[Place] | None:
    """The places in a text; None where one of them is not in it."""
    try:
        return places(row, key, text, "")
    except DataError:
        return None


def _check_left(row: Fields, noised: Mapping[str, str], taken: Collection[str], place: str) -> None:
    """Raise DataError where another key looks like places in a text that is noised, or like the text of an answer."""
    longest = max(map(len, noised.values()), default=-1)
    elsewhere = _is_text(row.get(_CONTEXT)) and _CONTEXT not in noised
    for key, value in row.items():
        if key in taken:
            continue
        if not elsewhere and any(_names_place(name, one, longest) for name, one in _inside(key, value)):
            raise _stale(place, key, "looks like places in a text that is noised")
        if key in _ANSWERS and any(_is_answer(one, noised) for _, one in _inside(key, value)):
            raise _stale(place, key, "contains an answer that is in a text that is noised, without its place,")


def _is_answer(value: Any, noised: Mapping[str, str]) -> bool:
    """Whether a value is a text that is in one that is noised; the letter of a choice is none."""
    if not isinstance(value, str) or not value or (len(value) == 1 and value.isascii()):
        return False
    return any(_stands(value, text) for text in noised.values())


def _stands(value: str, text: str) -> bool:
    """Whether a text contains another, not as a part of a word in a script with capitals: `no` is not in `know`."""
    places = (found.span() for found in re.finditer(re.escape(value), text))
    return any(not (_joins(text, start) or _joins(text, stop)) for start, stop in places)


def _joins(text: str, place: int) -> bool:
    around = text[max(place - 1, 0) : place + 1]
    return len(around) == _PAIR and all(one.lower() != one.upper() for one in around)


def _stale(place: str, key: str, what: str) -> DataError:
    names = ", ".join(MOVING)
    return DataError(place, f"the key {key!r} {what} and does not move (these do: {names}). Leave it: --keep {key}")


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value, and every one in it however deep, with the key that it is under."""
    pending: list[tuple[str, Any]] = [(key, value)]
    while pending:
        name, value = pending.pop()
        yield name, value
        if isinstance(value, dict):
            pending += value.items()
        elif isinstance(value, list):
            pending += ((name, inner) for inner in value)


def _names_place(name: str, value: Any, longest: int | None) -> bool:
    """Whether a value is a number under a name of places, or a list of pairs of numbers, at most `longest`."""
    if _is_offset(value, longest):
        return not _NAMES.isdisjoint(word.lower() for word in _WORDS.findall(name))
    return isinstance(value, list) and bool(value) and all(_is_pair(one, longest) for one in value)


def _is_pair(value: Any, longest: int | None) -> bool:
    """Whether a value is a start and a stop, with or without a name after them."""
    if not isinstance(value, list) or len(value) not in _SIZES:
        return False
    start, stop, *names = value
    return _is_offset(start, longest) and _is_offset(stop, longest) and all(map(_is_text, names))


def _is_offset(value: Any, longest: int | None) -> bool:
    return is_whole(value) and (longest is None or 0 <= value <= longest)
