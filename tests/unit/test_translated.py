"""Training data in other languages: from folders and the hub, and made by a model, killed, resumed and checked."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from tests.hub_copies import NAMES, parquet
from tests.loopback import Loopback
from tests.seq2seq import NLLB, seq2seq_folder

from robust_xtreme import registry
from robust_xtreme.errors import (
    DataError,
    MissingData,
    ModelError,
    RobustXtremeError,
    SpecError,
    UnknownName,
    UserError,
)
from robust_xtreme.examples import Example
from robust_xtreme.sources import load
from robust_xtreme.sources._dataset import open_hub
from robust_xtreme.specs import TaskSpec
from robust_xtreme.training import _kept, translated
from robust_xtreme.training._translator import Translation, translate
from robust_xtreme.training.translated import translated_examples, translation_identity

PAIRS = [
    ("Anna sleeps.", "Anna is awake.", "contradiction"),
    ("Anna sleeps.", "Anna rests.", "entailment"),
    ("It rains.", "The street is wet.", "neutral"),
    ("Ben  runs to Rome.", "Ben is in Oslo.", "contradiction"),
    ("Ben eats bread.", "Ben eats.", "entailment"),
]
GERMAN = [(f"{first} (de)", f"{second} (de)", label) for first, second, label in PAIRS]
CONTEXT = {
    "en": "Nyerere was born in Butiama. He read books.",
    "de": "In Butiama wurde Nyerere geboren. Er las Bücher.",
}
CAUSAL = {
    "premise": "It rained.",
    "choice1": "The street dried.",
    "choice2": "The street got wet.",
    "question": "effect",
    "label": 1,
    "idx": 0,
}


def task_of(name: str) -> TaskSpec:
    """A task of either kind."""
    kind = "task" if name in registry.names("task") else "intermediate"
    found: TaskSpec = registry.load(kind, name)
    return found


def write(path: Path, text: str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def lines(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of columns."""
    return "".join("\t".join(row) + "\n" for row in rows)


def squad(language: str, questions: Sequence[tuple[str, str]], starts: dict[str, int] | None = None) -> str:
    """A file of one paragraph: (id, answer) of each question, the answer's first place unless `starts` has another."""
    context = CONTEXT[language]
    asked = []
    for key, answer in questions:
        start = (starts or {}).get(key, context.index(answer))
        asked.append({"id": key, "question": f"{language}?", "answers": [{"text": answer, "answer_start": start}]})
    return json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": [{"context": context, "qas": asked}]}]})


@pytest.fixture
def english(tmp_path: Path) -> Path:
    """A folder of English training data."""
    folder = tmp_path / "english"
    write(folder / "xnli" / "train-en.tsv", lines(PAIRS))
    write(folder / "squad" / "train-v1.1.json", squad("en", [("q1", "Butiama"), ("q2", "books"), ("q3", "Nyerere")]))
    write(folder / "pawsx" / "train-en.tsv", lines([(one, two, str(n % 2)) for n, (one, two, _) in enumerate(PAIRS)]))
    write(folder / "panx" / "train-en.tsv", "Anna\tB-PER\nsleeps\tO\n\nOslo\tB-LOC\n")
    write(folder / "xcopa" / "train-en.jsonl", json.dumps(CAUSAL) + "\n")
    return folder


class Asked:
    """A call of `translated_examples` with what a test seldom changes, and what it was told."""

    def __init__(self, english: Path, keep: Path) -> None:
        self.folder, self.keep, self.told = english, keep, list[str]()

    def english(self, task: str) -> tuple[Example, ...]:
        """The English training examples of a task."""
        return load(task_of(task), self.folder, "en", "train").examples

    def __call__(
        self, task: str, value: object, *codes: str, english: Sequence[Example] | None = None, offline: bool = True
    ) -> tuple[Example, ...]:
        """The examples in other languages."""
        own = self.english(task) if english is None else english
        rest: dict[str, Any] = {"offline": offline, "device": "cpu", "tell": self.told.append, "keep": self.keep}
        return translated_examples(task_of(task), str(value), codes or ("de",), own, **rest)


@pytest.fixture
def asked(english: Path, tmp_path: Path) -> Asked:
    """The call on the English folder."""
    return Asked(english, tmp_path / "keep")


