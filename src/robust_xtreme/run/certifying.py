"""Certifies answers: how many edits of a text leave what the model answers most often when graphemes are deleted.

Each grapheme cluster is deleted with the same probability, independently of the others; docs/method.md has the proof of
the radius. An opponent edits clusters, of tagged text those in words, which stay where they are.
"""

from __future__ import annotations

import operator
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import compress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, RobustXtremeError, SpecError, counted, duration
from robust_xtreme.core.examples import Choice, Example, Tags, Target, Text, digest, kind_of, span_of
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.randomness import chosen, draws, salt, text_keys
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files import csv, store
from robust_xtreme.files.journal import check_folder
from robust_xtreme.files.manifest import MANIFEST, PAGE, REPORT, read_manifest, write_manifest
from robust_xtreme.files.schema import ATTACKED, CERTIFIED, build, empty
from robust_xtreme.models.loading import Models
from robust_xtreme.models.located import default_tasks
from robust_xtreme.models.origin import given_models
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Movable, Work, predictor_of
from robust_xtreme.models.reading.reading import contents_of
from robust_xtreme.noise.conditions.condition import CLEAN, beside_attack
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.charts.figures import ranges
from robust_xtreme.report.columns import interval, percent, points
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers import html, markdown
from robust_xtreme.report.samples.choosing import rows_of
from robust_xtreme.run.answering import threads
from robust_xtreme.run.estimate import roughly
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import Observer
from robust_xtreme.run.task_run import TaskRun, reading
from robust_xtreme.stats.certificates import certificates_of, radius_of
from robust_xtreme.stats.degrade import without_fields
from robust_xtreme.stats.intervals import least_share
from robust_xtreme.tasks import groups
from robust_xtreme.tasks.adapters.own import own_tasks

FAMILIES: Final = ("classification", "choice", "tagging")
ALPHA: Final = 0.001
"""The probability with which the certificate of an item may be wrong."""

_AT_ONCE: Final = 4096
_PARTS, _ITEMS, _TABLE = "parts", "certified.parquet", "certificates.csv"
_MOST: Final = 100_000
_OPEN: Final = {"complete", "commands", "batch_tokens", "radius"}
"""Facts on which the answers do not depend."""

Answer = tuple[str | None, ...]
"""The label of a text, or of each of its words; None where scores are not finite."""

Ask = Callable[[Sequence[Example]], Iterable[Answer]]


@final
@dataclass(frozen=True, slots=True)
class Smoothing:
    """The radii to certify, the `draws` that bound the probability of an answer, and the `first`, which choose it.

    `delete`, a decimal, is the probability of a deletion. Raises SpecError where no answer can have such a radius.
    """

    radius: tuple[int, ...] = (1, 2, 3)
    draws: int = 1000
    first: int = 100
    delete: str = "0.9"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.radius, default=0) < 1 or min(self.first, self.draws) < 1 or max(self.first, self.draws) > _MOST:
            raise SpecError(f"Radii and draws are whole numbers from 1 to {_MOST:,}: --radius 1,2,3 --draws 1000.")
        if not re.fullmatch(r"0?\.[0-9]{0,4}[1-9]", self.delete):
            what = "is not a probability between 0 and 1 of up to five decimals"
            raise SpecError(f"--delete {self.delete[:80]!r} {what}.")
        if (most := self.bounded(self.draws)[1] or 0) < max(self.radius):
            what = f"--delete {self.delete} and {self.draws} draws certify {counted(most, 'edit')} at most"
            raise SpecError(f"{what}, not {max(self.radius)}. Raise --delete or --draws, or lower --radius.")

    @property
    def copies(self) -> int:
        """How many texts are read for one: all draws, and the clean text."""
        return 1 + self.first + self.draws

    def bounded(self, votes: int) -> tuple[float, int | None]:
        """The lower bound of an answer's probability, from its votes, and its radius; None: the model abstains."""
        bound = float(least_share(votes, self.draws, ALPHA))
        radius = int(radius_of(bound, float(self.delete)))
        return bound, None if radius < 0 else radius


