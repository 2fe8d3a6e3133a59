"""How fast `eval` is: beside a bare loop of the same model over the same ready-made batches, and beside a pipeline.

    python -m benchmarks.evaluate --data DIR [--encoder base] [--device cuda] [--precision bf16] [--rows N] [--out DIR]

The model is an encoder of 4 layers of 256, of multilingual-e5-small's or of XLM-R base's shape, with random weights and
a tokenizer trained on the spot; the task is XNLI, clean and under char_noise:0.1. The bare loop is the limit: it reads
no file, noises nothing, tokenises nothing and decodes nothing. `transformers.pipeline("text-classification")` answers
the same texts. Idle threads sleep instead of spinning (OMP_WAIT_POLICY=passive): on a shared machine, spinning is what
the three ways would differ in. Beside the rates are tokens a second, MFU and how busy the device was:
benchmarks/_device_use.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from benchmarks import _device_use
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaModel,
    pipeline,
)
from transformers.utils import logging

from robust_xtreme.core import registry
from robust_xtreme.core.run_spec import RunSpec, from_mapping
from robust_xtreme.models.loading import Checkpoint, load_checkpoint
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, plan_batches
from robust_xtreme.models.reading.reading import Inputs
from robust_xtreme.models.tensors import collate
from robust_xtreme.report.blocks import Block, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.prepare import Prepared, prepare
from robust_xtreme.run.run import evaluate

LEAST: Final = 0.90
"""The share of the bare loop's speed that `eval` must reach."""

PERTURB: Final = "char_noise:0.1"
SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
VOCABULARY: Final = 8000
PIPELINE_BATCH: Final = 32
BARE, EVAL, PIPELINE = "bare loop", "eval", "pipeline"
LANGUAGES: Final = ("en", "de", "sw")
ROWS: Final[Mapping[str, int]] = {"4 x 256": 1200, "e5-small": 150, "base": 40}
"""The rows of each language by default: about two minutes of two cores for each encoder."""

ENCODERS: Final[Mapping[str, Mapping[str, int]]] = {
    "4 x 256": {"num_hidden_layers": 4, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024},
    "e5-small": {
        "num_hidden_layers": 12,
        "hidden_size": 384,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
    },
    "base": {
        "num_hidden_layers": 12,
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
}
"""The sizes of the encoders; the two named are those of models, but for their vocabularies, which cost no time."""


def main() -> None:
    """Measure, print the ratios, and write them down where --out is given."""
    if "OMP_WAIT_POLICY" not in os.environ:
        command = [sys.executable, "-m", "benchmarks.evaluate", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "OMP_WAIT_POLICY": "passive"})
    words = _words()
    chatter: Any = logging
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    device = device_of(words.device)
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder) / "run", words.data, words.encoder)
        spec = spec_of(
            run,
            words.data,
            Path(folder) / "out",
            device,
            languages=list(LANGUAGES),
            limit=str(words.rows or ROWS[words.encoder]),
            precision=words.precision,
        )
        figures = {"encoder": words.encoder, **measure(spec, run, device, words.repeats)}
    print(page(figures))
    if words.out:
        size = "" if words.encoder == next(iter(ENCODERS)) else f"-{words.encoder}"
        path = words.out / f"evaluate-{device}{size}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(page(figures), encoding="utf-8")


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="with xnli/dev-XX.tsv")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=list(_device_use.TYPES), default="fp32")
    parser.add_argument("--rows", type=int, help=f"of each language, by default {ROWS}")
    parser.add_argument("--repeats", type=int, default=2, help="the best of so many is printed")
    parser.add_argument("--encoder", choices=list(ENCODERS), default="4 x 256", help="its size")
    parser.add_argument("--out", type=Path, help="a folder for the figures")
    words = parser.parse_args()
    if words.data is None:
        parser.error("name the folder of release files: --data DIR")
    return words


def spec_of(run: Path, data: Path, out: Path, device: str, **others: Any) -> RunSpec:
    """A run of XNLI, clean and under noise, with other options where they are given."""
    values = {
        "model": str(run),
        "data": str(data),
        "tasks": ["xnli"],
        "split": "validation",
        "perturb": [PERTURB],
        "device": device,
        "out": str(out),
    }
    return from_mapping({**values, **others}, "benchmark")


