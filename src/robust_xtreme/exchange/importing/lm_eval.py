"""Reads the logs of lm-evaluation-harness: `samples_TASK_TIME.jsonl` and the `results_TIME.json` beside them.

A sample of what `export lm-eval` wrote says which of our examples it is, under which condition and noise seed. Samples
of other tasks are numbered by lm-eval's `doc_id`; their task, language and condition are given. Before November 2024
samples had neither `metrics` nor `filter`: their other keys are metrics, and the samples of filters follow each other.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, shown
from robust_xtreme.core.examples import SPAN_QA
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness.sheet import IDENTITY as OURS
from robust_xtreme.exchange.exporting.harness.their_tasks import code_of, without_language
from robust_xtreme.exchange.importing.items import ImportedFile, objects, raw_frame
from robust_xtreme.exchange.importing.run import Read
from robust_xtreme.exchange.importing.scoring import ACCURACY, differing_level, metric_of, ours
from robust_xtreme.files import store

_SAMPLES: Final = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
_ACC: Final = "acc"
_EXACT_MATCH: Final = "exact_match"
_RENAMED: Final = {_ACC: ACCURACY}
_NO_METRICS: Final = (
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash"),
)
_FOUND: Final = ("model_dtype", "model_revision", "model_sha", "peft_sha", "delta_sha")
"""What lm-eval finds of a model, whatever its arguments say."""

_PLACES: Final = (
    *("device", "batch_size", "max_batch_size", "parallelize", "device_map", "device_map_option", "swap_space"),
    *("max_memory_per_gpu", "max_cpu_memory", "offload_folder", "gpu_memory_utilization", "cache_dir", "download_dir"),
    *("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "num_concurrent", "max_retries"),
    *("timeout", "verify_certificate", "token", "auth_token", "api_key"),
)
"""Arguments of a model that say where and how fast it answers, and not what."""

_SAME: Final = ("lm_eval_version", "version", "n-shot", "chat_template_sha", "system_instruction_sha", "settings")


class LmEvalLog(NamedTuple):
    """The samples of one task of lm-eval, and what the results beside them say."""

    path: Path
    task: str
    time: str
    results: Mapping[str, Any]

    @property
    def whole_model(self) -> str:
        """The name of the model as it was given, with the path of a folder."""
        return str(self.results.get("model_name") or "")

    @property
    def model(self) -> str:
        """The name of the model; of a folder its own name."""
        name = self.whole_model
        return Path(name).name if name.startswith(("/", "~", ".")) else name

    @property
    def arguments(self) -> frozenset[str]:
        """What the answers of the model depend on beside its name, as an adapter, each as `peft=OWNER/NAME`.

        The type of numbers and the revision are those that lm-eval found, where it states them.
        """
        config = mapping(self.results.get("config"))
        named = config.get("model_args")
        pairs = [part.partition("=") for part in named.split(",")] if isinstance(named, str) else []
        values = {**mapping(named), **{name.strip(): value.strip() for name, _, value in pairs}}
        values |= {name.removeprefix("model_"): config[name] for name in _FOUND if config.get(name)}
        return frozenset(f"{name}={value}" for name, value in values.items() if name and name not in _PLACES)

    def of_task(self, name: str) -> Any:
        """What a table of the results says of the task."""
        return mapping(self.results.get(name)).get(self.task)

    @property
    def answered(self) -> dict[str, str]:
        """How it was answered: versions of lm-eval and of the task, shots, what is before the prompt, settings."""
        config = mapping(self.of_task("configs"))
        names = ("lm_eval_version", "chat_template_sha", "system_instruction_sha")
        values = {
            **{name: self.results.get(name) for name in names},
            "version": self.of_task("versions"),
            "n-shot": self.of_task("n-shot"),
            "settings": config.get("generation_kwargs") and json_text(config["generation_kwargs"], sort_keys=True),
        }
        return {name: str(value) for name, value in values.items() if value is not None}

    @property
    def inference(self) -> str:
        """The same in words; runs that differ in it are not compared."""
        words = {"lm_eval_version": "lm-eval {}", "version": "task version {}", "n-shot": "{} shots"}
        return ", ".join(text.format(self.answered[name]) for name, text in words.items() if name in self.answered)


@dataclass(slots=True)  # notes are added while files are read
class LogReading:
    """How logs are read: the filter of lm-eval, or the scores and the epoch of inspect; and what is said of them."""

    names: Sequence[str]
    is_closed: bool
    epoch: int = 0
    epochs: Counter[tuple[str, int]] = field(default_factory=Counter)  # samples by condition and how many
    notes: dict[str, None] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)


def read(paths: Sequence[ImportedFile], only_model: str | None = "", filter: str = "", is_closed: bool = False) -> Read:
    """The samples of some files or folders; of several filters those of `filter`, by default of the first.

    `is_closed`: generated texts are labels, and an exact match is their accuracy.
    Raises MissingData where there are none, Mismatch where logs are of several models, or clean and noisy ones were
    answered in another way, DataError naming a file and line.
    """
    logs = [(log, given) for given in paths for log in latest(logs_in(given.path))]
    if not logs:
        raise MissingData(f"{paths[0].path} has no samples_*.jsonl. Run lm-eval with --log_samples --output_path DIR.")
    kept = [(log, given) for log, given in logs if not only_model or only_model in (log.model, log.whole_model)]
    check_one((log.whole_model for log, _ in kept or logs), only_model)
    _check([log for log, _ in kept or logs])
    reading = LogReading([filter], is_closed)
    rows = [row for given in paths for row in _of_file([log for log, each in kept if each is given], given, reading)]
    names = [{"name": log.path.name, "sha256": store.sha256(log.path)} for log, _ in kept]
    first = kept[0][0] if kept else logs[0][0]
    source = {"format": "lm-eval", "files": names, **first.answered}
    version, tasks = first.answered.get("lm_eval_version", "of unknown version"), {log.task for log, _ in kept}
    notes = (f"Answered by lm-eval {version}; {len(tasks)} of its tasks.", *reading.notes)
    path = ", ".join(str(given.path) for given in paths)
    return Read(lambda: raw_frame(rows), path, source, notes, tuple(reading.differing))


def _of_file(logs: Sequence[LmEvalLog], given: ImportedFile, reading: LogReading) -> list[dict[str, Any]]:
    """The raw rows of logs of one file or folder; where all get one task, they are those of a group with its level."""
    is_group = bool(given.task) and len(logs) > 1
    parts = [_rows(log, given._replace(is_group=is_group), reading) for log in logs]
    rows = [row for part, _ in parts for row in part]
    if is_group and len({log.time for log in logs}) == len({filter for _, filter in parts}) == 1:
        path = logs[0].path.with_name(f"results_{logs[0].time}.json")
        reading.differing += _differing(logs[0]._replace(path=path, task=given.task), rows, parts[0][1])
    for row in rows:
        scores = {_RENAMED.get(name, name): score for name, score in row["scores"].items()}
        if reading.is_closed and not row["choices"] and _EXACT_MATCH in scores:
            scores = {ACCURACY: scores[_EXACT_MATCH], **scores}
        row["scores"] = json_text(scores) if scores else None
    return rows


def logs_in(path: Path) -> list[LmEvalLog]:
    """The logs of a folder and those below it, or the one of a file of samples or results."""
    if path.is_dir():
        files = sorted(path.rglob("samples_*.jsonl"))
    else:
        same = path.name.removeprefix("results_").removesuffix(".json")
        files = [path] if path.suffix == ".jsonl" else sorted(path.parent.glob(f"samples_*_{same}.jsonl"))
    known: dict[Path, Mapping[str, Any]] = {}
    return [_log(file, known) for file in files]


def _log(path: Path, known: dict[Path, Mapping[str, Any]]) -> LmEvalLog:
    named = _SAMPLES.fullmatch(path.name)
    task, time = (named["task"], named["time"]) if named else (path.stem.removeprefix("samples_"), "")
    results = path.with_name(f"results_{time}.json")
    if results not in known:
        known[results] = mapping(store.read_json(results)) if results.is_file() else {}
    return LmEvalLog(path, task, time, known[results])


def latest(logs: Iterable[LmEvalLog]) -> list[LmEvalLog]:
    """Of several logs of a task by one model, with the same arguments, the latest."""
    in_order = sorted(logs, key=lambda log: (log.time, log.path))
    return [*{(log.whole_model, log.arguments, log.task): log for log in in_order}.values()]


def check_one(models: Iterable[str], only_model: str | None) -> None:
    """Raise Mismatch where there are several models, unless all are asked for (None)."""
    if len(names := sorted(set(models))) > 1 and only_model is not None:
        what = f"The logs are of several models: {', '.join(map(shown, names[:5]))}"
        raise Mismatch(f"{what}. Name one: --only-model. Or make a run of each: --each-model.")


def _check(logs: Sequence[LmEvalLog]) -> None:
    """Raise Mismatch where models of one name have other arguments, or logs of a task were answered in several ways."""
    ways: dict[tuple[str, str], LmEvalLog] = {}
    first = {log.whole_model: log for log in reversed(logs)}
    for log in logs:
        if differing := ", ".join(sorted(log.arguments ^ first[log.whole_model].arguments)):
            raise Mismatch(
                f"{log.path.parent.name}/{log.path.name} is by {log.model} with other arguments than the logs in "
                f"{first[log.whole_model].path.parent.name}: {differing[:300]}. Import the logs of each model alone."
            )
        exported_as = mapping(mapping(mapping(log.of_task("configs")).get("metadata")).get(OURS))
        before = ways.setdefault((log.whole_model, str(exported_as.get("includes") or log.task)), log)
        for name in _SAME:
            mine, theirs = log.answered.get(name), before.answered.get(name)
            if mine != theirs:
                what = f"the {name.replace('_', ' ')} of {log.task} is {mine}, and that of {before.task} is {theirs}"
                raise Mismatch(f"{log.path.name}: {what}. Evaluate both with the same lm-eval and settings.")


def _rows(log: LmEvalLog, given: ImportedFile, reading: LogReading) -> tuple[list[dict[str, Any]], str]:
    """The raw rows of the samples of a filter, and its name. Raises Mismatch where there are none of that asked for."""
    rows, names, seen = list[dict[str, Any]](), dict[str, str](), set[str]()
    unnamed = next((key.partition(",")[2] for key in mapping(log.of_task("results")) if "," in key), "none")
    for number, sample in _samples(log.path):
        name = str(sample.get("filter", "another" if str(sample["doc_id"]) in seen else unnamed))
        names[name] = name
        seen.add(str(sample["doc_id"]))
        if name == (reading.names[0] or next(iter(names))):
            rows.append(_row(log, given, sample, number))
    chosen, *others = dict.fromkeys([reading.names[0] or next(iter(names), ""), *names])
    if others and not rows:
        raise Mismatch(f"{log.path.name} has no filter {shown(chosen)}. It has {', '.join(names)}.")
    if others:
        every = f"{', '.join([chosen, *others[:-1]])} and {others[-1]}"
        reading.notes[f"{log.task} has the filters {every}: those of {chosen} were read."] = None
    if not log.results:
        reading.notes["Some samples have no results beside them: neither model nor versions are known."] = None
    for name in dict.fromkeys(name for row in rows for name, score in row["scores"].items() if score is None):
        reading.notes[f"{log.task}: {name} was left out, since it is not a score from 0 to 1 of each example."] = None
        for row in rows:
            row["scores"].pop(name, None)
    falling = [name for name, is_higher in mapping(log.of_task("higher_is_better")).items() if is_higher is False]
    for name in (name for name in falling if any(name in row["scores"] for row in rows)):
        reading.notes[f"{log.task}: {name} was left out, since less of it is better."] = None
        for row in rows:
            row["scores"].pop(name, None)
    _number_golds([row for row in rows if row["choices"]])
    reading.differing += _differing(log, rows, chosen)
    return rows, chosen


def _number_golds(rows: Sequence[dict[str, Any]]) -> None:
    """Letters of gold choices become numbers where every accuracy agrees; where one is a share no choice is right."""
    accuracies = [row["scores"].get(_ACC) for row in rows]
    letters = [dict(zip(ascii_uppercase[: row["choices"]], map(str, range(26)), strict=False)) for row in rows]
    golds = [names.get((row["gold"] or "").strip()) for row, names in zip(rows, letters, strict=True)]
    agree = [row["prediction"] == gold for row, gold in zip(rows, golds, strict=True)]
    for row, gold in zip(rows, golds, strict=True):
        if not {*accuracies} <= {None, 0, 1}:
            row |= {"prediction": None, "gold": None}
        elif None not in golds and agree == accuracies:
            row["gold"] = gold


def _differing(log: LmEvalLog, rows: Sequence[Mapping[str, Any]], filter: str) -> Iterator[str]:
    """What the means over samples are that the results state otherwise, by name and filter: `acc,none`."""
    for key, value in mapping(log.of_task("results")).items():
        name, _, of = key.partition(",")
        scores = [row["scores"].get(name) for row in rows]
        if name == _ACC and {*scores} == {None}:  # that of the choices, which no sample states
            scores = [float(row["prediction"] == row["gold"]) if row["choices"] else None for row in rows]
        if of == filter and rows and None not in scores and isinstance(value, (int, float)):
            yield from differing_level(log.path.name, metric_of(_RENAMED.get(name, name)), scores, value)


def _samples(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    content = resources.data_of(path)
    if content.lstrip().startswith(b"["):
        raise DataError(path, "is one list of samples, as lm-eval before 0.4.3 wrote. Evaluate with a later one")
    for number, sample in objects(content, path, strict_json.decoder()):
        if "doc_id" not in sample:
            raise DataError(path, "is not a sample of lm-eval: it has no doc_id", number)
        yield number, sample


def _row(log: LmEvalLog, given: ImportedFile, sample: Mapping[str, Any], number: int) -> dict[str, Any]:
    known = _known(log, given, sample, number)
    task, answered = ours(str(known.get("task"))), sample.get("filtered_resps")
    scores, status = _scores(sample, log.path, number), known.get("status")
    answers = _answer(sample, log.path, number, task is not None and task.family == SPAN_QA.name)
    # The likelihood of one text predicts nothing.
    is_likelihood = isinstance(answered, list) and len(answered) == 1 and isinstance(answered[0], list)
    is_counted = status in (None, "ok", "unchanged") and not any(scores.values())
    if answers["prediction"] is None and is_counted and not is_likelihood:
        status = "unparsed"
    more = {"status": status, "scores": scores, "model": log.model or None, "inference": log.inference}
    return {**known, **answers, **more}


def _known(log: LmEvalLog, given: ImportedFile, sample: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Which example a sample is, and what noise did to it: as exported, else number, language and what was given."""
    doc = mapping(sample.get("doc"))
    if OURS in doc:
        wrong = DataError(log.path, f"the column {OURS} is not what `export lm-eval` wrote", number)
        return exported(doc[OURS], wrong)
    code = "" if given.language else code_of(log.task)
    name = without_language(log.task, code) if code else log.task
    id = f"{name}/{sample['doc_id']}" if given.is_group else sample["doc_id"]
    known = {"language": code or None, "condition": given.condition}
    return {"id": id, "task": None if given.task else log.task, **known}


