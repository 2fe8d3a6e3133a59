"""Datasets of the hub: their commits, and their rows as the values that the readers of release files yield."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import HubFiles, HubRow
from robust_xtreme.tasks.formats import index_of, number_of
from robust_xtreme.tasks.formats.commonsense_jsonl import LETTERS, five
from robust_xtreme.tasks.formats.cosmos_csv import asked
from robust_xtreme.tasks.formats.hellaswag_jsonl import completed
from robust_xtreme.tasks.formats.squad import span

_T = TypeVar("_T")


COMMITS: Final = {
    "Rowan/hellaswag": "218ec52e09a7e7462a5400043bb9a69a41d06b76",
    "allenai/cosmos_qa": "ed50fe83db62b355759053b1cd5eef344ee371e0",
    "allenai/social_i_qa": "537a2ec8ec565adc0b70b70752893e59e024df26",
    "aps/super_glue": "3de24cf8022e94f4ee4b9d55a6f539891524d646",
    "cambridgeltl/xcopa": "042f78955ba48e6404616762fa6e05e839c3907a",
    "facebook/anli": "8e4813d81f46d313dac7892e1c28076917cfcdf9",
    "facebook/xnli": "b8dd5d7af51114dbda02c0e3f6133f332186418e",
    "google-research-datasets/paws-x": "4cd8187c404bda33cb1f62b49b001115862acf37",
    "google-research-datasets/tydiqa": "da78f23f9119363459acbaf46bf89426ff26c259",
    "google/xquad": "51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
    "google/xtreme": "ec5f1f46e9af79639a90684a7a70a956c4998f04",
    "mteb/tatoeba-bitext-mining": "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
    "nala-cub/americas_nli": "668b53909c205ece201487394833a36ebab47245",
    "nyu-mll/glue": "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    "nyu-mll/multi_nli": "da70db2af9d09693783c3320c4249840212ee221",
    "rajpurkar/squad": "7b6d24c440a36b6815f21b70d25016731768db1f",
    "rajpurkar/squad_v2": "3ffb306f725f7d2ce8394bc1873b24868140c412",
    "stanfordnlp/snli": "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
    "tau/commonsense_qa": "94630fe30dad47192a8546eb75f094926d47e155",
    "unimelb-nlp/wikiann": "f0a3be6dc5564c0cc4150bb660144800a1f539d4",
}
"""The commit of each dataset on the hub: docs/decisions/tasks.md#hub-commits says where it was seen."""


def pinned(
    repo: str,
    config: str,
    splits: Iterable[str],
    values: HubRow,
    *,
    ids: str = "ordinal",
    starts: tuple[str, str] | None = None,
    codes: Mapping[str, str] | None = None,
    files: str = "",
    parts: int = 1,
) -> dict[str, HubFiles]:
    """Splits at the commit of COMMITS, in files `CONFIG/SPLIT-*.parquet`, or `files`, which contains `{split}`."""
    paths = {split: (files or f"{config}/{{split}}-*.parquet").replace("{split}", split) for split in splits}
    return {
        split: HubFiles(repo, COMMITS[repo], config, split, path, values, ids, starts, codes or {}, parts)
        for split, path in paths.items()
    }


