"""Perturb a file: read it as a stream, noise its texts in batches, write it whole or not at all.

Its texts are those of each record, or those that `eval` reads from a task's file, by location.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from robust_xtreme.core import languages, registry
from robust_xtreme.core.edits import Edit
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, SpecError, UnknownName, UserError, counted
from robust_xtreme.core.examples import SPAN_QA, TAGGING, Example, Text
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.core.sinks import csv_cell
from robust_xtreme.core.specs import Origin, PerturbationSpec, Row, TaskSpec
from robust_xtreme.exchange.perturbing.output import OutputFile, target, written
from robust_xtreme.noise.conditions.condition import Frozen
from robust_xtreme.noise.engine.noised import Noised, as_read
from robust_xtreme.noise.engine.noising import bound, lacks, noise_with
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.noise.suites import single
from robust_xtreme.tasks import formats
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.noisy.frozen_runs import read_frozen
from robust_xtreme.tasks.noisy.layouts import TaskSplit
from robust_xtreme.tasks.sources.release import Release, options
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.tasks.sources.source import check_language, open_source
from robust_xtreme.tasks.sources.suite import MANIFEST

_SQUAD: Final = "squad"
EDIT_COUNTS: Final = (
    *("place", "field", "id", "language", "status"),
    *("eligible", "edits", "graphemes", "edited", "edit_rate"),
)
"""The columns of the file of edit counts: `edits` by operator, `edited` and `edit_rate` in graphemes."""


@dataclass(frozen=True, slots=True)
class PerturbJob:
    """The arguments of the command: the file, the condition or the attack, the output file and the options."""

    file: str
    spec: str
    out: str
    task: str = ""
    split: str = "auto"
    language: str = ""
    language_field: str = ""
    fields: tuple[str, ...] = ()
    format: str = ""
    header: bool | None = None
    keep: tuple[str, ...] = ()
    skip_null: bool = False
    keep_names: bool = False
    seed: int = 0
    frozen: str = ""
    edit_counts: str = ""
    force: bool = False


class Totals(NamedTuple):
    """Numbers of texts: noised, changed, of languages that are not served, not read by the task; sum of edit rates.

    `nulls` is the number of those that are null, `bare` of those that have nothing that the noise may change. `note` is
    appended to the summary. `why` says what is left.
    """

    texts: int = 0
    changed: int = 0
    not_applicable: int = 0
    left: int = 0
    rates: float = 0.0
    note: str = ""
    nulls: int = 0
    why: str = "the task does not read"
    bare: int = 0

    def plus(self, done: Iterable[formats.SlotResult], nulls: int = 0) -> Totals:
        """These totals and further texts."""
        (texts, changed, unserved, left, rates), bare = self[:5], self.bare
        for outcome in done:
            status = outcome.noised.status if outcome.noised else ""
            texts += outcome.noised is not None
            changed += status == "ok"
            unserved += status == "not_applicable"
            bare += status == "unchanged" and outcome.noised is not None and not outcome.noised.eligible
            left += outcome.noised is None
            rates += _rate(outcome)
        return Totals(texts, changed, unserved, left, rates, self.note, self.nulls + nulls, self.why, bare)

    def summary(self) -> str:
        """The line that the command prints."""
        served = self.texts - self.not_applicable
        share, rate = (100 * part / max(served, 1) for part in (self.changed, self.rates))
        line = f"{counted(self.texts, 'text')}, {share:.1f} % edited, mean grapheme edit rate {rate:.1f} %"
        line += f", {self.not_applicable:,} not applicable (left clean)" if self.not_applicable else ""
        line += f", {self.left:,} that {self.why} (left clean)" if self.left else ""
        line += f", {self.nulls:,} null (left as they are)" if self.nulls else ""
        line += f", {self.bare:,} with nothing that it may change" if self.bare else ""
        return line + self.note + ("" if self.changed else ". Nothing was changed")


def _rate(done: formats.SlotResult) -> float:
    return done.noised.graphemes_edited / done.noised.graphemes if done.noised and done.noised.graphemes else 0.0


class AttackedTexts(NamedTuple):
    """What an attack left of the texts of a file, by their location and field; texts of other items stay."""

    texts: Mapping[tuple[str, str], Noised]
    links: Sequence[Bound] = ()

    def batch(self, records: Sequence[formats.Record], path: str) -> list[tuple[formats.SlotResult, ...]]:
        """The results for the texts of some records."""
        slots = (slot for record in records for slot in record.slots)
        found = ((slot, self.texts.get((slot.location, slot.field))) for slot in slots)
        return _results(records, ((it, lead_of(slot, it.clean, path)) if it else None for slot, it in found))


def _results(
    records: Sequence[formats.Record], noised: Iterator[tuple[Noised, int] | None]
) -> list[tuple[formats.SlotResult, ...]]:
    """The results for the texts of records, from the noised text of each slot and its lead; None where it stays."""
    return [tuple(formats.SlotResult(slot, *(next(noised) or ())) for slot in record.slots) for record in records]


def _attack(given: str, seed: int, fields: tuple[str, ...], asked: TaskSplit, split: str) -> Frozen:
    """The texts that the attack of `RUN=ATTACK` left on a task, split and language; without `fields` those it has."""
    language, _, context = asked.language.partition("@")
    every = read_frozen((given,)).get((asked.task.name, split, language, context or language), [])
    sets = [each for each in every if fields in ((), each.fields)]
    if not sets:
        raise MissingData(f"--frozen {given}: {asked.task.name} {split} in {asked.language} was not attacked.")
    if len(sets) > 1:
        names = ", ".join(each.attack for each in sets)
        raise UserError(f"--frozen {given}: a file is of one attack, RUN=ATTACK. Name it, of {names}")
    (frozen,) = sets
    if seed not in frozen.seeds:
        raise MissingData(f"--seed {seed}: {frozen.attack} was run with the seeds {', '.join(map(str, frozen.seeds))}.")
    return frozen


def attacked_texts(
    frozen: Frozen, rows: Sequence[tuple[str, Example]], seed: int, called: Mapping[str, str], once: str
) -> AttackedTexts:
    """The texts of a file's examples, each with its location, after an attack; `called` names fields in the file.

    `once` is a field whose text a file has once for several examples. Raises Mismatch where they differ in it after
    the attack, and for items of other content.
    """
    attacked = [(location, example) for location, example in rows if example.id in frozen.fingerprints]
    edits = [frozen.of(example, seed) for _, example in attacked]
    shown = with_edits([example for _, example in attacked], frozen.fields, edits)
    if once in shown.numbers:
        left = {example.id: tuple(each) for (_, example), each in zip(attacked, edits, strict=True)}
        first: dict[str, tuple[Edit, ...]] = {}
        for _, example in rows:
            text, here = example.texts[once].id, left.get(example.id, ())
            if first.setdefault(text, here) != here:
                raise Mismatch(
                    f"The questions on one {once} left it in several forms ({text}), and a file has it once. "
                    "As the key `frozen` of a file for `eval --config` each of them is read."
                )
    texts: dict[tuple[str, str], Noised] = {}
    for name, numbers in shown.numbers.items():
        for (location, _), number in zip(attacked, numbers.tolist(), strict=True):
            if number >= 0:
                texts[location, called[name]] = shown.noised[number]
    return AttackedTexts(texts)


class _Plan(NamedTuple):
    """A checked job: how the file is read, and how it is noised."""

    read: formats.Reader
    options: formats.ReadOptions
    noise: FileNoise | AttackedTexts


def perturb_file(
    job: PerturbJob, advance: Callable[[int], object] = lambda _: None, begin: Callable[[], object] = lambda: None
) -> Totals:
    """Write a file with its texts noised, and return the totals; `advance` is called with the bytes read so far.

    When all is checked, before the first text is noised, `begin` is called.
    Where it fails, no file is written. Raises SpecError, UnknownName, DataError, MissingData, UserError, DiskError.
    """
    out = None if job.out == formats.STREAM else target("--out", job.out, job.force, {"is read": job.file})
    if job.edit_counts == formats.STREAM:
        raise UserError("--edit-counts takes the name of a file.")
    apart = {"is read": job.file, "--out writes": job.out}
    edit_counts = target("--edit-counts", job.edit_counts, job.force, apart) if job.edit_counts else None
    with own_tasks(str(Path(job.file).absolute().parent.parent) if job.task else ""):
        plan = _plan(job)
    decisions: list[str] = []
    options = replace(plan.options, tell=decisions.append)
    totals = Totals(why="were not attacked" if job.frozen else Totals().why)
    goals = [OutputFile("--out", job.out if out else "stdout", out)]
    if edit_counts:
        goals.insert(0, OutputFile("--edit-counts", job.edit_counts, edit_counts))
    with formats.opened(job.file) as source, written(goals) as writes:
        *notes, write = writes
        for note in notes:
            note("\t".join(EDIT_COUNTS) + "\n")
        write(source.mark)
        begin()
        for records in batches(plan.read(source, options)):
            for record, done in zip(records, plan.noise.batch(records, source.path), strict=True):
                write(record.write(done))
                totals = totals.plus(done, record.nulls)
                for note in notes:
                    note("".join(_noted(done)))
            advance(source.read)
        _check_done(totals, source.path, plan.noise)
    known = [link.perturbation.name for link in plan.noise.links if link.perturbation.first] if totals.bare else []
    notes_of_noise = (f" ({name} knows only aligned texts)" for name in known)
    return totals._replace(note="".join((*notes_of_noise, *(f", {decision}" for decision in decisions))))


def _noted(done: Sequence[formats.SlotResult]) -> Iterator[str]:
    """The rows of edit counts for the texts of a record."""
    for outcome in done:
        if (noised := outcome.noised) is not None:
            edits = " ".join(f"{name}:{many}" for name, many in noised.edits.items() if many)
            names = (outcome.slot.location, outcome.slot.field, noised.clean.id, noised.clean.language, noised.status)
            counts = (noised.eligible, edits, noised.graphemes, noised.graphemes_edited, f"{_rate(outcome):.6f}")
            yield "\t".join((*map(csv_cell, names), *map(str, counts))) + "\n"


def _check_done(totals: Totals, path: str, noise: FileNoise | AttackedTexts) -> None:
    """Refuse a file without texts, or in which no text is in a language that is served."""
    if not totals.texts:
        left = f" It has {totals.left:,} that {totals.why}." if totals.left else ""
        left += f" All {totals.nulls} are null." if totals.nulls else ""
        raise DataError(path, f"contains no texts.{left}")
    if totals.texts == totals.not_applicable:
        name = "+".join(link.perturbation.name for link in noise.links)
        raise UserError(
            f"{path}: {name!r} serves none of the languages of its texts. See: robust-xtreme list languages"
        )


def _plan(job: PerturbJob) -> _Plan:
    if job.frozen:
        if not job.task or job.keep_names:
            raise UserError("--frozen writes a task's file: --tasks TASK --languages CODE, and no --keep-names.")
        return _of_task(job, _asked(job.fields, PerturbationSpec(())), None)
    cell = single(job.spec, job.keep_names)
    fields = _asked(job.fields, cell)
    links = bound(replace(cell, fields=()))
    if job.task:
        return _of_task(job, fields, FileNoise(links, job.seed, ""))
    if job.split != "auto":
        raise UserError("--split names the split of a task that the file contains. Name the task with --tasks.")
    if job.language and job.language_field:
        raise UserError(
            "--languages is the language of all texts, --language-field the field of each row's language; take one."
        )
    if not job.language and not job.language_field:
        raise UserError("Texts need their language, as in --languages sw, or --tasks to read them as a task does.")
    if job.language:
        languages.language(job.language)
    if job.file != formats.STREAM and not Path(job.file).exists():
        raise DataError(job.file, "cannot be read: No such file or directory")
    format = formats.of_file(job.file, job.format)
    formats.check_same(format, job.file, job.out)
    check_served(links, job.language, getattr(formats.module(format), "FAMILY", ""))
    _check_taken(job, format)
    fields = _fields(format, fields)
    options = formats.ReadOptions(fields, job.header, job.language_field, keep=job.keep, skip_null=job.skip_null)
    noise = FileNoise(links, job.seed, job.language)
    return _Plan(formats.records_of(format, named=bool(job.format)), options, noise)


def _asked(fields: tuple[str, ...], cell: PerturbationSpec) -> tuple[str, ...]:
    if fields and cell.fields and fields != cell.fields:
        raise SpecError(f"--fields {','.join(fields)} and {str(cell)!r} name different fields. Leave one out.")
    chosen = fields or cell.fields
    for name in chosen:
        if chosen.count(name) > 1:
            raise SpecError(f"The field {name!r} is named twice.")
    return chosen


def _fields(format: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields that are noised: the named ones, else the format's default."""
    known: tuple[str, ...] = getattr(formats.module(format), "NOISED", ())
    if not known and not fields:
        example = "--fields 1,2" if format == "tsv" else "--fields premise,hypothesis"
        raise UserError(f"Name the texts with --fields, as in {example}; all others are kept.")
    for name in fields if known else ():
        if name not in known:
            raise SpecError(f"A file of the format {format} has no field {name!r}; it has: {', '.join(known)}.")
    return fields or known[:1]


