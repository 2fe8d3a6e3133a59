"""Texts that functions of other programs write again, whose output becomes edits by a diff."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache, partial
from itertools import accumulate, groupby
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple, Unpack
from unicodedata import is_normalized, normalize

import numpy as np

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.edits import Array, Batch, Edits, batch, emptied, putting, span_table
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import KINDS, Text, digest
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language
from robust_xtreme.files.cache import opened
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.libraries import importing
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.noising import noised_by
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, member

# Perturbations of other packages: a function from string to string, whose output becomes edits by a diff.
#
# Such a function does not report its edits. Its output is compared with the clean text, by words and in a changed word
# by grapheme clusters: an edit reaches from the first changed cluster of a word to the last, and counts the clusters
# that were replaced, inserted and deleted (their Levenshtein distance; exact in words of up to 64 clusters, else nearly
# so).
#
# The draws depend only on the seed, the perturbation and the text's id, but at another strength everything is drawn
# again: strengths do not nest. Texts with spans are refused, because the new positions of spans are not known.

# Seeds the global generators of Python, numpy and torch for a library that draws from them, and restores them.
#
# A local generator cannot serve: nlpaug and TextAttack take no generator and no seed, and call `random.sample`,
# `random.choice` and `np.random` themselves.

_LOCK: Final = RLock()
_NUMPY: Final = (1 << 32) - 1
_TORCH: Final = (1 << 63) - 1


@contextmanager
def lent() -> Iterator[Callable[[int], None]]:
    """A function that seeds the global generators with a key; at the end of the context they are restored.

    torch's generator (that of the CPU) is seeded if torch is loaded. One thread at a time enters the context.
    """
    with _LOCK:
        torch = sys.modules.get("torch")
        kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - the library under it uses this one
        weights = torch.get_rng_state() if torch else None
        try:
            yield _seed
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002 - the library under it uses this one
            if torch:
                torch.set_rng_state(weights)


def _seed(key: int) -> None:
    random.seed(key)
    np.random.seed(key & _NUMPY)  # noqa: NPY002 - the library under it uses this one
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(key & _TORCH)


Rewrite = Callable[[str], str]
Author = Callable[..., Rewrite]

OPERATORS: Final = ("replace", "insert", "delete")
_REPLACE, _INSERT, _DELETE = range(len(OPERATORS))
WAIVES: Final = frozenset(
    {
        "strengths_nest",
        "rule_1_strength_is_a_share",
        "rule_3_clusters_stay_whole",
        "rule_4_noise_belongs_to_the_script",
        "rule_5_spans_survive",
    }
)
"""The rules that this kind waives: the function is another package's, and only its output is known."""

REFUSES: Final = tuple(sorted(kind.name for kind in KINDS if kind.spans))
"""The families whose texts have spans."""


class Change(NamedTuple):
    """Clusters `start` to `stop` of the clean text became `form`; an operator changed `cost` clusters.

    An insertion includes the cluster after it, at the text's end the one before: the range is never empty.
    """

    start: int
    stop: int
    form: str
    cost: int
    operator: int


def rewriter(
    *,
    strength: str,
    library: str = "",
    choices: Mapping[str, Callable[[], tuple[str, ...]]] | None = None,
    free: tuple[str, ...] = (),
    **declared: Unpack[Declared],
) -> Callable[[Author], Perturbation]:
    """Make a perturbation of a function from a language, a strength and parameters to a function that noises a string.

    The latter is called once per text, with the global generators seeded for that text, and not at strength 0. The
    name is the library's and the function's: `nlpaug.keyboard`; the summary is the first line of its docstring.
    """

    def make(author: Author) -> Perturbation:
        name = f"{library}.{author.__name__}" if library else author.__name__
        waived = {"name": name, "waives": WAIVES, "refuses": REFUSES, "choices": choices or {}, "free": free}
        edit = partial(_edit, name, author)
        return member(author, "rewriter", "word", strength, OPERATORS, edit, **{**waived, **declared})

    return make


def _edit(name: str, author: Author, job: Job) -> tuple[Edits, Array]:
    """The edits of a batch, and its words per text."""
    if len(job.batch.spans):
        raise UserError(
            f"{name!r} does not say what it moves, so it cannot noise texts with spans (tags, answers, mentions): "
            "use a perturbation of another kind, char_noise:0.1 say. See: robust-xtreme list perturbations"
        )
    values = job.batch.values
    changes: list[Sequence[Change]] = [()] * len(values)
    if Decimal(job.strength):
        rewrite = author(job.language, float(job.strength), **{key: value for key, (value,) in job.params.items()})
        with lent() as seed:
            for number, key in enumerate(job.keys.tolist()):
                seed(key)
                changes[number] = changed(values[number], rewrite(values[number]))
    return edits_of(job.batch, changes), _words_of(values, changes)


