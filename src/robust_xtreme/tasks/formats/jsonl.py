"""JSON lines: the named fields are noised, every other byte of a line is kept."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats._file import Source, TextLine
from robust_xtreme.tasks.formats._json import Placed, Range, checked, dumped, placed_row, shown, text_of
from robust_xtreme.tasks.formats._moving import MOVING, Edits, Moving, moving, spans
from robust_xtreme.tasks.formats._record import (
    ReadOptions,
    Record,
    Slot,
    SlotResult,
    beside,
    check_free,
    kept,
    show_names,
    spliced,
    word_slot,
)

TAKES: Final = ("--language-field", "--keep", "--skip-null")

_CHOICE: Final = re.compile(r"choice([1-9][0-9]{0,8})")
_CHOICES: Final = "choices"
_CONTEXT: Final = "context"


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each line that is not empty.

    A field is a key whose value is a text, or a list of words, which are spans of one text; `choice2` is also the
    second text of `choices`. Values that name ranges of a text move with it. Raises DataError naming the line.
    """
    for line in source.lines():
        yield record_of(line, source.path, options) if line.text.strip() else kept(line.whole)


def of_row(number: int, row: Mapping[str, Any], path: str, options: ReadOptions) -> Record:
    """The record of a row that is not in a file; it is written as JSON. Raises DataError."""
    return record_of(TextLine(number, json.dumps(row), ""), path, options)


def record_of(line: TextLine, path: str, options: ReadOptions) -> Record:
    """The record of a line that is one JSON object. Raises DataError."""
    row = placed_row(line.text, path, line.number, (*options.fields, _CHOICES, *MOVING))
    location, by = f"{path}:{line.number}", options.language_field
    values = {name: _value(row, name, location) for name in options.fields}
    if options.gold and not isinstance(gold := values[options.gold], str | list | None):
        values[options.gold] = json.dumps(gold) if gold == gold else None  # NaN is how frames write a missing value
    given = {name: value for name, value in values.items() if value is not None or not options.skip_null}
    language = text_of(row, by, location, empty=True) if by and given else ""
    seen: dict[Range, str] = {}
    for name, value in given.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Placed) and (other := seen.setdefault(item.range, name)) != name:
                raise DataError(location, f"{other!r} and {name!r} are the same text. Name it once with --fields.")
    one_text = {name: value for name, value in given.items() if not isinstance(value, list)}
    nulls = not options.gold
    texts = {name: checked(value, name, location, empty=True, nulls=nulls) for name, value in one_text.items()}
    with_edits = options.edits and _CONTEXT in texts
    if _CONTEXT in texts:
        check_free(row, location)
    moves = moving({} if options.gold else row, texts, {*options.keep, *options.fields} - {*texts}, location)
    number = str(line.number)
    slots = tuple(
        Slot(name, number, value, spans(moves[name].ranges), language)
        if name in moves
        else word_slot(name, number, value, language=language)
        for name, value in given.items()
    )
    id = str(row["id"]).strip() if isinstance(row.get("id"), str | int) else ""
    written = partial(_written, line, given, moves, with_edits)
    return Record(slots, written, len(line.text), len(values) - len(given), id)


def _value(row: Mapping[str, Any], name: str, location: str) -> Any:
    """The value of a field. Raises DataError for an unknown field, and for a list of other values than texts."""
    choices, match = row.get(_CHOICES), _CHOICE.fullmatch(name)
    if name in row:
        value = row[name]
    elif match and isinstance(choices, list) and len(choices) >= int(match[1]):
        value = choices[int(match[1]) - 1]
    else:
        known = show_names(key for key, content in row.items() if isinstance(content, str | list))
        raise DataError(location, f"has no field {name!r}; its texts are: {known}. Name one of these.")
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, str):
            raise DataError(location, f"the key {name!r} takes a list of texts, and {shown(item)} is in it.")
        checked(item, name, location, empty=True)
    return value


def _written(
    line: TextLine, given: Mapping[str, Any], moves: Mapping[str, Moving], with_edits: bool, done: Sequence[SlotResult]
) -> str:
    edits: Edits = {}
    for outcome, (name, value) in zip(done, given.items(), strict=True):
        if name in moves:
            stated = beside(outcome) if with_edits and name == _CONTEXT else ""
            edits[value.range] = dumped(outcome.value, value, line.text) + stated
            edits |= moves[name].edits(outcome, line.text)
        else:
            pairs = zip(value, outcome.words(), strict=True)
            edits |= {word.range: dumped(new, word, line.text) for word, new in pairs if new is not None}
    return spliced(line.text, edits) + line.end
