"""Whether the rows of a split have labels: all of them, none of them, or, by mistake, some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import UNLABELLED, Answers, Choice, Corpus, Document, Example, Tags, Target
from robust_xtreme.specs import Origin, Row

NO_LABELS: Final = "no labels"
_ONE_LABEL: Final = f"{NO_LABELS}, or the same one in every row"
_EMPTY: Final[tuple[Target, ...]] = (UNLABELLED, Answers(()), Document(()))


def is_labelled(examples: Sequence[Example]) -> bool:
    """Whether the targets are labels: not where there are none, all are empty, or all rows have the same label."""
    seen: set[object] = set()
    for example in examples:
        match example.target:
            case Choice(index):
                seen.add(index)
            case Tags(names):
                seen.update(names)
            case Answers(spans) if spans:
                return True
            case Document(ids) if ids:
                return True
    return len(seen) > 1 or (len(examples) == 1 and bool(seen) and not seen <= {-1, "O"})


def lack(examples: Sequence[Example], keys: Sequence[str] = (), corpus: Corpus | None = None) -> str:
    """What an unlabelled split has instead of labels, to follow the word `has`; empty where it is labelled.

    `keys` are the targets of queries as the adapter names them; the `corpus` may contain none of them.
    """
    if is_labelled(examples):
        return ""
    if corpus is not None and (absent := [key for key in keys if key not in corpus.answers]):
        return f"no right candidate: {absent[0]!r:.80}, the first that is asked for, is not in the pool"
    return _ONE_LABEL if any(example.target not in _EMPTY for example in examples) else NO_LABELS


def keys_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """The keys that the targets of queries name, before texts of the pool replace them."""
    return tuple(key for example in examples if isinstance(example.target, Document) for key in example.target.ids)


def check_labels(rows: Sequence[Row], examples: Sequence[Example], origin: Origin) -> None:
    """Raise DataError for a row without a label among labelled rows."""
    without = {example.id for example in examples if type(example.target) is Choice and example.target == UNLABELLED}
    for row in rows if 0 < len(without) < len(examples) else ():
        if origin.id(row.native) in without:
            raise DataError(row.location, "has no label, and other rows of the file have one.")
