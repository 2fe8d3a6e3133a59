"""The grammar of perturbations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import Origin, PerturbationSpec, canonical, canonical_strength


@pytest.mark.parametrize(
    ("written", "canonical"), [("0.10", "0.1"), ("1", "1"), ("1.0", "1"), ("0", "0"), ("0.000", "0"), ("5e-2", "0.05")]
)
def test_strengths_are_canonical_decimals(written: str, canonical: str) -> None:
    """A strength is one decimal, however it was typed."""
    assert canonical_strength(written) == canonical


@pytest.mark.parametrize("bad", ["０.１", "٠.١", "0_1", "1_0e-2", "0x1", "infinity", "½", "1e-99999999999999999999"])
def test_a_strength_has_the_digits_0_to_9(bad: str) -> None:
    """What looks like a number to Python alone is not a strength."""
    with pytest.raises(SpecError, match="not a number"):
        canonical_strength(bad)


def test_a_strength_that_is_too_small_says_so() -> None:
    """The message names the least strength; a zero of any length is 0."""
    with pytest.raises(SpecError, match="1e-400"):
        canonical_strength("1e-400")
    assert (canonical_strength("1e-20"), canonical_strength("0e-400")) == ("0." + "0" * 19 + "1", "0")


@pytest.mark.parametrize(
    "bad", ["-1", "-0", "2", "nan", "inf", "", "a", "0.1.2", "-0.0001", "sNaN", "1e-400", "0." + "1" * 21]
)
def test_a_strength_outside_the_unit_interval_is_refused_by_name(bad: str) -> None:
    """The error repeats what was typed."""
    with pytest.raises(SpecError, match="strength"):
        canonical_strength(bad)


@pytest.mark.parametrize(
    "text",
    [
        "char_noise",
        "char_noise:0.1",
        "char_noise:0.05,0.1,0.2",
        "char_noise:0.1@ops=delete,replace",
        "keyboard_typo:0.05,0.1@fields=question",
        "a:1+b:0.05,0.1",
        "nlpaug.keyboard:0.1",
        "a:1@x=1@y=2+b:0.1@fields=context,question",
    ],
)
def test_a_spec_round_trips_through_its_text(text: str) -> None:
    """`str` gives back what `parse` read."""
    spec = PerturbationSpec.parse(text)
    assert str(spec) == text
    assert PerturbationSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("char_noise:0.1,keyboard_typo:0.2", "--perturb char_noise:0.1 --perturb keyboard_typo:0.2"),
        ("char_noise:0.1, 0.2 , casing:.3", "--perturb char_noise:0.1, 0.2 --perturb casing:.3"),
        ("char_noise:0.1,@smoke", "--perturb char_noise:0.1 --perturb @smoke"),
        ("char_noise:0.1@fields=question,casing:0.2", "--perturb char_noise:0.1@fields=question --perturb casing:0.2"),
    ],
)
def test_perturbations_with_a_comma_between_them_are_repeated_options(text: str, options: str) -> None:
    """A comma separates strengths, and values of a parameter; the error has the options to write."""
    with pytest.raises(SpecError) as refused:
        canonical(text)
    assert options in str(refused.value)
    for kept in ("char_noise:0.1,0.2@ops=delete,swap", "char_noise:0.1@fields=question,context"):
        assert canonical(kept) == kept


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
            st.lists(st.decimals(0, 1, places=3), min_size=1, max_size=1),
            st.dictionaries(
                st.from_regex(r"[a-z]{1,5}", fullmatch=True),
                st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True),
                max_size=3,
            ),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_written_chain_round_trips(links: list[tuple[str, list[object], dict[str, str]]]) -> None:
    """Parsing is the inverse of printing for chains of any shape."""
    text = "+".join(
        f"{name}:{strengths[0]}" + "".join(f"@{key}={value}" for key, value in options.items() if key != "fields")
        for name, strengths, options in links
    )
    spec = PerturbationSpec.parse(text)
    assert PerturbationSpec.parse(str(spec)) == spec


def test_each_strength_of_the_last_link_is_a_cell() -> None:
    """Cells keep the order written and drop what was written twice."""
    spec = PerturbationSpec.parse("a:1+b:0.2,0.05,0.20")
    assert [str(cell) for cell in spec.cells()] == ["a:1+b:0.2", "a:1+b:0.05"]
    assert [cell.nominal for cell in spec.cells()] == ["0.2", "0.05"]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ":0.1",
        "Char_noise:0.1",
        "char_noise:",
        "char_noise:0.1,",
        "char_noise:0.1@ops",
        "char_noise:0.1@=x",
        "char_noise:0.1@ops=",
        "a:0.1,0.2+b:0.1",
        "a:0.1@fields=x+b:0.1@fields=y",
        "char_noise:0.1@ops=a@ops=b",
        "char noise:0.1",
        "../x:0.1",
    ],
)
def test_a_spec_that_cannot_be_read_is_refused_in_one_line(bad: str) -> None:
    """No traceback, no guess."""
    with pytest.raises(SpecError) as refusal:
        PerturbationSpec.parse(bad)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", ["char_noise", "a+b:0.1"])
def test_a_spec_without_a_strength_has_no_cells(bad: str) -> None:
    """A cell needs a strength for each link."""
    with pytest.raises(SpecError, match="no strength"):
        PerturbationSpec.parse(bad).cells()


def test_ids_name_task_split_language_and_row() -> None:
    """Example and text ids follow one form."""
    origin = Origin("xnli", "validation", "sw")
    assert origin.id("17") == "xnli/validation/sw/17"
    assert origin.shared("premise", "nli/5") == "xnli/validation/sw/premise/nli/5"
