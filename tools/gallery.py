"""Writes docs/perturbations.md, the gallery of perturbations and their coverage."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from tools.gallery_readings import STRENGTHS, frozen
from tools.gallery_samples import SAMPLES

from robust_xtreme.api import noised_strings
from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES, LOW_RESOURCE, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised, pieces
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.members.keyboard_typo import METHODS
from robust_xtreme.noise.user_packs import using
from robust_xtreme.report.blocks import (
    Block,
    Bullets,
    Diff,
    Heading,
    Hyperlink,
    Inline,
    Mono,
    Paragraph,
    Phrase,
    Prose,
    ReportPage,
    Table,
    grid,
    joined,
)
from robust_xtreme.report.renderers import markdown
from robust_xtreme.tasks.aligning import align
from robust_xtreme.tasks.catalogue import served
from robust_xtreme.tasks.sources.source import load, open_source

PAGE: Final = Path(__file__).parents[1] / "docs" / "perturbations.md"

Rows: TypeAlias = Mapping[str, Mapping[str, Any]]
"""How perturbations serve languages: by the code of a language and the name of a perturbation."""

_OWN, _FREE, _UNREVIEWED, _NONE = "●", "◐", "○", ""
_SWITCHED: Final = (
    *((code, "@with=en") for code in ["de", "es", "sw", "tr", "ru", "ar", "hi", "th", "ko", "ja", "zh"]),
    ("en", "@with=de"),
    ("en", "@with=hi"),
    ("en", "@with=hi@script=latin"),
    ("de", "@with=en@switch=fields"),
)
"""Languages of the embedded suite that `code_switch` is shown in, and its parameters."""

_ALIGNED: Final = """\
Sentences of the embedded suite, which is small and made up, aligned by `robust-xtreme align`. How right the words are
on real data, and pairs of them that were read: [code-switching](code-switch.md).
"""
_SHORT: Final = {
    "casing": "case",
    "char_noise": "char",
    "confusables": "look",
    "diacritics": "accent",
    "keyboard_typo": "key",
    "natural": "both",
    "natural_typing": "typing",
    "natural_typo": "list",
    "natural_writing": "writing",
    "normalisation": "form",
    "ocr_channel": "read",
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

_OBSERVED: Final = frozenset(name for name in _SHORT if name.startswith(("natural", "ocr_")))
"""Errors that people and machines were seen to make, which have others."""

_HEAD: Final = """\
What can be done to a text, for which languages, and how it looks. This page is written from
`src/robust_xtreme/noise/members` and `perturbations` by `python -m tools.generated docs/perturbations.md`, and a test
compares it.

