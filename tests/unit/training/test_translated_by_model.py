"""Training data that a translation model makes: kept, killed, resumed and checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.seq2seq import NLLB, seq2seq_folder
from tests.translating import Asked, english_folder, line_of, values

from robust_xtreme.core.errors import DataError, ModelError, SpecError
from robust_xtreme.training import _translator, translated
from robust_xtreme.training._translator import Translation, translate


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """The call on a folder of English data."""
    return Asked(english_folder(tmp_path / "english"), tmp_path / "keep")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of NLLB's kind."""
    return seq2seq_folder(tmp_path_factory.mktemp("model"), "m2m_100", NLLB)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two texts."""
    monkeypatch.setattr(translated, "PART", 2)


def kept_file(asked: Asked) -> Path:
    """The one file of translations."""
    (path,) = asked.keep.glob("*.jsonl")
    return path


def test_a_model_translates_the_texts_and_nothing_else(asked: Asked, model: Path) -> None:
    """Labels and clusters stay, ids name the language, and no connection is opened."""
    english = asked.english("xnli")
    translated = asked("xnli", f"seq2seq:{model}", "de", "en", "sw")
    assert [example.id for example in translated[: len(english)]] == [
        f"xnli/train/de/{number}" for number in range(len(english))
    ]
    assert [(example.target, example.cluster) for example in translated] == [
        (example.target, example.cluster) for example in english
    ] * 2
    assert {text.language for example in translated[: len(english)] for text in example.texts.values()} == {"de"}
    assert {text.id.split("/")[2] for example in translated[len(english) :] for text in example.texts.values()} == {
        "sw"
    }
    assert translated[0].texts["premise"] == translated[1].texts["premise"]
    assert translated[0].texts["premise"].value != english[0].texts["premise"].value


def test_choices_are_translated_and_the_constant_question_is_not(asked: Asked, model: Path) -> None:
    """XCOPA asks in English in every language."""
    (example,) = asked("xcopa", f"seq2seq:{model}")
    assert values(example)["question"] == ("en", "What was the effect?")
    assert {name for name, (language, _) in values(example).items() if language == "de"} == {
        "premise",
        "choice1",
        "choice2",
    }


def test_a_killed_translation_continues_to_the_same_file(
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

    monkeypatch.setattr(_translator, "translate", dying)
    with pytest.raises(KeyboardInterrupt):
        asked("xnli", f"seq2seq:{model}")
    assert not list(asked.keep.glob("*.jsonl"))
    assert len(list(asked.keep.glob("*.parts/[!.]*.jsonl"))) == 2
    assert asked("xnli", f"seq2seq:{model}") == whole
    assert sum(calls) == 2 + len({text.value for example in asked.english("xnli") for text in example.texts.values()})
    assert kept_file(asked).read_bytes() == kept_file(unbroken).read_bytes()
    assert [path.name for path in asked.keep.iterdir()] == [kept_file(asked).name]


def test_what_a_user_puts_beside_parts_stays(
    asked: Asked, model: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, an edited part and what is in the place of a temporary file; what was written there goes."""

    mine: list[Path] = []

    def planting(*words: Any) -> Any:
        parts = [*asked.keep.glob("*.parts/000000.jsonl")]
        if parts and not mine:
            mine.extend((parts[0], parts[0].with_name("mine.txt"), parts[0].with_name(".000001.jsonl.0a.tmp")))
            for path in mine:
                path.write_bytes((path.read_bytes() if path.exists() else b"mine") + b"\n")
        return translate(*words)

    monkeypatch.setattr(_translator, "translate", planting)
    asked("xnli", f"seq2seq:{model}")
    (parts,) = asked.keep.glob("*.parts")
    assert sorted(parts.iterdir()) == sorted(mine)


def test_a_kept_translation_is_read_and_no_model_is(asked: Asked, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time the weights are not read; other data or another language are another file."""
    translations = asked("xnli", f"seq2seq:{model}")
    monkeypatch.setattr(_translator, "open_translator", None)
    assert asked("xnli", f"seq2seq:{model}") == translations
    monkeypatch.undo()
    asked("xnli", f"seq2seq:{model}", "sw")
    asked("xnli", f"seq2seq:{model}", english=asked.english("xnli")[:2])
    names = sorted(path.name for path in asked.keep.glob("*.jsonl"))
    assert len(names) == 3
    assert [name[:8] for name in names] == ["xnli-de-", "xnli-de-", "xnli-sw-"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace('"target"', '"tarot"', 1), "is not a row"),
        (lambda text: text.replace('"cut": ', '"cut": 1', 1), "JSON"),
        (lambda text: text.replace('"source": "', '"source": "x', 1), "another text"),
        (lambda text: text[: text.rindex("{")], "8 rows"),
        (lambda text: text.replace('"beams": 1', '"beams": 2', 1), "another model"),
        (lambda _: "[" * 9999, "too deep"),
        (lambda _: "", "JSON"),
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
    """Half a surrogate pair and a text without end are refused, and so are bytes that are not text."""
    asked("xnli", f"seq2seq:{model}")
    path = kept_file(asked)
    first, second, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    row = json.loads(second)
    for target, why in (("\ud800", "surrogate"), ("a" * 1_000_001, "1,000,001"), (3, "takes a text")):
        path.write_text("".join([first, json.dumps({**row, "target": target}) + "\n", *rest]), encoding="utf-8")
        assert why in line_of(lambda: asked("xnli", f"seq2seq:{model}"), DataError)
    path.write_bytes(b"\xc3\x28")
    assert "not valid UTF-8" in line_of(lambda: asked("xnli", f"seq2seq:{model}"), DataError)


def test_odd_translations_are_kept_and_reported(asked: Asked, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones, those that did not end and those of a part are counted in one line."""
    made = [Translation("", long=True), Translation("x", cut=True)]
    monkeypatch.setattr(_translator, "translate", lambda *words: [made[n % 2] for n in range(len(words[2]))])
    translations = asked("xnli", f"seq2seq:{model}")
    assert {text.value for example in translations for text in example.texts.values()} == {"", "x"}
    (message,) = asked.messages
    assert "5 empty" in message


@pytest.mark.parametrize(("task", "family"), [("panx", "tagging"), ("squad", "span_qa")])
def test_targets_that_do_not_survive_are_refused(asked: Asked, model: Path, task: str, family: str) -> None:
    """Tags and answers are places in a text, which its translation does not have."""
    assert family in line_of(lambda: asked(task, f"seq2seq:{model}"), SpecError)


def test_languages_and_models_that_cannot_be_are_refused_beforehand(asked: Asked, model: Path) -> None:
    """Before anything is translated."""
    assert "into fr" in line_of(lambda: asked("xnli", f"seq2seq:{model}", "fr"), ModelError)
    assert "/no/folder" in line_of(lambda: asked("xnli", "seq2seq:/no/folder"), ModelError)
    assert not asked.keep.exists()


def test_another_model_has_a_file_of_its_own(asked: Asked, model: Path, tmp_path: Path) -> None:
    """Its weights are part of the name."""
    other = seq2seq_folder(tmp_path / "other", "m2m_100", NLLB, seed=1)
    for folder in (model, other):
        asked("xnli", f"seq2seq:{folder}")
    assert len(list(asked.keep.glob("*.jsonl"))) == 2
