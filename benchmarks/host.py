"""How fast the host is: everything that `eval` does around a forward pass that costs nothing.

    python -m benchmarks.host [--data DIR] [--cases xnli panx] [--rows 500] [--workers 2] [--encoder FOLDER]
        [--label before] [--out DIR]

The model's states and scores are rows of fixed tables; everything else is that of `eval`, with an empty prediction
cache: reading, noise, tokenising, batches, decoding, scoring, writing and the report. Every kind of target: XNLI
(classification), XCOPA (choice), PAN-X (tagging), XQuAD (spans), Tatoeba (retrieval), clean and under char_noise:0.1
or --perturb and --seeds, from release files in DIR; a task that DIR does not have gets rows of the embedded suite in
turn. `xnli-test` is XNLI's test in all languages, where rows that DIR does not have are those of dev in turn, each time
with the hypotheses of other rows. `mini` is the whole embedded suite. Beside them the tokenizer's `encode_batch` alone,
over the texts of all predictions, and over each distinct text once. The tokenizer is trained on the cases' texts, or
that of the FOLDER of an encoder, but for `mini`.

Each case is evaluated in a process of its own, after a small evaluation that loads what is loaded once, and that leaves
the bytecode of what worker processes import, as any use of a package does, also where PYTHONDONTWRITEBYTECODE is set.
With --code it is the package of an earlier checkout, with the modules of its own `benchmarks`, that evaluates. Figures
are kept under a label, those of other labels stay: the page has a row for each, with ratios to the first. Rates by the
clock compare only where the machine does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final, final

from benchmarks._host_memory import peak_of
from benchmarks._host_model import make_run, make_suite, make_xnli_test
from benchmarks._host_page import page
from transformers.utils import logging

from robust_xtreme.core import registry
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.tasks.sources.source import available, load, open_source

PERTURB: Final = "char_noise:0.1"
MINI: Final = "mini"
TEST: Final = "xnli-test"
CASES: Final[Mapping[str, tuple[str, int]]] = {
    "xnli": ("validation", 1000),
    TEST: ("test", 1000),
    "xcopa": ("test", 500),
    "panx": ("validation", 500),
    "xquad": ("validation", 600),
    "tatoeba": ("test", 500),
    MINI: ("auto", 0),
}
"""The cases: the split of the release files, and the rows of each language; 0: all."""

ROOT: Final = Path(__file__).parents[1]
_LINES: Final = 4000
"""Texts of each language that the tokenizer is trained on, at most."""


def main() -> None:
    """Measure, print the page of all labels, and write it down where --out is given."""
    words = _words()
    chatter: Any = logging
    chatter.disable_progress_bar()
    device = device_of(words.device)
    with tempfile.TemporaryDirectory() as folder:
        data = None if words.made_up else words.data
        sizes = Sizes(words.rows, tuple(words.perturb), words.seeds)
        machine = Machine(device, words.workers, words.code.resolve(), words.encoder)
        record = measure(data and data.resolve(), words.cases, sizes, words.label, machine, Path(folder))
    path = words.out / f"host-{device}.json" if words.out else None
    kept = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else []
    records = merged(kept, record)
    print(page(records))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(page(records), encoding="utf-8")


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="release files")
    parser.add_argument("--made-up", action="store_true", help="rows of the embedded suite alone, as many as --rows")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rows", type=int, help="rows of each language")
    parser.add_argument("--perturb", nargs="+", default=[PERTURB], help="the conditions beside clean text")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of noise")
    parser.add_argument("--label", default=time.strftime("%Y-%m-%d"), help="what the figures are kept under")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout whose package evaluates")
    parser.add_argument("--encoder", type=Path, help="a folder whose tokenizer reads the texts")
    parser.add_argument("--workers", default="auto", help="processes that prepare and score, as of eval")
    parser.add_argument("--out", type=Path, help="a folder for the figures")
    return parser.parse_args()


@final
@dataclass(frozen=True, slots=True)
class Machine:
    """What computes: the kind of device, and the number of worker processes, as eval takes them, and the checkout.

    `encoder` is the folder whose tokenizer reads; None: one that is trained.
    """

    device: str
    workers: str
    code: Path = ROOT
    encoder: Path | None = None


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is computed: rows of each language (None: those of CASES), conditions beside clean, seeds of noise."""

    rows: int | None = None
    perturb: tuple[str, ...] = (PERTURB,)
    seeds: int = 1


def merged(records: Sequence[dict[str, Any]], record: dict[str, Any]) -> list[dict[str, Any]]:
    """The records with a new one: cases that a label has already are replaced, and others stay."""
    earlier = next((kept for kept in records if kept["label"] == record["label"]), record)
    cases = {**earlier["cases"], **record["cases"]}
    whole = {**record, "cases": {name: cases[name] for name in CASES if name in cases}}
    labels = [kept["label"] for kept in records]
    if record["label"] not in labels:
        return [*records, whole]
    return [whole if kept["label"] == record["label"] else kept for kept in records]