def make_run(run: Path, data: Path, encoder: str) -> Path:
    """A run folder: an encoder with random weights, a tokenizer of XNLI's text, a random head."""
    tokenizer = _tokenizer(data)
    tokenizer.save_pretrained(str(run / "model"))
    size = {"vocab_size": len(tokenizer), **ENCODERS[encoder]}
    settings: Any = XLMRobertaConfig
    config = settings(
        max_position_embeddings=514, pad_token_id=1, bos_token_id=0, eos_token_id=2, type_vocab_size=1, **size
    )
    torch.manual_seed(0)
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(str(run / "model"))
    task = registry.load("task", "xnli")
    (run / "heads").mkdir()
    save_file(
        registry.load("family", task.family).head(size["hidden_size"], task.labels).state_dict(),
        str(run / "heads/xnli.safetensors"),
    )
    facts = {"task": "xnli", "family": task.family, "labels": list(task.labels)}
    (run / "heads/xnli.json").write_text(json.dumps(facts), encoding="utf-8")
    return run


def _tokenizer(data: Path) -> Any:
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.normalizer = normalizers.NFKC()
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIAL), show_progress=False)
    raw.train([str(data / "xnli" / f"dev-{language}.tsv") for language in LANGUAGES], trainer)
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    others = {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=raw, model_max_length=512, **names, **others)


def measure(spec: RunSpec, run: Path, device: str, repeats: int) -> dict[str, Any]:
    """Predictions a second of `eval`, of the bare loop over its batches, and of a pipeline over its texts."""
    start = time.monotonic()
    evaluate(spec, force=True, cache=False)
    seconds = time.monotonic() - start
    _say(f"an evaluation took {seconds:.0f} s; all takes about {(1 + 4 * repeats) * seconds:.0f} s")
    checkpoint = load_checkpoint(run, registry.load("task", "xnli"), device, spec.precision)
    seen = _prepared(spec, checkpoint)
    budget = BATCH_TOKENS[device]
    batches = [batch for prepared in seen for batch in _ready(checkpoint, prepared, budget)]
    count = sum(len(prepared.inputs) for prepared in seen)
    texts = [text for prepared in seen for text in _texts(prepared.inputs)]
    answer = _pipeline(checkpoint, run, device, _device_use.TYPES[spec.precision])
    ways: dict[str, Callable[[], object]] = {
        BARE: lambda: _bare_loop(checkpoint, batches),
        EVAL: lambda: evaluate(spec, force=True, cache=False),
        PIPELINE: lambda: answer(texts),
    }
    before = _device_use.peak(device, spec.precision)
    taken = [{name: _timed(way, device, name) for name, way in ways.items()} for _ in range(repeats)]
    most = max(before, _device_use.peak(device, spec.precision))
    best = {name: min((sample[name] for sample in taken), key=lambda use: use.seconds) for name in ways}
    wall = {name: use.seconds for name, use in best.items()}
    processor = {name: min(sample[name].processor for sample in taken) for name in ways}
    lengths = np.concatenate([prepared.inputs.windows.lengths[prepared.inputs.rows()[0]] for prepared in seen])
    needed, tokens = _device_use.operations(checkpoint.encoder, lengths), int(lengths.sum())
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "inputs": count,
        "batch_tokens": budget,
        "inputs_per_second": {name: round(count / taken, 1) for name, taken in wall.items()},
        "ratio_to_bare_loop": {name: round(wall[BARE] / taken, 3) for name, taken in wall.items()},
        "processor_seconds": {name: round(taken, 1) for name, taken in processor.items()},
        "ratio_by_processor_time": {name: round(processor[BARE] / taken, 3) for name, taken in processor.items()},
        "model": {
            "precision": spec.precision,
            "peak": round(most / 1e12, 3),
            "tokens": tokens,
            "ways": {name: _device_use.figures(needed, tokens, most, use) for name, use in best.items()},
        },
        "least": LEAST,
    }


