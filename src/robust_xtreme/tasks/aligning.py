"""Aligns the words of parallel items of tasks, and makes the packs of them that `code_switch` reads.

The translation tables are those of IBM models 1 and 2 (Brown et al. 1993, The Mathematics of Statistical Machine
Translation); that words are near the diagonal is Dyer et al. 2013. Both directions are trained at once, each on what
both expect (Liang et al. 2006). They are symmetrised as by Och and Ney 2003: words are linked where each is the
other's, then the neighbour of a link that one direction gives to the same word.

Shapes: w tokens of a side, c cells, that is pairs of tokens of both sides of a text, u links.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple
from unicodedata import is_normalized

import numpy as np

from robust_xtreme.core import graphemes, registry
from robust_xtreme.core.columns import numbering, numbers_of
from robust_xtreme.core.edits import NO_SPANS, Array, at, batch, ragged
from robust_xtreme.core.errors import MissingData, UserError
from robust_xtreme.core.examples import Choice, Text, digest
from robust_xtreme.core.languages import language
from robust_xtreme.core.specs import Origin, TaskSpec
from robust_xtreme.noise.engine.case import capital, lower
from robust_xtreme.noise.engine.runs import find
from robust_xtreme.noise.engine.words import begins
from robust_xtreme.noise.label_risk import pattern
from robust_xtreme.noise.members.scripts import listed_words
from robust_xtreme.tasks.formats import numbered_lines, read_file
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import check
from robust_xtreme.tasks.sources.source import Source, has_language

TASKS: Final = ("xnli", "pawsx", "xcopa", "xquad", "lareqa", "mlqa")  # items are translations; of MLQA the questions
_SPLITS: Final = {"pawsx": ("validation",)}  # in test it has other labels in other languages
_SIGN: Final = re.compile(r"\d+|[^\w\s\0]")
_EARLY, _ROUNDS = 4, 10  # rounds of model 1, in which places do not count, and all rounds
_TENSION, _NULL = 6.0, 0.1
_SURE: Final = 0.8  # how likely a link is in a direction, at least; above 0.5 a token has one at most
_LONGEST, _CELLS = 10_000, 50_000_000  # characters of a text, and pairs of words of all texts, which are in memory
_CONTROL: Final = re.compile(r"[\0-\x08\x0e-\x1b\x7f\u202a-\u202e\u2066-\u2069]")  # no blanks; a pack has none


class AlignedTokens(NamedTuple):
    """Tokens of texts (w,): text, start and stop in it, whether it is a word that may be switched; small letters."""

    text: Array
    start: Array
    stop: Array
    word: Array
    forms: Sequence[str]


def tokens(values: Sequence[str], code: str) -> AlignedTokens:
    """The words of texts of a language, and between them numbers and single signs."""
    clean, joined = batch(values, NO_SPANS), graphemes.SEPARATOR.join(values)
    runs = find(clean, None if language(code).spaces else begins(clean, listed_words(code)))
    within = np.zeros(len(clean.points), np.bool_)
    within[ragged(runs.start, runs.stop - runs.start)] = True
    signs = [(*match.span(), False) for match in _SIGN.finditer(joined) if not within[match.start()]]
    words = zip(runs.start.tolist(), runs.stop.tolist(), runs.offered.tolist(), strict=True)
    start, stop, word = np.array(sorted([*words, *signs]), np.int64).reshape(-1, 3).T
    forms = [lower(joined[low:high], code) for low, high in zip(start.tolist(), stop.tolist(), strict=True)]
    text = np.searchsorted(clean.offsets, start, "right") - 1
    return AlignedTokens(text, start - clean.offsets[text], stop - clean.offsets[text], word > 0, forms)


def cells(left: Array, right: Array) -> tuple[Array, Array, Array]:
    """All pairs (c,) of tokens of a text, by number, and how near they are to the diagonal; texts (w,) ascend."""
    low, high = np.searchsorted(right, left), np.searchsorted(right, left, "right")
    if (many := int((high - low).sum())) > _CELLS:
        raise UserError(f"The texts have {many:,} pairs of words, and {_CELLS:,} are the most. Name a smaller folder.")
    mine, others = np.repeat(np.arange(len(left)), high - low), ragged(low, high - low)
    own, end = np.searchsorted(left, left), np.searchsorted(left, left, "right")
    here, there = (np.arange(len(left)) - own + 0.5) / (end - own), (others - low[mine] + 0.5) / (high - low)[mine]
    return mine, others, np.exp(-_TENSION * np.abs(here[mine] - there))


def posteriors(forms: Sequence[Sequence[str]], pairs: Sequence[Array]) -> list[Array]:
    """How likely each cell is a link (c,) to its token of the left side, and to that of the right; `forms` of both."""
    ids, both = [numbers_of(numbering(), side) for side in forms], []
    kinds, kind = np.unique(ids[0][pairs[0]] * len(forms[1]) + ids[1][pairs[1]], return_inverse=True)
    words = np.divmod(kinds, len(forms[1]))
    shares = [np.bincount(each) / len(each) for each in ids]
    tables = [share[word] for share, word in zip(shares, words, strict=True)]
    for number in range(_ROUNDS):
        near = pairs[2] if number >= _EARLY else np.ones(len(kind))
        both = [_expected(near, tables[side][kind], pairs[side], shares[side][ids[side]]) for side in (0, 1)]
        counts = np.bincount(kind, weights=both[0] * both[1]) + np.finfo(np.float64).tiny
        tables = [counts / np.bincount(words[side], weights=counts)[words[side]] for side in (1, 0)]
    return both


def _expected(near: Array, table: Array, token: Array, unigram: Array) -> Array:
    """The part of each cell (c,) in its token, which may also come from none; `table` (c,), `unigram` (w,)."""
    score = (1 - _NULL) * near / np.bincount(token, weights=near)[token] * table
    return np.asarray(score / (np.bincount(token, weights=score, minlength=len(unigram)) + _NULL * unigram)[token])


def blocks(words: Sequence[Array], pairs: Sequence[Array], both: Sequence[Array]) -> list[Array]:
    """The linked ranges of tokens of both sides, their first and last (u, 2); `words` (w,) say which are words."""
    sure = [side > _SURE for side in both]
    mutual = np.flatnonzero(sure[0] & sure[1] & words[0][pairs[0]] & words[1][pairs[1]])
    links, ranges = [pairs[side][mutual] for side in (0, 1)], []
    for side in (0, 1):
        partner = np.full(len(words[side]), -1)
        partner[pairs[side][sure[side]]] = pairs[1 - side][sure[side]]
        partner[~words[side]] = partner[links[side]] = -1
        before, after = (at(partner, links[side] + step) == links[1 - side] for step in (-1, 1))
        ranges.append(np.stack((links[side] - before, links[side] + after), axis=1))
    return ranges


def parallel(source: Source, code: str, other: str) -> dict[str, str]:
    """The texts of a language with their partners in another; MLQA's questions are translations from English alone.

    Texts are left out that are empty on a side, equal on both, very long, or have a control character in the partner.
    """
    return _fitting(_partners(source, code, other))


def _partners(source: Source, code: str, other: str) -> dict[str, str]:
    """All texts of a language that have a partner."""
    found: dict[str, str] = {}
    for task in (registry.load("task", name) for name in TASKS if name != "mlqa" or "en" in (code, other)):
        for split in _SPLITS.get(task.name, ("validation", "test")):
            if all(has_language(task, source, each) and source.holds(task, each, split) for each in (code, other)):
                mine, others = (_items(task, source, each, split) for each in (code, other))
                for texts, partners in ((mine[key], others[key]) for key in mine if key in others):
                    for name in chain(*task.perturbed[: 1 if task.name == "mlqa" else None]):
                        found.setdefault(texts[name].value, partners[name].value)
    return found


def _fitting(found: Mapping[str, str]) -> dict[str, str]:
    """Those of texts and partners that a pack can have."""
    pairs = {text: other for text, other in found.items() if text.strip() and other.strip() and text != other}
    fits = {text: max(len(text), len(partner)) <= _LONGEST for text, partner in pairs.items()}
    return {text: partner for text, partner in pairs.items() if fits[text] and not _CONTROL.search(partner)}


def _items(task: TaskSpec, source: Source, code: str, split: str) -> dict[tuple[object, ...], Mapping[str, Text]]:
    """The texts of items by what agrees: native id (in XNLI the row), label, and question where the task asks it."""
    check(read := source.read(task, code, split))
    examples = task.adapt(read.rows, Origin(task.name, split, code))
    labels = [each.target if isinstance(each.target, Choice) else None for each in examples]
    asked = [each.texts["question"].value if task.name == "xcopa" else "" for each in examples]
    return {(each.id.split("/", 3)[3], *of): each.texts for each, *of in zip(examples, labels, asked, strict=True)}


def flores(folder: Path, *codes: str) -> dict[str, str]:
    """The sentences of FLORES below a folder in two languages, to train on; none where it has not both."""
    names = {**registry.load("task", "tatoeba").files["test"].codes, "ar": "arb", "en": "eng", "zh": "zho"}
    stems = (f"{names.get(code, '-')}_{language(code).script.replace('Kore', 'Hang')}" for code in codes)
    paths = [sorted(folder.glob(f"flores*/{stem}.dev*")) for stem in stems]
    lines = [[line for path in side for _, line in numbered_lines(read_file(path).text)] for side in paths]
    return dict(zip(*lines, strict=True)) if len(lines[0]) == len(lines[1]) else {}


def align(source: Source, code: str, other: str) -> tuple[bytes, str]:
    """The pack of a language's texts with a partner in another one, and its size in words. Raises MissingData."""
    if code == other:
        raise UserError(f"The texts are in {code} already: name another language with --with.")
    found = _partners(source, code, other)
    pairs = _fitting(found)
    if not pairs:
        raise MissingData(f"{source} has no item in both {code} and {other} of: {', '.join(TASKS)}.")
    trained = flores(source.folder, code, other) if isinstance(source, Release) else {}
    both = {**pairs, **trained, **pairs}  # the items first
    sides = tokens([*both], code), tokens([*both.values()], other)
    words = np.bincount(sides[0].text, weights=sides[0].word, minlength=len(both)).astype(int).tolist()
    rows = [[(0, len(old), many, " ".join(new.split()))] for (old, new), many in zip(both.items(), words, strict=True)]
    for text, span in _spans([*both.items()], sides, (code, other)):
        rows[text].append(span)
    lines = [f"{digest(code, text)}\t{json.dumps(row)}" for text, row in zip(pairs, rows, strict=False)]
    every, some = sum(words[: len(pairs)]), sum(span[2] for row in rows[: len(pairs)] for span in row[1:])
    size = f"{len(pairs):,} texts, {some:,} of {every:,} words ({100 * some / max(every, 1):.0f} %) may be switched"
    size += (
        f"; {left:,} left out: equal or empty, long, or with control characters"
        if (left := len(found) - len(pairs))
        else ""
    )
    if not some:
        raise MissingData(f"No words of {code} and {other} could be aligned: {size}. Too few texts are parallel.")
    facts = "# source: parallel items, aligned", "# licence: that of the items", "# standing: derived"
    head = (*facts, f"# language: {code}-{other}", f"# digest: {digest(*lines)}", "text\tspans")
    return "\n".join((*head, *lines, "")).encode(), size


