"""What the rows of each task mean, apart from any language: those of its test, or of training, which has no end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from random import Random
from typing import Final, TypeVar

from tools.mini import causes, entities, mentions, nli, passages, statements
from tools.mini.meaning import PARTS, Clause

TESTS: Final = {"xnli": 72, "xcopa": 64, "udpos": 48, "panx": 64, "xquad": 64, "mewsli_x": 20}
"""Templates of each test. Those of xquad are those of all questions on passages, those of udpos of tatoeba too."""

_EACH: Final = {"panx": 4, "udpos": 2, "tatoeba": 3, "mewsli_x": 5}
"""Items of each template of a test; of the others there is one."""
_PASSAGES: Final = 24
"""Passages of the tests of mlqa, tydiqa and lareqa, whose templates are some of those of xquad's."""
_QUESTIONS: Final = 3
"""Questions on each of them."""
_DRILLED: Final = 10
"""Questions on a passage that lareqa is trained on."""

Shape = TypeVar("Shape")


def triples(test: bool, seed: int = 0) -> Iterator[nli.Triple]:
    """Premises and their hypotheses; a test has one of each template."""
    if test:
        return (nli.triple(template, f"{seed}/0", True) for template in nli.chosen(True, TESTS["xnli"]))
    every = nli.chosen(False, TESTS["xnli"])
    down = [template for template in every if template.form == "down"]
    rest = [template for template in every if template.form != "down"]
    return (nli.triple(template, f"{seed}/{turn}", False) for turn, template in _in_turn(down, rest, seed))


def stories(test: bool, seed: int = 0) -> Iterator[causes.Story]:
    """Statements with their causes and effects."""
    every = causes.chosen(test, TESTS["xcopa"])
    turns = ((0, template) for template in every) if test else _in_turn(every, [], seed)
    return (causes.story(template, f"{seed}/{turn}", test) for turn, template in turns)


def tagged(test: bool, seed: int = 0) -> Iterator[statements.Statement]:
    """Statements whose words are tagged."""
    every = statements.chosen(test, TESTS["udpos"])
    turns = _each(every, _EACH["udpos"]) if test else _in_turn(every, [], seed)
    return (statements.statement(template, f"{seed}/{turn}", test) for turn, template in turns)


def namings(test: bool, seed: int = 0) -> Iterator[entities.Naming]:
    """Texts that name people, organisations and places."""
    every = entities.chosen(test, TESTS["panx"])
    turns = _each(every, _EACH["panx"]) if test else _in_turn(every, [], seed)
    return (entities.naming(template, f"{seed}/{turn}", test) for turn, template in turns)


def read(test: bool, seed: int = 0) -> Iterator[passages.Passage]:
    """Passages with their questions; a test has one of each template."""
    every = passages.chosen(test, TESTS["xquad"])
    if test:
        return (passages.passage(template, f"{seed}/0", True) for template in every)
    return (passages.passage(template, f"{seed}/{turn}", False) for turn, template in _in_turn(every, [], seed))


def parallel_passages(seed: int = 0) -> Iterator[passages.Passage]:
    """The passages of mlqa: of templates of xquad's test, with other people in them."""
    every = passages.chosen(True, TESTS["xquad"])[:_PASSAGES]
    return (_short(passages.passage(template, f"mlqa/{seed}", True)) for template in every)


def _short(passage: passages.Passage) -> passages.Passage:
    """The passage with its first questions."""
    return replace(passage, questions=passage.questions[:_QUESTIONS])


def native(language: str, seed: int = 0) -> Iterator[passages.Passage]:
    """The passages of tydiqa: a language's own."""
    every = passages.chosen(True, TESTS["xquad"])
    several = Random(f"tydiqa/{seed}/{language}").sample(every, _PASSAGES)
    return (_short(passages.passage(template, f"tydiqa/{seed}/{language}", True)) for template in several)


def searched(test: bool, seed: int = 0) -> Iterator[passages.Passage]:
    """The passages of lareqa; in its test no question is answered by a sentence of another passage.

    Training has no passage with a question of the test.
    """
    every = passages.chosen(test, TESTS["xquad"])
    if test:
        return _apart(every[-_PASSAGES:], seed)
    tested = {asked for passage in searched(True, seed) for asked in _asked(passage)}
    several = (
        passages.passage(template, f"lareqa/{seed}/{turn}", False) for turn, template in _in_turn(every, [], seed)
    )
    return (passage for passage in several if tested.isdisjoint(_asked(passage)))


