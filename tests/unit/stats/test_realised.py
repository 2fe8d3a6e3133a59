"""Realised strengths: a share of edits is asked for, and the strength that gives it is solved for by language."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from robust_xtreme import perturb
from robust_xtreme.core import packs
from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import at_nominal, bound, lacks, noise_texts, solved
from robust_xtreme.noise.engine.realised import solve

pytestmark = pytest.mark.usefixtures("unpaged")

_SAMPLE = ("ar", "hi", "ja", "ko", "my", "sw", "th", "vi", "zh")


def _calibrated(spec: str, code: str, seed: int = 7) -> list[Noised]:
    texts = [Text(str(number), code, value) for number, value in enumerate(realised.texts(code))]
    return list(noise_texts(texts, PerturbationSpec.parse(spec), seed))


def _share(noised: list[Noised], axis: str) -> float:
    edited, whole = (sum(getattr(text, name) for text in noised) for name in (f"{axis}_edited", axis))
    return float(edited / whole)


def _calibration(folder: Path, line: str) -> None:
    """Write a calibration text of Swahili with forty times a line."""
    (folder / "calibration").mkdir()
    head = "# language: sw\n# source: mine\n# licence: CC0-1.0\n# standing: authored\ntext\n"
    (folder / "calibration" / "sw.tsv").write_text(head + f"{line}\n" * 40, "utf-8")


@pytest.mark.parametrize("code", _SAMPLE)
def test_other_draws_on_the_calibration_text_have_the_share_that_was_asked_for(code: str) -> None:
    """The strength that is solved for with some seeds gives about the same share with others."""
    shares = [_share(_calibrated("char_noise@realised=graphemes:0.1", code, seed), "graphemes") for seed in range(4)]
    assert sum(shares) / len(shares) == pytest.approx(0.1, rel=realised.TOLERANCE)


@pytest.mark.parametrize(
    ("name", "code", "seeds"), [("wrong_layout", "ja", 96), ("wrong_layout", "uk", 96), ("transliterate", "te", 96)]
)
def test_noise_of_whole_words_has_the_share_that_was_asked_for(name: str, code: str, seeds: int) -> None:
    """A draw of few long words is far from the mean of all draws, which the strength is solved for by expectation."""
    spec = f"{name}@realised=graphemes:0.05"
    shares = [_share(_calibrated(spec, code, seed), "graphemes") for seed in range(100, 100 + seeds)]
    error = stdev(shares) / len(shares) ** 0.5
    assert mean(shares) == pytest.approx(0.05, abs=max(0.05 * 0.05, 3 * error))
    solution = solved(bound(PerturbationSpec.parse(spec))[0], code)
    most = _share(_calibrated(f"{name}:1", code), "graphemes")
    assert float(solution.strength) * most == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(("spread", "expected"), [(0.001, 8), (0.02, 128), (0.004, 16)])
def test_a_share_is_the_mean_of_as_many_draws_as_it_needs(spread: float, expected: int) -> None:
    """The standard error of the share is a hundredth of the target, with at most 128 draws."""
    asked = set()

    def shares(strength: str, seeds: int) -> Array:
        asked.add(seeds)
        return float(strength) * (1 + spread * 10 * np.resize([1.0, -1.0], seeds))

    assert realised.drawn(shares, 0.1).share == pytest.approx(0.1, rel=0.01)
    assert max(asked) == pytest.approx(expected, abs=3)


def test_words_are_an_axis_of_their_own() -> None:
    """A share of words needs a lower strength than the same share of graphemes."""
    assert _share(_calibrated("char_noise@realised=words:0.2", "sw"), "words") == pytest.approx(0.2, rel=0.15)
    strengths = [
        float(at_nominal(bound(PerturbationSpec.parse(f"char_noise@realised={axis}:0.2"))[0], "sw").strength)
        for axis in ("words", "graphemes")
    ]
    assert strengths[0] < strengths[1]


def test_a_share_of_words_is_not_solved_for_by_graphemes(tmp_path: Path) -> None:
    """Where every word can be edited, a fifth of them is at strength 0.2, however few of their letters change."""
    _calibration(tmp_path, "Habari Asubuhi Watu Wote")
    spec = "casing@realised=words:0.2@initial=0@second=1@inverted=0@lower=0@upper=0"
    with packs.using(tmp_path):
        strength = at_nominal(bound(PerturbationSpec.parse(spec))[0], "sw").strength
    assert float(strength) == pytest.approx(0.2, rel=0.1)


def test_a_realised_strength_draws_what_its_nominal_one_draws() -> None:
    """Only the strength is solved for: the texts are those of the strength that is written out."""
    spec = PerturbationSpec.parse("keyboard_typo@realised=graphemes:0.05@shift=0")
    nominal = at_nominal(bound(spec)[0], "tr").strength
    noised = _calibrated(str(spec), "tr")
    assert noised == _calibrated(f"keyboard_typo:{nominal}@shift=0", "tr")
    assert noised != _calibrated("keyboard_typo:0.05@shift=0", "tr")


def test_realised_strengths_nest() -> None:
    """The edits of a lower realised strength are among those of a higher one."""
    low, high = (_calibrated(f"char_noise@realised=graphemes:{target}", "sw") for target in ("0.02", "0.1"))
    for less, more in zip(low, high, strict=True):
        assert sum(less.edits.values()) <= sum(more.edits.values())


def test_a_share_that_no_strength_reaches_is_not_attainable() -> None:
    """The message names the nearest share; the language is left out by name."""
    link = bound(PerturbationSpec.parse("spacing@realised=graphemes:0.9"))[0]
    assert lacks(link, "sw").startswith("graphemes:0.9 is not attainable: strength 1 edits 0.1")
    with pytest.raises(UserError, match="not attainable"):
        perturb(["habari ya asubuhi"], "spacing@realised=graphemes:0.9", language="sw")


@pytest.mark.parametrize("code", ["zh", "ja", "th", "my"])
def test_a_share_of_words_needs_spaces_between_words(code: str) -> None:
    """What is between two blanks is a phrase there; the language is left out by name, and graphemes are proposed."""
    why = lacks(bound(PerturbationSpec.parse("char_noise@realised=words:0.2"))[0], code)
    assert why == "a share of words is not attainable without spaces between words (take graphemes)"
    assert not lacks(bound(PerturbationSpec.parse("char_noise@realised=graphemes:0.1"))[0], code)


def test_a_language_without_calibration_text_is_named() -> None:
    """Languages outside of the fifty have no realised strengths."""
    assert lacks(bound(PerturbationSpec.parse("char_noise@realised=graphemes:0.1"))[0], "bbj") == "no calibration text"


def test_every_language_has_a_calibration_text() -> None:
    """Each of the fifty languages has about as much text as the others."""
    sizes = {code: len("".join(realised.texts(code))) for code in LANGUAGES}
    assert min(sizes.values()) > 2000, min(sizes, key=sizes.__getitem__)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("char_noise:0.1@realised=graphemes:0.1", "instead of"),
        ("char_noise@realised=letters:0.1", "graphemes"),
        ("char_noise@realised=graphemes", "write @realised=AXIS:strength"),
        ("char_noise@realised=graphemes:0", "strength is 0"),
        ("char_noise@realised=graphemes:2", "between 0 and 1"),
        ("casing:0.1+char_noise@realised=graphemes:0.1", "several"),
    ],
)
def test_a_realised_strength_that_has_no_meaning_is_refused(text: str, message: str) -> None:
    """Each mistake is one line that says what to write."""
    with pytest.raises(SpecError, match=message):
        PerturbationSpec.parse(text)


def test_a_realised_strength_is_written_as_it_is_read() -> None:
    """A spec with several targets has one cell for each, and its text round-trips."""
    spec = PerturbationSpec.parse("char_noise@realised=graphemes:0.10,0.05@ops=swap@fields=premise")
    assert str(spec) == "char_noise@ops=swap@realised=graphemes:0.1,0.05@fields=premise"
    assert PerturbationSpec.parse(str(spec)) == spec
    assert [cell.nominal for cell in spec.cells()] == ["0.1", "0.05"]


def test_tokens_are_those_of_a_model() -> None:
    """Without a model a share of tokens has no meaning."""
    with pytest.raises(SpecError, match="for eval alone"):
        perturb(["habari ya asubuhi"], "char_noise@realised=tokens:0.1", language="sw")


def test_a_share_that_grows_with_the_strength_is_met_closely() -> None:
    """Curved shares, steps and a share that is reached at strength 1 alone."""
    assert solve(lambda strength: float(strength) ** 2, 0.09).share == pytest.approx(0.09, rel=0.01)
    assert solve(float, 1.0).strength == "1"
    steps = solve(lambda strength: round(float(strength)) * 0.5, 0.2)
    assert not steps.attains(0.2)


def test_a_share_in_proportion_to_the_strength_is_found_at_once() -> None:
    """False position on a line: beside strength 1 only the strength itself is tried."""
    tried = []

    def share(strength: str) -> float:
        tried.append(strength)
        return 0.4 * float(strength)

    assert solve(share, 0.12).strength == "0.3"
    assert tried == ["1", "0.3"]


def test_users_may_bring_their_own_calibration_text(tmp_path: Path) -> None:
    """A folder of packs may contain another text, and the run says by its hash that it is another."""
    before = realised.digest()
    _calibration(tmp_path, "habari ya asubuhi watu wote")
    with packs.using(tmp_path):
        assert realised.digest() != before
    assert realised.digest() == before


def test_a_share_of_tokens_counts_what_is_replaced_put_in_and_lost() -> None:
    """Of the four of the clean text, by draw; one that replaces another counts once."""
    shares = realised.token_shares(
        lambda texts: {text: [*map(ord, text)] for text in texts}, ["abcd"], ["axcd", "bcdyz"]
    )
    assert shares.tolist() == [0.25, 0.75]


@pytest.mark.long
@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", ["char_noise", "keyboard_typo", "natural"])
def test_every_language_has_the_share_or_is_named(name: str, code: str) -> None:
    """The sweep over all languages: within the tolerance with other draws, or not attainable."""
    spec = f"{name}@realised=graphemes:0.05"
    if not lacks(bound(PerturbationSpec.parse(spec))[0], code):
        shares = [_share(_calibrated(spec, code, seed), "graphemes") for seed in range(8)]
        assert sum(shares) / len(shares) == pytest.approx(0.05, rel=realised.TOLERANCE)