def pair(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A pair of sentences: `premise`, `hypothesis` and `label`, None where there is no label."""
    first, second = _named(row, ("premise", "hypothesis"), location)
    return {"first": first, "second": second, "label": _label(row, location)}


def _label(row: Mapping[str, Any], location: str) -> str | None:
    return None if row.get("label") is None else value(row, "label", str, location)


def sentence(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A sentence of words: `tokens` and `ner_tags`."""
    words, tags = _texts(row, "tokens", location), _texts(row, "ner_tags", location)
    if len(words) != len(tags):
        raise DataError(location, f"has {counted(len(words), 'token')} and {counted(len(tags), 'tag')}.")
    return {"words": words, "tags": tags}


def question(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question in SQuAD's columns: `context`, `question` and `answers`, lists of `text` and `answer_start`.

    Where a copy lost the white space at the beginning of contexts and answers, the starts are moved by its length.
    """
    context, asked = _named(row, ("context", "question"), location)
    answers = value(row, "answers", dict, location)
    texts, starts = value(answers, "text", list, location), value(answers, "answer_start", list, location)
    if len(texts) != len(starts):
        raise DataError(location, f"has {len(texts)} answers and {len(starts)} places of them.")
    if not all(isinstance(text, str) for text in texts) or not all(type(start) is int for start in starts):
        raise DataError(location, "expected 'answers' to have texts, and whole numbers as their places.")
    located = _spans(context, texts, starts)
    spans = [span(text, start, context, location) for text, start in zip(texts, located, strict=True)]
    return {"context": context, "question": asked, "answers": tuple(span for span in spans if span is not None)}


def _spans(context: str, texts: list[Any], starts: list[Any]) -> list[Any]:
    """The starts of the answers: as given, or all moved by the smallest number of characters that makes them fit."""
    for lead in range(65) if not context[:1].isspace() else ():
        moved = [_after(context, text, start - lead) for text, start in zip(texts, starts, strict=True)]
        if all(start >= 0 and context.startswith(text, start) for text, start in zip(texts, moved, strict=True)):
            return moved
    return starts


def _after(context: str, text: str, start: int) -> int:
    """The start itself, or the next one that is not white space, unless the answer begins with white space."""
    while 0 <= start < len(context) and context[start].isspace() and text and not text[0].isspace():
        start += 1
    return start


def sentences(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Two sentences: `sentence1`, `sentence2` and `label`, None where there is no label."""
    first, second = _named(row, ("sentence1", "sentence2"), location)
    return {"first": first.strip(), "second": second.strip(), "label": _label(row, location)}


def translation(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A sentence and its English translation: `sentence1` and `sentence2`."""
    return dict(zip(("sentence", "translation"), _named(row, ("sentence1", "sentence2"), location), strict=True))


def causal(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A premise with two choices: `premise`, `question`, `choice1`, `choice2` and `label`, a number or such a name."""
    label = row.get("label")
    label = _CAUSAL.index(label) if label in _CAUSAL else label
    if label is not None and (type(label) is not int or label not in (-1, 0, 1)):
        raise DataError(location, f"expected the column 'label' to contain 0 or 1, not {label!r:.80}.")
    premise, asked, *choices = _named(row, ("premise", "question", *_CAUSAL), location)
    return {"premise": premise, "question": asked, "choices": tuple(choices), "label": None if label == -1 else label}


_CAUSAL: Final = ("choice1", "choice2")


def _texts(row: Mapping[str, Any], key: str, location: str) -> tuple[str, ...]:
    values = value(row, key, list, location)
    if not all(isinstance(text, str) for text in values):
        raise DataError(location, f"expected the column {key!r} to contain texts, or labels with names.")
    return tuple(values)


def _named(row: Mapping[str, Any], keys: tuple[str, ...], location: str) -> list[str]:
    """The texts of some columns."""
    return [value(row, key, str, location) for key in keys]


def value(row: Mapping[str, Any], key: str, kind: type[_T], location: str) -> _T:
    """The value of a column, a text, a list or a structure. Raises DataError for another type."""
    given = row.get(key)
    if not isinstance(given, kind):
        raise DataError(location, f"expected the column {key!r} to contain {_KINDS[kind]}, not {given!r:.80}.")
    return given


_KINDS: Final[dict[type, str]] = {list: "a list", str: "a text (labels by their names)", dict: "a structure"}


def labelled_pair(row: Mapping[str, Any], location: str) -> dict[str, Any] | None:
    """A pair of sentences with its label; None where annotators did not agree on a label."""
    return None if row.get("label") is None else pair(row, location)


def questions(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Two questions: `question1`, `question2` and `label`, the name of a class."""
    first, second, label = _named(row, ("question1", "question2", "label"), location)
    return {"first": first.strip(), "second": second.strip(), "label": label}


def question_or_none(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question in SQuAD's columns; a question without an answer is marked as impossible."""
    values = question(row, location)
    return values if values["answers"] else {**values, "impossible": True}


def ending(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The beginning of a text and four endings: `ctx_a`, `ctx_b`, `endings` and `label`, a number as a text."""
    _named(row, ("ctx_a", "ctx_b"), location)
    value(row, "endings", list, location)
    return {**completed(row, location), "label": _index(row, 4, location)}


def passage(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question on a passage: `context`, `question`, `answer0` to `answer3` and `label`."""
    _named(row, ("context", "question", "answer0", "answer1", "answer2", "answer3"), location)
    return {**asked(row, location), "label": _index(row, 4, location)}


def commonsense(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question: `question`, `choices` with lists of `label` and `text`, and `answerKey`, one of A to E."""
    premise, _ = _named(row, ("question", "answerKey"), location)
    choices = row.get("choices")
    values = [choices.get(key) for key in ("label", "text")] if isinstance(choices, dict) else []
    lists = [value for value in values if isinstance(value, list) and all(isinstance(text, str) for text in value)]
    if len(lists) != 2 or len(lists[0]) != len(lists[1]):
        what = f"expected the column 'choices' to contain as many labels as texts, not {choices!r:.80}."
        raise DataError(location, what)
    label = index_of(row, "answerKey", LETTERS, location)
    return {"premise": premise, "choices": five(lists[0], lists[1], location), "label": label}


def situation(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question on a situation: `context`, `question`, `answerA` to `answerC` and `label`, a number from 1."""
    named = ("context", "question", "answerA", "answerB", "answerC")
    premise, question, *choices = _named(row, named, location)
    label = _index(row, len(choices) + 1, location)
    if not label:
        raise DataError(location, f"expected the column 'label' to contain a number from 1 to {len(choices)}, not 0.")
    return {"premise": premise, "question": question, "choices": tuple(choices), "label": label - 1}


def _index(row: Mapping[str, Any], count: int, location: str) -> int:
    """The number in the column `label`, or in its text. Raises DataError where it is not below `count`."""
    value = row.get("label")
    number = number_of(value) if isinstance(value, str) else value
    if type(number) is not int or not 0 <= number < count:
        raise DataError(location, f"expected the column 'label' to contain a number below {count}, not {value!r:.80}.")
    return number