def line_of(call: Callable[[], object], kind: type[RobustXtremeError] = UserError) -> str:
    """The one line of an error."""
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def values(example: Example) -> dict[str, tuple[str, str]]:
    """The language and value of each field."""
    return {name: (text.language, text.value) for name, text in example.texts.items()}


# --------------------------------------------------------------------------------------------------------------- folder


@pytest.mark.parametrize("name", ["xnli/train-en.tsv", "xnli/train-de.tsv"])
def test_a_folder_holds_the_english_files_in_another_language(asked: Asked, tmp_path: Path, name: str) -> None:
    """Ids and texts carry the language; a row and its translation are one cluster, under either name of the file."""
    write(tmp_path / "mt" / "de" / name, lines(GERMAN))
    found, own = asked("xnli", tmp_path / "mt", "en", "de"), asked.english("xnli")
    assert [one.id for one in found] == [f"xnli/train/de/{place}" for place in range(len(PAIRS))]
    assert [one.cluster for one in found] == [one.cluster for one in own]
    assert [one.target for one in found] == [one.target for one in own]
    assert values(found[0]) == {"premise": ("de", "Anna sleeps. (de)"), "hypothesis": ("de", "Anna is awake. (de)")}
    assert asked.told == []


def test_only_translations_of_the_english_examples_are_taken(asked: Asked, tmp_path: Path) -> None:
    """What a limit or the overlap rule left out in English is left out in its translation too."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN))
    few = asked.english("xnli")[1:3]
    assert [one.id for one in asked("xnli", tmp_path / "mt", english=few)] == ["xnli/train/de/1", "xnli/train/de/2"]


def test_rows_that_translate_nothing_have_clusters_of_their_own(asked: Asked, tmp_path: Path) -> None:
    """Other labels in the same places are other rows: all are taken, and that is told."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN[::-1]))
    found = asked("xnli", tmp_path / "mt")
    assert len(found) == len(PAIRS)
    assert all(one.cluster.startswith("de/premise/") for one in found)
    (said,) = asked.told
    assert said == (
        "xnli de: the 5 rows do not translate the English examples one by one; all of them are taken, in clusters of "
        "their own"
    )


def test_questions_are_known_by_their_ids(asked: Asked, tmp_path: Path) -> None:
    """A translation without some of the questions keeps the English cluster, though it is named by the first one."""
    write(tmp_path / "mt" / "de" / "squad" / "train-v1.1.json", squad("de", [("q3", "Nyerere"), ("q2", "Bücher")]))
    found = asked("squad", tmp_path / "mt")
    assert [one.id for one in found] == ["squad/train/de/q3", "squad/train/de/q2"]
    assert {one.cluster for one in found} == {one.cluster for one in asked.english("squad")}
    assert found[0].texts["context"].at(found[0].target.spans[0]) == "Nyerere"  # type: ignore[union-attr]  # a question's


def test_tagging_takes_a_folder(asked: Asked, tmp_path: Path) -> None:
    """Sentences in another language are other sentences, with other words: their clusters are their own."""
    write(tmp_path / "mt" / "sw" / "panx" / "train-sw.tsv", "Anna\tB-PER\namelala\tO\n")
    (found,) = asked("panx", tmp_path / "mt", "sw")
    assert (found.id, found.texts["tokens"].language) == ("panx/train/sw/0", "sw")
    assert found.cluster.startswith("sw/sentence/")


def test_the_authors_translation_of_multinli_is_read_as_it_is_laid_out(asked: Asked, tmp_path: Path) -> None:
    """XNLI-MT's files have a header and call one label otherwise."""
    called = [(one, two, label.replace("contradiction", "contradictory")) for one, two, label in GERMAN]
    path = tmp_path / "mt" / "XNLI-MT-1.0" / "multinli" / "multinli.train.de.tsv"
    write(path, "premise\thypo\tlabel\n" + lines(called))
    assert [one.cluster for one in asked("xnli", tmp_path / "mt")] == [one.cluster for one in asked.english("xnli")]


def test_several_tasks_under_one_head_are_translated_each(asked: Asked, tmp_path: Path) -> None:
    """Of ANLI+ each part is looked for by its own name; parts without English examples are not."""
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN))
    found = asked("anli_plus", tmp_path / "mt", english=asked.english("mnli"))
    assert [one.id for one in found] == [f"mnli/train/de/{place}" for place in range(len(PAIRS))]


