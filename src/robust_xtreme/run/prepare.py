"""Prepares a task run: its examples under every condition and seed, encoded, each distinct input once."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np

from robust_xtreme.attack.attacking import Attacked, AttackRecord
from robust_xtreme.core import columns as cols
from robust_xtreme.core.edits import Array, SpanTable, covered, span_table
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Answers, Corpus, Document, Example, Span, Text
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.predictors.predictor import Predictor
from robust_xtreme.models.reading.members.retrieval import QUERY
from robust_xtreme.models.reading.reading import Candidates, Contents, Inputs
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.conditions.paired import as_many
from robust_xtreme.noise.engine.noised import FieldTexts, NoisedTexts, PerturbedExamples, field_texts, joined
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.noise.engine.traces import joined_spans, taken
from robust_xtreme.run.task_run import Cell, TaskRun
from robust_xtreme.stats.components import first_seen
from robust_xtreme.tasks.noisy.measured import MeasuredTexts, measured
from robust_xtreme.tasks.sources.source import Split


class ContentCodes:
    """Numbers what encoding reads of the examples of a task run: values and spans of every field, and the target.

    `clean` are the clean examples with all fields and no noise, `golds` their targets.
    """

    def __init__(self, clean: PerturbedExamples, golds: cols.TargetColumn) -> None:
        self._texts, self._targets, self._marks = cols.numbering(), cols.numbering(), cols.numbering()
        self._marks_of: dict[str, int] = {}
        of_clean = np.append(self._of_texts(clean.noised), -1)
        self._fields = {name: of_clean[numbers] for name, numbers in clean.numbers.items()}
        self._golds = golds
        marks = (_marks(each.target.spans) if isinstance(each.target, Answers) else () for each in clean.clean)
        self._gold_marks = cols.numbers_of(self._marks, marks).tolist()
        if isinstance(golds, cols.Ranges):
            self._target = self._of_golds(golds)
        else:
            targets: Iterator[Hashable] = (example.target for example in clean.clean)
            self._target = cols.numbers_of(self._targets, targets)

    def of(self, shown: PerturbedExamples | None) -> Array:
        """The numbers (n, fields and target), by content, of the examples under a condition; None: the clean ones."""
        if shown is None:
            return np.stack([*self._fields.values(), self._target], axis=1)
        noisy = np.append(self._of_texts(shown.noised), -1)
        columns = [noisy[shown.numbers[name]] if name in shown.numbers else it for name, it in self._fields.items()]
        golds = shown.targets(self._golds)
        is_moved = golds is not self._golds
        target = self._of_golds(golds) if is_moved and isinstance(golds, cols.Ranges) else self._target
        return np.stack([*columns, target], axis=1)

    def _of_texts(self, noised: NoisedTexts) -> Array:
        """The number of each text (t,): its value, and its spans, if any."""
        if not len(noised.spans):
            return cols.numbers_of(self._texts, noised.values)
        cuts = np.searchsorted(noised.spans.text, np.arange(len(noised) + 1))
        spans = _parts(noised.spans.start, noised.spans.stop, cuts)
        parts = zip(noised.values, spans, noised.clean, strict=True)
        marked = ((value, ends, self._of_marks(clean)) if ends else value for value, ends, clean in parts)
        return cols.numbers_of(self._texts, marked)

    def _of_marks(self, text: Text) -> int:
        """The number of the labels of a text's spans, which noise does not change."""
        if text.id not in self._marks_of:
            self._marks_of[text.id] = self._marks[_marks(text.spans)]
        return self._marks_of[text.id]

    def _of_golds(self, golds: cols.Ranges) -> Array:
        spans = _parts(golds.start, golds.stop, golds.bounds)
        return cols.numbers_of(self._targets, zip(spans, self._gold_marks, strict=True))


def _parts(start: Array, stop: Array, bounds: Array) -> Iterator[bytes]:
    """The ends of each of consecutive parts of spans, as bytes."""
    return cols.parts_as_bytes(np.stack((start, stop), axis=1).astype(np.int32), bounds)


