"""Sentences of tagged words: treebanks of Universal Dependencies (CoNLL-U), and what XTREME's scripts make of them.

A treebank gives the words that XTREME's conversion gives: a multi-word token is one word with the tag of its head,
empty nodes are none, and sentences whose words are withheld are left out (google-research/xtreme,
third_party/ud-conversion-tools and utils_preprocess.py; docs/decisions/0071-treebanks.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePath
from typing import Any, Final, final

from robust_xtreme.errors import DataError, WrongVersion
from robust_xtreme.sources import iob2
from robust_xtreme.sources._file import numbered_lines
from robust_xtreme.specs import Row

SAMPLE: Final = (
    "# sent_id = s1\n"
    "1-2\tIt's\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tIt\tit\tPRON\t_\t_\t3\tnsubj\t_\t_\n"
    "2\t's\tbe\tAUX\t_\t_\t3\tcop\t_\t_\n"
    "3\training\train\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No\n"
    "4\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_\n\n"
)
"""A whole, valid file of this format."""

FIELDS: Final = iob2.FIELDS
"""The keys of a suite's row of this kind."""

_COLUMNS: Final = 10
_FORM, _TAG, _HEAD, _DEPS = 1, 3, 6, 8
_WITHHELD: Final = "_"
_OLD_TAG: Final = "CONJ"
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_RANGE: Final = re.compile(r"([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")
_EMPTY: Final = re.compile(r"[0-9]+\.[0-9]+")
_NAME: Final = re.compile(r"#\s*sent_id\s*=\s*(.*\S)")
_NOT_JOINED: Final = {ord("\u200c"): None, ord(" "): None}

_PRECEDENCE: Final = {
    "": "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT",
    "es": "VERB AUX PRON ADP DET",
    "fr": "VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ CONJ",
    "it": "VERB AUX ADV PRON ADP DET INTJ",
}
"""Which tag a multi-word token has where several parts are nearest the root, by the first part of a file's name."""

Line = tuple[int, str]


@final
@dataclass(frozen=True, slots=True)
class _Word:
    """A syntactic word: its form, its tag, its head (0: the root) and what the enhanced tree says, `4:nsubj|6:obj`."""

    form: str
    tag: str
    head: int
    enhanced: str

    @property
    def heads(self) -> tuple[int, ...]:
        """The words above it, in both trees."""
        others = (one.partition(":")[0] for one in self.enhanced.split("|"))
        return self.head, *(int(one) for one in others if _NUMBER.fullmatch(one))


