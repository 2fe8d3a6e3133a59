"""perturb and show: the engine from Python and from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.conformance.texts import SENTENCES
from tests.program import program
from typer.testing import CliRunner

import robust_xtreme
from robust_xtreme.api import noised_strings
from robust_xtreme.cli._app import build
from robust_xtreme.cli.show import diff
from robust_xtreme.core.errors import SpecError, UnknownName, UserError
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.sinks import inert
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts

_SW = SENTENCES["sw"]


def _show(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(), ["show", *words])
    return result.exit_code, result.stdout


def _examples() -> list[Example]:
    texts = {name: Text(f"{name}/1", "sw", _SW) for name in ("premise", "hypothesis")}
    return [Example("e/1", texts, Choice(0), "c")]


def test_strings_give_strings_in_order() -> None:
    """As many strings come back as went in; equal ones are equal still."""
    noised = robust_xtreme.perturb([_SW, "", _SW], "char_noise:0.3", language="sw")
    assert noised[0] == noised[2] != _SW
    assert noised[1] == ""


@pytest.mark.parametrize("half", ["\ud800", "\ud83d\ude00"])
def test_half_of_a_surrogate_pair_is_refused(half: str) -> None:
    """A string that cannot be written as UTF-8 is named by its number, in strings and in Examples."""
    example = Example("e", {"text": Text("t", "sw", half)}, Choice(0), "c")
    calls: dict[str, Callable[[], object]] = {
        "text 2 of 2": lambda: robust_xtreme.perturb(["a", "a" + half], "char_noise:0.3", language="sw"),
        "text 1 of 1": lambda: robust_xtreme.perturb([example], "char_noise:0.3"),
    }
    for begins, call in calls.items():
        with pytest.raises(UserError, match=f"^{begins}, .*surrogate") as caught:
            call()
        assert str(caught.value).isascii()


def test_seeds_differ_and_repeat() -> None:
    """One seed gives one noise, another another."""
    first, again, other = (robust_xtreme.perturb([_SW], "char_noise:0.3", language="sw", seed=n) for n in (1, 1, 2))
    assert first == again != other


def test_examples_get_the_noise_of_an_evaluation() -> None:
    """perturb and the evaluation draw by the same ids, so they make the same texts."""
    examples = _examples()
    noised = robust_xtreme.perturb(examples, "char_noise:0.3@fields=premise", seed=3)
    expected = noise_texts([examples[0].texts["premise"]], PerturbationSpec.parse("char_noise:0.3"), 3)[0]
    assert noised[0].texts["premise"] == expected.text
    assert noised[0].texts["hypothesis"] == examples[0].texts["hypothesis"]
    assert noised[0].fingerprint == examples[0].fingerprint


def test_examples_are_noised_on_all_fields_where_none_is_named() -> None:
    """Without @fields= every text of an example changes."""
    noised = robust_xtreme.perturb(_examples(), "char_noise:0.5")[0]
    assert all(text.value != _SW for text in noised.texts.values())


def test_nothing_gives_nothing() -> None:
    """An empty list comes back empty, with or without a language."""
    assert robust_xtreme.perturb([], "char_noise:0.1", language="sw") == []


@pytest.mark.parametrize(
    ("spec", "language", "error", "words"),
    [
        ("char_noise:0.1", None, UserError, "need their language"),
        ("char_noise:0.1", "xx", UnknownName, "'xx'"),
        ("char_noise:0.1,0.2", "sw", SpecError, "lists 2 strengths"),
        ("char_noise:nan", "sw", SpecError, "between 0 and 1"),
        ("char_noise:-1", "sw", SpecError, "between 0 and 1"),
        ("char_noise:", "sw", SpecError, "missing"),
        ("char_noise:0.1@fields=premise", "sw", SpecError, "strings have none"),
    ],
)
def test_a_mistake_is_one_line(spec: str, language: str | None, error: type[Exception], words: str) -> None:
    """What was wrong and what to write instead, without a line break."""
    with pytest.raises(error, match=words) as caught:
        robust_xtreme.perturb([_SW], spec, language=language)
    assert "\n" not in str(caught.value)


def test_one_string_alone_is_not_a_list_of_letters() -> None:
    """A string instead of a list is refused, and so are strings among Examples and unknown fields."""
    with pytest.raises(UserError, match="a list"):
        robust_xtreme.perturb(_SW, "char_noise:0.1", language="sw")
    mixed: list[object] = [*_examples(), "a"]
    with pytest.raises(UserError, match="not both"):
        robust_xtreme.perturb(mixed, "char_noise:0.1")  # type: ignore[type-var]  # the mistake under test
    with pytest.raises(UserError, match="not int: 7"):
        robust_xtreme.perturb([7], "char_noise:0.1", language="sw")  # type: ignore[type-var]  # the mistake under test
    with pytest.raises(SpecError, match="no field 'context'"):
        robust_xtreme.perturb(_examples(), "char_noise:0.1@fields=context")


def test_an_example_in_an_unserved_language_is_refused() -> None:
    """perturb never hands back as noisy what it left clean."""
    strange = Example("e/1", {"premise": Text("p", "xx", "abc")}, Choice(0), "c")
    with pytest.raises(UserError, match="'xx'"):
        robust_xtreme.perturb([strange], "char_noise:0.1")


def test_show_prints_a_line_for_each_strength() -> None:
    """The edits are in the text, the shares beside it; more strength adds edits and takes none away."""
    code, output = _show("char_noise:0,0.2,0.6", _SW, "--languages", "sw")
    lines = output.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == ["strength", "0", "0.2", "0.6"]
    assert _SW in lines[1]
    assert "unchanged" in lines[1]
    assert "%" in lines[2]


def test_show_takes_one_text_and_no_attack() -> None:
    """Words without quotes are several texts, and an attack asks a model; both are refused in one line."""
    for words, said in (
        (("char_noise:0.1", "Habari", "ya", "asubuhi"), "3 are given"),
        (("attack_keys:0.2@queries=50", "Habari"), "asks a model"),
    ):
        ended = program("show", *words, "-l", "sw")
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1


def test_show_marks_the_edits_without_colours() -> None:
    """What was taken out and put in can be read off a plain terminal and put together again."""
    noised = noised_strings([_SW], PerturbationSpec.parse("char_noise:0.4"), "sw", 0)[0]
    plain = diff(noised, coloured=False).plain
    assert "[-" in plain
    assert "{+" in plain
    assert diff(noised, coloured=True).plain.replace(" ", "") != noised.text.value.replace(" ", "")


def test_show_compares_a_chain_as_a_whole() -> None:
    """A chain shows the difference between its two ends."""
    code, output = _show("char_noise:0.3+char_noise:0.3", _SW, "-l", "sw")
    assert code == 0
    assert "{+" in output


def test_control_and_bidirectional_characters_are_made_visible() -> None:
    """What would turn the line around or move the cursor is written out; joiners inside letters stay."""
    assert inert("a\u202eb\x1b[1m\u200d") == "a<U+202E>b<U+001B>[1m\u200d"
    _, output = _show("char_noise:0", "ab\u2066c\x07", "-l", "en")
    assert "<U+2066>" in output
    assert "\x07" not in output


def test_show_refuses_in_one_line() -> None:
    """A mistake is exit code 2."""
    code, _ = _show("char_nois:0.1", _SW, "-l", "sw")
    assert code == 2


@pytest.mark.parametrize("seed", [None, "x", 0.5, True])
def test_a_seed_that_is_not_a_whole_number_is_refused(seed: Any) -> None:
    """It would only seem to be a seed: every value draws something."""
    with pytest.raises(UserError, match="whole number"):
        robust_xtreme.perturb([_SW], "char_noise:0.1", language="sw", seed=seed)
