"""Retrieval tasks: what is asked, what it is answered from, and what is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import Document, Example, Span
from robust_xtreme.core.specs import BITEXT, Origin, Row, TaskSpec
from robust_xtreme.tasks.adapters.retrieval import all_sentences, answer_sentences, marked, minable, mined
from robust_xtreme.tasks.groups import chosen
from robust_xtreme.tasks.sources.source import Pools, answered, load, open_source
from robust_xtreme.tasks.sources.survey import MISSING, LeftOut, evaluated

TASKS = ("tatoeba", "bucc", "lareqa", "mewsli_x")


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def _gold(example: Example) -> tuple[str, ...]:
    assert isinstance(example.target, Document)
    return example.target.ids


# ----------------------------------------------------------------------------------------------------------- the tasks


@pytest.mark.parametrize(
    ("name", "group", "count"),
    [
        ("tatoeba", "xtreme-r", 41),
        ("tatoeba", "xtreme", 36),
        ("bucc", "xtreme", 4),
        ("lareqa", "xtreme-r", 11),
        ("mewsli_x", "xtreme-r", 11),
    ],
)
def test_languages_are_those_of_the_benchmarks(name: str, group: str, count: int) -> None:
    """The numbers are those of the official lists: XTREME-R has five languages of Tatoeba more."""
    assert len(chosen([group])[name]) == count
    assert set(chosen([group])[name]) <= set(_task(name).languages)


def test_tatoeba_has_the_languages_that_xtreme_lists() -> None:
    """XTREME's evaluate.py lists these; its utils_preprocess.py says what LASER's files call them."""
    listed = (
        "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et fi hu"
    )
    assert set(_task("tatoeba").groups["xtreme"]) == set(listed.split())
    assert set(_task("tatoeba").languages) - set(listed.split()) == {"az", "lt", "pl", "ro", "uk"}
    codes = _task("tatoeba").files["test"].codes
    assert (codes["zh"], codes["fa"], codes["sw"], codes["et"], codes["tl"]) == ("cmn", "pes", "swh", "est", "tgl")
    assert codes == _task("tatoeba").hub["test"].codes


@pytest.mark.parametrize("name", TASKS)
def test_a_retrieval_task_says_what_it_is_answered_from(name: str) -> None:
    """Each has a pool, both sides can be noised, and where there is no hub the remedy is one line."""
    task = _task(name)
    assert task.pool is not None
    assert set(task.fields) == {"query", "candidate"}
    assert task.rows
    assert task.official
    assert task.checked
    assert set(task.score) <= set(task.metrics)
    assert bool(task.hub) != bool(task.absent)
    assert "\n" not in task.absent


def test_the_other_direction_of_tatoeba_has_its_two_sides_exchanged() -> None:
    """The language asks and English is the pool: the same pairs, texts, languages and clusters."""
    asked, typed = (load(_task(name), open_source("mini"), "sw", "test") for name in ("tatoeba", "tatoeba@to=en"))
    assert asked.corpus
    assert typed.corpus
    for one, other in ((asked, typed), (typed, asked)):
        pool = [(text.value, text.language) for text in other.corpus.texts] if other.corpus else []
        assert [(each.texts["query"].value, each.texts["query"].language) for each in one.examples] == pool
    assert [each.cluster for each in asked.examples] == [each.cluster for each in typed.examples]
    assert [_gold(each) for each in typed.examples] == [(text.id,) for text in typed.corpus.texts]
    assert {text.language for text in typed.corpus.texts} == {"en"}
    assert (_task("tatoeba@to=en").perturbed, _task("tatoeba@to=en").noisable) == ((("query",),), ("candidate",))


def test_who_has_a_head_and_how_pairs_are_found() -> None:
    """The dual encoders of LAReQA and Mewsli-X are trained; bitext is mined, the others are ranked."""
    assert {name: _task(name).head for name in TASKS} == {
        "tatoeba": False,
        "bucc": False,
        "lareqa": True,
        "mewsli_x": True,
    }
    assert [name for name in TASKS if (pool := _task(name).pool) and pool.search == BITEXT] == ["bucc"]
    assert [name for name in TASKS if (pool := _task(name).pool) and pool.shared] == ["lareqa"]


@pytest.mark.parametrize("name", ["bucc", "lareqa", "mewsli_x"])
def test_a_task_that_the_hub_does_not_have_says_what_to_do(name: str) -> None:
    """Asked for the hub, the answer is one line with the reason and the remedy."""
    with pytest.raises(MissingData, match="--data") as error:
        load(_task(name), open_source("hub", offline=True), _task(name).languages[0], "validation")
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------------------------------------------------------- BUCC


def _line(native: str, query: str = "", candidate: str = "", *gold: str) -> Row:
    return Row(native, f"f:{native}", {"query": query, "candidate": candidate, "gold": gold})


BITEXT_ROWS = (
    _line("de-1", "Eins.", "", "en-1"),
    _line("de-2", "Zweimal.", "", "en-2"),
    _line("de-3", " Zweimal. "),
    _line("de-4", "Vier.", "", "en-4"),
    _line("en-1", "", "One."),
    _line("en-2", "", "Twice."),
    _line("en-3", "", "Three times."),
    _line("en-4", "", "Three times."),
)


def test_a_sentence_that_occurs_twice_is_searched_once_and_makes_no_pair() -> None:
    """Each distinct sentence is one text; a repeated one is unscored, and its gold pairs stay, to be missed."""
    corpus = minable({"de": BITEXT_ROWS}, "bucc", "test")
    examples = answered(mined(BITEXT_ROWS, Origin("bucc", "test", "de")), corpus)
    assert [(example.id, example.texts["query"].value) for example in examples] == [
        ("bucc/test/de/de-1", "Eins."),
        ("bucc/test/de/de-2", "Zweimal."),
        ("bucc/test/de/de-4", "Vier."),
    ]
    prefix = "bucc/test/de/candidate"
    assert [text.id for text in corpus.texts] == [f"{prefix}/en-1", f"{prefix}/en-2", f"{prefix}/en-3"]
    assert [_gold(example) for example in examples] == [(f"{prefix}/en-1",), (f"{prefix}/en-2",), (f"{prefix}/en-3",)]
    assert corpus.unscored == {"bucc/test/de/de-2/query", f"{prefix}/en-3"}
    assert examples[1].texts["query"].id in corpus.unscored
    assert sum(len(_gold(example)) for example in examples) == sum(len(row.values["gold"]) for row in BITEXT_ROWS)


@pytest.mark.parametrize("lines", [("de-1 en-1", "de-2 en-1"), ("de-1 en-1", "de-1 en-2")])
def test_gold_pairs_of_equal_sentences_are_as_many_as_lines_of_the_gold_file(lines: tuple[str, ...]) -> None:
    """Two ids of one sentence have two gold pairs, which are both missed, as officially."""
    gold = [tuple(line.split()) for line in lines]
    asked = [_line(id, "Eins.", "", *(en for de, en in gold if de == id)) for id in ("de-1", "de-2")]
    rows = (*asked, _line("en-1", "", "One."), _line("en-2", "", "One."))
    (example,) = answered(mined(rows, Origin("bucc", "test", "de")), minable({"de": rows}, "bucc", "test"))
    assert _gold(example) == ("bucc/test/de/candidate/en-1",) * 2


def test_a_suite_without_a_split_to_tune_on_says_so(tmp_path: Path) -> None:
    """And names no other split, which would not help."""
    text = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["de"]\n[bucc]\nsplits = ["test"]\n'
    (tmp_path / "bucc").mkdir()
    (tmp_path / "suite.toml").write_text(text, encoding="utf-8")
    row = {"id": "1", "cluster": "c", "sentence": "Eins.", "translation": "One."}
    (tmp_path / "bucc" / "test-de.jsonl").write_text(json.dumps(row), encoding="utf-8")
    left = evaluated(_task("bucc"), Pools(open_source(str(tmp_path))), "test", "de")
    assert isinstance(left, LeftOut)
    assert left[:2] == ("test", MISSING)
    assert "no validation split" in left.detail


def test_languages_of_bucc() -> None:
    """Queries are in the language, candidates in English; a query without a partner has no target."""
    rows = (_line("de-1", "Eins."), _line("en-1", "", "One."))
    corpus = minable({"de": rows}, "bucc", "test")
    (example,) = answered(mined(rows, Origin("bucc", "test", "de")), corpus)
    assert (example.texts["query"].language, corpus.texts[0].language) == ("de", "en")
    assert _gold(example) == ()


# -------------------------------------------------------------------------------------------------------------- LAReQA


def _asked(native: str, context: str, start: int, *sentences: tuple[int, int], **keys: Any) -> Row:
    answers = ((start, start + 1),) if start >= 0 else ()
    values = {"context": context, "question": f"{native}?", "answers": answers, "sentences": sentences, **keys}
    return Row(native, f"f: question {native!r}", values)


SPANS = ((0, 5), (6, 10))
ENGLISH = (_asked("q2", "A\nb c. d e", 7, *SPANS), _asked("q1", "A\nb c. d e", 0, *SPANS))
GERMAN = (_asked("q1", "a b c. d e", 6, *SPANS), _asked("q2", "a b c. d e", 6, *SPANS))


def test_candidates_of_lareqa_are_sentences_with_their_context() -> None:
    """The sentence is before the whole context with nothing between, and newlines are left out."""
    corpus = all_sentences({"en": ENGLISH, "de": GERMAN}, "lareqa", "validation")
    assert [text.value for text in corpus.texts] == [
        "Ab cAb c. d e",
        " d eAb c. d e",
        "a b ca b c. d e",
        " d ea b c. d e",
    ]
    assert [text.id.rpartition("/candidate/")[2] for text in corpus.texts] == ["q1/0", "q1/1"] * 2
    assert [text.language for text in corpus.texts] == ["en", "en", "de", "de"]


def test_a_question_is_answered_in_every_language() -> None:
    """The key is the question's id: the right sentences are one for each language that has the question."""
    corpus = all_sentences({"en": ENGLISH, "de": GERMAN}, "lareqa", "validation")
    examples = answered(answer_sentences(ENGLISH, Origin("lareqa", "validation", "en")), corpus)
    assert {example.id.rpartition("/")[2]: _gold(example) for example in examples} == {
        "q1": ("lareqa/validation/en/candidate/q1/0", "lareqa/validation/de/candidate/q1/1"),
        "q2": ("lareqa/validation/en/candidate/q1/1", "lareqa/validation/de/candidate/q1/1"),
    }
    assert {example.cluster for example in examples} == {"passage/q1"}


