"""Noisy examples of other people: which file is read, which clean item is its partner, and what was done to it."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.release import release
from tests.tiny import pair_example, question_example, tagged_example

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.run_spec import from_mapping, from_toml
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import named, of_set
from robust_xtreme.noise.conditions.paired import pair_up, realised
from robust_xtreme.noise.conditions.pairing import Noisy, edits_between, paired
from robust_xtreme.noise.engine.diff import heaviest_chain
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.noisy.layouts import NoisySet, TaskSplit, read
from robust_xtreme.tasks.sources.release import Release

_DRAW: Final = random.Random(0)
_WORDS: Final = ["".join(_DRAW.choices("abcdefghijklmnopqrstuvwxyz", k=_DRAW.randint(2, 9))) for _ in range(200)]


def noisy(examples: list[Example], native: bool = False) -> Noisy:
    """Examples as a file of them is read."""
    return Noisy(examples, [f"noisy.tsv:{number}" for number in range(1, len(examples) + 1)], native)


def pairs(count: int, seed: int = 0) -> list[Example]:
    """Clean pairs of sentences, three with the same premise, as in XNLI."""
    draw, made, premise = random.Random(seed), [], ""
    for number in range(count):
        premise = premise if number % 3 else " ".join(draw.choices(_WORDS, k=9)) + f" {number}"
        made.append(pair_example(str(number), premise, " ".join(draw.choices(_WORDS, k=6)), number % 3))
    return made


def perturbed(examples: list[Example], spec: str = "char_noise:0.1") -> list[Example]:
    """The examples with noise in all texts."""
    cell = PerturbationSpec.parse(spec)
    texts = {text.id: text for example in examples for text in example.texts.values()}
    values = {it.clean.id: it.text for it in noise_texts(list(texts.values()), cell, 0)}
    return [
        replace(it, texts={name: values[text.id] for name, text in it.texts.items()}, fingerprint="") for it in examples
    ]


def test_rows_are_paired_in_order() -> None:
    """As many rows with the same labels are one pair each."""
    clean = pairs(30)
    pairing = paired(clean, noisy(perturbed(clean)))
    assert (pairing.kind, pairing.pairs) == ("row", tuple((n, n) for n in range(30)))


def test_shuffled_rows_are_refused_with_the_row() -> None:
    """By a label that differs and, where all labels agree, by a text that is another row's."""
    clean = pairs(30)
    swapped = perturbed(clean)
    swapped[4], swapped[8] = swapped[8], swapped[4]
    with pytest.raises(DataError, match="the label 2"):
        paired(clean, noisy(swapped))
    swapped = perturbed(clean)
    swapped[4], swapped[10] = swapped[10], swapped[4]
    with pytest.raises(DataError, match="nearer to 10"):
        paired(clean, noisy(swapped))


def test_a_shorter_set_is_aligned() -> None:
    """Left-out rows are counted; each noisy row has the partner that it was made of."""
    clean = pairs(60)
    kept = [number for number in range(60) if number % 7]
    shorter = [perturbed(clean)[number] for number in kept]
    pairing = paired(clean, noisy(shorter))
    assert pairing.kind == "alignment"
    assert pairing.pairs == tuple((number, at) for at, number in enumerate(kept))
    assert pairing.clean_left == tuple(range(0, 60, 7))
    assert pairing.noisy_left == ()


def test_a_shorter_set_that_is_shuffled_is_refused_as_such() -> None:
    """Its rows are near clean ones, and few are in their order."""
    clean = pairs(60)
    kept = [perturbed(clean)[number * 7 % 60] for number in range(54)]
    message = (
        r"noisy.tsv: has 54 rows that are near clean ones, and \d+ of them in the clean order: the others are shuffled"
    )
    with pytest.raises(DataError, match=message):
        paired(clean, noisy(kept), partial=True)


def test_a_much_shorter_set_needs_a_word() -> None:
    """More than a fifth without a partner is refused unless the rest is asked for."""
    clean = pairs(30)
    half = perturbed(clean)[:15]
    with pytest.raises(DataError, match="external_partial"):
        paired(clean, noisy(half))
    assert len(paired(clean, noisy(half), partial=True).pairs) == 15
    strangers = pairs(9, seed=5)
    with pytest.raises(DataError, match="30 clean"):
        paired(clean, noisy(strangers), partial=True)


