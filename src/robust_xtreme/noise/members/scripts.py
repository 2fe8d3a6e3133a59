"""Words in another script, and words of another language."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes, packs, randomness, registry, strict_json
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import NO_SPANS, Array, Edits, batch, edited, putting, ragged
from robust_xtreme.core.errors import DataError, SpecError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.engine.perturbation import Job, Params, defaults, member
from robust_xtreme.noise.engine.respelling import KINDS, respelled
from robust_xtreme.noise.engine.words import Listed, listed
from robust_xtreme.noise.scripts.schemes import Scheme
from robust_xtreme.noise.scripts.table import KIND, TYPED, words_of

# Words written in another script: as people type the language in Latin letters, by a standard, by a library.
#
# The strength is a share of words, so that a text of mixed scripts is a strength below 1. A scheme is a value of
# `noise/scripts/schemes.py`; `@direction=back` leads from the scheme's script to the language's own. A language that a
# scheme does not serve, since it is written in that script already or has no table, is not applicable.
#
# It leaves the script on purpose, and waives the rule that noise belongs to the script.

BACK: Final = "back"
_VARIANT: Final = ":"


def schemes() -> tuple[str, ...]:
    """The names of schemes, the default first; those with variants as `NAME:ID`."""
    listed = (name for name in registry.names("scheme") if name != TYPED)
    return (TYPED, *(f"{name}:ID" if registry.load("scheme", name).variant else name for name in listed))


def scheme(name: str) -> Scheme:
    """The scheme of that name, or of a variant. Raises SpecError and UserError."""
    head, _, variant = name.partition(_VARIANT)
    known: Scheme = registry.load("scheme", head)
    if not known.variant:
        return known
    if variant in ("", "ID"):
        raise SpecError(f"The scheme {head!r} needs a name: {known.summary}.")
    return known.variant(variant)


def serving(code: str) -> tuple[str, ...]:
    """The schemes that serve a language, and those that are read back, as a spec writes them: `@scheme=iso9`."""
    written = []
    for name in schemes():
        known: Scheme = registry.load("scheme", name.partition(_VARIANT)[0])
        if known.variant or not known.lacks(code):
            written.append(f"@scheme={name}")
        if known.back and not known.lacks_back(code):
            written.append(f"@scheme={name}@direction={BACK}")
    return tuple(written)


def _check(params: Params) -> None:
    """Raise SpecError where a scheme is not known, or cannot be read back though it is asked to."""
    known = scheme(params["scheme"][0])
    if params["direction"][0] == BACK and not known.back:
        raise SpecError(f"The scheme {known.name!r} cannot be read back: leave @direction=back out.")


def _lacks(code: str, params: Params) -> str:
    known = scheme(params["scheme"][0])
    return known.lacks_back(code) if params["direction"][0] == BACK else known.lacks(code)


@packs.cached
def listed_words(code: str) -> Listed | None:
    """The words, listed or of the typed table, into which text without spaces is divided, and affixes of one letter."""
    rows, readings = _rows(f"{code}-words"), _rows(f"{code}-readings", "reading")
    if not rows:
        return None
    typed = words_of(code) if packs.has(KIND, code) else ()
    words = dict.fromkeys(word for word in (*(row["word"] for row in (*rows, *readings)), *typed) if word)
    affixes = ([row["word"] for row in readings if row.get("where") == where] for where in ("end", "start"))
    return listed(words, *affixes)


def _rows(name: str, *columns: str) -> Sequence[Mapping[str, str]]:
    """The rows of a list of words, which has these columns; none where there is no such list. Raises DataError."""
    others = ("reading", "weight", "whole", "frequency", "where")
    return packs.table("input", name).need("word", *columns, optional=others).rows if packs.has("input", name) else ()


@partial(
    member,
    kind="words",
    unit="word",
    strength="share of words in another script",
    operators=KINDS,
    choices={"scheme": schemes, "direction": lambda: ("to", BACK)},
    lacks=lambda code: scheme(TYPED).lacks(code),
    lacks_with=_lacks,
    check=_check,
    packs=lambda code: scheme(TYPED).packs(code),
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
def transliterate(job: Job) -> tuple[Edits, Array]:
    """Write words in another script, as people type them in Latin letters, or by a standard; words with digits stay."""
    used, back = scheme(job.params["scheme"][0]), job.params["direction"][0] == BACK
    spaces = language(job.language).spaces or back
    known = None if spaces else listed_words(job.language)
    spelling, divider = (used.back, used.divider) if back and used.back else (used.spelling, "")
    return respelled(job, spelling(job.language), known, spaces, not spaces and used.spaced, divider)


# Switches words, or whole fields, to another language: to those of the same item in that language.
#
# A text is found by its hash in the pack `parallel/CODE-OTHER.tsv`, which `robust-xtreme align` makes of parallel data:
# a row has its spans that may be switched, the first of which is the whole text. Texts without a row stay, and so do
# numbers, and the spans of a text (gold answers). The strength is a share of all words of a text: where a part of them
# is aligned, a span is switched if its draw is below the strength divided by that part.

_CONTROLS: Final = re.compile(r"[\0-\x1f\x7f\u202a-\u202e\u2066-\u2069]")  # those that change the direction, too


class Partners(NamedTuple):
    """Texts by id, their `sizes` and words (t, 2), `bounds` (t + 1,) of spans (u,): start, length, words; and forms."""

    path: Path
    texts: Mapping[str, int]
    sizes: Array
    bounds: Array
    places: Array
    forms: Sequence[str]


@packs.cached
def partners(name: str, switch: str = "words", script: str = "own") -> Partners:
    """The texts of a pack, `de-en`, with their spans of words, or each as one span. Raises DataError."""
    table, rows = packs.table(packs.PARALLEL, name).need("text", "spans"), list[list[tuple[Any, Any, Any, str]]]()
    found = digest(*(f"{row['text']}\t{row['spans']}" for row in table.rows))
    if table.header.get(packs.DIGEST, found) != found:
        raise DataError(table.path, "its rows are not those that were written, by their digest: align again")
    try:
        for row in table.rows:
            rows += [_row(row["spans"])]
        parts = [[(0, row[0][1], 1, row[0][3])] if switch == "fields" else row[1:] for row in rows]
        sizes = np.array([(row[0][1], 1 if switch == "fields" else row[0][2]) for row in rows], np.uint32)
        places = np.array([span[:3] for part in parts for span in part], np.uint32).reshape(-1, 3)
        forms = [form for part in parts for *_, form in part]
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
        what = "spans are lists of [start, length, words, form], in order within the first, which is the whole text"
        raise DataError(table.path, f"text {len(rows) + 1}: {what}") from error
    if script != "own":  # equal words are typed alike
        clean, other = batch(forms, NO_SPANS), name.rpartition("-")[2]
        keys = randomness.text_keys(0, randomness.bare_ids(other, forms))
        forms = edited(clean, transliterate.edit(Job(clean, other, keys, "1", defaults(transliterate)))[0])
    texts = {row["text"]: number for number, row in enumerate(table.rows)}
    if len(texts) < len(rows):
        twice = next(name for name, many in Counter(row["text"] for row in table.rows).items() if many > 1)
        raise DataError(table.path, f"the text {twice:.40} has several rows")
    bounds = bounds_of(np.array([len(part) for part in parts]))
    return Partners(table.path, texts, sizes.reshape(-1, 2).astype(np.int64), bounds, places.astype(np.int64), forms)


def _row(cell: str) -> list[tuple[Any, Any, Any, str]]:
    """The spans of a row. Raises ValueError, TypeError, AttributeError, LookupError, RecursionError."""
    row = [(start, length, words, form) for start, length, words, form in strict_json.loads(cell)]
    ends = [0, *(end for start, length, *_ in row[1:] for end in (start, start + length)), row[0][1]]
    forms = [form.encode() for *_, form in row]  # half of a surrogate pair has no bytes
    joins = any(graphemes.open_ends(form) for *_, form in row[1:]) or any(_CONTROLS.search(form) for *_, form in row)
    counts, words = [number for *numbers, _ in row for number in numbers], [span[2] for span in row[1:]]
    few = min([span[1] for span in row] + words) < 1 or not sum(words) <= row[0][2] <= row[0][1] or row[0][0]
    blank = any(form != form.strip() or not form for form in forms)
    if joins or few or blank or ends != sorted(ends) or {*map(type, counts)} != {int}:
        raise ValueError(cell)
    return row


def switched(job: Job, known: Partners) -> tuple[Edits, Array]:
    """The edits of a batch, and the words of each text that has spans to be switched (t,)."""
    clean, ids = job.batch, randomness.bare_ids(job.language, job.batch.values)
    rows = np.array([known.texts.get(each, -1) for each in ids], np.int64)
    texts = np.flatnonzero(rows >= 0)
    if (known.sizes[rows[texts], 0] != np.diff(clean.offsets)[texts] - 1).any():
        raise DataError(known.path, "the first span of a row is not its whole text: align again")
    many = np.diff(known.bounds)[rows[texts]]
    spans, owner = ragged(known.bounds[rows[texts]], many), np.repeat(texts, many)
    start = clean.offsets[owner] + known.places[spans, 0]
    # No span of the text overlaps one before whose start as many have ended as have begun before its end.
    begun = np.searchsorted(np.sort(clean.span_starts), start + known.places[spans, 1])
    able = begun == np.searchsorted(np.sort(clean.span_stops), start, "right")
    spans, owner, start = spans[able], owner[able], start[able]
    aligned = np.bincount(owner, weights=known.places[spans, 2], minlength=len(rows))
    words = np.where(aligned > 0, known.sizes[rows, 1], 0)
    draws = (randomness.draws(job.keys[owner], known.places[spans, 0]) >> np.uint64(11)) * 2.0**-53
    chosen = np.flatnonzero(draws < float(job.strength) * (words / np.maximum(aligned, 1))[owner])
    start, stop = start[chosen], start[chosen] + known.places[spans[chosen], 1]
    put, joined = [known.forms[span] for span in spans[chosen].tolist()], graphemes.SEPARATOR.join(clean.values)
    ends = zip(start.tolist(), stop.tolist(), put, strict=True)
    new = [number for number, (low, high, form) in enumerate(ends) if joined[low:high] != form]
    start, stop, put = start[new], stop[new], [put[number] for number in new]
    cost = np.maximum(clean.units(stop - 1) - clean.units(start) + 1, np.diff(batch(put, NO_SPANS).bounds) - 1)
    return putting(clean, start, stop, np.zeros(len(put), np.int64), cost, put), words


def _unaligned(code: str, params: Params) -> str:
    (other,), (script,) = params["with"], params["script"]
    if other == code:
        return "the words are in that language already: name another one with @with="
    if script != "own" and (reason := transliterate.lacks(other)):
        return f"{other} is not typed in Latin letters: {reason}"
    has = packs.has(packs.PARALLEL, f"{code}-{other}")
    return "" if has else f"no pack of texts aligned with {other}: robust-xtreme align"


@partial(
    member,
    kind="words",
    unit="word",
    strength="share of the words of a text that are switched",
    operators=("switch",),
    choices={
        "with": lambda: tuple(dict.fromkeys(("en", *ALL_LANGUAGES))),
        "switch": lambda: ("words", "fields"),
        "script": lambda: ("own", "latin"),
    },
    lacks=lambda code: _unaligned(code, {"with": ("en",), "script": ("own",)}),
    lacks_with=_unaligned,
    packs=lambda code: packs.present(packs.PARALLEL, f"{code}-en"),
    refuses=("tagging", "tatoeba", "tatoeba@to=en", "bucc"),
    first=True,
    whole=lambda params: params["switch"] == ("fields",),
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
def code_switch(job: Job) -> tuple[Edits, Array]:
    """Switch words, or whole fields, to another language, to those of the same item in it."""
    (other,), (switch,), (script,) = (job.params[name] for name in ("with", "switch", "script"))
    return switched(job, partners(f"{job.language}-{other}", switch, script))
