"""`train`: the stages of a run one after the other, each written when it is complete."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from safetensors.torch import save_file
from torch import nn

from robust_xtreme.errors import Locked, ModelError, SpecError
from robust_xtreme.examples import digest
from robust_xtreme.models.encoder import encoder_identity, read_encoder, read_tokenizer
from robust_xtreme.noise.user_packs import using
from robust_xtreme.results import store
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.contamination import HASHES, keys
from robust_xtreme.targets.kinds import kind_of
from robust_xtreme.training import best, record, resume, scratch
from robust_xtreme.training.chain import Chain, Link, chain_of
from robust_xtreme.training.device import device_of
from robust_xtreme.training.diversity import diversity
from robust_xtreme.training.encoder import WRITE_ERRORS, disk_error, encoder_folder, replace_folder, write_model
from robust_xtreme.training.fit import fit
from robust_xtreme.training.learn import Learning, learning, score_of
from robust_xtreme.training.loop import How, Options, Stage, run_loop
from robust_xtreme.training.lora import add_lora, merged
from robust_xtreme.training.masked import NAME
from robust_xtreme.training.spec import SCRATCH, Tell, TrainSpec
from robust_xtreme.training.text import languages_in, read_lines

_WAIT_SECONDS: Final = 1.0


def train(spec: TrainSpec, options: Options | None = None) -> Path:
    """Train the spec's stages; return the folder of the last one.

    Stages that other runs completed next to the run's folder are reused. The same spec continues where it stopped, and
    a complete run is not changed. Raises SpecError, UnknownName, MissingData, DataError, ModelError, Contamination,
    Mismatch, Locked, DiskError, and RobustXtremeError where memory runs out.
    """
    with using(*spec.packs):
        return _whole(spec.resolved(), options or Options())


def _whole(spec: TrainSpec, options: Options) -> Path:
    if device_of(spec.device) == "cpu" and spec.precision == "fp16":
        raise ModelError("fp16 needs a GPU. Use --precision bf16.")
    _check_shared_out(spec)
    chain = chain_of(spec, options.tell)
    parent = chain.start
    for link in chain.links:
        parent = _made(chain, link, parent, options)
    return chain.links[-1].folder


def _check_shared_out(spec: TrainSpec) -> None:
    """Raise SpecError where dividing a batch would change its loss."""
    names = [task.name for _, stage in spec.stages for task in stage.learned() if kind_of(task.family).searched]
    if names and (spec.accumulate > 1 or spec.devices > 1):
        what = f"{names[0]} learns from all candidates of a batch, so that --accumulate and --devices would change what"
        raise SpecError(f"{what} is learned. Leave them out, or name a smaller --batch-size.")


def _made(chain: Chain, link: Link, parent: Path | None, options: Options) -> Path:
    """The folder of a stage, which is trained where it is not complete."""
    last = link is chain.links[-1]
    if link.complete and not (last and (options.force or _is_left(link))):
        _tell_complete(link, last, options.tell)
        return link.folder
    record.check_ours(link.folder)
    with _locked(link.folder, last, options.tell):
        record.claim(link.folder, link.identity, link.facts, force=options.force and last)
        record.sweep(link.folder)
        if parent:
            record.inherit(parent, link.folder)
        if link.record.is_file():
            _clear(link)
            _tell_complete(link, last, options.tell)
        elif parent is None:
            _from_scratch(chain, link)
        else:
            _train(chain, link, parent, options)
    return link.folder


def _tell_complete(link: Link, last: bool, tell: Tell) -> None:
    if last:
        tell(f"{link.folder} is complete. Train again with --force, or elsewhere with --out.")


@contextmanager
def _locked(folder: Path, last: bool, tell: Tell) -> Iterator[None]:
    """Lock a stage's folder; wait for a folder that several runs share, but not for the last stage's."""
    announced = False
    while True:
        lock = store.lock(folder)
        try:
            lock.__enter__()
        except Locked:
            if last:
                raise
            if not announced:
                tell(f"waits for {folder}, which another run is training")
            announced = True
            time.sleep(_WAIT_SECONDS)
            continue
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
        return


# ------------------------------------------------------------------------------------------------------------- a stage


def _from_scratch(chain: Chain, link: Link) -> None:
    size = scratch.SIZES[chain.spec.size]
    tokenizer = scratch.new_tokenizer(read_lines(Path(chain.spec.text)), size)
    write_model(link.folder / "model", scratch.new_encoder(tokenizer, size, link.stage.seed), tokenizer)
    record.write_stage(link.record, _plain_record(chain, link, SCRATCH))


def _train(chain: Chain, link: Link, parent: Path, options: Options) -> None:
    spec = chain.spec
    source = encoder_folder(parent)
    encoder, tokenizer = read_encoder(source), read_tokenizer(source)
    link = replace(link, lessons=fit(link.lessons, encoder, str(source), options.tell))
    if spec.lora:
        encoder = add_lora(encoder, spec.lora, link.stage.seed)
    learned = learning(link, spec, encoder, tokenizer)
    score = score_of(link, spec, encoder, learned.heads, tokenizer)
    _tell_counts(link, learned, options.tell)
    how = How(device_of(spec.device), spec.devices, spec.strategy, spec.precision, spec.accumulate, spec.clip, spec.log)
    select = link.stage.select == "dev"
    pad_id = int(tokenizer.pad_token_id)
    run_loop(
        Stage(
            link.kind, link.folder, encoder, learned.parts, learned.plan, learned.schedule, pad_id, how, score, select
        ),
        options,
    )
    _write(link, merged(encoder), learned.heads, tokenizer)
    trained = {key for lesson in link.lessons for example in lesson.examples for key in keys(example)}
    if link.lessons:
        _write_hashes(link, trained | {key for example in link.selected for key in keys(example)})
    record.write_stage(link.record, _record(chain, link, learned, encoder_identity(source)))
    _clear(link)


def _is_left(link: Link) -> bool:
    """Whether files that a complete stage does not need still exist."""
    return (link.folder / resume.FOLDER).exists() or (link.folder / best.FILE).exists()


def _clear(link: Link) -> None:
    """Remove the saved states of a complete stage."""
    resume.clear(link.folder)
    best.clear(link.folder)


def _tell_counts(link: Link, learned: Learning, tell: Tell) -> None:
    counts = ", ".join(f"{lesson.task.name}: {len(lesson.examples):,} examples" for lesson in link.lessons)
    if NAME in learned.shares and counts:
        windows = len(learned.parts[-1].lengths)
        counts += f", masked LM: {windows:,} windows of text in a share of {learned.shares[NAME]:g} of the steps"
    tell(f"{counts or link.kind.replace('_', ' ')}, {learned.plan.steps:,} steps of {learned.plan.batch_size}")


# ------------------------------------------------------------------------------------------------------------- writing


def _write(link: Link, encoder: Any, heads: Sequence[nn.Module], tokenizer: Any) -> None:
    """Write model and heads; the stage's record, which marks it as complete, is written later."""
    write_model(link.folder / "model", encoder, tokenizer)
    if heads:
        _write_heads(link, heads)