def _words_of(values: Sequence[str], changes: Sequence[Sequence[Change]]) -> Array:
    """The words of each text (t,); at least as many as changes."""
    words = [max(len(value.split()), len(edits)) for value, edits in zip(values, changes, strict=True)]
    return np.array(words, np.int64)


def rewritten(texts: Sequence[Text], values: Sequence[str]) -> NoisedTexts:
    """Texts that another program changed, as they are read, with edits by a diff; the eligible units are words."""
    clean = batch([text.value for text in texts], span_table([text.spans for text in texts]))
    changes = [changed(text.value, value) for text, value in zip(texts, values, strict=True)]
    return noised_by(texts, clean, edits_of(clean, changes), _words_of(clean.values, changes), OPERATORS)


def changed(old: str, new: str) -> list[Change]:
    """The changes from one text to another, one per range of changed words, sorted and disjoint."""
    if not old or old == new:
        return []
    before, after = graphemes.split(old), graphemes.split(new)
    (words, starts), (others, stops) = runs_of(before), runs_of(after)
    changes: list[Change] = []
    for a, b, c, d in hunks(words, others):
        inner = hunks(before[starts[a] : starts[b]], after[stops[c] : stops[d]])
        first, last = inner[0], inner[-1]
        cost = sum(max(j - i, m - k) for i, j, k, m in inner)
        form = "".join(after[stops[c] + first[2] : stops[c] + last[3]])
        add_change(changes, before, starts[a] + first[0], starts[a] + last[1], form, cost)
    return changes


def add_change(changes: list[Change], clusters: Sequence[str], start: int, stop: int, form: str, cost: int) -> None:
    """One more change, after all others."""
    if start < stop:
        changes.append(Change(start, stop, form, cost, _REPLACE if form else _DELETE))
    elif start < len(clusters):
        changes.append(Change(start, start + 1, form + clusters[start], cost, _INSERT))
    elif changes and changes[-1].stop == start:
        last = changes.pop()
        changes.append(last._replace(form=last.form + form, cost=last.cost + cost))
    else:
        changes.append(Change(start - 1, start, clusters[-1] + form, cost, _INSERT))


def runs_of(clusters: Sequence[str]) -> tuple[list[str], list[int]]:
    """The words and the white space between them, and the cluster at which each begins; then the number of clusters."""
    words = [tuple(run) for _, run in groupby(clusters, key=str.isspace)]
    return ["".join(word) for word in words], list(accumulate(map(len, words), initial=0))


def edits_of(batch: Batch, changes: Sequence[Sequence[Change]]) -> Edits:
    """The changes of all texts as edits of the batch."""
    flat = [change for text_changes in changes for change in text_changes]
    base = np.repeat(batch.bounds[:-1], [len(text_changes) for text_changes in changes]).astype(np.int64)
    columns = [(change.start, change.stop, change.operator, change.cost) for change in flat]
    start, stop, operator, cost = np.array(columns, np.int64).reshape(-1, 4).T
    starts = batch.clusters.starts
    return putting(batch, starts[base + start], starts[base + stop], operator, cost, [change.form for change in flat])


# Texts as Tesseract reads them from a bad print, in place of a table of look-alikes.
#
# A text is drawn in a font of Noto, made bad by degrees by draws of its key, and read in its language; what is read
# becomes edits by a diff of clusters. A reading is kept in the cache under a hash of the text, its key, the degree and
# the names of font and language data, so that what was read once needs no Tesseract.

SECONDS: Final = 0.25  # the time of a text of one sentence on one core
_KIND, _VERSION = "readings", "1"
_OTHERS: Final = Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf")  # of what others lack: digits
_SIZE, _MARGIN, _LINE, _LINES = 40, 24, 44, 200  # pixels of a letter and of the margin, characters of a line; lines
_WORST: Final = 0.55  # the degree 1 as a share of what leaves nothing to read
_AT_ONCE, _SECONDS, _BYTES = 32, 20, 2 << 30  # texts that are read at once, the most time for each and memory for all
_CHILLUS: Final = (("ണ", "ൺ"), ("ന", "ൻ"), ("ര", "ർ"), ("ല", "ൽ"), ("ള", "ൾ"), ("ക", "ൿ"))
_SPELLINGS: Final = (("\u0e4d\u0e32", "\u0e33"), *((f"{letter}\u0d4d\u200d", chillu) for letter, chillu in _CHILLUS))
"""Spellings of the vowel am of Thai and of letters of Malayalam that look like the usual ones."""


