"""The stage before the target, from scratch: a tokenizer, random weights, and masked LM on plain text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.examples import digest
from robust_xtreme.results import store
from robust_xtreme.training import record, resume, scratch
from robust_xtreme.training.data import Plan
from robust_xtreme.training.device import own_random, place
from robust_xtreme.training.encoder import write_model
from robust_xtreme.training.loop import Options, Stage, run_loop
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import masked_objective
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.text import read_lines, text_identity

KIND: Final = "masked_lm"
_BATCH: Final = 32
_LR: Final = 1e-3
_DECAY: Final = 0.01
_WARMUP_SHARE: Final = 10


def pretrained(spec: TrainSpec, options: Options) -> Path:
    """The run of the masked-LM stage, beside the spec's folder: made once for all runs that start from it."""
    facts = {
        "scratch": spec.scratch,
        "seed": spec.seed,
        "mlm_steps": spec.mlm_steps,
        "text": text_identity(Path(spec.text)),
    }
    identity = digest(*(f"{key}={facts[key]!r}" for key in sorted(facts)))
    run = spec.folder.parent / f"scratch-{spec.scratch}-{identity[:8]}"
    with store.lock(run):
        record.sweep(run)
        record.claim(run, identity, facts, force=False)
        if not record.stage_path(run, 0, KIND).is_file():
            _make(spec, facts, run, options)
    return run


def _make(spec: TrainSpec, facts: Mapping[str, Any], run: Path, options: Options) -> None:
    size = scratch.SIZES[spec.scratch]
    lines = read_lines(Path(spec.text))
    options.tell(f"tokenizer and masked LM on {len(lines):,} lines of text, kept for other runs in {run}")
    tokenizer = scratch.new_tokenizer(lines, size)
    encoder = scratch.new_encoder(tokenizer, size, spec.seed)
    plan = _learn(spec, lines, tokenizer, encoder, run, options)
    write_model(run / "model", encoder, tokenizer)
    record.write_stage(record.stage_path(run, 0, KIND), _record(spec, plan, len(lines), str(facts["text"])))
    resume.clear(run)


def _learn(spec: TrainSpec, lines: list[str], tokenizer: Any, encoder: Any, run: Path, options: Options) -> Plan:
    with own_random(spec.seed):
        objective = masked_objective(encoder.get_input_embeddings(), tokenizer, lines)
    plan = Plan(objective.lengths, _BATCH, spec.seed, spec.mlm_steps)
    if plan.steps:
        schedule = Schedule(_LR, plan.steps, plan.steps // _WARMUP_SHARE, _DECAY)
        pad_id = int(tokenizer.pad_token_id)
        run_loop(Stage(KIND, run, encoder, objective, plan, schedule, pad_id, place(spec.device)), options)
    return plan


def _record(spec: TrainSpec, plan: Plan, lines: int, data: str) -> record.StageRecord:
    return record.StageRecord(
        kind=KIND,
        recipe=spec.recipe,
        task="",
        languages=(),
        examples=lines,
        seen=plan.seen(),
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        lr=_LR,
        seed=spec.seed,
        data=data,
        parent="",
    )
