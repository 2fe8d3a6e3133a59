"""The data types of evaluation: Span, Text, Corpus, Target, Example, Scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final

DIGEST_BYTES: Final = 8
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points of a text; a frozen one is never edited."""

    start: int
    stop: int
    label: str | None = None
    frozen: bool = False


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A string with its spans; its noise depends on its id and language."""

    id: str
    language: str
    value: str
    spans: tuple[Span, ...] = ()

    def at(self, span: Span) -> str:
        """The substring that a span covers."""
        return self.value[span.start : span.stop]

    def pieces(self, words: bool) -> list[str]:
        """What is tokenised separately: each word (span), or the whole text."""
        return [self.at(span) for span in self.spans] if words else [self.value]


@final
@dataclass(frozen=True, slots=True)
class Corpus:
    """A retrieval pool, which is perturbed once per condition.

    `answers` maps the key that is the target of a query to the ids of the texts that are right. `unscored` contains ids
    of texts and of queries that are searched with the others, but whose pairs are not counted. `passages` has where the
    passage begins in a text that is a sentence with its passage after it. `identity` is the hash of the texts, whatever
    their order.
    """

    id: str
    texts: tuple[Text, ...]
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unscored: frozenset[str] = frozenset()
    passages: Mapping[str, int] = field(default_factory=dict)
    identity: str = field(default="")

    def __post_init__(self) -> None:
        if not self.identity:
            rows = sorted((text.id, text.language, text.value) for text in self.texts)
            object.__setattr__(self, "identity", digest(*(part for row in rows for part in row)))


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """The index of a task's label or of an example's choice."""

    index: int


UNLABELLED: Final = Choice(-1)
"""The target of an example without a label."""


@final
@dataclass(frozen=True, slots=True)
class Tags:
    """One tag per span of the text."""

    names: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Answers:
    """Spans of the context; empty where there is no answer."""

    spans: tuple[Span, ...]


@final
@dataclass(frozen=True, slots=True)
class Document:
    """Ids of documents of a corpus: the right ones, or the retrieved ones with the best first."""

    ids: tuple[str, ...]


NO_ANSWER: Final = "no_answer"
"""The label of a head for spans that can predict that there is no answer."""

Target = Choice | Tags | Answers | Document


def digest(*parts: str) -> str:
    """A short, stable hash of a sequence of strings (16 hex digits; blake2b, length-prefixed)."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def target_json(target: Target) -> str:
    """A target or prediction as a JSON string: an index, a list of tags, of [start, stop], of ids."""
    match target:
        case Choice(index):
            value: object = index
        case Tags(names):
            value = list(names)
        case Answers(spans):
            value = [[span.start, span.stop] for span in spans]
        case Document(ids):
            value = list(ids)
    return _JSON.encode(value)


def fingerprint(texts: Mapping[str, Text], target: Target) -> str:
    """The hash of all fields and the target of an example."""
    flat = [part for name in sorted(texts) for part in (name, texts[name].language, texts[name].value)]
    return digest(*flat, target_json(target))


@final
@dataclass(frozen=True, slots=True)
class Example:
    """One item of a task: fields of text, the gold target, and the cluster it is resampled with.

    `texts` maps a field's name (`premise`, `context`, `tokens`) to its Text. Spans of an `Answers` target are
    positions in the text `context`, and are among that text's spans too, so that noise moves them.
    """

    id: str
    texts: Mapping[str, Text]
    target: Target
    cluster: str
    fingerprint: str = field(default="")

    def __post_init__(self) -> None:
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", fingerprint(self.texts, self.target))


@final
@dataclass(frozen=True, slots=True)
class Scored:
    """An example as metrics see it: its clean and its perturbed form, each with the gold target, and the prediction.

    `prediction` is in the coordinates of `perturbed`; `restored` is the same prediction mapped back through the
    edits to the coordinates of `clean` (equal to `prediction` but for spans of text). `retuned` is the prediction with
    a threshold that is tuned again for the condition; None where the task does not tune one.
    """

    clean: Example
    perturbed: Example
    prediction: Target
    restored: Target
    retuned: Target | None = None
