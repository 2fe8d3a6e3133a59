"""`train`: the stages of a run one after the other, each written when it is complete; runs that differ in their seed.

These are trained one after the other here, or by the actors of a fleet.
"""

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from robust_xtreme.core import resources
from robust_xtreme.core.columns import Array
from robust_xtreme.core.contamination import HASHES, keys
from robust_xtreme.core.errors import DiskError, Locked, MissingData, ModelError, SpecError, counted
from robust_xtreme.core.examples import Example, digest, kind_of
from robust_xtreme.core.run_paths import name_of, what_is_read
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.files import store
from robust_xtreme.files.journal import Journal
from robust_xtreme.models.adapter import peft_for
from robust_xtreme.models.folder import encoder_identity
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.models.reading.members.retrieval import text_windows
from robust_xtreme.models.reading.tokens import backend_of, misplaced, tokenizer_from
from robust_xtreme.models.retrieval.embeddings import unit_rows
from robust_xtreme.models.stages import CLAIM, check_hashes
from robust_xtreme.models.tensors import DEFAULT, AtLayer, Pooled, collate, encoder_inputs, layer_count
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.noise.user_packs import using
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.training import record
from robust_xtreme.training.chain import Chain, ChainStage, chain_of
from robust_xtreme.training.device import check_devices, own_random
from robust_xtreme.training.learn import Learning, learning, score_of
from robust_xtreme.training.loop import LoopInputs, Options, check_logger, lines_of, run_loop
from robust_xtreme.training.module import rows_of
from robust_xtreme.training.objective import NAME, DevScore, fit
from robust_xtreme.training.record import journal_of
from robust_xtreme.training.resume import best_kept, encoder_folder, read_start, write_model, written_folder
from robust_xtreme.training.spec import SCRATCH, Tell, TrainSpec
from robust_xtreme.training.text import languages_in, new_model
from robust_xtreme.workers.messages import Fleet, WorkerJob
from robust_xtreme.workers.supervisor import each, working_in

_QUERIES_AND_VALUES: Final = frozenset(
    {
        *("query", "value"),  # BERT, XLM-R, ELECTRA and their like; mini
        *("query_proj", "value_proj"),  # DeBERTa
        *("q_proj", "v_proj"),  # CLIP, SigLIP
        *("q", "v"),  # T5
        *("q_lin", "v_lin"),  # DistilBERT
        *("in_proj", "Wqkv", "qkv_proj"),  # DeBERTa 1, ModernBERT: one layer for queries, keys and values
    }
)
"""The names of the linear layers that LoRA's authors adapt (arXiv 2106.09685, section 7.1), by architecture."""


def add_lora(encoder: Any, rank: int, seed: int = 0) -> Any:
    """The encoder with low-rank updates that begin at zero; its own weights are frozen.

    Its interface does not change. Raises UserError where peft is not installed, ModelError where the encoder's
    attention has no such layers, or its layers are narrower than the rank.
    """
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    names = [name for name in linear if name.rpartition(".")[2] in _QUERIES_AND_VALUES]
    if not names:
        raise ModelError(f"{type(encoder).__name__} has no attention layers that LoRA knows. Train it without --lora.")
    narrowest = min(min(encoder.get_submodule(name).weight.shape) for name in names)
    if rank > narrowest:
        what = f"layers of {type(encoder).__name__} have {narrowest} values"
        raise ModelError(f"--lora {rank} is not a low rank: {what}.")
    with own_random(seed), peft_for("--lora") as peft:
        config = peft.LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=names)
        return peft.get_peft_model(encoder, config)


def cut(encoder: Any, layers: int) -> None:
    """Keep the first layers of an encoder. Raises ModelError where it has fewer, or no list of them."""
    count = int(getattr(encoder.config, "num_hidden_layers", 0))
    stacks = [each for each in encoder.modules() if isinstance(each, nn.ModuleList) and len(each) == count]
    if layers > count or len(stacks) != 1:
        what = f"has {count} layers" if stacks else "has no list of layers"
        raise ModelError(f"layers = {layers} cannot be: {type(encoder).__name__} {what}.")
    del stacks[0][layers:]
    encoder.config.num_hidden_layers = layers


