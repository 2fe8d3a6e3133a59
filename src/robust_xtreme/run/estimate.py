"""Estimates the size and duration of a run without computing it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import numpy as np
import torch

from robust_xtreme.core.errors import CURE, counted, duration
from robust_xtreme.core.examples import Corpus
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.files import cache as stored
from robust_xtreme.files.manifest import unversioned_tasks
from robust_xtreme.files.schema import UNREADABLE
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.cache import KIND, keys_of, settings
from robust_xtreme.models.predictors.loaded import device_name, device_of, forward
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, nowhere, predictor_of
from robust_xtreme.models.reading.tokens import Lexicon, backend_of
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tokenizer import tokenizer_of
from robust_xtreme.noise.engine.ocr_channel import SECONDS, missing
from robust_xtreme.noise.user_packs import using
from robust_xtreme.run.answering import threads
from robust_xtreme.run.distributed import job_of
from robust_xtreme.run.folder import Folder, check_ours, planned
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import NotRun, Plan, make_plan
from robust_xtreme.run.prepare import Prepared, prepare
from robust_xtreme.run.task_run import Splits, TaskRun, most_queries, most_vectors
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.workers.messages import Fleet
from robust_xtreme.workers.supervisor import forecast

_NAMED: Final = 6
"""The most task runs of a device that its line names."""

_SLOTS: Final = 16
"""The most devices that have a line each."""


def shares(todo: Sequence[TaskRun], sizes: Sequence[float], slots: Sequence[str]) -> tuple[list[str], float]:
    """A line for each device with its task runs, and the size of the largest share, if sizes are as they are given."""
    jobs = [job_of(number, *sized) for number, sized in enumerate(zip(todo, sizes, strict=True))]
    scheduled = dict(zip(slots, forecast(jobs, len(slots)), strict=True))
    lines = []
    for slot, of_slot in scheduled.items():
        predictions = counted(sum(job.payload.predictions for job in of_slot), "prediction")
        named = ", ".join(job.label for job in of_slot[:_NAMED])
        more = f" and {len(of_slot) - _NAMED} more" if len(of_slot) > _NAMED else ""
        lines += [f"{slot}: {predictions}: {named}{more}"] if of_slot else []
    others = [f"and {counted(len(lines) - _SLOTS, 'more device')}"] if len(lines) > _SLOTS else []
    most = max((sum(job.size for job in of_slot) for of_slot in scheduled.values()), default=0.0)
    return [*lines[:_SLOTS], *others], most


_READ: Final = "ocr_channel"
_SAMPLE: Final = 200
"""The most inputs of a task run that are made to estimate the others, and the most candidates."""

_SIDE: Final = 512
_PROBES: Final = 20
_REACHED: Final = 0.5
"""The share of a plain matrix product's speed that an encoder reaches on batches of mixed length."""

_LETTERS: Final = 3.5
"""Characters of a token, on average over texts and tokenizers."""

_LOADED: Final = 150_000_000
"""Parameters up to which a model is loaded and timed; the time of a larger one follows from its size."""

_TIMED: Final = {"cpu": 1024, "cuda": 32768}
"""Tokens of a timed batch, padding included."""

_PASSES: Final = 2
_EACH: Final = 5e-4
"""Seconds a prediction for noising, encoding and scoring, without the model, on an idle machine."""

_START: Final = 8.0
"""Seconds for loading libraries, reading data and writing the report, on an idle machine."""

_ROWS: Final = 10
"""The most task runs that have a line each; of more, each task has one."""

