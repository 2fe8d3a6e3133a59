"""The packs `perturbations/natural`: mixes of the languages with a source, and of scripts, from which others borrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.natural.fit import COMPOSED, mean, scripts

from robust_xtreme.core import packs

OUT: Final = Path(__file__).parents[2] / "perturbations" / "natural"

NOISEQA: Final = "NoiseQA's natural keyboard noise (Ravichander et al. 2021)"
EDITS: Final = "typos of Wikipedia's edits in XNLI (Stickland et al. 2022)"
EUROPEAN: Final = ("de", "es", "fr", "tr")

_LISTS: Final = {"en": "four lists of English misspellings (HELM, NL-Augmenter, nlpaug; tools.yardstick)"}
_LICENCE: Final = "Apache-2.0 (shares and rates, not the lists)"
_SPACES, _PUNCTUATION = 0.10, 0.07
_CASE: Final = {"en": 0.06, **dict.fromkeys(EUROPEAN, 0.18)}
_CASE_OF_OTHERS: Final = sum(_CASE.values()) / len(_CASE)
_HINDI_SPACES: Final = 0.58


class Mixed(NamedTuple):
    """A pack's name and where it comes from, `ten` of a language's list, its shares, and its rates of key errors."""

    name: str
    source: str
    ten: str
    shares: Mapping[str, float]
    rates: Mapping[str, str]


def write(fits: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the packs, and remove those of before."""
    OUT.mkdir(exist_ok=True)
    for path in OUT.glob("*.toml"):
        path.unlink()
    for mixed in mixes(fits):
        (OUT / f"{mixed.name}.toml").write_text(_text(mixed), encoding="utf-8")


def mixes(fits: Mapping[str, Mapping[str, Any]]) -> Iterator[Mixed]:
    """The mixes of languages, of scripts (the mean of their languages), and of all scripts."""
    for code, fit in fits.items():
        yield Mixed(code, f"{_list(code)}; {_parts(code)}", _ten(code), shares(code, fit["fitted"]), fit["rates"])
    hindi = {"keys": 1 - _HINDI_SPACES - _PUNCTUATION, "spaces": _HINDI_SPACES, "punctuation": _PUNCTUATION}
    source = f"share of spaces by {EDITS}, of punctuation by {NOISEQA}; rates of keyboard_typo"
    yield from (Mixed(name, source, "0", hindi, {}) for name in ("hi", "Deva"))
    for script, codes in scripts(list(fits)).items():
        yield _mean(script, codes, fits)
    yield _mean("Zyyy", list(fits), fits)


def _mean(name: str, codes: Sequence[str], fits: Mapping[str, Mapping[str, Any]]) -> Mixed:
    typed = [fits[code] for code in codes if code not in COMPOSED]
    rates = {kind: f"{rate:.2f}" for kind, rate in mean(typed, "rates").items()}
    source = f"the mean of {', '.join(codes)}, whose packs name their lists; {_parts('')}"
    return Mixed(name, source, "0", shares("", mean([fits[code] for code in codes], "fitted")), rates)


def shares(code: str, operators: Mapping[str, float]) -> dict[str, float]:
    """The shares of the parts: those of the list's operators among what other parts leave to letters."""
    others = {"spaces": _SPACES, "case": _CASE.get(code, _CASE_OF_OTHERS), "punctuation": _PUNCTUATION}
    letters = 1 - sum(others.values())
    accents = round(letters * operators["mark"], 3)
    return {"keys": letters - accents, "marks": accents, **others}


def _ten(code: str) -> str:
    return "0" if code in _LISTS else packs.table("misspellings", code).header.get(packs.TEN, "0")


def _list(code: str) -> str:
    return _LISTS.get(code) or packs.table("misspellings", code).header["source"]


def _parts(code: str) -> str:
    case = {"en": NOISEQA, **dict.fromkeys(EUROPEAN, f"{EDITS}, the middle of 13-24 %")}.get(code, "the mean of five")
    return (
        f"shares of spaces and punctuation by {NOISEQA}, of case by {case}"
        if case != NOISEQA
        else (f"shares of spaces, case and punctuation by {NOISEQA}")
    )


def _text(mixed: Mixed) -> str:
    lines = [f'source = "{mixed.source}"', f'licence = "{_LICENCE}"', 'standing = "derived"']
    lines += [f'{packs.TEN} = "{mixed.ten}"'] if float(mixed.ten) else []
    lines += [f'{name} = "{share:.3f}"' for name, share in mixed.shares.items()]
    rates = ", ".join(f'{kind} = "{rate}"' for kind, rate in mixed.rates.items())
    return "\n".join([*lines, *([f"rates = {{ {rates} }}"] if rates else [])]) + "\n"
