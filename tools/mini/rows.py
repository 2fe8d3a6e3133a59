"""Rows of each task as a suite has them, from what they mean, in a language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from tools.mini import causes, entities, mentions, nli, passages, statements, tags
from tools.mini.grammar import UNSPACED, placed, question, sentence, written
from tools.mini.meaning import Clause, Word

Row = Mapping[str, Any]


def text(language: str, clauses: Sequence[Clause]) -> str:
    """Clauses as running text."""
    return between(language).join(written(language, sentence(language, one)) for one in clauses)


def between(language: str) -> str:
    """What stands between sentences; Thai has no full stop, but a space."""
    return "" if language in UNSPACED and language != "th" else " "


def part_of(language: str, clauses: Sequence[Clause], place: int, part: str) -> tuple[int, int]:
    """Where a part of the clause at a place stands in the text of the clauses."""
    start, _ = spans(language, clauses)[place]
    found = []
    for piece, word in placed(language, sentence(language, clauses[place])):
        if word.part == part:
            found.append((start + len(piece) - len(word.text), start + len(piece)))
        start += len(piece)
    return found[0][0], found[-1][1]


def spans(language: str, clauses: Sequence[Clause]) -> list[tuple[int, int]]:
    """Where each clause stands in the text of the clauses."""
    found, start = [], 0
    for one in clauses:
        length = len(written(language, sentence(language, one)))
        found.append((start, start + length))
        start += length + len(between(language))
    return found


def nli_rows(language: str, several: Iterable[nli.Triple]) -> Iterator[Row]:
    """Three rows of each premise, in an order of their own."""
    for place, one in enumerate(several):
        labels = Random(f"{one.template}/{place}").sample(range(len(nli.LABELS)), len(nli.LABELS))
        for number, label in enumerate(labels):
            yield {
                "id": f"{place:04d}-{number}",
                "cluster": one.template,
                "premise": text(language, [one.premise]),
                "hypothesis": text(language, [one.hypotheses[label]]),
                "label": nli.LABELS[label],
            }


def entity_rows(language: str, several: Iterable[entities.Naming]) -> Iterator[Row]:
    """One row of each text, cut into words."""
    for place, one in enumerate(several):
        found = [pair for clause in one.clauses for pair in named(language, sentence(language, clause))]
        tokens, tags = zip(*found, strict=True)
        yield {"id": f"{place:04d}", "cluster": one.template, "tokens": list(tokens), "tags": list(tags)}


def passage_rows(language: str, several: Iterable[passages.Passage]) -> Iterator[Row]:
    """One row of each question on a passage."""
    for place, one in enumerate(several):
        context = text(language, one.clauses)
        for number, asked in enumerate(one.questions):
            yield {
                "id": f"{place:04d}-{number}",
                "cluster": one.template,
                "context": context,
                "question": written(language, question(language, asked.of(one.clauses), asked.asked)),
                "answers": [list(part_of(language, one.clauses, asked.place, asked.asked))],
            }


def answer_rows(language: str, several: Iterable[passages.Passage]) -> Iterator[Row]:
    """The same with the sentences of the passage, one of which answers the question."""
    for place, one in enumerate(several):
        sentences = [list(span) for span in spans(language, one.clauses)]
        for number, row in enumerate(passage_rows(language, [one])):
            yield {**row, "id": f"{place:04d}-{number}", "sentences": sentences}


def cause_rows(language: str, several: Iterable[causes.Story]) -> Iterator[Row]:
    """Two rows of each story: what was the cause, and what the effect."""
    for place, one in enumerate(several):
        draw = Random(f"choices/{one.template}/{place}")
        asked = list(zip(causes.QUESTIONS, one.right, one.wrong, strict=True))
        labels = draw.sample((0, 1), 2)
        for number, (label, (kind, right, wrong)) in enumerate(zip(labels, draw.sample(asked, 2), strict=True)):
            choices = (right, wrong) if label == 0 else (wrong, right)
            yield {
                "id": f"{place:04d}-{number}",
                "cluster": one.template,
                "premise": text(language, [one.premise]),
                "question": kind,
                "choices": [text(language, [choice]) for choice in choices],
                "label": label,
            }


def tagged_rows(language: str, several: Iterable[statements.Statement]) -> Iterator[Row]:
    """One row of each statement: its words with their parts of speech."""
    for place, one in enumerate(several):
        words, kinds = zip(*tags.tagged(language, one.clause), strict=True)
        yield {"id": f"{place:04d}", "cluster": one.template, "tokens": list(words), "tags": list(kinds)}


def translated_rows(language: str, several: Iterable[statements.Statement]) -> Iterator[Row]:
    """One row of each statement: in the language, and in English."""
    for place, one in enumerate(several):
        yield {
            "id": f"{place:04d}",
            "cluster": one.template,
            "sentence": text(language, [one.clause]),
            "translation": text("en", [one.clause]),
        }


def mention_rows(language: str, several: Iterable[mentions.Mention], variant: str = "") -> Iterator[Row]:
    """One row of each mention, with the text on both sides; `variant` is put behind the entity's id."""
    for place, one in enumerate(several):
        whole = text(language, one.clauses)
        start, stop = part_of(language, one.clauses, one.place, one.part)
        yield {
            "id": f"{place:04d}",
            "cluster": one.template,
            "mention": whole[start:stop],
            "left": whole[:start],
            "right": whole[stop:],
            "entity": f"{one.entity}{variant}",
        }


def entity_row(one: mentions.Entity, language: str, variant: str = "") -> Row:
    """The row of an entity in the pool, described in a language."""
    id = f"{one.id}{variant}"
    return {"id": id, "cluster": id, "language": language.partition("/")[0], "text": text(language, one.facts)}


def named(language: str, words: Sequence[Word]) -> list[tuple[str, str]]:
    """Written words with their tags: endings belong to the word before them, marks stand by themselves."""
    groups: list[list[Word]] = []
    for word in words:
        letters = groups and _lettered(word) and _lettered(groups[-1][-1])
        if letters and word.bound and language not in UNSPACED:
            groups[-1].append(word)
        else:
            groups.append([word])
    found, before = [], ("", "")
    for group in groups:
        here = next(((one.name, one.part) for one in group if one.name), ("", ""))
        tag = "O" if not here[0] else f"{'I' if here == before else 'B'}-{here[0]}"
        found.append(("".join(one.text for one in group), tag))
        before = here
    return found


def _lettered(word: Word) -> bool:
    """Whether a word is more than a mark."""
    return any(map(str.isalnum, word.text))
