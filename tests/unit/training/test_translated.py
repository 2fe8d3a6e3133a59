"""Training data in other languages from folders and from the hub."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hub_copies import NAMES, parquet
from tests.loopback import Loopback
from tests.seq2seq import NLLB, seq2seq_folder
from tests.translating import GERMAN, PAIRS, Asked, english_folder, line_of, lines, squad, task_of, values, write

from robust_xtreme.core.errors import MissingData, SpecError, UnknownName


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """The call on a folder of English data."""
    return Asked(english_folder(tmp_path / "english"), tmp_path / "keep")


# --------------------------------------------------------------------------------------------------------------- folder


@pytest.mark.parametrize("name", ["xnli/train-en.tsv", "xnli/train-de.tsv"])
def test_a_folder_contains_the_english_files_in_another_language(asked: Asked, tmp_path: Path, name: str) -> None:
    """Ids and texts carry the language; a row and its translation are one cluster, under either name of the file."""
    write(tmp_path / "mt" / "de" / name, lines(GERMAN))
    translated, english = asked("xnli", tmp_path / "mt", "en", "de"), asked.english("xnli")
    assert [example.id for example in translated] == [f"xnli/train/de/{number}" for number in range(len(PAIRS))]
    assert [example.cluster for example in translated] == [example.cluster for example in english]
    assert [example.target for example in translated] == [example.target for example in english]
    assert values(translated[0]) == {
        "premise": ("de", "Anna sleeps. (de)"),
        "hypothesis": ("de", "Anna is awake. (de)"),
    }
    assert asked.messages == []


def test_only_translations_of_the_english_examples_are_taken(asked: Asked, tmp_path: Path) -> None:
    """What a limit or the overlap rule left out in English is left out in its translation too."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN))
    few = asked.english("xnli")[1:3]
    assert [example.id for example in asked("xnli", tmp_path / "mt", english=few)] == [
        "xnli/train/de/1",
        "xnli/train/de/2",
    ]


def test_rows_that_translate_nothing_have_clusters_of_their_own(asked: Asked, tmp_path: Path) -> None:
    """Other labels in the same rows mean other rows: all are taken, and a message says so."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN[::-1]))
    translated = asked("xnli", tmp_path / "mt")
    assert len(translated) == len(PAIRS)
    assert all(example.cluster.startswith("de/premise/") for example in translated)
    assert len(asked.messages) == 1


def test_questions_are_known_by_their_ids(asked: Asked, tmp_path: Path) -> None:
    """A translation without some of the questions keeps the English cluster, though it is named by the first one."""
    write(tmp_path / "mt" / "de" / "squad" / "train-v1.1.json", squad("de", [("q3", "Nyerere"), ("q2", "Bücher")]))
    translated = asked("squad", tmp_path / "mt")
    assert [example.id for example in translated] == ["squad/train/de/q3", "squad/train/de/q2"]
    assert {example.cluster for example in translated} == {example.cluster for example in asked.english("squad")}
    assert translated[0].texts["context"].at(translated[0].target.spans[0]) == "Nyerere"  # type: ignore[union-attr]  # a question's


def test_tagging_takes_a_folder(asked: Asked, tmp_path: Path) -> None:
    """Sentences in another language are other sentences, with other words: their clusters are their own."""
    write(tmp_path / "mt" / "sw" / "panx" / "train-sw.tsv", "Anna\tB-PER\namelala\tO\n")
    (example,) = asked("panx", tmp_path / "mt", "sw")
    assert (example.id, example.texts["tokens"].language) == ("panx/train/sw/0", "sw")
    assert example.cluster.startswith("sw/sentence/")


def test_the_authors_translation_of_multinli_is_read_as_it_is_laid_out(asked: Asked, tmp_path: Path) -> None:
    """XNLI-MT's files have a header and call one label otherwise."""
    called = [(first, two, label.replace("contradiction", "contradictory")) for first, two, label in GERMAN]
    path = tmp_path / "mt" / "XNLI-MT-1.0" / "multinli" / "multinli.train.de.tsv"
    write(path, "premise\thypo\tlabel\n" + lines(called))
    assert [example.cluster for example in asked("xnli", tmp_path / "mt")] == [
        example.cluster for example in asked.english("xnli")
    ]