_WAIT_SECONDS: Final = 1.0


def train(spec: TrainSpec, options: Options | None = None) -> Path:
    """Train the spec's stages; return the folder of the last one.

    Stages that other runs completed next to the run's folder are reused. The same spec continues where it stopped, and
    a complete run is not changed. Raises SpecError, UnknownName, MissingData, DataError, ModelError, Contamination,
    Mismatch, Locked, DiskError, and RobustXtremeError where memory runs out.
    """
    with using(*spec.packs), own_tasks(spec.data):
        spec, options = spec.resolved(), options or Options()
        check_machine(spec)
        chain = chain_of(spec, options.tell, options.notice)
        chain.check_folder(chain.links[-1], force=options.force)
        parent = chain.start
        for link in chain.links:
            _make(chain, link, parent, options)
            parent = link.folder
    return chain.links[-1].folder


def check_machine(spec: TrainSpec) -> None:
    """Raise UserError where this machine cannot train a run, or where dividing a batch would change its loss."""
    if device_of(spec.device) == "cpu" and spec.precision == "fp16":
        raise ModelError("fp16 needs a GPU. Use --precision bf16.")
    check_devices(spec.device, spec.devices)
    check_logger(spec)
    with own_tasks(spec.data):
        names = [task.name for _, stage in spec.stages for task in stage.learned() if kind_of(task.family).searched]
    if names and (spec.accumulate > 1 or spec.devices > 1):
        what = f"{names[0]} learns from all candidates of a batch, so that --accumulate and --devices would change what"
        raise SpecError(f"{what} is learned. Leave them out, or name a smaller --batch-size.")
    contrast = spec.images is not None and spec.images.control != NAME
    if contrast and (spec.accumulate > 1 or spec.devices > 1):
        what = "[images] learns from all pairs of a batch, so that --accumulate and --devices would change what is"
        raise SpecError(f"{what} learned. Leave them out, or name a smaller batch_size.")


def _make(chain: Chain, link: ChainStage, parent: Path | None, options: Options) -> None:
    """Train a stage where it is not complete; `parent` is the folder of the stage before, None for a new encoder."""
    last = link is chain.links[-1]
    left = any((link.folder / name).exists() for name in record.STATES)
    force = options.force and last
    if not link.complete or force or (last and left):
        chain.check_folder(link, force=force)
        with _locked(link.folder, last, options.tell):
            chain.check_folder(link, force=force)
            journal = journal_of(link.folder, options.notice or options.tell)
            if force or not link.complete:
                _make_again(chain, link, parent, options, journal, force)
                return
            journal.sweep()
            record.clear(journal)
    if last:
        check_hashes(link.folder)
        options.tell(f"{link.folder} is complete. Train again with --force, or elsewhere with --out.")


def _make_again(
    chain: Chain, link: ChainStage, parent: Path | None, options: Options, journal: Journal, force: bool
) -> None:
    """Train a stage in its folder, which is locked; an earlier run stays where the start or the data cannot be read."""
    ready = _ready(chain, link, parent, options.tell) if parent else None
    journal.sweep()
    record.claim(journal, link.identity, link.facts, force=force)
    with store.staying(link.folder / CLAIM):
        if parent and ready:
            record.inherit(parent, journal)
            _train(chain, ready, options, journal)
        else:
            _from_scratch(chain, link, journal)


@contextmanager
def _locked(folder: Path, last: bool, tell: Tell) -> Iterator[None]:
    """Lock a stage's folder; wait for a folder that several runs share, but not for the last stage's."""
    with ExitStack() as stack:
        for tried in itertools.count():
            try:
                stack.enter_context(store.lock(folder))
                break
            except Locked:
                if last:
                    raise
            if not tried:
                tell(f"waits for {folder}, which another run is training")
            time.sleep(_WAIT_SECONDS)
        yield