`robust-xtreme list perturbations --languages sw` says of one language what serves it, by which packs of what standing,
and why others do not; `robust-xtreme show SPEC TEXT --languages sw` shows one text. A perturbation is written
`name:strength`; `@name=value` sets what the table below lists: a rate (0 turns a kind off), a choice, or values of a
parameter, as in `char_noise:0.1@ops=replace`. With `@names=keep` words that are tagged as names (`B-PER`, `PROPN`) stay
as they are, in any perturbation; where nothing is tagged, nothing is kept. [Real typos](typos.md) says what the rates
of `keyboard_typo` are fitted to, and how near it comes; [natural](natural.md) what people's errors are mixed of; [pairs
of keys](nlpaug-pairs.md) which neighbours of nlpaug's are not in our layouts; [the wrong layout](layouts.md) what is on
in each language, and which keys do not come back; [scripts](scripts.md) the schemes of `transliterate`; [read from
bad prints](ocr.md) what `ocr_channel` needs, and how near `ocr_noise` comes to it.
[Attacks](how-to/attacks.md) search among the edits of others, and serve what these serve.
"""
_COVERAGE: Final = f"""\
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
Each perturbation on a sentence of each script, with seed 0 and the lowest strength of 0.1, 0.2, 0.3, 0.5 and 1 at which
something happens. <del>Struck out</del> is what was removed, <ins>underlined</ins> what was put in; a space among
these is ␣, a combining mark by itself is on ◌, and characters that are invisible or change the direction are written
&lt;U+200C&gt;. `realised` is the share of the units that could have been edited and were.
"""


def page(names: Sequence[str]) -> str:
    """The page, in Markdown."""
    members = [registry.load("perturbation", name) for name in names]
    rows = {code: {row["name"]: row for row in served(code)} for code in ALL_LANGUAGES}
    drawn = [member for member in members if not member.moves]
    coverage = _coverage([member.name for member in drawn], rows)
    blocks = (Prose(_HEAD), _overview(members), Heading("Coverage"), Prose(_COVERAGE), *coverage)
    sections = (block for member in drawn for block in _section(member, rows))
    return markdown.render(ReportPage("Perturbations", (*blocks, Heading("Gallery"), Prose(_GALLERY), *sections)))


def _coverage(names: Sequence[str], rows: Rows) -> Iterator[Block]:
    yield _heads(names)
    every = [registry.load("perturbation", name) for name in names if "." not in name]
    plain = [member.name for member in every if not (member.free or member.first)]
    for title, codes in (("XTREME-R", LANGUAGES), ("Low-resource languages", LOW_RESOURCE)):
        yield Heading(title, 3)
        for group in (frozenset(plain) - _OBSERVED - _OF_SCRIPTS, _OBSERVED, _OF_SCRIPTS):
            yield _covered([name for name in plain if name in group], rows, codes)
    for package in dict.fromkeys(name.partition(".")[0] for name in names if "." in name):
        yield Heading(f"Members of {package}", 3)
        members = [name for name in names if name.partition(".")[0] == package]
        yield grid(("", "languages"), (_serving(name, rows) for name in members))
    yield Heading("Where one is not applicable", 3)
    yield Bullets(tuple(_noted(name, _reasons(name, rows)) for name in names))
    yield from (Heading("Borrowed mixes and thin lists", 3), Prose(_NOTED))
    notes = ((name, _notes(name, rows)) for name in names)
    yield Bullets(tuple(_noted(name, noted) for name, noted in notes if noted))


def _overview(members: Sequence[Any]) -> Table:
    head = ("perturbation", "what", "unit", "strength", "kinds and parameters", "no meaning in")
    return grid(head, ((*_facts(member), _tuned(member), ", ".join(member.refuses)) for member in members))


def _facts(member: Any) -> tuple[Phrase, ...]:
    link = Mono(member.name) if member.moves else Hyperlink(member.name, f"#{member.name.replace('.', '')}")
    return link, member.summary, member.unit, member.strength


def _tuned(member: Any) -> Phrase:
    """Kinds with their rates, choices with their number, parameters with their values."""
    rates = [Mono(f"{name}={rate}") for name, rate in member.rates.items()]
    choices = [(Mono(name), f": {_many(name, known())}") for name, known in member.choices.items()]
    values = [Mono(f"{name}={','.join(values)}") for name, values in {**member.parameters, **member.settings}.items()]
    return joined((*rates, *choices, *values))


def _many(name: str, known: Sequence[str]) -> str:
    """How many values a choice has; of layouts, what they are."""
    if name in ("layout", "keyboard"):
        methods = [value for value in known if value in METHODS]
        return f"{len(keyboards.names())} keyboards and {len(methods)} input methods"
    return f"one of {len(known)}"


def _heads(names: Sequence[str]) -> Paragraph:
    short = [(f"{_SHORT[name]} ", Mono(name)) for name in names if _SHORT.get(name, name) != name]
    return Paragraph(("Heads: ", *joined(short), "."))


def _covered(names: Sequence[str], rows: Rows, codes: Iterable[str]) -> Table:
    head = ("", "language", "script", *(_SHORT.get(name, name) for name in names), "own")
    return grid(head, (_line(code, [rows[code][name] for name in names]) for code in codes))


def _line(code: str, cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    signs = [sign(row) for row in cells]
    known = language(code)
    return code, known.name, known.script, *signs, str(signs.count(_OWN))


def _serving(name: str, rows: Rows) -> tuple[Phrase, ...]:
    """The languages that a member serves, by sign."""
    by_sign: dict[str, list[str]] = {}
    for code, cells in rows.items():
        if shown := sign(cells[name]):
            by_sign.setdefault(shown, []).append(code)
    return Mono(name), "; ".join(f"{shown} {' '.join(codes)}" for shown, codes in by_sign.items())


def sign(row: Mapping[str, Any]) -> str:
    """How a perturbation serves a language, as the table shows it."""
    if not row["served"]:
        return _NONE
    if not row["packs"]:
        return _FREE
    return _OWN if row["counted"] else _UNREVIEWED


def _reasons(name: str, rows: Rows) -> str:
    """Of one perturbation, each reason with its languages."""
    return _listed((row["why"], code) for code, cells in rows.items() if (row := cells[name])["why"]) or "serves all"


def _notes(name: str, rows: Rows) -> str:
    """Of one perturbation, the languages with each note; "" where there are none."""
    return _listed((note, code) for code, cells in rows.items() for note in cells[name]["notes"])


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs of a reason and a language: each reason with its languages."""
    by_reason: dict[str, list[str]] = {}
    for reason, code in pairs:
        by_reason.setdefault(reason, []).append(code)
    return "; ".join(f"{reason}: {' '.join(codes)}" for reason, codes in by_reason.items())


