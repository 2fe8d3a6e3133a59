"""The recipes of TextAttack against functions of text: `make test-textattack` runs this, beside transformers 4."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme import evaluate
from robust_xtreme.attack import recipes
from robust_xtreme.core import languages, registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.graphemes import split
from robust_xtreme.tasks.sources.source import available, load

LACKS = registry.load("perturbation", "textattack.deepwordbug").lacks

pytestmark = [
    pytest.mark.textattack,
    pytest.mark.skipif(find_spec("textattack") is None, reason="TextAttack is not installed: make test-textattack"),
    pytest.mark.filterwarnings("ignore"),
]

PAIR = ("The old captain walked slowly across the bridge", "A captain crossed the wooden bridge")
RIGHT, WRONG = 0, 1
FREE = ("deepwordbug", "pruthi", "input_reduction")


class Overlap:
    """Scores by the words that a pair shares, with a note of what was asked; the label is 0 from two words on."""

    def __init__(self, threshold: float = 1.5) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.threshold = threshold

    def __call__(self, inputs: Sequence[tuple[str, ...]]) -> Array:
        """Scores (n, 3)."""
        self.asked += inputs
        shared = [len(set(texts[0].lower().split()) & set(texts[-1].lower().split())) for texts in inputs]
        return np.array([[number, self.threshold, 0.0] for number in shared], float)


ALONE = """
import socket
import sys

def refused(*_):
    raise AssertionError("a connection was opened")

socket.socket.connect = socket.socket.connect_ex = refused
from robust_xtreme.attack import recipes

for name in sys.argv[1:]:
    recipes.load(name, lambda inputs: [[1.0, 0.0]] * len(inputs)).on(("A bridge",), 0, 9, 1)
"""


@pytest.mark.process
def test_recipes_run_without_data_and_without_downloads(tmp_path: Path) -> None:
    """Recipes that need only stop words run in an empty home without a connection, say nothing, and leave no note."""
    home = {**os.environ, "HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", ALONE, *FREE], env=home, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not list(tmp_path.rglob("post_install_check_3"))


def test_loading_changes_nothing_of_the_process() -> None:
    """Loggers, stop words of NLTK, its downloads and variables are as before."""
    import nltk

    logger = logging.getLogger("robust_xtreme.tests.textattack")
    before = nltk.download, nltk.corpus.stopwords, dict(os.environ)
    recipes.load("deepwordbug", Overlap())
    assert (nltk.download, nltk.corpus.stopwords, dict(os.environ)) == before
    assert not logger.disabled


def test_deepwordbug_reaches_its_goal() -> None:
    """The label changes by words with other letters, and the words that were not attacked stay."""
    scores = Overlap()
    outcome = recipes.load("deepwordbug", scores).on(PAIR, RIGHT, 200, seed=1)
    assert outcome.success
    assert scores([outcome.texts]).argmax() == WRONG
    assert all(text.split()[0] == clean.split()[0] for text, clean in zip(outcome.texts, PAIR, strict=True))


def test_deepwordbug_asks_once_for_each_word_and_then_four_times() -> None:
    """It asks for the clean text, for each word but stop words, then for up to four forms of one after another.

    The words that are not changed by letters, and the most queries, are what our attack is compared with.
    """
    scores = Overlap(-1.0)  # never answered wrong
    outcome = recipes.load("deepwordbug", scores).on(PAIR, RIGHT, 1000, seed=1)
    words = [
        "old",
        "captain",
        "walked",
        "slowly",
        "across",
        "bridge",
        "A",
        "captain",
        "crossed",
        "wooden",
        "bridge",
    ]  # "The" and "A" are capitals
    words.append("The")
    hidden = [texts for texts in scores.asked if any("[UNK]" in text for text in texts)]
    assert len(hidden) == len(words)
    assert 1 + len(words) < outcome.queries <= 1 + 5 * len(words)
    assert not outcome.success


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("queries", [0, 1, 2, 3, 7, 14, 60])
def test_budgets_are_kept(name: str, queries: int) -> None:
    """Neither what is asked nor what TextAttack counts exceeds the budget; fewer than two queries do nothing."""
    scores = Overlap(-1.0)
    outcome = recipes.load(name, scores).on(PAIR, RIGHT, queries, seed=2)
    assert len(scores.asked) <= outcome.queries <= queries
    assert queries < 2 or outcome.queries > 1


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same texts after other attacks, and the global generators are left as they were."""
    recipe = recipes.load("deepwordbug", Overlap())
    python, numpy = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002 - TextAttack draws from the global generator
    first = recipe.on(PAIR, RIGHT, 200, seed=3)
    others = {recipe.on(PAIR, RIGHT, 200, seed=seed).texts for seed in range(4, 12)}
    assert recipe.on(PAIR, RIGHT, 200, seed=3) == first
    assert len(others) > 1
    assert (random.getstate(), np.random.get_state()[1].tolist()) == (python, numpy)  # type: ignore[index]  # noqa: NPY002 - as above


