"""How fast `train` learns, and in how much memory, beside `transformers.Trainer` on the same model and examples.

    python benchmarks/train.py --data DIR [--device cuda] [--encoder base] [--steps 150] [--rounds 3] [--out FOLDER]

Both learn MNLI's sample from DIR (natural language inference, pairs of 128 tokens at most) with random weights: an
encoder of 4 layers of 256, or XLM-R base's shape, and XLM-R's head for sequences, in batches of 32. Both sort by
length within 50 batches and use fused AdamW, a linear rate and clipping at 1; a further row is the Trainer without
sorting. Steps 50 to 150 are two whole rounds of sorting, since the Trainer begins each with its longest batches.
Each way runs in a process of its own, in turns; counted are tokens of text (no padding) from step `--warm` on, and the
process's peak of resident memory (on CUDA the device's).

    python benchmarks/train.py --data DIR --from ENCODER [--steps 12] [--warm 4] [--rounds 2] [--out FOLDER]

measures what the rows of a large vocabulary take: a head for MNLI's labels on an encoder of BERT's kind, at 32, 64 and
128 tokens of MNLI's sample, in batches of 16. `train` has the rows of the sample's pieces, beside it `train` with all
rows, `transformers.Trainer`, and a bare loop (forward, backward, clipping, fused AdamW) over a body that has only these
rows. Counted is the processor time of a step, the median over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from torch import nn
from transformers import (
    BertForSequenceClassification,
    TrainerCallback,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.files.journal import Journal
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.models.reading.windows import Windows, plain
from robust_xtreme.report.blocks import Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.tasks.sources.source import load, open_source
from robust_xtreme.training.loop import LoopInputs, Options, Progress, run_loop
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import task_part
from robust_xtreme.training.resume import read_start
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.text import Size, new_tokenizer

OURS, SORTED, PLAIN = "train", "Trainer, sorted by length", "Trainer"
WAYS: Final = (OURS, SORTED, PLAIN)
BATCH: Final = 32
RATE: Final = 1e-4
WARM: Final = 50
SEED: Final = 1
ENCODERS: Final[Mapping[str, Mapping[str, int]]] = {
    "4 x 256": {"num_hidden_layers": 4, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024},
    "e5-small": {"num_hidden_layers": 12, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536},
    "base": {"num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
}
VOCABULARY: Final = 14_000
ROWS, WHOLE, BARE = "train", "train, all rows", "bare loop, these rows"
LARGE: Final = (BARE, ROWS, WHOLE, PLAIN)
LENGTHS: Final = (32, 64, 128)
SMALL_BATCH: Final = 16


def lesson(data: str) -> tuple[Any, list[Example], Windows]:
    """A tokenizer made of the examples' texts, the examples, and their windows."""
    task = registry.load("intermediate", "mnli")
    examples = [
        example
        for example in load(task, open_source(data), "en", "train").examples
        if isinstance(example.target, Choice)
    ]
    tokenizer = new_tokenizer(
        [text.value for example in examples for text in example.texts.values()], Size(VOCABULARY, 1, 8, 1)
    )
    family: Family = registry.load("family", task.family)
    return tokenizer, examples, windows_of(family, task, examples, tokenizer)


def model_of(encoder: str, tokenizer: Any) -> Any:
    """The model that both train: random weights, the same for both."""
    shape: Any = {**ENCODERS[encoder], "num_labels": 3}
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=514,
        pad_token_id=tokenizer.pad_token_id,
        type_vocab_size=1,
        **shape,
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        return XLMRobertaForSequenceClassification(config)


def ours(args: argparse.Namespace, folder: Path) -> tuple[int, float]:
    """Tokens and seconds of `train`'s loop."""
    tokenizer, examples, windows = lesson(args.data)
    task = registry.load("intermediate", "mnli")
    family: Family = registry.load("family", task.family)
    model = model_of(args.encoder, tokenizer)
    part = task_part(task, family, family.head(model.config.hidden_size, task.labels), windows, examples)
    plan = SamplingPlan(part.lengths, BATCH, SEED, args.steps)
    clock = Clock(args.warm, args.steps)
    schedule = Schedule(RATE, args.steps, 0, 0.0, fused=args.precision == "fp32")
    target = StageSpec(tasks=("mnli",))
    spec = TrainSpec("mini", "encoder", target=target, device=args.device, precision=args.precision, clip=1.0)
    stage = LoopInputs(
        "benchmark", Journal(folder), model.roberta, [part], plan, schedule, int(tokenizer.pad_token_id), spec
    )
    run_loop(stage, Options(watch=clock.watch, save_seconds=1e9))
    tokens = sum(part.lengths[unit] for step in range(args.warm, args.steps) for unit in plan.at(step))
    return tokens, clock.seconds