def copies(example: Example, run: TaskRun, how: Smoothing) -> tuple[list[Example], list[int]]:
    """The distinct texts that are read for an example, the clean one first, and for each draw the number of its text.

    The draw of a unit depends on the seed, task, language, example, field, the number of the draw, and the position.
    """
    common = salt("certify", str(how.seed), run.task.name, run.language)
    names = [name for name in example.texts if any(name in group for group in run.task.perturbed)]
    columns = []
    for name in names:
        keys = text_keys(common, [f"{example.id}/{name}#{draw}" for draw in range(how.first + how.draws)])
        columns.append(_left(example.texts[name], kind_of(run.task.family).words, keys, how.delete))
    known = {tuple(example.texts[name] for name in names): 0}
    numbers = [known.setdefault(texts, len(known)) for texts in zip(*columns, strict=True)]
    texts = ({**example.texts, **dict(zip(names, several, strict=True))} for several in known)
    return [replace(example, texts=each, fingerprint="-") for each in texts], numbers


def _left(text: Text, by_word: bool, keys: Any, delete: str) -> Iterator[Text]:
    """What is left of a text in each draw: of the words that its spans are, `by_word`, or of the whole as one."""
    ends = [end for span in text.spans for end in (span.start, span.stop)] if by_word else [0, len(text.value)]
    parts = [split(text.value[low:high]) for low, high in zip([0, *ends], [*ends, len(text.value)], strict=True)]
    size = sum(map(len, parts[1::2]))
    drawn = draws(np.repeat(keys, size), np.tile(np.arange(size), len(keys)))
    for row in (~chosen(drawn, delete)).reshape(len(keys), size).tolist():
        value, edges, flags = "", [], iter(row)
        for number, part in enumerate(parts):  # compress asks the part first: it takes no flag of the next one
            edges.append(len(value))
            value += "".join(compress(part, flags) if number % 2 else part)
        ranges = zip(edges[1::2], edges[2::2], text.spans if by_word else (), strict=False)
        yield replace(text, value=value, spans=tuple(span_of(low, high, span.label) for low, high, span in ranges))


def voted(answers: Sequence[Answer], numbers: Sequence[int], first: int) -> Iterator[tuple[str | None, int]]:
    """For each word the answer of most of the first draws, of equals the least, and how many of the others have it."""
    for known in zip(*answers, strict=True):
        counts = Counter(filter(None, (known[number] for number in numbers[:first])))
        top = min(counts, key=lambda name: (-counts[name], name), default=None)
        yield top, sum(known[number] == top for number in numbers[first:]) if top else 0


def certified(
    run: TaskRun, examples: Sequence[Example], how: Smoothing, ask: Ask, advance: Callable[[int], None] = lambda _: None
) -> pl.DataFrame:
    """CERTIFIED of a task run, of which some texts are asked at once; `advance` counts those that need not be."""
    waiting, rows = list[tuple[Example, list[Example], list[int]]](), list[dict[str, Any]]()
    for number, example in enumerate(examples, 1):
        waiting.append((example, *copies(example, run, how)))
        if number == len(examples) or sum(len(made) for _, made, _ in waiting) >= _AT_ONCE:
            answers = iter(ask([each for _, made, _ in waiting for each in made]))
            for of, made, numbers in waiting:
                rows += _rows(run, of, voted(given := [next(answers) for _ in made], numbers, how.first), given[0], how)
                advance(how.copies - len(made))
            waiting = []
    return build(rows, CERTIFIED)


def _rows(run: TaskRun, example: Example, votes: Iterable[Any], clean: Answer, how: Smoothing) -> Iterator[Any]:
    cell = {"model": run.model.name, "task": run.task.name, "split": run.split, "language": run.language}
    cell |= {"example": example.id, "cluster": example.cluster}
    several = zip(labels_of(example.target, run), clean, votes, strict=True)
    for word, (gold, answer, (smoothed, count)) in enumerate(several):
        bound, radius = how.bounded(count)
        made = {"votes": count, "draws": how.draws, "bound": bound, "radius": radius}
        yield {**cell, "word": word, "gold": gold, "answer": answer, "smoothed": smoothed, **made}


def labels_of(target: Target, run: TaskRun) -> tuple[str, ...]:
    """The label of a text, or those of its words."""
    if isinstance(target, Tags):
        return target.names
    assert isinstance(target, Choice)
    return (run.task.labels[target.index] if run.task.labels else str(target.index),)


