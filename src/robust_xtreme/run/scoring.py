"""Turns predictions into frames: each item, its prediction, its noise and the sums of its metrics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.attack.attacking import AttackRecord
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices, ExampleColumns, Ranges, TargetColumn, parts_as_bytes, written
from robust_xtreme.core.edits import Array
from robust_xtreme.core.metric import SCOPES as COUNTED
from robust_xtreme.core.metric import Metric, Responses, Sums
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.files import store
from robust_xtreme.files.schema import ATTACKED, CELL, CHANCE, PREDICTIONS, SCOPES, SHALLOW, STATS, assembled
from robust_xtreme.files.store import coded, ordered
from robust_xtreme.models.predictors.predictor import Predicted
from robust_xtreme.models.reading.reading import Inputs
from robust_xtreme.models.reading.windows import of_examples
from robust_xtreme.noise.engine.noised import NOT_APPLICABLE, STATUSES
from robust_xtreme.noise.engine.noising import at_nominal, bound
from robust_xtreme.noise.label_risk import NO_RISK, Risky, risky
from robust_xtreme.run.prepare import Prepared, Variant
from robust_xtreme.run.task_run import TaskRun, target_of
from robust_xtreme.stats.chance import constants
from robust_xtreme.stats.shallow.predictor import answers, shallow_of
from robust_xtreme.stats.shallow.words import ShownExamples
from robust_xtreme.tasks.noisy.measured import named_by

Columns = dict[str, Any]
"""Columns of a frame; a string or a number represents a column of it."""


def spread(columns: Columns, height: int) -> Columns:
    """Repeat single values to the height of the frame."""
    whole_columns = dict(columns)
    for name, value in columns.items():
        if isinstance(value, (str, int)):
            # `new_from_index` takes a tenth of the time of `pl.repeat`.
            single = pl.Series([value], dtype=pl.String if isinstance(value, str) else pl.Int64)
            whole_columns[name] = single.new_from_index(0, height)
    return whole_columns


def cell_of(prepared: Prepared, variant: Variant) -> Columns:
    """The columns of a cell, and the noise seed."""
    run, condition = prepared.task_run, variant.condition.name
    of_run = (run.model.name, run.data, run.task.name, run.split, *run.languages, run.setting, run.inference)
    return {**dict(zip(CELL, (*of_run, condition), strict=True)), "noise_seed": variant.seed}


def columns_of(prepared: Prepared) -> tuple[ExampleColumns, ...]:
    """The examples of each variant; the clean ones are one object with those of the clean variant."""
    clean = ExampleColumns(prepared.examples)
    shown = (variant.shown for variant in prepared.variants)
    return tuple(clean if noised is None else ExampleColumns(noised, clean, noised) for noised in shown)


def responses_of(prepared: Prepared, predicted: Predicted, columns: Sequence[ExampleColumns]) -> list[Responses | None]:
    """The answers to each variant, with the examples of `columns`; None where one to its condition is not finite."""
    failed = {variant.condition.name for variant in prepared.variants if not predicted.finite[variant.inputs].all()}
    answers = predicted.targets
    if isinstance(answers, Ranges):  # where a gold answer was truncated there is none
        answers = answers.without(prepared.inputs.lost[prepared.inputs.content])
    several: list[Responses | None] = []
    for variant, perturbed in zip(prepared.variants, columns, strict=True):
        anew = predicted.retuned.take(variant.inputs) if predicted.retuned else None
        given = responses(columns[0], perturbed, variant, answers.take(variant.inputs), anew)
        several.append(None if variant.condition.name in failed else given)
    return several


def responses(
    clean: ExampleColumns,
    perturbed: ExampleColumns,
    variant: Variant,
    answers: TargetColumn,
    retuned: TargetColumn | None = None,
) -> Responses:
    """The answers to a variant, which are in its coordinates."""
    restored = variant.shown.restored(answers) if variant.shown else answers
    return Responses(clean, perturbed, answers, restored, retuned)


_CONTEXT: Final = "context"
_STATUSES: Final = (*STATUSES, "truncated_gold", "skipped_wrong", "skipped_target")


class RowMaker:
    """Makes the rows of a task run; what several conditions have in common is made once."""

    def __init__(self, prepared: Prepared, predicted: Predicted, scores: bool = False) -> None:
        self._prepared, self._labels = prepared, prepared.task_run.task.labels
        self._golds = _strings(written(prepared.golds))
        names = {"example": "id", "cluster": "cluster", "fingerprint": "fingerprint"}
        self._items = {
            name: _strings([getattr(example, of) for example in prepared.examples]) for name, of in names.items()
        }
        self._inputs = _InputFacts(prepared.inputs)
        self._risky: dict[tuple[tuple[str, ...], int], Risky] = {}
        self._predictions = _strings(written(predicted.targets)).set(pl.Series(~predicted.finite), None)
        self._score = None if predicted.score is None or not scores else pl.Series(predicted.score).round(4)
        self._first = _first_spans(predicted.targets)
        self._contexts = [example.texts[_CONTEXT].value for example in prepared.examples] if self._first else []

    def of(self, variant: Variant, failed: bool) -> pl.DataFrame:
        """PREDICTIONS of one condition and seed; without answers where it `failed`."""
        columns = {
            **cell_of(self._prepared, variant),
            **self._items,
            **self._answers(variant, failed),
            "nominal": _nominal(variant),
            **variant.measured.columns(),
            **self._risk(variant),
            **self._tokens(variant),
            **(_attack(variant.record) if variant.record and not failed else {}),
        }
        return assembled(spread(columns, len(self._prepared.examples)), PREDICTIONS)

    def attacked(self, failed: Sequence[bool]) -> pl.DataFrame | None:
        """ATTACKED without attacks that `failed`, by variant; None where no condition is an attack."""
        under = []
        for variant, lost in zip(self._prepared.variants, failed, strict=True):
            if record := variant.record:
                columns = {
                    **cell_of(self._prepared, variant),
                    **self._items,
                    "edits": [json_text(edits) for edits in record.edits],
                    **{name: getattr(record, name) for name in ("skipped", "allowed", "queries", "first")},
                    "words": np.array([len(edits) for edits in record.edits], np.int64),
                    "graphemes": np.array([sum(edit.graphemes for edit in edits) for edits in record.edits], np.int64),
                }
                rows = assembled(spread(columns, len(record.edits)), ATTACKED)
                under.append(rows.clear() if lost else rows)
        return pl.concat(under) if under else None

    def _answers(self, variant: Variant, failed: bool) -> Columns:
        """The prediction of each item, its gold, and what became of it."""
        count = len(self._prepared.examples)
        if failed:
            nothing = [None] * count
            return {"prediction": nothing, "answer": nothing, "gold": self._gold(variant), "status": "failed"}
        return {
            "prediction": self._predictions[variant.inputs],
            **({} if self._score is None else {"score": self._score[variant.inputs].fill_nan(None)}),
            "answer": self._clean_texts(variant),
            "gold": self._gold(variant),
            "status": self._status(variant),
        }

    def _gold(self, variant: Variant) -> pl.Series:
        targets = variant.shown.targets(self._prepared.golds) if variant.shown else self._prepared.golds
        return self._golds if targets is self._prepared.golds else _strings(written(targets))

    def _clean_texts(self, variant: Variant) -> list[str | None]:
        """The text of the clean context that is scored as the answer; None where it is empty, and in other tasks."""
        texts: list[str | None] = [None] * len(self._prepared.examples)
        if self._first is None:
            return texts
        start, stop = (ends[variant.inputs] for ends in self._first)
        there = np.flatnonzero((start >= 0) & ~self._inputs.lost[variant.inputs])
        ends = start[there], stop[there]
        if variant.shown and _CONTEXT in variant.shown.numbers:
            ends = variant.shown.noised.to_clean(variant.shown.numbers[_CONTEXT][there], ends)
        contexts = self._contexts
        for index, low, high in zip(there.tolist(), *(column.tolist() for column in ends), strict=True):
            texts[index] = contexts[index][low:high] or None
        return texts

    def _status(self, variant: Variant) -> pl.Series:
        noise = variant.measured.codes(variant.shown is None)
        code = np.where(self._inputs.lost[variant.inputs], _STATUSES.index("truncated_gold"), noise)
        if variant.record:
            code = np.where(variant.record.skipped, _STATUSES.index("skipped_wrong"), code)
            golds, target = self._prepared.golds, target_of(variant.condition.spec)
            if target and isinstance(golds, Choices):  # the gold class is the one that the attack wants as the answer
                code = np.where(golds.index == self._labels.index(target), _STATUSES.index("skipped_target"), code)
        return named_by(np.where(noise == NOT_APPLICABLE, noise, code), _STATUSES)

    def _risk(self, variant: Variant) -> Columns:
        """The edited numbers and negators of each item."""
        measured = variant.measured
        key = variant.condition.fields, len(measured.noised)  # an attack has a copy of a text for each example
        if variant.shown and key not in self._risky:
            self._risky[key] = risky(measured.noised.clean)
        return measured.risk(self._risky[key] if variant.shown else NO_RISK)

    def _tokens(self, variant: Variant) -> Columns:
        """The tokens of each item, and what became of them; nothing where the model has no tokens."""
        measured, tokens = variant.measured, variant.tokens
        if tokens is None:
            return {}
        changed = self._inputs.differ(variant.inputs, self._prepared.variants[0].inputs)
        if CANDIDATE in variant.condition.fields:
            changed |= measured.of_items(tokens.changed) > 0
        nothing = [[None] * len(variant.clean)] * 2
        unknown = [measured.of_items(counts) for counts in tokens.unknown] if tokens.unknown else nothing
        return {
            "tokens_clean": measured.of_items(tokens.clean),
            "tokens": measured.of_items(tokens.noisy),
            "unknown_clean": unknown[0],
            "unknown": unknown[1],
            "truncated": self._inputs.truncated[variant.inputs],
            "tokens_changed": changed,
        }


class _InputFacts:
    """What is known of the inputs (n,): whether the gold answer is lost, and whether text was left out."""

    def __init__(self, inputs: Inputs) -> None:
        windows, count = inputs.windows, len(inputs.contents)
        cut = np.bincount(windows.example[windows.truncated], minlength=count) > 0
        of_contents = of_examples(windows, count)
        self.lost, self.truncated, self._content = inputs.lost[inputs.content], cut[inputs.content], inputs.content
        self._ids = list(parts_as_bytes(windows.ids, windows.bounds[of_contents]))
        self._lengths = list(parts_as_bytes(windows.lengths, of_contents))

    def differ(self, some: Array, others: Array) -> Array:
        """Whether the token ids of some inputs (k,) differ from those of others (k,)."""
        ids, lengths, first, second = self._ids, self._lengths, self._content[some], self._content[others]
        unlike: Array = first != second
        pairs = zip(first[unlike].tolist(), second[unlike].tolist(), strict=True)
        unlike[unlike] = [ids[a] != ids[b] or lengths[a] != lengths[b] for a, b in pairs]
        return unlike


def _attack(record: AttackRecord) -> Columns:
    """The queries of each item, and whether one of them was a success; null where it was skipped."""
    skipped = pl.Series(record.skipped)
    success = pl.Series(record.first > 0)
    return {"queries": pl.Series(record.queries).set(skipped, None), "success": success.set(skipped, None)}


def _strings(values: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def _nominal(variant: Variant) -> Sequence[str | None] | pl.Series:
    """The strength of the last perturbation in the language of each item's first text; None where it matches a set."""
    condition, measured = variant.condition, variant.measured
    if condition.spec is None or condition.given or condition.matches:
        return [None] * len(variant.clean)
    link = bound(condition.spec)[-1]
    there = np.flatnonzero(np.diff(measured.bounds))
    first = measured.numbers[measured.bounds[there]].tolist()
    languages = [measured.noised.clean[number].language for number in first]
    strengths = {code: at_nominal(link, code).strength for code in dict.fromkeys(languages)}
    nominal: list[str | None] = [None] * len(variant.clean)
    for index, code in zip(there.tolist(), languages, strict=True):
        nominal[index] = strengths[code]
    return nominal