def _marks(spans: Sequence[Span]) -> tuple[tuple[str | None, bool], ...]:
    return tuple((span.label, span.frozen) for span in spans)


def contents_at(
    clean: PerturbedExamples, golds: cols.TargetColumn, shown: Sequence[PerturbedExamples | None], rows: Array
) -> Contents:
    """The contents of examples, as `shown` under each condition, by row (k,); a condition has one for each example."""
    count = len(clean)
    cuts = np.searchsorted(rows, np.arange(len(shown) + 1) * count)
    parts = [(each, rows[low:high] % count) for each, (low, high) in zip(shown, pairwise(cuts), strict=True)]
    values: dict[str, list[str | None]] = {}
    spans: dict[str, SpanTable] = {}
    for name, numbers in clean.numbers.items():
        texts = [
            (each.noised, each.numbers[name][at]) if each and name in each.numbers else (clean.noised, numbers[at])
            for each, at in parts
        ]
        values[name] = []
        for noised, chosen in texts:
            with_none = [*noised.values, None]  # the last for a text that is not there
            values[name] += [with_none[number] for number in chosen.tolist()]
        spans[name] = joined_spans([(taken(noised.spans, chosen), len(chosen)) for noised, chosen in texts])
    ids = [clean.clean[at].id for _, each in parts for at in each.tolist()]
    return Contents(ids, values, spans, _golds_at(golds, parts))


def _golds_at(golds: cols.TargetColumn, parts: Sequence[tuple[PerturbedExamples | None, Array]]) -> cols.Ranges | None:
    """The gold answers of some examples under each condition; None in tasks without."""
    if not isinstance(golds, cols.Ranges):
        return None
    moved = [(each.targets(golds) if each else golds).take(at) for each, at in parts]
    ranges = cols.chained(moved)
    assert isinstance(ranges, cols.Ranges)
    return ranges


