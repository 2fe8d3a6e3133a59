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
    return between(language).join(written(language, sentence(language, clause)) for clause in clauses)


def between(language: str) -> str:
    """The text between sentences; Thai has no full stop, but a space."""
    return "" if language in UNSPACED and language != "th" else " "


def part_of(language: str, clauses: Sequence[Clause], index: int, part: str) -> tuple[int, int]:
    """The range of a part of the clause at an index in the text of the clauses."""
    start, _ = spans(language, clauses)[index]
    bounds = []
    for piece, word in placed(language, sentence(language, clauses[index])):
        if word.part == part:
            bounds.append((start + len(piece) - len(word.text), start + len(piece)))
        start += len(piece)
    return bounds[0][0], bounds[-1][1]


def spans(language: str, clauses: Sequence[Clause]) -> list[tuple[int, int]]:
    """The range of each clause in the text of the clauses."""
    bounds, start = [], 0
    for clause in clauses:
        length = len(written(language, sentence(language, clause)))
        bounds.append((start, start + length))
        start += length + len(between(language))
    return bounds


def nli_rows(language: str, several: Iterable[nli.Triple]) -> Iterator[Row]:
    """Three rows of each premise, in an order of their own."""
    for index, triple in enumerate(several):
        labels = Random(f"{triple.template}/{index}").sample(range(len(nli.LABELS)), len(nli.LABELS))
        for number, label in enumerate(labels):
            yield {
                "id": f"{index:04d}-{number}",
                "cluster": triple.template,
                "premise": text(language, [triple.premise]),
                "hypothesis": text(language, [triple.hypotheses[label]]),
                "label": nli.LABELS[label],
            }


def entity_rows(language: str, several: Iterable[entities.Naming]) -> Iterator[Row]:
    """One row of each text, cut into words."""
    for index, naming in enumerate(several):
        pairs = [pair for clause in naming.clauses for pair in named(language, sentence(language, clause))]
        tokens, tags = zip(*pairs, strict=True)
        yield {"id": f"{index:04d}", "cluster": naming.template, "tokens": list(tokens), "tags": list(tags)}


def passage_rows(language: str, several: Iterable[passages.Passage]) -> Iterator[Row]:
    """One row of each question on a passage."""
    for index, passage in enumerate(several):
        context = text(language, passage.clauses)
        for number, asked in enumerate(passage.questions):
            yield {
                "id": f"{index:04d}-{number}",
                "cluster": passage.template,
                "context": context,
                "question": written(language, question(language, asked.of(passage.clauses), asked.asked)),
                "answers": [list(part_of(language, passage.clauses, asked.index, asked.asked))],
            }


def answer_rows(language: str, several: Iterable[passages.Passage]) -> Iterator[Row]:
    """The same with the sentences of the passage, one of which answers the question."""
    for index, passage in enumerate(several):
        sentences = [list(span) for span in spans(language, passage.clauses)]
        for number, row in enumerate(passage_rows(language, [passage])):
            yield {**row, "id": f"{index:04d}-{number}", "sentences": sentences}


def cause_rows(language: str, several: Iterable[causes.Story]) -> Iterator[Row]:
    """Two rows of each story: what was the cause, and what the effect."""
    for index, story in enumerate(several):
        draw = Random(f"choices/{story.template}/{index}")
        asked = list(zip(causes.QUESTIONS, story.right, story.wrong, strict=True))
        labels = draw.sample((0, 1), 2)
        for number, (label, (kind, right, wrong)) in enumerate(zip(labels, draw.sample(asked, 2), strict=True)):
            choices = (right, wrong) if label == 0 else (wrong, right)
            yield {
                "id": f"{index:04d}-{number}",
                "cluster": story.template,
                "premise": text(language, [story.premise]),
                "question": kind,
                "choices": [text(language, [choice]) for choice in choices],
                "label": label,
            }


def tagged_rows(language: str, several: Iterable[statements.Statement]) -> Iterator[Row]:
    """One row of each statement: its words with their parts of speech."""
    for index, statement in enumerate(several):
        words, kinds = zip(*tags.tagged(language, statement.clause), strict=True)
        yield {"id": f"{index:04d}", "cluster": statement.template, "tokens": list(words), "tags": list(kinds)}


def translated_rows(language: str, several: Iterable[statements.Statement]) -> Iterator[Row]:
    """One row of each statement: in the language, and in English."""
    for index, statement in enumerate(several):
        yield {
            "id": f"{index:04d}",
            "cluster": statement.template,
            "sentence": text(language, [statement.clause]),
            "translation": text("en", [statement.clause]),
        }


def mention_rows(language: str, several: Iterable[mentions.Mention], variant: str = "") -> Iterator[Row]:
    """One row of each mention, with the text on both sides; `variant` is appended to the entity's id."""
    for index, mention in enumerate(several):
        whole = text(language, mention.clauses)
        start, stop = part_of(language, mention.clauses, mention.index, mention.part)
        yield {
            "id": f"{index:04d}",
            "cluster": mention.template,
            "mention": whole[start:stop],
            "left": whole[:start],
            "right": whole[stop:],
            "entity": f"{mention.entity}{variant}",
        }


def entity_row(entity: mentions.Entity, language: str, variant: str = "") -> Row:
    """The row of an entity in the pool, described in a language."""
    id = f"{entity.id}{variant}"
    return {"id": id, "cluster": id, "language": language.partition("/")[0], "text": text(language, entity.facts)}


def named(language: str, words: Sequence[Word]) -> list[tuple[str, str]]:
    """Written words with their tags: endings belong to the word before them, marks are tokens by themselves."""
    groups: list[list[Word]] = []
    for word in words:
        letters = groups and _lettered(word) and _lettered(groups[-1][-1])
        if letters and word.bound and language not in UNSPACED:
            groups[-1].append(word)
        else:
            groups.append([word])
    tokens, before = [], ("", "")
    for group in groups:
        here = next(((word.name, word.part) for word in group if word.name), ("", ""))
        tag = "O" if not here[0] else f"{'I' if here == before else 'B'}-{here[0]}"
        tokens.append(("".join(word.text for word in group), tag))
        before = here
    return tokens


def _lettered(word: Word) -> bool:
    """Whether a word is more than a mark."""
    return any(map(str.isalnum, word.text))
