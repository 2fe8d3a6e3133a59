"""Whether the rows of a split say what is right: all of them, none of them, or, by mistake, some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Answers, Choice, Corpus, Document, Example, Tags, Target
from robust_xtreme.specs import Origin, Row

NO_LABELS: Final = "no labels"
_ONE_LABEL: Final = f"{NO_LABELS}, or the same one in every row"
_UNSAID: Final = Choice(-1)
_EMPTY: Final[tuple[Target, ...]] = (_UNSAID, Answers(()), Document(()))


def is_labelled(examples: Sequence[Example]) -> bool:
    """Whether the targets say anything: not where there is none, all are empty, or one label serves all rows."""
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
    """What a split that is not labelled has, as `has ...` continues; empty where it is labelled.

    `keys` are what the adapter named as the targets of queries, of which the `corpus` may know none.
    """
    if is_labelled(examples):
        return ""
    if corpus is not None and (absent := [key for key in keys if key not in corpus.answers]):
        return f"no right candidate: {absent[0]!r:.80}, the first that is asked for, is not in the pool"
    return _ONE_LABEL if any(one.target not in _EMPTY for one in examples) else NO_LABELS


def keys_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """The keys that the targets of queries name, before the texts of a pool are in their place."""
    return tuple(key for one in examples if isinstance(one.target, Document) for key in one.target.ids)


def check_labels(rows: Sequence[Row], examples: Sequence[Example], origin: Origin) -> None:
    """Refuse a row without a label among rows that have one."""
    without = {one.id for one in examples if one.target == _UNSAID}
    if len(without) == len(examples):
        return
    for row in rows:
        if origin.id(row.native) in without:
            raise DataError(row.place, "has no label, and other rows of the file have one.")