def distinct_rows(rows: Array) -> tuple[Array, Array]:
    """The number of each row (n, c) among the distinct ones in the order of their first (n,), and these first (k,)."""
    codes = np.zeros(len(rows), np.int64)
    for column in rows.T + 1:
        codes = np.unique(codes, return_inverse=True)[1] * (1 + int(column.max(initial=0))) + column
    return first_seen(codes)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of texts that are tokenised by themselves: text i has those `bounds[i]:bounds[i + 1]` of `numbers`."""

    numbers: Array
    bounds: Array


@dataclass(frozen=True, slots=True, eq=False)
class TokenCounts:
    """Of t texts the numbers of their tokens (t,), clean and noised; `changed` (t,) bool: noise changed the tokens.

    `unknown` has the numbers of tokens for unknown text, clean and noised; None where the tokenizer has none.
    """

    clean: Array
    noisy: Array
    unknown: tuple[Array, Array] | None
    changed: Array


_NOTHING: Final = np.zeros(0, np.int64)
NO_TOKENS: Final = TokenCounts(_NOTHING, _NOTHING, None, _NOTHING)


@dataclass(frozen=True, slots=True)
class PieceNumbers:
    """The distinct pieces so far. `words`: a text is tokenised word by word, which its spans are."""

    words: bool
    known: dict[str, int] = field(default_factory=cols.numbering)

    def of(self, values: Sequence[str], spans: SpanTable) -> Pieces:
        """The pieces of texts with spans."""
        numbers = cols.numbers_of(self.known, covered(values, spans) if self.words else values)
        sizes = np.bincount(spans.text, minlength=len(values)) if self.words else np.ones(len(values), np.int64)
        return Pieces(numbers, cols.bounds_of(sizes))

    def noised(self, clean: Pieces, noised: NoisedTexts) -> Pieces:
        """The pieces of texts after noise: words that no edit reached are those of the `clean` texts."""
        if not self.words:
            return self.of(noised.values, noised.spans)
        some, numbers, spans = np.flatnonzero(_reached(noised)), clean.numbers.copy(), noised.spans
        ends = zip(*(column[some].tolist() for column in (spans.text, spans.start, spans.stop)), strict=True)
        numbers[some] = cols.numbers_of(self.known, (noised.values[text][start:stop] for text, start, stop in ends))
        return Pieces(numbers, clean.bounds)


def _reached(noised: NoisedTexts) -> Array:
    """Whether an edit can have changed each word (s,) bool; all of them where edits or words are not known in order."""
    size, ordered = len(noised.spans), _in_order(noised.spans)
    reached = np.full(size, not (noised.links and ordered), np.bool_)
    for link in noised.links if ordered else ():
        reached |= link.reached() if len(link.before) == size and _in_order(link.before) else np.True_
    return reached


def _in_order(spans: SpanTable) -> bool:
    return bool(((spans.text[1:] > spans.text[:-1]) | (spans.start[1:] >= spans.stop[:-1])).all())


def _token_counts(
    predictor: Predictor, known: Mapping[str, int], lexicon: Lexicon | None, several: Sequence[tuple[Pieces, Pieces]]
) -> Sequence[TokenCounts | None]:
    """The tokens of texts by their `known` pieces, clean and noised, of each variant; None without a tokenizer."""
    pieces = list(known)
    read = predictor.tokens(pieces, lexicon)
    if read is None:
        return [None] * len(several)
    numbers, tokens = read.numbers(pieces), read.tokens
    lengths = tokens.lengths[numbers]
    unknown = None if predictor.unknown is None else tokens.count(predictor.unknown)[numbers]
    forms = cols.numbers_of(cols.numbering(), cols.parts_as_bytes(tokens.ids, tokens.bounds))  # equal where tokens are
    forms = forms[numbers]
    counts = []
    for clean, noisy in several:
        both = None if unknown is None else (_summed(unknown, clean), _summed(unknown, noisy))
        changed = cols.parts_summed(forms[clean.numbers] != forms[noisy.numbers], clean.bounds) > 0
        counts.append(TokenCounts(_summed(lengths, clean), _summed(lengths, noisy), both, changed))
    return counts


def _summed(values: Array, pieces: Pieces) -> Array:
    """The sum over the pieces of each text (t,) of the values of pieces (p,)."""
    return cols.parts_summed(values[pieces.numbers], pieces.bounds)


_POOL_CHUNK: Final = 1 << 14
"""Candidates that are noised together; of most of them only the text is kept."""


Attacks = Callable[[Split, Sequence[Cell]], Mapping[tuple[str, int], Attacked]]
"""Makes the examples of a split under conditions that are attacks, by the condition's name and the seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """The examples of a task run under one condition and noise seed; `inputs` (n,) are indices of the distinct inputs.

    `shown` are the perturbed examples, None where the condition is clean. `pool` contains the candidates, if there are
    any, `record` is that of an attack, `tokens` counts those of the measured texts; None where a model has none.
    """

    condition: Condition
    seed: int
    clean: tuple[Example, ...]
    shown: PerturbedExamples | None
    measured: MeasuredTexts
    pool: Candidates | None = None
    record: AttackRecord | None = None
    inputs: Array = field(default_factory=lambda: _NOTHING)
    tokens: TokenCounts | None = NO_TOKENS

    @property
    def examples(self) -> Sequence[Example]:
        """The examples, each made where it is read."""
        return self.clean if self.shown is None else self.shown


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task run ready to be answered: clean examples, their targets, variants (clean first), and distinct inputs."""

    task_run: TaskRun
    predictor: Predictor
    examples: tuple[Example, ...]
    golds: cols.TargetColumn
    variants: tuple[Variant, ...]
    inputs: Inputs
    corpus: Corpus | None = None


