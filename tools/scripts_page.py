"""Writes docs/scripts.md: what other scripts, marks and look-alikes do, and the schemes of `transliterate`."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.round_trip import losses

from robust_xtreme.core import packs, registry
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.noise.members.scripts import schemes
from robust_xtreme.noise.scripts.schemes import Scheme
from robust_xtreme.noise.scripts.table import KIND
from robust_xtreme.report.blocks import Diff, Heading, Mono, Phrase, Prose, ReportPage, Table, grid, joined
from robust_xtreme.report.renderers import markdown

_TESTS: Final = Path(__file__).parents[1] / "tests" / "real"
_MEMBERS: Final = (
    "transliterate", "diacritics", "confusables", "zero_width", "normalisation", "styled", "wrong_layout"
)  # fmt: skip
_HEAD: Final = """\
Words in another script, letters without their marks, and letters that only look the same. This page is written from the
members and packs of the program by `python -m tools.generated docs/scripts.md`; figures are of the dev files of FLORES.
"""
_CHOOSE: Final = """\
[Perturbations](perturbations.md) has an example of each in every language, [the wrong layout](layouts.md) the layouts
that are on. `normalisation` and `styled` disappear in a tokenizer that normalises by NFKC: the report marks such a cell
as inert. What leaves the script on purpose declares it (`waives` in `list perturbations --long`).

## How to choose

`robust-xtreme list perturbations --languages ru --long` names the schemes of a language as a spec takes them.

- **How a model reads people**: `transliterate:0.3`, which is `@scheme=typed`. A word has several spellings, drawn by
  their weights, and in some languages digits for letters.
- **By a standard**, one spelling a word: `@scheme=iso9`, `iast`, `hepburn`, `revised`, `rtgs`, `national`. Where
  a scheme is read back with little loss, as the table below says, a drop under it is not a loss of information. `iast`
  writes ISO 15919 in every script, Devanagari too: कृष्ण is kr̥ṣṇa, and kṛṣṇa in strict IAST.
- **Another script of the same language**: `@scheme=arab`, `deva`, `latn`, `hant`.
- **To compare with other work**: `@scheme=uroman` or `@scheme=icu:Greek-Latin`, which call these libraries.
- **Text that came in Latin letters**: `@direction=back`, where the table of schemes says so.

**Mixed scripts** need no scheme: the strength is a share of words. `transliterate:0.3` leaves seven words of ten in
their script, `transliterate:1` none. The words of a lower strength are among those of a higher one.

**Names**: with `--keep-names` (in files and in Python `keep_names`), or `@names=keep` in one perturbation, words that
are tagged as names stay in their script: entities in IOB2, proper nouns in treebanks. Nothing is kept where nothing is
tagged.

**Languages beside each other**: the same share of words is not the same share of letters. `@realised=graphemes:0.05`
(`words`, `tokens`) in the place of the strength solves for it in each language, as in
`transliterate@realised=graphemes:0.05`; where no strength gives it, the cell is `not attainable`.

**Words joined to digits stay**: Greek `28χρονος`, Hindi `60वाँ` are not respelt, since a word ends where a digit begins
and respelling a part would mix scripts within a word. Latin letters within a word of another script stay, and the
others change: `iPhoneом` becomes `iPhoneom`.

**Capitals** are given back: Щука, ЩУКА become Shchuka, SHCHUKA.

**What letters do not show** is written in words of lists only: the n that Korean puts in between the parts
of a word (article 29 of the Standard Pronunciation Rules: 물약 mullyak is listed, 잠실역 is not), and readings
of Chinese characters in names (曾国藩 zengguofan is listed; in a new name 曾 is ceng).
"""
_SCHEMES: Final = """\
`back` are the languages that are read back too. A language that has the scheme's script already is not applicable, and
is in no average.
"""
_LOSS: Final = """\
The share of the distinct words of FLORES (of the bundled calibration text in gu, ml and pa, of which FLORES has no file
here) that `@direction=back` does not give back (in Chinese, of the parts of text between marks); `python -m
tools.round_trip --data DIR` lists the words. Latin letters within a word do not come back as such.
"""
_AGREEMENT: Final = """\
The words of FLORES that a pack spells as a library does, as `tests/real/romanisation_references.tsv` records it.
"""
_DIFFERENT: Final = """\
From these libraries, from uroman's test text (`uroman`: its spelling is not among those that can be drawn;
`uroman consonants`: in Arabic script, where only consonants are compared) and from nisaba's. Each word is in
`tests/real/romanisation_differences.tsv`.
"""
_PACKS: Final = """\
`attested` is in the source, `derived` is computed from it, `authored` is ours, with the source as a guide: **no speaker
of the language has reviewed it.** All weights of typed spellings are estimates. Rows may have a standing of their own;
`authored rows` counts those of packs that are not authored as a whole.
"""
_EXTRA: Final = """\
## The extra `scripts`