def _first_spans(targets: TargetColumn) -> tuple[Array, Array] | None:
    """The first span of each answer, -1 where it has none; None where predictions have none."""
    if not isinstance(targets, Ranges):
        return None
    there = np.flatnonzero(np.diff(targets.bounds))
    start, stop = np.full(len(targets), -1), np.full(len(targets), -1)
    first = targets.bounds[there]
    start[there], stop[there] = targets.start[first], targets.stop[first]
    return start, stop


_TWIN: Final = len(COUNTED) - 1
"""How far the scope of a clean twin is from the scope, in SCOPES of a frame."""

_Cell = tuple[Columns, list[Sums]]
"""The columns of a cell, and the sums of each metric in scopes of a frame."""


def stats_of(
    prepared: Sequence[Prepared], columns: Sequence[ExampleColumns], answered: Sequence[Sequence[Responses | None]]
) -> pl.DataFrame:
    """STATS of the model by each of its settings, of chance and of the shallow predictor; None: no statistics."""
    first = prepared[0]
    metrics: list[Metric] = [registry.load("metric", name) for name in first.task_run.task.metrics]
    if not first.examples:
        return assembled([], STATS)
    cells = [
        *(cell for of, given in zip(prepared, answered, strict=True) for cell in _model_stats(of, metrics, given)),
        *_chance_stats(first, metrics, columns[0]),
        *_shallow_stats(first, metrics, columns),
    ]
    return _frame(columns[0], metrics, cells)