def _no_attacks(_: Split, cells: Sequence[Cell]) -> Mapping[tuple[str, int], Attacked]:
    """Of conditions none of which is an attack. Raises SpecError for others: no model answers here."""
    if cells:
        raise SpecError(f"{cells[0][0].name} asks a model, and none answers here.")
    return {}


def prepare(
    task_run: TaskRun, split: Split, predictor: Predictor, deduplicate: bool = True, attacks: Attacks = _no_attacks
) -> Prepared:
    """Noise and encode a task run. Without `deduplicate` every condition has inputs, and so batches, of its own.

    Inputs of a search also have a pool, and are not merged. Raises Mismatch where the texts of a frozen set do not fit.
    """
    golds, texts = cols.column_of([example.target for example in split.examples]), _CleanTexts(split.examples)
    cells = [(condition, seed) for condition in task_run.conditions for seed in condition.seeds]
    attacked = dict(attacks(split, [cell for cell in cells if cell[0].asks]))
    for condition, seed in cells:
        if frozen := condition.frozen:
            edits = [frozen.of(example, seed) for example in split.examples]
            attacked[condition.name, seed] = Attacked(with_edits(split.examples, frozen.fields, edits))
    variants = [
        _variant(split, texts, condition, seed, attacked.get((condition.matches or condition.name, seed)))
        for condition, seed in cells
    ]
    clean = PerturbedExamples(split.examples, variants[0].measured.noised, texts.of(()).numbers)
    codes, shown = ContentCodes(clean, golds), [it.shown for it in variants]
    content, firsts = distinct_rows(np.concatenate(list(map(codes.of, shown))))
    read = predictor.prepare(contents_at(clean, golds, shown, firsts))
    inputs, indices = _indexed(read, variants, content.reshape(len(variants), -1), deduplicate)
    counts = _counted(predictor, variants, task_run.words, inputs.lexicon)
    columns = zip(variants, indices, counts, strict=True)
    whole = tuple(replace(variant, inputs=index, tokens=count) for variant, index, count in columns)
    return Prepared(task_run, predictor, split.examples, golds, whole, inputs, split.corpus)


def _indexed(read: Inputs, variants: Sequence[Variant], content: Array, deduplicate: bool) -> tuple[Inputs, Array]:
    """The distinct inputs, and their indices by variant and example; `content` (v, n) numbers what each reads."""
    if deduplicate and variants[0].pool is None:
        return read, content
    number = np.repeat(np.arange(len(variants)), content.shape[1])
    pools = tuple(variant.pool for variant in variants if variant.pool)
    group = np.zeros(content.size, np.int64) if deduplicate else number + 1
    pool = number if pools else np.full(content.size, -1)
    inputs = replace(read, content=content.reshape(-1), group=group, pool=pool, pools=pools)
    return inputs, np.arange(content.size).reshape(content.shape)


def _counted(
    predictor: Predictor, variants: Sequence[Variant], words: bool, lexicon: Lexicon | None
) -> Sequence[TokenCounts | None]:
    """The tokens of the measured texts of each variant."""
    numbers = PieceNumbers(words)
    clean: list[tuple[Sequence[Text], Pieces]] = []
    pieces: list[tuple[Pieces, Pieces]] = []
    for variant in variants:
        noised = variant.measured.noised
        before = next((kept for texts, kept in clean if list(texts) == list(noised.clean)), None)
        if before is None:
            values, spans = [text.value for text in noised.clean], [text.spans for text in noised.clean]
            before = numbers.of(values, span_table(spans))
            clean.append((noised.clean, before))
        pieces.append((before, numbers.noised(before, noised) if variant.shown else before))
    return _token_counts(predictor, numbers.known, lexicon, pieces)


@dataclass(frozen=True, slots=True)
class _CleanTexts:
    """The texts of some fields of examples, each combination of fields once."""

    examples: Sequence[Example]
    made: dict[tuple[str, ...], FieldTexts] = field(default_factory=dict)

    def of(self, fields: tuple[str, ...]) -> FieldTexts:
        """The texts of some fields; of all where there are none."""
        if fields not in self.made:
            texts = field_texts(self.examples, fields)
            self.made.update({fields: texts, tuple(texts.numbers): texts})
        return self.made[fields]


