"""`show` of an attack: pasted texts, and what a model answers to them."""

from __future__ import annotations

import pytest
from tests.program import program
from tests.some import some

_PAIR = ("A cat sleeps on the mat.", "No animal is resting here.")
_ATTACK = "attack_keys:0.4@queries=50"


@pytest.mark.parametrize(
    ("texts", "options", "fields"),
    some(
        [
            (_PAIR, (), ["premise,hypothesis"]),
            (
                ("Nani aliandika kitabu hiki?", "Kitabu kiliandikwa na Juma."),
                ("-t", "xquad", "-l", "sw"),
                ["question", "context"],
            ),
            (("Obama was born in Hawaii",), ("-t", "panx"), ["tokens"]),
            (("The man fell.", "He slipped.", "He won."), ("-t", "xcopa"), ["premise,choice1,choice2"]),
        ],
        2,
        caught="test_every_family_of_answers_is_shown",
    ),
)
def test_every_family_of_answers_is_shown(texts: tuple[str, ...], options: tuple[str, ...], fields: list[str]) -> None:
    """The clean answer, what became of it for each group of fields, and the edits of each text; again the same."""
    words = ("show", _ATTACK, *texts, *(options if "-l" in options else (*options, "-l", "en")))
    ended = program(*words)
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert ", mini, clean: " in lines[0]
    attacks = [line for line in lines if line.startswith(_ATTACK)]
    assert [line.partition("@fields=")[2].partition(":")[0] for line in attacks] == fields
    assert all(" queries, " in line for line in attacks)
    assert sum("[-" in line or "{+" in line for line in lines) >= len(fields)
    assert ended.err.startswith(f"Next: robust-xtreme eval --perturb {_ATTACK} --model mini --tasks ")
    assert program(*words).out == ended.out


def test_a_label_can_be_named_as_right() -> None:
    """A wrong clean answer is not attacked, as in `eval`."""
    clean = program("show", _ATTACK, *_PAIR, "-l", "en").out.splitlines()[0]
    wrong = "entailment" if "entailment" not in clean else "neutral"
    ended = program("show", _ATTACK, *_PAIR, "-l", "en", "--gold", wrong)
    assert f"{wrong} is right" in ended.out
    assert "not attacked: the answer to the clean texts is wrong already" in ended.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            (*_PAIR, "-l", "en", "--gold", "maybe"),
            "xnli has no label 'maybe' to be --gold. Known: entailment, ",
        ),
        (("Where?", "-l", "en", "-t", "lareqa"), "lareqa searches documents, and a pasted text has none"),
        (("Where?", "-l", "en"), "xnli needs 2 texts that are not empty: premise, hypothesis."),
        (("Where?", " ", "-l", "en"), "TEXT... is empty."),
        ((*_PAIR, "-l", "tlh"), "attack_keys does not serve tlh: unknown language."),
        ((*_PAIR, "-l", "en", "-m", "nowhere"), "There is no model folder 'nowhere'."),
    ],
)
def test_what_cannot_be_attacked_is_one_line(words: tuple[str, ...], line: str) -> None:
    """Each mistake is named."""
    ended = program("show", _ATTACK, *words)
    assert ended.code == 2
    assert line in ended.err
    assert len(ended.err.splitlines()) == 1


def test_noise_is_shown_in_one_text() -> None:
    """Words without quotes are several texts, and noise asks no model: the line says so."""
    ended = program("show", "char_noise:0.1", "Habari", "ya", "asubuhi", "-l", "sw")
    assert (ended.code, ended.out) == (2, "")
    assert "is shown in one text; 3 are given. Quote a text with spaces." in ended.err
    ended = program("show", "char_noise:0.1", "Habari", "-l", "sw", "--gold", "entailment")
    assert (ended.code, ended.out) == (2, "")
    assert "--model, --tasks and --gold are for attacks, and char_noise:0.1 asks no model." in ended.err
