"""The cache of predictions: the key of a prediction, and its format in the cache.

A key is the hash of the model's identity, the settings of inference and what the model reads of an input, after that of
the languages. Gold, paths, ids and strength are not part of it, so that a run with one more strength computes the
changed texts only.
"""

import functools
import hashlib
import importlib.metadata
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme import models
from robust_xtreme.core import columns
from robust_xtreme.core.columns import Array, Choices, Names, Ranges, TargetColumn, bounds_of
from robust_xtreme.core.edits import NO_SPANS
from robust_xtreme.core.examples import CHOICE, Document, Tags
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files.cache import Cache
from robust_xtreme.models.folder import Located, identity
from robust_xtreme.models.reading.members.labelled import choices_of
from robust_xtreme.models.reading.reading import Contents, Decoded, Inputs, Labels

INFERENCE: Final = 1
"""The version of inference. Raise it with a change outside `models` that can change a prediction; the source of that
package is part of the key."""

KIND: Final = "predictions"
TARGETS: Final = {"tagging": "Tags", "span_qa": "Answers", "retrieval": "Document"}
"""The kind of the predictions of a family; of others it is Choice."""

MARGINS: Final = "margins"
"""How far gold answers are ahead, which attacks ask for; the predictions are stored as others are."""

_MARGIN: Final = 8
_KEY_BYTES: Final = 16
_LONG: Final = 64
"""Texts of more code points are hashed once, however many inputs have them."""

_NO_LENGTH: Final = 1 << 63
_SAME_BYTES: Final = 4
"""The first bytes of a key, which keys of one model, task and language share: these are stored together, in pages that
are read and written at once."""


@dataclass(frozen=True, slots=True)
class Store:
    """What the cache of this machine has of one model and task; `settings` is what predictions depend on besides.

    `languages` are those of the inputs, whose predictions are stored beside each other and are not found by others.
    """

    cache: Cache
    settings: str
    languages: tuple[str, ...] = ()

    def keys(self, inputs: Inputs) -> list[bytes]:
        """The key of each input."""
        keys = list(keys_of(inputs.contents, self.settings, self.languages))
        return [keys[content] for content in inputs.content.tolist()]

    def known(
        self, keys: Sequence[bytes], inputs: Inputs, family: str, labels: Labels
    ) -> tuple[Array, TargetColumn, Array]:
        """The inputs whose predictions the cache has, by their numbers among the keys (k,) int64, these and scores.

        Scores (k,) float64 are NaN where a prediction has none. A prediction that an input of the family, with these
        labels, cannot have is as if it were not there.
        """
        cached = self.cache.get(KIND, keys)
        there = [index for index, key in enumerate(keys) if key in cached] if cached else []
        sound, targets, scores = read([cached[keys[index]] for index in there], TARGETS.get(family, "Choice"))
        numbers = np.array(there, np.int64)[sound]
        is_possible = _are_possible(inputs.contents, inputs.content[numbers], targets, family, labels)
        kept = np.flatnonzero(is_possible & ~((scores < 0) | (scores > 1)))
        return numbers[kept], targets.take(kept), scores[kept]

    def keep(self, keys: Sequence[bytes], decoded: Decoded) -> None:
        """Store the predictions with those keys, but not where scores are not finite."""
        finite = np.flatnonzero(decoded.finite)
        scores = None if decoded.score is None else decoded.score[finite]
        made = written(decoded.targets.take(finite), scores)
        rows = zip([keys[index] for index in finite.tolist()], made, strict=True)
        self.cache.put(KIND, dict(rows))

    def margin_keys(self, inputs: Inputs, settings: str, golds: Sequence[str]) -> list[bytes]:
        """The key of each input's margin, which depends on `settings`; `golds` are the gold answers of its contents."""
        keys = keys_of(inputs.contents, f"{MARGINS} {settings} {self.settings}", self.languages)
        whole = [key[:_SAME_BYTES] + _digest(key + _utf8(gold)) for key, gold in zip(keys, golds, strict=True)]
        return [whole[content] for content in inputs.content.tolist()]

    def known_margins(self, keys: Sequence[bytes]) -> tuple[Array, Array]:
        """The inputs whose margins the cache has, by their numbers among the keys (k,) int64, and these (k,) int64."""
        cached = self.cache.get(MARGINS, keys)
        there = [index for index, key in enumerate(keys) if len(cached.get(key, b"")) == _MARGIN]
        margins = [int.from_bytes(cached[keys[index]], "little", signed=True) for index in there]
        return np.array(there, np.int64), np.array(margins, np.int64)

    def keep_margins(self, keys: Sequence[bytes], finite: Array, margins: Array) -> None:
        """Store the margins with those keys, but not where scores are not finite (k,) bool."""
        values = [value.to_bytes(_MARGIN, "little", signed=True) for value in margins.tolist()]
        self.cache.put(MARGINS, {keys[index]: values[index] for index in np.flatnonzero(finite).tolist()})


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def settings(model: Located, task: TaskSpec, inference: str, device: str) -> str:
    """Everything but the inputs that a model's predictions for a task depend on."""
    answering = model.first_identity or model.identity
    if not model.origin.native and not model.origin.function:  # without the run's other heads
        heads = {model.head: model.labels} if model.head else {}
        answering = identity(model.folder.iterdir(), model.config, heads, model.run / "heads")
    return json.dumps(
        {
            "inference": [INFERENCE, _code()],
            "model": [answering, model.head, model.family, *model.labels],
            "settings": [task.family, inference],
            "device": device,
            "libraries": _versions(),
        }
    )