def large(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """The processor seconds of a step of an encoder with a large vocabulary, and its rows."""
    encoder, tokenizer = read_start(Path(args.start))
    task = registry.load("intermediate", "mnli")
    family: Family = registry.load("family", task.family)
    examples = list(load(task, open_source(args.data), "en", "train").examples)
    ids = windows_of(family, task, examples, tokenizer).ids
    units = ids[: len(ids) // args.length * args.length].reshape(-1, args.length)[: len(examples)]
    rows = torch.from_numpy(np.unique(np.append(ids, tokenizer.pad_token_id)).astype(np.int64))
    pad_id = int(tokenizer.pad_token_id)
    del tokenizer  # `train` reads it again when it writes it; the others have no use for it
    exact_offsets.cache_clear()
    clock = Clock(args.warm, args.steps, time.process_time)
    head = family.head(int(encoder.config.hidden_size), task.labels)
    if args.way == BARE:
        there = torch.from_numpy(np.searchsorted(rows.numpy(), units[: args.steps * SMALL_BATCH]))
        bare_loop(encoder, head, there, rows, clock, (args.device, "fp32"))
    elif args.way == PLAIN:
        del encoder
        _trainer(args, folder, units, clock)
    else:
        part = task_part(task, family, head, plain(units.tolist()), examples)
        stage = LoopInputs(
            "benchmark",
            Journal(folder),
            encoder,
            [part],
            SamplingPlan(part.lengths, SMALL_BATCH, SEED, args.steps),
            Schedule(RATE, args.steps, 0, 0.01, fused=True),
            pad_id,
            TrainSpec("mini", "encoder", target=StageSpec(tasks=("mnli",)), device=args.device, clip=1.0),
            rows=rows if args.way == ROWS else None,
        )
        run_loop(stage, Options(watch=clock.watch, save_seconds=1e9))
    return {"step": clock.seconds / (args.steps - args.warm), "rows": len(rows)}


def bare_loop(
    encoder: Any, head: nn.Module, ids: torch.Tensor, rows: torch.Tensor, clock: Clock, on: tuple[str, str]
) -> None:
    """Steps of a plain loop over batches of ids, as numbers of `rows`, on a device in a precision.

    The word embeddings of the body are those of `rows` alone.
    """
    device, precision = on
    vectors = nn.Embedding(len(rows), int(encoder.config.hidden_size))
    vectors.load_state_dict({"weight": encoder.get_input_embeddings().weight[rows]})
    encoder.set_input_embeddings(vectors)
    model = nn.ModuleList([encoder, head]).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    for step, batch in enumerate(torch.split(ids, len(ids) // clock.steps)[: clock.steps], 1):
        given = batch.to(device)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            states = encoder(input_ids=given, attention_mask=torch.ones_like(given)).last_hidden_state
            loss = nn.functional.cross_entropy(head(states[:, 0]), torch.zeros(len(given), dtype=torch.long).to(device))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        clock.note(step)


def _trainer(args: argparse.Namespace, folder: Path, units: np.ndarray[Any, Any], clock: Clock) -> None:
    model = BertForSequenceClassification.from_pretrained(args.start, num_labels=3)
    rows = [{"input_ids": unit.tolist(), "labels": 0} for unit in units]
    transformers.Trainer(
        model=model, args=_arguments(args, folder, False), train_dataset=rows, callbacks=[clock]
    ).train()


class Clock(TrainerCallback):
    """The time from the end of step `warm` to the end of step `steps`."""

    def __init__(self, warm: int, steps: int, now: Callable[[], float] = time.perf_counter) -> None:
        TrainerCallback.__init__(self)
        self.warm, self.steps, self.now = warm, steps, now
        self.begin = self.seconds = 0.0

    def note(self, step: int) -> None:
        """Note the end of a step."""
        if step in (self.warm, self.steps) and torch.cuda.is_available():
            torch.cuda.synchronize()
        if step == self.warm:
            self.begin = self.now()
        if step == self.steps:
            self.seconds = self.now() - self.begin

    def watch(self, at: Progress) -> None:
        """A step of `train`."""
        self.note(at.step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - its hook
        """A step of the Trainer."""
        self.note(state.global_step)


def theirs(args: argparse.Namespace, folder: Path, by_length: bool) -> tuple[int, float]:
    """Tokens and seconds of `transformers.Trainer`."""
    tokenizer, examples, windows = lesson(args.data)
    golds = [example.target.index for example in examples if isinstance(example.target, Choice)]
    ids = np.split(windows.ids, windows.bounds[1:-1])
    labelled = zip(ids, windows.example.tolist(), strict=True)
    rows = [{"input_ids": part.tolist(), "labels": golds[example]} for part, example in labelled]
    counts: list[int] = []

    def collated(batch: Sequence[dict[str, Any]]) -> Any:
        counts.append(sum(len(row["input_ids"]) for row in batch))
        return tokenizer.pad(list(batch), return_tensors="pt")

    clock = Clock(args.warm, args.steps)
    trainer = transformers.Trainer(
        model=model_of(args.encoder, tokenizer),
        args=_arguments(args, folder, by_length),
        train_dataset=rows,
        data_collator=collated,
        callbacks=[clock],
    )
    trainer.train()
    return sum(counts[args.warm : args.steps]), clock.seconds


def _arguments(args: argparse.Namespace, folder: Path, by_length: bool) -> transformers.TrainingArguments:
    five = "train_sampling_strategy" in transformers.TrainingArguments.__dataclass_fields__
    sorting = {"train_sampling_strategy": "group_by_length" if by_length else "random"}
    return transformers.TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=SMALL_BATCH if args.start else BATCH,
        max_steps=args.steps,
        learning_rate=RATE,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=SEED,
        use_cpu=args.device == "cpu",
        bf16=args.precision == "bf16",
        **(sorting if five else {"group_by_length": by_length}),
    )


def one_way(args: argparse.Namespace) -> dict[str, float]:
    """What one way takes, measured in this process."""
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        if args.start:
            return {**large(args, Path(folder)), **_peak(args)}
        run = ours(args, Path(folder)) if args.way == OURS else theirs(args, Path(folder), args.way == SORTED)
    tokens, seconds = run
    return {"tokens_per_second": tokens / seconds, **_peak(args)}


def _peak(args: argparse.Namespace) -> dict[str, float]:
    cuda = torch.cuda.is_available() and args.device == "cuda"
    peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"peak_mib": peak / 2**20}


def measured_rows(args: argparse.Namespace) -> dict[str, Any]:
    """All ways of an encoder with a large vocabulary, in turns, each in a process of its own."""
    figures: dict[str, dict[str, Any]] = {}
    for length in LENGTHS:
        runs: dict[str, list[dict[str, float]]] = {way: [] for way in LARGE}
        for way in LARGE * args.rounds:
            more = ("--way", way, "--length", str(length))
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], *more], capture_output=True, text=True, check=True
            )
            runs[way].append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(length, way, runs[way][-1], file=sys.stderr, flush=True)
        figures[str(length)] = {
            way: {
                "seconds": round(statistics.median(run["step"] for run in several), 3),
                "peak_mib": round(max(run["peak_mib"] for run in several)),
            }
            for way, several in runs.items()
        }
    config = json.loads((Path(args.start) / "config.json").read_text(encoding="utf-8"))
    return {
        "device": f"{torch.get_num_threads()} thread(s) of a CPU",
        "encoder": Path(args.start).name,
        "vocabulary": config["vocab_size"],
        "rows": int(runs[ROWS][0]["rows"]),
        "steps": args.steps,
        "warm": args.warm,
        "rounds": args.rounds,
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "lengths": figures,
    }


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """All ways in turns, each in a process of its own: the median of their speeds, the most of their memory."""
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(args.rounds):
        for way in WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]:
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--way", way], capture_output=True, text=True, check=True
            )
            figures[way].append(json.loads(done.stdout.strip().splitlines()[-1]))
            print(f"{way}: {figures[way][-1]['tokens_per_second']:,.0f} tokens/s", file=sys.stderr, flush=True)
    return {
        "device": torch.cuda.get_device_name()
        if args.device == "cuda"
        else f"{torch.get_num_threads()} thread(s) of a CPU",
        "encoder": args.encoder,
        "precision": args.precision,
        "steps": args.steps,
        "warm": args.warm,
        "rounds": args.rounds,
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "ways": {
            way: {
                "tokens_per_second": round(statistics.median(run["tokens_per_second"] for run in runs)),
                "slowest": round(min(run["tokens_per_second"] for run in runs)),
                "fastest": round(max(run["tokens_per_second"] for run in runs)),
                "peak_mib": round(max(run["peak_mib"] for run in runs)),
            }
            for way, runs in figures.items()
        },
    }


