"""What a GPU does for the project: its tests, then evaluation, training and the host path beside bare loops.

    python -m benchmarks.gpu --data DIR [--out reports/gpu] [--device cpu --small]

Evaluation (benchmarks/evaluate.py) and training are of encoders with random weights, of the shapes of
multilingual-e5-small and of XLM-R base, in fp32 with TF32 off and on, and in bf16; the host path (benchmarks/host.py)
has a model that costs nothing. Training is on made-up inputs of 128 tokens in batches of 32, which have 14,000 of the
rows of the vocabulary: `train`'s loop beside a bare one (forward, backward, clipping, fused AdamW) over a body with
these rows alone. Tests, each shape and the host run in processes of their own, one after the other; after `--seconds`
no further one begins. What failed or did not begin is named on the page, and the command then ends with 1. With
`--small` few rows and steps show on a CPU that the command works; such figures say nothing of speed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import torch
import transformers
from benchmarks import _device_use, _host_page, evaluate, train
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.files.journal import Journal
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.loaded import device_name
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.report.blocks import Block, Heading, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.training.loop import LoopInputs, Options, run_loop
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import task_part
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import StageSpec, TrainSpec

SHAPES: Final = ("e5-small", "base")
NUMBERS: Final[Mapping[str, tuple[str, bool]]] = {
    "bf16": ("bf16", False),
    "TF32": ("fp32", True),
    "fp32": ("fp32", False),
}
"""The precision of each kind of numbers, and whether products of fp32 are in TF32."""

LIMIT: Final = 240
"""The seconds after which a process is stopped and named as failed."""

VOCABULARY: Final = 250_002
BARE, OURS = "bare loop", "train"
BATCH, TOKENS, ROWS = 32, 128, 14_000

ROOT: Final = Path(__file__).parents[1]


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is computed: options of each benchmark."""

    rows: int = 600
    steps: int = 60
    warm: int = 20
    host: tuple[str, ...] = ("--rows", "400", "--cases", "xnli", "panx", "xquad", "tatoeba")


SMALL: Final = Sizes(4, 3, 1, ("--rows", "8", "--cases", "panx"))


