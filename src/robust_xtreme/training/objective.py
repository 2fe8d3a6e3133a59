"""The objective of a stage: parts, each with a head, units of windows, and a loss over units; and that of masked LM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.attack.attacking import attacked, plan_of, victim
from robust_xtreme.core import registry
from robust_xtreme.core.columns import gathered
from robust_xtreme.core.contamination import comparable, keys, kind
from robust_xtreme.core.errors import Contamination, MissingData, ModelError, SpecError, counted
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.config import CANINE, check_fits, fitted, in_units, longest, positions
from robust_xtreme.models.loading import Checkpoint
from robust_xtreme.models.predictors.family import Examples, Family, windows_of
from robust_xtreme.models.predictors.loaded import Loaded, predict
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Work
from robust_xtreme.models.reading.members.labelled import WordLayouts
from robust_xtreme.models.reading.reading import contents_of, inputs_of
from robust_xtreme.models.reading.tokens import Lexicon, backend_of, frame_of
from robust_xtreme.models.reading.windows import Windows, layout_of, of_examples, pieces
from robust_xtreme.models.tensors import Scores, evaluating
from robust_xtreme.noise.engine.attack import is_recipe, settings_of
from robust_xtreme.noise.engine.noising import asks, bound
from robust_xtreme.noise.suites import asked
from robust_xtreme.tasks.sources import rows
from robust_xtreme.tasks.sources import source as loading
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.training.device import own_random
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.spec import StageSpec, TrainSpec

IGNORED: Final = -100
"""The target of a token that is not masked."""

Masking = Callable[[Scores, np.random.Generator], tuple[Scores, Scores]]


@dataclass(frozen=True, slots=True)
class Taken:
    """Some units of a part: their windows, the number of windows of each, and the examples that the windows index.

    For masked LM also the masked ids `hidden` (N, L), and `targets` (N, L), IGNORED where nothing is masked. For images
    and captions the colours `pixels` (N, H, W, 3) of the images of the units, uint8.
    """

    windows: Windows
    sizes: tuple[int, ...]
    examples: Sequence[Example] = ()
    hidden: Scores | None = None
    targets: Scores | None = None
    pixels: Scores | None = None

    def every(self, first: int, step: int) -> Self:
        """Every `step`-th unit from the `first` on."""
        # Rows of unit u are ends[u] to ends[u + 1]: units have several windows.
        ends = [0, *accumulate(self.sizes)]
        chosen = range(first, len(self.sizes), step)
        rows = [row for unit in chosen for row in range(ends[unit], ends[unit + 1])]
        return replace(
            self,
            windows=self.windows.take(rows),
            sizes=tuple(self.sizes[unit] for unit in chosen),
            hidden=None if self.hidden is None else self.hidden[rows],
            targets=None if self.targets is None else self.targets[rows],
            pixels=None if self.pixels is None else self.pixels[list(chosen)],
        )


Take = Callable[[Sequence[tuple[int, int]]], Taken]
"""From units, each with the number of its pass, to their content in that pass."""


@dataclass(frozen=True, slots=True)
class HeadUnits:
    """A head and the units that it learns from.

    `lengths` are the tokens of each unit's longest window. `loss(head, hidden (N, L, H), mask (N, L), taken)` is the
    mean over terms, and `terms(taken)` their number, so that losses over the shares of a batch add up to that of the
    whole. `masking` masks tokens. `ids` are the token ids that units can have, None where they are not known.
    """

    name: str
    head: nn.Module
    lengths: tuple[int, ...]
    take: Take
    loss: Callable[[nn.Module, Tensor, Tensor, Taken], Tensor]
    terms: Callable[[Taken], int]
    masking: Masking | None = None
    ids: Scores | None = None


Draw = Callable[[Sequence[tuple[int, int]]], tuple[Windows, Sequence[Example]]]


def task_part(
    task: TaskSpec, family: Family, head: nn.Module, windows: Windows, examples: Examples, draw: Draw | None = None
) -> HeadUnits:
    """A part that learns from windows; a unit is a window or, where a loss needs it, all windows of an example.

    With `draw`, which noises examples and encodes them again in each pass, a unit is an example, and batches are
    planned by the lengths of its clean windows.
    """
    units = _by_example(windows) if draw else units_of(family, windows)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        if draw:
            drawn, noised = draw(spans)
            return Taken(drawn, tuple(np.diff(of_examples(drawn, len(spans))).tolist()), noised)
        rows, bounds = gathered(units, np.array([unit for unit, _ in spans], np.int64))
        return Taken(windows.take(rows), tuple(np.diff(bounds).tolist()), examples)

    def loss(head: nn.Module, hidden: Tensor, mask: Tensor, taken: Taken) -> Tensor:
        return family.loss(head, hidden, mask, taken.windows, taken.examples, task.labels)

    lengths = tuple(np.maximum.reduceat(windows.lengths, units[:-1]).tolist()) if len(units) > 1 else ()
    ids = None if draw else np.unique(windows.ids)
    return HeadUnits(task.name, head, lengths, take, loss, terms_of(family), ids=ids)


def terms_of(family: Family) -> Callable[[Taken], int]:
    """The number of terms that a family's loss is the mean of: examples, tagged words, or windows."""
    if family.together:
        return lambda taken: len(taken.sizes)
    if kind_of(family.name).words:
        return lambda taken: len(layout_of(taken.windows, WordLayouts).firsts)
    return lambda taken: len(taken.windows)