def _spans(
    texts: Sequence[tuple[str, str]], sides: Sequence[AlignedTokens], codes: tuple[str, str]
) -> Iterator[tuple[int, Any]]:
    """The spans of words that may be switched, with their text: start, length, words, and the form in its new case.

    Where one side negates and the other does not, the negation is elsewhere in one of the texts: nothing is switched.
    """
    code, negators = codes[1], [pattern(each) for each in codes]
    pairs = cells(sides[0].text, sides[1].text)
    ranges = blocks([side.word for side in sides], pairs, posteriors([side.forms for side in sides], pairs))
    first = [np.searchsorted(side.text, side.text) for side in sides]
    composed = [is_normalized("NFC", text) for text, _ in texts]
    known = {word for _, other in texts for word in other.split()}
    for (low, high), (begin, end) in zip(*(each.tolist() for each in ranges), strict=True):
        text, start, stop = int(sides[0].text[low]), int(sides[0].start[low]), int(sides[0].stop[high])
        word, form = texts[text][0][start:stop], texts[text][1][sides[1].start[begin] : sides[1].stop[end]]
        if len({bool(each.search(side)) for each, side in zip(negators, (word, form), strict=True) if each}) > 1:
            continue
        form, begins_text, began = " ".join(form.split()), first[0][low] == low, first[1][begin] == begin
        if begins_text and word[:1].isupper():
            form = capital(form, code)
        elif began and not word[:1].isupper() and (small := lower(form[:1], code) + form[1:]).split()[0] in known:
            form = small
        if form != word and graphemes.open_ends(form) == 0 and composed[text] and is_normalized("NFKC", form):
            yield text, (start, stop - start, high - low + 1, form)