def drilled(seed: int = 0) -> Iterator[passages.Passage]:
    """The passages of lareqa's training with more questions each, so that questions of one passage are negatives."""
    tested = {asked for passage in searched(True, seed) for asked in _asked(passage)}
    for index, passage in enumerate(searched(False, seed)):
        whole = passages.every_question(passage, f"{seed}/{index}")
        several = zip(whole.questions, _asked(whole), strict=True)
        fresh = [question for question, asked in several if asked not in tested]
        chosen = Random(f"drilled/{seed}/{index}").sample(fresh, min(_DRILLED, len(fresh)))
        yield replace(whole, questions=tuple(chosen))


def _asked(passage: passages.Passage) -> Iterator[tuple[object, ...]]:
    """What each question says: its verb, the part that it asks for, and the others."""
    for question in passage.questions:
        clause = question.of(passage.clauses)
        given = {part: getattr(clause, part) for part in PARTS if part != question.asked}
        yield (clause.verb, question.asked, *given.items())


def _apart(several: Sequence[passages.Template], seed: int) -> Iterator[passages.Passage]:
    taken: list[passages.Passage] = []
    for template in several:
        turn = 0
        drawn = _short(passages.passage(template, f"lareqa/{seed}/{turn}", True))
        while any(_mixed(drawn, other) or _mixed(other, drawn) for other in taken):
            turn += 1
            drawn = _short(passages.passage(template, f"lareqa/{seed}/{turn}", True))
        taken.append(drawn)
        yield drawn


def _mixed(asking: passages.Passage, other: passages.Passage) -> bool:
    """Whether a question on one passage is answered by a clause of another."""
    return any(
        _answers(asked.of(asking.clauses), asked.asked, clause)
        for asked in asking.questions
        for clause in other.clauses
    )


def _answers(asked: Clause, part: str, clause: Clause) -> bool:
    mentioned_parts = [name for name in PARTS if name != part and getattr(asked, name)]
    return clause.verb == asked.verb and all(getattr(clause, name) == getattr(asked, name) for name in mentioned_parts)


def translated(seed: int = 0) -> Iterator[statements.Statement]:
    """The statements of tatoeba, no two of which say the same."""
    every = statements.chosen(True, TESTS["udpos"])
    several = (
        statements.statement(template, f"tatoeba/{seed}/{turn}", True)
        for turn, template in _each(every, _EACH["tatoeba"])
    )
    return iter({statement.clause: statement for statement in several}.values())


def mentioned(test: bool, seed: int = 0) -> Iterator[mentions.Mention]:
    """Texts that mention an entity of the pool."""
    every = mentions.chosen(test, TESTS["mewsli_x"])
    turns = _each(every, _EACH["mewsli_x"]) if test else _in_turn(every, [], seed)
    several = mentions.entities(test, seed)
    return (mentions.mention(template, f"{seed}/{turn}", test, several) for turn, template in turns)


def mentioned_anew(seed: int = 0) -> Iterator[tuple[mentions.Mention, mentions.Entity]]:
    """Texts of training that each mention an entity of their own."""
    every = mentions.chosen(False, TESTS["mewsli_x"])
    for turn, template in _in_turn(every, [], seed):
        entity = mentions.fitting(template, f"{seed}/{turn}")
        yield mentions.mention(template, f"anew/{seed}/{turn}", False, [entity]), entity


def _each(every: Sequence[Shape], times: int) -> Iterator[tuple[int, Shape]]:
    """Every template so many times in a row."""
    return ((turn, shape) for shape in every for turn in range(times))


def _in_turn(shapes: Sequence[Shape], other: Sequence[Shape], seed: int) -> Iterator[tuple[int, Shape]]:
    """Round after round, both sequences in turns of their own, the shorter one as often as the longer."""
    turn = 0
    while True:
        mixed = Random(f"{seed}/round/{turn}")
        first, second = (mixed.sample(list(several), len(several)) for several in (shapes, other))
        if second:
            second = [second[number % len(second)] for number in range(len(first))]
        for index, shape in enumerate(chain.from_iterable(zip_longest(first, second))):
            if shape is not None:
                yield turn * 1000 + index, shape
        turn += 1