# ------------------------------------------------------------------------------------------------------------- released


def test_xtreme_s_translations_are_matched_by_their_english_columns(asked: Asked, tmp_path: Path) -> None:
    """Whatever their order, rows find their English pair; malformed ones and those of other pairs are left out."""
    rows = [(*PAIRS[place][:2], *GERMAN[place]) for place in (3, 0, 4, 1)]
    rows[1] = (*rows[1][:4], "contradictory")
    bad = [("Anna sleeps.", "Anna rests.", "x", "y", "neutral"), ("too", "few"), ("other", "pair", "x", "y", "neutral")]
    write(tmp_path / "mt" / "XNLI" / "translate-train" / "en-de-translated.tsv", lines([*rows, *bad]))
    found, own = asked("xnli", tmp_path / "mt"), asked.english("xnli")
    assert [one.id for one in found] == [f"xnli/train/de/{place}" for place in (3, 0, 4, 1)]
    assert [(one.cluster, one.target) for one in found] == [(own[n].cluster, own[n].target) for n in (3, 0, 4, 1)]
    assert values(found[0])["premise"] == ("de", "Ben  runs to Rome. (de)")
    assert asked.told == ["xnli de: 4 of 5 examples from en-de-translated.tsv (7 rows)"]


def test_xtreme_s_paraphrases_have_numbers_for_labels(asked: Asked, tmp_path: Path) -> None:
    """Rows whose label is no number are wrongly filled, and left out."""
    rows = [(*PAIRS[n][:2], *GERMAN[n][:2], str(n % 2)) for n in range(3)]
    rows.append((*PAIRS[3][:2], *GERMAN[3][:2], "Ben"))
    write(tmp_path / "mt" / "PAWSX" / "translate-train" / "en-de-translated.tsv", lines(rows))
    assert [one.id for one in asked("pawsx", tmp_path / "mt")] == [f"pawsx/train/de/{n}" for n in range(3)]


def test_xtreme_s_questions_that_lost_their_answer_are_left_out(asked: Asked, tmp_path: Path) -> None:
    """An answer that the translation put nowhere, or elsewhere than it says, cannot be learned."""
    path = tmp_path / "mt" / "SQuAD" / "translate-train" / "squad.translate.train.en-de.json"
    asked_of = [("q1", "Butiama"), ("q2", "Bücher"), ("q3", "Nyerere"), ("q9", "Er")]
    write(path, squad("de", asked_of, {"q2": -1, "q3": 4}))
    (found,) = asked("squad", tmp_path / "mt")
    assert (found.id, found.cluster) == ("squad/train/de/q1", asked.english("squad")[0].cluster)
    assert asked.told == ["squad de: 1 of 3 examples from squad.translate.train.en-de.json (4 rows)"]


@pytest.mark.parametrize(
    ("task", "path", "text", "why"),
    [
        ("xnli", "XNLI/translate-train/en-de-translated.tsv", "a\tb\tc\td\tneutral\n", "holds no translation of the 5"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", "{", "is not valid JSON"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", "[" * 9999, "is not valid JSON"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", '{"data": 3}', "not SQuAD's format"),
        ("squad", "SQuAD/translate-train/squad.translate.train.en-de.json", '{"data": []}', "holds no translation"),
        ("xnli", "de/xnli/train-en.tsv", "one column\n", "has 1 column"),
        ("xnli", "de/xnli/train-en.tsv", "a\tb\n", "have no labels"),
    ],
)
def test_hostile_files_are_one_line(asked: Asked, tmp_path: Path, task: str, path: str, text: str, why: str) -> None:
    """What is no data of the task is told with its place."""
    write(tmp_path / "mt" / path, text)
    assert why in line_of(lambda: asked(task, tmp_path / "mt"))


def test_what_a_folder_lacks_is_told_with_where_was_looked(asked: Asked, tmp_path: Path) -> None:
    """A folder that is none, a language that is not there, and one that is no language."""
    assert "Translated data are those of a folder, of hub" in line_of(lambda: asked("xnli", tmp_path / "no"))
    (tmp_path / "mt").mkdir()
    said = line_of(lambda: asked("xnli", tmp_path / "mt", "sw"), MissingData)
    assert said.startswith("xnli sw: no training data under ")
    for path in ("sw/xnli/train-sw.tsv", "sw/xnli/train-en.tsv", "XNLI/translate-train/en-sw-translated.tsv"):
        assert path in said
    assert "There is no language named '../x'" in line_of(lambda: asked("xnli", tmp_path / "mt", "../x"), UnknownName)


def test_a_folder_s_identity_is_that_of_its_files(asked: Asked, tmp_path: Path) -> None:
    """It changes with a byte of a file that is read, and with the languages; English adds nothing."""
    task, folder = task_of("xnli"), str(tmp_path / "mt")
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN))
    write(tmp_path / "mt" / "sw" / "xnli" / "train-en.tsv", lines(GERMAN))
    first = translation_identity(folder, ["de"], task)
    assert first == translation_identity(folder, ["en", "de"], task)
    assert first != translation_identity(folder, ["de", "sw"], task)
    write(tmp_path / "mt" / "de" / "xnli" / "train-en.tsv", lines(GERMAN[:-1]))
    assert first != translation_identity(folder, ["de"], task)
    assert translation_identity(folder, ["en"], task) == ""
    assert asked("xnli", folder, "en") == ()


