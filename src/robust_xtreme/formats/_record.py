"""What a format reads and writes: records, the texts in them, and what became of those."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Span
from robust_xtreme.formats._file import Line, Source

if TYPE_CHECKING:
    from robust_xtreme.noise.engine.noising import Noised


@final
@dataclass(frozen=True, slots=True)
class Options:
    """How a file is read: the fields that are noised, a tsv's header (None: where fields have names), and languages.

    `language_field` names the field that contains each row's language. `pairs` reads a tsv as its task does: two texts a
    line, `first` and `second`, that may be quoted. `keep` names keys of JSON lines that stay as they are, whatever they
    look like.
    """

    fields: tuple[str, ...]
    header: bool | None = None
    language_field: str = ""
    pairs: bool = False
    keep: tuple[str, ...] = ()


class Slot(NamedTuple):
    """One text of a record: its field, its place among the rows that readers yield, its value, its spans.

    `words` says that the spans are the words of a sentence, in a format that may contain other texts too.
    """

    field: str
    place: str
    value: str
    spans: tuple[Span, ...] = ()
    language: str = ""
    words: bool = False


def word_slot(field: str, place: str, words: Sequence[str], language: str = "") -> Slot:
    """Words as one text, each of them a span of it."""
    return Slot(field, place, " ".join(words), word_spans(words), language, words=True)


def word_spans(words: Sequence[str]) -> tuple[Span, ...]:
    """The span of each word in the words joined by one space."""
    spans, start = [], 0
    for word in words:
        spans.append(Span(start, start + len(word)))
        start += len(word) + 1
    return tuple(spans)


@final
@dataclass(frozen=True, slots=True)
class Done:
    """What became of a slot's text; the noised text may be its value without the white space around it."""

    slot: Slot
    noised: Noised | None = None
    lead: int = 0
    value: str = field(default="")

    @property
    def end(self) -> int:
        """Where the clean text ends in the slot's value."""
        return self.lead + (len(self.noised.clean.value) if self.noised else len(self.slot.value))

    def moved(self, start: int, stop: int) -> tuple[int, int]:
        """Where a range of the slot's value is in the new one."""
        if self.noised is None:
            return start, stop
        low, high = self.noised.to_noisy(max(start, self.lead) - self.lead, min(stop, self.end) - self.lead)
        grown = len(self.value) - len(self.slot.value)
        return start if start < self.lead else low + self.lead, stop + grown if stop > self.end else high + self.lead

    def words(self) -> Iterator[str | None]:
        """The new value of each span; None where it is the old one."""
        if self.noised is None:
            yield from (None for _ in self.slot.spans)
            return
        clean, new = self.noised.clean, self.noised.text
        for before, after in zip(clean.spans, new.spans, strict=True):
            yield None if clean.at(before) == new.at(after) else new.at(after)


def unchanged(slot: Slot) -> Done:
    """A text that is left as it is."""
    return Done(slot, value=slot.value)


def changed(slot: Slot, noised: Noised, lead: int) -> Done:
    """A text of which the part after `lead` was noised."""
    stop = lead + len(noised.clean.value)
    return Done(slot, noised, lead, slot.value[:lead] + noised.text.value + slot.value[stop:])


Written = Callable[[Sequence[Done]], str]


class Record(NamedTuple):
    """A piece of a file: the texts in it, how it is written when something became of them, and how long it is."""

    slots: tuple[Slot, ...]
    write: Written
    size: int


Reader = Callable[[Source, Options], Iterator[Record]]


def kept(text: str) -> Record:
    """A piece without texts, written as it was."""
    return Record((), lambda _: text, len(text))


def spliced(text: str, edits: Mapping[tuple[int, int], str]) -> str:
    """The text with some of its ranges, which do not overlap, replaced."""
    parts, place = [], 0
    for (start, stop), new in sorted(edits.items()):
        parts += [text[place:start], new]
        place = stop
    return "".join([*parts, text[place:]])


def on_one_line(value: str, path: str, number: int, marks: str = "\n\r") -> str:
    """A new value for a line or cell. Raises DataError where it would break the file's form."""
    if any(mark in value for mark in marks):
        shown = next(repr(mark) for mark in marks if mark in value)
        raise DataError(path, f"the perturbation put {shown} into a text, which this format cannot contain.", number)
    return value


def whole(line: Line) -> str:
    """A line with its end."""
    return line.text + line.end
