"""The page of benchmarks/host.py: a row for each case and label, and what the time of each label is spent on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from robust_xtreme.report.blocks import Block, Heading, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

BUSY: Final = 0.5
"""The load beyond the number of cores from which rates by the clock are not those of the program alone."""

_MICRO: Final = 1e6
_RATES: Final = (
    "case", "label", "predictions", "by the clock", "ratio", "by processor time", "ratio", "bare tokenizer",
    "of its rate", "distinct texts", "of its rate", "µs net", "ratio", "main thread µs", "MiB",
)  # fmt: skip
_ABOUT: Final = (
    "`python -m benchmarks.host --data DIR --rows 4000 [--perturb ...] [--seeds N] [--workers 2]`: `eval` with an",
    "model that costs nothing (its states and its scores are rows of tables), with an empty prediction cache: XNLI",
    "(classification), XCOPA (choice), PAN-X (tagging), XQuAD (spans), Tatoeba (retrieval), and `mini`, the embedded",
    "suite with all its tasks. `xnli-test` is XNLI's test in 15 languages, of which those without a file have the",
    "rows of dev in turn, each time with the hypotheses of other rows. The aims for 2 workers on 2 cores beside",
    "*before*: by the clock 4 times on xnli and panx, 3 times on xquad and tatoeba, and 0.3 of the bare tokenizer,",
    "better over distinct texts; a third of the µs net; at most 20 µs of the main thread. Workers find bytecode, as",
    "those of an installed package do; `OMP_NUM_THREADS=1`, as the Makefile sets it. *before* is commit f3558545 with",
    "today's `benchmarks/_host_model.py`, by `--code CHECKOUT`, whose heads multiply: 5 of its 900 µs on xquad. Labels",
    "are of different days: the bare tokenizer beside each says how fast the machine was. What begins and ends a run",
    "does not depend on its predictions, so that short runs reach a smaller share of the tokenizer's rate. PAN-X at",
    "500 rows, of 42 languages and 37,170 predictions, takes 12 s of the processor, of which 5 s are such: plan and",
    "reading 1.3 (half of the rows are left out by the limit), the imports of two workers 1.1, the renderer of charts",
    "0.5, merging 470,000 rows of statistics 0.9, examples and pages 0.9, tests and averages 0.4. The others are",
    "those of task runs, 130 ms each: noise and encoding 36, rows and sums 32, measuring 30, the prediction cache and",
    "decoding 14, writing 14. A fifth of the tokenizer's rate would be 4.5 s of both cores, all busy.",
)
_LEGEND: Final = (
    "*by the clock*, *by processor time*: predictions a second, of all threads and processes. *bare tokenizer*:",
    "predictions a second by the clock if only `encode_batch` were called, over the texts of all predictions: a",
    "question with its passage for each, and under each condition the candidates of a search; *of its rate*: what",
    "`eval` reaches of that. *distinct texts*: the same where each distinct text of a task run is encoded once,",
    "whatever reads it; `eval` reads texts, and words where a tokenizer does, once. *µs net*: processor time a",
    "prediction without the forward pass, the tokenizer over the distinct texts, and the report, which does not",
    "depend on their number. *main thread µs*: processor time of the main thread a prediction while the model",
    "answers, without the forward pass; the tables below have the rest. *MiB*: the peak of memory of all processes.",
    "*ratio*: to the first label with as much noise; above 1 is better.",
)


def page(records: Sequence[Mapping[str, Any]]) -> str:
    """The records of all labels as Markdown."""
    blocks: list[Block] = [Prose("\n".join(_ABOUT)), *(Paragraph(_of_label(record)) for record in records)]
    blocks += [grid(_RATES, _rates(records), 2), Prose("\n".join(_LEGEND))]
    blocks += [block for record in records for block in _stages(record)]
    return markdown.render(ReportPage("Feeding a model: predictions a second of the host", tuple(blocks)))


def _of_label(record: Mapping[str, Any]) -> str:
    """What a label's figures were measured on, and how busy that machine was."""
    loads = [load for case in record["cases"].values() for load in case["load"]]
    busy = f"Load of the machine: {min(loads)} to {max(loads)} on {record['cores']} cores."
    if max(loads) > record["cores"] + BUSY:
        busy += " Other work shared it, so that rates by the clock are too low and only processor time compares."
    made_up = [name for name, case in record["cases"].items() if case["made_up"]]
    repeated = f" Made of rows of the embedded suite: {', '.join(made_up)}." if made_up else ""
    workers = f" with {record['workers']} workers" if record.get("workers", "0") not in ("0", "auto") else ""
    workers += f", the tokenizer of {record['encoder']}" if "encoder" in record else ""
    noise = f"clean and {', '.join(record['perturb'])} with {record['seeds']} noise seeds"
    return f"{record['label']}: {noise}, on {record['device']}{workers}, {record['versions']}.{repeated} {busy}"