# ------------------------------------------------------------------------------------------------------------------ hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A hub with XNLI's German training rows at the commit that the task pins."""
    xnli = task_of("xnli").hub["validation"]
    rows = [{"premise": one, "hypothesis": two, "label": NAMES.index(label)} for one, two, label in GERMAN]
    with Loopback() as one:
        files = {"de/train-00000-of-00001.parquet": parquet("tsv_pairs", rows)}
        one.put("dataset", xnli.repo, files, xnli.revision)
        for name, value in one.env(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "ENDPOINT", one.url)
        open_hub.cache_clear()
        yield one
    open_hub.cache_clear()


def test_the_hub_has_multinli_in_xnli_s_languages(asked: Asked, hub: Loopback) -> None:
    """The rows are XNLI's own translation, in the clusters of the English ones; a second time nothing is asked."""
    found = asked("mnli", "hub", english=(own := asked.english("mnli")), offline=False)
    assert [(one.id, one.cluster, one.target) for one in found] == [
        (one.id.replace("/en/", "/de/"), one.cluster, one.target) for one in own
    ]
    assert values(found[2])["hypothesis"] == ("de", "The street is wet. (de)")
    count = len(hub.asked)
    assert asked("mnli", "hub", english=own) == found
    assert len(hub.asked) == count
    assert "Looked for" in line_of(lambda: asked("mnli", "hub", "sw"), MissingData)


def test_what_the_hub_lacks_is_one_line(asked: Asked) -> None:
    """A language that XNLI has no translation into, and a task without a translated set, without asking the hub."""
    said = line_of(lambda: asked("mnli", "hub", "ja"), MissingData)
    assert said.startswith("mnli ja: facebook/xnli has translations into ar bg de")
    said = line_of(lambda: asked("squad", "hub"), SpecError)
    assert said.startswith("squad: there is no translated set on the hub for it")
    said = line_of(lambda: translation_identity("hub", ["de"], task_of("anli_plus")), SpecError)
    assert said.startswith("anli: there is no translated set")
    assert translation_identity("hub", ["de"], task_of("mnli")) != translation_identity("hub", ["fr"], task_of("mnli"))


