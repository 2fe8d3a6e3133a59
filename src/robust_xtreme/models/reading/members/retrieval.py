"""Retrieval: queries and candidates are a window each; the nearest candidates are searched for by other code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.reading.reading import Contents, Reading
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, framed, joined, layout_of

QUERY: Final = "query"
FIELDS: Final = (QUERY, CANDIDATE)


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer with its activation: the file of its weights, and the numbers that it reads and gives."""

    weights: Path
    reads: int
    gives: int
    bias: bool
    activation: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before the queries and the candidates of a task; with `lower` all letters are read as small ones."""

    query: str = ""
    candidate: str = ""
    lower: bool = False

    def before(self, name: str, values: Sequence[str]) -> list[str]:
        """The texts of a field as the model reads them."""
        prompt = self.candidate if name == CANDIDATE else self.query
        texts = [prompt + value for value in values]
        return [text.lower() for text in texts] if self.lower else texts

    def __str__(self) -> str:
        named = (("query_prompt", self.query), ("document_prompt", self.candidate))
        return " ".join(f"{name}={json_text(prompt)}" for name, prompt in named if prompt)


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """What sentence-transformers does to the states of tokens: `modes` of pooling, then `steps`; None is Normalize.

    `width` counts the numbers of a vector, of which `dims` are kept (0: all); texts are cut to `most` tokens (None:
    unknown). Vectors are compared by their cosines, else by dot products. `prompts` are the folder's own by name.
    """

    modes: tuple[str, ...]
    steps: tuple[Dense | None, ...]
    width: int
    most: int | None
    cosine: bool = True
    dims: int = 0
    lower: bool = False
    prompts: Mapping[str, str | None] = field(default_factory=dict)

    def __str__(self) -> str:
        steps = ("normalize" if it is None else f"dense:{it.gives}:{it.activation.lower()}" for it in self.steps)
        return ",".join(("+".join(self.modes), *steps, *(() if self.cosine else ("dot",))))


@dataclass(frozen=True, slots=True, eq=False)
class TextLayouts:
    """The texts of w windows: the number `field` (w,) of each one's field in FIELDS, and its tokens between the special
    tokens, `count` (w,) from `first` (w,) on."""

    field: Array
    first: Array
    count: Array

    def take(self, rows: Array) -> TextLayouts:
        """The texts of windows by row (k,)."""
        return TextLayouts(self.field[rows], self.first[rows], self.count[rows])


def text_windows(texts: Sequence[str], tokenizer: Tokenizer, max_length: int, known: Lexicon | None = None) -> Windows:
    """One window for each text, which is cut to `max_length` tokens; texts are not read again where all are known."""
    lexicon = known if known and known.contains(texts) else Lexicon(tokenizer.backend)
    numbers = lexicon.numbers(texts)
    return _windows(numbers, np.arange(len(texts)), QUERY, tokenizer, lexicon, max_length)


def _windows(
    numbers: Array, examples: Array, field: str, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int
) -> Windows:
    frame, tokens = tokenizer.frame, lexicon.tokens
    count = np.minimum(tokens.lengths[numbers], frame.room(1, max_length))
    alike = np.full(len(numbers), FIELDS.index(field)), np.full(len(numbers), len(frame.single[0]))
    return framed(frame, tokens, (numbers,), max_length, examples, TextLayouts(*alike, count))


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """A window for the query, and after it one for the candidate where the content has one, each with its length."""
    lengths, absent = {QUERY: max_length, CANDIDATE: candidate_length or max_length}, [None] * len(contents)
    several = list[Windows]()
    for name, length in lengths.items():
        numbers = lexicon.numbers(contents.values.get(name, absent))
        there = np.flatnonzero(numbers >= 0)
        if name == QUERY and len(there) < len(contents):
            worst = int((numbers < 0).argmax())
            have = ", ".join(name for name, values in contents.values.items() if values[worst] is not None)
            raise ModelError(f"{contents.ids[worst]} has the fields {have}, but not {QUERY}.")
        several.append(_windows(numbers[there], there, name, tokenizer, lexicon, length))
    return _in_turn(several)


def _in_turn(several: Sequence[Windows]) -> Windows:
    """The windows of each field in turn, in the order of their examples."""
    whole, layouts = joined(several), [layout_of(windows, TextLayouts) for windows in several]
    columns = (np.concatenate([getattr(each, name) for each in layouts]) for name in ("field", "first", "count"))
    return replace(whole, layout=TextLayouts(*columns)).take(np.argsort(whole.example, kind="stable"))


def _no_answer(*_: object) -> NoReturn:
    raise ModelError("A query's vector is not an answer by itself; the nearest candidates are searched for.")


retrieval = Reading(_encode, _no_answer, _no_answer)