_REASONS: Final = 5
"""The most lines on what is not run."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What is left of a task run: estimated passes, tokens and seconds of the model; `cached` ones are in the cache.

    A pass reads a window, in a batch with others. Its attacks have at most so many `queries`, and compare at most so
    many texts by their `vectors`; their passes, tokens and seconds are counted as if all were asked.
    """

    run: TaskRun
    passes: int = 0
    tokens: int = 0
    cached: int = 0
    queries: int = 0
    vectors: int = 0
    seconds: float = 0.0
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Estimator:
    """Estimates task runs of a plan; `paces` has the seconds of a token of each model and family, once measured."""

    plan: Plan
    device: str
    device_name: str
    cache: bool
    models: Models
    paces: dict[tuple[str, str], float] = field(default_factory=dict)

    def part(self, run: TaskRun, with_candidates: bool) -> _Part:
        """The estimate of a task run over all seeds, from a sample of its examples; no print is read for it."""
        split = self.plan.splits.of(run)
        conditions = tuple(each for each in run.conditions if not (each.asks or _READ in each.name))
        count = max(1, _SAMPLE // len(conditions))
        sampled = replace(split, examples=split.examples[:count], corpus=None)
        once = tuple(replace(condition, seeds=condition.seeds[:1]) for condition in conditions)
        predictor = predictor_of(run.model, run.task, nowhere)
        prepared = prepare(replace(run, conditions=once), sampled, predictor)
        windows = prepared.inputs.windows.take(prepared.inputs.rows()[0])
        several = len(once) * len(sampled.examples)
        cached = self._cached(run, prepared)
        queries = most_queries(run.conditions) * run.rows
        vectors = most_vectors(run.conditions) * run.rows
        read = (run.predictions - cached + queries + vectors) / several
        passes, tokens = len(windows) * read, len(windows.ids) * read
        if split.corpus is not None and with_candidates and not run.model.origin.function:
            tokens += _candidate_tokens(run, split.corpus)
        return _Part(run, round(passes), round(tokens), cached, queries, vectors, tokens * self._pace(run, windows))

    def _cached(self, run: TaskRun, prepared: Prepared) -> int:
        """The predictions that the cache contains: the sample's share of each condition. Vectors are not counted."""
        function = run.model.origin.function
        if not self.cache or run.task.pool is not None or (function and not function.version):
            return 0
        named = settings(run.model, run.task, run.inference, self.device_name)
        keys = keys_of(prepared.inputs.contents, named, run.languages)
        known = stored.contains(KIND, tuple(keys))
        in_cache = [known[content] for content in prepared.inputs.content.tolist()]
        seeds = {condition.name: len(condition.seeds) for condition in run.conditions}
        return sum(
            round(run.rows * seeds[variant.condition.name] * sum(in_cache[index] for index in variant.inputs) / rows)
            for variant in prepared.variants
            if (rows := len(variant.inputs))
        )

    def _pace(self, run: TaskRun, windows: Windows) -> float:
        """The seconds of a token: of a small model measured, of a large one from its parameters."""
        key, params = (run.model.identity, run.model.family), run.model.params
        if params is None or not len(windows) or not _is_here(self.device):  # none: a predictor that reads no tokens
            return 0.0
        if key not in self.paces:
            if params <= _LOADED:
                self.paces[key] = self._timed(run, windows)
            else:
                self.paces[key] = 2.0 * (run.params or 0) / (_speed(self.device) * _REACHED)
        return self.paces[key]

    def _timed(self, run: TaskRun, windows: Windows) -> float:
        """The seconds of a token in a batch of windows of middle length, after a first pass that is not counted."""
        checkpoint = self.models.load(run.model, run.task)
        ordered = np.argsort(windows.lengths, kind="stable")
        middle = len(ordered) // 2
        longest = max(1, int(windows.lengths[ordered[middle]]))
        batch = windows.take(ordered[max(0, middle + 1 - max(1, _TIMED[self.device] // longest)) : middle + 1])
        with threads(self.device, run.params):
            forward(checkpoint, batch)
            start = time.perf_counter()
            for _ in range(_PASSES):
                forward(checkpoint, batch)
        spent = time.perf_counter() - start
        return spent / _PASSES / len(batch.ids)


def roughly(todo: Sequence[TaskRun], splits: Splits, device: str, busy: float) -> dict[int, float]:
    """The seconds of a prediction of each task run, by its `id`, from the lengths of texts: nothing is encoded.

    The candidates of a pool count for its first task run; `busy` is the time that a second of computing takes here.
    """
    speed, pools, seconds = _speed(device) * _REACHED, {""}, dict[int, float]()
    for run in todo:
        split = splits.kept_of(run)
        data = run.external or split
        examples = data.examples[:_SAMPLE] if data else ()
        inputs = run.predictions + most_queries(run.conditions) * run.rows
        letters = sum(len(text.value) for example in examples for text in example.texts.values())
        letters = letters * inputs // max(1, len(examples))
        if split and split.corpus and run.pool not in pools:
            pools.add(run.pool)
            letters += _passes(run) * sum(len(text.value) for text in split.corpus.texts)
        spent = busy * _EACH * inputs + 2.0 * (run.params or 0) * letters / _LETTERS / speed
        seconds[id(run)] = spent / max(1, run.predictions)
    return seconds


def estimate(
    spec: RunSpec,
    force: bool = False,
    cache: bool = True,
    every: bool = False,
    keep_going: bool = False,
    fleet: Fleet | None = None,
) -> list[str]:
    """The plan of a run as lines: a table by task, what is left out and why, and size and time of the whole.

    With `every`, each task run and each cell that is left out has a line. Sizes are estimated from a sample; the time
    is that of what is left to compute, on this machine as busy as it is now. With `force`, the last line names what
    starting over removes; each device of a `fleet` has a line. Raises what `evaluate` raises; nothing is written.
    """
    clock, used = time.perf_counter(), time.process_time()
    folder = Folder(spec.folder())
    check_ours(folder.path, spec, force)
    with using(*spec.packs), own_tasks(spec.data):
        device = fleet.device if fleet else device_of(spec.device)
        name = fleet.device_name if fleet else device_name(device)
        plan = make_plan(spec, keep_going=keep_going)
        fresh = new_manifest(plan, name, spec.batch_tokens or BATCH_TOKENS[device], deduplicate=True)
        if not force and folder.finished(fresh):
            unread = [cell for cell in plan.not_run if cell.reason == UNREADABLE]
            return [*_left_out(unread, every), f"{folder.path} is complete: nothing to compute"]
        models = Models(device, spec.precision, spec.representation)
        estimator = _Estimator(plan, device, name, cache and not spec.trust_remote_code, models)
        # Of the task runs with one pool, the first has the tokens of its candidates, which are embedded once.
        first = {(run.task.name, run.pool): run for run in reversed(plan.task_runs) if run.pool}
        manifest = None if force else folder.manifest
        digests = manifest.get("parts", {}) if manifest else {}
        again = unversioned_tasks(fresh) if manifest and manifest["complete"] else frozenset()
        parts = [
            _Part(run, done=True)
            if run.task.name not in again and folder.holds(run, digests)
            else estimator.part(run, run in first.values())
            for run in plan.task_runs
        ]
    busy = max(1.0, (time.perf_counter() - clock) / (time.process_time() - used))
    lines = [_line(part) for part in parts] if every or len(parts) <= _ROWS else _table(parts)
    return [
        *lines,
        *_left_out(plan.not_run, every),
        *_whole(parts, device, busy, fleet.slots if fleet else ()),
        f"into {folder.path}",
        *filter(None, [planned(folder.path, plan.task_runs, force)]),
    ]


def _whole(parts: Sequence[_Part], device: str, busy: float, slots: Sequence[str]) -> list[str]:
    """Size of all task runs that are not done, a line for each of the `slots` with a share, and the time, if `busy`."""
    todo = [part for part in parts if not part.done]
    ready = len(parts) - len(todo)
    done = [f"{ready} of {counted(len(parts), 'task run')} done already"] if ready else []
    cached, queries, vectors = (sum(getattr(part, name) for part in todo) for name in ("cached", "queries", "vectors"))
    about, tokens = "at most about" if queries else "about", sum(part.tokens for part in todo)
    size = [
        counted(sum(len(part.run.conditions) for part in todo), "cell"),
        counted(sum(part.run.predictions for part in todo), "prediction"),
        *([f"about {cached:,} of them from the cache"] if cached else []),
        *([_asked(queries, vectors)] if queries else []),
        *([f"{about} {sum(part.passes for part in todo):,} forward passes of a window"] if queries else []),
        *([f"{about} {counted(tokens, 'token')} to read"] if any(part.run.params is not None for part in todo) else []),
    ]
    each = [busy * _EACH * (part.run.predictions + part.queries + part.vectors) + part.seconds for part in todo]
    lines, most = shares([part.run for part in todo], each, slots) if slots else ([], sum(each))
    if not _is_here(device):
        return [*done, ", ".join(size), *lines, f"the time is not known: this machine has no {device} device"]
    time_left = f"{about} {duration(busy * _START + most)} on {counted(len(lines), 'device') if slots else device}"
    spent = [f"{duration(busy * _START * len(lines) + sum(each))} of all of them together"] if len(lines) > 1 else []
    return [*done, ", ".join(size), *lines, ", ".join([time_left, *spent]), *to_read([part.run for part in todo])]


def to_read(runs: Sequence[TaskRun]) -> list[str]:
    """What `ocr_channel` takes beside the model, and what it lacks here; nothing where no condition has it."""
    read = [(run, each) for run in runs for each in run.conditions if _READ in each.name]
    if not read:  # then Tesseract is not asked what it has
        return []
    texts = sum(run.rows * len(each.fields) * len(each.seeds) for run, each in read)
    cost = f"at most {counted(texts, 'text')} to read by Tesseract, about {duration(texts * SECONDS)} on one core"
    lacks = missing(dict.fromkeys(code for run, _ in read for code in run.languages))
    cure = f"a text that is not in the cache cannot be read here: apt-get install {' '.join(lacks)}"
    return [f"{cost}; those that are in the cache are not read again", *([cure] if lacks else [])]


def _is_here(device: str) -> bool:
    """Whether this machine has the kind of device that computes; that of a cluster can be elsewhere."""
    return device != "cuda" or torch.cuda.is_available()


def _line(part: _Part) -> str:
    run = part.run
    size = f"{counted(run.rows, 'row')}, {counted(run.clusters, 'cluster')}, {counted(len(run.conditions), 'cell')}"
    about = "at most about" if part.queries else "about"
    left = f"{about} {counted(part.tokens, 'token')}" if run.params is not None else "asked of a function"
    left = "done" if part.done else left
    cached = f", about {part.cached:,} from the cache" if part.cached else ""
    asked = f", {_asked(part.queries, part.vectors)}" if part.queries else ""
    return f"{run.label} ({run.split}): {size}, {counted(run.predictions, 'prediction')}{cached}{asked}, {left}"


def _asked(queries: int, vectors: int) -> str:
    """The most that attacks ask; each query, and each text, is a forward pass, unless an equal one was made before."""
    compared = f", at most {counted(vectors, 'text')} compared by vectors" if vectors else ""
    return f"at most {queries:,} {'query' if queries == 1 else 'queries'} of attacks{compared}"


def _table(parts: Sequence[_Part]) -> list[str]:
    """A row for each task and split, at most 80 characters wide."""
    asked = [name for name in ("queries", "vectors") if any(getattr(part, name) for part in parts)]
    head = ("task", "split", "langs", "rows", "cells", "predictions", *asked, "cached", "tokens")
    rows: list[tuple[str, ...]] = [head]
    groups: dict[tuple[str, str], list[_Part]] = {}
    for part in parts:
        groups.setdefault((part.run.task.name, part.run.split), []).append(part)
    for (task, split), several_parts in groups.items():
        runs = [part.run for part in several_parts]
        counts = (
            len(runs),
            sum(run.rows for run in runs),
            sum(len(run.conditions) for run in runs),
            sum(run.predictions for run in runs),
            *(sum(getattr(part, name) for part in several_parts) for name in (*asked, "cached", "tokens")),
        )
        rows.append((task, split, *(f"{count:,}" for count in counts)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    sides = (*[str.ljust] * 2, *[str.rjust] * (len(head) - 2))
    return ["  ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)) for row in rows]


def _left_out(cells: Sequence[NotRun], every: bool) -> list[str]:
    """What is not run: a line for each cell with `every`, else for each unreadable one, and what is alike but for the
    language and the strength; of these the lines that name a cure are the first.
    """
    unread = [f"not run: {cell.detail}" for cell in cells if every or cell.reason == UNREADABLE]
    groups: dict[tuple[str, str], list[NotRun]] = {}
    for cell in () if every else [cell for cell in cells if cell.reason != UNREADABLE]:
        why = cell.detail.replace(f" {cell.language}: ", " ").replace(cell.condition, "")
        groups.setdefault((cell.task, f"{cell.condition.partition(':')[0]} {why}"), []).append(cell)
    lines = [
        f"not run: {group[0].detail}" + (f" And {len(group) - 1} more of {task}." if len(group) > 1 else "")
        for (task, _), group in groups.items()
    ]
    lines.sort(key=lambda line: CURE not in line)
    more = [f"not run: {counted(len(lines) - _REASONS + 1, 'more line')}: --verbose lists all"]
    return [*unread, *(lines if len(lines) <= _REASONS else [*lines[: _REASONS - 1], *more])]


def _candidate_tokens(task_run: TaskRun, corpus: Corpus) -> float:
    """The tokens of the candidates, estimated, under the clean condition and those that noise them."""
    texts = corpus.texts[:: -(-len(corpus.texts) // _SAMPLE)]
    lexicon = Lexicon(backend_of(tokenizer_of(task_run.model)))
    numbers = lexicon.numbers([text.value for text in texts])
    most = task_run.task.pool.max_length if task_run.task.pool else 0
    each = int(np.minimum(most, lexicon.tokens.lengths[numbers]).sum()) / len(texts)
    return each * len(corpus.texts) * _passes(task_run)


def _passes(task_run: TaskRun) -> int:
    """How often the candidates are read: clean, and under each condition that noises them."""
    return 1 + sum(len(condition.seeds) for condition in task_run.conditions if CANDIDATE in condition.fields)


@lru_cache
def _speed(device: str) -> float:
    """Floating-point operations a second of a plain matrix product, measured."""
    square = torch.ones(_SIDE, _SIDE, device=device)
    square @ square
    start = time.perf_counter()
    for _ in range(_PROBES):
        square @ square
    if device == "cuda":
        torch.cuda.synchronize()
    return _PROBES * 2.0 * _SIDE**3 / (time.perf_counter() - start)
