"""Makes docs/typos.md, the comparison of keyboard_typo with real typos, from its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tools.yardstick.key_errors import MECHANICAL

from robust_xtreme.report.blocks import Block, Heading, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

NAMES: Final = {
    "kinds": "kind of edit, all eleven",
    "key errors of the hand": "kind of edit, key errors of the hand alone",
    "places": "position in the word, five classes",
    "tenths": "position in the word, tenths",
    "distances": "distance of the struck key",
}

_HEAD: Final = """\
Written by `python -m tools.yardstick --data DIR` from `reports/benchmarks/typos.json`; the figures are computed from
four lists of English misspellings (HELM's, two of NL-Augmenter's, nlpaug's), which are not part of this project.

![Shares of kinds, positions and distances: real typos, keyboard_typo, nlpaug, even letters](figures/typos.svg)
"""

_KINDS: Final = """\
Pairs are split into halves by a hash of the right word. The rates are fitted on one half; the comparison is on the
other. No right word is in both halves, but the halves are not independent: many words have an inflected form in the
other half (*receive* and *receiving*), and some typos are the same edit at the same position of the same stem
there. Both halves use pairs that are one edit apart. Edits of people and of programs are classified by the same
rules: `neighbour`, a letter whose key is within 1.25 pitches on the layout `us`; `insert`, such a letter beside the
right one; `delete`, a letter that is beside no equal one; `double`, a letter typed twice; `swap`; `shift`, the case
of a letter that is not the first. These six are key errors of the hand. The other kinds are `other letter`, `other
insert`, `missed double` (one of two equal letters missing), `mark` (space, hyphen, apostrophe) and `capital` (the
case of the first letter).
"""

_COMPARED: Final = """\
Total variation distance is the share that would have to move for two distributions to be equal: 0 means the same, 1
means nothing in common. `ours` is `keyboard_typo` with its default rates. Generators change each word as often as
the lists do; intervals are the 2.5th and 97.5th percentile of 1,000 resamples of words. They show the spread of the
resampled distances, not a range for the true value: a distance is never negative, so that resampling increases a
small distance, and its interval is mostly above the point. `other half` is the half of the real typos that the
rates were fitted on: the distance between two samples of the same lists. Positions are in words of at least five
letters; distances are of letters replaced by letters or signs that have a key. nlpaug does not change words of
fewer than four letters, so that it is compared on the others.
"""

_LIMITS: Final = """\
Lists of misspellings are collected from texts that people wrote, so that they contain spelling errors as well as
key errors of the hand. A pair does not show which of the two it is, and a key error that its writer corrects at
once is in no list. The number of key errors of the hand is therefore an upper bound: *definate* for *definite* is
an `other letter`, but *goverment* for *government* counts as a missed key. `keyboard_typo` makes no spelling
errors; `natural_typo` takes them from lists, which are long only for English and a few other languages. Rates of
`accent`, `candidate` and `syllable` cannot be estimated from English and are set by hand. That all languages and
layouts share the rates of English on QWERTY is an assumption.
"""


def page(record: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    return markdown.render(ReportPage("How close keyboard_typo is to real typos", tuple(_blocks(record))))


def _blocks(record: Mapping[str, Any]) -> Iterator[Block]:
    yield Prose(_HEAD)
    yield from (Heading("What the lists contain"), Paragraph(_contents(record["lists"])), Prose(_KINDS))
    yield from (Heading("Rates"), Paragraph(_rates(record)))
    yield grid(("kind", *MECHANICAL), _fitted(record), 1)
    yield from (Heading("Distance from real typos"), Prose(_COMPARED))
    yield Paragraph(f"{record['typos']:,} typos of {record['words']:,} words in the half compared.")
    yield grid(("", *record["beside"]), (_distances(record, name) for name in record["classes"]), 1)
    yield Prose(_explained(record))
    for name in record["classes"]:
        yield Paragraph(f"Shares in percent, {NAMES[name]}:")
        yield grid(("", *record["classes"][name]), _shares(record, name), 1)
    yield from (Heading("Limits"), Prose(_LIMITS), Prose(_first(record)))


def _explained(record: Mapping[str, Any]) -> str:
    """Explains the two distances in which evenly drawn letters are closer than keyboard_typo."""
    ours, evenly = record["beside"]["ours"], record["beside"]["letters drawn evenly"]
    kinds = dict(zip(record["classes"]["kinds"], record["real"]["kinds"], strict=True))
    spelt = sum(share for name, share in kinds.items() if name not in MECHANICAL)
    near = {name: measures["distances"]["shares"][0] for name, measures in record["beside"].items()}
    return (
        f"By two measures letters drawn evenly are closer than `keyboard_typo`: the distance of the struck key "
        f"({evenly['distances']['tv']:.3f} and {ours['distances']['tv']:.3f}) and the kinds over all eleven "
        f"({evenly['kinds']['tv']:.3f} and {ours['kinds']['tv']:.3f}). The lists contain spelling errors: "
        f"{spelt:.0%} of their edits are of the five kinds that are not key errors of the hand, and only "
        f"{record['real']['distances'][0]:.0%} of the replaced letters are replaced by a neighbouring key. Letters "
        f"drawn evenly are as widely spread ({near['letters drawn evenly']:.0%} by a neighbouring key), those of "
        f"`keyboard_typo` are not ({near['ours']:.0%}), nor are nlpaug's ({near['nlpaug KeyboardAug']:.0%}). The rates "
        f"are fitted to key errors of the hand, and for these the distance of `keyboard_typo` is {_hand(ours)}, that "
        f"of letters drawn evenly {_hand(evenly)}."
    )


def _hand(measures: Mapping[str, Any]) -> str:
    return f"{measures['key errors of the hand']['tv']:.3f}"


def _first(record: Mapping[str, Any]) -> str:
    """Compares the shares of the first letter of a word."""
    ours = record["beside"]["ours"]["places"]["shares"][0]
    return (
        f"People err less on the first letter of a word ({record['real']['places'][0]:.0%}) than `keyboard_typo` "
        f"does ({ours:.0%}), which draws all letters with the same probability."
    )


def _contents(lists: Mapping[str, int]) -> str:
    far = lists["pairs"] - lists["one"] - lists["two"]
    spelt = lists["one"] - lists["one_hand"]
    return (
        f"{lists['read']:,} different pairs; left out are {lists['signs']:,} with signs other than English letters, "
        f"space, hyphen and apostrophe, {lists['words']:,} whose wrong word is a right word of a list, and "
        f"{lists['cases']:,} that differ in the case of several letters or of a whole word. Of the {lists['pairs']:,} "
        f"left, {lists['one']:,} are one edit apart, {lists['two']:,} two, and {far:,} more. Of those one edit apart "
        f"{spelt:,} ({spelt / lists['one']:.0%}) are not key errors of the hand, of those two edits apart "
        f"{lists['two'] - lists['two_hand']:,} ({1 - lists['two_hand'] / lists['two']:.0%}) are not made of such "
        f"errors alone; with those further apart, none of which counts as key errors, this is "
        f"{1 - _hands(lists) / lists['pairs']:.0%} of all pairs."
    )


def _hands(lists: Mapping[str, int]) -> int:
    return lists["one_hand"] + lists["two_hand"]


def _rates(record: Mapping[str, Any]) -> str:
    return (
        "A rate counts only where a letter allows its kind, so that rates are not shares: they are adjusted until the "
        f"noise on the words of the first half has the shares of its {record['fit']['typos']:,} key errors. Their sum "
        "is not changed, so that the kinds that are set by hand keep their weight."
    )


def _fitted(record: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield ("share among real key errors", *(f"{share:.1%}" for share in record["fit"]["shares"]))
    for title, rates in (("rate guessed", record["guessed"]), ("rate fitted", record["fit"]["rates"])):
        yield (title, *(rates[kind] for kind in MECHANICAL))
    yield ("rate by default", *(record["used"][kind] for kind in MECHANICAL))


def _distances(record: Mapping[str, Any], measure: str) -> Sequence[str]:
    cells = (measures[measure] for measures in record["beside"].values())
    bounds = ((cell["tv"], *cell["interval"]) for cell in cells)
    return (NAMES[measure], *(f"{distance:.3f} ({low:.3f}-{high:.3f})" for distance, low, high in bounds))


def _shares(record: Mapping[str, Any], measure: str) -> Iterator[Sequence[str]]:
    beside = {name: measures[measure]["shares"] for name, measures in record["beside"].items()}
    rows = {"real": record["real"][measure], **beside}
    return ((name, *(f"{100 * share:.1f}" for share in shares)) for name, shares in rows.items())
