"""English training data in miniature, their translations, and a call that asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import RobustXtremeError, UserError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training.translated import Request, translated_examples

PAIRS = [
    ("Anna sleeps.", "Anna is awake.", "contradiction"),
    ("Anna sleeps.", "Anna rests.", "entailment"),
    ("It rains.", "The street is wet.", "neutral"),
    ("Ben  runs to Rome.", "Ben is in Oslo.", "contradiction"),
    ("Ben eats bread.", "Ben eats.", "entailment"),
]
GERMAN = [(f"{first} (de)", f"{second} (de)", label) for first, second, label in PAIRS]
CONTEXT = {
    "en": "Nyerere was born in Butiama. He read books.",
    "de": "In Butiama wurde Nyerere geboren. Er las Bücher.",
}
CAUSAL = {
    "premise": "It rained.",
    "choice1": "The street dried.",
    "choice2": "The street got wet.",
    "question": "effect",
    "label": 1,
    "idx": 0,
}


def task_of(name: str) -> TaskSpec:
    """A task of either kind."""
    kind = "task" if name in registry.names("task") else "intermediate"
    member: TaskSpec = registry.load(kind, name)
    return member


def write(path: Path, text: str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def lines(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of columns."""
    return "".join("\t".join(row) + "\n" for row in rows)


def squad(language: str, questions: Sequence[tuple[str, str]], starts: dict[str, int] | None = None) -> str:
    """A file of one paragraph: (id, answer) of each question, the answer's first place unless `starts` has another."""
    context = CONTEXT[language]
    asked = []
    for key, answer in questions:
        start = (starts or {}).get(key, context.index(answer))
        asked.append({"id": key, "question": f"{language}?", "answers": [{"text": answer, "answer_start": start}]})
    return json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": [{"context": context, "qas": asked}]}]})


def english_folder(folder: Path) -> Path:
    """A folder of English training data."""
    write(folder / "xnli" / "train-en.tsv", lines(PAIRS))
    write(folder / "squad" / "train-v1.1.json", squad("en", [("q1", "Butiama"), ("q2", "books"), ("q3", "Nyerere")]))
    write(
        folder / "pawsx" / "train-en.tsv", lines([(first, two, str(n % 2)) for n, (first, two, _) in enumerate(PAIRS)])
    )
    write(folder / "panx" / "train-en.tsv", "Anna\tB-PER\nsleeps\tO\n\nOslo\tB-LOC\n")
    write(folder / "xcopa" / "train-en.jsonl", json.dumps(CAUSAL) + "\n")
    return folder


class Asked:
    """A call of `translated_examples` with the usual arguments, and its messages."""

    def __init__(self, english: Path, keep: Path) -> None:
        self.folder, self.keep, self.messages = english, keep, list[str]()

    def english(self, task: str) -> tuple[Example, ...]:
        """The English training examples of a task."""
        return load(task_of(task), self.folder, "en", "train").examples

    def __call__(
        self, task: str, value: object, *codes: str, english: Sequence[Example] | None = None, offline: bool = True
    ) -> tuple[Example, ...]:
        """The examples in other languages."""
        source = self.english(task) if english is None else english
        rest: dict[str, Any] = {"offline": offline, "device": "cpu", "tell": self.messages.append, "keep": self.keep}
        return translated_examples(Request(task_of(task), str(value), codes or ("de",), tuple(source), **rest))


def line_of(call: Callable[[], object], kind: type[RobustXtremeError] = UserError) -> str:
    """The one line of an error."""
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def values(example: Example) -> dict[str, tuple[str, str]]:
    """The language and value of each field."""
    return {name: (text.language, text.value) for name, text in example.texts.items()}