def exported(known: Any, wrong: DataError) -> dict[str, Any]:
    """The raw row of an example that we exported, of JSON or its text. Raises the error where it is none."""
    try:
        row = dict(strict_json.loads(known) if isinstance(known, str) else known)
        return {"id": row.pop("example" if "example" in row else "id"), **{k: v for k, v in row.items() if v != ""}}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise wrong from error


def _answer(sample: Mapping[str, Any], path: Path, number: int, texts: bool) -> dict[str, Any]:
    """The prediction and the gold of `choices` or of `texts` (SQuAD's form or a list); None without an answer."""
    given = listed(sample.get("filtered_resps"))
    answers = mapping(sample.get("doc")).get("answers")
    several = mapping(answers).get("text", answers)
    gold = json_text(several) if texts and isinstance(several, list) else text_of(sample.get("target"))
    if given and isinstance(given[0], list) and len(given) > 1:
        # For this metric lm-eval also asks for the choices without the question, after those with it.
        many = len(given) // 2 if "acc_mutual_info" in _metrics(sample) else len(given)
        best = str(_best([listed(each)[:1] for each in given[:many]], path, number))
        return {"prediction": best, "gold": gold, "choices": many}
    answer = text_of(given[0]) if given and not isinstance(given[0], list) else None
    text = answer if answer is not None and answer.strip() not in ("", "[invalid]") else None
    return {"prediction": text, "gold": gold, "choices": 0}