def answers_of(run: TaskRun, models: Models, device: str, work: Work, examples: Sequence[Example]) -> Iterator[Answer]:
    """The answers of a task run's model to texts, each as it is."""
    predictor = predictor_of(run.model, run.task, partial(models.load, run.model, run.task))
    if run.model.origin.function and isinstance(predictor, Movable):
        here: Any = SimpleNamespace(call=operator.call)
        predictor = predictor.moved(lambda: here)
    reader = reading(predictor, run)
    with threads(device, run.params):
        given = reader.answer(reader.prepare(contents_of(examples)), work)
    for number, example in enumerate(examples):
        answer = given.answer(number)
        yield (None,) * len(labels_of(example.target, run)) if answer is None else labels_of(answer, run)


def certify(
    spec: RunSpec, how: Smoothing, observer: Observer, plans: bool = False, beside: str = ""
) -> tuple[Path, list[doc.Block]]:
    """Certify what a folder does not have yet, unless it only `plans`; the folder and what its page says.

    `beside` is a run with attacks, which the page has, too. Raises SpecError for a task whose answers are no classes,
    Mismatch where a folder has something else, and what `evaluate` raises.
    """
    with own_tasks(spec.data):
        spec = _able(spec)
        clock, used, device = time.perf_counter(), time.process_time(), device_of(spec.device)
        plan = make_plan(spec)
        busy = max(1.0, (time.perf_counter() - clock) / (time.process_time() - used))
        tokens = spec.batch_tokens or BATCH_TOKENS[device]
        made = {**new_manifest(plan, device_name(device), 0, deduplicate=True), **asdict(how)}
        manifest = {name: made[name] for name in sorted(made.keys() - _OPEN)}
        manifest["identity"] = identity = digest(spec.identity(), repr(manifest))
        folder = Path(spec.out or f"runs/certify-{identity}")
        paths = [store.part_path(folder / _PARTS, identity, *run.key) for run in plan.task_runs]
        _check(folder, identity)
        todo = [each for each in zip(plan.task_runs, paths, strict=True) if not _is_done(*each, observer)]
        attacked = attacked_levels(Path(beside), plan.task_runs, how.radius) if beside else pl.DataFrame()
        for cell in plan.not_run:
            (observer.notice or observer.say)(f"not run: {cell.detail}")
        runs = [run for run, _ in todo]
        _say_cost(roughly(runs, plan.splits, device, busy), runs, how, observer)
        if plans:
            return folder, []
        models = Models(device, spec.precision, spec.representation, spec.compile)
        with store.lock(folder):
            store.make_folder(folder / _PARTS)
            for run, path in todo:
                observer.task_run(run.label)
                ask = partial(answers_of, run, models, device, Work(tokens, observer.advance))
                rows = certified(run, plan.splits.of(run).examples, how, ask, observer.advance)
                store.write_frame(path, rows, CERTIFIED)
            return folder, _finish(folder, manifest, paths, how, attacked)


def _able(spec: RunSpec) -> RunSpec:
    """A spec of 100 rows a language, unless it says otherwise, and of tasks that can be certified."""
    asked = [registry.load("task", name) for name in groups.chosen(spec.tasks)]
    tasks = asked or default_tasks(given_models(spec))
    able = [task.name for task in tasks if task.family in FAMILIES]
    if left := [task for task in tasks if task.family not in FAMILIES and (asked or not able)]:
        every = [name for name in registry.names("task") if registry.load("task", name).family in FAMILIES]
        what = f"{left[0].name} cannot be certified: an answer of {left[0].family} is no class"
        raise SpecError(f"{what}. Tasks that can: {', '.join(every)}.")
    return replace(spec, tasks=spec.tasks or tuple(able), limit=spec.limit or "100")


def _check(folder: Path, identity: str) -> None:
    """Raise Mismatch where a folder has anything but these certificates, or a part of them."""
    check_folder(folder)
    there = {path.name for path in folder.iterdir() if path.name[0] != "."} if folder.exists() else set()
    known = read_manifest(folder / MANIFEST).get("identity") == identity if MANIFEST in there else there <= {_PARTS}
    if not known or (folder / _PARTS).is_symlink():
        what = "with the same model, data and options"
        raise Mismatch(f"{folder} is not a folder of certificates {what}. Name another folder with --out.")


def _is_done(run: TaskRun, path: Path, observer: Observer) -> bool:
    """Whether a task run's part is there and can be read; of a damaged one a line says that it is computed again."""
    of = (run.task.name, run.split, run.language)
    try:
        return path.exists() and store.read_frame(path, CERTIFIED).select(OF).unique().rows() == [of]
    except RobustXtremeError as error:
        observer.say(f"warning: a part is computed again: {error}")
    return False