def test_several_tasks_under_one_head_are_translated_each(asked: Asked, tmp_path: Path) -> None:
    """Of ANLI+ each part is looked for by its own name; parts without English examples are not."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN))
    translated = asked("anli_plus", tmp_path / "mt", english=asked.english("mnli"))
    assert [example.id for example in translated] == [f"mnli/train/de/{number}" for number in range(len(PAIRS))]


# ------------------------------------------------------------------------------------------------------------- released


def test_xtreme_s_translations_are_matched_by_their_english_columns(asked: Asked, tmp_path: Path) -> None:
    """Whatever their order, rows find their English pair; malformed ones and those of other pairs are left out."""
    rows = [(*PAIRS[index][:2], *GERMAN[index]) for index in (3, 0, 4, 1)]
    rows[1] = (*rows[1][:4], "contradictory")
    bad = [("Anna sleeps.", "Anna rests.", "x", "y", "neutral"), ("too", "few"), ("other", "pair", "x", "y", "neutral")]
    write(tmp_path / "mt" / "XNLI" / "translate-train" / "en-de-translated.tsv", lines([*rows, *bad]))
    translated, english = asked("xnli", tmp_path / "mt"), asked.english("xnli")
    assert [example.id for example in translated] == [f"xnli/train/de/{index}" for index in (3, 0, 4, 1)]
    assert [(example.cluster, example.target) for example in translated] == [
        (english[n].cluster, english[n].target) for n in (3, 0, 4, 1)
    ]
    assert values(translated[0])["premise"] == ("de", "Ben  runs to Rome. (de)")
    assert "4 of 5" in asked.messages[0]


def test_xtreme_s_paraphrases_have_numbers_for_labels(asked: Asked, tmp_path: Path) -> None:
    """Rows whose label is not a number are wrongly filled, and left out."""
    rows = [(*PAIRS[n][:2], *GERMAN[n][:2], str(n % 2)) for n in range(3)]
    rows.append((*PAIRS[3][:2], *GERMAN[3][:2], "Ben"))
    write(tmp_path / "mt" / "PAWSX" / "translate-train" / "en-de-translated.tsv", lines(rows))
    assert [example.id for example in asked("pawsx", tmp_path / "mt")] == [f"pawsx/train/de/{n}" for n in range(3)]


def test_xtreme_s_questions_that_lost_their_answer_are_left_out(asked: Asked, tmp_path: Path) -> None:
    """An answer that the translation put nowhere, or elsewhere than it says, cannot be learned."""
    path = tmp_path / "mt" / "SQuAD" / "translate-train" / "squad.translate.train.en-de.json"
    asked_of = [("q1", "Butiama"), ("q2", "Bücher"), ("q3", "Nyerere"), ("q9", "Er")]
    write(path, squad("de", asked_of, {"q2": -1, "q3": 4}))
    (example,) = asked("squad", tmp_path / "mt")
    assert (example.id, example.cluster) == ("squad/train/de/q1", asked.english("squad")[0].cluster)
    assert "1 of 3" in asked.messages[0]


def test_xtreme_s_questions_without_ids_are_other_data(asked: Asked, tmp_path: Path) -> None:
    """TyDiQA's training ids are not unique: nothing says what a question translates, and all with an answer stay."""
    write(asked.folder / "tydiqa_goldp" / "tydiqa.goldp.en.train.json", squad("en", [("1", "Butiama"), ("1", "books")]))
    path = tmp_path / "mt" / "TyDiQA-GoldP" / "translate-train" / "tydiqa.translate.train.en-de.json"
    write(path, squad("de", [("1", "Butiama"), ("2", "Nyerere"), ("1", "Er")], {"2": 7}))
    translated = asked("tydiqa", tmp_path / "mt")
    assert [example.id for example in translated] == ["tydiqa/train/de/0", "tydiqa/train/de/1"]
    assert all(example.cluster.startswith("de/") for example in translated)
    assert "2 questions" in asked.messages[0]
    assert "2 rows" in asked.messages[1]