def test_a_model_of_the_hub_is_fetched_as_safetensors(
    asked: Asked, hub: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, configuration and tokenizer come over the wire, nothing pickled; then the cache serves it offline."""
    folder = seq2seq_folder(tmp_path / "model", "m2m_100", NLLB)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    hub.put_folder("model", "someone/nllb", folder)
    found = asked("xnli", "seq2seq:someone/nllb", offline=False)
    assert not any("pytorch_model" in one for one in hub.asked)
    monkeypatch.setattr(socket.socket, "connect", None)
    assert asked("xnli", "seq2seq:someone/nllb") == found
    assert translation_identity("seq2seq:someone/nllb", ["de"], task_of("xnli"), offline=True) == translation_identity(
        f"seq2seq:{folder}", ["de"], task_of("xnli")
    )


# ---------------------------------------------------------------------------------------------------------------- model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of NLLB's kind."""
    return seq2seq_folder(tmp_path_factory.mktemp("model"), "m2m_100", NLLB)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two texts."""
    monkeypatch.setattr(_kept, "PART", 2)


def kept_file(asked: Asked) -> Path:
    """The one file of translations."""
    (path,) = asked.keep.glob("*.jsonl")
    return path


def test_a_model_translates_the_texts_and_nothing_else(asked: Asked, model: Path) -> None:
    """Labels and clusters stay, ids name the language, and no connection is opened."""
    own = asked.english("xnli")
    found = asked("xnli", f"seq2seq:{model}", "de", "en", "sw")
    assert [one.id for one in found[: len(own)]] == [f"xnli/train/de/{place}" for place in range(len(own))]
    assert [(one.target, one.cluster) for one in found] == [(one.target, one.cluster) for one in own] * 2
    assert {text.language for one in found[: len(own)] for text in one.texts.values()} == {"de"}
    assert {text.id.split("/")[2] for one in found[len(own) :] for text in one.texts.values()} == {"sw"}
    assert found[0].texts["premise"] == found[1].texts["premise"]
    assert found[0].texts["premise"].value != own[0].texts["premise"].value


def test_a_text_is_translated_once(asked: Asked, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A premise of two pairs goes to the model once, the longest texts first."""
    seen: list[str] = []

    def watched(*words: Any) -> Any:
        seen.extend(words[2])
        return translate(*words)

    monkeypatch.setattr(translated, "translate", watched)
    asked("xnli", f"seq2seq:{model}")
    every = {text.value for one in asked.english("xnli") for text in one.texts.values()}
    assert sorted(seen) == sorted(every)
    assert [len(one) for one in seen] == sorted((len(one) for one in seen), reverse=True)


def test_choices_are_translated_and_the_constant_question_is_not(asked: Asked, model: Path) -> None:
    """XCOPA asks in English in every language."""
    (found,) = asked("xcopa", f"seq2seq:{model}")
    assert values(found)["question"] == ("en", "What was the effect?")
    assert {name for name, (language, _) in values(found).items() if language == "de"} == {
        "premise",
        "choice1",
        "choice2",
    }


def test_a_killed_translation_goes_on_to_the_same_file(
    asked: Asked, model: Path, tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before is not made again, and the file has the bytes of an unbroken one."""
    unbroken = Asked(asked.folder, tmp_path / "unbroken")
    whole = unbroken("xnli", f"seq2seq:{model}")
    calls: list[int] = []

    def dying(*words: Any) -> Any:
        calls.append(len(words[2]))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return translate(*words)

    monkeypatch.setattr(translated, "translate", dying)
    with pytest.raises(KeyboardInterrupt):
        asked("xnli", f"seq2seq:{model}")
    assert not list(asked.keep.glob("*.jsonl"))
    assert len(list(asked.keep.glob("*.parts/*.jsonl"))) == 2
    assert asked("xnli", f"seq2seq:{model}") == whole
    assert sum(calls) == 2 + len({text.value for one in asked.english("xnli") for text in one.texts.values()})
    assert kept_file(asked).read_bytes() == kept_file(unbroken).read_bytes()
    assert [path.name for path in asked.keep.iterdir()] == [kept_file(asked).name]


def test_a_kept_translation_is_read_and_no_model_is(asked: Asked, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time the weights are not read; other data, another language or more beams are another file."""
    found = asked("xnli", f"seq2seq:{model}")
    monkeypatch.setattr(translated, "open_translator", None)
    assert asked("xnli", f"seq2seq:{model}") == found
    monkeypatch.undo()
    asked("xnli", f"seq2seq:{model}", "sw")
    asked("xnli", f"seq2seq:{model}", english=asked.english("xnli")[:2])
    names = sorted(path.name for path in asked.keep.glob("*.jsonl"))
    assert len(names) == 3
    assert [name[:8] for name in names] == ["xnli-de-", "xnli-de-", "xnli-sw-"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace('"target"', '"tarot"', 1), "is no row with source, target, cut, long"),
        (lambda text: text.replace('"cut": ', '"cut": 1', 1), "is not valid JSON"),
        (lambda text: text.replace('"long": false', '"long": 0', 1), "is no row with"),
        (lambda text: text.replace('"source": "', '"source": "x', 1), "is the translation of another text"),
        (lambda text: text[: text.rindex("{")], "has 8 rows, expected 9"),
        (lambda text: text.replace('"beams": 1', '"beams": 2', 1), "was made for other texts or by another model"),
        (lambda text: text.partition("\n")[2], "was made for other texts or by another model"),
        (lambda _: "[" * 9999, "is not valid JSON"),
        (lambda _: "", "is not valid JSON"),
    ],
)
def test_a_kept_file_that_was_changed_is_refused(
    asked: Asked, model: Path, change: Callable[[str], str], why: str
) -> None:
    """Each row is checked against the text that it should translate; one line tells the place."""
    asked("xnli", f"seq2seq:{model}")
    path = kept_file(asked)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert why in line_of(lambda: asked("xnli", f"seq2seq:{model}"), DataError)


