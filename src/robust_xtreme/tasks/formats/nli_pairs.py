"""Pairs for natural language inference as their releases have them: a JSON object each line, or columns.

Objects are those of MultiNLI and SNLI (`sentence1`, `sentence2`, `gold_label`), of ANLI (`context`, `hypothesis`, and
`label` as e, n or c), or have `premise`, `hypothesis` and `label`. Columns are those of `tsv`: under a header, as
in GLUE's files and TaxiNLI's, or without one, as XTREME's scripts write them.
"""

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import tsv
from robust_xtreme.tasks.formats._json import objects, text_of

FIELDS: Final = tsv.FIELDS

record = tsv.record

_LAYOUTS: Final = (
    ("sentence1", "sentence2", "gold_label"),
    ("context", "hypothesis", "label"),
    ("premise", "hypothesis", "label"),
)
_LETTERS: Final = {"e": "entailment", "n": "neutral", "c": "contradiction"}


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `first`, `second` and `label`.

    Pairs with the label `-`, on which annotators did not agree, are left out. Raises DataError where a line has another
    form.
    """
    if text[:1000].lstrip().startswith("{"):
        given = enumerate(objects(text, path))
        rows = tuple(Row(str(index), location, _values(row, location)) for index, (row, location) in given)
    else:
        rows = tsv.read(text, path)
    return tuple(row for row in rows if row.values["label"] != "-")


def _values(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    layout = next((keys for keys in _LAYOUTS if all(key in row for key in keys)), None)
    if layout is None:
        known = ", nor ".join(f"{', '.join(keys[:-1])} and {keys[-1]}" for keys in _LAYOUTS)
        raise DataError(location, f"has neither the keys {known}.")
    first, second = (text_of(row, key, location, empty=True) for key in layout[:2])
    label = text_of(row, layout[2], location)
    return {"first": first, "second": second, "label": _LETTERS.get(label, label)}