def _write_hashes(link: Link, keys_trained: set[str]) -> None:
    store.make_folder(link.record.parent)
    store.write_text(link.record.with_suffix(HASHES), "".join(f"{key}\n" for key in sorted(keys_trained)))


def _write_heads(link: Link, heads: Sequence[nn.Module]) -> None:
    tmp = link.folder / f".heads.{os.getpid()}.tmp"
    try:
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir()
        for lesson, head in zip(link.lessons, heads, strict=True):
            _write_head(tmp, lesson.task, head, encoder_identity(link.folder / "model"))
        replace_folder(tmp, link.folder / "heads")
    except WRITE_ERRORS as error:
        shutil.rmtree(tmp, ignore_errors=True)
        raise disk_error(link.folder / "heads", error) from error


def _write_head(folder: Path, task: TaskSpec, head: nn.Module, encoder: str) -> None:
    facts = {"task": task.name, "family": task.family, "labels": list(task.labels), "encoder": encoder}
    save_file(
        {name: tensor.contiguous() for name, tensor in head.state_dict().items()}, folder / f"{task.name}.safetensors"
    )
    store.write_json(folder / f"{task.name}.json", facts)


def _plain_record(chain: Chain, link: Link, parent: str) -> record.StageRecord:
    """The record of a stage that learns nothing."""
    return record.StageRecord(
        kind=link.kind,
        recipe=str(chain.spec.recipe),
        task="",
        languages=(),
        examples=0,
        seen=0,
        steps=0,
        epochs=0.0,
        batch_size=0,
        lr=0.0,
        seed=link.stage.seed,
        data=str(link.facts["text"]),
        parent=parent,
        base=chain.base,
    )