def page(facts: Mapping[str, Any]) -> str:
    """The figures as a page."""
    ways, versions = facts["ways"], facts["versions"]
    peer = ways[SORTED]["tokens_per_second"]
    rows = ((way, *_cells(ways[way], peer)) for way in WAYS)
    what = (
        f"`python benchmarks/train.py --encoder '{facts['encoder']}' --precision {facts['precision']} "
        f"--steps {facts['steps']} --rounds {facts['rounds']}`, on {facts['device']}, torch {versions['torch']}, "
        f"transformers {versions['transformers']}: MNLI's sample, an encoder of {facts['encoder']}, random weights, "
        f"batches of {BATCH}; medians over {facts['rounds']} runs of each way in turns, steps {facts['warm']} to "
        f"{facts['steps']}."
    )
    heads = ("way", "tokens/s", "slowest to fastest", "beside Trainer, sorted", "peak memory, MiB")
    more = _blocks(facts["rows"]) if "rows" in facts else ()
    return markdown.render(ReportPage("How fast training is", (Prose(what), grid(heads, rows), *more)))


def _blocks(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """The figures of an encoder with a large vocabulary."""
    versions = facts["versions"]
    what = (
        f"`python benchmarks/train.py --from {facts['encoder']} --steps {facts['steps']} --warm {facts['warm']} "
        f"--rounds {facts['rounds']}`, on {facts['device']}, torch {versions['torch']}, transformers "
        f"{versions['transformers']}: "
        f"{facts['rows']:,} of {facts['vocabulary']:,} rows of the word embeddings occur in MNLI's sample; batches of "
        f"{SMALL_BATCH}, fused AdamW, clipping at 1 (the Trainer's as it comes, too); seconds of the processor a step."
    )
    rows = [
        (
            *(length, way, f"{one['seconds']:.2f}"),
            *(f"{one['seconds'] / ways[other]['seconds']:.2f}" for other in (BARE, ROWS)),
            f"{one['peak_mib']:,}",
        )
        for length, ways in ((str(length), facts["lengths"][str(length)]) for length in LENGTHS)
        for way, one in ((way, ways[way]) for way in LARGE)
    ]
    heads = ("tokens", "way", "seconds a step", "beside the bare loop", "beside train", "peak memory, MiB")
    return Prose(what), grid(heads, rows)


def _cells(figures: Mapping[str, int], peer: int) -> tuple[str, ...]:
    speed = figures["tokens_per_second"]
    range_ = f"{figures['slowest']:,} to {figures['fastest']:,}"
    return f"{speed:,}", range_, f"{speed / peer:.2f}", f"{figures['peak_mib']:,}"


def main() -> None:
    """Measure, print, and keep the figures and their page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", default=os.environ.get("ROBUST_XTREME_DATA", ""), help="a folder with MNLI's files")
    parser.add_argument("--from", dest="start", default="", help="an encoder with a large vocabulary, of BERT's kind")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--encoder", choices=tuple(ENCODERS), default="4 x 256")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--warm", type=int, default=WARM)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--way", choices=(*WAYS, *LARGE), help=argparse.SUPPRESS)
    parser.add_argument("--length", type=int, default=LENGTHS[0], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(one_way(args)))
        return
    path = (args.out or Path("reports/benchmarks")) / f"train-{args.device}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows = {"rows": before["rows"]} if "rows" in before else {}
    facts = {**before, "rows": measured_rows(args)} if args.start else {**measured(args), **rows}
    print(page(facts))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, indent=1, sort_keys=True) + "\n"
        (args.out / f"train-{args.device}.json").write_text(text, encoding="utf-8")
        (args.out / f"train-{args.device}.md").write_text(page(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
