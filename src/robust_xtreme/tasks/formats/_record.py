"""Records of a file, the slots of text in them, and the results that replace these texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Span, span_of
from robust_xtreme.tasks.formats._file import Source

if TYPE_CHECKING:
    from robust_xtreme.noise.engine.noised import Noised


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read: the noised fields, whether a tsv has a header (None: if fields are named), and languages.

    `language_field` names the field with each row's language. `pairs` reads a tsv as its task does: two texts a line,
    `first` and `second`, which may be quoted. `keep` names keys or columns that do not move, whatever they look like.
    With `skip_null` a null is kept where a text is expected, with `edits` the edits of a context are written beside it.
    `gold` names the field of the labels, which may be numbers, of a file that is read only: no place in it moves.
    `tell` is called with each decision about the file that a user should know.
    """

    fields: tuple[str, ...]
    header: bool | None = None
    language_field: str = ""
    pairs: bool = False
    keep: tuple[str, ...] = ()
    skip_null: bool = False
    edits: bool = False
    gold: str = ""
    tell: Callable[[str], object] = lambda _: None


class Slot(NamedTuple):
    """One text of a record: its field, location, value and spans; with `words` these are the words of a sentence."""

    field: str
    location: str
    value: str
    spans: tuple[Span, ...] = ()
    language: str = ""
    words: bool = False


def word_slot(
    field: str, location: str, words: Sequence[str], tags: Sequence[str | None] = (), language: str = ""
) -> Slot:
    """Words joined to one text, in which each word is a span, labelled with its tag where there are tags."""
    return Slot(field, location, " ".join(words), word_spans(words, tags), language, words=True)


def word_spans(words: Sequence[str], tags: Sequence[str | None] = ()) -> tuple[Span, ...]:
    """The span of each word in the words joined by one space, labelled with its tag where there are tags."""
    starts = [*accumulate((len(word) + 1 for word in words), initial=0)]
    stops = [following - 1 for following in starts[1:]]
    return tuple(map(span_of, starts, stops, tags or repeat(None)))


@dataclass(frozen=True, slots=True)
class SlotResult:
    """The result for a slot; without `noised` it is unchanged.

    The noised text may be the slot's value without white space around it, `lead` characters of it before the text.
    """

    slot: Slot
    noised: Noised | None = None
    lead: int = 0

    @property
    def value(self) -> str:
        """The new value of the slot."""
        old = self.slot.value
        return old if self.noised is None else old[: self.lead] + self.noised.text.value + old[self.end :]

    @property
    def end(self) -> int:
        """The offset in the slot's value at which the clean text ends."""
        return self.lead + (len(self.noised.clean.value) if self.noised else len(self.slot.value))

    def moved(self, start: int, stop: int) -> tuple[int, int]:
        """The range in the new value that corresponds to a range of the slot's value."""
        if self.noised is None:
            return start, stop
        low, high = self.noised.to_noisy(max(start, self.lead) - self.lead, min(stop, self.end) - self.lead)
        grown = len(self.noised.text.value) - len(self.noised.clean.value)
        return start if start < self.lead else low + self.lead, stop + grown if stop > self.end else high + self.lead

    def words(self) -> Iterator[str | None]:
        """The new value of each span; None where it did not change."""
        if self.noised is None:
            return repeat(None, len(self.slot.spans))
        clean, new = self.noised.clean, self.noised.text
        pairs = zip(map(clean.at, clean.spans), map(new.at, new.spans), strict=True)
        return (None if before == after else after for before, after in pairs)


Written = Callable[[Sequence[SlotResult]], str | bytes]


class Record(NamedTuple):
    """A piece of a file: the texts in it, a function that writes it from their results, and its size in characters.

    The functions are called in the order of the records. `nulls` is the number of texts that are null, `id` the value
    of the row's column of that name.
    """

    slots: tuple[Slot, ...]
    write: Written
    size: int
    nulls: int = 0
    id: str = ""


Reader = Callable[[Source, ReadOptions], Iterator[Record]]


def show_names(names: Iterable[str]) -> str:
    """The names of columns or keys in a message, with quotation marks where blanks or other marks would not be seen."""
    shown = (name if name.isprintable() and name == name.strip() else repr(name) for name in names)
    return ", ".join(shown)[:200] or "none"


def kept(text: str) -> Record:
    """A piece without texts, which is written unchanged."""
    return Record((), lambda _: text, len(text))


def spliced(text: str, edits: Mapping[tuple[int, int], str]) -> str:
    """The text with some ranges replaced, which do not overlap."""
    parts, position = [], 0
    for (start, stop), new in sorted(edits.items()):
        parts += [text[position:start], new]
        position = stop
    return "".join([*parts, text[position:]])


def on_one_line(value: str, path: str, number: int, marks: str = "\n\r") -> str:
    """A new value for a line or cell. Raises DataError where it contains one of the `marks`, which separate cells."""
    if any(mark in value for mark in marks):
        shown = next(repr(mark) for mark in marks if mark in value)
        raise DataError(path, f"the perturbation put {shown} into a text, which this format cannot contain.", number)
    return value


# Where noise changed a text: the key `edits` beside it, so that positions are mapped back as the noise moved them.
#
# The value is a list of steps, one for each perturbation of a chain; a step is a list of [start, stop, length]: the
# code points from start to stop of the text before the step became so many.

CHANGES: Final = "edits"


def check_free(holder: Mapping[str, Any], location: str) -> None:
    """Raise DataError where an object has the key already, of the noise that made its text."""
    if CHANGES in holder:
        cure = "Perturb the clean file instead, by a chain of both (NAME:STRENGTH+NAME:STRENGTH), or remove the key."
        raise DataError(location, f"has the key {CHANGES!r}, which this noise would make wrong. {cure}")


def beside(outcome: SlotResult) -> str:
    """The member of a JSON object that is written after the text; empty where the text has no edits."""
    traces = outcome.noised.traces if outcome.noised else ()
    steps = [[[a, b, d - c] for a, b, c, d in trace.moves] for trace in traces if trace.moves]
    return f', "{CHANGES}": {json.dumps(steps, separators=(",", ":"))}' if steps else ""