def _say_cost(pace: Mapping[int, float], runs: Sequence[TaskRun], how: Smoothing, observer: Observer) -> None:
    """Say what is to be read, and how long that takes at most, roughly: copies are shorter."""
    items = sum(run.rows for run in runs)
    seconds = how.copies * sum(run.rows * pace[id(run)] for run in runs)
    observer.total(items * how.copies)
    observer.left(seconds)
    size = f"{counted(items * how.copies, 'text')} to read, {how.copies:,} for each of {counted(items, 'example')}"
    (observer.notice or observer.say)(f"{size}: about {duration(seconds)}" if runs else "All is certified already.")


def _finish(
    folder: Path, manifest: dict[str, Any], parts: Sequence[Path], how: Smoothing, attacked: pl.DataFrame
) -> list[doc.Block]:
    """Write the frame of items, the table and the page, and then the manifest, which has their digests."""
    items = pl.concat([store.read_frame(path, CERTIFIED) for path in parts])
    table = certificates_of(items, how.radius)
    blocks = [*_blocks(table, how)]
    if not attacked.is_empty():
        table = table.drop("clean").join(attacked, on=[*OF, "radius"], maintain_order="left")
        blocks += beside_attacks(table)
    page = doc.ReportPage("Certified accuracy", tuple(blocks))
    files = {_TABLE: csv.table(table), REPORT: markdown.render(page).encode()}
    files[PAGE] = html.page(page, {_TABLE: files[_TABLE]}).encode()
    for name, content in files.items():
        store.write(folder / name, content)
    digests = {name: store.sha256(folder / name) for name in files}
    digests[_ITEMS] = store.write_frame(folder / _ITEMS, items, CERTIFIED)
    write_manifest(folder / MANIFEST, {**manifest, "radius": list(how.radius), "files": digests})
    return list(page.blocks)


def _blocks(table: pl.DataFrame, how: Smoothing) -> Iterator[doc.Block]:
    """What the levels are, a row for each language of a task, and how sure they are."""
    cells = [part.rows(named=True) for part in table.partition_by(CERTIFIED.key[:-2], maintain_order=True)]
    items = sum(cell[0]["items"] for cell in cells)
    yield doc.Paragraph(
        f"Model {', '.join(dict.fromkeys(table['model']))}; each grapheme is deleted with probability {how.delete}. "
        f"{how.first:,} draws choose the smoothed answer, {how.draws:,} others bound its probability. Certified at r "
        "edits: it is right, and no text with at most r graphemes inserted, deleted or replaced changes it. In tagging "
        "items are words, which stay where they are."
    )
    heads = ("task", "language", "items", "constant", "clean", "smoothed")
    radii = [f"certified, {counted(radius, 'edit')}" for radius in how.radius]
    yield doc.grid((*heads, *radii, "abstained"), map(_line, cells), left=2)
    yield doc.Paragraph(
        "Shares of items, in points; 95 % intervals from 20 clusters on. Constant: the most frequent gold answer; "
        "clean: without deletions; smoothed: no opponent; abstained: not shown to be the answer of most draws. Each "
        f"certificate holds with 99.9 %: of {counted(items, 'item')} at most {ALPHA * items:.2g} are expected false."
    )