def test_another_label_of_a_near_text_is_refused() -> None:
    """In a shorter set too, with the row named."""
    clean = pairs(30)
    shorter = perturbed(clean)[:27]
    other = pair_example("x", shorter[7].texts["premise"].value, shorter[7].texts["hypothesis"].value, 2)
    with pytest.raises(DataError, match="the label 'no'"):
        paired(clean, noisy([*shorter[:7], other, *shorter[8:]]), ("yes", "maybe", "no"))


def test_another_example_of_a_premise_is_not_the_partner() -> None:
    """A row that is near one for its premise alone has no partner; it is not a mistake in the labels."""
    clean = pairs(30)
    other = pair_example("x", clean[7].texts["premise"].value, "zzz qqq", 0)
    pairing = paired(clean, noisy([*clean[:7], other, *clean[9:]]))
    assert (pairing.clean_left, pairing.noisy_left) == ((7, 8), (7,))


def test_ids_are_paired_in_any_order() -> None:
    """Where ids are the rows' own; an id that the clean split does not have is counted."""
    clean = [question_example(str(n), f"where is it {n}", f"it is in town {n}", f"town {n}") for n in range(10)]
    some = [clean[3], clean[1], *clean[4:], question_example("other", "what", "is it", "it")]
    pairing = paired(clean, noisy(some, native=True))
    assert (pairing.kind, pairing.clean_left, pairing.noisy_left) == ("id", (0, 2), (8,))
    unanswered = replace(clean[3], target=question_example("", "a", "b", "").target)
    with pytest.raises(DataError, match="0 answers"):
        paired(clean, noisy([unanswered, *clean[1:]], native=True))


def test_tags_are_gold() -> None:
    """Another number of words and another tag are refused."""
    clean = [tagged_example(str(n), ["in", "Rome", str(n)], ["O", "B-LOC", "O"]) for n in range(5)]
    longer = tagged_example("1", ["in", "Ro", "me", "1"], ["O", "B-LOC", "O", "O"])
    with pytest.raises(DataError, match="4 words"):
        paired(clean, noisy([clean[0], longer, *clean[2:]]))
    other = tagged_example("1", ["in", "Rome", "1"], ["O", "B-PER", "O"])
    with pytest.raises(DataError, match="B-PER"):
        paired(clean, noisy([clean[0], other, *clean[2:]]))


def test_many_rows_are_aligned_in_time() -> None:
    """The time grows like the rows, not like their square."""
    clean = pairs(600)
    shorter = [row for number, row in enumerate(perturbed(clean, "char_noise:0.05")) if number % 9]
    start = time.process_time()
    assert len(paired(clean, noisy(shorter)).pairs) == len(shorter)
    assert time.process_time() - start < 10


def test_the_heaviest_chain_rises_on_both_sides() -> None:
    """A crossing pair gives way to two that weigh more together."""
    weighted = [(0, 0, 0.7), (1, 1, 0.7), (5, 0, 0.9), (2, 2, 0.6), (2, 3, 0.95)]
    assert heaviest_chain(weighted) == [(0, 0), (1, 1), (2, 3)]
    assert heaviest_chain([]) == []


def test_examples_are_as_near_as_their_least_near_field() -> None:
    """The edits of all fields are counted, and of the worst field the share that they are, but for one edit."""
    clean = pair_example("0", "abcd", "abcdefgh")
    assert edits_between(clean, pair_example("0", "abxd", "abcdefgh")) == (1, 0)
    assert edits_between(clean, pair_example("0", "abxy", "abcdefg")) == (3, 0.25)


