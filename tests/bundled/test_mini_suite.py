"""The suite of mini: what is bundled is what the generator writes, and it is made as its page says."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import pytest
from tests.mini_suite import mini_rows as rows
from tools.mini import causes, entities, meanings, mentions, nli, passages, split, statements, suite
from tools.mini.grammar import sentence, written
from tools.mini.meaning import LANGUAGES, Clause

from robust_xtreme.core import resources
from robust_xtreme.core.examples import digest

TRAINING: Final = 100
TASKS: Final = tuple(suite.SPLITS)
TRAINED: Final = tuple(task for task, splits in suite.SPLITS.items() if "train" in splits)
OF_THE_MODEL: Final = ("build.py", "embeddings.py", "encoder.py", "parallel.py", "tokenizer.py")
"""Files of tools/mini that make the model alone."""

LARGE: Final = ("xnli", "panx", "xquad")
"""Tasks whose tests have 200 rows and more."""


def trained_clauses() -> Iterator[Clause]:
    """All clauses of the first training items of each task."""
    for premise in islice(meanings.triples(False), TRAINING):
        yield from premise.clauses()
    for text in islice(zip(meanings.namings(False), meanings.read(False), strict=True), TRAINING):
        yield from chain.from_iterable(passage.clauses for passage in text)
    others = (
        meanings.stories(False),
        meanings.tagged(False),
        meanings.mentioned(False),
        meanings.searched(False),
    )
    for items in islice(zip(*others, strict=False), TRAINING):
        yield from chain.from_iterable(item.all_clauses() for item in items)
    yield from chain.from_iterable(entity.all_clauses() for entity in mentions.entities(False, 0))


def _made_again(folder: Path) -> list[str]:
    """The files of the suite that the generator writes differently from the bundled ones."""
    suite.write(folder, suite.TRAINING_ROWS)
    made, bundled = _files(folder), _files(resources.mini("suite"))
    return [name for name in sorted(made.keys() | bundled.keys()) if made.get(name) != bundled.get(name)]


def _files(folder: Path) -> dict[str, bytes]:
    """The files by name, and the unpacked content of those that are compressed, which depends on no library."""
    packed = {path: gzip.decompress(path.read_bytes()) for path in folder.rglob("*.jsonl.gz")}
    plain = {path: path.read_bytes() for path in folder.rglob("*.*") if path.suffix in (".py", ".toml", ".jsonl")}
    found = {path.relative_to(folder).as_posix(): data for path, data in (packed | plain).items()}
    return {name.removesuffix(".gz"): data for name, data in found.items()}


def _digest(files: Mapping[str, bytes]) -> str:
    return digest("".join(f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files)))


@pytest.mark.long
def test_the_generator_writes_the_bundled_bytes(tmp_path: Path) -> None:
    """The suite is made again from templates and lexicons, byte for byte, and nothing else is bundled."""
    assert _made_again(tmp_path) == []


def test_the_suite_was_made_by_the_generator_that_is_here(
    golden: Callable[[str, str], None], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Neither the generator's files nor the suite have changed since the one last wrote the other.

    With --rewrite-goldens the suite is made again before the hashes are written.
    """
    if request.config.getoption("--rewrite-goldens"):
        assert _made_again(tmp_path) == [], (
            "Write the suite again: python -m tools.mini.suite src/robust_xtreme/_mini/suite"
        )
    sources = {name: data for name, data in _files(Path(suite.__file__).parent).items() if name not in OF_THE_MODEL}
    golden("mini/suite.txt", f"generator {_digest(sources)}\nsuite {_digest(_files(resources.mini('suite')))}\n")


@pytest.mark.parametrize("task", [task for task in TASKS if task != "tydiqa"])
def test_every_language_has_the_same_rows_of_enough_templates(task: str) -> None:
    """The same ids and clusters in every language; 200 rows of 60 templates where tests are large, else 60 of 20."""
    languages = [code for code in LANGUAGES if (task, code) != ("tatoeba", "en")]
    ids = [[(row["id"], row["cluster"]) for row in rows(f"{task}/test-{code}.jsonl")] for code in languages]
    assert len(LANGUAGES) >= 12
    assert len(ids[0]) >= (200 if task in LARGE else 60)
    assert len({cluster for _, cluster in ids[0]}) >= (60 if task in LARGE else 20)
    assert all(language_ids == ids[0] for language_ids in ids)