def _model_stats(
    prepared: Prepared, metrics: Sequence[Metric], answered: Sequence[Responses | None]
) -> Iterator[_Cell]:
    """The sums of the model; with those of clean twins in the scopes that noise defines, the score without noise."""
    clean = answered[0]
    for variant, given in zip(prepared.variants, answered, strict=True):
        if given is None:
            continue
        sums = [metric.of(given) for metric in metrics]
        if clean is not None and given is not clean:  # a twin: the clean answers, scored by the scopes of the noisy
            moved = variant.shown.targets(clean.predictions) if variant.shown else clean.predictions
            twins = Responses(clean.clean, given.perturbed, moved, clean.predictions)
            parts = [_where(each, each.scopes > 0) for each in (metric.of(twins) for metric in metrics)]
            parts = [replace(each, scopes=each.scopes + _TWIN) for each in parts]
            sums = [_joined(both) for both in zip(sums, parts, strict=True)]
        yield cell_of(prepared, variant), sums


def _whole_sums(metrics: Sequence[Metric], given: Responses) -> list[Sums]:
    """The sums of whole items, without those of the parts that noise changed or left."""
    return [_where(sums, sums.scopes == 0) for sums in (metric.of(given) for metric in metrics)]


def _where(sums: Sums, mask: Array) -> Sums:
    return Sums(sums.items[mask], sums.scopes[mask], sums.values[mask])