def _from_scratch(chain: Chain, link: ChainStage, journal: Journal) -> None:
    encoder, tokenizer = new_model(Path(chain.spec.text), chain.spec.size, link.stage.seed)
    write_model(link.folder / "model", encoder, tokenizer, journal)
    text = str(link.facts["text"])
    learned = record.StageRecord(link.kind, chain.spec.recipe, link.stage.seed, text, parent=SCRATCH, base=chain.base)
    record.write_stage(link.record, learned, journal)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A stage before its first step: its lessons fit the encoder, which comes from the folder `source`."""

    link: ChainStage
    source: Path
    encoder: Any
    pad_id: int
    learned: Learning
    score: DevScore | None
    rows: Tensor | None


def _ready(chain: Chain, link: ChainStage, parent: Path, tell: Tell) -> _Ready:
    """Read everything that a stage needs. Nothing is written. Raises ModelError, MissingData, Contamination."""
    spec = chain.spec
    check_hashes(parent)
    source = encoder_folder(parent)
    encoder, tokenizer = read_start(source)
    if spec.layers:
        cut(encoder, spec.layers)
    if spec.precision == "bf16" and device_of(spec.device) == "cpu" and hasattr(encoder, "set_attn_implementation"):
        encoder.set_attn_implementation("eager")  # the other kernel's backward pass takes twice the time
    link = replace(link, lessons=fit(link.lessons, encoder, str(source), tell))
    if spec.lora:
        encoder = add_lora(encoder, spec.lora, link.stage.seed)
    learned = learning(link, spec, encoder, tokenizer)
    score = score_of(link, spec, encoder, learned.heads, tokenizer)
    read = [np.array([tokenizer.pad_token_id]), *([score.ids] if score else [])]
    rows = rows_of(encoder, link.stage, spec, learned.parts, read)
    exact_offsets.cache_clear()  # the tokenizer can take 280 MB, and is read again when it is written
    misplaced.cache_clear()
    return _Ready(link, source, encoder, int(tokenizer.pad_token_id), learned, score, rows)


def _train(chain: Chain, ready: _Ready, options: Options, journal: Journal) -> None:
    spec, link, encoder, learned = chain.spec, ready.link, ready.encoder, ready.learned
    _tell_counts(link, learned, options.tell)
    if read := what_is_read(spec, link.stage):
        options.tell(read)
    run_loop(
        LoopInputs(
            name=link.kind,
            journal=journal,
            encoder=encoder,
            parts=learned.parts,
            plan=learned.plan,
            schedule=learned.schedule,
            pad_id=ready.pad_id,
            spec=spec,
            dev=ready.score.score if ready.score else None,
            rows=ready.rows,
            select=link.stage.select == "dev",
        ),
        options,
    )
    tokenizer = read_tokenizer(ready.source)
    backend_of(tokenizer)(["a"], False)  # what has read once reads whole texts, without padding
    whole = encoder.merge_and_unload() if spec.lora else encoder
    write_model(link.folder / "model", whole, tokenizer, journal)
    if learned.heads:
        _write_heads(link, learned.heads, journal)
    if link.lessons:
        # The keys of the examples that weights are trained on or selected by.
        known = sorted({key for example in (*link.examples, *link.selected) for key in keys(example)})
        store.write_text(link.record.with_suffix(HASHES), "".join(f"{key}\n" for key in known), journal.write)
    record.write_stage(link.record, _record(chain, link, learned, encoder_identity(ready.source)), journal)
    record.clear(journal)


def _tell_counts(link: ChainStage, learned: Learning, tell: Tell) -> None:
    counts = ", ".join(f"{lesson.task.name}: {counted(len(lesson.examples), 'example')}" for lesson in link.lessons)
    if link.pairs:
        counts = f"images: {counted(len(link.pairs.pictures), 'image')}, {counted(link.pairs.count, 'caption')}"
    elif learned.parts[-1].name == NAME and counts:
        windows, share = len(learned.parts[-1].lengths), learned.plan.shares[-1]
        counts += f", masked LM: {windows:,} windows of text in a share of {share:g} of the steps"
    tell(f"{counts or link.kind.replace('_', ' ')}, {learned.plan.steps:,} steps of {learned.plan.batch_size}")


def _write_heads(link: ChainStage, heads: Sequence[nn.Module], journal: Journal) -> None:
    encoder = encoder_identity(link.folder / "model")
    with written_folder(link.folder / "heads", journal) as tmp:
        for task, head in zip((lesson.task for lesson in link.lessons), heads, strict=True):
            weights = {name: tensor.contiguous() for name, tensor in head.state_dict().items()}
            save_file(weights, tmp / f"{task.name}.safetensors")
            facts = {"task": task.name, "family": task.family, "labels": list(task.labels), "encoder": encoder}
            store.write_json(tmp / f"{task.name}.json", facts)


def _record(chain: Chain, link: ChainStage, learned: Learning, parent: str) -> record.StageRecord:
    spec, stage, taught, plan = chain.spec, link.stage, link.lessons, learned.plan
    every = {lesson.task.name: lesson.examples for lesson in taught}
    data = [lesson.identity for lesson in taught] or [link.pairs.identity if link.pairs else str(link.facts["text"])]
    per_task = _per_task(link, learned)
    # The examples of the tasks, or the captions, also for controls; without either, the windows of masked LM.
    named = len(link.examples) or (link.pairs.count if link.pairs else 0)
    examples = named or sum(counts["examples"] for counts in per_task.values())
    beside = taught and stage.masked_lm and stage.control != NAME
    of_stage = ("lr", "seed", "sampling", "control", "mixing", "masked_lm", "limit", "total")
    of_run = ("lora", "precision", "schedule", "clip")
    same: dict[str, Any] = {name: getattr(stage, name) for name in of_stage}
    same |= {name: getattr(spec, name) for name in of_run}
    return record.StageRecord(
        kind=link.kind,
        recipe=str(spec.recipe),
        task=",".join(stage.tasks),
        languages=link.languages,
        examples=examples,
        seen=sum(plan.seen()),
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        data=data[0] if len(data) == 1 else digest(*data),
        parent=parent,
        # The labelled validation data that the weights were selected by.
        selected_on=",".join(dict.fromkeys("/".join(example.id.split("/")[:3]) for example in link.selected)) or "none",
        perturb=",".join(link.facts["perturb"] if stage.keep_names else stage.perturb),
        packs=str(link.facts.get("packs", "")),
        max_length=max((lesson.task.max_length for lesson in taught), default=0),
        stride=max((lesson.task.stride for lesson in taught), default=0),
        dropped=_summed(lesson.screened.dropped for lesson in taught),
        allowed=_summed(lesson.screened.allowed for lesson in taught),
        reported=taught[0].reported if taught else (),
        translated=Path(stage.translated).name,
        text_languages=languages_in(Path(stage.text), stage.of_text) if beside else (),
        warmup=learned.schedule.warmup,
        selected_step=(best_kept(link.folder) or (0.0, 0))[1] if stage.select == "dev" else 0,
        # Of the examples as they were learned: of the shuffled ones where labels were shuffled.
        diversity=diversity([each.task for each in taught], every) if link.kind == "intermediate" else {},
        per_task=per_task,
        # The tasks whose own training data the stage read, also for controls, which read their texts.
        flags=tuple(dict.fromkeys(f"own training data: {name}" for lesson in taught for name in lesson.task.trains)),
        base=chain.base,
        **_of_images(link),
        **same,
    )


def _of_images(link: ChainStage) -> dict[str, Any]:
    """What a record has of images with captions; empty for other stages."""
    if link.pairs is None:
        return {}
    return {
        "pairs": link.pairs.name,
        "images": len(link.pairs.pictures),
        "contrast": "" if link.stage.control == NAME else link.stage.contrast,
        "vision": name_of(link.stage.vision) if link.stage.vision else "",
    }


def _per_task(link: ChainStage, learned: Learning) -> dict[str, dict[str, Any]]:
    counts = {lesson.task.name: len(lesson.examples) for lesson in link.lessons}
    rows = zip(learned.parts, learned.plan.seen(), learned.plan.shares, strict=True)
    return {
        part.name: {"examples": counts.get(part.name, len(part.lengths)), "seen": seen, "share": round(share, 6)}
        for part, seen, share in rows
    }


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sum(map(Counter, several), Counter[str]()))


_LINES: Final = 10


def of_seeds(spec: TrainSpec, count: int) -> list[TrainSpec]:
    """The run with each of `count` seeds, from its own on; with several, `out` ends with the seed.

    Raises SpecError for no seeds, and for a stage with a seed of its own, which all runs would have.
    """
    if count < 1:
        raise SpecError(f"--seeds {count} must be at least 1.")
    if count == 1:
        return [spec]
    for name, stage in spec.stages:
        if stage.seed >= 0:
            raise SpecError(f"--seeds {count}: {name} has a seed of its own, {stage.seed}. Leave it out.")
    seeds = range(spec.seed, spec.seed + count)
    return [replace(spec, seed=seed, out=f"{spec.out}-s{seed}" if spec.out else "") for seed in seeds]


def train_all(specs: Sequence[TrainSpec], options: Options, fleet: Fleet | None = None) -> list[Path]:
    """Train runs and return the folders of their last stages, in the order of the runs.

    The machines of a fleet share the current folder. A run whose actor is lost continues with another actor. Raises
    what `train` raises, and SpecError for a run of several devices on a fleet, each of whose actors has one.
    """
    if fleet is None:
        return [_here(number, specs, options) for number in range(len(specs))]
    options.tell(shares(specs, fleet))
    start = Path.cwd()
    jobs = [
        WorkerJob(number, str(spec.folder), _Run(spec, start, options.force), str(number))
        for number, spec in enumerate(specs)
    ]
    folders = [Path(folder) for folder in each(_trained, jobs, fleet, options.tell)]
    for folder in folders:
        if not folder.is_dir():
            raise DiskError(f"{folder} was written elsewhere: all machines share the folders of runs.")
    return folders


def _here(number: int, specs: Sequence[TrainSpec], options: Options) -> Path:
    if len(specs) > 1:
        options.tell(f"{specs[number].folder}: run {number + 1} of {len(specs)}")
    return train(specs[number], options)


def shares(specs: Sequence[TrainSpec], fleet: Fleet) -> str:
    """A line about what a fleet trains at once. Raises SpecError for runs of several devices."""
    if any(spec.devices > 1 for spec in specs):
        raise SpecError("With --on each run has one device. Leave --devices out.")
    return f"{counted(len(specs), 'run')}, at most {len(fleet.slots)} at once, one on each {fleet.device_name} device"


@dataclass(frozen=True, slots=True)
class _Run:
    """What an actor trains; relative paths count from the folder `start`."""

    spec: TrainSpec
    start: Path
    force: bool


def _trained(run: _Run, tell: Tell) -> str:
    with working_in(run.start):
        return str(train(run.spec, Options(tell=tell, watch=lines_of(tell, _LINES), force=run.force)))


# How diverse a set of tasks is, by two measures fixed beforehand. Formats are the families of the tasks, label types
# the kinds of their targets; both are counts of distinct values. The distance of two examples is 1 - cos of their
# vectors, between 0 and 2. That of two tasks is the mean over all pairs of an example of the first and an example of
# the second, that within a task the mean over pairs of its examples, and that of a set the mean over its pairs of
# tasks. The reasons are in docs/decisions/training.md#diversity-has-two-measures.

SAMPLE: Final = 200
"""Examples of a task that represent it."""

MAX_LENGTH: Final = 128
"""The most tokens of an example that are read."""

_DIGITS: Final = 6
_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Embedder:
    """A function from texts to vectors (N, D), of any norm, and the identity of the encoder that computes them."""

    identity: str
    vectors: Callable[[Sequence[str]], Array]


def diversity(
    tasks: Sequence[TaskSpec],
    examples: Mapping[str, Sequence[Example]],
    embedder: Embedder | None = None,
    sample: int = SAMPLE,
) -> dict[str, Any]:
    """Both measures of a set of tasks, from `sample` examples of each; mini's encoder is the default.

    `examples` contains the examples of each task by name. Their order does not matter, and a smaller sample is a subset
    of a larger one. `formats` and `label_types` are counts; `distance` is the mean distance between tasks, None for a
    single one; `within` that inside each task, None for a single example; `encoder` the identity of the encoder.
    Raises MissingData where a task has no examples.
    """
    embedder = embedder or encoder_of(resources.mini("model") / "model")
    vectors = {task.name: embedder.vectors(_sampled(task, examples, sample)) for task in tasks}
    task_vectors = {name: unit_rows(np.asarray(rows, np.float64)) for name, rows in vectors.items()}
    # The mean of 1 - cos over all pairs across two sets is 1 minus the product of their means.
    means = [task_vectors[name].mean(axis=0) for name in sorted(task_vectors)]
    between = [round(1 - float(first @ other), _DIGITS) for first, other in itertools.combinations(means, 2)]
    return {
        "formats": len({task.family for task in tasks}),
        "label_types": len({kind_of(task.family).label_type(task.labels) for task in tasks}),
        "distance": round(math.fsum(between) / len(between), _DIGITS) if between else None,
        "encoder": embedder.identity,
        "within": {name: _within(vectors) for name, vectors in task_vectors.items()},
    }


def text_of(example: Example) -> str:
    """All fields of an example in order, a line each."""
    return "\n".join(text.value for text in example.texts.values())


def _sampled(task: TaskSpec, examples: Mapping[str, Sequence[Example]], sample: int) -> list[str]:
    """The texts of the examples whose ids have the smallest hashes."""
    every = examples.get(task.name, ())
    if not every:
        raise MissingData(f"The diversity of a set with {task.name} needs examples of that task, and there are none.")
    return [text_of(example) for example in sorted(every, key=lambda item: (digest(item.id), item.id))[:sample]]


def _within(vectors: Array) -> float | None:
    """The mean of 1 - cos over the pairs of one set; None for a single example."""
    count = len(vectors)
    if count < 2:
        return None
    total = vectors.sum(axis=0)
    return round(1 - float(total @ total - (vectors * vectors).sum()) / (count * (count - 1)), _DIGITS)


def encoder_of(folder: Path) -> Embedder:
    """The embedder of an encoder's folder: the vectors of zero-shot retrieval, of the first 128 tokens of a text.

    Hidden state 14/24, the mean over tokens, on the CPU. Raises ModelError where the folder cannot be read.
    """
    opened = cache(lambda: (read_tokenizer(folder), read_encoder(folder)))
    identity = f"{encoder_identity(folder)} {DEFAULT} max_length={MAX_LENGTH}"
    return Embedder(identity, lambda texts: _embedded(*opened(), texts))


def _embedded(tokenizer: Any, whole: Any, texts: Sequence[str]) -> Array:
    encoder, pooled = AtLayer(whole, DEFAULT.at(layer_count(whole))), Pooled(DEFAULT)
    windows = text_windows(texts, tokenizer_from(tokenizer), MAX_LENGTH)
    order = np.argsort(windows.lengths, kind="stable")
    vectors: list[Array] = []
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            part = windows.take(order[start : start + _BATCH])
            ids, mask = collate(part, int(tokenizer.pad_token_id))
            hidden = encoder(**encoder_inputs(whole, ids, mask, part)).last_hidden_state
            vectors.append(pooled(hidden, mask, part).numpy())
    return np.concatenate(vectors)[np.argsort(order)]
