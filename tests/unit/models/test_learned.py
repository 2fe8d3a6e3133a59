"""Which languages a checkpoint's head was trained on: the user's word, the model card's, or nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.checkpoints import NLI, SEQUENCE, checkpoint
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UnknownName
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.located import locate_all
from robust_xtreme.models.origin import card_languages, given_models, parse_trained_on

XNLI = registry.load("task", "xnli")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a model card."""
    folder = checkpoint(tmp_path_factory.mktemp("made") / "nli", "bert", SEQUENCE, NLI)
    (folder / "README.md").write_text("---\nlanguage: en\n---\n# NLI\n")
    return folder


def settings(model: Path, *trained_on: str) -> tuple[str, list[str]]:
    """Who names the languages of a model for XNLI, and the settings of English, German and Swahili."""
    spec = RunSpec((str(model),), data="x", trained_on=trained_on)
    learned = locate_all(given_models(spec), (XNLI,))["xnli"].learned
    return learned.by, [learned.setting(code) for code in ("en", "de", "sw")]


def test_a_checkpoint_without_a_word_on_its_languages_claims_nothing(made: Path, tmp_path: Path) -> None:
    """Neither `in_language` nor `zero_shot` is known of a checkpoint without a card."""
    bare = checkpoint(tmp_path / "nli", "bert", SEQUENCE, NLI)
    assert settings(bare) == ("", ["unknown"] * 3)
    assert settings(made) == ("model card", ["in_language", "zero_shot", "zero_shot"])
    assert settings(tiny_run(tmp_path / "run", ["xnli"])) == ("", ["unknown"] * 3)


def test_the_user_names_the_languages(made: Path) -> None:
    """For all models or for the one of a task; the card then does not count."""
    assert settings(made, "de,sw") == ("--trained-on", ["zero_shot", "in_language", "in_language"])
    assert settings(made, "de", "xnli=sw") == ("--trained-on", ["zero_shot", "zero_shot", "in_language"])
    assert settings(made, "none") == ("--trained-on", ["zero_shot"] * 3)


def test_the_record_of_a_run_is_not_contradicted() -> None:
    """The user's word is for models without a record."""
    for word in ("en", "xnli=en"):
        with pytest.raises(SpecError, match="--trained-on"):
            locate_all(given_models(RunSpec(data="mini", trained_on=(word,))), (XNLI,))
    with pytest.raises(SpecError, match="'panx'"):
        locate_all(given_models(RunSpec(data="mini", trained_on=("panx=en",))), (XNLI,))


@pytest.mark.parametrize("word", ["", "english", "en,", "=en", "xnli=", "en,none", "EN", "xnli=en=de", "en de"])
def test_what_is_not_a_list_of_codes_is_refused(word: str) -> None:
    """In one line with an example."""
    with pytest.raises((SpecError, UnknownName)):
        parse_trained_on([word])
    with pytest.raises(SpecError, match="twice"):
        parse_trained_on(["xnli=en", "xnli=de"])
    assert parse_trained_on(["en", "de"]) == parse_trained_on(["en,de"]) == {"": ("en", "de")}


@pytest.mark.parametrize("code", ["eng", "xx", "zz", "iw", "quy"])
def test_a_code_of_no_language_is_refused(code: str) -> None:
    """It would make every cell `zero_shot`; a language that no task has is still a language."""
    near = ".*'en'" if code == "eng" else ""
    for word in (code, f"xnli=en,{code}"):
        with pytest.raises(UnknownName, match=f"'{code}'{near}"):
            parse_trained_on([word])
    assert parse_trained_on(["pl,sv,luo"]) == {"": ("pl", "sv", "luo")}


CARDS = {
    "one": ("language: en", ("en",)),
    "quoted, since no is false in YAML": ("license: mit\nlanguage: 'no'", ("no",)),
    "brackets": ('language: [en, "de" , zh-CN]', ("en", "de", "zh")),
    "lines": ("language:\n- en\n- pt_BR # Brazil\ntags:\n- de", ("en", "pt")),
    "indented": ("language: # all\n  - sw\n  - en", ("sw", "en")),
    "a code of three letters": ("language: [quy, en]", None),
    "one that tasks use": ("language: [luo]", ("luo",)),
    "open": ("language: [multilingual, en]", None),
    "named twice": ("language: en\nlanguage: de", None),
    "a word": ("language: English", None),
    "no language": ("language: xx", None),
    "a country": ("language: [en, jp]", None),
    "nothing": ("language:\nlicense: mit", None),
    "null": ("language: null", None),
    "an anchor": ("a: &a [x]\nlanguage: *a", None),
    "a tag": ('language: !!python/object/apply:os.system ["true"]', None),
    "of a part": ("model:\n  language: en", None),
}


@pytest.mark.parametrize(("header", "languages"), CARDS.values(), ids=CARDS.keys())
def test_a_card_names_languages_by_their_codes(header: str, languages: tuple[str, ...] | None, tmp_path: Path) -> None:
    """Where anything else is among them, the card says nothing."""
    (tmp_path / "README.md").write_text(f"---\n{header}\n---\nlanguage: fr\n")
    assert card_languages(tmp_path) == languages


def test_a_hostile_card_says_nothing(tmp_path: Path) -> None:
    """No card, a folder, a device, a pipe, other bytes, a header without an end, and one that is very long."""
    card = tmp_path / "README.md"
    assert card_languages(tmp_path) is None
    for text in (b"", b"\xff\xfe\x00---", b"---\nlanguage: en\n", b"# en\n---\nlanguage: en\n---\n"):
        card.write_bytes(text)
        assert card_languages(tmp_path) is None
    card.write_bytes(b"---\nlanguage: en\n" + b"- [" * 10_000_000 + b"\n---\n")
    assert card_languages(tmp_path) is None
    card.unlink()
    card.symlink_to("/dev/zero")
    assert card_languages(tmp_path) is None
    card.unlink()
    os.mkfifo(card)
    assert card_languages(tmp_path) is None
    card.unlink()
    card.mkdir()
    assert card_languages(tmp_path) is None