def _record(chain: Chain, link: Link, learned: Learning, parent: str) -> record.StageRecord:
    spec, stage, taught, plan = chain.spec, link.stage, link.lessons, learned.plan
    data = [lesson.identity for lesson in taught] or [str(link.facts["text"])]
    per_task = _per_task(link, learned)
    return record.StageRecord(
        kind=link.kind,
        recipe=str(spec.recipe),
        task=",".join(stage.tasks),
        languages=_languages(link),
        examples=_examples(link, per_task),
        seen=sum(plan.seen()),
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        lr=stage.lr,
        seed=stage.seed,
        data=data[0] if len(data) == 1 else digest(*data),
        parent=parent,
        sampling=stage.sampling,
        selected_on=_selected_on(link),
        perturb=",".join(stage.perturb),
        packs=str(link.facts.get("packs", "")),
        max_length=max((lesson.task.max_length for lesson in taught), default=0),
        stride=max((lesson.task.stride for lesson in taught), default=0),
        dropped=_summed(lesson.screened.dropped for lesson in taught),
        allowed=_summed(lesson.screened.allowed for lesson in taught),
        reported=taught[0].reported if taught else (),
        control=stage.control,
        mixing=stage.mixing,
        masked_lm=stage.masked_lm,
        translated=Path(stage.translated).name,
        text_languages=_text_languages(link),
        lora=spec.lora,
        precision=spec.precision,
        limit=stage.limit,
        total=stage.total,
        schedule=spec.schedule,
        warmup=learned.schedule.warmup,
        clip=spec.clip,
        selected_step=(best.kept(link.folder) or (0.0, 0))[1] if stage.select == "dev" else 0,
        diversity=_diversity(link),
        per_task=per_task,
        flags=_flags(link),
        base=chain.base,
    )


def _per_task(link: Link, learned: Learning) -> dict[str, dict[str, Any]]:
    counts = {lesson.task.name: len(lesson.examples) for lesson in link.lessons}
    return {
        part.name: {
            "examples": counts.get(part.name, len(part.lengths)),
            "seen": seen,
            "share": round(learned.shares[part.name], 6),
        }
        for part, seen in zip(learned.parts, learned.plan.seen(), strict=True)
    }


def _examples(link: Link, per_task: Mapping[str, Mapping[str, Any]]) -> int:
    """The number of examples of the tasks, also for controls; without tasks, the windows of masked LM."""
    if link.lessons:
        return sum(len(lesson.examples) for lesson in link.lessons)
    return sum(int(counts_of["examples"]) for counts_of in per_task.values())


def _text_languages(link: Link) -> tuple[str, ...]:
    """The languages of the text for masked LM beside tasks."""
    beside = link.lessons and link.stage.masked_lm and link.stage.control != NAME
    return languages_in(Path(link.stage.text), link.stage.of_text) if beside else ()


def _languages(link: Link) -> tuple[str, ...]:
    if link.lessons:
        return tuple(dict.fromkeys(code for lesson in link.lessons for code in lesson.languages))
    return languages_in(Path(link.stage.text), link.stage.languages)


def _selected_on(link: Link) -> str:
    """The splits that the weights were selected by: the labelled validation data of tasks."""
    if link.stage.select != "dev":
        return "none"
    splits = dict.fromkeys("/".join(example.id.split("/")[:3]) for example in link.selected)
    return ",".join(splits)


def _diversity(link: Link) -> dict[str, Any]:
    """The diversity of the examples as they were learned: of the shuffled examples where labels were shuffled."""
    if link.kind != "intermediate":
        return {}
    return diversity(
        [lesson.task for lesson in link.lessons], {lesson.task.name: lesson.examples for lesson in link.lessons}
    ).facts()


def _flags(link: Link) -> tuple[str, ...]:
    """A flag for each task whose own training data the stage read, also for controls, which read their texts."""
    named = dict.fromkeys(name for lesson in link.lessons for name in lesson.task.trains)
    return tuple(f"own training data: {name}" for name in named)


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for counts_of in several:
        totals.update(counts_of)
    return dict(totals)