def test_edits_are_those_of_a_diff() -> None:
    """Operators, edited clusters and words are counted, and a range is moved through them."""
    clean = pair_example("0", "the old stone house", "x").texts["premise"]
    outcome = realised(clean, "teh old stne housee", ())
    assert dict(outcome.edits) == {"replace": 1, "delete": 1, "insert": 1}
    assert (outcome.graphemes, outcome.graphemes_edited, outcome.words, outcome.words_edited) == (19, 4, 4, 3)
    assert outcome.to_noisy(4, 7) == (4, 7)
    assert outcome.to_clean(8, 12) == (8, 13)
    assert realised(clean, clean.value, ()).status == "unchanged"
    edited = {"theold stone house": 2, "the old stone houses": 1, "the  old stone house": 0, "the old sto ne house": 1}
    assert {noisy: realised(clean, noisy, ()).words_edited for noisy in edited} == edited


def test_words_with_tags_are_compared_one_by_one() -> None:
    """A word that becomes another's form is one edited word, and spans are those of the file."""
    clean, other = (
        tagged_example("0", words, ["O"] * 3).texts["tokens"] for words in (["a", "bcd", "e"], ["a", "e", "e"])
    )
    outcome = realised(clean, other.value, other.spans)
    assert outcome.words_edited == 1
    assert [outcome.text.at(span) for span in outcome.text.spans] == ["a", "e", "e"]


def test_a_shared_text_with_several_forms_is_several() -> None:
    """A premise whose rows have typos of their own has an id in each row; an equal one stays shared."""
    clean = [
        replace(it, texts={**it.texts, "premise": replace(it.texts["premise"], id=f"p{number // 3}")}, fingerprint="")
        for number, it in enumerate(pairs(6))
    ]
    changed = replace(clean[1].texts["premise"], value=clean[1].texts["premise"].value.replace("e", "", 1))
    other = [clean[0], replace(clean[1], texts={**clean[1].texts, "premise": changed}, fingerprint=""), *clean[2:]]
    given = pair_up("typos", clean, noisy(other), paired(clean, noisy(other)))
    ids = [example.texts["premise"].id for example in given.examples]
    assert len(set(ids[:3])) == 3
    assert ids[3:] == ["p1"] * 3
    shown = named(of_set(given.name), given).shown(given.examples, 0)
    assert [example.texts["premise"].value for example in shown] == [it.texts["premise"].value for it in other]
    assert given.fields == ("premise",)
    assert not given.is_edited_only


def test_an_answer_elsewhere_is_refused() -> None:
    """Answers move with the edits of their context."""
    clean = [question_example("q", "where", "in Rome or along the old road in Oslo or so", "Rome")]
    for context, answer in (
        ("in Rome or along the old road in Oslo or so", "Oslo"),
        ("in Rmoe or along the old road in Oslo or so", "Oslo"),
    ):
        other = [question_example("q", "where", context, answer)]
        with pytest.raises(DataError, match="Oslo"):
            pair_up("x", clean, noisy(other, native=True), paired(clean, noisy(other, native=True)))
    other = [question_example("q", "where", "in Rmoe or along the old road in Oslo or so", "Rmoe")]
    given = pair_up("x", clean, noisy(other, native=True), paired(clean, noisy(other, native=True)))
    assert given.fields == ("context",)


# --------------------------------------------------------------------------------------------------- files


@pytest.fixture
def data(tmp_path: Path) -> Release:
    """Release files."""
    return Release(release(tmp_path / "data"))


def _cell(task: str, language: str = "en", split: str = "validation") -> TaskSplit:
    return TaskSplit(registry.load("task", task), language, split)


def test_release_names_are_found(data: Release, tmp_path: Path) -> None:
    """With and without the task's folder; two of them are named, and one is asked for."""
    folder = tmp_path / "noisy"
    (folder / "xnli").mkdir(parents=True)
    text = (data.folder / "xnli" / "dev-en.tsv").read_text()
    for path in (folder / "xnli" / "dev-en.tsv", folder / "dev-sw.tsv"):
        path.write_text(text)
    noisy_set = NoisySet("typos", folder, ())
    assert noisy_set.file(_cell("xnli")) == folder / "xnli" / "dev-en.tsv"
    assert noisy_set.file(_cell("xnli", "sw")) == folder / "dev-sw.tsv"
    assert noisy_set.file(_cell("panx")) is None
    (folder / "dev-en.tsv").write_text(text)
    with pytest.raises(UserError, match="several files"):
        noisy_set.file(_cell("xnli"))


