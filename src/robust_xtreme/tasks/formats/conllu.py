"""Sentences of tagged words: treebanks of Universal Dependencies (CoNLL-U), and files converted by XTREME's scripts.

Treebanks are read as XTREME's scripts convert them: a multi-word token is one word with the tag of its head, empty
nodes and sentences whose words are withheld are left out (google-research/xtreme, third_party/ud-conversion-tools and
utils_preprocess.py; docs/decisions/tasks.md#treebanks-are-read-as-xtreme-converts-them). The PUD treebanks are
parallel: a sentence has the same sent_id in every language, which names its cluster.

When a treebank is written, the forms in its text are noised, a multi-word token as one word, and `# text` is updated;
the words of a multi-word token, empty nodes and all other columns are kept.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, pairwise
from pathlib import PurePath
from typing import Final, NamedTuple

from robust_xtreme.core.errors import DataError, WrongVersion
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import iob2
from robust_xtreme.tasks.formats._file import Source, TextLine, numbered_lines
from robust_xtreme.tasks.formats._record import ReadOptions, Record, SlotResult, kept, word_slot
from robust_xtreme.tasks.formats._words import FAMILY, FIELDS, NOISED, new_word, record, sentences

WRITTEN: Final = "conllu"

__all__ = ["FAMILY", "FIELDS", "NOISED", "WRITTEN", "read", "record", "records"]

_COLUMNS: Final = 10
_FORM, _TAG, _HEAD, _DEPS, _MISC = 1, 3, 6, 8, 9
_WITHHELD: Final = "_"
_OLD_TAG: Final = "CONJ"
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_RANGE: Final = re.compile(r"([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")
_EMPTY: Final = re.compile(r"[0-9]+\.[0-9]+")
_TEXT: Final = re.compile(r"(#\s*text\s*=\s*)(.*)")
_NAME: Final = re.compile(r"#\s*sent_id\s*=\s*(.*\S)")
_NOT_JOINED: Final = {ord("\u200c"): None, ord(" "): None}

_PRECEDENCE: Final = {
    "": "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT",
    "es": "VERB AUX PRON ADP DET",
    "fr": "VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ CONJ",
    "it": "VERB AUX ADV PRON ADP DET INTJ",
}
"""The tag of a multi-word token if several parts are nearest the root, by the language prefix of the file's name."""


class _Word(NamedTuple):
    """A line of a word or of a multi-word token: its order in the sentence, counted from 0, and its columns."""

    order: int
    cells: Sequence[str]

    @property
    def form(self) -> str:
        return self.cells[_FORM]

    @property
    def tag(self) -> str:
        return self.cells[_TAG].strip()

    @property
    def head(self) -> int:  # 0: the root
        return int(self.cells[_HEAD]) if _NUMBER.fullmatch(self.cells[_HEAD]) else 0

    @property
    def heads(self) -> tuple[int, ...]:
        """The numbers of its heads, in the basic tree and in the enhanced graph, `4:nsubj|6:obj`."""
        others = (part.partition(":")[0] for part in self.cells[_DEPS].split("|"))
        return self.head, *(int(other) for other in others if _NUMBER.fullmatch(other))

    @property
    def after(self) -> str:
        """The white space that follows it in the text."""
        return "" if "SpaceAfter=No" in self.cells[_MISC].split("|") else " "


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Its words, counted from 1, and its multi-word tokens: from first word to last word and line."""

    words: list[_Word] = field(default_factory=list)
    tokens: dict[int, tuple[int, _Word]] = field(default_factory=dict)

    def in_text(self) -> Iterator[tuple[int, int, _Word]]:
        """The words and multi-word tokens of the text: first word, last word, line."""
        index = 1
        while index <= len(self.words):
            last, line = self.tokens.get(index, (index, self.words[index - 1]))
            yield index, last, line
            index = last + 1


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words` and `tags` (None in files without tags); a `.tsv` comes from XTREME's scripts.

    A row of a PUD treebank, by the name of its file, has a cluster.

    Raises DataError naming the line that is not valid CoNLL-U (the last line ends with a line break too), and both
    lines of a repeated sent_id; WrongVersion where the tags are those of version 1.
    """
    rows = iob2.read(text, path) if path.endswith(".tsv") else tuple(_treebank(text, path))
    if any(_OLD_TAG in (row.values["tags"] or ()) for row in rows):
        what = f"has tags of Universal Dependencies 1 ({_OLD_TAG}), which are not those of version 2"
        raise WrongVersion(f"{path} {what}. Replace it by a treebank of version 2.")
    if all(set(row.values["tags"] or (_WITHHELD,)) == {_WITHHELD} for row in rows):
        return tuple(replace(row, values={**row.values, "tags": None}) for row in rows)
    return rows