def test_labels_are_balanced_and_negation_says_nothing_of_them() -> None:
    """Each label has a third of the hypotheses, and as many negated ones as the others, in training and test."""
    for several in (list(meanings.triples(True)), list(islice(meanings.triples(False), 600))):
        negated = Counter(
            label
            for triple in several
            for label, hypothesis in zip(nli.LABELS, triple.hypotheses, strict=True)
            if hypothesis.negated
        )
        assert set(negated) == set(nli.LABELS)
        assert max(negated.values()) - min(negated.values()) <= 0.01 * len(several)
        assert sum(negated.values()) == pytest.approx(1.5 * len(several), rel=0.02)
    for code in LANGUAGES:
        assert len(set(Counter(row["label"] for row in rows(f"xnli/test-{code}.jsonl")).values())) == 1


def test_no_template_of_a_test_is_trained_on() -> None:
    """Training and test share no template in any task."""
    assert not _clusters("train") & _clusters("test")
    modules = (nli, causes, statements, entities, passages, mentions)
    for module, count in zip(modules, meanings.TESTS.values(), strict=True):
        assert not {*map(_name, module.chosen(True, count))} & {*map(_name, module.chosen(False, count))}


def _clusters(part: str) -> set[str]:
    return {f"{task}/{row['cluster']}" for task in TRAINED for row in rows(f"{task}/{part}-en.jsonl")}


def _name(template: Any) -> str:
    return str(template.name)


def test_training_never_says_a_pair_that_is_held_out() -> None:
    """No trained clause joins a held-out noun and verb, adjective and noun, or name and place; tests do."""
    assert not any(map(split.held_out, trained_clauses()))
    tests = [
        *(triple.clauses() for triple in meanings.triples(True)),
        *(passage.clauses for passage in meanings.read(True)),
    ]
    assert sum(any(map(split.held_out, clauses)) for clauses in tests) > 0.8 * len(tests)


def test_wrong_answers_fill_the_part_that_is_asked_for() -> None:
    """In each passage at least two other clauses of the same verb have that part, with another value."""
    for passage in meanings.read(True):
        for asked in passage.questions:
            clause = passage.clauses[asked.index]
            others = [other for other in passage.clauses if other.verb == clause.verb and other is not clause]
            values = {getattr(other, asked.asked) for other in others}
            assert len(values) >= 2, passage.template
            assert getattr(clause, asked.asked) not in values, passage.template


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_the_asked_words_of_the_passage(language: str) -> None:
    """The span of each answer is what the grammar marked, written as the language writes it."""
    table = rows(f"xquad/test-{language}.jsonl")
    asked = [(passage, question) for passage in meanings.read(True) for question in passage.questions]
    for row, (passage, question) in zip(table, asked, strict=True):
        ((start, stop),) = row["answers"]
        spoken = [word for word in sentence(language, passage.clauses[question.index]) if word.part == question.asked]
        assert row["context"][start:stop] == written(language, spoken), row["question"]


def test_names_have_one_word_or_several_and_some_are_of_a_kind_by_context() -> None:
    """The test has entities of one and of two words, and some words are in names of several kinds."""
    lengths: Counter[str] = Counter()
    kinds: dict[str, set[str]] = {}
    for row in rows("panx/test-en.jsonl"):
        for index, (token, tag) in enumerate(zip(row["tokens"], row["tags"], strict=True)):
            if tag != "O":
                kinds.setdefault(token, set()).add(tag[2:])
            if tag[0] == "B":
                following = row["tags"][index + 1 : index + 2]
                lengths["several" if following and following[0][0] == "I" else "one"] += 1
    assert min(lengths.values()) > 50
    assert sum(len(kinds_of_word) > 1 for kinds_of_word in kinds.values()) >= 8