@functools.cache
def _versions() -> tuple[str, ...]:
    """The versions of the libraries that compute: each is read from a file of its package."""
    return tuple(map(importlib.metadata.version, ("torch", "transformers", "tokenizers", "numpy")))


@functools.cache
def _code() -> str:
    """The hash of the source that encodes, computes and decodes."""
    state = hashlib.blake2b(digest_size=_KEY_BYTES)
    for path in sorted(Path(models.__file__ or "").parent.rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


def keys_of(contents: Contents, what: str, languages: tuple[str, ...] = ()) -> Iterator[bytes]:
    """The key of each content; `what` is what a prediction depends on besides; with the languages, its first bytes."""
    start = _digest(_utf8(what))
    same = _digest(start + _utf8(" ".join(languages)))[:_SAME_BYTES]
    begun = hashlib.blake2b(start, digest_size=_KEY_BYTES)
    for row in zip(*(_parts(contents, name) for name in contents.values), strict=True):
        state = begun.copy()
        state.update(b"".join(row))
        yield same + state.digest()


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_KEY_BYTES).digest()


def _parts(contents: Contents, name: str) -> Iterator[bytes]:
    """What is read of a field in each content: its name, its text, and the bounds of words; answers' spans are gold."""
    table = NO_SPANS if contents.golds is not None else contents.spans[name]
    words = np.stack((table.start, table.stop), axis=1).astype("<i8")
    bounds = np.searchsorted(table.text, np.arange(len(contents) + 1)) * words.strides[0]
    field, ends, texts = _length(len(name.encode())) + name.encode(), words.tobytes(), _Texts()
    for value, (low, high) in zip(contents.values[name], pairwise(bounds.tolist()), strict=True):
        if value is None:
            yield b""
        else:
            text = texts[value] if len(value) > _LONG else _length(len(utf8 := _utf8(value))) + utf8
            yield b"".join((field, text, _length(high - low), ends[low:high]))


class _Texts(dict[str, bytes]):
    """What is hashed of long texts, each of which several inputs can have: a length that no text has, and a digest."""

    def __missing__(self, text: str) -> bytes:
        utf8 = _utf8(text)
        self[text] = _length(_NO_LENGTH + len(utf8)) + _digest(utf8)
        return self[text]