def _taken(format: str) -> tuple[str, ...]:
    """The options that a format takes."""
    return getattr(formats.module(format), "TAKES", ())


def _check_taken(job: PerturbJob, format: str) -> None:
    """Raise UserError where an option is given that the format does not take, or where two options name one field."""
    options = {"--language-field": job.language_field, "--keep": job.keep, "--skip-null": job.skip_null}
    given = {**options, "--header": job.header is not None}
    for option in (option for option, value in given.items() if value and option not in _taken(format)):
        takes = ", ".join(name for name in formats.FORMATS if option in _taken(name))
        raise UserError(f"{option} is for {takes}; the format here is {format}.")
    for name in job.keep:
        if name in job.fields:
            raise UserError(f"--keep and --fields both name {name!r}.")


def _of_task(job: PerturbJob, fields: tuple[str, ...], noise: FileNoise | None) -> _Plan:
    """Plan for a task's own file: its texts have the ids that `eval` uses, and are noised; without noise, attacked."""
    task: TaskSpec = registry.load("task", job.task)
    _check_task(job, task, fields)
    reader = task.files.get(job.split, next(iter(task.files.values()))).reader
    format = job.format or formats.of_reader(reader, job.file, task.name)
    asked = TaskSplit(task, job.language, job.split)
    if noise is None:
        split, rows = examples(asked, job.file)
        frozen = _attack(job.frozen, job.seed, fields, asked, split)
        called = _called(format, reader, task, frozen.fields)
        once = "context" if format == _SQUAD else ""  # a file has it once for several questions
        made: FileNoise | AttackedTexts = attacked_texts(frozen, rows, job.seed, called, once)
    else:
        called = _called(format, reader, task, fields or task.perturbed[0])
        check_served(noise.links, "", task.family)
        of_task = texts(asked, job.file, called)
        made = replace(noise, texts=of_task)
        codes = {text.language for text in of_task.values()}
        if len(codes) == 1:
            check_served(noise.links, codes.pop(), "")
    _check_taken(job, format)
    options = formats.ReadOptions(
        tuple(called.values()),
        pairs=format == "tsv",
        keep=job.keep,
        skip_null=job.skip_null,
        edits=task.family == SPAN_QA.name and format in ("jsonl", _SQUAD),
    )
    return _Plan(formats.module(format).records, options, made)


