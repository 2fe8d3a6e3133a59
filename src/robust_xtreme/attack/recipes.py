"""The recipes of TextAttack 0.3.11 (MIT licence), one example at a time, against the model as our attacks know it.

TextAttack is in an environment of its own (`pip install "robust-xtreme[textattack]"`), because it needs transformers 4.
Its recipes are attacks on the label of one text or of a pair, all words of both together. Their queries are those that
TextAttack counts: the clean text, words that are hidden or left out to rank the others, and candidates, all of them
also where TextAttack has an answer already. The record does not count the clean text, and TextAttack ends with its
first success.

TextAttack wants the probabilities of labels. It gets those of two: the right label, by how far it is ahead, and any
other. What it leaves of a text becomes edits by a diff.

`deepwordbug`, `pruthi` and `input_reduction` need no data but our list of stop words. The others need what
robust-xtreme neither has nor downloads, and are refused where it is missing.
"""

import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from importlib.util import find_spec
from itertools import accumulate, chain
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from robust_xtreme.attack.attacking import Attacked, AttackRecord
from robust_xtreme.attack.goals import Ask
from robust_xtreme.core.edits import Array, Edit
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.graphemes import split
from robust_xtreme.files.new_files import created
from robust_xtreme.models.reading.reading import QUANTUM
from robust_xtreme.noise.engine.noised import FieldTexts, PerturbedExamples, field_texts, untouched
from robust_xtreme.noise.engine.rewriter import OPERATORS, changed, importing, lent, rewritten
from robust_xtreme.tasks.sources.hub import cache_folder

Scores = Callable[[Sequence[tuple[str, ...]]], Array]
"""The scores of the labels (n, labels) float of n inputs, each of one text or two."""

_FIELDS: Final = {1: ("text",), 2: ("premise", "hypothesis")}
_SPLIT: Final = "<SPLIT>"
_ENCODER: Final = "https://tfhub.dev/google/universal-sentence-encoder/3"


@dataclass(frozen=True, slots=True)
class RecipeOutcome:
    """The texts after an attack, the queries that it made as TextAttack counts them, and whether it reached its goal.

    A clean text that is answered wrong stays as it is, after one query.
    """

    texts: tuple[str, ...]
    queries: int = 0
    success: bool = False


_VECTORS: Final = "TextAttack's counter-fitted word vectors"
_SENTENCES: Final = "tensorflow_hub and its Universal Sentence Encoder"
_TAGGER: Final = "NLTK's averaged_perceptron_tagger_eng and universal_tagset"
_WORDNET: Final = "NLTK's wordnet and omw-1.4"
_BERT: Final = "bert-base-uncased in the hub's cache"

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "deepwordbug": ("DeepWordBugGao2018",),
    "pruthi": ("Pruthi2019",),
    "input_reduction": ("InputReductionFeng2018",),
    "pwws": ("PWWSRen2019", _WORDNET),
    "textbugger": ("TextBuggerLi2018", _VECTORS, _SENTENCES),
    "textfooler": ("TextFoolerJin2019", _VECTORS, _SENTENCES, _TAGGER),
    "bae": ("BAEGarg2019", _BERT, _SENTENCES, _TAGGER),
}
"""Of each recipe its class in TextAttack, and the data that it needs by what they are called."""

NAMES: Final = tuple(_KINDS)
"""The recipes that are adapted."""


def missing(recipe: str) -> tuple[str, ...]:
    """The data that a recipe needs and that are not on this machine. Raises UnknownName."""
    if recipe not in _KINDS:
        raise UnknownName("recipe", recipe, NAMES, "robust-xtreme list perturbations")
    return tuple(need for need in _KINDS[recipe][1:] if not _PRESENT[need]())