@cache
def reader(code: str) -> tuple[str, Path] | None:
    """The name of Tesseract's data for a language, and the file of a font; None where Tesseract has no data."""
    rows = packs.table("ocr", "readers").need("language", "data", "font").rows
    return next(((row["data"], Path(row["font"])) for row in rows if row["language"] == code), None)


def channelled(job: Job) -> tuple[Edits, Array]:
    """Read texts by Tesseract from prints that are made bad by degrees.

    Returns the edits that make of each text what is read, and its clusters (t,); where nothing is read it stays. Raises
    UserError where a text is not in the cache, and Tesseract or a font is not there or fails.
    """
    values, changes = job.batch.values, [list[Change]() for _ in job.batch.values]
    numbers = [number for number, value in enumerate(values) if value.strip() and float(job.strength)]
    for number, text in zip(numbers, _readings(job, numbers), strict=True):
        changes[number] = compared(values[number], text, language(job.language).spaces)
    return _kept(job.batch, edits_of(job.batch, changes)), np.diff(job.batch.bounds) - 1


def _readings(job: Job, numbers: Sequence[int]) -> list[str]:
    """What is read of the texts of some numbers, from the cache where it is there."""
    values, (data, font), degree = job.batch.values, reader(job.language) or ("", Path()), job.strength
    about = (_VERSION, job.language, degree, data, font.name)
    keys = [digest(*about, str(job.keys[number]), values[number], size=16).encode() for number in numbers]
    cached = opened(lambda _: None)
    found = cached.get(_KIND, keys)
    missing = [(key, number) for key, number in zip(keys, numbers, strict=True) if key not in found]
    for low in range(0, len(missing), _AT_ONCE):
        several = missing[low : low + _AT_ONCE]
        clean = [drawn(values[number].encode("utf-8", "replace").decode(), job.language, font) for _, number in several]
        seeds = [int(job.keys[number]) for _, number in several]
        pages = [degraded(page, float(degree), seed) for page, seed in zip(clean, seeds, strict=True)]
        new = {key: text.encode() for (key, _), text in zip(several, read(pages, data), strict=True)}
        cached.put(_KIND, new)
        found |= new
    cached.close()
    return [found[key].decode() for key in keys]


def compared(old: str, new: str, spaces: bool = True) -> list[Change]:
    """The changes from a text to what is read of it, sorted and disjoint; without `spaces` these are no change.

    A page does not tell normal forms, joiners and kinds of space: these are the text's. What is on nothing is left out.
    """
    import regex

    new = normalize("NFC" if is_normalized("NFC", old) else "NFD", new)
    new = " ".join(regex.sub(r"\p{Bidi_C}|(^|\s)[\p{M}\u200c\u200d]+", r"\1", new).split())
    for one, usual in _SPELLINGS:
        new = new if one in old else new.replace(one, usual)
    before, changes = split(old), list[Change]()
    places = [number for number, cluster in enumerate(before) if spaces or not cluster.isspace()]
    read = [cluster for cluster in split(new) if spaces or not cluster.isspace()]
    for a, b, c, d in hunks([_seen(before[number]) for number in places], [*map(_seen, read)]):
        start = [*places, len(before)][a]
        stop = places[b - 1] + 1 if a < b else start
        add_change(changes, before, start, stop, "".join(read[c:d]), max(stop - start, d - c))
    return changes


def _seen(cluster: str) -> str:
    """What a page shows of a cluster."""
    return cluster.replace("\u200c", "").replace("\u200d", "") if cluster.strip() else " "


def _kept(batch: Batch, edits: Edits) -> Edits:
    """The edits that leave each text and span whole and not empty, frozen ones and spaces beside any as they are."""
    starts, stops, (low, high) = batch.span_starts, batch.span_stops, (edits.start, edits.stop)
    spaces = np.append(0, np.cumsum((batch.props & graphemes.SPACE) > 0))
    blank = spaces[high] > spaces[low]
    kept = _below(starts, low + 1) == _below(starts, high + blank)
    kept &= _below(stops, low - blank + 1) == _below(stops, high)
    kept &= _below(starts[batch.spans.frozen], low + 1) == _below(stops[batch.spans.frozen], low + 1)
    edits = edits.take(np.flatnonzero(kept))
    kept = np.ones(len(edits), np.bool_)
    for where, longer in emptied(batch, edits):
        kept[where] &= longer >= 0
    return edits.take(np.flatnonzero(kept))


def _below(positions: Array, limits: Array) -> Array:
    return np.asarray(np.searchsorted(np.sort(positions), limits))