def _called(format: str, reader: str, task: TaskSpec, wanted: Sequence[str]) -> Mapping[str, str]:
    every = formats.fields_of_task(format, reader, task.fields, task.perturbed[0])
    for name in wanted:
        if name not in every:
            known = ", ".join(every) or "none"
            raise UserError(
                f"The field {name!r} of {task.name} is not in its files as it is read (those that do: {known}). "
                f"`robust-xtreme eval --tasks {task.name}` noises it."
            )
    return {name: every[name] for name in wanted}


def _check_task(job: PerturbJob, task: TaskSpec, fields: Sequence[str]) -> None:
    if not job.language:
        raise UserError(
            f"Which language of {task.name} is it? Name it with --languages, as in --languages {task.languages[0]}"
        )
    if job.file == formats.STREAM:
        raise UserError("With --tasks the file is read twice, which stdin cannot be. Name a file.")
    if job.language_field or job.header is not None:
        raise UserError("--language-field and --header are for files of your own; with --tasks leave them out.")
    for name in fields:
        if name not in task.fields:
            raise SpecError(f"{task.name} has no field {name!r} to noise; it has: {', '.join(task.fields)}.")


Texts = Mapping[tuple[str, str], Text]


def texts(asked: TaskSplit, file: str, called: Mapping[str, str]) -> Texts:
    """The texts of a task's file by their location in it and by field, as `called` in the file.

    They have the ids, values and spans that `eval` noises, so that they get the same noise. Raises as `examples`.
    """
    return {
        (location, called[name]): text
        for location, example in examples(asked, file)[1]
        for name, text in example.texts.items()
        if name in called
    }