@final
@dataclass(frozen=True, slots=True)
class _Sentence:
    """Its words, counted from 1, and its multi-word tokens: the first word of each to its last one and its form."""

    place: str
    words: list[_Word]
    tokens: dict[int, tuple[int, str]]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words` and `tags` (None in files without tags); a `.tsv` is a file of XTREME's scripts.

    Raises DataError naming the line of what is no CoNLL-U, whose last line ends like every other, and both places of a
    sent_id that stands twice; WrongVersion where the tags are those of version 1.
    """
    rows = iob2.read(text, path) if path.endswith(".tsv") else _treebank(text, path)
    _check_version(rows, path)
    if all(set(row.values["tags"] or (_WITHHELD,)) == {_WITHHELD} for row in rows):
        return tuple(replace(row, values={**row.values, "tags": None}) for row in rows)
    return rows


def _check_version(rows: Iterable[Row], path: str) -> None:
    if any(_OLD_TAG in (row.values["tags"] or ()) for row in rows):
        what = f"has tags of Universal Dependencies 1 ({_OLD_TAG}), which are not those of version 2"
        raise WrongVersion(f"{path} {what}. Put a treebank of version 2 in its place.")


def _treebank(text: str, path: str) -> tuple[Row, ...]:
    rows = tuple(_rows(text, path))
    if text and not text.endswith("\n"):
        what = "the file ends in the middle of a line, where CoNLL-U ends with a line break: is it cut off?"
        raise DataError(path, what, text.count("\n") + 1)
    return rows


def _rows(text: str, path: str) -> Iterator[Row]:
    names: dict[str, str] = {}
    order = _PRECEDENCE.get(PurePath(path).name.partition("_")[0], _PRECEDENCE[""]).split()
    for blank, lines in groupby(numbered_lines(text), lambda line: not line[1].strip()):
        sentence = None if blank else _sentence(list(lines), path, names)
        fused = _fused(sentence, order) if sentence else []
        if sentence and not _is_withheld(form for form, _ in fused):
            words = tuple(form.translate(_NOT_JOINED) for form, _ in fused)
            yield Row("", sentence.place, {"words": words, "tags": tuple(tag for _, tag in fused)})


def _is_withheld(forms: Iterable[str]) -> bool:
    """Whether a sentence has the form `_` and at most one other, as treebanks without their texts do."""
    withheld = [form == _WITHHELD for form in forms]
    return any(withheld) and sum(withheld) >= len(withheld) - 1


def _fused(sentence: _Sentence, order: Sequence[str]) -> list[tuple[str, str]]:
    """Forms and tags, one for each word or multi-word token."""
    found, index = [], 1
    while index <= len(sentence.words):
        last, form = sentence.tokens.get(index, (index, sentence.words[index - 1].form))
        head = min(range(index, last + 1), key=lambda one: _rank(sentence.words, one, order)) if last > index else index
        found.append((form.strip(), sentence.words[head - 1].tag))
        index = last + 1
    return found


def _rank(words: Sequence[_Word], index: int, order: Sequence[str]) -> tuple[int, int]:
    """How many words stand above one, and the place of its tag in the order of precedence."""
    above: set[int] = set()
    waiting = [index]
    while waiting:
        here = waiting.pop()
        heads = words[here - 1].heads if 0 < here <= len(words) else ()
        waiting += [head for head in heads if head not in above]
        above.update(heads)
    tag = words[index - 1].tag
    return len(above - {index}), order.index(tag) if tag in order else len(order)


def _sentence(lines: Sequence[Line], path: str, names: dict[str, str]) -> _Sentence | None:
    """The sentence of some lines; None where they are comments only."""
    sentence = _Sentence(f"{path}:{lines[0][0]}", [], {})
    for number, line in lines:
        if line.startswith("#"):
            _check_name(line, path, number, names)
        else:
            _add(sentence, line.split("\t"), path, number)
    _check_whole(sentence, path, lines[-1][0])
    return sentence if sentence.words else None


def _check_name(line: str, path: str, number: int, names: dict[str, str]) -> None:
    if match := _NAME.match(line):
        if match[1] in names:
            raise DataError(
                path, f"the sent_id {match[1][:80]!r} is not unique; it stands at {names[match[1]]} too.", number
            )
        names[match[1]] = f"{path}:{number}"


def _add(sentence: _Sentence, cells: Sequence[str], path: str, number: int) -> None:
    if len(cells) != _COLUMNS:
        what = f"has {len(cells)} column{'s' * (len(cells) != 1)}, CoNLL-U has {_COLUMNS}, separated by tabs."
        raise DataError(path, what, number)
    following = len(sentence.words) + 1
    if cells[0] == str(following):
        head = int(cells[_HEAD]) if _NUMBER.fullmatch(cells[_HEAD]) else 0
        sentence.words.append(_Word(cells[_FORM].strip(), cells[_TAG].strip(), head, cells[_DEPS]))
    elif match := _RANGE.fullmatch(cells[0]):
        _add_token(sentence, int(match[1]), int(match[2]), cells[_FORM], (path, number))
    elif not _EMPTY.fullmatch(cells[0]):
        what = f"the word's number is {cells[0][:80]!r}, expected {following}: a line is missing or moved."
        raise DataError(path, what, number)


def _add_token(sentence: _Sentence, first: int, last: int, form: str, place: tuple[str, int]) -> None:
    open_until = max((stop for stop, _ in sentence.tokens.values()), default=0)
    if first != len(sentence.words) + 1 or last <= first or first <= open_until:
        what = f"the multi-word token {first}-{last} does not stand before its words, or overlaps another one."
        raise DataError(place[0], what, place[1])
    sentence.tokens[first] = (last, form)


def _check_whole(sentence: _Sentence, path: str, number: int) -> None:
    """Raise DataError where a head or a part of a multi-word token is not there: a line was lost."""
    there = len(sentence.words)
    wanted = max((*(last for last, _ in sentence.tokens.values()), *(word.head for word in sentence.words)), default=0)
    if wanted > there:
        raise DataError(
            path, f"the sentence ends with word {there}, but names word {wanted}: a line is missing.", number
        )


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return iob2.record(row, place)