def _noted(name: str, reasons: str) -> tuple[Inline, ...]:
    return Mono(name), f": {reasons}."


def _section(member: Any, rows: Rows) -> Iterator[Block]:
    head = ("script", "language", "text", "strength", "realised", "kinds")
    codes = () if member.first else (code for code in SAMPLES if not rows[code][member.name]["why"])
    shown = [
        *(_aligned() if member.first else ()),
        *(line for code in codes for line in _example(member.name, code, SAMPLES[code])),
    ]
    yield Heading(member.name, 3)
    yield Paragraph(f"{member.summary} Unit: {member.unit}; kind: {member.kind}.")
    yield grid(head, shown) if shown else Paragraph("No example: it needs a file of the user's.")
    if member.first:
        yield Prose(_ALIGNED)
    elif others := " ".join(code for code in SAMPLES if rows[code][member.name]["why"]):
        yield Paragraph(f"Not applicable: {others}.")


def _aligned() -> list[tuple[Phrase, ...]]:
    """Sentences of the embedded suite, switched by packs that are made of it for this; the last are typed."""
    source, task = open_source("mini"), registry.load("task", "xnli")
    with TemporaryDirectory() as folder:
        path = Path(folder) / packs.PARALLEL
        path.mkdir()
        for code, params in _SWITCHED:
            other = params.removeprefix("@with=")[:2]
            (path / f"{code}-{other}.tsv").write_bytes(align(source, code, other)[0])
        first = {code: load(task, source, code, "test").examples[0].texts["premise"].value for code, _ in _SWITCHED}
        with using(folder):
            return [line for code, params in _SWITCHED for line in _example("code_switch", code, first[code], params)]


def _example(name: str, code: str, text: str, params: str = "") -> Iterator[tuple[Phrase, ...]]:
    """A sentence of a language at the lowest strength that edits it; none where the perturbation needs more."""
    sample = None
    for strength in STRENGTHS:
        try:
            cell = PerturbationSpec.parse(f"{name}:{strength}{params}")
            with frozen():
                sample = f"{strength}{params}", noised_strings([text], cell, code, 0)[0]
        except UserError:
            return
        if sample[1].status == "ok":
            break
    if sample:
        yield _shown(code, *sample)


def _shown(code: str, strength: str, noised: Noised) -> tuple[Phrase, ...]:
    known = language(code)
    kinds = ", ".join(f"{name} {many}" for name, many in noised.edits.items() if many) or noised.status
    done = sum(noised.edits.values())
    share = f"{done} of {noised.eligible} ({100 * done / noised.eligible:.0f} %)" if noised.eligible else "none"
    return known.script, code, diff(noised, known.direction), strength, share, kinds


def diff(noised: Noised, direction: str = "ltr") -> Diff:
    """The noisy text with what was removed and what was put in."""
    return Diff(tuple(_piece(*piece) for piece in pieces(noised)), direction=direction)


def _piece(removed: str, added: str) -> tuple[str, str]:
    return (removed, added) if removed == added else (_marked(removed), _marked(added))


def _marked(text: str) -> str:
    """An edited piece: spaces and combining marks by themselves can be seen."""
    return seen(text).replace(" ", "␣") if text else ""


def seen(text: str) -> str:
    """A text whose first character, if it is a combining mark, is on a circle."""
    return f"\u25cc{text}" if unicodedata.category(text[0]).startswith("M") else text
