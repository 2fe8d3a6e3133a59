"""SQuAD's JSON, an article at a time: questions and contexts are noised, answers and sentences move along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.files._answers import Edits, Place, answers, breaks, moved, moved_breaks, spans
from robust_xtreme.files._json import Node, dumped, items, parse, string
from robust_xtreme.files._record import Done, Options, Record, Slot, kept, spliced
from robust_xtreme.files._source import Source
from robust_xtreme.files._stream import Document, members

FIELDS: Final = ("question", "context")
"""What can be noised; the first is noised where nothing is said."""

FAMILY: Final = "span_qa"

_DATA: Final = "data"
_OTHER: Final = "this is not SQuAD's format."


def read(source: Source, options: Options) -> Iterator[Record]:
    """A record for each article of `data`, and records without texts for what stands around them. Raises DataError."""
    document = Document(source)
    yield kept(document.space() + document.mark("{"))
    found = False
    for before, key in members(document):
        yield kept(before)
        line = document.line
        if key == _DATA and not found:
            found = True
            yield from _articles(document, source.path, options)
        elif key is not None:
            if key == _DATA:
                raise DataError(source.path, "the key 'data' stands twice.", line)
            value = document.value()
            parse(value, source.path, line)
            yield kept(value)
    yield kept(document.mark("}") + document.space())
    if document.next():
        raise document.broken("expected nothing more")
    if not found:
        raise DataError(source.path, f"has no list 'data'; {_OTHER}")


def _articles(document: Document, path: str, options: Options) -> Iterator[Record]:
    yield kept(document.mark("[") + document.space())
    number = 0
    while document.next() != "]":
        line = document.line
        raw = document.value()
        yield _article(raw, parse(raw, path, line), (path, f"data[{number}]"), options)
        number += 1
        after = document.space()
        if document.next() != "]":
            after += document.mark(",") + document.space()
            if document.next() == "]":
                raise document.broken("expected an article")
        yield kept(after)
    yield kept(document.mark("]"))


@final
@dataclass(frozen=True, slots=True)
class _Passage:
    """A context, its questions with the names of their rows, what stands in it, and its sentences."""

    node: Node
    context: str
    questions: tuple[tuple[Node, str, str], ...]
    answers: tuple[Place, ...]
    breaks: tuple[Place, ...]

    def slots(self, options: Options) -> Iterator[Slot]:
        """The context and the questions that are asked for."""
        if "context" in options.fields:
            name = self.questions[0][2] if self.questions else ""
            yield Slot("context", name, self.context, spans(self.answers))
        if "question" in options.fields:
            for _, asked, name in self.questions:
                yield Slot("question", name, asked)

    def edits(self, done: Sequence[Done], text: str) -> Edits:
        """How the passage is written: `done` are what became of its slots."""
        edits: Edits = {}
        rest = list(done)
        if rest and rest[0].slot.field == "context":
            context = rest.pop(0)
            node = self.node.value["context"]
            edits[node.range()] = dumped(context.value, node, text)
            edits |= moved(self.answers, context, text) | moved_breaks(self.node, self.breaks, context, text)
        for (node, _, _), one in zip(self.questions, rest, strict=False):
            asked = node.value["question"]
            edits[asked.range()] = dumped(one.value, asked, text)
        return edits


def _article(raw: str, node: Node, place: tuple[str, str], options: Options) -> Record:
    passages = tuple(_passages(node, *place))
    slots = tuple(tuple(passage.slots(options)) for passage in passages)

    def write(done: Sequence[Done]) -> str:
        edits: Edits = {}
        rest = list(done)
        for passage, own in zip(passages, slots, strict=True):
            edits |= passage.edits(rest[: len(own)], raw)
            del rest[: len(own)]
        return spliced(raw, edits)

    return Record(tuple(slot for own in slots for slot in own), write, len(raw))


def _passages(article: Node, path: str, name: str) -> Iterator[_Passage]:
    if article.get("paragraphs") is None and article.get("context") is not None:
        yield _passage(article, (article,), (name,), path)
        return
    for place, node in enumerate(_list(article, "paragraphs", f"{path}: {name}")):
        own = f"{name}.paragraphs[{place}]"
        asked = tuple(_list(node, "qas", f"{path}: {own}"))
        yield _passage(node, asked, tuple(f"{own}.qas[{number}]" for number in range(len(asked))), path)


def _list(node: Node, key: str, place: str) -> list[Node]:
    found = node.get(key)
    if found is None or not isinstance(found.value, list):
        raise DataError(place, f"expected {key!r} to be a list; {_OTHER}")
    return items(found)


def _passage(node: Node, asked: Sequence[Node], names: Sequence[str], path: str) -> _Passage:
    place = f"{path}: {names[0].rpartition('.qas')[0] or names[0]}" if names else path
    context = string(node.get("context"), "context", place)
    questions, found = [], []
    for one, name in zip(asked, names, strict=True):
        native = string(one.get("id"), "id", f"{path}: {name}")
        here = f"{path}: question {native!r}"
        questions.append((one, string(one.get("question"), "question", here), f"{name}: question {native!r}"))
        found += answers(one, context, here)
    return _Passage(node, context, tuple(questions), tuple(found), tuple(breaks(node, context, place)))
