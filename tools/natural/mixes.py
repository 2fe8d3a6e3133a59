"""The packs `perturbations/natural`: mixes of the languages with a source, and of scripts, from which others borrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.natural.classes import TYPED, WRITTEN, fitted, table
from tools.natural.fit import COMPOSED, mean, scripts
from tools.natural.lists import pairs
from tools.natural.sounds import shared, sounds

from robust_xtreme.core import packs

OUT: Final = Path(__file__).parents[2] / "perturbations" / "natural"

NOISEQA: Final = "NoiseQA's typed questions (Ravichander et al. 2021)"
EDITS: Final = "what editors of Wikipedia mend in XNLI (Stickland et al. 2022)"

_LISTS: Final = {"en": "four lists of English misspellings (HELM, NL-Augmenter, nlpaug; tools.yardstick)"}
_LICENCE: Final = "Apache-2.0 (shares, rates and letters, not the lists)"
_PUNCTUATION: Final = 0.07
_HINDI_SPACES: Final = 0.58
_SHORT: Final = {"tr": "5"}
"""How much short words count in a language's writing, where it is not as in others, set by hand: Turkish has long words
and many with accents, and with the weight of the others (SLIPS) the edited word would have five letters and not four.
The shares are fitted without it."""

_FEWEST: Final = 5
"""How many spelling errors a list has at least, if they are a pack's."""

Shares = Mapping[str, float]


class Mixed(NamedTuple):
    """A pack: its name, where it comes from, `ten` of a language's list, rates of key errors, letters, and the shares.

    The shares are those of typing and of writing.
    """

    name: str
    source: str
    ten: str
    rates: Mapping[str, str]
    letters: str
    typing: Shares
    writing: Shares


def write(fits: Mapping[str, Mapping[str, Any]], data: Path) -> None:
    """Write the packs, and remove those of before."""
    made = list(mixes(fits, data))
    OUT.mkdir(exist_ok=True)
    for path in OUT.glob("*.toml"):
        path.unlink()
    for mixed in made:
        (OUT / f"{mixed.name}.toml").write_text(_text(mixed), encoding="utf-8")


def mixes(fits: Mapping[str, Mapping[str, Any]], data: Path) -> Iterator[Mixed]:
    """The mixes of languages, of scripts (the mean of their languages), and of all scripts."""
    heard = {code: sounds(pairs(code, data / "typos")) for code in fits}
    heard = {code: errors if len(errors.split()) >= _FEWEST else "" for code, errors in heard.items()}
    own = {code: Mixed(code, _source(code), _ten(code), fits[code]["rates"], heard[code], {}, {}) for code in fits}
    typed = _typed(own["en"], data)
    written = {code: fitted(code, "writing", WRITTEN[code], data, _head(own[code], typed), {}) for code in WRITTEN}
    others = _mean(list(written.values()))
    for code, mixed in own.items():
        typing = _with_marks(typed, fits[code]["fitted"]["mark"])
        yield mixed._replace(typing=typing, writing=written.get(code, others))
    rest = (1 - _HINDI_SPACES) / (others["words"] + others["spelling"])
    hindi = {"words": others["words"] * rest, "spelling": others["spelling"] * rest, "spaces": _HINDI_SPACES}
    source = f"shares of typing by {NOISEQA}, of writing by {EDITS}: of spaces those of Hindi; rates of keyboard_typo"
    yield from (Mixed(name, source, "0", {}, "", typed, hindi) for name in ("hi", "Deva"))
    for name, codes in (*scripts(list(fits)).items(), ("Zyyy", list(fits))):
        marks = mean([fits[code] for code in codes], "fitted")["mark"]
        hand = [fits[code] for code in codes if code not in COMPOSED]
        rates = {kind: f"{rate:.2f}" for kind, rate in mean(hand, "rates").items()}
        letters = (
            "" if name == "Zyyy" else heard[codes[0]] if len(codes) == 1 else shared([heard[code] for code in codes])
        )
        source = f"the mean of {', '.join(codes)}, whose packs name their lists; {_parts('')}"
        yield Mixed(name, source, "0", rates, letters, _with_marks(typed, marks), others)


def _typed(english: Mixed, data: Path) -> dict[str, float]:
    """The shares of typing in English, where no accents are left out."""
    head = f'{_head(english)}writing = {{ spelling = "1" }}\n'
    return fitted("en", "typing", TYPED, data, head, {"punctuation": _PUNCTUATION, "marks": 0})


def _with_marks(typed: Shares, marks: float) -> dict[str, float]:
    """The shares of typing where accents have a share of the errors in letters."""
    return {**typed, "keys": typed["keys"] * (1 - marks), "marks": typed["keys"] * marks}


def _mean(rows: Sequence[Shares]) -> dict[str, float]:
    return {part: sum(row[part] for row in rows) / len(rows) for part in rows[0]}


def _ten(code: str) -> str:
    return "0" if code in _LISTS else packs.table("misspellings", code).header.get(packs.TEN, "0")


def _source(code: str) -> str:
    return f"{_LISTS.get(code) or packs.table('misspellings', code).header['source']}; {_parts(code)}"


def _parts(code: str) -> str:
    """Where the shares of a language come from."""
    return f"shares of typing by {NOISEQA}, of writing by {EDITS}" + (
        "" if code in WRITTEN else ", the mean of five languages"
    )


def _head(mixed: Mixed, typing: Shares | None = None) -> str:
    """A pack without its shares, or without those of writing."""
    lines = [f'source = "{mixed.source}"', f'licence = "{_LICENCE}"', 'standing = "derived"']
    lines += [f'{packs.TEN} = "{mixed.ten}"'] if float(mixed.ten) else []
    rates = ", ".join(f'{kind} = "{rate}"' for kind, rate in mixed.rates.items())
    lines += [f"rates = {{ {rates} }}"] if rates else []
    lines += [f'letters = "{mixed.letters}"'] if mixed.letters else []
    lines += [f"typing = {table(typing)}"] if typing else []
    return "\n".join(lines) + "\n"


def _text(mixed: Mixed) -> str:
    short = f'short = "{_SHORT[mixed.name]}"\n' if mixed.name in _SHORT else ""
    return f"{_head(mixed, mixed.typing)}writing = {table(mixed.writing)}\n{short}"