def test_a_file_serves_what_its_name_says(tmp_path: Path) -> None:
    """Or else the only task and language of the run."""
    path = tmp_path / "test_de_typos_0.2.tsv"
    path.write_text("x")
    both = (("xnli", "de"), ("xnli", "en"))
    assert NoisySet("a", path, both).file(_cell("xnli", "de")) == path
    assert NoisySet("a", path, both).file(_cell("xnli", "en")) is None
    other = path.rename(tmp_path / "mine.tsv")
    assert NoisySet("a", other, both).file(_cell("xnli", "de")) is None
    assert NoisySet("a", other, both[:1]).file(_cell("xnli", "de")) == other
    assert "Name them: --tasks and --languages" in NoisySet("a", other, both).unused()


def test_a_set_is_found_from_a_run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path after the name counts from the file, and all its spellings are one run."""
    (tmp_path / "a" / "noisy").mkdir(parents=True)
    (tmp_path / "a" / "run.toml").write_text('external = ["typos=noisy"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    spec = from_toml(Path("a/run.toml"))
    assert spec.external == ("typos=a/noisy",)
    assert from_mapping({"external": {"typos": tmp_path / "a" / "noisy"}}, "x").identity() == spec.identity()
    assert spec.identity() != from_mapping({}, "x").identity()


def test_published_typos_of_xnli_are_read(data: Release, tmp_path: Path) -> None:
    """Labels are numbers, cells in single quotes with doubled quotes inside."""
    path = tmp_path / "test_en_typos_0.1.tsv"
    path.write_text("premise\thypothesis\tlabel\n'it''s olld'\t'a house'\t1\n'no'\t'yes'\t2\n")
    rows: Any = read(_cell("xnli"), path, data)
    assert [text.value for text in rows.examples[0].texts.values()] == ["it's olld", "a house"]
    assert [registry.load("task", "xnli").labels[it.target.index] for it in rows.examples] == [
        "neutral",
        "contradiction",
    ]
    assert not rows.native


def test_a_label_that_is_none_of_the_numbers_is_named(data: Release, tmp_path: Path) -> None:
    """The row of the odd label is, not the first with a number."""
    path = tmp_path / "test_en_typos_0.1.tsv"
    path.write_text("premise\thypothesis\tlabel\nan\told\t1\nno\tyes\t2\nyes\tno\t7\n")
    message = "'7' is none"
    with pytest.raises(DataError, match=message):
        read(_cell("xnli"), path, data)


def test_published_lines_of_panx_are_read(data: Release, tmp_path: Path) -> None:
    """Tags are numbers of the labels in their order."""
    path = tmp_path / "panx.en.json"
    path.write_text(json.dumps({"tokens": ["Jo", "Smiht"], "ner_tags": [1, 2], "langs": ["en", "en"]}) + "\n")
    assert NoisySet("x", tmp_path, ()).file(_cell("panx")) == path
    example: Any
    (example,) = read(_cell("panx"), path, data).examples
    assert (example.texts["tokens"].value, example.target.names) == ("Jo Smiht", ("B-PER", "I-PER"))


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (
            "panx",
            '{"tokens": ["a"], "ner_tags": [7]}',
            "ner_tags",
        ),
        ("panx", '{"tokens": ["a"], "ner_tags": [0, 0]}', "2 ner_tags"),
        ("panx", '{"tokens": "a", "ner_tags": [0]}', "tokens"),
        ("panx", '{"tokens": ["a"]', "JSON"),
        ("panx", "", "contains no examples"),
        ("xnli", "a\tb\t3\n", "'3'"),
        ("xnli", "a\tb\tneutral\nc\n", "1 column"),
        ("xquad", "[]", "'data'"),
        ("xnli", "a\t" + "b" * 1_000_001 + "\tneutral\n", "1,000,001"),
    ],
)
def test_malformed_files_are_one_line(data: Release, tmp_path: Path, task: str, text: str, message: str) -> None:
    """The row is named, and what is wrong with it."""
    path = tmp_path / "noisy.en.json"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read(_cell(task), path, data)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
