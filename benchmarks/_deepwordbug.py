"""DeepWordBug by our own engine: TextAttack's four kinds of edits as possible edits, and the model as an oracle."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

import numpy as np

from robust_xtreme.attack.attacking import Attacked, AttackPlan, Campaign, attacked, victim
from robust_xtreme.attack.goals import Ask
from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.loading import Checkpoint
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import Work
from robust_xtreme.noise.engine.attack import ACCESS, Settings
from robust_xtreme.noise.engine.noised import field_texts
from robust_xtreme.noise.engine.options import EditOptions, probes_of

KINDS: Final = ("swap", "substitute", "delete", "insert")
COSTS: Final = {"swap": 2, "substitute": 1, "delete": 1, "insert": 1}
"""The Levenshtein distance of each kind."""

MOST: Final = 30
"""The largest Levenshtein distance that DeepWordBug allows."""

_LETTERS: Final = string.ascii_letters
_UNIT: Final = re.compile(r"\S+")
_WORD: Final = re.compile(r"[\w'*@-]+")
_EDGES: Final = "'-_*@"


def attack(
    examples: Sequence[Example],
    ask: Ask,
    queries: int,
    stop_words: Collection[str],
    seed: int,
    watch: Callable[[int, int], None] = lambda *_: None,
    search: str = "greedy",
    access: str = ACCESS[0],
    share: str = "1",
) -> Attacked:
    """Examples after a search among DeepWordBug's edits of a share of words, with queries beside the clean text."""
    fields = field_texts(examples)
    campaign = Campaign(examples, fields, edits_of(fields.texts, stop_words, seed), probes_of(fields.texts, "[UNK]"))
    seeds = np.arange(len(examples), dtype=np.uint64) + np.uint64(seed << 32)
    items = campaign.items(share, Settings(queries, "", None, access, "", ""), seeds)
    items = [replace(item, problem=replace(item.problem, most_graphemes=MOST)) for item in items]
    (result,) = attacked(examples, [AttackPlan(campaign, items, registry.load("search", search))], ask, watch)
    return result


def edits_of(texts: Sequence[Text], stop_words: Collection[str], seed: int) -> EditOptions:
    """The possible edits: of each word but stop words one of each kind, as far as it changes the word.

    A unit is a run without white space; its word is what TextAttack takes for one, without punctuation around it.
    """
    draw = Random(seed)
    units = [list(_UNIT.finditer(text.value)) for text in texts]
    rows = sorted(
        {
            (number, unit, *edit)
            for number, runs in enumerate(units)
            for unit, run in enumerate(runs)
            for edit in _edits(run, stop_words, draw)
        }
    )
    text, unit, start, stop, _, kind = (np.array(column) for column in zip(*rows, strict=True))
    costs = np.array([COSTS[name] for name in KINDS])[kind]
    return EditOptions(
        text,
        unit,
        np.ones(len(rows), np.int64),
        start,
        stop,
        kind,
        costs,
        [row[4] for row in rows],
        KINDS,
        np.array([len(runs) for runs in units]),
        np.array([len(text.value) for text in texts]),
    )


def _edits(run: re.Match[str], stop_words: Collection[str], draw: Random) -> Iterator[tuple[int, int, str, int]]:
    """The edits of a unit: start, stop, value and kind, each with another outcome."""
    words = [match for match in _WORD.finditer(run[0]) if match[0].strip(_EDGES)]
    if not words:
        return
    longest = max(words, key=lambda match: len(match[0].strip(_EDGES)))
    word = longest[0].strip(_EDGES)
    begin = run.start() + longest.start() + longest[0].index(word)
    if len(word) < 2 or word in stop_words:
        return
    seen = {word}
    for kind in range(len(KINDS)):
        start, stop, value = _edit(word, kind, draw)
        form = word[:start] + value + word[stop:]
        if form not in seen:
            seen.add(form)
            yield begin + start, begin + stop, value, kind


def _edit(word: str, kind: int, draw: Random) -> tuple[int, int, str]:
    """One edit of a kind: the code points from start to stop become a value."""
    name = KINDS[kind]
    at = draw.randrange(len(word) - (name == "swap"))
    letter = draw.choice(_LETTERS)
    if name == "swap":
        return at, at + 2, word[at + 1] + word[at]
    return (at, at, letter) if name == "insert" else (at, at + 1, letter if name == "substitute" else "")


def oracle(task: TaskSpec, checkpoint: Checkpoint, batch_tokens: int) -> Ask:
    """The model as `eval` asks it under attack, without a cache; its head has the labels of the task in their order."""
    reader = reader_of(checkpoint.family, task, checkpoint.tokenizer)
    predictor = EncoderHead(task, reader, checkpoint.labels, lambda: Loaded(checkpoint))
    work = Work(batch_tokens)
    return victim(task, predictor, lambda inputs, weighing: predictor.weigh(inputs, weighing, work), None)("")


def gold(example: Example) -> int:
    """The right label of an example of classification."""
    assert isinstance(example.target, Choice)
    return example.target.index
