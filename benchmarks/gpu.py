"""What a GPU does for the project: its tests, then evaluation, training and the host path beside bare loops.

    python -m benchmarks.gpu --data DIR [--out reports/gpu] [--device cpu --small]

Evaluation (benchmarks/evaluate.py) and training (benchmarks/train.py) are of encoders with random weights, of the
shapes of multilingual-e5-small and of XLM-R base, in fp32 with TF32 off and on, and in bf16; the host path
(benchmarks/host.py) has a model that costs nothing. Everything runs in processes of its own, one after the other. TF32
is turned on from outside, by TORCH_ALLOW_TF32_CUBLAS_OVERRIDE. What fails is named on the page, and the command then
ends with 1. With `--small` few rows and steps show on a CPU that the command works; such figures say nothing of speed.
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
from benchmarks import _device_use, _host_page
from benchmarks.train import BATCH

from robust_xtreme.models.predictors.loaded import device_name
from robust_xtreme.report.blocks import Block, Heading, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

SHAPES: Final = ("e5-small", "base")
NUMBERS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "fp32": ("fp32", {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "0"}),
    "TF32": ("fp32", {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}),
    "bf16": ("bf16", {}),
}
"""The precision and the environment of each kind of numbers."""

LIMIT: Final = 240
"""The seconds after which a process is stopped and named as failed."""

ROOT: Final = Path(__file__).parents[1]


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is computed: options of each benchmark."""

    evaluate: tuple[str, ...] = ("--rows", "1200")
    train: tuple[str, ...] = ("--steps", "150", "--warm", "50", "--rounds", "1")
    host: tuple[str, ...] = ("--rows", "600", "--cases", "xnli", "panx", "xquad", "tatoeba")


SMALL: Final = Sizes(
    ("--rows", "4", "--repeats", "1"),
    ("--steps", "4", "--warm", "2", "--rounds", "1"),
    ("--rows", "8", "--cases", "panx"),
)


@final
@dataclass(slots=True)  # filled process by process
class Figures:
    """What the processes measured, by shape and kind of numbers; how long each took; what failed."""

    tests: dict[str, int] = field(default_factory=dict)
    evaluate: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    host: list[Any] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, command: Sequence[str], others: Mapping[str, str] | None = None) -> None:
        """Run a process and note its time, and the end of what it printed where it fails."""
        print(f"{name} ...", file=sys.stderr, flush=True)
        start = time.perf_counter()
        environment = {**os.environ, **(others or {})}
        try:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
            )  # fmt: skip
            code, said = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            code, said = 1, f"It was stopped after {LIMIT} s."
        self.seconds[name] = round(time.perf_counter() - start, 1)
        if code:
            self.failed[name] = said.strip()[-600:]
            print(said[-3000:], file=sys.stderr, flush=True)


def measure(data: Path, device: str, sizes: Sizes, folder: Path) -> Figures:
    """Run everything, with figures of each process in a folder of its own."""
    figures = Figures()
    results = folder / "tests.xml"
    figures.run("tests", ["pytest", "-q", "-p", "no:cacheprovider", "tests/gpu", "--junitxml", str(results)])
    if results.is_file():
        figures.tests = counts(results.read_text("utf-8"))
    common = ("--data", str(data), "--device", device)
    for shape in SHAPES:
        for kind, (precision, others) in NUMBERS.items():
            name, at = f"{shape}, {kind}", folder / f"{shape}-{kind}"
            words = (*common, "--encoder", shape, "--precision", precision, "--out", str(at))
            for script, into in (("evaluate", figures.evaluate), ("train", figures.train)):
                figures.run(f"{script} {name}", [f"benchmarks.{script}", *words, *getattr(sizes, script)], others)
                written = at / f"{script}-{device}.json"
                if written.is_file():
                    into[name] = json.loads(written.read_text("utf-8"))
    figures.run("host", ["benchmarks.host", *common, "--label", "host", "--out", str(folder), *sizes.host])
    written = folder / f"host-{device}.json"
    figures.host = json.loads(written.read_text("utf-8")) if written.is_file() else []
    return figures


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
            "products of large matrices in these numbers reached in the same process."
        ),
        grid(("shape, numbers", "way", "inputs/s", "of the bare loop", *_device_use.HEADS), _evaluated(facts), 2),
        Heading("Training"),
        Prose(
            f"MNLI's sample in batches of {BATCH}, tokens of text a second; memory is the most that the device had "
            "allocated (on a CPU: of the process)."
        ),
        grid(("shape, numbers", "way", "tokens/s", "of the first Trainer", "peak memory, MiB"), _trained(facts), 2),
        Heading("Host"),
        Prose("`eval` with a model that costs nothing: predictions a second beside the tokenizer alone."),
        grid(("case", "predictions/s", "of the tokenizer's rate", "µs of processor a prediction"), _hosted(facts), 1),
    ]
    return markdown.render(ReportPage("On a GPU", tuple(blocks)))


def _evaluated(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, of in facts["evaluate"].items():
        for way, rate in of["inputs_per_second"].items():
            used = _device_use.cells(of["model"]["ways"][way])
            yield name, way, f"{rate:,.0f}", f"{of['ratio_to_bare_loop'][way]:.2f}", *used


def _trained(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, of in facts["train"].items():
        peer = next(ways["tokens_per_second"] for way, ways in of["ways"].items() if way.startswith("Trainer"))
        for way, ways in of["ways"].items():
            rate = ways["tokens_per_second"]
            yield name, way, f"{rate:,}", f"{rate / peer:.2f}", f"{ways['peak_mib']:,}"


def _hosted(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for record in facts["host"]:
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
    parser.add_argument("--out", type=Path, help="a folder for the page and its figures")
    words = parser.parse_args()
    if words.data is None:
        parser.error("name the folder of release files: --data DIR, or ROBUST_XTREME_DATA")
    if words.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here. Try the command itself: --device cpu --small")
    small = " --small" if words.small else ""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(words.data.resolve(), words.device, SMALL if words.small else Sizes(), Path(folder))
    command = f"python -m benchmarks.gpu --data DIR{'' if words.device == 'cuda' else ' --device cpu'}{small}"
    facts = {**about(words.device, command), **{name: getattr(figures, name) for name in Figures.__slots__}}
    print(page(facts))
    if words.out:
        words.out.mkdir(parents=True, exist_ok=True)
        (words.out / "gpu.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (words.out / "report.md").write_text(page(facts), encoding="utf-8")
    raise SystemExit(int(bool(figures.failed)))


if __name__ == "__main__":
    main()