def units_of(family: Family, windows: Windows) -> Scores:
    """The bounds of units (u + 1,): single windows or, where a loss needs them together, all windows of an example."""
    return _by_example(windows) if family.together else np.arange(len(windows) + 1)


def _by_example(windows: Windows) -> Scores:
    starts = np.flatnonzero(np.diff(windows.example, prepend=-1))
    return np.append(starts, len(windows))


@dataclass(frozen=True, slots=True)
class BatchRows:
    """Rows `start` to `stop` of a batch: their part, the units taken, and the weight of their loss."""

    part: int
    start: int
    stop: int
    taken: Taken
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The input of one pass through the encoder: ids (B, L), mask (B, L), windows, and their pieces."""

    ids: Tensor
    mask: Tensor
    windows: Windows
    pieces: tuple[BatchRows, ...]

    def to(self, device: torch.device) -> Self:
        """The same batch on a device; its windows stay where they are."""
        ids, mask = (tensor.to(device, non_blocking=True) for tensor in (self.ids, self.mask))
        return replace(self, ids=ids, mask=mask)

    def named(self) -> str:
        """The ids of its first examples, for errors."""
        ids = [
            piece.taken.examples[number].id
            for piece in self.pieces
            for number in piece.taken.windows.example.tolist()
            if piece.taken.examples
        ]
        shown = list(dict.fromkeys(ids))
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        return f"{', '.join(shown[:_SHOWN])}{more}" if shown else f"{counted(len(self.windows), 'line')} of text"


_SHOWN: Final = 3


def fit(lessons: Sequence[Lesson], encoder: Any, called: str, tell: Callable[[str], None]) -> tuple[Lesson, ...]:
    """The lessons, their inputs cut where the encoder is a text tower, which is reported.

    Where it reads bytes or characters, inputs have several for each token.
    Raises ModelError, one line, where any other encoder reads fewer tokens than a task's inputs have.
    """
    config = encoder.config.to_dict()
    lessons = [replace(lesson, task=in_units(lesson.task, config)) for lesson in lessons]
    fitted_lessons = tuple(replace(lesson, task=fitted(lesson.task, config)) for lesson in lessons)
    for before, after in zip(lessons, fitted_lessons, strict=True):
        check_fits(after.task, config, called, f"Leave {after.task.name} out, or")
        if after.task is not before.task:
            what = f"inputs of {longest(before.task)} tokens are cut to the {positions(config)} that {called} reads"
            tell(f"{after.task.name}: {what}")
    return fitted_lessons


def text_length(encoder: Any) -> int:
    """The tokens of plain text that an encoder reads at once: TEXT_LENGTH, or fewer where it cannot."""
    return min(TEXT_LENGTH, positions(encoder.config.to_dict()) or TEXT_LENGTH)


MASKED_SHARE: Final = 0.15
TEXT_LENGTH: Final = 128
NAME: Final = "masked_lm"


def masked_part(encoder: Any, tokenizer: Any, lines: Sequence[str], seed: int) -> HeadUnits:
    """Predict masked tokens of plain text as BERT does, with scores over the encoder's own embeddings.

    Lines are windows of at most TEXT_LENGTH tokens; a longer line is several. The seed draws the head's weights. Raises
    ModelError where the tokenizer has no mask token, or the encoder no embeddings to predict tokens by.
    """
    if encoder.config.model_type == CANINE:
        raise ModelError("CANINE has no embedding for each character, by which masked LM predicts. Leave --text out.")
    lexicon = Lexicon(backend_of(tokenizer))
    numbers = np.unique(lexicon.numbers(lines))
    windows = pieces(frame_of(tokenizer), lexicon.tokens, numbers, text_length(encoder), 0)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        return Taken(windows.take([unit for unit, _ in spans]), tuple(1 for _ in spans))

    def terms(taken: Taken) -> int:
        return 0 if taken.targets is None else int((taken.targets != IGNORED).sum())

    with own_random(seed):
        head = MaskedHead(encoder.get_input_embeddings(), int(encoder.config.hidden_size))
    return HeadUnits(NAME, head, tuple(windows.lengths.tolist()), take, _loss, terms, masking(tokenizer))


class MaskedHead(nn.Module):
    """From hidden states (N, H) to scores over the vocabulary (N, V), by the encoder's own embeddings."""

    def __init__(self, embedding: nn.Embedding, hidden_size: int) -> None:
        nn.Module.__init__(self)
        size = embedding.embedding_dim
        self.change = nn.Sequential(nn.Linear(hidden_size, size), nn.GELU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))
        self.weight = embedding.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores (N, V)."""
        return nn.functional.linear(self.change(hidden), self.weight, self.bias)


def _loss(head: nn.Module, hidden: Tensor, _: Tensor, taken: Taken) -> Tensor:
    """The mean cross-entropy over masked tokens; only these are scored."""
    assert taken.targets is not None
    chosen = taken.targets != IGNORED
    rows, columns = (torch.from_numpy(indices).to(hidden.device) for indices in np.nonzero(chosen))
    right = torch.from_numpy(taken.targets[chosen]).to(hidden.device)
    scores: Tensor = head(hidden[rows, columns])
    return nn.functional.cross_entropy(scores.float(), right, reduction="sum") / max(1, len(right))


def masking(tokenizer: Any) -> Masking:
    """A function that masks tokens of ids (N, L). Raises ModelError where the tokenizer has no mask."""
    if tokenizer.mask_token_id is None:
        raise ModelError("This model's tokenizer has no mask token, and masked LM needs one.")
    special, mask_id, size = np.array(sorted(tokenizer.all_special_ids)), int(tokenizer.mask_token_id), len(tokenizer)

    def hide(ids: Scores, generator: np.random.Generator) -> tuple[Scores, Scores]:
        """Of 15 % of the tokens mask 8 in 10, replace 1, keep 1; also return their targets, IGNORED for all others."""
        chosen = (generator.random(ids.shape) < MASKED_SHARE) & ~np.isin(ids, special)
        # `how` decides for each chosen token whether it is masked, replaced by `other`, or kept.
        how = generator.random(ids.shape)
        other = generator.integers(0, size, ids.shape)
        hidden = np.where(chosen & (how < 0.8), mask_id, ids)
        hidden = np.where(chosen & (how >= 0.8) & (how < 0.9), other, hidden)
        return hidden, np.where(chosen, ids, IGNORED)

    return hide


# What a stage asks of the model that it trains: a score on validation data, and attacked examples.
#
# A score is shown, written to metrics.csv, and used for selection on request only. The examples of a step are attacked
# with the weights as they are before it.


@dataclass(frozen=True, slots=True)
class DevScore:
    """A function that computes a score in points, and the token ids that it reads."""

    score: Callable[[], float]
    ids: Scores


def dev_score(
    task: TaskSpec, data: Source | Path, encoder: nn.Module, head: nn.Module, tokenizer: Any
) -> DevScore | None:
    """A function that computes the task's first metric on some validation examples; None where there are none.

    Tasks with a pool have no such score: it would need the vectors of the whole pool after each epoch.
    """
    examples = _dev_examples(task, data)
    if not examples:
        return None
    family: Family = registry.load("family", task.family)
    windows, pad_id = windows_of(family, task, examples, tokenizer), int(tokenizer.pad_token_id)
    inputs = inputs_of(contents_of(examples), windows)
    metric: Metric = registry.load("metric", task.metrics[0])

    def score() -> float:
        checkpoint = checkpoint_of(task, family, encoder, head, pad_id)
        decoded = predict(checkpoint, inputs, Work(BATCH_TOKENS["cpu"]))
        if not decoded.finite.all():
            return 0.0
        return float(metric.reduce(metric.alone(examples, decoded.targets).sum(axis=0)))

    return DevScore(score, np.unique(windows.ids))


def _dev_examples(task: TaskSpec, data: Source | Path) -> tuple[Example, ...]:
    if task.pool is not None:
        return ()
    if task.parts:
        return tuple(example for part in task.parts for example in _dev_examples(part, data))
    try:
        split = loading.load(task, data, task.train_languages[0], "validation")
    except MissingData:
        return ()
    return rows.limit(split.examples, 150) if split.labelled else ()


def selection(lessons: Sequence[Lesson], spec: TrainSpec) -> tuple[Example, ...]:
    """The examples that weights are selected by; none of them is in a reported split.

    Raises Contamination where one of them is in a split that a reported task would be evaluated on.
    """
    source = open_source(spec.data, offline=spec.offline)
    selected_by: list[Example] = []
    for lesson in lessons:
        examples = _dev_examples(lesson.task, source)
        for name in lesson.reported:
            task = registry.load("task", name)
            if task.head and comparable(task, kind(lesson.task)):
                _check_apart(task, source, lesson.task.name, examples)
        selected_by += examples
    return tuple(selected_by)


def _check_apart(task: TaskSpec, source: Source, learned: str, examples: Sequence[Example]) -> None:
    mine = {key for example in examples for key in keys(example)}
    for language in loading.available(task, source, "auto"):
        try:
            split = loading.resolve(task, source, "auto", language)
        except MissingData:
            continue
        same = [example.id for example in split.examples if not keys(example).isdisjoint(mine)]
        if same:
            raise Contamination(
                f"The validation data of {learned} share {len(same)} examples with "
                f"{task.name}/{split.split}/{language}, which is reported (first: {same[0]}): nothing may be selected "
                "by them. Use select = none."
            )


Attack = Callable[[Sequence[Example], PerturbationSpec, int], Sequence[Example]]
"""Examples under an attack on named fields with a noise seed."""


def adversary(task: TaskSpec, family: Family, encoder: nn.Module, head: nn.Module, tokenizer: Any) -> Attack:
    """A function that attacks examples of a task with the present weights, which compute without dropout then.

    Examples that the weights get wrong stay as they are.
    """
    reader, work = reader_of(family, task, tokenizer), Work(BATCH_TOKENS["cpu"])
    present = partial(checkpoint_of, task, family, encoder, head, int(tokenizer.pad_token_id))
    predictor = EncoderHead(task, reader, task.labels, lambda: Loaded(present()))
    asks_of = victim(task, predictor, lambda inputs, weighing: predictor.weigh(inputs, weighing, work), None)

    def attack(examples: Sequence[Example], cell: PerturbationSpec, seed: int) -> Sequence[Example]:
        target = settings_of(bound(cell)[0]).target
        with evaluating(encoder, head):
            (outcome,) = attacked(examples, [plan_of(examples, cell, seed)], asks_of(target), lambda *_: None)
        return outcome.shown

    return attack


def checkpoint_of(task: TaskSpec, family: Family, encoder: nn.Module, head: nn.Module, pad_id: int) -> Checkpoint:
    """The weights of a stage as they are, as predictors know them, which read what is encoded already."""
    return Checkpoint(
        encoder=encoder,
        head=head,
        tokenizer=None,
        family=family,
        labels=task.labels,
        name=task.name,
        pad_id=pad_id,
        device=next(encoder.parameters()).device,
    )


def attacks_of(stage: StageSpec) -> tuple[PerturbationSpec, ...]:
    """The attacks among the perturbations of a stage."""
    return tuple(each.cell for each in asked(stage.perturb, stage.keep_names) if asks(each.cell))


def passes_of(stage: StageSpec) -> float:
    """How often an example is read for an attack before a step reads it, on average, at most."""
    attacks = attacks_of(stage)
    queries = sum(1 + settings_of(bound(attack)[0]).queries for attack in attacks)
    return queries / len(asked(stage.perturb, stage.keep_names)) if attacks else 0.0


def check_attacks(spec: TrainSpec) -> None:
    """Raise SpecError where a stage is attacked that cannot be."""
    for name, stage in spec.stages:
        for attack in attacks_of(stage):
            if is_recipe(attack.name):
                raise SpecError(f"[{name}] perturb {attack}: recipes of TextAttack are perturbations of eval alone.")
            settings = settings_of(bound(attack)[0])
            if settings.similar:
                what = "what @similar compares by are the vectors of a model that does not change"
                raise SpecError(f"[{name}] perturb {attack}: {what}. Leave it out.")
            target = settings.target
            without = [task.name for task in stage.learned() if target and target not in task.labels]
            if without:
                raise SpecError(f"[{name}] perturb {attack}: {without[0]} has no label {target!r}.")
            pooled = [task.name for task in stage.learned() if kind_of(task.family).searched]
            if pooled:
                what = f"{pooled[0]} learns from the documents of a batch, among which an attack has none to search"
                raise SpecError(f"[{name}] perturb {attack}: {what}.")
            if spec.devices > 1:
                what = "attacks use the weights of one device. Leave out --devices."
                raise SpecError(f"[{name}] perturb {attack}: {what}")