def test_an_answer_over_two_sentences_counts_for_the_first() -> None:
    """As the official script takes it: the sentence in which the answer begins."""
    row = _asked("q1", "a b c. d e", 4, *SPANS)
    row.values["answers"] = ((4, 10),)  # type: ignore[index]  # a plain dict here
    corpus = all_sentences({"en": (row,)}, "lareqa", "validation")
    assert corpus.answers["q1"] == ("lareqa/validation/en/candidate/q1/0",)


def test_an_answer_between_sentences_teaches_nothing_and_is_not_a_question() -> None:
    """Train leaves such a question out, as the official script does; of an evaluated split the file is refused."""
    rows = (_asked("q1", "a b c. d e", 5, *SPANS), _asked("q2", "a b c. d e", 0, *SPANS))
    assert [answer_sentence.id for answer_sentence in answer_sentences(rows, Origin("lareqa", "train", "en"))] == [
        "lareqa/train/en/q2"
    ]
    assert len(all_sentences({"en": rows}, "lareqa", "train").texts) == 2
    what = "in no sentence"
    with pytest.raises(DataError, match=what):
        answer_sentences(rows, Origin("lareqa", "validation", "en"))
    with pytest.raises(DataError, match=what):
        all_sentences({"en": rows}, "lareqa", "validation")