def _metrics(sample: Mapping[str, Any]) -> list[str]:
    named = sample.get("metrics")
    names = named if isinstance(named, list) else [name for name in sample if name not in _NO_METRICS]
    return [name for name in names if isinstance(name, str)]


def listed(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _best(values: Sequence[list[Any]], path: Path, number: int) -> int:
    """The number of the choice with the highest log-likelihood, the first of equal ones, as lm-eval counts it."""
    try:
        numbers = [float(value) for (value,) in values]
    except (TypeError, ValueError, OverflowError):
        numbers = [math.nan]
    if any(math.isnan(value) for value in numbers):
        raise DataError(path, f"the log-likelihoods of the choices are {shown(values)}, not numbers", number)
    return numbers.index(max(numbers))


def _scores(sample: Mapping[str, Any], path: Path, number: int) -> dict[str, float | None]:
    """The scores of a sample; None for what is none of one example."""
    scores: dict[str, float | None] = {}
    for name in _metrics(sample):
        value: Any = sample.get(name)
        value = {"True": 1.0, "False": 0.0}.get(value, value) if isinstance(value, str) else value
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(path, f"the score {name} is {value}", number)
        is_share = isinstance(value, (bool, int, float)) and 0 <= value <= 1
        scores[name] = float(value) if is_share else None
    return scores


def text_of(value: Any) -> str | None:
    """A target as text: strings as they are, others as JSON."""
    return value if value is None or isinstance(value, str) else json_text(value)


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}
