"""Noise on the values of a column in one language: texts, lists of words, and texts with positions in them.

A value draws by its language and its text, as in `robust_xtreme.perturb`, so that rows, batches and processes do not
matter. Lists of words and positions are noised as those of a file of JSON lines (`formats/jsonl.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, final

from robust_xtreme.errors import DataError, UserError, shown
from robust_xtreme.examples import Text
from robust_xtreme.formats import Options, Record, jsonl, word_spans
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.noise.engine.strings import noise_strings
from robust_xtreme.perturbing import noised
from robust_xtreme.randomness import bare_ids

_CONTEXT: Final = "context"
_ANSWERS: Final = "answers"
_OPTIONS: Final = Options((_CONTEXT,))


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """The links of a chain, the noise seed, the language of some rows, and their numbers (n,), for errors."""

    links: Sequence[Bound]
    seed: int
    language: str
    numbers: Sequence[int]

    def refuse(self, row: int, name: str, what: str) -> NoReturn:
        """Raise UserError about the value of a column in a row."""
        raise UserError(f"The column {name!r} has {what} in row {self.numbers[row]}.")


def strings(noise: Noise, name: str, values: Sequence[Any]) -> list[str | None]:
    """Texts (n,) after noise; None stays. Raises UserError at another value."""
    for row, value in enumerate(values):
        _check_text(noise, row, name, value)
    whole = [str(value) for value in values if value is not None]
    new = iter(noise_strings(noise.links, whole, noise.language, noise.seed))
    return [None if value is None else next(new) for value in values]


def _check_text(noise: Noise, row: int, name: str, value: Any) -> None:
    """Raise UserError where a value is neither a text nor None, or has half of a surrogate pair."""
    if value is None:
        return
    if not isinstance(value, str):
        what = f"{shown(value)}, which is {type(value).__name__} and not a text,"
        noise.refuse(row, name, what)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        noise.refuse(row, name, f"{error.object[error.start]!a}, half of a surrogate pair,")


def words(noise: Noise, name: str, values: Sequence[Any]) -> list[list[str] | None]:
    """Lists of words (n,) after noise, each with as many words as before; None stays. Raises UserError."""
    texts = [None if value is None else _sentence(noise, row, name, value) for row, value in enumerate(values)]
    done = noised.noised_once(noise.links, filter(None, texts), noise.seed)
    new = [None if text is None else done[text].text for text in texts]
    return [None if text is None else text.pieces(words=True) for text in new]


def _sentence(noise: Noise, row: int, name: str, value: Any) -> Text:
    """The words of a row as one text, in which each word is a span."""
    if not isinstance(value, list):
        noise.refuse(row, name, f"{shown(value)} beside lists of words")
    for word in value:
        if word is None:
            noise.refuse(row, name, "None among its words")
        _check_text(noise, row, name, word)
    joined = " ".join(value)
    return Text(bare_ids(noise.language, [joined])[0], noise.language, joined, word_spans(value))


def moved(
    noise: Noise, name: str, values: Sequence[Any], spans: str, positions: Sequence[Any]
) -> tuple[list[str | None], list[Any]]:
    """Texts (n,) after noise and the positions (n,) in them; a text or positions that are None stay.

    Positions are those that JSON lines may have: an object with lists of `text` and `answer_start`, a list of objects
    with these, or pairs of start and stop. Raises UserError where they are not in the text.
    """
    rows = [row for row, value in enumerate(values) if value is not None]
    records = [_record(noise, row, name, spans, values[row], positions[row]) for row in rows]
    drawn = noised.Noise(noise.links, noise.seed, noise.language).batch(records, name)
    texts, moves = list(values), list(positions)
    for row, record, done in zip(rows, records, drawn, strict=True):
        written = json.loads(record.write(done))
        texts[row], moves[row] = written[_CONTEXT], written[_ANSWERS]
    return texts, moves


def _record(noise: Noise, row: int, name: str, spans: str, value: Any, position: Any) -> Record:
    """A text and the positions in it as a row of JSON lines."""
    _check_text(noise, row, name, value)
    try:
        return jsonl.of_row(noise.numbers[row], {_CONTEXT: value, _ANSWERS: position}, name, _OPTIONS)
    except TypeError:
        noise.refuse(row, spans, f"{shown(position)}, which are not lists and numbers of Python,")
    except DataError as error:
        raise UserError(f"Row {noise.numbers[row]}, columns {name!r} and {spans!r}: {error.what}") from None