def _line(cell: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = cell[0]
    yield from (first["task"], first["language"], f"{first['items']:,}")
    yield from (points(first[name]) for name in ("constant", "clean", "smoothed"))
    for row in cell:
        yield points(row["certified"]) + ("" if row["low"] is None else f" {interval(row['low'], row['high'])}")
    yield percent(first["abstained"])


OF: Final = ("task", "split", "language")
_ITSELF: Final = ("attacked", "random", "clean")


def attacked_levels(folder: Path, runs: Sequence[TaskRun], radii: Sequence[int]) -> pl.DataFrame:
    """What attacks of a finished run left of the items of task runs, a row for each of them, attack and radius (edits).

    `attacked`, `random` (search; null without one) and `clean` are levels, `queries` and `edits` means over attacked
    and edited texts, `within` the share (%) of the edited with at most `radius` edits. Raises MissingData, DataError,
    and Mismatch where model, rows or settings are others, or nothing is attacked.
    """
    rows = rows_of(folder, manifest := finished(folder).manifest)
    stats, texts = pl.concat(rows.stats), pl.concat([empty(ATTACKED).lazy(), *rows.attacked])
    models = {entry["task"]: (entry["identity"], entry["model"]) for entry in manifest["models"]}
    data = {tuple(unit.get(name) for name in OF): unit.get("data") for unit in manifest["units"]}
    found = list[dict[str, Any]]()
    for run in runs:
        named = dict(zip(OF, (run.task.name, run.split, run.language), strict=True))
        identity, name = models.get(run.task.name, ("", ""))
        cell = {"model": name, "inference": run.inference, "task": run.task.name, "split": run.split}
        cell |= dict(zip(("language", "context_language"), run.languages, strict=True))
        left = texts.filter(**cell).collect()
        if (identity, data.get((*named.values(),))) != (run.model.identity, run.data) or left.is_empty():
            told = f"(tasks: {', '.join(models)})"
            alike = f"with the same model, rows and settings, {run.inference}"
            what = f"{folder} has no attack on {run.label} {alike if identity else told}"
            raise Mismatch(f"{what}. Give eval --perturb attack_letters:0.1@queries=50, and all else as here.")
        of_run = stats.filter(pl.col("metric").is_in(["accuracy", "token_accuracy"]), scope="all", **cell).collect()
        found += [{**named, **row} for row in _levels(of_run, left, radii, run.task.perturbed)]
    return pl.DataFrame(found, infer_schema_length=None)


def _levels(stats: pl.DataFrame, texts: pl.DataFrame, radii: Sequence[int], whole: Any) -> Iterator[dict[str, Any]]:
    """The rows of one task run; random search is beside its attack, or by itself; names have fields if not `whole`."""
    sums = (pl.col("stats").list.get(at, null_on_oob=True).sum().alias(str(at)) for at in (0, 1))
    levels = {name: 100.0 * right / of for name, right, of in stats.group_by("condition").agg(sums).rows() if of}
    beside = {name: beside_attack(PerturbationSpec.parse(name), ())[0].name for name in texts["condition"].unique()}
    for name in sorted(beside.keys() - set(beside.values())):
        tried = texts.filter(~pl.col("skipped"), condition=name)
        edits = tried["graphemes"].filter(tried["graphemes"] > 0)
        random = beside[name] if beside[name] in beside else ""  # else it is the noise beside
        shown = without_fields(name) if (PerturbationSpec.parse(name).fields,) == whole else name
        known = {"attack": shown, "queries": tried["queries"].mean(), "edits": edits.mean()}
        known |= dict(zip(_ITSELF, map(levels.get, (name, random, CLEAN)), strict=True))
        yield from ({**known, "radius": radius, "within": (100.0 * (edits <= radius)).mean()} for radius in radii)


def beside_attacks(table: pl.DataFrame) -> Iterator[doc.Block]:
    """A table and charts of certificates, joined with the levels that attacks leave, and what bounds what in them."""
    yield doc.Heading("Beside attacks")
    yield doc.Paragraph(
        "Smoothed model: no opponent within r edits leaves less than certified, and without one it reaches smoothed. "
        "Model itself, which has no certificate: an attack and random search edit what it gets right when clean, and "
        "what each leaves is an upper bound of what the worst opponent with such edits does. Neither model bounds the "
        "other: attacked may be below certified. In tagging sentences are attacked, and levels are of words. Queries: "
        "mean over attacked texts; edits: graphemes changed and inserted, mean over edited texts, and the share within."
    )
    cells = table.sort("radius", descending=True).partition_by(*OF, "attack", maintain_order=True)
    certified = [f"certified, {counted(edits, 'edit')}" for edits in cells[0]["radius"]]
    rows = [{**cell.row(0, named=True), **dict(zip(certified, cell["certified"], strict=True))} for cell in cells]
    levels = (*certified, "smoothed", *_ITSELF)
    names, numbers = ("task", "language", "attack"), (*levels, "queries", "edits", "within")
    lines = [[*(row[name] for name in names), *(points(row[name]) for name in numbers)] for row in rows]
    yield doc.grid((*names, *numbers[:-1], f"% within {rows[0]['radius']}"), lines, left=3)
    of = pl.when(pl.col("level").is_in(_ITSELF)).then(pl.lit("model itself")).otherwise(pl.lit("smoothed model"))
    drawn = pl.DataFrame(rows, infer_schema_length=None).unpivot(levels, index=names, variable_name="level")
    for (task, attack), each in drawn.drop_nulls().with_columns(of=of).group_by("task", "attack", maintain_order=True):
        yield doc.Chart(f"{task}, {attack}", "Right answers of both models, by language.", ranges(each), str(task))
