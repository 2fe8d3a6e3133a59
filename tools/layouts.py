"""Writes docs/layouts.md, what `wrong_layout` types in each language, and which keys do not come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from tools.gallery import seen
from tools.gallery_samples import SAMPLES

from robust_xtreme.api import noised_strings
from robust_xtreme.core.languages import LANGUAGES, LOW_RESOURCE, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.input.keyboards import DEAD
from robust_xtreme.noise.input.retyping import METHODS, irreversible
from robust_xtreme.noise.members.wrong_layout import AUTO, changed, keyboards_of, pair
from robust_xtreme.report.blocks import Diff, Heading, Phrase, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

_HEAD: Final = """\
What `wrong_layout` types in each language, and which keys do not come back. This page is written from
`perturbations/keyboards` and `perturbations/input` by `python -m tools.generated docs/layouts.md`.
"""
_LANGUAGES: Final = """\
`keyboard` is what a language is typed with, `on` the layout that is on by default; `@keyboard=` and `@layout=` name
others.
`letters` counts those of the alphabet that become something else, of all; in an input method words count, not letters.
"""
_KEYS: Final = """\
What one key types on each of two layouts, and no other key of either does, comes back: typed for the first with the
second on, and the result typed for the second with the first on, it is the same sign, whichever two layouts are taken
(`tests/unit/noise/test_wrong_layout.py` tries all pairs of keyboards). So do words of such signs:

    robust-xtreme show wrong_layout:1 "более, чем" -l ru                                # ,jktt? xtv
    robust-xtreme show wrong_layout:1@keyboard=us@layout=ru ",jktt? xtv" -l en    # более, чем

A word is what is between blanks, with its signs and digits; a sign that has no key, or the same one on both layouts,
is beside it. Three words stay there, and may not come back: a number, one that would become a number (French à is the
key 0), and a part of a word beside a digit. Marks that are keys of their own may come back in another order, or in one
letter with the one before. These signs do not come back, because of their own
layout, in every pair that has it: those of a dead key, which acts on the next letter; those of a key that types several
code points; those that another key types at a lower level or further to the left. A mark is on ◌.
"""
_PAIRS: Final = """\
Besides, a sign does not come back where the other layout has no key, or one of the keys above there. For the layouts
that are on by default:
"""
_METHODS: Final = """\
Chinese is not converted back, because the same pinyin is several words. Japanese comes back as the hiragana of its
reading. Korean comes back where the text has whole syllables only, and Vietnamese where the tone is where the
traditional spelling has it; a word of another language may have letters there that are keys of a tone. A typographic
apostrophe comes back as the typewriter's.
"""


def page() -> str:
    """The page, in Markdown."""
    codes = [code for code in (*LANGUAGES, *LOW_RESOURCE) if keyboards_of(code)]
    used = sorted({pair(code, AUTO, AUTO) for code in codes} - {*METHODS})
    languages = grid(("", "language", "keyboard", "on", "letters"), map(_language, codes))
    signs = grid(("layout", "signs"), ((name, _reasons(exceptions_of(name))) for name in keyboards.names()))
    pairs = grid(("typed for, on", "signs"), (_pair(typed, on) for typed, on in used if typed not in METHODS))
    blocks = (
        *(Prose(_HEAD), Heading("Languages"), Prose(_LANGUAGES), languages),
        *(Heading("Examples"), Prose("Each sentence at strength 1."), grid(("", "text"), map(_example, SAMPLES))),
        *(Heading("Keys that do not come back"), Prose(_KEYS), signs),
        *(Heading("Keys of a pair"), Prose(_PAIRS), pairs),
        *(Heading("Input methods"), Prose(_METHODS)),
    )
    return markdown.render(ReportPage("The wrong layout", blocks))


def exceptions_of(name: str) -> Mapping[str, list[str]]:
    """The signs of a layout that do not come back from any other, by reason."""
    return _grouped(irreversible(name, name))


def _pair(typed: str, on: str) -> tuple[str, str]:
    alone = {sign for signs in exceptions_of(typed).values() for sign in signs}
    rows = _grouped((sign, f"on {on}: {reason}") for sign, reason in irreversible(typed, on) if sign not in alone)
    return f"{typed}, {on}", _reasons(rows)


def _grouped(rows: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for sign, reason in rows:
        groups[reason].append(sign)
    return groups


def _reasons(groups: Mapping[str, list[str]]) -> str:
    shown = (f"{reason}: {' '.join(dict.fromkeys(map(_sign, signs)))}" for reason, signs in groups.items())
    return "; ".join(shown) or "all come back"


def _sign(sign: str) -> str:
    return seen(sign.removeprefix(DEAD))


def _language(code: str) -> tuple[str, ...]:
    typed, on = pair(code, AUTO, AUTO)
    alphabet = language(code).alphabet
    letters = "" if typed in METHODS else f"{len(changed(code, typed, on))} of {len(alphabet)}"
    return code, language(code).name, typed, on, letters


def _example(code: str) -> tuple[Phrase, ...]:
    noised = noised_strings([SAMPLES[code]], PerturbationSpec.parse("wrong_layout:1"), code, 0)[0]
    return code, Diff(((noised.text.value,) * 2,), direction="auto")
