"""The recipes of TextAttack 0.3.11 (MIT licence), one example at a time, against a function that gives scores.

TextAttack is in an environment of its own (`pip install "robust-xtreme[textattack]"`), because it needs transformers 4.
Its recipes are attacks on the label of one text or of a pair, all words of both together. Their queries are those that
TextAttack counts: the clean text, words that are hidden or left out to rank the others, and candidates, all of them
also where TextAttack has an answer already.

`deepwordbug`, `pruthi` and `input_reduction` need no data but our list of stop words. The others need what
robust-xtreme neither has nor downloads, and are refused where it is missing.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, Literal, final

import numpy as np

from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.files.new_files import created
from robust_xtreme.noise.engine.libraries import importing
from robust_xtreme.noise.engine.rewriter import lent
from robust_xtreme.tasks.sources.hub import cache_folder

Scores = Callable[[Sequence[tuple[str, ...]]], Array]
"""The scores of the labels (n, labels) float of n inputs, each of one text or two."""

Status = Literal["skipped", "succeeded", "failed"]
"""What became of an attack: the clean text is answered wrong; it reached its goal; it did not."""

_FIELDS: Final = {1: ("text",), 2: ("premise", "hypothesis")}
_SPLIT: Final = "<SPLIT>"
_ENCODER: Final = "https://tfhub.dev/google/universal-sentence-encoder/3"


@final
@dataclass(frozen=True, slots=True)
class RecipeOutcome:
    """The texts after an attack, the queries that it made as TextAttack counts them, and what became of it."""

    texts: tuple[str, ...]
    queries: int
    status: Status


_VECTORS: Final = "TextAttack's counter-fitted word vectors"
_SENTENCES: Final = "tensorflow_hub and its Universal Sentence Encoder"
_TAGGER: Final = "NLTK's averaged_perceptron_tagger_eng and universal_tagset"
_WORDNET: Final = "NLTK's wordnet and omw-1.4"
_BERT: Final = "bert-base-uncased in the hub's cache"

_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "deepwordbug": ("DeepWordBugGao2018",),
        "pruthi": ("Pruthi2019",),
        "input_reduction": ("InputReductionFeng2018",),
        "pwws": ("PWWSRen2019", _WORDNET),
        "textbugger": ("TextBuggerLi2018", _VECTORS, _SENTENCES),
        "textfooler": ("TextFoolerJin2019", _VECTORS, _SENTENCES, _TAGGER),
        "bae": ("BAEGarg2019", _BERT, _SENTENCES, _TAGGER),
    }
)
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


def load(recipe: str, scores: Scores) -> AttackRecipe:
    """A recipe, to be used on one example after the other. Raises UnknownName, UserError."""
    check(recipe)
    attack = _built(_KINDS[recipe][0], _Model(scores, 0))
    return AttackRecipe(recipe, attack, scores, tuple(attack.constraints))


@final
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
            return RecipeOutcome(clean, 0, "failed")
        from textattack.constraints.overlap import MaxWordsPerturbed
        from textattack.shared import AttackedText

        text = AttackedText(OrderedDict(zip(_FIELDS[len(clean)], clean, strict=True)))
        if not text.num_words:
            return RecipeOutcome(clean, 0, "failed")
        goal = self.attack.goal_function
        goal.model, goal.query_budget = _Model(self.scores, gold), queries
        fewer = [] if words is None else [MaxWordsPerturbed(max_num_words=words)]
        self.attack.constraints = [*self.constraints, *fewer]
        self.attack.clear_cache()
        with lent() as seeded:
            seeded(seed)
            result = self.attack.attack(text, gold)
        return _outcome(result, clean)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """What TextAttack calls a model wrapper: it gives the probabilities of labels (n, labels) float64.

    Where scores are not numbers, the answer counts as right.
    """

    model: Scores
    gold: int

    def __call__(self, inputs: Sequence[str | tuple[str, ...]]) -> Array:
        several = [(texts,) if isinstance(texts, str) else tuple(texts) for texts in inputs]
        scores = np.asarray(self.model(several), np.float64)
        lost = ~np.isfinite(scores).all(1)
        scores[lost] = np.where(np.arange(scores.shape[1]) == self.gold, 0.0, -np.inf)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))


def _outcome(result: Any, clean: tuple[str, ...]) -> RecipeOutcome:
    """What TextAttack's result says, whatever class of results it is of."""
    final_result = result.perturbed_result
    value = final_result.attacked_text.tokenizer_input
    texts = (value,) if isinstance(value, str) else tuple(value)
    kind = type(result).__name__
    if kind == "SkippedAttackResult":
        return RecipeOutcome(clean, 1, "skipped")
    reached = kind == "SuccessfulAttackResult" or (kind == "MaximizedAttackResult" and texts != clean)
    return RecipeOutcome(texts, int(final_result.num_queries), "succeeded" if reached else "failed")


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


_PRESENT: Final[Mapping[str, Callable[[], bool]]] = MappingProxyType(
    {
        _VECTORS: lambda: (_cache() / "word_embeddings" / "paragramcf").is_dir(),
        _SENTENCES: _has_encoder,
        _TAGGER: lambda: _nltk_has("taggers/averaged_perceptron_tagger_eng", "taggers/universal_tagset"),
        _WORDNET: lambda: _nltk_has("corpora/wordnet", "corpora/omw-1.4"),
        _BERT: lambda: (cache_folder() / "models--bert-base-uncased" / "snapshots").is_dir(),
    }
)


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


def _built(recipe: str, model: Callable[..., Any]) -> Any:
    """An attack of TextAttack on a model, by the name of the class of its recipe. Raises UserError."""
    with _BUILDING, importing("TextAttack"), _done(), _same_process(), _offline():
        from textattack import attack_recipes

        for name in _LOGS:
            logging.getLogger(name).setLevel(logging.ERROR)
        return getattr(attack_recipes, recipe).build(model)


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