def test_sentences_by_our_rule_serve_training_only(tmp_path: Path) -> None:
    """A file of XQuAD's in the place of XQuAD-R's is refused by its missing key, in its own language and in others."""
    asked = {"id": "q1", "question": "who", "answers": [{"text": "Ben", "answer_start": 12}]}
    paragraph: dict[str, Any] = {"context": "Anna reads. Ben writes.", "qas": [asked]}
    (tmp_path / "lareqa/xquad-r").mkdir(parents=True)
    for code, more in (("de", {}), ("en", {"sentence_breaks": [[0, 11], [12, 23]]})):
        text = json.dumps({"data": [{"paragraphs": [{**paragraph, **more}]}]})
        (tmp_path / f"lareqa/xquad-r/{code}.json").write_text(text, encoding="utf-8")
    for code in ("de", "en"):
        with pytest.raises(DataError, match="sentence_breaks"):
            load(_task("lareqa"), tmp_path, code, "validation")


def test_the_answer_s_words_that_occur_twice_are_right_twice() -> None:
    """Every sentence of the passage with the words of the right one counts, as the official script compares texts."""
    corpus = all_sentences({"en": (_asked("q1", "ab. ab.", 0, (0, 3), (4, 7)),)}, "lareqa", "validation")
    assert len(corpus.answers["q1"]) == 2


def test_a_question_without_an_answer_among_others_is_refused() -> None:
    """Where no question has one, the split has no labels."""
    rows = (_asked("q1", "a b c. d e", 0, *SPANS), _asked("q2", "a b c. d e", -1, *SPANS))
    with pytest.raises(DataError, match="no answer"):
        answer_sentences(rows, Origin("lareqa", "validation", "en"))
    (example,) = answer_sentences(rows[1:], Origin("lareqa", "validation", "en"))
    corpus = all_sentences({"en": rows[1:]}, "lareqa", "validation")
    assert _gold(answered((example,), corpus)[0]) == ()