def measure(
    data: Path | None, cases: Sequence[str], sizes: Sizes, label: str, machine: Machine, folder: Path
) -> dict[str, Any]:
    """The figures of some cases, by the name of each, and what they were measured with."""
    sources = {name: source_of(name, data, sizes.rows or CASES[name][1], folder) for name in cases if name != MINI}
    tasks = [*dict.fromkeys(map(task_of, sources))]
    lines = [] if machine.encoder else lines_of(sources)
    run = make_run(folder / "run", lines, tasks, machine.encoder) if sources else Path(MINI)
    about = {
        "device": device_name(machine.device),
        "workers": machine.workers,
        **({"encoder": machine.encoder.name} if machine.encoder else {}),
        "cores": os.cpu_count(),
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("torch", "tokenizers", "polars", "numpy")),
        "perturb": list(sizes.perturb),
        "seeds": sizes.seeds,
    }
    measured = {}
    for name in cases:
        source = sources.get(name, Source(Path(MINI), (), "auto", False))
        limit = sizes.rows or CASES[name][1]
        spec = {
            "model": [str(run if name != MINI else MINI)],
            "data": str(source.path),
            "tasks": [task_of(name)] if name != MINI else [],
            "languages": list(source.languages),
            "split": source.split,
            "perturb": list(sizes.perturb),
            "seeds": sizes.seeds,
            "limit": str(limit) if limit else "",
            "device": machine.device,
            **({} if machine.workers == "auto" else {"workers": machine.workers}),
            "out": str(folder / f"out-{name}"),
        }
        print(f"{name} ...", file=sys.stderr)
        measured[name] = {"made_up": source.made_up, "rows": limit, **_case(spec, folder, machine.code)}
    return {"label": label, **about, "cases": measured}


@final
@dataclass(frozen=True, slots=True)
class Source:
    """Where a case is read from, in which languages and split, and whether its rows are made up."""

    path: Path
    languages: tuple[str, ...]
    split: str
    made_up: bool


def source_of(name: str, data: Path | None, rows: int, folder: Path) -> Source:
    """The release files of a task, or rows of the embedded suite in turn."""
    task, split = registry.load("task", task_of(name)), CASES[name][0]
    if data and name == TEST:
        data = make_xnli_test(folder / TEST, data, task.languages)
    languages = available(task, data, split) if data else ()
    if data and languages:
        return Source(data, languages, split, False)
    suite = make_suite(folder / f"suite-{name}", task.name, rows)
    return Source(suite, available(task, suite, "test"), "test", True)


def task_of(name: str) -> str:
    """The task of a case."""
    return name.partition("-")[0]


def lines_of(sources: Mapping[str, Source]) -> list[str]:
    """Clean texts of every task and language, which a tokenizer is trained on."""
    lines: list[str] = []
    for name, source in sources.items():
        task, opened = registry.load("task", task_of(name)), open_source(str(source.path))
        for language in source.languages:
            examples = load(task, opened, language, source.split).examples
            texts = dict.fromkeys(text.value for example in examples for text in example.texts.values())
            lines += islice(texts, _LINES // len(sources))
    return lines


def _case(spec: Mapping[str, Any], folder: Path, code: Path) -> dict[str, Any]:
    """The figures of one case: an evaluation and its memory, then the bare tokenizer over the same texts."""
    given, written = folder / "spec.json", folder / "figures.json"
    given.write_text(json.dumps(spec), encoding="utf-8")
    cache = tempfile.mkdtemp(dir=folder)
    set_here = {"ROBUST_XTREME_CACHE": cache, "TOKENIZERS_PARALLELISM": "true", "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **set_here}
    before = os.getloadavg()[0]
    figures: list[dict[str, Any]] = []
    peaks: list[int] = []
    for kind, root in (("evaluate", code), ("tokenise", ROOT)):
        environment["PYTHONPATH"] = os.pathsep.join([str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-m", "benchmarks._host_case", kind, str(given), str(written)]
        process = subprocess.Popen(command, cwd=root, env=environment)
        peaks.append(peak_of(process))
        if process.returncode:
            raise SystemExit(f"{kind} ended with {process.returncode}")
        figures.append(json.loads(written.read_text(encoding="utf-8")))
    load_after = os.getloadavg()[0]
    return {**figures[0], "mib": peaks[0], "bare": figures[1], "load": [round(before, 1), round(load_after, 1)]}


if __name__ == "__main__":
    main()