`pip install "robust-xtreme[scripts]"` brings uroman and PyICU, which nothing but `@scheme=uroman` and `@scheme=icu:ID`
needs; without them these conditions end with one line that says so.

- **uroman** (1.3.1.1 on PyPI): its licence text is MIT's with a duty: a publication of a project that uses it writes
  "This project uses the universal romanizer software 'uroman' written by Ulf Hermjakob, USC Information Sciences
  Institute (2015-2020)" and cites Hermjakob, May and Knight 2018. Its classifier on PyPI says Apache instead; the text
  is what counts. Some of our packs name it as a source of facts; no file of it is copied.
- **PyICU**: MIT; ICU itself: the Unicode licence.
"""


def page(data: Path) -> str:
    """The page, in Markdown; `data` are the release files, with FLORES."""
    members = grid(("", "what", "languages", "not for"), map(_member, _MEMBERS))
    lost = grid(("scheme", "language", "words", "lost", "for example"), map(_loss, losses(data)))
    same = grid(("pack", "library", "words", "same"), _agreement())
    different = grid(("from", "why", "words", "for example: ours, theirs"), _differences())
    blocks = (
        *(Prose(_HEAD), Heading("What there is"), members, Prose(_CHOOSE)),
        *(Heading("Schemes"), Prose(_SCHEMES), schemes_table()),
        *(Heading("What the way back loses"), Prose(_LOSS), lost),
        *(Heading("Agreement with libraries"), Prose(_AGREEMENT), same),
        *(Heading("Where we differ on purpose"), Prose(_DIFFERENT), different),
        *(Heading("Packs, and what is authored"), Prose(_PACKS), packs_table(), Prose(_EXTRA)),
    )
    return markdown.render(ReportPage("Scripts", blocks))


def schemes_table() -> Table:
    """Every scheme: the languages that it serves and reads back, its source, and what the way back loses."""
    return grid(("scheme", "writes", "languages", "back", "source", "the way back loses"), map(_scheme, schemes()))


def packs_table() -> Table:
    """Every pack of romanisation, with its standing and source."""
    return grid(("pack", "standing", "authored rows", "source"), map(_pack, packs.bundled(KIND)))


def _member(name: str) -> tuple[Phrase, ...]:
    member = registry.load("perturbation", name)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for code in ALL_LANGUAGES:
        reasons[member.lacks(code)].append(code)
    served = reasons.pop("", [])
    unserved = "; ".join(f"{reason}: {' '.join(codes)}" for reason, codes in reasons.items())
    return Mono(name), member.summary, f"{len(served)} of {len(ALL_LANGUAGES)}", unserved


def _scheme(name: str) -> tuple[Phrase, ...]:
    known: Scheme = registry.load("scheme", name.partition(":")[0])
    if known.variant:
        return Mono(name), known.summary, "those whose letters it changes", "by ICU", known.source, ""
    to = [code for code in ALL_LANGUAGES if not known.lacks(code)]
    back = [code for code in ALL_LANGUAGES if known.back and not known.lacks_back(code)]
    return Mono(name), known.summary, " ".join(to), " ".join(back), known.source, known.loss


def _loss(row: tuple[str, str, list[tuple[str, str, str]], int]) -> tuple[Phrase, ...]:
    name, code, lost, count = row
    shown = joined(map(_shown, lost[0]), " → ") if lost else ""
    return Mono(name), code, f"{count:,}", f"{len(lost) / count:.2%}", shown


def _agreement() -> Iterator[tuple[str, ...]]:
    different = Counter(row["against"] for row in _rows("romanisation_differences.tsv"))
    for row in _rows("romanisation_references.tsv"):
        words = int(row["words"])
        same = words - different[row["pack"]]
        # Rounded down, so that 100 % means all.
        yield row["pack"], row["reference"], f"{words:,}", f"{same * 10_000 // words / 100:.2f}%"


def _differences() -> Iterator[tuple[Phrase, ...]]:
    groups: defaultdict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in _rows("romanisation_differences.tsv"):
        groups[row["against"], row["reason"]].append(row)
    for (against, reason), rows in groups.items():
        word, ours, reference = (_shown(rows[0][name]) for name in ("word", "ours", "reference"))
        yield against, reason, str(len(rows)), (word, ": ", ours, ", ", reference)


def _pack(name: str) -> tuple[str, ...]:
    table = packs.table(KIND, name)
    standing = table.header["standing"]
    ours = sum(row.get("standing", "").startswith("authored") for row in table.rows) if standing != "authored" else 0
    return name, standing, str(ours or ""), table.header["source"]


def _rows(name: str) -> list[dict[str, str]]:
    with (_TESTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _shown(word: str) -> Diff:
    return Diff(((word, word),), direction="auto")
