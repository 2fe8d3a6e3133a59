"""The texts of a file and their noise: of each record, or those that `eval` reads from a task's file, by location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final, NamedTuple, final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UnknownName, UserError
from robust_xtreme.core.examples import Example, Text
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.noise.engine.noised import Noised, as_read
from robust_xtreme.noise.engine.noising import lacks, noise_with
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.tasks.formats import PACKED, Record, Slot, SlotResult, read_file, reader
from robust_xtreme.tasks.sources import has_language
from robust_xtreme.tasks.sources.paths import options
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.tasks.sources.suite import MANIFEST

Texts = Mapping[tuple[str, str], Text]


class TaskChoice(NamedTuple):
    """A task, a split (`auto`: by the file's name) and a language, or a pair such as `de@en`."""

    task: TaskSpec
    split: str
    language: str


def texts(asked: TaskChoice, file: str, called: Mapping[str, str]) -> Texts:
    """The texts of a task's file by their location in it and by field, as `called` in the file.

    They have the ids, values and spans that `eval` noises, so that they get the same noise. Raises as `examples`.
    """
    return {
        (location, called[name]): text
        for location, example in examples(asked, file)[1]
        for name, text in example.texts.items()
        if name in called
    }


def examples(asked: TaskChoice, file: str) -> tuple[str, list[tuple[str, Example]]]:
    """The split of a task's file, and its examples, as `eval` reads them, with their location in the file.

    Raises DataError, MissingData, UnknownName, UserError.
    """
    task, path = asked.task, Path(file).absolute()
    if not path.is_file():
        raise DataError(file, "is not a file that can be read.")
    split, result = _rows(asked, path)
    check(result)
    origin = Origin(task.name, split, asked.language)
    by_id = {example.id: example for example in task.adapt(result.rows, origin)}
    return split, [
        (location, example)
        for row in result.rows
        if (location := _location(row, path)) and (example := by_id.get(origin.id(row.native)))
    ]


def _location(row: Row, path: Path) -> str:
    """The location of a row within the file; an empty text where the row is from another file."""
    head = f"{path}:"
    return row.location.removeprefix(head).strip() if row.location.startswith(head) else ""


def _rows(asked: TaskChoice, path: Path) -> tuple[str, SourceRows]:
    """The split, and its rows: those of all files that `eval` reads with this file, or of this file alone."""
    task, suite = asked.task, path.parent.parent
    if (suite / MANIFEST).is_file():
        source = open_source(str(suite))
        _check_language(asked, source)
        plain = Path(path.name.removesuffix(PACKED))
        named = [plain.name.removesuffix(f"-{asked.language}{plain.suffix}")]
        split = _split(asked, source.splits(task), named, path)
        return split, source.read(task, asked.language, split)
    _check_language(asked, Release(path.parent))
    roots = {split: root for split in task.files if (root := _root(asked, split, path)) is not None}
    split = _split(asked, tuple(task.files), list(roots), path)
    if split in roots:
        result = Release(roots[split]).read(task, asked.language, split)
        if any(_location(row, path) for row in result.rows):
            return split, result
    # The file is in another folder: its rows alone.
    files, file = task.files[split], read_file(path)
    rows: Sequence[Row] = reader(files.reader).read(file.text, str(path))
    if files.ids == "ordinal":
        rows = [replace(row, native=str(number)) for number, row in enumerate(rows)]
    return split, SourceRows(tuple(rows), str(path), ((str(path), file.sha256),))


def _split(asked: TaskChoice, known: Sequence[str], named: Sequence[str], path: Path) -> str:
    """The split that is named, that the file's name contains, or the only split that is evaluated."""
    if asked.split != "auto":
        if asked.split not in known:
            raise MissingData(f"{asked.task.name} has no {asked.split} split. It has: {', '.join(known)}.")
        return asked.split
    evaluated = [split for split in known if split != "train"]
    candidates = [split for split in named if split in known] or evaluated
    if len(candidates) != 1:
        known_by = " or ".join(f"--split {split}" for split in candidates or known)
        raise UserError(f"{path.name} may be of any split of {asked.task.name}. Name it: {known_by or 'it has none'}")
    return candidates[0]


def _root(asked: TaskChoice, split: str, path: Path) -> Path | None:
    """The release folder of a file of that split; None where its path is not that of a file of the split."""
    trained = asked.language in asked.task.train_languages
    for option in options(asked.task.files[split], asked.language, everywhere=asked.task.files[split].mixed or trained):
        for part in option:
            depth = len(PurePath(part).parts)
            if len(path.parents) > depth and path.relative_to(path.parents[depth - 1]).match(part):
                return path.parents[depth - 1]
    return None


def _check_language(asked: TaskChoice, source: Source) -> None:
    if not has_language(asked.task, source, asked.language):
        known = source.languages(asked.task)
        raise languages.unknown_language(
            asked.language, known, source.see, f"language of {asked.task.name}{source.within}"
        )


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
            see = f"robust-xtreme list perturbations --languages {language}"
            raise UserError(f"{perturbation.name!r} does not serve the language {language!r}: {why}. See: {see}")