@final
@dataclass(slots=True)  # filled process by process
class Figures:
    """What the processes measured, by shape and kind of numbers; how long each took; what failed."""

    until: float
    tests: dict[str, int] = field(default_factory=dict)
    evaluate: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run a process and note its time, and the last line that it printed where it fails."""
        start = time.perf_counter()
        if start > self.until:
            self.failed[name] = "It did not begin: --seconds were over."
            return
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False,
            )  # fmt: skip
            code, said = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            code, said = 1, f"It was stopped after {LIMIT} s."
        self.seconds[name] = round(time.perf_counter() - start, 1)
        if code:
            self.failed[name] = said.strip().splitlines()[-1]
            print(said[-3000:], file=sys.stderr, flush=True)


def measure(data: Path, words: argparse.Namespace, folder: Path) -> Figures:
    """Run everything, with figures of each process in a folder of its own."""
    figures = Figures(time.perf_counter() + words.seconds)
    sizes, device = (SMALL if words.small else Sizes()), words.device
    results = folder / "tests.xml"
    figures.run("tests", ["pytest", "-q", "-p", "no:cacheprovider", "tests/gpu", "--junitxml", str(results)])
    if results.is_file():
        figures.tests = counts(results.read_text("utf-8"))
    common = ("--data", str(data), "--device", device)
    for shape in SHAPES:
        at = folder / shape
        at.mkdir()
        part = ["benchmarks.gpu", *common, "--part", shape, "--out", str(at)]
        figures.run(shape, [*part, *(["--small"] if words.small else [])])
        for kind in NUMBERS:
            _read(at / f"evaluate-{kind}.json", f"{shape}, {kind}", figures.evaluate)
            _read(at / f"train-{kind}.json", f"{shape}, {kind}", figures.train)
    figures.run("host", ["benchmarks.host", *common, "--label", "host", "--out", str(folder), *sizes.host])
    _read(folder / f"host-{device}.json", "records", figures.host)
    return figures


def _read(path: Path, name: str, into: dict[str, Any]) -> None:
    """Note the figures of a process, where it wrote some."""
    if path.is_file():
        into[name] = json.loads(path.read_text("utf-8"))


def one_shape(shape: str, data: Path, device: str, sizes: Sizes, out: Path) -> None:
    """Evaluate and train with each kind of numbers, and write what each took."""
    chatter: Any = transformers.utils.logging
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        run = evaluate.make_run(Path(folder) / "run", data, shape)
        for kind, (precision, tf32) in NUMBERS.items():
            torch.backends.cuda.matmul.allow_tf32 = tf32
            spec = evaluate.spec_of(
                run, data, Path(folder) / "out", device,
                languages=list(evaluate.LANGUAGES), limit=str(sizes.rows), precision=precision,
            )  # fmt: skip
            for name, figures in (
                ("evaluate", evaluate.measure(spec, run, device, 1)),
                ("train", training(shape, precision, device, sizes)),
            ):
                (out / f"{name}-{kind}.json").write_text(json.dumps(figures), encoding="utf-8")


def training(shape: str, precision: str, device: str, sizes: Sizes) -> dict[str, dict[str, int]]:
    """Tokens a second and the peak of the device's memory of both loops."""
    figures = {}
    for way in (BARE, OURS):
        torch.manual_seed(0)
        config: Any = XLMRobertaConfig
        encoder = XLMRobertaModel(
            config(
                max_position_embeddings=514,
                pad_token_id=1,
                type_vocab_size=1,
                vocab_size=VOCABULARY,
                **evaluate.ENCODERS[shape],
            ),
            add_pooling_layer=False,
        )
        ids = torch.randint(5, ROWS, (BATCH * sizes.steps, TOKENS))
        clock = train.Clock(sizes.warm, sizes.steps)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        if way == BARE:
            head = nn.Linear(int(encoder.config.hidden_size), 3)
            train.bare_loop(encoder, head, ids, torch.arange(ROWS), clock, (device, precision))
        else:
            _ours(encoder, ids, precision, device, clock)
        peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
        tokens = BATCH * TOKENS * (sizes.steps - sizes.warm)
        figures[way] = {"tokens_per_second": round(tokens / clock.seconds), "peak_mib": round(peak / 2**20)}
        del encoder
    return figures


def _ours(encoder: Any, ids: torch.Tensor, precision: str, device: str, clock: train.Clock) -> None:
    """Steps of `train`'s loop over the rows that the inputs have."""
    task = registry.load("intermediate", "mnli")
    family: Family = registry.load("family", task.family)
    examples = [Example(str(at), {}, Choice(0), str(at)) for at in range(len(ids))]
    head = family.head(int(encoder.config.hidden_size), task.labels)
    part = task_part(task, family, head, plain(ids.tolist()), examples)
    spec = TrainSpec("mini", "encoder", target=StageSpec(tasks=("mnli",)), device=device, precision=precision, clip=1.0)
    with tempfile.TemporaryDirectory() as folder:
        stage = LoopInputs(
            "benchmark",
            Journal(Path(folder)),
            encoder,
            [part],
            SamplingPlan(part.lengths, BATCH, 1, clock.steps),
            Schedule(train.RATE, clock.steps, 0, 0.01, fused=precision == "fp32"),
            1,
            spec,
            rows=torch.arange(ROWS),
        )
        run_loop(stage, Options(watch=clock.watch, save_seconds=1e9))


def counts(results: str) -> dict[str, int]:
    """How many tests passed, failed and were skipped, from pytest's own results (JUnit's XML)."""
    suites = list(ET.fromstring(results).iter("testsuite"))
    whole = {
        name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    }
    failed = whole["failures"] + whole["errors"]
    return {"passed": whole["tests"] - failed - whole["skipped"], "failed": failed, "skipped": whole["skipped"]}


def about(device: str, command: str) -> dict[str, str]:
    """What it was measured on."""
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    python = ".".join(map(str, sys.version_info[:3]))
    shown = ", ".join(f"{name} {version}" for name, version in {"Python": python, **versions}.items())
    return {"device": device_name(device), "cores": str(os.cpu_count()), "versions": shown, "command": command}