def _prepared(spec: RunSpec, checkpoint: Checkpoint) -> list[Prepared]:
    """The task runs of the run, prepared as `eval` makes them."""
    plan = make_plan(spec)
    return [
        prepare(
            task_run,
            plan.splits.of(task_run),
            EncoderHead(task_run.task, reader_of(checkpoint.family, task_run.task, checkpoint.tokenizer)),
        )
        for task_run in plan.task_runs
    ]


def _ready(checkpoint: Checkpoint, prepared: Prepared, budget: int) -> Iterator[tuple[Any, Any, Any]]:
    """The batches of a task run as `eval` makes them, collated."""
    inputs = prepared.inputs
    rows, bounds = inputs.rows()
    for batch in plan_batches(inputs.windows.lengths[rows], bounds, inputs.group, budget):
        windows = inputs.windows.take(rows[batch])
        ids, mask = collate(windows, checkpoint.pad_id)
        yield ids.to(checkpoint.device), mask.to(checkpoint.device), windows


def _bare_loop(checkpoint: Checkpoint, batches: Sequence[tuple[Any, Any, Any]]) -> None:
    with torch.inference_mode():
        for ids, mask, windows in batches:
            hidden = checkpoint.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            checkpoint.family.forward(checkpoint.head, hidden, mask, windows)


def _pipeline(
    checkpoint: Checkpoint, run: Path, device: str, dtype: torch.dtype
) -> Callable[[list[dict[str, str]]], Any]:
    model: Any = XLMRobertaForSequenceClassification.from_pretrained(str(run / "model"), num_labels=3)
    model.to(dtype).eval()
    answer = pipeline("text-classification", model=model, tokenizer=checkpoint.tokenizer, device=torch.device(device))
    return lambda texts: answer(texts, batch_size=PIPELINE_BATCH, truncation=True, max_length=128)


def _texts(inputs: Inputs) -> list[dict[str, str]]:
    fields = (inputs.values(name) for name in inputs.contents.values)
    return [{"text": first, "text_pair": second} for first, second in zip(*fields, strict=True)]


def _timed(what: Callable[[], object], device: str, name: str) -> _device_use.Use:
    """What a way took, on the clock and on the processor, and how busy the device was."""
    with _device_use.watched(device) as use:
        what()
    _say(f"{name}: {use.seconds:.0f} s")
    return use


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    encoder = figures.get("encoder", "4 x 256")
    asked = "" if encoder == "4 x 256" else f" --encoder {encoder}"
    about = (
        f"`python -m benchmarks.evaluate --data DIR{asked}`: XNLI clean and under char_noise:0.1, an encoder of",
        f"{encoder}, {figures['inputs']} distinct inputs in batches of",
        f"{figures['batch_tokens']} tokens, best of several.",
        f"On {figures['device']}, {figures['threads']} threads, {figures['versions']}.",
    )
    heads = ("way", "inputs/s", "of the bare loop", "processor s", "of the bare loop")
    bar = f"The bar: eval at {LEAST} of the bare loop. On a machine with other work, processor time is what tells."
    blocks = (Prose("\n".join(about)), grid(heads, _ways(figures), 1), Paragraph(bar), *_of_model(figures))
    return markdown.render(ReportPage("Evaluating: inputs per second", blocks))


def _of_model(figures: dict[str, Any]) -> Iterator[Block]:
    """What the device did in each way, where that was measured."""
    if "model" in figures:
        model = figures["model"]
        rows = [(name, *_device_use.cells(of)) for name, of in model["ways"].items()]
        yield Prose(_device_use.about(model["precision"], model["peak"]))
        yield grid(("way", *_device_use.HEADS), rows, 1)


def _ways(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, speed in figures["inputs_per_second"].items():
        ratio, share = (figures[key][name] for key in ("ratio_to_bare_loop", "ratio_by_processor_time"))
        yield name, f"{speed:.1f}", f"{ratio:.2f}", f"{figures['processor_seconds'][name]:.1f}", f"{share:.2f}"


if __name__ == "__main__":
    main()