def check(recipe: str) -> None:
    """Raise UserError, one line, where TextAttack is not installed or data of a recipe are missing; UnknownName."""
    needed = missing(recipe)
    if find_spec("textattack") is None:
        raise UserError(
            f"textattack.{recipe} needs TextAttack, in an environment of its own, because it needs transformers 4: "
            'pip install "robust-xtreme[textattack]"'
        )
    if needed:
        raise UserError(
            f"textattack.{recipe} needs {', '.join(needed)}, which robust-xtreme does not download: "
            f"use textattack.{', textattack.'.join(name for name in NAMES if not _KINDS[name][1:])}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class AttackRecipe:
    """A recipe of TextAttack that asks `scores`."""

    name: str
    attack: Any = field(repr=False)
    scores: Scores = field(repr=False)
    constraints: tuple[Any, ...] = field(repr=False)

    def on(self, texts: Sequence[str], gold: int, queries: int, seed: int, words: int | None = None) -> RecipeOutcome:
        """Attack an example of one text or two whose right label is `gold`, with so many queries at most.

        At most `words` words change (None: any number). With fewer than two queries, of which the clean text is one, or
        without a word that may change, nothing is asked.
        """
        clean = tuple(texts)
        if queries < 2 or words == 0 or any(_SPLIT in text for text in clean):
            return RecipeOutcome(clean)
        from textattack.constraints.overlap import MaxWordsPerturbed
        from textattack.shared import AttackedText

        text = AttackedText(OrderedDict(zip(_FIELDS[len(clean)], clean, strict=True)))
        if not text.num_words:
            return RecipeOutcome(clean)
        goal = self.attack.goal_function
        goal.model, goal.query_budget = _Model(self.scores, gold), queries
        fewer = [] if words is None else [MaxWordsPerturbed(max_num_words=words)]
        self.attack.constraints = [*self.constraints, *fewer]
        self.attack.clear_cache()
        with lent() as seeded:
            seeded(seed)
            result = self.attack.attack(text, gold)
        value = result.perturbed_result.attacked_text.tokenizer_input
        noised = (value,) if isinstance(value, str) else tuple(value)
        kind = type(result).__name__
        reached = kind == "SuccessfulAttackResult" or (kind == "MaximizedAttackResult" and noised != clean)
        return RecipeOutcome(noised, int(result.perturbed_result.num_queries), reached)


def load(recipe: str, scores: Scores) -> AttackRecipe:
    """A recipe, to be used on one example after the other. Raises UnknownName, UserError."""
    check(recipe)
    with _BUILDING, importing("TextAttack"), _done(), _same_process(), _offline():
        from textattack import attack_recipes

        for name in _LOGS:
            logging.getLogger(name).setLevel(logging.ERROR)
        attack = getattr(attack_recipes, _KINDS[recipe][0]).build(_Model(scores, 0))
    return AttackRecipe(recipe, attack, scores, tuple(attack.constraints))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The model as TextAttack asks it, for probabilities (n, labels) float64; NaN scores count as the right answer."""

    model: Scores
    gold: int

    def __call__(self, inputs: Sequence[str | tuple[str, ...]]) -> Array:
        several = [(texts,) if isinstance(texts, str) else tuple(texts) for texts in inputs]
        scores = np.asarray(self.model(several), np.float64)
        lost = ~np.isfinite(scores).all(1)
        scores[lost] = np.where(np.arange(scores.shape[1]) == self.gold, 0.0, -np.inf)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))


def _nltk_has(*names: str) -> bool:
    """Whether NLTK's folders contain data of these names, as folders or as archives."""
    if find_spec("nltk") is None:
        return False
    import nltk.data

    folders = [Path(folder) for folder in nltk.data.path]
    return all(
        any((folder / f"{name}{end}").exists() for folder in folders for end in ("", ".zip", ".json")) for name in names
    )


def _has_encoder() -> bool:
    """Whether TensorFlow Hub is installed, and the encoder is in its cache."""
    folder = Path(os.environ.get("TFHUB_CACHE_DIR") or Path(tempfile.gettempdir()) / "tfhub_modules")
    name = hashlib.sha1(_ENCODER.encode(), usedforsecurity=False).hexdigest()
    return find_spec("tensorflow_hub") is not None and (folder / name).is_dir()


_PRESENT: Final[Mapping[str, Callable[[], bool]]] = {
    _VECTORS: lambda: (_cache() / "word_embeddings" / "paragramcf").is_dir(),
    _SENTENCES: _has_encoder,
    _TAGGER: lambda: _nltk_has("taggers/averaged_perceptron_tagger_eng", "taggers/universal_tagset"),
    _WORDNET: lambda: _nltk_has("corpora/wordnet", "corpora/omw-1.4"),
    _BERT: lambda: (cache_folder() / "models--bert-base-uncased" / "snapshots").is_dir(),
}


# TextAttack imported, and its recipes built: nothing is downloaded, and what it changes in the process is restored.
#
# An import of TextAttack 0.3.11 downloads data of NLTK unless an empty file in its cache says that this was done, needs
# NLTK's list of English stop words, disables all loggers that exist, and sets variables that other libraries read.
# Here the file exists while TextAttack is imported, and the stop words are always those of `_nltk`, so that a recipe
# does the same on every machine.

_WORDS: Final = Path(__file__).with_name("_nltk") / "corpora" / "stopwords" / "english"
_DONE: Final = "post_install_check_3"
_BUILDING: Final = Lock()
"""What is changed in the process meanwhile is changed by one thread at a time."""

_LOGS: Final = ("textattack.shared.utils.install", "jieba")


def stop_words() -> tuple[str, ...]:
    """The English words that recipes do not change."""
    return tuple(_WORDS.read_text(encoding="utf-8").split())


def _cache() -> Path:
    """The folder in which TextAttack keeps what it downloads."""
    return Path(os.environ.get("TA_CACHE_DIR") or "~/.cache/textattack").expanduser()


@contextmanager
def _done() -> Iterator[None]:
    """Nothing to download for TextAttack after its installation."""
    path = _cache() / _DONE
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        created(path).close()
    try:
        yield
    finally:
        if is_new:
            path.unlink(missing_ok=True)


@contextmanager
def _offline() -> Iterator[None]:
    """NLTK with our English stop words, which downloads nothing."""
    import nltk
    from nltk import corpus

    download, stopwords = nltk.download, corpus.stopwords
    nltk.download = lambda *_, **__: False
    corpus.stopwords = SimpleNamespace(words=lambda *_: stop_words())
    try:
        yield
    finally:
        nltk.download, corpus.stopwords = download, stopwords


@contextmanager
def _same_process() -> Iterator[None]:
    """Loggers and variables of the process as they were."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    disabled = [logger.disabled for logger in loggers]
    variables = dict(os.environ)
    try:
        yield
    finally:
        for logger, value in zip(loggers, disabled, strict=True):
            logger.disabled = value
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)


_KEEPS: Final = "input_reduction"
"""The recipe that keeps right answers right, and so has no success."""

_RIGHT: Final = 0
_CLEAN: Final = 1
"""The query for the clean text, which TextAttack counts."""


@dataclass(frozen=True, slots=True)
class RecipePlan:
    """An attack by a recipe on named fields: the share of words that may change, as a decimal, and the queries."""

    recipe: str
    fields: Sequence[str]
    strength: str
    queries: int


def attacked_by(
    examples: Sequence[Example], plan: RecipePlan, ask: Ask, seeds: Array, watch: Callable[[int, int], None]
) -> Attacked:
    """The examples (n) as a recipe leaves them, drawn by `seeds` (n,) uint64; those that are wrong when clean stay."""
    there = _There(examples, field_texts(examples, plan.fields), ask)
    recipe = load(plan.recipe, there.scores(0))
    clean = ask(PerturbedExamples(examples, untouched(()), {}))
    right = (clean.right & clean.finite).tolist()
    outcomes: list[RecipeOutcome] = []
    for row, seed in enumerate(seeds.tolist()):
        stays = RecipeOutcome(there.values(row))
        outcomes.append(there.attacked(row, recipe, plan, seed) if right[row] else stays)
        watch(len(examples) - len(outcomes), sum(outcome.queries for outcome in outcomes))
    queries = np.array([max(0, outcome.queries - _CLEAN) for outcome in outcomes], np.int64)
    success = np.array([outcome.success for outcome in outcomes], np.bool_) & (plan.recipe != _KEEPS)
    allowed = np.array([there.words(row, plan.strength) for row in range(len(examples))], np.int64)
    shown = there.shown(range(len(examples)), [outcome.texts for outcome in outcomes])
    edits = [there.edits(row, outcome.texts) for row, outcome in enumerate(outcomes)]
    first, skipped_rows = np.where(success, queries, 0), ~np.array(right, np.bool_)
    return Attacked(shown, AttackRecord(queries, first, skipped_rows, allowed, edits))


@dataclass(frozen=True, slots=True, eq=False)
class _There:
    """The examples under attack, and the texts of their fields."""

    examples: Sequence[Example]
    fields: FieldTexts
    ask: Ask

    def values(self, row: int) -> tuple[str, ...]:
        """The texts of an example in the fields, in order."""
        numbers = (int(column[row]) for column in self.fields.numbers.values())
        return tuple(self.fields.texts[number].value for number in numbers if number >= 0)

    def edits(self, row: int, values: Sequence[str]) -> list[Edit]:
        """The edits that make these texts of those of an example."""
        names = [name for name, column in self.fields.numbers.items() if column[row] >= 0]
        edits: list[Edit] = []
        for name, old, new in zip(names, self.values(row), values, strict=True):
            bounds = list(accumulate(map(len, split(old)), initial=0))  # of graphemes, in code points
            for each in changed(old, new):
                start, stop = bounds[each.start], bounds[each.stop]
                edits.append(Edit(name, start, stop, each.form, OPERATORS[each.operator], each.cost))
        return edits

    def words(self, row: int, strength: str) -> int:
        """How many words of an example may change."""
        return int(Decimal(strength) * sum(len(value.split()) for value in self.values(row)))

    def attacked(self, row: int, recipe: AttackRecipe, plan: RecipePlan, seed: int) -> RecipeOutcome:
        """What a recipe makes of an example."""
        words = None if Decimal(plan.strength) == 1 else self.words(row, plan.strength)
        asking = replace(recipe, scores=self.scores(row))
        return asking.on(self.values(row), _RIGHT, plan.queries + _CLEAN, seed, words)

    def scores(self, row: int) -> Scores:
        """The scores (n, 2) of the right label and of any other for other texts of an example."""

        def scores(inputs: Sequence[tuple[str, ...]]) -> Array:
            answers = self.ask(self.shown([row] * len(inputs), inputs))
            ahead = answers.margin * QUANTUM
            sure = np.where(answers.right, np.maximum(ahead, QUANTUM), np.minimum(ahead, -QUANTUM))
            return np.stack((np.where(answers.finite, sure, np.nan), np.zeros(len(inputs))), axis=1)

        return scores

    def shown(self, rows: Sequence[int], values: Sequence[tuple[str, ...]]) -> PerturbedExamples:
        """Examples by row, each with other texts in the fields."""
        numbers, copies = self.fields.copied(rows)
        texts = [self.fields.texts[number] for number in copies.tolist()]
        noised = rewritten(texts, list(chain.from_iterable(values)))
        return PerturbedExamples([self.examples[row] for row in rows], noised, numbers)