def test_items_that_are_answered_wrong_are_skipped() -> None:
    """The clean text is the only query, and comes back."""
    assert recipes.load("deepwordbug", Overlap()).on(PAIR, WRONG, 200, seed=1) == recipes.RecipeOutcome(PAIR, 1)


def test_scores_that_are_no_numbers_count_as_right() -> None:
    """A model that gives NaN cannot be attacked, and nothing breaks."""
    outcome = recipes.load("deepwordbug", lambda inputs: np.full((len(inputs), 3), np.nan)).on(PAIR, 2, 50, seed=1)
    assert not outcome.success
    assert outcome.queries == 50


@pytest.mark.parametrize("texts", [("",), ("", ""), (" ", "."), ("<SPLIT>", "a bridge"), ("a",)])
def test_texts_without_words_are_left_alone(texts: tuple[str, ...]) -> None:
    """Texts in which there is nothing to attack, or that TextAttack would join wrongly, come back."""
    scores = Overlap(-1.0)
    for name in FREE:
        outcome = recipes.load(name, scores).on(texts, RIGHT, 20, seed=1)
        assert outcome.texts == texts
        assert not outcome.success


def test_input_reduction_keeps_the_answer() -> None:
    """Words are left out as long as the answer is the same."""
    scores = Overlap()
    outcome = recipes.load("input_reduction", scores).on(PAIR, RIGHT, 200, seed=1)
    assert outcome.success
    assert len(" ".join(outcome.texts).split()) < len(" ".join(PAIR).split())
    assert scores([outcome.texts]).argmax() == RIGHT


def test_the_tokenizer_leaves_words_whole_where_recipes_serve_a_language() -> None:
    """Of each language that is served, letters and words of its alphabet are words to TextAttack; abugidas are torn."""
    recipes.load("deepwordbug", Overlap())
    from textattack.shared.utils import words_from_text

    torn = set()
    for code in languages.ALL_LANGUAGES:
        language = languages.language(code)
        vowel_signs = [mark for mark in language.marks if mark.isprintable()]
        word = "".join(letter + mark for letter in language.alphabet[:1] for mark in ["", *vowel_signs[:8]])
        whole = ["".join(language.alphabet), word] if language.script != "Latn" else ["".join(language.alphabet)]
        if words_from_text(" ".join(whole)) != whole:
            torn.add(code)
    assert not {code for code in torn if not LACKS(code)}
    assert {"ar", "bn", "fa", "gu", "he", "hi", "ml", "mr", "my", "pa", "ta", "te", "th", "ur", "yo", "zh"} <= torn


@pytest.mark.real
def test_the_tokenizer_leaves_real_words_whole_where_recipes_serve_a_language(data: Path) -> None:
    """On PAN-X letters of served languages are not cut from their marks; those of Indic scripts and Thai are."""
    recipes.load("deepwordbug", Overlap())
    panx = registry.load("task", "panx")
    torn = {
        code: torn_share([text.value for example in examples[:100] for text in example.texts.values()])
        for code in available(panx, data, "validation")
        for examples in [load(panx, data, code, "validation").examples]
    }
    assert {code: share for code, share in torn.items() if share > 0.005 and not LACKS(code)} == {}
    assert all(
        torn[code] > 0.1 for code in ("bn", "gu", "hi", "ml", "mr", "my", "pa", "ta", "te", "th") if code in torn
    )


def torn_share(texts: Sequence[str]) -> float:
    """The share of letters, with their marks, that an edge of TextAttack's words cuts."""
    from textattack.shared.utils import words_from_text

    letters = torn = 0
    for text in texts:
        stop, edges = 0, set(range(len(text)))
        for word in words_from_text(text):
            start = text.index(word, stop)
            stop = start + len(word)
            edges -= set(range(start + 1, stop))
        for start, end in pairwise(accumulate(map(len, split(text)), initial=0)):
            letters += text[start].isalpha()
            torn += text[start].isalpha() and not edges.isdisjoint(range(start + 1, end))
    return torn / max(1, letters)


@pytest.mark.parametrize("name", [name for name in recipes.NAMES if name not in FREE])
def test_recipes_without_their_data_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names what is missing; nothing is fetched."""
    for variable in ("TA_CACHE_DIR", "TFHUB_CACHE_DIR", "HF_HUB_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert recipes.missing(name)
    with pytest.raises(UserError, match=rf"textattack\.{name} .*download") as refusal:
        recipes.load(name, Overlap())
    assert "\n" not in str(refusal.value)


def test_the_embedded_model_runs_beside_textattack(tmp_path: Path) -> None:
    """The environment of TextAttack, which has transformers 4, evaluates: every task of the embedded suite."""
    run = evaluate(perturb="char_noise:0.1", limit=4, languages=["en", "de"], out=tmp_path / "run")
    assert not run.scores.is_empty()
