"""Writes docs/perturbations.md, the gallery of perturbations and their coverage: `python -m tools.gallery`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.gallery_samples import SAMPLES

from robust_xtreme import registry
from robust_xtreme.api import noised_strings
from robust_xtreme.catalogue import served
from robust_xtreme.errors import UserError
from robust_xtreme.languages import ALL_LANGUAGES, LANGUAGES, LOW_RESOURCE, language
from robust_xtreme.noise.engine.noising import Noised
from robust_xtreme.noise.engine.pieces import pieces
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.members.keyboard_typo import METHODS
from robust_xtreme.sinks import inert
from robust_xtreme.specs import PerturbationSpec

PAGE: Final = Path(__file__).parents[1] / "docs" / "perturbations.md"

_OWN, _FREE, _UNREVIEWED, _NONE = "●", "◐", "○", ""
_STRENGTHS: Final = ("0.1", "0.2", "0.3", "0.5", "1")
_SHORT: Final = {
    "casing": "case",
    "char_noise": "char",
    "confusables": "look",
    "diacritics": "accent",
    "keyboard_typo": "key",
    "natural": "mix",
    "natural_typo": "list",
    "normalisation": "form",
    "ocr_noise": "ocr",
    "punctuation": "mark",
    "repetition": "repeat",
    "spacing": "space",
    "transliterate": "script",
    "word_drop": "drop",
    "word_order": "order",
    "wrong_layout": "layout",
    "zero_width": "zero",
}
"""Heads of the coverage tables, which have many columns; members of a package go by what follows the dot."""

_OF_SCRIPTS: Final = frozenset(
    ("confusables", "diacritics", "normalisation", "styled", "transliterate", "wrong_layout", "zero_width")
)
"""Noise of scripts, marks and layouts, which has tables of its own."""

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>|#~&\"]")
_HEAD: Final = """\
# Perturbations

What can be done to a text, for which languages, and how it looks. This page is written from
`src/robust_xtreme/noise/members` and `perturbations` by `python -m tools.gallery`, and a test compares it.

`robust-xtreme list perturbations --language sw` says of one language what serves it, by which packs of what standing,
and why others do not; `robust-xtreme show SPEC TEXT --language sw` shows one text. A perturbation is written
`name:strength`; `@name=value` sets what the table below lists: a rate (0 turns a kind off), a choice, or values of a
parameter, as in `char_noise:0.1@ops=replace`. With `@names=keep` words that are tagged as names (`B-PER`, `PROPN`) stay
as they are, in any perturbation; where nothing is tagged, nothing is kept. [Real typos](typos.md) says what the rates
of `keyboard_typo` are fitted to, and how near it comes; [natural](natural.md) what people's errors are mixed of; [pairs
of keys](nlpaug-pairs.md) which neighbours of nlpaug's are not in our layouts; [the wrong layout](layouts.md) what is on
in each language, and which keys do not come back; [scripts](scripts.md) the schemes of `transliterate`.
"""
_COVERAGE: Final = f"""\
## Coverage

{_OWN} served by packs of the language or its script, all of them attested in a source or derived from one by a
computation; {_FREE} served by rules that need no pack; {_UNREVIEWED} served, but by what is ours and not reviewed,
and so not counted: a pack that was authored here, in whole or in part, or a keyboard that was chosen here since no
source names one for the language, or a mix of errors that is borrowed from other languages; empty: not applicable.
`own` counts the {_OWN}.
"""
_NOTED: Final = """\
A mix is `borrowed` where a language has no source of its own and takes the mean of others: [how close natural
is](natural.md). A list of misspellings is `thin` where its ten most frequent pairs make more than half of its edits on
real text; suites leave these languages out. A mix is `from a thin list` where its shares and rates come from such a
list.
"""
_GALLERY: Final = """\
## Gallery

Each perturbation on a sentence of each script, with seed 0 and the lowest strength of 0.1, 0.2, 0.3, 0.5 and 1 at which
something happens. ~~Struck out~~ is what was removed, <ins>underlined</ins> what was put in; a space among these is ␣,
a combining mark by itself is on ◌, and characters that are invisible or change the direction are written
&lt;U+200C&gt;. `realised` is the share of the units that could have been edited and were.
"""


def page(names: Sequence[str]) -> str:
    """The page, in Markdown."""
    members = [registry.load("perturbation", name) for name in names]
    rows = {code: {row["name"]: row for row in served(code)} for code in ALL_LANGUAGES}
    parts = [_HEAD, _overview(members), _COVERAGE]
    parts += [_heads(names), ""]
    for title, codes in (("XTREME-R", LANGUAGES), ("Low-resource languages", LOW_RESOURCE)):
        plain = [name for name in names if "." not in name]
        parts += [f"### {title}\n", _covered([name for name in plain if name not in _OF_SCRIPTS], rows, codes), ""]
        parts += [_covered([name for name in plain if name in _OF_SCRIPTS], rows, codes)]
    for package in dict.fromkeys(name.partition(".")[0] for name in names if "." in name):
        parts += [f"### Members of {package}\n", _packaged(package, names, rows)]
    parts += ["### Where one is not applicable\n", *(_reasons(name, rows) for name in names), ""]
    parts += ["### Borrowed mixes and thin lists\n", _NOTED, *filter(None, (_noted(name, rows) for name in names)), ""]
    parts += [_GALLERY]
    parts += [_section(member, rows) for member in members]
    return "\n".join(parts)


def _overview(members: Sequence[Any]) -> str:
    head = ("perturbation", "what", "unit", "strength", "kinds and parameters", "no meaning in")
    return _table(head, ((*_facts(member), _tuned(member), ", ".join(member.refuses)) for member in members))


def _facts(member: Any) -> tuple[str, ...]:
    return (
        f"[{member.name}](#{member.name.replace('.', '')})",
        escaped(member.summary),
        member.unit,
        escaped(member.strength),
    )


def _tuned(member: Any) -> str:
    """Kinds with their rates, choices with their number, parameters with their values."""
    rates = [f"`{name}={rate}`" for name, rate in member.rates.items()]
    choices = [f"`{name}`: {_many(name, known())}" for name, known in member.choices.items()]
    values = [f"`{name}={','.join(values)}`" for name, values in member.parameters.items()]
    return ", ".join((*rates, *choices, *values))


def _many(name: str, known: Sequence[str]) -> str:
    """How many values a choice has; of layouts, what they are."""
    if name in ("layout", "keyboard"):
        methods = [value for value in known if value in METHODS]
        return f"{len(keyboards.names())} keyboards and {len(methods)} input methods"
    return f"one of {len(known)}"


def _heads(names: Sequence[str]) -> str:
    return "Heads: " + ", ".join(f"{_SHORT[name]} `{name}`" for name in names if _SHORT.get(name, name) != name) + "."


def _covered(names: Sequence[str], rows: Mapping[str, Mapping[str, Any]], codes: Iterable[str]) -> str:
    head = ("", "language", "script", *(_SHORT.get(name, name) for name in names), "own")
    return _table(head, (_line(code, [rows[code][name] for name in names]) for code in codes))


def _line(code: str, cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    signs = [sign(row) for row in cells]
    known = language(code)
    return code, known.name, known.script, *signs, str(signs.count(_OWN))


def _packaged(package: str, names: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Of a package's members, the languages that each serves, by sign."""
    members = [name for name in names if name.partition(".")[0] == package]
    return _table(("", "languages"), (_serving(name, rows) for name in members))


