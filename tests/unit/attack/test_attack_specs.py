"""Specs of attacks: what cannot be asked of one is refused in one line that says what to write."""

from __future__ import annotations

import pytest

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.attack import settings_of
from robust_xtreme.noise.engine.noising import bound


@pytest.mark.parametrize(("spec", "message"), [
    ("char_noise:0.1+attack_keys:0.1", "chain"),
    ("attack_keys:0.1+char_noise:0.1", "chain"),
    ("attack_keys@realised=graphemes:0.05", "what may change"),
    ("attack_keys:0.1@max_graphemes=0", "max_graphemes=0"),
    ("attack_keys:0.1@max_graphemes=1.01", "1.01"),
    ("attack_keys:0.1@max_graphemes=x", "max_graphemes=x"),
    ("attack_keys:0.1@queries=-1", "queries=-1"),
    ("attack_keys:0.1@queries=100001", "100001"),
    ("attack_keys:0.1@risk=no", "it knows keep, allow"),
])  # fmt: skip
def test_what_an_attack_cannot_do_is_refused(spec: str, message: str) -> None:
    """Chains, realised strengths and numbers out of range are refused."""
    with pytest.raises(SpecError) as raised:
        bound(PerturbationSpec.parse(spec))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("share", "expected"), [("0.02", "0.02"), ("1", "1"), (".5", "0.5"), ("0.10", "0.1")])
def test_a_share_of_graphemes_is_a_decimal(share: str, expected: str) -> None:
    """A share above 0 and up to 1 is read, however it is written."""
    assert (
        settings_of(bound(PerturbationSpec.parse(f"attack_keys:0.1@max_graphemes={share}"))[0]).max_graphemes
        == expected
    )