def page(facts: Mapping[str, Any]) -> str:
    """The figures as a page."""
    tests, seconds = facts["tests"], facts["seconds"]
    where = f"`{facts['command']}` on {facts['device']}, {facts['cores']} cores, {facts['versions']}."
    blocks: list[Block] = [
        Prose(f"{where} {sum(seconds.values()):.0f} seconds in all, of which the tests took {seconds['tests']:.0f}."),
        Paragraph(f"tests/gpu: {', '.join(f'{count} {name}' for name, count in tests.items()) or 'no result'}."),
        *(Paragraph(f"Failed: {name}. {said}") for name, said in facts["failed"].items()),
        Heading("Evaluation"),
        Prose(
            "XNLI in three languages, clean and under char_noise:0.1. *bare loop*: the model alone over ready batches; "
            "*pipeline*: that of transformers over the same texts. *MFU*: the operations that the inputs need, of what "
            "products of large matrices in these numbers reached in the same process. `eval` of so few inputs takes "
            "some seconds, whose greater part does not depend on their number: it plans, reads, noises, scores and "
            "reports."
        ),
        grid(
            ("shape, numbers", "way", "inputs", "inputs/s", "of the bare loop", *_device_use.HEADS),
            _evaluated(facts),
            2,
        ),
        Heading("Training"),
        Prose(
            f"Steps of {BATCH} inputs of {TOKENS} tokens, which have {ROWS:,} rows of the vocabulary; memory is the "
            "most that was allocated on the device."
        ),
        grid(("shape, numbers", "way", "tokens/s", "of the bare loop", "peak memory, MiB"), _trained(facts), 2),
        Heading("Host"),
        Prose("`eval` with a model that costs nothing: predictions a second beside the tokenizer alone."),
        grid(("case", "predictions/s", "of the tokenizer's rate", "µs of processor a prediction"), _hosted(facts), 1),
    ]
    return markdown.render(ReportPage("On a GPU", tuple(blocks)))


def _evaluated(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, of in facts["evaluate"].items():
        for way, rate in of["inputs_per_second"].items():
            used = _device_use.cells(of["model"]["ways"][way])
            yield name, way, f"{of['inputs']:,}", f"{rate:,.0f}", f"{of['ratio_to_bare_loop'][way]:.2f}", *used


def _trained(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, of in facts["train"].items():
        for way, ways in of.items():
            rate = ways["tokens_per_second"]
            yield name, way, f"{rate:,}", f"{rate / of[BARE]['tokens_per_second']:.2f}", f"{ways['peak_mib']:,}"


def _hosted(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for record in facts["host"].get("records", []):
        for name, case in record["cases"].items():
            rate, _, processor = _host_page.rates_of(case)
            bare = case["bare"]
            tokenizer = case["predictions"] / bare["seconds"][0]
            yield name, f"{rate:,.0f}", f"{rate / tokenizer:.2f}", f"{1e6 / processor:,.0f}"


def main() -> None:
    """Measure, print the page, write it beside its figures; exit 1 where something failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="release files")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="few rows and steps: whether it works, not how fast")
    parser.add_argument("--seconds", type=float, default=400, help="no further part begins after so many")
    parser.add_argument("--out", type=Path, help="a folder for the page and its figures")
    parser.add_argument("--part", choices=SHAPES, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.data is None:
        parser.error("name the folder of release files: --data DIR, or ROBUST_XTREME_DATA")
    if words.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here. Try the command itself: --device cpu --small")
    sizes = SMALL if words.small else Sizes()
    if words.part:
        one_shape(words.part, words.data, words.device, sizes, words.out)
        return
    small = " --small" if words.small else ""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(words.data.resolve(), words, Path(folder))
    command = f"python -m benchmarks.gpu --data DIR{'' if words.device == 'cuda' else ' --device cpu'}{small}"
    facts = {
        **about(words.device, command),
        **{name: getattr(figures, name) for name in Figures.__slots__ if name != "until"},
    }
    print(page(facts))
    if words.out:
        words.out.mkdir(parents=True, exist_ok=True)
        (words.out / "gpu.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (words.out / "report.md").write_text(page(facts), encoding="utf-8")
    raise SystemExit(int(bool(figures.failed)))


if __name__ == "__main__":
    main()