def _rates(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    names = dict.fromkeys(name for record in records for name in record["cases"])
    for name in names:
        first: dict[tuple[str, int], tuple[float, float, float]] = {}
        for record in records:
            if name in record["cases"]:
                case = record["cases"][name]
                rates = rates_of(case)
                noise = str(record["perturb"]), record["seeds"]
                yield (name, record["label"], *_row(case, rates, first.setdefault(noise, rates)))


def rates_of(case: Mapping[str, Any]) -> tuple[float, float, float]:
    """Predictions a second by the clock and by processor time, and seconds net a prediction."""
    many, (wall, processor) = case["predictions"], case["seconds"]
    net = processor - case["forward"] - case["report"] - case["bare"]["distinct"]["seconds"][1]
    return many / wall, many / processor, net / many


def _row(case: Mapping[str, Any], rates: tuple[float, float, float], first: tuple[float, float, float]) -> list[str]:
    bare = [case["predictions"] / each["seconds"][0] for each in (case["bare"], case["bare"]["distinct"])]
    return [
        f"{case['predictions']:,}",
        f"{rates[0]:,.0f}",
        f"{rates[0] / first[0]:.2f}",
        f"{rates[1]:,.0f}",
        f"{rates[1] / first[1]:.2f}",
        *(cell for rate in bare for cell in (f"{rate:,.0f}", f"{rates[0] / rate:.3f}")),
        f"{rates[2] * _MICRO:,.0f}",
        f"{first[2] / rates[2]:.2f}",
        f"{case['answering'] / case['predictions'] * _MICRO:,.1f}",
        f"{case['mib']:,}",
    ]


def _stages(record: Mapping[str, Any]) -> Iterator[Block]:
    cases = record["cases"]
    yield Heading(f"{record['label']}: microseconds of processor time a prediction")
    yield grid(("stage", "thread", *cases), _stage_rows(cases), 2)


def _stage_rows(cases: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each stage and thread, for threads without stages, for what is left; the threads, and all."""
    spent = {name: _spent(case) for name, case in cases.items()}
    for stage, thread in dict.fromkeys(key for of_case in spent.values() for key in of_case):
        yield stage, thread, *(_micro(case, spent[name].get((stage, thread))) for name, case in cases.items())
    pools = dict.fromkeys(thread for name, case in cases.items() for thread in _pools(case, spent[name]))
    for thread in pools:
        yield "not in a stage", thread, *(_micro(case, case["threads"].get(thread)) for case in cases.values())
    left = {name: case["seconds"][1] - _seen(case, spent[name]) for name, case in cases.items()}
    yield "not in a stage", "any other", *(_micro(case, left[name]) for name, case in cases.items())
    for thread in dict.fromkeys(thread for of_case in spent.values() for _, thread in of_case):
        yield "all", thread, *(_micro(case, case["threads"].get(thread)) for case in cases.values())
    yield "all", "all", *(_micro(case, case["seconds"][1]) for case in cases.values())
    bare = {name: (case["bare"], case["bare"]["distinct"]) for name, case in cases.items()}
    for at, texts in enumerate(("all texts", "distinct texts")):
        yield "bare tokenizer", texts, *(_micro(case, bare[name][at]["seconds"][1]) for name, case in cases.items())


def _seen(case: Mapping[str, Any], spent: Mapping[tuple[str, str], float]) -> float:
    """The seconds of all stages, and of the threads without stages."""
    return sum((*spent.values(), *(float(case["threads"][thread]) for thread in _pools(case, spent))))


def _pools(case: Mapping[str, Any], spent: Mapping[tuple[str, str], float]) -> list[str]:
    """The threads that have no stages."""
    return [thread for thread in case["threads"] if thread not in {thread for _, thread in spent}]


def _spent(case: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    return {(stage, thread): processor for stage, thread, _, processor in case["stages"]}


def _micro(case: Mapping[str, Any], seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / case['predictions'] * _MICRO:.1f}"