def _joined(parts: Sequence[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sums.__slots__))


def _chance_stats(prepared: Prepared, metrics: Sequence[Metric], clean: ExampleColumns) -> Iterator[_Cell]:
    """The sums of the constants, on the clean text: no noise changes what needs no text."""
    task, variant = prepared.task_run.task, prepared.variants[0]
    constant = constants(task.family, clean, prepared.corpus, task.pool.search if task.pool else "")
    for name, targets in constant.items():
        cell = {**cell_of(prepared, variant), "model": CHANCE + name, "inference": "nothing"}
        yield cell, _whole_sums(metrics, responses(clean, clean, variant, targets))


def _shallow_stats(prepared: Prepared, metrics: Sequence[Metric], columns: Sequence[ExampleColumns]) -> Iterator[_Cell]:
    """The sums of the shallow predictor of the task, on the clean text and under every condition and seed."""
    task, variants = prepared.task_run.task, prepared.variants
    shallow = shallow_of(task.family, task.pool.search if task.pool else "")
    if shallow is None or (task.pool and not prepared.corpus):
        return
    pairs = zip(variants, columns, strict=True)
    answered, learned = answers(shallow, columns[0], [_shown(variant, perturbed) for variant, perturbed in pairs])
    for variant, perturbed, targets in zip(variants, columns, answered, strict=bool(answered)):
        cell = {**cell_of(prepared, variant), "model": SHALLOW + shallow.name, "inference": learned}
        yield cell, _whole_sums(metrics, responses(columns[0], perturbed, variant, targets))


def _shown(variant: Variant, columns: ExampleColumns) -> ShownExamples:
    """What a shallow predictor reads under a condition and seed."""
    pool = variant.pool
    return ShownExamples(columns, pool.ids, pool.values, pool.unscored, pool.depth) if pool else ShownExamples(columns)


def _frame(clean: ExampleColumns, metrics: Sequence[Metric], cells: Sequence[_Cell]) -> pl.DataFrame:
    """STATS of all cells in the order of its key, in which rows need not be moved when they are written."""
    tables = [_joined([sums[at] for _, sums in cells]) for at in range(len(metrics))]
    names, counts = [metric.name for metric in metrics], [len(table.items) for table in tables]
    sizes = [[len(sums[at].items) for _, sums in cells] for at in range(len(metrics))]
    cell = np.concatenate([np.repeat(np.arange(len(cells)), each) for each in sizes])
    item, scope = (np.concatenate([getattr(table, of) for table in tables]) for of in ("items", "scopes"))
    metric = np.repeat(np.arange(len(metrics)), counts)
    ids = {of: [getattr(example, of) for example in clean.examples] for of in ("id", "cluster", "fingerprint")}
    keys = [tuple(columns[of] for of in STATS.key if of in columns) for columns, _ in cells]
    every = (cell, item, metric, scope)
    rows = _in_order(zip((keys, ids["id"], names, SCOPES), every, strict=True), len(cell))
    of_cells, of_items, of_metrics, of_scopes = (pl.Series(of.astype(np.uint32)[rows]) for of in every)
    columns = {
        **{of: coded([each[of] for each, _ in cells])[of_cells] for of in CELL},
        "noise_seed": pl.Series([each["noise_seed"] for each, _ in cells])[of_cells],
        **{of: coded(values)[of_items] for of, values in ids.items()},
        "metric": coded(names)[of_metrics],
        "scope": coded(SCOPES)[of_scopes],
        "stats": _lists([table.values for table in tables], rows),
    }
    columns["example"] = columns.pop("id")
    return assembled(columns, STATS)


