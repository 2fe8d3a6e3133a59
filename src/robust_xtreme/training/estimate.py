"""The plan of a run of `train` and an estimate of its duration, without training and without writing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import MissingData, RobustXtremeError
from robust_xtreme.core.examples import kind_of
from robust_xtreme.core.run_paths import what_is_read
from robust_xtreme.core.run_spec import HUB
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.models.stages import check_hashes
from robust_xtreme.models.tensors import Scores
from robust_xtreme.noise.user_packs import using
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.hub import fetched, on_hub
from robust_xtreme.training import record
from robust_xtreme.training.chain import KINDS, Chain, ChainStage, chain_of, pairs_of
from robust_xtreme.training.device import own_random
from robust_xtreme.training.images.towers import new_tower, read_tower, vision_folder
from robust_xtreme.training.learn import plan_for
from robust_xtreme.training.lessons import Lesson, lessons
from robust_xtreme.training.module import saving
from robust_xtreme.training.objective import MASKED_SHARE, NAME, MaskedHead, fit, masked_part, passes_of, units_of
from robust_xtreme.training.record import planned
from robust_xtreme.training.resume import embedding_count, encoder_folder, read_start, saved_step
from robust_xtreme.training.spec import SCRATCH, StageSpec, Tell, TrainSpec, within
from robust_xtreme.training.text import languages_in, new_model, read_lines

_MOST_IMAGES, _MOST_TOKENS = 32, 2048
"""The most images, and tokens, of a timed pass on a CPU, where time is proportional to them."""


def _fastest(device: torch.device, run: Callable[[], object]) -> float:
    """The seconds of the fastest of three passes."""
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    return min(spent)


def tower_seconds(stage: StageSpec, spec: TrainSpec) -> float:
    """The seconds of a step in the image tower: a forward and a backward pass over a batch. Raises ModelError."""
    device = torch.device(device_of(spec.device))
    with own_random(0):
        tower = read_tower(vision_folder(stage.vision, offline=True)) if stage.vision else new_tower()
    tower = tower.to(device).train()
    rows = stage.batch_size if device.type == "cuda" else min(stage.batch_size, _MOST_IMAGES)
    pixels = torch.zeros((rows, tower.size, tower.size, 3), dtype=torch.uint8, device=device)
    fastest = _fastest(device, lambda: torch.autograd.backward(tower(pixels).float().pow(2).mean()))
    return fastest * stage.batch_size / rows


_SAMPLE: Final = 500
"""The most examples, or lines, that are encoded to estimate lengths."""

_HALF: Final = {"bf16": torch.bfloat16, "fp16": torch.float16}
_SEQ2SEQ: Final = "seq2seq:"
_ENGLISH: Final = ("en",)


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """A stage before it is trained; None where a value is not known yet.

    `learns` has its tasks and the share of masked LM beside them, `masked_lm:0.5`. `exact` means that `steps` is exact,
    `counted` that `examples` is; otherwise they are estimated from a sample or from published sizes. `epochs` is 0
    where a stage names its steps. `seconds` is the time of forward and backward passes here; 0 for a stage that is
    complete. `done` counts saved steps; `tokens` and `seconds` are those of the others. `rows` says which of the
    word embeddings are trained.
    """

    kind: str
    learns: tuple[str, ...]
    languages: tuple[str, ...]
    examples: int | None
    steps: int | None
    batch_size: int
    tokens: int | None
    cached: bool
    folder: Path | None
    seconds: float | None
    exact: bool = True
    counted: bool = True
    epochs: int = 0
    done: int = 0
    rows: str = ""


def plan_of(spec: TrainSpec, tell: Tell, force: bool = False, notice: Tell | None = None) -> tuple[EstimateRow, ...]:
    """The stages of a run in order. Nothing is trained, translated or written, and neither model nor data are fetched.

    With `force` the last stage is to do again. `notice` gets what happens to files that are there already and what is
    not known or verified, `tell` where there is no `notice`. Raises what `train` raises before it trains; data of the
    hub that are not on this machine are not known instead.
    """
    notice = notice or tell
    with using(*spec.packs), own_tasks(spec.data):
        spec = replace(spec.resolved(), offline=True)
        device = device_of(spec.device)
        if missing := _not_here(spec):
            notice(missing)
        chain = None if missing else _chain(spec, tell, notice)
        if chain is None:
            last = spec.stages[-1][1].tasks
            scratch_row = [EstimateRow(SCRATCH, (), _ENGLISH, 0, 0, 0, None, False, None, None)]
            if spec.out or spec.target:
                record.check_ours(spec.folder)
                if line := planned(spec.folder, last, force):
                    notice(line)
            rows = [_blind(KINDS[name], stage, spec, notice) for name, stage in spec.stages]
            return (*(scratch_row if spec.start == SCRATCH else ()), *rows)
        if read := what_is_read(spec, *(stage for _, stage in spec.stages)):
            tell(read)
        if force:
            chain = replace(chain, links=(*chain.links[:-1], replace(chain.links[-1], again=True)))
        _check(chain)
        encoder, tokenizer = _model(chain)
        last_link = chain.links[-1]
        if not last_link.complete and (line := planned(last_link.folder, last_link.stage.tasks, force)):
            notice(line)
        with own_random(0):
            encoder = encoder.to(device).train()
            # The tasks have the length that the encoder reads, as `train` has them.
            links = (replace(link, lessons=fit(link.lessons, encoder, "the encoder", tell)) for link in chain.links)
            return tuple(_row(link, chain, encoder, tokenizer) for link in links)


def _check(chain: Chain) -> None:
    """Raise what `train` raises for the stages that are there: those that another starts from, and a complete run."""
    last = chain.links[-1]
    chain.check_folder(last, force=last.again)
    for link, following in pairwise(chain.links):
        if not link.complete:
            chain.check_folder(link, force=False)
        elif not following.complete:
            check_hashes(link.folder)
    if last.complete:
        check_hashes(last.folder)


def _chain(spec: TrainSpec, tell: Tell, notice: Tell) -> Chain | None:
    """The chain of a run; None where data of the hub are not on this machine, which `_counts` reports.

    Raises what `chain_of` raises.
    """
    try:
        return chain_of(spec, tell, notice)
    except MissingData as error:
        if not _absent(error, spec):
            raise
        return None


def _absent(error: MissingData, spec: TrainSpec) -> bool:
    """Whether data are missing only because they were not fetched from the hub."""
    return spec.data == HUB and "on this machine" in str(error)


def _counts(stage: StageSpec, spec: TrainSpec, tell: Tell) -> tuple[list[int], bool]:
    """The number of examples of each task, and whether they were counted.

    Where data of the hub are not on this machine, these are published sizes, or none; both is reported.
    """
    try:
        return [len(lesson.examples) for lesson in lessons(stage, spec, tell)], True
    except MissingData as error:
        if not _absent(error, spec):
            raise
        what = f"{str(error).partition(' Looked for ')[0].rstrip('.')}, and a plan does not fetch it"
    # The number of training rows is published of English, not translated.
    published = not stage.translated and stage.languages in ((), _ENGLISH)
    if unknown := [task.name for task in stage.learned() if not (published and task.train_rows)]:
        tell(f"{what}: the size of {', '.join(unknown)} is not known until its data are read")
        return [], False
    sizes = [f"{task.name} {task.train_rows:,}" for task in stage.learned()]
    tell(f"{what}: planned with published sizes ({', '.join(sizes)})")
    return within(stage, [task.train_rows for task in stage.learned()]), False


def _not_here(spec: TrainSpec) -> str:
    """What would have to be fetched or translated first, and how to get it; empty where everything is local."""
    unknown = "tokens and time are not known, and steps of long texts are estimates"
    if any(stage.translated.startswith(_SEQ2SEQ) for _, stage in spec.stages):
        return f"training data are not translated yet, and a plan does not translate: {unknown}. Train without --plan"
    if on_hub(spec.start):
        try:
            fetched(spec.start, spec.revision, offline=True)
        except RobustXtremeError:
            get = f"hf download {spec.start}" + (f" --revision {spec.revision}" if spec.revision else "")
            return f"{spec.start} is not on this machine, and a plan does not fetch it: {unknown}. Get it: {get}"
    return ""


def _model(chain: Chain) -> tuple[Any, Any]:
    """The encoder of the last complete stage, or of the start, and its tokenizer; a new one is made in memory."""
    complete = [link.folder for link in chain.links if link.complete]
    folder = complete[-1] if complete else chain.start
    if folder is None:
        return new_model(Path(chain.spec.text), chain.spec.size, chain.links[0].stage.seed)
    return read_start(encoder_folder(folder))


@dataclass(frozen=True, slots=True)
class _Size:
    """The size of a part: its units, windows a unit, tokens a window; `exact` where all were counted; its token ids."""

    units: int
    windows: float
    tokens: float
    exact: bool
    ids: Scores


def _task_size(lesson: Lesson, stage: StageSpec, tokenizer: Any) -> _Size:
    family: Family = registry.load("family", lesson.task.family)
    examples = lesson.examples[:: -(-len(lesson.examples) // _SAMPLE)]
    windows = windows_of(family, lesson.task, examples, tokenizer)
    one_each = bool(stage.perturb) or family.together
    units = len(examples) if one_each else len(units_of(family, windows)) - 1
    several = round(len(lesson.examples) * units / len(examples))
    exact = one_each or len(examples) == len(lesson.examples) or kind_of(family.name).whole
    tokens = len(windows.ids)
    return _Size(several, len(windows) / units, tokens / len(windows), exact, windows.ids)


def _text_size(lines: Sequence[str], encoder: Any, tokenizer: Any) -> _Size:
    """The size of masked LM: a unit is a window of text."""
    distinct = list(dict.fromkeys(lines))
    chosen = distinct[:: -(-len(distinct) // _SAMPLE)]
    part = masked_part(encoder, tokenizer, chosen, 0)
    lengths, ids = part.lengths, part.take([(unit, 0) for unit in range(len(part.lengths))]).windows.ids
    units = round(len(distinct) * len(lengths) / len(chosen))
    return _Size(units, 1.0, sum(lengths) / len(lengths), len(chosen) == len(distinct), ids)


def _row(link: ChainStage, chain: Chain, encoder: Any, tokenizer: Any) -> EstimateRow:
    if link.kind == SCRATCH:
        return EstimateRow(SCRATCH, (), (), 0, 0, 0, 0, link.complete, link.folder, 0.0)
    stage = link.stage
    sizes = [_task_size(lesson, stage, tokenizer) for lesson in link.lessons]
    lines = link.lines()
    if lines:
        sizes.append(_text_size(lines, encoder, tokenizer))
    if link.pairs:  # a unit is an image, with the tokens of a caption
        size = _text_size(link.pairs.texts(), encoder, tokenizer)
        sizes.append(replace(size, units=len(link.pairs.pictures), exact=True))
    plan = plan_for(stage, [(1,) * size.units for size in sizes])  # the number of steps depends on that of units alone
    shares, masked = plan.shares, plan.shares[-1] if lines else 0.0
    if stage.control == NAME:
        sizes, shares, masked = [_text_size(link.texts(), encoder, tokenizer)], (1.0,), 1.0
    shared = list(zip(shares, sizes, strict=True))
    windows = stage.batch_size * sum(share * size.windows for share, size in shared)
    tokens = stage.batch_size * sum(share * size.windows * size.tokens for share, size in shared)
    done = 0 if link.again or record.claimed(link.folder) != link.identity else min(saved_step(link.folder), plan.steps)
    seconds = 0.0
    if not link.complete:
        seconds = (plan.steps - done) * _seconds(encoder, windows, tokens / windows, masked, chain.spec)
        seconds *= 1 + passes_of(stage) / 3  # a pass that learns nothing takes a third of a step's time
        if link.pairs and stage.control != NAME:
            seconds += (plan.steps - done) * tower_seconds(stage, chain.spec)
    return EstimateRow(
        kind=link.kind,
        learns=_learns(stage),
        languages=link.languages,
        examples=len(link.examples) or (link.pairs.count if link.pairs else sizes[-1].units),
        steps=plan.steps,
        batch_size=stage.batch_size,
        tokens=round((plan.steps - done) * tokens),
        cached=link.complete,
        folder=link.folder,
        seconds=seconds,
        exact=bool(stage.steps) or all(size.exact for size in sizes),
        counted=bool(link.lessons or link.pairs) or sizes[-1].exact,
        epochs=0 if stage.steps else stage.epochs,
        done=done,
        rows=saving(encoder, stage, chain.spec, [size.ids for size in sizes]),
    )


def _learns(stage: StageSpec) -> tuple[str, ...]:
    beside = bool(stage.masked_lm) and stage.control != NAME
    if stage.pairs and stage.control != NAME:
        return (stage.contrast,)
    return (*stage.tasks, f"{NAME}:{stage.masked_lm:g}") if beside else stage.tasks or (NAME,)


def _blind(kind: str, stage: StageSpec, spec: TrainSpec, tell: Tell) -> EstimateRow:
    """A stage whose encoder or translated data are not on this machine: what is known from its English data or text,
    or from published sizes. Without a tokenizer an example counts as one unit."""
    steps, exact, counted = stage.steps or None, True, bool(stage.tasks)
    if stage.tasks:
        languages = stage.languages or _ENGLISH
        foreign = stage.translated.startswith(_SEQ2SEQ)
        english = replace(stage, translated="", languages=_ENGLISH) if foreign else stage
        counts, counted = _counts(english, spec, tell)
        counts = [count * (len(languages) if foreign else 1) for count in counts]
        if counts and steps is None:
            steps = plan_for(stage, [(1,) * count for count in (*counts, *([1] if stage.masked_lm else []))]).steps
            exact = counted and all(kind_of(task.family).whole or stage.perturb for task in stage.learned())
    elif pairs := pairs_of(stage):
        languages, counts, counted = pairs.languages, [pairs.count], True
        steps = steps or stage.epochs * -(-len(pairs.pictures) // stage.batch_size)
    else:
        # Without a tokenizer a line is at least one window.
        languages = languages_in(Path(stage.text), stage.languages)
        counts = [len(set(read_lines(Path(stage.text), stage.languages)))]
    # The name of the last stage's folder does not depend on the missing data.
    last = KINDS[spec.stages[-1][0]] == kind
    return EstimateRow(
        kind=kind,
        learns=_learns(stage),
        languages=languages,
        examples=sum(counts) or None,
        steps=steps,
        batch_size=stage.batch_size,
        tokens=None,
        cached=False,
        folder=spec.folder if last and (spec.out or spec.target) else None,
        seconds=None,
        exact=exact,
        counted=counted,
        epochs=0 if stage.steps else stage.epochs,
    )


def _seconds(encoder: Any, windows: float, length: float, masked: float, spec: TrainSpec) -> float:
    """The seconds of a step: forward and backward passes over `windows` windows of `length` tokens."""
    device = next(encoder.parameters()).device
    width = max(1, round(length))
    rows = windows / (spec.devices * spec.accumulate if device.type == "cuda" else 1)
    timed = max(1, round(rows if device.type == "cuda" else min(rows, _MOST_TOKENS / width)))
    head = MaskedHead(encoder.get_input_embeddings(), int(encoder.config.hidden_size)).to(device) if masked else None
    ids = torch.randint(5, embedding_count(encoder) or 1000, (timed, width), device=device)

    def step() -> None:
        encoder.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=_HALF.get(spec.precision), enabled=spec.precision in _HALF):
            loss = _loss(encoder, head, ids, masked)
        torch.autograd.backward(loss)

    step()  # the first pass takes longer
    repeats = spec.accumulate if device.type == "cuda" else 1
    return _fastest(device, step) * rows / timed * repeats


def _loss(encoder: Any, head: nn.Module | None, ids: torch.Tensor, masked: float) -> torch.Tensor:
    hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    loss = hidden.float().pow(2).mean()
    if head is not None:
        guessed = hidden.flatten(0, 1)[: max(1, round(MASKED_SHARE * masked * ids.numel()))]
        loss = loss + head(guessed).float().logsumexp(-1).mean()
    return loss
