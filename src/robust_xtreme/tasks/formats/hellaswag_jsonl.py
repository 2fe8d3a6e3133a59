"""HellaSwag's beginnings of a text with four endings each: a JSON object each line."""

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import objects, text_of, texts_of
from robust_xtreme.tasks.formats.jsonl_choices import labelled_choices

FIELDS: Final = ("premise", "choices", "label")

_ENDINGS: Final = 4


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: `premise`, four `choices` and `label`, an index or None where the file has none.

    The choices begin with the text between the premise and the endings, as in jiant. Raises DataError where a line has
    another form.
    """
    rows = []
    for index, (row, location) in enumerate(objects(text, path)):
        label = row.get("label")
        if label is not None and (type(label) is not int or not 0 <= label < _ENDINGS):
            raise DataError(
                location, f"the key 'label' takes a whole number from 0 to {_ENDINGS - 1}, not {label!r:.80}."
            )
        rows.append(Row(str(index), location, {**completed(row, location), "label": label}))
    return tuple(rows)


def completed(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The premise of a row and its four choices. Raises DataError."""
    premise, between = text_of(row, "ctx_a", location), text_of(row, "ctx_b", location, empty=True)
    endings = texts_of(row, "endings", location)
    if len(endings) != _ENDINGS:
        raise DataError(location, f"the key 'endings' takes {_ENDINGS} texts, not {len(endings)}.")
    return {"premise": premise, "choices": tuple(f"{between} {ending}".strip() for ending in endings)}


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {"premise": text_of(row, "premise", location), **labelled_choices(row, location)}
