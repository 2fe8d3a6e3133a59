"""Measures what `robust-xtreme align` aligns, and samples pairs to read: `python -m tools.aligned DATA de 100`.

Anchors are tokens that a text and its partner write alike, each once: numbers, punctuation, names and cognates. The
aligner does not see that they are alike, so that the share of their links that are right is a measure of it. Beside it
stands the share of the links of words that end in the right word (precision), and of anchors that are linked (recall).
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from robust_xtreme.core.sinks import echo
from robust_xtreme.tasks.aligning import AlignedTokens, blocks, cells, flores, parallel, posteriors, tokens
from robust_xtreme.tasks.sources.source import open_source

_SEED: Final = 7
_AROUND: Final = 30

Pair = tuple[int, int]
"""The numbers of a token of each side."""


def linked(data: str, code: str, other: str) -> tuple[list[tuple[str, str]], AlignedTokens, AlignedTokens, list[Pair]]:
    """The texts of two languages that are trained on, their tokens, signs and numbers too, and the linked ones."""
    pairs = {**parallel(open_source(data), code, other), **flores(Path(data), code, other)}
    left, right = tokens([*pairs], code), tokens([*pairs.values()], other)
    grid = cells(left.text, right.text)
    every = [side.word | True for side in (left, right)]
    ranges = blocks(every, grid, posteriors([left.forms, right.forms], grid))
    found = [
        (mine, theirs)
        for (low, high), (begin, end) in zip(*(each.tolist() for each in ranges), strict=True)
        for mine in range(low, high + 1)
        for theirs in range(begin, end + 1)
    ]
    return [*pairs.items()], left, right, found


def anchors(left: AlignedTokens, right: AlignedTokens) -> Mapping[str, Mapping[int, int]]:
    """By kind the tokens of the left side that the right one has alike, each once in its text, and where."""
    gold: defaultdict[str, dict[int, int]] = defaultdict(dict)
    mine, theirs = _by_text(left), _by_text(right)
    for text, numbers in mine.items():
        counts = Counter(left.forms[number] for number in numbers)
        others = defaultdict(list)
        for number in theirs.get(text, ()):
            others[right.forms[number]].append(number)
        for number in numbers:
            form = left.forms[number]
            if counts[form] == len(others[form]) == 1 and (kind := _kind(form)):
                gold[kind][number] = others[form][0]
    return gold


def _by_text(side: AlignedTokens) -> Mapping[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, text in enumerate(side.text.tolist()):
        found[text].append(number)
    return found


def _kind(form: str) -> str:
    if form[0].isdigit():
        return "numbers"
    if not form[0].isalpha():
        return "punctuation"
    return "names and cognates" if len(form) > 3 else ""


def scores(gold: Mapping[str, Mapping[int, int]], found: Sequence[Pair]) -> Iterator[tuple[str, int, float, float]]:
    """Of each kind the number of anchors, the share of their links that are right, and of anchors that are linked."""
    links: defaultdict[int, set[int]] = defaultdict(set)
    for mine, theirs in found:
        links[mine].add(theirs)
    for kind, places in sorted(gold.items()):
        right = sum(theirs in links[mine] for mine, theirs in places.items())
        yield kind, len(places), right / max(1, sum(len(links[mine]) for mine in places)), right / len(places)


def _shown(text: str, start: int, stop: int) -> str:
    before, after = text[max(0, start - _AROUND) : start], text[stop : stop + _AROUND]
    return " ".join(f"{before}[{text[start:stop]}]{after}".split())


def main() -> None:
    """Print the scores of anchors, and a sample of linked words that differ, to be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("code")
    parser.add_argument("many", type=int)
    parser.add_argument("--other", default="en")
    asked = parser.parse_args()
    texts, left, right, found = linked(asked.data, asked.code, asked.other)
    for kind, many, precision, recall in scores(anchors(left, right), found):
        echo(f"{asked.code} {kind}: {many:,} anchors, precision {100 * precision:.1f} %, recall {100 * recall:.1f} %")
    words = [(a, b) for a, b in found if left.word[a] and right.word[b] and left.forms[a] != right.forms[b]]
    for mine, theirs in random.Random(_SEED).sample(words, min(asked.many, len(words))):
        one, two = texts[left.text[mine]]
        places = (left.start[mine], left.stop[mine]), (right.start[theirs], right.stop[theirs])
        echo(f"{_shown(one, *places[0])}  ||  {_shown(two, *places[1])}")


if __name__ == "__main__":
    main()