def _treebank(text: str, path: str) -> Iterator[Row]:
    names: dict[str, str] = {}
    order = _PRECEDENCE.get(PurePath(path).name.partition("_")[0], _PRECEDENCE[""]).split()
    parallel = "_pud-ud-" in PurePath(path).name
    for blank, grouped in groupby(numbered_lines(text), lambda line: not line[1].strip()):
        lines, cluster = [] if blank else list(grouped), ""
        for number, line in lines:
            if match := _NAME.match(line):
                cluster = f"pud/{match[1]}" if parallel else ""
                if match[1] in names:
                    raise DataError(
                        path, f"the sent_id {match[1][:80]!r} is not unique; it is at {names[match[1]]} too.", number
                    )
                names[match[1]] = f"{path}:{number}"
        sentence = _sentence(lines, path, headed=True)
        fused = []
        for first, last, word in sentence.in_text():
            head = min(range(first, last + 1), key=partial(_rank, sentence.words, order)) if last > first else first
            fused.append((word.form.strip(), sentence.words[head - 1].tag))
        # Treebanks without their texts have the form `_` instead of all words, or of all but one.
        withheld = sum(form == _WITHHELD for form, _ in fused)
        if fused and not (withheld and withheld >= len(fused) - 1):
            words = tuple(form.translate(_NOT_JOINED) for form, _ in fused)
            yield Row("", f"{path}:{lines[0][0]}", {"words": words, "tags": tuple(tag for _, tag in fused)}, cluster)
    if text and not text.endswith("\n"):
        raise DataError(
            path,
            "the file ends in the middle of a line, where CoNLL-U ends with a line break: is it cut off?",
            text.count("\n") + 1,
        )


def _rank(words: Sequence[_Word], order: Sequence[str], index: int) -> tuple[int, int]:
    """The number of a word's ancestors, and the rank of its tag in the order of precedence."""
    above: set[int] = set()
    pending = [index]
    while pending:
        here = pending.pop()
        heads = words[here - 1].heads if 0 < here <= len(words) else ()
        pending += [head for head in heads if head not in above]
        above.update(heads)
    tag = words[index - 1].tag
    return len(above - {index}), order.index(tag) if tag in order else len(order)


def _sentence(lines: Sequence[tuple[int, str]], path: str, *, headed: bool) -> _Sentence:
    """The sentence of some lines, without words where all are comments; `headed` checks the heads. Raises DataError."""
    sentence = _Sentence()
    for index, (number, line) in enumerate(lines):
        if not line.startswith("#"):
            _add(sentence, _Word(index, line.split("\t")), path, number)
    lasts = [last for last, _ in sentence.tokens.values()]
    wanted = max((*lasts, *(word.head for word in sentence.words if headed)), default=0)
    if wanted > (there := len(sentence.words)):
        raise DataError(
            path, f"the sentence ends with word {there}, but names word {wanted}: a line is missing.", lines[-1][0]
        )
    return sentence


def _add(sentence: _Sentence, line: _Word, path: str, number: int) -> None:
    name, many, following = line.cells[0], len(line.cells), len(sentence.words) + 1
    if many != _COLUMNS:
        raise DataError(
            path, f"has {many} column{'s' * (many != 1)}, CoNLL-U has {_COLUMNS}, separated by tabs.", number
        )
    if name == str(following):
        sentence.words.append(line)
    elif match := _RANGE.fullmatch(name):
        first, last = int(match[1]), int(match[2])
        open_until = max((stop for stop, _ in sentence.tokens.values()), default=0)
        if first != following or last <= first or first <= open_until:
            raise DataError(
                path, f"the multi-word token {first}-{last} is not before its words, or overlaps another one.", number
            )
        sentence.tokens[first] = (last, line)
    elif not _EMPTY.fullmatch(name):
        raise DataError(
            path, f"the word's number is {name[:80]!r}, expected {following}: a line is missing or moved.", number
        )


def records(source: Source, _: ReadOptions) -> Iterator[Record]:
    """A record for each sentence. Raises DataError naming the line that is not valid CoNLL-U."""
    for lines in sentences(source):
        texts = [line.text for line in lines]
        blank = not texts[0].strip()
        sentence = _sentence([] if blank else [line[:2] for line in lines], source.path, headed=False)
        if not sentence.words:
            yield kept("".join(line.whole for line in lines))
            continue
        words = [word for _, _, word in sentence.in_text()]
        forms, tags = [word.form.strip() for word in words], [word.tag for word in words]
        slot = word_slot("tokens", str(lines[0].number), forms, tags)
        yield Record((slot,), partial(_written, lines, words, source.path), sum(map(len, texts)))


def _written(lines: Sequence[TextLine], words: Sequence[_Word], path: str, done: Sequence[SlotResult]) -> str:
    texts = [line.text for line in lines]
    forms = [word.form if new is None else new for word, new in zip(words, done[0].words(), strict=True)]
    changed = [(word, form) for word, form in zip(words, forms, strict=True) if form != word.form]
    for word, form in changed:
        cells = [*word.cells]
        cells[_FORM] = new_word(form, path, lines[word.order].number)
        texts[word.order] = "\t".join(cells)
    for index, text in enumerate(texts):
        if changed and (match := _TEXT.fullmatch(text)):
            texts[index] = match[1] + _text(match[2], words, forms)
    return "".join(text + line.end for text, line in zip(texts, lines, strict=True))


def _text(old: str, words: Sequence[_Word], forms: Sequence[str]) -> str:
    """The text with its words replaced; a text that does not contain all words is joined from the forms."""
    starts, position = [], 0
    for word in words:
        position = old.find(word.form, position)
        if position < 0:
            return "".join(form + word.after for word, form in zip(words, forms, strict=True)).rstrip()
        starts.append((position, position + len(word.form)))
        position += len(word.form)
    between = [old[stop:start] for (_, stop), (start, _) in pairwise(starts)]
    parts = [part for pair in zip(forms, [*between, old[starts[-1][1] :]], strict=True) for part in pair]
    return "".join([old[: starts[0][0]], *parts])
