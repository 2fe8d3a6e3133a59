"""The formats of mini other than the first three: causes, parts of speech, answers across languages, and pools."""

from __future__ import annotations

import functools
import tomllib
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from tests.mini_suite import mini_rows as rows
from tests.some import some
from tools.mini import causes, meanings, mentions, statements, suite, tags
from tools.mini.draws import drawn
from tools.mini.grammar import sentence, written
from tools.mini.meaning import LANGUAGES, PARTS, Clause, Person, Thing

from robust_xtreme.core import registry

_TABLES: Final = tomllib.loads((Path(tags.__file__).parent / "tags.toml").read_text(encoding="utf-8"))


# -------------------------------------------------------------------------------------------------------------- xcopa


def test_what_follows_from_one_thing_never_leads_to_it() -> None:
    """No two statements of a ring occur in both orders, so that every question has one right answer."""
    steps = {(ring[number], ring[(number + 1) % 4]) for ring in causes.RINGS.values() for number in range(4)}
    assert not steps & {(other, first) for first, other in steps}
    assert all(len(set(ring)) == 4 for ring in causes.RINGS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_questions_are_asked_of_every_premise(language: str) -> None:
    """The first choice is right as often as the second; half of the pairs have the same choices for both questions."""
    table = rows(f"xcopa/test-{language}.jsonl")
    turned = 0
    for row, other in zip(table[::2], table[1::2], strict=True):
        assert row["premise"] == other["premise"]
        assert {row["question"], other["question"]} == set(causes.QUESTIONS)
        assert {row["label"], other["label"]} == {0, 1}
        turned += row["choices"] == other["choices"]
    assert turned * 4 == len(table)


def test_a_question_and_its_choices_give_nothing_away_without_the_premise() -> None:
    """In a ring the same two statements are choices of two premises, and each is the cause of one of them."""
    for ring in causes.RINGS.values():
        pairs = [(ring[number - 1], frozenset((ring[number - 1], ring[(number + 1) % 4]))) for number in range(4)]
        assert set(Counter(pairs).values()) == {1}
        assert set(Counter(pair for _, pair in pairs).values()) == {2}
    each = Counter((story.ring, story.step, story.wrong) for story in causes.chosen(True, meanings.TESTS["xcopa"]))
    assert len(set(each.values())) == 1


def test_a_strange_choice_never_goes_with_the_premise() -> None:
    """No ring contains both its verb and the premise's statement; every verb is sometimes right and sometimes wrong."""
    near: dict[str, set[str]] = {}
    for ring in causes.RINGS.values():
        for node in ring:
            near.setdefault(_verb(node), set()).update(map(_verb, ring))
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for story in islice(meanings.stories(False), 1000):
        if story.template.endswith("/strange"):
            assert _of(story.wrong[0]) not in near[_of(story.premise)]
            right.update(map(_of, story.right))
            wrong.update(map(_of, story.wrong))
    assert right.keys() == wrong.keys()
    assert all(1 / 3 < right[verb] / wrong[verb] < 3 for verb in right)


def _verb(node: str) -> str:
    return node.partition(":")[0]


def _of(clause: Clause) -> str:
    return clause.quality or clause.verb


# -------------------------------------------------------------------------------------------------------------- udpos


@functools.cache
def _tagged() -> tuple[Any, ...]:
    return tuple(meanings.tagged(True))


@functools.cache
def _clauses() -> tuple[Clause, ...]:
    return tuple(drawn(1, 6200))


@pytest.mark.parametrize("language", LANGUAGES)
def test_tags_are_those_of_universal_dependencies(language: str) -> None:
    """Every tag is one of the 17, a statement has a noun or a name, and marks are punctuation."""
    labels = registry.load("task", "udpos").labels
    for row in rows(f"udpos/test-{language}.jsonl"):
        assert set(row["tags"]) <= set(labels)
        assert {"NOUN", "PROPN"} & set(row["tags"])
        assert all((tag == "PUNCT") == (not any(map(str.isalnum, token))) for token, tag in _pairs(row))


def _pairs(row: dict[str, Any]) -> list[tuple[str, str]]:
    return list(zip(row["tokens"], row["tags"], strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_tagged_words_are_those_of_the_sentence(language: str) -> None:
    """Nothing is lost: the tokens without spaces are the statement without spaces."""
    for row, statement in zip(rows(f"udpos/test-{language}.jsonl"), _tagged(), strict=True):
        assert "".join(row["tokens"]) == written(language, sentence(language, statement.clause)).replace(" ", "")


@pytest.mark.parametrize("language", some(LANGUAGES, 4))
def test_every_listed_word_is_used(language: str) -> None:
    """Each word of `tags.toml` occurs in some statement."""
    spoken = {word.text.lower() for clause in _clauses() for word in sentence(language, clause)}
    listed = [entry for entry in _TABLES[language].values() if isinstance(entry, str)]
    listed += [entry for table in _TABLES[language].values() if not isinstance(table, str) for entry in table.values()]
    assert {word for text in listed for word in text.split()} - spoken == set()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Anna/PROPN did/AUX not/PART buy/VERB an/DET old/ADJ car/NOUN in/ADP Paris/PROPN ./PUNCT"),
        ("de", "Anna/PROPN hat/AUX in/ADP Paris/PROPN kein/DET altes/ADJ Auto/NOUN gekauft/VERB ./PUNCT"),
        ("es", "Ana/PROPN no/ADV compró/VERB ningún/DET coche/NOUN viejo/ADJ en/ADP París/PROPN ./PUNCT"),
        ("zh", "安娜/PROPN 没有/ADV 在/ADP 巴黎/PROPN 买/VERB 旧/ADJ 汽车/NOUN 。/PUNCT"),
        ("ja", "アンナ/PROPN は/ADP パリ/PROPN で/ADP 古い/ADJ 車/NOUN を/ADP 買い/VERB まし/AUX た/AUX 。/PUNCT"),
        ("ko", "안나는/PROPN 파리에서/PROPN 오래된/ADJ 자동차를/NOUN 사지/VERB 않았습니다/AUX ./PUNCT"),
        ("tr", "Anna/PROPN ,/PUNCT Paris'te/PROPN eski/ADJ bir/DET araba/NOUN satın/NOUN almadı/VERB ./PUNCT"),
        ("sw", "Anna/PROPN hakununua/VERB gari/NOUN la/ADP zamani/ADJ jijini/NOUN Paris/PROPN ./PUNCT"),
    ],
)
def test_words_have_the_tags_of_their_use(language: str, expected: str) -> None:
    """A statement has the expected tags."""
    clause = Clause("buy", Person("anna"), Thing("car", "old"), place="paris", negated=language != "ja")
    assert " ".join(f"{word}/{tag}" for word, tag in tags.tagged(language, clause)) == expected


def test_an_arabic_prefix_is_of_the_word_after_it() -> None:
    """A preposition of one letter is not a token, as in XTREME's conversion of the treebanks."""
    assert ("ببيتر", "PROPN") in tags.tagged("ar", Clause("meet", Person("anna"), Person("peter")))


# ------------------------------------------------------------------------------------------------------------ passages


def test_a_pair_has_its_question_and_its_context_in_two_languages() -> None:
    """Rows of mlqa in de@en have German questions on the English passages, and their answers."""
    for pair in suite.PAIRS:
        asked, answered = pair.split("@")
        pair_rows = rows(f"mlqa/test-{pair}.jsonl")
        questions, contexts = (rows(f"mlqa/test-{code}.jsonl") for code in (asked, answered))
        assert [row["question"] for row in pair_rows] == [row["question"] for row in questions]
        assert [(row["context"], row["answers"]) for row in pair_rows] == [
            (row["context"], row["answers"]) for row in contexts
        ]


def test_languages_have_their_own_passages_in_tydiqa() -> None:
    """No two languages ask of one passage, and no passage is one of xquad's or mlqa's."""
    clusters = [{row["cluster"] for row in rows(f"tydiqa/test-{code}.jsonl")} for code in LANGUAGES]
    assert sum(map(len, clusters)) == len(set().union(*clusters))
    native = [[passage.clauses for passage in meanings.native(code)] for code in LANGUAGES]
    others = {passage.clauses for several in (meanings.read(True), meanings.parallel_passages()) for passage in several}
    assert not others & {clauses for several in native for clauses in several}
    assert len({clauses for several in native for clauses in several}) == sum(map(len, native))


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_sentence_of_a_passage_contains_the_answer(language: str) -> None:
    """Sentences follow each other through the whole passage; one of them contains the answer."""
    for row in rows(f"lareqa/test-{language}.jsonl"):
        spans, ((start, stop),) = row["sentences"], row["answers"]
        assert (spans[0][0], spans[-1][1]) == (0, len(row["context"]))
        assert sum(first <= start and stop <= last for first, last in spans) == 1
        between = [row["context"][span[1] : other[0]] for span, other in pairwise(spans)]
        assert not "".join(between).strip()


def test_no_other_passage_answers_a_question() -> None:
    """No clause of another passage contains what a question mentions; in English, no clause of training equals it."""
    several = list(meanings.searched(True))
    for passage in several:
        others = [clause for other in several if other is not passage for clause in other.clauses]
        for asked in passage.questions:
            put = asked.of(passage.clauses)
            mentioned = [part for part in ("verb", *PARTS) if part != asked.asked and getattr(put, part)]
            assert not [
                clause for clause in others if all(getattr(clause, part) == getattr(put, part) for part in mentioned)
            ]
    tested = {row["question"] for row in rows("lareqa/test-en.jsonl")}
    assert not tested & {row["question"] for row in rows("lareqa/train-en.jsonl")}


# --------------------------------------------------------------------------------------------------------------- pools


def test_no_two_pairs_of_tatoeba_say_the_same() -> None:
    """Every sentence and every translation is there once, so that one answer is right."""
    for code in LANGUAGES[1:]:
        table = rows(f"tatoeba/test-{code}.jsonl")
        assert len({row["translation"] for row in table}) == len({row["sentence"] for row in table}) == len(table)


def test_the_pool_describes_entities_in_all_languages() -> None:
    """The pool contains the entity of each mention, training asks for English ones, and descriptions differ."""
    pool = {row["id"]: row for row in rows("mewsli_x/pool.jsonl")}
    assert 300 <= len(pool) <= 600
    assert {row["language"] for row in pool.values()} == set(LANGUAGES)
    assert len({row["text"] for row in pool.values()}) == len(pool)
    marks = [mark for entity in mentions.shown(0) for mark in entity.marks()]
    assert len(set(marks)) == len(marks)
    for code in LANGUAGES:
        assert {row["entity"] for row in rows(f"mewsli_x/test-{code}.jsonl")} <= pool.keys()
    assert {pool[row["entity"]]["language"] for row in rows("mewsli_x/train-en.jsonl")} == {"en"}


def test_no_entity_of_the_test_is_trained_on() -> None:
    """Training and test have different entities, whose descriptions have different words."""
    tested = {row["entity"] for row in rows("mewsli_x/test-en.jsonl")}
    assert not tested & {row["entity"] for row in rows("mewsli_x/train-en.jsonl")}


def test_a_mention_is_a_name_that_several_share() -> None:
    """Most mentions of people by their first name alone could be of ten others and more."""
    firsts = Counter(entity.named.first for entity in mentions.shown(0) if isinstance(entity.named, Person))
    short = [row for row in rows("mewsli_x/test-en.jsonl") if "/short/" in row["cluster"]]
    assert short
    shared = [firsts[row["mention"].lower()] for row in short]
    assert min(shared) >= 5


def test_statements_have_every_verb() -> None:
    """The statements of the parts of speech contain every verb."""
    assert {template.verb for template in statements.templates().values()} == {
        statement.verb for statement in drawn(1, 62)
    }
