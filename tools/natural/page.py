"""docs/natural.md: what `natural` is fitted to, how near it comes, and its realised strength."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tools.natural.figures import STRENGTHS
from tools.natural.fit import LARGEST, LEAST
from tools.natural.lists import OPERATORS

from robust_xtreme.core.languages import language
from robust_xtreme.noise.members.natural import PARTS
from robust_xtreme.noise.members.natural_typo import THIN
from robust_xtreme.report.blocks import Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

_HEAD: Final = f"""\
Written by `python -m tools.natural --data DIR` from `reports/benchmarks/natural.json`, with the packs in
`perturbations/natural`. `natural` mixes five parts: key errors, accents missing or wrong, spaces, case, punctuation.

Its strength is the share of grapheme clusters that are edited. People edit about 2 %: NoiseQA's natural keyboard noise
has 1.9 %. So the suite `@natural` has 0.02, and 0.05 as an upper bound; `@stress`, at 0.1 and 0.2, is not natural.

## Sources

- *Letters*: lists of misspellings, by language. Shares of operators are counted over pairs one edit apart, on the half
  of a list in which a hash of the right word puts it, and the rates of key errors are fitted until key errors of these
  words have the same shares. A list is a source if it has {LEAST} such pairs, and no operator makes more than
  {LARGEST:.0%} of them: such a list shows what its authors looked for.
- *Spaces, case and punctuation*: 10 %, 6 % and 7 % of the edits of NoiseQA (Ravichander et al. 2021), in English. Case
  is 13-24 % in German, Spanish, French and Turkish, and spaces are 58 % in Hindi, by edits of Wikipedia (Stickland et
  al. 2022); 18 % and 58 % are used. Where neither names a language, case has the mean of the five. These shares are
  published and not fitted here.
- *Other languages borrow*: the mean of their script, or that of a script of the same kind (Hindi's for the other
  scripts of India), or that of all lists. `robust-xtreme list perturbations --language CODE`
  marks them `borrowed`, and they do not count as served by packs of their own.
- *A language with a pack of its own is `served`*; the largest distance of one below is {{largest}}, and a test refuses
  more than 0.2. Where ten pairs of the list make more than {THIN:.0%} of its edits on real text, `list` adds `from a
  thin list` (`ten` in the pack): its shares and rates are those of few words.

A unit is edited with at most ten times the strength's probability; what a rare unit does not get, key errors do. In a
language without case or accents key errors also have their share, and at words with tags nothing is joined or split.

## The other halves

Shares of the operators in percent: fitted on one half of the list, counted on the other, and realised by `natural` on
the right words of that other half (20 in a line). `distance` is the total variation distance from the other half: what
would have to move, from 0 to 1.
"""
_LISTS: Final = """\
Only the English lists are a collection of errors. The others are written to correct texts while they are typed, and
are short: their shares are those of what their authors listed, and their halves differ by chance. Vietnamese rates are
those of an input method, and in no mean. A letter that is replaced in a list is most often a spelling error (*ie* and
*ei*, *s* and *z*), and `natural` puts a neighbouring key there: the kinds agree, the letters do not.
"""
_TEXT: Final = """\
## On real text

Development sentences of FLORES (997): the share of clusters that is edited, in percent, by strength, and the shares of
the parts among the edits at 0.02 and 0.05. The realised strength is within 6 % of the nominal one up to 0.1, and within
17 % at 0.2, where edits collide; single texts vary. In Burmese it is a sixth below, by edits that would combine signs
as no text does ([doubts](doubts.md)). A pack's shares are of edited clusters, and a swap edits two: where swaps are
frequent, keys have a smaller share of the edits here than in the pack, and the other parts have a larger one (German:
keys 56 and 65, case 22 and 18).
"""


def page(figures: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    borrowed: dict[str, list[str]] = {}
    for code, source in figures["sources"].items():
        borrowed.setdefault(source, []).extend([code] if code != source else [])
    largest = max(row["tv"]["realised"] for row in figures["lists"].values())
    halves = grid(("language", "pairs", "", *OPERATORS, "distance"), _halves(figures["lists"]))
    packs = grid(("pack", *PARTS, "borrowed by"), _packs(figures["packs"], borrowed))
    rows = ((language(code).name, *_on_text(row)) for code, row in figures["text"].items())
    on_text = grid(("language", *STRENGTHS, *PARTS), rows)
    head = Prose(_HEAD.format(largest=f"{largest:.2f}"))
    blocks = (head, halves, Prose(_LISTS), Heading("Packs"), packs, Prose(_TEXT), on_text)
    return markdown.render(ReportPage("How close natural is to the errors of people who type", blocks))


def _halves(lists: Mapping[str, Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    for code, row in lists.items():
        first, second = (f"{many:,}" for many in row["pairs"])
        yield language(code).name, first, "fitted", *_percent(row["fitted"]), f"{row['tv']['fitted']:.2f}"
        yield "", second, "other half", *_percent(row["held_out"]), ""
        yield "", "", "realised", *_percent(row["realised"]), f"{row['tv']['realised']:.2f}"


def _packs(packs: Mapping[str, Mapping[str, str]], borrowed: Mapping[str, Sequence[str]]) -> Iterable[Sequence[str]]:
    for name, shares in packs.items():
        yield name, *_percent({part: float(share) for part, share in shares.items()}), " ".join(borrowed.get(name, ()))


def _on_text(row: Mapping[str, Any]) -> Sequence[str]:
    return *(f"{100 * share:.2f}" for share in row["edited"]), *_percent(row["shares"])


def _percent(shares: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{100 * share:.0f}" for share in shares.values())
