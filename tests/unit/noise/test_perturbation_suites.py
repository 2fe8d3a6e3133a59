"""Suites of perturbations: what names mean, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import SpecError, UnknownName, UserError
from robust_xtreme.core.specs import PerturbationSpec, canonical
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.noise.suites import asked, check_perturb, names, refusing, single, suite, unsupported

SURFACE = [
    "casing",
    "char_noise",
    "diacritics",
    "keyboard_typo",
    "natural_typo",
    "normalisation",
    "ocr_noise",
    "punctuation",
    "repetition",
    "spacing",
]
FACTS = 'source = "us"\nlicence = "CC0-1.0"\nstanding = "authored"\n'


def written(folder: Path, text: str) -> Path:
    """A folder of packs with the suite `mine`."""
    (folder / "suites").mkdir(parents=True, exist_ok=True)
    (folder / "suites" / "mine.toml").write_text(text + "\n" + FACTS, encoding="utf-8")
    return folder


def test_the_surface_suite_is_all_surface_noise_there_is() -> None:
    """Each at two strengths; order and loss of words are not surface noise, and rewriters are named separately."""
    specs = suite("@surface").specs
    assert [spec.name for spec in specs] == sorted(set(SURFACE) & set(registry.names("perturbation")))
    assert all(len(spec.cells()) == 2 for spec in specs)


def test_every_bundled_suite_is_cheap_enough_for_its_name() -> None:
    """One cell for a smoke test, a few for a gate."""
    bundled = "@adversary @channel @ci @mixed @natural @script @smoke @stress @surface"
    assert names() == tuple(bundled.split())
    sizes = {name: len(asked([name])) for name in names()}
    assert sizes["@smoke"] <= 2 < sizes["@ci"] <= 6


def test_the_adversary_has_a_fixed_budget() -> None:
    """Each of its cells is an attack that names its queries, so that a new default changes no level that is gated."""
    cells = [str(each.cell) for each in asked(["@adversary"])]
    assert all(cell.startswith("attack_") and "@queries=50" in cell for cell in cells)


def test_what_is_named_itself_is_not_of_a_suite() -> None:
    """Cells come in the order written, each once; one that is named beside its suite is refused like any named one."""
    specs = asked(["@smoke", "char_noise:0.1,0.2", "@smoke"])
    assert [(str(spec.cell), spec.suite) for spec in specs] == [("char_noise:0.1", ""), ("char_noise:0.2", "")]
    assert [spec.suite for spec in asked(["@smoke"])] == ["@smoke"]
    shared = [each for each in asked(["@ci", "@smoke"]) if str(each.cell) == "char_noise:0.1"]
    assert [each.suite for each in shared] == ["@ci"]


def test_a_suite_of_one_perturbation_replaces_it_where_a_file_is_written(tmp_path: Path) -> None:
    """A file is perturbed by such a suite as by the perturbation itself; one of several strengths is refused."""
    (tmp_path / "in").write_text("Habari ya asubuhi, watoto wote\n", encoding="utf-8")
    for name, spec in (("a", "@smoke"), ("b", "char_noise:0.1")):
        perturb_file(PerturbJob(str(tmp_path / "in"), spec, str(tmp_path / name), language="sw", format="lines"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with (
        packs.using(written(tmp_path / "packs", 'summary = "Mine."\nspecs = ["char_noise:0.1,0.2"]')),
        pytest.raises(SpecError, match="2 perturbations"),
    ):
        single("@mine")


def test_users_suites_are_found_first(tmp_path: Path) -> None:
    """A suite of a folder of packs goes by its name, while these packs are used."""
    folder = written(tmp_path, 'summary = "Mine."\nspecs = ["char_noise:0.3@ops=delete", "casing:0.1+spacing:0.2"]')
    with packs.using(folder):
        assert [str(spec.cell) for spec in asked(["@mine"])] == ["char_noise:0.3@ops=delete", "casing:0.1+spacing:0.2"]
    with pytest.raises(UnknownName):
        asked(["@mine"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('summary = "Mine."\nspecs = []', "specs"),
        ('summary = "Mine."\nspecs = "char_noise:0.1"', "specs"),
        ('summary = "Mine."\nspecs = [["char_noise:0.1"]]', "specs"),
        ('summary = ""\nspecs = ["char_noise:0.1"]', "not a sentence"),
        ('specs = ["char_noise:0.1"]', "summary' is missing"),
        ('summary = "Mine."\nspecs = ["char_nois:0.1"]', "char_nois"),
        ('summary = "Mine."\nspecs = ["char_noise"]', "names no strength"),
        ('summary = "Mine."\nspecs = ["char_noise:0.1@x=1"]', "'x'"),
        ('summary = "Mine."\nspecs = ["@smoke"]', "is a suite"),
        ('summary = "Mine."\nspec = ["char_noise:0.1"]', "'spec'"),
    ],
)
def test_a_suite_that_cannot_be_meant_is_one_line_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    """An error in a user's suite is reported before anything is computed."""
    with packs.using(written(tmp_path, text)), pytest.raises(UserError) as caught:
        suite("@mine")
    assert message in str(caught.value)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_suite_is_reported_with_the_nearest() -> None:
    """The name that was meant, and where all are."""
    with pytest.raises(UnknownName, match="@surfac"):
        asked(["@surfac"])


@pytest.mark.parametrize("text", ["@", "@../smoke", "@smoke:0.1", "@smoke+char_noise:0.1", "@smoke@fields=question"])
def test_a_suite_is_named_alone(text: str) -> None:
    """No strength, chain, option or path goes with the name of a suite."""
    with pytest.raises(SpecError, match="by itself"):
        canonical(text)


def test_one_perturbation_is_not_a_suite() -> None:
    """Where a single perturbation is needed, a suite is refused as a suite."""
    with pytest.raises(SpecError, match="@smoke"):
        PerturbationSpec.parse("@smoke")


def test_families_and_languages_that_a_chain_does_not_serve_are_known() -> None:
    """The error names the first link of a chain that refuses or does not serve."""
    chain = PerturbationSpec.parse("char_noise:1+word_order:0.1")
    assert (refusing(chain, "tagging"), refusing(chain, "classification")) == ("word_order", "")
    assert unsupported(chain, "sw") is None
    assert (unsupported(chain, "th") or ("", ""))[0] == "word_order"


def test_training_refuses_what_is_named_and_has_no_meaning() -> None:
    """A suite leaves such a one out; the field of a spec must be there."""
    panx, xquad = (registry.load("task", name) for name in ("panx", "xquad"))
    with pytest.raises(UserError, match="word_order"):
        check_perturb(["word_order:0.1"], [xquad, panx], "[target]")
    with pytest.raises(SpecError, match="no key 'contxt'"):
        check_perturb(["char_noise:0.1@fields=contxt"], [xquad], "[target]")
    with pytest.raises(SpecError, match="one strength"):
        check_perturb(["char_noise:0.1,0.2"], [xquad], "[target]")
    check_perturb(["@surface"], [xquad, panx], "[target]")