@pytest.mark.parametrize(
    ("task", "path", "text", "why"),
    [
        ("xnli", "XNLI/translate-train/en-de-translated.tsv", "a\tb\tc\td\tneutral\n", "no translation"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", "{", "JSON"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", "[" * 9999, "JSON"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", '{"data": 3}', "SQuAD's format"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", '{"data": []}', "no translation"),
        ("xnli", "de/xnli/train-en.tsv", "one column\n", "has 1 column"),
        ("xnli", "de/xnli/train-en.tsv", "a\tb\n", "have no labels"),
    ],
)
def test_hostile_files_are_one_line(asked: Asked, tmp_path: Path, task: str, path: str, text: str, why: str) -> None:
    """Malformed data are reported with their location."""
    write(tmp_path / "mt" / path, text)
    assert why in line_of(lambda: asked(task, tmp_path / "mt"))


def test_what_a_folder_does_not_have_is_reported_with_where_was_looked(asked: Asked, tmp_path: Path) -> None:
    """A folder that is none, a language that is not there, and one that is not a language."""
    assert "a folder, of hub" in line_of(lambda: asked("xnli", tmp_path / "no"))
    (tmp_path / "mt").mkdir()
    message = line_of(lambda: asked("xnli", tmp_path / "mt", "sw"), MissingData)
    for path in ("sw/xnli/train-sw.tsv", "sw/xnli/train-en.tsv", "XNLI/translate-train/en-sw-translated.tsv"):
        assert path in message
    assert "'../x'" in line_of(lambda: asked("xnli", tmp_path / "mt", "../x"), UnknownName)


def test_english_needs_no_translation(asked: Asked, tmp_path: Path) -> None:
    """The folder is not looked for."""
    assert asked("xnli", tmp_path / "no", "en") == ()


# ------------------------------------------------------------------------------------------------------------------ hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Loopback]:
    """A hub with XNLI's German training rows at the commit that the task pins."""
    xnli = task_of("xnli").hub["validation"]
    rows = [{"premise": first, "hypothesis": two, "label": NAMES.index(label)} for first, two, label in GERMAN]
    with Loopback() as server, server.lent(tmp_path):
        files = {"de/train-00000-of-00001.parquet": parquet("tsv", rows)}
        server.put("dataset", xnli.repo, files, xnli.revision)
        yield server


def test_the_hub_has_multinli_in_xnli_s_languages(asked: Asked, hub: Loopback) -> None:
    """The rows are XNLI's own translation, in the clusters of the English ones; a second time nothing is asked."""
    translated = asked("mnli", "hub", english=(english := asked.english("mnli")), offline=False)
    assert [(example.id, example.cluster, example.target) for example in translated] == [
        (example.id.replace("/en/", "/de/"), example.cluster, example.target) for example in english
    ]
    assert values(translated[2])["hypothesis"] == ("de", "The street is wet. (de)")
    count = len(hub.asked)
    assert asked("mnli", "hub", english=english) == translated
    assert len(hub.asked) == count
    assert "Looked for" in line_of(lambda: asked("mnli", "hub", "sw"), MissingData)


def test_what_the_hub_does_not_have_is_one_line(asked: Asked) -> None:
    """A language that XNLI has no translation into, and a task without a translated set, without asking the hub."""
    message = line_of(lambda: asked("mnli", "hub", "ja"), MissingData)
    assert "ar bg de" in message
    message = line_of(lambda: asked("squad", "hub"), SpecError)
    assert message.startswith("squad: ")
    english = [replace(example, id=f"anli/{example.id}") for example in asked.english("xnli")]
    message = line_of(lambda: asked("anli_plus", "hub", english=english), SpecError)
    assert message.startswith("anli: ")


def test_a_model_of_the_hub_is_fetched_as_safetensors(
    asked: Asked, hub: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, configuration and tokenizer come over the wire, nothing pickled; then the cache serves it offline."""
    folder = seq2seq_folder(tmp_path / "model", "m2m_100", NLLB)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    hub.put_folder("model", "someone/nllb", folder)
    translated = asked("xnli", "seq2seq:someone/nllb", offline=False)
    assert not any("pytorch_model" in request for request in hub.asked)
    monkeypatch.setattr(socket.socket, "connect", None)
    assert asked("xnli", "seq2seq:someone/nllb") == translated