@cache
def _font(path: Path) -> Any:
    """A font that shapes text. Raises UserError where it is not there."""
    with importing("images"):
        from PIL import ImageFont
    if not path.is_file():
        package = "fonts-noto-cjk" if "CJK" in path.name else "fonts-noto-core"
        raise UserError(f"ocr_channel needs {path}: apt-get install {package}")
    return ImageFont.truetype(str(path), _SIZE, layout_engine=ImageFont.Layout.RAQM)


def _runs(line: str, path: Path, way: str) -> list[tuple[str, Any, float]]:
    """The runs of a line, each with a font that has it and its width; white space belongs to the run before it."""
    drawn_by, own, runs = _font(path).getmask, path, list[tuple[Path, str]]()
    box = bytes(drawn_by("\U0010fffe"))  # what a font draws for what it lacks
    for cluster in split(line):
        own = own if cluster.isspace() else _OTHERS if any(bytes(drawn_by(each)) == box for each in cluster) else path
        runs.append((own, cluster))
    joined = [(_font(own), "".join(each for _, each in run)) for own, run in groupby(runs, key=lambda run: run[0])]
    return [(run, font, font.getlength(run, direction=way)) for font, run in joined]


def drawn(text: str, code: str, path: Path) -> Any:
    """A clean print of a text, as an image in grey. Raises UserError without the fonts."""
    (above, below), way, joint = _font(path).getmetrics(), language(code).direction, " " * language(code).spaces
    from PIL import Image, ImageDraw

    units = text.split() if joint else split("".join(text.split()))
    lines = textwrap.wrap(" ".join(units), _LINE, break_long_words=True, break_on_hyphens=False)
    if len(lines) > _LINES:
        raise UserError(f"ocr_channel prints at most {_LINES} lines of {_LINE} characters, and a text has {len(lines)}")
    rows = [_runs(line.replace(" ", joint), path, way) for line in lines]
    widths = [round(sum(width for *_, width in row)) for row in rows]
    page = Image.new("L", (max(widths) + 2 * _MARGIN, len(rows) * (above + below) + 2 * _MARGIN), 255)
    for number, row in enumerate(rows):
        left: float = _MARGIN if way == "ltr" else page.width - _MARGIN - widths[number]
        for run, font, width in row if way == "ltr" else row[::-1]:
            place = left, _MARGIN + above + number * (above + below)
            ImageDraw.Draw(page).text(place, run, fill=0, font=font, anchor="ls", direction=way)
            left += width
    return page


def degraded(page: Any, degree: float, key: int) -> Any:
    """A print made bad, from 0 (as it is) to 1, by draws of the key."""
    from PIL import Image, ImageFilter

    draw = np.random.default_rng(key)
    bad = _WORST * degree * draw.uniform(0.7, 1.3)
    ink = ImageFilter.MinFilter(3) if draw.random() < 0.5 else ImageFilter.MaxFilter(3)
    page = Image.blend(page, page.filter(ink), bad)
    page = page.rotate(draw.normal(0, bad), resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    page = page.resize([max(1, round(side * (1 - 0.6 * bad))) for side in page.size], Image.Resampling.BILINEAR)
    page = page.filter(ImageFilter.GaussianBlur(1.2 * bad))
    grey = np.asarray(page, np.float32) + draw.normal(0, 50 * bad, page.size[::-1])
    speckles = draw.random(grey.shape)
    grey[speckles < 0.01 * bad], grey[speckles > 1 - 0.01 * bad] = 0, 255
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def read(pages: Sequence[Any], data: str) -> list[str]:
    """What Tesseract reads of several prints, by its data. Raises UserError where it is not there, or fails."""
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-ocr-") as folder:
        paths = [f"{folder}/{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.save(path)
        listed, most = Path(folder, "pages.txt"), _SECONDS * len(pages)
        listed.write_text("\n".join(paths) + "\n", "utf-8")
        words = [*f"env OMP_THREAD_LIMIT=1 timeout {most} prlimit --as={_BYTES} tesseract".split(), str(listed)]
        words += ["stdout", "-l", data, "--psm", "6", "--dpi", "300"]
        done = subprocess.run(words, capture_output=True, check=False)
    texts = done.stdout.decode("utf-8", "replace").split("\f")
    if done.returncode or len(texts) != len(pages):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200] or f"exit {done.returncode}"
        package = f"tesseract-ocr-{data.replace('_', '-')}"
        late = f"{data!r} within {most} s" if done.returncode == 124 else repr(data)
        raise UserError(f"Tesseract did not read {late}: {last}. Try: apt-get install tesseract-ocr {package}")
    return [" ".join(text.split()) for text in texts]
