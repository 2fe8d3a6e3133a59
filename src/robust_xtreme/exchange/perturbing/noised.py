"""Noise the texts of records: the text of each slot, and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import DataError, Mismatch, UnknownName, UserError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.exchange.perturbing.of_task import Texts
from robust_xtreme.noise.engine.noised import Noised, as_read
from robust_xtreme.noise.engine.noising import lacks, noise_with
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.tasks.formats import Record, Slot, SlotResult

NOT_APPLICABLE: Final = "not_applicable"
TAGGING: Final = "tagging"


@final
@dataclass(frozen=True, slots=True)
class FileNoise:
    """A condition: its links, the seed, and the texts of a task or, without one, the language of all texts."""

    links: Sequence[Bound]
    seed: int
    language: str
    texts: Texts | None = None

    def batch(self, records: Sequence[Record], path: str) -> list[tuple[SlotResult, ...]]:
        """The results for the texts of some records. Raises DataError where a language is unknown."""
        slots = [slot for record in records for slot in record.slots]
        texts = list(self._texts(slots, path))
        noised = noised_once(self.links, (text for text, _ in filter(None, texts)), self.seed)
        pairs = zip(slots, texts, strict=True)
        done = iter([SlotResult(slot, noised[pair[0]], pair[1]) if pair else SlotResult(slot) for slot, pair in pairs])
        return [tuple(next(done) for _ in record.slots) for record in records]

    def _texts(self, slots: Sequence[Slot], path: str) -> Iterator[tuple[Text, int] | None]:
        if self.texts is not None:
            for slot in slots:
                text = self.texts.get((slot.location, slot.field))
                yield (text, lead_of(slot, text, path)) if text else None
            return
        for slot in slots:
            check_served(self.links, "", TAGGING if slot.words else "")
            try:
                code = self.language or languages.language(slot.language).code
            except UnknownName as error:
                raise DataError(path, str(error), int(slot.location)) from None
            yield Text(bare_ids(code, [slot.value])[0], code, slot.value, slot.spans), 0


def lead_of(slot: Slot, text: Text, path: str) -> int:
    """The length of the white space before the text that `eval` reads in a slot. Raises Mismatch for another text."""
    lead = 0 if text.value == slot.value else len(slot.value) - len(slot.value.lstrip())
    stop = lead + len(text.value)
    same = slot.value[lead:stop] == text.value and not slot.value[stop:].strip()
    if not (same or (slot.spans and len(slot.spans) == len(text.spans))):
        what = f"the {slot.field} at {slot.location} is not what the task reads there, {text.value[:60]!r}."
        raise Mismatch(f"{path}: {what} It cannot be written; leave it out of --fields.")
    return lead


def noised_once(links: Sequence[Bound], texts: Iterable[Text], seed: int) -> dict[Text, Noised]:
    """Each text noised; equal values with different spans share an id, and are noised in separate calls."""
    noised: dict[Text, Noised] = {}
    waiting = list(dict.fromkeys(texts))
    while waiting:
        now: dict[str, Text] = {}
        later = [text for text in waiting if now.setdefault(text.id, text) is not text]
        noised.update(zip(now.values(), as_read(noise_with(links, list(now.values()), seed)), strict=True))
        waiting = later
    return noised


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Group records into batches of bounded size, because the engine noises many texts faster than one."""
    waiting, size = [], 0
    for record in records:
        waiting.append(record)
        size += 1 + record.size
        if size >= 1 << 16:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def check_served(links: Sequence[Bound], language: str, family: str) -> None:
    """Raise UserError where a perturbation has no meaning in a family of tasks, or does not serve the language."""
    for link in links:
        perturbation = link.perturbation
        if family in perturbation.refuses:
            raise UserError(f"{perturbation.name!r} has no meaning in {family}: the spans of its texts would be lost.")
        if language and (why := lacks(link, language)):
            see = f"robust-xtreme list perturbations --language {language}"
            raise UserError(f"{perturbation.name!r} does not serve the language {language!r}: {why}. See: {see}")