def variant_of(split: Split, condition: Condition, seed: int) -> Variant:
    """The examples, and the candidates, under a condition and seed."""
    return _variant(split, _CleanTexts(split.examples), condition, seed)


def _variant(
    split: Split, texts: _CleanTexts, condition: Condition, seed: int, attacked: Attacked | None = None
) -> Variant:
    clean, count = texts.of(condition.fields), len(split.examples)
    noised = _noised(condition, clean, seed, attacked)
    texts_of = attacked.shown.numbers if attacked else clean.numbers
    shown = None if condition.is_clean else PerturbedExamples(split.examples, noised, texts_of)
    record = attacked.record if attacked and condition.asks else None
    columns = [(np.arange(count), numbers) for numbers in texts_of.values()]
    if split.corpus is None:
        return Variant(condition, seed, split.examples, shown, measured(noised, columns, count), record=record)
    targets = (example.target for example in split.examples)  # a passage is there as often as its grade says
    right = [tuple(dict.fromkeys(each.ids)) if isinstance(each, Document) else () for each in targets]
    kept, values = _noised_pool(split.corpus, condition, seed, {id for ids in right for id in ids})
    if kept is not None:
        numbers = {text.id: len(noised) + at for at, text in enumerate(kept.clean)}
        rows = np.repeat(np.arange(count), np.array([len(ids) for ids in right], np.int64))
        columns.append((rows, np.array([numbers[id] for ids in right for id in ids], np.int64)))
        noised = joined([noised, kept])
    tuned = variant_of(split.tuned, condition, seed) if split.tuned else None
    tuning = (tuple(tuned.examples), tuned.pool) if tuned and tuned.pool else None
    pool = _candidates(split, split.corpus, values, tuning)
    return Variant(condition, seed, split.examples, shown, measured(noised, columns, count), pool, record)


def candidates_of(split: Split) -> Candidates | None:
    """The clean candidates of a search, without those that a threshold is tuned on; None in other tasks."""
    if split.corpus is None:
        return None
    return _candidates(split, split.corpus, tuple(text.value for text in split.corpus.texts))


def _candidates(
    split: Split, corpus: Corpus, values: tuple[str, ...], tuning: tuple[tuple[Example, ...], Candidates] | None = None
) -> Candidates:
    ids = tuple(text.id for text in corpus.texts)
    queries = tuple(example.texts[QUERY].id for example in split.examples)
    return Candidates(ids, values, corpus.unscored, queries, tuning, corpus.depth)


def _noised(condition: Condition, clean: FieldTexts, seed: int, attacked: Attacked | None) -> NoisedTexts:
    """The texts of a condition; those of an attack, and of what is compared with it, are copies for each example."""
    if attacked is None:
        return condition.noised(clean, seed)
    texts = attacked.shown.noised
    if condition.matches and condition.spec:
        return as_many(texts.clean, texts.counts.graphemes_edited, condition.spec, seed)
    return texts


def _noised_pool(
    corpus: Corpus, condition: Condition, seed: int, wanted: Set[str]
) -> tuple[NoisedTexts | None, tuple[str, ...]]:
    """The outcomes of a pool's texts with `wanted` ids, None where none is noised, and the values of all."""
    if condition.spec is None or CANDIDATE not in condition.fields:
        return None, tuple(text.value for text in corpus.texts)
    kept: list[NoisedTexts] = []
    values: list[str] = []
    for start in range(0, len(corpus.texts), _POOL_CHUNK):
        noised = noise_texts(corpus.texts[start : start + _POOL_CHUNK], condition.spec, seed)
        values += noised.values
        kept.append(noised.take(np.array([at for at, text in enumerate(noised.clean) if text.id in wanted], np.int64)))
    return joined(kept), tuple(values)