def test_a_kept_text_is_checked(asked: Asked, model: Path) -> None:
    """Half a surrogate pair and a text without end are refused, and so are bytes that are no text."""
    asked("xnli", f"seq2seq:{model}")
    path = kept_file(asked)
    first, second, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    row = json.loads(second)
    for target, why in (("\ud800", "surrogate"), ("a" * 1_000_001, "1,000,001 characters long"), (3, "takes a text")):
        path.write_text("".join([first, json.dumps({**row, "target": target}) + "\n", *rest]), encoding="utf-8")
        assert why in line_of(lambda: asked("xnli", f"seq2seq:{model}"), DataError)
    path.write_bytes(b"\xff\xfe")
    assert "not valid UTF-8" in line_of(lambda: asked("xnli", f"seq2seq:{model}"), DataError)


def test_odd_translations_are_kept_and_told(asked: Asked, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones, those that did not end and those of a part are counted in one line."""
    made = [Translation("", long=True), Translation("x", cut=True)]
    monkeypatch.setattr(translated, "translate", lambda *words: [made[n % 2] for n in range(len(words[2]))])
    found = asked("xnli", f"seq2seq:{model}")
    assert {text.value for one in found for text in one.texts.values()} == {"", "x"}
    (said,) = asked.told
    counted = "5 empty, 4 not ended within its bound, 5 of a text longer than the model reads"
    assert said == f"xnli de: 9 texts are translated, {counted} ({kept_file(asked).name})"


def test_progress_is_told(asked: Asked, model: Path, small_parts: None) -> None:
    """Long translations say how far they are."""
    asked("xnli", f"seq2seq:{model}")
    assert asked.told[:2] == ["xnli de: 2 of 9 texts are translated", "xnli de: 4 of 9 texts are translated"]


@pytest.mark.parametrize(("task", "family"), [("panx", "tagging"), ("squad", "span_qa")])
def test_targets_that_do_not_survive_are_refused(asked: Asked, model: Path, task: str, family: str) -> None:
    """Tags and answers are places in a text, which its translation does not have."""
    said = line_of(lambda: asked(task, f"seq2seq:{model}"), SpecError)
    assert said.startswith(f"{task}: seq2seq translates the texts alone, and the target of {family} does not survive")
    assert said == line_of(lambda: translation_identity(f"seq2seq:{model}", ["de"], task_of(task)), SpecError)


def test_languages_and_models_that_cannot_be_are_refused_beforehand(asked: Asked, model: Path, tmp_path: Path) -> None:
    """The identity, known before anything is translated, already refuses them."""
    task = task_of("xnli")
    said = line_of(lambda: translation_identity(f"seq2seq:{model}", ["fr"], task), ModelError)
    assert "does not translate from English into fr" in said
    assert said == line_of(lambda: asked("xnli", f"seq2seq:{model}", "fr"), ModelError)
    assert "no model on the hub" in line_of(
        lambda: translation_identity("seq2seq:/no/folder", ["de"], task), ModelError
    )
    other = seq2seq_folder(tmp_path / "other", "m2m_100", NLLB, seed=1)
    names = [f"seq2seq:{one}" for one in (model, other)]
    every = [translation_identity(name, codes, task) for name in names for codes in (["de"], ["de", "sw"])]
    every.append(translation_identity(names[0], ["de"], task, beams=4))
    assert len(set(every)) == 5