def _in_order(columns: Iterable[tuple[Sequence[Any], Array]], count: int) -> Array:
    """So many rows (m,) in the order of columns, each given as values and the number of each row's value (m,)."""
    whole = np.zeros(count, np.int64)
    for values, numbers in columns:
        ranks = {value: rank for rank, value in enumerate(sorted({*values}))}
        whole *= len(ranks)
        whole += np.array([ranks[value] for value in values], np.int64)[numbers]
    return np.argsort(whole, kind="stable")


def _lists(tables: Sequence[Array], rows: Array) -> pl.Series:
    """Some rows of arrays (m, k), one array after the other, as a column of lists."""
    if len({values.shape[1] for values in tables}) == 1:
        return pl.Series(np.concatenate(tables).take(rows, axis=0)).arr.to_list()
    return pl.concat([pl.Series(values).arr.to_list() for values in tables if len(values)], rechunk=True)[rows]


@dataclass(frozen=True, slots=True)
class TaskRunRows:
    """The rows of one task run, sorted: predictions, and statistics (those of chance and of shallow predictors, too).

    Strings of statistics, of which an item has many rows, are those of an Enum. `attacked` are the items under attacks;
    None where there is none.
    """

    predictions: pl.DataFrame
    stats: pl.DataFrame
    attacked: pl.DataFrame | None = None


def score_examples(prepared: Prepared, *predicted: Predicted, scores: bool = False) -> TaskRunRows:
    """The frames of a task run, with the statistics of chance and of the shallow predictor; `scores` are kept.

    A condition with an answer that is not finite is `failed` and has no statistics of the model or of an attack.
    """
    run, columns = prepared.task_run, columns_of(prepared)
    several = [replace(prepared, task_run=replace(run, inference=run.inference + cut)) for cut in run.cuts]
    answered, predictions, attacked = [], list[pl.DataFrame](), None
    for of, given in zip(several, predicted, strict=True):
        rows, responses = RowMaker(of, given, scores), responses_of(of, given, columns)
        failed = [each is None for each in responses]
        predictions += [rows.of(*each) for each in zip(of.variants, failed, strict=True)]
        answered.append(responses)
        attacked = rows.attacked(failed)
    stats = stats_of(several, columns, answered)
    return TaskRunRows(ordered(pl.concat(predictions), PREDICTIONS.key), stats, attacked)


PARTS: Final = "parts"
"""The folder of a run that has the files of its task runs."""


def part_paths(folder: Path, task_run: TaskRun) -> tuple[Path, ...]:
    """A task run's files in a folder: its predictions, its statistics, and its items under attack, if there are any."""
    attacked = any(condition.asks for condition in task_run.conditions)
    kinds = ("predictions", "stats", *(("attacked",) if attacked else ()))
    return tuple(store.part_path(folder, *task_run.key, kind) for kind in kinds)


def stage(folder: Path, task_run: TaskRun, part: TaskRunRows) -> dict[str, str]:
    """Write a task run's files to a folder of their own, to be taken; return their digests. Raises DiskError."""
    frames = [(part.predictions, PREDICTIONS), (part.stats, STATS)]
    if part.attacked is not None:
        frames.append((part.attacked, ATTACKED))
    paths = zip(part_paths(folder, task_run), frames, strict=True)
    return {path.name: store.write_frame(path, rows, frame, _synced) for path, (rows, frame) in paths}


def _synced(path: Path, content: bytes) -> None:
    """Write a staged file. Raises DiskError, which names the file in the run."""
    with store.writing(path.parent.with_name(PARTS) / path.name):
        path.unlink(missing_ok=True)  # of a process that was killed
        store.write_synced(path, content)