def test_one_context_with_two_sets_of_sentences_is_refused() -> None:
    """A passage is one text, so it has one set of sentences."""
    rows = (_asked("q1", "a b c. d e", 0, *SPANS), _asked("q2", "a b c. d e", 0, (0, 10)))
    with pytest.raises(DataError, match="another cluster"):
        answer_sentences(rows, Origin("lareqa", "validation", "en"))


def test_training_questions_have_their_sentence_beside_them(tmp_path: Path) -> None:
    """SQuAD's file has no sentences of its own; the right one is the candidate, the same text as in the pool.

    A span tells its passage, which the overlap rule asks for.
    """
    context = "Nyerere was a teacher. He was born in Butiama."
    asked = [
        {"id": "q1", "question": "Where?", "answers": [{"text": "Butiama", "answer_start": 38}]},
        {"id": "q2", "question": "Who?", "answers": [{"text": "teacher", "answer_start": 14}]},
    ]
    (tmp_path / "squad").mkdir()
    data = {"data": [{"paragraphs": [{"context": context, "qas": asked}]}]}
    (tmp_path / "squad/train-v1.1.json").write_text(json.dumps(data))
    split = load(_task("lareqa"), tmp_path, "en", "train")
    assert split.corpus is not None
    assert [example.texts["candidate"].value for example in split.examples] == [
        "He was born in Butiama." + context,
        "Nyerere was a teacher." + context,
    ]
    pool = {text.id: text for text in split.corpus.texts}
    candidates = [example.texts["candidate"] for example in split.examples]
    assert [pool[_gold(example)[0]] for example in split.examples] == [
        replace(candidate, spans=()) for candidate in candidates
    ]
    assert [candidate.at(span) for candidate in candidates for span in candidate.spans] == [context, context]


# ------------------------------------------------------------------------------------------------------------ Mewsli-X


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ("The verdict came back for ", ", who left.", "Smith: The verdict came back for { Smith } , who left."),
        ("", "", "Smith: { Smith }"),
        ("By {a} and\n", "\u2028here  too", "Smith: By (a) and { Smith } here too"),
    ],
)
def test_a_mention_occurs_twice_in_its_query(left: str, right: str, text: str) -> None:
    """The text is that of the official preprocessing, and both places of the mention are spans of it."""
    marked_text, spans = marked("Smith", left, right)
    assert marked_text == text
    assert [marked_text[span.start : span.stop] for span in spans] == ["Smith", "Smith"]
    assert spans[0] == Span(0, 5)


def _mention(native: str, **keys: str) -> Row:
    values = {"mention": "Rom", "left": "In ", "right": ".", "entity": "Q220", "language": "de", "document": "de-7"}
    return Row(native, f"f:{native}", {**values, **keys})


def _entity(native: str, language: str, text: str) -> Row:
    return Row(native, f"f:{native}", {"language": language, "text": text})


def test_mentions_point_to_their_entity() -> None:
    """The entity is found by its id in the pool, whatever its language; mentions of an article are one cluster."""
    task = _task("mewsli_x")
    assert task.pool is not None
    corpus = task.pool.make({"": (_entity("Q220", "sw", "Roma."), _entity("Q1", "en", "All."))}, "mewsli_x", "test")
    rows = (_mention("m1"), _mention("m2", document=""), _mention("m3", entity="Q9"), _mention("m4", entity=""))
    examples = answered(task.adapt(rows, Origin("mewsli_x", "test", "de")), corpus)
    assert [_gold(example) for example in examples] == [("mewsli_x/test/sw/candidate/Q220",)] * 2 + [(), ()]
    assert [example.cluster for example in examples] == [
        "document/de-7",
        "mention/m2",
        "document/de-7",
        "document/de-7",
    ]
    assert [(text.id, text.language) for text in corpus.texts] == [
        ("mewsli_x/test/sw/candidate/Q220", "sw"),
        ("mewsli_x/test/en/candidate/Q1", "en"),
    ]


def test_training_mentions_have_their_entity_beside_them() -> None:
    """A pair of the training data has the description as its candidate; an entity of two pairs is one text."""
    task = _task("mewsli_x")
    assert task.pool is not None
    rows = tuple(_mention(native, text="Rome is a city.", described="en") for native in ("m1", "m2"))
    corpus = task.pool.make({"en": rows}, "mewsli_x", "train")
    examples = answered(task.adapt(rows, Origin("mewsli_x", "train", "en")), corpus)
    assert [example.texts["candidate"] for example in examples] == [corpus.texts[0]] * 2
    assert [_gold(example) for example in examples] == [("mewsli_x/train/en/candidate/Q220",)] * 2
    assert len(corpus.texts) == 1
