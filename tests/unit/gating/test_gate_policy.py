"""A policy is read from TOML, refuses what it does not know, and says what counts for a row."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from robust_xtreme.core.errors import SpecError
from robust_xtreme.gating.policy import Accepted, Policy, Rule, read

POLICY: Final = """\
margin = 1
alpha = 0.1
undecided = "fail"
missing = "warn"
correction = "by"
family = "task"
scales = ["clean", "perturbed", "change"]
[[rule]]
task = "xnli"
margin = 4
[[rule]]
task = "*"
language = "sw"
perturbation = "char_noise"
required = true
[[accepted]]
task = "xnli"
language = "sw"
condition = "clean"
scale = "clean"
reason = "smaller tokenizer"
expires = 2027-03-31
"""


def _row(task: str = "xnli", language: str = "sw", condition: str = "clean", context: str = "") -> dict[str, str]:
    return {"task": task, "language": language, "context_language": context or language, "condition": condition}


def _read(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "gate.toml"
    path.write_text(text, "utf-8")
    return read(path)


def test_a_policy_is_read(tmp_path: Path) -> None:
    """Every key of a file is in the policy; an empty file is the default."""
    rules = (Rule("xnli", margin=4.0), Rule("*", "sw", "char_noise", required=True))
    accepted = Accepted("xnli", "sw", "clean", "clean", "smaller tokenizer", date(2027, 3, 31))
    scales = ("clean", "perturbed", "change")
    assert _read(tmp_path, POLICY) == Policy(1.0, 0.1, "fail", "warn", "by", "task", scales, rules, (accepted,))
    assert _read(tmp_path, "") == Policy()


def test_a_day_can_be_a_string(tmp_path: Path) -> None:
    """An expiry in quotes is the same day."""
    assert _read(tmp_path, POLICY.replace("2027-03-31", '"2027-03-31"')) == _read(tmp_path, POLICY)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("margin = 1", "margn = 1", "margn"),
        ("required", "require", "require"),
        ("reason", "reasn", "reasn"),
        ('reason = "smaller tokenizer"', "", "reason' is missing"),
        ('"smaller tokenizer"', '" "', "reason' is empty"),
        ("margin = 1", "margin = true", "not True"),
        ("margin = 1", "margin = nan", "not nan"),
        ("margin = 4", "margin = -4", "not -4"),
        ("alpha = 0.1", "alpha = 5", "alpha' takes"),
        ("alpha = 0.1", "alpha = 0", "alpha' is 0"),
        ('undecided = "fail"', 'undecided = "no"', "undecided"),
        ('missing = "warn"', 'missing = "pass"', "missing"),
        ('"by"', '"bonferroni"', "bonferroni"),
        ('"change"]', '"drop"]', "drop"),
        ('["clean", "perturbed", "change"]', "[]", "scales' is empty"),
        (
            "2027-03-31",
            "2027-03-31T10:00:00",
            "2027-03-31T10:00:00",
        ),
        ("2027-03-31", '"soon"', "soon"),
        ("[[accepted]]", "[accepted]", "takes tables"),
        ("margin = 1", "margin =", "toml"),
    ],
)
def test_what_a_policy_does_not_know_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    """An unknown key has the nearest known one, a wrong value its key and what it takes, in one line with the file."""
    assert old in POLICY
    with pytest.raises(SpecError) as refused:
        _read(tmp_path, POLICY.replace(old, new, 1))
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / 'gate.toml'}: ")
    assert says in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A policy that does not exist is one line."""
    with pytest.raises(SpecError, match="no such file"):
        read(tmp_path / "gate.toml")


def test_a_value_from_python_is_checked_too() -> None:
    """A policy that is not read from a file has the same checks."""
    with pytest.raises(SpecError, match="not 101"):
        Policy(margin=101)
    with pytest.raises(SpecError, match="'scale'"):
        Accepted("xnli", "", "clean", "level", "why", date(2027, 1, 1))


def test_the_last_rule_with_a_key_counts() -> None:
    """A row has the margin of the last rule that matches and has one, and is required if the last that says so does."""
    rules = (
        Rule(task="xnli", margin=4.0, required=True),
        Rule(language="sw", margin=1.0),
        Rule("*", "de", required=False),
    )
    policy = Policy(rules=rules)
    margins = [policy.margin_of(_row(task, language)) for task in ("xnli", "xquad") for language in ("sw", "en", "de")]
    assert margins == [1.0, 4.0, 4.0, 1.0, 2.0, 2.0]
    assert [policy.is_required(_row("xnli", language)) for language in ("sw", "en", "de")] == [True, True, False]
    assert not policy.is_required(_row("xquad", "sw"))


@pytest.mark.parametrize("name", ["char_noise", "char_noise:0.1", "char_noise:0.1@fields=premise", "*", ""])
def test_a_perturbation_is_named_with_or_without_strength_and_fields(name: str) -> None:
    """A rule about a perturbation matches all of its conditions, one with a strength those of that strength."""
    assert Rule(perturbation=name).matches(_row(condition="char_noise:0.1@fields=premise"))
    assert Rule(perturbation=name).matches(_row()) == (name in ("", "*"))
    assert Rule(perturbation=name).matches(_row(condition="char_noise:0.2")) == (name in ("char_noise", "", "*"))


def test_languages_are_named_as_they_are_shown() -> None:
    """A pair is `question@context`, and a rule about a language is not about the average of a task."""
    pair = _row("mlqa", "de", context="en")
    assert Rule(language="de@en").matches(pair)
    assert not Rule(language="de").matches(pair)
    assert not Rule(language="de").matches(_row(language=""))


def test_an_acceptance_is_of_one_row() -> None:
    """Task, language, condition and scale are those of the row; the one that expires last is taken."""
    short, long = (Accepted("xnli", "sw", "clean", "clean", "why", date(year, 1, 1)) for year in (2027, 2028))
    policy = Policy(accepted=(long, short))
    row = _row() | {"scale": "clean"}
    assert policy.accepted_of(row) is long
    for other in (
        {"task": "xquad"},
        {"language": "", "context_language": ""},
        {"condition": "a:1"},
        {"scale": "change"},
    ):
        assert policy.accepted_of(row | other) is None


@pytest.mark.parametrize(
    ("condition", "matches"), [("char_noise:0.1", True), ("char_noise:0.1@fields=context", True), ("char_noise", False)]
)
def test_an_accepted_condition_is_named_with_or_without_its_fields(condition: str, matches: bool) -> None:
    """A condition as it was asked for is accepted, whatever fields it noises."""
    accepted = Accepted("xquad", "sw", condition, "perturbed", "why", date(2027, 1, 1))
    assert (
        accepted.matches(_row("xquad", condition="char_noise:0.1@fields=context") | {"scale": "perturbed"}) == matches
    )
    assert not accepted.matches(_row("xquad", condition="char_noise:0.2@fields=context") | {"scale": "perturbed"})