def examples(asked: TaskSplit, file: str) -> tuple[str, list[tuple[str, Example]]]:
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


def _rows(asked: TaskSplit, path: Path) -> tuple[str, SourceRows]:
    """The split, and its rows: those of all files that `eval` reads with this file, or of this file alone."""
    task, suite = asked.task, path.parent.parent
    if (suite / MANIFEST).is_file():
        source = open_source(str(suite))
        check_language(task, source, asked.language)
        plain = Path(path.name.removesuffix(formats.PACKED))
        named = [plain.name.removesuffix(f"-{asked.language}{plain.suffix}")]
        split = _split(asked, source.splits(task), named, path)
        return split, source.read(task, asked.language, split)
    check_language(task, Release(path.parent), asked.language)
    roots = {split: root for split in task.files if (root := _root(asked, split, path)) is not None}
    split = _split(asked, tuple(task.files), list(roots), path)
    if split in roots:
        result = Release(roots[split]).read(task, asked.language, split)
        if any(_location(row, path) for row in result.rows):
            return split, result
    # The file is in another folder: its rows alone.
    files, file = task.files[split], formats.read_file(path)
    reader = formats.reader(files.reader)
    if not hasattr(reader, "read"):
        raise formats.not_written(task.name)
    rows: Sequence[Row] = reader.read(file.text, str(path))
    if files.ids == "ordinal":
        rows = [replace(row, native=str(number)) for number, row in enumerate(rows)]
    return split, SourceRows(tuple(rows), str(path), ((str(path), file.sha256),))