_length: Final = struct.Struct("<Q").pack


def written(targets: TargetColumn, scores: Array | None = None) -> Iterator[bytes]:
    """Predictions as JSON, each with its type, and with its score where there are scores."""
    other = "Answers" if isinstance(targets, Ranges) else "Choice"
    kind = targets.kind.__name__ if isinstance(targets, Names) else other
    ends = (
        ("" for _ in range(len(targets))) if scores is None else (f', "score": {score!r}' for score in scores.tolist())
    )
    return (f'{{"{kind}": {text}{end}}}'.encode() for text, end in zip(columns.written(targets), ends, strict=True))


def read(texts: Sequence[bytes], kind: str) -> tuple[list[int], TargetColumn, Array]:
    """Which texts encode predictions of a kind, the predictions, and their scores (NaN where there is none)."""
    rows = [_value(text) for text in texts]
    sound = [index for index, row in enumerate(rows) if row and row[0] == kind]
    values, scores = ([row[at] for row in rows if row and row[0] == kind] for at in (1, 2))
    return sound, _column(kind, values), np.array(scores, np.float64)


def _are_possible(contents: Contents, content: Array, targets: TargetColumn, family: str, labels: Labels) -> Array:
    """Which targets (k,) an input can have that reads `content` (k,): a choice of its own, its tags, or its answer."""
    match targets:
        case Choices(index):
            names = choices_of(contents) if family == CHOICE.name else []
            of_item = [[value is not None for value in contents.values[name]] for name in names]
            count = np.sum(of_item, axis=0) if names else np.full(len(contents), len(labels))
            return np.asarray((index >= 0) & (index < count[content]))
        case Names(kind, names, codes, bounds) if kind is Document:
            known, is_full = frozenset(labels), np.ones(len(targets), np.bool_)
            wrong = ~np.array([name in known for name in names], np.bool_)[codes]
        case Names(_, names, codes, bounds):
            words = [np.bincount(spans.text, minlength=len(contents))[content] for spans in contents.spans.values()]
            is_full = (np.diff(bounds) == words).all(0)
            wrong = ~np.array([name in labels for name in names], np.bool_)[codes]
        case Ranges(start, stop, bounds):
            lengths = np.array([len(text or "") for text in contents.values.get("context", ())], np.int64)
            is_full = np.diff(bounds) <= 1
            wrong = (start < 0) | (start >= stop) | (stop > np.repeat(lengths[content], np.diff(bounds)))
    return np.asarray(is_full & (np.diff(np.append(0, np.cumsum(wrong))[bounds]) == 0))


def _value(text: bytes) -> tuple[str, Any, float] | None:
    """The kind, the value and the score of a prediction; None where the text is not one."""
    try:
        (kind, value), *others = json.loads(text).items()
        score = float(dict(others).get("score", "nan"))
        match kind, value:
            case "Choice", int():
                sound = type(value) is int and abs(value) < _NO_LENGTH
            case "Tags" | "Document", list():
                sound = all(isinstance(name, str) for name in value)
            case "Answers", list():
                sound = all(
                    type(end) is int and abs(end) < _NO_LENGTH for start, stop in value for end in (start, stop)
                )
            case _:
                sound = False
        return (kind, value, score) if sound else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _column(kind: str, values: Sequence[Any]) -> TargetColumn:
    if kind == "Choice":
        return Choices(np.array(values, np.int64))
    bounds = bounds_of(np.fromiter(map(len, values), np.int64, len(values)))
    flat = list(chain.from_iterable(values))
    if kind == "Answers":
        ends = np.array(flat, np.int64).reshape(-1, 2)
        return Ranges(ends[:, 0], ends[:, 1], bounds)
    names = {name: number for number, name in enumerate(dict.fromkeys(flat))}
    codes = np.fromiter(map(names.__getitem__, flat), np.int32, len(flat))
    return Names(Tags if kind == "Tags" else Document, tuple(names), codes, bounds)