def _serving(name: str, rows: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    by_sign: dict[str, list[str]] = {}
    for code, cells in rows.items():
        if shown := sign(cells[name]):
            by_sign.setdefault(shown, []).append(code)
    return f"`{name}`", "; ".join(f"{shown} {' '.join(codes)}" for shown, codes in by_sign.items())


def sign(row: Mapping[str, Any]) -> str:
    """How a perturbation serves a language, as the table shows it."""
    if not row["served"]:
        return _NONE
    if not row["packs"]:
        return _FREE
    return _OWN if row["counted"] else _UNREVIEWED


def _reasons(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Of one perturbation, each reason with its languages."""
    by_reason: dict[str, list[str]] = {}
    for code, cells in rows.items():
        if why := cells[name]["why"]:
            by_reason.setdefault(why, []).append(code)
    reasons = "; ".join(f"{escaped(why)}: {' '.join(codes)}" for why, codes in by_reason.items())
    return f"- `{name}`: {reasons or 'serves all'}."


def _noted(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Of one perturbation, the languages with each note; "" where there are none."""
    by_note: dict[str, list[str]] = {}
    for code, cells in rows.items():
        for note in cells[name]["notes"]:
            by_note.setdefault(note, []).append(code)
    notes = "; ".join(f"{note}: {' '.join(codes)}" for note, codes in by_note.items())
    return f"- `{name}`: {notes}." if notes else ""


def _section(member: Any, rows: Mapping[str, Mapping[str, Any]]) -> str:
    head = ("script", "language", "text", "strength", "realised", "kinds")
    shown = [line for code in SAMPLES if not rows[code][member.name]["why"] for line in _example(member.name, code)]
    title = f"### {member.name}\n\n{escaped(member.summary)} Unit: {member.unit}; kind: {member.kind}.\n"
    others = " ".join(code for code in SAMPLES if rows[code][member.name]["why"])
    left = f"Not applicable: {others}.\n" if others else ""
    return "\n".join((title, _table(head, shown) if shown else "No example: it needs a file of the user's.\n", left))


def _example(name: str, code: str) -> Iterator[tuple[str, ...]]:
    """A sentence of a language at the lowest strength that edits it; none where the perturbation needs more."""
    sample = None
    for strength in _STRENGTHS:
        try:
            cell = PerturbationSpec.parse(f"{name}:{strength}")
            sample = strength, noised_strings([SAMPLES[code]], cell, code, 0)[0]
        except UserError:
            return
        if sample[1].status == "ok":
            break
    if sample:
        yield _shown(code, *sample)


def _shown(code: str, strength: str, noised: Noised) -> tuple[str, ...]:
    known = language(code)
    kinds = ", ".join(f"{name} {many}" for name, many in noised.edits.items() if many) or noised.status
    done = sum(noised.edits.values())
    share = f"{done} of {noised.eligible} ({100 * done / noised.eligible:.0f} %)" if noised.eligible else "none"
    return known.script, code, f'<span dir="{known.direction}">{diff(noised)}</span>', strength, share, kinds


def diff(noised: Noised) -> str:
    """The noisy text with what was removed and what was put in, as HTML that Markdown leaves as it is."""
    return "".join(map(_piece, *zip(*pieces(noised), strict=True)))


def _piece(removed: str, added: str) -> str:
    if removed == added:
        return escaped(inert(added))
    return (f"<del>{_marked(removed)}</del>" if removed else "") + (f"<ins>{_marked(added)}</ins>" if added else "")


def _marked(text: str) -> str:
    """An edited piece: spaces and combining marks by themselves can be seen."""
    base = "\u25cc" if unicodedata.category(text[0]).startswith("M") else ""
    return escaped(base + inert(text).replace(" ", "␣"))


def escaped(text: str) -> str:
    """A text in which no character means something to Markdown or HTML."""
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(registry.names("perturbation")), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