def _split(asked: TaskSplit, known: Sequence[str], named: Sequence[str], path: Path) -> str:
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


def _root(asked: TaskSplit, split: str, path: Path) -> Path | None:
    """The release folder of a file of that split; None where its path is not that of a file of the split."""
    trained = asked.language in asked.task.train_languages
    for option in options(asked.task.files[split], asked.language, everywhere=asked.task.files[split].mixed or trained):
        for part in option:
            depth = len(PurePath(part).parts)
            if len(path.parents) > depth and path.relative_to(path.parents[depth - 1]).match(part):
                return path.parents[depth - 1]
    return None


@dataclass(frozen=True, slots=True)
class FileNoise:
    """A condition: its links, the seed, and the texts of a task or, without one, the language of all texts."""

    links: Sequence[Bound]
    seed: int
    language: str
    texts: Texts | None = None

    def batch(self, records: Sequence[formats.Record], path: str) -> list[tuple[formats.SlotResult, ...]]:
        """The results for the texts of some records. Raises DataError where a language is unknown."""
        slots = [slot for record in records for slot in record.slots]
        texts = list(self._texts(slots, path))
        noised = noised_once(self.links, (text for text, _ in filter(None, texts)), self.seed)
        return _results(records, ((noised[pair[0]], pair[1]) if pair else None for pair in texts))

    def _texts(self, slots: Sequence[formats.Slot], path: str) -> Iterator[tuple[Text, int] | None]:
        if self.texts is not None:
            for slot in slots:
                text = self.texts.get((slot.location, slot.field))
                yield (text, lead_of(slot, text, path)) if text else None
            return
        for slot in slots:
            check_served(self.links, "", TAGGING.name if slot.words else "")
            try:
                code = self.language or languages.language(slot.language).code
            except UnknownName as error:
                raise DataError(path, str(error), int(slot.location)) from None
            yield Text(bare_ids(code, [slot.value])[0], code, slot.value, slot.spans), 0


def lead_of(slot: formats.Slot, text: Text, path: str) -> int:
    """The length of the white space before the text that `eval` reads in a slot. Raises Mismatch for another text."""
    lead = 0 if text.value == slot.value else len(slot.value) - len(slot.value.lstrip())
    stop = lead + len(text.value)
    same = slot.value[lead:stop] == text.value and not slot.value[stop:].strip()
    if not (same or (slot.spans and len(slot.spans) == len(text.spans))):
        raise Mismatch(
            f"{path}: the {slot.field} at {slot.location} is not what the task reads there, {text.value[:60]!r}. "
            "It cannot be written; leave it out of --fields."
        )
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


def batches(records: Iterable[formats.Record]) -> Iterator[list[formats.Record]]:
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
